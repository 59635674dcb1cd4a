"""Killed at any moment, a run resumes and ends in the same bytes as if nothing had happened."""

import json
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from cli_runner import ok, snapshot, started, tree
from microgpt.checkpoint import RunDir

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL"),
]

KILLS = 20
INSIDE = 5  # so many of them at least must hit a save
SECONDS = 20  # that the run takes at least when it isn't disturbed
SAVES = 160

FLAGS = ["--data", "dinosaurs", "--engine", "numpy", "--batch-size", 16, "--json"]


def test_a_run_killed_20_times_ends_in_the_same_bytes(tmp_path: Path) -> None:
    steps = steps_for(1.2 * SECONDS, tmp_path)
    plan = [*FLAGS, "--steps", steps, "--save-every", max(1, steps // SAVES)]
    with started("train", *plan, "--out", "straight", cwd=tmp_path) as straight:
        inside = killed_again_and_again(tmp_path, plan, steps)
        assert straight.wait(timeout=120) == 0
    assert inside >= INSIDE
    ok("train", "--resume", tmp_path / "killed", "--json")

    lines = RunDir.open(tmp_path / "straight").metrics()
    assert lines[steps - 1]["seconds"] >= SECONDS
    assert the_same(tmp_path / "killed", tmp_path / "straight")


def steps_for(seconds: float, cwd: Path) -> int:
    """How many steps the run makes on this machine in so many seconds, saves included."""
    laps = []
    for lap in range(4):  # the fastest counts, should the machine be busy
        began = time.monotonic()
        ok("train", *FLAGS, "--steps", 200, "--save-every", 50, "--out", cwd / f"lap{lap}")
        laps.append(time.monotonic() - began)
    return int(200 * seconds / min(laps))


def killed_again_and_again(cwd: Path, plan: list[object], steps: int) -> int:
    """Kill the run at moments spread over it; returns how many of them were inside a save.

    Every second kill waits until a save is under way (its directory still has its temporary
    name), the others strike blindly.
    """
    run = cwd / "killed"
    rng = random.Random(1)
    proven = 0
    command: list[object] = ["train", *plan, "--out", run]
    for kill in range(KILLS):
        goal = steps * (kill + 0.5) / (KILLS + 0.5)
        with started(*command, cwd=cwd) as process:
            wait(process, lambda goal=goal: newest(run) >= goal)
            if kill % 2:
                time.sleep(rng.random() * 0.2)
            else:
                files = rng.randrange(4)  # how far the save has come
                wait(process, lambda files=files: saving(run, files))
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        proven += any(name.startswith(".tmp-step-") for name in names(run))
        command = ["train", "--resume", run, "--json"]
    return proven


def wait(process: "Popen[bytes]", until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline


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
        del state["metrics_bytes"], state["digest"]
    assert states[0] == states[1]
    logs = [RunDir.open(path).metrics() for path in (one, other)]
    for log in logs:
        for line in log:
            line.pop("seconds", None)
    assert logs[0] == logs[1]
    assert sorted(path.name for path in one.iterdir()) == sorted(
        path.name for path in other.iterdir()
    )
    return True


SHORT = ["--data", "dinosaurs", "--engine", "numpy", "--steps", 30, "--save-every", 10, "--json"]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("short") / "run"
    ok("train", *SHORT, "--out", path)
    return path


SIGNS = ["", ".lock", "vocab.json", "run.json", ".tmp-step-", "step-00000000", "latest"]
SIGNS += ["metrics.jsonl", "step-00000010", "step-00000030"]


@pytest.mark.parametrize("sign", SIGNS)
def test_a_kill_at_the_very_beginning(tmp_path: Path, short: Path, sign: str) -> None:
    """As soon as a file of this name appears; the run resumes or can be started again."""
    run = tmp_path / "run"

    def there() -> bool:
        return run.exists() and (not sign or any(name.startswith(sign) for name in names(run)))

    with started("train", *SHORT, "--out", run, cwd=tmp_path) as process:
        deadline = time.monotonic() + 30
        while not there() and process.poll() is None:
            assert time.monotonic() < deadline
        process.kill()
    finish(run)
    assert the_same(run, short)


def test_kills_at_blind_moments(tmp_path: Path, short: Path) -> None:
    for i in range(8):
        run = tmp_path / f"run{i}"
        with started("train", *SHORT, "--out", run, cwd=tmp_path) as process:
            time.sleep(0.1 + 0.06 * i)
            process.kill()
        finish(run)
        assert the_same(run, short)


def finish(run: Path) -> None:
    """What the user does after a kill: resume, or where there is no run yet, start again."""
    if (run / "run.json").exists():
        before = tree(run)
        ok("train", "--resume", run, "--json")
        assert before["run.json"] == tree(run)["run.json"]
    else:
        ok("train", *SHORT, "--out", run)
