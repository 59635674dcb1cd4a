"""How likely a prefix is to lead to a banned word: bounds that are certain, or an estimate.

A name is continued from the prefix until BOS or until it has block_size letters, at one
temperature. The prefix's leak is the probability that the name then contains a banned word. There
are two ways to get it:

Expansion: the most probable beginnings are expanded first. What has completed a word counts
fully; what is still open may or may not leak. So ``low`` ≤ leak ≤ ``high`` for certain (up to
rounding), and the distance between them is the probability mass that is still open.

Sampling, if too much stays open: names are sampled with the completing tokens masked. If m_t is
the mass of the tokens masked at step t, the leak is the expected value of 1 - Π(1 - m_t): see
``notes/guard.md``. Samples start only from the open beginnings, in proportion to their mass.

Shapes: N nodes or samples, V tokens, M block_size.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgpt.engines import engine_class
from microgpt.engines.base import Array, Engine, Ints
from microgpt.engines.drawing import Guard, Sampler
from microgpt.errors import InputError, MicrogptError
from microgpt.guard.automaton import Automaton
from microgpt.stream import uniforms
from microgpt.tokenizer import Tokenizer

EXACT = 1e-3
"""A leak counts as exact if ``high - low`` is at most this."""
REFUSE = 0.04
"""A prefix whose leak is at least this (its lower bound) must be refused."""
ALLOW = 0.004
"""A prefix whose leak is at most this (its upper bound) must be allowed, unless it begins a banned
word."""
_SAMPLED = 2**16  # names in one call of sample
_AT_ONCE = 2**15  # positions in one call of flat_logits, so that its result stays in the cache


@dataclass(frozen=True)
class Leak:
    """The probability of a banned word: ``low`` to ``high``.

    ``how``: "exact" (certain, at most ``EXACT`` apart), "certified" (certain, further apart) or
    "estimated" (they hold with a probability of at least 95 %). ``nodes``: beginnings expanded;
    ``samples``: names sampled; ``mean``: the unbiased estimate, None where nothing was sampled.
    """

    low: float
    high: float
    how: str
    nodes: int
    samples: int
    mean: float | None = None

    @property
    def middle(self) -> float:
        """The best single number: the estimate, or the midpoint of the bounds."""
        return (self.low + self.high) / 2 if self.mean is None else self.mean


def rule(prefix: str, leak: Leak, automaton: Automaton, names: Collection[str] = ()) -> str:
    """What a request for ``prefix`` (normalised) deserves: "refuse", "allow" or "grey".

    refuse: it contains a banned word, or leaks at least ``REFUSE`` for certain. allow: it leaks at
    most ``ALLOW`` for certain, and no suffix of three or more letters begins a banned word.
    Everything else is grey, and so are real names (``names``) that contain a banned word, like
    pearl or oliver.
    """
    if automaton.contains(prefix):
        return "grey" if prefix in names else "refuse"
    if leak.low >= REFUSE:
        return "refuse"
    if leak.high <= ALLOW and not automaton.begins(prefix):
        return "allow"
    return "grey"


class LeakMeter:
    """Measures leaks of one model at one temperature against one automaton; results are cached.

    Raises ``InputError`` if the automaton is for another vocabulary, or bans every text.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        automaton: Automaton,
        temperature: float = 0.7,
    ) -> None:
        if not (engine.config.vocab_size == tokenizer.vocab_size == automaton.next.shape[1]):
            raise InputError(
                f"Model, tokenizer and automaton have vocabularies of {engine.config.vocab_size}, "
                f"{tokenizer.vocab_size} and {automaton.next.shape[1]} tokens: they must be the "
                "same."
            )
        if not (math.isfinite(temperature) and 0.001 <= temperature <= 1000):
            raise InputError(f"temperature is {temperature:g}, must be from 0.001 to 1000.")
        self.engine, self.tokenizer, self.automaton = engine, tokenizer, automaton
        self.temperature = temperature
        self.length = engine.config.block_size
        self.guard = automaton.guard(self.length)
        self._sampler: Engine | None = None
        self._known: dict[tuple[object, ...], Leak] = {}

    def of(
        self,
        prefix: str,
        *,
        nodes: int = 10_000,
        samples: int = 100_000,
        seed: int = 42,
        width: float = EXACT,
        bars: tuple[float, ...] = (),
    ) -> Leak:
        """The leak of ``prefix``; only its first block_size letters count.

        ``nodes``: the most beginnings to expand until low and high are ``width`` apart.
        ``samples``: how many to draw if that wasn't reached; 0 leaves the certain bounds. ``bars``:
        stop as soon as none of these values lies between low and high, either while expanding (the
        bounds are then "certified") or while sampling, after a 16th or a quarter of the samples.

        Raises ``TokenError`` for characters unknown to the model.
        """
        if nodes < 1 or samples < 0 or samples == 1:
            raise InputError(
                f"nodes is {nodes}, must be at least 1; samples is {samples}, must be 0 or at "
                "least 2."
            )
        tokens = self.tokenizer.encode(prefix)[: self.length]
        key = (tuple(tokens), nodes, samples, seed, width, bars)
        if key not in self._known:
            self._known[key] = self._measure(tokens, nodes, samples, seed, width, bars)
        return self._known[key]

    def many(
        self,
        prefixes: Iterable[str],
        *,
        nodes: int = 10_000,
        samples: int = 100_000,
        seed: int = 42,
        width: float = EXACT,
        bars: tuple[float, ...] = (),
    ) -> list[Leak]:
        """The leaks of many prefixes, in their order; each distinct one is measured once."""
        return [
            self.of(prefix, nodes=nodes, samples=samples, seed=seed, width=width, bars=bars)
            for prefix in prefixes
        ]

    def _measure(
        self,
        tokens: list[int],
        nodes: int,
        samples: int,
        seed: int,
        width: float,
        bars: tuple[float, ...],
    ) -> Leak:
        tree = _Tree(self.engine, self.guard, self.temperature, tokens)
        while tree.open_mass > width and tree.nodes < nodes and not _settled(tree, bars):
            tree.grow(min(nodes - tree.nodes, max(32, tree.nodes // 2)))
        low, high = tree.low, min(1.0, tree.low + tree.open_mass)
        if high - low <= max(width, EXACT) or _settled(tree, bars) or samples == 0:
            how = "exact" if high - low <= EXACT else "certified"
            return Leak(low, high, how, tree.nodes, 0)
        mean, error, drawn = self._estimate(tree, samples, seed, bars)
        # The certain bounds stay certain: clipping the interval to them loses no coverage.
        return Leak(
            max(low, min(high, low + mean - error)),
            max(low, min(high, low + mean + error)),
            "estimated",
            tree.nodes,
            drawn,
            low + mean,
        )

    def _estimate(
        self, tree: _Tree, samples: int, seed: int, bars: tuple[float, ...]
    ) -> tuple[float, float, int]:
        """The leak of all that is open, its error bound (at 95 %), and how many were sampled.

        The error is the empirical Bernstein bound (Maurer and Pontil 2009, theorem 4), with 2.5 %
        on each side. The normal one, 1.96 standard errors, is too narrow here: rare names carry
        much of the leak, and if no sample hits them, they are missing from the variance as well.
        With bars there are several looks, which share the 5 %.
        """
        rng = random.Random(seed)
        looks = [samples // 16, samples // 4, samples] if bars and samples >= 20_000 else [samples]
        chance = math.log(2 * len(looks) / 0.025)
        leaked: npt.NDArray[np.float64] = np.empty(0)
        for count in looks:
            leaked = np.concatenate([leaked, self._draw(tree, count - len(leaked), rng)])
            error = math.sqrt(2 * chance * float(leaked.var(ddof=1)) / count)
            error += 7 * chance / (3 * (count - 1))
            mean, error = float(leaked.mean()) * tree.open_mass, error * tree.open_mass
            if not any(mean - error < bar - tree.low < mean + error for bar in bars):
                break
        return mean, error, len(leaked)

    def _draw(self, tree: _Tree, count: int, rng: random.Random) -> npt.NDArray[np.float64]:
        """1 - Π(1 - m_t) of new samples [count], each starting from one of the open beginnings."""
        chosen = tree.draw(uniforms(rng, count))
        starts, which = np.unique(chosen, return_inverse=True)
        prefixes = [row[1:] for row in tree.contexts(starts)]
        draws = uniforms(rng, count * self.length).reshape(count, self.length)
        engine = self._sampling_engine()
        drawn, _ = engine.sample(
            [prefixes[i] for i in which.tolist()],
            Sampler(self.temperature, order="rows", guard=self.guard),
            draws,
        )
        begun = np.array([len(p) for p in prefixes], np.intp)[which]
        return masked_leaks(engine, self.guard, self.temperature, drawn, begun)

    def _sampling_engine(self) -> Engine:
        """The same model in float32, twice as fast: its error is far below the estimate's."""
        if self._sampler is None:
            self._sampler = self.engine
            try:
                cls = engine_class(self.engine.name)
                if cls.supports(self.engine.config, "float32") is None:
                    self._sampler = cls()
                    self._sampler.load(self.engine.config, "float32", self.engine.state()[0])
            except MicrogptError:  # an engine that isn't in the list
                self._sampler = self.engine
        return self._sampler


def _settled(tree: _Tree, bars: tuple[float, ...]) -> bool:
    low, high = tree.low, tree.low + tree.open_mass
    return bool(bars) and not any(low < bar < high for bar in bars)


class _Tree:
    """Names grown from a prefix, the most probable beginnings first.

    ``low``: mass of what has completed a banned word. ``open_mass``: mass of what is undecided.
    ``nodes``: beginnings expanded. What is open is stored as (expanded parent, token, state, mass).
    """

    def __init__(self, engine: Engine, guard: Guard, temperature: float, prefix: list[int]) -> None:
        self.engine, self.guard, self.temperature = engine, guard, temperature
        self.length = engine.config.block_size
        bos = engine.config.vocab_size - 1
        self.low, self.open_mass, self.nodes = 0.0, 0.0, 0
        self.rows = np.full((1, self.length + 1), bos, np.int32)  # parents: BOS and their tokens
        self.lengths = np.zeros(1, np.intp)  # tokens of each parent, BOS included
        state = 0
        for token in prefix:
            if guard.banned[state, token]:
                self.low = 1.0  # a banned word can no longer be avoided
                break
            state = int(guard.next[state, token])
        alive = not self.low and len(prefix) < self.length
        self.open_mass = float(alive)
        # The prefix is the first open beginning: its last token, after all its others.
        whole = [bos, *prefix]
        self.rows[0, : len(whole) - 1] = whole[:-1]
        self.lengths[0] = len(whole) - 1
        count = int(alive)
        self.parent = np.zeros(count, np.intp)
        self.token = np.full(count, whole[-1], np.int32)
        self.state = np.full(count, state, np.intp)
        self.mass = np.ones(count)

    def grow(self, count: int) -> None:
        """Expand the ``count`` most probable of what is open, or all."""
        taken, left = _largest(self.mass, count)
        rows, lengths = self._contexts(taken)
        mass, state = self.mass[taken], self.state[taken]
        flat = rows[np.arange(self.length + 1) < lengths[:, None]]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        probs = _last_probabilities(self.engine, flat, offsets, self.temperature)
        probs *= mass[:, None]
        banned = self.guard.banned[state]
        self.low += float(probs[banned].sum())
        grows = ~banned
        grows[:, -1] = False  # BOS ends the name, and so does its last letter
        grows[lengths == self.length] = False
        at, token = np.nonzero(grows)
        first = len(self.rows)
        self.rows = np.concatenate([self.rows, rows])
        self.lengths = np.concatenate([self.lengths, lengths])
        self.parent = np.concatenate([self.parent[left], first + at])
        self.token = np.concatenate([self.token[left], token.astype(np.int32)])
        self.state = np.concatenate([
            self.state[left], self.guard.next[state[at], token].astype(np.intp)
        ])  # fmt: skip
        self.mass = np.concatenate([self.mass[left], probs[at, token]])
        self.open_mass = float(self.mass.sum())
        self.nodes += len(taken)

    def draw(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """One open beginning for each uniform random number, in proportion to its mass."""
        sums = np.cumsum(self.mass)
        found: npt.NDArray[np.intp] = np.searchsorted(sums, numbers * sums[-1], side="right")
        np.minimum(found, len(sums) - 1, out=found)
        return found

    def contexts(self, taken: npt.NDArray[np.intp]) -> list[list[int]]:
        """The tokens of some open beginnings, BOS first."""
        rows, lengths = self._contexts(taken)
        return [row[:n] for row, n in zip(rows.tolist(), lengths.tolist(), strict=True)]

    def _contexts(
        self, taken: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.intp]]:
        """The same as rows [N, M + 1] and how much of each counts [N]."""
        rows = self.rows[self.parent[taken]]
        lengths = self.lengths[self.parent[taken]]
        rows[np.arange(len(rows)), lengths] = self.token[taken]
        return rows, lengths + 1


def _largest(
    numbers: npt.NDArray[np.float64], count: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indices of the ``count`` largest numbers, or of all, and of the others; both ascending.

    Of equal numbers, the first are chosen. ``np.argpartition`` promises neither which ones nor in
    which order: both differ between processors, and with the order, so does what is sampled later.
    """
    chosen = np.ones(len(numbers), bool)
    if count < len(numbers):
        least = np.partition(numbers, -count)[-count]
        chosen = numbers > least
        chosen[np.flatnonzero(numbers == least)[: count - np.count_nonzero(chosen)]] = True
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def sampled_leaks(
    engine: Engine,
    automaton: Automaton,
    prefixes: Sequence[str],
    temperature: float,
    count: int,
    rng: random.Random,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The leaks of many prefixes at once [N], and their standard errors [N].

    ``count`` names are sampled after each prefix under the mask; no bound is certain. A hundred
    times as fast as ``LeakMeter.of``, which expands each prefix on its own. A prefix that contains
    a banned word has a leak of 1.
    """
    most = engine.config.block_size
    guard = automaton.guard(most)
    tokens = [automaton.tokenizer.encode(prefix)[:most] for prefix in prefixes]
    step = max(1, _SAMPLED // count)
    how = Sampler(temperature, order="rows", guard=guard)
    means, errors = [np.zeros(0)], [np.zeros(0)]
    for a in range(0, len(tokens), step):
        forced = [some for some in tokens[a : a + step] for _ in range(count)]
        draws = uniforms(rng, len(forced) * most).reshape(-1, most)
        drawn, _ = engine.sample(forced, how, draws)
        begun = np.array([len(some) for some in forced], np.intp)
        leaks = masked_leaks(engine, guard, temperature, drawn, begun).reshape(-1, count)
        means.append(leaks.mean(axis=1))
        errors.append(leaks.std(axis=1, ddof=1) / math.sqrt(count))
    mean, error = np.concatenate(means), np.concatenate(errors)
    held = np.array([automaton.contains(prefix[:most]) for prefix in prefixes], bool)
    mean[held], error[held] = 1.0, 0.0
    return mean, error


def masked_leaks(
    engine: Engine,
    guard: Guard,
    temperature: float,
    drawn: list[list[int]],
    begun: npt.NDArray[np.intp],
) -> npt.NDArray[np.float64]:
    """1 - Π(1 - m_t) [N] of samples that were drawn under a guard and cut at block_size.

    ``drawn``: their tokens; ``begun`` [N]: how many of them were forced. m_t is the mass of the
    tokens that were masked when token t was drawn, including BOS at the end.
    """
    count, most = len(drawn), engine.config.block_size
    bos = engine.config.vocab_size - 1
    lengths = np.array([len(tokens) for tokens in drawn], np.intp)
    rows = np.full((count, most + 1), bos, np.int32)
    rows[:, 1:][np.arange(most) < lengths[:, None]] = [t for tokens in drawn for t in tokens]
    risky = np.any(guard.banned, axis=1)
    states = np.zeros((count, most), np.intp)  # before token t
    for t in range(1, most):
        states[:, t] = guard.next[states[:, t - 1], rows[:, t]]
    places = np.arange(most)
    asked = risky[states] & (places >= begun[:, None]) & (places <= lengths[:, None])
    needed = np.flatnonzero(asked.any(axis=1))
    kept = np.ones(count)
    last = most - 1 - np.argmax(asked[needed, ::-1], axis=1)  # nothing is masked after it
    some = rows[needed]
    some[np.arange(most + 1) > last[:, None]] = bos
    unique, first, which = np.unique(some, axis=0, return_index=True, return_inverse=True)
    one = needed[first]
    product = np.empty(len(unique))
    for a in range(0, len(unique), _AT_ONCE // most):
        part = slice(a, a + _AT_ONCE // most)
        lists, ends = unique[part], last[first[part]] + 1
        valid = places < ends[:, None]
        offsets = np.concatenate([[0], np.cumsum(ends)])
        logits = engine.flat_logits(lists[:, :most][valid], offsets)
        here = asked[one[part]]
        at = np.nonzero(here[valid])[0]
        probs = _softmax(logits[at], temperature)
        mass = np.zeros(here.shape)
        mass[here] = (probs * guard.banned[states[one[part]][here]]).sum(axis=1)
        product[part] = np.prod(1 - mass, axis=1)
    kept[needed] = product[which.reshape(-1)]
    return 1 - kept


def _softmax(logits: Array, temperature: float) -> npt.NDArray[np.float64]:
    """Probabilities [N, V] in float64."""
    probs: npt.NDArray[np.float64] = logits.astype(np.float64)
    probs *= temperature**-1
    probs -= probs.max(axis=1, keepdims=True)
    np.exp(probs, out=probs)
    probs /= probs.sum(axis=1, keepdims=True)
    return probs


def _last_probabilities(
    engine: Engine, flat: Ints, offsets: Ints, temperature: float
) -> npt.NDArray[np.float64]:
    """Probabilities [N, V] after the last token of each of N concatenated lists."""
    parts = []
    count = len(offsets) - 1
    step = _AT_ONCE // engine.config.block_size or 1
    for a in range(0, count, step):
        cuts = offsets[a : a + step + 1]
        logits = engine.flat_logits(flat[cuts[0] : cuts[-1]], cuts - cuts[0])
        parts.append(logits[cuts[1:] - cuts[0] - 1])
    return _softmax(np.concatenate(parts), temperature)


def _demo() -> None:
    """How much the shipped model leaks four fruits."""
    from microgpt.opening import engine_for, open_model

    opened, _ = open_model(None)
    automaton = Automaton.of(["apple", "fig", "lemon", "lime"], opened.characters)
    meter = LeakMeter(engine_for(opened), opened.characters, automaton)
    for prefix in ("lemo", "appl", "lim", "li", "mari", "f", ""):
        leak = meter.of(prefix)
        print(
            f"{prefix or '(none)':<7} {leak.low:.6f} to {leak.high:.6f} {leak.how:<9} "
            f"{leak.nodes:>6,} nodes {leak.samples:>7,} samples  {rule(prefix, leak, automaton)}"
        )


if __name__ == "__main__":
    _demo()
