"""What a submission can't get at on this machine: one is run that tries to get out.

``probe()`` runs it behind the layers that ``site`` found, and says what got through.
"""

from __future__ import annotations

import functools
import json
import os
import socket
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from microgpt.assignment.box import accounts
from microgpt.assignment.box.sandbox import Limits, Sandbox
from microgpt.assignment.box.site import LAYERS, site
from microgpt.errors import MissingError


@dataclass(frozen=True)
class Isolation:
    """What a submission can't do on this machine, as tried.

    ``user``: "dropped uid" or "same user". ``bubblewrap``: whether it is used. ``network``: it
    can't connect. ``memory``: all its processes together are bounded. ``files_closed``: it can't
    read a file that only the grader's user may read. ``others_closed``: nor one that everybody
    may. ``writing``: it can't write anywhere. ``signals``: it can't signal the grader.
    ``processes``: it can't start more than its share. ``layers``: see ``site``.
    """

    user: str
    bubblewrap: bool
    network: bool
    memory: bool
    files_closed: bool
    others_closed: bool
    writing: bool
    signals: bool
    processes: bool
    layers: tuple[str, ...]

    def lines(self) -> list[str]:
        """One sentence for each thing that is *not* isolated here; none if all is."""
        said = {
            "network": "The network is open to submissions.",
            "memory": "Memory is limited per process only, not for a submission as a whole.",
            "files_closed": "A submission can read the grader's private files and memory.",
            "others_closed": "A submission can read files that every user of this machine may "
            "read: keep cases and keys closed (mode 600).",
            "writing": "A submission can write where its user may write.",
            "signals": "A submission can send signals to the grader, and end it.",
            "processes": "The number of a submission's processes is not limited.",
        }
        lines = [text for name, text in said.items() if not getattr(self, name)]
        if lines and self.user == "same user":
            lines.insert(0, "Submissions run as the same user as the grader.")
        return lines


_TRIES = """
import json, os, sys, random
private, public, port, pid, folder = {arguments}
got = {{}}
def attempt(name, action):
    try:
        got[name] = bool(action())
    except BaseException:
        got[name] = False
def connects():
    import socket  # with datagrams: Landlock alone knows of TCP only
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.sendto(b"x", ("127.0.0.1", port))
def writes():
    path = os.path.join(folder, "left-behind")
    with open(path, "w") as file:
        file.write("x")
    os.remove(path)
    return True
def forks():
    pids = []
    try:
        for _ in range(40):
            child = os.fork()
            if child == 0:
                import time
                time.sleep(20)
                os._exit(0)
            pids.append(child)
        return True
    finally:
        for child in pids:
            os.kill(child, 9)
attempt("private", lambda: open(private).read())
attempt("public", lambda: open(public).read())
attempt("network", connects)
attempt("write", writes)
attempt("signal", lambda: os.kill(pid, 0) is None)
attempt("uid", lambda: os.getuid() == {uid})
print(json.dumps(got), flush=True)
attempt("fork", forks)
print(json.dumps(got), flush=True)
"""

_HOARD = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        break
block = bytearray(b"x" * {size})
time.sleep(20)
"""


def probe(use: Iterable[str] | None = None) -> Isolation:
    """Run submissions that try to get out, and say what they couldn't do.

    ``use``: the layers to use, of those that work; None is all. Kept for the process's life.
    """
    layers = site().layers if use is None else site().layers & frozenset(use)
    return _probe(layers)


@functools.cache
def _probe(layers: frozenset[str]) -> Isolation:
    limits = Limits(cpu_s=5, wall_s=15, memory=192 * 2**20, processes=8)
    with (
        tempfile.TemporaryDirectory(prefix="microgpt-probe-") as name,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
    ):
        directory = Path(name)
        directory.chmod(0o755)
        private, public = directory / "private", directory / "public"
        for path, mode in ((private, 0o600), (public, 0o644)):
            path.write_text("cases")
            path.chmod(mode)
        folder = directory / "shared"
        folder.mkdir()
        folder.chmod(0o1777)
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        port = server.getsockname()[1]
        arguments = (str(private), str(public), port, os.getpid(), str(folder))
        with Sandbox(limits, accounts.COUNT - 2, use=layers) as sandbox:
            uid = sandbox.uid
            text = _TRIES.format(arguments=arguments, uid=os.getuid())
            sandbox.place({"bot.py": text.encode()})
            tried = sandbox.run(b"", 0)
            try:
                arrived = server.recv(1)
            except BlockingIOError:
                arrived = b""
            sandbox.place({"bot.py": _HOARD.format(size=80 * 2**20).encode()})
            hoard = sandbox.run(b"", 0)
    try:
        got = json.loads(tried.out.decode().splitlines()[-1])
    except (ValueError, IndexError):
        last = tried.err_tail.strip().rpartition("\n")[2]  # without a traceback's paths
        why = last[-300:] or ", ".join(tried.events) or "it said nothing"
        raise MissingError(
            f"A submission can't be run here: {why}.",
            "Check this installation of Python.",
        ) from None
    return Isolation(
        user="dropped uid" if uid is not None and not got["uid"] else "same user",
        bubblewrap="bubblewrap" in layers,
        network=arrived == b"",
        memory="memory" in hoard.events,
        files_closed=not got["private"],
        others_closed=not got["public"],
        writing=not got["write"],
        signals=not got["signal"],
        processes=not got.get("fork", False),
        layers=tuple(name for name in LAYERS if name in layers),
    )


def _demo() -> None:
    found = probe()
    print(f"submissions run as: {found.user}; layers: {', '.join(found.layers) or 'none'}")
    for line in found.lines() or ["Nothing of the grader's is open to them."]:
        print(line)


if __name__ == "__main__":
    _demo()
