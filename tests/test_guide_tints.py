"""Words and letters in the colour of what they name."""

import re
from pathlib import Path

import pytest

pytest.importorskip("markdown", reason="what builds the guide isn't installed (--guide)")

import tints
from guide_pages import GUIDE

KINDS, PAGES = tints.read()
QK = [KINDS["q"], KINDS["k"]]
Q, K = '<span class="tinted q">', '<span class="tinted k">'


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("<p>a query, a query</p>", f"<p>a {Q}query</span>, a query</p>"),
        (
            "<p>a query</p><p>a <em>query</em></p>",
            f"<p>a query</p><p>a <em>{Q}query</span></em></p>",
        ),
        ("<p>q</p><h2>query</h2><p>keys</p>", f"<p>q</p><h2>query</h2><p>{K}keys</span></p>"),
        (
            "<p>query</p><h2>x</h2><p>key and query</p>",
            f"<p>{Q}query</span></p><h2>x</h2><p>{K}key</span> and {Q}query</span></p>",
        ),
        ('<p><a href="#">query</a> query</p>', '<p><a href="#">query</a> query</p>'),
        (
            '<p><a class="term" href="#">query</a></p>',
            f'<p><a class="term" href="#">{Q}query</span></a></p>',
        ),
        ("<p>keyed, re-key <code>key</code></p>", "<p>keyed, re-key <code>key</code></p>"),
        ("<table><tr><td><p>key</p></td></tr></table>", None),
        ("<mg-x><p>key</p></mg-x>", None),
        ("<mi>q</mi><mi>v</mi>", '<mi class="tinted q">q</mi><mi>v</mi>'),
    ],
)
def test_what_has_a_colour_and_what_has_none(text: str, marked: str | None) -> None:
    assert tints.in_formulas(tints.in_words(text, QK), QK) == (marked or text)


def test_a_longer_word_wins() -> None:
    kinds = [KINDS["token"], KINDS["x"]]
    found = tints.in_words("<p>a token embedding</p>", kinds)
    assert re.sub(r"<[^>]*>", "", found) == "a token embedding"
    assert found.count("tinted") == 1 and '<span class="tinted x">token embedding</span>' in found


def test_each_kind_has_a_colour_and_each_word_one_kind() -> None:
    sheet = (GUIDE / "css" / "controls.css").read_text(encoding="utf-8")
    for name in KINDS:
        assert f".{name} {{\n  --swatch: var(--t-{name});" in sheet
    words = [word for kind in KINDS.values() for word in kind.words]
    assert len(words) == len(set(words)) > 30


@pytest.mark.parametrize(
    ("old", "new"),
    [("- learn/loss:", "- learn/lost:"), ("- learn/loss: prob", "- learn/loss: probe")],
)
def test_an_unknown_page_or_kind_is_refused(tmp_path: Path, old: str, new: str) -> None:
    text = tints.SOURCE.read_text(encoding="utf-8")
    changed = tmp_path / "colours.md"
    changed.write_text(text.replace(old, new), encoding="utf-8")
    assert tints.read()[1]["learn/loss"]
    with pytest.raises(ValueError, match="isn't a page, or"):
        tints.read(changed)


@pytest.mark.slow
def test_the_pages_about_the_parts_have_colours_and_stay_sober(guide_site: Path) -> None:
    for path in sorted(guide_site.rglob("index.html")):
        page = path.parent.relative_to(guide_site).as_posix()
        text = path.read_text(encoding="utf-8")
        spans = re.findall(r'<span class="tinted ([a-z]+)">', text)
        assert set(spans) <= {*PAGES.get(page, ())}, page
        assert bool(spans) == (page in PAGES), page
        words = len(re.sub(r"<[^>]*>", " ", text[text.index("<main") :]).split())
        assert len(spans) < words / 40, page
    attention = (guide_site / "learn/attention/index.html").read_text(encoding="utf-8")
    assert '<mi class="tinted q">q</mi>' in attention
    assert '<strong><span class="tinted k">key</span></strong>' in attention
