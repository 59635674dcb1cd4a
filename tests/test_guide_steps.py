"""Marked steps of the run: their numbers against the package, the pages' words, a browser."""

import json
import re
from typing import Any

import pytest

import make_steps
from guide_pages import (
    GUIDE,
    LADDER,
    as_table,
    in_address,
    page_text,
    real_engine,
    reset,
    shown,
    tokens_of,
    told,
)

KEPT = json.loads(make_steps.TARGET.read_text(encoding="utf-8"))


def test_recorded_steps_are_what_the_package_gives() -> None:
    made = make_steps.measured(100)
    assert made["losses"] == pytest.approx(KEPT["losses"][:100], abs=1.5e-3)
    for found, kept in zip(made["marks"], KEPT["marks"], strict=False):
        assert (found["step"], found["name"]) == (kept["step"], kept["name"])
        assert found["probs"] == pytest.approx(kept["probs"], abs=2e-4)
        for key in ("grads", "moved"):
            assert found[key] == pytest.approx(kept[key], abs=2e-6)
        assert found["writes"] == kept["writes"]
    assert [mark["step"] for mark in KEPT["marks"]] == [*make_steps.MARKS]
    printed = LADDER["rungs"][5]["losses"]
    assert KEPT["losses"] == pytest.approx(printed, abs=6e-4)  # of train5.py itself


def test_the_page_says_what_was_recorded() -> None:
    text = page_text("training")
    first, _, _, _, hundredth, later, last = KEPT["marks"]
    assert f"Before the first step the model writes *{first['writes'][0]}*" in text
    assert max(first["probs"]) < 2 / 27 and min(first["probs"]) > 0.5 / 27  # about equally likely
    moved = [first["moved"][key] for key in first["moved"]]
    assert sum(0.0099 < by < 0.0101 for by in moved) == 7  # of nine matrices
    assert later["name"].startswith("dma") and f"probability of {later['probs'][2]:.2f}" in text
    assert max(last["moved"].values()) < 0.00005
    drawn = (GUIDE / "stills" / "training.html").read_text(encoding="utf-8")
    assert f"mean is the loss, {hundredth['loss']:.4f}<" in drawn
    shares = re.findall(r'class="step-told mg-halo"[^>]*>([.\d]+)<', drawn)
    assert shares[: len(hundredth["probs"])] == [f"{p:.2f}"[1:] for p in hundredth["probs"]]


def test_questions_shows_what_comes_after_ann() -> None:
    model, engine = real_engine()
    probs = engine.trace(tokens_of(model, "ann"))["probs"][-1]
    each = [f"{name} with {probs[model.tokenizer.encode(name)[0]]:.3f}" for name in "anei"]
    end = f"and the end of the name with {probs[model.tokenizer.bos]:.3f}"
    assert ", ".join([*each, end]) in page_text("questions")
    ends = engine.trace(tokens_of(model, "karen"))["probs"][-1]
    assert ends.argmax() == model.tokenizer.bos  # where the phrase leads


@pytest.mark.slow
def test_steps_and_moves_are_chosen(opened: Any) -> None:
    page = opened("training", "mg-training")
    widget = shown(page, "mg-training")
    told(page, "mg-training", "Step 100 of 1,000. The name is fatumata, its loss 3.3669.")
    widget.get_by_role("button", name="300", exact=True).click()
    told(page, "mg-training", "Step 300 of 1,000. The name is dmani")
    assert widget.locator(".step-writes").inner_text().startswith("kamare, amalee")
    widget.locator(".step-2").click()
    told(page, "mg-training", "Compare: the greatest surprise is")
    assert widget.locator(".step-panel[data-off]").count() == 3
    in_address(page, "training=at:5,move:2")
    run = widget.locator(".step-run").bounding_box()
    page.mouse.move(run["x"] + run["width"] * 0.5, run["y"] + run["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(run["x"] + run["width"] * 0.95, run["y"] + run["height"] * 0.5, steps=3)
    page.mouse.up()
    told(page, "mg-training", "Step 1,000 of 1,000. Compare:")
    page.locator("mg-say", has_text="Nudge.").scroll_into_view_if_needed()
    page.locator("mg-say[role=button]", has_text="Nudge.").focus()
    told(page, "mg-training", "move furthest, by less than 0.0001")
    as_table(page, "mg-training")
    widget.locator(".mg-table td").first.wait_for()
    assert widget.locator(".mg-table tbody tr").count() == 7
    reset(page, "mg-training")
    told(page, "mg-training", "Step 100 of 1,000. The name is fatumata")
