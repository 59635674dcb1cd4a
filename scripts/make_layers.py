"""Writes guide/data/layers.json: how well models of one to six layers learn the names.

    python scripts/make_layers.py

Eight runs of each, the guide's run but for its shape: 1,000 steps, one name in each. Once the width
stays 16, once it shrinks so that there are about as many parameters as in one layer. At each mark
of a run: the mean loss on the last 1,000 names of its shuffled list, which no run reaches.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import portable

if __name__ == "__main__":
    portable.use()

from microgpt.config import Config, make_config
from microgpt.data import Dataset, load_data
from microgpt.evaluation import mean_loss
from microgpt.training import Trainer

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "guide" / "data" / "layers.json"
SEEDS = (42, 1, 2, 3, 4, 5, 6, 7)
EVERY, STEPS, UNSEEN = 100, 1000, 1000
HEADS = {"steps": 4, "parameters": 1}  # 9 or 7 numbers can't be cut into four heads
WIDTHS = {"steps": (16,) * 6, "parameters": (16, 12, 10, 9, 8, 7)}


def shaped(kind: str, layers: int, seed: int) -> Config:
    width, heads = WIDTHS[kind][layers - 1], HEADS[kind]
    return make_config(
        "final", n_layer=layers, n_embd=width, n_head=heads, seed=seed, vocab_size=27
    )


def curve(config: Config, data: Dataset, stop: int = STEPS) -> list[float]:
    """The loss on unseen names at each mark up to a step."""
    trainer = Trainer(config, data)
    unseen = trainer.docs[-UNSEEN:]
    found = []
    for step in range(0, stop + 1, EVERY):
        found.append(round(mean_loss(trainer.engine, unseen, trainer.tokenizer)[0], 4))
        if step < stop:
            rates = [config.lr_at(step + i) for i in range(EVERY)]
            trainer.engine.steps(trainer.order.batches(step, EVERY), rates, step)
    trainer.close()
    return found


def measured() -> dict[str, Any]:
    data = load_data(ROOT / "data" / "names.txt")
    made: dict[str, Any] = {"seeds": SEEDS, "every": EVERY, "last": STEPS, "unseen": UNSEEN}
    for kind, widths in WIDTHS.items():
        made[kind] = [
            {
                "layers": layers,
                "width": width,
                "heads": HEADS[kind],
                "parameters": shaped(kind, layers, 42).parameters(),
                "runs": [curve(shaped(kind, layers, seed), data) for seed in SEEDS],
            }
            for layers, width in enumerate(widths, start=1)
        ]
    return made


def written(made: dict[str, Any]) -> str:
    """With a run on each line."""
    text = json.dumps(made)
    for mark in ("[2.", "[3.", '{"layers"', '"steps": [{', '"parameters": [{'):
        text = text.replace(mark, "\n" + mark)
    return text + "\n"


if __name__ == "__main__":
    TARGET.write_text(written(measured()), encoding="utf-8")
