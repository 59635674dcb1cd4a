"""Finding any of many words in a text, in time that depends only on the length of the text.

Words anywhere: the automaton of Aho and Corasick (1975). It reads each letter once; when the
letters so far are no longer a prefix of any word, it falls back to their longest suffix that is
one. Short lists are searched with the implementation below, long ones by the library
pyahocorasick. Whole words and prefixes of words need only a set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from microgpt.errors import InputError
from microgpt.guard.normal import optional, runs
from microgpt.guard.policy import MATCHES

SMALL = 1000
"""The most words that are searched for anywhere without pyahocorasick."""

Found = tuple[str, int]
"""A word, and the place in the text where it begins."""


class _Search(Protocol):
    def find(self, text: str) -> Found | None: ...


class Matcher:
    """Words, normalised as the text is (see ``normal``), and where they count.

    ``match``: "substring" (anywhere), "word" (a whole run of letters and digits) or "prefix" (the
    beginning of such a run). Raises ``InputError`` for an empty word or list, and for a whole word
    with a gap; ``MissingError`` for more than ``SMALL`` words anywhere without pyahocorasick.
    """

    def __init__(self, words: Iterable[str], match: str = "substring") -> None:
        distinct = tuple(dict.fromkeys(words))
        if match not in MATCHES:
            raise InputError(f"match is {match!r}, must be one of {', '.join(MATCHES)}.")
        if not distinct or not all(distinct):
            raise InputError("A word to look for is empty, must have at least one letter.")
        self.words, self.match = distinct, match
        self._search: _Search
        if match == "substring":
            self._search = _Trie(distinct) if len(distinct) <= SMALL else _BigList(distinct)
        else:
            for word in distinct:
                if list(runs(word)) != [(word, 0)]:
                    raise InputError(
                        f"{word!r} has more than letters and digits, but match is {match!r}.",
                        'Look for it anywhere: match = "substring".',
                    )
            self._search = _Runs(distinct, whole=match == "word")

    def find(self, text: str) -> Found | None:
        """The match that ends first, and of several the longest; None if there is none."""
        return self._search.find(text)


class _Trie:
    """All words as one trie, with a failure link from each node.

    ``nodes[n]``: letter → next node; 0 is the root. ``back[n]``, the failure link: the node of the
    longest proper suffix of n's letters that is in the trie. ``ends[n]``: length of the longest
    word that n's letters end in, 0 if none.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.nodes: list[dict[str, int]] = [{}]
        self.ends = [0]
        for word in words:
            node = 0
            for letter in word:
                if letter not in self.nodes[node]:
                    self.nodes[node][letter] = len(self.nodes)
                    self.nodes.append({})
                    self.ends.append(0)
                node = self.nodes[node][letter]
            self.ends[node] = len(word)
        self.back = [0] * len(self.nodes)
        level = list(self.nodes[0].values())
        while level:  # one depth after another: failure links lead to smaller depths
            below = []
            for node in level:
                for letter, child in self.nodes[node].items():
                    end = self.back[node]
                    while end and letter not in self.nodes[end]:
                        end = self.back[end]
                    self.back[child] = self.nodes[end].get(letter, 0)
                    self.ends[child] = self.ends[child] or self.ends[self.back[child]]
                    below.append(child)
            level = below

    def find(self, text: str) -> Found | None:
        nodes, back, ends = self.nodes, self.back, self.ends
        node = 0
        for at, letter in enumerate(text, 1):
            after = nodes[node].get(letter)
            while after is None:
                if node == 0:
                    after = 0
                else:
                    node = back[node]
                    after = nodes[node].get(letter)
            node = after
            if ends[node]:
                start = at - ends[node]
                return text[start:at], start
        return None


class _BigList:
    """The same with pyahocorasick, which is written in C."""

    def __init__(self, words: tuple[str, ...]) -> None:
        what = f"The policy has {len(words):,} words, more than {SMALL:,} need a library"
        self.automaton: Any = optional("ahocorasick", what).Automaton()
        for word in words:
            self.automaton.add_word(word, len(word))
        self.automaton.make_automaton()

    def find(self, text: str) -> Found | None:
        for last, length in self.automaton.iter(text):
            start = last + 1 - length
            return text[start : last + 1], start
        return None


class _Runs:
    """Whole words, or their beginnings, by looking up runs of letters in a set."""

    def __init__(self, words: tuple[str, ...], whole: bool) -> None:
        self.words = frozenset(words)
        self.lengths = sorted({len(word) for word in words})
        self.whole = whole

    def find(self, text: str) -> Found | None:
        for run, start in runs(text, self.lengths[0]):
            if self.whole:
                if run in self.words:
                    return run, start
                continue
            for length in self.lengths:
                if length > len(run):
                    break
                if run[:length] in self.words:
                    return run[:length], start
        return None


def _demo() -> None:
    matcher = Matcher(["apple", "pear", "pea"])
    for text in ("pineapple", "spear", "aple"):
        print(f"{text}: {matcher.find(text)}")


if __name__ == "__main__":
    _demo()
