"""How fast the engines are, as ratios that hold on any machine.

Microseconds of one machine say little about another. So each engine's time is set against two
others that are measured beside it, in the same minute: the scalar engine, and the *peak*, the rate
at which NumPy multiplies two 512 × 512 matrices in float32 (one BLAS thread, best of 5). A ratio
to peak of 1 means: as long as that product would take for as many floating-point operations as
the model's multiplications and additions need.

The engines take turns, round after round, on one core, and medians are taken: what disturbs one
round disturbs them all. A round trains on the next documents of the once-shuffled list, and its
time is scaled by their work to that of a mean document, so that a few documents are enough where an
engine is slow. Only ``engine.steps`` and ``engine.sample`` are timed.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgpt.arrays import stored
from microgpt.batches import Order, TokenTable
from microgpt.calling import command
from microgpt.config import SHAPE, Config
from microgpt.data import Dataset
from microgpt.engines import engine_class
from microgpt.engines.base import Batches, Engine
from microgpt.engines.drawing import Sampler
from microgpt.engines.hardware import Hardware
from microgpt.errors import MissingError, NumbersError
from microgpt.flops import training_flop
from microgpt.opening import open_model
from microgpt.sampling import Settings
from microgpt.start import begin
from microgpt.tokenizer import AnyTokenizer

_SIDE = 512
_PIECE_SECONDS = 0.06  # what one round of one engine should take
_LAST_SECONDS = 1.5  # an engine that needs longer gets a single round
_TOO_LONG_SECONDS = 20.0  # the scalar engine is left out where it would need longer
_SCALAR_RATE = 1e6  # its floating-point operations a second, roughly
_MOST_AT_ONCE = 2**17
_SAMPLES_AT_ONCE = 1024  # as sampling.py hands them out


def peak_rate(clock: Callable[[], float]) -> float:
    """Floating-point operations a second of NumPy's float32 product, the best of 5."""
    a = np.random.default_rng(0).standard_normal((_SIDE, _SIDE), dtype=np.float32)
    out = np.empty_like(a)
    best = float("inf")
    for _ in range(5):
        begun = clock()
        np.matmul(a, a, out=out)
        best = min(best, clock() - begun)
    return 2 * _SIDE**3 / max(best, 1e-9)


def machine() -> str:
    """The machine in general words: cores and processor."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - no file on a disk
            for line in file:
                if line.startswith("model name"):
                    name = line.partition(":")[2].strip()
                    break
    except (OSError, UnicodeDecodeError):
        pass
    cores = os.cpu_count() or 1
    return f"{cores} {'core' if cores == 1 else 'cores'} of {name}"


@contextmanager
def one_core() -> Iterator[int | None]:
    """Inside, this thread runs on one core, whose number is given; None where that can't be set.

    The last usable core is taken: systems like to put their own work on the first.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    usable = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {max(usable)})
        yield max(usable)
    finally:
        os.sched_setaffinity(0, usable)


_WALL = "wall time", time.perf_counter


def pick_clock(threads: int) -> tuple[str, Callable[[], float]]:
    """The clock to time with, and its name.

    With one thread its own processor time, in which others on the same core don't count; where
    that is too coarse, or with several threads, wall-clock time.
    """
    if threads == 1 and time.get_clock_info("thread_time").resolution <= 1e-6:
        return "processor time", time.thread_time
    return _WALL


@dataclass
class Row:
    """One engine at one task, and its rounds.

    ``slow``: it is the engine that others are compared with. ``batch_size`` None is sampling.
    ``units``: documents trained on, or tokens sampled. ``seconds``: for a mean document, or a
    token, in each round. ``ratios``: the same over the time that the peak would need for a mean
    document.
    """

    engine: str
    dtype: str
    slow: bool
    batch_size: int | None
    work: Callable[[int], tuple[float, int]]
    least: int
    amount: int = 0
    done: bool = False
    units: int = 0
    seconds: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    def forget(self) -> None:
        """Drop all rounds so far: they only warmed up."""
        self.units = 0
        self.seconds.clear()
        self.ratios.clear()


@dataclass
class Plan:
    """What is to be measured. ``config``'s own batch size is not looked at.

    ``hardware``: for engines that have a choice of it.

    ``threads`` above 1 leaves the process on all its cores.
    """

    config: Config
    dataset: Dataset
    engines: Sequence[str]
    dtypes: Sequence[str]
    batch_sizes: Sequence[int]
    rounds: int = 7
    threads: int = 1
    sampling: bool = True
    hardware: Hardware = field(default_factory=Hardware)
    tokenizer: AnyTokenizer | None = None  # None: one of the data's characters


class Benchmark:
    """Measures a plan. ``rounds()`` does it, reporting after each, ``result()`` is plain data.

    Raises ``MissingError`` where no engine can do any of it.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clock_name, self.clock = pick_clock(plan.threads)
        self.core: int | None = None
        self.peaks: list[float] = []
        self.left_out: list[dict[str, Any]] = []
        start = begin(plan.config, plan.dataset, plan.tokenizer)
        self.config, self.tokenizer = start.config, start.tokenizer
        self.characters = start.tokenizer.kind == "character"
        self.table = TokenTable(start.docs, start.tokenizer)
        self.weights, self.trained = start.weights, False
        block = self.config.block_size
        if self.config.long == "window":
            self.positions = [block]
        else:
            self.positions = np.minimum(self.table.lengths - 1, block).tolist()
        self.flop = training_flop(self.config, self.positions)
        self.able = list(self._find_able())
        self.rows = [row for make in (self._training, self._sampling) for row in make()]
        if not self.rows:
            reasons = dict.fromkeys(f"{n['engine']} {n['reason']}" for n in self.left_out)
            raise MissingError(
                f"No engine can do this: {'; '.join(reasons)}.",
                f"Choose other --engines or --dtypes. {command('doctor')} says more.",
            )

    def rounds(self) -> Iterator[str]:
        """Measure; yields what comes next, for the impatient."""
        if self.plan.threads == 1:
            with one_core() as self.core:
                yield from self._rounds()
        else:
            yield from self._rounds()

    def _rounds(self) -> Iterator[str]:
        for row in self.rows:
            task = "sampling" if row.batch_size is None else f"batch {row.batch_size}"
            yield f"warming up: {row.engine} {row.dtype} {task}"
            self._warm_up(row)
        for count in range(1, self.plan.rounds + 1):
            yield f"round {count} of {self.plan.rounds}"
            for row in self.rows:
                if not row.done:
                    self._round(row)

    def _warm_up(self, row: Row) -> None:
        """Find how much work a round is: doubled until it takes long enough.

        Where even the least takes as long as all rounds together should, that was the row's only
        one.
        """
        row.amount = row.least
        while (took := self._round(row)) < _PIECE_SECONDS / 2 and row.amount < _MOST_AT_ONCE:
            row.amount *= 2
        row.done = took > _LAST_SECONDS
        if not row.done:
            row.forget()

    def _round(self, row: Row) -> float:
        """Run the row once, between two measurements of the peak; returns the seconds it took."""
        before = peak_rate(self.clock)
        begun = self.clock()
        seconds, units = row.work(row.amount)
        took = self.clock() - begun
        self.peaks.append(max(before, peak_rate(self.clock)))
        row.units += units
        row.seconds.append(seconds)
        row.ratios.append(seconds * self.peaks[-1] / self.flop)
        return took

    def _find_able(self) -> Iterator[tuple[str, str, type[Engine]]]:
        """The engines and number types asked for that work here; notes the others."""
        for name in self.plan.engines:
            for dtype in self.plan.dtypes:
                try:
                    cls = engine_class(name)
                    reason = cls.supports(self.config, dtype)
                except MissingError as error:
                    reason = error.message
                if reason is None:
                    yield name, dtype, cls
                else:
                    self._leave_out(name, dtype, None, reason)

    def _leave_out(self, name: str, dtype: str, batch_size: int | None, reason: str) -> None:
        self.left_out.append(
            {"engine": name, "dtype": dtype, "batch_size": batch_size, "reason": reason}
        )

    def _load(self, cls: type[Engine], dtype: str, batch_size: int) -> Engine:
        config = Config(**{**self.config.to_dict(), "batch_size": batch_size})
        engine = cls()
        if cls.devices:
            engine.hardware = self.plan.hardware
        kind = stored(dtype)
        weights = {name: np.asarray(w, dtype=kind) for name, w in self.weights.items()}
        engine.load(config, dtype, weights, None, self.plan.threads)
        if str(getattr(engine, "device", "cpu")) != "cpu":  # no processor's time says how long
            self.clock_name, self.clock = _WALL
        return engine

    def _training(self) -> Iterator[Row]:
        for name, dtype, cls in self.able:
            for batch_size in self.plan.batch_sizes:
                expected = batch_size * self.flop / _SCALAR_RATE
                if cls.slow and expected > _TOO_LONG_SECONDS:
                    reason = f"would need some {expected:,.0f} seconds at batch size {batch_size}"
                    self._leave_out(name, dtype, batch_size, reason)
                    continue
                work = _Training(self, self._load(cls, dtype, batch_size), batch_size)
                yield Row(name, dtype, cls.slow, batch_size, work, batch_size)

    def _sampling(self) -> Iterator[Row]:
        if not self.plan.sampling:
            return
        shipped, _ = open_model(None)
        plain = not self.config.at_rest().beyond()
        same = (
            plain
            and {**shipped.config.to_dict(), **_shape(self.config)} == shipped.config.to_dict()
        )
        if same and shipped.tokenizer.stored() == self.tokenizer.stored():
            self.weights = {name: w.tolist() for name, w in shipped.weights.items()}
            self.trained = True
        for name, dtype, cls in self.able:
            yield Row(name, dtype, cls.slow, None, _Sampling(self, self._load(cls, dtype, 1)), 1)

    def result(self) -> dict[str, Any]:
        """All that was measured, as ``--json`` prints it; needs ``rounds()`` to be over."""
        config = self.config
        peak = statistics.median(self.peaks)
        return {
            "machine": machine(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "core": self.core,
            "clock": self.clock_name,
            "threads": self.plan.threads,
            "rounds": self.plan.rounds,
            "model": {
                **_shape(config),
                "parameters": config.parameters(),
                "beyond": config.beyond(),
            },
            "data": self.plan.dataset.name,
            **({} if self.characters else {"tokenizer": self.tokenizer.describe()}),
            "long": config.long,
            "positions": statistics.fmean(self.positions),
            "flop_per_document": self.flop,
            "peak": {
                "gflops": peak / 1e9,
                "microseconds_per_document": self.flop / peak * 1e6,
                "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS"),
            },
            "training": [self._training_result(row) for row in self.rows if row.batch_size],
            "sampling_from": "the shipped model" if self.trained else "random weights",
            "sampling": [self._sampling_result(row) for row in self.rows if not row.batch_size],
            "left_out": self.left_out,
        }

    def _training_result(self, row: Row) -> dict[str, Any]:
        seconds = statistics.median(row.seconds)
        ratio = statistics.median(row.ratios)
        scalar = [
            statistics.median(r.seconds)
            for r in self.rows
            if r.slow and r.batch_size == row.batch_size
        ]
        return {
            "engine": row.engine,
            "dtype": row.dtype,
            "batch_size": row.batch_size,
            "microseconds": seconds * 1e6,
            "best_microseconds": min(row.seconds) * 1e6,
            "times_scalar": scalar[0] / seconds if scalar else None,
            "ratio_to_peak": ratio,
            "share_of_peak": 1 / ratio,
            "gflops": self.flop / seconds / 1e9,
            "rounds": len(row.seconds),
            "documents": row.units,
        }

    def _sampling_result(self, row: Row) -> dict[str, Any]:
        rate = 1 / statistics.median(row.seconds)
        scalar = [
            statistics.median(r.seconds) for r in self.rows if r.slow and r.batch_size is None
        ]
        return {
            "engine": row.engine,
            "dtype": row.dtype,
            "tokens_per_second": rate,
            "best_tokens_per_second": 1 / min(row.seconds),
            "times_scalar": rate * scalar[0] if scalar else None,
            "rounds": len(row.seconds),
            "tokens": row.units,
        }


class _Training:
    """Trains an engine on the next documents."""

    def __init__(self, bench: Benchmark, engine: Engine, batch_size: int) -> None:
        self.bench, self.engine, self.batch_size = bench, engine, batch_size
        self.order = Order(bench.table, engine.config, random.Random(0))
        self.step = 0

    def __call__(self, documents: int) -> tuple[float, int]:
        """Seconds for a mean document, and how many documents they were measured on."""
        count = documents // self.batch_size
        batches = self.order.batches(self.step, count)
        lrs = [1e-3] * count
        clock = self.bench.clock
        begun = clock()
        losses = self.engine.steps(batches, lrs, self.step)
        seconds = clock() - begun
        if not np.isfinite(losses).all():
            raise NumbersError(f"{self.engine.name} gave a loss that is not finite.")
        self.step += count
        return seconds * self._share(batches), documents

    def _share(self, batches: Batches) -> float:
        """A mean document's work over that of the batches."""
        positions = (np.diff(batches.offsets) - 1).tolist()
        done = training_flop(self.bench.config, positions) * len(positions)
        return self.bench.flop / done


class _Sampling:
    """Samples with an engine, in ``rows`` order at the default temperature, without a prefix."""

    def __init__(self, bench: Benchmark, engine: Engine) -> None:
        self.bench, self.engine = bench, engine
        self.draws = np.random.default_rng(0)

    def __call__(self, samples: int) -> tuple[float, int]:
        """Seconds for a token, and how many were drawn, the BOS that ends a sample included."""
        most, clock = self.engine.config.block_size, self.bench.clock
        seconds, drawn = 0.0, 0
        for first in range(0, samples, _SAMPLES_AT_ONCE):
            here = min(_SAMPLES_AT_ONCE, samples - first)
            uniforms = self.draws.random((here, most))
            how = Sampler(Settings().temperature, order="rows")
            begun = clock()
            _, offsets, _ = self.engine.flat_sample([[]] * here, how, uniforms)
            seconds += clock() - begun
            drawn += int(np.minimum(np.diff(offsets) + 1, most).sum())
        return seconds / drawn, drawn


def _shape(config: Config) -> dict[str, Any]:
    return {name: getattr(config, name) for name in SHAPE}
