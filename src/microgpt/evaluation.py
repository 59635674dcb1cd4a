"""How well a model predicts documents: the mean of -log p over their tokens, in nats."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from microgpt.batches import TokenTable, pieces
from microgpt.engines.base import Array, Engine, Ints
from microgpt.tokenizer import Tokenizer

_AT_ONCE = 8192  # tokens' worth of documents given to an engine in one call


def mean_loss(engine: Engine, docs: Sequence[str], tokenizer: Tokenizer) -> tuple[float, int]:
    """Mean loss in nats per token over the documents, and the number of tokens predicted.

    Each document is wrapped in BOS; those longer than block_size are treated as the run's
    ``long`` says (``batches.pieces``).
    """
    return mean_loss_of(engine, TokenTable(docs, tokenizer))


def mean_loss_of(engine: Engine, table: TokenTable) -> tuple[float, int]:
    """The same for documents that are a table of tokens already."""
    starts, lengths = pieces(table, engine.config)
    per_call = max(1, _AT_ONCE // engine.config.block_size)
    total = 0.0
    for first in range(0, len(starts), per_call):
        part = starts[first : first + per_call]
        sizes = lengths[first : first + per_call] - 1
        tokens, offsets = table.slices(part, sizes)
        targets, _ = table.slices(part + 1, sizes)
        total += _nats(engine.flat_logits(tokens, offsets), targets)
    positions = int((lengths - 1).sum())
    return total / positions, positions


def _nats(logits: Array, targets: Ints) -> float:
    """Sum of -log softmax(logits)[target] over rows [n, V], in float64."""
    columns = np.ascontiguousarray(logits.T, dtype=np.float64)  # sums over V run side by side
    with np.errstate(all="ignore"):  # a diverged model gives nan, which the caller reports
        wanted = columns[targets, np.arange(len(targets))]
        highest = columns.max(axis=0)
        columns -= highest
        np.exp(columns, out=columns)
        return float((highest + np.log(columns.sum(axis=0)) - wanted).sum())


def random_floor(vocab_size: int) -> float:
    """Loss of guessing blindly among all tokens: log V (3.2958 for 27)."""
    return math.log(vocab_size)


def bigram_floor(docs: Sequence[str], tokenizer: Tokenizer) -> float:
    """Loss of add-one bigram counting over the documents, measured on them (2.4546 on names).

    The best that a model can do that sees the last token alone, but for the smoothing.
    """
    table = TokenTable(docs, tokenizer)
    v = tokenizer.vocab_size
    pairs = table.tokens[:-1].astype(np.int64) * v + table.tokens[1:]
    counts = np.bincount(pairs, minlength=v * v).reshape(v, v)
    p = (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)
    return float(-(counts * np.log(p)).sum() / counts.sum())


def _demo() -> None:
    from microgpt.data import load_data

    docs = load_data("names").docs
    tokenizer = Tokenizer.of(docs)
    print(f"guessing blindly: {random_floor(tokenizer.vocab_size):.4f} nats per token")
    print(f"bigram counting:  {bigram_floor(docs, tokenizer):.4f} nats per token")


if __name__ == "__main__":
    _demo()
