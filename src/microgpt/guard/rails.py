"""A bot's two rails: which requests are refused before, and which names are held back after.

The request rail can refuse only what it sees; the output rail sees the name itself. Each answers
yes or no, without chance and without memory: the order of requests can't matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from microgpt.errors import InputError
from microgpt.guard.matching import Found, Matcher
from microgpt.guard.normal import Normal, last_run
from microgpt.guard.policy import Category, Policy


class Rails:
    """A policy, ready to be asked.

    ``vocabulary``: the characters that the model writes. ``unwritable``: those of the policy's
    words that the model can't write because it lacks a letter. Raises ``InputError`` for a word
    without a letter, ``MissingError`` if the policy needs an extra that isn't installed.
    """

    def __init__(self, policy: Policy, vocabulary: Iterable[str]) -> None:
        self.policy = policy
        self.normal = Normal(
            case=policy.case,
            punctuation=policy.punctuation,
            confusables=policy.confusables,
            digits=any(char.isdigit() for word in policy.words for char in word),
        )
        self._sides = [_Side(category, self.normal) for category in policy.categories]
        written = set(self.normal.fold("".join(vocabulary)))
        self.unwritable = tuple(w for w in policy.words if set(self.normal.word(w)) - written)

    def request(self, prefixes: Sequence[str], typed: Sequence[str] = ()) -> str | None:
        """None if names may be sampled for these prefixes, else the reason for refusing.

        ``typed``: the prefixes as a person typed them, before characters outside the vocabulary
        were dropped. A policy that sees through look-alike letters reads these as well.
        """
        texts = (*prefixes, *typed) if self.policy.confusables else prefixes
        for text in texts:
            for side in self._sides:
                if side.refuses(text):
                    return side.category.reason
        return None

    def name_ok(self, name: str) -> bool:
        """Whether a name is free of the policy's words."""
        return self.found(name) is None

    def found(self, text: str) -> tuple[Category, str] | None:
        """The first category that has a word in the text, and this word, normalised."""
        for side in self._sides:
            if (match := side.found(text)) is not None:
                return side.category, match[0]
        return None


class _Side:
    """One category: its words, and the endings of requests that lead to them."""

    def __init__(self, category: Category, normal: Normal) -> None:
        self.category = category
        self.normal = normal
        words = [self._plain(word) for word in category.words]
        self.matcher = Matcher(words, category.match)
        heads = {self._plain(lead) for lead in category.leads if not lead.startswith("^")}
        if category.heads:
            heads |= {word[:k] for word in words for k in range(category.heads, len(word))}
        self.heads = frozenset(heads)
        self.lengths = sorted({len(head) for head in heads})
        self.first = [self._placed(lead) for lead in category.leads if lead.startswith("^")]

    def _plain(self, word: str) -> str:
        plain = self.normal.word(word)
        if not plain:
            raise InputError(
                f"The policy's word {word!r} has no letter, and punctuation is ignored.",
                "Remove it, or set evasions.punctuation = false.",
            )
        return plain

    def _placed(self, lead: str) -> tuple[int, str]:
        """A lead with ``^``: how many letters come before it, and the lead."""
        rest = lead[1:].lstrip(".")
        return len(lead) - 1 - len(rest), self._plain(rest)

    def found(self, text: str) -> Found | None:
        """The first word in the text."""
        return self._find(self.normal.views(text, self.category.match))

    def refuses(self, text: str) -> bool:
        """Whether a request for the text contains a word or ends in a head."""
        views = self.normal.views(text, self.category.match)
        return self._find(views) is not None or any(map(self._leads, views))

    def _find(self, views: Iterable[str]) -> Found | None:
        for view in views:
            if (match := self.matcher.find(view)) is not None:
                return match
        return None

    def _leads(self, view: str) -> bool:
        """Whether the text ends in a head; for whole words and prefixes, its last word is one."""
        if any(
            len(view) == before + len(lead) and view.endswith(lead) for before, lead in self.first
        ):
            return True
        if self.category.match == "substring":
            return any(view[-length:] in self.heads for length in self.lengths)
        return bool(self.heads) and last_run(view) in self.heads


def _demo() -> None:
    rails = Rails(Policy.shipped(), "abcdefghijklmnopqrstuvwxyz")
    for prefix in ("gra", "grap", "grape", "lim", "lia", "a-p-p-l"):
        print(f"{prefix}: {rails.request([prefix]) or 'allowed'}")


if __name__ == "__main__":
    _demo()
