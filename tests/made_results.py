"""Results of grading, made by hand for the tests of reports."""

import itertools

from microgpt.assignment.result import Check, Result


def result_of(words: list[str], score: float = 47.25) -> Result:
    """A result with the words wherever a student or a case can put one."""
    w = itertools.cycle(words)
    checks = (
        Check(next(w), "benign", True, 0.5, 20.0, 40.0, 60, next(w), (next(w), next(w))),
        Check(next(w), "adversarial", False, 0.6, 24.0, 40.0, 30, next(w), (next(w),)),
        Check(next(w), "filter", True, 1.0, 10.0, 10.0, 1, next(w)),
        Check(next(w), "clarity", False, 0.25, 2.5, 10.0, 0, next(w)),
        Check(next(w), "protocol", False, 0.0, 0.0, 0.0, 7, next(w), (next(w),)),
        Check(next(w), "structure", False, 1.0, 0.0, 0.0, 0, next(w)),
    )
    return Result(
        next(w), next(w), score, checks, 0.0, (next(w), next(w)), (next(w),), (next(w),), 0.01,
        0.125, next(w),
    )  # fmt: skip


PLAIN = result_of(["word"])
