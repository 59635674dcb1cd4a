"""User ids for submissions: numbers that no account of this machine has, one per slot.

The range is one that neither distributions nor systemd hand out (60578 to 61183 is unassigned in
systemd's table of users). A number is taken by a lock that ends with the process that holds it,
so that two graders at the same time never share one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from microgpt.errors import MissingError

FIRST, COUNT = 60_600, 512
_OPEN_TO_ALL = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock", "/run/shm")


def can_change_user() -> bool:
    """Whether this process is root, and so may try to run things as somebody else."""
    return sys.platform != "win32" and os.geteuid() == 0


def _known(uid: int) -> bool:
    """Whether an account or a group has this number, or it has no meaning in this container."""
    import grp
    import pwd

    with contextlib.suppress(KeyError):
        pwd.getpwuid(uid)
        return True
    with contextlib.suppress(KeyError):
        grp.getgrgid(uid)
        return True
    for name in ("uid_map", "gid_map"):
        with contextlib.suppress(OSError):
            ranges = [
                [int(number) for number in line.split()]
                for line in Path("/proc/self", name).read_text().splitlines()
            ]
            if not any(inside <= uid < inside + count for inside, _, count in ranges):
                return True
    return False


def _lock_directory() -> Path:
    for parent in (Path("/run"), Path(tempfile.gettempdir())):
        directory = parent / "microgpt-slots"
        with contextlib.suppress(OSError):
            directory.mkdir(mode=0o700, exist_ok=True)
            info = directory.lstat()
            if info.st_uid == 0 and info.st_mode & 0o170777 == 0o040700:
                return directory
    raise MissingError(
        "There is no directory for the locks on user ids: tried /run and the temporary directory.",
        "Make one of them writable, or set TMPDIR.",
    )


@dataclass(frozen=True)
class Account:
    """A user id, and the descriptor of its lock: whoever inherits it keeps the number taken."""

    uid: int
    lock: int


@contextlib.contextmanager
def borrowed(slot: int) -> Iterator[Account]:
    """A user id for one slot, for as long as the context lasts; only root can use it.

    The slot says where to begin looking. Raises ``MissingError`` if all are taken.
    """
    import fcntl

    directory = _lock_directory()
    for i in range(COUNT):
        uid = FIRST + (slot + 37 * i) % COUNT
        if _known(uid):
            continue
        fd = os.open(directory / str(uid), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            continue
        try:
            yield Account(uid, fd)
        finally:
            os.close(fd)
        return
    raise MissingError(
        f"None of the {COUNT} user ids from {FIRST} on is free.", "Grade fewer at the same time."
    )


def remove_files_of(uid: int) -> list[str]:
    """Remove what a user left in the directories that everybody may write to; its paths."""
    found = []
    for directory in {*_OPEN_TO_ALL, tempfile.gettempdir()}:
        with contextlib.suppress(OSError), os.scandir(directory) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_uid != uid:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path)
                    else:
                        os.unlink(entry.path)  # noqa: PTH108 - entry.path is a text
                    found.append(entry.path)
    return found
