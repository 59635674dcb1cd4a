"""What a run is judged on: documents that it never trains on.

Without ``holdout`` these are the rows that the planned steps never reach, with it the distinct
texts that were taken out before the shuffle, or the last share of one long text.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

from microgpt.batches import TokenTable
from microgpt.config import Config
from microgpt.data import Split
from microgpt.engines import make_engine
from microgpt.engines.base import Engine
from microgpt.evaluation import Measured, Told, counting_floor, measure, random_floor
from microgpt.tokenizer import AnyTokenizer

AT_MOST = 1000
"""Documents on which a run is judged while it trains, unless told otherwise."""

SECONDS = 20.0
"""How long the measurement at a run's end may take, roughly, before it settles for a sample."""

MAX_THREADS = 1024


def held_out_parts(config: Config, docs: list[str], kept_out: Split) -> dict[str, list[str]]:
    """The documents that a run is judged on, by label.

    With ``holdout`` what was taken out: distinct documents (``distinct``, and ``validation`` if
    asked for), or the end of one long text (``tail``). Without, the rows that the planned steps
    never reach (``unused``): none if every row is reached, or if windows are drawn from
    everywhere.
    """
    if config.holdout:
        parts = {kept_out.label: kept_out.holdout}
        if config.validation:
            parts["validation"] = kept_out.validation
        return parts
    unused = docs[config.steps * config.batch_size :] if config.long == "cut" else []
    return {"unused": unused} if unused else {}


def cores() -> int:
    """How many threads may run at once here."""
    return min(os.cpu_count() or 1, MAX_THREADS)


@dataclass
class Best:
    """The step at which the held-out loss was lowest, and how many measurements came since."""

    step: int | None = None
    loss: float = math.inf
    since: int = 0

    @classmethod
    def of(cls, saved: Any) -> Best:
        """From what state.json holds; anything else starts afresh."""
        if isinstance(saved, dict) and set(saved) == {"step", "loss", "since"}:
            return cls(**saved)
        return cls()

    def to_json(self) -> dict[str, Any] | None:
        """What state.json holds; None before the first measurement."""
        return None if self.step is None else dict(vars(self))

    def take(self, step: int, loss: float) -> bool:
        """Note a measurement; returns whether it is the best so far."""
        if loss < self.loss:
            self.step, self.loss, self.since = step, loss, 0
            return True
        self.since += 1
        return False


class Judge:
    """Measures a model on the parts that its run holds out.

    ``table``: the run's training documents, of which ``unused`` takes the last rows.
    ``trained_with``: threads that the training engine has. ``threads``: how many may measure.
    """

    def __init__(
        self,
        config: Config,
        dtype: str,
        table: TokenTable,
        kept_out: Split,
        tokenizer: AnyTokenizer,
        trained_with: int,
        threads: int,
    ) -> None:
        self.config, self.dtype = config, dtype
        self.trained_with, self.threads = trained_with, threads
        self.table = table
        self.tables: dict[str, TokenTable] = {}
        reached = config.steps * config.batch_size
        if config.holdout:
            for label, docs in held_out_parts(config, [], kept_out).items():
                self.tables[label] = TokenTable(docs, tokenizer)
        elif config.long == "cut" and reached < len(table):
            self.tables["unused"] = table.rows(reached)
        self._own: Engine | None = None

    @property
    def chooses_by(self) -> str | None:
        """The part by which the best step is chosen: ``validation`` if there is one."""
        return "validation" if "validation" in self.tables else next(iter(self.tables), None)

    def measure(
        self,
        label: str,
        trained: Engine,
        *,
        most: int | None = None,
        seconds: float | None = None,
        told: Told | None = None,
    ) -> Measured:
        """The loss of the model that ``trained`` holds, on one part (``evaluation.measure``)."""
        engine = self._engine(trained)
        return measure(engine, self.tables[label], most=most, seconds=seconds, told=told)

    def _engine(self, trained: Engine) -> Engine:
        """A slow engine would take a minute, so the fastest one measures, on all cores.

        One with a choice of hardware measures itself: it may have a GPU, and was asked for.
        """
        more = trained.threaded and not trained.devices and self.threads > self.trained_with
        if not (trained.slow or more):
            return trained
        config = self.config.at_rest()
        if self._own is None:
            self._own = make_engine("auto", config, self.dtype)
        self._own.load(config, self.dtype, trained.state()[0], None, self.threads)
        return self._own

    def floors(self) -> dict[str, float]:
        """Losses to compare with: guessing blindly, and counting which token follows which.

        It counts on what the run trains on, and is measured on what the run is judged on; where
        nothing is held out, on what it counted.
        """
        trained_on = self.table
        if "unused" in self.tables:
            trained_on = self.table.rows(0, self.config.steps * self.config.batch_size)
        judged = self.tables.get(self.chooses_by or "", trained_on)
        return {
            "random": random_floor(self.config.vocab_size),
            "bigram": counting_floor(trained_on, judged, self.config),
        }

    def close(self) -> None:
        """Free the engine that was made for measuring."""
        if self._own is not None:
            self._own.close()
            self._own = None
