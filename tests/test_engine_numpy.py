"""The NumPy engine against the scalar engine, finite differences and itself."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt import trace
from microgpt.config import Config, make_config
from microgpt.engines.base import Batches, Engine, Optim
from microgpt.engines.drawing import Guard, Sampler
from microgpt.engines.numpy import math as numpy_math
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.engines.scalar import ScalarEngine
from microgpt.engines.tracing import trace_floats
from microgpt.model import init_weights

SMALL = Config(n_layer=2, n_embd=8, n_head=2, block_size=6, vocab_size=7, init_std=0.3)
DOCS = [[6, 0, 1, 2, 6], [6, 6], [6, 3, 3, 5, 0, 1, 6], [6, 4], [6, 2, 1, 2, 6], [5, 4, 3, 2]]


def draw_weights(config, seed=1):
    rng = random.Random(seed)
    return {name: np.array(rows) for name, rows in init_weights(config, rng).items()}


def loaded(cls, config, weights, dtype="float64", optim=None):
    engine = cls()
    engine.load(config, dtype, weights, optim)
    return engine


def both(config, seed=1):
    weights = draw_weights(config, seed)
    return loaded(NumpyEngine, config, weights), loaded(ScalarEngine, config, weights)


def draw_docs(config, count, seed=2):
    """Documents of all lengths the model can take, the shortest with one position."""
    rng = random.Random(seed)
    lengths = [2 + (i + rng.randrange(3)) % config.block_size for i in range(count)]
    return [[rng.randrange(config.vocab_size) for _ in range(n)] for n in lengths]


def draw_batches(config, steps, batch_size, seed=2):
    docs = draw_docs(config, steps * batch_size, seed)
    return Batches.of([docs[i * batch_size : (i + 1) * batch_size] for i in range(steps)])


def relative(found, expected):
    """Largest difference, in units of the largest number expected (of 1, if that is below 1e-9)."""
    size = max(np.abs(expected).max(), 1e-9)
    return np.abs(found - expected).max() / size


def assert_same_grads(engine, reference, docs, limit=1e-12):
    loss, grads = engine.grads(docs)
    expected_loss, expected = reference.grads(docs)
    assert loss == pytest.approx(expected_loss, rel=1e-13)
    assert list(grads) == list(expected)
    for name, grad in grads.items():
        assert grad.shape == expected[name].shape
        assert relative(grad, expected[name]) < limit, name


def assert_same_state(engine, reference, limit=1e-9):
    weights, optim = engine.state()
    expected, expected_optim = reference.state()
    assert optim.step == expected_optim.step
    for found, wanted in (
        (weights, expected), (optim.m, expected_optim.m), (optim.v, expected_optim.v)
    ):  # fmt: skip
        assert list(found) == list(wanted)
        for name, array in found.items():
            np.testing.assert_allclose(array, wanted[name], rtol=0, atol=limit, err_msg=name)


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("preset", ["final", "early"])
@pytest.mark.parametrize(("steps", "batch_size"), [(6, 1), (2, 3)])
def test_losses_of_the_presets_shape(preset, steps, batch_size):
    config = make_config(preset)
    engine, scalar = both(config)
    batches = draw_batches(config, steps, batch_size)
    lrs = [config.lr_at(step) for step in range(steps)]
    expected = scalar.steps(batches, lrs, 0)
    np.testing.assert_allclose(engine.steps(batches, lrs, 0), expected, rtol=0, atol=1e-11)
    assert_same_state(engine, scalar, limit=1e-8)

    half = loaded(NumpyEngine, config, draw_weights(config), "float32")
    np.testing.assert_allclose(half.steps(batches, lrs, 0), expected, rtol=0, atol=1e-5)
    weights, optim = half.state()
    assert {a.dtype for part in (weights, optim.m, optim.v) for a in part.values()} == {
        np.dtype(np.float32)
    }


@pytest.mark.parametrize("activation", ["relu", "relu_squared"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_training_two_layers(activation, optimizer, batch_size):
    config = Config(
        **{**SMALL.to_dict(), "activation": activation, "optimizer": optimizer, "lr": 0.05}
    )
    engine, scalar = both(config)
    batches = draw_batches(config, 8 if batch_size == 1 else 2, batch_size)
    lrs = [config.lr_at(step) for step in range(len(batches.documents))]
    expected = scalar.steps(batches, lrs, 0)
    np.testing.assert_allclose(engine.steps(batches, lrs, 0), expected, rtol=0, atol=1e-10)
    assert_same_state(engine, scalar, limit=1e-8)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("cut", [1, 4])
def test_cutting_steps_changes_no_bit(dtype, optimizer, cut):
    config = Config(**{**SMALL.to_dict(), "optimizer": optimizer})
    docs = draw_docs(config, 12)
    sizes = [1, 3, 2, 1, 5]
    groups = [docs[sum(sizes[:i]) : sum(sizes[: i + 1])] for i in range(len(sizes))]
    lrs = [config.lr_at(step) for step in range(5)]
    weights = draw_weights(config)
    whole = loaded(NumpyEngine, config, weights, dtype)
    losses = whole.steps(Batches.of(groups), lrs, 0)

    first = loaded(NumpyEngine, config, weights, dtype)
    parts = first.steps(Batches.of(groups[:cut]), lrs[:cut], 0)
    held, optim = first.state()
    second = loaded(NumpyEngine, config, held, dtype, optim)
    second.grads(docs[:2])  # looking at the model between steps leaves no trace
    second.logits([docs[0][:3]])
    parts += second.steps(Batches.of(groups[cut:]), lrs[cut:], cut)

    assert parts == losses
    for part, other in zip(_flatten(whole.state()), _flatten(second.state()), strict=True):
        assert part.tobytes() == other.tobytes()
    assert second.state()[1].step == 5


def _flatten(state):
    weights, optim = state
    return [*weights.values(), *optim.m.values(), *optim.v.values()]


def test_a_part_of_a_batch_divides_by_the_positions_of_the_whole():
    engine, scalar = both(SMALL)
    whole = Batches.of([DOCS])
    part = Batches.of([DOCS[:2]])
    part = Batches(part.tokens, part.offsets, part.documents, whole.positions)
    assert engine.steps(part, [0.01], 0) == pytest.approx(scalar.steps(part, [0.01], 0), rel=1e-13)
    assert_same_state(engine, scalar)


def test_order_in_a_batch_only_rounds():
    engine = loaded(NumpyEngine, SMALL, draw_weights(SMALL))
    loss, grads = engine.grads(DOCS)
    other_loss, other = engine.grads(DOCS[::-1])
    assert loss == pytest.approx(other_loss, rel=1e-14)
    for name, grad in grads.items():
        assert relative(other[name], grad) < 1e-13


def test_load_and_state_copy():
    weights = draw_weights(SMALL)
    engine = loaded(NumpyEngine, SMALL, weights)
    before = {name: array.copy() for name, array in weights.items()}
    engine.steps(Batches.of([DOCS]), [0.1], 0)
    for name, array in weights.items():
        np.testing.assert_array_equal(array, before[name])
    held, optim = engine.state()
    held["wte"][:] = optim.m["wte"][:] = optim.v["wte"][:] = 7
    assert not (engine.state()[0]["wte"] == 7).any()
    assert not (engine.state()[1].m["wte"] == 7).any()


def test_load_takes_the_optimiser_state():
    engine, scalar = both(SMALL)
    engine.steps(Batches.of([DOCS, DOCS]), [0.01, 0.01], 0)
    scalar.load(SMALL, "float64", *engine.state())
    batches = Batches.of([DOCS[:3]])
    assert engine.steps(batches, [0.02], 2) == pytest.approx(scalar.steps(batches, [0.02], 2))
    assert_same_state(engine, scalar)


def test_sgd_has_no_moments():
    config = Config(**{**SMALL.to_dict(), "optimizer": "sgd"})
    engine = loaded(NumpyEngine, config, draw_weights(config), optim=Optim(step=3))
    assert engine.state()[1] == Optim(step=3)


def test_supports():
    assert NumpyEngine.supports(SMALL, "float32") is None
    assert NumpyEngine.supports(SMALL, "float64") is None
    assert "float16" in NumpyEngine.supports(SMALL, "float16")


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("activation", ["relu", "relu_squared"])
def test_gradients_against_scalar(activation):
    config = Config(**{**SMALL.to_dict(), "activation": activation})
    assert_same_grads(*both(config), DOCS)


@pytest.mark.parametrize("preset", ["final", "early"])
def test_gradients_of_the_presets_shape(preset):
    config = make_config(preset)
    engine, scalar = both(config)
    assert_same_grads(engine, scalar, draw_docs(config, 3))
    longest = [[i % 27 for i in range(config.block_size + 1)]]
    assert_same_grads(engine, scalar, longest)


@pytest.mark.parametrize("activation", ["relu", "relu_squared"])
def test_gradients_against_finite_differences(activation):
    config = Config(**{**SMALL.to_dict(), "activation": activation, "n_layer": 1, "n_embd": 4})
    weights = draw_weights(config)
    engine = loaded(NumpyEngine, config, weights)
    _, grads = engine.grads(DOCS)
    h = 1e-5
    for name, array in weights.items():
        numeric = np.empty_like(array)
        for at in np.ndindex(array.shape):
            kept = array[at]
            loss = []
            for moved in (kept + h, kept - h):
                array[at] = moved
                engine.load(config, "float64", weights)
                loss.append(engine.grads(DOCS)[0])
            array[at] = kept
            numeric[at] = (loss[0] - loss[1]) / (2 * h)
        assert relative(grads[name], numeric) < 1e-7, name


@st.composite
def models_and_docs(draw):
    head_dim = draw(st.integers(1, 3))
    n_head = draw(st.integers(1, 3))
    config = Config(
        n_layer=draw(st.integers(1, 2)),
        n_embd=head_dim * n_head,
        n_head=n_head,
        block_size=draw(st.integers(1, 5)),
        vocab_size=draw(st.integers(1, 5)),
        activation=draw(st.sampled_from(["relu", "relu_squared"])),
        init_std=0.5,
    )
    token = st.integers(0, config.vocab_size - 1)
    doc = st.lists(token, min_size=2, max_size=config.block_size + 1)
    return config, draw(st.lists(doc, min_size=1, max_size=4)), draw(st.integers(0, 99))


@settings(max_examples=60)
@given(models_and_docs())
def test_gradients_of_any_shape(case):
    config, docs, seed = case
    engine, scalar = both(config, seed)
    assert_same_grads(engine, scalar, docs, limit=1e-11)
    lists = [doc[:-1] for doc in docs]
    for found, expected in zip(engine.logits(lists), scalar.logits(lists), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


# ------------------------------------------- each mistake must be caught by a test like those above


def _no_second_term(dy, y, scale):
    return dy * scale


def _scale_left_out(qkv, groups, n_head):
    c = qkv.shape[1] // 3
    wrong = np.concatenate([qkv[:, :c] * math.sqrt(c / n_head), qkv[:, c:]], axis=1)
    return RIGHT_ATTENTION(wrong, groups, n_head)


def _sees_one_too_far(length, dtype):
    future = np.tril(np.full((length, length), -np.inf, dtype), -2)
    return future[:, None, None, :]


def _last_row_wins(demb, index, grad):
    grad[:] = 0
    grad[index] = demb


RIGHT_ATTENTION = numpy_math.attention


@pytest.mark.parametrize(
    ("function", "mistake"),
    [
        ("rmsnorm_back", _no_second_term),
        ("attention", _scale_left_out),
        ("causal_mask", _sees_one_too_far),
        ("embedding_back", _last_row_wins),
    ],
)
def test_mistakes_are_caught(monkeypatch, function, mistake):
    engine, scalar = both(SMALL)
    assert_same_grads(engine, scalar, DOCS)
    monkeypatch.setattr(numpy_math, function, mistake)
    with pytest.raises(AssertionError):
        assert_same_grads(engine, scalar, DOCS)


@pytest.mark.parametrize("mistake", ["no bias correction", "eps inside the root"])
def test_mistakes_in_adam_are_caught(monkeypatch, mistake):
    def update(self, lr, t):
        w, g, m, v = self.w.flat, self.g.flat, self.m.flat, self.v.flat
        beta1, beta2, eps = self.config.beta1, self.config.beta2, self.config.eps
        m[:] = beta1 * m + (1 - beta1) * g
        v[:] = beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        if mistake == "no bias correction":
            m_hat, v_hat = m, v
        if mistake == "eps inside the root":
            w -= lr * m_hat / np.sqrt(v_hat + eps)
        else:
            w -= lr * m_hat / (np.sqrt(v_hat) + eps)

    batches = Batches.of([DOCS] * 3)
    engine, scalar = both(SMALL)
    expected = scalar.steps(batches, [0.01] * 3, 0)
    assert engine.steps(batches, [0.01] * 3, 0) == pytest.approx(expected, abs=1e-11)
    monkeypatch.setattr(NumpyEngine, "_update", update)
    engine.load(SMALL, "float64", draw_weights(SMALL))
    assert engine.steps(batches, [0.01] * 3, 0) != pytest.approx(expected, abs=1e-9)


# ---------------------------------------------------------------- edges


def test_block_of_one_and_documents_of_one_position():
    config = Config(n_embd=4, n_head=2, block_size=1, vocab_size=3)
    engine, scalar = both(config)
    for docs in ([[2, 0]], [[2, 0], [2, 2], [0, 1]]):
        assert_same_grads(engine, scalar, docs)
    assert engine.logits([[1], [2]])[1].shape == (1, 3)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30])
def test_diverged_weights_give_nan_or_infinity_without_a_warning(bad, dtype):
    weights = draw_weights(SMALL)
    weights["layer0.mlp_fc1"][:] = bad
    engine = loaded(NumpyEngine, SMALL, weights, dtype)
    for docs in (DOCS, DOCS[:1]):
        loss, _ = engine.grads(docs)
        assert bad == 1e30 or not math.isfinite(loss)
        engine.steps(Batches.of([docs]), [0.01], 0)
    if math.isnan(bad):
        assert math.isnan(engine.steps(Batches.of([DOCS]), [0.01], 1)[0])
    engine.load(SMALL, dtype, weights)
    engine.logits([[6, 0]])
    engine.trace([6, 0, 1])
    for order in ("rows", "sequential"):
        engine.sample([[], [1]], Sampler(0.5, 3, 0.9, order), np.full((2, 8), 0.5))


def test_logits_of_many_lists_in_their_order():
    config = make_config()
    engine, scalar = both(config)
    rng = random.Random(3)
    lists = [[rng.randrange(27) for _ in range(rng.randrange(17))] for _ in range(400)]
    found = engine.logits(lists)
    assert [len(rows) for rows in found] == [len(tokens) for tokens in lists]
    single = [engine.logits([tokens])[0] for tokens in lists]
    for rows, alone in zip(found, single, strict=True):
        np.testing.assert_allclose(rows, alone, rtol=0, atol=1e-13)
    for i in (0, 57, 399):
        np.testing.assert_allclose(found[i], scalar.logits([lists[i]])[0], rtol=0, atol=1e-13)
    assert engine.logits([]) == []
    half = loaded(NumpyEngine, config, draw_weights(config), "float32").logits(lists)
    assert half[0].dtype == np.float32
    np.testing.assert_allclose(half[57], found[57], rtol=0, atol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "relu_squared"])
@pytest.mark.parametrize("tokens", [[6], [6, 0], [6, 0, 1, 1, 2], [6, 0, 1, 1, 2, 3, 6]])
def test_trace(activation, tokens):
    config = Config(**{**SMALL.to_dict(), "activation": activation})
    weights = draw_weights(config)
    engine = loaded(NumpyEngine, config, weights)
    found = engine.trace(tokens)
    expected = trace_floats(config, weights, tokens)
    assert list(found) == [*trace.shapes(config, 1), "loss"]
    for name, array in found.items():
        assert array.shape == expected[name].shape, name
        np.testing.assert_allclose(array, expected[name], rtol=0, atol=1e-14, err_msg=name)


# ---------------------------------------------------------------- sampling


def no_letter_twice(vocab_size):
    """A guard that forbids the letter just taken, and the end before the first letter."""
    states = vocab_size + 1  # 0 is the start, token + 1 the token just taken
    follow = np.tile(np.arange(1, states, dtype=np.int32), (states, 1))
    banned = np.zeros((states, vocab_size), bool)
    banned[0, vocab_size - 1] = True
    for token in range(vocab_size - 1):
        banned[token + 1, token] = True
    return Guard(follow, banned)


ROWS = Sampler(order="rows")
PREFIXES = [[], [1], [], [2, 2, 4], [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0], [3]]


@pytest.mark.parametrize("order", ["sequential", "rows"])
@pytest.mark.parametrize("most", [0, 1, 6, 12])
@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p", "guarded"),
    [
        (0.5, None, None, False),
        (1.0, 3, None, False),
        (1.3, None, 0.6, False),
        (1.0, 4, 0.7, True),
        (2.0, None, 1.0, True),
        (0.01, None, None, False),
    ],
)
def test_samples_are_those_of_the_scalar_engine(order, most, temperature, top_k, top_p, guarded):
    engine, scalar = both(SMALL)
    uniforms = np.random.default_rng(5).random((len(PREFIXES), most))
    uniforms[0, :1] = 0.0
    uniforms[1, :1] = 1 - 2**-53
    guard = no_letter_twice(SMALL.vocab_size) if guarded else None
    asked = (PREFIXES, Sampler(temperature, top_k, top_p, order, guard), uniforms)
    expected, used = scalar.sample(*asked)
    assert engine.sample(*asked) == (expected, used)
    assert Engine.sample(engine, *asked) == (expected, used)


def test_samples_end_and_stay_apart():
    """Many samples: some end early, and none depends on who else is sampled."""
    config = make_config()
    engine = loaded(NumpyEngine, config, draw_weights(config))
    uniforms = np.random.default_rng(6).random((1500, 16))
    tokens, used = engine.sample([[]] * 1500, ROWS, uniforms)
    assert used == uniforms.size
    lengths = {len(t) for t in tokens}
    assert {0, 1, 16} <= lengths
    for i in (0, 700, 1400):
        alone, _ = engine.sample([[]], ROWS, uniforms[i : i + 1])
        assert alone[0] == tokens[i]
    assert engine.sample([], ROWS, np.empty((0, 16))) == ([], 0)
    assert engine.sample([], Sampler(), np.empty((0, 16))) == ([], 0)


def test_ties_keep_the_lower_id():
    """All weights 0: every token is equally likely, so top_k 2 leaves the tokens 0 and 1."""
    weights = {name: np.zeros(shape) for name, shape in SMALL.shapes().items()}
    uniforms = np.random.default_rng(7).random((40, 5))
    results = []
    for cls in (NumpyEngine, ScalarEngine):
        engine = loaded(cls, SMALL, weights)
        for top_k, top_p in ((2, None), (None, 2 / 7)):
            how = Sampler(1.0, top_k, top_p, "rows")
            results.append(engine.sample([[]] * 40, how, uniforms)[0])
    assert {t for tokens in results[0] for t in tokens} == {0, 1}
    assert results[0] == results[2]
    assert results[1] == results[3]
