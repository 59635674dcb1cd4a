"""Sampling on PyTorch: what the model keeps of the samples that advance together.

Keys and values of earlier positions are kept (the KV cache), so that a token costs one position,
and what all prefixes have at least is read in one pass. The logits leave the device, and
``engines/advancing.py`` draws the tokens, as for the NumPy engine.

Shapes: B samples, K heads of keys, P positions that are kept, D head_dim, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from microgpt.arrays import Array, Ints
from microgpt.config import Config
from microgpt.engines.torch.model import GPT
from microgpt.engines.torch.padding import on

AT_ONCE = 2**28  # numbers in the caches of samples that advance together


def together(config: Config, most: int) -> int:
    """How many samples of up to ``most`` tokens may advance at a time."""
    each = 2 * config.n_layer * config.kv_heads * config.head_dim
    return max(1, AT_ONCE // (each * min(config.block_size, most)))


class Reader:
    """Keys and values [B, K, P, D] of each layer, for samples of one length up to P."""

    def __init__(self, model: GPT, samples: int, positions: int) -> None:
        self.model, self.positions = model, positions
        self.shape = (samples, model.config.kv_heads, positions, model.config.head_dim)
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.filled = 0

    def logits(self, tokens: Ints) -> Array:
        """[B, V] after ``tokens`` [B, length], of which all but the last few are known already.

        Where they no longer fit, the last ones are computed anew: all have other positions.
        """
        length, block = tokens.shape[1], self.model.config.block_size
        if length <= self.positions:
            new = self._on_device(tokens[:, self.filled :])
            x_BTC = self.model.hidden(new, start=self.filled, past=self)[0]
            self.filled = length
        else:
            x_BTC = self.model.hidden(self._on_device(tokens[:, -block:]))[0]
        logits: Array = self.model.logits(x_BTC[:, -1]).cpu().to(torch.float64).numpy()
        return logits

    def _on_device(self, tokens: Ints) -> Tensor:
        return on(self.model.head.device, tokens)

    def extended(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of a layer, with those of the newest positions."""
        if layer == len(self.keys):
            self.keys.append(k.new_empty(self.shape))
            self.values.append(v.new_empty(self.shape))
        end = self.filled + k.shape[2]
        for kept, new in ((self.keys[layer], k), (self.values[layer], v)):
            kept[:, :, self.filled : end] = new
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]

    def keep(self, samples: Ints) -> None:
        """Forget all but these samples."""
        index = self._on_device(samples)
        self.shape = (len(samples), *self.shape[1:])
        self.keys = [k.index_select(0, index) for k in self.keys]
        self.values = [v.index_select(0, index) for v in self.values]
