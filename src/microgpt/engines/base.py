"""What an engine is: the arithmetic of training and sampling, and nothing else.

Engines never touch randomness, files, printing, the clock, the tokenizer or the schedule. The
trunk owns those and hands them in, so engines can't disagree about them: the order of the data
arrives as ``Batches``, the schedule as ``lrs``, randomness as ``uniforms``.

A new engine derives from ``Engine`` and starts with ``supports``, ``load``, ``state``, ``grads``
and ``logits``; ``steps``, ``trace`` and ``sample`` have working, slow versions here.
"""

from __future__ import annotations

import bisect
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from microgpt import trace as trace_table
from microgpt.arrays import Array as Array
from microgpt.arrays import Arrays as Arrays
from microgpt.arrays import Ints as Ints
from microgpt.arrays import Optim as Optim
from microgpt.config import Config


@dataclass(frozen=True)
class Batches:
    """The documents of some steps, one after the other.

    ``tokens`` [sum of lengths] int32: token ids of all documents, each with the token that
    precedes its first prediction; a document of n + 1 tokens has n positions, n ≤ block_size.
    ``offsets`` [documents + 1] int64: document d is tokens[offsets[d] : offsets[d + 1]].
    ``documents`` [steps] int64: how many documents each step takes.
    ``positions`` [steps] int64: the number that the step's summed loss is divided by; that of
    the whole batch, also where this engine computes only a part of it.
    """

    tokens: Ints
    offsets: Ints
    documents: Ints
    positions: Ints

    @classmethod
    def of(cls, steps: Sequence[Sequence[Sequence[int]]]) -> Batches:
        """From nested lists: steps → documents → token ids."""
        docs = [doc for step in steps for doc in step]
        lengths = np.array([len(doc) for doc in docs], dtype=np.int64)
        return cls(
            tokens=np.array([t for doc in docs for t in doc], dtype=np.int32),
            offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
            documents=np.array([len(step) for step in steps], dtype=np.int64),
            positions=np.array([sum(len(d) - 1 for d in step) for step in steps], dtype=np.int64),
        )

    def docs(self, first: int, count: int) -> list[list[int]]:
        """Token lists of ``count`` documents from document ``first`` on."""
        cuts = self.offsets[first : first + count + 1].tolist()
        base = cuts[0]
        flat = self.tokens[base : cuts[-1]].tolist()
        return [flat[a - base : b - base] for a, b in pairwise(cuts)]


@dataclass(frozen=True)
class Guard:
    """An automaton beside the sampler that forbids tokens.

    ``next`` [states, V] int32: the state after a token. ``banned`` [states, V] bool: tokens that
    may not be sampled in a state. State 0 is the start, before BOS is followed by anything;
    forced tokens move it too. In every reachable state at least one token must be allowed.
    """

    next: npt.NDArray[np.int32]
    banned: npt.NDArray[np.bool_]


class Engine(ABC):
    """One way of computing the model. Arrays are NumPy, names are those of ``Config.shapes``.

    ``name``: how the user asks for it. ``lead``: whether this process prints and writes files.
    ``level``: the set of processor instructions that its kernel was compiled for, such as
    ``avx2``, known once it is loaded; None for an engine without levels.

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
    lead = True
    level: str | None = None
    config: Config
    dtype: str

    @classmethod
    @abstractmethod
    def supports(cls, config: Config, dtype: str) -> str | None:
        """None if the engine can do this configuration, else the reason why not."""

    @abstractmethod
    def load(
        self,
        config: Config,
        dtype: str,
        weights: Arrays,
        optim: Optim | None = None,
        threads: int = 1,
    ) -> None:
        """Take a model in, copied; ``optim=None`` starts the optimiser at zero."""

    @abstractmethod
    def state(self) -> tuple[Arrays, Optim]:
        """Weights and optimiser state, copied, in the engine's dtype."""

    @abstractmethod
    def grads(self, docs: Sequence[Sequence[int]]) -> tuple[float, Arrays]:
        """Mean loss over all positions of the documents, and its gradients by weight name."""

    @abstractmethod
    def logits(self, token_lists: Sequence[Sequence[int]]) -> list[Array]:
        """Scores [n, V] after each of the n tokens of each list, n ≤ block_size."""

    def flat_logits(self, tokens: Ints, offsets: Ints) -> Array:
        """The same for lists that stand one after the other: scores [sum of n, V].

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

    @abstractmethod
    def steps(
        self,
        batches: Batches,
        lrs: Sequence[float],
        first_step: int,
        seeds: Sequence[int] | None = None,
    ) -> list[float]:
        """Train len(lrs) steps and return the loss of each batch before its update.

        ``first_step`` counts from 0; cutting a call in two changes no bit. ``seeds``: one per
        step, for engines that draw inside (dropout); others ignore them.
        """

    def trace(self, tokens: Sequence[int]) -> Arrays:
        """All intermediates for ``tokens`` (n ≤ block_size + 1), by the names of ``trace``.

        With n > block_size the last token is only a target. Beyond the table, ``loss`` [n - 1]
        where the next token is known.
        """
        from microgpt.engines.scalar import trace_floats

        return trace_floats(self.config, self.state()[0], tokens)

    def sample(
        self,
        prefixes: Sequence[Sequence[int]],
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        uniforms: npt.NDArray[np.float64],
        order: str,
        guard: Guard | None = None,
    ) -> tuple[list[list[int]], int]:
        """Continue each prefix until BOS or until it has M tokens.

        ``prefixes``: forced tokens after BOS, without BOS. ``uniforms`` [samples, M] in [0, 1):
        M is the most tokens a sample may take, forced ones included. ``order`` "sequential":
        samples one after the other take one uniform per sampled token from the flattened array;
        "rows": sample i takes them from row i. Where a sample grows past block_size, the model
        sees the last block_size tokens only.

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
            at = i * most if order == "rows" else used
            state = walk(guard, tokens)
            while len(tokens) < most:
                context = [bos, *tokens][-self.config.block_size :]
                logits = np.asarray(self.logits([context])[0][-1])
                banned = None if guard is None else guard.banned[state]
                token = choose(logits, float(flat[at]), temperature, top_k, top_p, banned)
                at += 1
                if token == bos:
                    break
                tokens.append(token)
                state = walk(guard, [token], state)
            used = uniforms.size if order == "rows" else at
            results.append(tokens)
        return results, used

    def flat_sample(
        self,
        prefixes: Sequence[Sequence[int]],
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        uniforms: npt.NDArray[np.float64],
        order: str,
        guard: Guard | None = None,
    ) -> tuple[Ints, Ints, int]:
        """The same samples one after the other: tokens, offsets [samples + 1], uniforms used.

        Sample i is tokens[offsets[i] : offsets[i + 1]].
        """
        lists, used = self.sample(prefixes, temperature, top_k, top_p, uniforms, order, guard)
        tokens = np.array([t for tokens in lists for t in tokens], dtype=np.int32)
        offsets = np.cumsum([0, *(len(tokens) for tokens in lists)], dtype=np.int64)
        return tokens, offsets, used

    def sync(self) -> None:
        """Wait until everything asked for has happened; nothing to do on one machine."""

    def close(self) -> None:
        """Free what the engine holds; it can't be used afterwards."""


def walk(guard: Guard | None, tokens: Sequence[int], state: int = 0) -> int:
    """The guard's state after some tokens; unchanged without a guard."""
    if guard is not None:
        for token in tokens:
            state = int(guard.next[state, token])
    return state


def distribution(
    logits: Array,
    temperature: float,
    top_k: int | None = None,
    top_p: float | None = None,
    banned: npt.NDArray[np.bool_] | None = None,
) -> list[float]:
    """Probabilities [V] from which the next token is drawn, in float64.

    Softmax of logits / temperature over the tokens that aren't banned, then: ``top_k`` keeps the
    k most probable tokens; ``top_p`` keeps, of what is left, the fewest most probable tokens whose
    share reaches p. Ties go to the lower id. What is kept is not rescaled: ``choose`` draws in
    proportion.
    """
    scaled = [float(x) * temperature**-1 for x in logits]
    if banned is not None:
        scaled = [-math.inf if b else x for x, b in zip(scaled, banned.tolist(), strict=True)]
    highest = max(scaled)
    exps = [math.exp(x - highest) for x in scaled]
    total = exps[0]
    for e in exps[1:]:
        total += e
    inverse = total**-1
    probs = [e * inverse for e in exps]
    if top_k is None and top_p is None:
        return probs
    ranked = sorted(range(len(probs)), key=lambda i: (-probs[i], i))
    keep = ranked[:top_k] if top_k is not None else ranked
    if top_p is not None:
        mass = math.fsum(probs[i] for i in keep)
        reached = 0.0
        for count, i in enumerate(keep, 1):
            reached += probs[i]
            if reached >= top_p * mass:
                keep = keep[:count]
                break
    kept = set(keep)
    return [p if i in kept else 0.0 for i, p in enumerate(probs)]


def choose(
    logits: Array,
    uniform: float,
    temperature: float,
    top_k: int | None = None,
    top_p: float | None = None,
    banned: npt.NDArray[np.bool_] | None = None,
) -> int:
    """The token that ``random.choices`` would draw with this uniform number.

    Cumulative sums from left to right, then the first that is greater than uniform * total; a
    token of probability 0 is never drawn.
    """
    probs = distribution(logits, temperature, top_k, top_p, banned)
    sums = []
    total = 0.0
    for p in probs:
        total += p
        sums.append(total)
    last = max(i for i, p in enumerate(probs) if p > 0)
    return bisect.bisect_right(sums, uniform * total, 0, last)


def padded_trace(
    config: Config, rows: Sequence[dict[str, list[float] | float | list[list[float]]]]
) -> Arrays:
    """Stack one dictionary per position into arrays of the shapes in ``trace.shapes``."""
    positions = len(rows)
    result: Arrays = {}
    for name, shape in trace_table.shapes(config, positions).items():
        array = np.zeros(shape)
        for t, row in enumerate(rows):
            value = np.asarray(row[name], dtype=np.float64)
            if len(shape) == 3:
                array[t, :, : value.shape[1]] = value
            else:
                array[t] = value
        result[name] = array
    return result
