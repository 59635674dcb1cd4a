"""What a link to a page brings along: its title, what it is about, and a picture of it."""

import re
import struct
from pathlib import Path

import make_previews
import previews
from guide_pages import BUILT, GUIDE

AGAIN = "build the site, then: python scripts/make_previews.py"


def metas(text: str) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)">', text))


def test_every_page_has_title_description_and_picture(guide_site: Path) -> None:
    told = set()
    for page in BUILT:
        path = guide_site / page.url / "index.html"
        text = path.read_text(encoding="utf-8")
        found = metas(text.partition("<body")[0])
        title = found["og:title"]
        assert f"<title>{title}" in text, page.page
        assert found["og:description"] == found["description"] and len(title) > 3
        told.add(found["og:description"])
        picture = (path.parent / found["og:image"]).resolve()
        assert picture.is_relative_to(guide_site.resolve()), page.page
        data = picture.read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) < 100_000, page.page
        size = struct.unpack(">II", data[16:24])
        assert size == (int(found["og:image:width"]), int(found["og:image:height"])) == (1200, 630)
        assert found["og:image:alt"] and found["twitter:card"] == "summary_large_image"
    assert len(told) > len(BUILT) - 3  # each its own


def test_the_pictures_are_those_of_the_pages_as_they_are() -> None:
    made = previews.pictures()
    known = {page.page for page in BUILT}
    assert set(made) <= known
    files = {path.name for path in previews.FOLDER.glob("*.png")}
    assert files == {f"{previews.name_of(name)}.png" for name in made}
    for page in BUILT:
        has_figure = bool(page.covers["widgets"])
        assert not has_figure or page.page in made, f"{page.page} has no picture: {AGAIN}"
        if page.page in made:
            now = make_previews.digest(make_previews.stills_of(page.page))
            assert made[page.page]["still"] == now, f"{page.page} has another still: {AGAIN}"
    total = sum(path.stat().st_size for path in (GUIDE / "img").rglob("*.png"))
    assert total < 2.5e6  # the wheel is to stay small
