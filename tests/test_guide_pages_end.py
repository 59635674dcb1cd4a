"""The guide's last pages (progression, run, complete): numbers, and what is in the browser."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import record_experiments
import widget_checks
from guide_pages import LADDER, PAGES, ROOT, page_text, rows

# ---------------------------------------------------------------- numbers on the pages


def test_the_progression_is_that_of_the_rungs() -> None:
    text = page_text("progression")
    rungs = LADDER["rungs"]
    shown = [row for row in rows("progression") if re.match(r"\[[0-5]\]\(", row[0])]
    assert len(shown) == 6
    sizes = [27 * 27, 3184, 3184, 4192, 4192, 4192]
    for row, rung, size in zip(shown, rungs, sizes, strict=True):
        n = rung["rung"]
        source = (ROOT / "ladder" / f"train{n}.py").read_text(encoding="utf-8")
        assert row[0].startswith(f"[{n}](")
        assert row[2:] == [f"{len(source.splitlines())}", f"{size:,}", f"{rung['held_out']:.3f}"]
        assert f"{sum(rung['losses'][-100:]) / 100:.3f}" in text
    assert f"{math.log(27):.3f}" in text and f"{LADDER['floors']['bigram']:.3f}" in text
    held = [rung["held_out"] for rung in rungs]
    assert f"by {held[2] - held[3]:.3f} nats" in text
    assert f"Adam brings {held[4] - held[5]:.3f}" in text
    assert held[1] > held[0] and 0 < held[3] - held[4] < 0.0002
    assert rungs[1]["losses"] == rungs[2]["losses"]
    for n in (0, 1, 3, 5):
        assert f"{', '.join(rungs[n]['samples'][:6])} |" in text
    assert rungs[1]["samples"][:6] == rungs[2]["samples"][:6]
    assert rungs[3]["samples"][:6] == rungs[4]["samples"][:6]


def test_longer_runs_on_the_progression_are_measured_ones() -> None:
    text = page_text("progression")
    measured = json.loads((ROOT / "bench" / "results" / "quality-curve.json").read_text("utf-8"))
    by_recipe = {json.dumps(row["recipe"], sort_keys=True): row for row in measured["rows"]}
    for recipe in (
        {"batch_size": 64, "lr": 0.02, "steps": 1000},
        {"batch_size": 64, "steps": 20000},
    ):
        losses = by_recipe[json.dumps(recipe, sort_keys=True)]["losses"]
        assert f"{sum(losses) / len(losses):.3f}" in text


def test_what_a_run_prints_is_what_the_page_shows() -> None:
    text = page_text("run")
    losses = LADDER["rungs"][5]["losses"]
    for i, loss in enumerate([*losses[:3]]):
        assert f"step {i + 1:4d} / 1000 | loss {loss:.4f}" in text
    assert f"step 1000 / 1000 | loss {losses[-1]:.4f}" in text


def test_the_experiments_on_the_page_are_the_recorded_ones() -> None:
    found = json.loads(record_experiments.OUT.read_text(encoding="utf-8"))
    text = page_text("complete")
    assert record_experiments.on_page(text, found) == text
    default, wide, long = (found["runs"][key] for key in ("default", "wide", "long"))
    assert f"{default['losses'][0]:.3f}" == "2.367"
    assert [s["text"] for s in default["samples"][:3]] == ["kamon", "ann", "karai"]
    assert [default[mark] for mark in ("trained", "file", "new")] == [0, 11, 9]
    # What is said about them.
    low, high = min(default["losses"]), max(default["losses"])
    assert low < sum(wide["losses"]) / 8 < high
    assert max(long["losses"]) < low
    gains = [(sum(default["losses"]) - sum(run["losses"])) / 8 for run in (wide, long)]
    assert f"it is {gains[0]:.3f} lower, and the seeds lie {high - low:.3f} apart" in text
    assert (
        f"Twice the steps bring {gains[1]:.3f}, nine times" in text
        and 8.5 < gains[1] / gains[0] < 9.5
    )
    shares = [(t["file"] + t["trained"]) / record_experiments.MANY for t in found["temperatures"]]
    by = dict(zip(record_experiments.TEMPERATURES, shares, strict=True))
    assert by[0.1] > by[0.5] > by[1.0] > by[2.0]


def test_the_complete_picture_has_all_of_its_parts() -> None:
    text = page_text("complete")
    assert len(re.findall(r"^\*\*Act \d: ", text, re.M)) == 5
    assert len(re.findall(r"\*Built: ", text)) == 5
    items = re.findall(r'<li data-item="(\w+)"><a href="([\w-]+)/">', text)
    assert len(items) == len({key for key, _ in items}) == 13
    assert all((PAGES / f"{page}.md").exists() for _, page in items)
    names = [line.strip() for line in (ROOT / "data" / "names.txt").read_text("utf-8").split("\n")]
    import random

    random.Random(42).shuffle(names := [name for name in names if name])
    assert f"{sum(len(name) + 1 for name in names[:1000]):,} tokens" in text
    assert f"{round(175e9 / 4192 / 1e6)} million times" in text


# ---------------------------------------------------------------- in the browser


@pytest.mark.slow
def test_concepts_are_ticked_off_and_stay(opened: Callable[..., Any]) -> None:
    page = opened("complete", "mg-checklist")
    said = page.locator("mg-checklist > .mg-summary")
    said.filter(has_text="0 of 13 ticked off.").wait_for()
    page.get_by_role("checkbox", name="Attention: understood").focus()
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="Adam: understood").click()
    said.filter(has_text="2 of 13").wait_for()
    widget_checks.looked_at(page, "mg-checklist")
    page.reload()
    page.locator("mg-checklist").scroll_into_view_if_needed()
    said.filter(has_text="2 of 13").wait_for()
    assert page.get_by_role("checkbox", name="Adam: understood").is_checked()
    page.get_by_role("button", name="Clear all").click()
    said.filter(has_text="0 of 13").wait_for()
    for link in page.locator(".needs a").all():
        assert link.bounding_box()["height"] >= 40
    page.locator("mg-checklist a", has_text="RMSNorm").click()
    page.wait_for_url("**/learn/rmsnorm/")


@pytest.mark.slow
def test_an_experiment_is_one_click_away(opened: Callable[..., Any]) -> None:
    page = opened("complete", "mg-checklist")
    rows = page.locator("table", has_text="eight seeds").locator("tbody tr")
    rows.filter(has_text="n_embd").get_by_role("link").click()
    page.locator("mg-live-training").scroll_into_view_if_needed()
    page.locator("mg-live-training[data-ready] > .mg-summary").wait_for(state="attached")
    heads = page.locator("mg-live-training .train-side .mg-title")
    heads.nth(1).filter(has_text="B: n_embd 32").wait_for(state="attached")
    assert heads.all_text_contents() == ["A: final (rung 5)", "B: n_embd 32"]
    page.go_back()
    page.get_by_role("link", name="chat at 0.1").click()
    page.locator("mg-chat[data-ready]").wait_for()
    field = page.locator("mg-chat").get_by_role("spinbutton", name="Temperature")
    assert float(field.input_value()) == 0.1


@pytest.mark.slow
def test_the_notebook_is_a_download(opened: Callable[..., Any]) -> None:
    page = opened("run", "mg-predict")
    with page.expect_download() as download:
        page.get_by_role("link", name="microgpt.ipynb").click()
    import notebook

    assert download.value.suggested_filename == "microgpt.ipynb"
    assert Path(download.value.path()).read_text(encoding="utf-8") == notebook.text()
    page = opened("progression", "mg-ladder-losses")
    page.locator("mg-ladder-losses > .mg-summary", has_text="rung 5 2.367").wait_for(
        state="attached"
    )
