"""The torch engine's numbers and hardware: half types, compiling, devices, full memory."""

import dataclasses
import math
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgpt.config import Config
from microgpt.engines import make_engine
from microgpt.engines.base import Batches
from microgpt.engines.drawing import Sampler
from microgpt.engines.hardware import Hardware
from microgpt.errors import InputError, MicrogptError, MissingError
from torch_engines import SMALL, SWITCHES, apart, batches, documents, drawn, loaded, losses

pytestmark = pytest.mark.torch

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


# ---------------------------------------------------------------- compiling


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
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", [0, 4, 9])
def test_the_model_can_be_traced(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of torch.compile but the compiler at its end, which takes a minute or more."""
    import torch

    plain = torch.compile
    monkeypatch.setattr(torch, "compile", lambda *a, **k: plain(*a, **k, backend="aot_eager"))
    assert_compiled(dataclasses.replace(SMALL, **SWITCHES[number], n_layer=1))


@pytest.mark.prove
@pytest.mark.filterwarnings("ignore")
def test_compiled_code_computes_the_same(require_program: Callable[[str], str]) -> None:
    require_program("c++")
    assert_compiled(dataclasses.replace(SMALL, n_layer=1))


def assert_compiled(config: Config) -> None:
    expected = losses(loaded("torch", config), 4)
    got = losses(loaded("torch", config, compile=True), 4)
    assert got == pytest.approx(expected, abs=1e-12)


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
