"""The class list: a CSV with the columns id, name and email, and who of it handed something in."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from microgpt.errors import InputError
from microgpt.files import read_bytes, shown

MOST_BYTES = 16 * 2**20
MOST_STUDENTS = 100_000
_REMEDY = "Give it the columns id, name and email, named in its first line."

_COLUMNS = {
    "id": (
        "id studentid sid student_id idnumber userid username sisuserid sisloginid loginid login "
        "matriculationnumber number orgdefinedid studentnumber"
    ).replace("_", ""),
    "name": "name fullname studentname student displayname",
    "first": "firstname givenname forename",
    "last": "lastname surname familyname",
    "email": "email emailaddress mail studentemail",
}


@dataclass(frozen=True)
class Student:
    """One line of the class list; ``email`` may be empty."""

    id: str
    name: str
    email: str = ""


def roster(path: Path) -> list[Student]:
    """The class list, in its order.

    Columns are found by their header, in any order, with commas, semicolons or tabs between. Raises
    ``InputError`` for a column that is missing, a line without an id, an id that occurs twice, and
    a file that isn't UTF-8; ``FileError`` if it can't be read.
    """
    text = _text(read_bytes(path, MOST_BYTES), path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    between = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True))
    except csv.Error as error:
        raise InputError(f"{path} is not a readable CSV: {error}.", _REMEDY) from None
    rows = [[cell.strip() for cell in row] for row in rows]
    begin = next((i for i, row in enumerate(rows) if any(row)), None)
    if begin is None:
        raise InputError(f"{path} is empty.", _REMEDY)
    if len(rows) > MOST_STUDENTS:
        raise InputError(f"{path} has {len(rows):,} lines, may have {MOST_STUDENTS:,}.", _REMEDY)
    where = _columns(rows[begin], path)
    students: dict[str, Student] = {}
    for number, row in enumerate(rows[begin + 1 :], begin + 2):
        if not any(row):
            continue
        cells = {key: row[i] if i < len(row) else "" for key, i in where.items()}
        if not cells["id"]:
            raise InputError(f"{path}: row {number} has no id.", "Give everybody an id.")
        name = cells.get("name") or f"{cells.get('first', '')} {cells.get('last', '')}".strip()
        key = cells["id"].casefold()
        if key in students:
            raise InputError(
                f"{path}: the id {shown(cells['id'])} occurs twice, again in row {number}.",
                "Keep one of the two rows.",
            )
        students[key] = Student(cells["id"], name, cells.get("email", ""))
    if not students:
        raise InputError(f"{path} has a header and no students.", "Add a row for each student.")
    return list(students.values())


def _text(data: bytes, path: Path) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise InputError(f"{path} is not UTF-8 text.", "Save it as CSV in UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8: byte {error.start:,} is 0x{data[error.start]:02x}.",
            "Save it as CSV in UTF-8.",
        ) from None


def _columns(header: list[str], path: Path) -> dict[str, int]:
    """Column to its place."""
    plain = [re.sub(r"[^a-z]", "", cell.casefold()) for cell in header]
    where: dict[str, int] = {}
    for key, names in _COLUMNS.items():
        places = [i for name in names.split() for i, cell in enumerate(plain) if cell == name]
        if places:
            where[key] = places[0]
            if plain.count(plain[places[0]]) > 1:
                raise InputError(f"{path} has two columns {shown(header[places[0]])}.", _REMEDY)
    missing = [key for key in ("id", "name") if key not in where]
    if "first" in where and "last" in where and "name" in missing:
        missing.remove("name")
    if missing:
        have = ", ".join(shown(cell) for cell in header[:8])
        raise InputError(f"{path} has no column {' and none '.join(missing)}: {have}.", _REMEDY)
    return where


# ---------------------------------------------------------------- who is who


def identify(student: str, students: Sequence[Student]) -> Student | None:
    """The one student of the list whom a submission's name means; None for none or several.

    Tried in turn: the id, the email (or what stands before its @), the name; then each part of a
    name such as ``doejane_1234``, with first and last name in either order.
    """
    whole = _squash(student)
    for wanted in (_ids, _emails, _names):
        match = [s for s in students if whole and whole in wanted(s)]
        if match:
            return match[0] if len(match) == 1 else None
    parts = {_squash(part) for between in ("_", None) for part in student.split(between)} - {""}
    match = [s for s in students if parts & _ids(s)] or [
        s for s in students if parts & (_names(s) | _emails(s))
    ]
    return match[0] if len(match) == 1 else None


def missing(students: Iterable[Student], ids: Iterable[str]) -> list[Student]:
    """Those of the list whose id isn't among ``ids``, in the order of the list."""
    there = {i.casefold() for i in ids}
    return [student for student in students if student.id.casefold() not in there]


def _squash(text: str) -> str:
    """Letters and digits alone, small, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if char.isalnum() or char == "@")


def _ids(student: Student) -> set[str]:
    return {_squash(student.id)} - {""}


def _emails(student: Student) -> set[str]:
    return {_squash(student.email), _squash(student.email.partition("@")[0])} - {"", "@"}


def _names(student: Student) -> set[str]:
    words = [_squash(word) for word in re.split(r"[\s,]+", student.name)]
    return {"".join(words), "".join(reversed(words)), "".join([*words[-1:], *words[:-1]])} - {""}


def _demo() -> None:
    students = [Student("1234", "Jane Doe", "jane@school.example"), Student("77", "Adam Roe")]
    for name in ("1234", "doejane_99_1", "Adam Roe_5", "eve"):
        print(f"{name:<14} {identify(name, students)}")


if __name__ == "__main__":
    _demo()
