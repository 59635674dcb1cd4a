"""The forward pass and the scalar engine, against plain definitions and finite differences."""

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import model, trace
from microgpt.autograd import Value
from microgpt.config import Config, make_config
from microgpt.engines.base import Batches
from microgpt.engines.scalar import ScalarEngine

TINY = make_config(n_layer=2, n_embd=4, n_head=2, block_size=4, vocab_size=4, init_std=0.5)
DOCS = [[3, 0, 1, 2, 0], [3, 1, 3]]


def loaded(config: Config, seed: int = 1) -> ScalarEngine:
    engine = ScalarEngine()
    weights = model.init_weights(config, random.Random(seed))
    engine.load(config, "float64", {name: np.array(rows) for name, rows in weights.items()})
    return engine


def plain_loss(weights: dict[str, list[list[float]]], config: Config, docs: Any) -> float:
    parts = [model.document_loss(doc, weights, config) for doc in docs]
    return math.fsum(float(p) for p, _ in parts) / sum(n for _, n in parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("activation", ["relu", "relu_squared"])
def test_gradient_of_every_parameter_against_finite_differences(activation: str) -> None:
    config = Config(**{**TINY.to_dict(), "activation": activation})
    engine = loaded(config)
    loss, grads = engine.grads(DOCS)
    weights = {name: rows.tolist() for name, rows in engine.state()[0].items()}
    assert loss == pytest.approx(plain_loss(weights, config, DOCS), rel=1e-14)
    h = 1e-5
    checked = 0
    for name, rows in weights.items():
        for i, row in enumerate(rows):
            for j, middle in enumerate(row):
                row[j] = middle + h
                above = plain_loss(weights, config, DOCS)
                row[j] = middle - h
                below = plain_loss(weights, config, DOCS)
                row[j] = middle
                slope = (above - below) / (2 * h)
                assert grads[name][i, j] == pytest.approx(slope, rel=1e-5, abs=1e-8), (name, i, j)
                checked += 1
    assert checked == config.parameters()


def test_unused_rows_have_no_gradient() -> None:
    _, grads = loaded(TINY).grads([[3, 1, 3]])
    assert np.count_nonzero(grads["wte"].any(axis=1)) == 2  # BOS and 1
    assert np.count_nonzero(grads["wpe"].any(axis=1)) == 2  # positions 0 and 1
    assert grads["lm_head"].all()  # every token's score counts in the softmax


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=8))
def test_softmax(logits: list[float]) -> None:
    probs = [model.plain(p) for p in model.softmax(logits)]
    assert math.isclose(math.fsum(probs), 1.0, rel_tol=1e-12)
    assert all(0 <= p <= 1 for p in probs)
    top = max(logits)
    assert all(
        math.isclose(p * math.fsum(math.exp(x - top) for x in logits), math.exp(xi - top),
                     rel_tol=1e-12, abs_tol=1e-300)
        for p, xi in zip(probs, logits, strict=True)
    )  # fmt: skip


def test_softmax_as_published() -> None:
    assert [round(float(p), 2) for p in model.softmax([2.0, 1.0, 0.0])] == [0.67, 0.24, 0.09]  # type: ignore[arg-type]


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8))
def test_rmsnorm(x: list[float]) -> None:
    normed = [model.plain(n) for n in model.rmsnorm(x)]
    mean_square = math.fsum(xi * xi for xi in x) / len(x)
    for n, xi in zip(normed, x, strict=True):
        assert math.isclose(n, xi / math.sqrt(mean_square + 1e-5), rel_tol=1e-12, abs_tol=1e-300)


def test_rmsnorm_as_published() -> None:
    assert [round(float(n), 3) for n in model.rmsnorm([3.0, 4.0, 0.0])] == [1.039, 1.386, 0]  # type: ignore[arg-type]


def test_floats_and_values_give_the_same_numbers() -> None:
    engine = loaded(TINY)
    floats = {name: rows.tolist() for name, rows in engine.state()[0].items()}
    for doc in DOCS:
        on_values, n = model.document_loss(doc, engine.weights, TINY)
        on_floats, m = model.document_loss(doc, floats, TINY)
        assert isinstance(on_values, Value)
        assert (on_values.data, n) == (on_floats, m)


def test_a_position_depends_on_earlier_ones_alone() -> None:
    engine = loaded(TINY)
    (long, short, other) = engine.logits([[3, 0, 1, 2], [3, 0], [3, 0, 2, 2]])
    assert np.array_equal(long[:2], short)
    assert np.array_equal(long[:2], other[:2])
    assert not np.array_equal(long[2], other[2])
    looks = engine.trace([3, 0, 1, 2])["layer1.weights"]
    assert np.allclose(looks.sum(axis=2), 1.0)
    assert not np.triu(looks.transpose(1, 0, 2), 1).any()
    assert np.tril(looks.transpose(1, 0, 2)).sum() == pytest.approx(looks.sum())


def test_trace_is_as_its_table_says() -> None:
    engine = loaded(TINY)
    values = engine.trace([3, 0, 1])
    assert list(values) == [*(item.name for item in trace.table(TINY)), "loss"]
    assert {n: a.shape for n, a in values.items()} == {**trace.shapes(TINY, 3), "loss": (2,)}
    loss, _ = engine.grads([[3, 0, 1]])
    assert values["loss"].mean() == pytest.approx(loss, rel=1e-14)
    assert np.array_equal(values["logits"], engine.logits([[3, 0, 1]])[0])


def test_weights_are_drawn_row_by_row_and_zeros_draw_too() -> None:
    config = make_config("early")
    first, second = random.Random(5), random.Random(5)
    weights = model.init_weights(config, first)
    for name, rows in weights.items():
        std = 0.0 if name.endswith(("attn_wo", "mlp_fc2")) else 0.02
        assert rows == [[second.gauss(0, std) for _ in row] for row in rows]
    assert first.getstate() == second.getstate()
    assert not np.any(weights["layer0.attn_wo"])


def test_sizes() -> None:
    assert make_config("final").parameters() == 4192
    assert make_config("early").parameters() == 4064
    assert make_config(n_embd=32).parameters() == 14528
    engine = loaded(make_config())
    assert len(engine.params) == 4192


def test_guessing_blindly_before_training() -> None:
    """Weights of 0 give every token the same probability."""
    config = make_config(init_std=0.0)
    engine = loaded(config)
    loss, grads = engine.grads([[26, 4, 12, 12, 0, 26]])
    assert loss == pytest.approx(math.log(27), rel=1e-14)
    assert not any(g.any() for g in grads.values())  # a saddle: no gradient leads away


def test_training_lowers_the_loss() -> None:
    engine = loaded(TINY)
    docs = [[3, 0, 1, 2, 3]]
    losses = engine.steps(Batches.of([docs] * 60), [0.05] * 60, 0)
    assert losses[-1] < 0.2 < losses[0]


@pytest.mark.slow
def test_a_deep_and_wide_model_takes_a_step() -> None:
    """Half a million values in one graph: no recursion limit is met."""
    config = make_config(n_layer=4, n_embd=32, n_head=4)
    engine = loaded(config)
    doc = [26, *range(7), 26]
    (loss,) = engine.steps(Batches.of([[doc]]), [0.01], 0)
    assert loss == pytest.approx(math.log(27), abs=0.5)
    assert engine.grads([doc])[0] < loss
