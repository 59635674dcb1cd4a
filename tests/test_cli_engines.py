"""Which engine can do what, as the command says it: one line, and which one to choose."""

import importlib.util
import sys
from pathlib import Path

import pytest

from cli_runner import TINY, microgpt, ok, refused, written
from microgpt.engines.native import build

NATIVE = build.problem(build.library_path()) is None
TORCH = importlib.util.find_spec("torch") is not None
RUN = ["train", "own.txt", *TINY, "--steps", 2]

pytestmark = pytest.mark.usefixtures("own_list")


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where PyTorch isn't installed."""
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [n for n in sys.modules if n.startswith("microgpt.engines.torch.")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("no_torch")
def test_without_pytorch_one_line_says_how_to_install_it() -> None:
    said = refused(5, *RUN, "--engine", "torch")
    assert said.startswith("microgpt: No engine can do this: The engine torch can't be loaded: ")
    assert "microgpt[torch]" in said
    assert "-m pip install" in said
    assert not Path("runs").exists()
    result = microgpt(*RUN, "--engine", "torch", "--json")
    assert result.code == result.lines[-1]["error"]["code"] == 5


@pytest.mark.usefixtures("no_torch")
def test_what_only_torch_can_do_names_it_and_how_to_install_it() -> None:
    said = refused(5, *RUN, "--dropout", 0.1)
    assert "native can't do dropout 0.1" in said or not NATIVE
    assert "numpy can't do dropout 0.1; scalar can't do dropout 0.1." in said
    assert "Choose --engine torch. Install it: " in said
    said = refused(5, *RUN, "--engine", "numpy", "--dtype", "bfloat16")
    assert "numpy computes in float64 or float32, not bfloat16." in said
    assert "Choose --engine torch." in said


@pytest.mark.usefixtures("no_torch")
def test_doctor_says_that_torch_is_not_there() -> None:
    found = ok("doctor", "--json").lines[0]["doctor"]["engines"]["torch"]
    assert found["works"] is False
    assert found["reason"] == "isn't installed"
    assert "microgpt[torch]" in found["remedy"]
    text = ok("doctor").out
    assert "torch     doesn't work: torch isn't installed. Install it: " in text


@pytest.mark.torch
def test_doctor_says_where_torch_computes() -> None:
    found = ok("doctor", "--json").lines[0]["doctor"]
    assert found["packages"]["torch"]
    assert {"float64", "float32", "bfloat16"} <= {*found["engines"]["torch"]["dtypes"]}
    assert "cpu" in found["engines"]["torch"]["devices"]
    assert found["auto"] != "torch"


@pytest.mark.torch
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    said = refused(5, *RUN, "--engine", "torch", "--device", "cuda")
    assert "--device cuda" in said
    assert "leave --device out" in said
    assert not Path("runs").exists()


def test_a_switch_that_an_engine_cannot_do_names_those_that_can() -> None:
    said = refused(5, *RUN, "--engine", "scalar", "--positions", "rope", "--n-kv-head", 1)
    assert "scalar can't do positions rope, n_kv_head 1." in said
    assert "Choose --engine numpy or torch." in said


@pytest.mark.skipif(not NATIVE, reason="the kernel isn't compiled here")
def test_numpy_taking_over_reads_as_one_sentence() -> None:
    result = ok(*RUN, "--tied", "--quiet")
    (line,) = [note for note in result.err.splitlines() if "native" in note]
    assert line == "note: Using numpy: native can't do tied true."


def test_an_optimizer_says_what_is_not_for_it() -> None:
    said = refused(2, *RUN, "--weight-decay", 0.1)
    assert "weight_decay is for adamw and muon; optimizer is adam." in said
    assert "Choose --optimizer adamw." in said


def test_what_concerns_training_alone_keeps_no_engine_from_using_a_model() -> None:
    """Runs by engines that know more are sampled, measured and shown by those that know less."""
    ok(*RUN, "--optimizer", "adamw", "--weight-decay", 0.1, "--grad-clip", 1, "--holdout", 0.3,
       "--engine", "numpy", "--out", "r")  # fmt: skip
    for engine in ("scalar", "numpy"):
        ok("sample", "r", "-n", 1, "--engine", engine)
    ok("eval", "r", "own.txt", "--engine", "scalar")
    ok("inspect", "r", "--html", "r.html")
    ok("export", "r", "r.json")


def test_switches_stand_in_toml_files() -> None:
    written("c.toml", 'positions = "rope"\nn_kv_head = 1\nnorm_gain = true\ngrad_clip = 1\n')
    (run,) = ok(*RUN, "--config", "c.toml", "--json").of("run")
    assert run["config"]["positions"] == "rope"
    assert run["config"]["n_kv_head"] == 1


@pytest.mark.torch
def test_a_full_gpu_is_told_with_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a step the largest number of documents that fits is found by halving it."""
    import torch

    from microgpt.engines.torch.engine import TorchEngine

    tried = []
    part = TorchEngine._part

    def full(self: TorchEngine, batches: object, first: int, count: int, positions: int) -> object:
        tried.append(count)
        if count > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return part(self, batches, first, count, positions)  # type: ignore[arg-type]

    monkeypatch.setattr(TorchEngine, "_part", full)
    batched = [*RUN, "--batch-size", 8, "--engine", "torch", "--out", "r"]
    said = refused(2, *batched)
    assert "doesn't suffice for 8 documents at a time; 2 fit." in said
    assert "Add --micro-batch 2" in said
    assert tried == [8, 4, 2]
    ok("train", "--resume", "r", "--micro-batch", 2)

    def nothing(*_: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(TorchEngine, "load", nothing)
    assert "The GPU's memory is full." in refused(2, "sample", "r", "--engine", "torch")
