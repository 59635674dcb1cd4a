"""Sampling on PyTorch: all samples take their next token together, one pass per position.

Keys and values of earlier positions are kept (the KV cache), so that a token costs one position;
what all prefixes have at least is computed in one pass. The logits leave the device, and the choice
is the NumPy engine's, in float64, so that both draw the same tokens.

Shapes: B samples, P positions that are kept, M the most tokens of a sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from microgpt.arrays import Array, Ints
from microgpt.engines.drawing import Sampler, walk
from microgpt.engines.numpy.sampling import choose_rows
from microgpt.engines.torch.model import GPT
from microgpt.engines.torch.padding import on

AT_ONCE = 2**28  # numbers in the caches of samples that advance together


def sample_sequential(
    model: GPT,
    prefixes: Sequence[Sequence[int]],
    how: Sampler,
    uniforms: npt.NDArray[np.float64],
) -> tuple[list[list[int]], int]:
    """One sample after the other on one stream of uniforms; how many were used comes second."""
    flat, most = uniforms.reshape(-1), uniforms.shape[1]
    results, used = [], 0
    for prefix in prefixes:
        tokens, draws = _advance(model, [prefix], how, flat[None, used : used + most])
        results += tokens
        used += draws
    return results, used


def sample_rows(
    model: GPT,
    prefixes: Sequence[Sequence[int]],
    how: Sampler,
    uniforms: npt.NDArray[np.float64],
) -> list[list[int]]:
    """Sample i draws from row i of the uniforms."""
    config = model.config
    each = 2 * config.n_layer * config.kv_heads * config.head_dim
    together = max(1, AT_ONCE // (each * min(config.block_size, uniforms.shape[1])))
    results = []
    for at in range(0, len(prefixes), together):
        part = slice(at, at + together)
        results += _advance(model, prefixes[part], how, uniforms[part])[0]
    return results


def _advance(
    model: GPT,
    prefixes: Sequence[Sequence[int]],
    how: Sampler,
    uniforms: npt.NDArray[np.float64],
) -> tuple[list[list[int]], int]:
    """Tokens of all samples, and how many uniforms they took together. ``uniforms`` [B, M]."""
    count, most = uniforms.shape
    block, bos = model.config.block_size, model.config.vocab_size - 1
    tokens = np.full((count, most + 1), bos, np.int64)
    forced = np.array([min(len(prefix), most) for prefix in prefixes], np.int64)
    for row, prefix, n in zip(tokens, prefixes, forced.tolist(), strict=True):
        row[1 : n + 1] = prefix[:n]
    ends = np.full(count, most, np.int64)
    alive = np.flatnonzero(forced < most)  # samples that still grow, with as much in the cache
    states = np.array([walk(how.guard, prefixes[i][:most]) for i in alive.tolist()], np.int64)
    cache = Cache(model, len(alive), min(block, most))
    for t in range(int(forced[alive].min(initial=most)), most):
        logits = cache.logits(tokens[alive, : t + 1])
        free = np.flatnonzero(forced[alive] <= t)  # the others' next tokens are given
        drawn = uniforms[alive[free], t - forced[alive[free]]]
        banned = None if how.guard is None else how.guard.banned[states[free]]
        picked = choose_rows(logits[free], drawn, how, banned)
        tokens[alive[free], t + 1] = picked
        if how.guard is not None:
            states[free] = how.guard.next[states[free], picked]
        ended = free[picked == bos]
        if len(ended):
            ends[alive[ended]] = t
            left = np.delete(np.arange(len(alive)), ended)
            alive, states = alive[left], states[left]
            cache.keep(left)
        if not len(alive):
            break
    draws = int((np.minimum(ends + 1, most) - forced).sum())
    return [row[1 : n + 1] for row, n in zip(tokens.tolist(), ends, strict=True)], draws


class Cache:
    """Keys and values [B, K, P, D] of each layer (K heads), for samples of one length up to P."""

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
        """Forget all other samples."""
        index = self._on_device(samples)
        self.shape = (len(samples), *self.shape[1:])
        self.keys = [k.index_select(0, index) for k in self.keys]
        self.values = [v.index_select(0, index) for v in self.values]
