"""GitHub Classroom: the result that its autograding reporter reads, and a workflow that makes it.

The reporter (classroom-resources/autograding-grading-reporter, v1) takes a base64 JSON object from
each step's output ``result``::

    {"version": 1, "status": "pass" | "fail" | "error", "max_score": 100,
     "tests": [{"name", "status", "score", "message", "test_code", "filename", "line_no",
                "execution_time"}, …]}

It adds up the scores of the tests, so the first test carries the whole score and the others,
one per check, carry 0: gated points couldn't be told otherwise, and a sum of cents would end in
…999. Students can read and change the workflow in their own repository: no key belongs there, the
cases are the public ones, and a teacher who needs a score to rely on grades again at home.
"""

from __future__ import annotations

import base64
from typing import Any

from microgpt.assignment.reports import shape, text
from microgpt.assignment.result import Result
from microgpt.files import dump_json

WORKFLOW_PATH = ".github/workflows/classroom.yml"
"""Where the workflow belongs in the template repository of the assignment."""


def render(result: Result) -> dict[str, Any]:
    """The object before it is encoded."""
    told = [text.plain(problem) for problem in result.problems]
    told += [line for line in (shape.gate_line(result),) if line]
    told += [text.plain(result.how)] if result.how else []
    passed = not result.problems and all(check.passed for check in result.checks)
    score = f"{shape.score(result.score)} of {shape.OUT_OF:g}" if result.graded else "not graded"
    tests = [_test(f"score: {score}", passed, round(result.score, 2), " ".join(told) or score)]
    for checks in shape.by_part(result).values():
        for check in checks:
            points = f"{shape.score(check.points)} of {shape.score(check.out_of)}: "
            message = (points if check.out_of else "") + text.plain(check.message)
            tests.append(_test(shape.full_name(check), check.passed, 0, message))
    status = "pass" if passed else "fail" if result.checks else "error"
    return {"version": 1, "status": status, "max_score": round(shape.OUT_OF), "tests": tests}


def encode(result: Result) -> str:
    """The object as the step's output: JSON in base64, on one line."""
    return base64.b64encode(dump_json(render(result)).encode("ascii")).decode("ascii")


def _test(name: str, passed: bool, score: float, message: str) -> dict[str, Any]:
    return {
        "name": name,
        "status": "pass" if passed else "fail",
        "score": score,
        "message": message,
        "test_code": "",
        "filename": "bot.py",
        "line_no": 0,
        "execution_time": "0s",
    }


def workflow(version: str) -> str:
    """The workflow file; ``version``: the microgpt to install, such as 0.1.0."""
    version = "".join(char for char in version if char.isalnum() or char in ".+-")
    return f"""\
# Grades the submission at every push, with the public cases only: no key is needed here.
name: Autograding Tests
on:
  - push
  - workflow_dispatch
permissions:
  checks: write
  actions: read
  contents: read
jobs:
  run-autograding-tests:
    runs-on: ubuntu-latest
    if: github.actor != 'github-classroom[bot]'
    steps:
      - name: Check out the code
        uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install "microgpt=={version}"
      - name: Grade
        id: microgpt
        timeout-minutes: 10
        run: |
          microgpt grade . --out graded --format classroom
          echo "result=$(cat graded/classroom/*.txt)" >> "$GITHUB_OUTPUT"
      - name: Report
        uses: classroom-resources/autograding-grading-reporter@v1
        env:
          MICROGPT_RESULTS: ${{{{steps.microgpt.outputs.result}}}}
        with:
          runners: microgpt
"""


def _demo() -> None:
    result = Result("s1", "bot.py", 0.0, (), problems=("There is no bot.py.",))
    print(dump_json(render(result), indent=1))
    print(f"{len(encode(result))} characters of base64")


if __name__ == "__main__":
    _demo()
