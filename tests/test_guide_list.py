"""The list of names as bars: its numbers against the file, and in a browser."""

import json
import random
import re
from typing import Any

import pytest

from guide_pages import GUIDE, as_table, in_address, page_text, reset, shown, told
from microgpt.data import load_data

DOCS = list(load_data("names").docs)
RUN = [*DOCS]
random.Random(42).shuffle(RUN)
TRAINED = RUN[:1000]


def test_the_page_and_its_drawing_count_as_the_file_does() -> None:
    text = page_text("dataset")
    e, q = ([doc for doc in DOCS if doc[0] == letter] for letter in "eq")
    there = sum(doc[0] == "e" for doc in TRAINED)
    shown = f"1,000 of all names, {there} of them with e"
    assert f"{len(e):,} begin with e. The model is shown {shown}" in text
    assert f"the {len(q)} that begin with q" in text and sum(len(doc) == 15 for doc in DOCS) == 2
    drawn = (GUIDE / "stills" / "dataset.html").read_text(encoding="utf-8")
    most = max(sum(doc[0] == letter for doc in DOCS) for letter in "abcdefghijklmnopqrstuvwxyz")
    assert f">{most:,}<" in drawn
    assert f">{max(sum(len(doc) == n for doc in e) for n in range(16)):,}<" in drawn
    marked = re.findall(r'class="list-name list-now"[^>]*>(\w+)<', drawn)
    others = re.findall(r'class="list-name"[^>]*>(\w+)<', drawn)
    assert marked and set(marked) <= {doc for doc in TRAINED if doc[0] == "e"}
    assert set(others) <= set(e)


@pytest.mark.slow
def test_letters_and_lengths_narrow_each_other(opened: Any) -> None:
    kept = json.dumps({"text": "Ulm\nUnna\nBonn\n", "name": ""})
    script = f"sessionStorage.setItem('mg-own-list', {json.dumps(kept)})"
    page = opened("dataset", "mg-dataset", script=script)
    widget = shown(page, "mg-dataset")
    told(
        page, "mg-dataset", "1,531 of them begin with e; a run of 1,000 steps is shown 56 of these."
    )
    bars = widget.locator(".list-picture").first.bounding_box()
    x = bars["x"] + bars["width"] * (10 + 480 * 16.5 / 26) / 500
    page.mouse.click(x, bars["y"] + bars["height"] / 2)
    told(page, "mg-dataset", "92 of them begin with q; a run of 1,000 steps is shown 2 of these.")
    in_address(page, "dataset=letter:q")
    widget.get_by_label("Letters", exact=True).select_option("6")
    n = sum(doc[0] == "q" and len(doc) == 6 for doc in DOCS)
    told(page, "mg-dataset", f"{n} of them begin with q and have 6 letters;")
    page.mouse.click(x, bars["y"] + bars["height"] / 2)
    told(page, "mg-dataset", "9,657 of them have 6 letters;")
    page.locator("mg-say", has_text="the two longest").scroll_into_view_if_needed()
    page.locator("mg-say[role=button]", has_text="the two longest").focus()
    told(page, "mg-dataset", "2 of them have 15 letters; a run of 1,000 steps is shown 0 of these.")
    assert widget.get_by_text("muhammadibrahim").is_visible()
    as_table(page, "mg-dataset")
    widget.locator(".mg-table td").first.wait_for()
    assert widget.locator(".mg-table tbody tr").count() == 26 + 15
    reset(page, "mg-dataset")
    told(page, "mg-dataset", "1,531 of them begin with e;")
    widget.get_by_label("List", exact=True).select_option("your own list")
    told(page, "mg-dataset", "The list has 3 names; a run of 1,000 steps is shown 3 of them.")
    widget.get_by_label("First letter", exact=True).select_option("U")
    told(page, "mg-dataset", "2 of them begin with U;")
    assert widget.get_by_text("Unna", exact=True).is_visible()
