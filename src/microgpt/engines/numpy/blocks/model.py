"""The whole model of blocks: forward pass, loss, and backward pass. §19."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from microgpt.engines.base import Array, Ints
from microgpt.engines.numpy.blocks.attention import (
    Attend,
    Attention,
    attention,
    attention_back,
    looked,
)
from microgpt.engines.numpy.blocks.experts import Experts, experts, experts_back, unbalance
from microgpt.engines.numpy.blocks.mlp import Mlp, mlp, mlp_back
from microgpt.engines.numpy.blocks.norms import Normed, norm_of, norm_of_back
from microgpt.engines.numpy.blocks.weights import Weights
from microgpt.engines.numpy.math import Group, cross_entropy


class Block(NamedTuple):
    """What one block computed on its way."""

    norm1: Normed  # of attention's input
    attn: Attention
    middle: Array  # [N, C] after the first residual
    norm2: Normed  # of the MLP's input
    mlp: Mlp | Experts
    x: Array  # [N, C] the block's output


class Pass(NamedTuple):
    """What the forward pass computed."""

    emb: Array  # [N, C]
    first: Normed | None  # the norm of the embedding, if there is one
    blocks: list[Block]
    final: Normed | None  # the norm after the last block, if there is one
    last: Array  # [N, C] what is turned into logits


def forward(w: Weights, tokens: Ints, positions: Ints, attend: Attend) -> Pass:
    """The hidden states of ``tokens`` [N] at ``positions`` [N]."""
    emb = w["wte"][tokens]
    if w.config.positions == "learned":
        emb = emb + w["wpe"][positions]
    first = norm_of(w, "emb_norm", emb) if w.config.embed_norm else None
    x = emb if first is None else first.y
    blocks = []
    for i in range(w.config.n_layer):
        layer = f"layer{i}."
        norm1 = norm_of(w, layer + "attn_norm", x)
        attn = attention(w, i, norm1.y, positions, attend)
        middle = x + attn.y
        norm2 = norm_of(w, layer + "mlp_norm", middle)
        part: Mlp | Experts = (experts if w.config.n_expert else mlp)(w, layer, norm2.y)
        x = middle + part.y
        blocks.append(Block(norm1, attn, middle, norm2, part, x))
    final = norm_of(w, "final_norm", x) if w.config.final_norm else None
    return Pass(emb, first, blocks, final, x if final is None else final.y)


def forward_documents(w: Weights, tokens: Ints, positions: Ints, groups: Sequence[Group]) -> Pass:
    """The same, where each position sees its document from the start, or its window."""
    scale, window = w.config.score_scale, w.config.attn_window
    return forward(w, tokens, positions, lambda i, q, k, v: looked(scale, window, q, k, v, groups))


def logits_of(w: Weights, last: Array) -> Array:
    """[N, V] from the last hidden state [N, C]; muP multiplies by n_base / n_embd."""
    return w.config.logit_scale * (last @ w[w.head].T)


def backward(
    w: Weights,
    g: Weights,
    done: Pass,
    dlogits: Array,
    tokens: Ints,
    positions: Ints,
    groups: Sequence[Group],
    balance: float,
) -> None:
    """Fill ``g`` with the gradients of a loss whose dL/dlogits [N, V] is ``dlogits``.

    ``balance``: what each block's ``unbalance`` is multiplied by in that loss.
    """
    g.flat[:] = 0
    dlogits = w.config.logit_scale * dlogits
    g.add(w.head, dlogits.T @ done.last)
    dx: Array = dlogits @ w[w.head]
    if done.final is not None:
        dx = norm_of_back(w, g, "final_norm", dx, done.final)
    for i, at in reversed(list(enumerate(done.blocks))):
        layer = f"layer{i}."
        if isinstance(at.mlp, Experts):
            dnorm2 = experts_back(w, g, layer, at.mlp, dx, balance)
        else:
            dnorm2 = mlp_back(w, g, layer, at.mlp, dx)
        dx = dx + norm_of_back(w, g, layer + "mlp_norm", dnorm2, at.norm2)
        dnorm1 = attention_back(w, g, i, at.attn, dx, positions, groups)
        dx = dx + norm_of_back(w, g, layer + "attn_norm", dnorm1, at.norm1)
    if done.first is not None:
        dx = norm_of_back(w, g, "emb_norm", dx, done.first)
    np.add.at(g["wte"], tokens, dx)
    if w.config.positions == "learned":
        np.add.at(g["wpe"], positions, dx)
    for name, grad in g.named.items():
        if not w.config.lr_share(name):
            grad[:] = 0  # LoRA leaves it as it is


def loss_and_gradients(
    w: Weights,
    g: Weights,
    tokens: Ints,
    targets: Ints,
    positions: Ints,
    groups: Sequence[Group],
    divisor: int,
    weights: Array | None = None,
) -> float:
    """Fill ``g``; return the sum of -log p over all N positions divided by ``divisor``.

    ``weights`` [N]: what each -log p is multiplied by. The gradients are those of this loss and of
    config.balance times the blocks' ``unbalance``, which isn't reported. Of a part of a batch it
    counts as much as the part has of the batch's positions.
    """
    done = forward_documents(w, tokens, positions, groups)
    loss, dlogits = cross_entropy(logits_of(w, done.last), targets, divisor, weights)
    balance = w.config.balance * len(tokens) / divisor
    backward(w, g, done, dlogits, tokens, positions, groups, balance)
    return loss


def unbalances(done: Pass) -> list[float]:
    """Of each block with experts, how unevenly they are used: 1 is even."""
    return [unbalance(block.mlp) for block in done.blocks if isinstance(block.mlp, Experts)]
