"""The command in a terminal: its live screen, its colours, and signals."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from cli_runner import COMMAND, DINO, environment, microgpt, ok, posix, started
from microgpt.opening import open_model
from patience import PATIENCE, until

pytestmark = pytest.mark.usefixtures("empty_directory")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path: Path, number: int) -> None:
    flags = ["--steps", 10**7, "--out", "r", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
    with started("train", *flags, cwd=tmp_path, **pipes) as run:
        while b'"step": 20,' not in run.stdout.readline():
            pass
        run.send_signal(number)
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 130, err
    assert b"Traceback" not in err
    lines = [json.loads(line) for line in out.splitlines()]
    error = lines[-1]["error"]
    assert error["code"] == 130 and "--resume r" in error["remedy"]
    saved = lines[-2]["saved"]
    assert f"step {saved['step']} of" in error["message"]
    steps = [line["step"] for line in lines if "loss" in line]
    assert saved["step"] == steps[-1]
    later = ok("train", "--resume", "r", "--stop-after", saved["step"] + 2, "--json")
    assert [line["step"] for line in later.lines if "loss" in line] == [
        saved["step"] + 1,
        saved["step"] + 2,
    ]


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15)])
def test_a_second_signal_stops_at_once(tmp_path: Path, number: int, code: int) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("looks into /proc")
    slow = ["--engine", "scalar", "--batch-size", 2000, "--out", "r", "--json"]  # a minute a step
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
    with started("train", *slow, cwd=tmp_path, **pipes) as run:
        while b'"saved"' not in run.stdout.readline():
            pass
        saved = used(run.pid)  # it is in its step once it has computed for a while
        until(lambda: used(run.pid) > saved + 0.5, "the first step", lambda: run.poll() is None)
        run.send_signal(number)
        # The first has been taken note of once SIGTERM is no longer caught.
        until(lambda: not catches(run.pid, signal.SIGTERM), "the first signal to be noted")
        assert run.poll() is None  # still in its step
        run.send_signal(number)
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == code, err
    assert b"Traceback" not in err
    if code == 130:
        assert b"what was saved before is in r" in out
    assert open_model(Path("r"))[0].step == 0


def used(pid: int) -> float:
    """CPU seconds of a process so far."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    (caught,) = re.findall(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    ok("train", *DINO)
    microgpt("train", *DINO, "--out", Path("runs/dinosaurs-1"))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def in_terminal(
    arguments: list[object], cwd: Path, interrupt: bytes = b"", **changes: str
) -> tuple[int, str]:
    """Run the command with a terminal of 100 × 30; Ctrl-C is sent once ``interrupt`` is seen."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    run = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs,
        env=environment(TERM="xterm-256color", **changes),
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not piece:
            break
        shown += piece
        if interrupt and interrupt in shown:
            run.send_signal(signal.SIGINT)
            interrupt = b""
    os.close(ours)
    return run.wait(timeout=PATIENCE), shown.decode()


@posix
def test_a_terminal_shows_a_live_curve(tmp_path: Path) -> None:
    code, shown = in_terminal(["train", "--steps", 400], tmp_path)
    assert code == 0, shown
    assert "step 400 / 400" in shown.replace("\r", "")
    assert "nats per token" in shown and "random 3.30" in shown and "bigram 2." in shown
    assert any("\u2800" < c <= "\u28ff" for c in shown)  # dots of the curve
    assert "step    1 /" not in shown  # no line for each step
    assert re.search(r"sample 20: \w+", shown)
    assert "Traceback" not in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")  # the cursor is back


@posix
def test_ctrl_c_in_a_terminal(tmp_path: Path) -> None:
    flags: list[object] = ["train", "--steps", 10**7, "--out", "r"]
    code, shown = in_terminal(flags, tmp_path, interrupt=b"nats per token")
    assert code == 130, shown
    assert re.search(r"microgpt: Stopped at step \d+ of 10000000, saved in r\.", shown)
    assert "microgpt train --resume r" in shown
    assert "Traceback" not in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")
    ok("train", "--resume", "r", "--stop-after", open_model(Path("r"))[0].step)


@posix
def test_a_terminal_without_unicode_gets_lines(tmp_path: Path) -> None:
    code, shown = in_terminal(["train", *DINO], tmp_path, PYTHONIOENCODING="ascii")
    assert code == 0 and shown.isascii()
    assert "step   12 /   12 | loss" in shown


@posix
def test_no_color(tmp_path: Path) -> None:
    code, shown = in_terminal(["train", "--steps", 50], tmp_path, NO_COLOR="1")
    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", shown)
    code, shown = in_terminal(["ladder", 1, "--diff"], tmp_path, NO_COLOR="1")
    assert code == 0 and "\x1b[3" not in shown
