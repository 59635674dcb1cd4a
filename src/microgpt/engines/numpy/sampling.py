"""Sampling on NumPy arrays: what the model keeps of the samples that advance together.

Keys and values of earlier positions are kept (the KV cache), so that a token costs one position.
``engines/advancing.py`` draws the tokens.

Shapes: B samples, t positions so far, C n_embd, H heads, D head_dim, V vocabulary.
"""

from __future__ import annotations

import math

import numpy as np

from microgpt.engines.base import Array, Ints
from microgpt.engines.numpy import math as nm
from microgpt.engines.numpy.blocks import cache as blocks
from microgpt.engines.numpy.blocks.weights import Weights

TOGETHER = 1024  # samples that advance together: what bounds the memory of the cache


class Reader:
    """An ``advancing.Seen``: position by position as long as they fit into the cache."""

    def __init__(self, w: nm.Tensors | Weights, samples: int, positions: int) -> None:
        self.w, self.read, self.positions = w, 0, positions
        self.cache: Cache | blocks.Cache
        if isinstance(w, nm.Tensors):
            self.cache = Cache(w, samples, positions)
        else:
            self.cache = blocks.Cache(w, samples, positions)

    def logits(self, tokens: Ints) -> Array:
        """[B, V] after ``tokens`` [B, length]; beyond the cache the last ones are read anew."""
        length, block = tokens.shape[1], self.w.config.block_size
        if length > self.positions:
            return _window_logits(self.w, tokens[:, length - block :])
        for t in range(self.read, length):
            logits = self.cache.logits(tokens[:, t], t)
        self.read = length
        return logits

    def keep(self, samples: Ints) -> None:
        """Forget all but these samples."""
        self.cache.keep(samples)


class Cache:
    """Keys and values [B, H, P, D] of each layer, for samples of equal length up to P."""

    def __init__(self, w: nm.Tensors, samples: int, positions: int) -> None:
        self.w = w
        shape = (samples, w.config.n_head, positions, w.config.head_dim)
        self.keys = [np.empty(shape, w.flat.dtype) for _ in w.layers]
        self.values = [np.empty(shape, w.flat.dtype) for _ in w.layers]

    def keep(self, samples: Ints) -> None:
        """Forget all but these samples."""
        self.keys = [k[samples] for k in self.keys]
        self.values = [v[samples] for v in self.values]

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
