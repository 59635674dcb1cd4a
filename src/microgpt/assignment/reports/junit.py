"""JUnit XML, as Jenkins, GitLab and most other CI systems read it.

``testsuites`` holds a ``testsuite`` per student with ``tests``, ``failures``, ``errors``,
``skipped`` and ``time``, its ``properties`` (score and points), then a ``testcase`` per check with
``classname`` and ``name``. A check that lost points has a ``failure``; a problem is a ``testcase``
of its own with an ``error``. Times are 0: these bytes don't depend on the clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from microgpt.assignment.reports import shape, text
from microgpt.assignment.result import Check, Result


def render(results: Iterable[Result]) -> str:
    """The XML of all results, with its declaration."""
    suites = [_suite(result) for result in results]
    totals = [sum(counts) for counts in zip(*(counts for counts, _ in suites), strict=True)]
    tests, failures, errors = totals or [0, 0, 0]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="microgpt" tests="{tests}" failures="{failures}" errors="{errors}" '
        'time="0">',
        *(suite for _, suite in suites),
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _suite(result: Result) -> tuple[tuple[int, int, int], str]:
    """Numbers of tests, failures and errors, and the element."""
    student = text.name(result.student)
    cases = [
        _case(student, part, check)
        for part, checks in shape.by_part(result).items()
        for check in checks
    ]
    cases += [
        f'  <testcase classname={_quoted(student)} name="problem {i}" time="0">\n'
        f'    <error message={_quoted(problem)} type="problem"/>\n  </testcase>'
        for i, problem in enumerate(result.problems, 1)
    ]
    failures = sum(not check.passed for check in result.checks)
    counts = (len(cases), failures, len(result.problems))
    points = {
        "score": result.score,
        **{part: shape.counted(result, part) for part in shape.parts(result)},
    }
    if not result.graded:
        points = {}
    told = [
        f'    <property name="{name}" value="{shape.score(value)}"/>'
        for name, value in points.items()
    ]
    told.append(f'    <property name="submission" value={_quoted(text.name(result.submission))}/>')
    head = (
        f'<testsuite name={_quoted(student)} tests="{counts[0]}" failures="{counts[1]}" '
        f'errors="{counts[2]}" skipped="0" time="0">'
    )
    body = ["  <properties>", *told, "  </properties>", *cases]
    return counts, "\n".join([head, *body, "</testsuite>"])


def _case(student: str, part: str, check: Check) -> str:
    head = (
        f"  <testcase classname={_quoted(f'{student}.{text.name(part)}')} "
        f'name={_quoted(text.name(check.name))} time="0"'
    )
    if check.passed:
        return f"{head}/>"
    lines = [text.plain(check.message), *(f"e.g. {text.plain(e)}" for e in check.examples)]
    points = f"{shape.score(check.points)} of {shape.score(check.out_of)}"
    return (
        f"{head}>\n    <failure message={_quoted(points)} type={_quoted(shape.state(check))}>"
        f"{escape(chr(10).join(lines))}</failure>\n  </testcase>"
    )


def _quoted(line: str) -> str:
    """An attribute's value with its quotes."""
    return f'"{escape(text.plain(line), {chr(34): "&quot;"})}"'


def _demo() -> None:
    checks = (Check("common prefixes", "benign", True, 0.9, 36.0, 40.0, 60, "one <i> is refused"),)
    print(render([Result("s1", "bot.py", 36.0, checks)]), end="")


if __name__ == "__main__":
    _demo()
