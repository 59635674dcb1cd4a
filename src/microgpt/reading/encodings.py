"""Bytes as text: which encoding a file has, and what it is where it isn't text at all.

A byte order mark settles it; then UTF-8 is tried. What is neither is inspected: NULs at every other
byte mean UTF-16 without a mark, letters of Western Europe mean Windows-1252. Such a guess comes
with a note, and ``--encoding`` overrules it.
"""

from __future__ import annotations

import codecs
import re

from microgpt.errors import InputError

_SAMPLE = 2**16  # bytes that are looked at before all are decoded
_ASCII = range(32, 127)

_MARKS = (  # UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WITHOUT_MARK = {
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
    "utf-32-le": "UTF-32 (little-endian)",
    "utf-32-be": "UTF-32 (big-endian)",
}

_EXPORT = "Save it as text from the program that opens it, and name that file."
_UNPACK = "Unpack it, and name the text files in it."
_KINDS: tuple[tuple[int, bytes, str, str], ...] = (  # where, which bytes, what it is, remedy
    (0, b"%PDF-", "a PDF", "Extract its text first: pdftotext FILE."),
    (0, b"PK\x03\x04", "a zip archive", _UNPACK),
    (0, b"\x1f\x8b", "gzip data", _UNPACK),
    (0, b"BZh", "bzip2 data", _UNPACK),
    (0, b"\xfd7zXZ\0", "xz data", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard data", "Unpack it first: zstd -d FILE."),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"\xd0\xcf\x11\xe0", "an old Office document (doc, xls)", _EXPORT),
    (0, b"SQLite format 3\0", "an SQLite database", "Export the column that you want as text."),
    (0, b"PAR1", "a Parquet file", "Export the column that you want as CSV."),
    (0, b"ARROW1", "an Arrow file", "Export the column that you want as CSV."),
    (0, b"\x93NUMPY", "a NumPy array", "Name a text file."),
    (0, b"\x89HDF", "an HDF5 file", "Name a text file."),
    (0, b"\x89PNG", "a PNG image", "Name a text file."),
    (0, b"\xff\xd8\xff", "a JPEG image", "Name a text file."),
    (0, b"GIF8", "a GIF image", "Name a text file."),
    (0, b"RIFF", "an image, audio or video file (RIFF)", "Name a text file."),
    (4, b"ftyp", "a video or audio file (MP4)", "Name a text file."),
    (0, b"ID3", "an audio file (MP3)", "Name a text file."),
    (0, b"OggS", "an audio file (Ogg)", "Name a text file."),
    (0, b"\x7fELF", "a program", "Name a text file."),
    (0, b"MZ", "a program", "Name a text file."),
)


def decode(data: bytes, where: str, encoding: str | None = None) -> tuple[str, str | None, str]:
    """The text that ``data`` represents, the encoding it was read in, and a note or ``""``.

    ``where``: the file's name for messages. ``encoding``: any text encoding that Python knows;
    None detects it. The encoding comes back as None where it is UTF-8 or a mark says it: then
    nobody needs to be told to read the file again. A byte order mark is dropped, and every line
    ends with LF.

    Raises ``InputError`` if the bytes aren't such text, or the encoding is not known.
    """
    if encoding is not None:
        return _named(data, where, check_encoding(encoding)), encoding, ""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _marked(data, where, name, len(mark)), None, ""
    if data.startswith(b"%PDF-"):  # can be ASCII throughout
        raise _binary(data, where)
    if 0 in data:
        if (found := _without_mark(data)) is None:
            raise _binary(data, where)
        said = f"{where} is read as {_WITHOUT_MARK[found]}, for which it has no mark"
        return _unix(data.decode(found)), found, f"{said}. Name another with --encoding."
    try:
        return _unix(data.decode()), None, ""
    except UnicodeDecodeError as error:
        at = error.start
    if _western(data):
        said = f"{where} is read as Windows-1252, since it is not UTF-8 ({_place(data, at)})"
        return _unix(data.decode("cp1252")), "cp1252", f"{said}. Name another with --encoding."
    if _kind(data) is not None:
        raise _binary(data, where)
    raise _not_utf8(data, where, at)


def check_encoding(name: str) -> str:
    """The name, if Python knows a text encoding of that name; else ``InputError``."""
    try:
        known = codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):
        known = False
    if not known:
        raise InputError(
            f"encoding is {name!r}, must be a text encoding that Python knows.",
            "Such as utf-8, utf-16, cp1252, latin-1, mac-roman, cp1251, shift_jis, gb18030.",
        )
    return name


def refuse_binary(head: bytes, where: str) -> None:
    """Raise ``InputError`` where the first bytes of a stream can't be the beginning of text.

    A stream may have no end, so its kind is determined before the rest is read.
    """
    head = head[: len(head) // 4 * 4]
    marked = head.startswith(tuple(mark for mark, _ in _MARKS))
    if 0 in head and not marked and _without_mark(head, whole=False) is None:
        raise _binary(head, where)


# ------------------------------------------------------------------ one way each


def _named(data: bytes, where: str, encoding: str) -> str:
    """In the encoding that the user named; a NUL or half a character isn't text even then."""
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        if not isinstance(error, UnicodeDecodeError):
            raise InputError(f"{where} is not {encoding}: {error}.", "Name another.") from None
        raise InputError(
            f"{where} is not {encoding}: byte {error.start:,} doesn't fit "
            f"(0x{data[error.start : error.start + 1].hex()}).",
            "Name another --encoding, or leave it out to let it be found.",
        ) from None
    if (bad := re.search("[\0\ud800-\udfff]", text)) is not None:
        raise InputError(
            f"{where} is no text in {encoding}: character {bad.start():,} is {bad[0]!r}.",
            "Name another --encoding, or leave it out to let it be found.",
        )
    return _unix(text)


def _marked(data: bytes, where: str, name: str, mark: int) -> str:
    """In the encoding that the file's byte order mark names."""
    try:
        text = data[mark:].decode() if name == "utf-8" else data.decode(name)
    except UnicodeDecodeError as error:
        if name == "utf-8":
            raise _not_utf8(data, where, mark + error.start) from None
        raise InputError(
            f"{where} begins with the mark of {name.upper()}, but byte {error.start:,} doesn't "
            f"fit: {error.reason}.",
            "Save it again as UTF-8, or name its --encoding.",
        ) from None
    if (at := text.find("\0")) >= 0:
        raise InputError(
            f"{where} is not text: character {at:,} is NUL.", "Name a text file, or --encoding."
        )
    return _unix(text)


def _without_mark(data: bytes, whole: bool = True) -> str | None:
    """Which of UTF-16 and UTF-32 data with NULs is, or None if neither gives text.

    The first bytes are decoded in each: text has no NUL, and hardly any characters that can't be
    printed. More of UTF-16's pairs have one NUL than are two ASCII characters (which would be plain
    text with a stray NUL). ``whole``: everything must decode, not the first bytes alone.
    """
    head = data[:_SAMPLE]
    low, high = head[::2].count(0), head[1::2].count(0)
    first, second = ("utf-16-le", "utf-16-be") if high >= low else ("utf-16-be", "utf-16-le")
    pairs = zip(head[::2], head[1::2], strict=False)
    ascii_pairs = sum(a in _ASCII and b in _ASCII for a, b in pairs)
    both = (first, second) if max(low, high) > ascii_pairs else ()
    for name in ("utf-32-le", "utf-32-be", *both):
        try:
            text: str = codecs.getincrementaldecoder(name)().decode(head)
            odd = sum(not (c.isprintable() or c.isspace()) for c in text)
            likely = text and "\0" not in text and 50 * odd <= len(text)
            if likely and (not whole or "\0" not in data.decode(name)):
                return str(name)
        except UnicodeDecodeError:
            continue
    return None


def _western(data: bytes) -> bool:
    """Whether bytes that aren't UTF-8 read well as Windows-1252.

    They decode; letters beyond ASCII are less than a third of all letters (Russian or Japanese
    bytes would be nearly all); of what is beyond ASCII at least half are letters or the quotes and
    dashes that print has; no control characters; and what does look like UTF-8 is rare (else it is
    UTF-8 with a fault).
    """
    if re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", data):
        return False
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    beyond = re.findall(r"[^\x00-\x7f]", text)
    letters = sum(c.isalpha() for c in beyond)
    fitting = letters + sum(c in "“”„‘’‚«»–—…•€£§°¡¿º´\xa0" for c in beyond)
    ascii_letters = len(re.findall("[A-Za-z]", text))
    read = data.decode(errors="surrogateescape")
    bad = len(re.findall("[\udc80-\udcff]", read))
    good = len(re.findall("[^\x00-\x7f\udc80-\udcff]", read))
    return 2 * letters < ascii_letters and 2 * fitting >= len(beyond) and 5 * good <= bad


# ------------------------------------------------------------------ words


def _kind(data: bytes) -> tuple[str, str] | None:
    return next(
        ((name, remedy) for at, sign, name, remedy in _KINDS if data.startswith(sign, at)), None
    )


def _binary(data: bytes, where: str) -> InputError:
    if (kind := _kind(data)) is not None:
        return InputError(f"{where} is not text: it looks like {kind[0]}.", kind[1])
    return InputError(
        f"{where} is not text: byte {data.find(0):,} is NUL.",
        "Name a text file, or the encoding of this one: --encoding.",
    )


def _not_utf8(data: bytes, where: str, at: int) -> InputError:
    return InputError(
        f"{where} is not UTF-8: {_place(data, at)}.",
        "Name its encoding, such as --encoding cp1252 (Western Europe), cp1251 or shift_jis.",
    )


def _place(data: bytes, at: int) -> str:
    line = _unix(data[:at].decode("latin-1")).count("\n") + 1
    return f"byte {at:,}, in line {line:,}, is 0x{data[at]:02x}"


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
