"""The torch engine beside the NumPy engine, however a batch is computed, and its dropout.

The vectors, the published runs and their samples are in test_conformance.py.
"""

import dataclasses
import random
from typing import Any

import numpy as np
import pytest

from microgpt.config import Config
from microgpt.engines import make_engine
from microgpt.engines.base import Batches
from microgpt.engines.drawing import Guard, Sampler
from microgpt.errors import InputError
from torch_engines import SMALL, SWITCHES, apart, batches, documents, drawn, loaded, losses

pytestmark = pytest.mark.torch

# ---------------------------------------------------------------- beside NumPy


def random_config(seed: int) -> Config:
    """Several of the switches at once, and an optimiser."""
    rng = random.Random(seed)
    while True:
        changes: dict[str, Any] = {}
        for some in rng.sample(SWITCHES, 4):
            changes |= some
        for name, values in {
            "n_head": (1, 2, 4), "block_size": (5, 8, 13), "n_layer": (1, 2),
            "attn_window": (None, 2, 40), "optimizer": ("adam", "adamw", "muon", "sgd"),
        }.items():  # fmt: skip
            if name not in changes:
                changes[name] = rng.choice(values)
        try:
            return dataclasses.replace(SMALL, **changes, steps=20)
        except InputError:  # they don't go together
            continue


def assert_alike(config: Config) -> None:
    """Logits, gradients, weighted gradients, five steps with their norms, and where they lead."""
    ours, theirs = (loaded(name, config) for name in ("torch", "numpy"))
    docs = documents(config, 5)
    for a, b in zip(*(e.logits([doc[:-1] for doc in docs]) for e in (ours, theirs)), strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= 1e-12 * max(1.0, np.abs(b).max())
    positions = sum(len(doc) - 1 for doc in docs)
    for weights in (None, np.random.default_rng(3).standard_normal(positions)):
        (loss, grads), (wanted, gradients) = (e.grads(docs, weights) for e in (ours, theirs))
        assert loss == pytest.approx(wanted, rel=1e-12, abs=1e-12)
        assert apart(grads, gradients) <= 1e-10
    assert losses(ours, 5) == pytest.approx(losses(theirs, 5), rel=1e-9)
    if norms := theirs.found().get("grad_norm"):
        assert ours.found()["grad_norm"] == pytest.approx(norms, rel=1e-8)
    # A gradient that is 0 but for rounding still decides over a step of Muon or Adam.
    (weights, optim), (wanted_weights, wanted_optim) = ours.state(), theirs.state()
    assert apart(weights, wanted_weights) <= 1e-6
    assert optim.step == wanted_optim.step == 5
    if optim.m:
        assert apart(optim.m, wanted_optim.m) <= 1e-7
        assert apart(optim.v, wanted_optim.v) <= 1e-7


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_each_switch_is_as_in_numpy(switches: dict[str, Any]) -> None:
    assert_alike(dataclasses.replace(SMALL, **switches, steps=20))


@pytest.mark.parametrize("seed", range(40))
def test_switches_together_are_as_in_numpy(seed: int) -> None:
    assert_alike(random_config(seed))


@pytest.mark.parametrize("order", ["sequential", "rows"])
@pytest.mark.parametrize("guarded", [False, True], ids=["free", "guarded"])
@pytest.mark.parametrize("length", [4, 9, 15])
@pytest.mark.parametrize("switches", [{}, SWITCHES[4] | SWITCHES[6] | SWITCHES[9]], ids=str)
def test_samples_are_numpys(
    switches: dict[str, Any], length: int, guarded: bool, order: str
) -> None:
    """Prefixes of different lengths, one of them too long, below and beyond block_size."""
    config = dataclasses.replace(SMALL, **switches)
    prefixes = [[], [1, 2], [3], [1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 2, 3], [], [9, 9]]
    guard = None
    if guarded:  # no token twice in a row
        states = np.arange(config.vocab_size, dtype=np.int32)
        guard = Guard(np.tile(states, (len(states), 1)), np.eye(len(states), dtype=bool))
        guard.banned[:, -1] = False
    how = Sampler(0.9, 6, 0.95, order, guard)
    uniforms = np.random.default_rng(5).random((len(prefixes), length))
    ours, theirs = (loaded(n, config).sample(prefixes, how, uniforms) for n in ("torch", "numpy"))
    assert ours == theirs
    tokens, offsets, used = loaded("torch", config).flat_sample(prefixes, how, uniforms)
    assert (tokens.tolist(), used) == ([t for sample in theirs[0] for t in sample], theirs[1])
    assert offsets[-1] == len(tokens)
    assert loaded("torch", config).sample([], how, uniforms[:0]) == ([], 0)


def test_a_run_moves_between_engines() -> None:
    """Four steps by one engine after four by another, in either direction, as eight by one."""
    config = dataclasses.replace(SMALL, n_layer=1, n_embd=8)
    whole, lrs = batches(config, 8, 2), [0.01] * 8
    expected = loaded("numpy", config).steps(whole, lrs, 0)
    rest = Batches.of([documents(config, 2, step) for step in range(4, 8)])
    for first, second in (
        ("numpy", "torch"), ("torch", "numpy"), ("scalar", "torch"), ("torch", "scalar"),
    ):  # fmt: skip
        one, two = loaded(first, config), make_engine(second, config, "float64")
        got = one.steps(batches(config, 4, 2), lrs[:4], 0)
        two.load(config, "float64", *one.state())
        got += two.steps(rest, lrs[4:], 4)
        assert got == pytest.approx(expected, abs=1e-9), (first, second)


def test_a_trace_has_what_its_model_computes() -> None:
    config = dataclasses.replace(SMALL, positions="rope", dropout=0.2)
    doc = documents(config, 2)[0]
    engine = loaded("torch", config)
    trace = engine.trace(doc)
    assert "layer1.q_raw" in trace
    np.testing.assert_allclose(trace["logits"], engine.logits([doc[:-1]])[0], atol=1e-12)


# ---------------------------------------------------------------- how a batch is computed


@pytest.mark.parametrize(
    "switches", [{}, {"n_expert": 3, "balance": 0.0}, {"lora_rank": 2, "lora_alpha": 1.0}], ids=str
)
def test_how_a_batch_is_computed_changes_nothing(switches: dict[str, Any]) -> None:
    config = dataclasses.replace(SMALL, **switches)
    expected = losses(loaded("torch", config), 4, size=7)
    for how in ({"micro_batch": 1}, {"micro_batch": 3}, {"recompute": True}, {"threads": 2}):
        got = losses(loaded("torch", config, **how), 4, size=7)
        assert got == pytest.approx(expected, abs=1e-12), how


def test_padding_and_neighbours_change_nothing() -> None:
    """Each document's part is what it is alone, whatever stands beside it."""
    engine = loaded("torch", SMALL)
    docs = documents(SMALL, 5)
    alone = [engine.grads([doc]) for doc in docs]
    loss, grads = engine.grads(docs)
    lengths = [len(doc) - 1 for doc in docs]
    assert loss * sum(lengths) == pytest.approx(
        sum(n * one[0] for n, one in zip(lengths, alone, strict=True)), rel=1e-13
    )
    summed = {
        name: sum(n * one[1][name] for n, one in zip(lengths, alone, strict=True)) / sum(lengths)
        for name in grads
    }
    assert apart(grads, summed) <= 1e-13


def test_the_balance_of_a_part_counts_by_its_positions() -> None:
    """Accumulated, the experts are balanced over each part by itself: as the gradients of both."""
    config = dataclasses.replace(SMALL, n_expert=3, balance=1.0, optimizer="sgd")
    docs = documents(config, 4)
    engine = loaded("torch", config, micro_batch=2)
    engine.steps(Batches.of([docs]), [0.5], 0)
    other = loaded("numpy", config)
    lengths = [len(doc) - 1 for doc in docs]
    share = sum(lengths[:2]) / sum(lengths)
    first, second = (other.grads(part)[1] for part in (docs[:2], docs[2:]))
    for name, w in drawn(config).items():
        expected = w - 0.5 * (share * first[name] + (1 - share) * second[name])
        np.testing.assert_allclose(engine.state()[0][name], expected, atol=1e-12)


def test_long_lists_are_measured_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from microgpt.engines.torch import engine as module

    engine = loaded("torch", SMALL)
    flat = Batches.of([[doc[:9] for doc in documents(SMALL, 30)]])
    whole = engine.summed_loss(flat.tokens, flat.offsets)
    logits = engine.flat_logits(flat.tokens, flat.offsets)
    monkeypatch.setattr(module, "PIECE", 64 * 20)
    assert len(module._pieces(np.diff(flat.offsets), 64)) > 5
    assert engine.summed_loss(flat.tokens, flat.offsets) == pytest.approx(whole, rel=1e-13)
    np.testing.assert_allclose(engine.flat_logits(flat.tokens, flat.offsets), logits, atol=1e-12)
    assert loaded("numpy", SMALL).summed_loss(flat.tokens, flat.offsets) == pytest.approx(whole)
    assert engine.logits([]) == []


# ---------------------------------------------------------------- dropout


def test_dropout_follows_its_seeds_and_nothing_else() -> None:
    import torch

    config = dataclasses.replace(SMALL, dropout=0.3)
    seeds = list(range(50, 60))
    before = torch.random.get_rng_state()
    expected = losses(loaded("torch", config), seeds=seeds)
    torch.rand(7)
    assert losses(loaded("torch", config), seeds=seeds) == expected
    assert losses(loaded("torch", config, recompute=True), seeds=seeds) == expected
    assert losses(loaded("torch", config), seeds=seeds[::-1]) != expected
    assert losses(loaded("torch", SMALL)) != expected
    torch.random.set_rng_state(before)
    losses(loaded("torch", config), seeds=seeds)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_call_with_dropout_may_be_cut_in_two() -> None:
    config = dataclasses.replace(SMALL, dropout=0.3)
    seeds = np.arange(10)
    whole, cut = loaded("torch", config), loaded("torch", config)
    expected = losses(whole, seeds=seeds)
    got = losses(cut, 4, seeds=seeds[:4])
    rest = Batches.of([documents(config, 4, step) for step in range(4, 10)])
    rest = dataclasses.replace(rest, seeds=seeds[4:])
    resumed = make_engine("torch", config, "float64")
    resumed.load(config, "float64", *cut.state())
    got += resumed.steps(rest, [config.lr_at(step) for step in range(4, 10)], 4)
    assert got == expected
    assert apart(resumed.state()[0], whole.state()[0]) == 0


def test_only_training_drops() -> None:
    config = dataclasses.replace(SMALL, dropout=0.5)
    docs = documents(config, 3)
    ours, theirs = loaded("torch", config), loaded("torch", SMALL)
    losses(loaded("torch", config), 1)  # the last mode was that of training
    assert ours.grads(docs)[0] == theirs.grads(docs)[0]
    for a, b in zip(ours.logits(docs[1:]), theirs.logits(docs[1:]), strict=True):
        assert np.array_equal(a, b)
