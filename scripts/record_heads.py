"""Writes guide/data/heads.json: two tasks on which attention, and several heads, are measured.

    python scripts/record_heads.py            run them and write the file
    python scripts/record_heads.py --check    run them again; exit code 1 if anything differs

Both are made of documents of seven letters, the first six of them drawn from a to l; what counts is
the loss of the seventh, on documents that weren't trained on.

``last``: the seventh letter is the first once more. A model whose positions see all before them,
with one head and with four, against the same model whose positions see only themselves
(``attn_window`` 1), so that nothing but its MLP is left to work with.

``order``: the seventh letter is y if the first letter comes before the second in the alphabet, else
n. One head against two and four: all have the same number of parameters.

Everything else is the published recipe with 8 documents a step. The documents are drawn with
``random()`` alone, so that the page's JavaScript draws the same.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT / "src") not in sys.path:
    sys.path.insert(0, str(ROOT / "src"))

import portable

if __name__ == "__main__":
    portable.use()

import numpy as np

from microgpt.batches import Order, TokenTable
from microgpt.config import Config
from microgpt.data import Dataset
from microgpt.engines import make_engine
from microgpt.files import write_atomic
from microgpt.start import begin

OUT = ROOT / "guide" / "data" / "heads.json"
LETTERS = "abcdefghijkl"
FREE = 6  # letters of a document that are drawn
SEED = 7  # of the documents; the runs have seeds of their own
TRAIN, TEST = 2000, 500
BATCH = 8
SEEDS = {"last": 12, "order": 40}  # 1, 2, ...: where some seeds fail, it takes more of them
POINTS = 20  # measurements on the way
FIRST = 3  # of them, of the first seed, are kept: what a test compares before rounding grows
STEPS = {"last": 1000, "order": 2000}
RUNS: dict[str, dict[str, dict[str, int]]] = {
    "last": {"self": {"n_head": 1, "attn_window": 1}, "1": {"n_head": 1}, "4": {"n_head": 4}},
    "order": {"1": {"n_head": 1}, "2": {"n_head": 2}, "4": {"n_head": 4}},
}


def letter(rng: random.Random) -> str:
    return LETTERS[int(rng.random() * len(LETTERS))]


def last(rng: random.Random) -> str:
    """Six letters, and the first of them once more."""
    free = "".join(letter(rng) for _ in range(FREE))
    return free + free[0]


def order(rng: random.Random) -> str:
    """Six letters, the first two different, and whether these stand as in the alphabet."""
    one = two = letter(rng)
    while two == one:
        two = letter(rng)
    rest = "".join(letter(rng) for _ in range(FREE - 2))
    return one + two + rest + ("y" if one < two else "n")


TASKS: dict[str, Callable[[random.Random], str]] = {"last": last, "order": order}


def documents(task: str) -> list[str]:
    rng = random.Random(SEED)
    return [TASKS[task](rng) for _ in range(TRAIN + TEST)]


def one_run(task: str, key: str, seed: int, until: int | None = None) -> dict[str, Any]:
    """A run: losses of the last letter on the way, the share that is right at its end."""
    docs = documents(task)
    steps = STEPS[task]
    recipe = Config(steps=steps, batch_size=BATCH, seed=seed, **RUNS[task][key])
    start = begin(recipe, Dataset(task, Path(), "", docs[:TRAIN], "lines"))
    config, tokenizer = start.config, start.tokenizer
    engine = make_engine("numpy" if config.beyond() else "native", config, "float64")
    engine.load(config, "float64", {n: np.array(w) for n, w in start.weights.items()})
    batches = Order(TokenTable(start.docs, tokenizer), config, start.rng)
    asked = [[tokenizer.bos, *tokenizer.encode(doc[:-1])] for doc in docs[TRAIN:]]
    wanted = np.array([tokenizer.encode(doc[-1])[0] for doc in docs[TRAIN:]])
    losses: list[float] = []

    def judged() -> float:
        logits = np.array([np.asarray(rows)[-1] for rows in engine.logits(asked)])
        logits = logits - logits.max(axis=1, keepdims=True)
        told = logits[np.arange(len(wanted)), wanted]
        losses.append(float(np.mean(np.log(np.exp(logits).sum(axis=1)) - told)))
        return float(np.mean(logits.argmax(axis=1) == wanted))

    right = judged()
    every = steps // POINTS
    for first in range(0, until or steps, every):
        lrs = [config.lr_at(step) for step in range(first, first + every)]
        engine.steps(batches.batches(first, every), lrs, first)
        right = judged()
    return {"losses": losses, "right": right, "parameters": config.parameters()}


def summed(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds, and two standard errors of each."""
    columns = list(zip(*(run["losses"] for run in runs), strict=True))
    twice = [2 * statistics.stdev(column) / math.sqrt(len(runs)) for column in columns]
    return {
        "parameters": runs[0]["parameters"],
        "mean": [round(statistics.mean(column), 4) for column in columns],
        "twice": [round(error, 4) for error in twice],
        "ends": [round(run["losses"][-1], 4) for run in runs],
        "right": round(statistics.mean(run["right"] for run in runs), 4),
        "first": [round(loss, 6) for loss in runs[0]["losses"][:FIRST]],
    }


def measured() -> dict[str, Any]:
    made: dict[str, Any] = {"seeds": SEEDS, "batch": BATCH, "train": TRAIN, "test": TEST}
    for task, runs in RUNS.items():
        made[task] = {
            "steps": STEPS[task],
            "examples": documents(task)[:4],
            "runs": {
                key: summed([one_run(task, key, seed + 1) for seed in range(SEEDS[task])])
                for key in runs
            },
        }
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare with the file")
    made = json.dumps(measured()) + "\n"
    if not parser.parse_args().check:
        write_atomic(OUT, made.encode())
    elif made != OUT.read_text(encoding="utf-8"):
        sys.exit(f"{OUT.name} is another: python scripts/record_heads.py")


if __name__ == "__main__":
    main()
