"""The engine on PyTorch: the trunk's calls on one side, the modules of ``model.py`` on the other.

``float64`` and ``float32`` compute in these throughout. Under ``bfloat16`` and ``float16`` weights,
optimiser, norms and the loss are float32, and products are rounded (autocast); float16, whose small
numbers vanish, computes the gradient of a loss that is multiplied by a large number.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from microgpt.arrays import stored
from microgpt.config import Config
from microgpt.engines.base import Array, Arrays, Batches, Engine, Ints, Optim
from microgpt.engines.hardware import DEVICES
from microgpt.engines.torch.devices import chosen, refusal
from microgpt.engines.torch.model import GPT
from microgpt.engines.torch.optim import Optimizer
from microgpt.engines.torch.padding import on, padded, rows

PIECE = 2**24  # numbers of the widest layer that ``logits`` computes at a time


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
        tensors = {}
        for name, shape in config.shapes().items():
            assert weights[name].shape == shape, (name, weights[name].shape, shape)
            tensors[name] = torch.tensor(weights[name], dtype=kind, device=self.device)
        self.model = GPT(config, tensors, self.hardware.recompute)
        self.optimizer = Optimizer(config, dict(self.model.named), optim)
        self.wide = torch.float32 if self.device.type == "mps" else torch.float64
        self.scale = 2.0**16 if dtype == "float16" else 1.0
        self.norms: list[Tensor] = []

    def state(self) -> tuple[Arrays, Optim]:
        weights = {n: p.detach().cpu().numpy().copy() for n, p in self.model.named.items()}
        return weights, self.optimizer.state()

    # ------------------------------------------------------------ training

    def grads(
        self, docs: Sequence[Sequence[int]], weights: npt.ArrayLike | None = None
    ) -> tuple[float, Arrays]:
        batch = Batches.of([docs], weights)
        self.model.eval()
        loss = self._backward(batch, 0, len(docs), int(batch.positions[0])).item()
        grads = {
            name: np.zeros(p.shape, stored(self.dtype))
            if p.grad is None
            else p.grad.cpu().numpy().copy()
            for name, p in self.model.named.items()
        }
        self.model.zero_grad()
        return loss, grads

    def steps(self, batches: Batches, lrs: Sequence[float], first_step: int) -> list[float]:
        losses: list[float] = []
        self.norms = []
        first = 0
        self.model.train()
        for i, lr in enumerate(lrs):
            count = int(batches.documents[i])
            loss = self._backward(batches, first, count, int(batches.positions[i])).item()
            first += count
            if not math.isfinite(loss):
                self.model.zero_grad()
                return losses + [math.nan] * (len(lrs) - i)
            losses.append(loss)
            self.norms.append(torch.as_tensor(self.optimizer.step(lr, first_step + i + 1)))
            self.model.zero_grad()
        return losses

    def found(self) -> dict[str, list[float]]:
        return {"grad_norm": torch.stack(self.norms).tolist() if self.norms else []}

    def _backward(self, batches: Batches, first: int, count: int, positions: int) -> Tensor:
        """Add the gradient of these documents' loss to the parameters'; the loss itself."""
        at_once = self.hardware.micro_batch or count
        total = torch.zeros((), dtype=self.wide, device=self.device)
        for start in range(first, first + count, at_once):
            here = min(at_once, first + count - start)
            total += self._part(batches, start, here, positions)
        return total / positions

    def _part(self, batches: Batches, first: int, count: int, positions: int) -> Tensor:
        """The same for documents that are computed at once; their summed loss."""
        offsets = batches.offsets[first : first + count + 1]
        lengths, starts = np.diff(offsets) - 1, offsets[:-1]
        docs = padded(batches.tokens, starts, lengths, self.device)
        targets_N = on(self.device, batches.tokens[rows(starts + 1, lengths)])
        with self._autocast():
            each_N, uneven = self.model(docs.tokens, targets_N, docs.real)
        each_N = each_N.to(self.wide)
        weights = batches.weights_of(first, count)
        if weights is not None:
            each_N = each_N * torch.tensor(weights, dtype=self.wide, device=self.device)
        summed = each_N.sum()
        whole = summed
        if uneven is not None:
            whole = whole + self.config.balance * len(each_N) * uneven
        (whole / positions).backward()
        return summed.detach()

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.dtype in ("float64", "float32"):
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.dtype))

    # ------------------------------------------------------------ without gradients

    def logits(self, token_lists: Sequence[Sequence[int]]) -> list[Array]:
        lengths = np.array([len(tokens) for tokens in token_lists], np.int64)
        flat = np.array([t for tokens in token_lists for t in tokens], np.int64)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return np.split(self.flat_logits(flat, offsets), offsets[1:-1])

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
                logits_NV = logits_NV.to(self.wide)
                total += F.cross_entropy(logits_NV, targets_N, reduction="sum")
        return total.item()

    def _last(self, flat: Ints, starts: Ints, lengths: Ints) -> Tensor:
        """The last hidden states [N, C] of documents, one after the other."""
        self.model.eval()
        docs = padded(flat, starts, lengths, self.device)
        x_NC = self.model.hidden(docs.tokens, docs.real)[0].flatten(0, 1)
        return x_NC if docs.real is None else x_NC[docs.real]

    def _widest(self) -> int:
        return max(self.config.vocab_size, self.config.hidden, 3 * self.config.n_embd)


def _pieces(lengths: Ints, widest: int) -> list[Ints]:
    """Documents to compute together: similar lengths, about ``PIECE`` numbers of a layer."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    piece = (np.cumsum(lengths[order]) - 1) * widest // PIECE
    return np.split(order, np.flatnonzero(np.diff(piece)) + 1) if len(order) else []
