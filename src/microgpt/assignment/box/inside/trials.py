"""Tries in throw-away processes which ways of locking up work on this machine.

Started by ``box/site.py`` with its configuration on descriptor 0; standard library only. Also
compiles the files beside it, for the interpreter that it runs in.
"""

# Importing pathlib and typing would cost each start of a submission some milliseconds.
# ruff: noqa: PTH110, PTH118, PTH208
from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
)
INSIDE = ("driver", "keeper", "lockdown", "processes")


def _works(attempt: Callable[[], bool]) -> bool:
    """Whether a forked process that does this says so and leaves with 0."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if attempt() else 1)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _fails(attempt: Callable[[], Any]) -> bool:
    try:
        attempt()
    except OSError:
        return True
    return False


def working(config: dict[str, Any]) -> list[str]:
    """The layers that work, of ``uid``, ``namespaces``, ``landlock``, ``seccomp``, ``bubblewrap``.

    All but the first are tried as the user that submissions will run as.
    """
    keeper: Any = __import__("keeper")
    lockdown: Any = __import__("lockdown")

    def as_user() -> None:
        if uid is not None:
            keeper.become_user(uid)

    def drops() -> bool:
        as_user()
        return True

    def namespaces() -> bool:
        lockdown.unshare_as_root() if uid is not None else lockdown.unshare_as_user()
        return _works(lambda: os.getpid() == 1)

    def landlock() -> bool:
        as_user()
        lockdown.close_files(["/usr"])
        return _fails(lambda: os.listdir("/"))

    def seccomp() -> bool:
        import socket

        as_user()
        lockdown.filter_calls()
        return _fails(socket.socket)

    def bubblewrap() -> bool:
        as_user()
        lockdown.no_new_privileges()
        command = keeper.bubblewrap_command(config, ["-c", "import decimal, ctypes"])
        os.execv(command[0], command)

    found = []
    uid = config["uid"]
    if uid is not None:
        if not _works(drops):
            uid = None
        else:
            found.append("uid")
    trials = {"namespaces": namespaces, "landlock": landlock, "seccomp": seccomp}
    if sys.platform == "linux":
        if config["bubblewrap"]:
            trials["bubblewrap"] = bubblewrap
        found += [name for name, trial in trials.items() if _works(trial)]
    return found


def readable() -> list[str]:
    """What an interpreter must be able to read: its library and the system's shared ones."""
    names = ("stdlib", "platstdlib")
    paths = {os.path.realpath(sysconfig.get_path(name)) for name in names}
    paths.add(os.path.realpath(sys.executable))
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        paths.add(os.path.realpath(sysconfig.get_config_var("LIBDIR")))
    return [*sorted(paths), *(path for path in _SYSTEM if os.path.exists(path))]


def main() -> int:
    """Answer on descriptor 1."""
    import py_compile

    config = json.loads(os.read(0, 65_536))
    for name in INSIDE:
        py_compile.compile(os.path.join(config["lib"], f"{name}.py"), doraise=True)
    config["readable"] = readable()
    what = {"readable": config["readable"], "layers": working(config)}
    os.write(1, json.dumps(what).encode())
    return 0
