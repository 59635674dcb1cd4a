"""How well a model predicts documents: the mean of -log p over their tokens, in nats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from microgpt.batches import TokenTable, pieces
from microgpt.engines.base import Engine
from microgpt.tokenizer import Tokenizer

_AT_ONCE = 8192  # tokens' worth of documents given to an engine in one call


def mean_loss(engine: Engine, docs: Sequence[str], tokenizer: Tokenizer) -> tuple[float, int]:
    """Mean loss in nats per token over the documents, and the number of tokens predicted.

    Each document is wrapped in BOS; those longer than block_size are treated as the run's
    ``long`` says (``batches.pieces``).
    """
    table = TokenTable(docs, tokenizer)
    starts, lengths = pieces(table, engine.config)
    per_call = max(1, _AT_ONCE // engine.config.block_size)
    total = 0.0
    for first in range(0, len(starts), per_call):
        cut = slice(first, first + per_call)
        flat, offsets = table.slices(starts[cut], lengths[cut])
        bounds = offsets.tolist()
        lists = [flat[a:b] for a, b in pairwise(bounds)]
        logits = np.concatenate(engine.logits([tokens[:-1].tolist() for tokens in lists]))
        targets = np.concatenate([tokens[1:] for tokens in lists])
        total += _nats(logits.astype(np.float64), targets)
    positions = int((lengths - 1).sum())
    return total / positions, positions


def _nats(logits: np.ndarray, targets: np.ndarray) -> float:
    """Sum of -log softmax(logits)[target] over rows [n, V]."""
    with np.errstate(all="ignore"):  # a diverged model gives nan, which the caller reports
        highest = logits.max(axis=1)
        log_total = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
        return float((log_total - logits[np.arange(len(targets)), targets]).sum())


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
