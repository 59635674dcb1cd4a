"""The directory of a new run, with what it says before the first step: run.json, vocab.json."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgpt.disk.checkpoint import RunDir
from microgpt.engines.made import hardware_of, made_by

if TYPE_CHECKING:
    from microgpt.training import Trainer


def create_run(path: Path | None, trainer: Trainer, imported: str | None = None) -> RunDir:
    """Make the run's directory: configuration and data facts, written first and never changed.

    ``path`` None: ``runs/NAME-n`` after the data, n one above all there are. ``imported``: the
    model file that the initial weights come from, if they aren't drawn.
    """
    asked = {name: value for name, value in trainer.asked.items() if value is not None}
    run: dict[str, Any] = {
        "config": trainer.config.to_dict(),
        "seed": trainer.config.seed,
        "data": trainer.data_facts,
        **made_by(trainer.engine),
        "dtype": trainer.dtype,
        "threads": trainer.threads,
        **hardware_of(trainer.engine),
        "save_every": None,
        **asked,
    }
    if imported is not None:
        run["imported"] = imported
    tokenizer = trainer.tokenizer
    vocab = {"type": "character", "uchars": tokenizer.uchars, "bos": tokenizer.bos}
    kept = trainer.dataset.kept
    if path is not None:
        return RunDir.create(path, run, vocab, kept)
    stem = re.sub(r"[^\w-]+", "-", Path(trainer.dataset.name).name.split(".")[0]).strip("-")
    return RunDir.create_numbered(Path("runs"), stem or "run", run, vocab, kept)
