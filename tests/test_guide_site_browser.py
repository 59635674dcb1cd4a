"""The guide's site in real Chromium: all pages by rule, and what every page can do."""

import functools
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import browser
import button_checks
import frame_checks
import label_checks
import sheets
import stepper_checks
import widget_checks
from guide_pages import BUILT, GUIDE, ROOT, in_address

# What stands in a box that scrolls by itself can be reached.
CLIPPED = """() => [...document.querySelectorAll("main *, header *, footer *")].filter((e) => {
  for (let box = e.parentElement; box; box = box.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return false;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  if (box.width === 0 || style.position === "absolute") return false;
  return box.right > innerWidth + 1 || box.left < -1 ||
    (e.scrollWidth > e.clientWidth + 1 && style.overflowX === "hidden");
}).map((e) => e.outerHTML.slice(0, 90))"""

# A box with more to the side than it shows has to say so; formulas and tables need one.
UNTOLD = """() => [...document.querySelectorAll("main *")].filter((e) => {
  if (e.scrollWidth <= e.clientWidth + 1 || e.clientWidth < 2) return false;
  if (e.matches("textarea") || e.closest("details:not([open])")) return false;
  const style = getComputedStyle(e);
  if (["auto", "scroll"].includes(style.overflowX)) return style.backgroundImage === "none";
  return e.matches(".formula, p, li, dd, table, pre, figure, blockquote, details");
}).map((e) => e.outerHTML.slice(0, 90))"""


def violations(page: Any, where: str) -> list[str]:
    """What axe finds on the page as it is now; it needn't fetch sounds, of which there are none."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
    return [
        f"{where}: {violation['id']}: {[node['html'][:120] for node in violation['nodes']]}"
        for violation in found["violations"]
    ]


# Three frames: what comes near has been noticed in them.
SCROLL = """async (which) => {
  for (const figure of document.querySelectorAll(which)) {
    figure.scrollIntoView({ block: "center", behavior: "instant" });
    for (const _ of "123") await new Promise(requestAnimationFrame);
  }
}"""
MODULES = "main [data-module]"
WAITING = "main [data-figure][data-module]:not([data-ready])"
LINKED = "() => [...document.styleSheets].map((e) => e.href?.split('/').at(-1))"
HEIGHTS = "(all) => all.map((e) => e.getBoundingClientRect().height)"
MATCHING = "(all) => all.filter((e) => document.querySelector(e.replace(/::[a-z-]+/g, '')))"


def unstyled(page: Any, where: str) -> list[str]:
    """Rules that would hold for something on the page, in sheets that it doesn't link."""
    page.evaluate(SCROLL, MODULES)
    browser.settled(page)
    waiting = page.locator(WAITING)

    def all_started() -> bool:
        page.evaluate(SCROLL, WAITING)
        return waiting.count() == 0

    browser.until(page, all_started, lambda: f"{where} starts all its figures")
    linked = page.evaluate(LINKED)
    others = [name for name in sheets.special() if name not in linked]
    found = {
        name: page.evaluate(MATCHING, sheets.selectors(GUIDE / "css" / name)) for name in others
    }
    return [f"{where} lacks {name}: {rules}" for name, rules in found.items() if rules]


@pytest.fixture(scope="module")
def exported(guide_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site as it is exported, in a folder of a server that isn't ours."""
    from microgpt.cli.guide import export_site

    folder = tmp_path_factory.mktemp("exported")
    export_site(guide_site, folder / "guide.zip")
    zipfile.ZipFile(folder / "guide.zip").extractall(folder / "www" / "some" / "sub" / "path")
    with browser.plain_serving(folder / "www") as where:
        yield f"{where}some/sub/path/"


def turned(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    browser.drawn(page)


def laid_out(page: Any, where: str) -> list[str]:
    """What doesn't fit on the page, or doesn't say that there is more of it."""
    problems = [f"{where}: clipped: {e}" for e in page.evaluate(CLIPPED)]
    problems += [f"{where}: more, untold: {e}" for e in page.evaluate(UNTOLD)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        problems.append(f"{where} scrolls sideways")
    return problems


def looked_through(page: Any, address: str, name: str) -> list[str]:
    """Problems of one page, loaded once.

    Three widths; axe at the narrowest in light and at the widest in dark; then what its figures
    do, all of them started.
    """
    problems = []
    page.emulate_media(color_scheme="light")
    page.goto(address)
    browser.settled(page)
    if page.get_by_role("button", name="Search").count() != 1:
        problems.append(f"{name} has no tools: did its scripts run?")
    page.evaluate(widget_checks.axe())
    for width in (360, 768, 1400):
        browser.resized(page, width)
        problems += laid_out(page, f"{name} at {width}")
        if width == 360:
            problems += violations(page, f"{name} at {width}, light")
    turned(page, "dark")
    problems += laid_out(page, f"{name} at 1400, dark")
    problems += violations(page, f"{name} at 1400, dark")
    for check in (
        unstyled, frame_checks.problems, stepper_checks.problems, label_checks.problems,
        button_checks.problems,
    ):  # fmt: skip
        problems += check(page, name)
    return problems


_PARTS = 2  # so that processes can share the pages out


@pytest.mark.slow
@pytest.mark.parametrize("part", range(_PARTS))
def test_no_accessibility_violation_and_nothing_clipped(
    chromium: Any, exported: str, part: int
) -> None:
    """Every page, and it works in a folder of another server."""
    problems = []
    with browser.opened(chromium) as (page, wrong):
        page.add_init_script(button_checks.UNSEEN)
        for entry in BUILT[part::_PARTS]:
            problems += looked_through(page, exported + entry.url, entry.page)
        assert wrong == []
    assert problems == []


@pytest.mark.slow
def test_no_accessibility_violation_presenting_and_searching(
    chromium: Any, guide_address: str
) -> None:
    problems = []
    with browser.opened(chromium, color_scheme="light") as (page, wrong):
        page.goto(guide_address + "about/?present=3")
        page.evaluate(widget_checks.axe())
        problems += violations(page, "presenting, light")
        turned(page, "dark")
        problems += violations(page, "presenting, dark")
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.get_by_label("Search all pages").fill("softmax")
        page.locator("dialog.search li a").first.wait_for()
        problems += violations(page, "searching, dark")
        turned(page, "light")
        problems += violations(page, "searching, light")
        assert wrong == []
    assert problems == []


@pytest.mark.slow
def test_pages_read_with_scripts_off(chromium: Any, guide_address: str) -> None:
    options = {"java_script_enabled": False, "viewport": {"width": 768, "height": 900}}
    with browser.opened(chromium, **options) as (page, wrong):
        for entry in BUILT:
            page.goto(guide_address + entry.url)
            assert page.locator("h1").count() == 1
            assert len(page.inner_text("main").split()) > 60
            assert min(page.locator("main > :not(.paths):not(a)").evaluate_all(HEIGHTS)) > 0
            assert all(x > 30 for x in page.locator("figure.code").evaluate_all(HEIGHTS))
        assert wrong == []


# What people type, and where it has to lead, in first or second place.
FOUND = {
    "square root": "maths/#powers-and-roots",
    "flops": "learn/real/",
    "quantization": "learn/real/#inference",
    "RLHF": "learn/real/#post-training",
    "warmup": "learn/real/#optimisation",
    "weight decay": "learn/real/#optimisation",
    "bf16": "learn/real/#training",
    "bfloat16": "learn/real/#training",
    "scaling laws": "learn/real/#optimisation",
    "top k": "learn/temperature/#what-to-choose",
    "top-p": "learn/temperature/#what-to-choose",
    "perplexity": "learn/loss/#is-it-good",
    "prompt": "learn/inference/#invented-or-remembered",
    "context window": "learn/embeddings/#and-one-for-each-position",
    "context length": "learn/embeddings/#and-one-for-each-position",
}
FIRST_TWO = """place => [...document.querySelectorAll("dialog.search li a")].slice(0, 2)
    .some(link => link.href.endsWith(`/${place}`))"""


@pytest.mark.slow
def test_search_loads_its_index_on_first_use(chromium: Any, guide_address: str) -> None:
    with browser.opened(chromium) as (page, wrong):
        asked: list[str] = []
        page.on("request", lambda made: asked.append(made.url.removeprefix(guide_address)))
        page.goto(guide_address)
        browser.settled(page)
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
        for words, place in FOUND.items():
            page.get_by_label("Search all pages").fill(words)
            leads = functools.partial(page.evaluate, FIRST_TWO, place)
            browser.until(page, leads, lambda: f"{words} leads to {place}")  # noqa: B023
        page.get_by_label("Search all pages").fill("colours")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/about/**")
        assert asked.count("search.json") == 1
        assert wrong == []


@pytest.mark.slow
def test_the_theme_is_remembered(chromium: Any, guide_address: str) -> None:
    with browser.opened(chromium, color_scheme="light") as (page, wrong):
        ground = "getComputedStyle(document.body).backgroundColor"
        page.goto(guide_address)
        light = page.evaluate(ground)
        page.get_by_role("button", name="Light or dark").click()
        dark = page.evaluate(ground)
        page.goto(guide_address + "about/")
        assert page.evaluate(ground) == dark != light
        assert wrong == []


@pytest.mark.slow
def test_presenting_steps_through_the_sections(chromium: Any, guide_address: str) -> None:
    with browser.opened(chromium) as (page, wrong):
        page.goto(guide_address + "about/?path=lessons")
        page.get_by_role("button", name="Present").click()
        status = page.locator(".present-bar [role=status]")
        total = 1 + page.locator("main > h2").count()
        assert status.inner_text() == f"1 of {total}"
        assert page.locator("main > h2:visible").count() == 0
        page.keyboard.press("ArrowRight")
        assert page.locator("main > h2:visible").all_inner_texts() == ["Reading"]
        in_address(page, "present=2")
        assert "path=lessons" in page.url
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert status.inner_text() == f"1 of {total}"
        page.keyboard.press("End")
        assert status.inner_text() == f"{total} of {total}"
        page.keyboard.press("Escape")
        assert page.locator("main > h2:visible").count() == total - 1
        browser.until(page, lambda: "present" not in page.url, lambda: f"the end in {page.url}")
        page.goto(guide_address + "about/?present=3")
        page.get_by_text("3 of").wait_for()
        assert page.locator("main > h2:visible").all_inner_texts() == ["The colours"]
        assert wrong == []


@pytest.mark.slow
def test_a_link_of_a_path_keeps_to_the_path(chromium: Any, guide_address: str) -> None:
    with browser.opened(chromium) as (page, wrong):
        page.goto(guide_address + "walkthrough/")
        page.locator(".path a").first.click()
        page.wait_for_url("**/?path=walkthrough")
        assert page.locator(".paths p:visible").count() == 1
        page.goto(guide_address + "?path=%22%5D%3Cimg%3E")
        browser.settled(page)
        assert wrong == []


@pytest.mark.slow
def test_the_exported_site_works_in_a_folder_of_another_server(
    chromium: Any, exported: str
) -> None:
    """Its links and its search; that every page does is seen where all of them are looked at."""
    with browser.opened(chromium) as (page, wrong):
        page.goto(f"{exported}about/")
        page.get_by_role("link", name="microgpt").click()
        page.wait_for_url(exported)
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
