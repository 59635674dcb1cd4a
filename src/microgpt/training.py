"""The training loop: it owns order, schedule, random stream, saving; an engine computes.

``Trainer.events()`` is the run as a sequence of small dictionaries, the very lines that
``microgpt train --json`` prints. Whoever iterates decides how they look; nothing is printed here.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from microgpt import sampling
from microgpt.arrays import stored
from microgpt.batches import Order, TokenTable
from microgpt.calling import command
from microgpt.config import DTYPES, Config
from microgpt.data import KEPT, Dataset
from microgpt.disk.checkpoint import RunDir, Snapshot
from microgpt.diverging import batch_said, before_diverging, diverged
from microgpt.engines import make_engine
from microgpt.engines.base import Arrays, Batches, Engine
from microgpt.engines.hardware import Hardware
from microgpt.engines.made import hardware_of, made_by
from microgpt.errors import InputError, Interrupted, NumbersError
from microgpt.evaluation import Told, random_floor
from microgpt.heldout import AT_MOST, MAX_THREADS, SECONDS, Best, Judge, cores
from microgpt.pace import Pace
from microgpt.start import Writes, begin, data_facts, marks_after
from microgpt.stream import stream_from_json, stream_to_json
from microgpt.tokenizer import AnyTokenizer

Event = dict[str, Any]

ON_THE_WAY = ("save_every", "eval_every", "eval_docs", "patience", "sample_every")
"""Settings for what happens while a run trains; they change none of its numbers."""

_PIECE_SECONDS = 0.05  # the engine is left alone for about this long
_SAVE_SECONDS = 10.0
_WORTH_MEASURING = 100  # from this many steps on, a run is measured during training unasked
_RECENT = 100  # steps in the mean that says how a run without held-out documents ended


class Trainer:
    """One run from its first step, or from its last save, to its end.

    ``tokenizer`` None: one of the data's characters. ``engine``, ``dtype``: as ``make_engine``
    takes them. ``run_dir`` None trains in memory only; with a ``snapshot`` it continues from there.
    ``threads`` None: one, or all cores from 16 documents per step on. ``hardware``: for the engine
    torch. ``stop_after``: end after
    that step of the planned ones, without samples.
    ``save_every``: steps between saves; None saves every 10 seconds.

    ``eval_every``: steps between measurements of the held-out loss; 0 measures only at the end,
    None ten times during training where something is held out with ``holdout``. The best step is
    kept (``RunDir.best_step``). ``eval_docs``: documents to measure on, evenly spread over all that
    are held out; 0 means all, None 1,000 during training, and at the end as many as some 20 seconds
    allow. ``patience``: stop after this many measurements without a better one.
    ``sample_every``: steps between a few samples during training.

    ``stopped`` is asked between pieces of about 50 ms, and within a measurement; when it says
    True, the run is saved and ``Interrupted`` raised. ``told(done, of)`` hears how far a
    measurement has got. Raises ``InputError`` for settings that can't be trained with.

    Example:
        >>> import microgpt
        >>> config, data = microgpt.make_config(), microgpt.load_data("names")
        >>> trainer = microgpt.Trainer(config, data, stop_after=3)
        >>> for event in trainer.events():
        ...     if "step" in event:  # the loss is in nats per token
        ...         print(event["step"], f"{event['loss']:.4f}")
        1 3.3660
        2 3.4243
        3 3.1778
        >>> trainer.close()
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        *,
        tokenizer: AnyTokenizer | None = None,
        engine: str = "auto",
        dtype: str = "float64",
        threads: int | None = None,
        hardware: Hardware | None = None,
        run_dir: RunDir | None = None,
        snapshot: Snapshot | None = None,
        save_every: int | None = None,
        stop_after: int | None = None,
        eval_every: int | None = None,
        eval_docs: int | None = None,
        patience: int | None = None,
        sample_every: int | None = None,
        stopped: Callable[[], bool] = lambda: False,
        told: Told = lambda done, of: None,
    ) -> None:
        start = begin(config, dataset, tokenizer)
        self.config, self.tokenizer, self.docs = start.config, start.tokenizer, start.docs
        self.kept_out, self.dataset = start.kept_out, dataset
        self.dtype = dtype
        if dtype not in DTYPES:
            raise InputError(f"dtype is {dtype!r}, must be one of {', '.join(DTYPES)}.")
        if threads is not None and not 1 <= threads <= MAX_THREADS:
            raise InputError(f"threads is {threads}, must be from 1 to {MAX_THREADS}.")
        self.threads = threads or (cores() if self.config.batch_size >= 16 else 1)
        self.run_dir, self.stopped, self.told = run_dir, stopped, told
        self.last = self.config.steps if stop_after is None else stop_after
        if not 0 <= self.last <= self.config.steps:
            raise InputError(
                f"stop-after is {self.last}, must be from 0 to the planned {self.config.steps} "
                "steps."
            )
        _at_least(1, save_every=save_every, patience=patience, sample_every=sample_every)
        _at_least(0, eval_every=eval_every, eval_docs=eval_docs)
        self.save_every, self.sample_every = save_every, sample_every
        self.eval_docs, self.patience = eval_docs, patience
        given = (save_every, eval_every, eval_docs, patience, sample_every)
        self.asked = dict(zip(ON_THE_WAY, given, strict=True))
        self.table = TokenTable(self.docs, self.tokenizer)
        self.judge = Judge(
            self.config,
            dtype,
            self.table,
            self.kept_out,
            self.tokenizer,
            self.threads,
            self.threads if threads else cores(),
        )
        self.eval_every = self._eval_every(eval_every)
        self.engine: Engine = make_engine(engine, self.config, dtype, hardware)
        kind = stored(dtype)
        if snapshot is None:
            self.step, self.rng = 0, start.rng
            self.best = Best()
            weights: Arrays = {n: np.array(w, dtype=kind) for n, w in start.weights.items()}
            self.engine.load(self.config, dtype, weights, None, self.threads)
        else:
            self.step, self.rng = snapshot.step, stream_from_json(snapshot.state.get("stream"))
            self.best = Best.of(snapshot.state.get("best"))
            self.engine.load(
                self.config,
                dtype,
                _as(snapshot.weights, kind),
                type(snapshot.optim)(
                    _as(snapshot.optim.m, kind), _as(snapshot.optim.v, kind), snapshot.step
                ),
                self.threads,
            )
        if self.step > self.last:
            raise InputError(
                f"stop-after is {self.last}, but the run is already at step {self.step}.",
                "Name a later step, or leave it out.",
            )
        self.batches: Batches | None = None
        self.pace = Pace(self.config)
        self.order = Order(self.table, self.config, self.rng)
        self.writes = Writes.of(self.config, dataset.running, self.engine.slow)
        self.resumed = snapshot is not None
        self.saved_at: int | None = self.step if self.resumed else None
        self.ended_early = False
        self.recent: list[float] = []
        self.judged: float | None = None

    def _eval_every(self, asked: int | None) -> int:
        """Steps between measurements during training; 0 for none."""
        part = self.judge.chooses_by
        if asked is None:
            often = self.config.holdout and self.config.steps >= _WORTH_MEASURING
            asked = max(1, self.config.steps // 10) if often or self.patience else 0
        if part is None and (asked or self.patience):
            raise InputError(
                "Nothing is held out, so there is nothing to measure on.", "Add --holdout 0.1."
            )
        if self.patience and not asked:
            raise InputError("patience counts measurements, and eval-every 0 makes none.")
        return asked

    def events(self) -> Iterator[Event]:
        """Train; yields ``run``, then steps, ``saved`` and ``eval``, at the end ``samples``.

        Raises ``Interrupted`` (everything saved) or ``NumbersError`` (the last good save stands).
        """
        yield {"run": self.describe()}
        if not self.resumed:
            yield from self.save()
        yield from self._steps()
        if self.last < self.config.steps and not self.ended_early:
            return
        yield from self._evaluate()
        yield {"samples": self.samples()}

    def describe(self) -> dict[str, Any]:
        """What the first line of ``--json`` says of the run; its tokenizer, if of byte pairs."""
        characters = self.tokenizer.kind == "character"
        return {
            "dir": str(self.run_dir.path) if self.run_dir else None,
            **made_by(self.engine),
            "dtype": self.dtype,
            "threads": self.threads,
            **hardware_of(self.engine),
            "step": self.step,
            "parameters": self.config.parameters(),
            "config": self.config.to_dict(),
            **({} if characters else {"tokenizer": self.tokenizer.describe()}),
            "data": self.data_facts,
        }

    @cached_property
    def data_facts(self) -> dict[str, Any]:
        """``data_facts`` of this run's data; from its own copy, those that it began with."""
        if self.run_dir is not None and self.dataset.path == self.run_dir.path / KEPT:
            began: dict[str, Any] = self.run_dir.run["data"]
            return began
        return data_facts(self.dataset)

    @property
    def worse_than_guessing(self) -> float | None:
        """The loss at the end of training, if blind guessing has a lower one.

        The held-out loss, or without one the mean of the last 100 steps.
        """
        loss = self.judged
        if loss is None and self.recent:
            loss = math.fsum(self.recent) / len(self.recent)
        floor = random_floor(self.config.vocab_size)
        return loss if loss is not None and not loss <= floor else None

    def _steps(self) -> Iterator[Event]:
        if self.resumed and self.step == self.last:
            self.saved_at = None  # a kill may have cut off the end of the last save
        begun = last_save = time.monotonic()
        count = 1
        while self.step < self.last and not self.ended_early:
            if self.stopped():
                yield from self.save()
                self._raise_interrupted()
            count = self._up_to_the_next_stop(count)
            lap = time.monotonic()
            lines = self._piece(count)
            now = time.monotonic()
            good = before_diverging(lines, self.config)
            assert self.batches is not None
            times = {"seconds": round(now - begun, 4)}
            times |= self.pace.take(self.batches, now - lap, self.engine)
            if self.run_dir:
                self.run_dir.log({**line, **times} for line in good)
            self.recent = [*self.recent, *(line["loss"] for line in good)][-_RECENT:]
            yield from good
            if len(good) < len(lines):
                raise self._diverged(lines[len(good)])
            yield from self._on_the_way()
            due = now - last_save >= _SAVE_SECONDS
            if self.step % self.save_every == 0 if self.save_every else due:
                yield from self.save()
                last_save = time.monotonic()
            per_step = max((now - lap) / count, 1e-7)
            count = max(1, min(2 * count, int(_PIECE_SECONDS / per_step)))
        yield from self.save()

    def _up_to_the_next_stop(self, count: int) -> int:
        """``count`` steps, or fewer where a save, a measurement or samples come before."""
        count = max(1, min(count, self.last - self.step))
        for every in (self.save_every, self.eval_every, self.sample_every):
            if every:
                count = min(count, every - self.step % every)
        return count

    def _piece(self, count: int) -> list[Event]:
        """Train ``count`` steps and return their lines."""
        batches = self.order.batches(self.step, count)
        if self.config.dropout:
            first = self.step + (self.config.seed << 31)
            batches = replace(batches, seeds=np.arange(first, first + count))
        lrs = [self.config.lr_at(self.step + i) for i in range(count)]
        self.batches = batches
        losses = self.engine.steps(batches, lrs, self.step)
        first = self.step + 1
        self.step += count
        found = self.engine.found()
        return [
            {"step": first + i, "loss": loss, "lr": lr, "tokens": int(tokens)}
            | {name: of[i] for name, of in found.items() if math.isfinite(of[i])}
            for i, (loss, lr, tokens) in enumerate(zip(losses, lrs, batches.positions, strict=True))
        ]

    def _diverged(self, line: Event) -> NumbersError:
        """The end of a run whose loss is no longer good, with the documents that led to it."""
        assert self.batches is not None
        at = line["step"] - 1 - self.step + len(self.batches.documents)
        batch = batch_said(self.batches, at, line["step"], self.order, self.tokenizer)
        return diverged(line, self.config, batch, self._kept())

    def _kept(self) -> str:
        return f" {self.run_dir.path} keeps step {self.saved_at}." if self.run_dir else ""

    def _on_the_way(self) -> Iterator[Event]:
        """A measurement or samples, where this step is due for them and isn't the last."""
        if self.step >= self.config.steps:
            return
        if self.sample_every and self.step % self.sample_every == 0:
            yield {"samples": self.samples(self.writes.on_the_way), "step": self.step}
        label = self.judge.chooses_by
        if label is None or not self.eval_every or self.step % self.eval_every:
            return
        try:
            event = self._measure(label, AT_MOST if self.eval_docs is None else self.eval_docs)
        except _StoppedError:
            yield from self.save()
            self._raise_interrupted()
        best = self.best.take(self.step, event["loss"])
        yield {"eval": event}
        if best:
            yield from self.save(best=True)
        self.ended_early = self.patience is not None and self.best.since >= self.patience

    def save(self, best: bool = False) -> Iterator[Event]:
        """Write a checkpoint, unless this step is saved already; yields its event.

        ``best``: it is the one with the lowest held-out loss, and kept until there is a better.
        Raises ``NumbersError`` if a weight isn't finite; what was saved before stays.
        """
        if self.saved_at == self.step and not best:
            return
        weights, optim = self.engine.state()
        if not all(np.isfinite(w).all() for w in weights.values()):
            raise NumbersError(
                f"A weight is no longer finite after step {self.step}: training diverged.",
                f"Use a smaller --lr (now {self.config.lr:g}).{self._kept()}",
            )
        if self.run_dir is None:
            return
        state = {
            "stream": stream_to_json(self.rng),
            "sampler": {"row": self.step * self.config.batch_size % len(self.docs)},
            "steps": self.config.steps,
            "best": self.best.to_json(),
            **made_by(self.engine),
            "dtype": self.dtype,
            "threads": self.threads,
            **hardware_of(self.engine),
        }
        where = self.run_dir.save(self.step, weights, optim, state, best=best)
        self.saved_at = self.step
        yield {"saved": {"step": self.step, "dir": str(where)}}

    def _raise_interrupted(self) -> NoReturn:
        if self.run_dir is None:
            raise Interrupted(f"Stopped at step {self.step} of {self.config.steps}.")
        raise Interrupted(
            f"Stopped at step {self.step} of {self.config.steps}, saved in {self.run_dir.path}.",
            f"Continue with: {command('train', '--resume', self.run_dir.path)}",
        )

    def _evaluate(self) -> Iterator[Event]:
        """The held-out losses at the end, on all documents or on as many as some seconds allow."""
        for label in self.judge.tables:
            try:
                event = self._measure(label, self.eval_docs, SECONDS)
            except _StoppedError:
                self._raise_stopped_measuring(label)
            if label == self.judge.chooses_by:
                self.judged = event["loss"]
            yield {"eval": event}

    def _measure(self, label: str, most: int | None, seconds: float | None = None) -> Event:
        """Measure, log, and return the content of an ``eval`` line; 0 documents means all."""

        def told(done: int, of: int) -> None:
            self.told(done, of)
            if self.stopped():
                raise _StoppedError

        if most is not None:
            seconds = None
        found = self.judge.measure(
            label, self.engine, most=most or None, seconds=seconds, told=told
        )
        event = found.event(self.step, label)
        if self.run_dir:
            self.run_dir.log([{"eval": event}])
        return event

    def _raise_stopped_measuring(self, label: str) -> NoReturn:
        where = f", and the run is saved in {self.run_dir.path}" if self.run_dir else ""
        raise Interrupted(
            f"Stopped while the loss on {label} was being measured. Training is done{where}.",
            f"Measure it with: {command('eval', self.run_dir.path)}" if self.run_dir else "",
        )

    def samples(self, count: int | None = None) -> list[dict[str, str | None]]:
        """Some samples (``Writes``) from the stream as it stands, which is left where it is."""
        rng = random.Random()
        rng.setstate(self.rng.getstate())
        how = sampling.Settings(length=self.writes.length)
        count = count or self.writes.count
        texts = sampling.sample(self.engine, self.tokenizer, rng, count, settings=how)
        reached = self.order.rows_reached(self.step)
        marks = marks_after(self.config, self.dataset, self.docs, reached, texts, self.tokenizer)
        return list(sampling.marked(texts, marks))

    def close(self) -> None:
        """Free the engines."""
        self.judge.close()
        self.engine.close()


class _StoppedError(Exception):
    """A measurement was stopped; what to say depends on when."""


def _at_least(least: int, **settings: int | None) -> None:
    for name, value in settings.items():
        if value is not None and value < least:
            raise InputError(f"{name.replace('_', '-')} is {value}, must be at least {least}.")


def _as(arrays: Arrays, kind: np.dtype[Any]) -> Arrays:
    return {name: array.astype(kind) for name, array in arrays.items()}


def _demo() -> None:
    from microgpt.config import make_config
    from microgpt.data import load_data

    trainer = Trainer(make_config(), load_data("names"))
    for event in trainer.events():
        if event.get("step", 1) % 100 == 0:
            print(f"step {event['step']:4d}  loss {event['loss']:.4f}  lr {event['lr']:.4f}")
        if "eval" in event:
            found = event["eval"]
            print(
                f"held-out loss {found['loss']:.4f}, {found['bits_per_byte']:.4f} bits per byte "
                f"({found['split']})"
            )
        if "samples" in event:
            print(" ".join(str(s["text"]) for s in event["samples"]))


if __name__ == "__main__":
    _demo()
