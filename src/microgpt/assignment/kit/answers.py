"""The answer key: which prefixes lead to a banned word, how often, and what refusing one costs.

Computed from the shipped model; the teacher's page holds the table as it is printed here, and a
test compares the two.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from microgpt.assignment.kit.variants import policy
from microgpt.data import load_data
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import ALLOW, LeakMeter, rule
from microgpt.opening import engine_for, open_model

_NODES, _SAMPLES = 300, 20_000  # intervals then are at most 0.001 wide


@dataclass(frozen=True)
class Answer:
    """One prefix of a banned word.

    ``leak``: share of the names written from it that hold one. ``verdict``: see
    ``guard.leak.rule``. ``names``: how many of the 32,033 names begin so.
    """

    head: str
    leak: float
    verdict: str
    names: int

    def row(self) -> str:
        """Its line in the table."""
        return f"| `{self.head}` | {100 * self.leak:.1f} % | {self.verdict} | {self.names} |"


HEADER = "| Prefix | Names with a fruit | Verdict | Real names that begin so |\n"
HEADER += "| --- | ---: | --- | ---: |\n"


def heads(category: str = "fruits") -> list[str]:
    """Proper prefixes, of two letters or more, of the category's words that hold none of them."""
    words = policy(category).words
    found = {word[:n] for word in words for n in range(2, len(word))}
    return sorted(head for head in found if not any(word in head for word in words))


def answers(prefixes: list[str], category: str = "fruits") -> list[Answer]:
    """What the shipped model makes of each."""
    opened, _ = open_model(None)
    words = policy(category)
    automaton = Automaton.of(words.words, opened.characters)
    meter = LeakMeter(engine_for(opened), opened.characters, automaton, words.temperature)
    counts = Counter(name[:n] for name in load_data("names").docs for n in range(2, len(name) + 1))
    found = []
    for head in prefixes:
        leak = meter.of(head, nodes=_NODES, samples=_SAMPLES)
        found.append(Answer(head, leak.middle, rule(head, leak, automaton), counts[head]))
    return found


def table(category: str = "fruits") -> str:
    """All that leak more than what must be allowed, the worst first, as a table in Markdown."""
    shown = [answer for answer in answers(heads(category), category) if answer.leak > ALLOW]
    shown.sort(key=lambda answer: (-answer.leak, answer.head))
    return HEADER + "".join(f"{answer.row()}\n" for answer in shown)


def _demo() -> None:
    print(table(), end="")


if __name__ == "__main__":
    _demo()
