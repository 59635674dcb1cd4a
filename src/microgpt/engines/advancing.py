"""Sampling where all samples take their next token together: what NumPy and PyTorch have in common.

An engine brings a ``Seen``: a model that has read the beginnings of some samples, with what it
keeps of them. Which token is drawn from which uniform number is specified in ``drawing.Sampler``;
the distribution here is ``drawing.distribution`` for many rows at once, in float64 and with the
same sums.

Shapes: B samples, M the most tokens of a sample, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from microgpt.arrays import Array, Ints
from microgpt.config import Config
from microgpt.engines.drawing import Sampler, walk


class Seen(Protocol):
    """A model that has read the beginnings of some samples, all of the same length."""

    def logits(self, tokens: Ints) -> Array:
        """[B, V] after ``tokens`` [B, length], BOS included, longer with each call."""

    def keep(self, samples: Ints) -> None:
        """Forget all but these samples."""


Begin = Callable[[int, int], Seen]
"""Makes one that has read nothing yet, of so many samples, up to so many positions."""


def advanced(
    begin: Begin,
    config: Config,
    together: int,
    prefixes: Sequence[Sequence[int]],
    how: Sampler,
    uniforms: npt.NDArray[np.float64],
) -> tuple[list[list[int]], int]:
    """What ``Engine.sample`` returns; ``together``: how many rows may advance at a time."""
    flat, most = uniforms.reshape(-1), uniforms.shape[1]
    results: list[list[int]] = []
    if how.order == "rows":
        for at in range(0, len(prefixes), together):
            part = slice(at, at + together)
            results += _advance(begin, config, prefixes[part], how, uniforms[part])[0]
        return results, uniforms.size
    used = 0
    for prefix in prefixes:
        tokens, draws = _advance(begin, config, [prefix], how, flat[None, used : used + most])
        results += tokens
        used += draws
    return results, used


def _advance(
    begin: Begin,
    config: Config,
    prefixes: Sequence[Sequence[int]],
    how: Sampler,
    uniforms: npt.NDArray[np.float64],
) -> tuple[list[list[int]], int]:
    """Tokens of all samples, and how many uniforms they took together. ``uniforms`` [B, M]."""
    count, most = uniforms.shape
    bos = config.vocab_size - 1
    tokens = np.full((count, most + 1), bos, np.int64)
    forced = np.array([min(len(prefix), most) for prefix in prefixes], np.int64)
    for row, prefix, n in zip(tokens, prefixes, forced.tolist(), strict=True):
        row[1 : n + 1] = prefix[:n]
    ends = np.full(count, most, np.int64)
    alive = np.flatnonzero(forced < most)  # samples that still grow, all seen to the same length
    states = np.array([walk(how.guard, prefixes[i][:most]) for i in alive.tolist()], np.int64)
    seen = begin(len(alive), min(config.block_size, most))
    for t in range(int(forced[alive].min(initial=most)), most):
        logits = seen.logits(tokens[alive, : t + 1])
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
            seen.keep(left)
        if not len(alive):
            break
    draws = int((np.minimum(ends + 1, most) - forced).sum())
    return [row[1 : n + 1] for row, n in zip(tokens.tolist(), ends, strict=True)], draws


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
