"""The scalar engine and the ladder's last rung compute the same, to the last byte."""

import numpy as np
import pytest

from ladder_runner import losses, run_rung
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.engines.scalar import ScalarEngine
from microgpt.training import Trainer
from published import LOSSES

PROGRAMS = {"final": 5, "early": "5_early"}


def equal_bytes(steps: int, preset: str) -> list[str]:
    """Compares all that both hold after some steps; returns the losses that the rung printed."""
    rung, lines = run_rung(PROGRAMS[preset], steps)
    trainer = Trainer(make_config(preset), load_data("names"), engine="scalar", stop_after=steps)
    *_, last = trainer.events()
    assert last["step"] == steps
    assert isinstance(trainer.engine, ScalarEngine)
    weights, optim = trainer.engine.state()
    for name, rows in rung["state_dict"].items():
        assert (
            np.array([[p.data for p in row] for row in rows]).tobytes() == weights[name].tobytes()
        )
    for ours, theirs in ((optim.m, rung["m"]), (optim.v, rung["v"])):
        assert np.concatenate([ours[name].ravel() for name in weights]).tolist() == theirs
    assert last["loss"] == rung["loss"].data
    return losses(lines)


@pytest.mark.parametrize("preset", ["final", "early"])
def test_equal_bytes_after_a_few_steps(preset: str) -> None:
    equal_bytes(4, preset)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["final", "early"])
def test_equal_bytes_after_some_steps(preset: str) -> None:
    printed = equal_bytes(13, preset)
    if preset == "final":
        assert printed[:13] == [f"{loss:.4f}" for loss in LOSSES]


@pytest.mark.prove
def test_equal_bytes_after_a_hundred_steps() -> None:
    equal_bytes(100, "final")
