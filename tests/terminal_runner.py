"""A program at a pseudo-terminal: keys are pressed, and what it shows is waited for."""

import contextlib
import fcntl
import importlib.util
import os
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

from cli_runner import environment
from patience import PATIENCE, until

LINE_EDITING = importlib.util.find_spec("readline") is not None


class Terminal:
    """``shown``: all that has come so far. Keys reach the program as those of a person do."""

    def __init__(self, process: "subprocess.Popen[bytes]", ours: int) -> None:
        self.process, self.ours = process, ours
        self.shown = ""
        self.open = True

    def press(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def _read(self, awaited: str) -> None:
        """Add what comes next; ``open`` is False once nothing can come any more."""
        ready, _, _ = select.select([self.ours], [], [], PATIENCE)
        assert ready, f"waited {PATIENCE} s for {awaited}; shown: {self.shown!r}"
        piece = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            piece = os.read(self.ours, 65536)
        self.shown += piece.decode(errors="replace")
        self.open = bool(piece)

    def wait_for(self, *texts: str) -> None:
        """Until what is shown holds these texts one behind the other."""
        found = re.compile(".*".join(map(re.escape, texts)), re.DOTALL)
        while not found.search(self.shown):
            assert self.open, f"ended without showing {texts}; shown: {self.shown!r}"
            self._read(f"{texts}")

    def wait_for_a_reader(self) -> None:
        """Until line editing has taken the terminal over; until then Ctrl-D isn't what it reads."""
        if LINE_EDITING:
            until(lambda: not self.line_mode(), "line editing", lambda: self.process.poll() is None)

    def line_mode(self) -> bool:
        """Whether the terminal hands over whole lines, as it does where no one edits them."""
        return bool(termios.tcgetattr(self.ours)[3] & termios.ICANON)

    def wait_for_the_end(self) -> int:
        """Read all that still comes; returns the exit code."""
        while self.open:
            self._read("its end")
        return self.process.wait(timeout=PATIENCE)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def at_terminal(command: list[str], cwd: Path, **changes: str) -> Iterator[Terminal]:
    """The program at a terminal of 100 × 30 of its own; killed where it is left running."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(**{"TERM": "dumb", **changes}),
        start_new_session=True,
        preexec_fn=_take_terminal,
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            os.close(ours)
