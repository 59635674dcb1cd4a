"""Keys and values of earlier positions, kept while a text grows (the KV cache)."""

from __future__ import annotations

import numpy as np

from microgpt.engines.base import Array, Ints
from microgpt.engines.numpy.blocks.attention import softmax
from microgpt.engines.numpy.blocks.model import forward, forward_documents, logits_of
from microgpt.engines.numpy.blocks.weights import Weights
from microgpt.engines.numpy.math import Group


class Cache:
    """Keys, normed and rotated, and values [B, P, K, D] of each layer, for samples up to P."""

    def __init__(self, w: Weights, samples: int, positions: int) -> None:
        self.w = w
        shape = (samples, positions, w.config.kv_heads, w.config.head_dim)
        self.keys = [np.empty(shape, w.flat.dtype) for _ in range(w.config.n_layer)]
        self.values = [np.empty(shape, w.flat.dtype) for _ in range(w.config.n_layer)]

    def keep(self, samples: Ints) -> None:
        """Forget all but these samples."""
        self.keys = [k[samples] for k in self.keys]
        self.values = [v[samples] for v in self.values]

    def logits(self, tokens: Ints, t: int) -> Array:
        """[B, V] after ``tokens`` [B] at position ``t``; positions come in order from 0."""
        config = self.w.config
        first = 0 if config.attn_window is None else max(0, t + 1 - config.attn_window)

        def attend(i: int, q: Array, k: Array, v: Array) -> tuple[Array, list[Array]]:
            self.keys[i][:, t], self.values[i][:, t] = k, v
            keys = self.keys[i][:, first : t + 1].transpose(0, 2, 3, 1)  # [B, K, D, seen]
            values = self.values[i][:, first : t + 1].transpose(0, 2, 1, 3)  # [B, K, seen, D]
            queries = q.reshape(*k.shape[:2], -1, k.shape[2])  # [B, K, R, D]
            p = softmax(config.score_scale * (queries @ keys))
            return (p @ values).reshape(q.shape), [p]

        done = forward(self.w, tokens, np.full(len(tokens), t), attend)
        return logits_of(self.w, done.last)


def window_logits(w: Weights, tokens: Ints) -> Array:
    """[B, V] after the last of ``tokens`` [B, block]: nothing cached fits, all has moved."""
    count, block = tokens.shape
    group = Group(0, tokens.size, count, block)
    positions = np.tile(np.arange(block), count)
    done = forward_documents(w, tokens.reshape(-1), positions, [group])
    return logits_of(w, done.last[block - 1 :: block])
