"""What can't be graded has no score anywhere: not 0, in no file for a teacher or a platform."""

import base64
import csv
import io
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pytest

from made_results import PLAIN
from microgpt.assignment.grading import classrun, grader
from microgpt.assignment.intake.students import Student
from microgpt.assignment.intake.submissions import Submission
from microgpt.assignment.reports import (
    classroom,
    gradescope,
    junit,
    nothing_from,
    otter,
    page,
    table,
    terminal,
)
from microgpt.assignment.result import PARTS, Result, summary

WHY = "jane.7z can't be read: it is a 7-Zip archive; ask for bot.py."
NONE = Result("jane", "jane.7z", 0.0, (), problems=(WHY,), graded=False, late="1:02:05")
NOTHING = nothing_from(Student("adam", "Adam Roe"))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_class_csv_has_a_status_lateness_and_empty_cells():
    none, nothing, graded = rows(table.render([NONE, NOTHING, PLAIN]))
    assert (none["status"], none["late"], none["score"]) == ("not graded", "1:02:05", "")
    assert [none[part] for part in PARTS] == [""] * len(PARTS)
    assert none["problems"] == WHY
    assert (nothing["status"], nothing["late"], nothing["score"]) == ("nothing handed in", "", "0")
    assert (graded["status"], graded["score"]) == ("graded", "47.25")


def test_the_terminal_shows_a_dash():
    one = terminal.render(NONE)
    assert "not graded" in one.splitlines()[0] and "of 100" not in one and WHY[:40] in one
    lines = terminal.render_class([NONE, NOTHING, PLAIN]).splitlines()
    assert lines[1].split()[:6] == ["jane", "-", "-", "-", "-", "-"]
    assert lines[2].split()[:2] == ["adam", "0"]
    assert lines[-1].startswith("2 graded: from 0 to 47.25") and lines[-1].endswith("1 not graded")
    assert summary([NONE]) == "0 graded, 1 not graded"
    assert summary([]) == "no submissions"


def test_the_page_shows_no_points():
    content = page.render(NONE)
    assert "<b>not graded</b>" in content and "of 100" not in content
    assert 'id="points"' not in content and 'id="problems"' in content
    assert 'id="points"' in page.render(NOTHING)


def test_platforms_get_no_score():
    content = gradescope.render(NONE)
    assert "score" not in content and not any("score" in test for test in content["tests"])
    assert content["tests"][0]["output"] == WHY and WHY in content["output"]
    assert gradescope.render(NOTHING)["score"] == 0

    encoded = json.loads(base64.b64decode(classroom.encode(NONE)))
    assert encoded["status"] == "error"
    assert encoded["tests"][0]["name"] == "score: not graded"

    (_, none, nothing) = rows(otter.render([NONE, NOTHING]))
    assert none["total_points_earned"] == none["percent_correct"] == none["filter"] == ""
    assert none["grading_status"] == f"Failed: {WHY}"
    assert nothing["total_points_earned"] == "0"

    suites = ElementTree.fromstring(junit.render([NONE, NOTHING]))
    names = [[p.get("name") for p in suite.iter("property")] for suite in suites]
    assert names[0] == ["submission"] and "score" in names[1]
    assert [suite.get("errors") for suite in suites] == ["1", "1"]


def test_it_is_read_back():
    assert Result.from_json(json.loads(json.dumps(NONE.as_json()))) == NONE
    old = {key: value for key, value in PLAIN.as_json().items() if key not in ("graded", "late")}
    assert Result.from_json(old) == PLAIN


@pytest.mark.parametrize(
    ("submission", "graded"),
    [
        (Submission("s", "s", b"bot"), True),
        (Submission("s", "s", None, problems=("no",)), False),
        (Submission("s", "s", None, empty=True), True),
    ],
)
def test_the_grader_gives_no_score_for_what_it_cannot_read(submission, graded):
    prepared = cast(Any, SimpleNamespace(isolation=(), options=grader.Options()))
    submission = replace(submission, late="yes", notes=("Which one?",))
    result = grader._result(submission, prepared, (), [], ["Is it clear?"])
    assert (result.graded, result.late) == (graded, "yes")
    assert result.confirm == ("Which one?", "Is it clear?")
    lost = classrun._lost(submission, prepared, "The process that graded it ended").result
    assert not lost.graded and "No points were given" in lost.problems[0]


def test_somebody_whose_work_cannot_be_told_is_not_said_to_have_handed_in_nothing():
    result = nothing_from(Student("1234", "Jane Doe"), unsure=True)
    assert not result.graded
    assert "may be theirs" in result.problems[0]
    assert "othing was handed in" not in result.problems[0]
