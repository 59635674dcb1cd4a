"""Stacks of layers: the recorded curves against the package, the page's words, and a browser."""

import json
import math
import statistics
from typing import Any

import pytest

import make_layers
from guide_pages import as_table, in_address, page_text, reset, shown, told
from microgpt.data import load_data

KEPT = json.loads(make_layers.TARGET.read_text(encoding="utf-8"))


def against_one(kind: str, layers: int, step: int) -> tuple[float, float]:
    """How much higher the mean loss is than one layer's, and two standard errors of that."""
    at = step // KEPT["every"]
    pairs = zip(KEPT[kind][layers - 1]["runs"], KEPT[kind][0]["runs"], strict=True)
    each = [run[at] - one[at] for run, one in pairs]
    return statistics.mean(each), 2 * statistics.stdev(each) / math.sqrt(len(each))


def mean(kind: str, layers: int) -> float:
    return statistics.mean(run[-1] for run in KEPT[kind][layers - 1]["runs"])


def test_recorded_curves_are_what_the_package_gives() -> None:
    data = load_data(make_layers.ROOT / "data" / "names.txt")
    for kind, layers, at in (("steps", 3, 1), ("parameters", 5, 0)):
        found = make_layers.curve(
            make_layers.shaped(kind, layers, KEPT["seeds"][at]), data, stop=200
        )
        assert found == pytest.approx(KEPT[kind][layers - 1]["runs"][at][:3], abs=2e-4)
    for kind, widths in make_layers.WIDTHS.items():
        assert [one["width"] for one in KEPT[kind]] == [*widths]
        for one in KEPT[kind]:
            config = make_layers.shaped(kind, one["layers"], 42)
            assert config.parameters() == one["parameters"]
    assert all(3900 < one["parameters"] < 4600 for one in KEPT["parameters"])


def test_the_page_says_what_was_recorded() -> None:
    text = page_text("layers")
    one, three, six = (mean("steps", layers) for layers in (1, 3, 6))
    assert f"end at {three:.3f}; one layer, dashed, ends at {one:.3f} too" in text
    for layers in range(2, 7):
        gap, margin = against_one("steps", layers, 1000)
        assert abs(gap) < margin, layers
    gap, margin = against_one("steps", 6, 1000)
    assert f"at {six:.4f} against {one:.4f}, a difference of {gap:.3f}" in text
    assert f"two standard errors ({margin:.3f})" in text
    gap, margin = against_one("steps", 6, 200)
    assert gap > margin and f"by {gap:.3f}. If the whole stack" in text
    gap, margin = against_one("parameters", 6, 1000)
    assert gap > margin and f"end at {mean('parameters', 6):.4f}, worse by {gap:.3f}." in text
    assert f"and one layer ends at {mean('parameters', 1):.4f}." in text
    assert KEPT["parameters"][5]["width"] == 7 and "six layers of width 7" in text


@pytest.mark.slow
def test_layers_are_stacked_and_trained(opened: Any) -> None:
    page = opened("layers", "mg-layers")
    widget = shown(page, "mg-layers")
    told(page, "mg-layers", "3 layers of width 16, 10,336 parameters, after 1,000 steps")
    told(page, "mg-layers", "Against one layer: no difference seen (")
    widget.get_by_role("button", name="Same parameters").click()
    gap, margin = against_one("parameters", 3, 1000)
    told(page, "mg-layers", f"Against one layer: worse by {gap:.3f} (± {margin:.3f}).")
    tower = widget.locator(".layers-stack").bounding_box()
    page.mouse.click(tower["x"] + tower["width"] / 2, tower["y"] + tower["height"] * 0.66)
    told(page, "mg-layers", "2 layers of width 12, 4,296 parameters, after 1,000 steps")
    widget.get_by_role("button", name="Train it here").click()
    page.locator("mg-layers[data-trained]").wait_for()
    told(page, "mg-layers", "Here, seed 8: 2.")
    assert widget.get_by_role("button", name="Another seed").is_visible()
    plot = widget.locator(".layers-plot").bounding_box()
    page.mouse.move(plot["x"] + plot["width"] * 0.9, plot["y"] + plot["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.36, plot["y"] + plot["height"] * 0.5, steps=3)
    page.mouse.up()
    told(page, "mg-layers", "4,296 parameters, after 300 steps")
    in_address(page, "layers=by:parameters,layers:2,at:3")
    page.locator("mg-say", has_text="200 steps").scroll_into_view_if_needed()
    page.locator("mg-say[role=button]", has_text="200 steps").focus()
    told(page, "mg-layers", "6 layers of width 16, 19,552 parameters, after 200 steps")
    as_table(page, "mg-layers")
    widget.locator(".mg-table td").first.wait_for()
    assert widget.locator(".mg-table tbody tr").count() == 6
    reset(page, "mg-layers")
    told(page, "mg-layers", "3 layers of width 16, 10,336 parameters, after 1,000 steps")
