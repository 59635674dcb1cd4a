"""A submission's text as Python: its syntax tree, or in words why there is none.

A file that only a newer Python reads is no mistake of its author. What the line that can't be read
looks like tells it apart from a slip, as far as a look can tell: so it "may need" a newer one.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings

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
    ((3, 12), re.compile(r"f-string expression part cannot include"), "a mark in an f-string"),
)


def parse(source: bytes) -> ast.Module | str:
    """The syntax tree, or in words why there is none."""
    if len(source) > MOST_BYTES:
        return f"it has {len(source):,} bytes, at most {MOST_BYTES:,} are read"
    try:
        return _tree(source)
    except SyntaxError as error:
        return f"line {error.lineno or 1}: {syntax_error(error.msg)}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"it can't be parsed: {type(error).__name__}"


def newer(source: bytes, running: tuple[int, int] | None = None) -> str:
    """In words which newer Python a file that can't be parsed may need; empty if none is known.

    ``running``: the Python that grades, this one if None.
    """
    here = running or (sys.version_info.major, sys.version_info.minor)
    if len(source) > MOST_BYTES:
        return ""
    try:
        _tree(source)
    except SyntaxError as error:
        number = error.lineno or 1
        lines = source.replace(b"\r\n", b"\n").decode("utf-8", "replace").split("\n")
        # An f-string's error is told with a line of its own count: look around it as well.
        for at in dict.fromkeys((number, number - 1, number + 1)):
            line = lines[at - 1] if 1 <= at <= len(lines) else ""
            for version, pattern, what in _NEWER:
                if version > here and pattern.search(line[:1000]):
                    return _told(at, what, version, here)
        for version, pattern, what in _SAID:
            if version > here and pattern.search(error.msg or ""):
                return _told(number, what, version, here)
    except (ValueError, RecursionError, MemoryError):
        pass
    return ""


def _told(line: int, what: str, version: tuple[int, int], here: tuple[int, int]) -> str:
    return (
        f"line {line} ({what}) may need Python {version[0]}.{version[1]}, and it is graded with "
        f"Python {here[0]}.{here[1]}"
    )


def _tree(source: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape is the student's, not ours
        return ast.parse(source.replace(b"\r\n", b"\n"))


def _demo() -> None:
    for text in (b"x = 1", b"type X = int", b"def f[T](x: T): pass", b"print(f'{d['a']}')", b"if"):
        print(f"{text.decode():<24} {newer(text, (3, 11)) or parse(text)}")


if __name__ == "__main__":
    _demo()
