"""Figures in frames on other pages: what is in such a page, how large it is, and that it works."""

import gzip
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import browser
import checking
import embeds
from guide_pages import BUILT

FRAMES = """<!doctype html><link rel="icon" href="data:,"><title>a teacher's page</title>
{}<p>My own words.</p>"""


def test_figures_are_found_and_their_addresses_moved() -> None:
    page = "<main><mg-a data-figure x><mg-b></mg-b></mg-a><mg-a data-figure></mg-a><mg-c></mg-c>"
    assert [name for _, _, name in embeds.figures(page)] == ["a", "a-2"]
    for link, whole in {
        "../loss/#top": "learn/loss/#top",
        "../../js/x.js": "js/x.js",
        "#here": "learn/attention/#here",
        "../../": "",
        "part.png": "learn/attention/part.png",
        "../loss/?path=x": "learn/loss/?path=x",
    }.items():
        assert embeds.moved(f'<b href="{link}">', "learn/attention/") == (
            f'<b href="{embeds.UP}{whole}">'
        )
    outside = '<b href="https://example.org/">'
    assert embeds.moved(outside, "learn/attention/") == outside
    assert "target=" in embeds.moved('<a href="#x">', "")


def test_every_figure_has_a_small_page_without_ways_elsewhere(guide_site: Path) -> None:
    offered = 0
    for page in BUILT:
        text = (guide_site / page.url / "index.html").read_text(encoding="utf-8")
        tags = re.findall(r'<(mg-[a-z0-9-]+) data-figure(?: data-embed="([^"]+)")?', text)
        for name, place in tags:
            if not place:
                assert name in ("mg-own-list", "mg-weights"), f"{name} on {page.page}: too large"
                continue
            offered += 1
            own = guide_site / place / "index.html"
            frame = own.read_text(encoding="utf-8")
            assert frame.count("data-figure") == 1 and f"<{name} data-figure" in frame
            assert checking.first_load(guide_site, place) <= embeds.MOST == 120_000
            assert "<nav" not in frame and 'content="noindex"' in frame
            ways = re.findall(r"<a [^>]*>", frame)
            assert all('target="_blank" rel="noopener"' in way for way in ways)
            assert f'href="{embeds.UP}{page.url}"' in ways[-1]
    assert offered > 80


@pytest.mark.slow
def test_a_figure_works_in_a_frame_of_another_site(
    chromium: Any, guide_address: str, guide_site: Path, tmp_path: Path
) -> None:
    """In its state, in at most 120 KB, with a link back to where it is explained."""
    place = f"{guide_address}embed/learn-softmax/layer/"
    frame = f'<iframe src="{place}#?softmax=own:1,z:3_1_0" width="900" height="500"></iframe>'
    (tmp_path / "index.html").write_text(FRAMES.format(frame), encoding="utf-8")
    with browser.plain_serving(tmp_path) as elsewhere, browser.opened(chromium) as (page, wrong):
        page.goto(elsewhere)
        inside = page.frame_locator("iframe")
        inside.locator("[data-figure][data-ready]").wait_for()
        inside.get_by_text("exp(−3) = 0.050").wait_for()
        browser.settled(page)
        back = inside.get_by_role("link", name="Softmax")
        back.focus()
        href = back.get_attribute("href")
        assert href.endswith("learn/softmax/#?softmax=own:1,z:3_1_0")
        asked = {urlsplit(url).path for url in page.traffic.asked if url.startswith(guide_address)}
        assert wrong == []
    total = 0
    for path in asked:
        name = f"{path}index.html" if path.endswith("/") else path
        total += len(gzip.compress((guide_site / name.lstrip("/")).read_bytes(), 9))
    assert 20_000 < total <= 120_000, f"{total:,} bytes"
