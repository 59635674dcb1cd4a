"""The training loop: it owns order, schedule, random stream, saving; an engine computes.

``Trainer.events()`` is the run as a sequence of small dictionaries, the very lines that
``microgpt train --json`` prints. Whoever iterates decides how they look; nothing is printed here.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from microgpt import sampling
from microgpt.batches import Order, TokenTable
from microgpt.checkpoint import RunDir, Snapshot
from microgpt.config import DTYPES, Config
from microgpt.data import BUNDLED, Dataset, Split, bundled, split
from microgpt.engines import make_engine
from microgpt.engines.base import Arrays, Engine
from microgpt.engines.made import made_by
from microgpt.errors import InputError, Interrupted, NumbersError
from microgpt.evaluation import mean_loss_of
from microgpt.model import init_weights
from microgpt.stream import stream_from_json, stream_to_json
from microgpt.tokenizer import Tokenizer

Event = dict[str, Any]

_PIECE_SECONDS = 0.05  # the engine is left alone for about this long
_SAVE_SECONDS = 10.0
_SAMPLES = 20
MAX_THREADS = 1024


@dataclass
class Start:
    """Where a run begins, a function of config and data alone.

    ``docs``: the training documents in the order in which they are taken. ``rng``: the run's
    stream after the shuffle and the drawing of ``weights``.
    """

    config: Config
    tokenizer: Tokenizer
    docs: list[str]
    kept_out: Split
    rng: random.Random
    weights: dict[str, list[list[float]]]


def begin(config: Config, dataset: Dataset, tokenizer: Tokenizer | None = None) -> Start:
    """Seed → hold out (no draw) → shuffle → draw the weights.

    ``tokenizer`` None: the vocabulary is that of the whole data, held-out documents included.
    """
    tokenizer = tokenizer or Tokenizer.of(dataset.docs)
    config = Config(**{**config.to_dict(), "vocab_size": tokenizer.vocab_size})
    kept_out = split(dataset.docs, config.holdout, config.validation)
    docs = list(kept_out.train)
    rng = random.Random(config.seed)
    rng.shuffle(docs)
    return Start(config, tokenizer, docs, kept_out, rng, init_weights(config, rng))


def shuffled(config: Config, dataset: Dataset) -> list[str]:
    """The training documents in their order alone, for those who need no weights."""
    docs = list(split(dataset.docs, config.holdout, config.validation).train)
    random.Random(config.seed).shuffle(docs)
    return docs


def marks_at(config: Config, dataset: Dataset, step: int) -> sampling.Marks:
    """Which documents were trained on in the first ``step`` steps, and which are in the file."""
    docs = shuffled(config, dataset)
    if config.long == "window":
        reached = len(docs) if step else 0
    else:
        reached = step * config.batch_size
    return sampling.Marks(set(docs[:reached]), set(dataset.docs))


def held_out_parts(config: Config, docs: list[str], kept_out: Split) -> dict[str, list[str]]:
    """The documents that a run is judged on, by label.

    With ``holdout`` the distinct documents taken out (``distinct``, and ``validation`` if asked
    for). Without, the rows that the planned steps never reach (``unused``): none if every row is
    reached, or if windows are drawn from everywhere.
    """
    if config.holdout:
        parts = {"distinct": kept_out.holdout}
        if config.validation:
            parts["validation"] = kept_out.validation
        return parts
    unused = docs[config.steps * config.batch_size :] if config.long == "cut" else []
    return {"unused": unused} if unused else {}


class Trainer:
    """One run from its first step, or from its last save, to its end.

    ``run_dir`` None trains in memory only. ``threads`` None: one, or all cores from 16 documents
    a step on. ``stop_after``: end after that step of the planned ones, without samples.
    ``save_every``: steps between saves; None saves every 10 seconds. ``stopped`` is asked
    between pieces of about 50 ms; when it says True, the run is saved and ``Interrupted`` raised.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        *,
        tokenizer: Tokenizer | None = None,
        engine: str = "auto",
        dtype: str = "float64",
        threads: int | None = None,
        run_dir: RunDir | None = None,
        snapshot: Snapshot | None = None,
        save_every: int | None = None,
        stop_after: int | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        start = begin(config, dataset, tokenizer)
        self.config, self.tokenizer, self.docs = start.config, start.tokenizer, start.docs
        self.kept_out, self.dataset = start.kept_out, dataset
        self.dtype = dtype
        if dtype not in DTYPES:
            raise InputError(f"dtype is {dtype!r}, must be one of {', '.join(DTYPES)}.")
        if threads is not None and not 1 <= threads <= MAX_THREADS:
            raise InputError(f"threads is {threads}, must be from 1 to {MAX_THREADS}.")
        self.threads = threads or (_cores() if self.config.batch_size >= 16 else 1)
        self.threads_are_ours = threads is None
        self.run_dir, self.save_every, self.stopped = run_dir, save_every, stopped
        self.last = self.config.steps if stop_after is None else stop_after
        if not 0 <= self.last <= self.config.steps:
            raise InputError(
                f"stop-after is {self.last}, must be from 0 to the planned {self.config.steps} "
                "steps."
            )
        if save_every is not None and save_every < 1:
            raise InputError(f"save-every is {save_every}, must be at least 1.")
        self.table = TokenTable(self.docs, self.tokenizer)
        self.engine: Engine = make_engine(engine, self.config, dtype)
        kind = np.dtype(dtype)
        if snapshot is None:
            self.step, self.rng = 0, start.rng
            weights: Arrays = {n: np.array(w, dtype=kind) for n, w in start.weights.items()}
            self.engine.load(self.config, dtype, weights, None, self.threads)
        else:
            self.step, self.rng = snapshot.step, stream_from_json(snapshot.state.get("stream"))
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
                f"stop-after is {self.last}, but the run is at step {self.step} already.",
                "Name a later step, or leave it out.",
            )
        self.order = Order(self.table, self.config, self.rng)
        self.resumed = snapshot is not None
        self.saved_at: int | None = self.step if self.resumed else None

    def events(self) -> Iterator[Event]:
        """Train; yields ``run``, then ``step``s and ``saved``s, at the end ``eval``, ``samples``.

        Raises ``Interrupted`` (everything saved) or ``NumbersError`` (the last good save stands).
        """
        yield {"run": self.describe()}
        if not self.resumed:
            yield from self._save()
        yield from self._steps()
        if self.last < self.config.steps:
            return
        yield from self._evaluate()
        yield {"samples": self.samples()}

    def describe(self) -> dict[str, Any]:
        """What the first line of ``--json`` says of the run."""
        return {
            "dir": str(self.run_dir.path) if self.run_dir else None,
            **made_by(self.engine),
            "dtype": self.dtype,
            "threads": self.threads,
            "step": self.step,
            "parameters": self.config.parameters(),
            "config": self.config.to_dict(),
            "data": self.data_facts,
        }

    @cached_property
    def data_facts(self) -> dict[str, Any]:
        """``data_facts`` of this run's data."""
        return data_facts(self.dataset)

    def _steps(self) -> Iterator[Event]:
        if self.resumed and self.step == self.last:
            self.saved_at = None  # a kill may have hit the last save's end: `latest`, tidying up
        begun = last_save = time.monotonic()
        count = 1
        while self.step < self.last:
            if self.stopped():
                yield from self._save()
                self._raise_interrupted()
            count = max(1, min(count, self.last - self.step))
            if self.save_every:
                count = min(count, self.save_every - self.step % self.save_every)
            lap = time.monotonic()
            lines = self._piece(count)
            now = time.monotonic()
            good = list(itertools.takewhile(lambda line: math.isfinite(line["loss"]), lines))
            if self.run_dir and self.engine.lead:
                self.run_dir.log({**line, "seconds": round(now - begun, 4)} for line in good)
            yield from good
            if len(good) < len(lines):
                self._raise_diverged(lines[len(good)])
            due = now - last_save >= _SAVE_SECONDS
            if self.step % self.save_every == 0 if self.save_every else due:
                yield from self._save()
                last_save = time.monotonic()
            per_step = max((now - lap) / count, 1e-7)
            count = max(1, min(2 * count, int(_PIECE_SECONDS / per_step)))
        yield from self._save()

    def _piece(self, count: int) -> list[Event]:
        """Train ``count`` steps and return their lines."""
        batches = self.order.batches(self.step, count)
        lrs = [self.config.lr_at(self.step + i) for i in range(count)]
        losses = self.engine.steps(batches, lrs, self.step)
        first = self.step + 1
        self.step += count
        return [
            {"step": first + i, "loss": loss, "lr": lr, "tokens": int(tokens)}
            for i, (loss, lr, tokens) in enumerate(zip(losses, lrs, batches.positions, strict=True))
        ]

    def _raise_diverged(self, line: Event) -> NoReturn:
        kept = f" {self.run_dir.path} keeps step {self.saved_at}." if self.run_dir else ""
        raise NumbersError(
            f"The loss is {line['loss']} at step {line['step']}: training diverged.",
            f"Use a smaller --lr (now {self.config.lr:g}).{kept}",
        )

    def _save(self) -> Iterator[Event]:
        """Write a checkpoint, unless this step is saved already."""
        if self.run_dir is None or self.saved_at == self.step:
            return
        weights, optim = self.engine.state()
        if not all(np.isfinite(w).all() for w in weights.values()):
            raise NumbersError(
                f"A weight is no longer finite after step {self.step}: training diverged.",
                f"Use a smaller --lr (now {self.config.lr:g}). "
                f"{self.run_dir.path} keeps step {self.saved_at}.",
            )
        state = {
            "stream": stream_to_json(self.rng),
            "sampler": {"row": self.step * self.config.batch_size % len(self.docs)},
            **made_by(self.engine),
            "dtype": self.dtype,
            "threads": self.threads,
        }
        if self.engine.lead:
            where = self.run_dir.save(self.step, weights, optim, state)
            self.saved_at = self.step
            yield {"saved": {"step": self.step, "dir": str(where)}}

    def _raise_interrupted(self) -> NoReturn:
        if self.run_dir is None:
            raise Interrupted(f"Stopped at step {self.step} of {self.config.steps}.")
        raise Interrupted(
            f"Stopped at step {self.step} of {self.config.steps}, saved in {self.run_dir.path}.",
            f"Go on with: microgpt train --resume {self.run_dir.path}",
        )

    def _evaluate(self) -> Iterator[Event]:
        """Held-out losses; the scalar engine would take a minute, so the fastest one measures.

        Where the user didn't say how many threads to use, it has all cores.
        """
        engine = self.engine
        cores = _cores() if self.threads_are_ours else self.threads
        if engine.name == "scalar" or (engine.name == "native" and cores > self.threads):
            engine = make_engine("auto", self.config, self.dtype)
            engine.load(self.config, self.dtype, self.engine.state()[0], None, cores)
        for label, docs in held_out_parts(self.config, self.docs, self.kept_out).items():
            if label == "unused":  # the last rows of the list that is trained on
                table = self.table.rows_from(len(self.docs) - len(docs))
            else:
                table = TokenTable(docs, self.tokenizer)
            loss, tokens = mean_loss_of(engine, table)
            event = {"step": self.step, "split": label, "loss": loss, "tokens": tokens}
            if self.run_dir and self.engine.lead:
                self.run_dir.log([{"eval": event}])
            yield {"eval": event}

    def samples(self) -> list[dict[str, str | None]]:
        """Twenty samples from the stream as it stands, which is left where it is."""
        rng = random.Random()
        rng.setstate(self.rng.getstate())
        reached = self.order.rows_reached(self.step)
        marks = sampling.Marks(set(self.docs[:reached]), set(self.dataset.docs))
        texts = sampling.sample(self.engine, self.tokenizer, rng, _SAMPLES)
        return list(sampling.marked(texts, marks))


def _cores() -> int:
    return min(os.cpu_count() or 1, MAX_THREADS)


def _as(arrays: Arrays, kind: np.dtype[Any]) -> Arrays:
    return {name: array.astype(kind) for name, array in arrays.items()}


def data_facts(dataset: Dataset) -> dict[str, Any]:
    """What ``run.json`` keeps of the data: enough to find it and to know it again."""
    ships = dataset.name in BUNDLED and dataset.path == bundled(f"data/{dataset.name}.txt")
    return {
        "name": dataset.name,
        "path": None if ships else str(dataset.path.resolve()),
        "sha256": dataset.sha256,
        "split_by": dataset.split_by,
        "documents": len(dataset.docs),
        "distinct": len(set(dataset.docs)),
        "characters": sum(map(len, dataset.docs)),
    }


def create_run(path: Path, trainer: Trainer, imported: str | None = None) -> RunDir:
    """Make the run's directory: configuration and data facts, written first and then constant.

    ``imported``: the model file that the first weights come from, if they aren't drawn.
    """
    run: dict[str, Any] = {
        "config": trainer.config.to_dict(),
        "seed": trainer.config.seed,
        "data": trainer.data_facts,
        **made_by(trainer.engine),
        "dtype": trainer.dtype,
        "threads": trainer.threads,
        "save_every": trainer.save_every,
    }
    if imported is not None:
        run["imported"] = imported
    tokenizer = trainer.tokenizer
    vocab = {"type": "character", "uchars": tokenizer.uchars, "bos": tokenizer.bos}
    return RunDir.create(path, run, vocab)


def _demo() -> None:
    from microgpt.config import make_config
    from microgpt.data import load_data

    trainer = Trainer(make_config(), load_data("names"))
    for event in trainer.events():
        if event.get("step", 1) % 100 == 0:
            print(f"step {event['step']:4d}  loss {event['loss']:.4f}  lr {event['lr']:.4f}")
        if "eval" in event:
            print(f"held-out loss {event['eval']['loss']:.4f} ({event['eval']['split']})")
        if "samples" in event:
            print(" ".join(str(s["text"]) for s in event["samples"]))


if __name__ == "__main__":
    _demo()
