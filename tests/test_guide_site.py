"""The guide's site: its sitemap, what its build refuses, and the files that it makes."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

import checking
import sitemap
from guide_pages import BUILT, GUIDE, KNOWN, ROOT


def source_of(page: sitemap.Page) -> Path:
    return GUIDE / "pages" / f"{page.page}.md"


# ---------------------------------------------------------------- the sitemap


def covered(column: str) -> list[str]:
    return [entry for page in KNOWN.pages.values() for entry in page.covers[column]]


def test_the_sitemap_has_everything_that_is_to_be_taught() -> None:
    chapters = {"0": 7, "1": 9, "2": 8, "3": 8, "4": 6, "5": 4}
    sections = {f"{chapter}.{i + 1}" for chapter, n in chapters.items() for i in range(n)}
    assert set(KNOWN.titles["steps"]) == sections and len(sections) == 42
    assert set(covered("steps")) == sections
    assert set(covered("lessons")) == {str(i) for i in range(1, 32)} == {*KNOWN.titles["lessons"]}
    parts = {str(i) for i in range(1, 23)}
    assert set(covered("walkthrough")) == parts == {*KNOWN.titles["walkthrough"]}
    defined = re.compile(r'define\("(mg-[a-z0-9-]+)"')
    widgets = {
        name
        for path in (GUIDE / "widgets").glob("*.js")
        for name in defined.findall(path.read_text(encoding="utf-8"))
    }
    assert set(covered("widgets")) == widgets == set(KNOWN.widgets)
    assert set(covered("exercises")) == {f"E{i}" for i in range(1, 9)}


@pytest.mark.parametrize("column", ["lessons", "walkthrough", "exercises"])
def test_each_is_taught_on_one_page(column: str) -> None:
    entries = covered(column)
    assert len(entries) == len(set(entries))


def test_every_path_can_be_read_in_order() -> None:
    assert list(KNOWN.paths) == list(sitemap.PATHS)
    for path in KNOWN.paths:
        stops = sitemap.stops(KNOWN, path)
        assert len(stops) >= (6 if path in sitemap.ON_ITS_OWN else 10)
        parts = " · ".join(part for _, part in stops if part)
        column = {"stepwise": "steps"}.get(path, path)
        for number, title in KNOWN.titles.get(column, {}).items():
            assert f"{number} {title}" in parts


def test_a_path_out_of_order_is_noticed() -> None:
    turned = {**KNOWN.paths, "lessons": KNOWN.paths["lessons"][::-1]}
    wrong = sitemap.Sitemap(KNOWN.pages, turned, KNOWN.titles, KNOWN.widgets)
    with pytest.raises(ValueError, match="can't be reached in order"):
        sitemap.stops(wrong, "lessons")


def test_built_pages_have_sources_and_sources_have_rows() -> None:
    sources = {
        path.relative_to(GUIDE / "pages").with_suffix("").as_posix()
        for path in (GUIDE / "pages").rglob("*.md")
    }
    assert sources == {page.page for page in BUILT}


def test_built_pages_have_their_widgets() -> None:
    for page in BUILT:
        text = source_of(page).read_text(encoding="utf-8")
        for widget in page.covers["widgets"]:
            tag = re.search(rf"<{widget}[ >](.*?)</{widget}>", text, re.S)
            assert tag, f"{page.page} lacks <{widget}>"
            assert len(tag[1].split()) >= 10, f"{page.page}: <{widget}> says little without scripts"


def test_every_row_can_be_read_or_is_refused(tmp_path: Path) -> None:
    text = sitemap.SOURCE.read_text(encoding="utf-8")
    for old, new, message in (
        ("| built |", "| done |", "can't be read"),
        ("| sources | Sources |", "| about | Sources |", "in the sitemap twice"),
        ("- lessons: learn/", "- lessons: learm/", "not in the table"),
    ):
        changed = tmp_path / "sitemap.md"
        changed.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            sitemap.read(changed)


@pytest.mark.parametrize(
    ("listed", "described", "shown", "problem"),
    [
        ("mg-a", "mg-a", "mg-a", None),
        ("mg-a", "mg-a", "", "index lacks its widget mg-a"),
        ("", "", "mg-a", "index shows mg-a, which its row of the sitemap doesn't list"),
        ("mg-a", "", "mg-a", "mg-a is in only one of the sitemap's two lists"),
        ("", "mg-a", "", "mg-a is in only one of the sitemap's two lists"),
    ],
)
def test_the_table_and_the_pages_name_the_same_widgets(
    tmp_path: Path, listed: str, described: str, shown: str, problem: str | None
) -> None:
    covers = {**dict.fromkeys(sitemap.COLUMNS, ()), "widgets": tuple(listed.split())}
    row = sitemap.Page("index", "Start", "built", covers)
    known = sitemap.Sitemap({"index": row}, {}, {}, dict.fromkeys(described.split(), "a widget"))
    pages = {tmp_path / "index.html": checking.Found(widgets=set(shown.split()))}
    found = checking.missing(tmp_path, known, pages)
    assert found == [] if problem is None else len(found) == 1 and found[0].startswith(problem)


# ---------------------------------------------------------------- what the build refuses


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., list[str]]:
    """Checks a site of one page with the given body (and other files); returns the problems."""
    row = sitemap.Page("index", "Start", "built", dict.fromkeys(sitemap.COLUMNS, ()))
    known = sitemap.Sitemap({"index": row}, {}, {}, {})

    def check(body: str, **files: str) -> list[str]:
        page = f"<!doctype html><html><head></head><body>{body}</body></html>"
        (tmp_path / "index.html").write_text(page, encoding="utf-8")
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
        try:
            checking.check(tmp_path, known)
        except checking.Problem as problem:
            return str(problem).splitlines()
        return []

    return check


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<a href="gone/">x</a>', "links to gone/: not in the site"),
        ('<a href="#gone">x</a>', "no such place on that page"),
        ('<a href="/about/">x</a>', "links to /about/: not in the site"),
        ('<a href="../x">x</a>', "links to ../x: not in the site"),
        ('<a href="http://example.org">x</a>', "not in the site"),
        ('<a href="javascript:alert(1)">x</a>', "not in the site"),
        ('<img src="https://example.org/x.png">', "fetches https://example.org/x.png"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "fetches //example.org/x.css"),
        ("<script>alert(1)</script>", "inline <script> is refused"),
        ("<style>p {}</style>", "inline <style> is refused"),
        ('<p style="color: red">x</p>', "<p style=...> is refused"),
        ('<p onclick="x()">x</p>', "<p onclick=...> is refused"),
        ("<iframe></iframe>", "<iframe> is refused"),
        ('<p id="a">x</p><p id="a">x</p>', "the id a twice"),
        ("<p><b>x</p></b>", "</p> closes <b>"),
        ('<mg-x data-module="widgets/gone.js"></mg-x>', "fetches widgets/gone.js"),
    ],
)
def test_the_build_refuses(small: Callable[..., list[str]], body: str, problem: str) -> None:
    assert problem in "\n".join(small(body))


def test_the_build_accepts_what_is_right(small: Callable[..., list[str]]) -> None:
    body = '<h2 id="a">x</h2><a href="#a">x</a><a href=".">x</a><a href="https://e.org">x</a>'
    body += '<script type="module" src="a.js"></script>'
    assert small(body, a_js='import { b } from "./b.js"; b();', b_js="export const b = 1;") == []


def test_the_build_follows_imports(small: Callable[..., list[str]]) -> None:
    body = '<script type="module" src="a.js"></script>'
    assert "imports lit: not here" in "\n".join(small(body, a_js='import { html } from "lit";'))
    commented = "// What it is.\n/* more */\nexport const a = () => 1;\nimport { b } from './c.js';"
    assert "imports ./c.js: not here" in "\n".join(small(body, a_js=commented))
    big = f"export const x = '{random.Random(1).randbytes(300_000).hex()}';"
    problems = small(body, a_js='export * from "./b.js";', b_js=big)
    assert any("bytes, 256,000 are allowed" in line for line in problems)


# ---------------------------------------------------------------- the built site


@pytest.mark.slow
def test_the_site_is_the_sitemap(guide_site: Path) -> None:
    pages = {path.parent.relative_to(guide_site).as_posix() for path in guide_site.rglob("*.html")}
    assert {"" if page == "." else f"{page}/" for page in pages} == {page.url for page in BUILT}
    for page in BUILT:
        found = checking.read_page(guide_site / page.url / "index.html")
        for widget in page.covers["widgets"]:
            assert widget in found.widgets
            assert found.modules, f"{page.page}: no module in guide/widgets defines {widget}"


@pytest.mark.slow
def test_the_same_sources_make_the_same_site(guide_site: Path, tmp_path: Path) -> None:
    import assemble

    assemble.build(tmp_path / "again")
    for path in guide_site.rglob("*"):
        if path.is_file():
            assert (
                path.read_bytes()
                == (tmp_path / "again" / path.relative_to(guide_site)).read_bytes()
            )


@pytest.mark.slow
def test_the_site_is_small_and_private(guide_site: Path) -> None:
    assert sum(p.stat().st_size for p in guide_site.rglob("*") if p.is_file()) < 12 * 2**20
    for path in guide_site.rglob("*"):
        if path.suffix in (".html", ".css", ".js", ".json"):
            text = path.read_text(encoding="utf-8")
            assert str(ROOT) not in text
            assert not re.search(r"(googleapis|unpkg|jsdelivr|cdnjs|esm\.sh)", text), path


@pytest.mark.slow
def test_formulas_and_code_are_made_at_build(guide_site: Path) -> None:
    text = (guide_site / "about" / "index.html").read_text(encoding="utf-8")
    assert text.count("<math ") >= 2
    assert "$" not in re.sub(r"<[^>]*>", "", text)
    (first,) = (
        number
        for number, line in enumerate((ROOT / "ladder/train5.py").read_text().splitlines(), 1)
        if line.startswith("def softmax")
    )
    assert f'data-line="{first}"' in text
    assert f"ladder/train5.py, lines {first} to " in text


@pytest.mark.slow
def test_every_part_of_a_formula_has_its_places(guide_site: Path) -> None:
    """Firefox draws an index with a third child as three signs in a row, and so does Chromium."""
    places = {"msub": 2, "msup": 2, "mfrac": 2, "msubsup": 3, "munderover": 3, "munder": 2}
    for path in guide_site.rglob("index.html"):
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"</math>[,.;:](?!\S*</span>)", page), path  # alone on a line
        for formula in re.findall(r"<math .*?</math>", page, re.S):
            for part in ElementTree.fromstring(
                re.sub(r"&(?!#|amp;|lt;|gt;)", "&amp;", formula)
            ).iter():
                tag = part.tag.rpartition("}")[2]
                assert len(part) == places.get(tag, len(part)), (path, tag, formula)


@pytest.mark.slow
def test_the_build_names_a_stale_quote(guide_site: Path, tmp_path: Path) -> None:
    from quoting import QuoteError, quote

    _, lines = quote("ladder/train5.py", "def softmax")
    assert lines[0].startswith("def softmax") and lines[-1].strip().startswith("return")
    assert quote("ladder/train5.py", "def softmax .. def ")[1][0] == lines[0]
    for path, where in (
        ("ladder/train5.py", "def softermax"),
        ("ladder/train5.py", "def "),
        ("ladder/train10.py", "def softmax"),
        ("../outside.py", "x"),
    ):
        with pytest.raises(QuoteError):
            quote(path, where)
