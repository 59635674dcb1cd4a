"""LoRA (Hu et al. 2021): a matrix W stays as it is and acts as W + (alpha / r) B A. §17.

A [r, in] and B [out, r] together have few numbers where the rank r is small, and they alone are
trained. B begins at 0, so that nothing changes at first.
"""

from __future__ import annotations

from microgpt.engines.base import Array
from microgpt.engines.numpy.blocks.weights import Weights


def addition(w: Weights, name: str, x: Array) -> Array | float:
    """What LoRA adds to the product of x [N, in] with the matrix ``name``: [N, out], or 0."""
    if not w.config.lora_rank:
        return 0.0
    scale = w.config.lora_alpha / w.config.lora_rank
    added: Array = scale * (x @ w[name + ".lora_a"].T) @ w[name + ".lora_b"].T
    return added


def addition_back(w: Weights, g: Weights, name: str, x: Array, dy: Array) -> Array | float:
    """What it adds to dx [N, in] from dy [N, out]; adds the gradients of A and B to ``g``."""
    if not w.config.lora_rank:
        return 0.0
    a, b = w[name + ".lora_a"], w[name + ".lora_b"]
    dy = dy * (w.config.lora_alpha / w.config.lora_rank)
    g.add(name + ".lora_b", dy.T @ (x @ a.T))
    g.add(name + ".lora_a", (dy @ b).T @ x)
    dx: Array = dy @ b @ a
    return dx
