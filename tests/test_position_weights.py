"""Weights of positions: what each -log p is multiplied by, in every engine."""

from __future__ import annotations

import dataclasses
import functools
import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import engine_names
from microgpt import model
from microgpt.batches import Order, TokenTable
from microgpt.config import Config, make_config
from microgpt.data import load_data
from microgpt.engines import engine_class
from microgpt.engines.base import Arrays, Batches, Engine
from microgpt.engines.native import NativeEngine, level_problems
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.engines.scalar import ScalarEngine
from microgpt.errors import InputError
from microgpt.tokenizer import Tokenizer

CONFIG = make_config(n_layer=2, n_embd=6, n_head=2, block_size=5, vocab_size=5, init_std=0.5)
DOCS = [[4, 0, 1, 2, 3, 4], [4, 1, 4], [4, 4], [4, 2, 0, 4]]
WEIGHTS = [0.5, 0.0, -1.5, 2.0, 0.25, 0.0, 0.0, 3.0, 1.0, -0.125, 0.75]

try:
    LEVELS = [level for level, reason in level_problems().items() if reason is None]
except OSError:
    LEVELS = []
every_engine = pytest.mark.parametrize("name", engine_names.here(config=CONFIG))


def first_weights(config: Config, seed: int = 1) -> Arrays:
    drawn = model.init_weights(config, random.Random(seed))
    return {name: np.array(rows) for name, rows in drawn.items()}


def loaded(make: type[Engine], config: Config, dtype: str = "float64", threads: int = 1) -> Engine:
    engine = make()
    weights = {name: w.astype(dtype) for name, w in first_weights(config).items()}
    engine.load(config, dtype, weights, None, threads)
    return engine


def at_level(level: str) -> type[NativeEngine]:
    return type("AtLevel", (NativeEngine,), {"level": level})


def state_bytes(engine: Engine) -> bytes:
    weights, optim = engine.state()
    arrays = [*weights.values(), *optim.m.values(), *optim.v.values()]
    return b"".join(array.tobytes() for array in arrays)


def assert_close(expected: Arrays, got: Arrays, tolerance: float) -> None:
    for name, array in expected.items():
        size = max(1.0, float(np.abs(array).max()))
        np.testing.assert_allclose(got[name], array, rtol=0, atol=tolerance * size, err_msg=name)


# ---------------------------------------------------------------- what they mean


def test_gradients_against_finite_differences() -> None:
    """Of the sum of weight · (-log p) over all positions, divided by their number, 11."""

    def plain(matrices: dict[str, list[list[float]]]) -> float:
        losses = []
        for doc in DOCS:
            keys, values = model.empty_cache(CONFIG), model.empty_cache(CONFIG)
            for at, target in enumerate(doc[1:]):
                scores = model.gpt(doc[at], at, keys, values, matrices, CONFIG)
                losses.append(model.plain(model.surprise(scores, target)))
        return math.fsum(w * x for w, x in zip(WEIGHTS, losses, strict=True)) / 11

    matrices = {name: rows.tolist() for name, rows in first_weights(CONFIG).items()}
    loss, grads = loaded(ScalarEngine, CONFIG).grads(DOCS, WEIGHTS)
    assert loss == pytest.approx(plain(matrices), rel=1e-14)
    h = 1e-5
    for name, rows in matrices.items():
        for row, found in zip(rows[::2], grads[name][::2], strict=True):
            middle = row[1]
            row[1] = middle + h
            above = plain(matrices)
            row[1] = middle - h
            slope = (above - plain(matrices)) / (2 * h)
            row[1] = middle
            assert found[1] == pytest.approx(slope, rel=1e-5, abs=1e-8), name


@every_engine
def test_weights_of_1_are_no_weights(name: str) -> None:
    engine = loaded(engine_class(name), CONFIG)
    loss, grads = engine.grads(DOCS)
    ones = engine.grads(DOCS, np.ones(11))
    assert ones[0] == pytest.approx(loss, rel=1e-15)
    for matrix, gradient in grads.items():
        assert np.array_equal(ones[1][matrix], gradient), matrix


@every_engine
def test_a_document_of_zeros_moves_nothing(name: str) -> None:
    """The others' gradients are those without it, but for the number they are divided by."""
    engine = loaded(engine_class(name), CONFIG)
    loss, grads = engine.grads(DOCS, [*WEIGHTS[:5], 0, 0, *WEIGHTS[7:]])
    without = engine.grads([DOCS[0], *DOCS[2:]], [*WEIGHTS[:5], *WEIGHTS[7:]])
    assert loss * 11 == pytest.approx(without[0] * 9, rel=1e-14)
    assert_close(
        {n: g * 9 for n, g in without[1].items()}, {n: g * 11 for n, g in grads.items()}, 1e-14
    )
    nothing, zeros = engine.grads(DOCS, np.zeros(11))
    assert nothing == 0 and not any(gradient.any() for gradient in zeros.values())


@every_engine
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_steps_with_zeros_alone_leave_a_fresh_model_as_it_is(name: str, optimizer: str) -> None:
    config = dataclasses.replace(CONFIG, optimizer=optimizer)
    engine = loaded(engine_class(name), config)
    before = state_bytes(engine)
    assert engine.steps(Batches.of([DOCS], np.zeros(11)), [0.1], 0) == [0.0]
    assert state_bytes(engine) == before


@every_engine
def test_weights_count_from_the_first_document_given(name: str) -> None:
    """Batches may be a part of a longer array of tokens."""
    engine = loaded(engine_class(name), CONFIG)
    whole = Batches.of([DOCS[:2], DOCS[2:]], WEIGHTS)
    losses = engine.steps(whole, [0.01, 0.01], 0)
    other = loaded(engine_class(name), CONFIG)
    tokens = np.concatenate([np.zeros(3, np.int32), whole.tokens])
    moved = dataclasses.replace(whole, tokens=tokens, offsets=whole.offsets + 3)
    assert other.steps(moved, [0.01, 0.01], 0) == losses
    assert state_bytes(other) == state_bytes(engine)
    one = loaded(engine_class(name), CONFIG)
    assert one.steps(Batches.of([DOCS[:2]], WEIGHTS[:7]), [0.01], 0) == losses[:1]
    assert one.steps(Batches.of([DOCS[2:]], WEIGHTS[7:]), [0.01], 1) == losses[1:]
    assert state_bytes(one) == state_bytes(engine)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            WEIGHTS[:-1],
            r"The weights have shape \[10\], but the documents have 11 positions\. Give",
        ),
        ([WEIGHTS], r"shape \[1, 11\]"),
        ([*WEIGHTS[:-1], math.nan], "Weight 10 is nan, must be a finite number"),
        ([-math.inf, *WEIGHTS[1:]], "Weight 0 is -inf"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: Any, message: str) -> None:
    for name in ("numpy", "scalar"):
        with pytest.raises(InputError, match=message):
            loaded(engine_class(name), CONFIG).grads(DOCS, weights)
    with pytest.raises(InputError, match=message):
        Batches.of([DOCS], weights)


# ---------------------------------------------------------------- engines agree


@st.composite
def cases(draw: st.DrawFn) -> tuple[Config, list[list[int]], list[float]]:
    head_dim, n_head = draw(st.sampled_from([1, 3, 4, 8])), draw(st.integers(1, 4))
    config = make_config(
        n_layer=draw(st.integers(1, 2)),
        n_embd=head_dim * n_head,
        n_head=n_head,
        block_size=draw(st.sampled_from([1, 2, 5, 16, 33])),
        vocab_size=draw(st.sampled_from([2, 5, 17, 27])),
        activation=draw(st.sampled_from(["relu", "relu_squared"])),
        init_std=0.3,
    )
    if draw(st.integers(0, 4)) == 0:
        config = make_config()  # for whose shape the kernel has code of its own
    token = st.integers(0, config.vocab_size - 1)
    lengths = st.lists(token, min_size=1, max_size=config.block_size + 1)
    docs = [*draw(st.lists(lengths, min_size=1, max_size=9)), [0, 1]]
    weight = st.one_of(st.sampled_from([0.0, 1.0, -1.0]), st.floats(-4, 4, width=32))
    count = sum(len(doc) - 1 for doc in docs)
    return config, docs, draw(st.lists(weight, min_size=count, max_size=count))


@settings(max_examples=30)
@given(cases())
def test_kernel_agrees_with_numpy(case: tuple[Config, list[list[int]], list[float]]) -> None:
    if not LEVELS:
        pytest.skip("no kernel")
    config, docs, weights = case
    expected_loss, expected = loaded(NumpyEngine, config).grads(docs, weights)
    for level in LEVELS:
        for dtype, tolerance in (("float64", 1e-12), ("float32", 2e-4)):
            note(f"{level}, {dtype}")
            loss, grads = loaded(at_level(level), config, dtype).grads(docs, weights)
            size = sum(map(abs, weights)) / len(weights) + 1  # parts of either sign may cancel
            assert math.isclose(loss, expected_loss, rel_tol=0, abs_tol=4 * tolerance * size)
            assert_close(expected, grads, tolerance)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_steps_of_an_engine_without_its_own(optimizer: str) -> None:
    """The base class's pass each step its weights."""
    config = dataclasses.replace(CONFIG, optimizer=optimizer)
    batches = Batches.of([DOCS[:2], DOCS[2:], DOCS], [*WEIGHTS, *WEIGHTS])
    engine = loaded(NumpyEngine, config)
    losses = Engine.steps(engine, batches, [0.1, 0.2, 0.1], 0)
    other = loaded(NumpyEngine, config)
    assert other.steps(batches, [0.1, 0.2, 0.1], 0) == pytest.approx(losses, rel=1e-12)
    assert_close(other.state()[0], engine.state()[0], 1e-10)


def test_numpy_agrees_with_scalars() -> None:
    for seed in range(4):
        rng = random.Random(seed)
        docs = [[rng.randrange(5) for _ in range(rng.randint(2, 6))] for _ in range(5)]
        weights = [rng.choice([0.0, rng.gauss(0, 1)]) for doc in docs for _ in doc[1:]]
        loss, grads = loaded(NumpyEngine, CONFIG).grads(docs, weights)
        expected_loss, expected = loaded(ScalarEngine, CONFIG).grads(docs, weights)
        assert loss == pytest.approx(expected_loss, rel=1e-13, abs=1e-14)
        assert_close(expected, grads, 1e-13)


@functools.cache
def many() -> tuple[Config, Batches, list[float]]:
    """Three steps of 400 names each, so that the kernel cuts chunks into several units."""
    docs = load_data("names").docs
    config = make_config(batch_size=400)
    plain = Order(TokenTable(docs, Tokenizer.of(docs)), config, random.Random(0)).batches(0, 3)
    rng = np.random.default_rng(3)
    count = len(plain.tokens) - 1200
    weights = rng.standard_normal(count) * (rng.random(count) < 0.6)
    return config, dataclasses.replace(plain, weights=weights), [0.01, 0.02, 0.01]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_large_batches_in_any_number_of_threads(level: str, dtype: str) -> None:
    config, batches, lrs = many()
    reference = loaded(NumpyEngine, config)
    expected = reference.steps(batches, lrs, 0)
    results = []
    for threads in (1, 2, 7):
        engine = loaded(at_level(level), config, dtype, threads)
        results.append((engine.steps(batches, lrs, 0), state_bytes(engine)))
    assert results[0] == results[1] == results[2]
    tolerance = 1e-11 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(results[0][0], expected, rtol=0, atol=tolerance)
