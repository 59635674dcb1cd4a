"""How fast training goes, and what it takes of the machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from microgpt.config import Config
from microgpt.engines.base import Batches, Engine
from microgpt.flops import document_flop

RECENT = 5.0
"""Seconds over which the rate that is shown is taken."""

AFTER = 3.0
"""Seconds of training before the machine's peak is measured: a short run needs none."""


TIMES = ("seconds", "tokens_per_second", "memory", "mfu")
"""What a log's lines hold that is another number each time a run is trained."""

Piece = tuple[float, int, int]
"""Seconds, tokens, floating-point operations."""


class Pace:
    """Follows a run or a leg of it; ``now`` is what there is to show, ``take`` what a log gets.

    ``tokens_per_second``; from an engine with a choice of hardware also ``memory``, the most bytes
    it has held, and ``mfu``, the share of the machine's peak: the floating-point operations that
    the model needs (``flops.py``) over those that the largest products could have done meanwhile.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.now: dict[str, float] = {}
        self.all: Piece = (0.0, 0, 0)
        self.use: dict[str, float] = {}
        self.pieces: deque[Piece] = deque()

    def take(self, batches: Batches, seconds: float, engine: Engine) -> dict[str, Any]:
        """Some steps took this long; what the log says of them."""
        lengths, counts = np.unique(np.diff(batches.offsets) - 1, return_counts=True)
        documents = list(zip(lengths.tolist(), counts.tolist(), strict=True))
        tokens = sum(length * count for length, count in documents)
        flop = 0
        if engine.devices:
            flop = sum(count * document_flop(self.config, length) for length, count in documents)
        piece = (seconds, tokens, flop)
        self.pieces.append(piece)
        self.all = (self.all[0] + seconds, self.all[1] + tokens, self.all[2] + flop)
        while len(self.pieces) > 1 and sum(s for s, _, _ in self.pieces) > RECENT:
            self.pieces.popleft()
        if engine.devices and self.all[0] >= AFTER:
            self.use = engine.usage()
        self.now = _rates(self.pieces, self.use)
        return _rates([piece], self.use)

    def whole(self) -> dict[str, Any]:
        """The same, over the whole leg."""
        return _rates([self.all], self.use)


def _rates(pieces: Iterable[Piece], use: dict[str, float]) -> dict[str, Any]:
    took, tokens, flop = (sum(column) for column in zip(*pieces, strict=True))
    seconds = max(took, 1e-9)
    found: dict[str, Any] = {"tokens_per_second": round(tokens / seconds, 1)}
    if "memory" in use:
        found["memory"] = int(use["memory"])
    if use.get("peak"):
        found["mfu"] = round(flop / seconds / use["peak"], 4)
    return found
