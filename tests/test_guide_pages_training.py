"""The guide's pages on training: their numbers, and their widgets in the browser."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import widget_checks
from guide_pages import LADDER, ROOT, in_address, page_text, reset, rows, says_in_the_tags, told
from microgpt.config import Config
from microgpt.disk.modelfile import read_model
from microgpt.opening import engine_for, open_model

NAMES = ["loop", "own-list", "temperature", "adam", "rung-5", "break-it"]


# ---------------------------------------------------------------- numbers on the pages


def test_losses_on_the_pages_are_the_recorded_ones() -> None:
    rungs = LADDER["rungs"]
    losses = rungs[5]["losses"]
    text = page_text("loop")
    for loss in [*losses[:4], losses[-1]]:
        assert f"{loss:.4f}" in text
    for part in (losses[:100], losses[-100:]):
        assert f"{sum(part) / 100:.3f}" in text
    assert f"the mean of steps 101 to 200 is {sum(losses[100:200]) / 100:.2f}" in text
    assert "2.367. The last line is the loss of" in text
    for got, rung in zip(rows("rung-5")[-6:], range(6), strict=True):
        assert got[0] == str(rung)
        assert got[3] == f"{rungs[rung]['held_out']:.3f}"


def test_lines_that_change_on_the_way_to_rung_5_are_counted_right() -> None:
    before, after, early = (_body(name) for name in ("4", "5", "5_early"))
    stay = _in_common(before, after)
    come, go = len(after) - stay, len(before) - stay
    assert f"{come} lines of code come, {go} go, and {stay} stay" in page_text("rung-5")
    assert "Ten lines differ" in page_text("rung-5")
    assert len(after) == len(early) == _in_common(after, early) + 10


def _body(rung: str) -> list[str]:
    """A program's lines after its header; indentation isn't counted as a difference."""
    lines = (ROOT / "ladder" / f"train{rung}.py").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines[lines.index('"""') + 1 :]]


def _in_common(a: list[str], b: list[str]) -> int:
    """How many lines the two share at most, in the same order."""
    best = [0] * (len(b) + 1)
    for line in a:
        above = best[:]
        for j, other in enumerate(b, 1):
            best[j] = above[j - 1] + 1 if line == other else max(above[j], best[j - 1])
    return best[-1]


def test_temperatures_on_the_page_are_the_models() -> None:
    opened, _ = open_model(None)
    tokens = [opened.config.vocab_size - 1, *opened.tokenizer.encode("ann")]
    logits = [float(x) for x in engine_for(opened, "numpy").logits([tokens])[0][-1]]
    table = [cells for cells in rows("temperature") if re.fullmatch(r"[\d.]+", cells[0])]
    assert [cells[0] for cells in table] == ["0.1", "0.5", "0.7", "1", "2"]
    for cells in table:
        exps = [math.exp(x / float(cells[0])) for x in logits]
        probs = [e / sum(exps) for e in exps]
        bits = -sum(p * math.log2(p) for p in probs)
        assert [f"{probs[i]:.3f}" for i in (0, 13, 26)] == cells[1:4]
        assert f"{bits:.2f}" == cells[4]
    assert f"{math.log2(27):.2f}" == "4.75"


def test_the_first_step_on_the_page_is_adams() -> None:
    config = Config()
    gradient, before = 0.0002715658062740507, 0.045191756482706506
    m, v = (1 - config.beta1) * gradient, (1 - config.beta2) * gradient**2
    step = config.lr * (m / (1 - config.beta1)) / ((v / (1 - config.beta2)) ** 0.5 + config.eps)
    text = page_text("adam")
    for number in (f"{gradient:.7f}", f"{m:.8f}", f"{before:.5f}", f"{before - step:.5f}"):
        assert number in text
    assert f"{step:.2f}" == "0.01"


def test_pages_say_in_the_tag_what_the_widget_shows() -> None:
    for name in NAMES:
        says_in_the_tags(name)
    for script in ("own-list", "live-training", "break"):
        source = (ROOT / "guide" / "widgets" / f"{script}.js").read_text(encoding="utf-8")
        assert not re.search(r"\beval\b|\bFunction\(|innerHTML|localStorage", source)


# ---------------------------------------------------------------- widgets in the browser


@pytest.fixture
def opened(opened: Any) -> Any:
    """The same, once the widget has said what it shows."""

    def opening(name: str, element: str, hash_: str = "", **options: Any) -> Any:
        page = opened(name, element, hash_, **options)
        page.locator(f"{element}[data-ready] > .mg-summary").first.wait_for(state="attached")
        return page

    return opening


@pytest.mark.slow
def test_recorded_run_scrubs_by_keyboard_and_plays(opened: Callable[..., Any]) -> None:
    page = opened("loop", "mg-training-curve", "#?training-curve=at:3")
    told(page, "mg-training-curve", "After step 3: loss 3.1778")
    page.get_by_role("slider", name="The run: step").focus()
    page.keyboard.press("ArrowLeft")
    told(page, "mg-training-curve", "After step 2: loss 3.4243")
    page.keyboard.press("End")
    told(page, "mg-training-curve", "After step 1,000: loss 2.6497; mean of the last 100 2.276")
    page.locator("mg-training-curve").get_by_role("button", name="To the start").click()
    page.locator("mg-training-curve").get_by_role("button", name="Play").click()
    page.locator(
        "mg-training-curve .mg-step-name", has_text=re.compile(r"^([5-9]|\d\d+)/1000 ")
    ).wait_for()
    widget_checks.looked_at(page, "mg-training-curve")


@pytest.mark.slow
def test_training_steps_pauses_and_writes(opened: Callable[..., Any]) -> None:
    page = opened("loop", "mg-live-training", "#?train=speed:10")
    told(page, "mg-live-training", "untrained")
    widget = page.locator("mg-live-training")
    widget.get_by_role("button", name="One step").click()
    told(page, "mg-live-training", "step 1 of 1,000, loss 3.3660")
    widget.get_by_text("qagiurwdkbimahpp").wait_for()
    widget.get_by_role("button", name="Go on").click()
    widget.locator(".train-now", has_text=re.compile(r"step ([5-9]|\d\d+) of 1,000")).wait_for()
    widget.get_by_role("button", name="Pause").click()
    widget.get_by_role("button", name="Go on").wait_for()
    widget.get_by_label("Speed", exact=True).select_option("all")
    widget.get_by_role("button", name="Go on").focus()
    page.keyboard.press("Enter")
    told(page, "mg-live-training", "on 5,000 unseen names 2.365")
    for name in ("kamon", "vialan", "anton"):
        widget.get_by_text(name, exact=False).first.wait_for()
    assert "0 trained, 11 file, 9 new" in widget.inner_text()
    widget_checks.looked_at(page, "mg-live-training")


@pytest.mark.slow
def test_two_runs_part_and_a_non_difference_is_said(opened: Callable[..., Any]) -> None:
    page = opened("loop", "mg-live-training", "#?train=speed:all")
    widget = page.locator("mg-live-training")
    widget.get_by_label("Runs", exact=True).select_option("heads")
    widget.get_by_role("button", name="Start", exact=True).click()
    told(page, "mg-live-training", "They diverge at step 1")
    told(page, "mg-live-training", "That is not a significant difference")
    widget.get_by_label("Runs", exact=True).select_option("optimizer")
    told(page, "mg-live-training", "untrained")
    widget.get_by_role("button", name="Start", exact=True).click()
    told(
        page,
        "mg-live-training",
        "They diverge at step 2 (3.427284 and 3.424273). B is better",
    )
    in_address(page, "sgd")
    again = opened("loop", "mg-live-training", page.evaluate("location.hash"))
    assert again.locator(".train-side .mg-title").all_text_contents() == [
        "A: SGD (rung 4)",
        "B: final (rung 5)",
    ]
    told(again, "mg-live-training", "untrained")  # a link starts nothing


@pytest.mark.slow
def test_a_figure_that_trains_begins_with_a_short_run(opened: Callable[..., Any]) -> None:
    page = opened("loop", "mg-live-training")
    told(page, "mg-live-training", "step 100 of 1,000, loss 3.3669")
    widget = page.locator("mg-live-training")
    widget.get_by_role("button", name="Go on").wait_for()
    reset(page, "mg-live-training")
    told(page, "mg-live-training", "untrained")  # and stays so: one such run a visit
    widget.get_by_role("button", name="Start", exact=True).wait_for()
    own = opened("own-list", "mg-own-list")
    told(own, "mg-own-list", "Step 100 of 1,000")
    own.locator("mg-own-list textarea").fill("wombat")
    own.get_by_role("button", name="Train", exact=True).wait_for()  # another list, another run


@pytest.mark.slow
def test_own_list_trains_writes_and_goes_into_a_link(opened: Callable[..., Any]) -> None:
    page = opened("own-list", "mg-own-list")
    widget = page.locator("mg-own-list")
    told(page, "mg-own-list", "Step 100 of 1,000")
    area = widget.locator("textarea")
    area.fill("🦕🦖\nolá\n" * 20)
    widget.get_by_text("it will memorise").wait_for()
    widget.get_by_text("Emoji are characters").wait_for()
    widget.get_by_role("button", name="Train", exact=True).click()
    told(page, "mg-own-list", "Step 1,000 of 1,000")
    begin = widget.get_by_label("How should it begin?")
    begin.wait_for()
    begin.fill("x")
    page.keyboard.press("Enter")
    widget.get_by_text("It has never seen “x”").wait_for()
    begin.fill("o")
    page.keyboard.press("Enter")
    widget.locator(".train-writing").get_by_text("olá").first.wait_for()
    widget.get_by_text("Take it along").click()
    with page.expect_download() as download:
        widget.get_by_role("button", name="Download model.json").click()
    model, warnings = read_model(Path(download.value.path()))
    assert not warnings
    assert tuple(model.tokenizer.uchars) == tuple("loá🦕🦖")
    area.fill("olé\n" * 9)
    told(page, "mg-own-list", "Trained on the list before. Step 1,000 of 1,000")
    told(page, "mg-own-list", "“Train again” learns the list in the field.")
    stale = widget.locator(".train-stale")
    assert stale.is_visible() and stale.inner_text() == "trained on the list before"
    widget.get_by_text("Trained on the list before, not on the one in the field").wait_for()
    soft, full = (
        widget.locator(one).first.evaluate("(e) => getComputedStyle(e).color")
        for one in (".train-samples .train-sample", ".train-title")
    )
    assert soft != full
    widget_checks.looked_at(page, "mg-own-list")
    area.fill("🦕🦖\nolá\n" * 20)  # it is what the model has learned
    stale.wait_for(state="hidden")
    area.fill("olé\nolá\n" * 9)
    stale.wait_for()
    widget.get_by_role("button", name="Train again").click()
    stale.wait_for(state="hidden")
    begin.wait_for()
    widget.get_by_role("button", name="Make a link with the model in it").click()
    in_address(page, "model:")
    hash_ = page.evaluate("location.hash")
    assert "ol" not in re.sub(r"model:.*", "", hash_)
    other = opened("own-list", "mg-own-list", hash_)
    writing = other.locator("mg-own-list .train-writing")
    assert not writing.get_by_role("button", name="Write").is_visible()
    other.get_by_role("button", name="Open it").click()
    told(other, "mg-own-list", "The model is from the link, its list isn't known here")
    reset(other, "mg-own-list")
    told(other, "mg-own-list", "The list has 1,163 lines")
    assert not writing.get_by_role("button", name="Write").is_visible()
    damaged = opened("own-list", "mg-own-list", hash_[:-30])
    damaged.get_by_role("button", name="Open it").click()
    damaged.get_by_text("The model in this link is damaged").wait_for()


@pytest.mark.slow
def test_own_list_refuses_in_place(opened: Callable[..., Any]) -> None:
    page = opened("own-list", "mg-own-list")
    widget = page.locator("mg-own-list")
    told(page, "mg-own-list", "Step 100 of 1,000")
    files = widget.locator("input[type=file]")
    for name, content, said in [
        ("model.json", b'{"format": "other"}', "This model.json can't be used"),
        ("photo.txt", b"\x00\x01\xff\xfe", "is not plain text"),
        ("big.txt", b"a\n" * (9 * 2**20), "at most 16 are accepted"),
        ("long.txt", b"a\n" * 600_000, "600,000 lines; at most 500,000 are accepted"),
        ("open.csv", b'name,n\n"ada,1\n', "line 2: a quote is opened and never closed"),
    ]:
        made = {"name": name, "mimeType": "text/plain", "buffer": content}
        files.first.set_input_files([made])
        widget.get_by_text(said).wait_for()
    one = {"name": "list.txt", "mimeType": "text/plain", "buffer": b"wombat\n" * 150_000}
    files.first.set_input_files([one])
    widget.get_by_text("This is only one line").wait_for()
    widget.get_by_role("button", name="Train", exact=True).click()
    told(page, "mg-own-list", "Step 1,000 of 1,000")
    widget.locator(".train-writing").get_by_text("wombat").first.wait_for()
    widget.get_by_label("One word or line each.").fill("")
    widget.get_by_text("There is nothing to learn from yet").wait_for()
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full') } }")
    widget.get_by_label("One word or line each.").fill("wombat")
    widget.get_by_text("This browser can't keep the list").wait_for()
    assert not widget.get_by_role("button", name="Forget it").is_visible()
    page.reload()
    told(page, "mg-own-list", "Step 100 of 1,000")
    _takes_a_table(page, widget, files.first)


def _takes_a_table(page: Any, widget: Any, files: Any) -> None:
    table = 'Nr;Ort;Jahr\n1;Köln;50\n2;"Zürich; am See";15\n'.encode("cp1252")
    files.set_input_files([{"name": "orte.csv", "mimeType": "text/csv", "buffer": table}])
    widget.get_by_text("“orte.csv” isn't UTF-8; it is read as Latin-1 (Windows-1252).").wait_for()
    area = widget.get_by_label("One word or line each.")
    assert area.input_value() == "Köln\nZürich; am See"
    town = widget.get_by_role("radio", name="Ort Köln · Zürich; am See")
    assert town.is_checked()
    widget_checks.looked_at(page, "mg-own-list")
    town.focus()
    page.keyboard.press("ArrowDown")
    assert area.input_value() == "50\n15"
    widget.get_by_text("it is read as Latin-1 (Windows-1252). Column 3 of 3 is taken.").wait_for()
    assert page.evaluate("document.activeElement.value") == "2"
    widget.get_by_label("The first row holds titles").click()
    assert area.input_value() == "Jahr\n50\n15"
    page.reload()
    widget.get_by_text("This is your list from before, kept in this tab.").wait_for()
    assert area.input_value() == "Jahr\n50\n15"
    assert "Jahr" not in page.url
    widget.get_by_role("radio", name="Whole lines").click()
    assert area.input_value().startswith("Nr;Ort;Jahr\n1;Köln")
    area.fill("")
    page.evaluate(
        """() => {
          const area = document.querySelector("mg-own-list textarea");
          area.value = "word\\tn\\nada\\t1\\neva\\t2";
          area.dispatchEvent(new InputEvent("input", { inputType: "insertFromPaste" }));
        }"""
    )
    widget.get_by_text("What you pasted is a table.").wait_for()
    assert area.input_value() == "ada\neva"
    widget.get_by_role("button", name="Forget it").click()
    told(page, "mg-own-list", "The list has 1,163 lines")
    assert page.evaluate("sessionStorage.getItem('mg-own-list')") is None
    assert not widget.get_by_role("group", name="is a table").is_visible()


@pytest.mark.slow
def test_temperature_and_its_exercise(opened: Callable[..., Any]) -> None:
    page = opened("temperature", "mg-temperature")
    told(page, "mg-temperature", "most likely a with 0.246. Entropy 3.83 bits")
    page.locator("mg-temperature input[type=range]").focus()
    page.keyboard.press("End")
    told(page, "mg-temperature", "at temperature 2.00: most likely a with 0.114")
    field = page.get_by_label("After", exact=True)
    field.fill("é")
    page.get_by_text("It doesn't know “é”").wait_for()
    field.fill("q")
    told(page, "mg-temperature", "After “q”")
    widget_checks.looked_at(page, "mg-temperature")
    exercise = page.locator("mg-exercise[name=E7]")
    exercise.scroll_into_view_if_needed()
    exercise.get_by_role("textbox").fill("3.3")
    page.keyboard.press("Enter")
    exercise.get_by_text("That is in nats").first.wait_for()
    exercise.get_by_role("textbox").fill("4,755")
    page.keyboard.press("Enter")
    exercise.get_by_text("Every token has 1/27").first.wait_for()


@pytest.mark.slow
def test_adam_beside_its_sums(opened: Callable[..., Any]) -> None:
    page = opened("adam", "mg-running-mean")
    told(page, "mg-running-mean", "0.0029, of its average 0.0008 with β = 0.850")
    page.locator("mg-running-mean mg-number .mg-range").focus()
    page.keyboard.press("Home")
    told(page, "mg-running-mean", "0.0029 with β = 0.000. It remembers about 1.0 steps")
    widget_checks.looked_at(page, "mg-running-mean")
    page.locator("mg-adam-steps").scroll_into_view_if_needed()
    told(page, "mg-adam-steps", "Line 1, the gradient of this step")
    steps = page.locator("mg-adam-steps")
    for _ in range(5):
        steps.get_by_role("button", name="One step on").click()
    told(page, "mg-adam-steps", "Line 6, the step: 0.04519 − 0.01")
    steps.get_by_label("Parameter").select_option("z")
    told(page, "mg-adam-steps", "embedding of z")
    widget_checks.looked_at(page, "mg-adam-steps")


@pytest.mark.slow
def test_a_break_is_predicted_first(opened: Callable[..., Any]) -> None:
    page = opened("break-it", "mg-break")
    widget = page.locator("mg-break")
    start = widget.get_by_role("button", name="Train both")
    assert start.get_attribute("aria-disabled") == "true"
    widget.get_by_role("button", name="no clear difference").click()
    start.click()
    told(page, "mg-break", "You said: no clear difference. It is: much worse.")
    assert "0.909 nats higher" in widget.inner_text()
    widget_checks.looked_at(page, "mg-break")
