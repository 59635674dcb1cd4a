"""Tiny data and short runs for the tests of training."""

from pathlib import Path
from typing import Any

from microgpt.config import Config, make_config
from microgpt.data import Dataset
from microgpt.disk.checkpoint import RunDir
from microgpt.opening import resume_point
from microgpt.runfacts import create_run
from microgpt.tokenizer import Tokenizer
from microgpt.training import Trainer

DOCS = ["emma", "olivia", "ava", "isabella", "sophia", "charlotte"]
DOCS += ["mia", "amelia", "harper", "evelyn", "ada", "ava"]


def dataset(docs: list[str] | None = None, path: str = "tiny.txt") -> Dataset:
    return Dataset(path, Path(path), "0" * 64, list(docs or DOCS), "line")


def tiny(**changes: Any) -> Config:
    return make_config(**{"n_embd": 4, "n_head": 2, "block_size": 6, "steps": 9, **changes})


def run(trainer: Trainer) -> dict[str, list[Any]]:
    """All events of a run, by kind."""
    found: dict[str, list[Any]] = {"step": [], "saved": [], "eval": [], "samples": [], "run": []}
    for event in trainer.events():
        kind = "step" if "loss" in event else next(iter(event))
        found[kind].append(event if kind == "step" else event[kind])
    return found


def in_directory(path: Path, config: Config, data: Dataset, **options: Any) -> Trainer:
    trainer = Trainer(config, data, **options)
    trainer.run_dir = create_run(path, trainer)
    return trainer


def resumed(path: Path, data: Dataset, **options: Any) -> Trainer:
    run_dir = RunDir.open(path)
    point, notices = resume_point(run_dir)
    assert notices == []
    tokenizer = Tokenizer(run_dir.vocab["uchars"])
    return Trainer(
        run_dir.config, data, tokenizer=tokenizer, run_dir=run_dir, snapshot=point, **options
    )
