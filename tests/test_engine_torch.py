"""The torch engine beside the NumPy engine, and what only it can do: devices, dropout, half types.

The vectors, the published runs and their samples are in test_conformance.py.
"""

import dataclasses
import math
import random
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgpt.config import Config, make_config
from microgpt.engines import make_engine
from microgpt.engines.base import Arrays, Batches, Engine
from microgpt.engines.drawing import Guard, Sampler
from microgpt.engines.hardware import Hardware
from microgpt.errors import InputError, MicrogptError, MissingError

pytestmark = pytest.mark.torch

SMALL = make_config(n_layer=2, n_embd=16, n_head=2, block_size=9, vocab_size=11, init_std=0.3)
SWITCHES: list[dict[str, Any]] = [
    {},
    {"norm": "layernorm", "norm_gain": True, "bias": True, "activation": "gelu"},
    {"embed_norm": False, "final_norm": True, "norm_gain": True},
    {"positions": "rope", "rope_theta": 100.0},
    {"n_head": 4, "n_kv_head": 2, "positions": "rope"},
    {"qk_norm": True, "norm_gain": True},
    {"attn_window": 3},
    {"activation": "swiglu", "mlp_width": 7, "bias": True},
    {"activation": "relu_squared", "tied": True},
    {"n_expert": 4, "n_active": 2, "balance": 0.5},
    {"n_expert": 3, "n_active": 3, "activation": "swiglu"},
    {"mup_base": 4, "optimizer": "adamw", "weight_decay": 0.1},
    {"lora_rank": 2, "lora_alpha": 3.0, "grad_clip": 0.5},
    {"optimizer": "muon", "weight_decay": 0.1, "grad_clip": 1.0},
    {"optimizer": "sgd", "lr": 0.1},
]


def drawn(config: Config, seed: int = 1) -> Arrays:
    """Weights that leave nothing at 0: gains near 1, all else around 0."""
    draw = np.random.default_rng(seed)
    return {
        name: draw.standard_normal(shape) * 0.4 + (config.constant_of(name) == 1)
        for name, shape in config.shapes().items()
    }


def loaded(
    name: str,
    config: Config,
    dtype: str = "float64",
    weights: Arrays | None = None,
    threads: int = 1,
    **hardware: Any,
) -> Engine:
    engine = make_engine(name, config, dtype, Hardware(**hardware))
    engine.load(config, dtype, drawn(config) if weights is None else weights, threads=threads)
    return engine


def documents(config: Config, count: int, seed: int = 2) -> list[list[int]]:
    """Of random lengths, the first as long as the model allows, the second as short."""
    rng, bos = random.Random(seed), config.vocab_size - 1
    lengths = [config.block_size, 0, *(rng.randrange(config.block_size) for _ in range(count - 2))]
    return [[bos, *(rng.randrange(bos) for _ in range(n)), bos][: n + 1 + (n < config.block_size)]
            for n in lengths]  # fmt: skip


def batches(config: Config, steps: int, size: int = 4, seeds: Any = None) -> Batches:
    made = Batches.of([documents(config, size, step) for step in range(steps)])
    return dataclasses.replace(made, seeds=None if seeds is None else np.asarray(seeds))


def losses(engine: Engine, steps: int = 10, **how: Any) -> list[float]:
    lrs = [engine.config.lr_at(step) for step in range(steps)]
    return engine.steps(batches(engine.config, steps, **how), lrs, 0)


def apart(one: Arrays, other: Arrays) -> float:
    """The largest distance, relative to the largest number of all."""
    assert list(one) == list(other)
    largest = max(float(np.abs(a).max()) for a in other.values())
    return max(float(np.abs(one[n] - a).max()) for n, a in other.items()) / largest


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


def test_compiled_code_sees_few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Padded to one length, and padding has the weight 0; compiled here by nothing at all."""
    import torch

    shapes = []

    def compiled(model: Callable[..., Any], dynamic: bool) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            shapes.append([None if a is None else tuple(a.shape) for a in args])
            return model(*args)

        return run

    monkeypatch.setattr(torch, "compile", compiled)
    expected = losses(loaded("torch", SMALL))
    engine: Any = loaded("torch", SMALL, compile=True)
    assert losses(engine) == pytest.approx(expected, abs=1e-12)
    assert shapes == [[(4, 9), (36,), None]] * 10
    engine.config = dataclasses.replace(SMALL, block_size=500)
    lengths = [engine._length(np.array([3, n])) for n in (1, 63, 64, 65, 128, 200, 300, 500)]
    assert lengths == [64, 64, 64, 128, 128, 256, 500, 500]
    weights = np.random.default_rng(1).standard_normal(sum(map(len, documents(SMALL, 4))) - 4)
    weighted = Batches.of([documents(SMALL, 4)], weights)
    other = loaded("torch", SMALL)
    assert loaded("torch", SMALL, compile=True).steps(weighted, [0.1], 0) == pytest.approx(
        other.steps(weighted, [0.1], 0), abs=1e-12
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_code_computes_the_same(require_program: Callable[[str], str]) -> None:
    require_program("c++")
    config = dataclasses.replace(SMALL, n_layer=1)
    expected = losses(loaded("torch", config))
    got = losses(loaded("torch", config, compile=True))
    assert got == pytest.approx(expected, abs=1e-12)


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


# ---------------------------------------------------------------- numbers


def test_float32_stays_near() -> None:
    expected = losses(loaded("numpy", SMALL), 20)
    engine = loaded("torch", SMALL, "float32")
    assert losses(engine, 20) == pytest.approx(expected, abs=1e-5)
    weights, optim = engine.state()
    assert {a.dtype for a in (*weights.values(), *optim.m.values())} == {np.dtype(np.float32)}
    assert {a.dtype for a in engine.logits([[1, 2]])} == {np.dtype(np.float32)}


@pytest.mark.parametrize("switches", [SWITCHES[1], SWITCHES[4] | SWITCHES[5], SWITCHES[9]], ids=str)
def test_bfloat16_trains_as_float32_does(switches: dict[str, Any]) -> None:
    config = dataclasses.replace(SMALL, **switches)
    draw = np.random.default_rng(0)
    start = {n: 0.25 * w + 0.75 * (config.constant_of(n) == 1) for n, w in drawn(config).items()}
    docs = [documents(config, 4, 1)] * 60
    lrs = [0.01 * (1 - step / 60) for step in range(60)]
    ends = {}
    for dtype in ("float32", "bfloat16"):
        engine = loaded("torch", config, dtype, start)
        got = engine.steps(Batches.of(docs), lrs, 0)
        ends[dtype] = got[-1]
        assert got[-1] < got[0] / 2
        assert {a.dtype for a in engine.state()[0].values()} == {np.dtype(np.float32)}
        assert engine.logits([[1, 2]])[0].dtype == np.float32
        uniforms = draw.random((2, 5))
        assert len(engine.sample([[], [1]], Sampler(order="rows"), uniforms)[0]) == 2
    assert ends["bfloat16"] == pytest.approx(ends["float32"], abs=0.05)


def test_float16_finds_a_scale_at_which_nothing_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    from microgpt.engines.torch import engine as module

    monkeypatch.setattr(module, "refusal", lambda dtype: None)
    monkeypatch.setattr(module, "chosen", lambda asked, dtype: module.torch.device("cpu"))
    monkeypatch.setattr(module, "LOSS_SCALE", 2.0**40)
    expected = losses(loaded("torch", SMALL, "float32"))
    engine: Any = loaded("torch", SMALL, "float16")
    got = losses(engine)
    assert 1 < engine.scale < 2**40
    assert got == pytest.approx(expected, abs=0.05)
    norms = engine.found()["grad_norm"]
    assert all(math.isfinite(norm) for norm in norms)


def test_a_model_that_diverges_stays_as_it_was() -> None:
    config = dataclasses.replace(SMALL, optimizer="sgd")
    engine = loaded("torch", config)
    before = engine.state()[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = engine.steps(batches(config, 5), [0.01, math.inf, 0.01, 0.01, 0.01], 0)
    assert math.isfinite(got[0]) and math.isfinite(got[1])
    assert all(math.isnan(loss) for loss in got[2:])
    norms = engine.found()["grad_norm"]
    assert len(norms) == 5 and all(math.isnan(norm) for norm in norms[2:])
    assert engine.state()[1].step == 2
    broken = {n: np.full_like(w, np.nan) for n, w in before.items()}
    other = loaded("torch", config, weights=broken)
    assert math.isnan(other.steps(batches(config, 1), [0.1], 0)[0])
    assert other.state()[1].step == 0
    assert math.isnan(other.summed_loss(np.array([10, 1, 10]), np.array([0, 3])))


# ---------------------------------------------------------------- devices and memory


def refused(dtype: str = "float64", **hardware: Any) -> MicrogptError:
    with pytest.raises(MicrogptError) as caught:
        loaded("torch", SMALL, dtype, **hardware)
    return caught.value


def test_a_device_that_cannot_do_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from microgpt.engines.torch import devices

    monkeypatch.setattr(devices, "available", lambda name: name == "cpu")
    assert "finds no GPU" in str(refused(device="cuda")) or "CUDA" in str(refused(device="cuda"))
    assert isinstance(refused(device="cuda"), MissingError)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "finds no GPU" in refused(device="cuda").message
    assert "Apple" in refused(device="mps").message
    assert "float16 on a GPU alone" in str(refused("float16"))
    with pytest.raises(MissingError, match="not float8"):
        make_engine("torch", SMALL, "float8")
    monkeypatch.setattr(devices, "available", lambda name: name in ("cpu", "mps"))
    assert refused("float64", device="mps").message.startswith("--device mps has no float64")
    assert "doesn't compute in float16" in refused("float16", device="cpu").message
    assert devices.chosen("auto", "float64").type == "cpu"
    assert devices.chosen("auto", "float32").type == "mps"
    monkeypatch.setattr(devices, "available", lambda name: True)
    assert devices.chosen("auto", "bfloat16").type == "cuda"


def test_when_memory_runs_out_it_says_how_much_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the model's tensors would: more than 5 documents at a time are too many."""
    engine: Any = loaded("torch", SMALL)
    real = engine.forward
    held = 5

    def forward(tokens: Any, *rest: Any) -> Any:
        if len(tokens) > held:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return real(tokens, *rest)

    engine.forward = forward
    before = engine.state()[0]
    with pytest.raises(InputError) as caught:
        losses(engine, size=16)
    assert "for 16 documents at a time; 4 fit" in caught.value.message
    assert caught.value.remedy.startswith("Add --micro-batch 4")
    assert apart(engine.state()[0], before) == 0
    held = 0
    with pytest.raises(InputError, match=r"16 documents at a time\. Make .* add --recompute"):
        losses(engine, size=16)
    engine.hardware = Hardware(micro_batch=2, recompute=True)
    with pytest.raises(InputError, match=r"2 documents at a time\. Make the model or block_size s"):
        losses(engine, size=16)
    held = 5
    assert len(losses(engine, size=16)) == 10

    def full(*args: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")

    monkeypatch.setattr("microgpt.engines.torch.engine.GPT", full)
    with pytest.raises(InputError, match=r"memory here doesn't suffice for a model of 6,640 param"):
        loaded("torch", SMALL)


def test_other_faults_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.exc import InternalTorchDynamoError

    engine: Any = loaded("torch", SMALL)

    def raising(error: Exception) -> None:
        def forward(*args: Any) -> Any:
            raise error

        engine.forward = forward
        losses(engine)

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        raising(RuntimeError("a mistake of ours"))
    with pytest.raises(MissingError, match=r"doesn't work here: no C\+\+ compiler\. Leave"):
        raising(InternalTorchDynamoError("no C++ compiler\nand much more"))


def test_what_it_uses_is_known() -> None:
    engine = loaded("torch", SMALL, "float32")
    assert engine.found() == {}
    losses(engine, 3)
    assert len(engine.found()["grad_norm"]) == 3
    usage = engine.usage()
    assert usage["peak"] > 1e8
    assert usage == engine.usage() | {"memory": usage.get("memory")}
    if sys.platform != "win32":
        assert usage["memory"] > 1e7
    engine.close()
