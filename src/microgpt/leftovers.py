"""Unfinished files and folders: named to be recognised, removed once no process uses them.

The process that fills one holds the operating system's lock on it, which ends with the process. So
what another process can lock is what a killed one left, and only that is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".tmp-"
"""How every unfinished file and directory begins."""

_WINDOWS_AGE = 600  # seconds; there an open file can't be removed anyway


def stem_of(name: str) -> str:
    """How the unfinished files of a target of this name begin; a random number ends them."""
    return f"{TEMPORARY}{name[:100]}-"


def fresh(folder: Path, stem: str) -> Path:
    """A name in ``folder`` that isn't in use."""
    return folder / f"{stem}{os.urandom(6).hex()}"


def sweep(folder: Path, stem: str) -> None:
    """Remove what killed processes left in ``folder`` under ``stem`` and twelve hex digits.

    Links, other users' files and what a living process holds stay, and so does everything where the
    file system doesn't support locks. Nothing is raised.
    """
    with contextlib.suppress(OSError, ValueError):
        for name in os.listdir(folder):  # noqa: PTH208
            if name.startswith(stem) and _is_random(name.removeprefix(stem)):
                remove_dead(folder / name)


def _is_random(end: str) -> bool:
    """Whether a name's end may be one of ``fresh``."""
    return len(end) == 12 and set(end) <= set("0123456789abcdef")


def remove_dead(path: Path) -> None:
    """Remove a file or folder, unless a living process holds it. Nothing is raised."""
    with contextlib.suppress(OSError):
        info = path.lstat()
        folder = stat.S_ISDIR(info.st_mode)
        if not (folder or stat.S_ISREG(info.st_mode)):
            return
        if os.name == "nt":
            if not folder and time.time() - info.st_mtime > _WINDOWS_AGE:
                path.unlink()
            return
        if not _mine(info):
            return
        fd = os.open(path, (os.O_RDONLY if folder else os.O_RDWR) | _NO_LINK)
        try:
            _lock(fd, wait=False)
            if os.path.samestat(os.fstat(fd), path.lstat()):
                shutil.rmtree(path, ignore_errors=True) if folder else path.unlink()
        finally:
            os.close(fd)


def discard(path: Path) -> None:
    """Remove a directory so that no half of it ever carries its name. Raises ``OSError``."""
    gone = fresh(path.parent, f"{TEMPORARY}gone-")
    path.rename(gone)
    remove(gone)


def remove(path: Path) -> None:
    """Remove a file or directory, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def hold(fd: int) -> bool:
    """Lock a new file or folder; False if it was swept away before that, and another is needed."""
    with contextlib.suppress(OSError):  # no locks here: nobody will sweep
        _lock(fd, wait=True)
    return os.name == "nt" or os.fstat(fd).st_nlink > 0


if sys.platform == "win32":

    def _lock(fd: int, wait: bool) -> None:
        """Nothing: an open file can't be removed there."""

    def _mine(info: os.stat_result) -> bool:
        return True

    _NO_LINK = 0
else:
    import fcntl

    _NO_LINK = os.O_NOFOLLOW | os.O_NONBLOCK

    def _mine(info: os.stat_result) -> bool:
        return info.st_uid == os.geteuid()

    def _lock(fd: int, wait: bool) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def new_folder(parent: Path, stem: str) -> tuple[Path, int | None]:
    """Make a folder for this user alone; it is held until the number that comes with it is closed.

    On Windows a folder can't be held: there None comes with it, and none is ever swept. Raises
    ``OSError``.
    """
    while True:
        path = fresh(parent, stem)
        path.mkdir(mode=0o700)
        if os.name == "nt":
            return path, None
        try:
            fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        if hold(fd) and path.exists():
            return path, fd
        os.close(fd)


@contextlib.contextmanager
def hidden_folder(target: Path) -> Iterator[Path]:
    """A new folder beside ``target``, to be filled; what it still holds at the end is removed.

    What killed processes left of the same target goes first. Raises ``OSError``.
    """
    stem = stem_of(target.name)
    sweep(target.parent, stem)
    path, fd = new_folder(target.parent, stem)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if fd is not None:
            os.close(fd)
