"""The model on whole arrays: forward pass and hand-written backward pass, one function each.

Everything but attention treats each position by itself, so the positions of all documents of a
batch lie one below another in arrays of N rows; nothing is padded. Attention works on groups of
documents of equal length. Each ``*_back`` function is derived in the section (§) of
``notes/backward.md`` that it names; ``dx`` stands for dL/dx and has the shape of x.

Shapes: B documents of a group, T positions of each, N positions altogether, C n_embd, H n_head,
D head_dim = C / H, F = 4 C hidden numbers of the MLP, V vocabulary.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from microgpt.config import Config
from microgpt.engines.base import Array, Arrays, Ints

EPS = 1e-5  # of rmsnorm


class Group(NamedTuple):
    """Documents of equal length: rows ``start`` to ``stop`` of an array with N rows."""

    start: int
    stop: int
    docs: int
    length: int


class Layout(NamedTuple):
    """Which positions are computed, shorter documents first.

    ``rows`` [N]: the index of each position's token in the flat array. ``positions``
    [N]: its place in its document. ``order`` [documents]: the documents as they are laid out.
    """

    rows: Ints
    positions: Ints
    groups: list[Group]
    order: Ints


def layout(starts: Ints, lengths: Ints) -> Layout:
    """Lay out documents that start at ``starts`` and have ``lengths`` positions, 0 included."""
    order = np.argsort(lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    ends = np.cumsum(lengths)
    count = int(ends[-1]) if len(ends) else 0
    positions = np.arange(count) - np.repeat(ends - lengths, lengths)
    groups, at = [], 0
    for length, docs in zip(*np.unique(lengths, return_counts=True), strict=True):
        if length:
            groups.append(Group(at, at + int(docs * length), int(docs), int(length)))
            at = groups[-1].stop
    return Layout(positions + np.repeat(starts, lengths), positions, groups, order)


class LayerTensors(NamedTuple):
    """One block's matrices (out × in); ``qkv`` [3C, C] is wq, wk and wv one below another."""

    qkv: Array
    wo: Array
    fc1: Array
    fc2: Array


class Tensors:
    """All matrices as views into one flat vector: the weights, or their gradients.

    ``named``: by state-dict name, in the order of ``Config.shapes``.
    """

    def __init__(self, config: Config, flat: Array) -> None:
        self.config, self.flat = config, flat
        self.named: Arrays = {}
        starts, at = {}, 0
        for name, (out, into) in config.shapes().items():
            self.named[name] = flat[at : at + out * into].reshape(out, into)
            starts[name] = at
            at += out * into
        self.wte, self.wpe = self.named["wte"], self.named["wpe"]
        self.lm_head = self.named["lm_head"]
        c = config.n_embd
        self.layers = []
        for i in range(config.n_layer):
            at = starts[f"layer{i}.attn_wq"]
            self.layers.append(
                LayerTensors(
                    flat[at : at + 3 * c * c].reshape(3 * c, c),
                    *(self.named[f"layer{i}.{name}"] for name in ("attn_wo", "mlp_fc1", "mlp_fc2")),
                )
            )


Attend = Callable[[int, Array], tuple[Array, list[Array]]]
"""Attention of layer i: from qkv [N, 3C] the heads' outputs [N, C] and the weights."""


class LayerPass(NamedTuple):
    """What one block computed on its way, as far as the backward pass or a trace needs it."""

    norm1: Array  # [N, C] normed input of attention
    scale1: Array  # [N, 1] what the norm multiplied by
    qkv: Array  # [N, 3C] queries, keys, values
    looks: list[Array]  # per group [T, B, H, T]: attention weights
    heads: Array  # [N, C] weighted sums of the values
    middle: Array  # [N, C] after the first residual
    norm2: Array  # [N, C] normed input of the MLP
    scale2: Array  # [N, 1]
    positive: Array  # [N, F] after the ReLU
    hidden: Array  # [N, F] after the activation: ``positive``, or its square
    x: Array  # [N, C] the block's output


class Pass(NamedTuple):
    """What the forward pass computed: ``emb`` [N, C], its norm ``x`` and the blocks."""

    emb: Array
    x: Array
    scale: Array
    layers: list[LayerPass]

    @property
    def last(self) -> Array:
        """[N, C]: what lm_head turns into logits."""
        return self.layers[-1].x


def forward(w: Tensors, tokens: Ints, positions: Ints, attend: Attend) -> Pass:
    """The hidden states of ``tokens`` [N] at ``positions`` [N]."""
    emb = w.wte.take(tokens, axis=0) + w.wpe.take(positions, axis=0)
    first, scale = rmsnorm(emb)
    x = first
    layers = []
    for i, layer in enumerate(w.layers):
        norm1, scale1 = rmsnorm(x)
        qkv = norm1.dot(layer.qkv.T)
        heads, looks = attend(i, qkv)
        middle = heads.dot(layer.wo.T)
        middle += x
        norm2, scale2 = rmsnorm(middle)
        positive = norm2.dot(layer.fc1.T)
        np.maximum(positive, 0, out=positive)
        hidden = positive * positive if w.config.activation == "relu_squared" else positive
        x = hidden.dot(layer.fc2.T)
        x += middle
        layers.append(
            LayerPass(norm1, scale1, qkv, looks, heads, middle, norm2, scale2, positive, hidden, x)
        )
    return Pass(emb, first, scale, layers)


def forward_documents(w: Tensors, tokens: Ints, positions: Ints, groups: Sequence[Group]) -> Pass:
    """The same, where each position sees its document from the start."""
    n_head = w.config.n_head
    return forward(w, tokens, positions, lambda i, qkv: attention(qkv, groups, n_head))


def backward(
    w: Tensors,
    g: Tensors,
    done: Pass,
    dlogits: Array,
    tokens: Ints,
    positions: Ints,
    groups: Sequence[Group],
) -> None:
    """Fill ``g`` with the gradients of a loss whose dL/dlogits [N, V] is ``dlogits``: §7."""
    np.dot(dlogits.T, done.last, out=g.lm_head)
    dx = dlogits.dot(w.lm_head)
    for layer, grad, at in zip(
        reversed(w.layers), reversed(g.layers), reversed(done.layers), strict=True
    ):
        # x = fc2 act(fc1 norm2) + middle: §5, and the residual passes dx on as it is.
        np.dot(dx.T, at.hidden, out=grad.fc2)
        dhidden = dx.dot(layer.fc2)
        if at.hidden is at.positive:
            dhidden *= at.positive > 0
        else:
            dhidden *= at.positive
            dhidden *= 2
        np.dot(dhidden.T, at.norm2, out=grad.fc1)
        dx += rmsnorm_back(dhidden.dot(layer.fc1), at.norm2, at.scale2)
        # middle = wo attention(qkv norm1) + x: §2 and §4.
        np.dot(dx.T, at.heads, out=grad.wo)
        dqkv = attention_back(dx.dot(layer.wo), at.qkv, at.looks, groups, w.config.n_head)
        np.dot(dqkv.T, at.norm1, out=grad.qkv)
        dx += rmsnorm_back(dqkv.dot(layer.qkv), at.norm1, at.scale1)
    demb = rmsnorm_back(dx, done.x, done.scale)
    embedding_back(demb, tokens, g.wte)
    embedding_back(demb, positions, g.wpe)


def rmsnorm(x: Array) -> tuple[Array, Array]:
    """x [N, C] * scale, and scale [N, 1] = (mean(x²) + eps)^-0.5 = sqrt(C / (x·x + C eps))."""
    c = x.shape[1]
    scale = np.vecdot(x, x)[:, None]
    scale += c * EPS
    np.divide(c, scale, out=scale)
    np.sqrt(scale, out=scale)
    return x * scale, scale


def rmsnorm_back(dy: Array, y: Array, scale: Array) -> Array:
    """dx [N, C] from dy and the norm's own result y = x * scale: §3."""
    along = np.vecdot(dy, y)[:, None]
    along /= y.shape[1]
    dx: Array = y * along
    np.subtract(dy, dx, out=dx)
    dx *= scale
    return dx


@functools.lru_cache(maxsize=32)
def causal_mask(length: int, dtype: np.dtype[np.floating]) -> Array:
    """[T, 1, 1, T]: added to scores, it sends to -inf what lies after the position that looks."""
    mask = np.tril(np.full((length, length), -np.inf, dtype), -1)[:, None, None, :]
    mask.flags.writeable = False
    return mask


def by_head(x: Array, group: Group, parts: int, n_head: int) -> Array:
    """View of a group's rows of x [N, parts * C] as [parts, B, H, T, D]; writes go through."""
    d = x.shape[1] // (parts * n_head)
    rows = x[group.start : group.stop].reshape(group.docs, group.length, parts, n_head, d)
    heads: Array = rows.transpose(2, 0, 3, 1, 4)
    return heads


def softmax(scores: Array) -> Array:
    """Softmax over the first axis, in place."""
    scores -= np.maximum.reduce(scores, axis=0)
    np.exp(scores, out=scores)
    scores /= np.add.reduce(scores, axis=0)
    return scores


def attention(qkv: Array, groups: Sequence[Group], n_head: int) -> tuple[Array, list[Array]]:
    """Heads' outputs [N, C] from qkv [N, 3C], and each group's attention weights [T, B, H, T].

    The first T of the weights is the position looked at, the last the one that looks: sums over
    the first axis run along long rows of memory, sums over a short last axis would be slow.
    """
    c = qkv.shape[1] // 3
    out = np.empty((len(qkv), c), qkv.dtype)
    looks = []
    for group in groups:
        q, k, v = by_head(qkv, group, 3, n_head)
        p = np.empty((group.length, group.docs, n_head, group.length), qkv.dtype)
        np.matmul(k, q.swapaxes(-1, -2), out=p.transpose(1, 2, 0, 3))
        p *= math.sqrt(n_head / c)
        p += causal_mask(group.length, p.dtype)
        softmax(p)
        np.matmul(p.transpose(1, 2, 3, 0), v, out=by_head(out, group, 1, n_head)[0])
        looks.append(p)
    return out, looks


def attention_back(
    dout: Array, qkv: Array, looks: Sequence[Array], groups: Sequence[Group], n_head: int
) -> Array:
    """dqkv [N, 3C] from dout [N, C]: §4."""
    c = qkv.shape[1] // 3
    dqkv = np.empty_like(qkv)
    for group, p in zip(groups, looks, strict=True):
        q, k, v = by_head(qkv, group, 3, n_head)
        dq, dk, dv = by_head(dqkv, group, 3, n_head)
        do = by_head(dout, group, 1, n_head)[0]
        np.matmul(p.transpose(1, 2, 0, 3), do, out=dv)
        ds = np.empty_like(p)
        np.matmul(v, do.swapaxes(-1, -2), out=ds.transpose(1, 2, 0, 3))
        ds -= np.add.reduce(ds * p, axis=0)
        ds *= p
        ds *= math.sqrt(n_head / c)
        np.matmul(ds.transpose(1, 2, 3, 0), k, out=dq)
        np.matmul(ds.transpose(1, 2, 0, 3), q, out=dk)
    return dqkv


def cross_entropy(
    logits: Array, targets: Ints, positions: int, weights: Array | None = None
) -> tuple[float, Array]:
    """Sum of -log p(target) over the rows divided by ``positions``, and dlogits [N, V]: §1.

    ``weights`` [N]: what each row's -log p is multiplied by before; None: 1. Overwrites
    ``logits``. The sum is a float64 in either dtype.
    """
    count, v = logits.shape
    chosen = np.arange(0, count * v, v) + targets
    logits -= np.maximum.reduce(logits, axis=1, keepdims=True)
    at_target = logits.reshape(-1)[chosen]
    np.exp(logits, out=logits)
    sums = np.add.reduce(logits, axis=1, keepdims=True)
    surprise = np.log(sums[:, 0]) - at_target
    if weights is not None:
        surprise = surprise * weights  # float64
    loss = float(np.add.reduce(surprise, dtype=np.float64)) / positions
    sums *= positions
    logits /= sums
    logits.reshape(-1)[chosen] -= 1 / positions
    if weights is not None:
        logits *= weights.astype(logits.dtype)[:, None]
    return loss, logits


def one_hot(index: Ints, size: int, dtype: np.dtype[np.floating]) -> Array:
    """[N, size] of zeros with a 1 in column ``index[n]`` of row n."""
    result = np.zeros((len(index), size), dtype)
    result.reshape(-1)[np.arange(0, len(index) * size, size) + index] = 1
    return result


def embedding_back(demb: Array, index: Ints, grad: Array) -> None:
    """Add row n of demb [N, C] to row index[n] of ``grad``, which starts at zero: §6."""
    np.dot(one_hot(index, len(grad), demb.dtype).T, demb, out=grad)


def trace(w: Tensors, tokens: Ints, targets: Ints) -> Arrays:
    """All intermediates of one document, by the names and shapes of ``microgpt.trace``.

    ``targets``: the tokens that follow ``tokens`` [T], as far as they are known.
    """
    config, n = w.config, len(tokens)
    positions = np.arange(n)
    group = Group(0, n, 1, n)
    done = forward_documents(w, tokens, positions, [group])
    result = {
        "tok_emb": w.wte[tokens],
        "pos_emb": w.wpe[positions],
        "emb": done.emb,
        "mean_square": np.vecdot(done.emb, done.emb) / config.n_embd,
        "scale": done.scale[:, 0],
        "x": done.x,
    }
    for i, (layer, at) in enumerate(zip(w.layers, done.layers, strict=True)):
        q, k, v = by_head(at.qkv, group, 3, config.n_head)[:, 0]  # [H, T, D] each
        qk = np.tril(q @ k.swapaxes(1, 2)).transpose(1, 0, 2)
        looked_at = at.looks[0][:, 0]  # [T, H, T], the position that looks last
        found = {
            "scale_pre_attn": at.scale1[:, 0],
            "x_pre_attn": at.norm1,
            "q": q.transpose(1, 0, 2).reshape(n, -1),
            "k": k.transpose(1, 0, 2).reshape(n, -1),
            "v": v.transpose(1, 0, 2).reshape(n, -1),
            "qk": qk,
            "scores": qk * math.sqrt(1 / config.head_dim),
            "weights": looked_at.transpose(2, 1, 0),
            "head_out": at.heads,
            "x_attn": at.heads.dot(layer.wo.T),
            "x_after_attn": at.middle,
            "scale_pre_mlp": at.scale2[:, 0],
            "x_pre_mlp": at.norm2,
            "fc1_pre": at.norm2.dot(layer.fc1.T),
            "fc1": at.hidden,
            "mlp_out": at.hidden.dot(layer.fc2.T),
            "x_final": at.x,
        }
        result |= {f"layer{i}.{name}": array for name, array in found.items()}
    logits = done.last.dot(w.lm_head.T)
    probs = softmax(logits.T.copy()).T
    loss = -np.log(probs[positions[: len(targets)], targets])
    return {**result, "logits": logits, "probs": probs, "loss": loss}
