"""The guide's pages on the assignment and on questions: leaks, bot, frontier, download."""

import hashlib
import io
import json
import random
import re
import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import portable
import widget_checks
from cli_runner import ok
from guide_pages import ROOT, in_address, more, told
from microgpt.assignment.grading.frontier import _NODES, _SAMPLES, Requests, compared
from microgpt.assignment.kit.files import kit_zip
from microgpt.data import load_data
from microgpt.engines.drawing import Sampler
from microgpt.guard.automaton import Automaton
from microgpt.guard.bot import Bot
from microgpt.guard.leak import Leak, LeakMeter, masked_leaks, rule
from microgpt.guard.policy import Policy
from microgpt.opening import engine_for, open_model

PAGE = ROOT / "guide" / "pages" / "learn" / "assignment.md"
FRONTIER = json.loads((ROOT / "guide" / "data" / "frontier.json").read_text(encoding="utf-8"))
POLICY = tomllib.loads((ROOT / "data" / "fruits.toml").read_text(encoding="utf-8"))
OPENED, _ = open_model(None)
ENGINE, TOKENIZER = engine_for(OPENED), OPENED.tokenizer
FRUITS = Policy.shipped()
METER = LeakMeter(ENGINE, TOKENIZER, Automaton.of(FRUITS.words, TOKENIZER), 0.7)
LISTS = [list(FRUITS.words), ["ana", "an", "nan", "banana"], ["zz"], ["abab", "babb", "bab"]]
PREFIXES = [
    "lemo",
    "appl",
    "lim",
    "grap",
    "j",
    "m",
    "a",
    "li",
    "alim",
    "pear",
    "lemonade",
    "",
    "p" * 20,
]
CAREFUL = {"nodes": 100_000, "samples": 200_000}
EFFORTS = [{"nodes": 1000, "samples": 0}, {"nodes": 400, "samples": 4000}]
LINES = [
    "j", "a b c", "", "j!", "APPL", "a-p-p-l", "!!!", "ab123", "ma li appl", "pear",
    "abcdefghijklmnopqrstu", "li me mel che", "alim", "quin", "lemo", "apri oran",
    "\x1cj\x85k", "é", "fi me pe pap gua",
]  # fmt: skip
TEXTS = [
    "lemon",
    "pineappl",
    "xxlim",
    "banan",
    "banana",
    "babb",
    "abab",
    "zzz",
    "",
    "li",
    "l",
    "olive",
]


def percent(p: float) -> str:
    """As the pages write a probability."""
    return f"{float(f'{100 * p:.3g}'):g} %"


def table_after(line: str) -> dict[str, list[str]]:
    """The first table behind a line of the page: first cell → the others."""
    text = PAGE.read_text(encoding="utf-8").split(line)[1].replace("&nbsp;", " ")
    table = re.split(r"\|(?:---\|)+\n", text, maxsplit=1)[1].split("\n\n")[0]
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in table.splitlines()]
    return {first: rest for first, *rest in cells}


def surely(said: str, leak: Leak) -> bool:
    """Whether a leak rounds to what is said at both of its ends, or is less than that for sure.

    So no digit on the page depends on which names were drawn.
    """
    limit = said.removeprefix("under ").removesuffix(" %")
    if said.startswith("under "):
        return 100 * leak.high < float(limit)
    digits = len(limit.partition(".")[2])
    return {f"{100 * end:.{digits}f}" for end in (leak.low, leak.high)} == {limit}


# ---------------------------------------------------------------- against Python


def drawn_names() -> tuple[list[list[int]], npt.NDArray[np.intp]]:
    """Names under the guard that came near fruits, and how many of their letters were forced."""
    starts = ("", "lem", "app", "lim", "pe", "melo")
    prefixes = [TOKENIZER.encode(start) for start in starts for _ in range(40)]
    numbers = np.random.default_rng(1).random((len(prefixes), 16))
    drawn, _ = ENGINE.sample(prefixes, Sampler(0.7, order="rows", guard=METER.guard), numbers)
    return drawn, np.array([len(p) for p in prefixes], np.intp)


@pytest.fixture(scope="module")
def computed() -> dict[str, Any]:
    """What the figures' modules compute, in Node."""
    import conftest

    requests = [
        {"line": line, "seed": seed, "on": on}
        for line in LINES
        for seed in (42, 7)
        for on in (
            {"request": True, "output": True, "constrained": False},
            {"request": True, "output": True, "constrained": True},
            {"request": False, "output": True, "constrained": False},
        )
    ]
    drawn, begun = drawn_names()
    masked = {"drawn": drawn, "begun": begun.tolist()}
    job = {"policy": POLICY, "words": LISTS, "prefixes": PREFIXES, "efforts": EFFORTS}
    runner = ROOT / "guide" / "js" / "test" / "assignment-runner.mjs"
    done = subprocess.run(
        [conftest._require_program("node"), str(runner)],
        input=json.dumps({**job, "requests": requests, "texts": TEXTS, "masked": masked}),
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "requests": requests}


@pytest.mark.slow
def test_the_automaton_is_pythons_entry_by_entry(computed: dict[str, Any]) -> None:
    for words, made in zip(LISTS, computed["automata"], strict=True):
        automaton = Automaton.of(words, TOKENIZER)
        guard = automaton.guard(16)
        assert made["next"] == automaton.next.reshape(-1).tolist()
        assert made["banned"] == guard.banned.reshape(-1).astype(int).tolist()
        assert made["depth"] == automaton.depth.tolist()
        assert automaton.hit[made["hit"]]
        assert made["contains"] == [automaton.contains(text) for text in TEXTS]
        assert made["begins"] == [automaton.begins(text) for text in TEXTS]
    assert len(computed["automata"][0]["depth"]) == 320  # as the page says


@pytest.mark.slow
def test_leaks_are_pythons(computed: dict[str, Any]) -> None:
    for prefix, (bounds, estimate) in zip(PREFIXES, computed["leaks"], strict=True):
        leak = METER.of(prefix, nodes=1000, samples=0)
        assert (bounds["how"], bounds["nodes"]) == (leak.how, leak.nodes)
        assert [bounds["low"], bounds["high"]] == pytest.approx([leak.low, leak.high], abs=1e-9)
        best = METER.of(prefix)
        assert estimate["low"] <= best.middle <= estimate["high"] or best.how == "exact"
        assert estimate["low"] <= best.high and best.low <= estimate["high"]
        assert estimate["high"] - estimate["low"] < 0.006
        if best.low > 1e-3:
            assert estimate["middle"] == pytest.approx(best.middle, rel=0.1)
        if best.low >= 0.05 or best.how == "exact":
            assert estimate["rule"] == rule(prefix[:16], best, METER.automaton)
    expected = masked_leaks(METER.engine, METER.guard, 0.7, *drawn_names())
    assert computed["masked"] == pytest.approx(expected.tolist(), abs=1e-9)
    assert 40 < np.count_nonzero(expected > 1e-3) < 240
    assert computed["rough"]["mean"] == pytest.approx(METER.of("app").middle, rel=0.1)
    assert computed["plain"]["nodes"] == computed["kernel"]["nodes"] == 40
    for end in ("low", "high"):
        assert computed["plain"][end] == pytest.approx(computed["kernel"][end], abs=1e-9)


@pytest.mark.slow
def test_answers_are_those_of_the_command(computed: dict[str, Any]) -> None:
    without = replace(FRUITS, categories=(replace(FRUITS.categories[0], heads=0, leads=()),))
    for asked, answer in zip(computed["requests"], computed["answers"], strict=True):
        on, line = asked["on"], asked["line"]
        if not on["request"] and "pear" in line:
            assert answer["line"] == "REFUSE: no acceptable name was found in 10 tries."
            assert [len(one["tries"]) for one in answer["asked"]] == [10]
            continue
        policy = FRUITS if on["request"] else without
        rng = random.Random(asked["seed"])
        bot = Bot(ENGINE, TOKENIZER, policy, rng, constrained=on["constrained"])
        expected = bot.answer(line)
        assert answer["line"] == expected.line, asked
        tries = [one["tries"] for one in answer["asked"]]
        assert sum(map(len, tries)) - len(expected.names) == expected.held_back
        if on["constrained"]:
            assert all(one["found"] is None for some in tries for one in some)
    lines = [a["line"] for r, a in zip(computed["requests"], computed["answers"], strict=True)
             if r["on"]["request"] and not r["on"]["constrained"] and r["seed"] == 42]  # fmt: skip
    page = PAGE.read_text(encoding="utf-8")
    assert lines[0] == lines[3] and lines[4] == lines[5] and lines[4].startswith("REFUSE: This")
    for line in (lines[0], lines[1], lines[2], lines[6], lines[4]):
        assert f"`{line}`" in page


@pytest.mark.slow
def test_leaks_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    verdicts = {"refuse": "refused", "allow": "answered", "grey": "grey zone"}
    for prefixes, (leaks, verdict) in table_after("How likely each prefix leads").items():
        for prefix, said in zip(prefixes.split(", "), leaks.split(", "), strict=True):
            prefix = "" if prefix == "a blank line" else prefix
            leak = METER.of(prefix)
            assert surely(said, leak) or surely(said, METER.of(prefix, **CAREFUL)), prefix
            assert verdict == verdicts[rule(prefix, leak, METER.automaton)]
    guesses = {p: METER.of(p).middle for p in ("app", "cher", "li", "alim")}
    assert max(guesses, key=guesses.__getitem__) == "alim"
    assert [f"{100 * x:.2g}" for x in guesses.values()] == ["1.4", "0.051", "0.14", "18"]
    assert f"{METER.of('lemo').middle ** 10:.1%}" == "0.8%" and "0.619^{10} = 0.8" in page
    assert METER.of("").high < 1e-3  # fewer than one of 1,000 free names
    assert sum(name.startswith("li") for name in load_data("names").docs) == 269


# ---------------------------------------------------------------- the frontier


def test_the_frontier_belongs_to_this_model() -> None:
    for name, digest in FRONTIER["sources"].items():
        data = (ROOT / name).read_bytes().replace(b"\r\n", b"\n")
        assert hashlib.sha256(data).hexdigest() == digest, "run scripts/record_frontier.py"
    assert FRONTIER["made_with"] == portable.MADE_WITH


def test_the_page_has_the_frontiers_numbers() -> None:
    table = table_after("**Two numbers for a policy")
    names = {"the reference policy": "reference"}
    for n, word in enumerate(("one letter", "two letters", "three letters", "four letters"), 1):
        names[f"prefixes of {word}"] = f"first {n} {word.split()[1]}"
    points = {p["name"]: p for p in FRONTIER["points"]}
    for name, numbers in table.items():
        if name.startswith("all that leaks"):
            continue
        point = points.pop(names.get(name, name))
        assert numbers == [percent(point["refused"]), percent(point["leak"])]
    assert points == {}
    ordinary, attacks = FRONTIER["ordinary"], FRONTIER["attacks"]

    def at(t: float) -> tuple[float, float]:
        refused = sum(
            s for s, x in zip(ordinary["shares"], ordinary["leaks"], strict=True) if x >= t
        )
        return refused, sum(x for x in attacks["leaks"] if x < t) / len(attacks["leaks"])

    assert table["all that leaks 4 % or more"] == list(map(percent, at(0.04)))
    page = PAGE.read_text(encoding="utf-8")
    assert f"The {len(ordinary['leaks']):,} ordinary requests" in page
    assert f"an attacker's {len(attacks['leaks']):,}," in page
    (before, high), (after, low) = at(0.04), at(0.001)
    assert [f"{100 * x:.2g}" for x in (high, low)] == ["0.21", "0.01"]
    assert f"{100 * after:.2g}" == "12" and 92 < after / before < 96


def measured_again(prefix: str, recorded: float) -> None:
    """A recorded leak is that of this machine, whose rounding may differ from the recording one's.

    The same names are drawn everywhere, but for one draw in some millions that rounding decides.
    And wherever a name differs, the recorded leak, rounded to four digits, lies between the ends
    that are certain or hold with 95 %.
    """
    leak = METER.of(prefix, nodes=_NODES, samples=_SAMPLES)
    assert leak.middle == pytest.approx(recorded, rel=0.02, abs=2e-4), prefix
    rounding = 5e-4 * recorded + 1e-9
    assert leak.low - rounding <= recorded <= leak.high + rounding, prefix


@pytest.mark.slow
def test_the_frontier_can_be_measured_again() -> None:
    requests = Requests.measure(METER, FRUITS.words, load_data("names").docs)
    assert " ".join(requests.attacks) == FRONTIER["attacks"]["prefixes"]
    assert " ".join(requests.ordinary) == FRONTIER["ordinary"]["prefixes"]
    for prefix, leak in zip(requests.attacks, FRONTIER["attacks"]["leaks"], strict=True):
        measured_again(prefix, leak)
    shares = list(requests.ordinary.values())
    assert shares == pytest.approx(FRONTIER["ordinary"]["shares"], rel=1e-5)
    for i in range(0, len(shares), 200):
        prefix = FRONTIER["ordinary"]["prefixes"].split(" ")[i]
        measured_again(prefix, FRONTIER["ordinary"]["leaks"][i])
    points = compared(requests, FRUITS, TOKENIZER.uchars)
    for point, recorded in zip(points, FRONTIER["points"], strict=True):
        assert point.name == recorded["name"]
        assert [point.refused, point.leak] == pytest.approx(
            [recorded["refused"], recorded["leak"]], abs=1e-4
        )


# ---------------------------------------------------------------- what is offered


@pytest.mark.slow
def test_the_download_is_the_commands_kit(guide_site: Path, tmp_path: Path) -> None:
    data = (guide_site / "files" / "assignment.zip").read_bytes()
    assert data == kit_zip()
    ok("assignment", "new", str(tmp_path / "kit"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    made = {f"assignment/{p.name}": p.read_bytes() for p in (tmp_path / "kit").iterdir()}
    assert held == made
    assert json.loads(held["assignment/kit.json"])["student"] is None
    for name, content in held.items():
        assert b"fmel" not in content or name.endswith("model.json")  # of the solution alone
        assert b"hmac" not in content.lower() and b"teacher.key" not in content
    assert b"BLOCKED_PREFIX_PATTERNS = []" in held["assignment/bot.py"]
    site = [p.name for p in guide_site.rglob("*") if p.is_file()]
    assert not [name for name in site if name == "solution.py" or name.endswith(".key")]
    assert json.loads((guide_site / "files" / "fruits.json").read_text()) == POLICY


# ---------------------------------------------------------------- in a browser


@pytest.mark.slow
def test_the_bot_by_keyboard(opened: Callable[..., Any]) -> None:
    page = opened("assignment", "mg-bot")
    told(
        page,
        "mg-bot",
        "OK: lemoina. The output rail discarded 3 of 4 names. Leak of lemo: 61.9 %",
    )
    tries = page.locator(".bot-tried li").all_inner_texts()
    assert [re.split(r"\W", one)[0] for one in tries] == ["lemona", "lemon", "lemon", "lemoina"]
    assert page.locator(".bot-tried del").count() == 3
    assert page.locator(".bot-tried .chat-forced").all_inner_texts() == ["lemo"] * 4
    assert "must be refused" in page.inner_text(".bot-leaks")
    field = page.get_by_label("A request: prefixes, separated by spaces")
    page.get_by_role("button", name="Request rail").focus()
    page.keyboard.press("Enter")
    line = page.locator(".bot-line")
    line.filter(has_text="REFUSE: This could become the name of a fruit").wait_for()
    assert "“lemo” ends in “lemo”. No name was drawn." in page.inner_text(".bot-why")
    fruit = "REFUSE: This could"
    for typed, said in [
        ("j", "OK: jabies"), ("a b c", "OK: anaka, blyana, caben"), ("", "OK: laldon"),
        ("j!", "OK: jabies"), ("APPL", fruit), ("a-p-p-l", fruit),
        ("!!!", "REFUSE: input had no usable letters"),
    ]:  # fmt: skip
        field.fill(typed)
        page.keyboard.press("Enter")
        line.filter(has_text=said).wait_for()
    told(page, "mg-bot", "none of it is a letter")
    for typed, said in [("a" * 401, "at most 400"), (" ".join("a" * 21), "at most 20")]:
        field.fill(typed)
        page.keyboard.press("Enter")
        page.locator("mg-bot [role=alert]").filter(has_text=said).wait_for()
    field.fill("ma pear")
    page.get_by_role("button", name="Request rail").click()
    page.get_by_role("button", name="Ask").click()
    line.filter(has_text="REFUSE: no acceptable name was found in 10 tries.").wait_for()
    assert page.locator(".bot-tried li").count() == 11
    page.locator(".bot-leaks li").filter(has_text="contains a banned word").wait_for()


@pytest.mark.slow
def test_the_banned_words_are_the_readers(opened: Callable[..., Any]) -> None:
    page = opened("assignment", "mg-bot")
    told(page, "mg-bot", "Leak of lemo")
    page.get_by_role("button", name="Constrained decoding").click()
    page.locator(".bot-line").filter(has_text="OK: lemora").wait_for()
    more(page, "mg-bot")
    page.get_by_text("The banned words", exact=True).click()
    area = page.get_by_label("Words that must not come out")
    assert area.input_value() == ", ".join(FRUITS.words)
    for typed, said in [
        ("", "no word left"),
        ("fig, <i>", "“<i>” has characters other than a to z"),
        ("x", "1 letter"),
    ]:
        area.fill(typed)
        page.get_by_text(said).wait_for()
        assert page.locator(".bot-line").inner_text() == "OK: lemora"
    widget_checks.looked_at(page, "mg-bot")
    area.fill("ora, lem")
    page.get_by_text("2 words, an automaton of 6 states.").wait_for()
    page.locator(".bot-line").filter(has_text="REFUSE: no acceptable name").wait_for()
    field = page.get_by_label("A request: prefixes, separated by spaces")
    field.fill("mo")
    page.keyboard.press("Enter")
    expected = LeakMeter(ENGINE, TOKENIZER, Automaton.of(["ora", "lem"], TOKENIZER), 0.7).of("mo")
    told(page, "mg-bot", "Leak of mo")
    shown = re.search(r"Leak of mo: ([\d.]+) %", page.inner_text("mg-bot > .mg-summary"))
    assert shown and float(shown[1]) == pytest.approx(100 * expected.middle, rel=0.05)
    in_address(page, "text:mo")
    other = opened("assignment", "mg-bot", page.evaluate("location.hash"))
    told(other, "mg-bot", "Leak of mo")
    assert other.locator(".bot-line").inner_text() == page.locator(".bot-line").inner_text()
    page.get_by_role("button", name="The fruits again").click()
    page.get_by_text("76 words, an automaton of 320 states.").wait_for()
    bad = opened("assignment", "mg-bot", "#?bot=words:%3Cb%3E,text:%F0%9F%98%80")
    bad.locator(".bot-line").filter(has_text="REFUSE: input had no usable letters").wait_for()


@pytest.mark.slow
def test_the_frontier_by_keyboard_and_mouse(opened: Callable[..., Any]) -> None:
    page = opened("assignment", "mg-frontier")
    refused, leak = table_after("**Two numbers for a policy")["all that leaks 4 % or more"]
    told(page, "mg-frontier", f"From 4 % on: {refused} of ordinary requests refused, {leak}")
    assert page.locator("mg-frontier .frontier-ring").count() == 8
    place = "document.querySelector('.frontier-own').getAttribute('transform')"
    before = page.evaluate(place)
    track = page.locator("mg-frontier input[type=range]")
    track.focus()
    page.keyboard.press("End")
    told(page, "mg-frontier", "From 100 % on: 0.0153 % of ordinary requests refused, 2.02 %")
    assert page.evaluate(place) != before
    box = track.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 1, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    told(page, "mg-frontier", "From 0.01 % on")
    field = page.get_by_label("The same, typed in per cent")
    for typed, said in [
        ("nothing", "Enter a number from 0.01 to 100"),
        ("0", "Enter a number from 0.01 to 100"),
    ]:
        field.fill(typed)
        page.keyboard.press("Enter")
        page.locator("mg-frontier").get_by_text(said).wait_for()
    field.fill("0,1 %")
    page.keyboard.press("Enter")
    told(page, "mg-frontier", "From 0.1 % on: 12.5 % of ordinary")
    widget_checks.looked_at(page, "mg-frontier")
    in_address(page, "t:0.001")
    other = opened("assignment", "mg-frontier", page.evaluate("location.hash"))
    told(other, "mg-frontier", "From 0.1 % on")


@pytest.mark.slow
def test_questions_say_what_the_readme_says(guide_site: Path) -> None:
    page = (guide_site / "learn" / "questions" / "index.html").read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]*>", "", page.split("<main")[1]).split())
    assert page.count("<h3") >= 20
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    kernel = f"{(ROOT / 'guide' / 'js' / 'kernel.wasm').stat().st_size / 1000:.0f} KB"
    for said in ("10,900", "2.099", "2.367", kernel, "--batch-size 64 --steps 5000"):
        assert said in text and said in readme
    assert "11 are in the list" in text and "9 are in no list" in text
    assert (
        "0 trained (was trained on) · 11 file (in the file, but never trained on) · 9 new" in readme
    )
