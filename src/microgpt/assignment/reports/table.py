"""The class as one CSV: a row for each student, for spreadsheets and learning platforms."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from microgpt.assignment.intake.students import Student
from microgpt.assignment.reports import shape, text
from microgpt.assignment.result import PARTS, Result

COLUMNS = (
    "student", "name", "email", "submission", "status", "late", "score", *PARTS, "not_counted",
    "leak", "refused", "problems", "failed", "confirm", "version",
)  # fmt: skip
"""The header.

``status``: graded, not graded (then there are no numbers), or nothing handed in. ``late``: how
late, as far as a platform's export says so. ``not_counted``: points lost to the gate; ``failed``:
the checks that lost points.
"""


def render(results: Iterable[Result], students: Sequence[Student] = ()) -> str:
    """The CSV as text with a byte order mark, for without it Excel doesn't read UTF-8.

    ``students``: the class list; its names and emails are put beside the ids. Numbers have a
    decimal point. A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    known = {student.id: student for student in students}
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for result in results:
        student = known.get(result.student, Student("", ""))
        failed = [check.name for check in result.checks if not check.passed]
        cells = {
            "student": text.cell(result.student, text.NAME),
            "name": text.cell(student.name, text.NAME),
            "email": text.cell(student.email, text.NAME),
            "submission": text.cell(result.submission, text.NAME),
            "status": shape.status(result),
            "late": text.cell(result.late, text.NAME),
            "score": shape.score(result.score) if result.graded else "",
            **{p: shape.score(result.points(p)) if result.graded else "" for p in PARTS},
            "not_counted": shape.score(result.gated) if result.graded else "",
            "leak": "" if result.leak is None else f"{result.leak:.6g}",
            "refused": "" if result.refused is None else f"{result.refused:.6g}",
            "problems": text.cell("; ".join(text.plain(p, 200) for p in result.problems), 2000),
            "failed": text.cell("; ".join(text.plain(name, 60) for name in failed), 2000),
            "confirm": text.cell("; ".join(text.plain(c, 200) for c in result.confirm), 2000),
            "version": text.cell(result.version, text.NAME),
        }
        writer.writerow([cells[column] for column in COLUMNS])
    return "\ufeff" + buffer.getvalue()


def _demo() -> None:
    print(
        render([Result("s1", "=bot.py", 60.0, (), problems=("There is no bot.py.",))])[1:], end=""
    )


if __name__ == "__main__":
    _demo()
