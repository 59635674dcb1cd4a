"""A font of empty boxes, for browsers on a machine that has no font at all.

Chromium can't do without any: a face of a page that isn't there when its first text is laid out
counts as broken from then on, since nothing can stand in for it, and the text stays without height;
a text field as wide as its font says ends the process. Which of these happens depends on time.
Nobody reads the guide on such a machine, but programs that run tests do live there. So the browser
is given one font, which shows no letter: what has come out right is shown by the guide's own.
"""

import contextlib
import ctypes
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

FIRST, LAST = 0x20, 0x7E  # the characters it has
UNIT, ABOVE, BELOW, WIDE = 1000, 900, 250, 600  # of the em: its parts, line and box
NAME = "Boxes"
SETTINGS = "<fontconfig><dir>{0}</dir><cachedir>{0}/cache</cachedir></fontconfig>"


def missing() -> bool:
    """Whether fontconfig, which Chromium asks on Linux, knows no font; elsewhere there are some."""
    try:
        library = ctypes.CDLL("libfontconfig.so.1")
    except OSError:
        return False
    library.FcInitLoadConfigAndFonts.restype = ctypes.c_void_p
    library.FcConfigGetFonts.restype = ctypes.POINTER(ctypes.c_int)
    library.FcConfigGetFonts.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.FcConfigDestroy.argtypes = [ctypes.c_void_p]
    config = library.FcInitLoadConfigAndFonts()
    found = library.FcConfigGetFonts(config, 0)  # a set of fonts begins with their number
    none = not found or found[0] == 0
    library.FcConfigDestroy(config)
    return none


@contextlib.contextmanager
def alone() -> Iterator[dict[str, str]]:
    """The environment of a program that is to have this font and no other."""
    with tempfile.TemporaryDirectory(prefix="microgpt-font-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "boxes.ttf").write_bytes(font())
        (folder / "fonts.conf").write_text(SETTINGS.format(folder), encoding="utf-8")
        yield {"FONTCONFIG_FILE": str(folder / "fonts.conf")}


@contextlib.contextmanager
def where_missing() -> Iterator[dict[str, str]]:
    """The same where the machine has no font, and nothing to add where it has one."""
    if not missing():
        yield {}
        return
    with alone() as environment:
        yield environment


def font() -> bytes:
    """The font, as TrueType: one box for each character of ASCII."""
    glyphs = LAST - FIRST + 2  # the first stands for what it hasn't
    box = struct.pack(">h4h", 1, 50, 0, WIDE - 50, 700)  # one outline and what it is within
    box += struct.pack(">HH4B", 3, 0, *[1] * 4)  # ends at point 3, no program, all on the curve
    box += struct.pack(">4h4h", 50, 0, WIDE - 100, 0, 0, 700, 0, -700)  # steps to the right and up
    name = NAME.encode("utf-16-be")
    names = b"".join(
        struct.pack(">6H", 3, 1, 0x409, kind, len(text), at)
        for kind, text, at in ((1, name, 0), (2, "Regular".encode("utf-16-be"), len(name)))
    )
    tables = {
        b"OS/2": struct.pack(">HhHHH", 4, WIDE, 400, 5, 0)
        + struct.pack(">11h", *[0] * 11)
        + struct.pack(">10B4I4s", *[0] * 10, 1, 0, 0, 0, b"none")
        + struct.pack(">HHHhhhHH", 64, FIRST, LAST, ABOVE, -BELOW, 0, ABOVE, BELOW)
        + struct.pack(">IIhhHHH", 1, 0, 500, 700, 0, FIRST, 1),
        b"cmap": struct.pack(">HHHHI", 0, 1, 3, 10, 12)
        + struct.pack(">HHIIIIII", 12, 0, 28, 0, 1, FIRST, LAST, 1),
        b"glyf": box * glyphs,
        b"head": struct.pack(">IIIIHH", 0x10000, 0x10000, 0, 0x5F0F3CF5, 3, UNIT)
        + struct.pack(">qq4h", 0, 0, 50, 0, WIDE - 50, 700)
        + struct.pack(">HHhhh", 0, 8, 2, 1, 0),
        b"hhea": struct.pack(">IhhhHhhh", 0x10000, ABOVE, -BELOW, 0, WIDE, 50, 50, WIDE - 50)
        + struct.pack(">11hH", 1, *[0] * 10, glyphs),
        b"hmtx": struct.pack(">Hh", WIDE, 50) * glyphs,
        b"loca": struct.pack(f">{glyphs + 1}I", *(len(box) * i for i in range(glyphs + 1))),
        b"maxp": struct.pack(">IHHH", 0x10000, glyphs, 4, 1)
        + struct.pack(">11H", 0, 0, 1, *[0] * 8),
        b"name": struct.pack(">HHH", 0, 2, 6 + len(names))
        + names
        + name
        + "Regular".encode("utf-16-be"),
        b"post": struct.pack(">IIhhIIIII", 0x30000, 0, 0, 0, 1, 0, 0, 0, 0),
    }
    heads, body = b"", b""
    start = 12 + 16 * len(tables)
    for tag, data in sorted(tables.items()):
        heads += struct.pack(">4sIII", tag, total(data), start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    power = 1 << (len(tables).bit_length() - 1)
    order = (16 * power, power.bit_length() - 1, 16 * (len(tables) - power))
    return struct.pack(">IHHHH", 0x10000, len(tables), *order) + heads + body


def total(data: bytes) -> int:
    """The checksum of a table."""
    words = data + b"\0" * (-len(data) % 4)
    parts: tuple[int, ...] = struct.unpack(f">{len(words) // 4}I", words)
    return sum(parts) & 0xFFFFFFFF
