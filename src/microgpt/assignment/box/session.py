"""One process of a submission, from outside: its keeper, its pipes, its end.

What comes over descriptors that student code can write to is a claim of the submission's, and can
hurt none but itself. The runner's own words are the first line of evidence, written before any
student code runs, and the keeper's report, on a descriptor that the submission never has.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from microgpt.assignment.box.accounts import Account
from microgpt.assignment.box.inside import processes
from microgpt.assignment.box.site import ENVIRONMENT, Site
from microgpt.errors import MissingError

EVENTS = {
    "cpu": "used up its CPU time",
    "wall": "took too long",
    "memory": "asked for more memory than it is allowed",
    "processes": "started other processes",
    "output": "wrote more than it is allowed to",
    "binary": "wrote something other than text",
    "network": "tried to use the network",
    "read-outside": "tried to read files that aren't its own",
    "write-outside": "tried to write files",
    "signal": "tried to send signals to processes",
    "native": "tried to load native code",
    "crash": "ended with an error",
    "early-exit": "ended before it had answered everything",
    "unflushed": "didn't answer a request before the next one came",
    "forged": "wrote answers to questions that weren't asked",
    "tampered": "closed or wrote to the channel that records what it does",
    "killed": "was killed from outside",
    "survived": "left a process that can't be killed",
}
"""Every event's word and what it says of a submission."""

_INSIDE = {"memory", "network", "processes", "read-outside", "write-outside", "signal", "native"}
_INSIDE |= {"crash"}  # the words that the driver may use
_ERR_FACTOR = 16  # standard error may be this many times as long as standard output
_TAIL = 4096
_MARK = "SUBMISSION"
_IDLE = 1.0  # seconds without any CPU time, all processes asleep, until an answer is given up
_BACKSTOP = 30.0
_REPORT = 4096  # bytes; the keeper's two lines have 200


@dataclass(frozen=True)
class Limits:
    """What a submission's process and all that it starts may use.

    ``cpu_s``: CPU seconds; ``wall_s``: seconds, a generous backstop. ``memory``: bytes of all
    processes together, and of address space of each beyond the interpreter's own 32 MiB.
    ``processes``: most at the same time, threads included. ``file_bytes``: largest file.
    ``output_bytes``: most that is read of standard output; ``line_bytes``: longest line of it.
    """

    cpu_s: float = 20.0
    wall_s: float = 60.0
    memory: int = 512 * 2**20
    processes: int = 16
    file_bytes: int = 2**20
    output_bytes: int = 2**20
    line_bytes: int = 64 * 2**10


class Reader:
    """Reads a pipe in a thread, up to a limit; then calls ``full`` and keeps nothing more."""

    def __init__(self, fd: int, limit: int, line: int | None, full: Any) -> None:
        self._fd = fd
        self._limit = limit
        self._line = line
        self._full = full
        self._buffer = bytearray()
        self._last = 0  # where the unfinished line begins
        self.lines = 0
        self.ended = False
        self.exceeded = False
        self.changed = threading.Condition()  # its lock may be taken twice
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 65_536)
            except OSError:
                data = b""
            with self.changed:
                if not data:
                    self.ended = True
                    self.changed.notify_all()
                    break
                room = self._limit - len(self._buffer)
                self._buffer += data[:room]
                over = len(data) > room
                if b"\n" in data:
                    self.lines += data.count(b"\n")
                    if self._line is not None and not over:
                        over = self._too_long()
                    self._last = self._buffer.rfind(b"\n") + 1
                elif self._line is not None:
                    over = over or len(self._buffer) - self._last > self._line
                self.exceeded = self.exceeded or over
                self.changed.notify_all()
            if over:
                break
        if self.exceeded:  # the pipe stays open: who writes on waits there until it is killed
            self._full()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _too_long(self) -> bool:
        assert self._line is not None
        pieces = bytes(self._buffer[self._last :]).split(b"\n")
        return any(len(piece) > self._line for piece in pieces)

    def join(self, seconds: float) -> None:
        """Wait until the pipe has ended, and close it."""
        self._thread.join(seconds)
        if not self._thread.is_alive() and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def data(self) -> bytes:
        """All that was read."""
        with self.changed:
            return bytes(self._buffer)

    @property
    def tail(self) -> str:
        """The end of it as text."""
        with self.changed:
            return bytes(self._buffer[-_TAIL:]).decode("utf-8", "replace")

    def allow(self, more: int) -> None:
        """Let so many more bytes come."""
        with self.changed:
            self._limit += more

    def pending(self, from_byte: int) -> bool:
        """Whether whole lines were read since; to be asked with ``changed`` held."""
        return self._last > from_byte

    def take(self, from_byte: int) -> bytes:
        """What was read since, whole lines only."""
        with self.changed:
            return bytes(self._buffer[from_byte : self._last])


@dataclass(frozen=True)
class _Said:
    """The lines of the evidence: ``word`` or ``word detail``.

    ``locked`` and ``refused`` (why not) are the runner's own, for only the first line was written
    before the submission could write. ``words``: word → detail, what the driver may have noted.
    ``tampered``: there are lines that it doesn't write.
    """

    locked: bool = False
    refused: str = ""
    words: dict[str, str] = field(default_factory=dict)
    tampered: bool = False

    @classmethod
    def of(cls, data: bytes) -> _Said:
        first, *lines = data.split(b"\n")
        if first != b"locked":
            word, _, why = first.decode("ascii", "replace").partition(" ")
            return cls(refused=why[:200] if word == "lock-failed" else "")
        words: dict[str, str] = {}
        tampered = lines[-1:] != [b""]
        for line in lines[:-1]:
            word, _, detail = line.decode("utf-8", "replace").partition(" ")
            if word in _INSIDE:
                words.setdefault(word, detail)
            else:
                tampered = True
        return cls(True, "", words, tampered)


def _report_in(data: bytes) -> dict[str, Any] | None:
    """The report, if it is all that there is after the line with the process id."""
    try:
        first, last, rest = data.split(b"\n")
        started, report = json.loads(first), json.loads(last)
    except (ValueError, RecursionError):
        return None
    if rest or not isinstance(started, dict) or not isinstance(report, dict):
        return None
    kinds = {"code": int | None, "reason": str | None, "left": int, "memory": int}
    if not all(isinstance(report.get(name, ()), kind) for name, kind in kinds.items()):
        return None
    cpu = report.get("cpu")
    return report if isinstance(cpu, int | float) and 0 <= cpu < math.inf else None


@dataclass(frozen=True)
class End:
    """The keeper's report, or what can be said without one."""

    code: int | None
    reason: str | None
    cpu: float
    memory: int
    left: int


class Session:
    """A submission's process that has been started; ``finish`` always ends it."""

    def __init__(
        self,
        site: Site,
        layers: frozenset[str],
        account: Account | None,
        limits: Limits,
        work: Path,
        mode: str,
        seed: int,
    ) -> None:
        self.limits = limits
        self.layers = layers
        self.unflushed = self.forged = False
        pipes = [os.pipe() for _ in range(6)]
        ours = [b if i in (0, 3) else a for i, (a, b) in enumerate(pipes)]
        theirs = [a if i in (0, 3) else b for i, (a, b) in enumerate(pipes)]
        used = {"bubblewrap", "namespaces"} <= layers
        names = layers - {"namespaces"} if used else layers  # bubblewrap does both
        common = {
            "layers": sorted(names),
            "work": str(work),
            "lib": str(site.lib),
            "readable": site.readable,
        }
        config = {
            **common,
            "uid": account.uid if account else None,
            "fds": theirs,
            "python": site.python,
            "bubblewrap": site.bubblewrap,
            "cpu": limits.cpu_s,
            "wall": limits.wall_s,
            "memory": limits.memory,
            "processes": limits.processes,
            "file": limits.file_bytes,
        }
        self._in, self._ask = ours[0], ours[3]
        self._mark = secrets.token_hex(8)
        try:
            self._keeper = subprocess.Popen(
                [*site.python, str(site.lib / "start.py"), "keeper"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[*theirs, *([account.lock] if account else [])],
                env={**ENVIRONMENT, "HOME": str(work), "TMPDIR": str(work), _MARK: self._mark},
                cwd="/",
                start_new_session=True,
            )
        finally:
            for fd in theirs:
                os.close(fd)
        assert self._keeper.stdin is not None and self._keeper.stdout is not None
        self._control = self._keeper.stdin.fileno()
        with contextlib.suppress(OSError):
            os.write(self._control, json.dumps(config).encode() + b"\n")
        self._stopped = threading.Event()
        self.out = Reader(ours[1], limits.output_bytes, limits.line_bytes, self.stop)
        self.err = Reader(ours[2], limits.output_bytes * _ERR_FACTOR, None, self.stop)
        self.answers = Reader(ours[4], 0, 2**18, self.stop)
        self.evidence = Reader(ours[5], 65_536, None, self.stop)
        driver = {**common, "mode": mode, "seed": seed, "ours": [str(site.lib)]}
        self.ask(json.dumps(driver).encode() + b"\n")

    # ------------------------------------------------------------ towards the submission

    def ask(self, data: bytes) -> None:
        """Write to the driver; what nobody reads any more is lost."""
        self._write(self._ask, data)

    def _write(self, fd: int, data: bytes) -> bool:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(fd, rest) :]
        except OSError:
            return False
        return True

    def send(self, data: bytes) -> None:
        """All requests at once, then the end of input."""
        self._write(self._in, data)
        self.close_input()

    def converse(self, requests: Sequence[bytes], rest: bytes = b"") -> tuple[bytes | None, ...]:
        """Each request when the one before was answered, then all the rest; the answers' lines."""
        replies: list[bytes | None] = []
        start = 0
        for i, request in enumerate(requests):
            if not self._write(self._in, request) or not self._answered(i + 1):
                self._write(self._in, b"".join(requests[i + 1 :]))
                break
            text = self.out.take(start)
            line = text.partition(b"\n")[0]
            start += len(line) + 1
            replies.append(line)
        self._write(self._in, rest)
        self.close_input()
        return (*replies, *[None] * (len(requests) - len(replies)))

    def _answered(self, lines: int) -> bool:
        """Wait for so many lines; False where it ended before, or sleeps and reads no more."""
        quiet_since: tuple[float, float] | None = None
        while True:
            with self.out.changed:
                self.out.changed.wait_for(lambda: self.out.lines >= lines or self.out.ended, 0.05)
                if self.out.lines >= lines:
                    return True
                if self.out.ended:
                    return False
            now = time.monotonic()
            busy = self._busy()
            if busy is None or quiet_since is None or busy != quiet_since[1]:
                quiet_since = None if busy is None else (now, busy)
            elif now - quiet_since[0] >= _IDLE:
                self.unflushed = True  # it waits for more; one that has ended only didn't answer
                return False

    def _busy(self) -> float | None:
        """CPU seconds so far if all input was read and every process sleeps, else None."""
        if sys.platform != "linux":
            return None
        import array
        import fcntl
        import termios

        waiting = array.array("i", [0])
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._in, termios.FIONREAD, waiting)
        if waiting[0]:
            return None
        stats = [processes.process(pid) for pid in processes.descendants(self._keeper.pid)]
        if any(stat is not None and stat.state not in "SZ" for stat in stats):
            return None
        return sum(stat.cpu for stat in stats if stat is not None)

    def close_input(self) -> None:
        """The end of the requests."""
        if self._in >= 0:
            os.close(self._in)
            self._in = -1

    # ------------------------------------------------------------ the end

    def stop(self) -> None:
        """Have everything killed now."""
        if not self._stopped.is_set():
            self._stopped.set()
            with contextlib.suppress(OSError, ValueError):
                assert self._keeper.stdin is not None
                self._keeper.stdin.close()

    def finish(self) -> End:
        """Wait until the process has ended, by itself or at a limit, and nothing is left of it.

        Raises ``MissingError`` where it wasn't locked up, so that no student code ran.
        """
        self.close_input()
        if self._ask >= 0:
            os.close(self._ask)
            self._ask = -1
        try:
            report = self._report(self.limits.wall_s + _BACKSTOP)
        finally:
            self.stop()
        for reader in (self.out, self.err, self.answers, self.evidence):
            reader.join(_BACKSTOP)
        if not self._said().locked:
            how = self._said().refused or "it ended before that"
            raise MissingError(
                f"A submission couldn't be locked up: {how}.",
                "What worked at the start no longer does: grade again.",
            )
        if report is None:
            return End(None, "killed", 0.0, 0, 0)
        code = report["code"]
        if "bubblewrap" in self.layers and code is not None and code > 128:
            code = 128 - code  # how bubblewrap tells of a signal
        reason = report["reason"]
        return End(
            code if reason is None else None,
            reason,
            float(report["cpu"]),
            int(report["memory"]),
            int(report["left"]),
        )

    def _report(self, seconds: float) -> dict[str, Any] | None:
        """The keeper's last line; None if it was killed, or if somebody else wrote there."""
        assert self._keeper.stdout is not None
        end = time.monotonic() + seconds
        data = b""
        with self._keeper.stdout as stream:
            while len(data) <= _REPORT:
                left = end - time.monotonic()
                if not select.select([stream], [], [], max(0.0, left))[0]:
                    self._keeper.kill()
                    break
                more = os.read(stream.fileno(), _REPORT)
                if not more:
                    break
                data += more
        report = _report_in(data)
        if report is None:
            self._keeper.kill()
            processes.kill_marked(f"{_MARK}={self._mark}".encode())  # nobody else does it for us
        self._keeper.wait()
        return report

    def _said(self) -> _Said:
        return _Said.of(self.evidence.data)

    def details(self) -> tuple[str, ...]:
        """The driver's evidence: ``word: detail``, student's text in it."""
        return tuple(f"{word}: {text[:200]}" for word, text in self._said().words.items())


def event_words(session: Session, end: End, *, early: bool) -> tuple[str, ...]:
    """What happened, in words of ``EVENTS`` and their order."""
    limits = session.limits
    said = session._said()
    found = set(said.words)
    if end.reason in EVENTS:
        found.add(end.reason)
    if session.out.exceeded or session.err.exceeded or session.answers.exceeded:
        found.add("output")
    if end.reason is None and end.code is not None and end.code < 0:
        over = end.cpu >= limits.cpu_s
        if -end.code == signal.SIGXCPU or (-end.code == signal.SIGKILL and over):
            found.add("cpu")
        elif -end.code == signal.SIGKILL:
            found.add("killed")
        else:
            found.add("crash")
    if end.reason is not None or "output" in found:
        found.discard("crash")  # whatever it still did was at our doing
    if end.code == 97 or said.tampered or session.evidence.exceeded:
        found.add("tampered")
    elif early and end.code is not None and end.code >= 0 and not {"crash", "memory"} & found:
        found.add("early-exit")
    out = session.out.data
    try:
        binary = b"\0" in out
        out.decode("utf-8")
    except UnicodeDecodeError as error:
        binary = not session.out.exceeded or error.start < len(out) - 4
    if binary:
        found.add("binary")
    if session.unflushed and not {"cpu", "wall", "memory", "output"} & found:
        found.add("unflushed")
    if session.forged:
        found.add("forged")
    if end.left:
        found.add("survived")
    return tuple(word for word in EVENTS if word in found)
