"""The guide's pages from the derivative to training: their numbers, their code, their widgets."""

import contextlib
import io
import math
import re
import sys
from typing import Any

import pytest

from guide_pages import ROOT, in_address, number, page_text, reset, rows, says_in_the_tags, told
from microgpt.autograd import Value, topological_order

NAMES = ["value", "backward", "derivative", "chain-rule", "gradient-descent", "graph", "training"]


# ---------------------------------------------------------------- numbers and code on the pages


def examples() -> list[tuple[str, str]]:
    """Code on the page about Values, each with the output that stands below it."""
    found = re.findall(r"```python\n(.*?)```\s*```text\n(.*?)```", page_text("value"), re.S)
    assert len(found) == 2
    return [(code, output) for code, output in found]


def printed(code: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "value.md", "exec"), {})
    return out.getvalue()


def test_the_package_prints_what_the_page_says() -> None:
    code, output = examples()[0]
    assert printed(code) == output == "L 8.0 a.grad 4.0 b.grad 2.0\n"


@pytest.mark.torch
def test_torch_prints_what_the_page_says() -> None:
    code, output = examples()[1]
    assert printed(code) == output == examples()[0][1]


def test_descent_on_the_page_is_computed() -> None:
    w, b = Value(2.0), Value(1.0)
    for steps, prediction, loss in rows("gradient-descent")[2:]:
        guess = w * 3 + b
        error = (guess - 10) ** 2
        error.backward()
        if steps == "0":
            assert (w.grad, b.grad) == (-18, -6)
        assert guess.data == pytest.approx(number(prediction), abs=1e-9)
        assert error.data == pytest.approx(number(loss), abs=5e-5)
        w, b = Value(w.data - 0.02 * w.grad), Value(b.data - 0.02 * b.grad)


def test_slopes_on_the_page_are_computed() -> None:
    def loss(p: float) -> float:
        return math.log(1 + math.exp(-p))

    exact = -1 / (1 + math.exp(-1))
    assert f"{-exact:.6f}" in page_text("derivative")
    for cell, slope, off in rows("derivative")[2:6]:
        epsilon = number(cell)
        measured = (loss(-1 + epsilon) - loss(-1 - epsilon)) / (2 * epsilon)
        assert measured == pytest.approx(number(slope), abs=5e-7)
        if abs(number(off)) > 1e-10:
            assert measured - exact == pytest.approx(number(off), rel=0.06)
        else:
            assert abs(measured - exact) < 1e-10


def test_first_losses_on_the_page_are_the_published_ones() -> None:
    first = {cells[0]: cells[1] for cells in rows("training") if len(cells) == 2}
    losses = [first[str(step)] for step in range(1, 7)]
    assert losses == ["3.3660", "3.4243", "3.1778", "3.0664", "3.2209", "2.9452"]
    assert f"{math.log(27):.4f}" == "3.2958"
    assert f"{math.exp(-2.367):.3f}" in page_text("training")
    assert round(math.exp(2.367)) == 11


@pytest.mark.slow
@pytest.mark.parametrize("rung", [2, 5])
def test_the_size_of_the_graphs_is_counted(rung: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ROOT / "ladder" / f"train{rung}.py"
    source = path.read_text(encoding="utf-8").split("\nfor step in range", 1)[0]
    source = source.replace("gc.disable()", "pass")
    monkeypatch.setattr(sys, "argv", [str(path)])
    names: dict[str, Any] = {"__file__": str(path), "__name__": "rung"}
    exec(compile(source, str(path), "exec"), names)
    name = names["docs"][0]
    letters = [names["chars"].index(letter) for letter in name]
    loss = names["loss_of"]([names["BOS"], *letters, names["BOS"]])
    order = topological_order(loss)
    ids = {id(node) for node in order}
    reached = sum(id(parameter) in ids for parameter in names["params"])
    edges = sum(len(node.children) for node in order)
    assert name == "yuheng"
    column = rows("graph")[0].index(f"rung {rung}")
    assert [cells[column] for cells in rows("graph")[2:]] == [
        f"{len(order):,}",
        f"{edges:,}",
        f"{reached:,} of {len(names['params']):,}",
    ]


def test_the_graph_that_a_page_begins_with() -> None:
    text = page_text("graph")
    assert 'expression="a*b + a"' in text and "with a = 1 and b = 2" in text
    a, b = Value(1.0), Value(2.0)
    c = a * b
    loss = c + a
    loss.backward()
    assert f"c = a · b = {c.data:g}, L = c + a = {loss.data:g}" in text
    first, second = (f"{x:g}" for x in c.local_grads)
    assert f"{first} and {second} below the product, 1 and 1 below the sum" in text
    assert f"a gradient of {a.grad:g} for a and of {b.grad:g} for b" in text


def test_pages_say_in_the_tag_what_the_widget_shows() -> None:
    for name in NAMES:
        says_in_the_tags(name)
        assert "## So far" in page_text(name)
    for module in ("js/figures/gradients/backprop.js", "widgets/backprop.js"):
        text = (ROOT / "guide" / module).read_text(encoding="utf-8")
        assert not re.search(r"\beval\b|\bFunction\(|innerHTML", text)


# ---------------------------------------------------------------- widgets in the browser


def grads(page: Any, element: str) -> list[str]:
    return [t for t in page.locator(f"{element} .mg-node-grad").all_text_contents() if t]


@pytest.mark.slow
def test_backprop_by_mouse(opened: Any) -> None:
    page = opened("backward", "mg-backprop")
    told(page, "mg-backprop", "L = 8.")
    assert grads(page, "mg-backprop") == []
    for tab, expected in (
        ("L = a + b", ["grad 1.00", "grad 1.00", "grad 1.00"]),
        ("L = a · b", ["grad 3.00", "grad 2.00", "grad 1.00"]),
        ("c = a · b", ["grad 4.00", "grad 2.00", "grad 1.00", "grad 1.00"]),
        ("(w · x", None),
    ):
        page.locator("mg-backprop [data-shape]", has_text=tab).click()
        page.locator("mg-backprop mg-stepper .mg-range").focus()
        page.keyboard.press("End")
        if expected:
            assert grads(page, "mg-backprop") == expected
    told(page, "mg-backprop", "w −18, x −12, b −6")
    page.locator("mg-backprop .mg-more > summary").click()
    outcome = page.locator("mg-backprop .backprop-nudge .mg-readout")
    assert "L moves by −1.710000" in outcome.inner_text()
    assert "−18 × 0.100 = −1.800000" in outcome.inner_text()
    by = page.locator("mg-backprop .backprop-nudge mg-number input[role=spinbutton]")
    by.fill("0.001")
    page.keyboard.press("Enter")
    assert "= −0.018000" in outcome.inner_text()
    in_address(page, "by:0.001")
    in_address(page, "shape:loss")
    again = opened("backward", "mg-backprop", "#?backprop=shape:loss,at:25,by:0.001")
    told(again, "mg-backprop", "w −18")


@pytest.mark.slow
def test_own_expression_by_keyboard(opened: Any) -> None:
    page = opened("graph", "mg-backprop")
    told(page, "mg-backprop", "Stage 1 of")
    field = page.locator("mg-backprop .backprop-field")
    said = page.locator("mg-backprop .backprop-said")
    for typed, words, marked in (
        ("a + * b", "Something is missing before", "*"),
        ("alert(1)", "is not a function", "alert"),
        ("<img src=x>", "Something is missing before", None),
        ("a^2", "Write ** for a power.", "^"),
        ("log(a - 5)", "only numbers above 0", "log"),
    ):
        field.fill(typed)
        if marked is not None:
            page.locator("mg-backprop .backprop-place mark", has_text=marked).wait_for()
            assert words in said.inner_text(), typed
        assert field.get_attribute("aria-invalid") is not None, typed
    assert page.locator("mg-backprop img").count() == 0
    field.fill("a*b + a")
    assert said.inner_text() == "" and field.get_attribute("aria-invalid") is None
    page.locator("mg-backprop .mg-more > summary").click()
    leaf = page.locator("mg-backprop mg-number[data-leaf=b] input")
    leaf.fill("3")
    page.keyboard.press("Enter")
    page.locator("mg-backprop mg-stepper .mg-range").focus()
    page.keyboard.press("End")
    told(page, "mg-backprop", "Gradients: a 4, b 1.")
    field.fill("a*b+" * 99 + "c")
    told(page, "mg-backprop", "Stage 1 of 597.")
    assert page.locator("mg-backprop .mg-node").count() == 201
    # The same nodes stay while a number is dragged: only what they say is new.
    page.evaluate("document.querySelector('mg-backprop .mg-node').dataset.kept = '1'")
    leaf.focus()
    page.keyboard.press("ArrowUp")
    assert page.locator("mg-backprop .mg-node[data-kept]").count() == 1
    assert page.locator("mg-backprop .mg-node-data").nth(1).text_content() == "3.10"


@pytest.mark.slow
def test_value_widgets(opened: Any) -> None:
    page = opened("value", "mg-value-stages")
    told(page, "mg-value-stages", "Stage 1 of 4: c = 6.")
    page.locator("mg-value-stages").get_by_role("button", name="4 + grad").click()
    told(page, "mg-value-stages", "gradients a 3, b 2, c 1")
    page.locator("mg-value").scroll_into_view_if_needed()
    page.locator("mg-value select").select_option("log")
    told(page, "mg-value", "its local gradient is 0.5 for a")
    page.locator("mg-value mg-number input").first.fill("-1")
    page.keyboard.press("Enter")
    told(page, "mg-value", "must be above 0")
    page.locator("mg-value-cards").scroll_into_view_if_needed()
    back = page.locator("mg-value-cards").get_by_role("button", name="One step back")
    back.focus()
    for _ in range(5):
        page.keyboard.press("Enter")
    slots = page.locator("mg-value-cards [data-slot=grad]").all_text_contents()
    assert slots == ["4", "2", "1", "1"]
    page.locator("mg-value-cards").get_by_role("button", name="c: show children").click()
    told(page, "mg-value-cards", "The card c is made from a and b.")


@pytest.mark.slow
def test_neuron_backward_and_exercise(opened: Any) -> None:
    page = opened("backward", "mg-neuron-backward")
    told(page, "mg-neuron-backward", "z = 2, a = 2")
    fields = page.locator("mg-neuron-backward .backprop-answer")
    said = page.locator("mg-neuron-backward .mg-said")
    for answers, words in (
        (("2", "1.5", "1"), "wrong way round"),
        (("1.5", "2", "-1"), "is what b is"),
        (("", "2", "1"), "three numbers"),
        (("1.5", "2", "1"), "All three are right."),
    ):
        for i, answer in enumerate(answers):
            fields.nth(i).fill(answer)
        page.keyboard.press("Enter")
        assert words in said.inner_text(), answers
    page.locator("mg-neuron-backward").get_by_role("button", name="Run backward").click()
    told(page, "mg-neuron-backward", "∂x 1.5, ∂w 2, ∂b 1")
    # Its leaves are dragged sideways, and moved by the keys + and −.
    leaf = page.locator("mg-neuron-backward .mg-node", has_text="−1.00")
    leaf.scroll_into_view_if_needed()
    box = leaf.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 80, y, steps=4)
    page.mouse.up()
    told(page, "mg-neuron-backward", "z = 1, a = 1")
    page.keyboard.press("+")
    told(page, "mg-neuron-backward", "z = 1.1, a = 1.1")
    exercise = page.locator("mg-exercise[name=E5]")
    exercise.scroll_into_view_if_needed()
    exercise.locator("input").fill("2 1.5 1")
    page.keyboard.press("Enter")
    assert "Crosswise" in exercise.locator(".mg-said").inner_text()
    exercise.locator("input").fill("1.5, 2, 1")
    page.keyboard.press("Enter")
    assert "Right." in exercise.locator(".mg-said").inner_text()


@pytest.mark.slow
def test_descent_and_parabola(opened: Any) -> None:
    page = opened("gradient-descent", "mg-descent")
    step = page.locator("mg-descent").get_by_role("button", name="Next step")
    for prediction, loss in (("8.2", "3.2400"), ("8.92", "1.1664"), ("9.352", "0.4199")):
        step.click()
        told(page, "mg-descent", f"prediction {prediction} of 10, loss {loss}")
    assert page.locator("mg-descent .descent-ghost").count() == 3
    reset(page, "mg-descent")
    told(page, "mg-descent", "At the start: prediction 7")
    page.locator("mg-parabola").scroll_into_view_if_needed()
    told(page, "mg-parabola", "p goes to 1.5, loss 1.125")
    page.locator("mg-parabola .plane").scroll_into_view_if_needed()
    box = page.locator("mg-parabola .plane-now").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 120, y, steps=5)
    page.mouse.up()
    place = float(page.evaluate("document.querySelector('mg-parabola mg-number').value"))
    assert 0 < place < 2.5
    page.locator("mg-parabola mg-number input").first.focus()
    page.keyboard.press("ArrowUp")
    after = float(page.evaluate("document.querySelector('mg-parabola mg-number').value"))
    assert after == pytest.approx(place + 0.05)


@pytest.mark.slow
def test_numerical_slope_and_chain(opened: Any) -> None:
    page = opened("derivative", "mg-numerical", has_touch=True)
    told(page, "mg-numerical", "nudging gives −0.716890, exact is −0.731059")
    power = page.locator("mg-numerical mg-number").nth(1).locator("input[role=spinbutton]")
    power.fill("-5")
    page.keyboard.press("Enter")
    told(page, "mg-numerical", "That is as good as it needs to be.")
    page.locator("mg-numerical .plane").tap(position={"x": 300, "y": 100})
    place = float(page.evaluate("document.querySelector('mg-numerical mg-number').value"))
    assert place != -1
    page.locator("mg-numerical select").select_option("relu")
    told(page, "mg-numerical", "exact is ")
    page = opened("chain-rule", "mg-chain")
    told(page, "mg-chain", "the car is 2 × 4 = 8 times as fast as the walker")
    picture = page.locator("mg-chain .chain-picture")
    picture.scroll_into_view_if_needed()
    knob = page.locator("mg-chain .plane-now").nth(1).bounding_box()
    page.mouse.move(knob["x"] + 9, knob["y"] + 9)
    page.mouse.down()
    page.mouse.move(knob["x"] - 600, knob["y"] + 9, steps=3)
    page.mouse.up()
    told(page, "mg-chain", "the car is 2 × 0 = 0 times as fast as the walker")
    page.locator("mg-backprop").scroll_into_view_if_needed()
    told(page, "mg-backprop", "w −18, x −12, b −6, y 6")
