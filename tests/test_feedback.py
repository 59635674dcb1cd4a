"""How much students are told: by level, by the number of their submissions, by every report."""

import base64
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from class_bank import class_key as class_key
from cli_runner import ok, refused, tree
from hostile_class import handed_in
from microgpt.assignment.reports import FORMATS, autograder, feedback, gradescope, page, write_all
from microgpt.assignment.result import Check, Result
from microgpt.errors import CheckpointError, InputError

_CHECKS = (
    Check("public examples", "benign", False, 0.5, 20.0, 40.0, 9, "MESSAGE one", ("EXAMPLE",)),
    Check("whole words", "adversarial", True, 0.6, 24.0, 40.0, 9, "MESSAGE two"),
    Check("planted names", "filter", True, 1.0, 10.0, 10.0, 9, "MESSAGE three"),
)
_PROBLEMS = ("There is no policy.md, FORM.", "It used up its CPU time, BEHAVIOUR.")
RESULT = Result(
    "ada", "bot.py", 54.0, _CHECKS, 0.0, _PROBLEMS, ("CONFIRM",), (), 0.0123, 0.0456, "1", form=1
)
WORDS = ("EXAMPLE", "MESSAGE", "FORM", "BEHAVIOUR", "CONFIRM")
TOLD = {
    "examples": set(WORDS),
    "categories": {"MESSAGE", "FORM", "BEHAVIOUR", "CONFIRM"},
    "nothing": {"FORM"},
}


def of_students(folder: Path) -> dict[str, str]:
    """The files that students see, as text."""
    files = {}
    for name, data in tree(folder).items():
        if name.split(".")[0] in ("class", "results", "final_grades"):
            continue
        files[name] = base64.b64decode(data).decode() if "classroom" in name else data.decode()
    return files


@pytest.mark.parametrize("level", feedback.LEVELS)
def test_what_reports_tell(tmp_path: Path, level: str) -> None:
    told = [feedback.told(RESULT, level)]
    drawing = "<svg>DRAWING</svg>"
    write_all([RESULT], tmp_path, FORMATS, frontier=lambda result: drawing, told=told)
    files = of_students(tmp_path)
    assert len(files) == 4
    shown = {name: {w for w in WORDS if w in text} for name, text in files.items()}
    assert set.union(*shown.values()) == TOLD[level]
    for name, text in files.items():
        assert "54" in text, name
        assert "FORM" in shown[name]
        assert ("DRAWING" in text) == (level != "nothing" and name.endswith(".html"))
        if level == "nothing":
            assert "whole words" not in text and "1.2%" not in text and "0.0123" not in text
            for inside in ("0.0123", "1.2%", "20", "24", "whole words", "benign", "40"):
                assert (
                    inside not in text.replace("#", "").partition("<body>")[2 * ("<body" in text)]
                )
    whole = tree(tmp_path)
    for name in ("results.jsonl", "class.csv"):
        write_all([RESULT], tmp_path / "all", FORMATS)
        assert tree(tmp_path / "all")[name] == whole[name], "the teacher's"


def test_a_perfect_score_is_a_pass_and_nothing_handed_in_stays_so() -> None:
    assert feedback.told(replace(RESULT, score=100.0), "nothing").checks[0].passed
    none = Result("ada", "", 0.0, (), problems=("Nothing was handed in.",), form=1)
    assert feedback.told(none, "nothing") == none


@pytest.mark.parametrize(
    ("limit", "number", "whole"),
    [(3, 1, True), (3, 3, True), (3, 4, False), (3, None, True), (None, 99, True)],
)
def test_the_limit(limit: int | None, number: int | None, whole: bool) -> None:
    told = feedback.told(RESULT, "examples", limit, number)
    assert (told == RESULT) is whole
    if not whole:
        assert told.checks[0].message == (
            f"graded; only the first {limit} submissions are told more than the score, and this is "
            f"number {number}"
        )


def test_what_isnt_a_level_or_a_limit() -> None:
    with pytest.raises(InputError, match="feedback is 'all', must be one of nothing"):
        feedback.check_level("all")
    for limit in (0, 10_001):
        with pytest.raises(InputError, match="must be from 1 to 10,000"):
            feedback.check_limit(limit)
    assert "feedback is 'all'" in refused(2, "grade", "x", "--feedback", "all")
    assert "Add --out" in refused(2, "grade", "x", "--feedback", "nothing")
    assert "feedback-limit is -1" in refused(2, "grade", "x", "--feedback-limit", "-1")


# ---------------------------------------------------------------- counting


def test_counts_go_by_content(tmp_path: Path) -> None:
    counts = feedback.Counts.beside(tmp_path / "out")
    assert counts.path == tmp_path / "out.counts.json"
    assert [counts.number("ada", c) for c in ("1", "2", "1", "3", "")] == [1, 2, 1, 3, None]
    assert counts.number("bob", "1") == 1
    counts.write()
    again = feedback.Counts.beside(tmp_path / "out")
    assert again.students == {"ada": ["1", "2", "3"], "bob": ["1"]}
    assert again.number("ada", "2") == 2
    assert again.number("ada", "4") == 4


@pytest.mark.parametrize("bad", ["", "[]", "{}", '{"students": {"ada": 3}}', '{"students": [1]}'])
def test_a_damaged_count_is_never_taken_for_none(tmp_path: Path, bad: str) -> None:
    (tmp_path / "out.counts.json").write_text(bad)
    with pytest.raises(CheckpointError) as caught:
        feedback.Counts.beside(tmp_path / "out")
    assert "count from here" in caught.value.remedy


@pytest.mark.parametrize(
    ("facts", "number"),
    [
        ({"previous_submissions": []}, 1),
        ({"previous_submissions": [{"score": 0.0}, {"score": 1.0}]}, 3),
        ({"previous_submissions": None}, None),
        ({"users": []}, None),
        ([], None),
        (None, None),
    ],
)
def test_which_submission_gradescope_says_it_is(facts: object, number: int | None) -> None:
    assert feedback.number_at_gradescope(facts) == number


def archive_config(data: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return json.loads(archive.read(autograder.CONFIG))


def test_the_archive_says_how_much(tmp_path: Path) -> None:
    assert archive_config(autograder.build()) == {"feedback": "examples", "feedback_limit": None}
    ok("grade", "--zip", tmp_path / "a.zip", "--feedback", "categories", "--feedback-limit", "5")
    wanted = {"feedback": "categories", "feedback_limit": 5}
    assert archive_config((tmp_path / "a.zip").read_bytes()) == wanted


@pytest.mark.parametrize(
    ("metadata", "whole"),
    [
        ({"previous_submissions": [{}]}, True),
        ({"previous_submissions": [{}, {}]}, False),
        ({}, True),
        (None, True),
    ],
)
def test_inside_gradescope(tmp_path: Path, metadata: object, whole: bool) -> None:
    """The teacher gets all of it in hidden tests, and is told where there is no count."""
    (tmp_path / "source").mkdir()
    config = {"feedback": "examples", "feedback_limit": 2}
    (tmp_path / "source" / autograder.CONFIG).write_text(json.dumps(config))
    if metadata is not None:
        (tmp_path / autograder.METADATA).write_text(json.dumps(metadata))
    content = autograder._content(tmp_path, RESULT)
    seen = [test for test in content["tests"] if test["visibility"] != "hidden"]
    text = json.dumps([content["output"], content["extra_data"], seen])
    assert content["score"] == 54.0
    assert {w for w in WORDS if w in text} == (
        TOLD["examples"] - {"CONFIRM"} if whole else {"FORM"}
    )
    assert all(word in json.dumps(content) for word in WORDS)
    uncounted = [t for t in content["tests"] if t["name"] == "For the teacher: feedback"]
    assert bool(uncounted) == (not (metadata or {}).get("previous_submissions"))
    for test in uncounted:
        assert test["visibility"] == "hidden"
        assert "no count of a student's submissions" in test["output"]


def test_hidden_tests_are_the_only_ones_that_say_more() -> None:
    same = gradescope.render(RESULT, whole=RESULT)
    assert same == gradescope.render(RESULT)
    assert "MESSAGE" not in page.render(feedback.told(RESULT, "nothing"))


# ---------------------------------------------------------------- the command


@pytest.mark.slow
def test_a_class_with_a_limit(tmp_path: Path, class_key: Path) -> None:
    folder = handed_in(tmp_path / "class", {"ada": "def f(:", "bob": "1 / 0"})
    flags = (
        "--key",
        class_key,
        "--out",
        tmp_path / "out",
        "--feedback-limit",
        1,
        "--format",
        "junit",
    )
    command = ("grade", folder, *flags)
    ok(*command)
    first = tree(tmp_path / "out")
    assert b"more than the score" not in b"".join(first.values())
    ok(*command)
    assert tree(tmp_path / "out") == first, "graded again, not handed in again"
    (folder / "bob" / "bot.py").write_text("2 / 0")
    ok(*command)
    later = tree(tmp_path / "out")
    assert later["feedback/ada.html"] == first["feedback/ada.html"]
    assert b"told more than the score, and this is number 2" in later["feedback/bob.html"]
    assert b"ZeroDivisionError" not in later["feedback/bob.html"]
    assert b"ZeroDivisionError" in later["results.jsonl"]
    assert "doesn't apply" in ok("grade", folder, "--key", class_key, "--feedback-limit", 1).err
