"""The engine on PyTorch: the trunk's calls on one side, the modules of ``model.py`` on the other.

``float64`` and ``float32`` compute in these throughout. Under ``bfloat16`` and ``float16`` weights,
optimiser, norms and the loss are float32, and products are rounded (autocast). Numbers that are
small in float16 vanish, so the loss is multiplied by a large number before the backward pass, and
its gradient divided by it.
"""

from __future__ import annotations

import contextlib
import functools
import math
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from microgpt.arrays import stored
from microgpt.config import Config
from microgpt.engines.advancing import advanced
from microgpt.engines.base import Array, Arrays, Batches, Engine, Ints, Optim
from microgpt.engines.drawing import Sampler
from microgpt.engines.hardware import DEVICES
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.engines.torch.devices import (
    chosen,
    is_full,
    memory,
    model_too_large,
    peak,
    refusal,
    too_large,
)
from microgpt.engines.torch.model import GPT
from microgpt.engines.torch.optim import Optimizer
from microgpt.engines.torch.padding import on, padded, rows
from microgpt.engines.torch.sampling import Reader, together
from microgpt.errors import MissingError

PIECE = 2**24  # numbers of the widest layer that ``logits`` computes at a time
LOSS_SCALE = 2.0**16  # of float16
SHORTEST = 64  # compiled code is made for this length, twice that, and so on up to block_size


class TorchEngine(Engine):
    """Modules, automatic gradients and the devices of PyTorch."""

    name = "torch"
    threaded = True
    repeats = "on the same processor with the same PyTorch and number of threads"
    devices = DEVICES

    @classmethod
    def supports(cls, config: Config, dtype: str) -> str | None:
        return refusal(dtype)

    def load(
        self,
        config: Config,
        dtype: str,
        weights: Arrays,
        optim: Optim | None = None,
        threads: int = 1,
    ) -> None:
        self.config, self.dtype = config, dtype
        self.device = chosen(self.hardware.device, dtype)
        if self.device.type == "cpu":
            torch.set_num_threads(threads)
        kind = getattr(torch, stored(dtype).name)
        for name, shape in config.shapes().items():
            assert weights[name].shape == shape, (name, weights[name].shape, shape)
        try:
            tensors = {
                name: torch.tensor(weights[name], dtype=kind, device=self.device)
                for name in config.shapes()
            }
            self.model = GPT(config, tensors, self.hardware.recompute)
            self.optimizer = Optimizer(config, dict(self.model.named), optim)
        except RuntimeError as error:
            if is_full(error):
                raise model_too_large(self.device, config.parameters()) from error
            raise
        # What is summed over a batch; Apple's GPUs have no float64.
        self.wide = torch.float32 if self.device.type == "mps" else torch.float64
        self.scale = LOSS_SCALE if dtype == "float16" else 1.0
        self.forward = self.model
        if self.hardware.compile:
            self.forward = torch.compile(self.model, dynamic=False)
        self._norms = []

    def state(self) -> tuple[Arrays, Optim]:
        weights = {n: p.detach().cpu().numpy().copy() for n, p in self.model.named.items()}
        return weights, self.optimizer.state()

    # ------------------------------------------------------------ training

    def grads(
        self, docs: Sequence[Sequence[int]], weights: npt.ArrayLike | None = None
    ) -> tuple[float, Arrays]:
        batch = Batches.of([docs], weights)
        self.model.eval()
        loss = self._gradient(batch, 0, len(docs), int(batch.positions[0]))
        grads = {}
        for name, p in self.model.named.items():
            g = torch.zeros_like(p) if p.grad is None else p.grad
            grads[name] = g.detach().cpu().numpy().copy()
        self._forget()
        return loss, grads

    def steps(self, batches: Batches, lrs: Sequence[float], first_step: int) -> list[float]:
        losses: list[float] = []
        norms: list[Tensor] = []
        first = 0
        self.model.train()
        with self._own_draws():
            for i, lr in enumerate(lrs):
                count, positions = int(batches.documents[i]), int(batches.positions[i])
                seed = first_step + i if batches.seeds is None else int(batches.seeds[i])
                try:
                    loss = self._gradient(batches, first, count, positions, seed)
                except RuntimeError as error:
                    self._forget()
                    self._explain(error, batches, first, count)
                    raise
                first += count
                if not math.isfinite(loss):
                    break
                losses.append(loss)
                norms.append(self.optimizer.step(lr, first_step + i + 1))
                self._forget()
        self._forget()
        missing = [math.nan] * (len(lrs) - len(losses))
        self._norms = (torch.stack(norms).tolist() if norms else []) + missing
        return losses + missing

    def _gradient(
        self, batches: Batches, first: int, count: int, positions: int, seed: int | None = None
    ) -> float:
        """Leave the gradient of these documents' loss in the parameters; the loss itself.

        In float16 it is computed again with a smaller ``scale`` while it overflows.
        """
        at_once = self.hardware.micro_batch or count
        while True:
            if seed is not None and self.config.dropout:
                torch.manual_seed(seed)
            total = torch.zeros((), dtype=self.wide, device=self.device)
            for start in range(first, first + count, at_once):
                here = min(at_once, first + count - start)
                total += self._part(batches, start, here, positions)
            loss = float(total) / positions
            if self.dtype != "float16" or self._unscaled() or not math.isfinite(loss):
                return loss
            self.scale /= 2
            self._forget()

    def _unscaled(self) -> bool:
        """Divide the gradient by ``scale``; whether nothing in it had overflowed."""
        grads = [p.grad for p in self.model.named.values() if p.grad is not None]
        torch._foreach_mul_(grads, 1 / self.scale)
        finite = torch.stack(torch._foreach_norm(grads)).isfinite().all()
        return bool(finite) or self.scale <= 1

    def _part(self, batches: Batches, first: int, count: int, positions: int) -> Tensor:
        """Add the gradient of documents that are computed at once; their summed loss."""
        offsets = batches.offsets[first : first + count + 1]
        lengths, starts = np.diff(offsets) - 1, offsets[:-1]
        docs = padded(batches.tokens, starts, lengths, self.device, self._length(lengths))
        targets_N = on(self.device, batches.tokens[rows(starts + 1, lengths)])
        weights, weights_N = batches.weights_of(first, count), None
        if weights is not None:
            weights_N = torch.tensor(weights, dtype=self.wide, device=self.device)
        real_N, summed_N = docs.real, len(targets_N)
        if self.hardware.compile and real_N is not None and not self.config.n_expert:
            # The number of real positions is another one in each batch, and code is compiled for
            # shapes: all are computed, and padding has the weight 0.
            size = docs.tokens.numel()
            some_N = torch.ones_like(targets_N, dtype=self.wide) if weights_N is None else weights_N
            weights_N = torch.zeros(size, dtype=self.wide, device=self.device)
            weights_N = weights_N.index_copy(0, real_N, some_N)
            targets_N = torch.zeros(size, dtype=torch.int64, device=self.device).index_copy(
                0, real_N, targets_N
            )
            real_N = None
        with self._autocast():
            each_N, uneven = self.forward(docs.tokens, targets_N, real_N)
        each_N = each_N.to(self.wide)
        summed = (each_N if weights_N is None else each_N * weights_N).sum()
        whole = summed
        if uneven is not None:
            whole = whole + self.config.balance * summed_N * uneven
        (whole * (self.scale / positions)).backward()
        return summed.detach()

    def _length(self, lengths: Ints) -> int:
        """To what documents of such lengths are padded: compiled code is made anew for each."""
        longest = int(lengths.max())
        if not self.hardware.compile:
            return longest
        return min(self.config.block_size, max(SHORTEST, 2 ** (longest - 1).bit_length()))

    def _forget(self) -> None:
        """Drop the gradients."""
        for p in self.model.named.values():
            p.grad = None

    @contextlib.contextmanager
    def _own_draws(self) -> Iterator[None]:
        """Leave PyTorch's random stream, which is the whole process's, as it was."""
        if not self.config.dropout:
            yield
            return
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            yield

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.dtype in ("float64", "float32"):
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.dtype))

    def _explain(self, error: RuntimeError, batches: Batches, first: int, count: int) -> None:
        """Raise an error in words where memory has run out or nothing can be compiled here."""
        if not is_full(error):
            if type(error).__module__.startswith("torch._"):  # its compiler's
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
                raise MissingError(
                    f"torch.compile doesn't work here: {reason}.", "Leave --compile out."
                ) from error
            return
        traceback.clear_frames(error.__traceback__)  # which hold what memory is full of
        tried = most = min(count, self.hardware.micro_batch or count)
        while most > 1:
            most //= 2
            try:
                self._part(batches, first, most, 1)
            except RuntimeError as again:
                if not is_full(again):
                    raise
            else:
                break
            finally:
                self._forget()
        else:
            most = 0
        raise too_large(self.device, tried, most, self.hardware.recompute) from error

    def usage(self) -> dict[str, float]:
        held = memory(self.device)
        found = {} if held is None else {"memory": float(held)}
        return {**found, "peak": peak(self.device, self.dtype, torch.get_num_threads())}

    # ------------------------------------------------------------ without gradients

    def logits(self, token_lists: Sequence[Sequence[int]]) -> list[Array]:
        lengths = np.array([len(tokens) for tokens in token_lists], np.int64)
        flat = np.array([t for tokens in token_lists for t in tokens], np.int64)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return np.split(self.flat_logits(flat, offsets), offsets[1:-1]) if len(lengths) else []

    def flat_logits(self, tokens: Ints, offsets: Ints) -> Array:
        lengths, starts = np.diff(offsets), offsets[:-1]
        kind = stored(self.dtype)
        result = np.empty((int(lengths.sum()), self.config.vocab_size), kind)
        for part in _pieces(lengths, self._widest()):
            with torch.inference_mode(), self._autocast():
                logits_NV = self.model.logits(self._last(tokens, starts[part], lengths[part]))
            at = rows(starts[part] - offsets[0], lengths[part])
            result[at] = logits_NV.cpu().to(getattr(torch, kind.name)).numpy()
        return result

    def summed_loss(self, tokens: Ints, offsets: Ints) -> float:
        lengths, starts = np.diff(offsets) - 1, offsets[:-1]
        total = torch.zeros((), dtype=self.wide, device=self.device)
        for part in _pieces(lengths, self._widest()):
            targets_N = on(self.device, tokens[rows(starts[part] + 1, lengths[part])])
            with torch.inference_mode(), self._autocast():
                logits_NV = self.model.logits(self._last(tokens, starts[part], lengths[part]))
                total += F.cross_entropy(logits_NV.to(self.wide), targets_N, reduction="sum")
        return float(total)

    def _last(self, flat: Ints, starts: Ints, lengths: Ints) -> Tensor:
        """The last hidden states [N, C] of documents, one after the other."""
        self.model.eval()
        docs = padded(flat, starts, lengths, self.device, int(lengths.max()))
        x_NC = self.model.hidden(docs.tokens, docs.real)[0].flatten(0, 1)
        return x_NC if docs.real is None else x_NC.index_select(0, docs.real)

    def _widest(self) -> int:
        return max(self.config.vocab_size, self.config.hidden, 3 * self.config.n_embd)

    def trace(self, tokens: Sequence[int]) -> Arrays:
        """The NumPy engine's, in float64: what lies inside a block never leaves the modules."""
        engine = NumpyEngine()
        engine.load(self.config.at_rest(), "float64", self.state()[0])
        return engine.trace(tokens)

    def sample(
        self,
        prefixes: Sequence[Sequence[int]],
        how: Sampler,
        uniforms: npt.NDArray[np.float64],
    ) -> tuple[list[list[int]], int]:
        self.model.eval()
        begin = functools.partial(Reader, self.model)
        with torch.inference_mode(), self._autocast(), np.errstate(all="ignore"):
            most = together(self.config, uniforms.shape[1])
            return advanced(begin, self.config, most, prefixes, how, uniforms)

    def close(self) -> None:
        for name in ("model", "forward", "optimizer"):  # not there where ``load`` failed
            self.__dict__.pop(name, None)


def _pieces(lengths: Ints, widest: int) -> list[Ints]:
    """Documents to compute together: similar lengths, about ``PIECE`` numbers of a layer."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    piece = (np.cumsum(lengths[order]) - 1) * widest // PIECE
    return np.split(order, np.flatnonzero(np.diff(piece)) + 1) if len(order) else []
