"""RMSNorm (Zhang and Sennrich 2019) and LayerNorm (Ba, Kiros and Hinton 2016): §9.

Both bring each position's numbers to a size of about 1; LayerNorm first moves their mean to 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from microgpt.engines.base import Array
from microgpt.engines.numpy.blocks.weights import Weights

EPS = 1e-5


class Normed(NamedTuple):
    """What a norm computed, the last axis being the one it sums over."""

    y: Array  # [..., C] the result
    unit: Array  # [..., C] the same before gain and bias
    scale: Array  # [..., 1] what it multiplied by


def norm(
    x: Array, kind: str = "rmsnorm", gain: Array | None = None, bias: Array | None = None
) -> Normed:
    """x [..., C], less its mean for ``layernorm``, times (mean(x²) + eps)^-0.5; gain, bias [C]."""
    if kind == "layernorm":
        x = x - x.mean(axis=-1, keepdims=True)
    scale = (np.square(x).mean(axis=-1, keepdims=True) + EPS) ** -0.5
    unit = x * scale
    y = unit if gain is None else unit * gain
    return Normed(y if bias is None else y + bias, unit, scale)


def norm_back(
    dy: Array, done: Normed, kind: str = "rmsnorm", gain: Array | None = None
) -> tuple[Array, Array, Array]:
    """dx [..., C], dgain [C] and dbias [C] from dy [..., C]."""
    rows = tuple(range(dy.ndim - 1))
    dgain, dbias = (dy * done.unit).sum(axis=rows), dy.sum(axis=rows)
    dunit = dy if gain is None else dy * gain
    dx = dunit - done.unit * (dunit * done.unit).mean(axis=-1, keepdims=True)
    if kind == "layernorm":
        dx = dx - dunit.mean(axis=-1, keepdims=True)
    return dx * done.scale, dgain, dbias


def norm_of(w: Weights, name: str, x: Array) -> Normed:
    """The model's norm ``name``, with the gain and bias that it has."""
    return norm(x, w.config.norm, w.get(name), w.get(name + "_bias"))


def norm_of_back(w: Weights, g: Weights, name: str, dy: Array, done: Normed) -> Array:
    """dx; adds the gradients of gain and bias to ``g``."""
    dx, dgain, dbias = norm_back(dy, done, w.config.norm, w.get(name))
    g.add(name, dgain)
    g.add(name + "_bias", dbias)
    return dx
