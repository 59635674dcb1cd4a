"""The MLP: each position by itself, two layers with something that isn't linear between them.

ReLU and its square (So et al. 2021): §5. GELU, in GPT-2's approximation (Hendrycks and Gimpel
2016): §13. SwiGLU, where a second layer says how much of the first passes (Shazeer 2020): §14.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from microgpt.engines.base import Array
from microgpt.engines.numpy.blocks.linear import linear, linear_back
from microgpt.engines.numpy.blocks.weights import Weights

GELU = math.sqrt(2 / math.pi)
CUBIC = 0.044715


class Mlp(NamedTuple):
    """What an MLP computed on its way."""

    x: Array  # [N, C] its input
    up: Array  # [N, F] after mlp_fc1
    gate: Array | None  # [N, F] after mlp_gate, of SwiGLU
    hidden: Array  # [N, F] what mlp_fc2 takes
    y: Array  # [N, C] its output


def mlp(w: Weights, prefix: str, x: Array) -> Mlp:
    """The MLP whose weights' names begin with ``prefix``, such as ``layer0.expert1.``."""
    up = linear(w, prefix + "mlp_fc1", x)
    gate: Array | None = None
    if w.config.activation == "swiglu":
        gate = linear(w, prefix + "mlp_gate", x)
        hidden: Array = silu(gate) * up
    else:
        hidden = activated(up, w.config.activation)
    return Mlp(x, up, gate, hidden, linear(w, prefix + "mlp_fc2", hidden))


def mlp_back(w: Weights, g: Weights, prefix: str, done: Mlp, dy: Array) -> Array:
    """dx [N, C] from dy [N, C]; adds the gradients of this MLP's weights to ``g``."""
    dhidden = linear_back(w, g, prefix + "mlp_fc2", done.hidden, dy)
    if done.gate is None:
        dup = dhidden * activated_back(done.up, w.config.activation)
        return linear_back(w, g, prefix + "mlp_fc1", done.x, dup)
    dgate = dhidden * done.up * silu_back(done.gate)
    dx = linear_back(w, g, prefix + "mlp_gate", done.x, dgate)
    dx += linear_back(w, g, prefix + "mlp_fc1", done.x, dhidden * silu(done.gate))
    return dx


def activated(u: Array, kind: str) -> Array:
    """``relu``, ``relu_squared`` or ``gelu`` of each number."""
    if kind == "gelu":
        return gelu(u)
    positive: Array = np.maximum(u, 0)
    return positive * positive if kind == "relu_squared" else positive


def activated_back(u: Array, kind: str) -> Array:
    """The derivative at each number; that of relu at 0 is 0."""
    if kind == "gelu":
        return gelu_back(u)
    slope: Array = 2 * np.maximum(u, 0) if kind == "relu_squared" else (u > 0).astype(u.dtype)
    return slope


def gelu(u: Array) -> Array:
    """About u times the probability that a normally distributed number is below u."""
    t: Array = np.tanh(GELU * (u + CUBIC * u**3))
    return 0.5 * u * (1 + t)


def gelu_back(u: Array) -> Array:
    """The derivative of ``gelu`` at each number."""
    t: Array = np.tanh(GELU * (u + CUBIC * u**3))
    return 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * GELU * (1 + 3 * CUBIC * u * u)


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), from tanh, which doesn't overflow."""
    t: Array = np.tanh(0.5 * z)
    return 0.5 * (1 + t)


def silu(z: Array) -> Array:
    """Each number times its sigmoid; also called swish."""
    return z * sigmoid(z)


def silu_back(z: Array) -> Array:
    """The derivative of ``silu`` at each number."""
    s = sigmoid(z)
    return s * (1 + z * (1 - s))
