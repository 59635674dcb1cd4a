"""Trains the guide's toy by nudging, as one of its sources does, and shows what that changes.

    python tests/toy_by_nudging.py

A nudge of 0.001 that carries a hidden number across zero measures a bit of both sides of the
ReLU's corner. With the corners held in place (each ReLU open or closed as it is without the
nudge), the same nudges give the losses of exact gradients.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TOY = json.loads((ROOT / "conformance" / "vectors" / "toy_gpt.json").read_text(encoding="utf-8"))
KEYS, VALUES = (np.array(TOY["pinned_cache"][name], float) for name in ("keys", "values"))
# After each letter the next one of abc, bca, cab, aab, bbc, cca; after each last letter BOS.
TOKENS, TARGETS = np.array(
    [(2, 3), (3, 1), (1, 2), (1, 2), (2, 3), (3, 1), (3, 0), (1, 0), (2, 0)]
).T


def norm(x: Any) -> Any:
    return x * (np.mean(x * x, axis=1, keepdims=True) + 1e-5) ** -0.5


def softmax(x: Any) -> Any:
    exps = np.exp(x - x.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def mean_loss(w: dict[str, Any], is_open: Any = None) -> tuple[float, Any]:
    """The loss over the nine examples, and which ReLUs are open; these can be given."""
    x = norm(w["wte"][TOKENS] + w["wpe"][2])
    q, k, v = (norm(x) @ w[f"layer0.attn_w{name}"].T for name in "qkv")
    scores = np.column_stack([q @ KEYS.T, (q * k).sum(axis=1)]) / math.sqrt(2)
    weights = softmax(scores)
    x = (weights[:, :2] @ VALUES + weights[:, 2:] * v) @ w["layer0.attn_wo"].T + x
    hidden = norm(x) @ w["layer0.mlp_fc1"].T
    is_open = hidden > 0 if is_open is None else is_open
    x = (hidden * is_open) @ w["layer0.mlp_fc2"].T + x
    right = softmax(x @ w["lm_head"].T)[np.arange(len(TARGETS)), TARGETS]
    return float(-np.log(right).mean()), is_open


def losses(steps: int, nudge: float, *, held: bool) -> list[float]:
    """Before and after each step downhill, lr 0.4, along gradients measured on both sides."""
    w = {name: np.array(rows, float) for name, rows in TOY["weights"].items()}
    found = []
    for _ in range(steps + 1):
        loss, is_open = mean_loss(w)
        found.append(loss)
        slopes = {name: np.zeros_like(matrix) for name, matrix in w.items()}
        for name, matrix in w.items():
            for at in np.ndindex(matrix.shape):
                value = matrix[at]
                sides = []
                for sign in (1, -1):
                    matrix[at] = value + sign * nudge
                    sides.append(mean_loss(w, is_open if held else None)[0])
                matrix[at] = value
                slopes[name][at] = (sides[0] - sides[1]) / (2 * nudge)
        for name, matrix in w.items():
            matrix -= 0.4 * slopes[name]
    return found


if __name__ == "__main__":
    for about, held in (("nudged by 0.001", False), ("the same, corners held", True)):
        run = losses(100, 0.001, held=held)
        print(f"{about}: {run[20]:.4f} after 20 steps, {run[100]:.4f} after 100")
