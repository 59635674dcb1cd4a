"""Mixture of experts (Shazeer et al. 2017): several MLPs, of which a router picks a few. §15.

Each position is computed by the ``n_active`` experts with the largest router logits, and their
outputs are added up with weights. A second loss (Fedus, Zoph and Shazeer 2021) keeps the router
from sending everything to the same few: §16.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from microgpt.engines.base import Array, Ints
from microgpt.engines.numpy.blocks.attention import softmax, softmax_back
from microgpt.engines.numpy.blocks.mlp import Mlp, mlp, mlp_back
from microgpt.engines.numpy.blocks.weights import Weights


class Experts(NamedTuple):
    """What the experts of a block computed on their way."""

    x: Array  # [N, C] their input
    logits: Array  # [N, E] the router's
    chosen: Ints  # [N, A] the experts in use, the largest logit first
    weights: Array  # [N, A] what their outputs are multiplied by
    rows: list[tuple[Ints, Ints]]  # per expert: its positions, and its places in ``chosen``
    parts: list[Mlp]  # per expert, of its positions alone
    y: Array  # [N, C]


def experts(w: Weights, layer: str, x: Array) -> Experts:
    """The experts of the block whose weights' names begin with ``layer``, from x [N, C]."""
    logits = x @ w[layer + "router"].T
    # A stable sort of the negated logits leaves ties in order: the lower index first.
    chosen = np.argsort(-logits, axis=1, kind="stable")[:, : w.config.n_active]
    weights = softmax(np.take_along_axis(logits, chosen, axis=1))
    y = np.zeros_like(x)
    rows: list[tuple[Ints, Ints]] = []
    parts: list[Mlp] = []
    for e in range(w.config.n_expert):
        at, place = np.nonzero(chosen == e)
        rows.append((at, place))
        parts.append(mlp(w, f"{layer}expert{e}.", x[at]))
        y[at] += weights[at, place][:, None] * parts[-1].y
    return Experts(x, logits, chosen, weights, rows, parts, y)


def experts_back(
    w: Weights, g: Weights, layer: str, done: Experts, dy: Array, balance: float
) -> Array:
    """dx [N, C] from dy [N, C]; adds the gradients of router and experts to ``g``.

    ``balance``: what ``unbalance`` is multiplied by in what is minimised.
    """
    dx, dweights = np.zeros_like(done.x), np.zeros_like(done.weights)
    for e, ((at, place), part) in enumerate(zip(done.rows, done.parts, strict=True)):
        dweights[at, place] = (dy[at] * part.y).sum(axis=1)
        dpart = done.weights[at, place][:, None] * dy[at]
        dx[at] += mlp_back(w, g, f"{layer}expert{e}.", part, dpart)
    dlogits = unbalance_back(done, balance)
    picked = np.take_along_axis(dlogits, done.chosen, axis=1)
    picked += softmax_back(dweights, done.weights)
    np.put_along_axis(dlogits, done.chosen, picked, axis=1)
    g.add(layer + "router", dlogits.T @ done.x)
    dx += dlogits @ w[layer + "router"]
    return dx


def shares(done: Experts) -> Array:
    """[E]: the share of all choices, A for each position, that went to each expert."""
    counts = np.bincount(done.chosen.reshape(-1), minlength=done.logits.shape[1])
    result: Array = (counts / max(1, done.chosen.size)).astype(done.logits.dtype)
    return result


def unbalance(done: Experts) -> float:
    """E times the sum over experts of share · mean probability: 1 where all are used alike."""
    probs = softmax(done.logits).mean(axis=0)
    return float(len(probs) * (shares(done) * probs).sum())


def unbalance_back(done: Experts, factor: float) -> Array:
    """``factor`` times the derivative of ``unbalance`` by the router's logits: [N, E].

    The shares are counts, which have no derivative.
    """
    probs = softmax(done.logits)
    count, e = probs.shape
    dprobs = np.broadcast_to(factor * e / max(1, count) * shares(done), probs.shape)
    return softmax_back(dprobs, probs)
