"""The log of a run, ``metrics.jsonl``: one JSON object per line; the only file with times.

It is only appended to, and its digest is carried along, so that no save reads it again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from microgpt import files
from microgpt.disk import snapshot

NAME = "metrics.jsonl"
LIMIT = 2**32  # bytes

_CHUNK = 2**20  # bytes read at once


class RunLog:
    """The file ``metrics.jsonl`` in the directory ``folder``. A writer holds the run's lock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._tail_checked = False
        self._hash = hashlib.sha256()  # of the first ``_hashed`` bytes
        self._hashed = 0

    @property
    def size(self) -> int:
        """Its length in bytes; 0 if there is none."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise files.file_error(error, self.path, "read") from error

    def append(self, data: bytes) -> None:
        """Add whole lines to its end, all or none. Raises ``FileError``."""
        if not self._tail_checked:
            self.rewind(self.size)
        size = self.size
        try:
            files.write_synced(self.path, data, append=True)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(self.path, size)
            raise files.file_error(error, self.path, "write") from error
        if self._hashed == size:
            self._hash.update(data)
            self._hashed += len(data)

    def lines(self) -> list[dict[str, Any]]:
        """All its lines; a last one that was cut off by a kill is left out.

        Raises ``CheckpointError`` that names the line if another one is damaged.
        """
        if not self.size:
            return []
        *whole, _ = files.read_bytes(self.path, LIMIT).split(b"\n")
        return list(parsed(whole, self.path))

    def digest(self, size: int) -> str | None:
        """SHA-256 of its first ``size`` bytes, in hexadecimal; None if it has fewer.

        Only what wasn't read or written here before is read. Raises ``FileError``.
        """
        if size < self._hashed:
            self._hash, self._hashed = hashlib.sha256(), 0
        if size > self._hashed:
            try:
                with self.path.open("rb") as file:
                    file.seek(self._hashed)
                    while data := file.read(min(_CHUNK, size - self._hashed)):
                        self._hash.update(data)
                        self._hashed += len(data)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise files.file_error(error, self.path, "read") from error
        return self._hash.hexdigest() if self._hashed == size else None

    def notices(self, state: dict[str, Any], read: bool) -> list[str]:
        """What is wrong with it, going by a snapshot's ``state``; with ``read``, byte by byte."""
        size, digest = state["metrics_bytes"], state.get("metrics_sha256")
        if size > self.size:
            return ["metrics.jsonl is shorter than at the save: some of it is lost."]
        if read and digest is not None and digest != self.digest(size):
            return ["metrics.jsonl has changed since the save: some of it is wrong."]
        return []

    def rewind(self, size: int) -> None:
        """Cut it to ``size`` bytes, at a line's end.

        If it is shorter it loses at most its torn last line. Raises ``FileError``.
        """
        self._tail_checked = True
        if not self.size:
            return
        try:
            with self.path.open("rb+") as file:
                at = min(size, self.size)
                while at > 0:  # back to the last line's end
                    start = max(0, at - 65_536)
                    file.seek(start)
                    end = file.read(at - start).rfind(b"\n")
                    at = start + end + 1
                    if end >= 0:
                        break
                file.truncate(at)
        except OSError as error:
            raise files.file_error(error, self.path, "write") from error
        if self._hashed > at:
            self._hash, self._hashed = hashlib.sha256(), 0

    def sync(self) -> None:
        """Flush all of it to disk, so that a length recorded now is true after a power cut."""
        if not self.size:
            return
        try:
            with self.path.open("rb+") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise files.file_error(error, self.path, "write") from error


def parsed(lines: Iterable[bytes], where: Path) -> Iterable[dict[str, Any]]:
    """The object of each line. Raises ``CheckpointError`` that names the first damaged one."""
    remedy = "Remove that line; the weights don't depend on it."
    for i, line in enumerate(lines, 1):
        yield snapshot.json_object(line, f"Line {i} of {where}", remedy)
