"""Rotary positions (RoPE, Su et al. 2021): §11.

Queries and keys are rotated by an angle that grows with their position, so that their product
depends on the distance between the two alone. Number j of a head goes with number j + D/2.
"""

from __future__ import annotations

import numpy as np

from microgpt.engines.base import Array, Ints


def turns(
    positions: Ints, head_dim: int, theta: float, dtype: np.dtype[np.floating]
) -> tuple[Array, Array]:
    """Cosines and sines [N, 1, D/2] of position · theta^(-2j/D), computed in float64."""
    half = head_dim // 2
    angles = positions[:, None, None] * theta ** (-2.0 * np.arange(half) / head_dim)
    return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)


def rotated(x: Array, turn: tuple[Array, Array]) -> Array:
    """x [N, heads, D], each pair of numbers turned by its position's angle."""
    cos, sin = turn
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def rotated_back(dy: Array, turn: tuple[Array, Array]) -> Array:
    """dx from dy: turned back by the same angle."""
    cos, sin = turn
    return rotated(dy, (cos, -sin))
