"""The guide's fonts: small, licensed, what their manifest says, and enough for what pages show."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import box_font
import browser
import fonts
from guide_pages import BUILT, GUIDE, ROOT

FACES = fonts.manifest()
FILES = {face["file"] for face in FACES.values()}
SHEET = (GUIDE / "css" / "fonts.css").read_text(encoding="utf-8")
TOKENS = (GUIDE / "css" / "tokens.css").read_text(encoding="utf-8")
CONTROLS = (GUIDE / "css" / "controls.css").read_text(encoding="utf-8")
RULES = re.findall(r"@font-face \{([^}]*)\}", SHEET)
REDO = "run scripts/make_fonts.py"


def has(face: str) -> set[str]:
    return {*str(FACES[face]["characters"])}


def test_the_files_are_those_of_the_manifest() -> None:
    assert {path.name for path in fonts.FONTS.glob("*.woff2")} == {
        f["file"] for f in FACES.values()
    }
    total = 0
    for face in FACES.values():
        data = (fonts.FONTS / str(face["file"])).read_bytes()
        assert data[:4] == b"wOF2"
        assert (len(data), hashlib.sha256(data).hexdigest()) == (face["bytes"], face["sha256"])
        total += len(data)
    assert total <= fonts.LIMIT == 120 * 1024


def test_packages_and_licences_are_named() -> None:
    third = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    licence = (fonts.FONTS / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence and "guide/fonts/OFL.txt" in third
    for face in FACES.values():
        name, version, kind = re.fullmatch(r"(\S+) (\S+) \((\w+)\)", str(face["package"])).groups()  # type: ignore[union-attr]
        (row,) = (line for line in third.splitlines() if f"`{face['file']}`" in line)
        assert f"({kind}: {name} {version})" in row
        font = row.split(" | ")[1].split(" (")[0].strip()
        assert str(face["file"]) in licence and f"made from {font}\n" in licence
        assert re.fullmatch(r"[0-9a-f]{64}", str(face["package_sha256"]))


# ---------------------------------------------------------------- characters


@pytest.mark.parametrize("face", ["sans", "serif", "serif-italic", "mono"])
def test_every_character_of_the_guide_has_a_glyph(face: str) -> None:
    """What a face lacks, the sans stands in for."""
    lacks = fonts.used() - fonts.LEFT - has(face)
    name = "".join(f"U+{ord(c):04X} {c} " for c in sorted(lacks - has("sans")))
    assert lacks <= has("sans"), f"{face} has no {name}: {REDO}, or add them to fonts.LEFT"
    (families,) = re.findall(rf"--{face.partition('-')[0]}: ([^;]*);", TOKENS)
    assert '"Guide Sans"' in families


def test_a_new_character_is_noticed() -> None:
    assert fonts.characters_of('a "\\u2713" \\u{1F600}', ".js") >= {"✓", "😀"}
    assert fonts.characters_of('content: "\\00a0\\2197"', ".css") >= {"\xa0", "↗"}
    assert "→" in fonts.characters_of("a &rarr; b", ".md")
    for sign in "✓↗−":
        assert sign in fonts.used()
    assert "😀" not in has("sans")


def test_readers_names_and_what_comes_next_have_glyphs() -> None:
    for face in ("sans", "mono"):
        assert {*fonts.ASCII, *fonts.ACCENTS} <= has(face)
    assert {*fonts.ASCII, *fonts.ACCENTS, *fonts.SIGNS} <= has("sans")
    assert {*fonts.FORMULAS} <= has("maths")
    assert not fonts.LEFT & has("sans")


def test_a_letter_of_a_formula_is_mathematical_italic() -> None:
    found = "".join(map(fonts.italic, "aehzAZβεϵ1+"))
    assert found == "𝑎𝑒ℎ𝑧𝐴𝑍𝛽𝜀𝜖1+"


@pytest.mark.slow
def test_every_character_of_a_formula_has_a_glyph(guide_site: Path) -> None:
    shown: set[str] = set()
    for path in guide_site.rglob("*.html"):
        for formula in re.findall(r"<math .*?</math>", path.read_text(encoding="utf-8"), re.S):
            for tag, text in re.findall(r"<(m[a-z]+)[^>]*>([^<]+)</", formula):
                characters = fonts.characters_of(text, ".html")
                alone = tag == "mi" and len(characters) == 1
                shown |= {*map(fonts.italic, characters)} if alone else characters
    assert {"𝑥", "√"} - shown == {"√"}  # a root is drawn by <msqrt>
    assert shown | {"√"} <= has("maths"), f"{sorted(shown - has('maths'))}: {REDO}"


@pytest.mark.slow
def test_every_character_of_the_built_site_has_a_glyph(guide_site: Path) -> None:
    """What the build adds, too; the search shows the signs of formulas among its words."""
    known = has("sans") | fonts.LEFT
    lacks: dict[str, str] = {}
    for path in [*guide_site.rglob("*.html"), *guide_site.glob("data/**/*.json")]:
        text = re.sub(r"<math .*?</math>", "", path.read_text(encoding="utf-8"), flags=re.S)
        for character in fonts.characters_of(text, path.suffix) - known:
            lacks[character] = path.relative_to(guide_site).as_posix()
    assert lacks == {}, REDO
    entries = json.loads((guide_site / "search.json").read_text(encoding="utf-8"))
    found = {*"".join(f"{e['title']} {e['page']} {e['text']}" for e in entries)} - {"\n"}
    assert found - known, "no formula is found by the search any more"
    (families,) = re.findall(r"dialog\.search li span \{[^}]*font-family: ([^;]*);", CONTROLS)
    assert families == "var(--sans), var(--maths)"
    assert found - known <= has("maths"), f"{sorted(found - known - has('maths'))}: {REDO}"


# ---------------------------------------------------------------- pages


def test_every_face_is_asked_for_by_the_sheet() -> None:
    assert {*re.findall(r'url\("\.\./fonts/([^"]*)"\)', SHEET)} == {
        f["file"] for f in FACES.values()
    }
    families = set(re.findall(r'font-family: "([^"]*)"', SHEET))
    assert families == set(re.findall(r'"(Guide [^"]*)"', TOKENS))
    for rule in RULES:
        assert "font-display: swap" in rule or "local(" in rule


def test_no_sheet_or_script_names_a_font_of_its_own() -> None:
    kit = "--mg-sans: var(--sans, system-ui, sans-serif);"  # for pages without our tokens
    for path in [*GUIDE.glob("css/*.css"), *GUIDE.glob("js/**/*.js"), *GUIDE.glob("widgets/*.js")]:
        text = path.read_text(encoding="utf-8").replace(kit, "")
        if path.name != "tokens.css":
            assert "system-ui" not in text, path.name


@pytest.mark.slow
def test_the_start_page_fetches_only_the_fonts_of_its_text_early(guide_site: Path) -> None:
    for entry in BUILT:
        text = (guide_site / entry.url / "index.html").read_text(encoding="utf-8")
        early = re.findall(r'rel="preload"[^>]*/fonts/([\w-]+)\.woff2"', text)
        expected = {"sans", "serif"}
        if entry.page != "index":
            expected |= {"mono"} if "<code" in text else set()
            expected |= {"maths"} if "<math " in text else set()
            expected |= {"serif-italic"} if "<em>" in text else set()
        assert len(early) == len(expected) and set(early) == expected, entry.page


BOXES = """[...document.querySelectorAll('main *')].map((e) => {
  const box = e.getBoundingClientRect();
  return [e.tagName, box.x, box.y, box.width, box.height].join(" ");
})"""


@pytest.fixture
def without_fonts(
    chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_program: Any
) -> Iterator[Any]:
    """A browser as tests have it on a machine that has no font."""
    (tmp_path / "none").mkdir()
    settings = tmp_path / "fonts.conf"
    settings.write_text(box_font.SETTINGS.format(tmp_path / "none"))
    monkeypatch.setenv("FONTCONFIG_FILE", str(settings))
    assert box_font.missing()
    with browser.started(chromium.browser_type, require_program("chromium")) as program:
        yield program


@pytest.mark.slow
def test_a_page_looks_the_same_with_other_fonts(
    guide_address: str, chromium: Any, without_fonts: Any
) -> None:
    """With the fonts of this machine, and with none of them."""
    places = ("", "about/", "learn/softmax/", "learn/toy/", "learn/worksheet/")
    taken = []
    for program in (chromium, without_fonts):
        with browser.opened(program, viewport={"width": 390, "height": 844}) as (page, wrong):
            for place in places:
                page.goto(guide_address + place)
                browser.settled(page)
                page.evaluate("document.fonts.ready.then(() => 0)")
                taken.append((place, page.evaluate(BOXES)))
            assert wrong == []
    for mine, none in zip(taken[: len(places)], taken[len(places) :], strict=True):
        moved = [pair for pair in zip(mine[1], none[1], strict=True) if pair[0] != pair[1]]
        assert len(mine[1]) > 50
        assert moved == [], f"{mine[0]}: {len(moved)} boxes, {moved[:3]}"


FACES_OF_PAGE = """[...document.fonts].filter((e) => !/Before/.test(e.family))
  .map((e) => `${e.family} ${e.style} ${e.status}`)"""
HEADING = """() => [document.querySelector("h1")]
  .flatMap((e) => [getComputedStyle(e).fontFamily, e.getBoundingClientRect().height])"""


@pytest.mark.slow
def test_fonts_that_come_late_are_shown_on_a_machine_without_any(
    guide_address: str, without_fonts: Any
) -> None:
    """Chromium counts a face as broken for which nothing can stand in until it is there."""
    with browser.opened(without_fonts, java_script_enabled=False) as (page, wrong):
        held: list[Any] = []
        page.route("**/*.woff2", lambda route: held.append(route))
        page.goto(guide_address + "about/", wait_until="domcontentloaded")
        browser.until(page, lambda: "Guide" in page.evaluate(HEADING)[0], lambda: "sheets come")
        assert page.evaluate(HEADING)[1] > 0  # laid out before any font is there
        browser.until(page, lambda: len(held) == len(FACES), lambda: "all fonts are asked for")
        for route in held:
            route.continue_()

        def faces() -> list[str]:
            found: list[str] = page.evaluate(FACES_OF_PAGE)
            return found

        def rest() -> bool:
            return len(faces()) == len(FACES) and not any(map(waiting.search, faces()))

        waiting = re.compile(r" (unloaded|loading)$")
        browser.until(page, rest, lambda: f"{faces()}")
        assert all(face.endswith(" loaded") for face in faces()), faces()
        assert wrong == []


def test_the_font_of_boxes_is_one_that_fontconfig_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    with box_font.alone() as settings:
        monkeypatch.setenv("FONTCONFIG_FILE", settings["FONTCONFIG_FILE"])
        assert not box_font.missing()
    data = box_font.font()
    assert box_font.total(data[:4]) == 0x10000 and len(data) < 6000
