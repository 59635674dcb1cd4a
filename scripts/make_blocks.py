"""Writes guide/data/blocks.json: the trained model's loss without attention, without the MLP.

    python scripts/make_blocks.py

A block is switched off by zeros in its last matrix: then it adds nothing to the residual stream.
The loss is the mean over all names that the model wasn't trained on.
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

from microgpt.data import load_data
from microgpt.disk.modelfile import read_model
from microgpt.engines import make_engine
from microgpt.evaluation import mean_loss

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "guide" / "data" / "blocks.json"
TRAINED = 1000  # of the shuffled list
LAST = {"attention": "layer0.attn_wo", "mlp": "layer0.mlp_fc2"}
OFF = {"none": (), "attention": ("attention",), "mlp": ("mlp",), "both": ("attention", "mlp")}


def measured() -> dict[str, Any]:
    model, _ = read_model(ROOT / "data" / "model.json")
    docs = list(load_data(ROOT / "data" / "names.txt").docs)
    random.Random(42).shuffle(docs)
    unseen = docs[TRAINED:]
    made: dict[str, Any] = {"names": len(unseen), "off": {}}
    for key, blocks in OFF.items():
        weights = {name: np.array(rows) for name, rows in model.weights.items()}
        for block in blocks:
            weights[LAST[block]] *= 0
        engine = make_engine("auto", model.config, "float64")
        engine.load(model.config, "float64", weights, None)
        loss, made["tokens"] = mean_loss(engine, unseen, model.tokenizer)
        made["off"][key] = round(loss, 6)
    return made


if __name__ == "__main__":
    TARGET.write_text(json.dumps(measured(), indent=1) + "\n", encoding="utf-8")
