"""The engine on NumPy arrays: the same algorithm a thousand times faster than scalars.

The published model's mathematics is in ``numpy/math.py``, that of all other blocks in
``numpy/blocks``, where nothing is done for speed; gradients are derived in ``notes/backward.md``.
Here are the state, the optimiser and what the trunk calls. All parameters lie in one flat vector,
so that an update is a dozen operations whatever the number of matrices. ``float32`` computes in
float32 throughout; only the sum of the losses and the sampler's distribution are float64.
``threads`` changes nothing: NumPy's BLAS reads its number of threads from the environment when it
is loaded, and with more than one it rounds products over thousands of positions differently.

Shapes as in ``numpy/math.py``: N positions, C n_embd, H heads, D head_dim, F = 4 C, V vocabulary.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microgpt.config import SWITCHES, Config
from microgpt.engines.advancing import advanced
from microgpt.engines.base import Array, Arrays, Batches, Engine, Ints, Optim
from microgpt.engines.drawing import Sampler
from microgpt.engines.numpy import math as nm
from microgpt.engines.numpy.blocks import model as blocks
from microgpt.engines.numpy.blocks.tracing import trace_blocks
from microgpt.engines.numpy.blocks.weights import Weights
from microgpt.engines.numpy.sampling import TOGETHER, Reader
from microgpt.engines.updating import updated

RECIPES = ("optimizer", "grad_clip")
"""What isn't published but the architecture: with these alone, ``numpy/math.py`` computes."""

CAN = (*(name for name in SWITCHES if name != "dropout"), "activation", *RECIPES)

PIECE = 1024  # positions that ``logits`` computes at a time: what stays in a core's cache


class NumpyEngine(Engine):
    """Forward and hand-written backward pass over the positions of a whole batch at once."""

    name = "numpy"
    repeats = "on the same processor with the same NumPy"

    @classmethod
    def supports(cls, config: Config, dtype: str) -> str | None:
        if dtype not in ("float64", "float32"):
            return f"computes in float64 or float32, not {dtype}"
        if beyond := config.beyond(CAN):
            return f"can't do {', '.join(beyond)}"
        return None

    def load(
        self,
        config: Config,
        dtype: str,
        weights: Arrays,
        optim: Optim | None = None,
        threads: int = 1,
    ) -> None:
        self.config, self.dtype = config, dtype
        self.published = not config.beyond(RECIPES)
        self.quick = not config.beyond()
        _keep_freed_memory()
        self.w = self._vector(weights)
        self.g = self._vector({})
        self.m = self._vector(optim.m if optim else {})
        self.v = self._vector(optim.v if optim else {})
        self.step = optim.step if optim else 0
        self.scratch = np.empty_like(self.w.flat)

    def _vector(self, arrays: Arrays) -> Any:
        """A new flat vector that holds copies of ``arrays``, or zeros if there are none.

        ``nm.Tensors`` for the published model, ``Weights`` for all others.
        """
        made = nm.Tensors if self.published else Weights
        tensors = made(self.config, np.zeros(self.config.parameters(), self.dtype))
        if arrays:
            for name, view in tensors.named.items():
                assert arrays[name].shape == view.shape, (name, arrays[name].shape, view.shape)
                view[:] = arrays[name]
        return tensors

    def state(self) -> tuple[Arrays, Optim]:
        weights = _copies(self.w)
        if self.config.optimizer == "sgd":
            return weights, Optim(step=self.step)
        return weights, Optim(_copies(self.m), _copies(self.v), self.step)

    def grads(
        self, docs: Sequence[Sequence[int]], weights: npt.ArrayLike | None = None
    ) -> tuple[float, Arrays]:
        batch = Batches.of([docs], weights)
        tokens, positions = batch.tokens.astype(np.intp), int(batch.positions[0])
        with np.errstate(all="ignore"):
            loss = self._backward(tokens, batch.offsets, positions, batch.weights)
        return loss, _copies(self.g)

    def steps(self, batches: Batches, lrs: Sequence[float], first_step: int) -> list[float]:
        tokens = batches.tokens.astype(np.intp)
        counts, positions = batches.documents.tolist(), batches.positions.tolist()
        losses = []
        self._norms = []
        first = 0
        with np.errstate(all="ignore"):  # a run that diverges returns its NaN, the trunk raises
            for i, lr in enumerate(lrs):
                offsets = batches.offsets[first : first + counts[i] + 1]
                weights = batches.weights_of(first, counts[i])
                first += counts[i]
                losses.append(self._backward(tokens, offsets, positions[i], weights))
                self.step = first_step + i + 1
                if self.quick:
                    self._update(lr, self.step)
                else:
                    self._norms.append(self._update_any(lr, self.step))
        return losses

    def _backward(
        self, tokens: Ints, offsets: Ints, positions: int, weights: Array | None
    ) -> float:
        """Fill ``g`` from the documents tokens[offsets[d] : offsets[d + 1]]; return their loss.

        ``weights``: of their positions, one document after the other.
        """
        if len(offsets) == 2:  # a single document needs no sorting
            start, stop = offsets.tolist()
            n = stop - start - 1
            inputs, targets = tokens[start : stop - 1], tokens[start + 1 : stop]
            places: Ints = np.arange(n)
            groups = [nm.Group(0, n, 1, n)]
        else:
            plan = nm.layout(offsets[:-1], np.diff(offsets) - 1)
            inputs, targets = tokens[plan.rows], tokens[plan.rows + 1]
            places, groups = plan.positions, plan.groups
            if weights is not None:
                document = np.searchsorted(offsets, plan.rows, side="right") - 1
                weights = weights[plan.rows - offsets[0] - document]
        if not self.published:
            return blocks.loss_and_gradients(
                self.w, self.g, inputs, targets, places, groups, positions, weights
            )
        done = nm.forward_documents(self.w, inputs, places, groups)
        logits = done.last.dot(self.w.lm_head.T)
        loss, dlogits = nm.cross_entropy(logits, targets, positions, weights)
        nm.backward(self.w, self.g, done, dlogits, inputs, places, groups)
        return loss

    def _update(self, lr: float, t: int) -> None:
        """One step of Adam (t counts from 1, for the bias correction) or of SGD.

        Overwrites the gradients. Adam's fraction is that of the paper multiplied above and below
        by sqrt(1 - beta2^t), which saves a pass over the vector. Notes: §8.
        """
        w, g, m, v, s = self.w.flat, self.g.flat, self.m.flat, self.v.flat, self.scratch
        if self.config.optimizer == "sgd":
            g *= lr
            w -= g
            return
        beta1, beta2 = self.config.beta1, self.config.beta2
        root = math.sqrt(1 - beta2**t)
        m *= beta1
        np.multiply(g, 1 - beta1, out=s)
        m += s
        v *= beta2
        g *= g
        g *= 1 - beta2
        v += g
        np.sqrt(v, out=s)
        s += self.config.eps * root
        np.divide(m, s, out=s)
        s *= lr * root / (1 - beta1**t)
        w -= s

    def _update_any(self, lr: float, t: int) -> float:
        """One step of any optimiser, as every engine's; returns the gradient's norm."""
        optim = Optim(self.m.named, self.v.named, t)
        return updated(self.config, self.w.named, optim, self.g.named, 1.0, lr, t)

    def logits(self, token_lists: Sequence[Sequence[int]]) -> list[Array]:
        v = self.config.vocab_size
        lengths = np.array([len(tokens) for tokens in token_lists], np.int64)
        flat = np.array([t for tokens in token_lists for t in tokens], np.intp)
        results = [np.empty((0, v), self.dtype)] * len(lengths)
        order = np.argsort(lengths, kind="stable")
        starts = np.cumsum(lengths) - lengths
        with np.errstate(all="ignore"):
            for docs in np.split(order, _cuts(lengths[order])):
                plan = nm.layout(starts[docs], lengths[docs])
                rows = self._rows(flat[plan.rows], plan.positions, plan.groups)
                at = 0
                for doc, length in zip(
                    docs[plan.order].tolist(), lengths[docs][plan.order].tolist(), strict=True
                ):
                    results[doc] = rows[at : at + length]
                    at += length
        return results

    def _rows(self, tokens: Ints, positions: Ints, groups: Sequence[nm.Group]) -> Array:
        """Logits [N, V] of documents that are laid out."""
        if not self.published:
            found = blocks.forward_documents(self.w, tokens, positions, groups)
            return blocks.logits_of(self.w, found.last)
        done = nm.forward_documents(self.w, tokens, positions, groups)
        rows: Array = done.last.dot(self.w.lm_head.T)
        return rows

    def trace(self, tokens: Sequence[int]) -> Arrays:
        ids = np.array(tokens, np.intp)
        n = min(len(ids), self.config.block_size)
        with np.errstate(all="ignore"):
            traced = nm.trace if self.published else trace_blocks
            return traced(self.w, ids[:n], ids[1 : n + 1])

    def sample(
        self,
        prefixes: Sequence[Sequence[int]],
        how: Sampler,
        uniforms: npt.NDArray[np.float64],
    ) -> tuple[list[list[int]], int]:
        begin = functools.partial(Reader, self.w)
        with np.errstate(all="ignore"):
            return advanced(begin, self.config, TOGETHER, prefixes, how, uniforms)


def _keep_freed_memory() -> None:
    """Ask the C library to reuse the memory of big arrays instead of returning it each step.

    glibc takes blocks above a threshold from the system, page by page, and gives them back when
    they are freed; freeing one large block (never touched, so it costs nothing) raises the
    threshold to its size. At batch 64 this halves the time of a step. Elsewhere it has no effect.
    """
    np.empty(2**24, np.uint8)


def _copies(tensors: nm.Tensors | Weights) -> Arrays:
    return {name: view.copy() for name, view in tensors.named.items()}


def _cuts(lengths: Ints) -> list[int]:
    """Where to cut a list of documents into pieces of about ``PIECE`` positions."""
    piece = (np.cumsum(lengths) - 1) // PIECE
    return [int(i) + 1 for i in np.flatnonzero(np.diff(piece))]
