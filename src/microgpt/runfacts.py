"""The directory of a new run, with what it says before the first step: facts and tokenizer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgpt.disk.checkpoint import RunDir
from microgpt.engines.made import hardware_of, made_by

if TYPE_CHECKING:
    from microgpt.training import Trainer


def create_run(
    path: Path | None,
    trainer: Trainer,
    imported: str | None = None,
    given: str | None = None,
) -> RunDir:
    """Make the run's directory: configuration and data facts, written first and never changed.

    ``path`` None: ``runs/NAME-n`` after the data, n one above all there are. ``imported``: the
    model file that the initial weights come from, if they aren't drawn. ``given``: the
    tokenizer.json that the byte pairs come from, if they weren't trained on this data.
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
    words = trainer.tokenizer.stored()
    if trainer.tokenizer.kind != "character":
        run["tokenizer"] = {"kind": trainer.tokenizer.kind, "given": given}
    kept = trainer.dataset.kept
    if path is not None:
        return RunDir.create(path, run, words, kept)
    stem = re.sub(r"[^\w-]+", "-", Path(trainer.dataset.name).name.split(".")[0]).strip("-")
    return RunDir.create_numbered(Path("runs"), stem or "run", run, words, kept)
