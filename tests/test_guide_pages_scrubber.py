"""The time machine of the guide (learn/scrubber) in the browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest

import browser
import widget_checks
from guide_pages import as_table, in_address, more, reset, told

ELEMENT = "mg-weights"


def canvas(page: Any, name: str) -> str:
    """A drawing as the screen has it."""
    return str(page.get_by_role("img", name=name).evaluate("(e) => e.toDataURL()"))


def view(page: Any, show: str, name: str) -> tuple[str, str]:
    """What is shown in place of the numbers: the drawing, and the line that reads it."""
    page.locator(ELEMENT).get_by_label("Show").select_option(show)
    page.get_by_role("img", name=name).wait_for()
    browser.drawn(page)
    line = page.locator(f"{ELEMENT} .weights-views > section:not([hidden]) .mg-readout")
    return canvas(page, name), str(line.inner_text())


def strip(page: Any) -> Any:
    """The losses over the slider, which are dragged along too; for the eye alone."""
    return page.locator(f"{ELEMENT} .weights-strip")


def train(page: Any) -> None:
    page.get_by_role("button", name=re.compile("Train and record|Go on")).click()
    page.get_by_text("1,000 of 1,000 steps recorded: move through them.").wait_for()


@pytest.mark.slow
def test_everything_moves_together(opened: Callable[..., Any]) -> None:
    page = opened("scrubber", ELEMENT)
    page.locator(f"{ELEMENT}[data-loaded]").wait_for()
    told(page, ELEMENT, "After step 100: loss 3.3669")  # computed when it is first seen
    page.get_by_text("100 of 1,000 steps recorded: move through them, or go on.").wait_for()
    page.get_by_role("slider", name="The run: step").press("Home")
    told(
        page, ELEMENT, "After step 0: nothing has been learned. wte has numbers from −0.22 to 0.24."
    )
    page.get_by_text("orgzqpdlw").first.wait_for()
    widget_checks.looked_at(page, ELEMENT)
    page.set_viewport_size({"width": 1000, "height": 900})
    train(page)
    told(page, ELEMENT, "After step 1,000: loss 2.6497, mean of the last 100 2.276")
    widget = page.locator(ELEMENT)
    for name in ("kamon", "vialan", "anton"):
        widget.get_by_text(name).first.wait_for()
    widget.get_by_text("Of 20: 0 trained, 11 file, 9 new.").wait_for()
    views = {"map": "The 27 tokens", "heads": "Attention weights", "weight": "All numbers"}
    before = [view(page, *one) for one in views.items()]
    page.get_by_role("slider", name="The run: step").focus()
    page.keyboard.press("Home")
    told(page, ELEMENT, "After step 0: nothing has been learned")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    told(page, ELEMENT, "After step 3: loss 3.1778")
    widget.get_by_text("What it writes after step 3", exact=True).wait_for()
    after = [view(page, *one) for one in views.items()]
    assert all(a != b for a, b in zip(before, after, strict=True))
    assert "51 % of the variance there, and 51 % at this step" in before[0][1]
    assert "51 % of the variance there, and 13 % at this step" in after[0][1]
    in_address(page, "at:3")
    widget.get_by_role("button", name="Play").click()
    widget.locator(
        ".mg-step-name", has_text=re.compile(r"after step ([2-9]\d|\d{3,}) of")
    ).wait_for()
    widget.get_by_role("button", name="Pause", exact=True).click()
    for place in (page.get_by_role("slider", name="The run: step"), strip(page)):
        box = place.bounding_box()
        page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
        told(page, ELEMENT, re.compile(r"After step (7[89]\d|8[01]\d):"))
        page.get_by_role("slider", name="The run: step").press("Home")
        told(page, ELEMENT, "After step 0:")
    box = page.get_by_role("img", name="All numbers").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 22)
    widget.get_by_text(re.compile(r"wte, row a, column 0: −?0\.\d{4}\.")).wait_for()
    page.get_by_role("img", name="All numbers").press("PageUp")
    widget.get_by_text("lm_head, row a, column 0:").wait_for()
    told(page, ELEMENT, "lm_head has numbers from")
    reset(page, ELEMENT)
    page.get_by_text("Untrained: these are the initial random numbers.").wait_for()


@pytest.mark.slow
def test_a_matrix_a_cell_and_a_name_go_into_the_link(opened: Callable[..., Any]) -> None:
    page = opened("scrubber", ELEMENT, "#?weights=at:100,matrix:lm_head,text:zz")
    page.locator(f"{ELEMENT}[data-loaded]").wait_for()
    told(page, ELEMENT, "After step 0")  # a link starts nothing
    train(page)
    told(page, ELEMENT, "After step 100: ")
    told(page, ELEMENT, "lm_head has numbers from −0.41 to 0.64")
    widget = page.locator(ELEMENT)
    page.get_by_role("img", name="The matrix").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    widget.get_by_text(re.compile(r"lm_head, row b, column 0: −?0\.\d{4}\.")).wait_for()
    widget.get_by_label("Show").select_option("heads")
    told(page, ELEMENT, "z, the last token, looks most")
    field = widget.get_by_label("Beginning of a name")
    field.fill("é")
    widget.get_by_text("It doesn't know “é”").wait_for()
    told(page, ELEMENT, "z, the last token")
    field.fill("Karen")
    told(page, ELEMENT, "n, the last token")
    as_table(page, ELEMENT)
    table = widget.get_by_role("table", name="The matrix")
    assert table.locator("th").first.inner_text() == "after step 100"
    assert table.locator("tbody tr").count() == 27
    page.get_by_role("slider", name="The run: step").focus()
    page.keyboard.press("ArrowLeft")
    table.get_by_role("columnheader", name="after step 99").wait_for()
    widget.get_by_label("Show").select_option("change")
    widget.get_by_text("Full colour is ±1.41").wait_for()
    in_address(page, "show:change")
    again = opened("scrubber", ELEMENT, page.evaluate("location.hash"))
    again.locator(f"{ELEMENT}[data-loaded]").wait_for()
    field = again.get_by_label("Beginning of a name")
    assert field.input_value() == "karen"
    assert not field.is_visible()  # it belongs to the heads
    assert again.get_by_label("Show").input_value() == "change"
    told(again, ELEMENT, "After step 0")
    more(again, ELEMENT).get_by_label("Seed").fill("7")
    again.keyboard.press("Enter")
    again.get_by_text("orgzqpdlw").first.wait_for(state="detached")
