"""What a run's directory says of it, from before its first step: run.json and vocab.json."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgpt.data import BUNDLED, KEPT, Dataset, bundled
from microgpt.disk.checkpoint import RunDir
from microgpt.engines.made import hardware_of, made_by

if TYPE_CHECKING:
    from microgpt.training import Trainer


def data_facts(dataset: Dataset) -> dict[str, Any]:
    """What ``run.json`` keeps of the data: enough to find it and to recognise it.

    ``path`` is a list for several files, and null for a bundled list and for a pipe, whose bytes
    are kept in the run's directory under the name ``kept``. ``column``, ``field`` and
    ``encoding`` say how it was read, null where nothing needs to be said.
    """
    ships = dataset.name in BUNDLED and dataset.path == bundled(f"data/{dataset.name}.txt")
    paths = [str(path.resolve()) for path in (dataset.path, *dataset.more)]
    once = dataset.kept is not None
    return {
        "name": dataset.name,
        "path": None if ships or once else paths if dataset.more else paths[0],
        **({"kept": KEPT} if once else {}),
        "sha256": dataset.sha256,
        "split_by": dataset.split_by,
        **{key: dataset.how.get(key) for key in ("column", "field", "encoding")},
        "documents": len(dataset.docs),
        "distinct": dataset.distinct.texts,
        "characters": sum(map(len, dataset.docs)),
    }


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
