"""Byte-pair encoding in full: how a tokenizer is trained, and how it cuts a text.

The idea is a compression method from 1994 (Gage). A text in UTF-8 is a row of bytes, each a token.
Count which two tokens stand next to each other most often, make a new token of that pair, write it
wherever the pair stood, and count again. What is common becomes one token after a few rounds,
what is rare stays in pieces, and no text is ever unknown, since all 256 bytes are tokens. Every
round is a *merge*; the list of merges is all that training finds.

GPT-2 added one rule, and everything here keeps it: the text is first cut into *pieces*, roughly
words with the space before them, and no token reaches across a cut. Without it tokens like
"dog." and "dog!" would each take a place of their own in the vocabulary.

Ids: 0 to 255 are the bytes in GPT-2's order (``BYTES``), 256 is the first merge, and so on. The
library ``tokenizers`` computes the same, merge by merge and id by id; the tests hold the two
together. Here nothing but Python is needed, and text with spaces takes no longer.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

Pair = tuple[int, int]

# ------------------------------------------------------------------ bytes

_VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]

BYTES = [*_VISIBLE, *(b for b in range(256) if b not in _VISIBLE)]
"""The byte that each of the tokens 0 to 255 stands for: first those that can be seen in Latin-1."""

ID_OF = {byte: token for token, byte in enumerate(BYTES)}
"""The other way round: the token of a byte."""

# ------------------------------------------------------------------ pieces

_PIECES = re.compile(
    "'(?:s|t|re|ve|m|ll|d)"  # what English writes behind an apostrophe: it's, I'll
    "| ?[A-Za-z]+| ?[0-9]+"  # a word, a number, each with the space before it
    "| ?[^\\sA-Za-z0-9]+"  # signs
    "|\\s+(?!\\S)|\\s+",  # white space: all but the last of it, which goes with what follows
    re.ASCII,
)


class _Classes(dict[int, int]):
    """What each character counts as: ASCII itself, of the rest "a", "0", a tab, or "!"."""

    def __missing__(self, point: int) -> int:
        category = unicodedata.category(chr(point))
        kinds = {"L": "a", "N": "0", "Z": "\t"}
        kind = "\t" if point == 0x85 else kinds.get(category[0], "!")
        self[point] = point if point < 128 else ord(kind)
        return self[point]


_CLASSES = _Classes()


def pieces(text: str) -> list[str]:
    """Cut a text where GPT-2 does; the pieces joined are the text.

    The rule is about letters, numbers and white space of all scripts. Python's ``re`` has no
    classes for these, so it runs on a stand-in of the same length, in which each character from
    beyond ASCII is replaced by one of its kind. A letter that this Python's Unicode is too old to
    know counts as a sign.
    """
    if text.isascii():
        return _PIECES.findall(text)
    return [text[m.start() : m.end()] for m in _PIECES.finditer(text.translate(_CLASSES))]


# ------------------------------------------------------------------ training


def train(texts: Iterable[str], count: int) -> list[Pair]:
    """The first ``count`` merges; fewer where every piece has become a single token before.

    The most frequent pair wins; of equally frequent ones that with the smaller ids.
    """
    times = Counter(piece for text in texts for piece in pieces(text))
    words = [[ID_OF[byte] for byte in piece.encode()] for piece in times]
    weights = list(times.values())

    pairs: Counter[Pair] = Counter()  # how often each pair stands in the texts
    holders: defaultdict[Pair, set[int]] = defaultdict(set)  # the words that have it, or had
    for i, word in enumerate(words):
        for pair in pairwise(word):
            pairs[pair] += weights[i]
            holders[pair].add(i)

    queue = [(-often, pair) for pair, often in pairs.items()]
    heapq.heapify(queue)
    merges: list[Pair] = []
    while queue and len(merges) < count:
        often, pair = heapq.heappop(queue)
        if -often != pairs[pair]:  # other merges have taken some of it: back into the queue
            if pairs[pair]:
                heapq.heappush(queue, (-pairs[pair], pair))
            continue
        new = len(BYTES) + len(merges)
        merges.append(pair)
        fresh = set()
        for i in holders.pop(pair):  # counting everything again would take hours
            words[i], gone, come = replaced(words[i], pair, new)
            for other in gone:
                pairs[other] -= weights[i]
            for other in come:
                pairs[other] += weights[i]
                holders[other].add(i)
            fresh.update(come)
        for other in fresh:
            if pairs[other]:
                heapq.heappush(queue, (-pairs[other], other))
    return merges


def replaced(tokens: list[int], pair: Pair, new: int) -> tuple[list[int], list[Pair], list[Pair]]:
    """The tokens with ``new`` wherever the pair stood, from left to right.

    With it the pairs around those places that are no more, and those that came about.
    """
    left, right = pair
    out: list[int] = []
    gone: list[Pair] = []
    come: list[Pair] = []
    start = at = 0
    last = len(tokens) - 1
    while True:
        try:
            at = tokens.index(left, at, last)
        except ValueError:
            return out + tokens[start:], gone, come
        if tokens[at + 1] != right:
            at += 1
            continue
        out += tokens[start:at]
        if out:
            gone.append((out[-1], left))
            come.append((out[-1], new))
        out.append(new)
        start = at = at + 2
        if at <= last:
            gone.append((right, tokens[at]))
            come.append((new, tokens[at]))


# ------------------------------------------------------------------ use


def encode(piece: bytes, new_of: Mapping[Pair, int]) -> list[int]:
    """The tokens of one piece. ``new_of``: the token that each pair becomes.

    The merges are done again in the order in which they were learned.
    """
    tokens = [ID_OF[byte] for byte in piece]
    while known := new_of.keys() & pairwise(tokens):
        pair = min(known, key=new_of.__getitem__)
        tokens, _, _ = replaced(tokens, pair, new_of[pair])
    return tokens


def contents(merges: Iterable[Pair]) -> list[bytes]:
    """The bytes that each token stands for, by id."""
    known = [bytes([byte]) for byte in BYTES]
    for left, right in merges:
        known.append(known[left] + known[right])
    return known


def decode(tokens: Iterable[int], known: Sequence[bytes]) -> str:
    """The text of tokens whose bytes are ``known``.

    Bytes that aren't UTF-8 become U+FFFD, as half of a character does when a text is cut there.
    """
    return b"".join(known[token] for token in tokens).decode(errors="replace")


def _demo() -> None:
    text = "low lower lowest, slow slower slowest; new newer newest"
    merges = train([text], 12)
    known = contents(merges)
    for token, (left, right) in enumerate(merges, len(BYTES)):
        print(f"{token}: {known[left].decode()!r:>7} + {known[right].decode()!r}")
    new_of = {pair: len(BYTES) + i for i, pair in enumerate(merges)}
    for piece in pieces("slower snow"):
        tokens = encode(piece.encode(), new_of)
        print(f"{piece!r} -> {tokens} -> {[decode([token], known) for token in tokens]}")


if __name__ == "__main__":
    _demo()
