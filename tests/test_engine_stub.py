"""The engine that CONTRIBUTING prints: what it asks of a new engine is all that one needs."""

import re
import sys
import textwrap
import types
from pathlib import Path

import numpy as np
import pytest

from microgpt import sampling
from microgpt.engines import ENGINES
from microgpt.engines.base import Batches, Engine, Optim
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.engines.updating import updated
from microgpt.training import Trainer
from training_runs import dataset, run, tiny

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from conformance import checks  # noqa: E402

CASES = ("tiny_full", "tiny_batch", "adam_tiny", "adam_tiny_part", "sgd_tiny", "guard_length",
         "guard_rows", "top_k", "top_p", "weighted_one", "weighted_batch", "weighted_nothing",
         "weighted_adam_tiny", "weighted_sgd_tiny")  # fmt: skip


def listing() -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(r"   ```python\n((?:(?!```).)*class BlockedEngine.*?)   ```", text, re.DOTALL)
    assert found, "CONTRIBUTING has no BlockedEngine any more"
    return textwrap.dedent(found[1])


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> type[Engine]:
    """The printed engine, entered in the list of engines as CONTRIBUTING says."""
    module = types.ModuleType("blocked_for_test")
    exec(compile(listing(), "CONTRIBUTING.md", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(ENGINES, "blocked", (module.__name__, "BlockedEngine"))
    found: type[Engine] = module.BlockedEngine
    return found


def test_it_is_small() -> None:
    lines = [line for line in listing().splitlines() if line.strip()]
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("check", checks.CHECKS)
def test_it_meets_the_contract(stub: type[Engine], check: str) -> None:
    checks.CHECKS[check](stub, "float64", CASES)


def test_it_trains_and_samples(stub: type[Engine]) -> None:
    config = tiny(steps=5, batch_size=2)
    losses, samples = [], []
    for engine in ("blocked", "numpy"):
        trainer = Trainer(config, dataset(), engine=engine)
        assert trainer.engine.name == engine
        found = run(trainer)
        losses.append([line["loss"] for line in found["step"]])
        samples.append(sampling.sample(trainer.engine, trainer.tokenizer, trainer.rng, 5))
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    assert samples[0] == samples[1]


def test_steps_of_the_base_class_divide_by_what_they_are_told(stub: type[Engine]) -> None:
    """A part of a batch: the positions are those of the whole batch."""
    docs = [[5, 0, 1, 5], [5, 4, 3, 2, 1, 5]]
    batches = Batches.of([docs, docs[:1]])
    batches = Batches(batches.tokens, batches.offsets, batches.documents, batches.positions * 2)
    config = tiny(vocab_size=6, n_embd=4)
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(0, 0.3, shape) for name, shape in config.shapes().items()}
    results = []
    for engine in (stub(), NumpyEngine()):
        engine.load(config, "float64", weights)
        losses = engine.steps(batches, [0.01, 0.02], 0)
        results.append((losses, engine.state()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-12)
    for name in weights:
        np.testing.assert_allclose(results[0][1][0][name], results[1][1][0][name], rtol=1e-9)
    assert results[0][1][1].step == results[1][1][1].step == 2


def test_a_loss_that_is_not_finite_ends_the_steps(stub: type[Engine]) -> None:
    config = tiny(vocab_size=6, n_embd=4)
    weights = {name: np.full(shape, 1e200) for name, shape in config.shapes().items()}
    engine = stub()
    engine.load(config, "float64", weights)

    def diverged(docs: object, weights: object = None) -> tuple[float, dict[str, np.ndarray]]:
        return float("inf"), {}

    engine.grads = diverged  # type: ignore[method-assign, assignment]
    losses = engine.steps(Batches.of([[[5, 0, 5]], [[5, 1, 5]]]), [0.1, 0.1], 0)
    assert np.isnan(losses).all() and len(losses) == 2
    assert (engine.state()[0]["wte"] == 1e200).all()


def test_an_update_changes_weights_and_moments_in_place() -> None:
    config = tiny(vocab_size=6, n_embd=4, beta1=0.9, beta2=0.99, eps=1e-8)
    weights = {"wte": np.ones((2, 2))}
    optim = Optim({"wte": np.zeros((2, 2))}, {"wte": np.zeros((2, 2))}, 0)
    updated(config, weights, optim, {"wte": np.full((2, 2), 4.0)}, 0.5, 0.1, 1)
    np.testing.assert_allclose(weights["wte"], 0.9)  # the first step of Adam is lr, whatever g is
    np.testing.assert_allclose(optim.m["wte"], 0.2)
    np.testing.assert_allclose(optim.v["wte"], 0.04)
    assert optim.step == 1
