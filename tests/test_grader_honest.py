"""Correct work by students keeps its points, however unusual it looks."""

import pytest

from class_bank import KEY, prepared_class
from honest_bots import PLAIN, honest_bots
from honest_parts import Honest
from microgpt.assignment.grading.grader import Options, Prepared, grade
from microgpt.assignment.intake.submissions import Submission
from microgpt.assignment.result import Result

_PARTS = 4  # so that processes can share the bots out
_CLARITY = 10  # points that a person confirms; all others are for what a bot does


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared_class(tmp_path_factory, Options(key=KEY))


def test_bots_differ() -> None:
    bots = honest_bots()
    assert len(bots) >= 40
    assert len({bot.name for bot in bots}) == len({bot.bot for bot in bots}) == len(bots)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(_PARTS))
def test_honest_work_keeps_its_points(prepared: Prepared, part: int) -> None:
    bots = [bot for bot in honest_bots() if bot.name not in PLAIN]
    keep_their_points(bots[part::_PARTS], prepared)


@pytest.mark.prove
def test_plain_work_keeps_its_points_in_a_sandbox_too(prepared: Prepared) -> None:
    bots = [bot for bot in honest_bots() if bot.name in PLAIN]
    assert len(bots) == len(PLAIN)
    keep_their_points(bots, prepared)


def keep_their_points(bots: list[Honest], prepared: Prepared) -> None:
    wrong = []
    for i, bot in enumerate(bots):
        submission = Submission(f"student {i}", "bot.py", bot.bot)
        wrong += _lost(bot, grade(submission, prepared.options, prepared))
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
    result = grade(submission, prepared.options, prepared)
    assert any("prefixes that lead" in line for line in _lost(bot, result)), result
