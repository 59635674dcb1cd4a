"""The sources at the end of each lesson, and their entries on the page Sources."""

import re
from pathlib import Path

import pytest

pytest.importorskip("markdown", reason="what builds the guide isn't installed (--guide)")

import plain
import sources
from guide_pages import BUILT, KNOWN

LESSONS = [page for page in BUILT if page.page.startswith("learn/")]


def test_every_lesson_has_a_source_and_every_source_a_use() -> None:
    found = sources.of_pages()
    assert [*found] == [page for page in KNOWN.pages if page.startswith("learn/")]
    assert all(found.values())
    named = {one for ids in found.values() for one in ids} | {*sources.listed().get("general", ())}
    assert named == {*sources.entries()}
    assert "bycroft" in found["learn/three-d"] and "kingma-2014" in found["learn/adam"]
    # what the sitemap says was learned from the course
    assert "course" in found["learn/training"] and "course" not in found["learn/surface"]


def test_the_name_of_a_source_is_what_stands_before_its_colon() -> None:
    names = sources.entries()
    assert len(names) > 30
    assert names["kingma-2014"] == "Kingma and Ba, Adam, 2014"
    assert names["lab"] == "MicroGPT and Interactive Walkthrough"
    for name in names.values():
        assert not re.search(r"[{}\[\]()*]", name), name
    assert "{:" not in plain.page_text("sources")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"learn/adam": ("kingma",)}, "learn/adam names the source kingma, which isn't"),
        ({"learn/lost": ("gist",)}, "learn/lost has sources, and isn't in the sitemap"),
        ({"learn/own-list": ()}, "learn/own-list has no source"),
        ({"learn/three-d": ()}, "the source bycroft is of a lesson, or else general"),
        ({"general": ("gist",)}, "the source gist is of a lesson, or else general"),
    ],
)
def test_wrong_lists_are_refused(changed: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sources.gathered(KNOWN, sources.entries(), {**sources.listed(), **changed})


def test_an_entry_without_an_id_of_its_own_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "sources.md"
    for text in ("- [A](b), 2000: c.\n", "- [A](b){: #a }: c.\n- [D](e){: #a }: f.\n"):
        page.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match="needs an id of its own"):
            sources.entries(page)
    lists = tmp_path / "lists.md"
    lists.write_text("- learn/a: x\n- learn/a: y\n", encoding="utf-8")
    with pytest.raises(ValueError, match="learn/a is twice"):
        sources.listed(lists)


@pytest.mark.slow
def test_each_lesson_ends_with_its_sources(guide_site: Path) -> None:
    for page in LESSONS:
        text = (guide_site / page.url / "index.html").read_text(encoding="utf-8")
        (shown,) = re.findall(r'<p class="sources">(.*?)</p>', text)
        ids = re.findall(r'href="../../sources/#([a-z0-9-]+)"', shown)
        assert tuple(ids) == sources.of_pages()[page.page], page.page
    others = [page for page in BUILT if page not in LESSONS]
    for page in others:
        assert 'class="sources"' not in (guide_site / page.url / "index.html").read_text("utf-8")
    assert len(others) > 5
