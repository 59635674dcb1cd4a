"""Sampling on NumPy arrays: all samples take their next token together, one pass per position.

Keys and values of earlier positions are kept (the KV cache), so that a token costs one position.
Which token is drawn from which uniform number is specified in ``drawing.Sampler``; the distribution
here is ``drawing.distribution`` for many rows at once, in float64 and with the same sums.

Shapes: B samples, t positions so far, M the most tokens of a sample, C n_embd, H heads, D head_dim,
V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from microgpt.engines.base import Array, Ints
from microgpt.engines.drawing import Sampler
from microgpt.engines.numpy import math as nm
from microgpt.engines.numpy.blocks import cache as blocks
from microgpt.engines.numpy.blocks.weights import Weights

TOGETHER = 1024  # samples that advance together: what bounds the memory of the cache


def sample_sequential(
    w: nm.Tensors | Weights,
    prefixes: Sequence[Sequence[int]],
    how: Sampler,
    uniforms: npt.NDArray[np.float64],
) -> tuple[list[list[int]], int]:
    """One sample after the other on one stream of uniforms; how many were used comes second."""
    flat, most = uniforms.reshape(-1), uniforms.shape[1]
    results, used = [], 0
    for prefix in prefixes:
        tokens, draws = _advance(w, [prefix], how, flat[None, used : used + most])
        results += tokens
        used += draws
    return results, used


def sample_rows(
    w: nm.Tensors | Weights,
    prefixes: Sequence[Sequence[int]],
    how: Sampler,
    uniforms: npt.NDArray[np.float64],
) -> list[list[int]]:
    """Sample i draws from row i of the uniforms."""
    results = []
    for at in range(0, len(prefixes), TOGETHER):
        part = slice(at, at + TOGETHER)
        results += _advance(w, prefixes[part], how, uniforms[part])[0]
    return results


def _advance(
    w: nm.Tensors | Weights,
    prefixes: Sequence[Sequence[int]],
    how: Sampler,
    uniforms: npt.NDArray[np.float64],
) -> tuple[list[list[int]], int]:
    """Tokens of all samples, and how many uniforms they took together. ``uniforms`` [B, M]."""
    count, most = uniforms.shape
    guard = how.guard
    block, bos = w.config.block_size, w.config.vocab_size - 1
    forced = np.array([min(len(prefix), most) for prefix in prefixes], np.intp)
    tokens = np.full((count, most + 1), bos, np.intp)
    for row, prefix, n in zip(tokens, prefixes, forced.tolist(), strict=True):
        row[1 : n + 1] = prefix[:n]
    lengths = np.full(count, most, np.intp)
    alive = np.flatnonzero(forced < most)  # rows that still grow, all to the same length t
    states = np.zeros(len(alive), np.intp)
    cache = _cache(w, len(alive), min(block, most))
    for t in range(most):
        if not len(alive):
            break
        if t < block:
            logits = cache.logits(tokens[alive, t], t)
        else:
            logits = _window_logits(w, tokens[alive, t + 1 - block : t + 1])
        drawn = t - forced[alive]
        banned = None if guard is None else guard.banned[states]
        picked = choose_rows(logits, uniforms[alive, np.maximum(drawn, 0)], how, banned)
        tokens[alive, t + 1] = np.where(drawn >= 0, picked, tokens[alive, t + 1])
        if guard is not None:
            states = guard.next[states, tokens[alive, t + 1]].astype(np.intp)
        ended = (drawn >= 0) & (picked == bos)
        if ended.any():
            lengths[alive[ended]] = t
            alive, states = alive[~ended], states[~ended]
            cache.keep(~ended)
    draws = int((np.minimum(lengths + 1, most) - forced).sum())
    return [row[1 : n + 1] for row, n in zip(tokens.tolist(), lengths, strict=True)], draws


def _cache(w: nm.Tensors | Weights, samples: int, positions: int) -> Cache | blocks.Cache:
    """An empty cache for the published model or for blocks."""
    if isinstance(w, nm.Tensors):
        return Cache(w, samples, positions)
    return blocks.Cache(w, samples, positions)


class Cache:
    """Keys and values [B, H, P, D] of each layer, for samples of equal length up to P."""

    def __init__(self, w: nm.Tensors, samples: int, positions: int) -> None:
        self.w = w
        shape = (samples, w.config.n_head, positions, w.config.head_dim)
        self.keys = [np.empty(shape, w.flat.dtype) for _ in w.layers]
        self.values = [np.empty(shape, w.flat.dtype) for _ in w.layers]

    def keep(self, rows: npt.NDArray[np.bool_]) -> None:
        """Forget the samples that ``rows`` [B] doesn't mark."""
        self.keys = [k[rows] for k in self.keys]
        self.values = [v[rows] for v in self.values]

    def logits(self, tokens: Ints, t: int) -> Array:
        """[B, V] after ``tokens`` [B] at position ``t``; positions come in order from 0."""

        def attend(i: int, qkv: Array) -> tuple[Array, list[Array]]:
            b, (n_head, d) = len(qkv), self.keys[i].shape[1::2]
            q, k, v = qkv.reshape(b, 3, n_head, d).transpose(1, 0, 2, 3)
            self.keys[i][:, :, t], self.values[i][:, :, t] = k, v
            keys, values = self.keys[i][:, :, : t + 1], self.values[i][:, :, : t + 1]
            p = np.empty((t + 1, b, n_head), qkv.dtype)
            np.matmul(keys, q[..., None], out=p.transpose(1, 2, 0)[..., None])
            p *= math.sqrt(1 / d)
            nm.softmax(p)
            heads: Array = (p.transpose(1, 2, 0)[:, :, None, :] @ values).reshape(b, -1)
            return heads, [p]

        done = nm.forward(self.w, tokens, np.full(len(tokens), t), attend)
        logits: Array = done.last.dot(self.w.lm_head.T)
        return logits


def _window_logits(w: nm.Tensors | Weights, tokens: Ints) -> Array:
    """[B, V] after the last of ``tokens`` [B, block]: nothing cached fits, all has moved."""
    if not isinstance(w, nm.Tensors):
        return blocks.window_logits(w, tokens)
    count, block = tokens.shape
    group = nm.Group(0, tokens.size, count, block)
    positions = np.tile(np.arange(block), count)
    done = nm.forward_documents(w, tokens.reshape(-1), positions, [group])
    logits: Array = done.last[block - 1 :: block].dot(w.lm_head.T)
    return logits


def choose_rows(
    logits: Array,
    uniforms: npt.NDArray[np.float64],
    how: Sampler,
    banned: npt.NDArray[np.bool_] | None = None,
) -> Ints:
    """``drawing.choose`` for rows: tokens [B] from logits [B, V], one of ``uniforms`` [B] each."""
    probs = logits.astype(np.float64)
    probs *= how.temperature**-1
    if banned is not None:
        probs[banned] = -np.inf
    probs -= probs.max(axis=1, keepdims=True)
    np.exp(probs, out=probs)
    probs *= 1 / np.cumsum(probs, axis=1)[:, -1:]  # cumsum adds from left to right, sum doesn't
    if how.top_k is not None or how.top_p is not None:
        _truncate(probs, how.top_k, how.top_p)
    sums = np.cumsum(probs, axis=1)
    picked: Ints = (sums[:, :-1] <= uniforms[:, None] * sums[:, -1:]).sum(axis=1)
    last = probs.shape[1] - 1 - np.argmax(probs[:, ::-1] > 0, axis=1)  # u * total may round up
    picked = np.minimum(picked, last)
    return picked


def _truncate(probs: Array, top_k: int | None, top_p: float | None) -> None:
    """Set to 0, in place, what ``top_k`` and ``top_p`` don't keep; ties keep the lower id."""
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = np.take_along_axis(probs, order, axis=1)
    if top_k is not None:
        ranked[:, top_k:] = 0
    if top_p is not None:
        mass = np.array([math.fsum(row) for row in ranked.tolist()])
        reached = np.cumsum(ranked, axis=1)[:, :-1]
        ranked[:, 1:][reached >= top_p * mass[:, None]] = 0
    np.put_along_axis(probs, order, ranked, axis=1)
