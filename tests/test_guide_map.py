"""The map above each page: its stations, its pictures, and the word that it carries."""

import json
import math
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import browser
import mapstrip
from guide_pages import BUILT, GUIDE, KNOWN, ROOT, real_engine, shown, tokens_of, typed

WORDS = ("emma", "ab", "zzzzzzzzzzzzzzz", "karen", "qx")


def test_every_page_stands_at_one_station() -> None:
    mapstrip.known_stations(KNOWN)
    placed = [page for pages in KNOWN.stations.values() for page in pages]
    assert sorted(placed) == sorted(page for page in KNOWN.pages if page.startswith("learn/"))
    assert len(mapstrip.STATIONS) == 10
    assert KNOWN.stations["attention"][0] == "learn/attention"


@pytest.mark.parametrize(
    ("name", "pages", "message"),
    [
        ("loss", (), "the station loss of the map has no page"),
        ("loss", ("learn/lost",), "learn/lost of the map is not in the table"),
        ("loss", ("learn/loss", "learn/adam"), "learn/adam of the map .* on the map twice"),
        ("none", (), "learn/language-model stands at no station"),
        ("sea", ("learn/loss",), "the map's stations are names, tokens"),
    ],
)
def test_a_page_that_is_nowhere_or_twice_is_refused(
    name: str, pages: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mapstrip.known_stations(replace(KNOWN, stations={**KNOWN.stations, name: pages}))


def test_the_pictures_are_the_models_own_numbers() -> None:
    model, engine = real_engine()
    logits = engine.logits([tokens_of(model, mapstrip.WORD)])[0][-1]
    shares = [math.exp(z - max(logits)) for z in logits]
    probs = [share / math.fsum(shares) for share in shares]
    made = mapstrip.pictures(mapstrip.WORD)
    assert made["tokens"] == " ".join(map(str, tokens_of(model, mapstrip.WORD)))
    assert made["loss"] == f"{-math.log(probs[-1]):.2f}"
    likeliest = max(range(26), key=lambda i: probs[i])
    assert made["write"] == f"{model.tokenizer.uchars[likeliest]} {probs[likeliest]:.2f}"
    (_, path), *_ = made["logits"]
    heights = [int(h) for h in re.findall(r"v(-?\d+)", path)]
    assert len(heights) <= 27 and max(map(abs, heights)) == 19
    cells = "".join(path for _, path in made["embed"])
    assert cells.count("M") == model.config.n_embd
    below = re.findall(r"M(\d+) 22", cells)
    embedded = [
        a + b for a, b in zip(model.weights["wte"][0], model.weights["wpe"][4], strict=True)
    ]
    assert sorted(map(int, below)) == [8 * i + 4 for i, x in enumerate(embedded) if x < 0]
    looks = "".join(path for _, path in made["attention"])
    assert looks.count("M") == model.config.n_head * len(tokens_of(model, mapstrip.WORD))
    assert sum(path.count("M") for _, path in made["MLP"]) == 4 * model.config.n_embd


@pytest.mark.slow
def test_the_readers_word_is_drawn_as_the_build_draws(
    require_program: Callable[[str], str],
) -> None:
    script = f"""
      import {{ readFileSync }} from "node:fs";
      import {{ opened }} from "{(GUIDE / "js/figures/trained/real-model.js").as_uri()}";
      import {{ picturesOf }} from "{(GUIDE / "js/figures/trained/word-map.js").as_uri()}";
      const real = opened(readFileSync({json.dumps(str(ROOT / "data/model.json"))}, "utf8"));
      console.log(JSON.stringify({json.dumps(WORDS)}.map((word) => picturesOf(real, word))));
    """
    done = subprocess.run(
        [require_program("node"), "--input-type=module", "-e", script],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    for word, drawn in zip(WORDS, json.loads(done.stdout), strict=True):
        made = json.loads(json.dumps(mapstrip.pictures(word)))
        assert drawn == {name: made[name] for name in drawn}, word
        assert {*made} - {*drawn} == {"names", "tokens", "step"}


def stations(site: Path, url: str) -> list[str]:
    text = (site / url / "index.html").read_text(encoding="utf-8")
    (found,) = re.findall(r'<nav class="map[^>]*>(.*?)</nav>', text, re.S) or [""]
    return re.findall(r"<li>(.*?)</li>", found, re.S)


@pytest.mark.slow
def test_every_page_shows_where_it_is(guide_site: Path) -> None:
    for page in BUILT:
        listed = stations(guide_site, page.url)
        if not page.page.startswith("learn/") and page.page != "index":
            assert listed == [], page.page
            continue
        names = re.findall(r'class="map-name">(\w+)<', "".join(listed))
        assert names == list(mapstrip.STATIONS), page.page
        here = [n for n, one in zip(names, listed, strict=True) if "aria-current=" in one]
        assert here == [n for n in names if page.page in KNOWN.stations[n]], page.page
        assert "".join(listed).count("you are here") == len(here)
    assert 'aria-current="page"' in "".join(stations(guide_site, "learn/attention/"))
    assert 'aria-current="location"' in "".join(stations(guide_site, "learn/heads/"))


PICTURES = """() => Object.fromEntries([...document.querySelectorAll(".map [data-part]")].map((e) =>
  [e.dataset.part, e.textContent || [...e.children].map((p) =>
    [p.getAttribute("class"), p.getAttribute("d")])]))"""


@pytest.mark.slow
def test_the_map_carries_the_readers_word(chromium: Any, guide_address: str) -> None:
    made = {word: json.loads(json.dumps(mapstrip.pictures(word))) for word in ("emma", "karen")}
    with browser.opened(chromium, viewport={"width": 1280, "height": 800}) as (page, wrong):
        asked: list[str] = []
        page.on("request", lambda sent: asked.append(sent.url))
        page.goto(guide_address + "learn/tokenizer/")
        widget = shown(page, "mg-tokenizer")
        high = page.locator(".map").bounding_box()["height"]
        assert 0 < high <= 72
        assert page.evaluate(PICTURES) == made["emma"]
        assert not [url for url in asked if "word-map" in url]
        for text in ("two words", "Ünö", "x" * 16, "karen"):  # only the last is a name for it
            typed(page, widget, "A name", text)
        page.locator('.map [data-part="write"]:not([data-waiting])').wait_for()
        browser.until(
            page,
            lambda: page.evaluate(PICTURES) == made["karen"],
            lambda: f"karen in {page.evaluate(PICTURES)}",
        )
        assert page.locator(".map").bounding_box()["height"] == high
        page.locator(".map a", has_text="attention").click()
        page.wait_for_url("**/learn/attention/")
        browser.until(
            page,
            lambda: page.evaluate(PICTURES) == made["karen"],
            lambda: f"karen in {page.evaluate(PICTURES)}",
        )
        assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 1]
        page.evaluate("dispatchEvent(new CustomEvent('mg-word', { detail: 'emma' }))")
        browser.until(
            page,
            lambda: page.evaluate(PICTURES) == made["emma"],
            lambda: f"emma in {page.evaluate(PICTURES)}",
        )
        assert wrong == []
