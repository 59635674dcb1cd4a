"""Gradescope's results.json, as its autograder specification describes the file.

Keys used: ``score``, ``output``, ``output_format``, ``test_output_format``, ``test_name_format``,
``visibility``, ``stdout_visibility``, ``extra_data`` and ``tests``, each with ``name``, ``output``,
``visibility``, ``status``, and ``score`` and ``max_score`` where there are points. All text is of
the format "text", so that Gradescope shows it and reads nothing into it.
"""

from __future__ import annotations

from typing import Any

from microgpt.assignment.reports import shape, text
from microgpt.assignment.result import PARTS, Check, Result

VISIBILITY = ("visible", "hidden", "after_due_date", "after_published")


def render(
    result: Result,
    hidden: str = "after_published",
    *,
    whole: Result | None = None,
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The whole file. ``hidden``: who sees the checks made from secret cases, of ``VISIBILITY``.

    The score stands at the top, for it isn't the sum of the tests where points don't count; where
    nothing could be graded there is none, and Gradescope shows that there is no verdict. What
    concerns the teacher alone (what to confirm, what wasn't isolated, ``notes``) is in hidden
    tests. ``whole``: the verdict of which ``result`` is what the student may be told; the rest of
    it is in hidden tests as well.
    """
    assert hidden in VISIBILITY, hidden
    whole = result if whole is None else whole
    tests = _tests(result, hidden)
    if not result.graded:
        why = {"name": "Not graded", "output": _lines(result.problems)}
        tests.append({**why, "visibility": "visible", "status": "failed"})
    problems: tuple[str, ...] = ()
    if whole != result:
        problems = whole.problems
        tests += [
            {**test, "name": f"For the teacher: {test['name']}"} for test in _tests(whole, "hidden")
        ]
    for title, lines in (
        ("For the teacher: problems", problems),
        ("For the teacher: to be confirmed", whole.confirm),
        ("For the teacher: not isolated while grading", whole.isolation),
        ("For the teacher: feedback", notes),
    ):
        if lines:
            tests.append(
                {"name": title, "output": _lines(lines), "visibility": "hidden", "status": "passed"}
            )
    extra: dict[str, Any] = {"version": text.plain(result.version, text.NAME)}
    if result.leak is not None and result.refused is not None:
        extra.update(leak=result.leak, refused=result.refused)
    score = {"score": round(result.score, 2)} if result.graded else {}
    return {
        **score,
        "output": _output(result),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": extra,
        "tests": tests,
    }


def broken(message: str) -> dict[str, Any]:
    """What to write where grading itself failed: no score, so that nobody takes it for a verdict.

    Gradescope then shows the submission as one that the autograder couldn't grade.
    """
    return {
        "output": text.plain(message),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [],
    }


def _tests(result: Result, hidden: str) -> list[dict[str, Any]]:
    tests = [
        _test(result, part, check, hidden)
        for part, checks in shape.by_part(result).items()
        for check in checks
    ]
    return [{**test, "visibility": "hidden"} for test in tests] if hidden == "hidden" else tests


def _test(result: Result, part: str, check: Check, hidden: str) -> dict[str, Any]:
    lines = [shape.about(check)]
    lines += [f"e.g. {text.plain(example)}" for example in check.examples]
    if result.gated and part in shape.GATED:
        lines.append("These points don't count in the score.")
    test: dict[str, Any] = {
        "name": shape.full_name(check),
        "output": "\n".join(lines),
        "visibility": hidden if check.hidden else "visible",
        "status": "passed" if check.passed else "failed",
    }
    if check.out_of:
        test.update(score=round(check.points, 4), max_score=round(check.out_of, 4))
    return test


def _output(result: Result) -> str:
    how = [text.plain(result.how)] if result.how else []
    lines = [f"Problem: {text.plain(problem)}" for problem in result.problems]
    if not result.graded:
        return "\n".join(["Not graded: no points were given or taken.", *lines, *how])
    lines += [
        f"{shape.TITLES[part]}: {shape.score(result.points(part))} of {PARTS[part]:g}"
        for part in shape.parts(result)
    ]
    lines += [line for line in (shape.gate_line(result), shape.frontier_line(result)) if line]
    lines += [f"To try next: {line}" for line in shape.advice(result)]
    lines += how
    return "\n".join(lines)


def _lines(lines: tuple[str, ...]) -> str:
    return "\n".join(text.plain(line) for line in lines)


def _demo() -> None:
    import json

    checks = (Check("common prefixes", "benign", True, 0.9, 36.0, 40.0, 60, "one is refused"),)
    print(json.dumps(render(Result("s1", "bot.py", 36.0, checks)), indent=1))


if __name__ == "__main__":
    _demo()
