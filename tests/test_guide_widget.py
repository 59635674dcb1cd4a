"""The base of widgets in a browser, by the widget that guide/notes/writing.md shows."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import browser
from guide_pages import in_address, reset, told, typed

ROOT = Path(__file__).resolve().parent.parent
SHOWN = (ROOT / "guide" / "notes" / "writing.md").read_text(encoding="utf-8")

# One of each control, on the same base.
CONTROLS = """
import { InputError } from "../js/errors.js";
import { define } from "../js/kit/element.js";
import { html } from "../js/kit/dom.js";
import { choiceField, flagField, numberField, textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { Widget } from "../js/kit/widget.js";

class MgControls extends Widget {
  loaded = "";
  said = html("p", { class: "mg-said" });

  async load() {
    await 0;
    if (this.hasAttribute("broken")) throw new InputError("There is no list.", "Bring one.");
    this.loaded = "yes";
    this.fields = {
      x: numberField(1, 0, 5), n: wholeField(2, 0, 9), name: textField("ann", 9),
      op: choiceField("add", ["add", "mul"]), token: wholeField(0, 0, 2),
      later: flagField(false), at: wholeField(0, 0, 2),
    };
  }

  build() {
    const read = (typed) => {
      const text = typed.trim().toLowerCase();
      if (/[^a-z]/.test(text)) throw new InputError(`“${text}” has more than letters.`, "Mend it.");
      return text;
    };
    this.steps = this.stepper("at", { label: "Steps" });
    return [
      this.knob("x", { label: "x", step: 0.5 }), this.knob("n", { label: "n" }),
      ...this.text("name", { label: "Name", read, also: (text) => ({ n: text.length }) }),
      this.menu("op", { label: "Do", options: { add: "plus", mul: { title: "times" } } }),
      this.choices("token", "Token", ["a", "b", "c"]),
      this.toggle("later", "Later ones"), this.steps,
      this.button("Halve", () => this.set({ x: this.values.x / 2 })), null, this.said,
    ];
  }

  show() {
    this.steps.steps = ["one", "two", "three"];
    const { x, n, name, op, token, later, at } = this.values;
    this.said.textContent = [this.loaded, x, n, name, op, token, later, at].join(" ");
  }
}
define("mg-controls", MgControls);
"""


def example() -> str:
    """The widget that writing.md shows."""
    (code,) = re.findall(r"### A widget in twenty lines\n.*?```js\n(.*?)```", SHOWN, re.S)
    return str(code)


@pytest.fixture
def with_widget(guide_address: str, chromium: Any) -> Any:
    """Opens the page about the guide with a module of ours as one of its widgets."""
    with browser.pages(chromium) as opening:

        def opening_with(source: str, tag: str, hash_: str = "") -> Any:
            page = opening(f"{guide_address}about/{hash_}")
            body = {"body": source, "content_type": "text/javascript"}
            page.route("**/widgets/made-here.js", lambda route: route.fulfill(**body))
            page.evaluate(
                """([tag, address]) => {
                  document.querySelector("main").insertAdjacentHTML("afterbegin", tag);
                  return import(address);
                }""",
                [tag, f"{guide_address}widgets/made-here.js"],
            )
            return page

        yield opening_with


def test_it_is_twenty_lines() -> None:
    lines = [line for line in example().splitlines() if line and not line.startswith("//")]
    assert len(lines) <= 20
    assert max(map(len, example().splitlines())) <= 100


@pytest.mark.slow
def test_the_widget_in_twenty_lines(with_widget: Callable[..., Any]) -> None:
    tag = "<mg-two-scores data-figure>text</mg-two-scores>"
    page = with_widget(example(), tag, "#?two-scores=z:2_1")
    told(page, "mg-two-scores", "The first gets 0.73, the second 0.27.")
    widget = page.locator("mg-two-scores")
    typed(page, widget, "second", 2)
    told(page, "mg-two-scores", "The first gets 0.50")
    in_address(page, "two-scores=z:2_2")
    reset(page, "mg-two-scores")
    told(page, "mg-two-scores", "The first gets 0.73, the second 0.27.")
    browser.until(page, lambda: "two-scores" not in page.url, lambda: page.url)
    assert widget.get_by_label("first", exact=True).input_value() == "1.0"
    page.evaluate("location.hash = '?two-scores=z:0_3'")
    told(page, "mg-two-scores", "The first gets 0.05")
    assert widget.get_by_label("second", exact=True).input_value() == "3.0"


@pytest.mark.slow
def test_controls_and_state_follow_each_other(with_widget: Callable[..., Any]) -> None:
    tag = "<mg-controls data-figure><p>While it loads.</p></mg-controls>"
    page = with_widget(CONTROLS, tag, "#?hide=later&controls=name:%E2%98%83,op:mul")
    widget = page.locator("mg-controls")
    said = widget.locator(".mg-said")

    def says(words: str) -> None:
        browser.until(page, lambda: said.inner_text() == words, lambda: said.inner_text())

    says("yes 1 2 ann mul 0 false 0")  # what nobody could have typed isn't taken from a link
    assert not widget.get_by_role("button", name="Later ones").is_visible()
    typed(page, widget, "x", "4.5")
    typed(page, widget, "n", "7.4")
    says("yes 4.5 7 ann mul 0 false 0")
    name = widget.get_by_label("Name")
    name.fill("Bob")
    says("yes 4.5 3 bob mul 0 false 0")
    name.fill("b2")
    widget.get_by_text("“b2” has more than letters.").wait_for()
    says("yes 4.5 3 bob mul 0 false 0")
    widget.get_by_label("Do").select_option("plus")
    widget.get_by_role("button", name="c", exact=True).click()
    widget.get_by_role("button", name="One step on").click()
    widget.get_by_role("button", name="Halve").click()
    says("yes 2.25 3 bob add 2 false 1")
    assert name.input_value() == "bob" and not widget.get_by_text("more than letters").count()
    pressed = widget.get_by_role("button", pressed=True)
    assert pressed.all_inner_texts() == ["c"]
    reset(page, "mg-controls")
    says("yes 1 2 ann add 0 false 0")
    assert widget.get_by_label("Do").input_value() == "add"
    # Away and back: listeners are there once.
    page.evaluate(
        """() => {
          const widget = document.querySelector("mg-controls");
          const { parentNode, nextSibling } = widget;
          widget.remove();
          return new Promise((resolve) => setTimeout(resolve)).then(() =>
            parentNode.insertBefore(widget, nextSibling));
        }"""
    )
    widget.get_by_role("button", name="Halve").click()
    says("yes 0.5 2 ann add 0 false 0")


@pytest.mark.slow
def test_what_can_not_be_loaded_is_said(with_widget: Callable[..., Any]) -> None:
    page = with_widget(CONTROLS, "<mg-controls broken><p>The text.</p></mg-controls>")
    widget = page.locator("mg-controls[data-failed]")
    assert "There is no list. Bring one." in widget.inner_text()
    assert "The text." in widget.inner_text()
