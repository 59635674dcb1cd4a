"""An entry is trained with seeds 1, 2, 3 …: each run is timed and its model judged at its end.

The clock runs from the moment at which the text is in memory, the initial weights are drawn and the
engine holds them, to the last step. It stands while the unit is read, and while the model is
judged.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from microgpt.config import Config
from microgpt.data import Dataset
from microgpt.engines.made import hardware_of, made_by
from microgpt.errors import InputError, NumbersError
from microgpt.evaluation import Told
from microgpt.speedrun.tracks import Entry, Track
from microgpt.speedrun.yardstick import Clock, Yardstick
from microgpt.training import Trainer

_BETWEEN = 5.0  # seconds of training between two readings of the unit

Watch = Callable[[int, int, int, float], None]
"""Called after a step: seed, step, out of how many, loss of the batch."""


@dataclass(frozen=True)
class Lap:
    """What one seed gave: loss in nats a character, seconds on both clocks, the unit meanwhile."""

    seed: int
    loss: float
    bits_per_byte: float
    seconds: float
    processor_seconds: float
    cost: float
    unit_seconds: list[float]


class Stopwatch:
    """Counts seconds while it runs, by the clock on the wall and by the processor's."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = self.processor_seconds = 0.0
        self._begun: tuple[float, float] | None = None

    def start(self) -> None:
        """Go on."""
        self._begun = (time.perf_counter(), self.clock.process())

    def running(self) -> float:
        """Seconds on the wall since the last start; 0 where it stands."""
        return 0.0 if self._begun is None else time.perf_counter() - self._begun[0]

    def stop(self) -> None:
        """Stand still."""
        if self._begun is not None:
            self.processor_seconds += self.clock.process() - self._begun[1]
            self.seconds += time.perf_counter() - self._begun[0]
            self._begun = None


class Attempt:
    """An entry on its track. ``facts`` (after a first run): what made it, for the record."""

    def __init__(self, track: Track, entry: Entry, dataset: Dataset) -> None:
        self.track, self.entry, self.dataset = track, entry, dataset
        self.clock = Clock.here()

    def facts(self) -> dict[str, Any]:
        """The engine as it computes here; raises where none can, or the held-out text is cut.

        Takes a moment, as a trainer is made for it.
        """
        trainer = self._trainer(1)
        try:
            longest = int(trainer.judge.tables[self._label(trainer)].lengths.max()) - 1
            block = trainer.config.block_size
            if trainer.config.long == "cut" and longest > block:
                raise InputError(
                    f"block_size {block} is too small for the track {self.track.name}: a held-out "
                    f"document has {longest} tokens, and each of them must be predicted.",
                    f'Use block_size {longest} or more, or long = "window".',
                )
            made: dict[str, Any] = made_by(trainer.engine)
            del made["version"]
            hardware = hardware_of(trainer.engine)
            return {**made, "dtype": trainer.dtype, "threads": trainer.threads, **hardware}
        finally:
            trainer.close()

    def lap(self, seed: int, watch: Watch, told: Told) -> Lap:
        """Train with one seed, and judge. Raises ``NumbersError`` where training diverges."""
        yardstick = Yardstick(self.entry.threads, self.clock)
        trainer = self._trainer(seed)
        try:
            yardstick.read()
            stopwatch = self._train(trainer, yardstick, seed, watch)
            yardstick.read()
            loss, bits = self._judge(trainer, told)
        except NumbersError as error:
            raise NumbersError(f"Seed {seed}: {error.message}", error.remedy) from error
        finally:
            trainer.close()
        unit = statistics.median(yardstick.readings)
        taken = stopwatch.processor_seconds
        return Lap(seed, loss, bits, stopwatch.seconds, taken, taken / unit, yardstick.readings)

    def _trainer(self, seed: int) -> Trainer:
        entry = self.entry
        return Trainer(
            _with_seed(entry.config, seed),
            self.dataset,
            tokenizer=entry.tokenizer,
            engine=entry.engine,
            dtype=entry.dtype,
            threads=entry.threads,
            hardware=entry.hardware,
            eval_every=0,
        )

    @staticmethod
    def _label(trainer: Trainer) -> str:
        """The part that it is judged on: what is held out, or if it has one, what to choose by."""
        label = trainer.judge.chooses_by
        assert label is not None
        return label

    @staticmethod
    def _train(trainer: Trainer, yardstick: Yardstick, seed: int, watch: Watch) -> Stopwatch:
        stopwatch = Stopwatch(yardstick.clock)
        steps = trainer.config.steps
        for event in trainer.events():
            if "run" in event:
                stopwatch.start()
            elif "loss" in event:
                if event["step"] == steps:
                    stopwatch.stop()
                    break
                watch(seed, event["step"], steps, event["loss"])
                if stopwatch.running() > _BETWEEN:
                    stopwatch.stop()
                    yardstick.read()
                    stopwatch.start()
        return stopwatch

    def _judge(self, trainer: Trainer, told: Told) -> tuple[float, float]:
        """Nats a character over all that is judged, every document's end one; and bits per byte."""
        label = self._label(trainer)
        found = trainer.judge.measure(label, trainer.engine, told=told)
        parts = trainer.kept_out
        docs = parts.validation if label == "validation" else parts.holdout
        loss = found.loss * found.tokens / (sum(map(len, docs)) + len(docs))
        if not math.isfinite(loss):
            raise NumbersError("the held-out loss is not a number.", "Use a smaller lr.")
        return loss, found.bits_per_byte


def _with_seed(config: Config, seed: int) -> Config:
    return dataclasses.replace(config, seed=seed)
