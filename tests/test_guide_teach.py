"""The lesson hours: what they teach in which time, their slides, and the guesses of a class."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import browser
import hours
import qr_reader
import questions
from guide_pages import GUIDE, KNOWN, ROOT, in_address

LEAST, MOST = 45, 60  # minutes of an hour
SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.-"
CODE = re.compile(r"\b[A-Z][A-Z0-9-]*-(?:[A-H]|M?[\d.]+)-[A-Z]\d[A-Z]\d[A-Z]-\d\d\b")


def digits(text: str) -> str:
    rest = 0
    for symbol in text:
        rest = rest * 38 + SYMBOLS.index(symbol)
    return f"{rest % 97:02}"


def code(name: str, guess: str, mark: str) -> str:
    text = f"{name.upper()}-{guess}-{mark}"
    return f"{text}-{digits(text)}"


# ---------------------------------------------------------------- the hours


def test_the_hours_teach_all_lessons_in_order() -> None:
    taught = [
        int(one) for hour in hours.numbers() for part in hours.parts(hour) for one in part.lessons
    ]
    assert taught[:4] == [1, 3, 2, 4]  # one page has both 1 and 3
    assert sorted(taught) == list(range(1, 32))
    assert taught[4:] == list(range(5, 32))


@pytest.mark.parametrize("hour", hours.numbers())
def test_an_hour_is_an_hour(hour: int) -> None:
    assert LEAST <= hours.total(hour) <= MOST
    parts = hours.parts(hour)
    assert all(part.minutes > 0 for part in parts)
    assert 4 <= sum(len(part.asks) for part in parts) <= 6
    for part in parts:  # what is asked is asked about what is taught, or tried
        pages = {KNOWN.paths["lessons"][hours.stops()[one]] for one in part.lessons}
        asked = {questions.of_pages()[name].page.page for name in part.asks}
        assert asked <= (pages or asked)
    text = (GUIDE / "pages" / "teach" / f"hour-{hour}.md").read_text(encoding="utf-8")
    assert text.count("**What they get wrong.**") >= len(parts) - 2
    assert text.count("\n## Before the hour {: .aside }\n") == 1
    assert text.count("\n## Afterwards {: .aside }\n") == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("@lesson 32", "no such lesson"),
        ("@show learn/gone", "no page learn/gone"),
        ("@show learn/linear mg-net", "has no mg-net"),
        ("@ask gone", "no such question"),
    ],
)
def test_what_an_hour_names_has_to_be_there(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(hours.filled([line]))


# ---------------------------------------------------------------- questions and codes


def test_each_question_has_a_name_and_one_answer() -> None:
    pages = {page.stem: page for page in (GUIDE / "pages" / "learn").glob("*.md")}
    for name, one in questions.of_pages().items():
        assert one.text.endswith("?") or "?" in one.text, name
        own = name if name in pages else name.rpartition("-")[0]
        if own in pages:
            assert f"learn/{own}" == one.page.page
    assert questions.of_pages()["adam-2"].choices[2] == "by 0.01"
    assert questions.of_pages()["training"].answer == 3.2958
    wrong = "<p>Which?</p><ul><li>a</li><li>b</li></ul>"
    with pytest.raises(ValueError, match="one answer"):
        questions.read_one(KNOWN.pages["learn/adam"], 0, "", wrong)


def test_codes_in_the_pages_are_codes() -> None:
    found = [
        one
        for page in (GUIDE / "pages" / "teach").glob("*.md")
        for one in CODE.findall(page.read_text(encoding="utf-8"))
    ] + CODE.findall((GUIDE / "pages" / "teach.md").read_text(encoding="utf-8"))
    assert len(found) >= 2
    for one in found:
        assert one[-2:] == digits(one[:-3]), one


def test_qr_codes_can_be_read(require_program: Callable[[str], str]) -> None:
    texts = [
        code(name, "M123456.7891" if not one.choices else "C", "K7M4P")
        for name, one in questions.of_pages().items()
    ]
    texts += [code("q", str(i * 7919), "K7M4P") for i in range(20)] + ["A" * 61, "$%*+-./: "]
    done = subprocess.run(
        [require_program("node"), "tests/qr_codes.mjs"],
        cwd=ROOT,
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    squares = [(text, qr_reader.from_path(path)) for text, path in json.loads(done.stdout)]
    assert [qr_reader.read(square) for _, square in squares] == texts
    assert {qr_reader.mask_of(square) for _, square in squares} == set(range(8))
    assert {len(square) for _, square in squares} == {21, 25, 29}
    damaged = [row[:] for row in squares[0][1]]
    damaged[12][12] = not damaged[12][12]
    with pytest.raises(AssertionError, match="belong together"):
        qr_reader.read(damaged)


# ---------------------------------------------------------------- in two browsers

# What stands for a reader of QR codes, which Chromium has on some systems alone, and for a camera.
CAMERA = """
globalThis.held = [];
globalThis.BarcodeDetector = class {
  static getSupportedFormats = async () => ["qr_code"];
  detect = async () => globalThis.held.map((rawValue) => ({ rawValue }));
};
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  const paint = canvas.getContext("2d");
  setInterval(() => paint.fillRect(0, 0, 9, 9), 50);
  return canvas.captureStream();
};
"""


def slide(page: Any, title: str) -> None:
    """The slide with this title is up, with its figure if it has one."""
    page.locator("main h2:visible").get_by_text(title, exact=True).wait_for()


@pytest.mark.slow
def test_a_class_is_taught_an_hour(chromium: Any, guide_address: str) -> None:
    """Present, predict, tally, run, share: the teacher in one browser, a student in another."""
    with browser.pages(chromium) as opening:
        teacher = opening(guide_address + "teach/hour-6/")
        teacher.get_by_role("button", name="Present").click()
        status = teacher.locator(".present-bar [role=status]")
        assert status.inner_text() == "1 of 5"
        teacher.keyboard.press("PageDown")
        slide(teacher, "One draw after the other")
        teacher.locator("mg-count-names[data-ready]").wait_for()
        assert teacher.locator(".for-teacher:visible").count() == 0
        teacher.keyboard.press("PageDown")
        slide(teacher, "Bold or careful")
        teacher.locator("mg-temperature[data-ready]").wait_for()
        assert teacher.locator("mg-count-names").count() == 0
        asked = teacher.locator("mg-predict[name=temperature]")
        asked.get_by_role("button", name="Just show me").click()
        teacher.keyboard.press("PageDown")  # though a button has the focus
        slide(teacher, "The complete picture")
        teacher.keyboard.press("PageUp")
        slide(teacher, "Bold or careful")
        assert status.inner_text() == "3 of 5"

        student = opening(guide_address + "teach/guess/")
        browser.settled(student)
        student.context.set_offline(True)  # the Wi-Fi fails: all that a guess needs is there
        guess = student.locator("mg-predict[name=temperature]")
        guess.scroll_into_view_if_needed()
        guess.get_by_role("button", name="0.492").click()
        given = guess.locator(".mg-for-class code")
        given.wait_for()
        made = given.inner_text()
        assert made == code("temperature", "C", made.split("-")[2])
        square = qr_reader.from_path(guess.locator(".mg-for-class path").get_attribute("d"))
        assert qr_reader.read(square) == made
        assert not guess.locator("[data-explain]").is_visible()
        assert guess.locator(".mg-tag").count() == 0
        guess.get_by_role("button", name="0.576").click(force=True)
        assert given.inner_text() == made, "one guess is taken"
        guess.get_by_role("button", name="Show the answer").click()
        assert guess.locator("[data-explain]").is_visible()
        number = student.locator("mg-predict[name=training]")
        number.scroll_into_view_if_needed()
        number.locator("input").fill("-0.5")
        number.locator("input").press("Enter")
        number.locator(".mg-for-class code").wait_for()
        assert number.locator(".mg-for-class code").inner_text().startswith("TRAINING-M0.5-")

        counting = opening(guide_address + "teach/tally/", script=CAMERA)
        tally = counting.locator("mg-class-tally")
        tally.locator(".tally-row").first.wait_for()
        said = tally.locator(".mg-side [role=status]")
        mark = made.split("-")[2]
        others = [code("temperature", "D", f"B{i}C{j}D") for i in range(2, 8) for j in range(2, 9)]
        chat = "\n".join(
            f"{name}: {one}"
            for name, one in [
                ("Ada", made.lower().replace("-", " ")), ("Ben", made),
                ("Cem", code("temperature", "A", mark)), ("Dan", made[:-1] + "x"),
                ("Eva", made.replace("-C-", "-B-")), *[("?", one) for one in others],
            ]
        )  # fmt: skip
        tally.get_by_role("textbox").fill(chat)
        tally.get_by_role("button", name="Count").click()
        words = said.inner_text()
        assert words.startswith("43 of 47 counted."), words
        assert "1 had come before" in words and f"({mark}): its first guess counts" in words
        assert "check digits don't fit" in words
        counts = tally.locator(".tally-count")
        assert counts.all_inner_texts() == ["0", "0", "1", "42"]
        tally.get_by_role("button", name="Camera").click()
        counting.evaluate("code => held.push(code)", code("temperature", "B", "Z9Z9Z"))
        tally.get_by_text("1 of 1 counted").wait_for()
        assert counts.all_inner_texts() == ["0", "1", "1", "42"]
        tally.get_by_role("button", name="Camera").click()
        counting.reload()
        tally.locator(".tally-row").first.wait_for()
        assert counts.all_inner_texts() == ["0", "1", "1", "42"]
        assert tally.locator("[data-right]").count() == 0
        tally.get_by_role("button", name="Show the answer").click()
        tally.get_by_text("42 of 44 said so").wait_for()
        assert tally.locator("[data-right] b").inner_text() == "D"
        tally.locator(".mg-more > summary").click()
        with counting.expect_download() as saved:
            tally.get_by_role("button", name="Save as CSV").click()
        lines = Path(saved.value.path()).read_text(encoding="utf-8").split()
        assert lines[:4] == [
            "question,guess,browser,fate,right", f"temperature,C,{mark},counted,no",
            f"temperature,C,{mark},again,no", f"temperature,A,{mark},changed,no",
        ]  # fmt: skip

        student.context.set_offline(False)
        # The student runs something, and shares it: the teacher's browser comes to the same loss.
        student.goto(guide_address + "learn/toy/")
        student.get_by_role("button", name="Step: one example").click()
        loss = "trained: mean loss 1.2274 over 9 examples, after 1 single step"
        student.locator("mg-toy-training .mg-summary").get_by_text(loss).wait_for()
        in_address(student, "did:")
        teacher.goto(student.url)
        teacher.locator("mg-toy-training .mg-summary").get_by_text("untrained").wait_for()
        teacher.get_by_role("button", name="Train it like that").click()
        teacher.locator("mg-toy-training .mg-summary").get_by_text(loss).wait_for()


def stated() -> list[tuple[str, str, str]]:
    """Page, name and state of each figure that an hour shows or links to in a state."""
    found = []
    for page in sorted((GUIDE / "pages" / "teach").glob("hour-*.md")):
        text = page.read_text(encoding="utf-8")
        found += re.findall(r'href="\.\./(learn/[a-z-]+)/#\?([a-z-]+)=([^"]+)"', text)
        found += re.findall(r"^@show (\S+) \S+ ([a-z-]+)=(\S+)$", text, re.M)
    return found


# Brings figures onto one page as a slide does; what each says once it is ready.
BROUGHT = """async (asked) => {
  const { Slides } = await import(new URL("../../js/site/slides.js", location));
  const main = document.querySelector("main");
  const slides = new Slides(main);
  const said = [];
  for (const [where, name, state] of asked) {
    const line = Object.assign(document.createElement("p"), { className: "show" });
    const link = document.createElement("a");
    link.href = `../../${where}/#?${name}=${state}`;
    link.dataset.show = `mg-${name}`;
    line.append(link);
    main.prepend(line);
    await slides.show([line]);
    const figure = line.nextElementSibling;
    while (!figure.matches("[data-ready]")) await new Promise(requestAnimationFrame);
    said.push([figure.localName, location.hash.length > 0, figure.textContent]);
  }
  return said;
}"""


@pytest.mark.slow
def test_figures_know_the_states_that_the_hours_ask_for(chromium: Any, guide_address: str) -> None:
    asked = stated()
    assert len(asked) >= 7
    with browser.pages(chromium) as opening:
        page = opening(guide_address + "teach/hour-1/")
        for (_, name, state), (shown, has_state, text) in zip(
            asked, page.evaluate(BROUGHT, asked), strict=True
        ):
            assert shown == f"mg-{name}" and has_state
            assert "could not be read" not in text, (name, state)
