"""A disk that fails at the n-th call, and a command that is killed there.

In both cases nothing is lost, no half file carries a real name, and the same again goes well. A
failure is explained. The calls fail below Python (tests/fault_shim.c): the command and the
libraries that it uses get the answers of a broken or full disk from the system itself, and a kill
needs no timer: it comes before the n-th call, or in the middle of the n-th write. ``make
test-all`` tries a few places of every command, evenly spread; ``make prove`` every one.
"""

import errno
import re
import signal
from collections.abc import Iterator

import pytest

import faulty
from fault_cases import CASES, KEY, Bench
from shared import bank_of

WRITING = [name for name in CASES if name != "sample"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with faulty.commands(tmp_path_factory.mktemp("faults")) as commands:
        commands.warm(bank_of(KEY, tmp_path_factory))
        yield Bench(commands, tmp_path_factory.mktemp("bases"))


def every_fault(bench: Bench, name: str, most: int) -> dict[str, int]:
    """At most so many places for each way to fail; returns how often each came to pass."""
    came: dict[str, int] = {}
    ways = [
        ("one error", errno.EIO, "", False),
        ("a full disk", errno.ENOSPC, faulty.NEEDS_ROOM, True),
    ]
    for way, number, kinds, on in ways:
        for at in faulty.places(bench.calls(name, kinds), most):
            result = bench.strike(name, bench.commands.plan(number, at, kinds, on))
            struck = [call for call in bench.commands.calls() if call.error == number]
            try:
                bench.explained(name, result)
                bench.kept(name, result)
                bench.goes_well(name)
            except AssertionError as error:
                where = struck[0] if struck else None
                error.add_note(f"{name}, {way} at call {at}: {where and (where.kind, where.path)}")
                raise
            came[way] = came.get(way, 0) + bool(struck)
    return came


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CASES))
def test_a_disk_that_fails_here_and_there(bench: Bench, name: str) -> None:
    came = every_fault(bench, name, 5)
    assert came["one error"] >= 4
    assert name == "sample" or came["a full disk"] >= 2


@pytest.mark.prove
@pytest.mark.parametrize("name", list(CASES))
def test_a_disk_that_fails_at_every_call(bench: Bench, name: str) -> None:
    came = every_fault(bench, name, 10**6)
    assert came["one error"] >= bench.calls(name) - 2
    print(f"{name}: {came}")


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITING)
def test_writes_that_take_half_of_what_they_get(bench: Bench, name: str) -> None:
    result = bench.strike(name, bench.commands.plan("short", 1, "write", on=True))
    assert result.code == 0, result.err
    bench.goes_well(name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("graded/out/class.csv", "Can't read graded/out/class.csv"),
        ("class/submission_metadata.yml", "and it says whose each folder is"),
        ("class/submission_1/bot.py", "note: ada: not compared with the others"),
        ("graded/out/copies.csv", "Can't remove graded/out/copies.csv"),
    ],
)
def test_what_grade_cannot_read_or_remove_it_names(bench: Bench, file: str, says: str) -> None:
    name = "grade class"
    bench.straight(name)
    kinds = ("open", "unlink")
    calls = enumerate(bench.counts[name], 1)
    at = next(i for i, call in calls if call.kind in kinds and call.path.endswith(f"/{file}"))
    result = bench.strike(name, bench.commands.plan(errno.EIO, at))
    assert says in result.err
    bench.explained(name, result)
    bench.kept(name, result)
    bench.goes_well(name)


# ---------------------------------------------------------------- kills


def killed(bench: Bench, name: str, at: int) -> bool:
    """Kill the command at this call, then do what its user does; whether the kill came."""
    result = bench.strike(name, bench.commands.plan("kill", at))
    assert result.code in (0, -signal.SIGKILL), (result.code, result.err)
    bench.kept(name, result)
    bench.goes_well(name)
    if CASES[name].run:
        assert faulty.leftovers(bench.commands.root) == []
    return result.code != 0


def kills(bench: Bench, name: str, most: int) -> int:
    """At most so many kills, all but one or two of which come: timing may save a log's line."""
    places = faulty.places(bench.calls(name), most)
    came = 0
    for at in places:
        try:
            came += killed(bench, name, at)
        except AssertionError as error:
            error.add_note(f"{name}, killed at call {at}: {bench.counts[name][at - 1]}")
            raise
    assert came >= len(places) - 2
    return came


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITING)
def test_kills_here_and_there(bench: Bench, name: str) -> None:
    kills(bench, name, 6 if CASES[name].run else 3)


@pytest.mark.prove
@pytest.mark.parametrize("name", WRITING)
def test_kills_at_every_call(bench: Bench, name: str) -> None:
    print(f"{name}: {kills(bench, name, 10**6)} kills")


@pytest.mark.slow
def test_a_process_of_its_own_is_killed_as_well(bench: Bench) -> None:
    """What forks for every command behaves as a command that is started from nothing."""
    name, commands = "train", bench.commands
    at = bench.calls(name) // 2
    commands.begin(bench.base)
    result = commands.process(*CASES[name].command, plan=commands.plan("kill", at))
    assert result.code == -signal.SIGKILL
    told = [(call.kind, call.error) for call in commands.calls()]
    assert told == [(call.kind, call.error) for call in bench.counts[name][: len(told)]]
    assert at - 1 <= len(told) <= at
    bench.kept(name, result)
    bench.goes_well(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITING)
def test_what_a_killed_writer_leaves_is_swept_by_the_next_start(bench: Bench, name: str) -> None:
    """Killed as the finished file or folder is about to get its name."""
    bench.straight(name)
    temporary = re.compile(r"/\.(tmp-step-|tmp-new|tmp-old|tmp-site|tmp-class|site-)[^/]*(/site)?")
    named = [
        number
        for number, call in enumerate(bench.counts[name], 1)
        if call.kind == "rename" and temporary.search(call.path)
    ]
    at = named[-1]
    bench.strike(name, bench.commands.plan("kill", at))
    assert faulty.leftovers(bench.commands.root)
    bench.goes_well(name)
    assert faulty.leftovers(bench.commands.root) == []
