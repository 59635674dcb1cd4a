"""Numbers in the guide's prose that come from code and data: each is computed here and looked for.

Most have a test with their page, here or in guide/js/test/pages-*.test.js. These are the ones that
stand on many pages, and some that follow from what a figure computes. A changed constant makes the
number that it gives missing.
"""

import itertools
import json
import math
import random
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest

import running
from guide_pages import CASES, GUIDE, LADDER, ROOT
from microgpt.config import make_config
from microgpt.data import load_data

DOCS = list(load_data("names").docs)
BOS = "."
EXPERIMENTS = json.loads((GUIDE / "data" / "experiments.json").read_text(encoding="utf-8"))
UNSEEN = {rung["rung"]: rung["held_out"] for rung in LADDER["rungs"]}
LOSSES = {rung["rung"]: rung["losses"] for rung in LADDER["rungs"]}
CONFIG = make_config(vocab_size=27)
MLP = 27 * 16 + 64 * 16 + 27 * 64


@cache
def said(page: str) -> str:
    """The words of a page that are read, without its figures."""
    name = page if (running.PAGES / f"{page}.md").is_file() else f"learn/{page}"
    text = (running.PAGES / f"{name}.md").read_text(encoding="utf-8")
    return " ".join(running.FIGURE.sub(" ", text).split()).replace("−", "-")


def shuffled() -> list[str]:
    docs = list(DOCS)
    random.Random(42).shuffle(docs)
    return docs


def pairs(docs: list[str]) -> Counter[tuple[str, str]]:
    return Counter(pair for doc in docs for pair in zip(BOS + doc, doc + BOS, strict=True))


# ---------------------------------------------------------------- on many pages

EVERYWHERE: dict[str, tuple[str, str]] = {
    "parameters": (
        f"{CONFIG.parameters():,}",
        "index adam attention backward complete derivative language-model loop loss own-list "
        "questions scrubber surface three-d training two-hundred-lines",
    ),
    "parameters of rung 1": (f"{MLP:,}", "derivative mlp rung-1 gradient-check"),
    "passes to nudge rung 1": (f"{2 * MLP:,}", "derivative gradient-check"),
    "passes to nudge the GPT": (f"{2 * CONFIG.parameters():,}", "derivative backward"),
    "parameters at n_embd 32": (
        f"{make_config(vocab_size=27, n_embd=32).parameters():,}",
        "complete loop",
    ),
    "names": (f"{len(DOCS):,}", "complete counts gradient-descent language-model loop real"),
    "unseen names": (
        f"{len(DOCS) - CONFIG.steps:,}",
        "dataset inference loop loss progression rung-1 rung-3 rung-5",
    ),
    "names of the run": (
        f"{CONFIG.steps:,}",
        "adam complete counts dataset inference language-model loop loss progression run toy",
    ),
    "guessing": (f"{math.log(27):.2f}", "index loss complete loop break-it"),
    "guessing, to four places": (f"{math.log(27):.4f}", "loss"),
    "best pairs": (f"{LADDER['floors']['bigram']:.4f}", "loss"),
    "best pairs, to three places": (f"{LADDER['floors']['bigram']:.3f}", "loop rung-3"),
    "rung 0": (f"{UNSEEN[0]:.3f}", "loss inference rung-1 mlp"),
    "rung 5": (f"{UNSEEN[5]:.3f}", "loss inference loop questions rung-5"),
    "rung 3": (f"{UNSEEN[3]:.3f}", "rung-3"),
    "last loss of rung 0": (f"{LOSSES[0][-1]:.4f}", "loss"),
    "last loss of rung 5": (f"{LOSSES[5][-1]:.4f}", "loop training"),
    "first loss of rung 5": (f"{LOSSES[5][0]:.4f}", "two-hundred-lines"),
    "last hundred of rung 5": (f"{np.mean(LOSSES[5][-100:]):.3f}", "training"),
    "Adam's gain": (f"{UNSEEN[4] - UNSEEN[5]:.3f}", "adam"),
    "bits in a nat": (f"{1 / math.log(2):.2f}", "loss"),
    "least loss of eight seeds": (f"{min(EXPERIMENTS['runs']['default']['losses']):.3f}", "loop"),
    "largest of eight seeds": (f"{max(EXPERIMENTS['runs']['default']['losses']):.3f}", "loop"),
    "two seeds apart": (f"{EXPERIMENTS['chance']['two_seeds']:.3f}", "loop"),
    "two recipes apart": (f"{EXPERIMENTS['chance']['one_seed']:.3f}", "loop"),
}


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_number_of_many_pages_is_computed(name: str) -> None:
    number, pages = EVERYWHERE[name]
    assert [page for page in pages.split() if number not in said(page)] == []


# ---------------------------------------------------------------- what figures compute


def test_numbers_about_counts() -> None:
    all_pairs, table = pairs(DOCS), pairs(shuffled()[:1000])
    assert f"leave {27 * 27 - len(all_pairs)} cells empty" in said("counts")
    assert f"{27**3:,} cells" in said("counts")
    top, often = table.most_common(1)[0]
    assert top == ("n", BOS) and f"{often} fall into n → BOS" in said("counts")
    assert f"with {sum(table.values()):,} pairs counted" in said("counts")
    assert f"<p>{len(table)}. There are ten pairs" in said("counts")

    def loss(name: str, names: int) -> str:
        counted = pairs(shuffled()[:names])
        rows = Counter(a for (a, _), n in counted.items() for _ in range(n))
        steps = list(zip(BOS + name, name + BOS, strict=True))
        surprise = sum(-math.log((counted[a, b] + 1) / (rows[a] + 27)) for a, b in steps)
        return f"{surprise / len(steps):.2f}"

    assert f"After 1,000 names “ava” is at {loss('ava', 1000)}" in said("loss")
    assert f"{loss('zxq', 100)} after 100 and {loss('zxq', 1000)} after 1,000" in said("loss")


def test_numbers_about_one_step_downhill() -> None:
    w, b, x, target, rate = 0.5, 0.1, 2.0, 3.0, 0.01
    guess = w * x + b
    error = guess - target
    text = said("gradient-descent")
    assert f"The prediction is {guess:g} and the loss {error**2:.2f}" in text
    assert f"the gradients are {2 * error * x:g} for $w$ and {2 * error:g} for $b$" in text
    after = (w - rate * 2 * error * x) * x + b - rate * 2 * error
    assert f"learning rate of 0.01 the prediction is {after:.2f}" in text


def test_numbers_about_the_rows_of_letters() -> None:
    model = json.loads((ROOT / "data" / "model.json").read_text(encoding="utf-8"))
    rows = np.array(model["state_dict"]["wte"])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = rows @ rows.T
    letters = "abcdefghijklmnopqrstuvwxyz"
    text = said("embeddings")

    def nearest(letter: str) -> list[str]:
        row = near[letters.index(letter), :26]
        return [letters[i] for i in np.argsort(-row)[1:4]]

    assert "nearest to a are {}, {} and {}".format(*nearest("a")) in text
    assert "nearest to e are {}, {} and {}".format(*nearest("e")) in text
    assert "nearest to k are {}, {} and {}".format(*nearest("k")) in text
    assert f"{near[0, letters.index('o')]:.2f} between a and o" in text
    assert f"at most {near[26, :26].max():.2f} between BOS" in text


def test_numbers_about_the_toy() -> None:
    exact = CASES["pinned_b"]["row"]["probs"]
    assert ", ".join(f"{p:.3f}" for p in exact) in said("residuals")
    assert ", ".join(f"{p:.4f}" for p in exact) in said("worksheet")


def test_numbers_about_merged_letters() -> None:
    """Byte pair encoding on the list: begin with letters, merge the commonest pair, again."""
    words = Counter(tuple(doc) for doc in DOCS)
    merged, counts = [], []
    for _ in range(23):
        seen: Counter[tuple[str, str]] = Counter()
        for word, n in words.items():
            for pair in itertools.pairwise(word):
                seen[pair] += n
        (a, b), often = seen.most_common(1)[0]
        merged.append(a + b)
        counts.append(often)
        shorter: Counter[tuple[str, ...]] = Counter()
        for word, n in words.items():
            shorter[joined(word, a, b)] += n
        words = shorter
    text = said("real")
    assert f"“{merged[0]}”, which occurs in the names {counts[0]:,} times" in text
    named = [f"{pair} with {n:,}" for pair, n in zip(merged[1:4], counts[1:4], strict=True)]
    last = f"{merged[4]} with {counts[4]:,}"
    assert f"Then come {', '.join(named)} and {last}" in text
    mean = sum(len(word) * n for word, n in words.items()) / len(DOCS)
    letters = sum(map(len, DOCS)) / len(DOCS)
    assert f"a name has {mean:.2f} of them on average, where it had {letters:.2f}" in text


def joined(word: tuple[str, ...], a: str, b: str) -> tuple[str, ...]:
    out: list[str] = []
    for part in word:
        if out and out[-1] == a and part == b:
            out[-1] = a + b
        else:
            out.append(part)
    return tuple(out)


def test_numbers_about_sizes() -> None:
    text = said("parameters")
    gpt2 = 12 * (12 * 768**2 + 13 * 768) + (50257 + 1024) * 768 + 2 * 768
    assert f"{round(gpt2 / CONFIG.parameters()):,} times as many" in text
    mlp = 2 * 4 * CONFIG.n_embd**2
    assert (
        f"The MLP has {mlp:,} of them, {mlp / CONFIG.parameters():.0%}".replace("%", " %") in text
    )
    assert f"{round(math.exp(1), 1)} times" in said("temperature")
    assert f"$e^2 = {math.exp(2):.1f}$" in said("temperature")


def test_numbers_about_the_graph_of_the_first_name() -> None:
    edges, values = graph_of_the_first_name()
    assert f"a graph of {values:,} numbers with {edges:,} edges" in said("backward")
    assert f"about {round(values, -3):,} small objects" in said("graph")


def graph_of_the_first_name() -> tuple[int, int]:
    """Edges and numbers below the loss of the first name of the run, in the scalar program."""
    from microgpt import model
    from microgpt.autograd import Value

    rng = random.Random(1)
    weights = {
        name: [[Value(rng.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]
        for name, (rows, columns) in CONFIG.shapes().items()
    }
    tokens = [26, *(ord(letter) - 97 for letter in shuffled()[0]), 26]
    loss: Any = model.document_loss(tokens, weights, CONFIG, None)[0] / (len(tokens) - 1)
    seen, left, edges = {id(loss)}, [loss], 0
    while left:
        children = left.pop().children
        edges += len(children)
        for child in children:
            if id(child) not in seen:
                seen.add(id(child))
                left.append(child)
    return edges, len(seen)
