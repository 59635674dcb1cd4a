"""Running a submission: bytes in, bytes out, and what it tried.

A ``Sandbox`` owns one user id (as root) and one directory for one submission at a time. Each
``run`` and each ``hooks`` is a process of its own, started by ``keeper``, locked up as
``site`` found possible, limited, and gone afterwards with all that it started. A student's
code is never imported here, and everything that comes from it is parsed as from a stranger.

Events are words from ``EVENTS``. Those from outside (limits, exit status, counts of bytes) are
facts. Those that ``driver`` reports from inside (which file was opened, that a socket was asked
for) are evidence: honest about honest code and about clumsy attacks, while what keeps the grader
safe is the isolation.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from microgpt.assignment.box import accounts
from microgpt.assignment.box.hooks import Answer as Answer
from microgpt.assignment.box.hooks import Hooks as Hooks
from microgpt.assignment.box.session import EVENTS as EVENTS
from microgpt.assignment.box.session import Limits as Limits
from microgpt.assignment.box.session import Session, event_words
from microgpt.assignment.box.site import site
from microgpt.errors import FileError


@dataclass(frozen=True)
class RunOutcome:
    """What one run gave.

    ``out``: standard output, at most ``output_bytes``. ``err_tail``: the end of standard error.
    ``code``: exit status, negative for a signal, None if it was killed at a limit. ``cpu_s``:
    CPU seconds of all its processes. ``memory``: most bytes they had together, as sampled.
    ``events``: words of ``EVENTS``. ``evidence``: what the driver saw behind some of them, the
    student's own text in it. ``replies``: with ``interactive`` the line answered to each request,
    None from the first that wasn't answered on.
    """

    out: bytes
    err_tail: str
    code: int | None
    cpu_s: float
    events: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    memory: int = 0
    replies: tuple[bytes | None, ...] = field(default=())


class Sandbox:
    """One submission at a time in one slot; use it as a context.

    ``slot``: a number from 0 for each grader that runs at the same time. ``use``: the layers of
    isolation to use (see ``site``), for tests; None is all that work.
    Raises ``MissingError`` where submissions can't be run.
    """

    def __init__(
        self, limits: Limits | None = None, slot: int = 0, *, use: Iterable[str] | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.slot = slot
        self.uid: int | None = None
        self._account: accounts.Account | None = None
        self._use = use
        self._stack = ExitStack()
        self._work: Path | None = None
        self._files: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        self._site = site()
        working = self._site.layers
        self.layers = working if self._use is None else working & frozenset(self._use)
        if accounts.can_change_user():
            self.layers |= {"uid"}  # root is above all limits: never without
            self._account = self._stack.enter_context(accounts.borrowed(self.slot))
            self.uid = self._account.uid
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clear()
        self._stack.close()

    def _clear(self) -> None:
        if self._work is not None:
            _remove(self._work)
            self._work = None
        if self.uid is not None and not {"landlock", "bubblewrap"} & self.layers:
            accounts.remove_files_of(self.uid)

    def place(self, files: Mapping[str, bytes]) -> None:
        """Put these files, and nothing else, into a fresh work directory, read-only.

        Raises ``FileError`` if they can't be written.
        """
        for name in files:
            assert Path(name).name == name and name not in ("", ".", ".."), name
        self._files = dict(files)
        self._place()

    def _place(self) -> Path:
        self._clear()
        try:
            work = Path(tempfile.mkdtemp(prefix="s-", dir=self._site.base))
            for name, data in self._files.items():
                path = work / name
                path.write_bytes(data)
                if self.uid is not None:
                    os.chown(path, 0, self.uid)
                path.chmod(0o440)
            if self.uid is not None:
                os.chown(work, 0, self.uid)
            work.chmod(0o550)
        except OSError as error:
            raise FileError(
                f"Can't prepare a submission in {self._site.base.parent}: {error.strerror}.",
                "Free some space there, or set TMPDIR.",
            ) from error
        self._work = work
        return work

    def _session(self, mode: str, seed: int, limits: Limits | None) -> Session:
        # Files of the same user could have been changed by the run before.
        work = self._work if self.uid is not None and self._work is not None else self._place()
        limits = limits or self.limits
        return Session(self._site, self.layers, self._account, limits, work, mode, seed)

    def run(
        self,
        lines: Sequence[str | bytes] | bytes,
        seed: int,
        interactive: bool = False,
        limits: Limits | None = None,
        rest: bytes = b"",
    ) -> RunOutcome:
        """Run ``bot.py`` as a program, with ``random`` seeded, on these requests.

        ``lines``: requests without their line ends, or the very bytes. ``interactive``: each is
        sent when the one before was answered, which shows that answers are flushed; then comes
        ``rest``, at once.
        """
        if isinstance(lines, bytes):
            assert not interactive, "an interactive run takes lines"
            data, requests = lines, []
        else:
            requests = [_bytes(line) + b"\n" for line in lines]
            data = b"".join(requests)
        session = self._session("run", seed, limits)
        replies: tuple[bytes | None, ...] = ()
        if interactive:
            replies = session.converse(requests, rest)
            data += rest
        else:
            session.send(data)
        end = session.finish()
        self._after()
        wanted = data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
        out = session.out.data
        answered = out.count(b"\n") + (not out.endswith(b"\n") and out != b"")
        return RunOutcome(
            out=out,
            err_tail=session.err.tail,
            code=end.code,
            cpu_s=end.cpu,
            events=event_words(session, end, early=answered < wanted),
            evidence=session.details(),
            memory=end.memory,
            replies=replies,
        )

    def hooks(self, seed: int, limits: Limits | None = None) -> Hooks:
        """A process that has loaded ``bot.py`` and answers calls; close it, or use it as a context.

        If loading fails or never ends, calls come back with an error and ``events`` says why.
        """
        return Hooks(self._session("hooks", seed, limits), self._after, seed)

    def _after(self) -> None:
        if self.uid is not None and not {"landlock", "bubblewrap"} & self.layers:
            accounts.remove_files_of(self.uid)


def _bytes(line: str | bytes) -> bytes:
    return line if isinstance(line, bytes) else line.encode("utf-8", "surrogateescape")


def _remove(directory: Path) -> None:
    """Remove a directory whose owner may have changed modes inside."""
    try:
        directory.chmod(0o700)
    except OSError:
        return
    for parent, folders, _ in os.walk(directory):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(directory, ignore_errors=True)


def _demo() -> None:
    """A bot that echoes, and one that doesn't stop."""
    echo = b"import sys\nfor line in sys.stdin:\n    print('OK:', line.strip(), flush=True)\n"
    with Sandbox(Limits(cpu_s=1), 0) as sandbox:
        for text in (echo, b"while True: pass\n"):
            sandbox.place({"bot.py": text})
            got = sandbox.run(["an", "be"], 42)
            print(f"{got.out!r}, {got.cpu_s:.2f} CPU s, events: {', '.join(got.events) or 'none'}")


if __name__ == "__main__":
    _demo()
