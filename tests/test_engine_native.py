"""The C kernel against the engines that say what it must compute, at every level that runs here."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import random

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from kernel_programs import FEWER
from microgpt.batches import Order, TokenTable
from microgpt.config import Config, make_config
from microgpt.data import load_data
from microgpt.engines.base import Arrays, Batches, Engine, Optim
from microgpt.engines.drawing import Guard, Sampler
from microgpt.engines.native import NativeEngine, level_problems
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.engines.scalar import ScalarEngine
from microgpt.errors import InputError, TokenError
from microgpt.model import init_weights
from microgpt.tokenizer import Tokenizer

try:
    LEVELS = [level for level, reason in level_problems().items() if reason is None]
except OSError as error:
    pytest.skip(f"the engine native {error}", allow_module_level=True)

every_level = pytest.mark.parametrize("level", LEVELS)
both_dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])
SHARE = int(os.environ.get(FEWER, "1"))


def native(level: str | None = None) -> NativeEngine:
    return type("AtLevel", (NativeEngine,), {"level": level})()


def weights_of(config: Config) -> Arrays:
    return {n: np.array(w) for n, w in init_weights(config, random.Random(0)).items()}


drawn = functools.lru_cache(maxsize=2)(weights_of)  # for all engines that are given one model


def loaded(
    engine: Engine, config: Config, dtype: str = "float64", threads: int = 1, std: float = 1.0
) -> Engine:
    weights = {n: (w * std).astype(dtype) for n, w in drawn(config).items()}
    engine.load(config, dtype, weights, None, threads)
    return engine


@every_level
def test_a_loaded_engine_tells_its_level(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(native(level), make_config()).level == level
    assert NativeEngine.level is None and NumpyEngine.level is None
    monkeypatch.setenv("MICROGPT_LEVEL", level)
    assert loaded(NativeEngine(), make_config()).level == level


@st.composite
def models(draw: st.DrawFn) -> Config:
    head_dim = draw(st.sampled_from([1, 2, 3, 4, 4, 5, 8, 16, 20]))
    n_head = draw(st.integers(1, 5))
    return make_config(
        n_layer=draw(st.integers(1, 3)),
        n_embd=head_dim * n_head,
        n_head=n_head,
        block_size=draw(st.sampled_from([1, 2, 3, 5, 8, 16, 17, 33, 70])),
        vocab_size=draw(st.sampled_from([2, 3, 15, 16, 17, 27, 40])),
        activation=draw(st.sampled_from(["relu", "relu_squared"])),
        optimizer=draw(st.sampled_from(["adam", "sgd"])),
        init_std=0.3,
    )


def documents(draw: st.DrawFn, config: Config, most: int = 12) -> list[list[int]]:
    tokens = st.lists(
        st.integers(0, config.vocab_size - 1), min_size=1, max_size=config.block_size + 1
    )
    docs = draw(st.lists(tokens, min_size=1, max_size=most))
    return [*docs, [config.vocab_size - 1, 0]]  # at least one position


def close(a: Arrays, b: Arrays, tolerance: float) -> None:
    assert a.keys() == b.keys()
    for name in a:
        scale = max(1.0, float(np.abs(b[name]).max()))
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=tolerance * scale, err_msg=name)


# ---------------------------------------------------------------- against NumPy and scalar


# Drawing a model and asking NumPy is what takes the time: each example goes to all levels at once.


@settings(max_examples=40 // SHARE)
@given(st.data())
def test_random_models_agree_with_numpy(data: st.DataObject) -> None:
    config = data.draw(models())
    docs = documents(data.draw, config)
    theirs = loaded(NumpyEngine(), config, "float64")
    expected_loss, expected_grads = theirs.grads(docs)
    whole = Batches.of([docs])
    summed = expected_loss * whole.positions[0]
    by_logits = theirs.summed_loss(whole.tokens, whole.offsets)
    assert math.isclose(by_logits, summed, rel_tol=1e-12, abs_tol=1e-13)
    lists = [doc[: config.block_size] for doc in docs] + [[]]
    expected = theirs.logits(lists)
    for level in LEVELS:
        for dtype, tolerance in (("float64", 1e-12), ("float32", 2e-4)):
            note(f"{level}, {dtype}")
            ours = loaded(native(level), config, dtype)
            loss, grads = ours.grads(docs)
            rounding = {"rel_tol": tolerance, "abs_tol": tolerance / 50}  # a loss may be near 0
            assert math.isclose(loss, expected_loss, **rounding)
            close(grads, expected_grads, tolerance)
            measured = ours.summed_loss(whole.tokens, whole.offsets)
            assert math.isclose(measured, summed, **rounding)
            for a, b in zip(ours.logits(lists), expected, strict=True):
                assert a.dtype == dtype and a.shape == b.shape
                np.testing.assert_allclose(a, b, atol=tolerance * 10)


@settings(max_examples=25 // SHARE)
@given(st.data())
def test_training_agrees_with_numpy(data: st.DataObject) -> None:
    config = data.draw(models())
    steps = [documents(data.draw, config, 4) for _ in range(5)]
    batches, lrs = Batches.of(steps), [0.01, 0.02, 0.005, 0.01, 0.0]
    theirs = loaded(NumpyEngine(), config)
    losses = theirs.steps(batches, lrs, 0)
    expected, expected_optim = theirs.state()
    for level in LEVELS:
        note(level)
        ours = loaded(native(level), config)
        np.testing.assert_allclose(
            ours.steps(batches, lrs, 0), losses, rtol=1e-9, atol=1e-7
        )  # losses near 0 lose digits in log(sum) - (logit - max)
        weights, optim = ours.state()
        assert optim.step == expected_optim.step == 5
        if config.optimizer == "adam":
            close(optim.m, expected_optim.m, 1e-9)
            close(optim.v, expected_optim.v, 1e-9)
        close(weights, expected, 1e-6)  # Adam divides numbers near 0 by numbers near 0


@every_level
@pytest.mark.parametrize("activation", ["relu", "relu_squared"])
def test_gradients_agree_with_scalar(level: str, activation: str) -> None:
    config = make_config(
        n_layer=2, n_embd=6, n_head=2, block_size=5, vocab_size=5, activation=activation
    )
    docs = [[4, 0, 1, 2, 3, 4], [4, 1, 4], [4, 4]]
    loss, grads = loaded(native(level), config, std=4.0).grads(docs)
    expected_loss, expected = loaded(ScalarEngine(), config, std=4.0).grads(docs)
    assert math.isclose(loss, expected_loss, rel_tol=1e-14)
    close(grads, expected, 1e-14)


@functools.cache
def run_of(config: Config, steps: int) -> tuple[Config, Arrays, Batches, list[float]]:
    docs = load_data("names").docs
    tokenizer = Tokenizer.of(docs)
    rng = random.Random(config.seed)
    rng.shuffle(docs)
    config = dataclasses.replace(config, vocab_size=tokenizer.vocab_size)
    weights = {n: np.array(w) for n, w in init_weights(config, rng).items()}
    batches = Order(TokenTable(docs, tokenizer), config, rng).batches(0, steps)
    return config, weights, batches, [config.lr_at(i) for i in range(steps)]


@functools.cache
def numpy_losses(preset: str) -> np.ndarray:
    config, weights, batches, lrs = run_of(make_config(preset), make_config(preset).steps)
    engine = NumpyEngine()
    engine.load(config, "float64", weights)
    return np.array(engine.steps(batches, lrs, 0))


@every_level
@both_dtypes
@pytest.mark.parametrize("preset", ["final", "early"])
def test_presets_follow_numpy_to_the_end(level: str, dtype: str, preset: str) -> None:
    config, weights, batches, lrs = run_of(make_config(preset), make_config(preset).steps)
    ours = native(level)
    ours.load(config, dtype, {n: w.astype(dtype) for n, w in weights.items()})
    losses = np.array(ours.steps(batches, lrs, 0))
    # `early` begins with matrices of zeros, where Adam makes much of the last bit: NumPy's own
    # float32 run is 1e-4 away from its float64 run at single steps.
    tolerance = 1e-9 if dtype == "float64" else {"final": 1e-5, "early": 5e-3}[preset]
    assert np.abs(losses - numpy_losses(preset)).max() < tolerance


@every_level
@both_dtypes
@pytest.mark.parametrize("batch", [1, 64])
def test_a_cut_and_another_engine_between_change_nothing(
    level: str, dtype: str, batch: int
) -> None:
    config, weights, batches, lrs = run_of(make_config(batch_size=batch), 12)
    weights = {n: w.astype(dtype) for n, w in weights.items()}
    whole, parts = native(level), native(level)
    whole.load(config, dtype, weights)
    parts.load(config, dtype, weights)
    losses = whole.steps(batches, lrs, 0)
    nested = [batches.docs(i * batch, batch) for i in range(12)]
    first = parts.steps(Batches.of(nested[:5]), lrs[:5], 0)
    middle = NumpyEngine()  # computes nothing: the state goes through unchanged
    middle.load(config, dtype, *parts.state())
    resumed = native(level)
    resumed.load(config, dtype, *middle.state())
    assert first + resumed.steps(Batches.of(nested[5:]), lrs[5:], 5) == losses
    for a, b in zip(_vectors(whole), _vectors(resumed), strict=True):
        assert a.tobytes() == b.tobytes()


def _vectors(engine: Engine) -> list[np.ndarray]:
    weights, optim = engine.state()
    return [*weights.values(), *optim.m.values(), *optim.v.values()]


@every_level
@both_dtypes
@pytest.mark.parametrize("batch", [1, 16, 64, 300])
def test_threads_change_no_byte(level: str, dtype: str, batch: int) -> None:
    config, weights, batches, lrs = run_of(make_config(batch_size=batch), 5)
    results = []
    for threads in (1, 2, 8):
        engine = native(level)
        engine.load(config, dtype, {n: w.astype(dtype) for n, w in weights.items()}, None, threads)
        losses = engine.steps(batches, lrs, 0)
        losses.append(engine.summed_loss(batches.tokens, batches.offsets))
        results.append((losses, [a.tobytes() for a in _vectors(engine)]))
    assert results[0] == results[1] == results[2]


# ---------------------------------------------------------------- sampling


@settings(max_examples=30 // SHARE)
@given(st.data())
def test_sampling_is_the_one_of_base(data: st.DataObject) -> None:
    config = data.draw(models())
    v = config.vocab_size
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    samples = data.draw(st.integers(1, 70))
    most = data.draw(st.sampled_from([1, 2, 5, config.block_size, config.block_size + 3]))
    guard = None
    if data.draw(st.booleans()):
        states = data.draw(st.integers(1, 4))
        banned = rng.random((states, v)) < 0.4
        banned[np.arange(states), rng.integers(0, v, states)] = False
        guard = Guard(rng.integers(0, states, (states, v)).astype(np.int32), banned)
    prefixes = [rng.integers(0, v, rng.integers(0, 5)).tolist() for _ in range(samples)]
    arguments = (
        prefixes,
        Sampler(
            data.draw(st.sampled_from([0.01, 0.5, 1.0, 3.0])),
            data.draw(st.sampled_from([None, 1, 2, 1000])),
            data.draw(st.sampled_from([None, 0.3, 0.9, 1.0])),
            data.draw(st.sampled_from(["rows", "sequential"])),
            guard,
        ),
        rng.random((samples, most)),
    )
    theirs = loaded(NumpyEngine(), config, std=3)
    expected, used = Engine.sample(theirs, *arguments)
    for level in LEVELS:
        note(level)
        ours = loaded(native(level), config, std=3)
        assert ours.sample(*arguments) == ([[int(t) for t in row] for row in expected], used)
        flat, offsets, _ = ours.flat_sample(*arguments)
        same, ends, _ = Engine.flat_sample(ours, *arguments)
        assert flat.tolist() == same.tolist() and offsets.tolist() == ends.tolist()


@both_dtypes
def test_a_guard_that_bans_everything_is_refused(dtype: str) -> None:
    config = make_config(vocab_size=5)
    engine = loaded(native(), config, dtype)
    guard = Guard(np.zeros((1, 5), np.int32), np.ones((1, 5), bool))
    with pytest.raises(InputError, match="no token to draw"):
        engine.sample([[]], Sampler(order="rows", guard=guard), np.zeros((1, 4)))
    guard = Guard(np.full((1, 5), 7, np.int32), np.zeros((1, 5), bool))
    with pytest.raises(InputError):
        engine.sample([[0]], Sampler(order="rows", guard=guard), np.zeros((1, 4)))


# ---------------------------------------------------------------- refusals


def one_step(tokens: list[int], offsets: list[int], documents: int = 1) -> Batches:
    return Batches(
        np.array(tokens, np.int32), np.array(offsets), np.array([documents]), np.array([3])
    )


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (one_step([4, 0, 5, 4], [0, 4]), "Token 5 at position 2"),
        (one_step([4, 0, -1, 4], [0, 4]), "Token -1 at position 2"),
        (one_step([4, 0, 1, 2, 4], [0, 5]), "Document 0 has 5 tokens, must have 1 to 4"),
        (one_step([4, 0], [0, 0, 2], 2), "Document 0 has 0 tokens"),
        (one_step([4, 0], [0, 3]), "offsets"),
        (one_step([4, 0], [2, 0]), "offsets"),
        (one_step([4, 0], [0, 2], 2), "2 documents, but 1 came"),
        (one_step([4, 0], [0, 2], -1), "fewer than 0 documents"),
        (one_step([4, 0], [0, 2], 2**62), "4611686018427387904 documents, but 1 came"),
    ],
)
def test_documents_that_do_not_fit_are_refused(batches: Batches, message: str) -> None:
    engine = loaded(native(), make_config(block_size=3, vocab_size=5))
    before = [a.tobytes() for a in _vectors(engine)]
    with pytest.raises(InputError, match=message):
        engine.steps(batches, [0.01], 0)
    assert [a.tobytes() for a in _vectors(engine)] == before


def test_tokens_and_lengths_are_refused_everywhere() -> None:
    engine = loaded(native(), make_config(block_size=3, vocab_size=5))
    with pytest.raises(TokenError):
        engine.grads([[4, 9]])
    with pytest.raises(InputError, match="nothing to predict"):
        engine.grads([[4]])
    with pytest.raises(TokenError):
        engine.logits([[0, -3]])
    with pytest.raises(InputError, match="has 4 tokens"):
        engine.logits([[0, 1, 2, 3]])
    with pytest.raises(TokenError):
        engine.sample([[7]], Sampler(order="rows"), np.zeros((1, 4)))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_refused(bad: float) -> None:
    config = make_config(vocab_size=5)
    weights = weights_of(config)
    weights["layer0.mlp_fc2"][3, 7] = bad
    with pytest.raises(InputError, match=r"layer0\.mlp_fc2 has a number that is not finite"):
        native().load(config, "float64", weights)
    weights = weights_of(config)
    moments = Optim({n: w * bad for n, w in weights.items()}, weights, 1)
    with pytest.raises(InputError, match="not finite"):
        native().load(config, "float64", weights, moments)


def test_shapes_that_do_not_fit_are_refused() -> None:
    config = make_config(vocab_size=5)
    weights = weights_of(config)
    weights["wpe"] = weights["wpe"][:-1]
    with pytest.raises(InputError, match=r"wpe has shape \(15, 16\), must be \(16, 16\)"):
        native().load(config, "float64", weights)
    del weights["wpe"]
    with pytest.raises(InputError, match="wpe is missing"):
        native().load(config, "float64", weights)


def test_sizes_that_overflow_are_refused() -> None:
    huge = make_config(block_size=2**24, n_embd=64, n_layer=1, vocab_size=2**22)
    assert "smaller models" in str(NativeEngine.supports(huge, "float64"))
    assert NativeEngine.supports(make_config(), "float16") is not None
    assert NativeEngine.supports(make_config(), "float32") is None


@every_level
@both_dtypes
def test_a_diverged_run_shows_it(level: str, dtype: str) -> None:
    config, weights, batches, lrs = run_of(make_config(), 4)
    engine = native(level)
    engine.load(config, dtype, {n: w.astype(dtype) for n, w in weights.items()})
    losses = engine.steps(batches, [lrs[0], math.inf, lrs[2], lrs[3]], 0)
    assert math.isfinite(losses[1]) and not math.isfinite(losses[2] + losses[3])
