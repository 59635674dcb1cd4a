"""Where the submissions of a class lie, and whose they are, by their names alone.

Whatever lies in a folder for all becomes (part of) a submission, also what can't be read; left out
is only what is known to be none: hidden files, a README, a platform's own lists, and what the
teacher names. Several submissions of one person become one ``Found`` with several paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from microgpt.assignment.intake import platforms
from microgpt.assignment.intake.archive import hidden
from microgpt.assignment.intake.students import ClassList, Student, is_class_list
from microgpt.errors import FileError

BOT = re.compile(r"bot( ?- ?copy| copy)?[ _-]?(\(?\d{1,3}\)?)?\.py", re.I)
"""What browsers, file managers and platforms make of bot.py: bot (1).py, bot-2.py, BOT.PY."""

_LISTED = 3


@dataclass(frozen=True)
class Found:
    """Where the submission of one person lies, or several of them.

    ``student``: who, as the file's or the folder's name says, or the id from the class list.
    ``problems``: what the listing already showed. ``notes``: what a person has to confirm.
    ``given``: named by the teacher, so that links are followed. ``known_as``: other names of the
    person that an export tells. ``user``: the platform's number for the person. ``late``: for
    each path how late it was, empty if it wasn't or if nothing says so. ``maybe``: ids of those in
    the class list who it may be, where that can't be told.
    """

    student: str
    paths: tuple[Path, ...]
    problems: tuple[str, ...] = ()
    given: bool = False
    notes: tuple[str, ...] = ()
    known_as: tuple[str, ...] = ()
    user: str = ""
    late: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()


def find_submissions(
    paths: Path | Iterable[Path], leave_out: Iterable[Path | None] = ()
) -> list[Found]:
    """The submissions at one path or several, in the order of their names.

    A file and a folder with a bot.py are one each; in any other folder every sub-folder and file
    is one, named as Canvas, Moodle, Gradescope and GitHub Classroom name them. ``leave_out``: the
    teacher's own files, such as the class list, wherever they lie. Raises ``FileError`` for a path
    that isn't there.
    """
    aside = {path.resolve() for path in leave_out if path is not None}
    found: list[Found] = []
    for path in [paths] if isinstance(paths, Path) else paths:
        must_be_there(path)
        if path.is_dir() and not _is_one(path):
            found += _class_of(path, aside)
        else:
            found.append(of_path(path))
    return _together(found)


def must_be_there(path: Path) -> None:
    """Raise ``FileError`` if nothing is at a path."""
    try:
        there = path.exists()
    except (OSError, ValueError):
        there = False
    if not there:
        raise FileError(
            f"There is no submission at {path}.", "Name a bot.py, a zip, or a folder of them."
        )


def of_path(path: Path) -> Found:
    """The submission at a path that the teacher named."""
    known = platforms.exported(path.name)
    notes = _others_inside(path) if path.is_dir() else ()
    return Found(
        student_of(path), (path,), given=True, notes=notes, user=known.user if known else ""
    )


def student_of(path: Path) -> str:
    """Who it is, from a name alone."""
    path = path if path.name not in ("", ".", "..") else path.resolve()
    if known := platforms.exported(path.name):
        return platforms.clean(known.who)
    if path.is_dir():
        return platforms.clean(path.name)
    stem = platforms.person(platforms.stem_of(path.name))
    if BOT.fullmatch(f"{stem}.py"):
        stem = path.resolve().parent.name
    return platforms.clean(stem)


def _is_one(folder: Path) -> bool:
    """Whether a folder is one submission: a bot.py lies in it, and no export of a class."""
    names = [item.name for item in folder.iterdir()]
    if not any(BOT.fullmatch(name) for name in names) or platforms.METADATA in names:
        return False
    people = {known.user for name in names if (known := platforms.exported(name))}
    return len(people) < 2


def _others_inside(folder: Path) -> tuple[str, ...]:
    """A line for what lies beside a folder's own bot.py and may be other people's."""
    items = sorted(folder.iterdir())
    if not any(BOT.fullmatch(item.name) for item in items):
        return ()
    others = [item.name for item in items if not item.is_symlink() and _may_be_another(item)]
    if len(others) < 2:
        return ()
    some = ", ".join(name[:60] for name in others[:_LISTED])
    return (
        f"{len(others)} more things beside bot.py may be submissions ({some}), which aren't "
        "graded: if they are other people's, take this bot.py away and grade again",
    )


def _may_be_another(item: Path) -> bool:
    name = item.name
    if platforms.no_submission(name) or BOT.fullmatch(name):
        return False
    if item.is_dir():
        return _holds_bot(item)
    return name.casefold().endswith((".py", ".zip")) or platforms.may_be_program(name)


def _holds_bot(folder: Path) -> bool:
    try:
        return any(BOT.fullmatch(item.name) for item in folder.iterdir())
    except OSError:
        return False


# ---------------------------------------------------------------- a folder for all


def _class_of(folder: Path, aside: set[Path]) -> list[Found]:
    folder = _only_export(folder)
    handed = platforms.gradescope(folder)
    items = [
        item
        for item in sorted(folder.iterdir())
        if not platforms.no_submission(item.name)
        and (item.is_symlink() or item.resolve() not in aside)
    ]
    prefix = platforms.classroom_prefix(folder, [item.name for item in items])
    found = []
    for path in items:
        if path.is_file() and path.suffix.casefold() == ".csv" and is_class_list(path):
            continue
        known = platforms.exported(path.name)
        student = student_of(path)
        if prefix and student.casefold().startswith(prefix.casefold()):
            student = student[len(prefix) :] or student
        one = Found(student, (path,), user=known.user if known else "", late=("",))
        if path.is_symlink():
            line = f"{path.name} is a link, which is not followed"
            found.append(replace(one, paths=(), late=(), problems=(line,)))
        elif path.name in handed:
            found += _handed(one, handed[path.name])
        else:
            found.append(one)
    return _together(found)


def _only_export(folder: Path) -> Path:
    """The folder inside, where a folder holds nothing but one that Gradescope made."""
    items = [item for item in folder.iterdir() if not hidden(item.name)]
    alone = len(items) == 1 and items[0].is_dir() and not items[0].is_symlink()
    return items[0] if alone and (items[0] / platforms.METADATA).is_file() else folder


def _handed(one: Found, handed: platforms.Handed) -> list[Found]:
    """One for each of the people who handed a folder in together."""
    people = [list(facts.values()) for facts in handed.people if facts]
    late = (handed.late,)
    if not people:
        return [replace(one, late=late)]
    together = f"{len(people)} people handed this in together: each is graded with it"
    notes = (together,) if len(people) > 1 else ()
    result = []
    for facts in (facts for facts in handed.people if facts):
        names = [platforms.clean(facts[key]) for key in ("sid", "email", "name") if key in facts]
        result.append(
            replace(one, student=names[0], known_as=tuple(names[1:]), late=late, notes=notes)
        )
    return result


# ---------------------------------------------------------------- several of one person


def _together(found: Iterable[Found]) -> list[Found]:
    """Those with the same student made one, at the place of the first."""
    groups: dict[str, list[Found]] = {}
    for one in found:
        groups.setdefault(one.student, []).append(one)
    return [_joined(group) for group in groups.values()]


def _joined(group: Sequence[Found]) -> Found:
    if len(group) == 1:
        return group[0]
    late = {
        path: when
        for one in group
        for path, when in zip_longest(one.paths, one.late[: len(one.paths)], fillvalue="")
        if isinstance(path, Path)
    }
    return replace(
        group[0],
        paths=tuple(late),
        problems=tuple(dict.fromkeys(line for one in group for line in one.problems)),
        given=all(one.given for one in group),
        notes=tuple(dict.fromkeys(line for one in group for line in one.notes)),
        known_as=tuple(dict.fromkeys(name for one in group for name in one.known_as)),
        late=tuple(late.values()) if any(late.values()) else (),
    )


def recognise(found: Sequence[Found], students: Sequence[Student]) -> list[Found]:
    """The same with the ids of the class list, and several submissions of one person made one.

    Where it can't be told who somebody is, the name of the file stays, and ``notes`` say why. No
    class list: the same as before.
    """
    if not students:
        return list(found)
    everybody = ClassList(students)
    groups: dict[tuple[bool, str], list[tuple[Found, Found]]] = {}
    for before in found:
        one, known = _recognised(before, everybody)
        groups.setdefault((known, one.student), []).append((one, before))
    result: list[Found] = []
    for (known, student), group in groups.items():
        users = {one.user for one, _ in group if one.user}
        if known and len({user.split()[0] for user in users}) < len(users):
            result += [_two_people(before, student) for _, before in group]
        else:
            result.append(_joined([one for one, _ in group]))
    return result


def _recognised(one: Found, everybody: ClassList) -> tuple[Found, bool]:
    """With the id of the class list, and True; or with a note why there is none."""
    maybe: dict[str, None] = {}
    line = "this name is not in the class list"
    for name in (one.student, *one.known_as):
        who = everybody.who(name, one.user)
        if who.student is not None:
            return replace(one, student=who.student.id), True
        if who.maybe and not maybe:
            line = f"it isn't clear who this is: {who.why}"
        maybe.update(dict.fromkeys(student.id for student in who.maybe))
    return replace(one, notes=(*one.notes, line), maybe=tuple(maybe)), False


def _two_people(one: Found, student: str) -> Found:
    line = (
        "it isn't clear who this is: by the platform's numbers several people handed in whom the "
        "class list has as one"
    )
    return replace(one, notes=(*one.notes, line), maybe=(student,))


def _demo() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in ("doejane_1234_5678_bot.py", "doejane_LATE_1234_5699_bot-1.py", "eve.7z"):
            Path(folder, name).write_text("print()\n", encoding="utf-8")
        for found in find_submissions(Path(folder)):
            print(f"{found.student:<14} {', '.join(path.name for path in found.paths)}")


if __name__ == "__main__":
    _demo()
