"""A linear layer of a block: a matrix (out × in), what LoRA adds to it, and a bias: §2, §10."""

from __future__ import annotations

from microgpt.engines.base import Array
from microgpt.engines.numpy.blocks.lora import addition, addition_back
from microgpt.engines.numpy.blocks.weights import Weights

BIASES = {
    "attn_wq": "attn_bq",
    "attn_wk": "attn_bk",
    "attn_wv": "attn_bv",
    "attn_wo": "attn_bo",
    "mlp_fc1": "mlp_b1",
    "mlp_gate": "mlp_bgate",
    "mlp_fc2": "mlp_b2",
}
"""Each matrix's bias, by the last part of their names."""


def bias_of(name: str) -> str:
    """The full name of the bias of the matrix ``name``."""
    prefix, dot, last = name.rpartition(".")
    return prefix + dot + BIASES[last]


def linear(w: Weights, name: str, x: Array) -> Array:
    """y [N, out] from x [N, in]."""
    y: Array = x @ w[name].T + addition(w, name, x)
    bias = w.get(bias_of(name))
    return y if bias is None else y + bias


def linear_back(w: Weights, g: Weights, name: str, x: Array, dy: Array) -> Array:
    """dx [N, in] from dy [N, out]; adds the gradients of matrix and bias to ``g``."""
    g.add(name, dy.T @ x)
    g.add(bias_of(name), dy.sum(axis=0))
    dx: Array = dy @ w[name] + addition_back(w, g, name, x, dy)
    return dx
