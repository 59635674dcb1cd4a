"""What a run says of its maker, what repeating it gives, and whether that is so."""

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from microgpt.config import Config, make_config
from microgpt.data import load_data
from microgpt.disk.checkpoint import RunDir
from microgpt.engines.native import NativeEngine, level_problems
from microgpt.inspection.sameness import makers, reproduces
from microgpt.opening import Opened
from microgpt.tokenizer import Tokenizer
from microgpt.training import Trainer
from published import SAMPLES

ROOT = Path(__file__).resolve().parent.parent


def model_file() -> Opened:
    tokenizer = Tokenizer(list("abcdefghijklmnopqrstuvwxyz"))
    weights = {name: np.zeros(shape) for name, shape in Config().shapes().items()}
    return Opened(Path("model.json"), Config(), tokenizer, weights, "float64")


# ------------------------------------------------------------------ what is said

BY_NATIVE = {
    "engine": "native", "level": "avx2", "version": "9.8", "dtype": "float64", "threads": 2,
}  # fmt: skip
NAMES = {"name": "names", "path": None}


def made(by: dict, leg: dict | None = None, config: Config | None = None, **run: object) -> Opened:
    """A run that says what made it; its last leg by the same, unless told."""
    config = config or Config()
    run = {"config": config.to_dict(), "data": NAMES, **by, **run}
    return replace(
        model_file(), config=config, run=RunDir(Path("x"), run), leg=by if leg is None else leg
    )


def made_rows(opened: Opened) -> dict[str, str]:
    return dict(makers(opened))


def test_run_says_what_made_it():
    rows = {"engine": "native", "level": "avx2", "dtype": "float64", "microgpt": "9.8"}
    assert made_rows(made(BY_NATIVE)) == {**rows, "threads": "2"}
    numpy = {**BY_NATIVE, "engine": "numpy", "level": None}
    assert made_rows(made(numpy)) == {
        "engine": "numpy", "dtype": "float64", "microgpt": "9.8", "threads": "2",
    }  # fmt: skip
    assert made_rows(made(BY_NATIVE, numpy))["last leg"] == (
        "numpy, float64, microgpt 9.8, 2 threads"
    )
    newer = {**BY_NATIVE, "version": "9.9", "threads": 1}
    assert made_rows(made(BY_NATIVE, newer))["last leg"] == (
        "native, avx2, float64, microgpt 9.9, 1 thread"
    )


def test_run_of_an_earlier_version_leaves_out_what_it_does_not_say():
    old = {"engine": "native", "dtype": "float64", "threads": 1}
    assert made_rows(made(old)) == {"engine": "native", "dtype": "float64", "threads": "1"}
    assert made_rows(made(old, {})) == made_rows(made(old))
    assert made_rows(made({})) == {}
    said = reproduces(made(old))
    assert said.startswith("Elsewhere") and "unknown" not in said and "None" not in said
    for strange in (5, [], {}, True, "", "<b>", "a\u202eb", "x" * 99):
        nonsense = made(dict.fromkeys(BY_NATIVE, strange))
        assert made_rows(nonsense) == ({"threads": "5"} if strange == 5 else {})
        assert reproduces(nonsense).startswith("Elsewhere")


def test_report_says_what_repeating_gives():
    said = reproduces(made(BY_NATIVE))
    assert said.startswith("Made by microgpt 9.8, native avx2, float64: the same bytes from that")
    assert "MICROGPT_LEVEL=avx2" in said and "4 printed decimals" in said
    said = reproduces(made({**BY_NATIVE, "engine": "numpy", "level": None}))
    assert "with the same NumPy" in said and "LEVEL" not in said
    assert "Made by" not in reproduces(made({**BY_NATIVE, "level": None}))
    assert reproduces(model_file()) is None
    other = reproduces(made(BY_NATIVE, {**BY_NATIVE, "level": "avx512"}))
    assert "last leg by another" in other and "Made by" not in other
    threads = reproduces(made(BY_NATIVE, {**BY_NATIVE, "threads": 1}))
    assert threads == reproduces(made(BY_NATIVE))
    imported = made({**BY_NATIVE, "level": "sse2"}, BY_NATIVE, imported="model.json")
    assert "native avx2" in reproduces(imported) and "Begun" not in reproduces(imported)


@pytest.mark.parametrize(
    ("config", "data", "agrees"),
    [
        (make_config(), NAMES, True),
        (make_config(seed=7), NAMES, True),
        (make_config("early"), NAMES, True),
        (make_config(batch_size=64, steps=5000, holdout=0.1), NAMES, True),
        (make_config(steps=20_000), NAMES, False),
        (make_config(lr=0.03), NAMES, False),
        (make_config(), {"name": "names", "path": "/my/names.txt"}, False),
        (make_config(), None, False),
        (make_config(), {**NAMES, "split_by": "none"}, False),
    ],
)
def test_agreement_is_said_of_what_was_measured_only(config, data, agrees):
    said = reproduces(made(BY_NATIVE, config=config, data=data))
    assert ("4 printed decimals" in said, "part after" in said) == (agrees, not agrees)
    single = replace(made(BY_NATIVE, config=config, data=data), dtype="float32")
    assert "4 printed decimals" not in reproduces(single)


def test_other_seeds_are_likely_the_same_and_nothing_more():
    said = reproduces(made(BY_NATIVE, config=make_config(seed=777)))
    assert "most likely agree" in said and "from 21 other seeds" in said
    assert "for this run at all levels" not in said
    assert "for this run at all levels" in reproduces(made(BY_NATIVE, config=make_config(seed=20)))


def test_a_run_that_was_trained_further_or_imported_is_not_the_measured_one():
    further = replace(made(BY_NATIVE, config=make_config(steps=500)), config=make_config())
    said = reproduces(further)
    assert "began with 500 steps planned" in said and "trains all 1,000 as planned" in said
    assert "the same bytes" not in said and "printed losses part" in said
    constant = made(BY_NATIVE, config=make_config(steps=500, schedule="constant"))
    said = reproduces(replace(constant, config=make_config(schedule="constant")))
    assert "the same bytes" in said and "steps planned" not in said
    assert "printed losses part" in reproduces(made(BY_NATIVE, imported="model.json"))


def test_what_was_measured_stands_in_the_results():
    """The sentences of the report against bench/results/levels.json."""
    found = json.loads((ROOT / "bench/results/levels.json").read_text(encoding="utf-8"))["dtypes"]
    agree = [row["all"] for row in found["float64"]["rows"] if row["all"]["printed"] is None]
    measured = [row["run"] for row in found["float64"]["rows"] if row["all"]["within"] is None]
    assert len(measured) == 4 and all(one["samples"] for one in agree)
    assert min(one["makers"] for one in agree) == 9
    parted = [row["all"] for row in found["float64"]["rows"] if row["all"]["printed"]]
    assert min(one["printed"] for one in parted) >= 200
    assert max(one["printed"] for one in parted) <= 5_450
    for dtype in found.values():
        spans = [row["all"]["held_out"] for row in dtype["rows"] if row["all"]["held_out"]]
        assert max(most - least for least, most in spans) <= 0.02


def test_the_notes_table_is_that_of_the_results():
    found = json.loads((ROOT / "bench/results/levels.json").read_text(encoding="utf-8"))["dtypes"]
    notes = (ROOT / "notes/sameness.md").read_text(encoding="utf-8").split("## Not the same")[1]
    lines = [line for line in notes.split("\n") if line.startswith("| ")][1:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    both = zip(found["float64"]["rows"], found["float32"]["rows"], strict=True)
    for cells, (double, single) in zip(rows, both, strict=True):
        assert cells[0].split(",")[0] == double["run"] == single["run"]
        a, b = double["all"], single["all"]
        for cell, step in zip(
            (*cells[1:3], *cells[5:7]),
            (a["printed"], a["within"], b["printed"], b["within"]),
            strict=True,
        ):
            assert cell == ("all" if step is None else f"{step - 1:,}"), cells
        assert cells[3] == ("the same" if a["samples"] else "differ")
        for cell, one in ((cells[4], a), (cells[7], b)):
            ends = dict.fromkeys(f"{loss:.4f}" for loss in one["held_out"] or ())
            assert cell == " to ".join(ends), cells


# ------------------------------------------------------------------ whether it is so


def made_here(monkeypatch: pytest.MonkeyPatch, **changes: object) -> dict[str, list]:
    """Maker → events of a run by it: the kernel at each level that runs here, and NumPy."""
    try:
        levels = [level for level, reason in level_problems().items() if reason is None]
    except OSError:
        levels = []
    found = {}
    for level in (*levels, None):
        monkeypatch.setattr(NativeEngine, "level", level)
        engine = "native" if level else "numpy"
        trainer = Trainer(make_config(**changes), load_data("names"), engine=engine, threads=1)
        found[level or engine] = list(trainer.events())
        assert found[level or engine][0]["run"]["level"] == level
    return found


def losses_of(events: list) -> list[float]:
    return [event["loss"] for event in events if "loss" in event]


@pytest.fixture
def comparison(monkeypatch) -> ModuleType:
    """bench/levels.py, which the published table is made with."""
    monkeypatch.syspath_prepend(ROOT / "bench")
    import levels

    return levels


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["final", "early"])
def test_published_runs_are_the_same_at_every_level(preset, comparison, monkeypatch):
    vectors = json.loads((ROOT / "conformance/vectors/losses.json").read_text(encoding="utf-8"))
    (scalar,) = [case for case in vectors["cases"] if case["name"] == preset]
    config = {k: v for k, v in make_config(preset).to_dict().items() if k != "vocab_size"}
    found = made_here(monkeypatch, **config)
    losses = [scalar["losses"], *map(losses_of, found.values())]
    parted = comparison.parting(losses, within=1e-9)
    assert len(losses[-1]) == config["steps"] and len(losses) >= 2
    assert (parted["printed"], parted["within"]) == (None, None)
    for events in found.values():
        assert [sample["text"] for sample in events[-1]["samples"]] == scalar["samples"]
    assert preset != "final" or scalar["samples"] == SAMPLES


@pytest.mark.slow
def test_a_fast_long_run_parts_and_the_comparison_sees_it(comparison, monkeypatch):
    found = made_here(monkeypatch, lr=0.03, steps=2000)
    if len(found) == 1:
        pytest.skip("no kernel here, so there are no two makers to compare")
    parted = comparison.parting(list(map(losses_of, found.values())), within=1e-9)
    assert 1 <= parted["bits"] <= parted["within"] <= parted["printed"] < 2000
    for events in found.values():  # a maker agrees with itself
        assert set(comparison.parting([losses_of(events)] * 2, within=0.0).values()) == {None}


def test_comparison_of_made_up_losses(comparison):
    one, near, edge, far = [2.0] * 4, [2.0, 2.0, 2.0 + 1e-12, 2.0], [2.00005 - 1e-13] * 4, [2.0] * 4
    assert comparison.parting([one, near], 1e-9) == {"printed": None, "within": None, "bits": 3}
    beyond = [x + 2e-13 for x in edge]
    assert comparison.parting([edge, beyond], 1e-9) == {"printed": 1, "within": None, "bits": 1}
    far[3] += 1e-6
    assert comparison.parting([one, near, far], 1e-9) == {"printed": None, "within": 4, "bits": 3}
