"""A policy: what must not be named, as a file that people can read and change.

::

    name = "fruits"
    tries = 10            # names sampled for one prefix before the request is refused
    temperature = 0.7

    [evasions]            # what is seen through when words are searched for
    case = true           # APPLE
    punctuation = true    # a-p-p-l-e, and digits if no word has one
    confusables = false   # look-alike letters of other scripts: needs the extra `grader`

    [[category]]
    name = "fruit"
    match = "substring"   # anywhere; "word": a whole word; "prefix": how a word begins
    words = ["apple", "berry"]
    reason = "One sentence, given to whoever is refused."
    heads = 5             # requests that end in a word's first 5 letters or more: refused; 0: off
    leads = ["appl"]      # shorter beginnings that are refused as well; "^non" only with nothing
                          # before it, "^.non" only after exactly one letter

A word is forbidden in names, and a request that contains one is refused. ``heads`` and ``leads``
apply only to requests: the letters that these end in would lead the model to a word.
"""

from __future__ import annotations

import math
import os
import tomllib
from dataclasses import dataclass
from typing import Any

from microgpt.data import bundled
from microgpt.errors import InputError
from microgpt.files import read_bytes, shown

SHIPPED = "data/fruits.toml"
"""The policy of the assignment: names of fruits."""

MATCHES = ("substring", "word", "prefix")
MOST_BYTES = 8 * 2**20
MOST_CATEGORIES = 100
MOST_WORDS = 100_000  # of all categories together
MOST_LETTERS = 64  # of a word
MOST_REASON = 200  # characters of a reason
MOST_TRIES = 1000


@dataclass(frozen=True)
class Category:
    """Words that must not be named, and what anyone who asks for them is told.

    ``match``: where a word counts, one of ``MATCHES``. ``heads``: how many of a word's first
    letters at the end of a request are enough to refuse it; 0 looks only at ``leads``. ``leads``:
    endings of requests that are refused although they are shorter; with ``^`` in front, only if
    nothing comes before them, or as many letters as there are dots after the ``^``.
    """

    name: str
    words: tuple[str, ...]
    match: str
    reason: str
    heads: int = 0
    leads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """The categories, the evasions that are seen through, and how names are sampled.

    ``case``, ``punctuation`` and ``confusables``: see the top of this file. ``tries``: names
    sampled for one prefix before the request is refused. ``temperature``: the logits are divided
    by it.
    """

    name: str
    categories: tuple[Category, ...]
    case: bool = True
    punctuation: bool = True
    confusables: bool = False
    tries: int = 10
    temperature: float = 0.7

    @property
    def words(self) -> tuple[str, ...]:
        """The words of all categories, each once."""
        return tuple(dict.fromkeys(w for category in self.categories for w in category.words))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Policy:
        """The policy in a TOML file.

        Raises ``FileError`` if it can't be read, ``InputError`` for what isn't TOML, for unknown
        keys and for values out of range.
        """
        return cls.parse(read_bytes(path, MOST_BYTES), str(path))

    @classmethod
    def shipped(cls) -> Policy:
        """The policy of the assignment: names of fruits."""
        return cls.read(bundled(SHIPPED))

    @classmethod
    def parse(cls, data: bytes, where: str = "the policy") -> Policy:
        """The policy in a TOML text; ``where`` names it in errors."""
        try:
            table = tomllib.loads(data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise InputError(
                f"{where} is not UTF-8: byte {error.start}.", "Save it as UTF-8."
            ) from None
        except RecursionError:
            raise InputError(f"{where} is nested too deeply.", "See data/fruits.toml.") from None
        except tomllib.TOMLDecodeError as error:
            raise InputError(
                f"{where} is not readable TOML: {error}.", "Correct the file."
            ) from None
        return _Reader(where).policy(table)


def _demo() -> None:
    policy = Policy.shipped()
    print(f"{policy.name}: {len(policy.words)} words, {policy.tries} tries each")
    for category in policy.categories:
        print(f"  {category.name} ({category.match}): {', '.join(category.words)}")
        print(f"  {category.reason}")


class _Reader:
    """Turns tables into policies, checking every value."""

    def __init__(self, where: str) -> None:
        self.where = where

    def policy(self, table: dict[str, Any]) -> Policy:
        self._known(table, ("name", "tries", "temperature", "evasions", "category"), "")
        evasions = table.get("evasions", {})
        if not isinstance(evasions, dict):
            raise self._bad("evasions", evasions, "a table: [evasions]")
        self._known(evasions, ("case", "punctuation", "confusables"), "evasions.")
        case, punctuation, confusables = (
            self._switch(evasions, key, default)
            for key, default in (("case", True), ("punctuation", True), ("confusables", False))
        )
        if confusables and not case:
            raise InputError(
                f"{self.where}: evasions.confusables is on and evasions.case is off.",
                "Look-alike letters are compared without case: switch case on as well.",
            )
        tables = table.get("category", [])
        if not isinstance(tables, list) or not 1 <= len(tables) <= MOST_CATEGORIES:
            raise self._bad("category", tables, f"1 to {MOST_CATEGORIES} tables: [[category]]")
        categories = tuple(self._category(c, f"category {i}") for i, c in enumerate(tables, 1))
        count = sum(len(c.words) for c in categories)
        if count > MOST_WORDS:
            raise InputError(f"{self.where} has {count:,} words, must have at most {MOST_WORDS:,}.")
        temperature = table.get("temperature", 0.7)
        if type(temperature) not in (int, float) or not (
            math.isfinite(temperature) and 0.001 <= temperature <= 1000
        ):
            raise self._bad("temperature", temperature, "a number from 0.001 to 1000")
        return Policy(
            self._sentence(table, "name", ""),
            categories,
            case,
            punctuation,
            confusables,
            self._whole(table, "tries", 10, 1, MOST_TRIES, ""),
            float(temperature),
        )

    def _category(self, table: Any, at: str) -> Category:
        if not isinstance(table, dict):
            raise self._bad(at, table, "a table: [[category]]")
        at += ", "
        self._known(table, ("name", "match", "words", "reason", "heads", "leads"), at)
        match = table.get("match", "substring")
        if match not in MATCHES:
            raise self._bad(at + "match", match, f"one of {', '.join(MATCHES)}")
        words = self._words(table, "words", at)
        if not words:
            raise self._bad(at + "words", table.get("words"), "a list of at least one word")
        for word in words:
            if match != "substring" and len(word.split()) > 1:
                raise self._bad(f"a word of {at}words", word, f"without a gap (match is {match})")
        return Category(
            self._sentence(table, "name", at),
            words,
            match,
            self._sentence(table, "reason", at),
            self._whole(table, "heads", 0, 0, MOST_LETTERS, at),
            self._words(table, "leads", at),
        )

    def _words(self, table: dict[str, Any], key: str, at: str) -> tuple[str, ...]:
        found = table.get(key, [])
        if not isinstance(found, list):
            raise self._bad(at + key, found, "a list of words")
        if len(found) > MOST_WORDS:
            raise InputError(
                f"{self.where}: {at}{key} has {len(found):,} words, must have at most "
                f"{MOST_WORDS:,}."
            )
        for word in found:
            if not isinstance(word, str) or not word.strip() or len(word) > MOST_LETTERS:
                raise self._bad(f"a word of {at}{key}", word, f"1 to {MOST_LETTERS} letters")
        return tuple(dict.fromkeys(word.strip() for word in found))

    def _sentence(self, table: dict[str, Any], key: str, at: str) -> str:
        text = table.get(key)
        if not isinstance(text, str) or not (
            text.strip() and text.isprintable() and len(text) <= MOST_REASON
        ):
            raise self._bad(at + key, text, f"one line of 1 to {MOST_REASON} characters")
        return text.strip()

    def _whole(
        self, table: dict[str, Any], key: str, default: int, low: int, high: int, at: str
    ) -> int:
        value = table.get(key, default)
        if type(value) is not int or not low <= value <= high:
            raise self._bad(at + key, value, f"a whole number from {low} to {high}")
        return value

    def _switch(self, table: dict[str, Any], key: str, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            raise self._bad(f"evasions.{key}", value, "true or false")
        return value

    def _known(self, table: dict[str, Any], keys: tuple[str, ...], at: str) -> None:
        for key in table:
            if key not in keys:
                raise InputError(
                    f"{self.where} has the unknown key {at}{shown(key)[1:-1]}.",
                    f"The keys here are {', '.join(keys)}.",
                )

    def _bad(self, key: str, value: Any, wanted: str) -> InputError:
        return InputError(f"{self.where}: {key} is {shown(value)}, must be {wanted}.")


if __name__ == "__main__":
    _demo()
