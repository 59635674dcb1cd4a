"""The guide's site: its sitemap, its sources, and the pages that are built from them."""

import random
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import browser
from cli_runner import ok
from microgpt.cli.guide import POLICY

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "guide"
sys.path.insert(0, str(GUIDE / "build"))

import checking  # noqa: E402
import sheets  # noqa: E402
import sitemap  # noqa: E402

KNOWN = sitemap.read()
BUILT = [page for page in KNOWN.pages.values() if page.is_built]
THEME = (GUIDE / "theme" / "main.html").read_text(encoding="utf-8")
TOKENS = (GUIDE / "css" / "tokens.css").read_text(encoding="utf-8")
SITE_CSS = (GUIDE / "css" / "site.css").read_text(encoding="utf-8")


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
    widgets = {w for w in covered("widgets") if not w.startswith("mg-")}
    assert widgets == {f"W{i}" for i in range(1, 34)} | {f"T{i}" for i in range(1, 21)}
    assert set(covered("exercises")) == {f"E{i}" for i in range(1, 9)}


@pytest.mark.parametrize("column", ["lessons", "walkthrough", "exercises"])
def test_each_is_taught_on_one_page(column: str) -> None:
    entries = covered(column)
    assert len(entries) == len(set(entries))


def test_every_path_can_be_read_in_order() -> None:
    assert list(KNOWN.paths) == list(sitemap.PATHS)
    for path in KNOWN.paths:
        stops = sitemap.stops(KNOWN, path)
        assert len(stops) >= 10
        parts = " · ".join(part for _, part in stops if part)
        column = {"stepwise": "steps"}.get(path, path)
        for number, title in KNOWN.titles.get(column, {}).items():
            assert f"{number} {title}" in parts


def test_a_path_out_of_order_is_noticed() -> None:
    turned = {**KNOWN.paths, "lessons": KNOWN.paths["lessons"][::-1]}
    wrong = sitemap.Sitemap(KNOWN.pages, turned, KNOWN.titles, KNOWN.elements)
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
            element = KNOWN.elements.get(widget, widget)
            assert element.startswith("mg-"), f"{widget} of {page.page} has no element"
            tag = re.search(rf"<{element}[ >](.*?)</{element}>", text, re.S)
            assert tag, f"{page.page} lacks <{element}>"
            assert len(tag[1].split()) >= 10, (
                f"{page.page}: <{element}> says little without scripts"
            )


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


# ---------------------------------------------------------------- sources


def test_the_start_page_shows_what_the_model_wrote() -> None:
    from microgpt import training
    from microgpt.config import make_config
    from microgpt.data import load_data

    *_, last = training.Trainer(make_config(), load_data("names")).events()
    text = (GUIDE / "pages" / "index.md").read_text(encoding="utf-8")
    assert " · ".join(sample["text"] for sample in last["samples"]) in text


def commands() -> list[str]:
    """Every call of microgpt that a page shows."""
    found = set()
    for path in (GUIDE / "pages").rglob("*.md"):
        found |= set(re.findall(r"`(microgpt [a-z][^`\n]*)`", path.read_text(encoding="utf-8")))
        blocks = re.findall(r"^```\w*\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)
        for block in blocks:
            found |= {line for line in block.splitlines() if line.startswith("microgpt ")}
    return sorted(found)


@pytest.mark.parametrize("command", commands())
def test_commands_on_pages_are_commands(command: str) -> None:
    words = shlex.split(command, comments=True)[1:]
    told = ok(*words[: 2 if words[0] == "assignment" else 1], "--help").out
    for word in words[1:]:
        if word.startswith("--"):
            assert word.split("=")[0] in told, f"{word} of: {command}"


def test_the_policy_is_the_same_in_pages_and_headers() -> None:
    (meta,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', THEME)
    assert meta == POLICY
    assert "unsafe-inline" not in POLICY
    assert "'unsafe-eval'" not in POLICY


def colours(theme: int) -> dict[str, tuple[int, int, int]]:
    """The tokens that are colours, in light (0) or dark (1)."""
    pairs = re.findall(r"--([a-z-]+): light-dark\(#(\w{6}), #(\w{6})\)", TOKENS)
    assert len(pairs) > 20
    return {
        name: tuple(int(pair[theme][i : i + 2], 16) for i in (0, 2, 4))  # type: ignore[misc]
        for name, *pair in pairs
    }


def contrast(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    """Of two colours, by the rule of the accessibility guidelines (WCAG 2)."""

    def light(colour: tuple[int, int, int]) -> float:
        linear = [
            c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4
            for c in colour
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(a), light(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_colour_of_text_can_be_read(theme: int) -> None:
    known = colours(theme)
    text = ["ink", "soft", "link", "wrong", "right", *(n for n in known if n.startswith("t-"))]
    for ground in ("paper", "panel"):
        for name in text:
            assert contrast(known[name], known[ground]) >= 4.5, (name, ground)
        for name in ("strong-line", "focus"):
            assert contrast(known[name], known[ground]) >= 3, (name, ground)


def test_kinds_of_tensor_have_colours_of_their_own() -> None:
    for theme in (0, 1):
        kinds = {name: c for name, c in colours(theme).items() if name.startswith("t-")}
        assert len(kinds) == len(set(kinds.values())) == 10
        assert set(re.findall(r"--swatch: var\(--(t-[a-z]+)\)", SITE_CSS)) == set(kinds)


def test_no_sheet_reaches_out() -> None:
    for sheet in (GUIDE / "css").glob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert "@import" not in text
        assert "://" not in text
        assert not re.findall(r"url\((?!['\"]?data:)", text)


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


@pytest.fixture
def site(guide_site: Path) -> Path:
    """The site, built from the sources as they are."""
    return guide_site


@pytest.mark.slow
def test_the_site_is_the_sitemap(site: Path) -> None:
    pages = {path.parent.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert {"" if page == "." else f"{page}/" for page in pages} == {page.url for page in BUILT}
    for page in BUILT:
        found = checking.read_page(site / page.url / "index.html")
        for widget in page.covers["widgets"]:
            assert KNOWN.elements.get(widget, widget) in found.elements
            assert found.modules, f"{page.page}: no module in guide/widgets defines {widget}"


@pytest.mark.slow
def test_the_same_sources_make_the_same_site(site: Path, tmp_path: Path) -> None:
    import assemble

    assemble.build(tmp_path / "again")
    for path in site.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(site)).read_bytes()


@pytest.mark.slow
def test_the_site_is_small_and_private(site: Path) -> None:
    assert sum(p.stat().st_size for p in site.rglob("*") if p.is_file()) < 5 * 2**20
    for path in site.rglob("*"):
        if path.suffix in (".html", ".css", ".js", ".json"):
            text = path.read_text(encoding="utf-8")
            assert str(ROOT) not in text
            assert not re.search(r"(googleapis|unpkg|jsdelivr|cdnjs|esm\.sh)", text), path


@pytest.mark.slow
def test_formulas_and_code_are_made_at_build(site: Path) -> None:
    text = (site / "about" / "index.html").read_text(encoding="utf-8")
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
def test_the_build_names_a_stale_quote(site: Path, tmp_path: Path) -> None:
    from quoting import QuoteError, quote

    _, lines = quote("ladder/train5.py", "def softmax")
    assert lines[0].startswith("def softmax") and lines[-1].strip().startswith("return")
    assert quote("ladder/train5.py", "def softmax .. def ")[1][0] == lines[0]
    for path, where in (
        ("ladder/train5.py", "def softermax"),
        ("ladder/train5.py", "def "),
        ("ladder/train9.py", "def softmax"),
        ("../outside.py", "x"),
    ):
        with pytest.raises(QuoteError):
            quote(path, where)


# ---------------------------------------------------------------- in the browser


@pytest.fixture
def address(guide_address: str) -> str:
    return guide_address


# What stands in a box that scrolls by itself can be reached.
CLIPPED = """() => [...document.querySelectorAll("main *, header *, footer *")].filter((e) => {
  for (let box = e.parentElement; box; box = box.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return false;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  if (box.width === 0 || style.position === "absolute") return false;
  return box.right > innerWidth + 1 || box.left < -1 ||
    (e.scrollWidth > e.clientWidth + 1 && style.overflowX === "hidden");
}).map((e) => e.outerHTML.slice(0, 90))"""


def violations(page: Any, where: str) -> list[str]:
    """What axe finds on the page as it is now."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{where}: {violation['id']}: {[node['html'][:120] for node in violation['nodes']]}"
        for violation in found["violations"]
    ]


SCROLL = """async () => {
  for (let y = 0; y < document.body.scrollHeight; y += 1500) {
    scrollTo(0, y);
    await new Promise((go) => setTimeout(go, 50));
  }
}"""
LINKED = "() => [...document.styleSheets].map((e) => e.href?.split('/').at(-1))"
MATCHING = "(all) => all.filter((e) => document.querySelector(e.replace(/::[a-z-]+/g, '')))"


def unstyled(page: Any, where: str) -> list[str]:
    """Rules that would hold for something on the page, in sheets that it doesn't link."""
    page.evaluate(SCROLL)
    page.wait_for_load_state("networkidle")
    linked = page.evaluate(LINKED)
    others = [name for name in sheets.special() if name not in linked]
    found = {
        name: page.evaluate(MATCHING, sheets.selectors(GUIDE / "css" / name)) for name in others
    }
    return [f"{where} lacks {name}: {rules}" for name, rules in found.items() if rules]


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "looked_at"), [("light", 360), ("dark", 1400)])
def test_no_accessibility_violation_and_nothing_clipped(
    chromium: Any, address: str, scheme: str, looked_at: int
) -> None:
    """Every page at three widths; axe, which takes a second, at one of them."""
    axe = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        import conftest

        conftest._missing("axe-core (npm ci)")
    source = axe.read_text(encoding="utf-8")
    problems = []
    with browser.opened(chromium, color_scheme=scheme) as (page, wrong):
        for entry in BUILT:
            page.goto(address + entry.url)
            page.wait_for_load_state("networkidle")
            page.evaluate(source)
            for width in (360, 768, 1400):
                page.set_viewport_size({"width": width, "height": 900})
                where = f"{entry.page} at {width}"
                problems += [f"{where}: clipped: {e}" for e in page.evaluate(CLIPPED)]
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    problems.append(f"{where} scrolls sideways")
                if width == looked_at:
                    problems += violations(page, where)
            if scheme == "light":
                problems += unstyled(page, entry.page)
        page.goto(address + "about/?present=3")
        page.evaluate(source)
        problems += violations(page, "presenting")
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.get_by_label("Search all pages").fill("softmax")
        page.locator("dialog.search li a").first.wait_for()
        problems += violations(page, "searching")
        assert wrong == []
    assert problems == []


@pytest.mark.slow
def test_pages_read_with_scripts_off(chromium: Any, address: str) -> None:
    options = {"java_script_enabled": False, "viewport": {"width": 768, "height": 900}}
    with browser.opened(chromium, **options) as (page, wrong):
        for entry in BUILT:
            page.goto(address + entry.url)
            assert page.locator("h1").count() == 1
            assert len(page.inner_text("main").split()) > 60
            for element in page.locator("main > :not(.paths):not(a)").all():
                box = element.bounding_box()
                assert box and box["height"] > 0
            for code in page.locator("figure.code").all():
                assert code.bounding_box()["height"] > 30
        assert wrong == []


@pytest.mark.slow
def test_search_loads_its_index_on_first_use(chromium: Any, address: str) -> None:
    with browser.opened(chromium) as (page, wrong):
        asked: list[str] = []
        page.on("request", lambda made: asked.append(made.url.removeprefix(address)))
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert not [url for url in asked if "search" in url]
        page.keyboard.press("/")
        page.get_by_label("Search all pages").fill("softmax")
        first = page.locator("dialog.search li a").first
        first.wait_for()
        assert asked.count("search.json") == 1
        assert "glossary/#softmax" in first.get_attribute("href")
        for query in ("<img src=x onerror=alert(1)>", "( [ \\ * qqxqq", "qqxqq"):
            page.get_by_label("Search all pages").fill(query)
            page.get_by_text("0 found").wait_for()
        assert page.locator("dialog.search img").count() == 0
        page.get_by_label("Search all pages").fill("colours")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/about/**")
        assert asked.count("search.json") == 1
        assert wrong == []


@pytest.mark.slow
def test_the_theme_is_remembered(chromium: Any, address: str) -> None:
    with browser.opened(chromium, color_scheme="light") as (page, wrong):
        ground = "getComputedStyle(document.body).backgroundColor"
        page.goto(address)
        light = page.evaluate(ground)
        page.get_by_role("button", name="Light or dark").click()
        dark = page.evaluate(ground)
        page.goto(address + "about/")
        assert page.evaluate(ground) == dark != light
        assert wrong == []


@pytest.mark.slow
def test_presenting_steps_through_the_sections(chromium: Any, address: str) -> None:
    with browser.opened(chromium) as (page, wrong):
        page.goto(address + "about/?path=lessons")
        page.get_by_role("button", name="Present").click()
        status = page.locator(".present-bar [role=status]")
        total = 1 + page.locator("main > h2").count()
        assert status.inner_text() == f"1 of {total}"
        assert page.locator("main > h2:visible").count() == 0
        page.keyboard.press("ArrowRight")
        assert page.locator("main > h2:visible").all_inner_texts() == ["Reading"]
        assert "present=2" in page.url and "path=lessons" in page.url
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert status.inner_text() == f"1 of {total}"
        page.keyboard.press("End")
        assert status.inner_text() == f"{total} of {total}"
        page.keyboard.press("Escape")
        assert page.locator("main > h2:visible").count() == total - 1
        assert "present" not in page.url
        page.goto(address + "about/?present=3")
        page.get_by_text("3 of").wait_for()
        assert page.locator("main > h2:visible").all_inner_texts() == ["The colours"]
        assert wrong == []


@pytest.mark.slow
def test_a_link_of_a_path_keeps_to_the_path(chromium: Any, address: str) -> None:
    with browser.opened(chromium) as (page, wrong):
        page.goto(address + "walkthrough/")
        page.locator(".path a").first.click()
        page.wait_for_url("**/?path=walkthrough")
        assert page.locator(".paths p:visible").count() == 1
        page.goto(address + "?path=%22%5D%3Cimg%3E")
        page.wait_for_load_state("networkidle")
        assert wrong == []


@pytest.mark.slow
def test_the_exported_site_works_in_a_folder_of_another_server(
    chromium: Any, site: Path, tmp_path: Path
) -> None:
    import zipfile

    from microgpt.cli.guide import export_site

    export_site(site, tmp_path / "guide.zip")
    zipfile.ZipFile(tmp_path / "guide.zip").extractall(tmp_path / "www" / "some" / "sub" / "path")
    with (
        browser.plain_serving(tmp_path / "www") as where,
        browser.opened(chromium) as (page, wrong),
    ):
        for entry in BUILT:
            page.goto(f"{where}some/sub/path/{entry.url}")
            page.wait_for_load_state("networkidle")
            assert page.get_by_role("button", name="Search").count() == 1
        page.goto(f"{where}some/sub/path/about/")
        page.get_by_role("link", name="microgpt").click()
        page.wait_for_url(f"{where}some/sub/path/")
        page.keyboard.press("/")
        page.get_by_label("Search all pages").fill("softmax")
        page.locator("dialog.search li a").first.click()
        page.wait_for_url("**/some/sub/path/glossary/#softmax")
        assert wrong == []


@pytest.mark.slow
def test_the_scripts_of_the_site_have_types(require_program: Callable[[str], str]) -> None:
    tsc = ROOT / "node_modules" / ".bin" / "tsc"
    require_program("node")
    if not tsc.exists():
        import conftest

        conftest._missing("typescript (npm ci)")
    command = [str(tsc), "--project", str(GUIDE / "js" / "site" / "tsconfig.json")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout
