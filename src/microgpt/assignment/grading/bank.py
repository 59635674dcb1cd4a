"""What the class's model makes of every request that a case may use: computed once for a key.

Which requests these are follows from the teacher's key: names drawn from the whole list with all
their prefixes, and what is set before the prefixes of banned words. So nothing here can be
looked up in this package: who doesn't have the key knows the rule, and not the requests.

The leak of a prefix is estimated from a fixed number of names written under a mask (``guard.leak``
has the estimator): some hundred thousand names at once, so that a bank takes seconds. A verdict
stands only where the estimate is three standard errors away from the bar; the rest is grey.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from microgpt.data import load_data
from microgpt.engines.base import Engine
from microgpt.errors import CheckpointError, FileError
from microgpt.files import dump_json, parse_json, read_bytes, write_atomic
from microgpt.guard import leak
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import ALLOW, REFUSE, sampled_leaks
from microgpt.guard.policy import Policy
from microgpt.guard.rails import Rails
from microgpt.tokenizer import Tokenizer

POOL = 2_000  # names drawn by key; a student is asked about most of them
_LONGER = 400  # prefixes of four letters or more that are tried for the bank
_RARE = 150  # prefixes of three letters besides the most common ones
_COMMON = 150
_BEFORE = 24  # prefixes of names that are set before a head, for overlaps
_LEADING = REFUSE / 2  # a name with such a prefix says nothing about over-blocking
_AWAY = 3.0  # standard errors between an estimate and the bar that it is held against
_DRAWN = {"few": 2_000, "some": 500, "many": 256}  # names for each prefix, by how many prefixes
_MOST_BYTES = 2**24


@dataclass(frozen=True)
class Bank:
    """What is the same for a class.

    ``verdicts``: prefix → "refuse", "allow" or "grey" (``guard.leak.rule``). ``overlaps``: those
    that must be refused for what their end begins. ``counts``: prefix → how many of the names
    begin with it. ``names``: drawn by key, each as likely as it is common, without a banned word
    and without a prefix that leads to one; ``theirs``: for each of them whether the reference
    refuses it in full, and at some prefix. ``clean``: all names without a banned word;
    ``bearing``: those with one, which no case asks for.
    """

    words: tuple[str, ...]
    verdicts: dict[str, str]
    overlaps: tuple[str, ...]
    longer: tuple[str, ...]
    names: tuple[str, ...]
    theirs: tuple[tuple[bool, bool], ...]
    counts: dict[str, int] = field(repr=False)
    clean: tuple[str, ...] = field(repr=False)
    bearing: frozenset[str] = field(repr=False)

    def having(self, verdict: str, prefixes: Iterable[str]) -> list[str]:
        """Those of the prefixes with this verdict, in their order."""
        return [p for p in prefixes if self.verdicts.get(p) == verdict]

    def heads(self, words: Iterable[str]) -> list[str]:
        """Proper prefixes of the words that must be refused and hold no whole word."""
        found = dict.fromkeys(word[:n] for word in words for n in range(2, len(word)))
        return [p for p in self.having("refuse", found) if not any(w in p for w in self.words)]

    def as_json(self) -> dict[str, Any]:
        """What was computed, as plain data."""
        return {
            "verdicts": self.verdicts,
            "overlaps": self.overlaps,
            "longer": self.longer,
            "names": self.names,
            "theirs": self.theirs,
        }


@dataclass(frozen=True)
class _List:
    """The names as they are, before anything is computed."""

    words: tuple[str, ...]
    counts: Counter[str]
    clean: tuple[str, ...]
    bearing: frozenset[str]
    lines: tuple[str, ...]  # clean ones, each as often as the list has it

    @classmethod
    def of(cls, words: Sequence[str], names: Sequence[str]) -> _List:
        counts = Counter(name[:n] for name in names for n in range(len(name) + 1))
        banned = re.compile("|".join(map(re.escape, words)))
        lines = tuple(sorted(name for name in names if name and not banned.search(name)))
        clean = tuple(dict.fromkeys(lines))
        return cls(tuple(words), counts, clean, frozenset(names).difference(clean), lines)


def make_bank(
    engine: Engine,
    tokenizer: Tokenizer,
    policy: Policy,
    seed: bytes,
    *,
    names: Sequence[str] | None = None,
    also: Iterable[str] = (),
) -> Bank:
    """Compute the verdicts.

    ``seed``: from the key; equal seeds give equal banks. ``names``: the list that says how common
    a prefix is; the 32,033 if None. ``also``: prefixes to be judged as well.
    """
    letters = set(tokenizer.uchars)
    words = tuple(word for word in policy.words if set(word) <= letters)
    listed = load_data("names").docs if names is None else names
    given = _List.of(words, [name for name in listed if set(name) <= letters])
    rng = random.Random(int.from_bytes(seed, "big"))
    automaton = Automaton.of(words, tokenizer)
    judge = _Judge(engine, automaton, policy.temperature)
    counts = given.counts

    verdicts: dict[str, str] = {}
    heads = [
        head
        for head in dict.fromkeys(word[:n] for word in words for n in range(2, len(word)))
        if not automaton.contains(head)
    ]
    judge.refused(heads, _DRAWN["few"], verdicts)
    for word in words:
        verdicts[word] = "grey" if word in given.bearing else "refuse"
    before = [p for p, _ in counts.most_common(400) if 1 <= len(p) <= 3]
    before = sorted(rng.sample(before, min(_BEFORE, len(before))))
    bad = [head for head in heads if verdicts[head] == "refuse" and 3 <= len(head) <= 6]
    overlaps = [b + head for head in bad for b in before if b + head not in verdicts]
    overlaps = [text for text in overlaps if not automaton.contains(text)]
    judge.refused(overlaps, _DRAWN["some"], verdicts)

    pool = _drawn(given.lines, POOL, rng)
    judge.allowed(["", *sorted(letters)], _DRAWN["few"], verdicts)
    common = [p for p, _ in counts.most_common() if len(p) == 3]
    tried = {p for p in counts if len(p) == 2} | set(common[:_COMMON]) | set(also)
    tried |= set(rng.sample(common[_COMMON:], min(_RARE, len(common[_COMMON:]))))
    longer = _longer(pool, rng)
    judge.allowed(sorted(tried | set(longer)), _DRAWN["many"], verdicts)

    leading = judge.leading(pool)
    kept = [name for name in pool if not any(p in leading for p in _beginnings(name))]
    rails = Rails(policy, tokenizer.uchars)
    answers = {p: rails.request([p]) is not None for name in kept for p in _beginnings(name)}
    theirs = [(answers[n], any(answers[p] for p in _beginnings(n))) for n in kept]
    return Bank(
        words,
        verdicts,
        tuple(p for p in overlaps if verdicts[p] == "refuse"),
        tuple(p for p in longer if verdicts.get(p) == "allow"),
        tuple(kept),
        tuple(theirs),
        dict(counts),
        given.clean,
        given.bearing,
    )


def _beginnings(name: str) -> list[str]:
    """All of a name's prefixes, itself included."""
    return [name[:n] for n in range(1, len(name) + 1)]


def _drawn(lines: Sequence[str], most: int, rng: random.Random) -> list[str]:
    """Lines of a sorted list at even distances, from a random one on: each letter has its share."""
    if len(lines) <= most:
        return list(lines)
    step = len(lines) / most
    start = rng.random() * step
    return [lines[int(start + i * step)] for i in range(most)]


def _longer(pool: Sequence[str], rng: random.Random) -> tuple[str, ...]:
    """Prefixes of four letters or more, whole names among them, each length as likely."""
    found = []
    for name in rng.sample(list(pool), min(_LONGER, len(pool))):
        if len(name) >= 4:
            found.append(name[: rng.randint(4, len(name))])
    return tuple(dict.fromkeys(found))


class _Judge:
    """Estimates leaks, and says what they mean."""

    def __init__(self, engine: Engine, automaton: Automaton, temperature: float) -> None:
        self.engine, self.automaton, self.temperature = engine, automaton, temperature

    def _leaks(self, prefixes: Sequence[str], count: int) -> tuple[list[float], list[float]]:
        rng = random.Random("leaks")  # the same for every key: so no class has harder heads
        mean, error = sampled_leaks(
            self.engine, self.automaton, prefixes, self.temperature, count, rng
        )
        return mean.tolist(), error.tolist()

    def refused(self, prefixes: Sequence[str], count: int, verdicts: dict[str, str]) -> None:
        """Note which prefixes must be refused; they begin or end so that none must be allowed."""
        for prefix, mean, error in zip(prefixes, *self._leaks(prefixes, count), strict=True):
            verdicts[prefix] = "refuse" if mean - _AWAY * error >= REFUSE else "grey"

    def allowed(self, prefixes: Sequence[str], count: int, verdicts: dict[str, str]) -> None:
        """Note which prefixes must be allowed."""
        begins = self.automaton.begins
        some = [p for p in prefixes if p not in verdicts and not begins(p)]
        for prefix, mean, error in zip(some, *self._leaks(some, count), strict=True):
            verdicts[prefix] = "allow" if mean + _AWAY * error <= ALLOW else "grey"

    def leading(self, names: Sequence[str]) -> set[str]:
        """Prefixes of the names from which a banned word is so likely that refusing is fair."""
        begins = self.automaton.begins
        ends = {p for name in names for p in _beginnings(name) if begins(p)}
        some = sorted(ends)
        leaks, _ = self._leaks(some, _DRAWN["many"])
        return {prefix for prefix, leak in zip(some, leaks, strict=True) if leak >= _LEADING}


# ---------------------------------------------------------------- kept on the disk


def cache_folder() -> Path | None:
    """Where banks are kept: ``MICROGPT_CACHE``, or the system's folder for such; None for nowhere.

    ``MICROGPT_CACHE=`` (empty) keeps none.
    """
    chosen = os.environ.get("MICROGPT_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = str(Path("~/Library/Caches").expanduser())
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base, "microgpt") if Path(base).is_absolute() else None


def kept_bank(
    key: bytes,
    about: str,
    words: Sequence[str],
    names: Sequence[str] | None = None,
) -> Bank | None:
    """The bank that ``keep_bank`` wrote, or None if there is none that this key signed."""
    path = _place(key, about)
    if path is None:
        return None
    try:
        raw = read_bytes(path, _MOST_BYTES)
        mark, _, text = raw.partition(b"\n")
        if not hmac.compare_digest(mark, _mark(key, text)):
            return None
        data = parse_json(text, path.name, "")
        listed = load_data("names").docs if names is None else names
        given = _List.of(words, listed)
        return Bank(
            given.words,
            dict(data["verdicts"]),
            tuple(data["overlaps"]),
            tuple(data["longer"]),
            tuple(data["names"]),
            tuple((bool(a), bool(b)) for a, b in data["theirs"]),
            dict(given.counts),
            given.clean,
            given.bearing,
        )
    except (FileError, CheckpointError, KeyError, TypeError, ValueError):
        return None


def keep_bank(key: bytes, about: str, bank: Bank) -> None:
    """Keep a bank for the next time, signed with the key; where that can't be done, don't.

    ``about``: all that it follows from besides the key. The file is for its owner's eyes: who can
    write it without the key can't make it count.
    """
    path = _place(key, about)
    if path is None:
        return
    text = dump_json(bank.as_json()).encode()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, _mark(key, text) + b"\n" + text)
        path.chmod(0o600)
    except (OSError, FileError):
        return


def _place(key: bytes, about: str) -> Path | None:
    folder = cache_folder()
    if folder is None or not key:
        return None
    made_by = hashlib.sha256(Path(__file__).read_bytes() + Path(leak.__file__).read_bytes())
    name = hmac.digest(key, f"bank {made_by.hexdigest()} {about}".encode(), "sha256").hex()
    return folder / f"grading-{name[:32]}.json"


def _mark(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, b"bank" + text, "sha256").hex().encode()


def _demo() -> None:
    """The bank of the shipped model, for nobody's key."""
    from microgpt.opening import engine_for, open_model

    opened, _ = open_model(None)
    bank = make_bank(engine_for(opened), opened.characters, Policy.shipped(), b"nobody")
    print(f"{len(bank.verdicts):,} prefixes: {dict(Counter(bank.verdicts.values()))}")
    refused = bank.heads(bank.words)
    print(f"prefixes that must be refused: {', '.join(refused)}")
    whole, some = (math.fsum(t[i] for t in bank.theirs) / len(bank.theirs) for i in (0, 1))
    print(f"of {len(bank.names):,} names the reference refuses {whole:.2%}, begun {some:.2%}")


if __name__ == "__main__":
    _demo()
