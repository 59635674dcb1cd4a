"""A submission is parsed once and its cases are chosen once, however many parts look at them."""

import ast
import pickle
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot_sources import SOLUTION, TEMPLATE, own_template
from class_bank import KEY, prepared_class
from hostile_class import handed_in
from microgpt.assignment import copies
from microgpt.assignment.grading import clarity, classrun, structure
from microgpt.assignment.grading.cases import make_suite
from microgpt.assignment.grading.grader import Options, Prepared
from microgpt.assignment.intake.source import Source
from microgpt.assignment.intake.submissions import Submission, find_submissions, read_submission
from microgpt.assignment.kit.variants import policy, variant
from microgpt.guard.policy import Policy

BOTS = {"ada": SOLUTION, "bob": own_template(hooks=False), "eve": "1 +\n"}
_posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared_class(tmp_path_factory, Options(key=KEY))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[object]:
    """How often each text has been parsed in this process, from now on."""
    for kept in (structure._template, clarity._kit, copies._template):
        kept.cache_clear()
    counts: Counter[object] = Counter()
    real = ast.parse

    def parse(source: Any, *arguments: Any, **named: Any) -> ast.AST:
        counts[source] += 1
        return real(source, *arguments, **named)

    monkeypatch.setattr(ast, "parse", parse)
    return counts


def calls_of(function: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by the arguments of each call, whichever module of the assignment makes it."""
    calls: list[object] = []

    def noted(*arguments: Any, **named: Any) -> object:
        calls.append(arguments)
        return function(*arguments, **named)

    for name, module in list(sys.modules.items()):
        if name.startswith("microgpt.assignment"):
            for own in [own for own, value in vars(module).items() if value is function]:
                monkeypatch.setattr(module, own, noted)
    return calls


@_posix
def test_one_parse_and_one_suite_for_a_submission(
    prepared: Prepared,
    parsed: Counter[object],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    suites, variants = calls_of(make_suite, monkeypatch), calls_of(variant, monkeypatch)
    path = handed_in(tmp_path, {"ada": SOLUTION}) / "ada" / "bot.py"
    assert classrun.grade_one(path, prepared).result.score == 100
    assert parsed == {SOLUTION.encode(): 1, TEMPLATE.encode(): 1}
    assert (len(suites), len(variants)) == (1, 1)


@_posix
def test_as_many_as_there_are_in_a_class(
    prepared: Prepared,
    parsed: Counter[object],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """By the function that a worker calls; the look for copies, in another process, parses anew."""
    suites, reads = calls_of(make_suite, monkeypatch), []
    monkeypatch.setattr(Policy, "read", lambda path: reads.append(path))
    found = find_submissions(handed_in(tmp_path, BOTS))
    rows = [classrun._row(prepared, one, 0) for one in found]
    assert [row.result.student for row in rows if row.lost] == []
    own = {source.encode(): 1 for source in BOTS.values()}
    assert parsed == {**own, TEMPLATE.encode(): 1}
    assert len(suites) == len(BOTS) and reads == []
    parsed.clear()
    copies.of_class(found, prepared.base)
    assert parsed == {**own, TEMPLATE.encode(): 1}
    parsed.clear()
    assert [classrun._fingerprinted(prepared, one, 0) for one in found] == [
        row.fingerprint for row in rows
    ]
    assert not parsed  # what a journal has is known again by its bytes


def test_a_source_is_parsed_when_it_is_asked_and_sent_without_its_tree(
    parsed: Counter[object], tmp_path: Path
) -> None:
    source = Source(b"x = 1\n")
    assert not parsed
    assert source.tree is source.tree is not None
    assert (source.error, source.newer()) == ("", "")
    sent = pickle.loads(pickle.dumps(source))
    assert sent == source and parsed.total() == 1
    assert sent.tree is not None and parsed.total() == 2

    (tmp_path / "bot.py").write_bytes(b"import numpy\n")
    read = read_submission(tmp_path / "bot.py")
    assert read.problems and read.source is not None and read.source.error == ""
    assert parsed[b"import numpy\n"] == 1


def test_a_source_is_that_of_its_bytes() -> None:
    one = Submission("ada", "bot.py", b"1")
    assert one.source == Source(b"1")
    assert Submission("ada", "bot.py", b"2", source=one.source).source == Source(b"2")
    assert Submission("ada", "bot.py", None, source=one.source).source is None
    assert Submission("ada", "bot.py", b"1", source=one.source).source is one.source


def test_a_policy_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = policy()
    monkeypatch.setattr(Policy, "read", None)
    assert policy() is first
