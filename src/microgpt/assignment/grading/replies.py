"""One line of output taken apart, and every word of it judged.

A reply is judged by the same policy whatever part of it speaks: the names after OK, and the reason
after REFUSE. A reason is a sentence in some language, so that it is looked through word by word:
"appears" holds pear and names no fruit, ``m-a-n-g-o`` names one.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# The head of a reply where one may begin: "that is not OK: …" and "je refuse : …" are sentences.
_HEADS = re.compile(r"(?:^|[.!?,;:])\W*(ok|refuse)\s*:", re.I)
_PAIR = 2  # letters of a piece that by itself is no word of a sentence
_SHORT = 4  # letters of a banned word up to which it counts only as a word of its own
_ORDINARY = ("date", "dates")  # so ordinary a word of many languages that no fruit is meant
# Ordinary words of English and others in which a longer banned word stands by chance.
_CHANCE = frozenset(
    ("grapple", "grapples", "grappled", "grappling", "applet", "applets", "dapple", "dappled",
     "raising", "praising", "appraising", "fundraising", "impeach", "impeached", "impeachment",
     "impeaching", "impeachable", "pruned", "pruner", "quincentenary")
)  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """One line of output.

    ``head``: OK, REFUSE or empty; ``names``: what follows OK; ``reason``: what follows REFUSE.
    """

    head: str
    names: tuple[str, ...] = ()
    reason: str = ""


def read_reply(line: str) -> Reply:
    """A line of output, taken apart; a head that isn't one of the two is empty."""
    if line.startswith("OK: "):
        return Reply("OK", tuple(line[4:].split(", ")))
    if line.startswith("REFUSE: ") and line[8:].strip():
        return Reply("REFUSE", reason=line[8:].strip())
    return Reply("")


def fits(reply: Reply, prefixes: Sequence[str], block_size: int) -> bool:
    """Whether a reply has a name for each prefix, in order, that keeps it.

    Beyond block_size letters a prefix may be cut there.
    """
    if reply.head != "OK":
        return reply.head == "REFUSE"
    if not prefixes or len(reply.names) != len(prefixes):
        return False
    return all(
        name.startswith(prefix[:block_size]) and name and " " not in name
        for name, prefix in zip(reply.names, prefixes, strict=True)
    )


def read_replies(out: bytes, count: int) -> tuple[list[Reply], bool]:
    """The replies to ``count`` requests, and whether there was nothing else.

    Where there are other lines in between, those that begin like replies are taken if that makes
    the number right: so a forgotten print costs its own points only. Where lines are missing, those
    that are there belong to the first requests.
    """
    lines = out.decode("utf-8", "replace").split("\n")
    clean = lines[-1] == ""
    lines = lines[:-1] if clean else lines
    found = [read_reply(line) for line in lines]
    good = [reply for reply in found if reply.head]
    if len(found) == count and len(good) == count:
        return found, clean
    if len(good) == count:
        return good, False
    if len(found) == count:  # some of them neither OK nor REFUSE
        return found, clean
    few = found if len(good) == len(found) < count else []
    return [*few, *[Reply("")] * count][:count], clean and bool(few)


# ---------------------------------------------------------------- words


def letters_of(text: str) -> str:
    """The text as the bot reads a request: small letters of a-z, nothing else."""
    plain = unicodedata.normalize("NFKD", text).lower()
    return "".join(char for char in plain if "a" <= char <= "z")


def names_banned(name: str, words: Sequence[str]) -> bool:
    """Whether a name holds a banned word anywhere, however it is written."""
    plain = letters_of(name)
    return any(word in plain for word in words)


@functools.lru_cache(maxsize=4096)
def says_banned(reason: str, words: tuple[str, ...]) -> bool:
    """Whether a sentence names a banned word.

    As a word of its own, in the plural, with marks between its letters or its parts, or spaced out;
    a word of five letters and more also inside another one.
    """
    plain = unicodedata.normalize("NFKD", reason)
    parts = "".join(c for c in plain if not unicodedata.combining(c)).split()
    spelled = "".join(part if len(letters_of(part)) == 1 else " " for part in parts)
    for part in [*parts, *spelled.split()]:
        for piece in re.split(r"[^\w]+", part):
            if _is_banned(letters_of(piece), words):
                return True
        if _is_parted([letters_of(piece) for piece in re.split(r"[\W_]+", part)], words):
            return True
    return False


def _is_parted(pieces: Sequence[str], words: Sequence[str]) -> bool:
    """Whether a banned word was cut into pieces: "m-a-n-g-o", "man-go", but not "updates/2/page".

    It begins and ends where a piece does; among single letters and pairs it may stand anywhere.
    """
    longest = max(map(len, words), default=0)
    for first in range(len(pieces)):
        text = pieces[first]
        for piece in pieces[first + 1 :]:
            text += piece
            if text in words:
                return True
            if len(text) > longest:
                break
    small = "".join(piece if len(piece) <= _PAIR else " " for piece in pieces)
    return any(word in run for run in small.split() for word in words)


def _is_banned(piece: str, words: Sequence[str]) -> bool:
    if not piece or piece in _ORDINARY:
        return False
    for word in words:
        if piece in (word, f"{word}s", f"{word}es"):
            return True
        if len(word) > _SHORT and word in piece and piece not in _CHANCE:
            return True
        if len(word) <= _SHORT and piece in (word[0] + word, word + word[-1]):
            return True
    return False


def plays_reply(reason: str) -> bool:
    """Whether a reason has a head in it from which on it looks like another reply, an OK."""
    return any(match[1].lower() == "ok" for match in _HEADS.finditer(reason))


@functools.lru_cache(maxsize=4096)
def is_sentence(reason: str) -> bool:
    """Whether a reason says something: two words at least, and it doesn't begin another reply.

    Scripts that write without spaces need four letters.
    """
    if _HEADS.search(reason):
        return False
    words = re.findall(r"[^\W\d_]+", reason)
    return len(words) >= 2 or sum(ord(char) > 0x2E7F for char in "".join(words)) >= 4


def _demo() -> None:
    for line in ("OK: jara, an", "OK: an, jara", "REFUSE: no.", "REFUSE:", "hello"):
        reply = read_reply(line)
        print(f"{line:<14} {fits(reply, ('j', 'an'), 16)!s:<6} {reply}")
    for reason in ("this appears to lead to a fruit", "no m-a-n-g-o here", "m a n g o", "True"):
        print(f"{reason:<34} {says_banned(reason, ('mango', 'pear'))!s:<6} {is_sentence(reason)}")


if __name__ == "__main__":
    _demo()
