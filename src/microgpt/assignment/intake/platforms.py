"""How platforms, browsers and students name what is handed in: who, which upload, how late.

Names are all that most exports tell. The forms known here:

- Canvas, "Download Submissions": ``doejane_1234_5678_bot.py`` and, if late,
  ``doejane_LATE_1234_5678_bot-1.py``: the person's number, then one that grows with every upload.
- Moodle, "Download all submissions": ``Jane Doe_1234_assignsubmission_file_bot.py``, or a folder
  ``Jane Doe_1234_assignsubmission_file``; the number is that of "Participant 1234".
- Gradescope, "Export Submissions": folders ``submission_5678`` beside ``submission_metadata.yml``.
- GitHub Classroom, ``gh classroom clone student-repos``: folders ``assignment-username`` in a
  folder ``assignment-submissions``.
- Browsers and file managers: ``bot (1).py``, ``bot-1.py``, ``bot - Copy.py``.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from microgpt.assignment.intake.archive import Refused, hidden, read_file
from microgpt.errors import FileError

METADATA = "submission_metadata.yml"
"""The file in which Gradescope says whose each folder is."""

READABLE = (".py", ".json", ".md", ".zip")
"""Suffixes of what a submission may be made of, folders aside."""

_LONGEST = 300  # characters of a name that is looked into: archives can hold far longer ones
_EXTENSION = r"\.[A-Za-z0-9]{1,10}"
_CANVAS = re.compile(
    r"(?P<who>.+?)_(?P<late>LATE_)?(?P<user>\d+)(?:_(?P<upload>\d+))?(?:_\d+)*"
    rf"_(?P<file>[^/]+{_EXTENSION})",
    re.S,
)
_MOODLE = re.compile(
    r"(?P<who>.+?)_(?P<user>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.S
)
_NUMBERED = re.compile(
    r"(.*?)(?: ?- ?copy| copy)?(?:[ _-]?\((\d{1,4})\)|[ _-]?(\d{1,4}))?", re.I | re.S
)
_BROWSERS = re.compile(r"(.+?) \(\d{1,3}\)", re.S)

# What lies in a folder of submissions and is none: by name, without what follows the first dot.
_NO_SUBMISSION = (
    "readme", "submission_metadata", "index", "model", "policy", "test_bot", "timestamp",
)  # fmt: skip

_ASK = "ask for bot.py itself"
_UNPACK = "unpack it into a folder of the student's name, or ask for bot.py or a zip"
_KINDS = {
    "tar tgz tbz tbz2 txz gz bz2 xz zst": ("a tar or gzip archive", _UNPACK),
    "7z": ("a 7-Zip archive", _UNPACK),
    "rar": ("a RAR archive", _UNPACK),
    "ipynb": ("a notebook", "save its code as bot.py, or ask for bot.py"),
    "txt text": ("a text file", "rename it to bot.py if it is the program, or ask for bot.py"),
    "doc docx odt rtf pages": ("a word-processor document", _ASK),
    "pdf": ("a PDF", _ASK),
    "htm html": ("a web page, such as a text typed into the platform", _ASK),
    "png jpg jpeg gif heic webp bmp": ("a picture", _ASK),
    "pyc pyo": ("compiled Python", _ASK),
    "csv xls xlsx": ("a spreadsheet", _ASK),
    "exe dll so bin": ("a compiled program", _ASK),
    "url webloc lnk": ("a link to another place", _ASK),
}
_WHAT = {suffix: what for suffixes, what in _KINDS.items() for suffix in suffixes.split()}
_ARCHIVES = ("tar", "tgz", "tbz", "tbz2", "txz", "gz", "bz2", "xz", "zst", "7z", "rar")
_BEGINNINGS = (
    (b"PK\x03\x04", "a zip, or a document made of one"),
    (b"%PDF", "a PDF"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"{\\rtf", "a word-processor document"),
    (b"\xd0\xcf\x11\xe0", "a word-processor document"),
)


@dataclass(frozen=True)
class Exported:
    """What the name of an exported file says.

    ``who``: the person's name and number as they stand there, without a mark for being late, so
    that it is the same for each upload. ``file``: the student's own name for the file, empty for a
    folder. ``user``: the platform and the person's number on it. ``upload``: a number that grows
    with every upload, 0 if there is none.
    """

    who: str
    file: str
    user: str
    upload: int = 0
    late: bool = False


def exported(name: str) -> Exported | None:
    """Read the name of a file or folder from Canvas or Moodle; None for any other."""
    if len(name) > _LONGEST:
        return None
    if match := _MOODLE.fullmatch(name):
        who, user = match["who"], match["user"]
        return Exported(f"{who}_{user}", match["file"], f"Moodle {int(user)}")
    if match := _CANVAS.fullmatch(name):
        who, user = match["who"], match["user"]
        upload = int(match["upload"] or 0)
        late = match["late"] is not None
        return Exported(f"{who}_{user}", match["file"], f"Canvas {int(user)}", upload, late)
    return None


def own_name(name: str) -> str:
    """The student's own name for a file: without what a platform put before it."""
    known = exported(name)
    return known.file if known is not None and known.file else name


def person(stem: str) -> str:
    """A name without the `` (1)`` that browsers add to a second download."""
    match = _BROWSERS.fullmatch(stem)
    return match[1] if match else stem


def stem_of(name: str) -> str:
    """A file's name without its suffix, or without both as in ``.tar.gz`` and ``.py.txt``."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem or not re.fullmatch(r"[A-Za-z0-9]{1,10}", suffix):
        return name
    before, dot, inner = stem.rpartition(".")
    return before if dot and before and inner.lower() in ("tar", "py") else stem


def clean(name: str) -> str:
    """A name as text that has a UTF-8, composed, so that one name is the same from every system."""
    whole = re.sub("[\ud800-\udfff]", "\ufffd", name)
    return unicodedata.normalize("NFC", whole) or "unnamed"


def no_submission(name: str) -> bool:
    """Whether a file in a folder for all is known to be none: a README, what systems leave there.

    A program is one whatever its name, but for the kit's test_bot.py.
    """
    stem = name.casefold().partition(".")[0]
    if hidden(name) or name.casefold() == METADATA:
        return True
    if name.casefold().endswith((".py", ".zip")) and stem != "test_bot":
        return False
    return stem in _NO_SUBMISSION


# ---------------------------------------------------------------- what can't be read


def why_unreadable(name: str) -> str:
    """What a file of this name is, and what to do next: the end of a sentence that begins with it.

    For names without one of the suffixes of ``READABLE``.
    """
    what, remedy = _WHAT.get(name.rpartition(".")[2].casefold(), ("", _ASK))
    if not what:
        return f"can't be read: it is neither a Python file nor a zip nor a folder; {remedy}"
    return f"can't be read: it is {what}; {remedy}"


def may_be_program(name: str) -> bool:
    """Whether a file that can't be read may hold what should be in bot.py."""
    last = name.rpartition(".")[2].casefold()
    stem = numbered(stem_of(name))[0].casefold()
    return last in _ARCHIVES or last == "ipynb" or (stem == "bot" and not _is_readable(name))


def _is_readable(name: str) -> bool:
    return name.casefold().endswith(READABLE)


def disguised(data: bytes) -> str:
    """What a bot.py is by its content, if that is no program at all; else an empty string."""
    for beginning, what in _BEGINNINGS:
        if data.startswith(beginning):
            return what
    start = data[:2000].lstrip()
    if start.startswith(b"{") and b'"cells"' in data and b'"nbformat"' in data:
        return "a notebook"
    return ""


# ---------------------------------------------------------------- which is the newest


@dataclass(frozen=True)
class Mark:
    """What is known about the age of one of several: its name, upload number and time."""

    name: str
    upload: int = 0
    time: float = 0.0


def numbered(stem: str) -> tuple[str, int]:
    """``("bot", 2)`` for ``bot-2``, ``bot (2)`` and ``bot2``; 0 without a number."""
    match = _NUMBERED.fullmatch(stem) if len(stem) <= _LONGEST else None
    if match is None:
        return stem, 0
    return match[1] or stem, int(match[2] or match[3] or 0) if match[1] else 0


def newest_first(marks: Sequence[Mark]) -> tuple[list[int], str]:
    """The places of several uploads of one thing, newest first, and how that is known.

    By the platform's number for the upload where all have one; else by the number in their names,
    where these differ in nothing else; else by time, which is what a disk or an archive claims;
    else by name, so that the answer is at least always the same.
    """
    places = range(len(marks))
    split = [numbered(stem_of(own_name(mark.name)).casefold()) for mark in marks]
    uploads = [mark.upload for mark in marks]
    numbers = [number for _, number in split]
    times = [mark.time for mark in marks]

    def order(keys: Sequence[float]) -> list[int]:
        return sorted(places, key=lambda i: (keys[i], marks[i].name), reverse=True)

    if all(uploads) and len(set(uploads)) == len(uploads):
        return order(uploads), "by the number that the platform gave it"
    if len({stem for stem, _ in split}) == 1 and numbers.count(max(numbers, default=0)) == 1:
        return order(numbers), "by the number in its name"
    if times.count(max(times, default=0.0)) == 1:
        return order(times), "by its date"
    return order([0.0] * len(marks)), "by its name alone, for nothing else tells them apart"


# ---------------------------------------------------------------- Gradescope and Classroom


@dataclass
class Handed:
    """What Gradescope says about one folder. ``people``: sid, email and name of each submitter."""

    people: list[dict[str, str]] = field(default_factory=list)
    late: str = ""


def gradescope(folder: Path) -> dict[str, Handed]:
    """Folder's name to what ``submission_metadata.yml`` says about it; empty without that file.

    Raises ``FileError`` for one that is there and can't be read: nobody would be who they are.
    Only plain lines are read: a folder's name at the margin; under it the submitters with
    ``:name:``, ``:sid:`` and ``:email:``; and ``:lateness:`` or ``:late:`` of the folder itself.
    """
    path = folder / METADATA
    try:
        text = read_file(path, 2**24).decode("utf-8", "replace")
    except Refused as refused:
        if not os.path.lexists(path):
            return {}
        raise FileError(
            f"{path} {refused}, and it says whose each folder is.",
            "Download the export again. Without that file the folders' names are taken.",
        ) from None
    known: dict[str, Handed] = {}
    here: Handed | None = None
    section = ""
    for line in text.splitlines():
        if match := re.fullmatch(r"['\"]?(submission_\d+)['\"]?:\s*", line):
            here = known.setdefault(match[1], Handed())
            section = ""
        elif here is None:
            continue
        elif match := re.fullmatch(r"  ?:?(\w+):\s*(.*)", line):
            section = match[1]
            if section in ("lateness", "late") and not here.late:
                here.late = _lateness(_scalar(match[2]))
        elif section == "submitters" and (
            match := re.fullmatch(r" *(- +)?:?(name|sid|email):\s*(.*)", line)
        ):
            if match[1] or not here.people:
                here.people.append({})
            if value := _scalar(match[3]):
                here.people[-1].setdefault(match[2], value)
    return known


def _scalar(text: str) -> str:
    """A plain or quoted value of one line; empty for none, and for what is too long for a name."""
    text = text.strip() if len(text) <= _LONGEST else ""
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'").strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        inner = re.sub(
            r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))",
            lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else m[3],
            text[1:-1],
        )
        return inner.strip()
    return "" if text in ("null", "~") else text


def _lateness(value: str) -> str:
    """How late, as H:MM:SS where seconds are given; "yes" if only that; empty if on time."""
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        seconds = int(float(value))
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds else ""
    if value.casefold() in ("", "false", "no") or not re.search(r"[1-9a-zA-Z]", value):
        return ""
    return value[:40] if re.search(r"\d", value) else "yes"


def classroom_prefix(folder: Path, names: Sequence[str]) -> str:
    """What stands before the username in the names of GitHub Classroom's folders; else empty.

    Known where the folder is called as the command calls it, ``<assignment>-submissions``.
    """
    assignment = folder.resolve().name.removesuffix("-submissions")
    if assignment == folder.resolve().name or not assignment:
        return ""
    begins = f"{assignment}-".casefold()
    own = [name for name in names if name.casefold().startswith(begins)]
    return f"{assignment}-" if own else ""


def _demo() -> None:
    for name in ("doejane_LATE_1234_5678_bot-2.py", "Jane Doe_77_assignsubmission_file_", "a.py"):
        print(f"{name:<36} {exported(name)}")
    print(newest_first([Mark("bot.py"), Mark("bot (1).py"), Mark("bot-2.py")]))
    print("work.tar.gz", why_unreadable("work.tar.gz"))


if __name__ == "__main__":
    _demo()
