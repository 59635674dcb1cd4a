"""The engine that says what everything means: one ``Value`` per number, byte-equal to the ladder.

Slow (about 0.2 s for a document) and short. Every other engine is compared with it.
"""

from __future__ import annotations

import contextlib
import gc
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microgpt import model
from microgpt.autograd import Value
from microgpt.config import Config
from microgpt.engines.base import Array, Arrays, Batches, Engine, Optim
from microgpt.engines.drawing import Sampler, walk

Rows = list[list[float]]


@contextlib.contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Without Python's garbage collector.

    A graph has no cycles, and searching it for them takes more than half of the time. What isn't
    needed any more is freed all the same, by its count of references.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


class ScalarEngine(Engine):
    """Forward pass of ``model.gpt`` over ``Value``, gradients by ``Value.backward``."""

    name = "scalar"
    slow = True

    @classmethod
    def supports(cls, config: Config, dtype: str) -> str | None:
        if dtype != "float64":
            return f"computes with Python's floats, which are float64, not {dtype}"
        if beyond := config.beyond():
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
        self.weights = {
            name: [[Value(x) for x in row] for row in weights[name].tolist()]
            for name in config.shapes()
        }
        self.params = [p for rows in self.weights.values() for row in rows for p in row]
        self.step = optim.step if optim else 0
        self.m = self._flat(optim.m if optim else {})
        self.v = self._flat(optim.v if optim else {})

    def _flat(self, arrays: Arrays) -> list[float]:
        if not arrays:
            return [0.0] * len(self.params)
        return [x for name in self.config.shapes() for x in arrays[name].reshape(-1).tolist()]

    def _named(self, flat: Sequence[float]) -> Arrays:
        result: Arrays = {}
        at = 0
        for name, (out, into) in self.config.shapes().items():
            result[name] = np.array(flat[at : at + out * into]).reshape(out, into)
            at += out * into
        return result

    def state(self) -> tuple[Arrays, Optim]:
        weights = self._named([p.data for p in self.params])
        if self.config.optimizer == "sgd":
            return weights, Optim(step=self.step)
        return weights, Optim(self._named(self.m), self._named(self.v), self.step)

    def _backward(
        self,
        docs: Sequence[Sequence[int]],
        positions: int,
        weights: npt.NDArray[np.float64] | None,
    ) -> float:
        """Set every parameter's ``grad``; return the documents' part of the batch's loss.

        ``weights``: of the documents' positions, flat.

        One graph per document: gradients add up in ``grad``, and memory holds one graph only.
        """
        for p in self.params:
            p.grad = 0.0
        parts = []
        at = 0
        with _no_search_for_cycles():
            for doc in docs:
                here = None if weights is None else weights[at : at + len(doc) - 1].tolist()
                at += len(doc) - 1
                total, _ = model.document_loss(doc, self.weights, self.config, here)
                loss = total / positions
                assert isinstance(loss, Value)  # the weights are Values
                loss.backward()
                parts.append(loss.data)
                del loss, total  # the graph, before the next one is built
        return model.plain(model.total(parts))

    def grads(
        self, docs: Sequence[Sequence[int]], weights: npt.ArrayLike | None = None
    ) -> tuple[float, Arrays]:
        batch = Batches.of([docs], weights)
        loss = self._backward(docs, int(batch.positions[0]), batch.weights)
        return loss, self._named([p.grad for p in self.params])

    def steps(self, batches: Batches, lrs: Sequence[float], first_step: int) -> list[float]:
        losses = []
        first = 0
        for i, lr in enumerate(lrs):
            docs = batches.docs(first, int(batches.documents[i]))
            weights = batches.weights_of(first, len(docs))
            first += len(docs)
            try:
                losses.append(self._backward(docs, int(batches.positions[i]), weights))
                self._update(lr, first_step + i + 1)
            except (ArithmeticError, ValueError):  # an overflow: training has diverged
                return losses[:i] + [math.nan] * (len(lrs) - i)
            self.step = first_step + i + 1
        return losses

    def _update(self, lr: float, t: int) -> None:
        """One step of Adam (t counts from 1, for the bias correction) or of SGD."""
        if self.config.optimizer == "sgd":
            for p in self.params:
                p.data -= lr * p.grad
            return
        beta1, beta2, eps = self.config.beta1, self.config.beta2, self.config.eps
        for i, p in enumerate(self.params):
            self.m[i] = beta1 * self.m[i] + (1 - beta1) * p.grad
            self.v[i] = beta2 * self.v[i] + (1 - beta2) * p.grad**2
            m_hat = self.m[i] / (1 - beta1**t)
            v_hat = self.v[i] / (1 - beta2**t)
            p.data -= lr * m_hat / (v_hat**0.5 + eps)

    def _floats(self) -> dict[str, Rows]:
        return {n: [[p.data for p in row] for row in rows] for n, rows in self.weights.items()}

    def logits(self, token_lists: Sequence[Sequence[int]]) -> list[Array]:
        weights = self._floats()
        results: list[Array] = []
        for tokens in token_lists:
            keys, values = model.empty_cache(self.config), model.empty_cache(self.config)
            rows = [
                model.gpt(token, t, keys, values, weights, self.config)
                for t, token in enumerate(tokens)
            ]
            results.append(
                np.array(rows, dtype=np.float64).reshape(len(rows), self.config.vocab_size)
            )
        return results

    def sample(
        self,
        prefixes: Sequence[Sequence[int]],
        how: Sampler,
        uniforms: npt.NDArray[np.float64],
    ) -> tuple[list[list[int]], int]:
        weights = self._floats()
        bos = self.config.vocab_size - 1
        flat = uniforms.reshape(-1)
        most = uniforms.shape[1]
        used = 0
        results = []
        for i, prefix in enumerate(prefixes):
            tokens = [bos, *prefix[:most]]
            at = i * most if how.order == "rows" else used
            state = walk(how.guard, tokens[1:])
            context = _Context(weights, self.config)
            while len(tokens) <= most:
                token = how.choose(np.array(context.logits(tokens)), float(flat[at]), state)
                at += 1
                if token == bos:
                    break
                tokens.append(token)
                state = walk(how.guard, [token], state)
            used = uniforms.size if how.order == "rows" else at
            results.append(tokens[1:])
        return results, used


class _Context:
    """Logits after the last token of a growing list, with a cache while the list fits."""

    def __init__(self, weights: dict[str, Rows], config: Config) -> None:
        self.weights, self.config = weights, config
        self.keys: list[Any] = model.empty_cache(config)
        self.values: list[Any] = model.empty_cache(config)
        self.done = 0

    def logits(self, tokens: Sequence[int]) -> list[model.Number]:
        block = self.config.block_size
        if len(tokens) > block:  # every position of the window has moved: start over
            tokens = tokens[-block:]
            self.keys, self.values = model.empty_cache(self.config), model.empty_cache(self.config)
            self.done = 0
        result: list[model.Number] = []
        for t in range(self.done, len(tokens)):
            result = model.gpt(tokens[t], t, self.keys, self.values, self.weights, self.config)
        self.done = len(tokens)
        return result
