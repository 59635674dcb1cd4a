"""Many models at once, gradients clipped document by document, and what each position costs."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import numpy as np
import pytest

from microgpt.config import Config, make_config
from microgpt.engines.base import Array, Arrays, Batches, Engine
from microgpt.engines.drawing import Sampler
from microgpt.engines.native import NativeEngine, level_problems
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.engines.scalar import ScalarEngine
from microgpt.errors import InputError
from microgpt.model import init_weights

try:
    LEVELS = [level for level, reason in level_problems().items() if reason is None]
except OSError:
    LEVELS = []
CONFIG = make_config(block_size=5, n_embd=8, n_head=2, vocab_size=6, init_std=0.4)
DOCS = [[5, 0, 1, 5], [5, 5], [5, 2, 3, 4, 0, 5], [5], [5, 1, 1, 1, 5]]


def at_level(level: str) -> type[NativeEngine]:
    return type("AtLevel", (NativeEngine,), {"level": level})


natives = [pytest.param(at_level(level), id=f"native-{level}") for level in LEVELS]
plain = [pytest.param(NumpyEngine, id="numpy"), pytest.param(ScalarEngine, id="scalar")]
engines = pytest.mark.parametrize("kind", [*plain, *natives])


def weights_of(config: Config, seed: int = 0) -> Arrays:
    return {n: np.array(w) for n, w in init_weights(config, random.Random(seed)).items()}


def loaded(kind: type[Engine], config: Config = CONFIG, threads: int = 1, seed: int = 0) -> Engine:
    engine = kind()
    engine.load(config, "float64", weights_of(config, seed), None, threads)
    return engine


def state_bytes(engine: Engine) -> list[bytes]:
    weights, optim = engine.state()
    return [a.tobytes() for a in (*weights.values(), *optim.m.values(), *optim.v.values())]


def flat(arrays: Arrays) -> Array:
    return np.concatenate([a.reshape(-1) for a in arrays.values()])


# ---------------------------------------------------------------- losses


@engines
def test_positions_and_documents_add_up(kind: type[Engine]) -> None:
    engine, whole = loaded(kind), Batches.of([DOCS])
    each = engine.position_losses(whole.tokens, whole.offsets)
    assert each.dtype == np.float64 and each.shape == (13,)
    assert np.isclose(each.sum(), engine.summed_loss(whole.tokens, whole.offsets), rtol=1e-13)
    alone = [engine.grads([doc])[0] * (len(doc) - 1) if len(doc) > 1 else 0 for doc in DOCS]
    models = [weights_of(CONFIG, seed) for seed in (3, 0)]
    before = state_bytes(engine)
    found = engine.document_losses(models, whole.tokens, whole.offsets)
    assert found.shape == (2, 5) and state_bytes(engine) == before
    np.testing.assert_allclose(found[1], alone, rtol=1e-12)
    other = loaded(kind, seed=3).summed_loss(whole.tokens, whole.offsets)
    assert np.isclose(found[0].sum(), other, rtol=1e-13)
    by_threads = engine.document_losses(models * 3, whole.tokens, whole.offsets, threads=3)
    assert by_threads.tobytes() == np.concatenate([found] * 3).tobytes()
    assert engine.document_losses([], whole.tokens, whole.offsets).shape == (0, 5)
    middle = engine.document_losses(models, whole.tokens, whole.offsets[1:4])
    assert middle.tobytes() == found[:, 1:3].copy().tobytes()


@engines
def test_a_document_without_positions_costs_nothing(kind: type[Engine]) -> None:
    engine = loaded(kind)
    lonely = Batches.of([[[5], [5]]])
    assert engine.document_losses([weights_of(CONFIG)], lonely.tokens, lonely.offsets).tolist() == [
        [0, 0]
    ]


# ---------------------------------------------------------------- many models


@engines
def test_many_models_become_what_each_becomes_alone(kind: type[Engine]) -> None:
    config = make_config(n_embd=8, n_head=2, block_size=4, vocab_size=5)
    models = [weights_of(config, seed) for seed in range(5)]
    draw = random.Random(7)
    batches = [
        Batches.of([[[4, draw.randrange(4), draw.randrange(4), 4]] * 2 for _ in range(6)])
        for _ in models
    ]
    lrs = [0.01 * 0.9**step for step in range(6)]
    expected = []
    for weights, batch in zip(models, batches, strict=True):
        engine = kind()
        engine.load(config, "float64", weights)
        engine.steps(batch, lrs, 0)
        expected.append(flat(engine.state()[0]).tobytes())
    given = [flat(weights).tobytes() for weights in models]
    host = loaded(kind)
    before = state_bytes(host)
    for threads in (1, 3):
        found = host.train_many(config, "float64", models, batches, lrs, threads)
        assert [flat(weights).tobytes() for weights in found] == expected
    assert [flat(weights).tobytes() for weights in models] == given
    assert state_bytes(host) == before
    with pytest.raises(InputError, match="5 models, but batches for 4"):
        host.train_many(config, "float64", models, batches[:4], lrs)


@pytest.mark.parametrize("kind", natives)
def test_a_model_that_fails_is_told_and_nothing_hangs(kind: type[Engine]) -> None:
    models = [weights_of(CONFIG, seed) for seed in range(4)]
    models[2]["wte"][0, 0] = np.nan
    batches = [Batches.of([[DOCS[0]]])] * 4
    with pytest.raises(InputError, match="wte has a number that is not finite"):
        kind().train_many(CONFIG, "float64", models, batches, [0.01], threads=2)


# ---------------------------------------------------------------- differential privacy


STEPS = [DOCS, DOCS[1:3], [], DOCS[3:4], DOCS * 12]
DEEPER = make_config(
    n_layer=2, n_embd=6, n_head=2, block_size=5, vocab_size=6, activation="relu_squared",
    optimizer="sgd", init_std=0.5,
)  # fmt: skip
SHAPES = [CONFIG, DEEPER]


def private_run(
    engine: Engine, config: Config, clip: float | None, noisy: bool, weighted: bool, dtype: str
) -> tuple[list[float], Array]:
    draw = np.random.default_rng(1)
    batches = Batches.of(STEPS)
    batches.positions[:] = 20  # the expected number: a step may have none
    if weighted:
        weights = draw.normal(size=int(batches.offsets[-1]) - len(batches.offsets) + 1)
        batches = Batches(
            batches.tokens, batches.offsets, batches.documents, batches.positions, weights
        )
    noise = draw.normal(size=(5, config.parameters())) if noisy else None
    losses = engine.steps(batches, [0.05] * 5, 0, clip, noise)
    return losses, flat(engine.state()[0])


@pytest.mark.skipif(not LEVELS, reason="there is no kernel here")
@pytest.mark.parametrize("config", SHAPES, ids=["adam", "sgd"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("clip", "noisy"), [(0.7, False), (0.7, True), (None, True)])
def test_the_kernel_clips_as_numpy_does(
    config: Config, weighted: bool, clip: float | None, noisy: bool
) -> None:
    expected, theirs = private_run(
        loaded(NumpyEngine, config), config, clip, noisy, weighted, "float64"
    )
    for level in LEVELS:
        results = []
        for threads in (1, 3):
            engine = loaded(at_level(level), config, threads)
            losses, ours = private_run(engine, config, clip, noisy, weighted, "float64")
            np.testing.assert_allclose(losses, expected, rtol=1e-11, atol=1e-12)
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11)
            results.append((losses, ours.tobytes()))
        assert results[0] == results[1]


@engines
def test_no_document_moves_the_weights_by_more_than_the_clip(kind: type[Engine]) -> None:
    config = make_config(block_size=5, n_embd=8, n_head=2, vocab_size=6, optimizer="sgd",
                         init_std=0.4)  # fmt: skip
    one = Batches.of([[DOCS[2]]])
    one.positions[:] = 1

    def moved(clip: float | None) -> Array:
        engine = loaded(kind, config)
        before = flat(engine.state()[0])
        engine.steps(one, [1.0], 0, clip)
        return before - flat(engine.state()[0])

    free = moved(None)
    size = float(np.linalg.norm(free))
    assert size > 0.5
    np.testing.assert_allclose(moved(0.25), free * (0.25 / size), atol=1e-14)
    np.testing.assert_allclose(moved(2 * size), free, atol=1e-14)


@engines
def test_a_clip_or_noise_that_does_not_fit_is_refused(kind: type[Engine]) -> None:
    engine, batch = loaded(kind), Batches.of([[DOCS[0]]])
    before = state_bytes(engine)
    wrong: Sequence[tuple[float | None, Array | None, str]] = [
        (0.0, None, "clip is 0.0, must be a finite number above 0"),
        (float("nan"), None, "clip is nan"),
        (None, np.zeros((2, CONFIG.parameters())), r"shape \[2, "),
        (1.0, np.full((1, CONFIG.parameters()), np.inf), "not finite"),
    ]
    for clip, noise, message in wrong:
        with pytest.raises(InputError, match=message):
            engine.steps(batch, [0.01], 0, clip, noise)
    assert state_bytes(engine) == before


# ---------------------------------------------------------------- samples that go on to a step


@engines
def test_rollouts_are_the_samples_as_documents(kind: type[Engine]) -> None:
    engine = loaded(kind)
    uniforms = np.random.default_rng(0).random((12, 5))
    prefixes: list[list[int]] = [[], [1], [0, 2, 3, 1, 4]] * 4
    how = Sampler(temperature=0.7, top_k=4, order="rows")
    samples, used = engine.sample(prefixes, how, uniforms)
    tokens, offsets, log_p, spent = engine.rollouts(prefixes, how, uniforms)
    docs = [tokens[a:b].tolist() for a, b in itertools.pairwise(offsets)]
    assert docs == [[5, *s, 5] if len(s) < 5 else [5, *s] for s in samples] and used == spent
    assert {len(doc) for doc in docs} > {6}
    assert log_p.tobytes() == (-engine.position_losses(tokens, offsets)).tobytes()
    batch = Batches(tokens, offsets, np.array([12]), np.array([12]), np.ones(len(log_p)))
    assert np.isclose(engine.steps(batch, [0.01], 0)[0], -log_p.sum() / 12, rtol=1e-12)
    with pytest.raises(InputError, match="Samples may have 6 tokens, but the model sees 5"):
        engine.rollouts([[]], how, np.zeros((1, 6)))
