"""One token drawn from logits, and the automaton that may forbid some: the same in all engines."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgpt.arrays import Array


@dataclass(frozen=True)
class Guard:
    """An automaton beside the sampler that forbids tokens.

    ``next`` [states, V] int32: the state after a token. ``banned`` [states, V] bool: tokens that
    may not be sampled in a state. State 0 is the start, before BOS is followed by anything;
    forced tokens move it too. In every reachable state at least one token must be allowed.
    """

    next: npt.NDArray[np.int32]
    banned: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sampler:
    """How the next token is drawn from logits, and from which random number.

    ``temperature``, ``top_k``, ``top_p``: see ``distribution``. ``order`` "sequential": samples
    one after the other take one uniform per sampled token from the flattened array; "rows":
    sample i takes them from row i. ``guard``: what may not be sampled.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    order: str = "sequential"
    guard: Guard | None = None

    def choose(self, logits: Array, uniform: float, state: int = 0) -> int:
        """The token that ``uniform`` draws, with the guard in ``state``."""
        banned = None if self.guard is None else self.guard.banned[state]
        return choose(logits, uniform, self.temperature, self.top_k, self.top_p, banned)


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
