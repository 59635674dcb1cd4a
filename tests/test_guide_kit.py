"""The figure kit in real Chromium, by keyboard, mouse and touch, under the pages' policy."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

import browser
from chromium_runner import served

pytestmark = pytest.mark.slow

PAGE = "guide/js/kit/demo.html"
ON_PURPOSE = re.compile(r"on purpose|neither a list nor a number|favicon|404")

# Text whose contrast with what is behind it is below 4.5, as (contrast, text).
FAINT = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = c.map((x) => x / 255)
      .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    const box = element.closest(".mg-node")?.querySelector(".mg-node-box");
    if (box) return rgb(getComputedStyle(box).fill);
    for (let at = element; at; at = at.parentElement) {
      const c = rgb(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest("style, script")) continue;
    const style = getComputedStyle(element);
    const ink = rgb(element instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const c = contrast(ink, ground(element));
    if (c < 4.5) found.push([c.toFixed(2), text.slice(0, 40), element.getAttribute("class")]);
  }
  return found;
}"""

# Things to press that are smaller than 44 px, links in the text left out.
SMALL = """() => [...document.querySelectorAll("main :is(button, input, select, summary)")]
  .filter((e) => e.checkVisibility())
  .map((e) => [e.getBoundingClientRect(), e.outerHTML.slice(0, 80)])
  .filter(([box]) => box.height < 43.9 || box.width < 43.9)
  .map(([box, text]) => `${box.width} x ${box.height}: ${text}`)"""

# What can be reached and has no name.
NAMELESS = """() => [...document.querySelectorAll("main :is(button, input, select, [tabindex])")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !(e.getAttribute("aria-label") || e.labels?.length || e.textContent.trim()))
  .map((e) => e.outerHTML.slice(0, 100))"""


def cell_at(page: Any, heat: str, row: str, column: str) -> dict[str, float]:
    """The middle of a cell within the grid's picture, by the labels of its row and column."""
    picture = page.locator(f"{heat} svg").bounding_box()
    label = {
        name: page.locator(f"{heat} .mg-label").get_by_text(name, exact=True).bounding_box()
        for name in (row, column)
    }
    return {
        "x": label[column]["x"] + label[column]["width"] / 2 - picture["x"],
        "y": label[row]["y"] + label[row]["height"] / 2 - picture["y"],
    }


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with served() as (address, _):
        yield address


def opened(chromium: Any, site: str, hash_: str = "", **options: Any) -> Any:
    """The demo page, and in ``page.problems`` what the browser complained about."""
    options = {"viewport": {"width": 1000, "height": 900}, **options}
    page = browser.new_context(chromium, **options).new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on(
        "console",
        lambda line: page.problems.append(line.text) if line.type in ("error", "warning") else None,
    )
    page.goto(f"{site}{PAGE}{hash_}")
    page.wait_for_selector("body[data-done]")
    return page


def complaints(page: Any) -> list[str]:
    return [text for text in page.problems if not ON_PURPOSE.search(text)]


def until(page: Any, true: str) -> None:
    """Waits until an expression holds in the page."""
    browser.until(page, lambda: page.evaluate(f"Boolean({true})"), lambda: true)


def value(page: Any, id_: str) -> float:
    return float(page.evaluate(f"document.getElementById('{id_}').value"))


def test_number_by_keyboard(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    field = page.locator("#w input")
    field.focus()
    for key, expected in [
        ("ArrowUp", 1.6), ("Shift+ArrowUp", 2.6), ("ArrowDown", 2.5), ("PageUp", 3.0),
        ("Home", -3.0), ("End", 3.0),
    ]:  # fmt: skip
        page.keyboard.press(key)
        assert value(page, "w") == expected, key
    assert field.get_attribute("aria-valuenow") == "3"
    assert "a = ReLU(z) = 5.00" in page.inner_text("#neuron")
    for typed, expected in [("-0.75", -0.75), ("1,5", 1.5), ("99", 3.0), ("two", 3.0)]:
        field.fill(typed)
        page.keyboard.press("Enter")
        assert value(page, "w") == expected, typed
    assert "“two” is not a number" in page.inner_text("#w [role=alert]")
    assert field.get_attribute("aria-invalid") is not None
    field.fill("7.7")
    page.keyboard.press("Escape")
    assert value(page, "w") == 3.0
    field.dblclick()
    assert value(page, "w") == 1.5
    assert page.inner_text("#w [role=alert]") == ""
    assert not complaints(page)


def test_number_is_dragged(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    for id_, away, expected in [("w", 50, 2.5), ("free", 24, 0.0)]:
        box = page.locator(f"#{id_} input").bounding_box()
        x, y = box["x"] + 20, box["y"] + 20
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + away / 2, y, steps=4)
        page.mouse.move(x + away, y, steps=4)
        page.mouse.up()
        assert value(page, id_) == expected
    page.locator("#slide .mg-range").focus()
    page.keyboard.press("ArrowRight")
    assert value(page, "slide") == 2.1
    assert not complaints(page)


def test_heat(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    grid = page.locator("#toy svg")
    readout = page.locator("#toy .mg-readout")
    assert "2 × 2 numbers from −0.40 to 0.50" in readout.inner_text()
    grid.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert "row q1, column x1: −0.40" in readout.inner_text()
    active = grid.get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-label") == "row q1, column x1: −0.40"
    page.keyboard.press("Home")
    assert "row q1, column x0: 0.10" in readout.inner_text()
    page.locator("#wte svg").hover(position=cell_at(page, "#wte", "a", "0"))
    assert "row a, column 0" in page.inner_text("#wte .mg-readout")
    assert page.locator("#wte .mg-label.mg-lit").text_content() == "a"
    wide = "[...document.querySelectorAll('#wte .mg-heat-lit')].map((e) => e.getBBox().width)"
    row, cell = page.evaluate(wide)
    assert row > 15 * cell, "the whole row is framed, and the cell"
    page.locator("#wte svg").hover(position={"x": 2, "y": 2})
    assert page.locator("#wte .mg-heat-lit").count() == 0
    page.locator("#toy summary").click()
    page.locator("#toy td").first.wait_for()
    assert page.locator("#toy td").all_text_contents() == ["0.50", "0.20", "0.10", "−0.40"]
    page.evaluate("document.getElementById('toy').data = { values: [[1, NaN]] }")
    grid.focus()
    page.keyboard.press("End")
    assert "row 0, column 1: not a number" in readout.inner_text()
    assert page.locator("#toy [role=gridcell]").get_attribute("aria-colindex") == "2"
    assert not complaints(page)


def test_graph_and_stepper(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    name = page.locator("#steps .mg-step-name")
    assert name.inner_text() == "1/11 Nothing yet"
    page.get_by_role("button", name="One step on").click()
    assert name.inner_text() == "2/11 The result's own gradient is 1"
    assert page.locator(".mg-node[data-state=lit]").count() == 1
    page.locator("#steps .mg-range").focus()
    page.keyboard.press("End")
    assert name.inner_text().startswith("11/11")
    assert page.locator(".mg-node[data-state=waiting]").count() == 0
    grads = [text for text in page.locator(".mg-node-grad").all_text_contents() if text]
    assert "grad −18.00" in grads
    assert grads.count("grad −6.00") == 5  # w·x, b, their sum, −y and the difference
    page.get_by_role("button", name="Play").click()  # begins again, at 40 ms a step
    until(page, "document.getElementById('steps').at === 10")
    page.wait_for_selector("#steps button[aria-label=Play]")
    page.get_by_role("button", name="To the start").click()
    assert name.inner_text() == "1/11 Nothing yet"
    page.locator(".mg-node").first.focus()
    assert "w: 2.00" in page.inner_text("#graph .mg-readout")
    page.keyboard.press("ArrowRight")
    assert "made from w (local gradient 3.00)" in page.inner_text("#graph .mg-readout")
    page.keyboard.press("End")
    assert "**2: 9.00" in page.inner_text("#graph .mg-readout")
    assert page.locator("#graph [tabindex='0'].mg-node").count() == 1
    page.locator("#graph summary").click()
    page.locator("#graph td").first.wait_for()
    assert page.locator("#graph tbody tr").count() == 10
    page.evaluate("""() => {
      const nodes = Array.from({ length: 200 }, (_, id) => ({ id, data: id }));
      document.getElementById('graph').data = { nodes, edges: [] };
    }""")
    assert "200 nodes: too many to draw" in page.inner_text("#graph .mg-readout")
    assert not complaints(page)


def test_linked_highlighting(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    lit = page.locator(".mg-lit")
    code = page.locator("code[data-link=w]")
    code.hover()
    assert lit.count() == 2  # the code and the node
    page.mouse.move(0, 0)
    assert lit.count() == 0
    page.locator("code[data-link='b x']").focus()
    assert lit.count() == 3
    page.keyboard.press("Enter")
    page.evaluate("document.activeElement.blur()")
    assert lit.count() == 3, "Enter pins"
    page.keyboard.press("Escape")
    assert lit.count() == 0
    code.click()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    assert lit.count() == 2, "a click pins"
    page.locator("h1").click()
    assert lit.count() == 0
    assert not complaints(page)


def test_curve(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    readout = page.locator("#curve .mg-readout")
    assert readout.inner_text() == "step 1,000: loss of one name 2.650, mean of the last 100 2.276"
    assert "axis begins at 1.4" in page.inner_text("#curve .mg-note")
    assert "blind guessing 3.296" in page.text_content("#curve svg.mg-plot")
    track = page.locator("#curve .mg-range")
    track.focus()
    page.keyboard.press("Home")
    assert readout.inner_text().startswith("step 1: loss of one name 3.366")
    page.locator("#curve svg.mg-plot").scroll_into_view_if_needed()
    box = page.locator("#curve svg.mg-plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    assert 400 < page.evaluate("document.getElementById('curve').marker") < 600
    key = page.get_by_role("button", name="loss of one name")
    key.focus()
    page.keyboard.press("Space")
    assert key.get_attribute("aria-pressed") == "false"
    assert "loss of one name" not in readout.inner_text()
    assert page.evaluate("document.activeElement.textContent") == "loss of one name"
    page.locator("#curve summary").click()
    page.locator("#curve td").first.wait_for()
    assert page.locator("#curve tbody tr").count() == 201
    page.evaluate("document.getElementById('curve').series = []")
    assert readout.inner_text() == "There are no numbers yet."
    assert not complaints(page)


def test_predict(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    why = page.locator("#choice [data-explain]")
    assert not why.is_visible()
    page.locator("#choice").get_by_role("button", name="1 nat").click()
    assert why.is_visible()
    assert page.inner_text("#choice .mg-said") == "That isn't it."
    assert page.locator("#choice .mg-tag").all_text_contents() == ["your guess", "✓ the answer"]
    page.locator("#choice").get_by_role("button", name="0 nats").click(force=True)
    assert page.locator("#choice [aria-pressed=true]").count() == 1, "one guess is taken"
    field = page.locator("#guess input")
    field.fill("lots")
    page.keyboard.press("Enter")
    assert "A number is asked for" in page.inner_text("#guess .mg-said")
    field.fill("2.5")
    page.keyboard.press("Enter")
    assert page.inner_text("#guess .mg-said") == "It is 3.30 nats: your guess was 0.80 too low."
    other = opened(chromium, site)
    other.emulate_media(media="print")  # question, choices, answer and explanation
    assert "0 nats" in other.inner_text("#choice .mg-printed")
    assert other.locator("#choice .mg-printed [data-answer]").count() == 1
    assert other.inner_text("#guess .mg-printed") == "Answer: 3.30 nats"
    for name in ("choice", "guess"):
        assert other.locator(f"#{name} [data-explain]").is_visible()
        assert not other.locator(f"#{name} .mg-choices").is_visible()
    printed = other.inner_text("#exercise .mg-printed")
    assert printed.startswith("Answer\n") and len(printed) > 20
    assert not other.locator("#exercise form").is_visible()
    other.emulate_media(media="screen")
    assert not other.locator(".mg-printed").first.is_visible()
    other.locator("#guess").get_by_role("button", name="Just show me").click()
    assert other.inner_text("#guess .mg-said") == "It is 3.30 nats."
    assert other.locator("#guess [data-explain]").is_visible()
    assert not complaints(page)


def test_exercise_and_its_progress(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    field = page.locator("#exercise input")
    said = page.locator("#exercise .mg-said")
    for typed, words in [
        ("", "Type an answer first."), ("many", "A number is asked for"),
        ("2,480", "another model"), ("5", "Not yet"), ("3,184", "432 + 1,024 + 1,728."),
    ]:  # fmt: skip
        field.fill(typed)
        page.keyboard.press("Enter")
        assert words in said.inner_text(), typed
    assert said.inner_text().startswith("✓ Right.")
    page.reload()
    page.wait_for_selector("body[data-done]")
    assert "Solved before." in said.inner_text()
    assert field.input_value() == "3,184"
    page.get_by_role("button", name="Try it again").click()
    assert field.input_value() == ""
    assert not complaints(page)


def test_exercise_without_storage(chromium: Any, site: str) -> None:
    page = browser.new_context(chromium).new_page()
    page.add_init_script("""
      Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
    """)
    page.goto(f"{site}{PAGE}")
    page.wait_for_selector("body[data-done]")
    page.locator("#vector input").fill("0.67 0.24 0.09")
    page.keyboard.press("Enter")
    said = page.inner_text("#vector .mg-said")
    assert "Right." in said
    assert "keeps no progress here" in said


def test_state_in_the_address(chromium: Any, site: str) -> None:
    page = opened(chromium, site, "#numbers?demo=q:0.5,seed:7&other=x:1")
    assert value(page, "q") == 0.5
    page.locator("#q input").focus()
    page.keyboard.press("ArrowUp")
    until(page, "location.hash.includes('q:0.51')")
    assert page.evaluate("location.hash") == "#numbers?demo=q:0.51,seed:7&other=x:1"
    page.evaluate("location.hash = '#numbers?demo=q:-1'")
    until(page, "document.getElementById('q').value === -1")
    page.get_by_role("button", name="Copy link").click()
    until(page, "document.querySelector('.mg-copy [role=status]').textContent !== ''")
    assert page.locator("#state .mg-note").is_hidden()
    assert opened(chromium, site, "#?hide=x").locator("#slide").is_hidden()
    damaged = opened(chromium, site, "#numbers?demo=q:9,seed:%zz,what:1")
    assert value(damaged, "q") == -0.22
    note = damaged.inner_text("#state .mg-note")
    assert (
        note == "This link could not be read in full (q, seed, what): the rest is as it was sent."
    )
    assert not complaints(page) + complaints(damaged)


def test_a_failure_stays_in_its_place(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    bad = page.locator("#bad")
    assert "The text of a figure that fails." in bad.inner_text()
    assert "This figure has stopped." in bad.inner_text()
    assert "A question whose author forgot the answer." in page.inner_text("#broken")
    assert page.locator("#w input").is_visible()
    bad.get_by_role("button", name="Start again").click()
    assert bad.inner_text() == "It works the second time."
    # A failure later on, in an event: the text comes back, the others go on.
    bad_graph = "{ nodes: [{ id: 0 }], edges: [{ from: 0, to: 9 }] }"
    page.evaluate(f"document.getElementById('graph').data = {bad_graph}")
    assert page.inner_text("#graph").startswith("L is 9.")
    assert "This figure has stopped." in page.inner_text("#graph")
    page.locator("#w input").focus()
    page.keyboard.press("ArrowUp")
    assert value(page, "w") == 1.6


def test_elements_come_go_and_move(chromium: Any, site: str) -> None:
    page = opened(chromium, site)
    page.evaluate("document.querySelector('h1').after(document.getElementById('curve'))")
    page.evaluate("new Promise((resolve) => setTimeout(resolve))")  # all microtasks are over
    assert page.locator("#curve svg.mg-plot path").count() > 1, "a move leaves it as it is"
    text = page.evaluate("""async () => {
      const curve = document.getElementById('curve');
      curve.remove();
      await new Promise((resolve) => setTimeout(resolve));
      return curve.textContent;
    }""")
    assert text == "The loss falls from 3.37 to about 2.3."
    late = page.evaluate("""() => {
      const made = document.createElement('mg-number');
      made.value = 0.25;
      made.setAttribute('label', 'late');
      document.querySelector('main').append(made);
      return made.value;
    }""")
    assert late == 0.25
    assert not complaints(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_readable_and_reachable(chromium: Any, site: str, scheme: str, width: int) -> None:
    page = opened(
        chromium, site, color_scheme=scheme, viewport={"width": width, "height": 800},
        has_touch=width == 360, reduced_motion="reduce",
    )  # fmt: skip
    page.locator("#steps .mg-range").focus()
    page.keyboard.press("End")
    page.locator("#exercise input").fill("5")
    page.keyboard.press("Enter")
    page.locator("#vector input").fill("0.67 0.24 0.09")
    page.keyboard.press("Enter")
    page.locator("#choice .mg-choice").first.click()
    page.locator("#w input").fill("two")
    page.keyboard.press("Enter")
    assert page.evaluate(FAINT) == []
    assert page.evaluate(SMALL) == []
    assert page.evaluate(NAMELESS) == []
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "the page scrolls sideways"
    if width == 360:
        page.locator("#wte svg").tap(position=cell_at(page, "#wte", "a", "5"))
        assert "row a, column 5" in page.inner_text("#wte .mg-readout")


def test_theme_is_followed(chromium: Any, site: str) -> None:
    page = opened(chromium, site, color_scheme="light", reduced_motion="reduce")
    spot = cell_at(page, "#toy", "q0", "x0")
    canvas = "document.querySelector('#toy canvas').getContext('2d')"
    painted = f"{canvas}.getImageData({spot['x'] - 24}, {spot['y'] - 12}, 1, 1).data.join()"
    before = page.evaluate(painted)
    page.emulate_media(color_scheme="dark")
    until(page, f"{painted} !== '{before}'")
    assert page.evaluate(FAINT) == []


def test_without_scripts(chromium: Any, site: str) -> None:
    page = browser.new_context(chromium, java_script_enabled=False).new_page()
    page.goto(f"{site}{PAGE}")
    text = page.inner_text("main")
    for words in ("w = 1.5", "The loss falls from 3.37", "about 3.3 nats", "−ln(1/27)", "Answer"):
        assert words in text
    assert "another model" not in text, "answers to mistakes are for those who make them"
