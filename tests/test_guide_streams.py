"""The residual stream as a river: its numbers against the package's, and in a browser."""

import json
import random
import re
from typing import Any

import numpy as np
import pytest

import make_blocks
from guide_pages import (
    GUIDE,
    as_table,
    in_address,
    page_text,
    real_engine,
    reset,
    shown,
    tokens_of,
    told,
    typed,
)
from microgpt.sampling import sample

KEPT = json.loads(make_blocks.TARGET.read_text(encoding="utf-8"))


def engine_without(*blocks: str) -> tuple[Any, Any]:
    """The shipped model with these blocks switched off, on an engine."""
    model, _ = real_engine()
    weights = {name: np.array(rows) for name, rows in model.weights.items()}
    for block in blocks:
        weights[make_blocks.LAST[block]] *= 0
    return real_engine(model.config, weights)


def test_the_losses_with_blocks_switched_off() -> None:
    made = make_blocks.measured()
    assert {key: made[key] for key in ("names", "tokens")} == {
        key: KEPT[key] for key in ("names", "tokens")
    }
    assert made["off"] == pytest.approx(KEPT["off"], abs=2e-6)
    text = page_text("residuals")
    none, attention, mlp, both = (f"{KEPT['off'][key]:.3f}" for key in make_blocks.OFF)
    assert (
        f"{KEPT['names']:,} unseen names is {none}; with attention switched off {attention}" in text
    )
    assert f"with the MLP off {mlp}, with both off {both}" in text
    assert f"rises from {none} to {attention}" in text and f"to {mlp}." in text
    assert f"it is {both}, about that of counting pairs (2.4546)" in text


def test_the_river_without_scripts_is_as_wide_as_numpys() -> None:
    model, engine = real_engine()
    tokens = tokens_of(model, "karen")
    trace = engine.trace(tokens)
    names = ("x", "layer0.x_after_attn", "layer0.x_final", "layer0.x_attn", "layer0.mlp_out")
    sizes = {name: np.sqrt((trace[name] ** 2).mean(axis=1)) for name in names}
    drawn = (GUIDE / "stills" / "residuals.html").read_text(encoding="utf-8")
    written = re.findall(r'class="river-size"[^>]*>([\d.]+)<', drawn)
    assert written == [f"{sizes[name][5]:.2f}" for name in names[:3]] * 2  # lying and standing
    adds = re.findall(r">adds ([\d.]+)<", drawn)
    assert adds == [f"{sizes[name][5]:.2f}" for name in names[3:]] * 2
    wide = re.findall(r'river-flow[^>]*stroke-width="([\d.]+)"', drawn)
    assert [float(w) for w in wide] == pytest.approx(
        [52 * sizes[name][5] for name in names[3:]] * 2, abs=0.06
    )
    text = page_text("residuals")
    came, _, out, attention, mlp = (f"{sizes[name][5]:.2f}" for name in names)
    assert f"size of {came}; attention adds {attention} to it, the MLP {mlp}" in text
    assert f"goes out with {out}" in text
    after_k, after_e = sizes["layer0.mlp_out"][[1, 4]]
    assert 0.4 < after_k < 0.5 and after_e < 0.1  # nearly half, hardly anything


@pytest.mark.slow
def test_attention_is_switched_off_and_on(opened: Any) -> None:
    page = opened("residuals", "mg-residuals")
    widget = shown(page, "mg-residuals")
    before = "attention adds 0.19, the MLP adds 0.47; it ends with 1.44."
    told(page, "mg-residuals", before)
    model, engine = engine_without("attention")
    widget.get_by_role("button", name="Attention", exact=True).click()
    told(page, "mg-residuals", f"unseen names: {KEPT['off']['attention']:.3f}.")
    names = sample(engine, model.tokenizer, random.Random(42), 3)
    assert widget.locator(".river-names").inner_text() == ", ".join(names)
    page.locator("mg-residuals[data-measured]").wait_for()
    here = widget.locator(".river-measured").inner_text()
    assert f"{KEPT['off']['attention']:.3f} over {KEPT['names']:,} of {KEPT['names']:,}" in here
    widget.get_by_role("button", name="MLP", exact=True).click()
    told(page, "mg-residuals", f"unseen names: {KEPT['off']['both']:.3f}.")
    in_address(page, "residuals=attention:0,mlp:0")
    first = widget.locator(".river-names").inner_text()
    widget.get_by_role("button", name="Three other names").click()
    assert widget.locator(".river-names").inner_text() != first
    box = widget.locator(".river").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.54, box["y"] + box["height"] * 0.9)
    told(page, "mg-residuals", "attention is switched off, the MLP adds")
    typed(page, widget, "Beginning of a name", "em")
    told(page, "mg-residuals", re.compile("^At m, position 2,"))
    widget.get_by_role("button", name="e", exact=True).click()
    told(page, "mg-residuals", re.compile("^At e, position 1,"))
    page.locator("mg-say", has_text="at the k").scroll_into_view_if_needed()
    page.locator("mg-say[role=button]", has_text="at the k").focus()
    told(page, "mg-residuals", re.compile("^At k, position 1,"))
    as_table(page, "mg-residuals")
    widget.locator(".mg-table td").first.wait_for()
    assert widget.locator(".mg-table tbody tr").count() == 6
    reset(page, "mg-residuals")
    told(page, "mg-residuals", before)
