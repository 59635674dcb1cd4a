"""How much of a verdict its student is told: all, no examples, or the score alone.

What a student sees may be searched for hidden cases by handing in again and again. A teacher can
tell less, or tell less from some submission on; what the teacher gets is always whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from microgpt.assignment.reports.shape import ONLY, OUT_OF
from microgpt.assignment.result import Check, Result
from microgpt.errors import CheckpointError, InputError
from microgpt.files import dump_json, parse_json, read_bytes, write_atomic

LEVELS = ("nothing", "categories", "examples")
"""nothing: the score, and problems of the files' form. categories: no examples of cases either."""

MOST_LIMIT = 10_000
_REMEDY = "Remove it to count from here on, or put an older copy back."


def check_level(level: str) -> None:
    """Raise ``InputError`` for a level that isn't there."""
    if level not in LEVELS:
        raise InputError(f"feedback is {level!r}, must be one of {', '.join(LEVELS)}.")


def check_limit(limit: int | None) -> None:
    """Raise ``InputError`` for a number of submissions that can't be a limit."""
    if limit is not None and not 1 <= limit <= MOST_LIMIT:
        raise InputError(
            f"feedback-limit is {limit:,}, must be from 1 to {MOST_LIMIT:,}.",
            "To show only the score from the first submission on: --feedback nothing.",
        )


def told(result: Result, level: str, limit: int | None = None, number: int | None = None) -> Result:
    """The result as its student is to see it.

    ``limit``: how many submissions of a student get more than the score. ``number``: which of
    the student's submissions this is, from 1; without one the limit doesn't apply.
    """
    check_level(level)
    why = "graded; what was checked isn't shown"
    if limit is not None and number is not None and number > limit:
        level = "nothing"
        why = (
            f"graded; only the first {limit} submissions are told more than the score, and this is "
            f"number {number}"
        )
    if level == "examples":
        return result
    if level == "categories":
        return replace(result, checks=tuple(replace(c, examples=()) for c in result.checks))
    share = result.score / OUT_OF
    score = Check(ONLY, ONLY, False, share, result.score, OUT_OF, 0, why)
    return replace(
        result,
        checks=(score,) if result.checks else (),
        gated=0.0,
        problems=result.problems[: result.form],
        confirm=(),
        leak=None,
        refused=None,
    )


# ---------------------------------------------------------------- which submission it is


@dataclass
class Counts:
    """The submissions that each student of a class has handed in so far, told apart by content.

    The same one graded again keeps its number, so that a run that is repeated counts nothing.
    """

    path: Path
    students: dict[str, list[str]]

    @classmethod
    def beside(cls, out_dir: Path) -> Counts:
        """Those in ``DIR.counts.json`` beside a directory; none where there is no such file.

        Raises ``FileError`` if it can't be read, ``CheckpointError`` for one that isn't ours.
        """
        whole = out_dir.absolute()
        path = whole.with_name(f"{whole.name}.counts.json")
        if not path.exists():
            return cls(path, {})
        raw = parse_json(read_bytes(path, 2**26), str(path), _REMEDY)
        students = raw.get("students") if isinstance(raw, dict) else None
        if not isinstance(students, dict) or not all(
            isinstance(some, list) and all(isinstance(one, str) for one in some)
            for some in students.values()
        ):
            raise CheckpointError(f"{path} is not a count of submissions.", _REMEDY)
        return cls(path, students)

    def number(self, student: str, content: str) -> int | None:
        """Which of the student's submissions this is, from 1; a new one is counted.

        None for an empty ``content``: nothing that could be graded was handed in.
        """
        if not content:
            return None
        known = self.students.setdefault(student, [])
        if content not in known:
            known.append(content)
        return known.index(content) + 1

    def write(self) -> None:
        """Put the counts on the disk, whole or not at all. Raises ``FileError``."""
        data = {"students": dict(sorted(self.students.items()))}
        write_atomic(self.path, (dump_json(data, indent=1) + "\n").encode("ascii"))


def number_at_gradescope(facts: object) -> int | None:
    """Which submission it is, from Gradescope's submission_metadata.json as it was parsed.

    That file lists the student's earlier ones under ``previous_submissions``; None without a list.
    """
    before = facts.get("previous_submissions") if isinstance(facts, dict) else None
    return len(before) + 1 if isinstance(before, list) else None


def no_count(limit: int) -> str:
    """What to say where a limit can't be applied."""
    return (
        f"There is no count of a student's submissions here: the feedback limit of {limit:,} "
        "doesn't apply."
    )


def _demo() -> None:
    checks: Sequence[Check] = (Check("a", "benign", False, 0.5, 20.0, 40.0, 9, "half", ("'j'",)),)
    result = Result("s1", "bot.py", 20.0, tuple(checks), problems=("It crashed.",))
    for level in LEVELS:
        shown = told(result, level)
        print(f"{level:<11} {shown.checks[0].message}, e.g. {shown.checks[0].examples}")


if __name__ == "__main__":
    _demo()
