"""Which documents each training step takes, as token ids.

Step s (from 0) takes rows (s·B + j) mod N of the once-shuffled list, j = 0 … B-1, each cut to its
first block_size + 1 tokens; or, with ``long = "window"``, B random windows of block_size + 1
tokens, uniform over all start positions of the documents written one after the other.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence

import numpy as np

from microgpt.config import Config
from microgpt.engines.base import Batches, Ints
from microgpt.errors import InputError, TokenError
from microgpt.tokenizer import Tokenizer


class TokenTable:
    """Documents as one array of token ids.

    ``tokens`` int32: BOS, document 0, BOS, document 1, … BOS: neighbours share the BOS between
    them. ``starts`` [N] int64: where each document's first BOS stands. ``lengths`` [N] int64:
    tokens of each with both its BOS. Raises ``TokenError`` for characters outside the vocabulary.
    """

    def __init__(self, docs: Sequence[str], tokenizer: Tokenizer) -> None:
        points = np.frombuffer("".join(docs).encode("utf-32-le"), dtype=np.uint32)
        known = np.array([ord(c) for c in tokenizer.uchars], dtype=np.uint32)
        ids = np.minimum(np.searchsorted(known, points), len(known) - 1)
        if not np.array_equal(known[ids], points):
            for doc in docs:
                tokenizer.encode(doc)  # says which character, and where
            raise TokenError("A document holds a character outside the vocabulary.")
        sizes = np.fromiter(map(len, docs), np.int64, len(docs))
        self.lengths: Ints = sizes + 2
        self.starts: Ints = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes + 1)[:-1]])
        self.tokens: Ints = np.full(int(sizes.sum()) + len(docs) + 1, tokenizer.bos, np.int32)
        inside = np.ones(len(self.tokens), dtype=bool)
        inside[self.starts] = False
        inside[-1] = False
        self.tokens[inside] = ids

    def __len__(self) -> int:
        return len(self.starts)

    def rows(self, first: int, last: int | None = None) -> TokenTable:
        """The documents of rows ``first`` to below ``last``, sharing this table's tokens."""
        part = copy.copy(self)
        part.starts, part.lengths = self.starts[first:last], self.lengths[first:last]
        return part

    def slices(self, starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
        """Tokens of the given stretches one after the other, and their offsets [n + 1]."""
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return self.tokens[np.repeat(starts, lengths) + within], offsets


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
                f"The data holds {len(table.tokens)} tokens, a window needs "
                f"{config.block_size + 1} (block_size + 1).",
                "Make block_size smaller, or use --long cut.",
            )

    def batches(self, first_step: int, count: int) -> Batches:
        """The batches of ``count`` steps from ``first_step`` on, which must be asked in order."""
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
            positions=(lengths - 1).reshape(count, size).sum(axis=1),
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

    docs = load_data("names").docs
    config = Config()
    rng = random.Random(config.seed)
    rng.shuffle(docs)
    order = Order(TokenTable(docs, Tokenizer.of(docs)), config, rng)
    for step in range(3):
        print(f"step {step + 1}: {docs[step]:<8} {order.batches(step, 1).tokens.tolist()}")


if __name__ == "__main__":
    _demo()
