"""Where heads help: what the page says is what was recorded, and the package records it again."""

import json
from typing import Any

import pytest

import record_heads
from guide_pages import GUIDE, page_text

HEADS = json.loads((GUIDE / "data" / "heads.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("task", "key"), [("last", "self"), ("order", "1"), ("order", "4")])
def test_a_run_begins_as_the_recorded_one(task: str, key: str) -> None:
    recorded = HEADS[task]["runs"][key]
    every = record_heads.STEPS[task] // record_heads.POINTS
    run = record_heads.one_run(task, key, seed=1, until=2 * every)
    assert run["losses"] == pytest.approx(recorded["first"], abs=2e-6)
    assert run["parameters"] == recorded["parameters"]
    assert HEADS[task]["examples"] == record_heads.documents(task)[:4]


def end(task: str, key: str) -> str:
    recorded: dict[str, Any] = HEADS[task]["runs"][key]
    return f"{recorded['mean'][-1]:.2f} ± {recorded['twice'][-1]:.2f}"


def test_the_page_says_what_was_recorded() -> None:
    text = page_text("heads")
    last, order = HEADS["last"]["runs"], HEADS["order"]["runs"]
    assert {run["parameters"] for run in last.values()} == {3744}
    assert {run["parameters"] for run in order.values()} == {3808}
    assert f"guesses to the end: {last['self']['mean'][-1]:.2f}," in text
    assert f"{last['1']['mean'][-1]:.2f} {last['4']['mean'][-1]:.2f}" == "0.00 0.00"
    for key in ("self", "1", "4"):
        assert end("last", key) in text
    for key in ("1", "2", "4"):
        assert end("order", key) in text
    one, four = order["1"], order["4"]
    twice = (one["twice"][-1] ** 2 + four["twice"][-1] ** 2) ** 0.5
    by = one["mean"][-1] - four["mean"][-1]
    assert by > 1.5 * twice
    assert f"a difference of {by:.2f} ± {twice:.2f}" in text
    stuck = [sum(loss > 0.1 for loss in run["ends"]) for run in (one, four)]
    assert f"of {HEADS['seeds']['order']} runs, {stuck[0]} end above 0.1 with one head" in text
    assert f"above 0.1 with one head, {stuck[1]} with four" in text
