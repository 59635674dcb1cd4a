"""Everything the forward pass computes on its way, by the names of ``microgpt.trace``."""

from __future__ import annotations

import numpy as np

from microgpt import trace as trace_table
from microgpt.engines.base import Array, Arrays, Ints
from microgpt.engines.numpy.blocks.attention import seen, softmax
from microgpt.engines.numpy.blocks.experts import Experts
from microgpt.engines.numpy.blocks.mlp import Mlp
from microgpt.engines.numpy.blocks.model import Block, forward_documents, logits_of
from microgpt.engines.numpy.blocks.weights import Weights
from microgpt.engines.numpy.math import Group


def trace_blocks(w: Weights, tokens: Ints, targets: Ints) -> Arrays:
    """All intermediates of one document, those that this model has, in the order of the table.

    ``targets``: the tokens that follow ``tokens`` [T], as far as they are known.
    """
    config, n = w.config, len(tokens)
    positions = np.arange(n)
    done = forward_documents(w, tokens, positions, [Group(0, n, 1, n)])
    logits = logits_of(w, done.last)
    probs = softmax(logits)
    found: Arrays = {"tok_emb": w["wte"][tokens], "emb": done.emb, "logits": logits, "probs": probs}
    if config.positions == "learned":
        found["pos_emb"] = w["wpe"][positions]
    found["x"] = done.emb
    if done.first is not None:
        found["mean_square"] = np.square(done.emb).mean(axis=1)
        found["scale"], found["x"] = done.first.scale[:, 0], done.first.y
    if done.final is not None:
        found["scale_final"], found["x_normed"] = done.final.scale[:, 0], done.final.y
    for i, block in enumerate(done.blocks):
        found |= {f"layer{i}.{name}": array for name, array in _block(w, block).items()}
    loss = -np.log(probs[positions[: len(targets)], targets])
    return {**{item.name: found[item.name] for item in trace_table.table(config)}, "loss": loss}


def _block(w: Weights, block: Block) -> Arrays:
    config, attn = w.config, block.attn
    n = len(attn.x)
    keys = np.repeat(attn.k, config.n_head // config.kv_heads, axis=1)
    qk = np.einsum("thd,shd->ths", attn.q, keys) * seen(n, config.attn_window)[:, None, :]
    found = {
        "scale_pre_attn": block.norm1.scale[:, 0],
        "x_pre_attn": block.norm1.y,
        "q_raw": attn.raw_q.reshape(n, -1),
        "k_raw": attn.raw_k.reshape(n, -1),
        "q": attn.q.reshape(n, -1),
        "k": attn.k.reshape(n, -1),
        "v": attn.v.reshape(n, -1),
        "qk": qk,
        "scores": qk * config.score_scale,
        "weights": attn.looks[0][0].transpose(1, 0, 2),
        "head_out": attn.heads,
        "x_attn": attn.y,
        "x_after_attn": block.middle,
        "scale_pre_mlp": block.norm2.scale[:, 0],
        "x_pre_mlp": block.norm2.y,
        "mlp_out": block.mlp.y,
        "x_final": block.x,
    }
    return found | (_routed(block.mlp) if isinstance(block.mlp, Experts) else _plain(block.mlp))


def _plain(done: Mlp) -> Arrays:
    gate = {} if done.gate is None else {"gate_pre": done.gate}
    return {"fc1_pre": done.up, "fc1": done.hidden, **gate}


def _routed(done: Experts) -> Arrays:
    weights: Array = np.zeros_like(done.logits)
    np.put_along_axis(weights, done.chosen, done.weights, axis=1)
    return {"router": done.logits, "expert_weights": weights}
