"""The chat on the start page, and the samplers that it offers for download."""

import gzip
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import browser
from cli_runner import ok
from guide_pages import menu, real_engine, reset, tokens_of
from widget_checks import looked_at

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "guide"
DOWNLOADS = GUIDE / "downloads"
MODEL = ROOT / "data" / "model.json"

CASES = [(42, "0.7", "", 20), (7, "1.3", "ann", 6), (2**32 - 1, "2.0", "", 6), (0, "0.1", "q", 2)]


def from_command(seed: int, temperature: str, prefix: str, count: int) -> list[str]:
    flags = f"--seed {seed} --temperature {temperature} --count {count} --json".split()
    result = ok("sample", str(MODEL), *flags, *(["--prefix", prefix] if prefix else []))
    return [sample["text"] for sample in result.lines[-1]["samples"]]


def sampled(program: list[str], *arguments: str) -> list[str]:
    done = subprocess.run([*program, *arguments], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# ---------------------------------------------------------------- samplers


def test_the_python_sampler_writes_the_names_of_the_command(tmp_path: Path) -> None:
    for path in (DOWNLOADS / "sampler.py", MODEL):
        shutil.copy(path, tmp_path)  # all that a reader has
    program = [sys.executable, "-I", "-S", str(tmp_path / "sampler.py")]
    for seed, temperature, prefix, count in CASES:
        flags = f"--seed {seed} --temperature {temperature} --count {count}".split()
        assert sampled(program, *flags, prefix) == from_command(seed, temperature, prefix, count)
    assert sampled(program) == from_command(42, "0.7", "", 20)


def refusals(program: list[str], folder: Path) -> None:
    broken = folder / "broken.json"
    broken.write_text("{", encoding="utf-8")
    other = folder / "other.json"
    other.write_text("[]", encoding="utf-8")
    for arguments, message in (
        (["--model", "none.json"], "can't be read"),
        (["--model", str(broken)], "not readable JSON"),
        (["--model", str(other)], "no model.json"),
        (["--seed", "4294967296"], "seed is 4294967296"),
        (["--temperature", "0"], "temperature is 0"),
        (["--temperature", "nan"], "temperature is nan"),
        (["--count", "0"], "count is 0"),
        (["zoë"], "not a letter"),
        (["abcdefghijklmnop"], "16 letters, must be at most 15"),
        (["model.json"], "model.json is a file"),
        (["model.json"], "as in 'sampler."),
        (["--what"], "--what"),
    ):
        done = subprocess.run(
            [*program, "--model", str(MODEL), *arguments], capture_output=True, encoding="utf-8"
        )
        assert done.returncode in (1, 2), arguments
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert "    at " not in done.stderr


def test_the_python_sampler_refuses_with_one_line(tmp_path: Path) -> None:
    refusals([sys.executable, str(DOWNLOADS / "sampler.py")], tmp_path)


@pytest.mark.slow
def test_the_javascript_sampler_is_no_different(
    tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    node = require_program("node")
    for path in (DOWNLOADS / "sampler.mjs", MODEL):
        shutil.copy(path, tmp_path)
    program = [node, str(tmp_path / "sampler.mjs")]
    for seed, temperature, prefix, count in CASES:
        flags = f"--seed {seed} --temperature {temperature} --count {count}".split()
        assert sampled(program, *flags, prefix) == from_command(seed, temperature, prefix, count)
    assert sampled(program) == from_command(42, "0.7", "", 20)
    refusals([node, str(DOWNLOADS / "sampler.mjs")], tmp_path)


# ---------------------------------------------------------------- in the browser


def expected(*arguments: str) -> list[str]:
    """What the sampler for Python writes."""
    program = [sys.executable, str(DOWNLOADS / "sampler.py"), "--model", str(MODEL)]
    return sampled(program, *arguments)


def marks() -> Callable[[str], str]:
    names = (ROOT / "data" / "names.txt").read_text(encoding="utf-8").split()
    shuffled = list(names)
    random.Random(42).shuffle(shuffled)
    trained, file = set(shuffled[:1000]), set(names)
    return lambda name: "trained" if name in trained else "file" if name in file else "new"


def started(page: Any, url: str) -> Any:
    page.goto(url)
    page.locator("mg-chat[data-ready]").wait_for()
    return page.get_by_label("How should the name begin?")


def answered(page: Any, turns: int) -> list[tuple[str, str, str]]:
    """Forced letters, sampled letters and mark of the last turn's names, once it is there."""
    page.locator(".chat-asked").nth(turns - 1).wait_for()
    return page.evaluate(
        """() => [...document.querySelector(".chat-turn:last-child").querySelectorAll("ul > li")]
          .map((li) => [".chat-forced", ".chat-sampled", ".chat-mark"]
            .map((part) => li.querySelector(part)?.textContent ?? ""))"""
    )


def said(page: Any, pattern: str) -> None:
    page.locator("mg-chat > .mg-summary").filter(has_text=re.compile(pattern)).wait_for(
        state="attached"
    )


def jumping(chromium: Any) -> Any:
    """A page on which no letter takes its time to fall."""
    return browser.opened(chromium, reduced_motion="reduce")


def needed(paths: set[str], site: Path) -> int:
    """Compressed bytes of files of the site, each by itself; fonts are compressed already."""
    files = [site / (path or "index.html") for path in paths]
    return sum(
        len(data if path.suffix == ".woff2" else gzip.compress(data, 9))
        for path, data in ((path, path.read_bytes()) for path in files)
    )


def likeliest(engine: Any, model: Any, prefix: str, temperature: float) -> str:
    """The three likeliest letters as the page says them."""
    logits = engine.logits([tokens_of(model, prefix)])[0][-1] / temperature
    probs = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    names = [*model.tokenizer.uchars, "end"]
    best = sorted(range(len(names)), key=lambda i: -probs[i])[:3]
    return ", ".join(f"{names[i]} {probs[i]:.2f}" for i in best)


@pytest.mark.slow
def test_chat_by_keyboard(chromium: Any, guide_address: str, guide_site: Path) -> None:
    mark_of = marks()
    model, engine = real_engine()
    with browser.opened(chromium) as (page, wrong):
        asked: set[str] = set()
        page.on("request", lambda made: asked.add(made.url.removeprefix(guide_address)))
        field = started(page, guide_address)
        said(page, likeliest(engine, model, "", 0.7))
        browser.settled(page)
        assert "files/model.f32" in asked
        assert not {"files/model.json", "files/names.txt", "js/kernel.wasm"} & asked
        assert needed(asked, guide_site) <= 150 * 1024
        # The bars move as one types; a space begins another name, an unknown letter nothing.
        field.focus()
        before = page.locator(".mg-bar").first.get_attribute("d")
        page.keyboard.type("Ann")
        likely = likeliest(engine, model, "ann", 0.7)
        said(page, f"After “ann”, at temperature 0.70, most likely: {likely}")
        assert page.locator(".mg-bar").first.get_attribute("d") != before
        page.keyboard.type("1")
        said(page, "After “ann”")
        page.keyboard.press("Backspace")
        page.keyboard.type(" ")
        said(page, "At the beginning of a name")
        page.keyboard.type("k")
        said(page, "After “k”")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Skip").wait_for()  # letters are falling
        page.locator(".stage-tile", has_text="end").wait_for()
        shown = answered(page, 1)
        names = expected("--seed", "42", "--temperature", "0.7", "ann", "k")
        assert [forced + rest for forced, rest, _ in shown] == names
        assert [forced for forced, _, _ in shown] == ["ann", "k"]
        assert [mark for *_, mark in shown] == [mark_of(name) for name in names]
        said(page, f"It wrote {names[0]}, {mark_of(names[0])}; {names[1]}")
        assert {"files/model.json", "files/names.txt"} <= asked

        # The last name's letters can be looked at, each with its draw.
        stream = random.Random(42)
        uniforms = [stream.random() for _ in f"{names[0][3:]}.{names[1][1:]}."]
        draws = [f"{uniform:.3f}" for uniform in uniforms[len(names[0]) - 2 :]]
        tiles = page.locator("button.stage-tile")
        assert [text.split() for text in tiles.all_inner_texts()] == [
            [letter, draw] for letter, draw in zip([*names[1][1:], "end"], draws, strict=True)
        ]
        tiles.first.press("Enter")
        assert tiles.first.get_attribute("aria-pressed") == "true"
        page.get_by_text(f"Drawn: {draws[0]}, and {names[1][1]} has").wait_for()

        # Temperature and seed by arrow keys and by typing.
        number = page.get_by_role("spinbutton", name="Temperature")
        number.focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        assert number.input_value() == "0.80"
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        assert number.input_value() == "0.85"
        said(page, f"temperature 0.85, most likely: {likeliest(engine, model, '', 0.85)}")
        number.fill("3")
        page.keyboard.press("Enter")
        assert number.input_value() == "2.00"
        assert page.get_by_text("3 is outside 0.1 to 2.").is_visible()
        number.fill("1.23")
        page.keyboard.press("Enter")
        page.locator("mg-chat .mg-more > summary").press("Enter")
        page.get_by_text("python sampler.py --seed 42 --temperature 0.7 ann k").wait_for()
        seed = page.get_by_role("spinbutton", name="Seed")
        assert seed.input_value() == "43"
        seed.fill("7")
        page.keyboard.press("Enter")
        field.focus()
        page.keyboard.press("Enter")  # nothing typed: from BOS
        page.get_by_role("button", name="Skip").click()  # and all letters land at once
        shown = answered(page, 2)
        assert [shown[0][0] + shown[0][1]] == expected(
            *["--seed", "7", "--temperature", "1.23", "--count", "1"]
        )
        assert shown[0][0] == ""
        assert "seed 7, temperature 1.23" in page.inner_text(".chat-turn:last-child")
        assert wrong == []


@pytest.mark.slow
def test_every_mark_is_the_files(chromium: Any, guide_address: str) -> None:
    mark_of = marks()
    seen = set()
    with jumping(chromium) as (page, wrong):
        field = started(page, f"{guide_address}#?chat=t:0.5")
        for turn in range(1, 6):
            field.fill("a e i o u m k j r s")
            page.get_by_role("button", name="Send").click()
            for forced, rest, mark in answered(page, turn):
                assert mark == mark_of(forced + rest)
                seen.add(mark)
        assert seen == {"trained", "file", "new"}
        assert wrong == []


@pytest.mark.slow
def test_a_link_restores_the_conversation_by_a_click(chromium: Any, guide_address: str) -> None:
    with jumping(chromium) as (page, wrong):
        field = started(page, guide_address)
        field.fill("ann z")
        page.get_by_role("button", name="Send").click()
        answered(page, 1)
        page.locator("mg-chat .mg-more > summary").click()
        page.get_by_role("button", name="from scratch").click()
        answered(page, 2)
        field.fill("be")
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        menu(page, "mg-chat").get_by_role("button", name="Copy link").click()
        page.get_by_text("Copied: it opens").wait_for()
        link = page.evaluate("navigator.clipboard.readText()")
        assert "chat=" in link
        before = page.inner_text(".chat-log")
        reset(page, "mg-chat")
        assert page.locator(".chat-asked").count() == 0
        browser.until(page, lambda: "chat=" not in page.url, lambda: f"no chat= in {page.url}")
        assert wrong == []
    with jumping(chromium) as (page, wrong):
        asked: list[str] = []
        page.on("request", lambda made: asked.append(made.url))
        field = started(page, link)
        browser.settled(page)
        assert page.get_by_text("This link holds 2 messages.").is_visible()
        assert page.locator(".chat-asked").count() == 0
        assert not [url for url in asked if url.endswith(("model.json", ".wasm"))]
        assert field.input_value() == "be"
        assert page.locator("mg-chat").get_by_label("Seed").input_value() == "44"
        page.get_by_role("button", name="Show them").click()
        answered(page, 2)
        assert page.inner_text(".chat-log") == before
        assert not page.get_by_text("This link holds").is_visible()
        assert wrong == []


@pytest.mark.slow
def test_what_it_cannot_read_is_refused_in_place(chromium: Any, guide_address: str) -> None:
    with jumping(chromium) as (page, wrong):
        field = started(page, guide_address)
        for typed, line in (
            ("ann 👩‍👩‍👧", "It doesn't know “👩‍👩‍👧”, only the letters a to z."),
            ("Zoë", "It doesn't know “ë”"),
            ("<b>x</b>", "It doesn't know “<”"),
            ("a" * 16, "has 16 letters, and the model reads at most 15"),
            ("a " * 21, "That is 21 prefixes; at most 20"),
            ("x" * 102_400, "That is 102,400 characters."),
        ):
            field.fill(typed)
            field.press("Enter")
            page.locator(".chat-refused").filter(has_text=line).wait_for()
            assert field.input_value() == typed
            assert field.get_attribute("aria-invalid") == ""
            assert page.locator(".chat-asked").count() == 0
        field.fill("ann")
        assert page.inner_text(".chat-refused") == ""
        field.press("Enter")
        assert answered(page, 1)[0][0] == "ann"
        assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "state",
    [
        "said:42~0.7~%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "said:42~9~ann%7C1~1~%3Cb%3E",
        "text:%3Cscript%3Ealert(1)%3C%2Fscript%3E,t:99,seed:-1,who:me",
        "said:%FF,t:NaN",
    ],
)
def test_a_hostile_link_does_nothing(chromium: Any, guide_address: str, state: str) -> None:
    with jumping(chromium) as (page, wrong):
        field = started(page, f"{guide_address}#?chat={state}")
        for name in ("Show it", "Show them"):
            if page.get_by_role("button", name=name).count():
                page.get_by_role("button", name=name).click()
                page.get_by_role("button", name="Send").wait_for()
        field.fill("ann")
        field.press("Enter")
        assert answered(page, 1)[0][0] == "ann"
        assert page.locator("mg-chat :is(img, script)").count() == 0
        assert float(page.get_by_role("spinbutton", name="Temperature").input_value()) == 0.7
        assert wrong == []


@pytest.mark.slow
def test_chat_when_the_model_does_not_come(chromium: Any, guide_address: str) -> None:
    with jumping(chromium) as (page, _):
        page.route("**/model.json", lambda route: route.fulfill(status=503, body=""))
        field = started(page, guide_address)
        field.fill("ann")
        field.press("Enter")
        page.get_by_text("model.json can't be fetched (503).").wait_for()
        assert field.input_value() == "ann"
        page.unroute("**/model.json")
        field.press("Enter")
        assert answered(page, 1)[0][0] == "ann"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_clipped_or_out_of_reach(chromium: Any, guide_address: str, scheme: str) -> None:
    with browser.opened(chromium, color_scheme=scheme, reduced_motion="reduce") as (page, wrong):
        field = started(page, guide_address)
        field.fill("ann k " + "m" * 15)
        field.press("Enter")
        answered(page, 1)
        field.fill("ë")
        field.press("Enter")
        page.locator("mg-chat .mg-more > summary").click()
        looked_at(page, "mg-chat")
        assert wrong == []
