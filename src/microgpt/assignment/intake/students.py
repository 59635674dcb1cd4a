"""The class list: a CSV of one's own or from a platform, and who of it handed something in."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from microgpt.errors import InputError, MicrogptError
from microgpt.files import read_bytes, shown

MOST_BYTES = 16 * 2**20
MOST_STUDENTS = 100_000
_REMEDY = (
    "Give it the columns id, name and email, named in its first line, or a list as Canvas, Moodle, "
    "Gradescope or GitHub Classroom export it."
)

_COLUMNS = {
    "id": (
        "id studentid sid idnumber userid username sisuserid sisloginid loginid login "
        "matriculationnumber number orgdefinedid studentnumber identifier"
    ),
    "name": "name fullname studentname student displayname",
    "first": "firstname givenname forename",
    "last": "lastname surname familyname",
    "email": "email emailaddress mail studentemail",
    "role": "role",
}
# Other names of a person that may stand in the names of files, beside the id.
_ACCOUNTS = (
    "sid", "studentid", "idnumber", "userid", "username", "sisuserid", "sisloginid", "loginid",
    "login", "orgdefinedid", "studentnumber", "integrationid", "identifier", "githubusername",
)  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,18}")
_STAFF = ("instructor", "ta", "reader", "teacher", "staff", "observer")


@dataclass(frozen=True)
class Student:
    """One line of the class list; all but the id may be empty.

    ``accounts``: further ids. ``github``: the username there. ``number``: the platform whose list
    it is and its number for the person, such as "Canvas 1234", which stands in names of files.
    """

    id: str
    name: str
    email: str = ""
    accounts: tuple[str, ...] = ()
    github: str = ""
    number: str = ""


def roster(path: Path) -> list[Student]:
    """The class list, in its order.

    Columns are found by their header, in any order, with commas, semicolons or tabs between. Taken
    as they are: Canvas's gradebook export (the id is Canvas's own, which stands in the names of
    files), Moodle's grading worksheet (the id is the participant's number), Gradescope's roster
    (the id is the SID, or the email where there is none) and GitHub Classroom's. Raises
    ``InputError`` for a column that is missing, a line without an id, an id that occurs twice, and
    a file that isn't UTF-8; ``FileError`` if it can't be read.
    """
    rows = _rows(_text(read_bytes(path, MOST_BYTES), path), path)
    begin = next((i for i, row in enumerate(rows) if any(row)), None)
    if begin is None:
        raise InputError(f"{path} is empty.", _REMEDY)
    if len(rows) > MOST_STUDENTS:
        raise InputError(f"{path} has {len(rows):,} lines, may have {MOST_STUDENTS:,}.", _REMEDY)
    header = [_plain(cell) for cell in rows[begin]]
    where = _columns(rows[begin], header, path)
    canvas = {"student", "id"} <= set(header) and bool({"sisuserid", "sisloginid"} & set(header))
    students: dict[str, Student] = {}
    for number, row in enumerate(rows[begin + 1 :], begin + 2):
        row = [*row, *[""] * (len(header) - len(row))]
        if not any(row) or (canvas and _of_gradebook(row, where, header)):
            continue
        if "role" in where and row[where["role"]].casefold() in _STAFF:
            continue
        student = _student(row, where, header, number, path)
        if canvas and _NUMBER.fullmatch(student.id):
            student = replace(student, number=f"Canvas {int(student.id)}")
        key = student.id.casefold()
        if key in students:
            raise InputError(
                f"{path}: the id {shown(student.id)} occurs twice, again in row {number}.",
                "Keep one of the two rows.",
            )
        students[key] = student
    if not students:
        raise InputError(f"{path} has a header and no students.", "Add a row for each student.")
    return list(students.values())


def is_class_list(path: Path) -> bool:
    """Whether a CSV can be read as a class list: then it is no submission."""
    try:
        return not path.is_symlink() and bool(roster(path))
    except MicrogptError:
        return False


def _rows(text: str, path: Path) -> list[list[str]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    between = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True))
    except csv.Error as error:
        raise InputError(f"{path} is not a readable CSV: {error}.", _REMEDY) from None
    return [[cell.strip() for cell in row] for row in rows]


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


def _plain(cell: str) -> str:
    """A column's title: its letters a-z, small."""
    return re.sub(r"[^a-z]", "", cell.casefold())


def _columns(header: list[str], plain: list[str], path: Path) -> dict[str, int]:
    """Column to its place."""
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
        lacking = " and no column ".join(missing)
        raise InputError(f"{path} has no column {lacking}: {have}.", _REMEDY)
    return where


def _of_gradebook(row: list[str], where: dict[str, int], header: list[str]) -> bool:
    """Whether a row of a Canvas gradebook is nobody's: points possible, posting, the test student.

    The first two have no id, in whatever language they are; the last has no id outside of Canvas.
    """
    if not row[where["id"]]:
        return True
    outside = row[header.index("sisuserid")] if "sisuserid" in header else ""
    return not outside and row[where["name"]].casefold() == "student, test"


def _student(
    row: list[str], where: dict[str, int], header: list[str], number: int, path: Path
) -> Student:
    cells = {key: row[i] for key, i in where.items()}
    email = cells.get("email", "")
    ident = cells["id"] or email
    if not ident:
        raise InputError(f"{path}: row {number} has no id.", "Give everybody an id.")
    participant = re.fullmatch(r"\D+?(\d+)", ident)
    moodle = "githubusername" not in header and header[where["id"]] == "identifier"
    if participant and moodle:
        ident = participant[1]  # Moodle's "Participant 1234", in any language
    accounts = [row[i] for i, title in enumerate(header) if title in _ACCOUNTS]
    github = row[header.index("githubusername")] if "githubusername" in header else ""
    name = cells.get("name") or f"{cells.get('first', '')} {cells.get('last', '')}".strip()
    if "githubusername" in header:  # the identifier is what the teacher chose: a name or an email
        name = name or ("" if "@" in ident else ident)
        email = email or (ident if "@" in ident else "")
    own = [a for a in dict.fromkeys(accounts) if a and a not in (cells["id"], ident, github)]
    on_moodle = f"Moodle {int(ident)}" if moodle and _NUMBER.fullmatch(ident) else ""
    return Student(ident, name, email, tuple(own), github, on_moodle)


# ---------------------------------------------------------------- who is who


@dataclass(frozen=True)
class Who:
    """Whom a name means: ``student``; or None, and ``maybe`` those it may be with ``why``."""

    student: Student | None
    maybe: tuple[Student, ...] = ()
    why: str = ""


class ClassList:
    """The class list as an index: whom does a submission's name mean?"""

    def __init__(self, students: Iterable[Student]) -> None:
        self._students = list(students)
        self._ids = self._index(_ids)
        self._emails = self._index(_emails)
        self._names = self._index(_names)
        self._github = {s.github.casefold(): s for s in self._students if s.github}
        self._numbers = {s.number: s for s in self._students if s.number}

    def _index(self, words: Callable[[Student], set[str]]) -> dict[str, list[Student]]:
        index: dict[str, list[Student]] = {}
        for student in self._students:
            for word in words(student):
                index.setdefault(word, []).append(student)
        return index

    def who(self, name: str, user: str = "") -> Who:
        """The one student whom a submission's name means, or why that can't be told.

        Tried in turn: the id, the email (or what stands before its @), the name in any order of
        its parts; GitHub's ``assignment-username``; then each part of a name such as
        ``doejane_1234``, where number and name must not mean different people; and at last the
        name without a number that was put behind it. ``user``: the platform's number for the
        person, such as "Canvas 1234", which ends the name. By the list of that platform it is
        believed; by any other only together with the name, for it may be somebody else's id there.
        """
        if user:
            return self._on_platform(name, user)
        for whole in dict.fromkeys((squash(name), squash(_written_out(name)))):
            for index in (self._ids, self._emails, self._names):
                if match := index.get(whole):
                    return _one_of(match)
        if student := self._repository(name):
            return Who(student)
        ids, named = self._parts(name)
        if ids and named:
            return _both(ids, named)
        if ids or named:
            return _one_of(ids or named)
        shorter = re.sub(r"([-_ ]\d{1,2}| ?\(\d{1,3}\))$", "", name)
        return self.who(shorter) if shorter not in ("", name) else Who(None)

    def _on_platform(self, name: str, user: str) -> Who:
        number = user.rpartition(" ")[2]
        by_name = self.who(re.sub(r"_\d+$", "", name))
        named = [by_name.student] if by_name.student else list(by_name.maybe)
        if user in self._numbers:
            return _both([self._numbers[user]], named) if named else Who(self._numbers[user])
        ids = self._ids.get(number, [])
        if ids and named:
            return _both(ids, named)
        if ids:
            return Who(None, tuple(ids), "the class list has its number, but not its name")
        return by_name

    def _parts(self, name: str) -> tuple[list[Student], list[Student]]:
        """Those whom a part of the name means by an id, and by name or email."""
        parts = {squash(part) for between in ("_", None) for part in name.split(between)} - {""}
        ids = [student for part in sorted(parts) for student in self._ids.get(part, ())]
        named = [
            student
            for part in sorted(parts)
            for index in (self._names, self._emails)
            for student in index.get(part, ())
        ]
        return list(dict.fromkeys(ids)), list(dict.fromkeys(named))

    def _repository(self, name: str) -> Student | None:
        """Whose repository ``assignment-username`` is: that of the longest name that fits."""
        for text in (name.casefold(), re.sub(r"-\d{1,2}$", "", name.casefold())):
            for at in [0, *(m.end() for m in re.finditer("-", text))]:
                if student := self._github.get(text[at:]):
                    return student
        return None


def _both(ids: Sequence[Student], named: Sequence[Student]) -> Who:
    if both := [student for student in ids if student in named]:
        return _one_of(both)
    why = "its number and its name mean different people of the class list"
    return Who(None, tuple(dict.fromkeys([*ids, *named])), why)


def _one_of(match: Sequence[Student]) -> Who:
    if len(match) == 1:
        return Who(match[0])
    return Who(
        None, tuple(match), f"the class list has {len(match)} people who may go by this name"
    )


def identify(student: str, students: Sequence[Student]) -> Student | None:
    """The one student of the list whom a submission's name means; None for none or several."""
    return ClassList(students).who(student).student


def missing(students: Iterable[Student], ids: Iterable[str]) -> list[Student]:
    """Those of the list whose id isn't among ``ids``, in the order of the list."""
    there = {i.casefold() for i in ids}
    return [student for student in students if student.id.casefold() not in there]


# Letters that Unicode doesn't take apart into a letter and a mark.
_LETTERS = str.maketrans(
    {
        "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ħ": "h",
        "ŧ": "t", "ŋ": "n", "ı": "i", "ĸ": "k", "ƒ": "f", "ĳ": "ij", "ŀ": "l", "ß": "ss",
        "ɨ": "i", "ə": "e",
    }
)  # fmt: skip
# How the same letters are written out where they can't be typed.
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def squash(text: str) -> str:
    """Letters and digits alone, small, without accents: equal for names from any system."""
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    return "".join(char for char in plain if char.isalnum() or char == "@")


def _written_out(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold()).translate(_WRITTEN_OUT)


def _ids(student: Student) -> set[str]:
    return {squash(each) for each in (student.id, *student.accounts, student.github)} - {""}


def _emails(student: Student) -> set[str]:
    return {squash(student.email), squash(student.email.partition("@")[0])} - {"", "@"}


def _names(student: Student) -> set[str]:
    """The name's parts in every order that only turns them round, and from back to front."""
    found = set()
    for name in (student.name, _written_out(student.name)):
        words = [word for word in map(squash, re.split(r"[\s,]+", name)) if word]
        turned = [words[k:] + words[:k] for k in range(min(len(words), 8))]
        found |= {"".join(order) for order in [*turned, words[::-1]]}
    return found - {""}


def _demo() -> None:
    students = [Student("1234", "Jane Doe", "jane@school.example"), Student("77", "Łucja Wójcik")]
    for name in ("1234", "doejane_99_1", "Wojcik, Lucja_5", "eve"):
        print(f"{name:<16} {identify(name, students)}")


if __name__ == "__main__":
    _demo()
