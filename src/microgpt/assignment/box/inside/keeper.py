"""Starts one submission's process, watches it, and leaves nothing of it behind.

Runs between the grader and the submission, as a process of its own: standard library only, no
secrets in its memory. It takes one line of JSON on descriptor 0 (its configuration), forks,
lets the child give up user, limits and the rest, and becomes ``driver`` there, directly or
inside bubblewrap. Then it measures the memory, the processes and the CPU time of everything that
descends from the child, kills at a limit or when descriptor 0 ends, kills what is left when the
child has ended, and writes its report as lines of JSON on descriptor 1.
"""

# Importing pathlib and typing would cost each start of a submission some milliseconds.
# ruff: noqa: PTH110, PTH118
from __future__ import annotations

import errno
import json
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_POLL = 0.02  # seconds between two looks at memory and CPU time
_SLACK = 32 * 2**20  # what an interpreter may have above the memory of its submission, bytes


def say(**what: Any) -> None:
    """One line of the report."""
    os.write(1, (json.dumps(what) + "\n").encode())


# ---------------------------------------------------------------- the child


def _limits(config: dict[str, Any]) -> None:
    """Limits of this process and of each of its children; after the user was changed."""
    import resource

    processes = sys.modules["processes"]
    # One second more than is watched for: the kernel counts in ticks here, and may be early.
    cpu = int(config["cpu"] + 0.999) + 1
    others = 0
    if config["uid"] is None and sys.platform == "linux":  # the limit counts all of the user's
        others = sum(processes.threads_of(pid) for pid in processes.of_user(os.getuid())) - 1
    wanted = {
        "RLIMIT_CPU": (cpu, cpu + 1),
        "RLIMIT_AS": (config["memory"] + _SLACK,) * 2,
        "RLIMIT_DATA": (config["memory"] + _SLACK,) * 2,
        "RLIMIT_FSIZE": (config["file"],) * 2,
        "RLIMIT_NOFILE": (64, 64),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_NPROC": (config["processes"] + others,) * 2,
        "RLIMIT_MSGQUEUE": (0, 0),
        "RLIMIT_MEMLOCK": (0, 0),
    }
    for name, value in wanted.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        hard = resource.getrlimit(number)[1]
        if hard != resource.RLIM_INFINITY:
            value = (min(value[0], hard), min(value[1], hard))
        try:
            resource.setrlimit(number, value)
        except (OSError, ValueError):
            if sys.platform == "linux":
                raise


def _place(fds: list[int]) -> None:
    """Put the child's descriptors at 0, 1, 2, … and close all others."""
    import fcntl
    import resource

    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, len(fds)) for fd in fds]
    for i, fd in enumerate(high):
        os.dup2(fd, i, inheritable=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(len(fds), min(most, 2**16) if most > 0 else 2**16)


def become_user(uid: int) -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    if {os.getuid(), os.geteuid(), os.getgid(), os.getegid()} != {uid} or os.getgroups():
        raise OSError(errno.EPERM, "the user was not changed")
    try:
        os.setuid(0)
    except OSError:
        return
    raise OSError(errno.EPERM, "root could be regained")


def bubblewrap_command(config: dict[str, Any], arguments: list[str]) -> list[str]:
    """How to run the interpreter so that it sees nothing but itself and its work directory."""
    command = [config["bubblewrap"], "--unshare-all", "--die-with-parent", "--new-session"]
    for path in [*config["readable"], config["lib"], config["work"]]:
        command += ["--ro-bind-try", path, path]
    for path in ("/dev/null", "/dev/urandom"):
        command += ["--dev-bind", path, path]
    command += ["--remount-ro", "/", "--chdir", config["work"], "--"]
    return [*command, *config["python"], *arguments]


def _lock(config: dict[str, Any]) -> None:
    """Give up what this process has, up to the driver or to bubblewrap, which it then becomes."""
    lockdown = sys.modules["lockdown"]
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    _place(config["fds"])
    layers = config["layers"]
    if config["uid"] is not None:
        become_user(config["uid"])
    elif "namespaces" in layers and "bubblewrap" not in layers:
        lockdown.drop_capabilities()
    if sys.platform == "linux":
        lockdown.no_new_privileges()
        lockdown.die_with_parent()
    _limits(config)
    os.umask(0o077)
    if "bubblewrap" in layers:
        start = os.path.join(config["lib"], "start.py")
        command = bubblewrap_command(config, [start, "driver"])
        os.execve(command[0], command, dict(os.environ))
    os.chdir(config["work"])


def _become_driver(config: dict[str, Any]) -> int:
    """What the forked process does; its exit status."""
    try:
        _lock(config)
    except Exception as error:
        _refuse(config, error)
    return int(sys.modules["driver"].main(sys.modules["lockdown"]))


def _start(config: dict[str, Any]) -> tuple[int, int]:
    """Fork the child; (its pid, exit status to leave with), where pid 0 is the child itself."""
    lockdown = sys.modules["lockdown"]
    layers = config["layers"]
    middle = 0
    if "namespaces" in layers and "bubblewrap" not in layers:
        # Only a child of the process that asked lives in the new namespace of process ids.
        middle = os.fork()
        if middle == 0:
            try:
                if config["uid"] is not None:
                    lockdown.unshare_as_root()
                else:
                    lockdown.unshare_as_user()
                return _relay(config)
            except Exception as error:
                _refuse(config, error)
        return middle, 0
    pid = os.fork()
    if pid:
        return pid, 0
    return 0, _become_driver(config)


def _refuse(config: dict[str, Any], error: Exception) -> None:
    """The child couldn't be locked up: say so on the evidence's descriptor, run nothing."""
    why = getattr(error, "strerror", None) or type(error).__name__
    for fd in (5, config["fds"][5]):
        try:
            os.write(fd, f"lock-failed {why}\n".encode())
            break
        except OSError:
            continue
    os._exit(98)


def _relay(config: dict[str, Any]) -> tuple[int, int]:
    """In the process between: fork the first process of the namespace, end as it ends."""
    import resource

    pid = os.fork()
    if pid == 0:
        return 0, _become_driver(config)
    for fd in config["fds"]:
        os.close(fd)
    sys.modules["lockdown"].die_with_parent()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


# ---------------------------------------------------------------- watching


class Watch:
    """What the child and its descendants use, as seen from outside."""

    def __init__(self) -> None:
        self.memory = 0  # most that they had together, bytes
        self.processes = 0  # most that there were
        self._cpu: dict[int, float] = {}

    def look(self) -> tuple[int, int]:
        """Memory in bytes and number of processes now."""
        known = sys.modules["processes"]
        pids = known.descendants(os.getpid())
        memory = sum(known.memory_of(pid) for pid in pids)
        for pid in pids:
            if (found := known.process(pid)) is not None:
                self._cpu[pid] = max(found.cpu, self._cpu.get(pid, 0.0))
        self.memory = max(self.memory, memory)
        self.processes = max(self.processes, len(pids))
        return memory, len(pids)

    @property
    def cpu(self) -> float:
        """CPU seconds of all that were ever seen."""
        return sum(self._cpu.values())


def _exceeded(config: dict[str, Any], watch: Watch) -> str | None:
    """The limit that all processes together are above, if they are."""
    around = 3 if {"bubblewrap", "namespaces"} & set(config["layers"]) else 0  # not its own
    memory, count = watch.look()
    if memory > config["memory"] + _SLACK:
        return "memory"
    if count > config["processes"] + around:
        return "processes"
    return "cpu" if watch.cpu > config["cpu"] else None


def _supervise(config: dict[str, Any], child: int, wake: int) -> dict[str, Any]:
    """Wait for the child's end, or bring it about; then end everything else."""
    import resource

    processes = sys.modules["processes"]
    start = time.monotonic()
    watch = Watch()
    reason = None
    code = None
    listed = os.path.exists("/proc/self/stat")
    while reason is None:
        ready, _, _ = select.select([0, wake], [], [], _POLL)
        if wake in ready:
            os.read(wake, 4096)
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            break
        if 0 in ready and not os.read(0, 4096):
            reason = "stopped"
        elif listed:
            reason = _exceeded(config, watch)
        if reason is None and time.monotonic() - start > config["wall"]:
            reason = "wall"
    left = processes.kill_all(child, config["uid"])
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "end": True,
        "code": code,
        "reason": reason,
        "cpu": max(usage.ru_utime + usage.ru_stime, watch.cpu),
        "memory": max(watch.memory, usage.ru_maxrss * (1024 if listed else 1)),
        "processes": watch.processes,
        "left": left,
    }


def main() -> int:
    """Run one submission's process from its beginning to its end."""
    text = b""
    while not text.endswith(b"\n"):
        data = os.read(0, 65_536)
        if not data:
            return 1
        text += data
    config = json.loads(text)
    wake, woken = os.pipe()
    for fd in (wake, woken):
        os.set_blocking(fd, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    if sys.platform == "linux":
        sys.modules["lockdown"].adopt_orphans()
    pid, status = _start(config)
    if pid == 0:
        return status
    for fd in config["fds"]:
        os.close(fd)
    say(pid=pid)
    say(**_supervise(config, pid, wake))
    return 0
