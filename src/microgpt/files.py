"""Bytes on disk and the two formats in them: whole or not at all, bounded, never pickled.

``write_atomic`` and ``read_bytes`` turn what the operating system says into a ``FileError`` with
path, reason and remedy; ``Lock`` keeps a second process out. ``parse_json`` and ``dump_json`` are
JSON without its loopholes (NaN, duplicate keys, bottomless nesting). ``pack_tensors`` and
``unpack_tensors`` are safetensors files.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from microgpt import leftovers
from microgpt.errors import CheckpointError, FileError, NumbersError
from microgpt.leftovers import TEMPORARY as TEMPORARY

DTYPES = {"F64": "float64", "F32": "float32"}
"""The safetensors names of the number formats we store."""

_ELSEWHERE = "Choose another place, or change its permissions."
_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space, or write to another disk."),
    errno.EROFS: ("the file system is read-only", "Choose another place."),
    errno.EACCES: ("permission is denied", _ELSEWHERE),
    errno.EPERM: ("permission is denied", _ELSEWHERE),
    errno.ENOENT: ("there is no such file or directory", "Check the path."),
    errno.ENOTDIR: ("part of the path is a file, not a directory", "Check the path."),
    errno.EISDIR: ("it is a directory", "Name a file."),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name."),
    errno.EFBIG: ("the file would be larger than is allowed here", "Raise the limit (ulimit -f)."),
    errno.EMFILE: ("too many files are open", "Raise the limit (ulimit -n)."),
    errno.EIO: ("the device reports an error", "Check the disk, or use another one."),
}
if hasattr(errno, "EDQUOT"):
    _REASONS[errno.EDQUOT] = ("the disk quota is used up", "Free some space, or write elsewhere.")


def file_error(error: OSError | ValueError, path: Path, doing: str) -> FileError:
    """The ``FileError`` for what happened while ``doing`` ("read", "write") something to path."""
    number = error.errno if isinstance(error, OSError) else None
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or repr(error)
    reason, remedy = _REASONS.get(number or 0, (text, "Check the path and the disk."))
    return FileError(f"Can't {doing} {path}: {reason}.", remedy)


def errno_of(error: FileError) -> int | None:
    """The operating system's number for what happened, if it was the one to say so."""
    return error.__cause__.errno if isinstance(error.__cause__, OSError) else None


# ---------------------------------------------------------------- bytes


def write_synced(path: Path, data: bytes, *, append: bool = False) -> None:
    """Write ``data`` to a new file (or to the end of one) and wait until the disk has it.

    Raises ``OSError``; a file may then be there in part.
    """
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
    fd = os.open(path, flags | (os.O_APPEND if append else os.O_EXCL), 0o666)
    try:
        _write_all(fd, data)
        if not append:
            os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync_directory(path: Path) -> None:
    """Make renames in a directory last through a power cut, where the system can do that.

    Raises ``OSError`` if the disk fails.
    """
    if sys.platform != "win32":
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
                raise
        finally:
            os.close(fd)


def make_directories(path: Path) -> None:
    """Make a directory and those above it, so that they last through a power cut.

    Raises ``FileError``; for a link that leads nowhere it names the link and its target.
    """
    try:
        missing, at = [], path
        while not at.exists():
            if at.is_symlink():
                raise FileError(
                    f"{at} is a link to {os.path.realpath(at)}, which does not exist.",
                    "Make that directory, or choose another --out.",
                )
            missing.append(at)
            at = at.parent
        for directory in reversed(missing):
            directory.mkdir(exist_ok=True)
            sync_directory(directory.parent)
        if not path.is_dir():
            raise FileError(f"{path} is a file; a run needs a directory.", "Choose another --out.")
    except (OSError, ValueError) as error:
        raise file_error(error, path, "make the directory") from error


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file whole or not at all: a reader sees the old content or the new.

    The data goes to ``.tmp-…`` beside it, is synced, and takes the name; what a killed process
    left there of the same target is removed. Raises ``FileError`` if it can't be written; what was
    there before is then unchanged. A link is followed; anything else than an ordinary file (a
    directory, ``/dev/null``) is refused, not replaced.
    """
    given = Path(path)
    try:
        target = Path(os.path.realpath(given))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a directory")
        if target.exists() and not target.is_file():
            raise FileError(f"Can't write {given}: it is not an ordinary file.", "Name a file.")
        if given.is_symlink() and not target.parent.is_dir():
            raise FileError(
                f"Can't write {given}: it is a link to {target}, and there is no directory "
                f"{target.parent}.",
                "Make that directory, or name another file.",
            )
        stem = leftovers.stem_of(target.name)
        leftovers.sweep(target.parent, stem)
        _write_and_rename(target, stem, data)
        sync_directory(target.parent)
    except (OSError, ValueError) as error:
        raise file_error(error, given, "write") from error


def _write_and_rename(target: Path, stem: str, data: bytes) -> None:
    """``write_atomic`` once the target is known. Its file is locked, so no sweep removes it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        temporary = leftovers.fresh(target.parent, stem)
        fd = os.open(temporary, flags, 0o666)
        try:
            if not leftovers.hold(fd):
                continue
            _write_all(fd, data)
            os.fsync(fd)
            if sys.platform == "win32":  # an open file can't be renamed there
                os.close(fd)
                fd = -1
            temporary.replace(target)
            return
        except BaseException:
            if fd >= 0:
                os.close(fd)
                fd = -1
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        finally:
            if fd >= 0:
                os.close(fd)


def file_size(path: str | os.PathLike[str]) -> int:
    """Length of a file in bytes. Raises ``FileError`` if it isn't there."""
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError) as error:
        raise file_error(error, Path(path), "read") from error


def read_bytes(path: str | os.PathLike[str], limit: int, *, first: int | None = None) -> bytes:
    """The content of a file, or its ``first`` bytes, if it has at most ``limit`` bytes.

    Raises ``FileError`` if it can't be read, ``CheckpointError`` if it is longer than ``limit`` or
    not an ordinary file; nothing is read then.
    """
    path = Path(path)
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a directory")
        if not stat.S_ISREG(info.st_mode):  # a pipe would make us wait for ever
            raise CheckpointError(f"Can't read {path}: it is not an ordinary file.", "Name a file.")
        if info.st_size <= limit:
            with path.open("rb") as file:
                data = file.read(min(limit, info.st_size) + 1 if first is None else first)
            if len(data) <= limit:
                return data
    except (OSError, ValueError) as error:
        raise file_error(error, path, "read") from error
    raise CheckpointError(
        f"{path} has {max(info.st_size, limit + 1):,} bytes, above the limit of {limit:,}.",
        "It is damaged, or not the file it should be: use another.",
    )


# ---------------------------------------------------------------- lock


class Lock:
    """The operating system's lock on a file: one process has it, and it goes away with the object.

    It belongs to the open file, so a killed process can't leave it behind. The objects of one
    process share it.
    """

    _taken: ClassVar[weakref.WeakValueDictionary[str, Lock]] = weakref.WeakValueDictionary()

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.sure = True
        """Whether no other process can have it; False where locks aren't supported."""

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._fd)

    @classmethod
    def take(cls, path: Path, taken: str) -> Lock:
        """The lock on the file at ``path``, which is made if it isn't there.

        Raises ``FileError`` with the message ``taken`` if another process has it. Where the file
        system doesn't support locks, every process gets it.
        """
        key = os.path.realpath(path)
        mine = cls._taken.get(key)
        try:
            if mine is not None and path.exists() and _same_file(os.fstat(mine._fd), path.stat()):
                return mine
            lock = cls(os.open(path, os.O_RDWR | os.O_CREAT, 0o666))
        except OSError as error:
            raise file_error(error, path, "write") from error
        try:
            try:
                _lock_now(lock._fd)
            except OSError as error:
                if error.errno not in _LOCKED:
                    raise
                time.sleep(0.05)  # it may be `held`, which is done in a moment
                _lock_now(lock._fd)
        except OSError as error:
            if error.errno in _LOCKED:
                raise FileError(taken, "Wait until it is done, or choose another --out.") from error
            lock.sure = False
        cls._taken[key] = lock
        return lock

    @staticmethod
    def held(path: Path) -> bool:
        """Whether a process, this one too, has the lock on the file at ``path``; changes nothing.

        False as well where there is no such file, it can't be read, or the system doesn't support
        locks.
        """
        try:
            fd = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
        except OSError:
            return False
        try:
            _lock_now(fd, shared=True)
        except OSError as error:
            return error.errno in _LOCKED
        finally:
            os.close(fd)
        return False


_LOCKED = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


def _same_file(a: os.stat_result, b: os.stat_result) -> bool:
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


if sys.platform == "win32":
    import msvcrt

    def _lock_now(fd: int, shared: bool = False) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_now(fd: int, shared: bool = False) -> None:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


# ---------------------------------------------------------------- JSON


def shown(value: object, most: int = 40) -> str:
    """A value from a file as an error message shows it: ASCII, one line, cut."""
    if isinstance(value, list | dict):
        kind = "list" if isinstance(value, list) else "object"
        return f"a JSON {kind} of {len(value)}"
    if isinstance(value, str):
        text = ascii(value[:most])
        return text if len(value) <= most else f"{text[:-1]}…{text[-1]}"
    if isinstance(value, int | float) or value is None:
        text = json.dumps(value)
        return text if len(text) <= most else f"{text[:most]}…"
    return ascii(value)[:most]


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {shown(key)} occurs twice")
            seen.add(key)
    return result


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that a file may hold")


def parse_json(data: bytes, what: str, remedy: str) -> Any:
    """The value that UTF-8 JSON text represents.

    Raises ``CheckpointError`` (``what``: reason) for anything that isn't JSON, for NaN, Infinity,
    a key that occurs twice, and nesting that exhausts the stack. Numbers too large for a float64
    come back as inf: the caller checks.
    """
    try:
        return json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_pairs, parse_constant=_constant
        )
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = str(error)
    raise CheckpointError(f"{what} is not readable JSON: {reason}.", remedy)


_COMPACT = json.JSONEncoder(allow_nan=False)  # a run's log has thousands of lines


def dump_json(value: object, *, indent: int | None = None) -> str:
    """JSON text in ASCII, with the shortest numbers that read back the same.

    Raises ``NumbersError`` if a number isn't finite.
    """
    encoder = _COMPACT if indent is None else json.JSONEncoder(indent=indent, allow_nan=False)
    try:
        return encoder.encode(value)
    except ValueError as error:
        raise NumbersError(
            "A number to be saved is not finite (NaN or infinite).", "Try a lower --lr."
        ) from error


# ---------------------------------------------------------------- tensors


def first_not_finite(arrays: Mapping[str, npt.NDArray[np.floating]]) -> str | None:
    """The name of the first array that holds NaN or an infinity, or None."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            return name
    return None


def pack_tensors(
    arrays: Mapping[str, npt.NDArray[np.floating]], metadata: Mapping[str, str] | None = None
) -> bytes:
    """A safetensors file with these arrays; the same arrays give the same bytes.

    The library writes metadata in an order that changes from run to run, so it is put into the
    header here.
    """
    dense = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    data = safetensors.numpy.save(dense)
    if not metadata:
        return data
    length = int.from_bytes(data[:8], "little")
    header = {"__metadata__": dict(metadata), **json.loads(data[8 : 8 + length])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def tensor_file_limit(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """The most bytes that a safetensors file of float64 arrays of these shapes can have."""
    numbers = sum(int(np.prod(shape, dtype=object)) for shape in shapes.values())
    names = sum(len(name) for name in shapes)
    return 8 * numbers + 6 * names + 200 * len(shapes) + 65_536


def unpack_tensors(
    data: bytes,
    shapes: Mapping[str, tuple[int, ...]],
    what: str,
    remedy: str,
    *,
    may_be_empty: bool = False,
) -> dict[str, npt.NDArray[np.floating]]:
    """The arrays of a safetensors file: exactly these names and shapes, float64 or float32, finite.

    They come back in the order of ``shapes``, writable. With ``may_be_empty`` a file without any
    array is accepted too, and gives none. Raises ``CheckpointError`` that names what is wrong.
    """

    def bad(reason: str) -> CheckpointError:
        return CheckpointError(f"{what} {reason}.", remedy)

    try:
        found = dict(safetensors.deserialize(data))  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise bad(f"is not a readable safetensors file: {error}") from error
    if may_be_empty and not found:
        return {}
    _same_names(found, shapes, bad)
    arrays: dict[str, npt.NDArray[np.floating]] = {}
    for name, shape in shapes.items():
        entry = found.pop(name)
        if entry["dtype"] not in DTYPES:
            raise bad(f"has {name} as {entry['dtype']}, must be one of {', '.join(DTYPES)}")
        if tuple(entry["shape"]) != shape:
            raise bad(f"has {name} with shape {list(entry['shape'])}, must be {list(shape)}")
        dtype = np.dtype(DTYPES[entry["dtype"]]).newbyteorder("<")
        array = np.frombuffer(entry["data"], dtype=dtype).reshape(shape)
        arrays[name] = array.astype(dtype.newbyteorder("="))
    if (wrong := first_not_finite(arrays)) is not None:
        raise bad(f"has a number in {wrong} that is not finite")
    return arrays


def _same_names(
    found: Iterable[str], wanted: Iterable[str], bad: Callable[[str], CheckpointError]
) -> None:
    have, want = set(found), set(wanted)
    for verb, names in (("lacks", want - have), ("has the unknown", have - want)):
        if names:
            first = ", ".join(shown(n)[1:-1] for n in sorted(names)[:5])
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            raise bad(f"{verb} {'tensors' if len(names) > 1 else 'tensor'} {first}{more}")
