"""A submission's text as Python: its syntax tree, or in words why there is none.

Whoever looks into a submission is handed its ``Source``, so that a text is parsed once however many
look at it.

A file that only a newer Python reads is no mistake of its author. What the line that can't be read
looks like tells it apart from a slip, as far as a look can tell: so it "may need" a newer one.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from dataclasses import dataclass
from functools import cached_property

from microgpt.assignment.words import syntax_error

HOOKS = ("is_safe_request", "is_safe_name")
PATTERNS = ("BLOCKED_PREFIX_PATTERNS", "BLOCKED_OUTPUT_PATTERNS")
EDITABLE = (*HOOKS, *PATTERNS)
"""The four names that a student writes; helpers of any other name may stand beside them."""

MOST_BYTES = 512 * 1024
"""Of a file that is parsed; the kit's template has 8 KB."""

_QUOTED = r"""(?P<q>'''|\"\"\"|'|\")"""
# From Python → what such a line has, and how it is called. Searched in the line that can't be read.
_NEWER = (
    ((3, 12), re.compile(r"^\s*type\s+\w+\s*(\[[^\]]*\])?\s*="), "a type statement"),
    ((3, 12), re.compile(r"^\s*(async\s+)?(def|class)\s+\w+\s*\[[^\]]*\]"), "type parameters"),
    (
        (3, 12),
        re.compile(r"(?<!\w)([fF][rR]?|[rR][fF])" + _QUOTED + r"[^{}'\"]*\{[^}]*(?P=q)[^}]*\}"),
        "the quotes of an f-string again inside its braces",
    ),
    (
        (3, 14),
        re.compile(r"(?<!\w)([tT][rR]?|[rR][tT])" + _QUOTED + r".*(?P=q)"),
        "a t-string",
    ),
    (
        (3, 14),
        re.compile(r"^\s*except\s+[A-Z][\w.]*(\s*,\s*[A-Z][\w.]*)+\s*:"),
        "except without parentheses",
    ),
)
# The same by what an older Python says of it.
_SAID = (
    (
        (3, 12),
        re.compile(r"f-string expression part cannot include"),
        "a character that older f-strings can't hold",
    ),
)


@dataclass(frozen=True)
class Source:
    """The bytes of a bot.py, and what Python's parser says of them.

    They are parsed when somebody first asks, and never again. A copy that is sent to another
    process takes the bytes along and not the tree, which may be nested too deeply to be sent.
    """

    data: bytes

    @property
    def tree(self) -> ast.Module | None:
        """The syntax tree, which nobody may change; None where there is an ``error``."""
        return self._parsed[0]

    @property
    def error(self) -> str:
        """In words why there is no tree, else empty."""
        return self._parsed[1]

    def newer(self, running: tuple[int, int] | None = None) -> str:
        """In words which newer Python it may need; empty if it has a tree, or none is known.

        ``running``: the Python that grades, this one if None.
        """
        here = running or (sys.version_info.major, sys.version_info.minor)
        _, _, at_line, said = self._parsed
        if not at_line:
            return ""
        lines = self.lines()
        # An f-string's error is told with a line of its own count: look around it as well.
        for at in dict.fromkeys((at_line, at_line - 1, at_line + 1)):
            line = lines[at - 1].decode("utf-8", "replace") if 1 <= at <= len(lines) else ""
            for version, pattern, what in _NEWER:
                if version > here and pattern.search(line[:1000]):
                    return _told(at, what, version, here)
        for version, pattern, what in _SAID:
            if version > here and pattern.search(said):
                return _told(at_line, what, version, here)
        return ""

    def lines(self) -> list[bytes]:
        """The lines as the tree counts them, from 0."""
        return self.data.replace(b"\r\n", b"\n").split(b"\n")

    @cached_property
    def _parsed(self) -> tuple[ast.Module | None, str, int, str]:
        """Tree, error, and of a mistake in the syntax its line and what the parser says of it."""
        if len(self.data) > MOST_BYTES:
            error = f"it has {len(self.data):,} bytes, at most {MOST_BYTES:,} are read"
            return None, error, 0, ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an invalid escape is the student's, not ours
                return ast.parse(self.data.replace(b"\r\n", b"\n")), "", 0, ""
        except SyntaxError as error:
            line = error.lineno or 1
            return None, f"line {line}: {syntax_error(error.msg)}", line, error.msg or ""
        except (ValueError, RecursionError, MemoryError) as error:
            return None, f"it can't be parsed: {type(error).__name__}", 0, ""

    def __reduce__(self) -> tuple[type[Source], tuple[bytes]]:
        return Source, (self.data,)


def _told(line: int, what: str, version: tuple[int, int], here: tuple[int, int]) -> str:
    return (
        f"line {line} ({what}) may need Python {version[0]}.{version[1]}, and the grader runs "
        f"Python {here[0]}.{here[1]}"
    )


def _demo() -> None:
    for text in (b"x = 1", b"type X = int", b"def f[T](x: T): pass", b"print(f'{d['a']}')", b"if"):
        source = Source(text)
        print(f"{text.decode():<24} {source.newer((3, 11)) or source.error or source.tree}")


if __name__ == "__main__":
    _demo()
