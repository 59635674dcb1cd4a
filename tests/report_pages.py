"""What the tests of the report read: tags of a page, bytes of a picture, a model without a run."""

import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from microgpt.config import make_config
from microgpt.opening import Opened
from microgpt.tokenizer import Tokenizer

SMALL = {"n_embd": 8, "n_head": 2, "block_size": 8, "steps": 60}


VOID = {"meta", "br"}


def untrained(vocabulary: str = "aemn", **changes: object) -> Opened:
    """As from a model file: weights and vocabulary alone."""
    tokenizer = Tokenizer(sorted(vocabulary))
    config = make_config(**{**SMALL, **changes, "vocab_size": tokenizer.vocab_size})
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(0, 0.08, shape) for name, shape in config.shapes().items()}
    return Opened(Path("some/model.json"), config, tokenizer, weights, "float64")


class Page(HTMLParser):
    """What a test wants to know of a page; complains where tags don't match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def unpack(data: bytes) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Palette indexes [height, width] and RGBA palette of one of our PNGs; checks its sums."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, {}
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            kind + content
        )
        found[kind] = content
        at += 12 + size
    assert list(found) == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]
    width, height, depth, colour = struct.unpack(">IIBB", found[b"IHDR"][:10])
    assert (depth, colour) == (8, 3)
    rows = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    rgb = np.frombuffer(found[b"PLTE"], np.uint8).reshape(-1, 3).tolist()
    palette = [(*c, a) for c, a in zip(rgb, found[b"tRNS"], strict=True)]
    assert rows[:, 1:].max() < len(palette)
    return rows[:, 1:], palette
