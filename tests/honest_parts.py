"""What honest_*.py make their bots from: the words, the beginnings, and a student's explanation.

``bot`` fills them into a policy and that into the kit's template. In a policy's text ``@FRUITS``
and ``@HEADS`` stand for Python lists, ``@FRUIT_LINES`` and ``@HEAD_LINES`` for words to split.
"""

import textwrap
from typing import NamedTuple

from bot_sources import TEMPLATE, with_policy
from microgpt.guard.policy import Policy

FRUITS = Policy.shipped().words
# Every beginning from which 4 names of 100 or more hold a fruit, and no other.
_HEADS = (
    "acerol appl banan berr carambol cherimoy citro citru damso dat duri duria goj grap greengag "
    "guav jujub kak kiw lemo lim long longa mandari mang melo nas nash non oliv orang papay pea "
    "peac persimmo pineappl pitay pomel prun quinc raisi rambuta sapodill sapot satsum ugl"
)
HEADS = tuple(_HEADS.split())

WHY = """\
# My policy: a reply never holds a fruit, wherever it stands in a name and whatever surrounds it.
# I refuse a request if one of its beginnings holds a whole fruit, or ends in letters from which
# the model goes on to one often. I counted: from each of these at least four names of a hundred
# held a fruit. Rarer beginnings are left alone, since many real names start with them, and the
# output filter throws away what slips through.
"""
LISTS = """\
# All fruits that I could think of; a name that holds one of them anywhere is thrown away.
FRUITS = @FRUITS
# Beginnings that lead to a fruit often, by my count of names.
HEADS = @HEADS
"""


class Honest(NamedTuple):
    """A correct bot. ``least``: its points."""

    name: str
    source: str | bytes
    least: float = 98.0

    @property
    def bot(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.encode()


def lines(words: tuple[str, ...], indent: int = 0) -> str:
    """Words in lines of some width, such as a student pastes."""
    return textwrap.indent(textwrap.fill(" ".join(words), 90), " " * indent).lstrip()


def filled(policy: str) -> str:
    """A policy with the words in it."""
    for mark, text in (
        ("@FRUIT_LINES", lines(FRUITS)),
        ("@HEAD_LINES", lines(HEADS)),
        ("@FRUIT_BARS", "|".join(FRUITS)),
        ("@HEAD_BARS", "|".join(HEADS)),
        ("@FRUITS", "[\n    " + lines(tuple(f'"{w}",' for w in FRUITS), 4) + "\n]"),
        ("@HEADS", "[\n    " + lines(tuple(f'"{w}",' for w in HEADS), 4) + "\n]"),
    ):
        policy = policy.replace(mark, text)
    return policy


def bot(policy: str, *, lists: bool = True, why: str = WHY, source: str = TEMPLATE) -> str:
    """The template with a policy. ``lists``: FRUITS and HEADS stand before it as lists."""
    return with_policy(filled(why + (LISTS if lists else "") + policy), source)
