"""Where data comes from: files, pipes and archives, as bytes with a name.

``read`` gives the bytes of one source as they are; ``unpack`` the texts that are packed in them.
Everything is bounded, since a gzip of a few MB can unpack to more than any memory holds and a
pipe may never end.
"""

from __future__ import annotations

import bz2
import difflib
import gzip
import io
import lzma
import os.path
import re
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from microgpt.encodings import refuse_binary
from microgpt.errors import FileError, InputError

MAX_BYTES = 4 * 2**30
"""Most bytes of a file, and of what it unpacks to."""

MAX_PIPE = 2**30
"""Most bytes from a pipe, which are kept with the run."""

_PIECE = 2**20
_PACKED: tuple[tuple[bytes, str, Callable[[io.BytesIO], Any]], ...] = (
    (b"\x1f\x8b", "gzip", gzip.open),
    (b"BZh", "bzip2", bz2.open),
    (b"\xfd7zXZ\0", "xz", lzma.open),
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, ValueError)


@dataclass(frozen=True)
class Raw:
    """The bytes of one source; ``once`` where it can't be read a second time, as a pipe."""

    path: Path
    data: bytes
    once: bool


def expand(source: Path) -> list[Path]:
    """The files that a path stands for: itself, or those that match if it is a pattern.

    A pattern has ``*``, ``?`` or ``[`` in it and is no file's name; ``**`` stands for any folders.
    The shell mostly expands it; Windows' doesn't. Sorted by name, without
    hidden ones. Raises ``FileError`` where
    nothing matches.
    """
    if not re.search(r"[*?[]", str(source)) or os.path.lexists(source):
        return [source]
    root = Path(source.anchor)
    try:
        matches = root.glob(str(source.relative_to(root)))
        found = sorted(p for p in matches if p.is_file() and not p.name.startswith("."))
    except (OSError, ValueError):
        found = []
    if not found:
        raise FileError(f"No file matches {source}.", "Check the pattern, or name the files.")
    return found


def read(path: Path, bundled: Iterable[str]) -> Raw:
    """The bytes of a file or pipe; ``-`` is standard input.

    ``bundled``: names that may have been meant where there is no such file. Raises ``FileError``
    if it can't be read, ``InputError`` if it is too long or a stream of no text.
    """
    try:
        if str(path) == "-":
            if sys.stdin is None:
                raise FileError("- means standard input, which is closed.", "Name a file.")
            return Raw(path, _from_pipe(sys.stdin.buffer, called(path)), True)
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise FileError(
                f"{path} is a directory.", f'Name a text file, or all of them: "{path / "*.txt"}"'
            )
        given = re.match(r"/(dev/(stdin|fd)|proc)\b", path.as_posix()) is not None
        if not (stat.S_ISREG(info.st_mode) or stat.S_ISFIFO(info.st_mode) or given):
            raise FileError(
                f"{path} is a device, not a file.", "Name a text file, or - for a pipe."
            )
        with path.open("rb") as stream:
            if given or not stat.S_ISREG(info.st_mode):
                return Raw(path, _from_pipe(stream, str(path)), True)
            if info.st_size > MAX_BYTES:
                raise _too_long(str(path), MAX_BYTES)
            return Raw(path, stream.read(), False)
    except FileNotFoundError:
        close = difflib.get_close_matches(path.stem.lower(), bundled, n=1)
        hint = f"Did you mean the bundled {close[0]!r}?" if close else ""
        hint = hint or f"Bundled are {', '.join(bundled)}."
        raise FileError(f"There is no file {path}.", hint) from None
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise FileError(f"{path} can't be read: {why}.", "Check its permissions.") from error


def called(path: Path) -> str:
    """The path as messages name it."""
    return "standard input (-)" if str(path) == "-" else str(path)


def _from_pipe(stream: IO[bytes], where: str) -> bytes:
    """Everything that comes through a pipe, unless it can't be text or doesn't end."""
    head = stream.read(2**16)
    if not head.startswith((*_ZIP, *(sign for sign, _, _ in _PACKED))):
        refuse_binary(head, where)
    rest = io.BytesIO()
    rest.write(head)
    _copy(stream, rest, where, MAX_PIPE, "Put a part of it into a file: head -c 100000000 > FILE.")
    return rest.getvalue()


def _copy(
    stream: IO[bytes],
    into: io.BytesIO,
    where: str,
    limit: int,
    remedy: str = "Train on a part.",
    before: int = 0,
) -> None:
    """Append the rest of a stream, in pieces, so that the limit stops it in time.

    ``before``: bytes that count as well, of files of the same archive.
    """
    while piece := stream.read(_PIECE):
        into.write(piece)
        if before + into.tell() > limit:
            raise _too_long(where, limit, remedy)


def _too_long(where: str, limit: int, remedy: str = "Train on a part.") -> InputError:
    return InputError(f"{where} holds more than {limit:,} bytes.", remedy)


# ------------------------------------------------------------------ archives


def unpack(raw: Raw) -> list[tuple[str, bytes]]:
    """The texts in a source, each with a name that says where it is and what kind of file.

    gzip, bzip2 and xz hold one text, a zip archive those of its files in the order of their
    names; hidden files and what macOS adds are left out. They are known by their first bytes;
    anything else is as it is.

    Raises ``FileError`` for damaged or encrypted archives, ``InputError`` above ``MAX_BYTES``.
    """
    data, where = raw.data, called(raw.path)
    for sign, kind, opened in _PACKED:
        if data.startswith(sign):
            whole = io.BytesIO()
            try:
                with opened(io.BytesIO(data)) as stream:
                    _copy(stream, whole, where, MAX_BYTES)
            except _DAMAGED as error:
                raise _damaged(where, f"damaged {kind} data", error) from error
            return [(re.sub(r"\.(gz|bz2|xz)$", "", where, flags=re.IGNORECASE), whole.getvalue())]
    return _unzip(data, where) if data.startswith(_ZIP) else [(where, data)]


def _unzip(data: bytes, where: str) -> list[tuple[str, bytes]]:
    texts: list[tuple[str, bytes]] = []
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" in names or names[:1] == ["mimetype"]:
                raise InputError(
                    f"{where} is an Office document or an e-book (docx, xlsx, odt, epub).",
                    "Save it as text or as CSV, and name that file.",
                )
            for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
                if entry.is_dir() or re.search(r"(^|/)(__MACOSX/|\.)", entry.filename):
                    continue
                if entry.flag_bits & 1:
                    raise FileError(
                        f"{where} is encrypted.", "Unpack it with its password, and name its files."
                    )
                text = io.BytesIO()
                with archive.open(entry) as stream:
                    _copy(stream, text, where, MAX_BYTES, before=total)
                total += text.tell()
                texts.append((f"{where}/{entry.filename}", text.getvalue()))
    except (*_DAMAGED, RuntimeError) as error:  # also what zipfile can't unpack
        raise _damaged(where, "a damaged zip archive", error) from error
    if not texts:
        raise InputError(f"{where} holds no file.", "Add a text file to the archive.")
    return texts


def _damaged(where: str, kind: str, error: Exception) -> FileError:
    why = str(error) or type(error).__name__
    return FileError(f"{where} is {kind}: {why}.".replace("..", "."), "Pack it again.")
