"""Writes guide/data/norms.json: how large the trained model's vectors are, with RMSNorm and not.

    python scripts/make_norms.py

For each of the first 500 names that the model wasn't trained on, at each of its positions: the root
mean square of what comes into attention, of what comes into the MLP, and of what comes out at the
end, counted in bins. Without means the same parameters with every normalisation left out.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from microgpt.data import load_data
from microgpt.disk.modelfile import read_model

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "guide" / "data" / "norms.json"
FROM, NAMES = 1000, 500  # of the shuffled list: those before were trained on
BIN, MOST = 0.05, 2.4
POINTS = ("attention", "mlp", "end")


def forward(
    weights: dict[str, Any], tokens: list[int], heads: int, has_norm: bool
) -> tuple[dict[str, Any], Any]:
    """The three points [positions × 16] by name, and the losses."""

    def norm(x: Any) -> Any:
        scale = (np.mean(x**2, axis=-1, keepdims=True) + 1e-5) ** -0.5
        return x * scale if has_norm else x

    def of(name: str) -> Any:
        return weights[f"layer0.{name}"].T

    count = len(tokens) - 1
    x = norm(weights["wte"][tokens[:-1]] + weights["wpe"][:count])
    into_attention = norm(x)

    def split(name: str) -> Any:
        return (into_attention @ of(name)).reshape(count, heads, -1).transpose(1, 0, 2)

    q, k, v = split("attn_wq"), split("attn_wk"), split("attn_wv")
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    scores[:, np.triu(np.ones((count, count), dtype=bool), 1)] = -np.inf
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    x = x + (shares @ v).transpose(1, 0, 2).reshape(count, -1) @ of("attn_wo")
    into_mlp = norm(x)
    x = x + np.maximum(into_mlp @ of("mlp_fc1"), 0) @ of("mlp_fc2")
    logits = x @ weights["lm_head"].T
    largest = logits.max(axis=-1)
    sums = np.log(np.exp(logits - largest[:, None]).sum(axis=-1)) + largest
    losses = sums - logits[np.arange(count), tokens[1:]]
    return {"attention": into_attention, "mlp": into_mlp, "end": x}, losses


def measured() -> dict[str, Any]:
    model, _ = read_model(ROOT / "data" / "model.json")
    weights = {name: np.array(rows) for name, rows in model.weights.items()}
    docs = list(load_data(ROOT / "data" / "names.txt").docs)
    random.Random(42).shuffle(docs)
    made: dict[str, Any] = {"names": NAMES, "bin": BIN, "most": MOST}
    for key, has_norm in (("with", True), ("without", False)):
        sizes: dict[str, list[float]] = {point: [] for point in POINTS}
        losses: list[float] = []
        for doc in docs[FROM : FROM + NAMES]:
            bos = model.tokenizer.bos
            tokens = [bos, *model.tokenizer.encode(doc), bos]
            points, lost = forward(weights, tokens, model.config.n_head, has_norm)
            losses += lost.tolist()
            for point in POINTS:
                sizes[point] += np.sqrt(np.mean(points[point] ** 2, axis=-1)).tolist()
        edges = np.arange(round(MOST / BIN) + 1) * BIN - BIN / 2  # bins around round values
        made[key] = {
            "loss": round(float(np.mean(losses)), 4),
            "points": {
                point: {
                    "counts": np.histogram(np.clip(found, 0, MOST - BIN), edges)[0].tolist(),
                    "least": round(min(found), 4),
                    "most": round(max(found), 4),
                }
                for point, found in sizes.items()
            },
        }
        made["positions"] = len(losses)
    return made


if __name__ == "__main__":
    TARGET.write_text(json.dumps(measured(), indent=1) + "\n", encoding="utf-8")
