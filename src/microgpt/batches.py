"""Which documents each training step takes, as token ids.

Step s (from 0) takes rows (s·B + j) mod N of the once-shuffled list, j = 0 … B-1, each cut to its
first block_size + 1 tokens; or, with ``long = "window"``, B random windows of block_size + 1
tokens, uniform over all start positions of the documents written one after the other.
"""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from microgpt.config import Config
from microgpt.engines.base import Batches, Ints
from microgpt.errors import InputError, TokenError
from microgpt.tokenizer import Tokenizer

_AT_ONCE = 2**20  # characters that are turned into ids together


class TokenTable:
    """Documents as one array of token ids, in the smallest integer type that holds them.

    ``tokens``: BOS, document 0, BOS, document 1, … BOS: neighbours share the BOS between them.
    ``starts`` [N]: where each document's first BOS stands. ``lengths`` [N]: tokens of each with
    both its BOS. ``bytes_of`` [V]: how many bytes of UTF-8 a token stands for; BOS for one, the
    end of its document's line.
    Raises ``TokenError`` for characters outside the vocabulary.
    """

    def __init__(self, docs: Sequence[str], tokenizer: Tokenizer) -> None:
        sizes = np.fromiter(map(len, docs), np.int64, len(docs))
        total = int(sizes.sum()) + len(docs) + 1
        kind = np.int32 if total < 2**31 else np.int64
        self.lengths: Ints = (sizes + 2).astype(kind)
        self.starts: Ints = np.zeros(len(docs), kind)
        np.cumsum(self.lengths[:-1] - 1, out=self.starts[1:])
        sizes_of = [len(c.encode("utf-8", "surrogatepass")) for c in tokenizer.uchars]
        self.bytes_of: Ints = np.array([*sizes_of, 1], dtype=np.int64)
        self.tokens: Ints = np.full(total, tokenizer.bos, np.min_scalar_type(tokenizer.bos))
        del sizes
        groups = np.searchsorted(self.starts, np.arange(0, total, _AT_ONCE)).tolist()
        ids = _Ids(tokenizer, self.tokens.dtype)
        for first, last in itertools.pairwise([*groups, len(docs)]):
            if first < last:
                begin = int(self.starts[first])
                end = int(self.starts[last - 1] + self.lengths[last - 1]) - 1
                inside = np.ones(end - begin, dtype=bool)
                inside[self.starts[first:last] - begin] = False
                self.tokens[begin:end][inside] = ids.of(docs[first:last])

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


class _Ids:
    """The vocabulary as a table from code points to token ids."""

    def __init__(self, tokenizer: Tokenizer, kind: np.dtype[Any]) -> None:
        self.tokenizer, self.kind = tokenizer, kind
        known = [ord(c) for c in tokenizer.uchars]
        self.table = np.full(known[-1] + 2, -1, np.int32)  # the last stands for all beyond
        self.table[known] = np.arange(len(known))

    def of(self, docs: Sequence[str]) -> Ints:
        """Token ids of the documents' characters, without BOS; ``TokenError`` if one has none."""
        text = "".join(docs)
        ids: Ints = np.empty(len(text), self.kind)
        for at in range(0, len(text), _AT_ONCE):
            encoded = text[at : at + _AT_ONCE].encode("utf-32-le")
            points = np.frombuffer(encoded, dtype=np.uint32)
            found = self.table[np.minimum(points, len(self.table) - 1)]
            if (found < 0).any():
                for doc in docs:
                    self.tokenizer.encode(doc)  # says which character, and where
                raise TokenError("A document holds a character outside the vocabulary.")
            ids[at : at + len(found)] = found
        return ids


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

    docs = load_data("names").docs
    config = Config()
    rng = random.Random(config.seed)
    rng.shuffle(docs)
    order = Order(TokenTable(docs, Tokenizer.of(docs)), config, rng)
    for step in range(3):
        print(f"step {step + 1}: {docs[step]:<8} {order.batches(step, 1).tokens.tolist()}")


if __name__ == "__main__":
    _demo()
