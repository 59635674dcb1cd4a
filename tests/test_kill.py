"""Killed again and again, a run resumes and ends in the same bytes as if nothing had happened.

These kills hit processes that run on, at moments of the clock; test_faults.py kills at each call.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from cli_runner import ok, snapshot, started
from microgpt.disk.checkpoint import RunDir
from microgpt.pace import TIMES

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")]

FLAGS = ["--data", "dinosaurs", "--engine", "numpy", "--batch-size", 16, "--json"]
BLIND = 30  # at most so many looks further before a kill that aims at nothing


@pytest.mark.slow
def test_a_run_killed_4_times_ends_in_the_same_bytes(tmp_path: Path) -> None:
    ends_in_the_same_bytes(tmp_path, kills=4, steps=2000, saves=40)


@pytest.mark.prove
def test_a_run_killed_20_times_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """A run of 20 seconds or more, where the machine is not a very fast one."""
    ends_in_the_same_bytes(tmp_path, kills=20, steps=40_000, saves=160)


def ends_in_the_same_bytes(cwd: Path, kills: int, steps: int, saves: int) -> None:
    """Kill a run at moments spread over its steps, every second time inside a save."""
    plan = [*FLAGS, "--steps", steps, "--save-every", steps // saves]
    ok("train", *plan, "--out", cwd / "straight")
    run = cwd / "killed"
    rng = random.Random(1)
    command: list[object] = ["train", *plan, "--out", run]
    for kill in range(kills):
        goal = steps * (kill + 0.5) / (kills + 0.5)
        with started(*command, cwd=cwd) as process:
            assert advance(process, lambda goal=goal: newest(run) >= goal)
            if kill % 2:
                assert advance(process, countdown(rng.randrange(BLIND)))
            else:
                files = rng.randrange(4)  # how far the save has come
                assert advance(process, lambda files=files: saving(run, files))
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        assert kill % 2 or any(name.startswith(".tmp-step-") for name in names(run))
        command = ["train", "--resume", run, "--json"]
    ok("train", "--resume", run, "--json")
    assert len(RunDir.open(cwd / "straight").metrics()) >= steps
    assert the_same(run, cwd / "straight")


def advance(process: "Popen[bytes]", true: Callable[[], bool]) -> bool:
    """Let it run, stopping it again and again, until ``true`` while it is stopped.

    So what is seen is still so when the kill comes, however busy the machine is. False if the
    process ended before.
    """
    while True:
        process.send_signal(signal.SIGCONT)
        a_moment(process.pid)
        process.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            process.returncode = os.waitstatus_to_exitcode(status)
            return False
        if true():
            return True


def a_moment(pid: int) -> None:
    """Until the process has computed for a millisecond, or waits for something."""
    ran, stat = Path(f"/proc/{pid}/schedstat"), Path(f"/proc/{pid}/stat")
    if not ran.exists():  # elsewhere than on Linux
        time.sleep(0.01)
        return
    begun = int(ran.read_text().split()[0])
    while int(ran.read_text().split()[0]) < begun + 1_000_000:
        if stat.read_text().rpartition(")")[2].split()[0] != "R":
            return
        time.sleep(0.0002)


def countdown(looks: int) -> Callable[[], bool]:
    """True at the look after so many."""
    left = iter(range(looks))
    return lambda: next(left, None) is None


def names(folder: Path) -> list[str]:
    """What a directory holds; nothing where it isn't there (any more)."""
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []


def newest(run: Path) -> int:
    """The step of the newest save."""
    return max((int(name[5:13]) for name in names(run) if name.startswith("step-")), default=-1)


def saving(run: Path, files: int) -> bool:
    """Whether a save is under way, and has begun at least so many files."""
    under_way = [name for name in names(run) if name.startswith(".tmp-step-")]
    return any(len(names(run / name)) >= files for name in under_way)


def the_same(one: Path, other: Path) -> bool:
    """Weights, optimiser, state and losses; only times may differ, and nothing is left over."""
    a, b = snapshot(one), snapshot(other)
    assert a["weights.safetensors"] == b["weights.safetensors"]
    assert a["optim.safetensors"] == b["optim.safetensors"]
    states: list[dict[str, Any]] = [json.loads(files["state.json"]) for files in (a, b)]
    for state in states:
        del state["metrics_bytes"], state["metrics_sha256"], state["digest"]
    assert states[0] == states[1]
    logs = [RunDir.open(path).metrics() for path in (one, other)]
    for log in logs:
        for line in log:
            for name in TIMES:
                line.pop(name, None)
    assert logs[0] == logs[1]
    assert sorted(path.name for path in one.iterdir()) == sorted(
        path.name for path in other.iterdir()
    )
    return True
