"""Being asked to stop while a run trains: answered at once, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_runner import COMMAND, environment, posix
from microgpt.disk.checkpoint import RunDir
from microgpt.stopping import stop_on_signals
from patience import PATIENCE, until

pytestmark = [posix, pytest.mark.usefixtures("empty_directory")]


def begun(*flags: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "train", "--out", "r", *map(str, flags)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def line_with(stream: object, words: str) -> str:
    """The next line that holds the words; the test's own time limit ends a vain wait."""
    for line in stream:  # type: ignore[attr-defined]
        if words in line:
            return str(line)
    raise AssertionError(f"{words!r} never came")


def test_a_terminal_that_closes_saves() -> None:
    with begun("--steps", 10**6, "--json") as run:
        line_with(run.stdout, '"step": 50,')
        run.send_signal(signal.SIGHUP)
        run.send_signal(signal.SIGHUP)  # by the shell as well
        rest, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == 130
    error = json.loads(rest.splitlines()[-1])["error"]
    assert error["code"] == 130 and "saved in r" in error["message"]
    snapshot, notices = RunDir.open("r").load()
    assert snapshot is not None and snapshot.step >= 50 and not notices


def test_a_reader_that_goes_away_saves_and_is_in_the_code() -> None:
    with begun("--steps", 10**6, "--json") as run:
        assert run.stdout is not None and run.stderr is not None
        line_with(run.stdout, '"step": 50,')
        run.stdout.close()
        said = run.stderr.read()
        assert run.wait(PATIENCE) == 130
    assert "Nobody reads the output any more. Stopped at step" in said
    assert "train --resume r" in said
    snapshot, notices = RunDir.open("r").load()
    assert snapshot is not None and snapshot.step >= 50 and not notices


def test_before_the_first_step_the_first_ctrl_c_is_enough() -> None:
    flags = ("--n-embd", 512, "--n-layer", 8)  # 25 million weights to draw
    with begun(*flags) as run:
        line_with(run.stdout, "block size")
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=PATIENCE)
    assert run.returncode == 130
    assert said.splitlines()[-1].startswith("microgpt: Stopped")
    assert not Path("r").exists()


def seconds_used(pid: int) -> float:
    """Processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def computing(pid: int, wanted: float) -> Callable[[], bool]:
    return lambda: seconds_used(pid) >= wanted


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_within_one_long_step_ctrl_c_is_answered() -> None:
    """Some seconds of a single call into C, which hears of no signal."""
    flags = ["--n-embd", 256, "--n-layer", 4, "--block-size", 512, "--long", "window"]
    flags += ["--batch-size", 256, "--threads", 1, "--json"]
    with begun(*flags) as run:
        assert run.stdout is not None and run.stderr is not None
        line_with(run.stdout, '"saved"')
        until(computing(run.pid, seconds_used(run.pid) + 0.5), "the step to be computed")
        run.send_signal(signal.SIGINT)
        answer = line_with(run.stderr, "stopping: step 1 is still being computed")
        assert "r then keeps step 0" in answer
        run.send_signal(signal.SIGINT)
        rest = run.stdout.read()
        assert run.wait(PATIENCE) == 130
    assert json.loads(rest.splitlines()[-1])["error"]["code"] == 130
    snapshot, _ = RunDir.open("r").load()
    assert snapshot is not None and snapshot.step == 0


def test_what_is_ignored_stays_ignored_and_all_is_put_back() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as stop:
            stop.working = True
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop()
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop()
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_second_hang_up_counts_for_nothing_however_early_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be on its way already when the first one sets it to be ignored."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    with stop_on_signals() as stop:
        stop.working = True
        stop._ask(signal.SIGHUP, None)
        stop._ask(signal.SIGHUP, None)
        assert stop()
        ear, mouth = os.pipe()
        os.write(mouth, bytes([signal.SIGHUP, signal.SIGHUP]))
        os.close(mouth)
        stop._listen(ear)
        os.close(ear)
        assert not ended
        with pytest.raises(KeyboardInterrupt):
            stop._ask(signal.SIGINT, None)
