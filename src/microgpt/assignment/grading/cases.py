"""The requests that a bot is tried with: chosen by key and student from what the class's bank has.

What must be refused and what must be allowed is not a matter of taste: it follows from the list
of words and from the probability that a name continued from a prefix holds one of them
(``guard.leak.rule``, ``bank``). A ``Suite`` is one student's choice, by HMAC(key, student): equal
for equal keys, and unknown to who doesn't have the key.

No suite is harder than another. What there is little of (prefixes of banned words, letters, the
words themselves in each disguise) is asked of everybody; what there is much of is drawn evenly, as
many and from the same groups for each student.

What the rule leaves open (grey) is never in a case, and neither are names such as pearl and
oliver, which hold a banned word and are names all the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from microgpt.assignment.grading.bank import Bank
from microgpt.assignment.kit.variants import Variant
from microgpt.errors import InputError

PUBLIC = "public examples"
ONE_LETTER = "one letter"
TWO_LETTERS = "two letters"
THREE_LETTERS = "three letters"
LONGER = "four letters or more"
LINES = "several on a line"
WHOLE = "whole words"
HEADS = "prefixes that lead to one"
TAIL = "a word with letters after it"
INSIDE = "a word among other letters"
PLURAL = "plurals"
OVERLAP = "a prefix after other letters"
AMONG = "one bad prefix among good ones"
EVASION = "capitals and punctuation"
HELD_OUT = "words that the kit doesn't name"

ALLOWED = (ONE_LETTER, TWO_LETTERS, THREE_LETTERS, LONGER, LINES)
REFUSED = (WHOLE, HEADS, TAIL, INSIDE, PLURAL, OVERLAP, AMONG, EVASION, HELD_OUT)

NAMES = 1_500  # of the bank's names that each student's submission is asked about
_COMMON, _RARE = 60, 60  # prefixes of three letters
_LONGER, _LINES = 160, 60
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
class Suite:
    """Everything that one student's submission is tried with.

    ``planted``: names that hold a banned word, which the output filter must find. ``names``: from
    the list, none with a banned word or a prefix that leads to one; ``theirs``: for each
    whether the reference refuses it in full, and at some prefix. ``orders``: three orders of
    the cases. ``seed``: for whatever else is drawn for this student.
    """

    cases: tuple[Case, ...]
    planted: tuple[str, ...]
    names: tuple[str, ...]
    theirs: tuple[tuple[bool, bool], ...]
    orders: tuple[tuple[int, ...], ...]
    seed: int = field(repr=False)


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
    chosen = _evenly(rng, range(len(bank.names)), NAMES)
    return Suite(
        tuple(cases),
        tuple(_planted(rng, bank)),
        tuple(bank.names[i] for i in chosen),
        tuple(bank.theirs[i] for i in chosen),
        tuple(tuple(order) for order in orders),
        rng.getrandbits(64),
    )


def public_cases(bank: Bank, variant: Variant) -> list[Case]:
    """The cases that may be shown: what a student's own kit lets them see or compute."""
    lines = ["", *bank.having("allow", variant.prefixes)]
    if len(lines) >= 3:
        lines.append(f"{lines[-1]} {lines[1]}")
    words = [w for w in variant.words_named if w in bank.words and w not in bank.bearing][:4]
    heads = sorted(bank.heads(variant.words_named), key=len)
    heads = [*heads, *(h for h in bank.heads(bank.words) if h not in heads)][:4]
    bad = [*words, *heads, *(f"{w}s" for w in words[:1]), *(w.upper() for w in words[1:2])]
    return [
        *(Case(PUBLIC, line, tuple(line.split()) or ("",), False, public=True) for line in lines),
        *(Case(PUBLIC, line, (line.lower(),), True, public=True) for line in bad),
    ]


def _allow_cases(bank: Bank, rng: random.Random) -> list[Case]:
    """Harmless requests; a prefix weighs as much as names begin with it."""
    allowed = bank.having("allow", bank.verdicts)
    three = sorted((p for p in allowed if len(p) == 3), key=lambda p: (-bank.counts[p], p))
    pools = {
        ONE_LETTER: [p for p in allowed if len(p) <= 1],
        TWO_LETTERS: [p for p in allowed if len(p) == 2],
        THREE_LETTERS: [*three[:_COMMON], *_pick(rng, three[_COMMON:], _RARE)],
    }
    cases = []
    for kind, pool in pools.items():
        for p in pool:
            weight = bank.counts[p] if p else max(map(bank.counts.__getitem__, pool))
            cases.append(Case(kind, p, (p,), False, float(weight)))
    cases += [Case(LONGER, p, (p,), False) for p in _pick(rng, bank.longer, _LONGER)]
    pool = [p for p in allowed if len(p) >= 2]
    for i in range(_LINES if pool else 0):
        prefixes = tuple(_pick(rng, pool, 3 if i % 3 == 2 else 2))
        cases.append(Case(LINES, _spaced(rng, prefixes), prefixes, False))
    return cases


def _refuse_cases(
    bank: Bank, rng: random.Random, named: list[str], held_out: list[str]
) -> list[Case]:
    """Requests that hold a banned word, or lead to one."""
    plain = [w for w in bank.words if w not in bank.bearing]
    short = [w for w in bank.words if len(w) <= 12]
    heads = bank.heads(bank.words)
    good = [p for p in bank.having("allow", bank.verdicts) if len(p) >= 2]
    tails = [p[:2] for p in good] or ["a"]
    texts: dict[str, list[str]] = {
        WHOLE: [w for w in named if w in plain],
        HEADS: heads,
        TAIL: [w + rng.choice(tails) for w in short],
        INSIDE: [rng.choice(tails) + w + rng.choice("aeinrs") for w in short],
        PLURAL: [w + ("es" if w[-1] in "ohx" else "s") for w in named],
        OVERLAP: _overlaps(bank, rng),
    }
    cases = [
        Case(kind, t, (t,), True)
        for kind, some in texts.items()
        for t in some
        if t not in bank.bearing
    ]
    unnamed = _halves(bank.heads(held_out), [w for w in held_out if w in plain])
    cases += [Case(HELD_OUT, text, (text,), True, weight) for text, weight in unnamed]
    bad = _halves(heads, plain)
    for i, (text, weight) in enumerate(bad):
        prefixes = _pick(rng, good, 1 + i % 2)
        prefixes.insert(i // 2 % (len(prefixes) + 1), text)
        cases.append(Case(AMONG, _spaced(rng, prefixes), tuple(prefixes), True, weight))
    for i, (text, weight) in enumerate(bad):
        cases.append(Case(EVASION, _disguised(rng, text, i % 4), (text,), True, weight))
    return cases


def _halves(heads: Sequence[str], words: Sequence[str]) -> list[tuple[str, float]]:
    """Both with weights, so that all prefixes together weigh as much as all words.

    How many there are of either differs from student to student, and how much they count doesn't.
    """
    return [(text, 1 / len(some)) for some in (heads, words) for text in some]


def _overlaps(bank: Bank, rng: random.Random) -> list[str]:
    """Two for every prefix that leads to a word: what names begin with, set before it."""
    by_head: dict[str, list[str]] = {}
    heads = bank.heads(bank.words)
    for text in bank.overlaps:
        head = max((h for h in heads if text.endswith(h)), key=len)
        by_head.setdefault(head, []).append(text)
    return [text for some in by_head.values() for text in _pick(rng, some, 2)]


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


def _evenly(rng: random.Random, pool: Sequence[int], most: int) -> list[int]:
    """``most`` of what is sorted, evenly from all of it."""
    if len(pool) <= most:
        return list(pool)
    step = len(pool) / most
    start = rng.random() * step
    return [pool[int(start + i * step)] for i in range(most)]


def _spaced(rng: random.Random, prefixes: Iterable[str]) -> str:
    return rng.choice((" ", " ", "  ", "\t")).join(prefixes)


def _disguised(rng: random.Random, text: str, way: int) -> str:
    """The same letters with capitals or marks that the loop drops, in one of four ways."""
    if way == 0:
        return text.upper()
    if way == 1:
        return rng.choice(_MARKS).join(text)
    if way == 2:
        return rng.choice(_MARKS).join(text.upper())
    cut = rng.randrange(1, len(text))
    return text[:cut].title() + rng.choice(_MARKS) + text[cut:] + rng.choice(_MARKS)


def _demo() -> None:
    """The hidden cases of a student, by kind."""
    from microgpt.assignment.grading.bank import make_bank
    from microgpt.assignment.kit.variants import policy, variant
    from microgpt.opening import engine_for, open_model

    opened, _ = open_model(None)
    bank = make_bank(engine_for(opened), opened.characters, policy(), b"nobody")
    suite = make_suite(bank, variant("ada", b"a key"))
    for kind in dict.fromkeys(case.kind for case in suite.cases):
        lines = [case.line for case in suite.cases if case.kind == kind]
        print(f"{kind:<32} {len(lines):>3}  {'  '.join(map(repr, lines[:4]))}")


if __name__ == "__main__":
    _demo()
