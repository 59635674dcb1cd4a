"""Otter-Grader's final_grades.csv, the file that ``otter grade`` writes, as of its version 7.

One row per submission: ``file``, a column for each question in alphabetical order (here: each part
of the rubric), then ``total_points_earned``, ``percent_correct`` (a share from 0 to 1, four
decimals) and ``grading_status``. The first row, ``points-per-question``, holds the points possible
and the share 1; where Otter writes the status ``--`` it is empty, for a spreadsheet takes that for
a formula. Otter reads no results from others, so this is for what a course already does with that
file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from microgpt.assignment.reports import shape, text
from microgpt.assignment.result import PARTS, Result

QUESTIONS = tuple(sorted(PARTS))
COLUMNS = ("file", *QUESTIONS, "total_points_earned", "percent_correct", "grading_status")
"""The header."""


def render(results: Iterable[Result]) -> str:
    """The CSV. Gated points are 0, so that the parts sum to the total."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    possible = [f"{PARTS[part]:g}" for part in QUESTIONS]
    writer.writerow(["points-per-question", *possible, f"{shape.OUT_OF:g}", "1", ""])
    for result in results:
        writer.writerow(
            [
                text.cell(text.name(result.student), text.NAME),
                *(_number(result, shape.counted(result, part)) for part in QUESTIONS),
                _number(result, result.score),
                _number(result, result.score / shape.OUT_OF),
                "Completed" if result.checks else text.cell(_why(result)),
            ]
        )
    return buffer.getvalue()


def _number(result: Result, number: float) -> str:
    """Four decimals at most; an empty cell where nothing could be graded."""
    return f"{round(number, 4):g}" if result.graded else ""


def _why(result: Result) -> str:
    return f"Failed: {result.problems[0]}" if result.problems else "Failed: it was not graded"


def _demo() -> None:
    print(render([Result("s1", "bot.py", 0.0, (), problems=("There is no bot.py.",))]), end="")


if __name__ == "__main__":
    _demo()
