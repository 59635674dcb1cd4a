"""How well a model predicts documents: the mean of -log p over their tokens, in nats.

The same in bits per byte compares across tokenizers: what all tokens cost together, in bits, over
the bytes that they stand for. These are the bytes of the documents written in UTF-8, one a line:
a token counts its own, also where they are no character alone, and BOS, which a document ends with,
counts one, for the end of the line. They sum to the size of a file of such lines that ends with a
line's end, as ``shakespeare`` does (1,115,394); ``names`` lacks its last (228,145 and one). Of
another file they are those of its documents: of a table the column's cells, each on its line,
however it was encoded, whatever ended its lines, and with one line's end between paragraphs that
had an empty line between them.

Beside it are two baselines (the floors) to compare with: guessing blindly, and counting which token
follows which.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgpt.batches import TokenTable, pieces
from microgpt.config import Config
from microgpt.engines.base import Engine, Ints
from microgpt.tokenizer import AnyTokenizer, Tokenizer

Told = Callable[[int, int], None]
"""Called between two parts of a measurement with how much has been done, and out of how much.

What it raises ends the measurement: that is how Ctrl-C stops one.
"""

_AT_ONCE = 2**22  # numbers of the widest layer that one call computes


@dataclass(frozen=True)
class Measured:
    """A loss in nats per token, the tokens it is the mean of, and how much was measured.

    ``measured`` of ``of``: documents, or under ``long = "window"`` the stretches of block_size
    tokens that they are cut into. Where fewer were measured, they are a sample that is spread
    evenly over all. ``bytes``: those that the tokens stand for in UTF-8; BOS, which a document
    ends with, counts one, for the end of its line.
    """

    loss: float
    tokens: int
    measured: int
    of: int
    bytes: int

    @property
    def bits_per_byte(self) -> float:
        """The same loss in a unit that compares across tokenizers."""
        return self.loss * self.tokens / (math.log(2) * self.bytes)

    @property
    def is_sample(self) -> bool:
        """Whether some were left out."""
        return self.measured < self.of

    def event(self, step: int | None, split: str) -> dict[str, Any]:
        """What an ``eval`` line of ``--json`` says of it: the loss of ``step`` on ``split``."""
        event = {"step": step, "split": split, "loss": self.loss, "tokens": self.tokens}
        event["bits_per_byte"] = self.bits_per_byte
        return event | ({"measured": self.measured, "of": self.of} if self.is_sample else {})


def mean_loss(engine: Engine, docs: Sequence[str], tokenizer: AnyTokenizer) -> tuple[float, int]:
    """Mean loss in nats per token over the documents, and the number of tokens predicted.

    Each document is wrapped in BOS; those longer than block_size are treated as the run's
    ``long`` says (``batches.pieces``).
    """
    found = measure(engine, TokenTable(docs, tokenizer))
    return found.loss, found.tokens


def measure(
    engine: Engine,
    table: TokenTable,
    *,
    most: int | None = None,
    seconds: float | None = None,
    told: Told | None = None,
) -> Measured:
    """Mean loss over the documents of a table, or over a sample of them.

    ``most``: how many documents (stretches, under ``window``) to measure at most. ``seconds``: if
    all of them would take longer than about that, as many as fit. With neither, all.
    """
    starts, lengths = pieces(table, engine.config)
    told = told or (lambda done, of: None)
    every, begun = len(starts), None
    if most is None and seconds is not None:
        most, begun = _fitting(engine, table, starts, lengths, seconds)
    if most is not None:
        rows = _spread(every, most)
        starts, lengths = starts[rows], lengths[rows]
    return _over(engine, table, starts, lengths, every, told, begun)


def _spread(every: int, most: int) -> Ints:
    """Row numbers of ``most`` rows among ``every``, evenly spaced."""
    count = min(every, most)
    return np.arange(count, dtype=np.int64) * every // max(count, 1)


def _fitting(
    engine: Engine, table: TokenTable, starts: Ints, lengths: Ints, seconds: float
) -> tuple[int | None, float | None]:
    """How many rows can be measured in that time, or None if that is all of them.

    With None comes what the first call gave for its rows, so that it isn't made again.
    """
    count = _per_call(engine.config)
    if len(starts) <= count:
        return None, None
    began = time.monotonic()
    loss = engine.summed_loss(*table.slices(starts[:count], lengths[:count]))
    each = max(time.monotonic() - began, 1e-9) / int(lengths[:count].sum())
    if each * int(lengths.sum()) <= seconds:
        return None, loss
    return max(1, int(seconds / (each * float(lengths.mean())))), None


def _over(
    engine: Engine,
    table: TokenTable,
    starts: Ints,
    lengths: Ints,
    every: int,
    told: Told,
    begun: float | None,
) -> Measured:
    """The mean over these of ``every`` rows; ``begun``: what the first call gives, if known."""
    total, size = 0.0, 0
    for part in _parts(len(starts), _per_call(engine.config)):
        told(part.start, len(starts))
        tokens, offsets = table.slices(starts[part], lengths[part])
        if begun is not None and part.start == 0:
            total += begun
        else:
            total += engine.summed_loss(tokens, offsets)
        size += int(table.bytes_of[tokens].sum() - table.bytes_of[tokens[offsets[:-1]]].sum())
    told(len(starts), len(starts))
    positions = int((lengths - 1).sum())
    return Measured(total / positions, positions, len(starts), every, size)


def _per_call(config: Config) -> int:
    return max(1, _AT_ONCE // (config.block_size * 4 * config.n_embd))


def _parts(every: int, at_once: int) -> Iterator[slice]:
    for first in range(0, every, at_once):
        yield slice(first, min(first + at_once, every))


# ------------------------------------------------------------------ floors


def random_floor(vocab_size: int) -> float:
    """Loss of guessing blindly among all tokens: log V (3.2958 for 27)."""
    return math.log(vocab_size)


def bigram_floor(docs: Sequence[str], tokenizer: AnyTokenizer) -> float:
    """Loss of add-one bigram counting over the documents, measured on them (2.4546 on names).

    But for the smoothing, no model that sees only the last token can do better.
    """
    table = TokenTable(docs, tokenizer)
    whole = Config(block_size=int(table.lengths.max()), vocab_size=tokenizer.vocab_size)
    return counting_floor(table, table, whole)


def counting_floor(fitted: TokenTable, measured: TokenTable, config: Config) -> float:
    """Loss of add-one bigram counting: counted on some documents, measured on others.

    Both are cut as the model's are (``batches.pieces``), so that it compares with the model's
    loss: what it counts is what the model trains on, what it is measured on is the same.
    """
    v = config.vocab_size
    codes, counts = _pairs(fitted, config)
    totals = np.zeros(v)  # how often each token was followed by any
    np.add.at(totals, codes // v, counts)
    seen, times = _pairs(measured, config)
    at = np.minimum(np.searchsorted(codes, seen), len(codes) - 1)
    found = np.where(codes[at] == seen, counts[at], 0)
    log_p = np.log(found + 1) - np.log(totals[seen // v] + v)
    return float(-(times * log_p).sum() / times.sum())


def _pairs(table: TokenTable, config: Config) -> tuple[Ints, Ints]:
    """Which tokens follow which, and how often: first · V + second ascending, and counts."""
    v = config.vocab_size
    dense = v <= 1024  # then a table of all pairs is small, and quicker than sorting
    table_of_all = np.zeros(v * v if dense else 0, dtype=np.int64)
    sorted_parts: list[tuple[Ints, Ints]] = []
    starts, lengths = pieces(table, config)
    for part in _parts(len(starts), max(1, 2**20 // config.block_size)):
        tokens, offsets = table.slices(starts[part], lengths[part])
        followed = np.ones(len(tokens), dtype=bool)
        followed[offsets[1:] - 1] = False  # a document's last token is followed by none
        codes = tokens[:-1].astype(np.int64) * v + tokens[1:]
        codes = codes[followed[:-1]]
        if dense:
            table_of_all += np.bincount(codes, minlength=v * v)
        else:
            sorted_parts.append(np.unique(codes, return_counts=True))
    if dense:
        there = np.flatnonzero(table_of_all)
        return there, table_of_all[there]
    codes, where = np.unique(np.concatenate([c for c, _ in sorted_parts]), return_inverse=True)
    counts = np.zeros(len(codes), dtype=np.int64)
    np.add.at(counts, where, np.concatenate([n for _, n in sorted_parts]))
    return codes, counts


def _demo() -> None:
    from microgpt.data import load_data

    docs = load_data("names").docs
    tokenizer = Tokenizer.of(docs)
    print(f"guessing blindly: {random_floor(tokenizer.vocab_size):.4f} nats per token")
    print(f"bigram counting:  {bigram_floor(docs, tokenizer):.4f} nats per token")


if __name__ == "__main__":
    _demo()
