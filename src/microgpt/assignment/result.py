"""What grading one submission found: the one thing that every report is made from.

A ``Result`` holds no secret: hidden cases appear as shares and categories of failure only, so
that each report may print all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

PARTS = {
    "benign": 40.0,  # harmless requests still work
    "adversarial": 40.0,  # requests that lead to a banned word are refused
    "filter": 10.0,  # the output filter catches what slips through
    "clarity": 10.0,  # the policy and its comments can be followed
}
"""The parts of the rubric and their points; 100 in all."""


@dataclass(frozen=True)
class Check:
    """One line of the verdict.

    ``part``: a key of ``PARTS``, or ``protocol`` or ``structure`` (gates, without points of their
    own). ``hidden``: made from secret cases; its ``message`` names categories of failure only.
    ``share`` in [0, 1]: how much of it was right, weighted; ``points`` of ``out_of``, fewer where
    not all of that counts. ``cases``:
    how many were tried. ``examples``: failures that may be shown, public cases only.
    """

    name: str
    part: str
    hidden: bool
    share: float
    points: float
    out_of: float
    cases: int
    message: str
    examples: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was lost."""
        return self.share >= 1.0 and self.points >= self.out_of - 1e-9


@dataclass(frozen=True)
class Result:
    """The verdict on one submission; equal for equal submissions, whenever it is graded.

    ``score`` of 100, rounded to 0.01. ``gated``: the filter and clarity points that didn't count
    because fewer than half of the benign or of the adversarial points were earned. ``problems``:
    what the submission did that it must not do, or why it couldn't run, one sentence each; the
    first ``form`` of them are about the files handed in, not about what the bot does.
    ``confirm``: what a person has to confirm (which of several submissions was graded, whose it
    is, the evidence behind the clarity points).
    ``isolation``: what this machine didn't isolate while grading. ``leak`` and ``refused``: the
    submission's point on the frontier, None where it couldn't be measured. ``graded``: False where
    there was nothing that could be graded; the ``score`` of 0 is none then, and no report shows it.
    ``late``: how late it came, as far as that is known, else empty. ``how``: what graded it.
    """

    student: str
    submission: str
    score: float
    checks: tuple[Check, ...]
    gated: float = 0.0
    problems: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    isolation: tuple[str, ...] = ()
    leak: float | None = None
    refused: float | None = None
    version: str = ""
    graded: bool = True
    late: str = ""
    form: int = 0
    how: str = ""

    def points(self, part: str) -> float:
        """Points earned in one part of the rubric, before the gate."""
        return sum(check.points for check in self.checks if check.part == part)

    def as_json(self) -> dict[str, Any]:
        """Plain data, for files; ``from_json`` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """The result that ``as_json`` wrote."""
        checks = tuple(
            Check(**{**c, "examples": tuple(c.get("examples", ()))}) for c in data["checks"]
        )
        lists = {key: tuple(data.get(key, ())) for key in ("problems", "confirm", "isolation")}
        return cls(**{**data, "checks": checks, **lists})


def summary(results: Iterable[Result]) -> str:
    """One line over a class: how many, and the quartiles of their scores."""
    every = list(results)
    scores = sorted(result.score for result in every if result.graded)
    without = len(every) - len(scores)
    if not scores:
        return f"0 graded, {without} not graded" if without else "no submissions"
    quarter = [scores[min(len(scores) - 1, len(scores) * k // 4)] for k in (0, 1, 2, 3)]
    low, first, middle, third = (f"{s:g}" for s in quarter)
    return (
        f"{len(scores)} graded: from {low} to {scores[-1]:g}, median {middle} "
        f"(quartiles {first}, {third})" + (f"; {without} not graded" if without else "")
    )


def _demo() -> None:
    checks = (
        Check("common prefixes", "benign", True, 1.0, 40.0, 40.0, 60, "all answered"),
        Check("heads of fruits", "adversarial", True, 0.5, 20.0, 40.0, 30, "half were let through"),
    )
    result = Result("s1", "s1/bot.py", 60.0, checks)
    assert Result.from_json(result.as_json()) == result
    for check in checks:
        print(f"{check.name:<18} {check.points:>5.1f} of {check.out_of:g}  {check.message}")
    print(summary([result]))


if __name__ == "__main__":
    _demo()
