"""Which documents each training step takes, as token ids.

Step s (from 0) takes rows (s·B + j) mod N of the once-shuffled list, j = 0 … B-1, each cut to its
first block_size + 1 tokens; or, with ``long = "window"``, B random windows of block_size + 1
tokens, uniform over all start positions of the documents written one after the other.
"""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator, Sequence

import numpy as np

from microgpt.config import Config
from microgpt.engines.base import Batches, Ints
from microgpt.errors import InputError
from microgpt.tokenizer import AnyTokenizer

_AT_ONCE = 2**20  # characters that are turned into ids together


class TokenTable:
    """Documents as one array of token ids, in the smallest integer type that holds them.

    ``tokens``: BOS, document 0, BOS, document 1, … BOS: neighbours share the BOS between them.
    ``starts`` [N]: where each document's first BOS stands. ``lengths`` [N]: tokens of each with
    both its BOS. ``bytes_of`` [V]: how many bytes of UTF-8 a token stands for; BOS
    for one, the end of its document's line.
    Raises ``TokenError`` for characters outside the vocabulary.
    """

    def __init__(self, docs: Sequence[str], tokenizer: AnyTokenizer) -> None:
        sizes = map(len if tokenizer.kind == "character" else _bytes, docs)
        most = sum(sizes) + len(docs) + 1  # no token is less than a character, or than a byte
        kind = np.int32 if most < 2**31 else np.int64
        self.bytes_of: Ints = tokenizer.bytes_of()
        self.lengths: Ints = np.empty(len(docs), kind)
        self.starts: Ints = np.empty(len(docs), kind)
        self.tokens: Ints = np.empty(most, np.min_scalar_type(tokenizer.bos))
        at = 0
        for first, last in _groups(docs):
            ids, counts = tokenizer.encode_many(docs[first:last])
            self.lengths[first:last] = counts + 2
            starts = np.cumsum(counts + 1) - counts - 1
            self.starts[first:last] = starts + at
            at += self._put(at, ids, starts, tokenizer.bos)
        self.tokens[at] = tokenizer.bos
        self.tokens.resize(at + 1, refcheck=False)

    def _put(self, at: int, ids: Ints, starts: Ints, bos: int) -> int:
        """Put documents in their place, a BOS before each; returns how much room they took."""
        part = self.tokens[at : at + len(ids) + len(starts)]
        inside = np.ones(len(part), dtype=bool)
        inside[starts] = False
        part[inside], part[starts] = ids, bos
        return len(part)

    def __len__(self) -> int:
        return len(self.starts)

    def rows(self, first: int, last: int | None = None) -> TokenTable:
        """The documents of rows ``first`` to below ``last``, sharing this table's tokens."""
        part = copy.copy(self)
        part.starts, part.lengths = self.starts[first:last], self.lengths[first:last]
        return part

    def slices(self, starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
        """Tokens of the given stretches one after the other, int32, and their offsets [n + 1]."""
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return self.tokens[np.repeat(starts, lengths) + within].astype(np.int32), offsets


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _groups(docs: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last of the rows that are turned into tokens together."""
    ends = np.cumsum(np.fromiter(map(len, docs), np.int64, len(docs)))
    full = np.arange(_AT_ONCE, int(ends[-1]) if len(docs) else 0, _AT_ONCE)
    cuts = (np.searchsorted(ends, full) + 1).tolist()
    del ends
    for first, last in itertools.pairwise((0, *cuts, len(docs))):
        if first < last:
            yield first, last


def token_counts(docs: Sequence[str], tokenizer: AnyTokenizer) -> Ints:
    """How many tokens each of the documents is, without BOS [N]."""
    counts = [tokenizer.encode_many(docs[first:last])[1] for first, last in _groups(docs)]
    return np.concatenate([np.empty(0, np.int64), *counts])


class Order:
    """Hands out the batches of consecutive steps; windows are drawn from ``rng`` as they come.

    Raises ``InputError`` where the data is too short for a single window.
    """

    def __init__(self, table: TokenTable, config: Config, rng: random.Random) -> None:
        self.table, self.config, self.rng = table, config, rng
        self.window = config.long == "window"
        self.windows = len(table.tokens) - config.block_size
        if self.window and self.windows < 1:
            raise InputError(
                f"The data holds {len(table.tokens)} tokens; a window needs "
                f"{config.block_size + 1} (block_size + 1).",
                "Make block_size smaller, or use --long cut.",
            )

    def batches(self, first_step: int, count: int) -> Batches:
        """The batches of ``count`` steps from ``first_step`` on; to be asked for in order."""
        size = self.config.batch_size
        if self.window:
            drawn = [self.rng.randrange(self.windows) for _ in range(count * size)]
            starts: Ints = np.array(drawn, dtype=np.int64)
            lengths: Ints = np.full(len(starts), self.config.block_size + 1, dtype=np.int64)
        else:
            rows = np.arange(first_step * size, (first_step + count) * size) % len(self.table)
            starts = self.table.starts[rows]
            lengths = np.minimum(self.table.lengths[rows], self.config.block_size + 1)
        tokens, offsets = self.table.slices(starts, lengths)
        return Batches(
            tokens=tokens,
            offsets=offsets,
            documents=np.full(count, size, dtype=np.int64),
            positions=(lengths - 1).reshape(count, size).sum(axis=1, dtype=np.int64),
        )

    def rows_reached(self, steps: int) -> int:
        """How many of the first rows of the list any of the first ``steps`` steps has taken."""
        if self.window:
            return len(self.table) if steps else 0
        return min(len(self.table), steps * self.config.batch_size)


def pieces(table: TokenTable, config: Config) -> tuple[Ints, Ints]:
    """Starts and lengths of the stretches on which a loss over whole documents is measured.

    Under ``cut`` the first block_size + 1 tokens of each document; under ``window`` each document
    is cut into stretches that overlap in one token, so that every token is predicted once.
    """
    most = config.block_size + 1
    if config.long == "cut" or int(table.lengths.max()) <= most:
        return table.starts, np.minimum(table.lengths, most)
    starts, lengths = [], []
    for start, length in zip(table.starts.tolist(), table.lengths.tolist(), strict=True):
        for at in range(0, length - 1, config.block_size):
            starts.append(start + at)
            lengths.append(min(most, length - at))
    return np.array(starts, dtype=np.int64), np.array(lengths, dtype=np.int64)


def _demo() -> None:
    from microgpt.data import load_data
    from microgpt.tokenizer import Tokenizer

    docs = load_data("names").docs
    config = Config()
    rng = random.Random(config.seed)
    rng.shuffle(docs)
    order = Order(TokenTable(docs, Tokenizer.of(docs)), config, rng)
    for step in range(3):
        print(f"step {step + 1}: {docs[step]:<8} {order.batches(step, 1).tokens.tolist()}")


if __name__ == "__main__":
    _demo()
