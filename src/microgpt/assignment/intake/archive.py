"""What lies in a student's folder or zip, without trusting a word of it.

Nothing is ever unpacked to the disk: entries are listed, and the few that are wanted are read into
memory, counted while they are read. A link, a device, an absolute path or ".." is a problem line
and never followed; a size in an archive's header is a claim, not a fact.
"""

from __future__ import annotations

import calendar
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 80 * 2**20
"""Bytes that an archive may have."""
MOST_ENTRIES = 10_000
MOST_DEPTH = 6
MOST_RATIO = 200
"""How many times as long an entry may get by unpacking, beyond its first 1 MiB."""
_LISTING = 4 * 2**20  # bytes of an archive's table of contents
_FREE = 2**20  # unpacked bytes for which no ratio is asked
_CHUNK = 2**16
_LISTED = 3  # names in a problem line
_LEFT_BEHIND = (
    "__macosx", "__pycache__", "node_modules", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon",
)  # fmt: skip


class Refused(Exception):
    """Why an entry or an archive isn't read: the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class Entry:
    """One ordinary file. ``parts``: its path; ``read(limit)`` gives its bytes or ``Refused``.

    ``time``: when it was changed, as its folder or archive claims, in seconds; 0 if unknown.
    ``export``: the name that a platform gave the file, where it differs from the student's own.
    """

    parts: tuple[str, ...]
    read: Callable[[int], bytes]
    time: float = 0.0
    export: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.parts[-1]

    @property
    def shown(self) -> str:
        """The whole path."""
        return "/".join(self.parts)


# ---------------------------------------------------------------- files on this disk


def read_file(path: Path, limit: int, *, follow: bool = False) -> bytes:
    """The bytes of an ordinary file, counted; ``Refused`` for anything else, or if it is longer.

    ``follow``: whether a link is followed, as for a path that the teacher gave.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
        if path.is_symlink():
            raise Refused("is a link, which is not followed")
    try:
        fd = os.open(path, flags)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Refused("is not an ordinary file")
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise Refused(f"can't be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > limit:
        raise Refused(f"is longer than {limit:,} bytes")
    return data


def folder_entries(root: Path, problems: list[str]) -> list[Entry]:
    """The ordinary files under ``root``, hidden ones left out, nearest first."""
    found: list[Entry] = []
    odd: dict[str, list[str]] = {}
    waiting: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    seen = 0
    while waiting:
        folder, parts = waiting.pop(0)
        for item in _listed(folder, odd, parts):
            seen += 1
            if seen > MOST_ENTRIES:
                problems.append(f"it has more than {MOST_ENTRIES:,} files; the rest isn't read")
                waiting.clear()
                break
            here = (*parts, item.name)
            if hidden(item.name):
                continue
            if item.is_symlink():
                odd.setdefault("is a link, which is not followed", []).append("/".join(here))
            elif item.is_dir(follow_symlinks=False):
                if len(here) < MOST_DEPTH:
                    waiting.append((folder / item.name, here))
            elif item.is_file(follow_symlinks=False):
                time = item.stat(follow_symlinks=False).st_mtime
                found.append(Entry(here, _reader(folder / item.name), time))
            else:
                odd.setdefault("is not an ordinary file", []).append("/".join(here))
    problems += _lines(odd)
    return found


def _listed(
    folder: Path, odd: dict[str, list[str]], parts: tuple[str, ...]
) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            some = [item for item, _ in zip(items, range(MOST_ENTRIES + 1), strict=False)]
    except OSError as error:
        if not parts:
            raise Refused(f"can't be read: {error.strerror}") from None
        odd.setdefault(f"can't be read: {error.strerror}", []).append("/".join(parts))
        return []
    return sorted(some, key=lambda item: item.name)


def _reader(path: Path) -> Callable[[int], bytes]:
    return lambda limit: read_file(path, limit)


def hidden(name: str) -> bool:
    """Whether a file or folder is one that systems and tools leave behind by themselves."""
    return name.startswith((".", "~$")) or name.casefold().rstrip("\r") in _LEFT_BEHIND


def _lines(odd: dict[str, list[str]]) -> Iterator[str]:
    for reason, names in odd.items():
        more = f" (and {len(names) - _LISTED:,} more)" if len(names) > _LISTED else ""
        yield f"{', '.join(name[:80] for name in names[:_LISTED])}{more} {reason}"


# ---------------------------------------------------------------- zip


def zip_entries(data: bytes, problems: list[str]) -> list[Entry]:
    """The ordinary files in an archive, hidden ones left out, nearest first.

    Raises ``Refused`` for what isn't a zip or has too many entries. An entry with an unsafe name
    is left out, and named in ``problems``.
    """
    if len(data) > MOST_BYTES:
        raise Refused(f"is longer than {MOST_BYTES:,} bytes")
    _check_listing(data)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, OSError) as error:
        raise Refused(f"is not a readable zip: {error}") from None
    if len(infos) > MOST_ENTRIES:
        raise Refused(f"has {len(infos):,} entries, may have {MOST_ENTRIES:,}")
    found: dict[tuple[str, ...], Entry] = {}
    odd: dict[str, list[str]] = {}
    for info in infos:
        name = info.filename.replace("\\", "/")
        if reason := _unsafe(name, info):
            odd.setdefault(reason, []).append(name)
            continue
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if name.endswith("/") or any(map(hidden, parts)) or not 0 < len(parts) <= MOST_DEPTH:
            continue
        if parts in found:
            odd.setdefault("occurs twice: the last one counts", []).append(name)
        found[parts] = Entry(parts, _zip_reader(archive, info), _time(info))
    problems += _lines(odd)
    return sorted(found.values(), key=lambda entry: (len(entry.parts), entry.parts))


def _check_listing(data: bytes) -> None:
    """Refuse a table of contents that would fill the memory, before ``zipfile`` reads it."""
    end = len(data) - 22
    if end < 0:
        raise Refused("is not a zip: it is too short")
    if data[end : end + 4] != b"PK\5\6" or data[-2:] != b"\0\0":
        end = data.rfind(b"PK\5\6", max(0, len(data) - 22 - 65_536))
        if end < 0 or end + 22 > len(data):
            raise Refused("is not a zip: it has no end record")
    size = struct.unpack_from("<I", data, end + 12)[0]
    if data[max(0, end - 20) : end].startswith(b"PK\6\7"):
        raise Refused("is a zip of the kind for files above 4 GB")
    if size > _LISTING:
        raise Refused(f"has a table of contents of {size:,} bytes, may have {_LISTING:,}")


def _time(info: zipfile.ZipInfo) -> float:
    """What the archive claims: there is no time zone in it, and nonsense counts as unknown."""
    year, month, day, hour, minute, second = info.date_time
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return 0.0
    return float(calendar.timegm((year, month, day, hour, minute, second, 0, 0, 0)))


def _unsafe(name: str, info: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    parts = name.split("/")
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "has an absolute path; it isn't read"
    if ".." in parts:
        return 'leads out of the archive with ".."; it isn\'t read'
    if kind == stat.S_IFLNK:
        return "is a link, which is not followed"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is not an ordinary file"
    return None


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        if info.flag_bits & 0x1:
            raise Refused("is protected by a password")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused(f"is compressed with method {info.compress_type}; use an ordinary zip")
        pieces, count = [], 0
        most = min(limit, max(_FREE, MOST_RATIO * info.compress_size))
        try:
            with archive.open(info) as file:
                while piece := file.read(_CHUNK):
                    count += len(piece)
                    if count > most:
                        raise Refused(_too_long(limit, most, info.compress_size))
                    pieces.append(piece)
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            RuntimeError,
            NotImplementedError,
            ValueError,
            struct.error,
        ) as error:
            raise Refused(f"can't be unpacked: {error}") from None
        return b"".join(pieces)

    return read


def _too_long(limit: int, most: int, packed: int) -> str:
    if most == limit:
        return f"is longer than {limit:,} bytes"
    return f"unpacks to more than {MOST_RATIO} times its {packed:,} bytes"


def _demo() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("homework/bot.py", "print()\n")
        archive.writestr("homework/zeros.txt", bytes(8 * 2**20))
        archive.writestr("../../escape.txt", "")
    problems: list[str] = []
    for entry in zip_entries(buffer.getvalue(), problems):
        try:
            print(f"{entry.shown}: {len(entry.read(2**26)):,} bytes")
        except Refused as error:
            print(f"{entry.shown} {error}")
    print(*problems, sep="\n")


if __name__ == "__main__":
    _demo()
