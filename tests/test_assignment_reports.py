"""What the report formats say, and the files that they are written to: the same bytes each time."""

import csv
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from made_results import PLAIN
from microgpt.assignment.intake.students import Student
from microgpt.assignment.reports import (
    FORMATS,
    classroom,
    gradescope,
    junit,
    nothing_from,
    otter,
    page,
    shape,
    terminal,
    text,
    write_all,
)
from microgpt.assignment.result import PARTS, Check, Result
from microgpt.errors import FileError, InputError

# ---------------------------------------------------------------- the formats, what they say


def gated() -> Result:
    checks = (
        Check("a", "benign", True, 1.0, 40.0, 40.0, 9, "fine"),
        Check("b", "adversarial", True, 0.1, 4.0, 40.0, 9, "let through"),
        Check("c", "filter", False, 1.0, 10.0, 10.0, 9, "fine"),
        Check("d", "clarity", False, 1.0, 10.0, 10.0, 0, "fine"),
    )
    return Result("s1", "s1/bot.py", 44.0, checks, gated=20.0)


def test_gated_points_are_told_and_not_added():
    result = gated()
    assert "20 points for the filter" in shape.gate_line(result)
    for content in (
        page.render(result),
        terminal.render(result),
        gradescope.render(result)["output"],
        json.dumps(classroom.render(result)),
    ):
        assert "20 points for the filter" in text.plain(content.replace("&#x27;", "'"), 100_000)
    rows = list(csv.DictReader(io.StringIO(otter.render([result]))))
    assert rows[0]["file"] == "points-per-question"
    assert sum(float(rows[1][part]) for part in PARTS) == float(rows[1]["total_points_earned"])
    assert float(rows[1]["percent_correct"]) == 0.44


def test_gradescope_keys_and_types():
    content = gradescope.render(PLAIN)
    kinds = {
        "score": float, "output": str, "output_format": str, "test_output_format": str,
        "test_name_format": str, "visibility": str, "stdout_visibility": str, "extra_data": dict,
        "tests": list,
    }  # fmt: skip
    assert {key: type(value) for key, value in content.items()} == kinds
    inside = {"name": str, "output": str, "visibility": str, "status": str}
    for test in content["tests"]:
        points = {"score": float, "max_score": float} if "score" in test else {}
        assert {key: type(value) for key, value in test.items()} == {**inside, **points}
        assert test["visibility"] in gradescope.VISIBILITY
        assert test["status"] in ("passed", "failed")
    by_part = [(t["name"].split(":")[0], t["visibility"]) for t in content["tests"]]
    assert by_part[:2] == [("benign", "after_published"), ("adversarial", "visible")]
    teacher = [t for t in content["tests"] if t["name"].startswith("For the teacher")]
    assert [t["visibility"] for t in teacher] == ["hidden", "hidden"]
    assert "score" not in gradescope.broken("x")


def test_hidden_checks_show_no_examples_of_secret_cases_by_themselves():
    hidden = gradescope.render(PLAIN, "hidden")["tests"][0]
    assert hidden["visibility"] == "hidden"


def test_classroom_scores_add_up_exactly():
    for score in (0.0, 33.33, 71.1, 99.99, 100.0):
        content = classroom.render(replace(PLAIN, score=score))
        total = 0
        for test in content["tests"]:
            total += test["score"]
            assert set(test) == {
                "name", "status", "score", "message", "test_code", "filename", "line_no",
                "execution_time",
            }  # fmt: skip
        assert total == score
        assert (content["version"], content["max_score"], content["status"]) == (1, 100, "fail")
    assert classroom.render(nothing_from(Student("a", "b")))["status"] == "error"
    perfect = Result("a", "b", 100.0, (Check("c", "benign", False, 1.0, 40.0, 40.0, 1, "d"),))
    assert classroom.render(perfect)["status"] == "pass"


def test_the_workflow_is_what_the_reporter_reads(require):
    yaml = require("yaml")
    flow = yaml.safe_load(classroom.workflow("0.1.0\n  evil: 1"))
    (job,) = flow["jobs"].values()
    steps = {step.get("id") or step.get("name") or step.get("uses"): step for step in job["steps"]}
    runner = steps["Report"]["with"]["runners"]
    assert runner in steps
    assert f"{runner.upper()}_RESULTS" in steps["Report"]["env"]
    assert "key" not in steps["microgpt"]["run"]
    assert [step["run"] for step in job["steps"] if "pip" in step.get("run", "")] == [
        'pip install "microgpt==0.1.0evil1"'
    ]


def test_junit_counts_what_it_holds():
    root = ElementTree.fromstring(junit.render([PLAIN, gated(), nothing_from(Student("a", "b"))]))
    assert root.tag == "testsuites"
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors")) == len(suite.findall("testcase/error"))
        assert all(case.get("classname") and case.get("name") for case in cases)
        assert next(e.tag for e in suite) == "properties"
    assert int(root.get("tests")) == len(root.findall("testsuite/testcase"))
    assert ElementTree.fromstring(junit.render([])).get("tests") == "0"


def test_advice_follows_what_was_lost():
    lines = shape.advice(gated())
    assert lines == [shape._ADVICE["adversarial"]]
    lines = shape.advice(PLAIN)
    assert lines[0] == shape._ADVICE_ON_PROBLEMS
    assert len(lines) == 3 and lines[1] == shape._ADVICE["protocol"]
    assert shape.advice(Result("a", "b", 100.0, ())) == []
    for part in [*PARTS, "protocol", "structure"]:
        assert part in shape._ADVICE and part in shape.TITLES


# ---------------------------------------------------------------- files


def test_a_class_is_written_and_reads_back(tmp_path):
    results = [PLAIN, gated(), gated(), nothing_from(Student("s9", "Adam"), "0.1.0")]
    students = [Student("s1", "Jane Doe", "j@x.org")]
    paths = write_all(results, tmp_path / "out", FORMATS, students=students)
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in paths)
    people = ["s1", "s1-2", "s9", "word"]
    assert names == sorted(
        [
            "class.csv", "results.jsonl", "final_grades.csv", "junit.xml",
            *(f"feedback/{p}.html" for p in people),
            *(f"gradescope/{p}.json" for p in people),
            *(f"classroom/{p}.txt" for p in people),
        ]
    )  # fmt: skip
    lines = (tmp_path / "out" / "results.jsonl").read_text("ascii").splitlines()
    assert [Result.from_json(json.loads(line)) for line in lines] == results
    with (tmp_path / "out" / "class.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["student"], r["name"], r["email"]) for r in rows[1:2]] == [
        ("s1", "Jane Doe", "j@x.org")
    ]
    assert rows[3]["problems"] == "Nothing was handed in."
    before = {path: path.read_bytes() for path in paths}
    write_all(results, tmp_path / "out", FORMATS, students=students)
    assert {path: path.read_bytes() for path in paths} == before
    left = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert sorted(left) == sorted(paths)


def test_mistakes_are_told(tmp_path):
    with pytest.raises(InputError, match="format is 'pdf'"):
        write_all([PLAIN], tmp_path, ["pdf"])
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError):
        write_all([PLAIN], tmp_path / "file")
