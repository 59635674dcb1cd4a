"""Attacks on the grader, the points that each gets, and what its page says about it.

    python bench/attacks.py

Grades every bot of tests/attack_bots.py, the forgers of tests/test_evidence.py and the leaking bots
of tests/test_leaks.py with a key, two at a time, and writes the table into notes/grader.md between
its marks. Nothing is compared with a bound here: the tests do that.
"""

from __future__ import annotations

import sys

from common import ROOT

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
import attack_bots  # noqa: E402
import test_evidence  # noqa: E402
import test_leaks  # noqa: E402
from microgpt.assignment.grading.classrun import grade_many  # noqa: E402
from microgpt.assignment.grading.grader import Options, prepare  # noqa: E402
from microgpt.assignment.intake.submissions import Submission  # noqa: E402
from microgpt.assignment.result import Result  # noqa: E402
from microgpt.files import write_atomic  # noqa: E402

NOTES = ROOT / "notes" / "grader.md"
BEGIN, END = "<!-- attacks: python bench/attacks.py -->\n", "<!-- end -->\n"
KINDS = ("spoken", "other_models", "over_blockers")


def main() -> None:
    options = Options(key=b"k" * 32)
    prepared = prepare(options)
    bots = {a.name: a.source for kind in KINDS for a in getattr(attack_bots, kind)()}
    for kind, forgers in test_evidence.FORGERS.items():
        bots.update({f"{kind}: {name}": bot for name, (bot, _) in forgers.items()})
    bots.update({f"leaks: {name}": bot for name, bot in test_leaks.LEAKS.items()})
    submissions = [
        Submission("mutant", "bot.py", bot if isinstance(bot, bytes) else bot.encode())
        for bot in bots.values()
    ]
    rows = ["| attack | points | what the page says |\n", "| --- | ---: | --- |\n"]
    for name, result in zip(bots, grade_many(submissions, options, 2, prepared), strict=True):
        rows.append(f"| {name} | {result.score:g} | {_said(result)} |\n")
        print(rows[-1], end="", flush=True)
    text = NOTES.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    write_atomic(NOTES, f"{before}{BEGIN}\n{''.join(rows)}\n{END}{after}".encode())


def _said(result: Result) -> str:
    """The problems, or else where most points went."""
    if result.problems:
        return " ".join(result.problems[:2]).replace("|", "\\|")
    lost = max(result.checks, key=lambda check: check.out_of - check.points)
    return f"{lost.name}: {lost.message}"


if __name__ == "__main__":
    main()
