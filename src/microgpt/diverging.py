"""When training has diverged, and what to say then: the loss, the step and the batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from microgpt.batches import Order
from microgpt.config import Config
from microgpt.engines.base import Batches
from microgpt.errors import NumbersError
from microgpt.evaluation import random_floor
from microgpt.tokenizer import AnyTokenizer

DIVERGED = 20
"""A run whose loss is this many times that of guessing blindly has diverged, on every engine."""

_NAMED = 3  # documents of a batch that are quoted
_LETTERS = 24  # of each


def before_diverging(lines: Sequence[dict[str, Any]], config: Config) -> list[dict[str, Any]]:
    """The steps after which training goes on: one rule, whatever engine computes.

    An engine that diverges may climb for long before a number overflows, and how long depends
    on the order of its additions. Below 0 a loss is no fault: weights may be negative.
    """
    limit = DIVERGED * random_floor(config.vocab_size)
    return list(itertools.takewhile(lambda line: -math.inf < line["loss"] <= limit, lines))


def diverged(line: Mapping[str, Any], config: Config, batch: str, kept: str) -> NumbersError:
    """What ends the run whose step ``line`` isn't good. ``kept``: where the last save is."""
    loss, step = line["loss"], line["step"]
    said = f"The loss is {loss:.6g} at step {step}"
    if math.isfinite(loss):
        floor = random_floor(config.vocab_size)
        said += f", more than {DIVERGED} times the {floor:.2f} of guessing blindly"
    remedy = f"Use a smaller --lr (now {config.lr:g})."
    if step == 1:
        now = f"(now {config.init_std:g})"
        remedy = f"The initial weights are too large: use a smaller --init-std {now}."
    return NumbersError(f"{said}: training diverged. {batch}", f"{remedy}{kept}")


def batch_said(batches: Batches, at: int, step: int, order: Order, tokenizer: AnyTokenizer) -> str:
    """Which documents the batch number ``at`` of ``batches`` holds; ``step`` counts from 1."""
    before, count = int(batches.documents[:at].sum()), int(batches.documents[at])
    texts = [
        tokenizer.decode([token for token in doc if token != tokenizer.bos])
        for doc in batches.docs(before, min(count, _NAMED))
    ]
    quoted = ", ".join(
        repr(text if len(text) <= _LETTERS else f"{text[:_LETTERS]}…") for text in texts
    )
    more = f" and {count - _NAMED:,} more" if count > _NAMED else ""
    if order.window:
        what = "a window that begins" if count == 1 else f"{count:,} windows that begin"
        return f"Its batch: {what} {quoted}{more}."
    rows = len(order.table)
    first, last = ((step - 1) * count % rows + 1, (step * count - 1) % rows + 1)
    which = f"row {first:,}" if count == 1 else f"rows {first:,} to {last:,}"
    return f"Its batch: {which} of the shuffled documents, {quoted}{more}."
