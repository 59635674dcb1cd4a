"""Correct work by students keeps its points, however unusual it looks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from honest_bots import honest_bots
from honest_parts import Honest
from microgpt.assignment.grading.classrun import grade_many
from microgpt.assignment.grading.grader import Options, Prepared, prepare
from microgpt.assignment.intake.submissions import Submission
from microgpt.assignment.result import Result
from shared import once

KEY = b"h" * 32
_PARTS = 4  # so that processes can share the bots out
_CLARITY = 10  # points that a person confirms; all others are for what a bot does


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """The class's cases; the first process computes them, the others read what it kept."""
    options = Options(key=KEY)
    with pytest.MonkeyPatch.context() as patch:

        def compute(folder: Path) -> None:
            patch.setenv("MICROGPT_CACHE", str(folder))
            prepare(options)

        patch.setenv("MICROGPT_CACHE", str(once(tmp_path_factory, "honest", compute)))
        yield prepare(options)


def test_bots_differ() -> None:
    bots = honest_bots()
    assert len(bots) >= 40
    assert len({bot.name for bot in bots}) == len({bot.bot for bot in bots}) == len(bots)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(_PARTS))
def test_honest_work_keeps_its_points(prepared: Prepared, part: int) -> None:
    bots = honest_bots()[part::_PARTS]
    submissions = [Submission(f"student {i}", "bot.py", bot.bot) for i, bot in enumerate(bots)]
    results = grade_many(submissions, prepared.options, 2, prepared)
    wrong = [line for bot, result in zip(bots, results, strict=True) for line in _lost(bot, result)]
    assert not wrong, "\n".join(wrong)


def _lost(bot: Honest, result: Result) -> list[str]:
    """What a bot lost, if it is too much."""
    done = result.score - result.points("clarity")
    accused = [problem for problem in result.problems if "banned" in problem or "don't" in problem]
    if result.score >= bot.least and done >= 100 - _CLARITY - 0.5 and not accused:
        return []
    checks = [
        f"    {c.part}, {c.name}: {c.points:g} of {c.out_of:g}, {c.message}"
        for c in result.checks
        if not c.passed
    ]
    return [f"{bot.name}: {result.score}, not {bot.least}", *checks, *map("    {}".format, accused)]


@pytest.mark.slow
def test_a_bot_that_lacks_a_beginning_is_told(prepared: Prepared) -> None:
    """The bar above can be missed: a head list without one of the common beginnings."""
    bot = next(bot for bot in honest_bots() if bot.name == "methods of strings only")
    source = bot.bot
    for head in (b'"grap",', b'"lemo",', b'"melo",'):
        assert source.count(head) == 1
        source = source.replace(head, b"")
    submission = Submission("student", "bot.py", source)
    (result,) = grade_many([submission], prepared.options, 1, prepared)
    assert any("prefixes that lead" in line for line in _lost(bot, result)), result
