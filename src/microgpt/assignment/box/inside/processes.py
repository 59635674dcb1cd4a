"""Which processes descend from one another or belong to a user, what they use, and their end.

All of it is read from /proc and by system calls; where there is no /proc, nobody is found. Used
by ``keeper``, which runs beside a submission: standard library only, nothing of this package.
"""

# Importing pathlib and typing would cost each start of a submission some milliseconds.
# ruff: noqa: PTH110, PTH123, PTH208
from __future__ import annotations

import contextlib
import os
import signal
import time

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")

# ---------------------------------------------------------------- who is there


class Process:
    """Parent, CPU seconds used, and state ("R", "S", "Z", …) of a process."""

    def __init__(self, parent: int, cpu: float, state: str) -> None:
        self.parent, self.cpu, self.state = parent, cpu, state


def process(pid: int) -> Process | None:
    """What the kernel says of a process, None if it isn't there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    cpu = (int(fields[11]) + int(fields[12])) / _TICK
    return Process(int(fields[1]), cpu, fields[0].decode())


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _children(pid: int) -> list[int] | None:
    """Children of all threads of a process; None where the kernel doesn't list them."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return [] if not os.path.exists(f"/proc/{pid}") or os.path.exists(_CHILDREN) else None
    except OSError:
        return []
    return found


_CHILDREN = f"/proc/{os.getpid()}/task/{os.getpid()}/children"


def descendants(root: int) -> list[int]:
    """All processes below ``root``, whether their parents still live or not (see adopt_orphans)."""
    found: list[int] = []
    todo = [root]
    while todo:
        below = _children(todo.pop())
        if below is None:
            return _descendants_by_parent(root)
        found += below
        todo += below
    return found


def _descendants_by_parent(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for pid in _pids():
        if (stat := process(pid)) is not None:
            parents.setdefault(stat.parent, []).append(pid)
    found: list[int] = []
    todo = [root]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def of_user(uid: int) -> list[int]:
    """All processes that run as a user, by the kernel's own record of it; zombies aside."""
    found = []
    for pid in _pids():
        try:
            with open(f"/proc/{pid}/status", "rb") as file:
                text = file.read()
        except OSError:
            continue
        ids = text.partition(b"\nUid:")[2].partition(b"\n")[0].split()
        if str(uid).encode() in ids and b"\nState:\tZ" not in text:
            found.append(pid)
    return found


def memory_of(pid: int) -> int:
    """Resident bytes of a process."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            fields = file.read().split()
        return int(fields[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def threads_of(pid: int) -> int:
    """How many threads a process has."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 1


# ---------------------------------------------------------------- killing


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def kill_user(uid: int) -> bool:
    """Kill every process of a user at once, as that user: no time to fork away.

    Whether none is left for sure: with a limit of two processes a fork only works if the one that
    forks is alone.
    """
    import resource

    try:
        pid = os.fork()
    except OSError:
        return False
    if pid == 0:
        alone = False
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            if os.getuid() == uid != 0:
                os.kill(-1, signal.SIGKILL)
                resource.setrlimit(resource.RLIMIT_NPROC, (2, 2))
                if os.fork() == 0:
                    os._exit(0)
                os.wait()
                alone = True
        finally:
            os._exit(0 if alone else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def kill_all(child: int, uid: int | None) -> int:
    """Kill the child's group, all descendants and all processes of its user; how many are left.

    All descendants have been waited for then, so that the CPU time of each is known.
    """
    end = time.monotonic() + 10
    while True:
        if child:
            kill_group(child)
        alone = uid is None or kill_user(uid)
        for pid in descendants(os.getpid()):
            _kill(pid)
        _reap()
        left = descendants(os.getpid())
        nobody = uid is None or alone or not of_user(uid)
        if nobody and not left:
            return 0
        if time.monotonic() > end:
            theirs = of_user(uid) if uid is not None else []
            return len({*(pid for pid in left if _lives(pid)), *theirs})
        time.sleep(0.001)


def kill_group(child: int) -> None:
    """Kill a process group."""
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)


def kill_marked(mark: bytes) -> None:
    """Kill the processes that were started with a mark in their environment, as far as they show.

    For the grader, when a keeper was killed: processes that cleared their environment stay.
    """
    for _ in range(100):
        found = []
        for pid in _pids():
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if mark in file.read().split(b"\0") and _lives(pid):
                        found.append(pid)
            except OSError:
                continue
        if not found:
            return
        for pid in found:
            _kill(pid)


def _lives(pid: int) -> bool:
    found = process(pid)
    return found is not None and found.state not in "ZX"
