"""How well a model predicts documents: the mean of -log p over their tokens, in nats."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from microgpt.batches import TokenTable, pieces
from microgpt.engines.base import Engine
from microgpt.tokenizer import Tokenizer

_AT_ONCE = 2**22  # numbers of the widest layer that one call computes


def mean_loss(engine: Engine, docs: Sequence[str], tokenizer: Tokenizer) -> tuple[float, int]:
    """Mean loss in nats per token over the documents, and the number of tokens predicted.

    Each document is wrapped in BOS; those longer than block_size are treated as the run's
    ``long`` says (``batches.pieces``).
    """
    return mean_loss_of(engine, TokenTable(docs, tokenizer))


def mean_loss_of(engine: Engine, table: TokenTable) -> tuple[float, int]:
    """The same for documents that are a table of tokens already."""
    starts, lengths = pieces(table, engine.config)
    per_call = max(1, _AT_ONCE // (engine.config.block_size * 4 * engine.config.n_embd))
    total = 0.0
    for first in range(0, len(starts), per_call):
        part = slice(first, first + per_call)
        total += engine.summed_loss(*table.slices(starts[part], lengths[part]))
    positions = int((lengths - 1).sum())
    return total / positions, positions


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
