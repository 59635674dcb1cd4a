"""A trained model from wherever it is kept: a run, model.json, safetensors, or Hugging Face's."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from microgpt.calling import command
from microgpt.config import SHAPE, Config
from microgpt.data import KEPT, SPLITS, Dataset, bundled, load_data
from microgpt.disk.checkpoint import RunDir, Snapshot
from microgpt.disk.modelfile import EVERY_FIELD, Model, read_model, read_safetensors
from microgpt.disk.snapshot import RUN, TOKENIZER
from microgpt.engines import make_engine
from microgpt.engines.base import Arrays, Engine
from microgpt.engines.hardware import Hardware
from microgpt.errors import CheckpointError, FileError, InputError
from microgpt.stream import stream_from_json
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import AnyTokenizer, Tokenizer, characters_of

SHIPPED = "data/model.json"
"""The end state of the reference run: preset final, seed 42, 1,000 steps, float64."""


@dataclass
class Opened:
    """A model ready to be used, as ``open_model`` returns it.

    ``path``: where it is kept. ``config``, ``tokenizer``: its shape and its tokens.
    ``weights``: its matrices by the names and shapes of ``Config.shapes``. ``dtype``: their
    numbers, ``float64`` or ``float32``.

    ``leg``: what a run's state.json says of what made the weights (``engine``, ``level``,
    ``version``, ``dtype``, ``threads``); empty for a file.

    ``run``: the run's directory, None for a single file. ``step``: after how many steps the
    weights were saved, None where a file doesn't say. ``stream``: the run's random stream at that
    moment; for a file None, and sampling starts from a seed. ``stated``: the fields of ``config``
    that are known (``Model``).

    Example:
        >>> import microgpt
        >>> opened, _ = microgpt.open_model(None)
        >>> opened.tokenizer.describe()
        '26 characters a-z'
        >>> opened.rng(7).random() == opened.rng(7).random()
        True
    """

    path: Path
    config: Config
    tokenizer: AnyTokenizer
    weights: Arrays
    dtype: str
    leg: dict[str, Any] = field(default_factory=dict, kw_only=True)
    run: RunDir | None = None
    step: int | None = None
    stream: random.Random | None = None
    stated: frozenset[str] = frozenset(SHAPE)

    @property
    def split_by(self) -> str | None:
        """How the data of its run was cut into documents; None where that isn't known."""
        data = self.run.run.get("data") if self.run is not None else None
        found = data.get("split_by") if isinstance(data, dict) else None
        return found if found in SPLITS else None

    @property
    def running(self) -> bool:
        """Whether it was trained on one running text (``Dataset.running``)."""
        return self.split_by == "none" and self.run.run["data"].get("documents") == 1  # type: ignore[union-attr]

    @property
    def characters(self) -> Tokenizer:
        """The tokenizer, if its tokens are characters; ``InputError`` if they are byte pairs."""
        return characters_of(self.tokenizer, self.path, "this needs")

    def rng(self, seed: int | None) -> random.Random:
        """The stream to sample from: a fresh one with a seed, else the run's (or seed 42)."""
        if seed is None and self.stream is not None:
            copy = random.Random()
            copy.setstate(self.stream.getstate())
            return copy
        return random.Random(42 if seed is None else seed)


def open_model(
    path: str | os.PathLike[str] | None, *, ignore_digest: bool = False, best: bool = False
) -> tuple[Opened, list[str]]:
    """Open a run's or a Hugging Face directory, a model.json or a safetensors file.

    ``path`` None: the shipped model.

    ``best``: of a run, the step with the lowest held-out loss instead of the newest.
    ``ignore_digest``: a file that has changed since it was written is used all the same, with a
    notice. Returns the model and notices, one line each (an older checkpoint used, keys ignored).
    Raises ``FileError`` or ``CheckpointError``, and ``InputError`` where there is no best step.

    Example:
        >>> import microgpt
        >>> opened, notices = microgpt.open_model(None)
        >>> opened.config.parameters(), opened.dtype, notices
        (4192, 'float64', [])
        >>> opened.weights["lm_head"].shape  # vocabulary, width
        (27, 16)
    """
    path = bundled(SHIPPED) if path is None else Path(path)
    read: Callable[..., tuple[Model, list[str]]] = read_model
    if path.suffix == ".safetensors":
        read = read_safetensors
    if path.is_dir():
        if (path / RUN).exists():
            return _open_run(path, best)
        from microgpt.disk.huggingface import holds_model, read_directory  # not needed to train

        if not holds_model(path):
            return _open_run(path, best)
        read = read_directory
    if not path.exists():
        raise FileError(
            f"There is no run or model file at {path}.", f"Train one first: {command('train')}"
        )
    if best:
        raise InputError(f"{path} is a single model: it has no best step.", "Leave out --best.")
    if path.suffix == ".gguf" and read is read_model:
        from microgpt.disk.ggufile import refuse

        refuse(path)
    model, notices = read(path, ignore_digest=ignore_digest)
    dtype = next(iter(model.weights.values())).dtype.name
    opened = Opened(path, model.config, model.tokenizer, model.weights, dtype)
    opened.step, opened.stated = model.step, model.stated
    return opened, notices


def _open_run(path: Path, best: bool) -> tuple[Opened, list[str]]:
    run = RunDir.open(path)
    snapshot, notices = run.load_best() if best else run.load()
    if snapshot is None and best:
        raise InputError(
            f"The run in {path} has no best step: its held-out loss was not measured "
            "during training.",
            "Train with --holdout 0.1, or with --eval-every.",
        )
    if snapshot is None:
        raise CheckpointError(
            f"The run in {path} was stopped before its first save.",
            f"Start it again: {command('train', '--resume', path)}",
        )
    opened = Opened(
        path,
        planned(run, snapshot),
        run_tokenizer(run),
        snapshot.weights,
        next(iter(snapshot.weights.values())).dtype.name,
        run,
        snapshot.step,
        stream_from_json(snapshot.state.get("stream")),
        EVERY_FIELD,
    )
    opened.leg = snapshot.state
    return opened, notices


def planned(run: RunDir, snapshot: Snapshot | None) -> Config:
    """The run's configuration; its steps are those of the last leg, if it was trained further."""
    steps = snapshot.state.get("steps") if snapshot else None
    if type(steps) is not int or steps == run.config.steps:
        return run.config
    try:
        return dataclasses.replace(run.config, steps=steps)
    except InputError as error:
        raise CheckpointError(f"{run.path}: {error.message}", error.remedy) from None


def as_stored(opened: Opened) -> Model:
    """The model alone, with its weights as they are kept."""
    return Model(opened.config, opened.tokenizer, opened.weights, opened.step, opened.stated)


def as_model(opened: Opened) -> Model:
    """The model alone, for writing to a file; weights become float64, which loses nothing."""
    weights: Arrays = {name: w.astype(np.float64) for name, w in opened.weights.items()}
    return dataclasses.replace(as_stored(opened), weights=weights)


def engine_for(
    opened: Opened, engine: str = "auto", threads: int = 1, hardware: Hardware | None = None
) -> Engine:
    """An engine that holds the opened model, in the dtype in which it was saved.

    ``engine``, ``hardware``: as ``make_engine`` takes them. ``threads``: how many it may compute
    with; the results don't depend on it. What is done in training alone, such as dropout, is left
    out (``Config.at_rest``), so that every engine that can compute the model will do. Raises
    ``MissingError`` if none can, ``InputError`` if the name is unknown.

    Example:
        >>> import microgpt
        >>> opened, _ = microgpt.open_model(None)
        >>> engine = microgpt.engine_for(opened)
        >>> tokenizer = opened.tokenizer
        >>> (scores,) = engine.logits([[tokenizer.bos, *tokenizer.encode("ann")]])
        >>> scores.shape  # tokens, vocabulary
        (4, 27)
        >>> tokenizer.decode([int(scores[-1].argmax())])  # the most probable after "ann"
        'a'
    """
    config = opened.config.at_rest()
    made = make_engine(engine, config, opened.dtype, hardware)
    made.load(config, opened.dtype, opened.weights, None, threads)
    return made


def run_tokenizer(run: RunDir) -> AnyTokenizer:
    """The run's tokenizer; ``CheckpointError`` if its file holds none, or not the run's."""
    if run.words == TOKENIZER:
        name, data = run.stored
        pairs = BytePairTokenizer.read(data, str(run.path / name))
        if pairs.vocab_size == run.config.vocab_size:
            return pairs
        raise CheckpointError(
            f"{run.path / name} has {pairs.vocab_size:,} tokens, the run's model has "
            f"{run.config.vocab_size:,}.",
            "Restore it from a copy, or start a new run.",
        )
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


def run_data(run: RunDir, moved_to: Path | Sequence[Path] | None = None) -> Dataset:
    """The data that a run was started with; ``moved_to``: where its file is now, or its files are.

    What came through a pipe is read from the run's directory. Raises ``FileError`` if the data is
    gone, ``CheckpointError`` if its bytes have changed.
    """
    facts = run.run.get("data")
    wanted = ("name", "sha256", "split_by")
    facts = facts if isinstance(facts, dict) else {}
    how = {key: facts.get(key) for key in ("column", "field", "encoding")}
    how = {key: value for key, value in how.items() if value is not None}
    if "column" not in facts:  # a run from when every file was plain text
        how["column"] = ""
    if not all(isinstance(value, str) for value in (*map(facts.get, wanted), *how.values())):
        raise CheckpointError(
            f"{run.path / 'run.json'} doesn't say which data the run was started with.",
            "Restore it from a copy, or start a new run.",
        )
    try:
        dataset = load_data(moved_to or _source(run, facts), facts["split_by"], **how)
    except FileError as error:
        raise FileError(
            f"The run's data can't be read: {error.message}",
            f"If it has moved, name it: {command('train', 'FILE', '--resume', run.path)}",
        ) from None
    if dataset.sha256 != facts["sha256"]:
        raise CheckpointError(
            f"{dataset.path} is not the data that {run.path} was started with: its SHA-256 is "
            f"{dataset.sha256[:12]}…, not {facts['sha256'][:12]}….",
            "Restore the file, or start a new run on the changed one.",
        )
    return dataset


def _source(run: RunDir, facts: dict[str, Any]) -> str | Path | list[Path]:
    """Where a run's data is, from what its run.json says."""
    path = facts.get("path")
    if facts.get("kept") is not None:
        return run.path / KEPT
    if isinstance(path, list) and path:
        return [Path(str(one)) for one in path]
    return Path(str(path)) if path else str(facts["name"])


def resume_point(run: RunDir) -> tuple[Snapshot | None, list[str]]:
    """Where to continue: the newest good checkpoint, with the log cut back to it.

    None where the run was stopped before its first save; it then starts over. From here on the
    run is locked: raises ``FileError`` if another process is training it.
    """
    run.lock()
    snapshot, notices = run.load()
    if snapshot is None and (model := run.run.get("imported")):
        raise CheckpointError(
            f"The import of {model} into {run.path} was stopped before it was complete.",
            "Repeat the import: it accepts the same --out again.",
        )
    run.rewind_metrics(int(snapshot.state["metrics_bytes"]) if snapshot else 0)
    return snapshot, notices


def _demo() -> None:
    opened, _ = open_model(None)
    print(f"the shipped model: {opened.config.parameters():,} parameters, {opened.dtype}")
    print(f"engine that auto picks: {engine_for(opened).name}")


if __name__ == "__main__":
    _demo()
