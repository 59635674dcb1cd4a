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
from ladder_runner import run_rung
from microgpt.assignment.grading.cases import NAMES as REAL_NAMES
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.evaluation import mean_loss
from microgpt.training import Trainer

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


# ---------------------------------------------------------------- what a run gives


@cache
def after_training(preset: str = "final", unseen: int | None = None, **changes: Any) -> float:
    """The loss on names that a run of this recipe never reaches, of the first so many or of all."""
    config = make_config(preset, **changes)
    trainer = Trainer(config, load_data("names"), eval_every=0, eval_docs=1)
    for _ in trainer.events():  # what happens on the way isn't needed
        pass
    last = None if unseen is None else config.steps + unseen
    found = mean_loss(trainer.engine, trainer.docs[config.steps : last], trainer.tokenizer)[0]
    trainer.close()
    return found


def test_one_head_and_four_on_the_first_unseen_names() -> None:
    plain = {"optimizer": "sgd", "lr": 0.1}
    one = f"{after_training(unseen=5000, n_head=1, **plain):.4f}"
    four = f"{after_training(unseen=5000, **plain):.4f}"
    assert f"first 5,000 of those and has {one}" in said("rung-3")
    assert f"it is {one} for one head and {four} for four" in said("rung-4")
    assert f"| the first 5,000 of them | {one} | {four} |" in said("heads")


def test_numbers_about_the_early_recipe() -> None:
    early = make_config("early")
    learned = after_training("early")
    assert f"with {early.parameters():,}" in said("errata")
    assert f"mean loss on unseen names is {learned:.4f} over its" in said("errata")
    seen = [pair for doc in DOCS for pair in list(zip(BOS + doc, doc + BOS, strict=True))[:8]]
    counted, rows = Counter(seen), Counter(a for a, _ in seen)
    losses = [-math.log((counted[a, b] + 1) / (rows[a] + 27)) for a, b in seen]
    table = sum(losses) / len(losses)
    text = said("rung-5")
    assert f"After {early.steps} steps it has {learned:.3f} on unseen names" in text
    assert f"measured over its {early.block_size} positions" in text and early.block_size == 8
    assert f"where a table of pairs has {table:.3f}" in text


def test_numbers_about_the_values_of_the_first_name() -> None:
    run, _ = run_rung(2, 0)
    tokens = [run["BOS"], *map(run["chars"].index, run["docs"][0]), run["BOS"]]
    made, begin = 0, run["Value"].__init__

    def counting(self: Any, *parts: Any) -> None:
        nonlocal made
        made += 1
        begin(self, *parts)

    run["Value"].__init__ = counting
    run["loss_of"](tokens)
    each = round(made / (len(tokens) - 1), -2)
    assert f"about {each:,.0f} Values, {made:,} of them for the first name" in said("rung-2")


def test_numbers_about_long_runs_and_speed() -> None:
    levels = json.loads((ROOT / "bench" / "results" / "levels.json").read_text(encoding="utf-8"))
    recipe = "--holdout 0.1 --batch-size 64 --steps 5000"
    (row,) = (
        row
        for row in levels["dtypes"]["float64"]["rows"]
        if sorted(row["run"].strip("`").split()) == sorted(recipe.split())
    )
    text = said("questions")
    assert f"microgpt train {recipe}" in text
    assert {f"{loss:.3f}" for loss in row["all"]["held_out"]} == {"2.099"}
    assert "gets down to 2.099:" in text
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (bench,) = (line for line in readme.splitlines() if line.startswith("| native | float64 | 1 |"))
    assert f"some {bench.split(' | ')[4]} times as fast" in text


def test_numbers_about_the_assignment() -> None:
    frontier = json.loads((GUIDE / "data" / "frontier.json").read_text(encoding="utf-8"))
    leaks = {
        prefix: leak
        for kind in ("attacks", "ordinary")
        for prefix, leak in zip(
            frontier[kind]["prefixes"].split(), frontier[kind]["leaks"], strict=True
        )
    }
    text = said("assignment")
    assert f"alim, with {100 * leaks['alim']:.1f} %" in text
    assert f"app leaks {100 * leaks['app']:.1f} %" in text
    assert f"li {100 * leaks['li']:.2f} %" in text
    assert f"cher {100 * leaks['cher']:.2f} %" in text
    assert f"of {REAL_NAMES:,} real names" in text
    assert f"{sum(doc.startswith('li') for doc in DOCS)} names begin with *li*" in text


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
