"""A run that is stopped, interrupted or diverges: what is kept, and that it goes on the same."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_runner import snapshot
from microgpt.batches import TokenTable
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.disk.checkpoint import RunDir
from microgpt.engines import make_engine
from microgpt.engines.scalar import ScalarEngine
from microgpt.errors import InputError, Interrupted, MissingError, NumbersError
from microgpt.start import begin
from microgpt.tokenizer import Tokenizer
from microgpt.training import Event, Trainer
from published import LOSSES
from training_runs import dataset, in_directory, resumed, run, tiny

# ---------------------------------------------------------------- stop and resume


@pytest.mark.parametrize(
    ("engine", "dtype", "changes"),
    [
        ("numpy", "float64", {}),
        ("numpy", "float64", {"batch_size": 5}),
        ("numpy", "float64", {"long": "window", "batch_size": 2}),
        ("numpy", "float64", {"optimizer": "sgd", "warmup": 3}),
        ("numpy", "float32", {"schedule": "cosine"}),
        ("native", "float64", {}),
        ("native", "float64", {"batch_size": 5}),
        ("native", "float64", {"long": "window", "optimizer": "sgd"}),
        ("native", "float32", {"batch_size": 5}),
        ("scalar", "float64", {}),
        ("scalar", "float64", {"long": "window"}),
        ("scalar", "float64", {"optimizer": "sgd"}),
    ],
)
def test_stop_and_resume_changes_no_byte(
    tmp_path: Path, engine: str, dtype: str, changes: dict[str, Any]
) -> None:
    config, data = tiny(**changes), dataset()
    options = {"engine": engine, "dtype": dtype}
    if engine == "native":
        try:
            make_engine(engine, config, dtype)
        except MissingError as error:
            pytest.skip(error.message)
    straight = run(in_directory(tmp_path / "a", config, data, **options))
    broken: list[Event] = []
    broken += run(in_directory(tmp_path / "b", config, data, stop_after=0, **options))["step"]
    for stop in (1, 4, 4, 8):
        broken += run(resumed(tmp_path / "b", data, stop_after=stop, **options))["step"]
    last = run(resumed(tmp_path / "b", data, **options))
    assert broken + last["step"] == straight["step"]
    assert last["eval"] == straight["eval"] and last["samples"] == straight["samples"]
    a, b = snapshot(tmp_path / "a"), snapshot(tmp_path / "b")
    assert a["weights.safetensors"] == b["weights.safetensors"]
    assert a["optim.safetensors"] == b["optim.safetensors"]
    first, second = json.loads(a["state.json"]), json.loads(b["state.json"])
    assert first["stream"] == second["stream"]
    assert first["sampler"] == second["sampler"]


def test_a_resumed_run_of_windows_goes_on_drawing_where_it_stopped(tmp_path: Path) -> None:
    config, data = tiny(long="window", steps=6), dataset()
    run(in_directory(tmp_path / "r", config, data, stop_after=3))
    saved = json.loads(snapshot(tmp_path / "r")["state.json"])["stream"]
    rng = begin(config, data).rng
    table = TokenTable(begin(config, data).docs, Tokenizer.of(data.docs))
    for _ in range(3):
        rng.randrange(len(table.tokens) - 6)
    assert saved[1] == list(rng.getstate()[1])


def test_another_engine_goes_on_within_the_tolerance(tmp_path: Path) -> None:
    config, data = tiny(steps=12), dataset()
    straight = run(in_directory(tmp_path / "a", config, data, engine="scalar"))["step"]
    mixed = run(in_directory(tmp_path / "b", config, data, engine="scalar", stop_after=5))["step"]
    mixed += run(resumed(tmp_path / "b", data, engine="numpy", stop_after=9))["step"]
    mixed += run(resumed(tmp_path / "b", data, engine="scalar"))["step"]
    for one, other in zip(straight, mixed, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-9)
    assert json.loads(snapshot(tmp_path / "b")["state.json"])["engine"] == "scalar"


def test_a_dtype_may_change_on_resume(tmp_path: Path) -> None:
    run(in_directory(tmp_path / "r", tiny(), dataset(), stop_after=4))
    trainer = resumed(tmp_path / "r", dataset(), dtype="float32")
    run(trainer)
    weights, optim = trainer.engine.state()
    assert {w.dtype.name for w in (*weights.values(), *optim.m.values())} == {"float32"}


def test_saving_every_few_steps_changes_nothing(tmp_path: Path) -> None:
    config, data = tiny(steps=20), dataset()
    a = run(in_directory(tmp_path / "a", config, data))
    b = run(in_directory(tmp_path / "b", config, data, save_every=1))
    assert a["step"] == b["step"] and len(b["saved"]) == 21
    assert snapshot(tmp_path / "a") | {"state.json": b""} == snapshot(tmp_path / "b") | {
        "state.json": b""
    }


def test_stop_after_is_a_step_of_the_planned_ones(tmp_path: Path) -> None:
    for stop in (-1, 10):
        with pytest.raises(InputError, match=f"stop-after is {stop}, must be from 0 to the"):
            Trainer(tiny(), dataset(), stop_after=stop)
    run(in_directory(tmp_path / "r", tiny(), dataset(), stop_after=5))
    with pytest.raises(InputError, match="stop-after is 4, but the run is already at step 5"):
        resumed(tmp_path / "r", dataset(), stop_after=4)
    assert run(resumed(tmp_path / "r", dataset(), stop_after=5))["step"] == []


def test_the_reference_run_reaches_the_same_piece_by_piece(tmp_path: Path) -> None:
    """Cut at odd places, the first 13 losses of the reference run stay the published ones."""
    names = load_data("names")
    config = make_config()
    losses = [
        s["loss"] for s in run(in_directory(tmp_path / "r", config, names, stop_after=3))["step"]
    ]
    for stop in (4, 11, 13):
        losses += [s["loss"] for s in run(resumed(tmp_path / "r", names, stop_after=stop))["step"]]
    assert [round(loss, 4) for loss in losses] == LOSSES


# ---------------------------------------------------------------- interruption, divergence


def test_a_stop_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    asked = iter([False, False, True])
    trainer = in_directory(tmp_path / "r", tiny(steps=50), dataset(), stopped=lambda: next(asked))
    with pytest.raises(Interrupted, match=r"Stopped at step \d+ of 50, saved in") as info:
        list(trainer.events())
    assert 0 < trainer.step < 50
    assert info.value.exit_code == 130
    assert f"--resume {tmp_path / 'r'}" in info.value.remedy
    assert RunDir.open(tmp_path / "r").load()[0].step == trainer.step


def test_a_stop_in_memory_has_nothing_to_save() -> None:
    with pytest.raises(Interrupted, match=r"Stopped at step 0 of 9\."):
        list(Trainer(tiny(), dataset(), stopped=lambda: True).events())


@pytest.mark.parametrize("engine", ["numpy", "scalar"])
def test_divergence_ends_the_run_and_keeps_the_last_save(tmp_path: Path, engine: str) -> None:
    config = tiny(optimizer="sgd", lr=1e5, steps=50, schedule="constant")
    trainer = in_directory(tmp_path / "r", config, dataset(), save_every=1, engine=engine)
    seen: list[Event] = []
    with pytest.raises(NumbersError) as info:
        seen.extend(trainer.events())
    assert info.value.exit_code == 4
    assert "diverged" in info.value.message
    assert "smaller --lr (now 100000)" in info.value.remedy
    losses = [event["loss"] for event in seen if "loss" in event]
    assert all(math.isfinite(loss) for loss in losses)
    kept = RunDir.open(tmp_path / "r").load()[0]
    assert f"keeps step {kept.step}." in info.value.remedy
    assert [m["loss"] for m in RunDir.open(tmp_path / "r").metrics()] == losses


def test_divergence_in_memory() -> None:
    config = tiny(optimizer="sgd", lr=1e6, steps=50, schedule="constant")
    with pytest.raises(NumbersError, match="training diverged"):
        list(Trainer(config, dataset()).events())


def test_a_loss_that_is_not_finite_names_its_step(tmp_path: Path) -> None:
    class Broken(ScalarEngine):
        def steps(self, batches: Any, lrs: Any, first_step: int) -> list[float]:
            losses = super().steps(batches, lrs, first_step)
            return [math.nan if first_step + i == 5 else x for i, x in enumerate(losses)]

    trainer = in_directory(tmp_path / "r", tiny(), dataset(), engine="scalar", save_every=2)
    broken = Broken()
    broken.load(trainer.config, "float64", *trainer.engine.state())
    trainer.engine = broken
    seen: list[Event] = []
    with pytest.raises(NumbersError, match="The loss is nan at step 6: training diverged") as info:
        seen.extend(trainer.events())
    assert "keeps step 4" in info.value.remedy
    assert [e["step"] for e in seen if "loss" in e] == [1, 2, 3, 4, 5]
    assert len(RunDir.open(tmp_path / "r").metrics()) == 5


@pytest.mark.parametrize(
    ("loss", "message"),
    [(-1e6, None), (0.0, None), (-math.inf, "The loss is -inf at step 6: training diverged")],
)
def test_a_loss_below_0_is_no_fault_unless_it_is_infinite(loss: float, message: str | None) -> None:
    class Weighted(ScalarEngine):
        def steps(self, batches: Any, lrs: Any, first_step: int) -> list[float]:
            losses = super().steps(batches, lrs, first_step)
            return [loss if first_step + i == 5 else x for i, x in enumerate(losses)]

    trainer = Trainer(tiny(), dataset(), engine="scalar")
    weighted = Weighted()
    weighted.load(trainer.config, "float64", *trainer.engine.state())
    trainer.engine = weighted
    seen: list[Event] = []
    if message is None:
        seen.extend(trainer.events())
        assert [e["loss"] for e in seen if e.get("step") == 6] == [loss]
    else:
        with pytest.raises(NumbersError, match=message):
            seen.extend(trainer.events())
        assert [e["step"] for e in seen if "loss" in e] == [1, 2, 3, 4, 5]


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    class Broken(ScalarEngine):
        def state(self) -> Any:
            weights, optim = super().state()
            if optim.step >= 4:
                weights["wte"][0, 0] = np.inf
            return weights, optim

    trainer = in_directory(tmp_path / "r", tiny(), dataset(), engine="scalar", save_every=2)
    broken = Broken()
    broken.load(trainer.config, "float64", *trainer.engine.state())
    trainer.engine = broken
    with pytest.raises(NumbersError, match="no longer finite after step 4") as info:
        list(trainer.events())
    assert "keeps step 2" in info.value.remedy
    assert RunDir.open(tmp_path / "r").load()[0].step == 2
