"""Where and how an engine computes: flags, TOML, what a run keeps of it, and what is refused."""

import json
from pathlib import Path

import pytest

from cli_runner import TINY, ok, refused, written
from gadget import GadgetEngine, gadget  # noqa: F401  a fixture
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.errors import InputError

pytestmark = pytest.mark.usefixtures("own_list", "gadget")

RUN = ["train", "own.txt", *TINY, "--steps", 4, "--json"]
ASKED = ["--engine", "gadget", "--device", "mps", "--recompute", "--micro-batch", 2]
KEYS = ("engine", "device", "compile", "recompute", "micro_batch")


def kept(path: str) -> list[tuple[object, ...]]:
    """What run.json and the newest state.json say."""
    newest = sorted(Path(path).glob("step-*"))[-1]
    files = (Path(path) / "run.json", newest / "state.json")
    return [tuple(json.loads(f.read_text()).get(k) for k in KEYS) for f in files]


def test_it_is_kept_with_the_run_and_resuming_takes_it_anew() -> None:
    (run,) = ok(*RUN, *ASKED, "--out", "r", "--stop-after", 2).of("run")
    first = ("gadget", "mps", False, True, 2)
    assert tuple(run[k] for k in KEYS) == first
    assert kept("r") == [first, first]
    (run,) = ok("train", "--resume", "r", "--json", "--stop-after", 3).of("run")
    assert tuple(run[k] for k in KEYS) == first
    changed = ["--device", "cpu", "--no-recompute", "--compile", "--micro-batch", 1]
    ok("train", "--resume", "r", *changed, "--json")
    assert kept("r") == [first, ("gadget", "cpu", True, False, 1)]


def test_auto_is_kept_as_the_device_that_it_was() -> None:
    ok(*RUN, "--engine", "gadget", "--out", "r")
    assert kept("r")[0] == ("gadget", "cpu", False, False, None)


def test_another_engine_does_not_take_it_over() -> None:
    ok(*RUN, *ASKED, "--out", "r", "--stop-after", 2)
    (run,) = ok("train", "--resume", "r", "--engine", "numpy", "--json").of("run")
    assert "device" not in run
    assert kept("r")[1] == ("numpy", None, None, None, None)


def test_it_stands_in_toml_too_and_flags_come_first() -> None:
    toml = 'engine = "gadget"\ndevice = "mps"\nmicro_batch = 3\nrecompute = true\ncompile = true'
    written("c.toml", toml)
    (run,) = ok(*RUN, "--config", "c.toml").of("run")
    assert tuple(run[k] for k in KEYS) == ("gadget", "mps", True, True, 3)
    (run,) = ok(*RUN, "--config", "c.toml", "--no-compile", "--device", "cpu").of("run")
    assert tuple(run[k] for k in KEYS) == ("gadget", "cpu", False, True, 3)
    written("c.toml", 'device = "cpu"\n')
    (run,) = ok(*RUN, "--config", "c.toml", "--engine", "gadget").of("run")
    assert run["device"] == "cpu"
    written("c.toml", "micro_batch = 2.5")
    assert "micro_batch is 2.5, must be a whole number" in refused(
        2, *RUN[:-1], "--config", "c.toml"
    )


@pytest.mark.parametrize("flag", [["--device", "cpu"], ["--compile"], ["--micro-batch", 4]])
def test_engines_without_a_choice_refuse_it_by_name(flag: list[object]) -> None:
    said = refused(2, *RUN[:-1], "--engine", "numpy", *flag)
    assert f"The engine numpy has no choice of hardware: {' '.join(map(str, flag))}." in said
    assert "--engine torch" in said
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        (["--device", "tpu"], "device is 'tpu', must be one of auto, cpu, cuda, mps"),
        (["--micro-batch", 0], "micro_batch is 0, must be from 1"),
    ],
)
def test_what_is_no_hardware_is_refused(flag: list[object], said: str) -> None:
    assert said in refused(2, *RUN[:-1], "--engine", "gadget", *flag)


def test_other_engines_say_nothing_of_hardware() -> None:
    (run,) = ok(*RUN, "--engine", "numpy", "--out", "r").of("run")
    assert set(KEYS[1:]).isdisjoint(run)
    assert kept("r")[0] == ("numpy", None, None, None, None)
    assert GadgetEngine.devices


def test_sample_eval_and_bench_take_a_device() -> None:
    ok(*RUN, "--engine", "numpy", "--out", "r")
    made = ok("sample", "r", "-n", 2, "--plain", "--engine", "gadget", "--device", "mps").out
    assert made == ok("sample", "r", "-n", 2, "--plain").out
    ok("eval", "r", "own.txt", "--engine", "gadget", "--device", "cpu")
    said = refused(2, "eval", "r", "own.txt", "--engine", "numpy", "--device", "cpu")
    assert "The engine numpy has no choice of hardware: --device cpu." in said
    bench = ["bench", "own.txt", *TINY, "--rounds", 1, "--batch-sizes", 1, "--no-sampling"]
    result = ok(*bench, "--engines", "gadget,numpy", "--device", "mps", "--tied", "--json")
    (found,) = result.of("bench")
    assert found["clock"] == "wall time"
    assert found["model"]["beyond"] == ["tied true"]
    assert {row["engine"] for row in found["training"]} == {"gadget", "numpy"}
    assert ok(*bench, "--engines", "numpy", "--json").of("bench")[0]["model"]["beyond"] == []


def test_memory_that_does_not_suffice_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run keeps its last save, and is continued with what fits."""

    def full(self: GadgetEngine, batches: object, lrs: object, first: int) -> list[float]:
        if first and self.hardware.micro_batch is None:
            raise InputError("The memory doesn't suffice for 4; 2 fit.", "Add --micro-batch 2.")
        return NumpyEngine.steps(self, batches, lrs, first)  # type: ignore[arg-type]

    monkeypatch.setattr(GadgetEngine, "steps", full)
    monkeypatch.setattr(GadgetEngine, "found", lambda self: {})
    flags = ["--engine", "gadget", "--save-every", 1, "--out", "r"]
    said = refused(2, *RUN[:-1], *flags)
    assert "2 fit." in said
    assert "Add --micro-batch 2." in said
    assert kept("r")[1][0] == "gadget"
    assert [p.name for p in sorted(Path("r").glob("step-*"))][-1] == "step-00000001"
    ok("train", "--resume", "r", "--micro-batch", 2, "--json")
    assert kept("r")[1] == ("gadget", "cpu", False, False, 2)
