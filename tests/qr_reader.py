"""Reads QR codes of versions 1 to 3 by itself, to check those that the guide draws.

Written from the standard's side of the reader, without a table of logarithms or a list of what is
free: it corrects nothing and takes nothing for granted. All syndromes have to be 0.
"""

import re

SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
Square = list[list[bool]]
# Codewords in all, and those of error correction, by version and level.
BLOCKS = {
    (1, "M"): (26, 10), (2, "M"): (44, 16), (3, "M"): (70, 26),
}  # fmt: skip
LEVELS = {0b01: "L", 0b00: "M", 0b11: "Q", 0b10: "H"}
MASKS = (
    "(y + x) % 2", "y % 2", "x % 3", "(y + x) % 3", "(y // 2 + x // 3) % 2",
    "y * x % 2 + y * x % 3", "(y * x % 2 + y * x % 3) % 2", "((y + x) % 2 + y * x % 3) % 2",
)  # fmt: skip


def product(a: int, b: int) -> int:
    """In the field of 256, by adding up the shifted ones."""
    made = 0
    while b:
        if b & 1:
            made ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11D
        b >>= 1
    return made


def syndrome(words: list[int], root: int) -> int:
    """The codewords as a polynomial, at a root of the generator."""
    total = 0
    for word in words:
        total = product(total, root) ^ word
    return total


def is_fixed(y: int, x: int, size: int) -> bool:
    """Whether a module belongs to a pattern or to the format."""
    corner = (y < 9 and x < 9) or (y < 9 and x >= size - 8) or (y >= size - 8 and x < 9)
    centre = size - 7
    aligned = size > 21 and abs(y - centre) < 3 and abs(x - centre) < 3
    return corner or aligned or y == 6 or x == 6


def mask_of(square: Square) -> int:
    """The mask that both copies of the format name; the level has to be M."""
    size = len(square)
    one = [square[8][x] for x in (0, 1, 2, 3, 4, 5, 7, 8)]
    one += [square[y][8] for y in (7, 5, 4, 3, 2, 1, 0)]
    two = [square[size - 1 - i][8] for i in range(7)]
    two += [square[8][x] for x in range(size - 8, size)]
    assert one == two, "the two copies of the format differ"
    format_ = int("".join("01"[bit] for bit in one), 2) ^ 0b101010000010010
    rest = format_
    for bit in range(14, 9, -1):
        if rest >> bit & 1:
            rest ^= 0b10100110111 << (bit - 10)
    assert rest == 0, "the format is damaged"
    assert LEVELS[format_ >> 13] == "M"
    return format_ >> 10 & 0b111


def bits_of(square: Square) -> str:
    """What stands in the data's places, unmasked."""
    size = len(square)
    turned = compile(MASKS[mask_of(square)], "mask", "eval")
    columns = [x for x in range(size - 1, -1, -1) if x != 6]
    out = []
    for i in range(0, len(columns), 2):
        rows = range(size) if i // 2 % 2 else range(size - 1, -1, -1)
        for y in rows:
            for x in columns[i : i + 2]:
                if not is_fixed(y, x, size):
                    flipped = eval(turned, {"y": y, "x": x}) == 0
                    out.append("01"[square[y][x] ^ flipped])
    return "".join(out)


def patterns(square: Square) -> None:
    """The three finders, the timing and the dark module are where a camera looks for them."""
    size = len(square)
    ring = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):
        for y in range(7):
            row = "".join("01"[square[top + y][left + x]] for x in range(7))
            assert row == ring[y], (top, left, y)
    for i in range(8, size - 8):
        assert square[6][i] == square[i][6] == (i % 2 == 0)
    assert square[size - 8][8]


def read(square: Square) -> str:
    """The text; AssertionError for anything that isn't as the standard says."""
    patterns(square)
    version = (len(square) - 17) // 4
    total, correction = BLOCKS[version, "M"]
    bits = bits_of(square)
    words = [int(bits[i : i + 8], 2) for i in range(0, 8 * total, 8)]
    root = 1
    for _ in range(correction):
        assert syndrome(words, root) == 0, "the codewords don't belong together"
        root = product(root, 2)
    data = "".join(f"{word:08b}" for word in words[: total - correction])
    assert data[:4] == "0010", "not alphanumeric"
    many, at, text = int(data[4:13], 2), 13, ""
    while len(text) < many:
        if many - len(text) == 1:
            text += SYMBOLS[int(data[at : at + 6], 2)]
        else:
            pair = int(data[at : at + 11], 2)
            text += SYMBOLS[pair // 45] + SYMBOLS[pair % 45]
            at += 11
    return text


def from_path(path: str, quiet: int = 4) -> Square:
    """The square that an SVG path of runs draws."""
    runs = [tuple(map(int, run)) for run in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path)]
    assert "".join(f"M{x} {y}h{n}v1h-{n}z" for x, y, n in runs) == path
    size = max(y for _, y, _ in runs) - quiet + 1
    dark = {(y - quiet, x - quiet + i) for x, y, n in runs for i in range(n)}
    return [[(y, x) in dark for x in range(size)] for y in range(size)]
