"""A trained model from wherever it is kept: a run directory, model.json or safetensors."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from microgpt.checkpoint import RunDir, Snapshot
from microgpt.config import Config
from microgpt.data import Dataset, bundled, load_data
from microgpt.engines import make_engine
from microgpt.engines.base import Arrays, Engine
from microgpt.errors import CheckpointError, FileError, InputError
from microgpt.modelfile import Model, read_model, read_safetensors
from microgpt.stream import stream_from_json
from microgpt.tokenizer import Tokenizer

SHIPPED = "data/model.json"
"""The end state of the reference run: preset final, seed 42, 1,000 steps, float64."""


@dataclass
class Opened:
    """A model ready to be used.

    ``leg``: what a run's state.json says, with what made the weights (``engine``, ``level``,
    ``version``, ``dtype``, ``threads``); empty for a file.

    ``run``: the run's directory, None for a single file. ``step``: after how many steps the
    weights were saved, None for a file. ``stream``: the run's random stream at that moment; for a
    file None, and sampling starts from a seed.
    """

    path: Path
    config: Config
    tokenizer: Tokenizer
    weights: Arrays
    dtype: str
    leg: dict[str, Any] = field(default_factory=dict, kw_only=True)
    run: RunDir | None = None
    step: int | None = None
    stream: random.Random | None = None

    def rng(self, seed: int | None) -> random.Random:
        """The stream to sample from: a fresh one with a seed, else the run's (or seed 42)."""
        if seed is None and self.stream is not None:
            copy = random.Random()
            copy.setstate(self.stream.getstate())
            return copy
        return random.Random(42 if seed is None else seed)


def open_model(path: Path | None) -> tuple[Opened, list[str]]:
    """Open a run directory, a model.json or a safetensors file; None is the shipped model.

    Returns the model and notices, one line each (an older checkpoint used, keys ignored).
    Raises ``FileError`` or ``CheckpointError``.
    """
    path = path or bundled(SHIPPED)
    if path.is_dir():
        return _open_run(path)
    if not path.exists():
        raise FileError(
            f"There is no run or model file at {path}.", "Train one first: microgpt train"
        )
    model, notices = read_safetensors(path) if path.suffix == ".safetensors" else read_model(path)
    return Opened(path, model.config, model.tokenizer, model.weights, "float64"), notices


def _open_run(path: Path) -> tuple[Opened, list[str]]:
    run = RunDir.open(path)
    snapshot, notices = run.load()
    if snapshot is None:
        raise CheckpointError(
            f"The run in {path} was stopped before its first save.",
            f"Start it again: microgpt train --resume {path}",
        )
    opened = Opened(
        path,
        run.config,
        run_tokenizer(run),
        snapshot.weights,
        next(iter(snapshot.weights.values())).dtype.name,
        run,
        snapshot.step,
        stream_from_json(snapshot.state.get("stream")),
    )
    opened.leg = snapshot.state
    return opened, notices


def as_model(opened: Opened) -> Model:
    """The model alone, for writing to a file; weights become float64, which loses nothing."""
    weights: Arrays = {name: w.astype(np.float64) for name, w in opened.weights.items()}
    return Model(opened.config, opened.tokenizer, weights)


def engine_for(opened: Opened, engine: str = "auto", threads: int = 1) -> Engine:
    """An engine that holds the opened model, in the dtype in which it was saved."""
    made = make_engine(engine, opened.config, opened.dtype)
    made.load(opened.config, opened.dtype, opened.weights, None, threads)
    return made


def run_tokenizer(run: RunDir) -> Tokenizer:
    """The run's tokenizer; ``CheckpointError`` if vocab.json holds none, or not the run's."""
    uchars = run.vocab.get("uchars")
    if isinstance(uchars, list) and all(isinstance(c, str) for c in uchars):
        try:
            tokenizer = Tokenizer(uchars)
        except InputError as error:
            raise CheckpointError(f"{run.path / 'vocab.json'}: {error.message}") from None
        if tokenizer.vocab_size == run.config.vocab_size:
            return tokenizer
    raise CheckpointError(
        f"{run.path / 'vocab.json'} doesn't hold the {run.config.vocab_size - 1} characters that "
        "the run began with.",
        "Restore it from a copy, or start a new run.",
    )


def run_data(run: RunDir, moved_to: Path | None = None) -> Dataset:
    """The data that a run was started with; ``moved_to``: where its file is now.

    Raises ``FileError`` if it is gone, ``CheckpointError`` if its bytes have changed.
    """
    facts = run.run.get("data")
    wanted = ("name", "sha256", "split_by")
    if not isinstance(facts, dict) or not all(isinstance(facts.get(k), str) for k in wanted):
        raise CheckpointError(
            f"{run.path / 'run.json'} doesn't say which data the run was started with.",
            "Restore it from a copy, or start a new run.",
        )
    source: str | Path = Path(str(facts["path"])) if facts.get("path") else facts["name"]
    try:
        dataset = load_data(moved_to or source, facts["split_by"])
    except FileError as error:
        raise FileError(
            f"The run's data can't be read: {error.message}",
            f"If it has moved, name it: microgpt train FILE --resume {run.path}",
        ) from None
    if dataset.sha256 != facts["sha256"]:
        raise CheckpointError(
            f"{dataset.path} is not the data that {run.path} was started with: its SHA-256 is "
            f"{dataset.sha256[:12]}…, not {facts['sha256'][:12]}….",
            "Restore the file, or start a new run on the changed one.",
        )
    return dataset


def resume_point(run: RunDir) -> tuple[Snapshot | None, list[str]]:
    """Where to go on: the newest good checkpoint, with the log cut back to it.

    None where the run was stopped before its first save; it then starts over. From here on the
    run is locked: raises ``FileError`` if another process is training it.
    """
    run.lock()
    snapshot, notices = run.load()
    if snapshot is None and (model := run.run.get("imported")):
        raise CheckpointError(
            f"The import of {model} into {run.path} was stopped before its end.",
            "Remove that directory and import again.",
        )
    run.rewind_metrics(int(snapshot.state["metrics_bytes"]) if snapshot else 0)
    return snapshot, notices


def _demo() -> None:
    opened, _ = open_model(None)
    print(f"the shipped model: {opened.config.parameters():,} parameters, {opened.dtype}")
    print(f"engine that auto takes: {engine_for(opened).name}")


if __name__ == "__main__":
    _demo()
