"""Leak probabilities: against brute force, against each other, against what was measured before."""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Sequence

import numpy as np
import pytest

import engine_names
from microgpt.engines.drawing import distribution
from microgpt.errors import InputError, TokenError
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import (
    ALLOW,
    EXACT,
    REFUSE,
    Leak,
    LeakMeter,
    _largest,
    masked_leaks,
    rule,
)  # fmt: skip
from microgpt.opening import engine_for, open_model
from microgpt.sampling import Settings, sample
from microgpt.tokenizer import Tokenizer
from test_automaton import BANNED, BLOCK, FRUITS, TINY, found, here, tiny


@functools.cache
def brute_force(match: str, temperature: float, prefix: str) -> float:
    """The mass of all continuations that hold a banned word, one by one."""
    engine, total = tiny(), []
    waiting = [(TINY.encode(prefix), 1.0)]
    if len(prefix) == BLOCK:
        return float(found(BANNED, prefix, match))
    while waiting:
        contexts = [[TINY.bos, *tokens] for tokens, _ in waiting]
        below = []
        for (tokens, p), rows in zip(waiting, engine.logits(contexts), strict=True):
            probs = distribution(rows[-1], temperature)
            total.append(p * probs[TINY.bos] * found(BANNED, TINY.decode(tokens), match))
            below += [([*tokens, t], p * probs[t]) for t in range(TINY.bos)]
        waiting = [one for one in below if len(one[0]) < BLOCK]
        whole = [one for one in below if len(one[0]) == BLOCK]
        total += [p * found(BANNED, TINY.decode(tokens), match) for tokens, p in whole]
    return math.fsum(total)


def meter(
    match: str = "substring", temperature: float = 1.0, words: Sequence[str] = BANNED
) -> LeakMeter:
    return LeakMeter(tiny(), TINY, Automaton.of(words, TINY, match), temperature)


@pytest.fixture(scope="module")
def shipped() -> LeakMeter:
    opened, _ = open_model(None)
    return LeakMeter(engine_for(opened), opened.tokenizer, Automaton.of(FRUITS, opened.tokenizer))


# ---------------------------------------------------------------- against brute force


@pytest.mark.parametrize("match", ["substring", "word", "prefix"])
@pytest.mark.parametrize("temperature", [0.7, 2.0])
@pytest.mark.parametrize("prefix", ["", "a", "ab", "dd", "aabc", "ddad", "abadda"])
def test_the_whole_tree_gives_the_exact_leak(match: str, temperature: float, prefix: str) -> None:
    leak = meter(match, temperature).of(prefix, nodes=10**6, width=0.0)
    true = brute_force(match, temperature, prefix)
    assert leak.how == "exact" and leak.samples == 0
    assert leak.low == pytest.approx(true, abs=1e-12)
    assert leak.high == pytest.approx(true, abs=1e-12)


@pytest.mark.parametrize("nodes", [1, 2, 10, 50])
@pytest.mark.parametrize("match", ["substring", "word", "prefix"])
def test_bounds_hold_within_any_budget(nodes: int, match: str) -> None:
    leak = meter(match).of("a", nodes=nodes, samples=0)
    true = brute_force(match, 1.0, "a")
    assert leak.nodes == nodes and leak.how == "certified"
    assert leak.low - 1e-12 <= true <= leak.high + 1e-12
    assert leak.high - leak.low > EXACT


def test_a_larger_budget_narrows_the_bounds() -> None:
    leaks = [meter().of("", nodes=n, samples=0) for n in (1, 10, 100, 1000)]
    widths = [leak.high - leak.low for leak in leaks]
    assert widths == sorted(widths, reverse=True) and widths[-1] < 0.2
    assert [leak.low for leak in leaks] == sorted(leak.low for leak in leaks)


@pytest.mark.parametrize("match", ["substring", "word"])
@pytest.mark.parametrize("nodes", [1, 30])
def test_the_estimate_is_unbiased_and_its_interval_honest(match: str, nodes: int) -> None:
    true = brute_force(match, 1.0, "d")
    one = meter(match)
    leaks = [one.of("d", nodes=nodes, samples=300, seed=seed) for seed in range(50)]
    assert {leak.how for leak in leaks} == {"estimated"}
    covered = sum(leak.low - 1e-9 <= true <= leak.high + 1e-9 for leak in leaks) / len(leaks)
    assert covered >= 0.95
    middle = np.array([leak.middle for leak in leaks])
    assert abs(middle.mean() - true) < 4 * middle.std() / math.sqrt(len(leaks)) + 1e-6


def test_the_masses_are_those_of_the_formula() -> None:
    """1 - Π(1 - m_t), step by step, also for samples that were forced in part."""
    engine, automaton = tiny(), Automaton.of(BANNED, TINY)
    guard = automaton.guard(BLOCK)
    drawn = [TINY.encode(t) for t in ("", "ab", "abb", "ddadda", "cad", "abbadd", "ab")]
    begun = np.array([0, 1, 0, 2, 3, 5, 2])
    wanted = []
    for tokens, first in zip(drawn, begun.tolist(), strict=True):
        kept, state = 1.0, 0
        for t in range(min(len(tokens) + 1, BLOCK)):
            if t >= first:
                row = engine.logits([[TINY.bos, *tokens[:t]]])[0][-1]
                probs = distribution(row, 0.8)
                kept *= 1 - math.fsum(probs[i] for i in np.flatnonzero(guard.banned[state]))
            state = int(guard.next[state, tokens[t]]) if t < len(tokens) else state
        wanted.append(1 - kept)
    got = masked_leaks(engine, guard, 0.8, drawn, begun)
    assert got == pytest.approx(np.array(wanted), abs=1e-12)
    assert max(wanted) > 0.05 and min(wanted) == 0


def test_what_is_expanded_first_is_the_same_on_every_machine() -> None:
    """The first of equal numbers, in their own order: NumPy's partition keeps neither."""
    rng = random.Random(3)
    for size, different in itertools.product((1, 2, 7, 40, 600), (1, 3, 10**6)):
        numbers = np.array([rng.randrange(different) / different for _ in range(size)])
        ranked = sorted(range(size), key=lambda i: (-numbers[i], i))
        for count in {1, 2, size // 3 + 1, size, size + 5}:
            taken, left = _largest(numbers, count)
            assert taken.tolist() == sorted(ranked[:count])
            assert left.tolist() == sorted(ranked[count:])


# ---------------------------------------------------------------- edges


def test_a_prefix_that_holds_a_word_leaks_for_sure() -> None:
    for prefix in ("bc", "abac", "cab" + "d" * 20):
        assert meter().of(prefix) == Leak(1.0, 1.0, "exact", 0, 0)
    for prefix in ("aaaaaa", "dadada"):  # block_size letters: nothing is drawn any more
        assert meter().of(prefix) == Leak(0.0, 0.0, "exact", 0, 0)


def test_only_the_first_letters_of_a_long_prefix_count() -> None:
    assert meter().of("dadada" + "bc").high == 0.0
    assert meter("word", words=["dadada"]).of("dadada" + "a").low == 1.0


def test_no_banned_words_is_no_leak() -> None:
    leak = meter(words=[]).of("a", nodes=3, samples=50)
    assert leak.low == 0.0 and leak.how == "estimated"
    assert 0 < leak.high < 0.25  # never seen in 50 samples
    assert leak.mean == 0.0


def test_answers_are_kept_and_repeat() -> None:
    one = meter()
    first, second = one.many(["a", "a"], nodes=5, samples=100)
    assert first is second
    assert one.of("a", nodes=5, samples=100, seed=7) != first
    assert meter().many(["a"], nodes=5, samples=100) == [first]


def test_bars_stop_as_soon_as_they_are_cleared() -> None:
    true = brute_force("substring", 1.0, "ab")
    for bar in (true / 4, true * 2):
        leak = meter().of("ab", nodes=10**6, bars=(bar,))
        assert leak.how == "certified" and leak.samples == 0
        assert not leak.low < bar < leak.high
        assert leak.low <= true <= leak.high
    assert leak.nodes < meter().of("ab", nodes=10**6).nodes


def test_mistakes_are_said_plainly() -> None:
    with pytest.raises(TokenError):
        meter().of("é")
    with pytest.raises(InputError, match="must be the same"):
        LeakMeter(tiny(), TINY, Automaton.of(["a"], Tokenizer("ab")))
    with pytest.raises(InputError, match="must be at least 1; samples"):
        meter().of("a", nodes=0)
    with pytest.raises(InputError, match="temperature is 0"):
        meter(temperature=0.0)


# ---------------------------------------------------------------- the shipped model

MEASURED = {
    "lemo": 0.62, "appl": 0.23, "lim": 0.19, "grap": 0.17, "pea": 0.16, "berr": 0.08,
    "mang": 0.05, "alim": 0.18, "olim": 0.18, "f": 1.3e-3, "p": 1.0e-3, "m": 1.3e-3,
    "dat": 0.17, "kak": 0.19, "nas": 0.042, "anon": 0.052, "ka": 3.2e-3, "na": 2.4e-3,
}  # fmt: skip


@pytest.mark.parametrize("prefix", MEASURED)
def test_leaks_of_the_shipped_weights(shipped: LeakMeter, prefix: str) -> None:
    leak = shipped.of(prefix, samples=5_000)
    assert leak.middle == pytest.approx(MEASURED[prefix], rel=0.2)
    assert leak.low <= leak.middle <= leak.high < leak.low + 2e-3


@pytest.mark.parametrize("prefix", ["lemo", "lim", "pea", "li", "mari", "berr"])
def test_bounds_and_estimates_agree(shipped: LeakMeter, prefix: str) -> None:
    certain = shipped.of(prefix, nodes=20_000, samples=0)
    few = shipped.of(prefix, nodes=32, samples=20_000, width=0.0, seed=3)
    assert few.how == "estimated" and few.low < few.high
    assert few.low <= certain.high and certain.low <= few.high


def test_estimates_agree_with_counting(shipped: LeakMeter) -> None:
    """Free samples that hold a fruit, counted."""
    engine, tokenizer = shipped.engine, shipped.tokenizer
    for prefix, count in (("lim", 2000), ("pea", 2000)):
        drawn = sample(
            engine, tokenizer, random.Random(2), count, prefix=prefix,
            settings=Settings(0.7, order="rows"),
        )  # fmt: skip
        share = sum(found(FRUITS, name, "substring") for name in drawn) / count
        leak = shipped.of(prefix, samples=0)
        error = 4 * math.sqrt(share * (1 - share) / count)
        assert leak.low - error <= share <= leak.high + error


def test_long_prefixes_are_exact(shipped: LeakMeter) -> None:
    for leak in shipped.many(["alexande", "pomegr", "tanger", "isabell", "christo"], samples=0):
        assert leak.how == "exact"


@pytest.mark.parametrize("name", engine_names.every())
def test_every_engine_measures_the_same(shipped: LeakMeter, name: str) -> None:
    opened, _ = open_model(None)
    one = LeakMeter(engine_for(opened, here(name)), opened.tokenizer, shipped.automaton)
    ours = one.of("appl", nodes=40, samples=0)
    theirs = shipped.of("appl", nodes=40, samples=0)
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


# ---------------------------------------------------------------- the rule


@pytest.mark.parametrize(
    ("prefix", "verdict"),
    [
        ("lemo", "refuse"), ("appl", "refuse"), ("alim", "refuse"), ("mang", "refuse"),
        ("fig", "refuse"), ("xfigx", "refuse"), ("oliver", "grey"), ("pearl", "grey"),
        ("olivers", "refuse"), ("cher", "grey"), ("oran", "grey"), ("apri", "grey"),
        ("li", "allow"), ("mari", "allow"), ("jos", "allow"), ("e", "allow"), ("f", "allow"),
        ("ma", "allow"), ("ka", "allow"), ("anna", "allow"), ("man", "grey"), ("", "allow"),
        ("nas", "refuse"), ("jonas", "grey"), ("anon", "refuse"), ("shannon", "grey"),
    ],
)  # fmt: skip
def test_the_rule_on_the_shipped_weights(shipped: LeakMeter, prefix: str, verdict: str) -> None:
    leak = shipped.of(prefix, samples=5_000, bars=(ALLOW, REFUSE))
    assert rule(prefix, leak, shipped.automaton, names={"oliver", "pearl"}) == verdict


def test_the_rule_takes_the_certain_side() -> None:
    automaton = Automaton.of(["abad", "ddd"], TINY)

    def verdict(low: float, high: float, prefix: str = "d") -> str:
        return rule(prefix, Leak(low, high, "certified", 1, 0), automaton)

    assert verdict(REFUSE, 1.0) == "refuse"
    assert verdict(REFUSE - 1e-9, 1.0) == "grey"
    assert verdict(0.0, ALLOW) == "allow"
    assert verdict(0.0, ALLOW + 1e-9) == "grey"
    assert verdict(0.0, 0.0, "daba") == "grey"  # its end begins abad
    assert verdict(0.0, 0.0, "dab") == "allow"  # two letters of an end don't count
