"""bench/switches.py without training: what is compared, which runs are made, what follows."""

import dataclasses
import json
import math
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from microgpt.config import Config, make_config
from microgpt.data import load_data
from microgpt.training import Trainer

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The bench's modules by their last words."""
    monkeypatch.syspath_prepend(ROOT / "bench")
    import switch_plan
    import switch_runs
    import switch_sums
    import switch_text
    import switches

    return SimpleNamespace(
        plan=switch_plan, runs=switch_runs, sums=switch_sums, text=switch_text, main=switches
    )


# ------------------------------------------------------------------ what is compared


def test_all_have_as_many_parameters(bench: SimpleNamespace) -> None:
    plan = bench.plan
    every = dict.fromkeys(plan.VARIANTS, 0.01)
    small = plan.shakespeare()
    for setting, total in (
        (plan.names(), 4192), (small, 209_152), (plan.larger(small, every), 811_520),
    ):  # fmt: skip
        assert setting.config("published", 0.01).parameters() == total
        for name in setting.names:
            config = setting.config(name, 0.01)
            assert abs(config.parameters() - total) <= 0.01 * total, (setting.name, name)


def test_no_other_width_is_closer(bench: SimpleNamespace) -> None:
    setting = bench.plan.names()
    for name in ("swiglu", "tied", "norm gains"):
        config = setting.config(name, 0.01)
        for more in (-1, 1):
            other = dataclasses.replace(config, mlp_width=config.hidden + more)
            assert abs(other.parameters() - 4192) >= abs(config.parameters() - 4192)


def test_what_cannot_be_matched_is_refused(bench: SimpleNamespace) -> None:
    config = make_config("final", n_embd=64)
    with pytest.raises(ValueError, match="more than 1% away"):
        bench.plan.matched(config, 4192)


def test_a_switch_changes_nothing_else(bench: SimpleNamespace) -> None:
    setting = bench.plan.names()
    plain = setting.config("published", 0.01).to_dict()
    for switch in bench.plan.SWITCHES:
        config = setting.config(switch.name, 0.01).to_dict()
        apart = {k for k in plain.keys() | config.keys() if plain.get(k) != config.get(k)}
        with_rate = {"muon_lr"} if switch.muon else set()
        assert set(switch.changes) <= apart, switch.name
        assert apart - set(switch.changes) <= {"mlp_width"} | with_rate, switch.name


def test_together_are_those_that_are_named(bench: SimpleNamespace) -> None:
    for switch in bench.plan.TOGETHER:
        parts = [s for s in bench.plan.SWITCHES if s.name in switch.about.split(", ")]
        assert len(parts) == len(switch.about.split(", "))
        assert dict(switch.changes) == {k: v for s in parts for k, v in s.changes.items()}
        assert switch.muon == any(part.muon for part in parts)


# ------------------------------------------------------------------ learning rates


def test_rates_go_on_where_the_best_is_at_an_end(bench: SimpleNamespace) -> None:
    wanted = bench.sums.rates_wanted
    valley = {rate: abs(math.log2(rate / 4)) for rate in (0.5, 1, 2, 4, 8, 16)}
    assert wanted((2, 4, 8), valley.get) == [2, 4, 8]
    assert wanted((0.5, 1, 2), valley.get) == [0.5, 1, 2, 4, 8]
    assert wanted((8, 16, 32), {**valley, 32: 3}.get) == [2, 4, 8, 16, 32]
    assert wanted((1, 2, 4), {1: 3, 2: 2}.get) == [1, 2, 4], "not before all are known"
    assert wanted((1, 2, 4), lambda rate: -rate) == [1, 2, 4, 8, 16, 32], "but not for ever"
    assert wanted((1, 2, 4), lambda rate: math.inf if rate == 4 else 1 / rate) == [1, 2, 4]


def found_by(bench: SimpleNamespace, losses: dict[float, list[float]]) -> Any:
    """Sums over runs whose validation losses are these by rate and seed; held out is 1 more."""
    setting = bench.plan.names()

    def found(point: Any) -> dict[str, float] | None:
        if point.rate not in losses:
            return None
        loss = losses[point.rate][point.seed - 1]
        return {"validation": loss, "held_out": loss + 1}

    return bench.sums.Sums(setting, dict.fromkeys(setting.names, 1000), found)


def test_each_seed_has_the_rate_that_the_others_chose(bench: SimpleNamespace) -> None:
    first = {0.01: [9.0] * 5, 0.02: [2.0] * 5, 0.04: [1.0, 2.2, 2.2, 2.2, 2.2]}
    sums = found_by(bench, first)
    assert sums.rates("published") == [0.01, 0.02, 0.04, 0.08], "0.04 is the best, at the end"
    assert sums.rate("published") is None, "0.08 isn't known yet"
    sums = found_by(bench, {**first, 0.08: [9.0] * 5})
    assert sums.rate("published") == 0.04
    assert [point.rate for point in sums.points("published")] == [0.02, 0.04, 0.04, 0.04, 0.04]


def test_a_run_that_broke_down_is_never_the_best(bench: SimpleNamespace) -> None:
    assert bench.sums.value({"validation": None}, "validation") == math.inf
    inf = math.inf
    sums = found_by(bench, {0.01: [2.0] * 5, 0.02: [1.9] * 5, 0.04: [0, 0, 0, 0, inf]})
    assert sums.rate("published", without=1) == 0.02


def test_on_shakespeare_a_seed_of_its_own_chooses(bench: SimpleNamespace) -> None:
    setting = bench.plan.shakespeare()
    assert not set(setting.search) & set(setting.judged)
    losses = {0.004: 1.9, 0.008: 1.8, 0.016: 1.85}

    def found(point: Any) -> dict[str, float] | None:
        return {"validation": losses[point.rate]} if point.seed == 1 else None

    sums = bench.sums.Sums(setting, dict.fromkeys(setting.names, 1000), found)
    assert [(p.seed, p.rate) for p in sums.points("rope")] == [(s, 0.008) for s in (2, 3, 4)]


# ------------------------------------------------------------------ errors


def test_paired_differences(bench: SimpleNamespace) -> None:
    """A spread that both have in common isn't counted."""
    setting = bench.plan.names()
    base = [2.0, 2.1, 2.2, 2.3, 2.4]
    apart = [-0.01, -0.02, -0.03, -0.02, -0.02]

    def found(point: Any) -> dict[str, float]:
        at = point.seed - 1
        more = apart[at] if point.name == "rope" else 0.0
        return {"validation": abs(point.rate - 0.02), "held_out": base[at] + more}

    steps = dict.fromkeys(setting.names, 1000)
    row = bench.sums.Sums(setting, steps, found).row("rope")
    assert row["gap"] == pytest.approx(-0.02)
    assert row["gap_error"] == pytest.approx(2 * math.sqrt(2e-4 / 4) / math.sqrt(5))
    assert row["error"] > 10 * row["gap_error"]
    assert row["rate"] == 0.02 and row["mean"] == pytest.approx(2.18)
    assert "equal_steps" not in row
    slower = bench.sums.Sums(setting, {**steps, "rope": 800}, found).row("rope")
    assert slower["equal_steps"]["gap"] == pytest.approx(-0.02)


def test_how_often_two_standard_errors_are_too_few(bench: SimpleNamespace) -> None:
    """Closed forms of Student's t for 1 and 2 degrees of freedom, a table's value for 4."""
    outside = bench.sums.outside
    assert outside(1) == pytest.approx(1 - 2 / math.pi * math.atan(2))
    assert outside(2) == pytest.approx(1 - 2 / math.sqrt(6))
    assert outside(4) == pytest.approx(0.1161, abs=1e-4)
    assert outside(10_000) == pytest.approx(0.0455, abs=1e-4)


def test_two_tables_agree_within_their_errors(bench: SimpleNamespace) -> None:
    def made(*gaps: float) -> dict[str, Any]:
        rows = [{"name": "published", "mean": 2.0, "error": 0.01}]
        rows += [{"name": str(i), "gap": g, "gap_error": 0.003} for i, g in enumerate(gaps)]
        return {"seeds": [1, 2, 3, 4, 5], "rows": rows}

    check = bench.sums.compared(made(0.0, 0.0, 0.01), made(0.004, 0.005, 0.01))
    assert [row["agrees"] for row in check["rows"]] == [True, True, False, True]
    assert check["rows"][1]["allowed"] == pytest.approx(0.003 * math.sqrt(2))
    assert check["outside"] == 1 and check["chance"] == pytest.approx(0.0805, abs=1e-4)
    assert check["probability"] == pytest.approx(1 - (1 - check["chance"]) ** 4)
    assert bench.sums.by_chance(0, 4, 0.1) == pytest.approx(1)


# ------------------------------------------------------------------ going on


def test_finished_runs_are_not_made_again(bench: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "work.jsonl"
    work = bench.runs.Work(path)
    setting = bench.plan.names()
    one, two = (bench.runs.run_of(setting, setting.config("rope", 0.01, seed)) for seed in (1, 2))
    work.add(one, {"validation": 2.0})
    work.add(two, {"validation": 3.0})
    whole = path.read_text("utf-8")
    path.write_text(whole[:-9], "utf-8")  # a kill while the second line was being written
    again = bench.runs.Work(path)
    assert again.get(one)["validation"] == 2.0 and again.get(two) is None
    again.add(two, {"validation": 3.0})
    assert path.read_text("utf-8") == whole
    more = bench.runs.run_of(setting, setting.config("rope", 0.01, 1, steps=999))
    assert again.get(more) is None, "the number of steps belongs to the run"


def faked(run: Any) -> dict[str, float]:
    """Losses that are best at lr 0.01, and depend on seed, MLP and optimiser."""
    config = run["config"]
    loss = 2 + abs(math.log2(config["lr"] / 0.01)) / 10 + config["seed"] ** 2 % 7 / 1000
    loss += config.get("mlp_width", 0) / 1e5 - 0.01 * (config["optimizer"] == "muon")
    return {"validation": loss, "held_out": loss, "seconds": 1.0}


@pytest.fixture
def made(bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs are listed here and not made; steps take 1.25 times as long with every switch."""
    made: list[str] = []

    def work_off(runs: list[Any], jobs: int, done: Any) -> None:
        for run in runs:
            made.append(json.dumps(run))
            done(run, faked(run))

    def turns(setting: Any, names: list[str], rounds: int) -> Any:
        return iter({"name": n, "own": 1.25, "published": 1.0} for n in names)

    monkeypatch.setattr(bench.main, "turns", turns)
    monkeypatch.setattr(bench.main, "work_off", work_off)
    return made


def test_a_killed_bench_goes_on(
    bench: SimpleNamespace, made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = bench.plan.names()
    work = bench.runs.Work(tmp_path / "work.jsonl")
    whole = bench.main.work_off

    def killed(runs: list[Any], jobs: int, done: Any) -> None:
        whole(runs[:100], jobs, done)
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.main, "work_off", killed)
    arguments = Namespace(jobs=1, rounds=1)
    with pytest.raises(KeyboardInterrupt):
        bench.main.measured(setting, work, arguments, {})
    monkeypatch.setattr(bench.main, "work_off", whole)
    monkeypatch.setattr(bench.main, "turns", None)  # the times are known as well
    work = bench.runs.Work(work.path)
    _, found = bench.main.measured(setting, work, arguments, {})
    variants = len(setting.names)
    grid = variants * 4 * 5  # 0.01, 0.02, 0.04 and, since 0.01 is the best, 0.005
    expected = grid + (variants - 1) * 5  # the slower ones also at the same steps
    assert len(made) == len(set(made)) == expected == found["runs"]
    assert [row["steps"] for row in found["rows"]] == [1000] + [800] * (variants - 1)
    assert found["processor_seconds"] == expected


def test_whole_tables_and_a_second_run(
    bench: SimpleNamespace, made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: dict[str, Any] = {}
    old = tmp_path / "old.json"

    def save(name: str, found: Any, lines: list[str]) -> None:
        assert len({line.count("|") for line in lines if line.startswith("| published |")}) == 1
        saved[name] = found
        if not name.endswith("again"):
            old.write_text(json.dumps(found), encoding="utf-8")

    def bench_run(*words: object) -> None:
        work = ("--work", tmp_path / "work.jsonl")
        monkeypatch.setattr(sys, "argv", ["switches.py", *map(str, (*words, *work))])
        bench.main.main()

    monkeypatch.setattr(bench.main, "save", save)
    bench_run("shakespeare")
    found = saved["switches-shakespeare"]
    names = [row["name"] for row in found["larger"]["rows"]]
    assert names[:2] == ["published", "Muon"] and len(names) == 6
    assert names[4:] == [switch.name for switch in bench.plan.TOGETHER]
    assert {row["parameters"] for row in found["larger"]["rows"][:2]} == {811_520}
    assert all(row["rate"] == 0.008 for row in found["larger"]["rows"])
    count = len(made)
    bench_run("shakespeare")
    assert len(made) == count, "all is there"
    with pytest.raises(SystemExit, match="other seeds"):
        bench_run("shakespeare", "--check", old)
    bench_run("shakespeare", "--check", old, "--seeds-from", 101)
    again = saved["switches-shakespeare-again"]
    assert again["seeds"] == [102, 103, 104] and len(made) > count
    assert len(again["check"]["rows"]) == len(again["rows"])
    assert len(again["larger"]["check"]["rows"]) == 6


WORKER = """
import json, sys
for line in sys.stdin:
    run = json.loads(line)
    if run["steps"] > 3:
        sys.exit(1)
    print(json.dumps({"held_out": run["steps"]}), flush=True)
"""


def test_workers_share_the_runs(bench: SimpleNamespace, tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER, encoding="utf-8")
    heard: list[tuple[int, int]] = []

    def done(run: Any, losses: Any) -> None:
        heard.append((run["steps"], losses["held_out"]))

    bench.runs.work_off([{"steps": n} for n in range(4)], 2, done, worker)
    assert sorted(heard) == [(n, n) for n in range(4)]
    with pytest.raises(SystemExit, match="a worker ended early"):
        bench.runs.work_off([{"steps": 4}, {"steps": 5}], 1, done, worker)


def test_a_run_is_what_the_command_trains(bench: SimpleNamespace) -> None:
    setting = bench.plan.names()
    run = bench.runs.run_of(setting, setting.config("published", 0.02, steps=3))
    found = bench.runs.trained({**run, "engine": "numpy"})
    config = Config(**run["config"])
    trainer = Trainer(config, load_data("names"), engine="numpy", dtype="float32", eval_every=0)
    told = {e["eval"]["split"]: e["eval"]["loss"] for e in trainer.events() if "eval" in e}
    trainer.close()
    assert [found["validation"], found["held_out"]] == [told["validation"], told["distinct"]]


def test_ratios_are_medians_of_turns(bench: SimpleNamespace) -> None:
    pairs = [(1.0, 1.2), (2.0, 2.2), (1.0, 9.0)]
    found = bench.runs.ratios([{"name": "rope", "published": p, "own": o} for p, o in pairs])
    assert found == {"rope": {"ratio": 1.2, "least": 1.1, "most": 9.0}}


def test_equal_times(bench: SimpleNamespace) -> None:
    assert [bench.sums.steps_in(1000, ratio) for ratio in (1.0, 1.25, 0.8)] == [1000, 800, 1250]
    assert bench.sums.steps_in(1000, 1.029) == 1000, "nobody can tell that from 1"


# ------------------------------------------------------------------ what is committed


@pytest.mark.parametrize("name", ["names", "shakespeare"])
def test_the_committed_tables_follow_from_their_runs(bench: SimpleNamespace, name: str) -> None:
    path = RESULTS / f"switches-{name}.json"
    if not path.exists():
        pytest.skip(f"{path.name} isn't there yet")
    found = json.loads(path.read_text(encoding="utf-8"))
    setting = bench.plan.names() if name == "names" else bench.plan.shakespeare()
    shown = path.with_suffix(".md").read_text(encoding="utf-8").splitlines()
    assert shown[2:] == bench.text.table(setting, found)
    for part in (found, found.get("larger")):
        base = part["rows"][0]["losses"] if part else []
        for row in part["rows"] if part else []:
            apart = [a - b for a, b in zip(row["losses"], base, strict=True)]
            assert [row["gap"], row["gap_error"]] == pytest.approx(bench.sums.with_error(apart))
            assert row["steps"] == bench.sums.steps_in(part["steps"], row["time"]["ratio"])


def test_the_notes_quote_the_tables() -> None:
    notes = (ROOT / "notes" / "switches.md").read_text(encoding="utf-8")
    tables = "".join(p.read_text(encoding="utf-8") for p in RESULTS.glob("switches-*.md"))
    quoted = re.findall(r"\d\.\d{4}(?: ± \d\.\d{4})?", notes)
    assert len(quoted) > 15
    assert [said for said in quoted if said not in tables] == []


@pytest.mark.prove
@pytest.mark.torch
@pytest.mark.parametrize("name", ["names", "shakespeare"])
def test_a_second_run_agrees_within_the_stated_errors(name: str, tmp_path: Path) -> None:
    """Other seeds, the same steps: a quarter of an hour for the names, an hour on two cores."""
    done = subprocess.run(
        [
            sys.executable, ROOT / "bench" / "switches.py", name, "--seeds-from", "101", "--jobs",
            "2", "--check", RESULTS / f"switches-{name}.json", "--work", tmp_path / "work.jsonl",
        ],
        check=False,
    )  # fmt: skip
    assert done.returncode == 0
