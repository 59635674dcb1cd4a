"""Normalised text, as it is searched: different spellings of a word are made the same first.

A policy's words and the texts that are searched pass through the same ``Normal``, so that ``APPLE``
and ``a-p-p-l-e`` come out the same as ``apple``.
"""

from __future__ import annotations

import functools
import importlib
import re
import unicodedata
from collections.abc import Iterator
from types import ModuleType

from microgpt.calling import python
from microgpt.errors import MissingError

GRADER_EXTRA = ("-m", "pip", "install", "microgpt[grader]")
"""Arguments for Python that install what long lists and look-alike letters need."""

_RUN = re.compile(r"[^\W_]+")  # letters and digits without a gap


def runs(text: str, shortest: int = 1) -> Iterator[tuple[str, int]]:
    """The words of a text (``shortest`` characters or more) and where they start.

    A word here is a run of letters and digits without a gap.
    """
    pattern = _RUN if shortest == 1 else re.compile(rf"[^\W_]{{{shortest},}}")
    return ((found.group(), found.start()) for found in pattern.finditer(text))


def last_run(text: str) -> str:
    """The last of the words of a text; empty if there is none."""
    found = _RUN.findall(text)
    return found[-1] if found else ""


def optional(module: str, what: str) -> ModuleType:
    """A library of the extra ``grader``; ``MissingError`` if it isn't installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingError(
            f"{what}, and {module.split('.')[0]} isn't installed.",
            f"Install it: {python(*GRADER_EXTRA)}",
        ) from None


class Normal:
    """How text is normalised for one policy.

    ``case``: capitals count as lower case. ``punctuation``: whatever is neither a letter nor (with
    ``digits``) a digit is dropped. ``confusables``: accents are dropped too, and letters and digits
    of any script count as the Latin letter that they look like. Raises ``MissingError`` if that
    needs an extra that isn't installed.
    """

    def __init__(
        self,
        *,
        case: bool = True,
        punctuation: bool = True,
        confusables: bool = False,
        digits: bool = False,
    ) -> None:
        self.case = case
        self.punctuation = punctuation
        self.digits = digits
        self.latin = _look_alikes() if confusables else None
        self._gapless = _Kept(digits, spaces=False)
        self._parted = _Kept(digits, spaces=True)

    def fold(self, text: str) -> str:
        """The text without differences of case, accents and look-alikes; gaps stay."""
        if self.latin is not None:
            text = unicodedata.normalize("NFKD", text).casefold().translate(self.latin)
        return text.casefold() if self.case else text

    def squeeze(self, text: str) -> str:
        """The letters of a text (and its digits, if words have some) without anything between."""
        return text if text.isalpha() else text.translate(self._gapless)

    def word(self, word: str) -> str:
        """One of the policy's words as ``views`` would show it; empty if nothing is left."""
        folded = self.fold(word)
        return self.squeeze(folded) if self.punctuation else folded

    def views(self, text: str, match: str) -> tuple[str, ...]:
        """The text as it is searched, in one view or two.

        To find words anywhere, one view: all letters together. For whole words and their
        beginnings, white space always separates words; punctuation separates them in one view and
        is dropped in the other.
        """
        folded = self.fold(text)
        if not self.punctuation or folded.isalpha():
            return (folded,)
        if match == "substring":
            return (self.squeeze(folded),)
        parted = folded.translate(self._parted)
        return (folded,) if parted == folded else (folded, parted)


class _Kept(dict[int, str]):
    """For ``str.translate``: keeps letters, and digits or white space if wanted; drops the rest.

    Filled in as characters come up.
    """

    def __init__(self, digits: bool, spaces: bool) -> None:
        super().__init__()
        self.digits, self.spaces = digits, spaces

    def __missing__(self, point: int) -> str:
        char = chr(point)
        kept = (
            char.isalpha() or (self.digits and char.isalnum()) or (self.spaces and char.isspace())
        )
        self[point] = char if kept else ""
        return self[point]


class _LookAlikes(dict[int, str]):
    """For ``str.translate``: code points of lower-case letters → the Latin letters they look like.

    Combining marks and invisible characters are dropped. Filled in as characters come up.
    """

    def __init__(self, twins: dict[str, list[dict[str, str]]]) -> None:
        super().__init__()
        self.twins = twins

    def __missing__(self, point: int) -> str:
        char = chr(point)
        self[point] = char
        if unicodedata.category(char) in ("Mn", "Cf"):
            self[point] = ""
        elif not char.isascii() or char.isdigit():
            letters = (twin["c"].casefold() for twin in self.twins.get(char, ()))
            self[point] = next((t for t in letters if t.isascii() and t.isalpha()), char)
        return self[point]


@functools.cache
def _look_alikes() -> _LookAlikes:
    what = "The policy sees through look-alike letters"
    return _LookAlikes(optional("confusable_homoglyphs.confusables", what).confusables_data)


def _demo() -> None:
    normal = Normal()
    for text in ("APPLE", "a-p-p-l-e", "Ap ple 2"):
        print(f"{text!r} -> {normal.views(text, 'substring')}, words {normal.views(text, 'word')}")


if __name__ == "__main__":
    _demo()
