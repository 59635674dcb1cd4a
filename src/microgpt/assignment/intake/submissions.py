"""Submissions as they come: a bot.py, a folder, a zip, or what can't be read.

What is wrong with one becomes a line of its ``problems``; the others are graded all the same. Only
a path that the teacher gave and that isn't there is an error. Where somebody handed in several
times, the newest that holds a program is read, and ``notes`` say which that was.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from microgpt.assignment.intake import imports, platforms
from microgpt.assignment.intake.archive import (
    MOST_BYTES,
    Entry,
    Refused,
    folder_entries,
    read_file,
    zip_entries,
)
from microgpt.assignment.intake.listing import (
    BOT,
    Found,
    find_submissions,
    must_be_there,
    of_path,
    recognise,
)
from microgpt.assignment.intake.source import Source
from microgpt.assignment.intake.students import Student, identify, missing, roster
from microgpt.data import bundled
from microgpt.errors import CheckpointError
from microgpt.files import parse_json

__all__ = [
    "Found",
    "Student",
    "Submission",
    "find_submissions",
    "identify",
    "missing",
    "read_program",
    "read_submission",
    "recognise",
    "roster",
]

_EMPTY = "there is no bot.py: nothing was handed in"
LIMITS = {"bot.py": 2**20, "model.json": 64 * 2**20, "policy.md": 2**20}
"""The files of a submission, and how many bytes each may have."""

_COMPARED = 4 * 2**20  # a model.json above this isn't parsed: the shipped one has 0.1 MB
_MOST_UPLOADS = 12  # of one person that are opened
_LISTED = 3  # names in a line
_NAMES = {
    "bot.py": BOT,
    "model.json": re.compile(BOT.pattern.replace("bot", "model", 1)[:-2] + "json", re.I),
    "policy.md": re.compile(BOT.pattern.replace("bot", "policy", 1)[:-2] + "md", re.I),
}


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    ``student``: who, as the file's or the folder's name says, or the roster's id. ``name``: of the
    file or folder that is graded. ``bot``: the bytes of bot.py, None if there is none that can be
    read: then there is nothing to grade, but no score either, unless it is ``empty`` because
    nothing was handed in at all. ``model``: the model.json that came along, None if none did; the
    grader never uses it. ``policy``: a policy.md. ``problems``: what is wrong with it, and
    ``notes``: what a person has to confirm, one sentence each, with names of the student's choice
    in them. ``late``: how late, as far as the platform says so; empty for on time or unknown.
    ``source``: ``bot`` for those that look into it; it follows from ``bot``.
    """

    student: str
    name: str
    bot: bytes | None = None
    model: bytes | None = None
    policy: bytes | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    late: str = ""
    empty: bool = False
    source: Source | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep the source that a copy is given along with the same bytes: it may be parsed."""
        if (None if self.source is None else self.source.data) != self.bot:
            source = None if self.bot is None else Source(self.bot)
            object.__setattr__(self, "source", source)


# ---------------------------------------------------------------- one submission


def read_submission(where: Path | Found, model: bytes | None = None) -> Submission:
    """Read one submission: a bot.py, a folder, a zip, or what ``find_submissions`` found.

    ``model``: the model.json to compare with, None is the shipped one. Raises ``FileError`` if
    there is nothing at a path that was given.
    """
    return looked_into(read_program(where), model)


def looked_into(read: Submission, model: bytes | None = None) -> Submission:
    """What ``read_program`` gave, with what is wrong in its model.json and bot.py."""
    problems = list(read.problems)
    if read.model is not None:
        problems += map(_sentence, _model_problem(read.model, model))
    if read.source is not None:
        problems += map(_sentence, _import_problem(read.source))
    return replace(read, problems=tuple(problems))


def read_program(where: Path | Found) -> Submission:
    """The same without a look at what is in model.json and bot.py."""
    if isinstance(where, Found):
        found = where
    else:
        must_be_there(where)
        found = of_path(where)
    problems, notes = list(found.problems), list(found.notes)
    uploads, odd = _uploads(found, problems)
    chosen, program = _newest_program(uploads, odd, problems, notes)
    files: dict[str, bytes | None] = dict.fromkeys(LIMITS)
    if program is not None:
        files = _read_files(program, problems)
        own = {path.name for path in found.paths if platforms.exported(path.name) is None}
        lost = [n for n in odd if n in own or platforms.may_be_program(platforms.own_name(n))]
        if lost:
            notes.append(f"{_some(lost)} can't be read; {program.bot.shown[:200]} is graded")
    named = program.bot.export if program is not None and program.bot.export else ""
    first = chosen.name if chosen is not None else "".join(p.name for p in found.paths[:1])
    return Submission(
        found.student,
        platforms.clean(named or first),
        files["bot.py"],
        files["model.json"],
        files["policy.md"],
        tuple(map(_sentence, problems)),
        tuple(map(_sentence, notes)),
        _late(found, chosen, named),
        empty=problems == [_EMPTY],
    )


@dataclass(frozen=True)
class _Upload:
    """One folder, one zip, or the loose files of one person together; ``open`` may refuse."""

    name: str
    mark: platforms.Mark
    open: Callable[[list[str]], list[Entry]]
    loose: bool = False


@dataclass(frozen=True)
class _Program:
    """A bot.py with what lies beside it, and how many there were to choose from."""

    bot: Entry
    beside: tuple[Entry, ...]
    among: tuple[Entry, ...]
    how: str


def _uploads(found: Found, problems: list[str]) -> tuple[list[_Upload], list[str]]:
    """What there is to open, and the names of files that can't be read."""
    names = [path.name for path in found.paths]
    uploads: list[_Upload] = []
    loose: list[Entry] = []
    odd: list[str] = []
    for path in found.paths:
        if path.is_symlink() and not found.given:
            problems.append(f"{path.name} is a link, which is not followed")
        elif path.is_dir() or path.suffix.casefold() == ".zip":
            once = names.count(path.name) == 1
            name = path.name if once else f"{path.resolve().parent.name}/{path.name}"
            uploads.append(_Upload(name, _mark_of(path), _opener(path, found.given)))
        elif path.suffix.casefold() in platforms.READABLE:
            parts = (platforms.own_name(path.name),)
            read = _file_reader(path, found.given)
            loose.append(Entry(parts, read, _time(path), path.name))
        else:
            odd.append(path.name)
    if loose:
        marks = [_mark(entry) for entry in loose]
        at = platforms.newest_first(marks)[0][0]
        newest = replace(marks[at], time=max(mark.time for mark in marks))
        uploads.append(_Upload(loose[at].export, newest, lambda _: loose, loose=True))
    return uploads, odd


def _opener(path: Path, follow: bool) -> Callable[[list[str]], list[Entry]]:
    if path.is_dir():
        return lambda problems: folder_entries(path, problems)
    return lambda problems: zip_entries(read_file(path, MOST_BYTES, follow=follow), problems)


def _file_reader(path: Path, follow: bool) -> Callable[[int], bytes]:
    return lambda limit: read_file(path, limit, follow=follow)


def _time(path: Path) -> float:
    """When a file was changed; for a folder the newest of what lies in it."""
    try:
        inside = [item.lstat().st_mtime for item in path.iterdir()] if path.is_dir() else []
        return max(inside) if inside else path.stat().st_mtime
    except OSError:
        return 0.0


def _mark_of(path: Path) -> platforms.Mark:
    known = platforms.exported(path.name)
    number = re.fullmatch(r"submission_(\d+)", path.name)
    upload = int(number[1]) if number else known.upload if known else 0
    return platforms.Mark(path.name, upload, _time(path))


def _mark(entry: Entry) -> platforms.Mark:
    known = platforms.exported(entry.export) if entry.export else None
    return platforms.Mark(entry.name, known.upload if known else 0, entry.time)


def _late(found: Found, chosen: _Upload | None, named: str) -> str:
    names = [path.name for path in found.paths]
    name = named or (chosen.name if chosen else "".join(names[:1]))
    if name in names and found.late and found.late[names.index(name)]:
        return found.late[names.index(name)]
    known = platforms.exported(name)
    return "yes" if known is not None and known.late else ""


# ---------------------------------------------------------------- which program


def _newest_program(
    uploads: Sequence[_Upload], odd: list[str], problems: list[str], notes: list[str]
) -> tuple[_Upload | None, _Program | None]:
    """The newest upload that has a program, and the program; with a note if there were several.

    ``odd`` grows by the names of files in the uploads that can't be read.
    """
    order, how = platforms.newest_first([upload.mark for upload in uploads])
    newest: tuple[_Upload, _Program] | None = None
    count: list[str] = []
    failed: list[str] = []
    for place in order[:_MOST_UPLOADS]:
        upload = uploads[place]
        said = problems if newest is None else []
        unread: list[str] = odd if newest is None else []
        program = _program_of(upload, said, notes if newest is None else [], unread)
        if program is not None:
            count += [e.export or e.shown for e in program.among] if upload.loose else [upload.name]
            newest = newest or (upload, program)
        elif newest is None:
            failed.append(upload.name)
    if newest is None:
        _say_why_none(uploads, odd, problems)
        return None, None
    upload, program = newest
    name = program.bot.export or program.bot.shown
    if len(count) > 1:
        taken, how = (name, how) if upload.loose else (upload.name, how)
        if upload.loose and len(count) == len(program.among):
            how = program.how
        notes.append(_chosen(count, taken, how))
    elif failed and problems:
        older = name if upload.loose else upload.name
        notes.append(f"{_some(failed)} can't be graded; {older[:100]}, which is older, is")
    if not upload.loose and len(program.among) > 1:
        notes.append(_chosen([entry.shown for entry in program.among], name, program.how))
    return newest


def _chosen(names: Sequence[str], taken: str, how: str) -> str:
    return (
        f"there are {len(names)} submissions of this student ({_some(names)}): {taken[:100]} is "
        f"graded, the newest {how}"
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(name[:60] for name in names[:_LISTED]) + more


def _program_of(
    upload: _Upload, problems: list[str], notes: list[str], odd: list[str]
) -> _Program | None:
    try:
        entries = upload.open(problems)
    except Refused as error:
        why = str(error) if str(error).startswith("can't ") else f"can't be read: it {error}"
        problems.append(f"{upload.name} {why}; ask for bot.py or an ordinary zip")
        return None
    entries = _with_inner_zips(entries, problems, notes)
    odd += [e.shown for e in entries if not e.name.casefold().endswith(platforms.READABLE)]
    return _program_in(entries, problems, alone=upload.loose)


def _python(entries: Sequence[Entry]) -> list[Entry]:
    """The Python files, without the kit's own tests."""
    return [
        entry
        for entry in entries
        if entry.name.casefold().endswith(".py")
        and platforms.numbered(platforms.stem_of(entry.name).casefold())[0] != "test_bot"
    ]


def _with_inner_zips(entries: list[Entry], problems: list[str], notes: list[str]) -> list[Entry]:
    """Look into the zips of a folder or zip that has no Python file, newest first; no deeper."""
    zips = [entry for entry in entries if entry.name.casefold().endswith(".zip")]
    if not zips or _python(entries):
        return entries
    order, how = platforms.newest_first([_mark(entry) for entry in zips])
    for place in order[:_MOST_UPLOADS]:
        try:
            inside = zip_entries(zips[place].read(MOST_BYTES), problems)
        except Refused as error:
            problems.append(f"{zips[place].shown} {error}")
            continue
        if _python(inside):
            if len(zips) > 1:
                notes.append(_chosen([e.shown for e in zips], zips[place].shown, how))
            return inside
    return entries


def _program_in(entries: list[Entry], problems: list[str], alone: bool) -> _Program | None:
    """The bot.py of the folder nearest to the top that has one, or what stands in for it.

    ``alone``: loose files, where the only Python file is the bot whatever its name.
    """
    bots = [entry for entry in entries if BOT.fullmatch(entry.name)]
    if not bots:
        bots = _stand_in(entries, problems, alone)
    nearest = [bot for bot in bots if len(bot.parts) == len(bots[0].parts)]
    folders = sorted({bot.parts[:-1] for bot in nearest})
    if len(folders) > 1:
        marks = [platforms.Mark("/".join(folder)) for folder in folders]
        order, how = platforms.newest_first(marks)
        if "number" not in how:
            places = ", ".join(mark.name[:60] for mark in marks[:_LISTED])
            problems.append(
                f"there is a bot.py in {len(folders)} folders ({places}): ask which one counts"
            )
            return None
        home = folders[order[0]]
        bot = next(bot for bot in nearest if bot.parts[:-1] == home)
        among = tuple(nearest)
    elif nearest:
        home = folders[0]
        order, how = platforms.newest_first([_mark(bot) for bot in nearest])
        bot, among = nearest[order[0]], tuple(nearest[place] for place in sorted(order))
    else:
        return None
    return _Program(bot, tuple(e for e in entries if e.parts[:-1] == home), among, how)


def _stand_in(entries: list[Entry], problems: list[str], alone: bool) -> list[Entry]:
    """The only Python file, or the only one in several versions, where none is called bot.py."""
    python = _python(entries)
    stems = {platforms.numbered(platforms.stem_of(entry.name).casefold())[0] for entry in python}
    if len(stems) != 1 or len({entry.parts[:-1] for entry in python}) != 1:
        return []
    if not alone:
        marks = [_mark(entry) for entry in python]
        taken = python[platforms.newest_first(marks)[0][0]].shown[:200]
        problems.append(f"there is no bot.py; {taken}, the only Python file, is graded")
    return python


def _say_why_none(uploads: Sequence[_Upload], odd: Sequence[str], problems: list[str]) -> None:
    """Why no program was found, where no problem says so yet."""
    told, python, people = bool(problems), [], set()
    anything = bool(odd)
    for upload in uploads[:_MOST_UPLOADS] if not told else ():
        entries = upload.open([])
        python += [entry.shown for entry in _python(entries)]
        known = [platforms.exported(entry.name) for entry in entries]
        people |= {one.user for one in known if one is not None}
        anything = anything or bool(entries)
    for name in odd[: 2 * _LISTED]:
        known_as = platforms.own_name(name.rpartition("/")[2])
        if not platforms.no_submission(known_as) and not (python or len(people) > 1):
            problems.append(f"{name[:200]} {platforms.why_unreadable(name)}")
    if problems:
        return
    if len(people) > 1:
        problems.append(
            f"it holds files of {len(people)} people, an export of a class: unpack it, and name "
            "the folder that comes out"
        )
    elif python:
        problems.append(f"there is no bot.py; it has {_some(python)}")
    elif anything:
        problems.append("there is no bot.py")
    else:
        problems.append(_EMPTY)


def _read_files(program: _Program, problems: list[str]) -> dict[str, bytes | None]:
    """The bytes of each of ``LIMITS``."""
    files: dict[str, bytes | None] = dict.fromkeys(LIMITS)
    for name, limit in LIMITS.items():
        chosen = program.bot
        if name != "bot.py":
            some = [e for e in program.beside if _NAMES[name].fullmatch(e.name)]
            if not some:
                continue
            chosen = some[platforms.newest_first([_mark(entry) for entry in some])[0][0]]
        try:
            files[name] = chosen.read(limit)
        except Refused as error:
            problems.append(f"{chosen.shown[:200]} {error}")
    bot = files["bot.py"]
    if bot is not None and (what := platforms.disguised(bot)):
        files["bot.py"] = None
        problems.append(
            f"{program.bot.shown[:200]} can't be read: by its content it is {what}; ask for bot.py "
            "itself"
        )
    return files


def _sentence(text: str) -> str:
    text = re.sub("[\ud800-\udfff]", "\ufffd", text if text.endswith(".") else f"{text}.")
    return text[:1].upper() + text[1:] if text.startswith(("there ", "it ", "this ")) else text


# ---------------------------------------------------------------- what is in the files


def _import_problem(source: Source) -> Iterator[str]:
    """One line where bot.py imports what won't be there while it is graded."""
    if source.tree is not None and (names := imports.outside(source.tree)):
        yield (
            f"bot.py imports {_some(names)}, which isn't handed in as part of bot.py: only bot.py "
            "and Python's standard library are there while it is graded; put what it needs into "
            "bot.py"
        )


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


def _demo() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in ("doejane_1234_5678_bot.py", "adam/bot.py", "eve/work.7z"):
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text("print()\n", encoding="utf-8")
        for found in find_submissions(Path(folder)):
            submission = read_submission(found)
            size = "no bot.py" if submission.bot is None else f"{len(submission.bot)} bytes"
            print(f"{submission.student:<14} {size:<10} {' '.join(submission.problems)}")


if __name__ == "__main__":
    _demo()
