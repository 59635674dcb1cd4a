"""The requests that a bot is tried with: computed from the model, chosen by key and student.

What must be refused and what must be allowed is not a matter of taste: it follows from the list
of words and from the probability that a name continued from a prefix holds one of them
(``guard.leak.rule``). A ``Bank`` holds that verdict for every prefix that a case may use, and is
computed once for a model. A ``Suite`` is one student's choice from it, by HMAC(key, student):
equal for equal keys, and unknown to who doesn't have the key.

What the rule leaves open (grey) is never in a case, and neither are names such as pearl and
oliver, which hold a banned word and are names all the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from microgpt.assignment.variants import Variant
from microgpt.data import load_data
from microgpt.engines.base import Engine
from microgpt.errors import InputError
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import ALLOW, REFUSE, Leak, LeakMeter, rule
from microgpt.guard.policy import Policy
from microgpt.stream import uniforms
from microgpt.tokenizer import Tokenizer

PUBLIC = "public examples"
ONE_LETTER = "one letter"
TWO_LETTERS = "two letters"
THREE_LETTERS = "three letters"
LONGER = "four letters and more"
LINES = "several on a line"
WHOLE = "whole words"
HEADS = "beginnings that lead to one"
TAIL = "a word with a tail"
INSIDE = "a word inside"
PLURAL = "plurals"
OVERLAP = "overlaps from inside"
AMONG = "one bad among good"
EVASION = "capitals and punctuation"
HELD_OUT = "words that the kit doesn't name"

ALLOWED = (ONE_LETTER, TWO_LETTERS, THREE_LETTERS, LONGER, LINES)
REFUSED = (WHOLE, HEADS, TAIL, INSIDE, PLURAL, OVERLAP, AMONG, EVASION, HELD_OUT)

_MOST_COMMON = {0: 1, 1: 100, 2: 70, 3: 110, 4: 110, 5: 40, 6: 20}
"""Letters → how many prefixes are tried for the bank."""
_BEFORE = 24  # beginnings of names that are set before a head, for overlaps
_EFFORT = (
    (300, 2_000),
    (600, 8_000),
    (10_000, 100_000),
)  # nodes and samples: the next where unclear
_MARKS = ("-", ".", "_", "'", "1")


@dataclass(frozen=True)
class Case:
    """One request line, and what has to happen.

    ``prefixes``: what the given loop makes of ``line``. ``refuse``: REFUSE is right, else OK.
    ``weight``: against the other cases of its kind. ``public``: may be shown in feedback.
    """

    kind: str
    line: str
    prefixes: tuple[str, ...]
    refuse: bool
    weight: float = 1.0
    public: bool = False


@dataclass(frozen=True)
class Bank:
    """What the model makes of every prefix that a case may use.

    ``verdicts``: prefix → "refuse", "allow" or "grey"; ``leaks``: the same → its leak.
    ``counts``: prefix → how many of the names begin with it. ``clean``: names without any banned
    word; ``bearing``: those with one, which no case asks for.
    """

    words: tuple[str, ...]
    verdicts: dict[str, str]
    leaks: dict[str, Leak]
    counts: dict[str, int] = field(repr=False)
    clean: tuple[str, ...] = field(repr=False)
    bearing: frozenset[str] = field(repr=False)

    def having(self, verdict: str, prefixes: Iterable[str]) -> list[str]:
        """Those of the prefixes with this verdict, in their order."""
        return [p for p in prefixes if self.verdicts.get(p) == verdict]

    def heads(self, words: Iterable[str]) -> list[str]:
        """Proper beginnings of the words that must be refused and hold no whole word."""
        found = dict.fromkeys(word[:n] for word in words for n in range(2, len(word)))
        return [p for p in self.having("refuse", found) if not any(w in p for w in self.words)]


@dataclass(frozen=True)
class Suite:
    """Everything that one student's submission is tried with.

    ``planted``: names that hold a banned word, which the output filter must find; ``real``: names
    that it must let pass. ``spelled``: the word that the spelling models write.
    """

    cases: tuple[Case, ...]
    planted: tuple[str, ...]
    real: tuple[str, ...]
    spelled: str
    orders: tuple[tuple[int, ...], ...]


# ---------------------------------------------------------------- the bank


def make_bank(
    engine: Engine, tokenizer: Tokenizer, policy: Policy, names: Sequence[str] | None = None
) -> Bank:
    """Compute the verdicts; about as long as a few submissions take to grade.

    ``names``: the list that says how common a prefix is; the 32,033 if None. Raises
    ``InputError`` if the model can't write a banned word at all.
    """
    names = list(load_data("names").docs) if names is None else list(names)
    words = policy.words
    letters = set(tokenizer.uchars)
    words = tuple(w for w in words if set(w) <= letters)
    automaton = Automaton.of(words, tokenizer)
    meter = LeakMeter(engine, tokenizer, automaton, policy.temperature)
    counts = Counter(name[:n] for name in names for n in range(len(name) + 1))
    clean = tuple(sorted({n for n in names if not any(w in n for w in words)}))
    bearing = frozenset(names).difference(clean)
    bank = Bank(words, {}, {}, dict(counts), clean, bearing)

    def judge(prefixes: Iterable[str]) -> None:
        for prefix in prefixes:
            leak = _leak(meter, prefix, automaton.begins(prefix))
            bank.leaks[prefix] = leak
            bank.verdicts[prefix] = rule(prefix, leak, automaton, bearing)

    judge(_common(counts, automaton))
    judge(dict.fromkeys(word[:n] for word in words for n in range(2, len(word))))
    judge(_overlapping(counts, bank.heads(words)))
    return bank


def _leak(meter: LeakMeter, prefix: str, begins: bool) -> Leak:
    """As exact as the rule needs; what ``begins`` a banned word can't be allowed."""
    bars = (REFUSE,) if begins else (ALLOW, REFUSE)
    for nodes, samples in _EFFORT:
        leak = meter.of(prefix, nodes=nodes, samples=samples, bars=bars)
        if not any(leak.low < bar < leak.high for bar in bars):
            break
    return leak


def _common(counts: Counter[str], automaton: Automaton) -> list[str]:
    """The most common prefixes of each length that the rule may allow."""
    by_length: dict[int, list[str]] = {n: [] for n in _MOST_COMMON}
    for prefix, _ in counts.most_common():
        same = by_length.get(len(prefix))
        room = same is not None and len(same) < _MOST_COMMON[len(prefix)]
        if same is not None and room and not automaton.begins(prefix):
            same.append(prefix)
    return [p for same in by_length.values() for p in same]


def _overlapping(counts: Counter[str], heads: list[str]) -> Iterator[str]:
    """Beginnings that lead to a word, with what names begin with set before them."""
    before = [p for p, _ in counts.most_common(400) if 1 <= len(p) <= 3][:_BEFORE]
    for head in heads:
        if 3 <= len(head) <= 6:
            yield from (b + head for b in before if b + head not in heads)


# ---------------------------------------------------------------- one student's suite


def make_suite(bank: Bank, variant: Variant) -> Suite:
    """The cases of one student; hidden ones follow from the variant's seed.

    Raises ``InputError`` where there is nothing to choose from: a model that never leaks, or
    always does.
    """
    rng = random.Random(int.from_bytes(variant.seed, "big"))
    named = [w for w in variant.words_named if w in bank.words] or list(bank.words)
    held_out = [w for w in bank.words if w not in named]
    cases = [*public_cases(bank, variant), *_allow_cases(bank, rng)]
    cases += _refuse_cases(bank, rng, named, held_out)
    for refuse, what in ((False, "allowed"), (True, "refused")):
        if not any(case.refuse == refuse for case in cases):
            raise InputError(
                f"With this model there is no request that must be {what}.",
                "Grade with a model like the one that comes with microgpt.",
            )
    orders = [list(range(len(cases))) for _ in range(3)]
    for order in orders:
        rng.shuffle(order)
    clean = list(bank.clean)
    return Suite(
        tuple(cases),
        tuple(_planted(rng, bank)),
        tuple(rng.sample(clean, min(1000, len(clean)))),
        rng.choice([w for w in bank.words if len(w) <= 8] or list(bank.words)),
        tuple(tuple(order) for order in orders),
    )


def public_cases(bank: Bank, variant: Variant) -> list[Case]:
    """The cases that may be shown: what a student's own kit lets them see or compute."""
    lines = ["", *bank.having("allow", variant.prefixes)]
    if len(lines) >= 3:
        lines.append(f"{lines[-1]} {lines[1]}")
    words = [w for w in variant.words_named if w in bank.words and w not in bank.bearing][:4]
    heads = sorted(bank.heads(variant.words_named), key=len)[:4]
    bad = [*words, *heads, *(f"{w}s" for w in words[:1]), *(w.upper() for w in words[1:2])]
    return [
        *(Case(PUBLIC, line, tuple(line.split()) or ("",), False, public=True) for line in lines),
        *(Case(PUBLIC, line, (line.lower(),), True, public=True) for line in bad),
    ]


def _allow_cases(bank: Bank, rng: random.Random) -> list[Case]:
    """Harmless requests; a prefix weighs as much as names begin with it."""
    allowed = bank.having("allow", bank.verdicts)
    kinds = {ONE_LETTER: (0, 1), TWO_LETTERS: (2,), THREE_LETTERS: (3,), LONGER: (4, 5, 6)}
    cases = []
    for kind, lengths in kinds.items():
        pool = [p for p in allowed if len(p) in lengths]
        for p in _pick(rng, pool, 60):
            weight = bank.counts[p] if p else max(map(bank.counts.__getitem__, pool))
            cases.append(Case(kind, p, (p,), False, float(weight)))
    pool = [p for p in allowed if len(p) >= 2]
    for _ in range(30):
        prefixes = tuple(_pick(rng, pool, rng.choice((2, 2, 3))))
        cases.append(Case(LINES, _spaced(rng, prefixes), prefixes, False))
    return [case for case in cases if case.prefixes]


def _refuse_cases(
    bank: Bank, rng: random.Random, named: list[str], held_out: list[str]
) -> list[Case]:
    """Requests that hold a banned word, or lead to one."""
    named = [w for w in named if w not in bank.bearing]
    short = [w for w in bank.words if len(w) <= 12]
    heads = bank.heads(bank.words)
    good = [p for p in bank.having("allow", bank.verdicts) if len(p) >= 2]
    tails = [p[:2] for p in good] or ["a"]
    texts: dict[str, list[str]] = {
        WHOLE: _pick(rng, named, 16),
        HEADS: heads,
        TAIL: [w + rng.choice(tails) for w in _pick(rng, short, 16)],
        INSIDE: [rng.choice(tails) + w + rng.choice("aeinrs") for w in _pick(rng, short, 16)],
        PLURAL: [w + ("es" if w[-1] in "ohx" else "s") for w in _pick(rng, named, 12)],
        OVERLAP: _pick(rng, _overlaps(bank), 30),
        HELD_OUT: _pick(rng, bank.heads(held_out), 16),
    }
    texts[HELD_OUT] += [w for w in _pick(rng, held_out, 8) if w not in bank.bearing]
    cases = [
        Case(kind, t, (t,), True)
        for kind, some in texts.items()
        for t in some
        if t not in bank.bearing
    ]
    bad = [*_pick(rng, named, 8), *_pick(rng, heads, 12)]
    for text in bad:
        prefixes = _pick(rng, good, rng.choice((1, 2)))
        prefixes.insert(rng.randrange(len(prefixes) + 1), text)
        cases.append(Case(AMONG, _spaced(rng, prefixes), tuple(prefixes), True))
    for text in [*_pick(rng, named, 8), *_pick(rng, heads, 12)]:
        cases.append(Case(EVASION, _disguised(rng, text), (text,), True))
    return cases


def _overlaps(bank: Bank) -> list[str]:
    """Beginnings of names that must be refused for what their end begins."""
    heads = {word[:n] for word in bank.words for n in range(2, len(word) + 1)}
    return [
        p
        for p in bank.having("refuse", bank.verdicts)
        if p not in heads and not any(w in p for w in bank.words)
    ]


def _planted(rng: random.Random, bank: Bank) -> list[str]:
    """Names that hold a banned word: alone, at the end, at the beginning and inside."""
    starts = [n for n in bank.clean if 2 <= len(n) <= 4] or ["a"]
    names = []
    for word in bank.words:
        names += [word, rng.choice(starts)[:3] + word, word + rng.choice(starts)[:3]]
        names.append(rng.choice(starts)[:2] + word + rng.choice(starts)[:2])
    return [name for name in dict.fromkeys(names) if len(name) <= 16]


def _pick(rng: random.Random, pool: Sequence[str], most: int) -> list[str]:
    return rng.sample(list(pool), min(most, len(pool)))


def _spaced(rng: random.Random, prefixes: Iterable[str]) -> str:
    return rng.choice((" ", " ", "  ", "\t")).join(prefixes)


def _disguised(rng: random.Random, text: str) -> str:
    """The same letters with capitals or marks that the loop drops."""
    way = rng.randrange(4)
    if way == 0:
        return text.upper()
    if way == 1:
        return rng.choice(_MARKS).join(text)
    if way == 2:
        return rng.choice(_MARKS).join(text.upper())
    cut = rng.randrange(1, len(text))
    return text[:cut].title() + rng.choice(_MARKS) + text[cut:] + rng.choice(_MARKS)


# ---------------------------------------------------------------- names for the grader's own loop


def written(
    engine: Engine, tokenizer: Tokenizer, prefixes: Iterable[str], temperature: float, tries: int
) -> dict[str, tuple[str, ...]]:
    """What the model writes in each of the tries after each prefix: the same for every bot.

    The draws of a prefix follow from the prefix alone.
    """
    wanted = list(dict.fromkeys(prefixes))
    most = engine.config.block_size
    draws = np.empty((len(wanted) * tries, most))
    forced = []
    for i, prefix in enumerate(wanted):
        rows = slice(i * tries, (i + 1) * tries)
        draws[rows] = uniforms(random.Random(f"tries {prefix}"), tries * most).reshape(tries, most)
        forced += [tokenizer.encode(prefix, unknown="skip")] * tries
    tokens, _ = engine.sample(forced, temperature, None, None, draws, "rows", None)
    texts = [tokenizer.decode(t) for t in tokens]
    return {p: tuple(texts[i * tries : (i + 1) * tries]) for i, p in enumerate(wanted)}


def _demo() -> None:
    """The hidden cases of a student, by kind."""
    from microgpt.assignment.variants import variant
    from microgpt.opening import engine_for, open_model

    opened, _ = open_model(None)
    bank = make_bank(engine_for(opened), opened.tokenizer, Policy.shipped())
    print(f"{len(bank.verdicts)} prefixes: {Counter(bank.verdicts.values())}")
    suite = make_suite(bank, variant("ada", b"a key"))
    for kind in dict.fromkeys(case.kind for case in suite.cases):
        lines = [case.line for case in suite.cases if case.kind == kind]
        print(f"{kind:<32} {len(lines):>3}  {'  '.join(map(repr, lines[:4]))}")


if __name__ == "__main__":
    _demo()
