"""Attention with everything that production models do to it.

Several queries may share one head of keys and values (grouped-query attention, Ainslie et al.
2023): §12. Queries and keys may be normed head by head (Henry et al. 2020) and rotated by their
position. With a window (Beltagy et al. 2020) each position sees itself and those shortly before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from microgpt.engines.base import Array, Ints
from microgpt.engines.numpy.blocks.linear import linear, linear_back
from microgpt.engines.numpy.blocks.norms import Normed, norm, norm_back
from microgpt.engines.numpy.blocks.rotation import rotated, rotated_back, turns
from microgpt.engines.numpy.blocks.weights import Weights
from microgpt.engines.numpy.math import Group

Attend = Callable[[int, Array, Array, Array], tuple[Array, list[Array]]]
"""Of layer i: from q [N, H, D], k and v [N, K, D] the heads' outputs [N, H, D] and the weights."""


class Attention(NamedTuple):
    """What attention computed on its way."""

    x: Array  # [N, C] its input
    raw_q: Array  # [N, H, D] queries and
    raw_k: Array  # [N, K, D] keys, before norm and rotation
    norm_q: Normed | None
    norm_k: Normed | None
    q: Array  # [N, H, D] queries,
    k: Array  # [N, K, D] keys
    v: Array  # [N, K, D] and values, as they are multiplied
    looks: list[Array]  # per group [B, H, T, T]: attention weights, who is looked at last
    heads: Array  # [N, C] the heads' outputs
    y: Array  # [N, C] after attn_wo


def attention(w: Weights, i: int, x: Array, positions: Ints, attend: Attend) -> Attention:
    """The attention half of block ``i``, from x [N, C] at ``positions`` [N]."""
    layer, c = f"layer{i}.attn_", w.config
    raw_q = linear(w, layer + "wq", x).reshape(len(x), c.n_head, c.head_dim)
    raw_k, v = (
        linear(w, layer + name, x).reshape(len(x), c.kv_heads, c.head_dim) for name in ("wk", "wv")
    )
    q, k, norm_q, norm_k = raw_q, raw_k, None, None
    if c.qk_norm:
        norm_q = norm(q, gain=w.get(layer + "qnorm"))
        norm_k = norm(k, gain=w.get(layer + "knorm"))
        q, k = norm_q.y, norm_k.y
    if c.positions == "rope":
        turn = turns(positions, c.head_dim, c.rope_theta, x.dtype)
        q, k = rotated(q, turn), rotated(k, turn)
    out, looks = attend(i, q, k, v)
    heads = out.reshape(len(x), c.n_embd)
    y = linear(w, layer + "wo", heads)
    return Attention(x, raw_q, raw_k, norm_q, norm_k, q, k, v, looks, heads, y)


def attention_back(
    w: Weights,
    g: Weights,
    i: int,
    done: Attention,
    dy: Array,
    positions: Ints,
    groups: Sequence[Group],
) -> Array:
    """dx [N, C] from dy [N, C]; adds the gradients of this half's weights to ``g``."""
    layer, c = f"layer{i}.attn_", w.config
    dheads = linear_back(w, g, layer + "wo", done.heads, dy)
    dq, dk, dv = looked_back(c.score_scale, done, dheads.reshape(done.q.shape), groups)
    if c.positions == "rope":
        turn = turns(positions, c.head_dim, c.rope_theta, dy.dtype)
        dq, dk = rotated_back(dq, turn), rotated_back(dk, turn)
    if done.norm_q is not None and done.norm_k is not None:
        dq, dgain, _ = norm_back(dq, done.norm_q, gain=w.get(layer + "qnorm"))
        g.add(layer + "qnorm", dgain)
        dk, dgain, _ = norm_back(dk, done.norm_k, gain=w.get(layer + "knorm"))
        g.add(layer + "knorm", dgain)
    dx = np.zeros_like(dy)
    for name, part in (("wq", dq), ("wk", dk), ("wv", dv)):
        dx += linear_back(w, g, layer + name, done.x, part.reshape(len(dy), -1))
    return dx


# ---------------------------------------------------------------- who looks at whom


@functools.lru_cache(maxsize=32)
def seen(length: int, window: int | None) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """[T, T]: whether the first position sees the second, which must be in its past and window."""
    looking, looked_at = np.arange(length)[:, None], np.arange(length)
    mask = looked_at <= looking
    if window is not None:
        mask &= looked_at > looking - window
    mask.flags.writeable = False
    return mask


def softmax(scores: Array) -> Array:
    """Softmax over the last axis."""
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Array = exps / exps.sum(axis=-1, keepdims=True)
    return result


def softmax_back(dp: Array, p: Array) -> Array:
    """dscores from dp and the softmax's own result p: §4."""
    result: Array = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    return result


def by_head(x: Array, group: Group, kv_heads: int) -> Array:
    """A group's rows of x [N, heads, D] as [B, K, R, T, D]: query head h is K h // R, R h % R."""
    rows = x[group.start : group.stop]
    parts = rows.reshape(group.docs, group.length, kv_heads, -1, x.shape[-1])
    heads: Array = parts.transpose(0, 2, 3, 1, 4)
    return heads


def by_row(heads: Array) -> Array:
    """The reverse: [B, K, R, T, D] as rows [B T, K R, D]."""
    b, k, r, t, d = heads.shape
    return heads.transpose(0, 3, 1, 2, 4).reshape(b * t, k * r, d)


def looked(
    scale: float, window: int | None, q: Array, k: Array, v: Array, groups: Sequence[Group]
) -> tuple[Array, list[Array]]:
    """Heads' outputs [N, H, D], and each group's attention weights [B, H, T, T].

    Each position of a document looks at those before it and at itself.
    """
    out, looks = np.empty_like(q), []
    for group in groups:
        qh, kh, vh = (by_head(x, group, k.shape[1]) for x in (q, k, v))
        scores = scale * (qh @ kh.swapaxes(-1, -2))  # [B, K, R, T, T]
        p = softmax(np.where(seen(group.length, window), scores, -np.inf))
        out[group.start : group.stop] = by_row(p @ vh)
        looks.append(p.reshape(group.docs, -1, group.length, group.length))
    return out, looks


def looked_back(
    scale: float, done: Attention, dout: Array, groups: Sequence[Group]
) -> tuple[Array, Array, Array]:
    """dq [N, H, D], dk and dv [N, K, D] from dout [N, H, D]: §4, summed over those who share: §12.

    Where p is 0 because a position isn't seen, ds is 0 as well: nothing more is to be masked.
    """
    dq, dk, dv = np.empty_like(done.q), np.empty_like(done.k), np.empty_like(done.v)
    for group, look in zip(groups, done.looks, strict=True):
        q, k, v, do = (by_head(x, group, dk.shape[1]) for x in (done.q, done.k, done.v, dout))
        p = look.reshape(*q.shape[:-1], group.length)
        ds = scale * softmax_back(do @ v.swapaxes(-1, -2), p)
        rows = slice(group.start, group.stop)
        dq[rows] = by_row(ds @ k)
        dk[rows] = by_row((ds.swapaxes(-1, -2) @ q).sum(axis=2, keepdims=True))
        dv[rows] = by_row((p.swapaxes(-1, -2) @ do).sum(axis=2, keepdims=True))
    return dq, dk, dv
