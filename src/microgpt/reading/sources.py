"""Where data comes from: files, pipes and archives, as bytes with a name.

``read`` returns the bytes of one source as they are; ``unpack`` the texts that are packed in them.
Everything is bounded, since a gzip of a few MB can unpack to more than any memory holds and a
pipe may never end.
"""

from __future__ import annotations

import importlib
import io
import os.path
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from microgpt.errors import FileError, InputError, MicrogptError, MissingError
from microgpt.reading.encodings import refuse_binary

MAX_BYTES = 4 * 2**30
"""The most bytes of a file, and of what it unpacks to."""

MAX_PIPE = 2**30
"""The most bytes from a pipe, which are kept with the run."""

_PIECE = 2**20
_PACKED = (  # how it begins, what it is called, the module that unpacks it
    (rb"\x1f\x8b", "gzip", "gzip"),
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "bzip2", "bz2"),
    (rb"\xfd7zXZ\0", "xz", "lzma"),
    (rb"PK(\x03\x04|\x05\x06)", "zip", "zipfile"),
)


@dataclass(frozen=True)
class Raw:
    """The bytes of one source; ``once`` where it can't be read a second time, like a pipe."""

    path: Path
    data: bytes
    once: bool


def expand(source: Path) -> list[Path]:
    """The files that a path means: itself, or those that match if it is a pattern.

    A pattern has ``*``, ``?`` or ``[`` in it and is no file's name; ``**`` stands for any folders.
    The shell mostly expands it; that of Windows doesn't. Sorted by name, without
    hidden ones. Raises ``FileError`` where nothing matches.
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
    if it can't be read, ``InputError`` if it is too long or a stream that isn't text.
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
        import difflib  # loaded by those alone who mistype

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
    if not any(re.match(sign, head) for sign, _, _ in _PACKED):
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
    found = next((row for row in _PACKED if re.match(row[0], data)), None)
    if found is None:
        return [(where, data)]
    _, kind, name = found
    try:
        module = importlib.import_module(name)
    except ImportError:  # not every build of Python has them all
        raise MissingError(
            f"{where} is {kind} data, and this Python lacks the module {name}.",
            "Unpack it, and name the text file.",
        ) from None
    with _readable(where, kind):
        if kind == "zip":
            return _unzip(module, data, where)
        whole = io.BytesIO()
        with module.open(io.BytesIO(data)) as stream:
            _copy(stream, whole, where, MAX_BYTES)
        return [(re.sub(r"\.(gz|bz2|xz)$", "", where, flags=re.IGNORECASE), whole.getvalue())]


@contextmanager
def _readable(where: str, kind: str) -> Iterator[None]:
    """Inside, whatever goes wrong means damaged data: each module has errors of its own."""
    try:
        yield
    except (MicrogptError, MemoryError):
        raise
    except Exception as error:
        why = (str(error) or type(error).__name__).rstrip(".")
        raise FileError(f"{where} is damaged {kind} data: {why}.", "Pack it again.") from error


def _unzip(zipfile: Any, data: bytes, where: str) -> list[tuple[str, bytes]]:
    texts: list[tuple[str, bytes]] = []
    total = 0
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
    if not texts:
        raise InputError(f"{where} holds no file.", "Add a text file to the archive.")
    return texts
