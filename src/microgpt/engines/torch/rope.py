"""Rotary positions: pairs of a head's numbers are turned by an angle that grows with the position.

As Llama pairs them: number j of the first half of a head with number j of the second.
"""

from __future__ import annotations

import torch
from torch import Tensor

from microgpt.config import Config


def rope_tables(config: Config) -> tuple[Tensor, Tensor]:
    """Cosines and sines [block_size, D / 2] of the angles, in float64."""
    pair = torch.arange(0, config.head_dim, 2, dtype=torch.float64, device="cpu")
    place = torch.arange(config.block_size, dtype=torch.float64, device="cpu")
    angles = place[:, None] * config.rope_theta ** (-pair / config.head_dim)
    return angles.cos(), angles.sin()


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x [..., T, D] with its pairs turned by the angles of the T positions."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)
