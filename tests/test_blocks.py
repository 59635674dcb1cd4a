"""The NumPy engine's readable blocks: finite differences, what each block promises, sampling."""

import math
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from conformance import checks, vectorfile  # noqa: E402
from conformance.reference import uniform_weights  # noqa: E402

from microgpt import trace  # noqa: E402
from microgpt.config import Config, make_config  # noqa: E402
from microgpt.engines import ENGINES, engine_class, make_engine  # noqa: E402
from microgpt.engines.base import Batches, Engine  # noqa: E402
from microgpt.engines.drawing import Sampler  # noqa: E402
from microgpt.engines.numpy import engine as numpy_engine  # noqa: E402
from microgpt.engines.numpy import math as nm  # noqa: E402
from microgpt.engines.numpy.blocks import attention, experts, mlp, norms, rotation  # noqa: E402
from microgpt.engines.numpy.blocks import model as blocks  # noqa: E402
from microgpt.engines.numpy.blocks.weights import Weights  # noqa: E402
from microgpt.engines.numpy.engine import NumpyEngine  # noqa: E402
from microgpt.errors import MissingError  # noqa: E402
from microgpt.training import Trainer  # noqa: E402
from test_engine_numpy import no_letter_twice  # noqa: E402
from training_runs import dataset, run, tiny  # noqa: E402

CASES = vectorfile.cases("blocks")
SHARED = vectorfile.load("blocks")
DOCS = SHARED["docs"]
POSITIONS = sum(len(doc) - 1 for doc in DOCS)


def loaded(case: str, dtype: str = "float64", **changes: Any) -> NumpyEngine:
    config = make_config(**{**CASES[case]["config"], **changes})
    return with_weights(config, uniform_weights(config, SHARED["seed"]), dtype)


def with_weights(config: Config, weights: Any, dtype: str = "float64") -> NumpyEngine:
    engine = NumpyEngine()
    engine.load(config, dtype, weights)
    return engine


def logits(config: Config, weights: Any, tokens: Any = DOCS[0][:-1]) -> Any:
    return with_weights(config, weights).logits([tokens])[0]


class Readable(NumpyEngine):
    """The engine with the published model computed by the blocks as well."""

    def load(self, *args: Any, **named: Any) -> None:
        super().load(*args, **named)
        self.published = self.quick = False
        for part in ("w", "g", "m", "v"):
            setattr(self, part, Weights(self.config, getattr(self, part).flat))


@pytest.mark.parametrize("check", checks.CHECKS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_blocks_compute_the_published_models_too(check: str, dtype: str) -> None:
    checks.CHECKS[check](Readable, dtype, ["microgpt"] if "block" in check else None)


# ---------------------------------------------------------------- gradients


def minimised(engine: NumpyEngine, docs: Any = DOCS) -> float:
    """The loss and its share of balance: what ``grads`` are the gradients of."""
    batch = Batches.of([docs])
    plan = nm.layout(batch.offsets[:-1], np.diff(batch.offsets) - 1)
    done = blocks.forward_documents(engine.w, batch.tokens[plan.rows], plan.positions, plan.groups)
    rows = blocks.logits_of(engine.w, done.last)
    loss, _ = nm.cross_entropy(rows, batch.tokens[plan.rows + 1], len(rows))
    return loss + engine.config.balance * sum(blocks.unbalances(done))


@pytest.mark.parametrize("name", [name for name in CASES if name != "microgpt"])
def test_gradients_against_finite_differences(name: str) -> None:
    """Each weight moved along a random direction, so that every number of it counts."""
    engine = loaded(name)
    _, grads = engine.grads(DOCS)
    rng = np.random.default_rng(1)
    for weight, grad in grads.items():
        if not engine.config.lr_share(weight):
            assert not grad.any(), weight
            continue
        at = engine.w[weight]
        here, way = at.copy(), rng.normal(0, 1, at.shape)
        slope, step = 0.0, 3e-5
        for times, factor in ((1, 8), (-1, -8), (2, -1), (-2, 1)):  # right to the fourth power
            at[...] = here + times * step * way
            slope += factor * minimised(engine) / (12 * step)
        at[...] = here
        assert (grad * way).sum() == pytest.approx(slope, rel=1e-6, abs=1e-8), weight


@pytest.mark.parametrize("name", CASES)
def test_steps_are_those_of_the_base_class(name: str) -> None:
    """A part of a batch as well: half of the positions, half of loss, gradients and balance."""
    plain = Batches.of([DOCS, DOCS[:2], DOCS[3:]])
    batches = Batches(plain.tokens, plain.offsets, plain.documents, np.array([2 * POSITIONS, 8, 9]))
    for optimizer in ("sgd", "adam"):
        changes = {"optimizer": optimizer, "grad_clip": 0.3, "lr": 0.05, "mup_base": 0}
        one, other = loaded(name, **changes), loaded(name, **changes)
        got = one.steps(batches, [0.05] * 3, 0)
        expected = Engine.steps(other, batches, [0.05] * 3, 0)
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        np.testing.assert_allclose(one.found()["grad_norm"], other.found()["grad_norm"], rtol=1e-10)
        for weight, array in one.state()[0].items():
            np.testing.assert_allclose(array, other.state()[0][weight], atol=1e-9)


def test_the_published_model_with_another_optimiser() -> None:
    """Its own code computes, and the optimiser is everybody's."""
    for optimizer in ("adamw", "muon"):
        config = make_config(**CASES["microgpt"]["config"], optimizer=optimizer, weight_decay=0.2)
        weights = uniform_weights(config, 1)
        engine = with_weights(config, weights)
        assert isinstance(engine.w, nm.Tensors)
        other = Readable()
        other.load(config, "float64", weights)
        batches = Batches.of([DOCS] * 3)
        got, expected = (made.steps(batches, [0.01] * 3, 0) for made in (engine, other))
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        assert len(engine.found()["grad_norm"]) == 3


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("preset", ["final", "early"])
def test_the_published_models_keep_their_own_code_to_the_last_bit(
    preset: str, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses and state are what ``numpy/math.py`` and Adam in this order of operations give."""
    for module, name in ((numpy_engine, "updated"), (blocks, "forward"), (blocks, "backward")):
        monkeypatch.setattr(module, name, lambda *args: pytest.fail("the blocks are computing"))
    config = make_config(preset)
    rng = random.Random(1)
    docs = [[26, *(rng.randrange(26) for _ in range(1 + i % 7)), 26] for i in range(5 * batch)]
    weights = {n: np.random.default_rng(2).normal(0, 0.1, s) for n, s in config.shapes().items()}
    engine = with_weights(config, weights)
    lrs = [config.lr_at(step) for step in range(5)]
    steps = [docs[i * batch : (i + 1) * batch] for i in range(5)]
    losses = engine.steps(Batches.of(steps), lrs, 0)
    assert engine.found() == {}

    w, g, m, v = (nm.Tensors(config, np.zeros(config.parameters())) for _ in range(4))
    for name, view in w.named.items():
        view[:] = weights[name]
    b1, b2 = config.beta1, config.beta2
    for t, (lr, here) in enumerate(zip(lrs, steps, strict=True), 1):
        one = Batches.of([here])
        plan = nm.layout(one.offsets[:-1], np.diff(one.offsets) - 1)
        tokens, targets = one.tokens[plan.rows], one.tokens[plan.rows + 1]
        done = nm.forward_documents(w, tokens, plan.positions, plan.groups)
        rows = done.last.dot(w.lm_head.T)
        loss, dlogits = nm.cross_entropy(rows, targets, int(one.positions[0]))
        nm.backward(w, g, done, dlogits, tokens, plan.positions, plan.groups)
        assert loss == losses[t - 1]
        m.flat = m.flat * b1 + g.flat * (1 - b1)
        v.flat = v.flat * b2 + g.flat * g.flat * (1 - b2)
        root = math.sqrt(1 - b2**t)
        step = m.flat / (np.sqrt(v.flat) + config.eps * root)
        w.flat -= step * (lr * root / (1 - b1**t))
    found = np.concatenate([array.reshape(-1) for array in engine.state()[0].values()])
    assert found.tobytes() == w.flat.tobytes()


# ---------------------------------------------------------------- what each block promises


def test_norms() -> None:
    x = np.random.default_rng(1).normal(3, 5, (4, 8))
    unit = norms.norm(x, "layernorm").y
    np.testing.assert_allclose(unit.mean(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(np.square(unit).mean(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(norms.norm(x + 100, "layernorm").y, unit, atol=1e-12)
    assert not np.allclose(norms.norm(x + 100).y, norms.norm(x).y)
    np.testing.assert_allclose(norms.norm(x).y, nm.rmsnorm(x)[0], rtol=1e-14)


def test_rotation_knows_distances_alone() -> None:
    rng = np.random.default_rng(1)
    q, k = rng.normal(0, 1, (2, 1, 1, 6))

    def product(at: int, to: int) -> float:
        turned = (
            rotation.rotated(x, rotation.turns(np.array([p]), 6, 100.0, x.dtype))
            for x, p in ((q, at), (k, to))
        )
        a, b = turned
        assert np.linalg.norm(a) == pytest.approx(np.linalg.norm(q))
        return float((a * b).sum())

    assert product(7, 4) == pytest.approx(product(3, 0), rel=1e-13)
    assert product(7, 4) != pytest.approx(product(7, 5), rel=1e-3)
    assert product(0, 0) == pytest.approx(float((q * k).sum()))
    one = np.zeros((1, 1, 6))
    one[0, 0, 1] = 1.0  # of the pair of 1 and 4, which turns 100^(-2/6) a position
    angle = 5 * 100.0 ** (-2 / 6)
    turned = rotation.rotated(one, rotation.turns(np.array([5]), 6, 100.0, one.dtype))
    np.testing.assert_allclose(
        turned[0, 0], [0, math.cos(angle), 0, 0, math.sin(angle), 0], atol=1e-15
    )


def test_grouped_heads_are_repeated_heads() -> None:
    narrow = make_config(**CASES["grouped"]["config"])
    wide = make_config(**{**CASES["grouped"]["config"], "n_kv_head": None})
    weights = uniform_weights(narrow, 3)
    repeated = dict(weights)
    for name in ("layer0.attn_wk", "layer0.attn_wv"):
        repeated[name] = np.repeat(weights[name].reshape(2, 4, 16), 2, axis=0).reshape(16, 16)
    np.testing.assert_allclose(logits(narrow, weights), logits(wide, repeated), atol=1e-13)


def test_a_window_hides_what_is_before_it() -> None:
    config = make_config(**CASES["window"]["config"])
    weights = uniform_weights(config, 3)
    here = logits(config, weights, [5, 0, 1, 4, 2, 2])
    other = logits(config, weights, [5, 3, 1, 4, 2, 2])
    assert np.abs(here - other)[1:4].min(axis=1).max() > 1e-6  # positions 1 to 3 see position 1
    np.testing.assert_array_equal(here[4:], other[4:])
    all_seen = make_config(**{**CASES["window"]["config"], "attn_window": 6})
    none = make_config(**{**CASES["window"]["config"], "attn_window": None})
    np.testing.assert_array_equal(logits(all_seen, weights), logits(none, weights))


def test_activations() -> None:
    u = np.linspace(-30, 30, 61)
    exact = 0.5 * u * (1 + np.array([math.erf(x / math.sqrt(2)) for x in u]))
    np.testing.assert_allclose(mlp.gelu(u), exact, atol=5e-4)
    with np.errstate(all="raise"):
        np.testing.assert_allclose(mlp.silu(u), u / (1 + np.exp(-u)), atol=1e-12)


def test_experts_that_are_alike_are_one() -> None:
    one = make_config(**{**CASES["experts"]["config"], "n_expert": 0})
    four = make_config(**CASES["experts"]["config"])
    weights = uniform_weights(one, 3)
    copies = {
        name: weights.get(name.replace(f"expert{name.partition('expert')[2][:1]}.", ""))
        if "expert" in name
        else weights.get(name, np.ones((4, 16)))
        for name in four.shapes()
    }
    np.testing.assert_allclose(logits(one, weights), logits(four, copies), atol=1e-13)


def test_router_takes_the_lower_of_equals_and_balance_is_least_where_all_are_used() -> None:
    config = make_config(**CASES["experts"]["config"])
    weights = uniform_weights(config, 3)
    weights["layer0.router"][:] = 0
    w = Weights(config, np.concatenate([a.reshape(-1) for a in weights.values()]))
    x = np.random.default_rng(1).normal(0, 1, (8, 16))
    done = experts.experts(w, "layer0.", x)
    assert (done.chosen == [0, 1]).all()
    np.testing.assert_array_equal(done.weights, np.full((8, 2), 0.5))
    assert experts.unbalance(done) == pytest.approx(1)
    even = done._replace(chosen=np.array([[0, 1], [2, 3]] * 4))
    tilted = np.array([[3.0, 2.0, 0.0, 0.0]] * 8)
    assert experts.unbalance(even._replace(logits=tilted)) == pytest.approx(1)
    assert experts.unbalance(done._replace(logits=tilted)) > 1.8


def test_lora_begins_at_nothing_and_can_be_added_to_the_matrices() -> None:
    config = make_config(**CASES["lora"]["config"], lora_alpha=3.0)
    plain = make_config(**{**CASES["lora"]["config"], "lora_rank": 0})
    weights = uniform_weights(config, 3)
    merged = {
        name: weights[name]
        + (
            1.5 * weights[name + ".lora_b"] @ weights[name + ".lora_a"]
            if name + ".lora_a" in weights
            else 0
        )
        for name in plain.shapes()
    }
    np.testing.assert_allclose(logits(config, weights), logits(plain, merged), atol=1e-12)
    for name in weights:
        if name.endswith(".lora_b"):
            weights[name][:] = 0
    np.testing.assert_array_equal(logits(config, weights), logits(plain, weights))


def test_mup_scales_logits_and_scores() -> None:
    config = make_config(**CASES["microgpt"]["config"], mup_base=4)
    plain = make_config(**CASES["microgpt"]["config"])
    weights = uniform_weights(config, 3)
    weights["layer0.attn_wq"][:] = 0  # all scores 0, whatever they are multiplied by
    np.testing.assert_allclose(logits(config, weights), logits(plain, weights) / 4, atol=1e-13)
    weights = uniform_weights(config, 3)
    doubled = dict(weights)  # heads of 4 numbers: 4 / 4 in place of 1 / sqrt(4)
    doubled["layer0.attn_wq"] = weights["layer0.attn_wq"] * 2
    np.testing.assert_allclose(logits(config, weights), logits(plain, doubled) / 4, atol=1e-13)


def test_softmax_of_what_is_far_apart() -> None:
    p = attention.softmax(np.array([[1000.0, 0.0, -np.inf], [-2000.0, -2000.0, -np.inf]]))
    np.testing.assert_array_equal(p, [[1, 0, 0], [0.5, 0.5, 0]])


# ---------------------------------------------------------------- the engine


def test_supports_all_but_dropout() -> None:
    for case in CASES.values():
        config = make_config(**case["config"])
        assert NumpyEngine.supports(config, "float32") is None
        for optimizer in ("adamw", "muon"):
            assert NumpyEngine.supports(make_config(optimizer=optimizer), "float64") is None
    config = make_config(positions="rope", dropout=0.1)
    assert NumpyEngine.supports(config, "float64") == "can't do dropout 0.1"
    assert NumpyEngine.supports(make_config(), "bfloat16") is not None
    with pytest.raises(MissingError, match=r"numpy can't do dropout 0\.1"):
        make_engine("numpy", config, "float64")


def test_auto_takes_numpy_where_it_alone_can() -> None:
    config = make_config(**CASES["llama"]["config"])
    assert make_engine("auto", config, "float64").name == "numpy"
    for name in ENGINES.keys() - {"numpy", "torch"}:
        assert "positions rope" in str(engine_class(name).supports(config, "float64"))


@pytest.mark.parametrize("name", CASES)
def test_samples_with_a_cache_are_those_without(name: str) -> None:
    engine = loaded(name)
    vocabulary = engine.config.vocab_size
    prefixes = [[], [1], [2, 2, 4], [0, 1, 2, 3, 4, 0, 1, 2]]
    uniforms = np.random.default_rng(5).random((4, 11))
    for how in (
        Sampler(1.5, order="rows"),
        Sampler(1.5, 3, guard=no_letter_twice(vocabulary)),
    ):
        asked = (prefixes, how, uniforms)
        assert engine.sample(*asked) == Engine.sample(engine, *asked)


@pytest.mark.parametrize("name", CASES)
def test_trace(name: str) -> None:
    engine = loaded(name)
    config = engine.config
    for tokens in (DOCS[0], DOCS[1], [2]):
        found = engine.trace(tokens)
        n = min(len(tokens), config.block_size)
        shapes = trace.shapes(config, n)
        assert list(found) == [*shapes, "loss"]
        assert {key: array.shape for key, array in found.items()} == {
            **shapes,
            "loss": (len(tokens) - 1,),
        }
        np.testing.assert_allclose(found["logits"], engine.logits([tokens[:n]])[0], atol=1e-14)
        np.testing.assert_allclose(found["layer0.weights"].sum(axis=2), 1)
        scores = np.where(found["layer0.weights"] > 0, found["layer0.scores"], -np.inf)
        np.testing.assert_allclose(attention.softmax(scores), found["layer0.weights"], atol=1e-14)
        if len(tokens) > 1:
            assert found["loss"].mean() == pytest.approx(engine.grads([tokens])[0])
    if config.n_expert:
        np.testing.assert_allclose(found["layer0.expert_weights"].sum(axis=1), 1)


@pytest.mark.parametrize("name", ["gpt2", "llama", "all"])
def test_lists_of_all_lengths_at_once(name: str) -> None:
    engine = loaded(name)
    lists = [DOCS[0][:n] for n in (6, 1, 0, 4, 4)]
    for rows, tokens in zip(engine.logits(lists), lists, strict=True):
        assert rows.shape == (len(tokens), engine.config.vocab_size)
        np.testing.assert_allclose(rows, engine.logits([tokens])[0], atol=1e-13)
    assert engine.logits([[]])[0].shape == (0, 6)
    half = loaded(name, "float32")
    assert {a.dtype for a in half.grads(DOCS)[1].values()} == {np.dtype(np.float32)}
    assert half.logits(lists)[0].dtype == np.float32


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
@pytest.mark.parametrize("name", ["gpt2", "all"])
def test_diverged_weights_give_nan_or_infinity_without_a_warning(name: str, bad: float) -> None:
    config = make_config(**CASES[name]["config"])
    weights = uniform_weights(config, 1)
    weights["layer0.attn_wv"][:] = bad
    for dtype in ("float64", "float32"):
        engine = with_weights(config, weights, dtype)
        loss, _ = engine.grads(DOCS)
        assert bad == 1e30 or not math.isfinite(loss)
        engine.steps(Batches.of([DOCS]), [0.01], 0)
        engine.load(config, dtype, weights)
        engine.logits([[1, 2]])
        engine.trace([1, 2, 3])
        engine.sample([[], [1]], Sampler(0.5, 3, 0.9), np.full((2, 8), 0.5))


@pytest.mark.parametrize("name", ["gpt2", "llama", "all"])
def test_a_run_learns(name: str) -> None:
    """From initial weights as they are drawn, on the test suite's list of names."""
    sizes = ("n_layer", "n_embd", "n_head", "block_size", "vocab_size", "activation")
    switches = {k: v for k, v in CASES[name]["config"].items() if k not in sizes}
    config = tiny(
        steps=40, batch_size=8, n_embd=16, n_head=4, activation=CASES[name]["config"]["activation"],
        optimizer="adamw", lr=0.01, weight_decay=0.1, grad_clip=1.0, **switches,
    )  # fmt: skip
    trainer = Trainer(config, dataset(), engine="numpy")
    losses = [line["loss"] for line in run(trainer)["step"]]
    assert np.mean(losses[-5:]) < 0.8 * losses[0]
