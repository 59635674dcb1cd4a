"""The automaton of banned words, and what an engine writes under its guard."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine_names
from microgpt.config import make_config
from microgpt.engines import engine_class, make_engine
from microgpt.engines.base import Engine
from microgpt.engines.drawing import Guard, Sampler, distribution
from microgpt.errors import InputError, TokenError
from microgpt.guard.automaton import Automaton, sample_guarded
from microgpt.guard.policy import Policy
from microgpt.model import init_weights
from microgpt.opening import engine_for, open_model
from microgpt.sampling import Settings, sample
from microgpt.stream import uniforms
from microgpt.tokenizer import Tokenizer

ROOT = Path(__file__).resolve().parents[1]
FRUITS = Policy.shipped().words
MATCHES = ("substring", "word", "prefix")
TINY = Tokenizer("abcd")
BLOCK = 6
BANNED = ["aba", "ddd", "cab", "bc"]


def tiny(name: str = "numpy", std: float = 0.35, block: int = BLOCK) -> Engine:
    config = make_config(n_embd=8, n_head=2, block_size=block, vocab_size=5, init_std=std)
    made = make_engine(name, config, "float64")
    drawn = init_weights(config, random.Random(3))
    made.load(config, "float64", {n: np.array(w) for n, w in drawn.items()})
    return made


def here(name: str) -> str:
    """The engine's name, or a skip where this machine hasn't got it."""
    reason = engine_class(name).supports(make_config(), "float64")
    if reason is not None:
        pytest.skip(f"{name} {reason}")
    return name


def texts_of(letters: str, most: int) -> list[str]:
    return ["".join(t) for n in range(most + 1) for t in itertools.product(letters, repeat=n)]


def found(words: Sequence[str], text: str, match: str) -> bool:
    """The definition, by regular expressions."""
    if match == "substring":
        return any(word in text for word in words)
    after = r"(?![a-z0-9])" if match == "word" else ""
    return any(re.search(rf"(?<![a-z0-9]){re.escape(word)}{after}", text) for word in words)


# ---------------------------------------------------------------- what it recognises

LISTS = st.lists(st.text("ab", min_size=1, max_size=4), min_size=0, max_size=5)


@pytest.mark.parametrize("match", MATCHES)
@given(words=LISTS, text=st.text("ab -", max_size=12))
def test_it_finds_what_the_definition_finds(match: str, words: list[str], text: str) -> None:
    automaton = Automaton.of(words, Tokenizer(" -ab"), match)
    assert automaton.contains(text) == found(words, text, match)


@given(words=st.lists(st.text("ab -", min_size=1, max_size=4), max_size=5), text=st.text("ab -"))
def test_it_finds_words_with_gaps(words: list[str], text: str) -> None:
    automaton = Automaton.of(words, Tokenizer(" -ab"))
    assert automaton.contains(text) == found(words, text, "substring")


@given(words=LISTS, text=st.text("ab", max_size=8), at_least=st.integers(1, 3))
def test_it_knows_what_begins_a_word(words: list[str], text: str, at_least: int) -> None:
    automaton = Automaton.of(words, Tokenizer("ab"))
    begun = any(
        text.endswith(word[:n]) for word in words for n in range(at_least, len(word))
    )  # fmt: skip
    assert automaton.begins(text, at_least) == (begun or found(words, text, "substring"))


def test_lists_with_their_own_matches_work_together() -> None:
    automaton = Automaton.of_groups(
        [(["ab"], "substring"), (["ba"], "word"), (["bb"], "prefix")], Tokenizer(" ab")
    )
    holds = {t for t in texts_of(" ab", 5) if automaton.contains(t)}
    assert holds == {
        t
        for t in texts_of(" ab", 5)
        if found(["ab"], t, "substring") or found(["ba"], t, "word") or found(["bb"], t, "prefix")
    }


def test_a_word_that_the_model_cannot_write_is_left_out() -> None:
    automaton = Automaton.of(["é", "abé", "cab"], TINY)
    assert automaton.contains("cab") and not automaton.contains("ab")
    assert not Automaton.of(["xyz"], TINY).hit.any()


def test_capitals_can_be_folded() -> None:
    both = Tokenizer("ABab")
    assert not Automaton.of(["ab"], both).contains("aB")
    assert all(Automaton.of(["Ab"], both, fold_case=True).contains(t) for t in ("aB", "ab", "AB"))


def test_the_hit_state_is_never_left_and_bos_starts_anew() -> None:
    for match in MATCHES:
        automaton = Automaton.of(BANNED, TINY, match)
        (at,) = np.flatnonzero(automaton.hit)
        assert (automaton.next[at] == at).all()
        ends = automaton.next[~automaton.hit, -1]
        assert set(ends.tolist()) <= ({0, at} if match == "word" else {0})


def test_mistakes_are_said_plainly() -> None:
    with pytest.raises(InputError, match="match is 'fuzzy', must be one of"):
        Automaton.of(["ab"], TINY, "fuzzy")
    with pytest.raises(InputError, match="empty"):
        Automaton.of(["ab", ""], TINY)
    many = Tokenizer(map(chr, range(0x4E00, 0x4E00 + 20_000)))
    with pytest.raises(InputError, match="entries"):
        Automaton.of([chr(0x4E00 + i) * 4 for i in range(2000)], many)


# ---------------------------------------------------------------- what the guard allows


def walk(guard: Guard, text: str, tokenizer: Tokenizer, length: int) -> bool:
    """Whether the guard lets a sampler of ``length`` tokens write exactly this text."""
    state = 0
    for token in tokenizer.encode(text):
        if guard.banned[state, token]:
            return False
        state = int(guard.next[state, token])
    return len(text) == length or not guard.banned[state, tokenizer.bos]


@pytest.mark.parametrize("match", MATCHES)
@pytest.mark.parametrize("letters", ["ab", " ab"])
@settings(max_examples=40)
@given(words=LISTS)
def test_exactly_the_clean_texts_can_be_written(match: str, letters: str, words: list[str]) -> None:
    tokenizer = Tokenizer(letters)
    automaton = Automaton.of(words, tokenizer, match)
    length = 5
    clean = {t for t in texts_of(letters, length) if not found(words, t, match)}
    guard = automaton.guard(length)
    assert {t for t in texts_of(letters, length) if walk(guard, t, tokenizer, length)} == clean
    assert (~guard.banned).any(axis=1).all()
    assert guard.next.dtype == np.int32 and 0 <= guard.next.min() <= guard.next.max() < len(
        guard.next
    )


def test_a_dead_end_is_closed_beforehand() -> None:
    # After "ab" only "aba", "abb" and, at length 3, nothing else: all of them are banned.
    words = ["ab", "aba", "abb"]
    automaton = Automaton.of(words, Tokenizer("ab"), "word")
    guard = automaton.guard(3)
    after_a = int(guard.next[0, 0])
    assert guard.banned[after_a].tolist() == [False, True, False]
    assert not automaton.guard(4).banned[int(automaton.guard(4).next[0, 0]), 1]
    with pytest.raises(InputError, match="Every text that begins with 'ab'"):
        automaton.check("ab", 3)
    automaton.check("ab", 4)  # "abaa" is left


def test_a_guard_that_leaves_nothing_is_refused() -> None:
    automaton = Automaton.of(["a", "aa"], Tokenizer("a"), "word")
    automaton.guard(2)  # the empty text is left
    with pytest.raises(InputError, match="takes a table"):
        automaton.guard(10**9)


def test_a_prefix_that_holds_a_banned_word_is_refused() -> None:
    automaton = Automaton.of(BANNED, TINY)
    for prefix in ("bc", "aaba", "bcd"):
        with pytest.raises(InputError, match="already contains a banned word"):
            automaton.check(prefix)
    automaton.check("ab", BLOCK)
    with pytest.raises(TokenError):
        automaton.check("x")
    with pytest.raises(InputError, match="already"):
        sample_guarded(tiny(), automaton, random.Random(1), prefix="dbc")


# ---------------------------------------------------------------- the distribution


def enumerate_all(
    engine: Engine, guard: Guard, temperature: float, prefix: str = ""
) -> dict[str, tuple[float, float, float]]:
    """Every name: its probability without the guard, with it, and Π(1 - m_t) on its way."""
    bos, block = TINY.bos, engine.config.block_size
    result = {}
    start = TINY.encode(prefix)
    state = 0
    for token in start:
        state = int(guard.next[state, token])
    waiting = [(start, state, 1.0, 1.0, 1.0)]
    while waiting:
        tokens, state, free, guarded, kept = waiting.pop()
        if len(tokens) == block:
            result[TINY.decode(tokens)] = free, guarded, kept
            continue
        logits = engine.logits([[bos, *tokens]])[0][-1]
        p = distribution(logits, temperature)
        q = distribution(logits, temperature, banned=guard.banned[state])
        # Not 1 - m_t, which loses digits where m_t is close to 1.
        allowed = math.fsum(p[t] for t in np.flatnonzero(~guard.banned[state]).tolist())
        allowed = allowed if guard.banned[state].any() else 1.0
        here = free * p[bos], guarded * q[bos], kept * allowed
        result[TINY.decode(tokens)] = here
        for t in range(bos):
            there = int(guard.next[state, t])
            waiting.append(([*tokens, t], there, free * p[t], guarded * q[t], kept * allowed))
    return result


@pytest.mark.parametrize("match", MATCHES)
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_guarded_distribution_is_the_stated_one(match: str, temperature: float) -> None:
    automaton = Automaton.of(BANNED, TINY, match)
    names = enumerate_all(tiny(), automaton.guard(BLOCK), temperature)
    assert len(names) == sum(4**n for n in range(BLOCK + 1))
    untouched = 0
    for name, (free, guarded, kept) in names.items():
        if found(BANNED, name, match):
            assert guarded == 0
        else:
            assert guarded == pytest.approx(free / kept, rel=1e-12, abs=0)
            if kept == 1:  # no token was masked on its way
                assert abs(guarded - free) <= 1e-12
                untouched += 1
    assert untouched > 20
    assert math.fsum(free for free, _, _ in names.values()) == pytest.approx(1, abs=1e-12)
    assert math.fsum(g for _, g, _ in names.values()) == pytest.approx(1, abs=1e-12)


def test_the_stated_distribution_is_what_engines_draw() -> None:
    engine, automaton = tiny(), Automaton.of(BANNED, TINY)
    names = enumerate_all(engine, automaton.guard(BLOCK), 1.0)
    count = 20_000
    drawn = sample_guarded(
        engine, automaton, random.Random(4), count, settings=Settings(1.0, order="rows")
    )
    likely = [name for name, (_, g, _) in names.items() if g * count >= 20]
    assert len(likely) > 20
    chi2 = sum((drawn.count(n) - names[n][1] * count) ** 2 / (names[n][1] * count) for n in likely)
    assert chi2 < len(likely) + 4 * math.sqrt(2 * len(likely))


def test_the_shipped_model_under_guard_draws_from_it_too() -> None:
    """p / Π(1 - m_t) for names that the real model samples under guard."""
    opened, _ = open_model(None)
    engine = make_engine("numpy", opened.config, "float64")
    engine.load(opened.config, "float64", opened.weights)
    automaton = Automaton.of(FRUITS, opened.tokenizer)
    guard = automaton.guard(16)
    names = [
        name
        for prefix in ("", "lim", "pea", "ol")
        for name in sample_guarded(
            engine, automaton, random.Random(9), 25, prefix=prefix, settings=Settings(0.7)
        )
    ]
    masked = 0
    for name in names:
        assert not found(FRUITS, name, "substring")
        tokens = opened.tokenizer.encode_document(name)[:17]
        logits = engine.logits([tokens[:-1]])[0]
        state, free, guarded, kept = 0, 0.0, 0.0, 1.0
        for row, token in zip(logits, tokens[1:], strict=True):
            banned = guard.banned[state]
            p, q = distribution(row, 0.7), distribution(row, 0.7, banned=banned)
            mass = math.fsum(p[t] for t in np.flatnonzero(banned).tolist())
            free, guarded, kept = free + math.log(p[token]), guarded + math.log(q[token]), kept * (
                1 - mass
            )  # fmt: skip
            state = int(guard.next[state, token])
        assert guarded == pytest.approx(free - math.log(kept), abs=1e-12)
        masked += kept < 1
    assert 20 < masked < len(names)


# ---------------------------------------------------------------- all engines alike


@pytest.mark.parametrize("name", engine_names.every("scalar"))
@pytest.mark.parametrize("order", ["sequential", "rows"])
@pytest.mark.parametrize("match", MATCHES)
def test_all_engines_draw_the_same(name: str, order: str, match: str) -> None:
    automaton = Automaton.of(BANNED, TINY, match)
    scalar, other = tiny("scalar"), tiny(here(name))
    for length, prefix in ((None, ""), (4, "ab"), (9, "")):
        settings = Settings(1.2, order=order, length=length)
        one, two = (
            sample_guarded(e, automaton, random.Random(6), 40, prefix=prefix, settings=settings)
            for e in (scalar, other)
        )
        assert one == two
        assert not any(found(BANNED, text, match) for text in one)


@pytest.mark.parametrize("name", engine_names.every("scalar"))
def test_all_engines_draw_the_same_names(name: str) -> None:
    opened, _ = open_model(None)
    automaton = Automaton.of(FRUITS, opened.tokenizer)
    one, two = (
        sample_guarded(
            engine_for(opened, e), automaton, random.Random(6), 30, prefix="lim",
            settings=Settings(0.7),
        )
        for e in ("scalar", here(name))
    )  # fmt: skip
    assert one == two
    free = sample(
        engine_for(opened, name), opened.tokenizer, random.Random(6), 30, prefix="lim",
        settings=Settings(0.7),
    )  # fmt: skip
    assert any("lime" in text for text in free)


def banned_among(
    engine: Engine, tokenizer: Tokenizer, temperature: float, count: int, guarded: bool = True
) -> int:
    """How many fruits ``count`` samples hold."""
    guard = Automaton.of(FRUITS, tokenizer).guard(engine.config.block_size) if guarded else None
    rng = random.Random(int(temperature * 10))
    pattern = re.compile("|".join(FRUITS))
    wrong = done = 0
    while done < count:
        n = min(50_000, count - done)
        draws = uniforms(rng, n * 16).reshape(n, 16)
        drawn, _ = engine.sample([[]] * n, Sampler(temperature, order="rows", guard=guard), draws)
        text = " ".join(map(tokenizer.decode, drawn))
        wrong += len(pattern.findall(text))
        done += n
    return wrong


def leaky_or_shipped(leaky: bool) -> tuple[Engine, Tokenizer]:
    path = ROOT / "data" / "leaky.json" if leaky else None
    if path is not None and not path.exists():
        pytest.skip("data/leaky.json isn't there")
    opened, _ = open_model(path)
    return engine_for(opened), opened.tokenizer


@pytest.mark.parametrize("leaky", [False, True])
def test_nothing_banned_in_ten_thousand_names(leaky: bool) -> None:
    assert banned_among(*leaky_or_shipped(leaky), 1.0, 10_000) == 0


def test_the_leaky_twin_does_leak_without_the_guard() -> None:
    assert banned_among(*leaky_or_shipped(True), 1.0, 2_000, guarded=False) > 20


@pytest.mark.slow
@pytest.mark.parametrize("leaky", [False, True])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_nothing_banned_in_100_000_names(temperature: float, leaky: bool) -> None:
    assert banned_among(*leaky_or_shipped(leaky), temperature, 100_000) == 0


@pytest.mark.prove
@pytest.mark.parametrize("leaky", [False, True])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_nothing_banned_in_ten_million_names(temperature: float, leaky: bool) -> None:
    assert banned_among(*leaky_or_shipped(leaky), temperature, 10_000_000) == 0
