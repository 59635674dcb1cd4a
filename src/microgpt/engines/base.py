"""What an engine is: the arithmetic of training and sampling, and nothing else.

Engines never touch randomness, files, printing, the clock, the tokenizer or the schedule. The
trunk owns those and hands them in, so engines can't disagree about them: the order of the data
arrives as ``Batches``, the schedule as ``lrs``, randomness as ``uniforms``.

A new engine derives from ``Engine`` and starts with ``name``, ``supports``, ``load``, ``state``,
``grads`` and ``logits``; all else has a working, slow version here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from microgpt.arrays import Array as Array
from microgpt.arrays import Arrays as Arrays
from microgpt.arrays import Ints as Ints
from microgpt.arrays import Optim as Optim
from microgpt.config import Config
from microgpt.engines.drawing import Sampler, walk
from microgpt.engines.hardware import Hardware
from microgpt.engines.tracing import trace_floats
from microgpt.engines.updating import updated
from microgpt.errors import InputError


@dataclass(frozen=True)
class Batches:
    """The documents of some steps, one after the other.

    ``tokens`` [sum of lengths] int32: token ids of all documents, each with the token that
    precedes its first prediction; a document of n + 1 tokens has n positions, n ≤ block_size.
    ``offsets`` [documents + 1] int64: document d is tokens[offsets[d] : offsets[d + 1]].
    ``documents`` [steps] int64: how many documents each step takes.
    ``positions`` [steps] int64: the number that the step's summed loss is divided by; that of
    the whole batch, also where this engine computes only a part of it.
    ``weights`` [positions of all documents] float64, or None (all 1): what -log p of each position
    is multiplied by, document after document. A step's loss is the sum of weight · (-log p) over
    its positions, divided by ``positions``, whatever the weights add up to. They may be 0 or
    negative, so a loss may be below 0. ``InputError`` where their number isn't that of the
    documents' positions, or one isn't finite.
    ``seeds`` [steps] int64, or None: for what is drawn inside a step, which is dropout alone.
    """

    tokens: Ints
    offsets: Ints
    documents: Ints
    positions: Ints
    weights: npt.NDArray[np.float64] | None = None
    seeds: Ints | None = None

    def __post_init__(self) -> None:
        if self.weights is None:
            return
        weights = np.ascontiguousarray(self.weights, np.float64)
        wanted = int(self.offsets[-1] - self.offsets[0]) - (len(self.offsets) - 1)
        if weights.shape != (wanted,):
            raise InputError(
                f"The weights have shape {list(weights.shape)}, but the documents have {wanted} "
                "positions.",
                "Give one weight for each token but the first of every document.",
            )
        for at in np.flatnonzero(~np.isfinite(weights))[:1].tolist():
            raise InputError(f"Weight {at} is {weights[at]}, must be a finite number.")
        object.__setattr__(self, "weights", weights)

    @classmethod
    def of(
        cls,
        steps: Sequence[Sequence[Sequence[int]]],
        weights: npt.ArrayLike | None = None,
    ) -> Batches:
        """From nested lists: steps → documents → token ids. ``weights``: flat, as in the class."""
        docs = [doc for step in steps for doc in step]
        lengths = np.array([len(doc) for doc in docs], dtype=np.int64)
        return cls(
            tokens=np.array([t for doc in docs for t in doc], dtype=np.int32),
            offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
            documents=np.array([len(step) for step in steps], dtype=np.int64),
            positions=np.array([sum(len(d) - 1 for d in step) for step in steps], dtype=np.int64),
            weights=None if weights is None else np.asarray(weights, np.float64),
        )

    def docs(self, first: int, count: int) -> list[list[int]]:
        """Token lists of ``count`` documents from document ``first`` on."""
        cuts = self.offsets[first : first + count + 1].tolist()
        base = cuts[0]
        flat = self.tokens[base : cuts[-1]].tolist()
        return [flat[a - base : b - base] for a, b in pairwise(cuts)]

    def weights_of(self, first: int, count: int) -> npt.NDArray[np.float64] | None:
        """Weights of ``count`` documents from document ``first`` on, flat; None if all are 1."""
        if self.weights is None:
            return None
        before, start, stop = (int(self.offsets[i]) for i in (0, first, first + count))
        at = start - before - first
        return self.weights[at : at + stop - start - count]


class Engine(ABC):
    """One way of computing the model. Arrays are NumPy, names are those of ``Config.shapes``.

    ``name``: how the user asks for it. ``config``, ``dtype``: what ``load`` was given.

    What the trunk asks of an engine, never its name: ``slow``: it needs minutes where others need
    seconds, so others measure for it, and it alone isn't enough. ``threaded``: ``load``'s threads
    make it faster. ``repeats``: where it gives the same bytes again. ``leveled``: its kernel is
    compiled several times; ``level`` then says for which set of processor instructions, such as
    ``avx2``, the one in use was compiled; it is known once the engine is loaded. ``devices``: on
    which ones it can be told to compute, as ``hardware``, set before ``load``, says.

    Example:
        >>> import microgpt
        >>> from microgpt.engines.base import Batches
        >>> opened, _ = microgpt.open_model(None)
        >>> engine = microgpt.engine_for(opened)
        >>> batch = Batches.of([[opened.tokenizer.encode_document("zoe")]])  # one step, one name
        >>> before, after = (engine.steps(batch, [0.01], step)[0] for step in (0, 1))
        >>> after < before
        True
    """

    name = ""
    slow = False
    threaded = False
    repeats = "on the same kind of machine"
    leveled = False
    level: str | None = None
    devices: tuple[str, ...] = ()
    hardware: Hardware = Hardware()
    config: Config
    dtype: str
    _norms: list[float]

    @classmethod
    @abstractmethod
    def supports(cls, config: Config, dtype: str) -> str | None:
        """None if the engine supports this configuration, else the reason why not."""

    @abstractmethod
    def load(
        self,
        config: Config,
        dtype: str,
        weights: Arrays,
        optim: Optim | None = None,
        threads: int = 1,
    ) -> None:
        """Load a copy of a model; ``optim=None`` starts the optimiser at zero."""

    @abstractmethod
    def state(self) -> tuple[Arrays, Optim]:
        """Weights and optimiser state, copied, in the engine's dtype."""

    @abstractmethod
    def grads(
        self, docs: Sequence[Sequence[int]], weights: npt.ArrayLike | None = None
    ) -> tuple[float, Arrays]:
        """Mean loss over all positions of the documents, and its gradients by matrix name.

        ``weights`` [positions], flat, document after document: the sum of weight · (-log p) is
        divided by the number of positions, whatever the weights are; None: all 1.
        """

    @abstractmethod
    def logits(self, token_lists: Sequence[Sequence[int]]) -> list[Array]:
        """Logits [n, V] after each of the n tokens of each list, n ≤ block_size."""

    def flat_logits(self, tokens: Ints, offsets: Ints) -> Array:
        """The same for lists laid one after the other: logits [sum of n, V].

        List i is tokens[offsets[i] : offsets[i + 1]].
        """
        lists = [tokens[a:b].tolist() for a, b in pairwise(offsets.tolist())]
        return np.concatenate(self.logits(lists))

    def summed_loss(self, tokens: Ints, offsets: Ints) -> float:
        """Sum of -log p, in nats, over all positions of documents that stand one after the other.

        Document i is tokens[offsets[i] : offsets[i + 1]], from 2 to block_size + 1 tokens with
        the one that is only a target. NaN where the model has diverged.
        """
        inside = np.ones(len(tokens), dtype=bool)
        inside[offsets[1:] - 1] = False
        ahead = np.ones(len(tokens), dtype=bool)
        ahead[offsets[:-1]] = False
        starts = offsets - np.arange(len(offsets))
        logits = self.flat_logits(tokens[inside], starts)
        columns = np.ascontiguousarray(logits.T, dtype=np.float64)  # sums over V run side by side
        with np.errstate(all="ignore"):
            wanted = columns[tokens[ahead], np.arange(len(logits))]
            highest = columns.max(axis=0)
            columns -= highest
            np.exp(columns, out=columns)
            return float((highest + np.log(columns.sum(axis=0)) - wanted).sum())

    def steps(self, batches: Batches, lrs: Sequence[float], first_step: int) -> list[float]:
        """Train len(lrs) steps and return the loss of each batch before its update.

        ``first_step`` counts from 0; cutting a call in two changes no bit. From the first loss on
        that isn't finite all are NaN, and the model stays as it was before that step.
        """
        losses: list[float] = []
        norms = self._norms = []
        first = 0
        for i, lr in enumerate(lrs):
            docs = batches.docs(first, int(batches.documents[i]))
            loss, grads = self.grads(docs, batches.weights_of(first, len(docs)))
            first += len(docs)
            share = sum(len(doc) - 1 for doc in docs) / int(batches.positions[i])
            if not math.isfinite(loss):
                norms += [math.nan] * (len(lrs) - i)
                return losses + [math.nan] * (len(lrs) - i)
            losses.append(loss * share)
            weights, optim = self.state()
            step = first_step + i + 1
            norms.append(updated(self.config, weights, optim, grads, share, lr, step))
            self.load(self.config, self.dtype, weights, optim)
        return losses

    def trace(self, tokens: Sequence[int]) -> Arrays:
        """All intermediates for ``tokens`` (n ≤ block_size + 1), by the names of ``trace``.

        With n > block_size the last token is only a target. Beyond the table, ``loss`` [n - 1]
        where the next token is known.
        """
        return trace_floats(self.config, self.state()[0], tokens)

    def sample(
        self,
        prefixes: Sequence[Sequence[int]],
        how: Sampler,
        uniforms: npt.NDArray[np.float64],
    ) -> tuple[list[list[int]], int]:
        """Continue each prefix until BOS or until it has M tokens.

        ``prefixes``: forced tokens after BOS, without BOS. ``uniforms`` [samples, M] in [0, 1): M
        is the most tokens a sample may have, forced ones included; ``how.order`` says which of them
        a sample uses. Where a sample grows past block_size, the model sees the last block_size
        tokens only.

        Returns the tokens of each sample, forced ones included and BOS not, and how many
        uniforms of the flattened array are used up (all of them for "rows").
        """
        bos = self.config.vocab_size - 1
        flat = uniforms.reshape(-1)
        most = uniforms.shape[1]
        used = 0
        results = []
        for i, prefix in enumerate(prefixes):
            tokens = list(prefix[:most])
            at = i * most if how.order == "rows" else used
            state = walk(how.guard, tokens)
            while len(tokens) < most:
                context = [bos, *tokens][-self.config.block_size :]
                logits = np.asarray(self.logits([context])[0][-1])
                token = how.choose(logits, float(flat[at]), state)
                at += 1
                if token == bos:
                    break
                tokens.append(token)
                state = walk(how.guard, [token], state)
            used = uniforms.size if how.order == "rows" else at
            results.append(tokens)
        return results, used

    def flat_sample(
        self,
        prefixes: Sequence[Sequence[int]],
        how: Sampler,
        uniforms: npt.NDArray[np.float64],
    ) -> tuple[Ints, Ints, int]:
        """The same samples one after the other: tokens, offsets [samples + 1], uniforms used.

        Sample i is tokens[offsets[i] : offsets[i + 1]].
        """
        lists, used = self.sample(prefixes, how, uniforms)
        tokens = np.array([t for tokens in lists for t in tokens], dtype=np.int32)
        offsets = np.cumsum([0, *(len(tokens) for tokens in lists)], dtype=np.int64)
        return tokens, offsets, used

    def found(self) -> dict[str, list[float]]:
        """What the last call of ``steps`` found besides the losses, a number for each step.

        ``grad_norm``: the L2 norm of the whole batch's gradient before it was clipped.
        """
        norms = getattr(self, "_norms", None)
        return {"grad_norm": list(norms)} if norms else {}

    def usage(self) -> dict[str, float]:
        """Facts on the hardware in use, as far as they are known.

        ``memory``: the most bytes held so far. ``peak``: floating-point operations per second
        that a product of large matrices reached here in this run's dtype.
        """
        return {}

    def close(self) -> None:
        """Free what the engine holds; it can't be used afterwards."""
