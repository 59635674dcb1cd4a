"""Widgets of the guide's first half at settings of a reader's own, against the Python engine."""

import math
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from browser import until
from guide_pages import ROOT, more, number, numbers, shown, told, typed
from microgpt.autograd import Value

pytestmark = pytest.mark.slow


def dragged(page: Any, track: Any, share: float) -> None:
    """A slider's thumb, taken by the mouse to a share of its way."""
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], y, steps=5)
    page.mouse.up()


EXPRESSIONS: list[tuple[str, Callable[..., Value]]] = [
    ("a*b*c - exp(a/c)", lambda a, b, c: a * b * c - (a / c).exp()),
    ("log(a + b**2) / c", lambda a, b, c: (a + b**2).log() / c),
    ("relu(a - b) + relu(b - c)*a", lambda a, b, c: (a - b).relu() + (b - c).relu() * a),
    ("(a - 2/b)**3 * -c", lambda a, b, c: (a - 2 / b) ** 3 * -c),
]


def test_any_expression_has_the_gradients_of_the_python_engine(opened: Any) -> None:
    page = opened("graph", "mg-backprop")
    widget = page.locator("mg-backprop")
    widget.locator(".mg-more > summary").click()
    line = widget.locator(":scope > .mg-summary")
    rng = random.Random(7)
    for text, of in EXPRESSIONS:
        widget.locator(".backprop-field").fill(text)
        given = [round(rng.uniform(0.5, 3), 1) for _ in "abc"]
        for name, x in zip("abc", given, strict=True):
            widget.locator(f"mg-number[data-leaf={name}] input").fill(str(x))
            page.keyboard.press("Enter")
        widget.locator("mg-stepper .mg-range").focus()
        page.keyboard.press("End")
        leaves = [Value(x) for x in given]
        result = of(*leaves)
        result.backward()
        wanted = [result.data, *(leaf.grad for leaf in leaves)]
        until(
            page,
            lambda wanted=wanted: (
                numbers(line.inner_text()) == pytest.approx(wanted, rel=1e-4, abs=1e-4)
            ),
            lambda wanted=wanted: f"{line.inner_text()} is {wanted}",
        )
        assert widget.locator(".mg-node").count() >= 7


def test_too_long_an_expression_is_refused_where_it_is_typed(opened: Any) -> None:
    page = opened("graph", "mg-backprop")
    field = page.locator("mg-backprop .backprop-field")
    said = page.locator("mg-backprop .backprop-said")
    for text, words in (
        ("a+" * 50_000 + "a", "100,001 characters are too many here"),
        ("a / (b - b)", "zero"),
        ("a ? b", "can't be used"),
    ):
        field.fill(text)
        assert words in said.inner_text(), text[:20]
        assert page.locator("mg-backprop .backprop-place mark").count() == 1
        assert field.get_attribute("aria-invalid") is not None
    field.fill("a*a")
    assert said.inner_text() == ""


def net(p: dict[str, float], x1: float, x2: float, x3: float) -> Value:
    h1 = (Value(p["w1"]) * x1 + p["w2"] * x2 + p["b1"]).relu()
    h2 = (Value(p["w3"]) * x3 + p["b2"]).relu()
    return (h1 + h2 + p["b3"]).relu()


def grid(p: dict[str, float], x3: float) -> list[float]:
    at = [-3 + 6 * i / 13 for i in range(14)]
    return [net(p, x1, x2, x3).data for x2 in at for x1 in at]


def written_name(name: str) -> str:
    """w1 as the page writes it."""
    return name[0] + "₁₂₃"[int(name[1]) - 1]


def test_the_surface_and_its_loss_are_those_of_the_python_engine(opened: Any) -> None:
    page = opened("surface", "mg-surface")
    rng = random.Random(11)
    names = ["w1", "w2", "b1", "w3", "b2", "b3"]
    widget = page.locator("mg-surface")
    given = {name: round(rng.uniform(-1.5, 1.5), 2) for name in names}
    widget.locator(".mg-more > summary").click()
    for name, x in given.items():
        typed(page, widget, written_name(name), x)
    dot = widget.get_by_role("slider", name="x₃, to drag").locator(".net-grip-dot")
    dragged(page, dot, 3.0)
    x3 = float(page.evaluate("document.querySelector('mg-surface [control=x3]').value"))
    heights = grid(given, x3)
    top = f"from {min(heights):.2f} to {max(heights):.2f}"
    mid = f"a {net(given, 1, 0, x3).data:.2f}."
    assert mid in told(page, "mg-surface", top)

    widget = shown(page, "mg-surface-match")
    widget.locator(".mg-more > summary").click()
    for name, x in given.items():
        typed(page, widget, written_name(name), x)
    widget.get_by_role("button", name="Peek").click()
    hint = widget.locator(".mg-note", has_text="The target's weights").inner_text()
    told_weights = re.findall(r"([wb])([₁₂₃]) ([−\d.]+\d)", hint)
    target = {key + str("₁₂₃".index(sub) + 1): number(x) for key, sub, x in told_weights}
    assert sorted(target) == sorted(names)
    mine, theirs = grid(given, 1), grid(target, 1)
    loss = sum((a - b) ** 2 for a, b in zip(mine, theirs, strict=True)) / 196
    assert all(abs(target[n]) <= (1.2 if n[0] == "w" else 0.6) for n in names)
    printed = numbers(widget.locator("p.net-big").inner_text())[0]
    assert printed == pytest.approx(loss, rel=0.03)  # the target is shown with two decimals


def test_descent_takes_the_steps_of_the_python_engine(opened: Any) -> None:
    page = opened("gradient-descent", "mg-descent")
    widget = page.locator("mg-descent")
    typed(page, widget, "Learning rate", 0.03)
    w, b = Value(2.0), Value(1.0)
    for step in range(6):
        if step % 2:
            widget.get_by_role("button", name="Next step").click()
        else:
            widget.get_by_role("button", name="Next step").press("Enter")
        loss = (w * 3 + b - 10) ** 2
        loss.backward()
        w, b = Value(w.data - 0.03 * w.grad), Value(b.data - 0.03 * b.grad)
        guess = w.data * 3 + b.data
        said = told(page, "mg-descent", f"loss {(guess - 10) ** 2:.4f}")
        assert guess == pytest.approx(numbers(said.split("prediction")[1])[0], abs=1e-3)


def test_a_name_costs_what_counting_in_python_says(opened: Any) -> None:
    docs = (ROOT / "data" / "names.txt").read_text(encoding="utf-8").split()
    random.Random(42).shuffle(docs)
    page = opened("loss", "mg-count-loss")
    widget = page.locator("mg-count-loss")
    widget.get_by_label("Name", exact=True).fill("quinn")
    more(page, "mg-count-loss")
    dragged(page, widget.locator("mg-number[control=n] .mg-range"), 0.4)
    n = int(page.evaluate("document.querySelector('mg-count-loss [control=n]').value"))
    assert 300 < n < 500
    pairs = [pair for doc in docs[:n] for pair in zip(f".{doc}", f"{doc}.", strict=True)]
    losses = [
        -math.log((pairs.count(pair) + 1) / (sum(a == pair[0] for a, _ in pairs) + 27))
        for pair in zip(".quinn", "quinn.", strict=True)
    ]
    widget.locator("mg-stepper .mg-range").focus()
    page.keyboard.press("End")
    said = told(page, "mg-count-loss", "“quinn” has a loss of")
    assert numbers(said)[0] == pytest.approx(sum(losses) / 6, abs=0.0051)
    assert numbers(said)[1:] == pytest.approx(losses, abs=0.0051)
