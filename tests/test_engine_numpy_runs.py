"""The NumPy engine over the published run: float32 near float64, and the published losses."""

import random

import numpy as np
import pytest

from microgpt.config import make_config
from microgpt.engines.base import Batches
from microgpt.engines.drawing import Sampler
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.model import init_weights
from published import LOSSES, SAMPLES


def loaded(cls, config, weights, dtype="float64", optim=None):
    engine = cls()
    engine.load(config, dtype, weights, optim)
    return engine


def preset_run(preset, path):
    """Config, first weights, documents of all steps and the random stream after them."""
    names = path.read_text("utf-8").split()
    rng = random.Random(42)
    rng.shuffle(names)
    config = make_config(preset)
    weights = {name: np.array(rows) for name, rows in init_weights(config, rng).items()}
    docs = [[26, *(ord(letter) - 97 for letter in name), 26] for name in names[: config.steps]]
    return config, weights, [doc[: config.block_size + 1] for doc in docs], rng


def run_losses(engine, docs):
    lrs = [engine.config.lr_at(step) for step in range(len(docs))]
    return engine.steps(Batches.of([[doc] for doc in docs]), lrs, 0)


@pytest.mark.parametrize(("preset", "same"), [("final", 1000), ("early", 100)])
def test_float32_stays_near_float64(preset, same, pytestconfig):
    """In ``early`` only its first 100 steps, and the mean at its end.

    There the MLP starts from 0 and squares small numbers, so some gradients are hardly above
    Adam's eps, and their rounding errors become steps of full size. A float64 run from weights
    rounded to float32 already differs by 9e-6 somewhere in its 500 losses.
    """
    config, weights, docs, _ = preset_run(preset, pytestconfig.rootpath / "data" / "names.txt")
    exact = np.array(run_losses(loaded(NumpyEngine, config, weights), docs))
    rough = np.array(run_losses(loaded(NumpyEngine, config, weights, "float32"), docs))
    assert np.abs(rough - exact)[:same].max() < 1e-5
    assert abs((rough - exact)[-100:].mean()) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_published_run(dtype, pytestconfig):
    config, weights, docs, rng = preset_run("final", pytestconfig.rootpath / "data" / "names.txt")
    engine = loaded(NumpyEngine, config, weights, dtype)
    losses = run_losses(engine, docs)
    assert [round(loss, 4) for loss in losses[:13]] == LOSSES
    assert f"{losses[-1]:.4f}" == "2.6497"
    if dtype == "float64":
        uniforms = np.array([[rng.random() for _ in range(16)] for _ in range(20)])
        tokens, _ = engine.sample([[]] * 20, Sampler(0.5), uniforms)
        assert ["".join(chr(97 + t) for t in doc) for doc in tokens] == SAMPLES
