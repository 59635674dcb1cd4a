"""The guide's pages about layers, networks and rungs 1 and 2: their numbers and their widgets."""

import contextlib
import io
import itertools
import json
import math
import random
import re
import sys
from typing import Any

import pytest

from guide_pages import (
    ROOT,
    answer_of,
    as_table,
    in_address,
    page_text,
    reset,
    says_in_the_tags,
    shown,
    told,
    typed,
)
from label_checks import no_collisions
from microgpt.config import make_config

NAMES = [
    "softmax", "linear", "neuron", "surface", "mlp",
    "gradient-check", "rung-1", "rung-2", "parameters",
]  # fmt: skip


def more(widget: Any) -> None:
    """Opens what a figure keeps behind "More"."""
    widget.locator(".mg-more > summary").click()


def relu(z: float) -> float:
    return max(0.0, z)


# ---------------------------------------------------------------- numbers on the pages


def test_softmax_on_the_page_is_computed() -> None:
    exps = [math.exp(z - 2) for z in (2, 1, 0)]
    for e in exps:
        share = f"{e:.3f} / {sum(exps):.3f} = **{e / sum(exps):.2f}**"
        assert share in page_text("softmax")


def test_answers_of_the_exercises_are_computed() -> None:
    x, b = answer_of("E2")
    assert (x - 3, 3 + b) == (-1, 0)
    off, on, turn = answer_of("E3")
    assert (off, on, relu(2 * turn - 3)) == (relu(2 * 1 - 3), relu(2 * 4 - 3), 0)
    assert 2 * turn - 3 == 0
    batch = [(1, 0, 0), (0, 1, 2), (-1, 1, -2), (2, 1, 1)]
    predictions = [relu(0.8 * p - 0.6 * q + 0.2) + relu(0.5 * r) for p, q, r in batch]
    assert answer_of("E4") == pytest.approx(predictions)
    assert answer_of("E4-reach") == [relu(-1)]
    wide = make_config(n_embd=32, vocab_size=27).shapes()
    assert answer_of("E6") == [sum(math.prod(shape) for shape in wide.values())]


def test_matrices_on_the_page_are_those_of_the_model() -> None:
    text = page_text("parameters")
    for name, (rows, columns) in make_config(vocab_size=27).shapes().items():
        assert name.split(".")[-1] in text
        assert f"{rows} × {columns}" in text
    for width, count in ((8, "1,328"), (16, "4,192"), (64, "53,632")):
        sizes = make_config(n_embd=width, vocab_size=27).shapes()
        assert f"{sum(math.prod(shape) for shape in sizes.values()):,}" == count
        assert count in text


def test_the_mlp_of_the_gpt_is_told_from_that_of_the_first_rungs() -> None:
    shapes = make_config(vocab_size=27).shapes()
    rows, columns = shapes["layer0.mlp_fc2"]
    assert f"its fc2 is different: {rows} × {columns} instead of 27 × 64" in page_text("mlp")
    assert shapes["layer0.mlp_fc1"] == (64, 16) and shapes["lm_head"] == (27, 16)


def test_matrices_of_the_trained_model_are_as_large_as_the_page_says() -> None:
    state = json.loads((ROOT / "data" / "model.json").read_text(encoding="utf-8"))["state_dict"]
    for name, rows in state.items():
        numbers = [x for row in rows for x in row]
        size = math.sqrt(sum(x * x for x in numbers) / len(numbers))
        assert f"{size:.3f}" in page_text("parameters"), name


def test_pages_say_in_the_tag_what_the_widget_shows() -> None:
    for name in NAMES:
        says_in_the_tags(name)
    for rung in ("rung-1", "rung-2"):
        assert "## So far" in page_text(rung) and '<div class="so-far"' in page_text(rung)


def run_of(rung: int, until: str, **changes: str) -> tuple[dict[str, Any], str]:
    """A rung of the ladder run up to a line, and what it printed."""
    path = ROOT / "ladder" / f"train{rung}.py"
    source = path.read_text(encoding="utf-8")
    assert until in source
    source = source.split(until, 1)[0].replace("gc.disable()", "pass")
    for old, new in changes.items():
        source = source.replace(old, new)
    names: dict[str, Any] = {"__file__": str(path), "__name__": "rung"}
    out, arguments, state = io.StringIO(), sys.argv, random.getstate()
    sys.argv = [str(path), str(ROOT / "data" / "names.txt")]
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(source, str(path), "exec"), names)
    finally:
        sys.argv = arguments
        random.setstate(state)
    return names, out.getvalue()


def ava(rung: dict[str, Any]) -> list[float]:
    """Rung 1's own probability of each token of "ava" after the one before."""
    tokens = [rung["BOS"], 0, 21, 0, rung["BOS"]]
    return [
        rung["softmax"](rung["mlp"](token))[following]
        for token, following in itertools.pairwise(tokens)
    ]


@pytest.fixture(scope="module")
def trained() -> dict[str, Any]:
    return run_of(1, "# Samples:")[0]


@pytest.mark.slow
def test_ava_on_the_page_has_rung_1s_own_probabilities(trained: dict[str, Any]) -> None:
    rows = re.findall(
        r"^\| (?:BOS|[av]) \| (?:BOS|[av]) \| \S+ \| (\S+) \|$", page_text("mlp"), re.M
    )
    assert rows == [f"{p:.3f}" for p in ava(trained)]


@pytest.mark.slow
def test_the_gradient_check_is_below_its_limit() -> None:
    _, printed = run_of(1, "# Training:")
    found = re.search(r"largest difference (\S+)", printed)
    assert found and float(found[1]) < 1e-9


@pytest.mark.slow
def test_rung_2_makes_as_many_values_as_the_page_says() -> None:
    names, _ = run_of(2, "# Training:")
    count = 0
    before = names["Value"].__init__

    def counting(self: Any, *arguments: Any) -> None:
        nonlocal count
        count += 1
        before(self, *arguments)

    names["Value"].__init__ = counting
    letters = [names["chars"].index(letter) for letter in names["docs"][0]]
    names["loss_of"]([names["BOS"], *letters, names["BOS"]])
    assert f"{count:,} of them" in page_text("rung-2")
    assert round(count / 7, -2) == 5600


# ---------------------------------------------------------------- widgets in the browser


@pytest.mark.slow
def test_layer_by_keyboard_and_mouse(opened: Any) -> None:
    page = opened("softmax", "mg-layer")
    told(page, "mg-layer", "is 0.67, 0.24, 0.09")
    widget = page.locator("mg-layer")
    widget.get_by_role("button", name="Add 1 to all").click()
    told(page, "mg-layer", "Softmax of 3.00, 2.00, 1.00 is 0.67, 0.24, 0.09")
    widget.get_by_role("button", name="Take them from the layer").click()
    widget.get_by_role("button", name="Double all").click()
    told(page, "mg-layer", "is 0.87, 0.12, 0.02")
    typed(page, widget, "weight 0,2", "3")
    told(page, "mg-layer", "Softmax of −1.00, 1.00, 0.00")
    in_address(page, "softmax=w:1_0.5_3")
    again = opened("softmax", "mg-layer", "#?softmax=z:4_2_0,own:1")
    told(again, "mg-layer", "is 0.87, 0.12, 0.02")
    reset(page, "mg-layer")
    told(page, "mg-layer", "is 0.67, 0.24, 0.09")
    no_collisions(page, "mg-layer")
    linear = opened("linear", "mg-layer")
    told(linear, "mg-layer", "The outputs are 2.00, 1.00, 0.00.")
    typed(linear, linear.locator("mg-layer"), "weight 0,2", "3")
    told(linear, "mg-layer", "The outputs are −1.00, 1.00, 0.00.")


def test_neuron_layer_and_network_are_classes_that_run(capsys: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```\s*[^`]*```text\n(.*?)```", page_text("surface"), re.S)
    (code, printed) = blocks[-1]
    code = code[code.rindex("import random") :]
    names: dict[str, Any] = {}
    exec(compile(code, "surface.md", "exec"), names)
    assert capsys.readouterr().out == printed
    layers = names["net"].layers
    assert sum(len(neuron.weights) + 1 for layer in layers for neuron in layer.neurons) == 11
    assert "has 11 parameters" in page_text("surface")
    neuron = names["Neuron"](3)
    neuron.weights, neuron.bias = [0.4, 0.7, -0.1], 0.2
    assert neuron([0.5, -0.3, 1.2]) == pytest.approx(0.07)  # step 4 on the page before


@pytest.mark.slow
def test_neurons_zip_and_net(opened: Any) -> None:
    page = opened("neuron", "mg-neuron[step='1']")
    for step, words in (("1", "= 1.00"), ("2", "2.00·1.50 = 3.00"), ("3", "ReLU(z) = 2.00"),
                        ("4", "z = −0.13, a = ReLU(z) = 0.00")):  # fmt: skip
        shown(page, f"mg-neuron[step='{step}']")
        told(page, f"mg-neuron[step='{step}']", words)
    third = shown(page, "mg-neuron[step='3']")
    third.get_by_role("slider", name="x, to drag").focus()
    page.keyboard.press("Home")
    told(page, "mg-neuron[step='3']", "z = −8.50, a = ReLU(z) = 0.00: the neuron is silent")
    corner = third.get_by_role("slider", name="The corner")
    box = corner.locator(".net-grip-dot").bounding_box()
    wide = third.locator(".net-curve").last.bounding_box()["width"]
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - wide / 4, box["y"], steps=3)
    page.mouse.up()
    assert float(corner.get_attribute("aria-valuenow")) == pytest.approx(2 / 3 - 2.5, abs=0.1)
    more(third)
    typed(page, third, "b", "-1")
    assert corner.get_attribute("aria-valuenow").startswith("0.66")
    zipped = shown(page, "mg-zip")
    told(page, "mg-zip", "1 of 3 pairs")
    zipped.get_by_role("button", name="One step on").click()
    in_address(page, "at:2")
    zipped.get_by_role("button", name="One step on").click()
    told(page, "mg-zip", "the sum so far is −0.130")
    typed(page, zipped, "list w", "1 2")
    assert "1 of the other is silently left out" in zipped.locator("[role=alert]").inner_text()
    told(page, "mg-zip", "2 of 2 pairs")
    zipped.get_by_role("button", name="One step back").click()
    told(page, "mg-zip", "1 of 2 pairs")
    net = shown(page, "mg-net")
    told(page, "mg-net", "hidden 0.00, 1.18, 1.50, 0.23 (1 silent); outputs −1.11 and 0.20")
    net.get_by_role("button", name="Randomise").click()
    told(page, "mg-net", "outputs 0.62 and 0.26")
    for name, answer, words in (("E2", "2 -3", "Right."), ("E3", "-1 5 1.5", "ReLU makes it 0")):
        exercise = page.locator(f"mg-exercise[name={name}]")
        exercise.scroll_into_view_if_needed()
        exercise.locator("input").fill(answer)
        page.keyboard.press("Enter")
        assert words in exercise.locator(".mg-said").inner_text()
    no_collisions(page, *(f"mg-neuron[step='{step}']" for step in "1234"), "mg-zip", "mg-net")


# The share of a widget's canvas that is painted, and a print of what is on it.
INKED = """() => {
  const canvas = document.querySelector("WIDGET canvas");
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let [inked, print] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3]) inked++;
    print = (31 * print + data[i] + 3 * data[i + 1] + 7 * data[i + 3]) % 1000003;
  }
  return { share: (4 * inked) / data.length, print };
}"""


@pytest.mark.slow
def test_surface_is_turned_and_matched(opened: Any) -> None:
    page = opened("surface", "mg-surface")
    told(page, "mg-surface", "from 0.50 to 4.90. At x₁ = 1, x₂ = 0: h₁ 1.00, h₂ 0.50, a 1.50.")
    view = page.locator("mg-surface .net-view")
    seen = INKED.replace("WIDGET", "mg-surface")
    before = page.evaluate(seen)
    assert before["share"] > 0.15, "the surface covers a good part of its picture"
    view.focus()
    page.keyboard.press("ArrowLeft")
    assert "turned by 20 degrees" in view.get_attribute("aria-label")
    assert page.evaluate(seen)["print"] != before["print"]
    box = view.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 100, steps=3)
    page.mouse.up()
    assert "turned by 50 degrees" in view.get_attribute("aria-label")
    ground = page.locator("mg-surface")
    heights = ground.locator(".net-view text").all_text_contents()
    assert {"a", "2", "4", "x₁", "x₂", "−3", "3"} <= {text.strip() for text in heights}
    more(ground)
    ground.get_by_role("button", name="Reset view").click()
    assert "turned by 35 degrees" in view.get_attribute("aria-label")
    match = shown(page, "mg-surface-match")
    told(page, "mg-surface-match", "Target 1: loss 4.0868")
    picture = match.locator(".net-view")
    assert "the target's as wires" in picture.get_attribute("aria-label")
    more(match)
    for label, text in (("w₁", "-0.88"), ("w₂", "0.83"), ("w₃", "0.63"), ("b₁", "-0.29"),
                        ("b₂", "-0.01"), ("b₃", "-0.06")):  # fmt: skip
        typed(page, match, label, text)
    match.locator("p.net-big", has_text="✓ found").wait_for()
    assert page.evaluate("JSON.parse(localStorage.getItem('mg-progress')).E8") == "seed 1"
    match.get_by_role("button", name="New target").click()
    told(page, "mg-surface-match", "Target 2:")
    match.get_by_role("button", name="Stop").click()
    assert "wires" not in picture.get_attribute("aria-label")
    no_collisions(page, "mg-surface", "mg-surface-match")


@pytest.mark.slow
def test_network_widgets_have_rung_1s_numbers(opened: Any, trained: dict[str, Any]) -> None:
    page = opened("mlp", "mg-mlp-flow")
    told(page, "mg-mlp-flow", "12 of 64 hidden units fire. Most likely next: n 0.239")
    page.locator("mg-mlp-flow").get_by_role("button", name="w", exact=True).click()
    told(page, "mg-mlp-flow", "token 22 (w): 36 of 64 hidden units fire. Most likely next: a 0.385")
    widget = shown(page, "mg-mlp-name")
    told(page, "mg-mlp-name", "2.20 for the counts, 2.15 for the network")
    as_table(page, "mg-mlp-name")
    widget.locator("tbody tr").first.wait_for()
    cells = widget.locator("tbody tr:not(:last-child) > :nth-child(5)").all_inner_texts()
    assert cells == [f"{p:.3f}" for p in ava(trained)]
    widget.locator("select").select_option("100")
    told(page, "mg-mlp-name", "2.31 for the counts, 2.71 for the network")
    as_table(page, "mg-mlp-name")
    widget.locator("tbody tr").first.wait_for(state="hidden")
    as_table(page, "mg-mlp-name")
    widget.locator("tbody td", has_text="0.134").wait_for()
    first = widget.locator("tbody tr:not(:last-child) > :nth-child(3)").all_inner_texts()
    assert first == ["0.134", "0.041", "0.118", "0.148"]
    widget.get_by_label("Name", exact=True).fill("zoë")
    assert "a to z" in widget.locator("[role=alert]").inner_text()
    widget.get_by_label("Name", exact=True).fill("emma")
    told(page, "mg-mlp-name", "“emma”")
    in_address(page, "mlp-name=name:emma,stage:100")
    no_collisions(page, "mg-mlp-flow", "mg-mlp-name")


@pytest.mark.slow
def test_gradient_check_in_the_page(opened: Any) -> None:
    page = opened("gradient-check", "mg-gradient-check")
    told(page, "mg-gradient-check", "First name, “yuheng”, untrained: 188 parameters, nudge 10⁻⁵")
    told(page, "mg-gradient-check", "chain rule correct")
    verdict = page.locator("mg-gradient-check .net-big")
    assert "✓ passes" in verdict.inner_text() and "·10⁻¹¹" in verdict.inner_text()
    widget = page.locator("mg-gradient-check")
    widget.get_by_label("Chain rule", exact=True).select_option("gate")
    told(page, "mg-gradient-check", "without ReLU's gate. Largest difference 5.3·10⁻³")
    assert "✗ fails" in verdict.inner_text()
    widget.get_by_label("Chain rule", exact=True).select_option("none")
    widget.get_by_label("Dots", exact=True).select_option("1")
    told(page, "mg-gradient-check", "3,184 parameters")
    assert "✓ passes" in verdict.inner_text()
    widget.get_by_label("Dots", exact=True).select_option("17")
    widget.locator(".mg-range").focus()
    page.keyboard.press("Home")
    told(page, "mg-gradient-check", "nudge 10⁻¹²")
    assert "✗ fails" in verdict.inner_text()


@pytest.mark.slow
def test_rung_1_is_trained_in_the_page(opened: Any) -> None:
    page = opened("rung-1", "mg-rung-diff")
    told(page, "mg-rung-diff", "87 lines added, 15 removed, 64 the same, in 4 places")
    page.locator("mg-rung-diff select").select_option("changes header")
    told(page, "mg-rung-diff", "in 5 places")
    widget = shown(page, "mg-train-mlp")
    told(page, "mg-train-mlp", "Step 100:")  # computed when it is first seen
    widget.get_by_role("button", name="Untrain").click()
    told(page, "mg-train-mlp", "Nothing trained yet")
    widget.get_by_role("button", name="One step").click()
    told(page, "mg-train-mlp", "Step 1: the loss of “yuheng” was 3.2978")
    widget.get_by_role("button", name="Continue training").click()
    told(page, "mg-train-mlp", "Step 1000:")
    assert "2.538 nats" in widget.locator(".net-big").inner_text()
    told(page, "mg-train-mlp", "was 2.6873")
    samples = widget.locator(".net-sample").all_inner_texts()
    assert ", ".join(text.split()[0] for text in samples) in page_text("rung-1")
    widget.get_by_role("button", name="Untrain").click()
    told(page, "mg-train-mlp", "Nothing trained yet")
    second = opened("rung-2", "mg-rung-diff")
    told(second, "mg-rung-diff", "58 lines added, 60 removed, 91 the same, in 7 places")
    second.locator("mg-rung-diff select").select_option("all")
    assert "(42)" in second.locator("mg-rung-diff .net-diff").inner_text()


@pytest.mark.slow
def test_parameters_in_the_page(opened: Any) -> None:
    page = opened("parameters", "mg-tally")
    told(page, "mg-tally", "9 matrices, 4,192 parameters")
    page.locator("mg-tally select").select_option("32")
    told(page, "mg-tally", "14,528 parameters")
    assert "One row a token" in page.locator("mg-tally").inner_text()
    page.locator("mg-tally").get_by_role("button", name="fc1").click()
    assert "layer0.mlp_fc1: 128 × 32 = 4,096" in page.locator("mg-tally").inner_text()
    shown(page, "mg-matrices")
    told(page, "mg-matrices", "432 numbers, root mean square 0.199")
    page.locator("mg-matrices select").select_option("layer0.mlp_fc1")
    told(page, "mg-matrices", "64 rows of 16, 1,024 numbers, root mean square 0.156")
    fan = shown(page, "mg-fan")
    told(page, "mg-fan", "(BOS): 11 of its 16 weights are 0.10 or larger")
    assert fan.locator(".net-edge").count() == 11
    fan.locator("select").select_option("layer0.mlp_fc2")
    told(page, "mg-fan", "Row 0 of layer0.mlp_fc2")
    shown(page, "mg-model-sizes")
    told(page, "mg-model-sizes", "72, 4,192 and 124,439,808. GPT-2 small has 29,685 times")
    page.locator("mg-model-sizes select").select_option("block")
    told(page, "mg-model-sizes", "4, 16 and 1,024. GPT-2 small has 64 times")
    no_collisions(page, "mg-tally", "mg-matrices", "mg-fan", "mg-model-sizes")
    for answer, words in (("8384", "fourfold"), ("14,528", "Right.")):
        exercise = page.locator("mg-exercise[name=E6]")
        exercise.scroll_into_view_if_needed()
        exercise.locator("input").fill(answer)
        page.keyboard.press("Enter")
        assert words in exercise.locator(".mg-said").inner_text()
