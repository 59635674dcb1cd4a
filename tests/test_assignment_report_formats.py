"""The report formats, held to what others publish about them.

What is held here is written down from each publisher's own description, not from our renderers.
"""

import base64
import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest

from made_results import PLAIN, result_of
from microgpt.assignment.intake.students import Student
from microgpt.assignment.reports import classroom, gradescope, junit, nothing_from, otter
from microgpt.assignment.result import Check, Result

NOTHING = nothing_from(Student("a", "b"))
PERFECT = Result("a", "b", 100.0, (Check("c", "benign", False, 1.0, 40.0, 40.0, 1, "d"),))
RESULTS = {
    "with problems": PLAIN,
    "nothing handed in": NOTHING,
    "all points": PERFECT,
    "markup": result_of(["<b>&amp;\"'", "=1+1", "a\nb", "ünï, \"code\"", "]]>"]),
}  # fmt: skip


@pytest.fixture(params=RESULTS)
def result(request: pytest.FixtureRequest) -> Result:
    return RESULTS[request.param]


# ---------------------------------------------------------------- Gradescope

# gradescope-autograders.readthedocs.io, "Autograder Specifications", "Output format": all keys are
# optional, but for a score at the top or in each test. Two kinds of keys aren't in the copy of it
# that was read on 2026-11-30 (docs/specs.md of gradescope/autograder_samples): status, which
# Gradescope's own gradescope-utils writes, and the keys of a format, known from later copies only.
NUMBER = (int, float)
SHOWN = ("hidden", "after_due_date", "after_published", "visible")
FORMATS = ("text", "html", "simple_format", "md", "ansi")
AT_THE_TOP: dict[str, Any] = {
    "score": NUMBER, "execution_time": NUMBER, "output": str, "output_format": FORMATS,
    "test_output_format": FORMATS, "test_name_format": FORMATS, "visibility": SHOWN,
    "stdout_visibility": SHOWN, "extra_data": dict, "tests": list, "leaderboard": list,
}  # fmt: skip
IN_A_TEST: dict[str, Any] = {
    "score": NUMBER, "max_score": NUMBER, "status": ("passed", "failed"), "name": str,
    "name_format": FORMATS, "number": str, "output": str, "output_format": FORMATS, "tags": list,
    "visibility": SHOWN, "extra_data": dict,
}  # fmt: skip


def wrong(held: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """Keys that aren't described, or have another kind of value."""

    def fits(value: Any, kind: Any) -> bool:
        if isinstance(kind, tuple) and isinstance(kind[0], str):
            return value in kind
        return isinstance(value, kind) and not isinstance(value, bool)

    return [k for k, v in held.items() if k not in described or not fits(v, described[k])]


def test_gradescope_is_as_its_specification_says(result: Result) -> None:
    """By the published specification of results.json; they publish no schema and no parser."""
    for content in (gradescope.render(result), gradescope.broken("It failed.")):
        content = json.loads(json.dumps(content))
        assert wrong(content, AT_THE_TOP) == []
        assert [wrong(test, IN_A_TEST) for test in content["tests"]] == [[]] * len(content["tests"])
    content = gradescope.render(result)
    assert 0 <= content["score"] <= 100
    for test in content["tests"]:
        assert ("score" in test) == ("max_score" in test)


def test_what_gradescope_does_not_describe_is_found() -> None:
    assert wrong({"score": "1"}, AT_THE_TOP) == ["score"]
    assert wrong({"visibility": "never", "points": 1, "score": True}, AT_THE_TOP) == [
        "visibility",
        "points",
        "score",
    ]


# ---------------------------------------------------------------- Otter


def test_otter_is_what_its_own_writer_writes(result: Result) -> None:
    """Otter publishes no description of final_grades.csv, and reads none.

    So these are the columns and values that ``merge_scores_to_df`` of its version 7.0.0 makes, as
    read in its source on 2026-11-30: file, the questions in alphabetical order, then three more; in
    the first row the points possible and the share 1. Its status there is "--", ours is empty: no
    cell of ours begins as a formula does.
    """
    rows = list(csv.reader(io.StringIO(otter.render([result, PERFECT]))))
    head, first, *others = rows
    assert head[0] == "file"
    assert head[-3:] == ["total_points_earned", "percent_correct", "grading_status"]
    assert head[1:-3] == sorted(head[1:-3])
    assert first[0] == "points-per-question" and first[-2:] == ["1", ""]
    assert sum(map(float, first[1:-3])) == float(first[-3])
    assert len(others) == 2
    for row in others:
        assert len(row) == len(head)
        assert sum(map(float, row[1:-3])) == pytest.approx(float(row[-3]), abs=60)
        assert 0 <= float(row[-2]) <= 1 and re.fullmatch(r"\d(\.\d{1,4})?", row[-2])
    assert others[1][-1] == "Completed"


# ---------------------------------------------------------------- GitHub Classroom


def test_classroom_is_what_its_reporter_reads(result: Result) -> None:
    """Its README describes the variables and the workflow, but not the JSON in them.

    So this does what ``main.js`` and ``notify-classroom.js`` of autograding-grading-reporter v1 do
    with it, as read in its source on 2026-11-30. GitHub has since ended Classroom and deprecated
    the reporter; workflows that use it still run.
    """
    encoded = classroom.encode(result)
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*", encoded)  # one line: it is a step's output
    read = json.loads(base64.b64decode(encoded).decode("utf-8"))
    assert read["status"] in ("pass", "fail", "error")
    assert read["max_score"] == 100 and isinstance(read["tests"], list)
    total = 0
    for test in read["tests"]:
        assert isinstance(test["score"], NUMBER) and test["status"] in ("pass", "fail", "error")
        assert all(isinstance(test[key], str) for key in ("name", "message", "test_code"))
        total += test["score"]
    assert total == result.score


def test_the_workflow_has_the_names_that_classroom_asks_for() -> None:
    """README of the reporter: the name of the workflow, one job and its name, comma-apart ids."""
    flow = classroom.workflow("1.0")
    assert re.search(r"^name: Autograding Tests$", flow, re.M)
    jobs = flow.split("\njobs:\n")[1]
    assert re.findall(r"^  (\S+):$", jobs, re.M) == ["run-autograding-tests"]
    (runner,) = re.findall(r"runners: (\S+)", flow)
    assert re.fullmatch(r"([a-zA-Z0-9]+,)*[a-zA-Z0-9]+", runner)
    assert f"{runner.upper()}_RESULTS: ${{{{steps.{runner}.outputs.result}}}}" in flow


# ---------------------------------------------------------------- JUnit

# Jenkins' junit-10.xsd (jenkinsci/xunit-plugin): element → its attributes with those that it must
# have, and the elements in it. An xs:choice sets no order, and failure and error hold text.
JUNIT = {
    "testsuites": ("", "name time tests failures errors", "testsuite"),
    "testsuite": (
        "name tests failures errors",
        "group time skipped timestamp hostname id package file log url",
        "testsuite properties testcase system-out system-err",
    ),
    "properties": ("", "", "property"),
    "property": ("name value", "", ""),
    "testcase": ("name", "time classname group", "skipped error failure system-out system-err"),
    "failure": ("", "type message", ""),
    "error": ("", "type message", ""),
}
TIME = r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?"


def test_junit_is_as_the_schema_says(result: Result) -> None:
    """By Jenkins' schema.

    On 2026-11-30 xmlschema 4.3.2 found such a file valid by it, and junitparser 5.0.3 read it.
    """
    root = ElementTree.fromstring(junit.render([result, PERFECT]).encode())
    assert root.tag == "testsuites"
    for element in root.iter():
        must, may, inside = (set(words.split()) for words in JUNIT[element.tag])
        assert must <= set(element.attrib) <= must | may, element.tag
        assert {child.tag for child in element} <= inside, element.tag
        if element.tag not in ("failure", "error"):
            assert not (element.text or "").strip() and not (element.tail or "").strip()
        if element.tag in ("testsuite", "testsuites"):
            assert re.fullmatch(TIME, element.get("time", ""))
    assert [suite.get("name") for suite in root][1] == "a"
