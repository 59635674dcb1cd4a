"""Submissions as they come: a bot.py, a folder, a zip, or a folder of hundreds of these.

What is wrong with one becomes a line of its ``problems``; the others are graded all the same. Only
a path that the teacher gave and that isn't there is an error.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from microgpt.assignment.archive import (
    MOST_BYTES,
    Entry,
    Refused,
    folder_entries,
    read_file,
    zip_entries,
)
from microgpt.assignment.students import Student, identify, missing, roster
from microgpt.data import bundled
from microgpt.errors import CheckpointError, FileError
from microgpt.files import parse_json

__all__ = [
    "Found",
    "Student",
    "Submission",
    "find_submissions",
    "identify",
    "missing",
    "read_submission",
    "roster",
]

NOTHING = "nothing was handed in"
LIMITS = {"bot.py": 2**20, "model.json": 64 * 2**20, "policy.md": 2**20}
"""The files of a submission, and how many bytes each may have."""

_COMPARED = 4 * 2**20  # a model.json above this isn't parsed: the shipped one has 0.1 MB
# What browsers and learning platforms do to a name: bot (1).py, bot-2.py, BOT.PY.
_NAMES = {
    name: re.compile(rf"{name.split('.')[0]}[ _-]?(\(?\d{{1,3}}\)?)?\.{name.split('.')[1]}", re.I)
    for name in LIMITS
}
# Canvas: doejane_1234_5678_bot.py, doejane_LATE_1234_5678_bot-1.py; Moodle:
# "Jane Doe_1234_assignsubmission_file_bot.py", or a folder of that name.
_CANVAS = re.compile(
    r"(?P<who>.+?_(?:LATE_)?\d+)(?:_\d+)*_(?P<file>[^/]+\.(?:py|json|md|zip))", re.S
)
_MOODLE = re.compile(r"(?P<who>.+?_\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.S)


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    ``student``: who, as the file's or the folder's name says, or the roster's id. ``bot``: the
    bytes of bot.py, None if there is none that can be read. ``model``: the model.json that came
    along, None if none did; the grader never uses it. ``policy``: a policy.md. ``problems``:
    what is wrong with it, one sentence each, with names of the student's choice in them.
    """

    student: str
    name: str
    bot: bytes | None = None
    model: bytes | None = None
    policy: bytes | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """Where a submission lies: one path, or the files of one student in a folder for all.

    ``student`` as in ``Submission``; ``problems``: what the listing already showed.
    """

    student: str
    paths: tuple[Path, ...]
    problems: tuple[str, ...] = ()
    given: bool = False  # named by the teacher: links are followed


# ---------------------------------------------------------------- one submission


def read_submission(where: Path | Found, model: bytes | None = None) -> Submission:
    """Read one submission: a bot.py, a folder, a zip, or what ``find_submissions`` found.

    ``model``: the model.json to compare with, None is the shipped one. Raises ``FileError`` if
    there is nothing at a path that was given.
    """
    if isinstance(where, Found):
        found = where
    else:
        _must_be_there(where)
        found = Found(_student_of(where), (where,), given=True)
    problems = list(found.problems)
    python = [path.name for path in found.paths if path.suffix.lower() == ".py"]
    entries = []
    for path in found.paths:
        try:
            alone = python == [path.name]
            entries += _entries(path, problems, found.given, alone)
        except Refused as error:
            problems.append(f"{path.name} {error}")
    named = "/".join(path.name for path in found.paths[:1])
    files = _choose(entries, problems)
    if files["model.json"] is not None:
        problems += _model_problem(files["model.json"], model)
    return Submission(
        found.student,
        _whole(named),
        files["bot.py"],
        files["model.json"],
        files["policy.md"],
        tuple(_sentence(problem) for problem in problems),
    )


def _entries(path: Path, problems: list[str], follow: bool, alone: bool) -> list[Entry]:
    """The files at one path; a ``.py`` that came ``alone`` is the bot whatever its name."""
    if path.is_symlink() and not follow:
        raise Refused("is a link, which is not followed")
    if path.is_dir():
        return _with_inner_zip(folder_entries(path, problems), problems)
    if path.suffix.lower() == ".zip":
        inside = zip_entries(read_file(path, MOST_BYTES, follow=follow), problems)
        return _with_inner_zip(inside, problems)
    name = path.name
    for pattern in (_MOODLE, _CANVAS):
        if match := pattern.fullmatch(name):
            name = match["file"] or name
            break
    if path.suffix.lower() not in (".py", ".json", ".md"):
        raise Refused("is neither a Python file nor a zip nor a folder")
    if alone:
        name = "bot.py"
    return [Entry((name,), lambda limit: read_file(path, limit, follow=follow))]


def _with_inner_zip(entries: list[Entry], problems: list[str]) -> list[Entry]:
    """Look into the only zip of a folder or zip that has no Python file; once, no deeper."""
    zips = [entry for entry in entries if entry.name.lower().endswith(".zip")]
    if len(zips) != 1 or any(entry.name.lower().endswith(".py") for entry in entries):
        return entries
    try:
        return zip_entries(zips[0].read(MOST_BYTES), problems)
    except Refused as error:
        problems.append(f"{zips[0].shown} {error}")
        return entries


def _choose(entries: list[Entry], problems: list[str]) -> dict[str, bytes | None]:
    """The bytes of each of ``LIMITS``, from the folder nearest to the top that has a bot.py."""
    bots = [entry for entry in entries if _NAMES["bot.py"].fullmatch(entry.name)]
    if not bots:
        bots = _stand_in(entries, problems)
    files: dict[str, bytes | None] = dict.fromkeys(LIMITS)
    nearest = [bot for bot in bots if len(bot.parts) == len(bots[0].parts)]
    folders = sorted({bot.parts[:-1] for bot in nearest})
    if len(folders) > 1:
        places = ", ".join("/".join(folder)[:60] for folder in folders[:3])
        problems.append(f"there is a bot.py in {len(folders)} folders ({places}): one is graded")
        return files
    home = folders[0] if folders else ()
    beside = [entry for entry in entries if entry.parts[:-1] == home]
    for name, limit in LIMITS.items():
        if name == "bot.py":
            chosen = _newest(nearest)
        else:
            chosen = _newest([e for e in beside if _NAMES[name].fullmatch(e.name)])
        if chosen is not None:
            try:
                files[name] = chosen.read(limit)
            except Refused as error:
                problems.append(f"{chosen.shown[:200]} {error}")
    return files


def _stand_in(entries: list[Entry], problems: list[str]) -> list[Entry]:
    """The only Python file, where none is called bot.py."""
    python = [entry for entry in entries if entry.name.lower().endswith(".py")]
    if len(python) == 1:
        problems.append(
            f"there is no bot.py; {python[0].shown[:200]}, the only Python file, is graded"
        )
        return python
    near = [e.shown for e in entries if e.name.lower().startswith("bot.py")]
    if python or near:
        some = ", ".join(name[:60] for name in [*near, *(e.shown for e in python)][:3])
        problems.append(f"there is no bot.py; it has {some}")
    elif entries:
        problems.append("there is no bot.py")
    elif not problems:
        problems.append(f"there is no bot.py: {NOTHING}")
    return []


def _newest(entries: list[Entry]) -> Entry | None:
    """The one with the highest number, as in bot-2.py: what platforms call a later upload."""

    def number(entry: Entry) -> tuple[int, str]:
        digits = re.findall(r"\d+", entry.name)
        return (int(digits[-1]) if digits else -1, entry.name)

    plain = [entry for entry in entries if entry.name in LIMITS]
    return plain[0] if len(plain) == 1 else max(entries, key=number, default=None)


def _sentence(text: str) -> str:
    text = _whole(text if text.endswith(".") else f"{text}.")
    return text[:1].upper() + text[1:] if text.startswith(("there ", "it ")) else text


# ---------------------------------------------------------------- the model


def _model_problem(given: bytes, wanted: bytes | None) -> Iterator[str]:
    """One line where the model isn't the one that was handed out."""
    if wanted is None:
        wanted = bundled("data/model.json").read_bytes()
    if hashlib.sha256(given).digest() == hashlib.sha256(wanted).digest():
        return
    same = False
    why = ""
    if len(given) <= _COMPARED:
        try:
            same = _numbers(given) == _numbers(wanted)
        except CheckpointError:
            why = " (it isn't readable)"
        except RecursionError:
            why = " (it is nested too deeply)"
    if not same:
        yield f"model.json is not the one that was handed out{why}: the grader uses its own"


def _numbers(data: bytes) -> object:
    """What a model.json says, however it is laid out."""
    content = parse_json(data, "model.json", "")
    if not isinstance(content, dict):
        raise CheckpointError("model.json is not an object.", "")
    return {key: content.get(key) for key in ("format", "config", "tokenizer", "state_dict")}


# ---------------------------------------------------------------- many submissions


def find_submissions(paths: Path | Iterable[Path]) -> list[Found]:
    """The submissions at one path or several, in the order of their names.

    A ``.py``, a ``.zip`` and a folder with a bot.py are one each; in any other folder every
    sub-folder, zip and ``.py`` is one, named as Canvas, Moodle and Gradescope name them when they
    export. Raises ``FileError`` for a path that isn't there.
    """
    found: list[Found] = []
    for path in [paths] if isinstance(paths, Path) else paths:
        _must_be_there(path)
        if path.is_dir() and not _is_one(path):
            found += _class_of(path)
        else:
            found.append(Found(_student_of(path), (path,), given=True))
    return _said_twice(found)


def _must_be_there(path: Path) -> None:
    try:
        there = path.exists()
    except (OSError, ValueError):
        there = False
    if not there:
        raise FileError(
            f"There is no submission at {path}.", "Name a bot.py, a zip, or a folder of them."
        )


def _student_of(path: Path) -> str:
    """Who it is, from a name alone."""
    path = path if path.name not in ("", ".", "..") else path.resolve()
    stem = path.name if path.is_dir() else path.stem
    for pattern in (_MOODLE, _CANVAS):
        if match := pattern.fullmatch(path.name):
            return _clean(match["who"])
    if not path.is_dir() and _NAMES["bot.py"].fullmatch(path.name):
        stem = path.resolve().parent.name
    return _clean(stem)


def _clean(name: str) -> str:
    """The name as text that has a UTF-8; undecodable bytes of a file's name become U+FFFD."""
    return _whole(name) or "unnamed"


def _whole(line: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", line)


def _is_one(folder: Path) -> bool:
    return any(_NAMES["bot.py"].fullmatch(item.name) for item in folder.iterdir())


def _class_of(folder: Path) -> list[Found]:
    gradescope = _gradescope_names(folder)
    groups: dict[str, list[Path]] = {}
    problems: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        student = gradescope.get(path.name) or _student_of(path)
        if path.is_symlink():
            groups.setdefault(student, [])
            problems[student] = [f"{path.name} is a link, which is not followed"]
        elif path.is_dir() or _of_a_student(path):
            groups.setdefault(student, []).append(path)
    return [
        Found(student, tuple(paths), tuple(problems.get(student, ())))
        for student, paths in groups.items()
    ]


def _of_a_student(path: Path) -> bool:
    """Whether a file in a folder for all is (part of) a submission."""
    if path.suffix.lower() in (".py", ".zip"):
        return True
    exported = _CANVAS.fullmatch(path.name) or _MOODLE.fullmatch(path.name)
    return path.suffix.lower() in (".json", ".md") and exported is not None


def _gradescope_names(folder: Path) -> dict[str, str]:
    """Folder to student, from the submission_metadata.yml of a Gradescope export, if it is there.

    Only its plain lines are read: a folder's name at the margin, then ``:sid:`` or ``:email:``.
    """
    try:
        text = read_file(folder / "submission_metadata.yml", 2**24).decode("utf-8", "replace")
    except Refused:
        return {}
    known: dict[str, str] = {}
    here = ""
    for line in text.splitlines():
        if match := re.fullmatch(r"['\"]?(submission_\d+)['\"]?:\s*", line):
            here = match[1]
        elif here and here not in known:
            match = re.fullmatch(r"[ -]+:?(sid|email):\s*['\"]?([^'\"\s]+)['\"]?\s*", line)
            if match and match[2] not in ("null", "~"):
                known[here] = match[2]
    return known


def _said_twice(found: list[Found]) -> list[Found]:
    """The same, with a problem line at each submission whose student has another one."""
    count: dict[str, int] = {}
    for one in found:
        count[one.student] = count.get(one.student, 0) + 1
    return [
        one
        if count[one.student] == 1
        else replace(
            one,
            problems=(*one.problems, f"there are {count[one.student]} submissions of this student"),
        )
        for one in found
    ]


def _demo() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in ("doejane_1234_5678_bot.py", "adam/bot.py", "eve/notes.txt"):
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text("print()\n", encoding="utf-8")
        for found in find_submissions(Path(folder)):
            submission = read_submission(found)
            size = "no bot.py" if submission.bot is None else f"{len(submission.bot)} bytes"
            print(f"{submission.student:<14} {size:<10} {' '.join(submission.problems)}")


if __name__ == "__main__":
    _demo()
