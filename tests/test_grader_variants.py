"""No variant is harder than another: the same bot gets the same points from every student's cases.

Bots are asked in this process (``hooks_in_process``), by the grader's own cases and rubric, with a
program that does what its hooks say. What the sandbox adds to that has no part in difficulty.
"""

import functools
import hashlib
import statistics
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot_sources import SOLUTION
from class_bank import KEY, prepared_class
from honest_bots import PLAIN, honest_bots
from honest_parts import FRUITS, HEADS
from hooks_in_process import REASON, Bot, InProcess
from microgpt.assignment.grading.cases import Suite, make_suite
from microgpt.assignment.grading.checks import ask_hooks
from microgpt.assignment.grading.clarity import Clarity
from microgpt.assignment.grading.grader import Options, Prepared, prepare
from microgpt.assignment.grading.program import MARKS, ProgramFindings
from microgpt.assignment.grading.rubric import Findings, checks_of, score
from microgpt.assignment.grading.structure import Structure
from microgpt.assignment.kit.variants import variant
from microgpt.data import bundled
from microgpt.opening import engine_for
from shared import once

KEYS = (KEY, b"i" * 32, b"j" * 32)
_FEW, _ALL = 8, 200  # variants
_WHOLE, _HALF = 0.1, 0.5  # standard deviations of points
_KEPT = 0.5  # points that a correct bot's behaviour may differ by


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes], Prepared]]:
    """The cases of a class by its key; each computed by the process that needs it first."""
    with pytest.MonkeyPatch.context() as patch:

        @functools.cache
        def of(key: bytes) -> Prepared:
            if key == KEY:
                return prepared_class(tmp_path_factory, Options(key=key))

            def compute(folder: Path) -> None:
                patch.setenv("MICROGPT_CACHE", str(folder))
                prepare(Options(key=key))

            name = f"variants-{key[0]}"
            patch.setenv("MICROGPT_CACHE", str(once(tmp_path_factory, name, compute)))
            return prepare(Options(key=key))

        yield of


class Course:
    """The variants of a class, and what a bot gets in each of them."""

    def __init__(self, prepared: Prepared, key: bytes, variants: int) -> None:
        self._prepared, self._engine = prepared, engine_for(prepared.opened)
        self.suites = [
            make_suite(prepared.bank, variant(f"student {i}", key)) for i in range(variants)
        ]

    def points(self, bot: Bot) -> list[float]:
        """Scores of 100, the full points for clarity in them."""
        process = InProcess(bot)
        return [self._points(bot, process, suite) for suite in self.suites]

    def _points(self, bot: Bot, process: InProcess, suite: Suite) -> float:
        hooks = ask_hooks(process, suite, self._writes, self._prepared.bank.words)
        findings = Findings(
            hooks, self._program(bot), Structure(template=True), Clarity(2, 2, 2, 9, 99)
        )
        return score(checks_of(findings, suite))[0]

    def _writes(self, prefixes: Iterable[str]) -> dict[str, tuple[str, ...]]:
        some, tries = list(dict.fromkeys(prefixes)), self._prepared.tries
        tries.fill(self._engine, self._prepared.opened.tokenizer, some)
        return {prefix: tries.known[prefix] for prefix in some}

    def _program(self, bot: Bot) -> ProgramFindings:
        """A program around the hooks that does all that it should; the twin finds what they let."""
        twin = self._prepared.twin
        sure = [line for line in twin.sure if bot.request([line.prefix]) is None]
        leaky = [line for line in twin.leaky if bot.request([line.prefix]) is None]
        return ProgramFindings(
            marks=dict.fromkeys(MARKS, 1.0),
            hopeless=len(twin.sure),
            passed=sum(bool(bot.name(line.word)) for line in sure),
            twins=2 * len(leaky),
            leaked=sum(bool(bot.name(line.word)) for line in leaky),
            tried=True,
        )


# ---------------------------------------------------------------- bots


def _holds(text: str) -> bool:
    return any(fruit in text for fruit in FRUITS)


def _leads(text: str) -> bool:
    return _holds(text) or text.endswith(HEADS)


def _chosen(text: str) -> bool:
    """Half of all texts."""
    return hashlib.sha256(text.encode()).digest()[0] < 128


def _refusing(bad: Callable[[str], bool]) -> Callable[[list[str]], str | None]:
    return lambda prefixes: REASON if any(map(bad, prefixes)) else None


def _free(name: str) -> bool:
    return not _holds(name)


def _hooks_of(source: str | bytes) -> Bot:
    """The hooks of one of our own bots."""
    values: dict[str, Any] = {"__name__": "bot", "__file__": str(bundled("data/kit/bot.py"))}
    exec(compile(source, "bot.py", "exec", dont_inherit=True), values)
    return Bot(values["is_safe_request"], values["is_safe_name"])


def whole_kinds() -> dict[str, Bot]:
    """Right or wrong on whole kinds of requests."""
    return {
        "reference": _hooks_of(SOLUTION),
        "whole fruits anywhere": Bot(_refusing(_holds), _free),
        "whole words only": Bot(_refusing(lambda p: p in FRUITS), _free),
        "nothing refused, perfect filter": Bot(lambda _: None, _free),
        "everything refused": Bot(lambda _: REASON, _free),
        "no overlaps": Bot(_refusing(lambda p: _holds(p) or p in HEADS), _free),
        "first of several only": Bot(lambda ps: _refusing(_leads)(ps[:1]), _free),
        "no filter": Bot(_refusing(_leads), lambda _: True),
        "nothing at all": Bot(lambda _: None, lambda _: True),
    }


def halves() -> dict[str, Bot]:
    """Right about what is bad, but for half of all names as well."""
    return {
        "by the whole": Bot(_refusing(lambda p: _leads(p) or (len(p) > 3 and _chosen(p))), _free),
        "every other request": Bot(_refusing(lambda p: _leads(p) or _chosen(p)), _free),
        "by the first letter": Bot(_refusing(lambda p: _leads(p) or "a" <= p[:1] <= "j"), _free),
        "by the first two": Bot(
            _refusing(lambda p: _leads(p) or (len(p) > 3 and _chosen(p[:2]))), _free
        ),
        "by the length": Bot(_refusing(lambda p: _leads(p) or len(p) > 6), _free),
        "by the filter": Bot(_refusing(_leads), lambda n: _free(n) and _chosen(n)),
        "by the filter's first letter": Bot(_refusing(_leads), lambda n: _free(n) and n > "k"),
    }


_FEW_WHOLE = ("whole fruits anywhere", "no overlaps", "first of several only")
_FEW_HALVES = ("by the whole", "by the first two")


# ---------------------------------------------------------------- tests


def _spread(course: Course, bots: dict[str, Bot], most: float) -> list[str]:
    """What each bot's points vary by, where it is too much."""
    found = []
    for name, bot in bots.items():
        points = course.points(bot)
        deviation = statistics.pstdev(points)
        told = f"{name}: {deviation:.3f}, from {min(points):g} to {max(points):g}"
        print(told)
        if deviation > most:
            found.append(told)
    return found


def _changed(course: Course, bots: dict[str, Bot]) -> list[str]:
    """Correct bots that lose behaviour's points somewhere."""
    return [
        f"{name}: {min(points):g} to {max(points):g}"
        for name, points in ((name, course.points(bot)) for name, bot in bots.items())
        if not 100 - _KEPT <= min(points) <= max(points) <= 100
    ]


def _correct() -> dict[str, Bot]:
    """The honest bots that have hooks to ask, but for those that take the model's time for it."""
    bots = {}
    for bot in honest_bots():
        program = bot.name.startswith(("own template", "input()"))
        if not program and not bot.name.startswith(("measures", "tries out", "tests itself")):
            bots[bot.name] = _hooks_of(bot.bot)
    assert len(bots) >= 40
    return bots


@pytest.mark.slow
def test_points_hardly_vary(classes: Callable[[bytes], Prepared]) -> None:
    course = Course(classes(KEYS[0]), KEYS[0], _FEW)
    few = {name: bot for name, bot in whole_kinds().items() if name in _FEW_WHOLE}
    some = {name: bot for name, bot in halves().items() if name in _FEW_HALVES}
    assert not _spread(course, few, _WHOLE) + _spread(course, some, _HALF)


@pytest.mark.slow
def test_a_half_of_the_fruits_varies_more(classes: Callable[[bytes], Prepared]) -> None:
    """What is measured here can be seen: who knows one word of each pair depends on the kit."""
    course = Course(classes(KEYS[0]), KEYS[0], _FEW)
    half = Bot(_refusing(lambda p: _leads(p) and _chosen(p)), _free)
    assert _spread(course, {"half": half}, _WHOLE)


@pytest.mark.slow
def test_correct_bots_keep_their_points(classes: Callable[[bytes], Prepared]) -> None:
    """The plain ones; the others are in a sandbox then (test_grader_honest)."""
    course = Course(classes(KEYS[0]), KEYS[0], 1)
    plain = {name: bot for name, bot in _correct().items() if name in PLAIN}
    assert len(plain) == len(PLAIN)
    assert not _changed(course, plain)


@pytest.mark.prove
def test_points_hardly_vary_over_two_hundred_variants(
    classes: Callable[[bytes], Prepared],
) -> None:
    course = Course(classes(KEYS[0]), KEYS[0], _ALL)
    assert not _spread(course, whole_kinds(), _WHOLE) + _spread(course, halves(), _HALF)


@pytest.mark.prove
@pytest.mark.parametrize("key", KEYS)
def test_correct_bots_keep_their_points_over_two_hundred_variants(
    classes: Callable[[bytes], Prepared], key: bytes
) -> None:
    assert not _changed(Course(classes(key), key, _ALL // len(KEYS) + 1), _correct())
