"""Text from students made safe to print: on a terminal, in HTML, in XML and in a CSV cell.

Everything that a report shows goes through ``plain`` first. It takes out whatever isn't a visible
character, so that what a reader sees is what is there: no terminal escapes, no right-to-left
overrides, no characters that XML can't hold. The formats then escape what means something to them.
"""

from __future__ import annotations

import hashlib
import html as _html
import re
import unicodedata
from collections.abc import Sequence

NAME = 100
"""Most characters of a name, a check or a category."""
LINE = 500
"""Most characters of a sentence."""

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # titles
    r"|\x1b[ -/]*[0-~]?"
)
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"  # the last four are what Excel reads as the first
_MOST_MARKS = 3  # combining marks on one character
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)


def plain(text: str, most: int = LINE) -> str:
    """``text`` on one line, at most ``most`` characters, visible ones only; cut with ``…``."""
    text = _ESCAPES.sub("", text[: 8 * most + 1000])
    kept: list[str] = []
    marks = 0
    for char in text:
        kind = unicodedata.category(char)
        if kind[0] == "Z" or char in "\t\n\r\v\f\x85":
            char, marks = " ", 0
        elif kind[0] == "C":
            continue
        elif kind[0] == "M":
            marks += 1
            if marks > _MOST_MARKS:
                continue
        else:
            marks = 0
        if char == " " and (not kept or kept[-1] == " "):
            continue
        kept.append(char)
    line = "".join(kept).rstrip(" ")
    return line if len(line) <= most else line[: most - 1].rstrip(" ") + "…"


def name(text: str) -> str:
    """A name of a student or a file; never empty."""
    return plain(text, NAME) or "(no name)"


def html(text: str, most: int = LINE) -> str:
    """For HTML, in an element or in a quoted attribute."""
    return _html.escape(plain(text, most), quote=True)


def cell(text: str, most: int = LINE) -> str:
    """For a CSV cell: an apostrophe before what a spreadsheet would take for a formula."""
    line = plain(text, most)
    return f"'{line}" if line[:1] and line[0] in _FORMULA else line


def markdown(text: str, most: int = LINE) -> str:
    """For a place that may read Markdown or HTML: its signs are escaped."""
    return re.sub(r"([\\`*_\[\]#|~<>&])", r"\\\1", plain(text, most))


def width(text: str) -> int:
    """Columns on a terminal."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    flat = sum(unicodedata.category(char) in ("Mn", "Me") for char in text)
    return len(text) + wide - flat


def pad(text: str, columns: int) -> str:
    """``text`` filled up or cut to a number of columns on a terminal."""
    if width(text) > columns:
        while text and width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (columns - width(text))


def wrap(line: str, columns: int) -> list[str]:
    """``line`` cut at spaces into lines of at most ``columns`` (2 or more); long words are cut."""
    lines = [""]
    for word in line.split(" "):
        if lines[-1] and width(lines[-1]) + 1 + width(word) <= columns:
            lines[-1] += f" {word}"
            continue
        lines.append("")
        for char in word:
            if width(lines[-1]) + width(char) > columns:
                lines.append("")
            lines[-1] += char
    return [each for each in lines if each] or [""]


def file_names(texts: Sequence[str]) -> list[str]:
    """A file's name for each text, all different on every system, without a suffix.

    What isn't a letter a-z, a digit, ``.``, ``_`` or ``-`` is replaced, and then eight hex digits
    of the text's SHA-256 follow, so that a name doesn't depend on who else is in the list. Only
    texts that occur more than once are numbered.
    """
    taken: set[str] = set()
    result = []
    for text in texts:
        stem = unicodedata.normalize("NFKD", text[:1000]).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem)[:60].strip("-.") or "student"
        if stem != text or _RESERVED.fullmatch(stem):
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            stem = f"{stem.replace('.', '-')}-{digest[:8]}"
        unique, number = stem, 1
        while unique.casefold() in taken:
            number += 1
            unique = f"{stem}-{number}"
        taken.add(unique.casefold())
        result.append(unique)
    return result


def _demo() -> None:
    for text in ("Zoë <b>", "=1+1", "\x1b[31mred\x1b[0m", "abc\u202edef", "a\nb\0", "x" * 600):
        print(f"{plain(text, 40)!r:<44} {cell(text, 12)!r:<16} {file_names([text])[0]}")


if __name__ == "__main__":
    _demo()
