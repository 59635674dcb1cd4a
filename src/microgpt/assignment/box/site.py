"""What this machine can do to keep a submission away from everything else, tried and not assumed.

``site()`` finds the ways of locking up that work here (layers), once per process:

uid         root gives up root: the submission runs as a user that owns nothing
bubblewrap  it sees a file tree of its own, with nothing in it but the interpreter and its files
namespaces  no network interface, own process ids (where bubblewrap isn't there to do it)
landlock    no file can be read but the interpreter's and its own, none written, none executed
seccomp     no sockets, no signals, no other programs, no other process's memory

Limits on CPU time, memory, processes and file size, time-outs and the killing of everything that
is left are always there. ``probe`` tries what gets through all of it.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from microgpt import leftovers
from microgpt.assignment.box import accounts
from microgpt.errors import MissingError

LAYERS = ("uid", "bubblewrap", "namespaces", "landlock", "seccomp")
FLAGS = ("-S", "-s", "-P", "-B", "-X", "utf8")  # as isolated as -I, but PYTHONHASHSEED counts
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
_INSIDE = ("start", "driver", "keeper", "lockdown", "processes", "trials")


@dataclass(frozen=True)
class Site:
    """Where submissions are run: what is the same for all of them.

    ``base``: directory of this process, everybody may pass through it and nobody list it.
    ``lib``: the files that run inside. ``python``: interpreter with its flags. ``readable``:
    what it must be able to read. ``layers``: those that work. ``bubblewrap``: its path or "".
    """

    base: Path
    lib: Path
    python: tuple[str, ...]
    readable: tuple[str, ...]
    layers: frozenset[str]
    bubblewrap: str


def open_to_all(path: Path, *, read: bool = True) -> bool:
    """Whether a user who owns nothing can get to a path, and read it."""
    path = Path(os.path.realpath(path))
    try:
        for parent in path.parents:
            if not parent.stat().st_mode & 0o001:
                return False
        mode = path.stat().st_mode
    except OSError:
        return False
    wanted = (0o005 if path.is_dir() else 0o004) if read else 0o001
    return mode & wanted == wanted


def _interpreter(for_all: bool) -> str:
    """This interpreter without its virtual environment, or another that everybody can read."""
    own = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    if not for_all:
        return own
    if open_to_all(Path(own)) and open_to_all(Path(sysconfig.get_path("stdlib"))):
        return own
    code = "import sys, sysconfig; print(sys.version_info >= (3, 11), sysconfig.get_path('stdlib'))"
    for directory in ("/usr/local/bin", "/usr/bin", "/opt/python/bin"):
        for name in (f"python3.{sys.version_info.minor}", "python3"):
            path = os.path.realpath(Path(directory, name))
            if not open_to_all(Path(path)):
                continue
            found = subprocess.run([path, "-I", "-S", "-c", code], capture_output=True, text=True)
            new, _, library = found.stdout.strip().partition(" ")
            if new == "True" and open_to_all(Path(library)):
                return path
    raise MissingError(
        f"The Python at {own} lies in a directory that other users can't enter, so that root "
        "can't run a submission as another user; nor is there a Python 3.11 or later elsewhere.",
        "Install Python where everybody may read it (apt-get install python3), or grade as an "
        "ordinary user.",
    )


_STEM = "microgpt-grade-"


def _base(for_all: bool) -> Path:
    candidates = [tempfile.gettempdir()]
    if for_all:
        candidates = [*candidates, "/tmp", "/var/tmp", "/dev/shm"]
        candidates = [path for path in candidates if open_to_all(Path(path), read=False)]
    for candidate in candidates:
        leftovers.sweep(Path(candidate), _STEM)
        try:
            base, _ = leftovers.new_folder(Path(candidate), _STEM)  # held until this process ends
        except OSError:
            continue
        base.chmod(0o711 if for_all else 0o700)
        _remove_at_end(base)
        return base
    raise MissingError(
        "There is no directory for submissions that everybody can enter.",
        "Set TMPDIR to one (mode 1777 or 711).",
    )


def _remove_at_end(base: Path) -> None:
    """Also in the workers of multiprocessing, which end without atexit."""
    creator = os.getpid()

    def remove() -> None:
        if os.getpid() == creator:
            shutil.rmtree(base, ignore_errors=True)

    atexit.register(remove)
    if "multiprocessing" in sys.modules:
        from multiprocessing.util import Finalize

        Finalize(None, remove, exitpriority=0)


@functools.cache
def site() -> Site:
    """What works here; found once per process, at the cost of about a tenth of a second.

    Raises ``MissingError`` if submissions can't be run at all.
    """
    if sys.platform == "win32":
        raise MissingError(
            "Submissions can't be run on Windows itself: it has neither fork nor limits.",
            "Grade inside WSL, a container or a Linux machine.",
        )
    root = accounts.can_change_user()
    base = _base(root)
    lib = base / "lib"
    lib.mkdir()
    for name in _INSIDE:
        shutil.copyfile(Path(__file__).with_name("inside") / f"{name}.py", lib / f"{name}.py")
    python = (_interpreter(root), *FLAGS)
    bubblewrap = shutil.which("bwrap") or ""
    config = {"lib": str(lib), "work": str(lib), "python": python, "bubblewrap": bubblewrap}
    lib.chmod(0o755)
    found = _tried(python, {**config, "uid": None}, root, lib)
    for path in lib.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return Site(base, lib, python, tuple(found["readable"]), frozenset(found["layers"]), bubblewrap)


def _tried(
    python: tuple[str, ...], config: dict[str, object], root: bool, lib: Path
) -> dict[str, list[str]]:
    def ask(uid: int | None) -> dict[str, list[str]]:
        # PYTHONDONTWRITEBYTECODE aside, the compiled files are written for this interpreter.
        done = subprocess.run(
            [*python, str(lib / "start.py"), "trials"],
            input=json.dumps({**config, "uid": uid}).encode(),
            capture_output=True,
            env=ENVIRONMENT,
            umask=0o022,
        )
        try:
            found: dict[str, list[str]] = json.loads(done.stdout)
        except ValueError:
            raise MissingError(
                f"The Python at {python[0]} can't run submissions: "
                f"{done.stderr.decode(errors='replace').strip()[-300:]}",
                "Check this installation of Python.",
            ) from None
        return found

    if not root:
        return ask(None)
    with accounts.borrowed(accounts.COUNT - 1) as account:
        found = ask(account.uid)
    if "uid" not in found["layers"]:
        raise MissingError(
            "This process is root but can't change its user, and root is above all limits.",
            "Run as an ordinary user, or give the container the capabilities SETUID and SETGID.",
        )
    return found
