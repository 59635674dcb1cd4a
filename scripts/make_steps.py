"""Writes guide/data/steps.json: single steps of the guide's run, each with its four moves.

    python scripts/make_steps.py

For each marked step: the name that it takes, the probability of each letter that came next, the
loss, how large the gradient is in each matrix and how far the matrix is moved (root mean squares),
and five names that the model writes just before. Beside them the losses of all 1,000 steps.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import portable

if __name__ == "__main__":
    portable.use()

import numpy as np

from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.sampling import sample
from microgpt.training import Trainer

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "guide" / "data" / "steps.json"
MARKS = (1, 3, 10, 30, 100, 300, 1000)
NAMES = 5


def size(numbers: Any) -> float:
    return float(np.sqrt(np.mean(np.asarray(numbers) ** 2)))


def measured(last: int = MARKS[-1]) -> dict[str, Any]:
    """All up to a step."""
    trainer = Trainer(make_config("final"), load_data(ROOT / "data" / "names.txt"))
    engine, tokenizer = trainer.engine, trainer.tokenizer
    marks: list[dict[str, Any]] = []
    losses: list[float] = []
    for step in range(1, last + 1):
        rate = trainer.config.lr_at(step - 1)
        if step in MARKS:
            name = trainer.docs[step - 1]
            tokens = [tokenizer.bos, *tokenizer.encode(name), tokenizer.bos]
            probs = engine.trace(tokens)["probs"][np.arange(len(tokens) - 1), tokens[1:]]
            _, grads = engine.grads([tokens])
            before = engine.state()[0]
            names = sample(engine, tokenizer, random.Random(42), NAMES)
        losses += engine.steps(trainer.order.batches(step - 1, 1), [rate], step - 1)
        if step in MARKS:
            after = engine.state()[0]
            marks.append(
                {
                    "step": step,
                    "name": name,
                    "loss": round(losses[-1], 4),
                    "probs": [round(float(p), 4) for p in probs],
                    "grads": {key: round(size(grad), 6) for key, grad in grads.items()},
                    "moved": {key: round(size(after[key] - before[key]), 6) for key in after},
                    "writes": names,
                }
            )
    trainer.close()
    return {"marks": marks, "losses": [round(loss, 3) for loss in losses]}


def written(made: dict[str, Any]) -> str:
    """With a mark on each line."""
    text = json.dumps(made)
    for mark in ('{"step"', '"losses"'):
        text = text.replace(mark, "\n" + mark)
    return text + "\n"


if __name__ == "__main__":
    TARGET.write_text(written(measured()), encoding="utf-8")
