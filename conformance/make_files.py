"""Files in their formats: two model.json, and a run directory of format 1.

The run is kept for good and never written again: every later version must read it and continue from
it. The model.json files are written again and compared.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from conformance.reference import Json, lists, model
from conformance.vectorfile import VECTORS

from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.disk.checkpoint import RunDir
from microgpt.disk.modelfile import Model, write_model
from microgpt.runfacts import create_run
from microgpt.tokenizer import Tokenizer
from microgpt.training import Trainer

RUN = VECTORS / "run"
RUN_RECIPE = {
    "n_layer": 1, "n_embd": 4, "n_head": 2, "block_size": 6, "steps": 12, "batch_size": 2,
    "activation": "relu_squared", "schedule": "cosine", "warmup": 2, "holdout": 0.1,
}  # fmt: skip
STOP, EVERY = 6, 3

CHARACTERS = {"tiny": ["a", "b", "c"], "small": ["a", "é", "\uffee", "\U0001f600"]}


def model_files() -> dict[str, str]:
    """The two model.json by name: a plain one, and one with ReLU squared and rare characters.

    The plain one has no digest, like files from elsewhere, and those from before there was one.
    """
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, uchars in CHARACTERS.items():
            config, weights = model(name)
            path = Path(folder) / "model.json"
            write_model(path, Model(config, Tokenizer(uchars), weights))
            text = path.read_text(encoding="utf-8")
            result[name] = without_digest(text) if name == "tiny" else text
    return result


def without_digest(text: str) -> str:
    """A model.json's text without its last key."""
    return re.sub(r',\n"digest": "[0-9a-f]{64}"\n}\n$', "\n}\n", text)


def write_run(path: Path) -> None:
    """A run of half its steps, in a new directory."""
    config, data = make_config("final", **RUN_RECIPE), load_data("dinosaurs")
    trainer = Trainer(config, data, engine="scalar", save_every=EVERY, stop_after=STOP)
    with create_run(path, trainer) as trainer.run_dir:
        for _ in trainer.events():
            pass
    (path / ".lock").unlink(missing_ok=True)


def resume() -> Json:
    """What the kept run holds, and how it continues."""
    opened = RunDir.open(RUN)
    snapshot, notices = opened.load()
    assert snapshot is not None and not notices, notices
    trainer = Trainer(opened.config, load_data("dinosaurs"), engine="scalar", snapshot=snapshot)
    events = list(trainer.events())
    (held_out,) = (e["eval"] for e in events if "eval" in e)
    return {
        "about": "What vectors/run/ holds, a run directory of format 1 that was stopped half-way, "
        "and what comes when it is continued.",
        "cases": [
            {
                "name": "format_1",
                "why": "every version reads what the first one wrote; kept, never written again",
                "directory": "run",
                "step": snapshot.step,
                "weights": lists(snapshot.weights),
                "m": lists(snapshot.optim.m),
                "v": lists(snapshot.optim.v),
                "losses": [e["loss"] for e in events if "loss" in e],
                "held_out": {key: held_out[key] for key in ("split", "loss", "tokens")},
                "samples": [s["text"] for e in events for s in e.get("samples", ())],
            }
        ],
    }


FILES = {"resume": resume}
