"""The drawings of the run report, as SVG with PNG inside: no scripts, no files, no network.

Colours are up to the page's style sheet (``page.css``): an SVG here names classes, and a
PNG holds blue or orange of more or less opacity, so that it suits a light and a dark page alike.
All text from outside goes through ``letter`` or ``plain_text`` and then ``escape``: what can't be
seen is written out as its code point.
"""

from __future__ import annotations

import base64
import html
import math
import struct
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from microgpt.tokenizer import AnyTokenizer

Pixels = npt.NDArray[np.uint8]
RGB = tuple[int, int, int]

POSITIVE: RGB = (31, 105, 208)  # blue
NEGATIVE: RGB = (222, 111, 0)  # orange
WINDOW = 50
"""Steps in the running mean of the loss."""
MOST_CELLS = 128
"""The most cells of a heat map per side; larger matrices are averaged in blocks."""
_LEVELS = 120  # shades of a colour in a PNG
_CELL = 5  # pixels of a heat map's cell in its PNG, so that a bar fits in
MOST_POINTS = 2000
"""More steps than this are drawn as their range in each column of pixels."""

# ------------------------------------------------------------------ text from outside

_NO_SHAPE = ((0x34F,) * 2, (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800,) * 2,
             (0x3164,) * 2, (0xFE00, 0xFE0F), (0xFFA0,) * 2, (0xE0100, 0xE01EF))  # fmt: skip
_SIGNS = {"\n": "↵", "\t": "⇥"}


def escape(text: str) -> str:
    """``text`` for HTML or SVG, in an element or in an attribute."""
    return html.escape(text, quote=True)


def _hidden(char: str) -> bool:
    """Whether the character can't be seen, or changes how others are seen."""
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return True
    if char != " " and unicodedata.category(char) == "Zs":
        return True
    return any(first <= ord(char) <= last for first, last in _NO_SHAPE)


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """``text`` cut into parts that can be seen, and signs (True) that stand for hidden ones."""
    start = 0
    for i, char in enumerate(text):
        if _hidden(char):
            if text[start:i]:
                yield text[start:i], False
            yield _SIGNS.get(char, f"U+{ord(char):04X}"), True
            start = i + 1
    if text[start:]:
        yield text[start:], False


def plain_text(text: str) -> str:
    """``text`` on one line, hidden characters as <U+200B>; not escaped."""
    return "".join(f"<{part}>" if sign else part for part, sign in pieces(text))


def letter(char: str) -> str:
    """The name of a one-character token on an axis; not escaped."""
    if char == " ":
        return "␣"
    if unicodedata.category(char) in ("Mn", "Me") and not _hidden(char):
        return f"\u25cc{char}"  # a combining mark needs something to stand on
    return "".join(part for part, _ in pieces(char))


def token_name(tokenizer: AnyTokenizer, token: int) -> str:
    """The name of a token of either kind on an axis; not escaped.

    Bytes that aren't UTF-8 by themselves are written in hexadecimal, as in <e2 80>.
    """
    if token == tokenizer.bos:
        return "BOS"
    text = tokenizer.decode([token])
    if tokenizer.kind != "character" and "\ufffd" in text:
        return tokenizer.shown(token)
    rest = ("␣" if c == " " else "".join(part for part, _ in pieces(c)) for c in text[1:])
    return "".join((letter(text[0]), *rest))


# ------------------------------------------------------------------ colours


def blend(over: RGB, under: RGB, opacity: float) -> RGB:
    """The colour that is seen where one lies over another."""
    r, g, b = (round(u + (o - u) * opacity) for o, u in zip(over, under, strict=True))
    return r, g, b


def contrast(a: RGB, b: RGB) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG 2 defines it."""

    def luminance(colour: RGB) -> float:
        parts = [c / 255 for c in colour]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


# ------------------------------------------------------------------ pixels


def png(indexes: Pixels, palette: Sequence[tuple[int, int, int, int]]) -> bytes:
    """A PNG of palette indexes [height, width]; the palette is RGB with opacity, 0 to 255."""
    height, width = indexes.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = indexes
    return b"".join((
        b"\x89PNG\r\n\x1a\n",
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        chunk(b"PLTE", bytes(part for colour in palette for part in colour[:3])),
        chunk(b"tRNS", bytes(colour[3] for colour in palette)),
        chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
        chunk(b"IEND", b""),
    ))  # fmt: skip


_PALETTE = [
    *((*POSITIVE, round(255 * i / _LEVELS)) for i in range(_LEVELS + 1)),
    *((*NEGATIVE, round(255 * i / _LEVELS)) for i in range(_LEVELS + 1)),
]


def signed_png(values: npt.NDArray[np.floating], scale: float) -> bytes:
    """Blue for positive, orange for negative, fully so at ±``scale``; 5 × 5 pixels per cell.

    A bar is cut out of the negative cells, so that the sign can be seen without colour, too.
    """
    shade = np.rint(np.clip(np.abs(values) / scale, 0, 1) * _LEVELS).astype(np.uint8)
    negative = values < 0
    indexes = (shade + negative * np.uint8(_LEVELS + 1)).astype(np.uint8)
    cells = np.kron(indexes, np.ones((_CELL, _CELL), dtype=np.uint8))
    bar = np.zeros((_CELL, _CELL), dtype=bool)
    bar[_CELL // 2, 1:-1] = True
    cells[np.kron(negative, bar).astype(bool)] = 0
    return png(cells, _PALETTE)


def _image(data: bytes, x: float, y: float, width: float, height: float) -> str:
    encoded = base64.b64encode(data).decode()
    return (
        f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        f'preserveAspectRatio="none" href="data:image/png;base64,{encoded}"/>'
    )


def _svg(ident: str, width: float, height: float, title: str, about: str, body: str) -> str:
    return (
        f'<svg role="img" aria-labelledby="{ident}-t {ident}-d" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}">'
        f'<title id="{ident}-t">{escape(title)}</title>'
        f'<desc id="{ident}-d">{escape(about)}</desc>{body}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.5g}" y="{y:.5g}" text-anchor="{anchor}"{css}>{escape(text)}</text>'


# ------------------------------------------------------------------ matrices


def blocks(shape: tuple[int, int]) -> tuple[int, int]:
    """How many rows and columns of a matrix one cell of its heat map stands for."""
    return -(-shape[0] // MOST_CELLS), -(-shape[1] // MOST_CELLS)


def _averaged(matrix: npt.NDArray[np.floating], block: tuple[int, int]) -> npt.NDArray[np.floating]:
    """Means over blocks; those at the edges may be smaller."""
    for axis in (0, 1):
        starts = np.arange(0, matrix.shape[axis], block[axis])
        sizes = np.diff(np.append(starts, matrix.shape[axis]))
        sums = np.add.reduceat(matrix.astype(np.float64), starts, axis=axis)
        matrix = sums / (sizes[:, None] if axis == 0 else sizes)
    return matrix


def _axis(labels: Sequence[str], cell: float, length: int) -> tuple[float, list[tuple[float, str]]]:
    """Room that labels beside an axis need, and each label's distance from it.

    Where a cell is smaller than a letter, every other label stands further out.
    """
    widest = 5.6 * max((_cells_wide(label) for label in labels[:length]), default=0)
    apart = 0.0 if cell >= 9 else widest + 3
    return widest + apart + 6, [
        (3 + (apart if i % 2 else 0.0), label) for i, label in enumerate(labels[:length])
    ]


def _cells_wide(label: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in label)


def heat_map(
    ident: str,
    name: str,
    matrix: npt.NDArray[np.floating],
    scale: float,
    cell: float,
    *,
    letters: Sequence[str] | None = None,
    heads: tuple[int, int] | None = None,
) -> str:
    """A matrix [rows, columns] in colours, as SVG.

    ``scale``: the value from which on a colour is full. ``letters``: names of the rows.
    ``heads`` (axis, head_dim): lines between the heads along that axis.
    """
    block = blocks((matrix.shape[0], matrix.shape[1]))
    drawn = _averaged(matrix, block)
    rows, columns = drawn.shape
    width, height = columns * cell, rows * cell
    if letters is None or block[0] > 1:
        every = _ticks(rows, cell)
        left = _axis([str(matrix.shape[0])], 99, 1)[0]
        labels = [(3.0, str(i * block[0]) if i % every == 0 else "") for i in range(rows)]
    else:
        left, labels = _axis(letters, cell, rows)
    top = 14
    body = [_image(signed_png(drawn, scale), left, top, width, height)]
    body.append(
        f'<rect class="frame" x="{left:g}" y="{top}" width="{width:g}" height="{height:g}"/>'
    )
    if heads and block[heads[0]] == 1:
        for at in range(heads[1], drawn.shape[heads[0]], heads[1]):
            x, y, go = (left, top + at * cell, f"h{width:g}") if heads[0] == 0 else (
                left + at * cell, top, f"v{height:g}")  # fmt: skip
            body.append(f'<path class="cut" d="M{x:g} {y:g}{go}"/>')
    for i, (away, label) in enumerate(labels):
        if label:
            body.append(_text(left - away, top + (i + 0.5) * cell + 3, label, "end", "tick"))
    for i in range(0, columns, _ticks(columns, cell)):
        body.append(_text(left + (i + 0.5) * cell, 10, str(i * block[1]), "middle", "tick"))
    about = (
        f"Heat map, {matrix.shape[0]} rows, {matrix.shape[1]} columns, from {matrix.min():.3g} "
        f"to {matrix.max():.3g}."
    )
    return _svg(ident, left + width + 8, top + height + 2, name, about, "".join(body))


def _ticks(count: int, cell: float) -> int:
    """How many cells there are from one number on the axis to the next."""
    every = 1
    while every * cell < 28 and every < count:
        every *= 2
    return every


def legend(ident: str, scale: float) -> str:
    """The colours of the heat maps from -``scale`` to ``scale``."""
    shades = np.linspace(-scale, scale, 21)[None, :]
    body = [_image(signed_png(shades, scale), 24, 2, 210, 10)]
    body.append('<rect class="frame" x="24" y="2" width="210" height="10"/>')
    for x, value in (24, -scale), (129, 0.0), (234, scale):
        body.append(_text(x, 26, f"{value:+.3g}" if value else "0", "middle", "tick"))
    about = f"Orange with a bar from {-scale:.3g} to 0, blue from 0 to {scale:.3g}."
    return _svg(ident, 258, 30, "Colour scale", about, "".join(body))


def attention_map(
    ident: str, name: str, weights: npt.NDArray[np.floating], letters: Sequence[str]
) -> str:
    """Attention weights [T, T] of a head as SVG, for words too long for numbers in the cells.

    Opacity is the square root of the weight, so that a share among many can be seen.
    """
    count = len(letters)
    cell = 10 if count <= 33 else 6
    shade = np.rint(np.sqrt(np.clip(weights, 0, 1)) * _LEVELS).astype(np.uint8)
    left, rows = _axis(letters, cell, count)
    size = count * cell
    stairs = f"M{left:g} {left:g}" + f"h{cell}v{cell}" * count + f"H{left:g}Z"
    body = [
        _image(png(shade, _PALETTE), left, left, size, size),
        f'<path class="frame" d="{stairs}"/>',
    ]
    for i, (away, label) in enumerate(rows):
        middle = left + (i + 0.5) * cell
        body.append(_text(left - away, middle + 3, label, "end", "tick"))
        body.append(
            f'<text class="tick" transform="translate({middle + 3:g} {left - away:g}) '
            f'rotate(-90)">{escape(label)}</text>'
        )
    about = f"{count} by {count} attention weights; the row looks at the column."
    return _svg(ident, left + size + 2, left + size + 2, name, about, "".join(body))


# ------------------------------------------------------------------ curves


@dataclass
class Curves:
    """What a run logged, step by step (counted from 1), and what to compare it with.

    ``floors``: (name, nats) of a level. ``held_out``: (step, nats, name) of an evaluation.
    """

    steps: list[int]
    losses: list[float]
    lrs: list[float]
    floors: list[tuple[str, float]] = field(default_factory=list)
    held_out: list[tuple[int, float, str]] = field(default_factory=list)

    def running_mean(self) -> list[float]:
        """At each step the mean of the last 50 losses, or of as many as there are."""
        sums = np.concatenate([[0.0], np.cumsum(self.losses)])
        ends = np.arange(1, len(self.losses) + 1)
        starts = np.maximum(0, ends - WINDOW)
        means: list[float] = ((sums[ends] - sums[starts]) / (ends - starts)).tolist()
        return means

    def begins_at(self) -> float:
        """Where the axis of the loss begins: a round number below everything that is drawn."""
        return math.floor(min(self._levels()) * 2) / 2

    def _levels(self) -> list[float]:
        return [
            *self.losses,
            *(nats for _, nats in self.floors),
            *(nats for _, nats, _ in self.held_out),
        ]

    def highest(self) -> float:
        """The highest value that is drawn."""
        return max(self._levels())


def round_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10, … that cuts ``span`` into at most ``most`` parts."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(f * power for f in (1, 2, 5, 10, 20) if span / (f * power) <= most)


@dataclass(frozen=True)
class _Panel:
    """A plot's place in the picture, and which values its edges are."""

    left: float
    top: float
    width: float
    height: float
    last: float
    low: float
    up: float

    def x(self, step: float) -> float:
        return self.left + self.width * step / self.last

    def y(self, value: float) -> float:
        return self.top + self.height * (self.up - value) / (self.up - self.low)

    def across(self, value: float, kind: str) -> str:
        """A level line."""
        return f'<path class="{kind}" d="M{self.left:g} {self.y(value):.5g}h{self.width:g}"/>'

    def curve(self, steps: Sequence[int], values: Sequence[float], kind: str) -> str:
        """A line through the values, or through every n-th where they are very many."""
        every = -(-len(steps) // 600)
        at = sorted({*range(0, len(steps), every), len(steps) - 1})
        points = [f"{self.x(steps[i]):.5g} {self.y(values[i]):.5g}" for i in at]
        return f'<path class="{kind}" d="M{"L".join(points)}h.1"/>'

    def dots(self, steps: Sequence[int], values: Sequence[float]) -> str:
        """A dot for every value; where they are very many, their range in each column of pixels."""
        if len(steps) <= MOST_POINTS:
            marks = (
                f"M{self.x(s):.4g} {self.y(v):.4g}h0" for s, v in zip(steps, values, strict=True)
            )
            return f'<path class="each" d="{"".join(marks)}"/>'
        columns: dict[int, tuple[float, float]] = {}
        for step, value in zip(steps, values, strict=True):
            column = round(self.x(step))
            low, up = columns.get(column, (value, value))
            columns[column] = min(low, value), max(up, value)
        bars = (f"M{c} {self.y(up):.4g}V{self.y(low) + 1:.4g}" for c, (low, up) in columns.items())
        return f'<path class="range" d="{"".join(bars)}"/>'


def loss_chart(ident: str, curves: Curves, width: int) -> str:
    """Loss over steps, its running mean and what it is compared with; below it learning rate."""
    wide = width > 500
    low = curves.begins_at()
    grid = round_step(max(curves.highest() - low, 0.5), 8)
    up = low + grid * math.ceil((curves.highest() - low) / grid + 1e-9)
    last = max([*curves.steps, *(step for step, _, _ in curves.held_out)])
    left, room = 56, width - 56 - (170 if wide else 70)
    loss = _Panel(left, 24, room, 330 if wide else 260, last, low, up)
    most = max(curves.lrs) or 1.0
    rate = _Panel(left, loss.top + loss.height + 36, room, 62, last, 0.0, most)
    bottom = rate.top + rate.height

    body = [_text(4, 12, "nats per token", kind="axis")]
    body.append(_text(4, rate.top - 10, "learning rate", kind="axis"))
    body.append(_text(left + room, bottom + 32, "step", "end", "axis"))
    for at in range(0, last + 1, max(1, int(round_step(last, 8 if wide else 4)))):
        upright = "".join(f"M{p.x(at):.5g} {p.top:g}v{p.height:g}" for p in (loss, rate))
        body.append(f'<path class="grid" d="{upright}"/>')
        body.append(_text(loss.x(at), bottom + 16, f"{at:,.0f}", "middle", "tick"))
    nats_lines = [low + grid * i for i in range(round((up - low) / grid) + 1)]
    for panel, levels in (loss, nats_lines), (rate, [0.0, most]):
        for value in levels:
            body.append(panel.across(value, "grid"))
            body.append(_text(left - 6, panel.y(value) + 4, f"{value:.3g}", "end", "tick"))

    means = curves.running_mean()
    body.append(loss.dots(curves.steps, curves.losses))
    body += [loss.across(nats, "floor") for _, nats in curves.floors]
    body.append(loss.curve(curves.steps, means, "mean"))
    labels = [(f"last {min(WINDOW, len(means))}", means[-1]), *curves.floors]
    for at, nats, name in curves.held_out:
        cx, cy = loss.x(at), loss.y(nats)
        body.append(f'<path class="held" d="M{cx:.5g} {cy - 6:.5g}l6 6-6 6-6-6z"/>')
        labels.append((name, nats))
    body += _beside(loss, labels, wide)
    body.append(rate.curve(curves.steps, curves.lrs, "rate"))
    compared = ", ".join(f"{name} {nats:.4f}" for name, nats in labels[1:])
    about = (
        f"{len(curves.steps):,} steps; the running mean goes from {means[0]:.4f} to "
        f"{means[-1]:.4f} nats per token. {f'For comparison: {compared}.' if compared else ''}"
    )
    return _svg(ident, width, bottom + 38, "Loss and learning rate", about, "".join(body))


def _beside(panel: _Panel, labels: Sequence[tuple[str, float]], wide: bool) -> list[str]:
    """Names and values to the right of the panel, moved apart where they would touch."""
    apart = 16 if wide else 28
    ranked = sorted(labels, key=lambda label: -label[1])
    places: list[float] = []
    for _, nats in ranked:
        places.append(max(panel.y(nats), places[-1] + apart if places else -math.inf))
    lowest = panel.top + panel.height
    for i in reversed(range(len(places))):
        places[i] = min(places[i], lowest)
        lowest = places[i] - apart
    right = panel.left + panel.width
    result = []
    for (name, nats), at in zip(ranked, places, strict=True):
        result.append(
            f'<path class="lead" d="M{right:g} {panel.y(nats):.5g}L{right + 9:g} {at:.5g}"/>'
        )
        if wide:
            short = name if len(name) <= 18 else f"{name[:17]}…"
            result.append(_text(right + 12, at + 4, f"{short} {nats:.4f}", kind="label"))
        else:
            short = name if len(name) <= 9 else f"{name[:8]}…"
            result.append(_text(right + 12, at - 2, short, kind="label"))
            result.append(_text(right + 12, at + 11, f"{nats:.4f}", kind="label"))
    return result
