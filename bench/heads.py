"""Tasks on which one head was compared with four before two were chosen for the guide.

    python bench/heads.py

Documents by chance, most of seven letters; what is measured is the mean loss of the letters that
can be guessed, on 500 documents that weren't trained on: the published recipe, 5,000 steps of one
document, six seeds, mean ± two standard errors. The two that the guide shows are measured by
scripts/record_heads.py.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np

from microgpt.batches import Order, TokenTable
from microgpt.config import Config
from microgpt.data import Dataset, load_data
from microgpt.engines import make_engine
from microgpt.start import begin

ALL = "abcdefghijklmnopqrstuvwxyz"
SEEDS = 6
STEPS = 5000
TRAIN, TEST = 2000, 500


def drawn(rng: random.Random, letters: int, count: int) -> str:
    return "".join(rng.choice(ALL[:letters]) for _ in range(count))


def names(rng: random.Random) -> str:
    name = rng.choice(NAMES)
    return name + name[0]


def same_length(rng: random.Random) -> str:
    free = drawn(rng, 26, 8)
    return free + free[0]


def other_length(rng: random.Random) -> str:
    free = drawn(rng, 26, rng.randint(4, 9))
    return free + free[0]


def backwards(rng: random.Random) -> str:
    free = drawn(rng, 26, 5)
    return free + free[::-1]


def later(rng: random.Random) -> str:
    free = drawn(rng, 26, 6)
    return free + max(free[:2])


def equal(rng: random.Random) -> str:
    one, two = drawn(rng, 12, 2)
    two = one if rng.random() < 0.5 else two
    return one + two + drawn(rng, 12, 4) + ("y" if one == two else "n")


def choose(rng: random.Random) -> str:
    free = drawn(rng, 12, 6)
    return free + (free[0] if free[1] < "g" else free[2])


def two_letters(rng: random.Random) -> str:
    pair = rng.sample(ALL, 2)
    return "".join(pair) + "".join(rng.choice(pair) for _ in range(8))


# What it is, how a document is made, and how many letters at its end are measured.
TASKS: list[tuple[str, Callable[[random.Random], str], int]] = [
    ("a name, then its first letter", names, 1),
    ("8 letters, then the first", same_length, 1),
    ("4 to 9 letters, then the first", other_length, 1),
    ("5 letters, then the same backwards", backwards, 5),
    ("6 letters, then the later of the first two", later, 1),
    ("6 letters, then whether the first two are equal", equal, 1),
    ("6 letters, then the first or third, as the second says", choose, 1),
    ("two letters, then 8 times one of them", two_letters, 8),
]
NAMES = [name for name in load_data("names").docs if len(name) < 15]


def loss(make: Callable[[random.Random], str], last: int, heads: int, seed: int) -> float:
    rng = random.Random(1000)
    docs = [make(rng) for _ in range(TRAIN + TEST)]
    recipe = Config(n_head=heads, steps=STEPS, seed=seed)
    start = begin(recipe, Dataset("task", Path(), "", docs[:TRAIN], "lines"))
    config, tokenizer = start.config, start.tokenizer
    engine = make_engine("native", config, "float64")
    engine.load(config, "float64", {n: np.array(w) for n, w in start.weights.items()})
    batches = Order(TokenTable(start.docs, tokenizer), config, start.rng).batches(0, STEPS)
    engine.steps(batches, [config.lr_at(step) for step in range(STEPS)], 0)
    known = [doc for doc in docs[TRAIN:] if set(doc) <= set(tokenizer.uchars)]
    asked = [[tokenizer.bos, *tokenizer.encode(doc)] for doc in known]
    lost = []
    for tokens, rows in zip(asked, engine.logits([one[:-1] for one in asked]), strict=True):
        logits = np.asarray(rows)[-last:]
        logits = logits - logits.max(axis=1, keepdims=True)
        told = logits[np.arange(last), tokens[-last:]]
        lost += list(np.log(np.exp(logits).sum(axis=1)) - told)
    return float(np.mean(lost))


def main() -> None:
    print("| document | one head | four heads | |\n|---|--:|--:|---|")
    for what, make, last in TASKS:
        ends = [[loss(make, last, h, seed) for seed in range(1, SEEDS + 1)] for h in (1, 4)]
        means = [statistics.mean(row) for row in ends]
        twice = [2 * statistics.stdev(row) / math.sqrt(SEEDS) for row in ends]
        seen = abs(means[0] - means[1]) > math.hypot(*twice)
        told = [f"{m:.3f} ± {t:.3f}" for m, t in zip(means, twice, strict=True)]
        better = "four" if means[1] < means[0] else "one"
        print(f"| {what} | {' | '.join(told)} | {better if seen else 'no difference seen'} |")


if __name__ == "__main__":
    main()
