"""The pages of the first chapter against the programs, and their widgets in Chromium.

The widgets' numbers without a page are tested by guide/js/test/pages-counting.test.js.
"""

import hashlib
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import browser
from guide_pages import LADDER, PAGES, ROOT, in_address, more, page_text, told
from ladder_runner import held_out, losses, run_rung, samples
from microgpt.data import load_data
from microgpt.opening import engine_for, open_model

DOCS = list(load_data("names").docs)


def shuffled() -> list[str]:
    docs = list(DOCS)
    random.Random(42).shuffle(docs)
    return docs


def pairs(docs: list[str]) -> Counter[tuple[str, str]]:
    return Counter(pair for doc in docs for pair in zip("." + doc, doc + ".", strict=True))


# ---------------------------------------------------------------- what the pages say


def test_the_dataset_page_counts_right() -> None:
    text = page_text("dataset")
    lengths = Counter(map(len, DOCS))
    letters = Counter("".join(DOCS))
    (common, often), *_, (rare, seldom) = letters.most_common()
    assert f"{len(DOCS):,}" in text
    assert f"{len(set(DOCS)):,}; {len(DOCS) - len(set(DOCS)):,} names are in the list twice" in text
    assert max(Counter(DOCS).values()) == 2
    assert f"{sum(letters.values()):,}, all of them" in text
    assert (min(lengths), max(lengths)) == (2, 15)
    assert f"6 letters: {lengths[6]:,} names" in text and lengths.most_common(1)[0][0] == 6
    assert f"{common}, {often:,} times; the rarest is {rare}, {seldom} times" in text
    assert "*, *".join(shuffled()[:6]) in text
    begin = [doc for doc in DOCS if doc.startswith("sop")]
    assert len(begin) == 18 and all(doc[3] == "h" for doc in begin)
    assert "18 begin with sop, and all of them go on with h" in page_text("language-model")


def test_the_pages_of_counts_and_loss_count_right() -> None:
    counts, loss = page_text("counts"), page_text("loss")
    table = pairs(shuffled()[:1000])
    row = sum(n for (a, _), n in table.items() if a == "a")
    assert f"{row:,} times, and {table['a', 'n']} of those times by *n*" in counts
    share = (table["a", "n"] + 1) / (row + 27)
    assert f"$({table['a', 'n']} + 1) / ({row} + 27) = {share:.3f}$" in counts
    after_a = sorted((n for n in table.items() if n[0][0] == "a"), key=lambda n: -n[1])
    assert [b for (_, b), _ in after_a[:5]] == ["n", ".", "r", "l", "h"]
    assert sum(table.values()) == 7170 and len(table) == 430 and table["n", "."] == 232
    of_q = [{b for (a, b) in pairs(shuffled()[:n]) if a == "q"} for n in (4, 1000)]
    assert of_q == [set(), {"u"}]
    assert "row of *q* is empty at first. After 1,000 names it has one cell above zero" in counts
    first = pairs(shuffled()[:100])
    surprises = []
    for a, b in zip(".ava", "ava.", strict=True):
        seen = sum(n for (x, _), n in first.items() if x == a)
        p = (first[a, b] + 1) / (seen + 27)
        surprises.append(-math.log(p))
        line = f"({first[a, b]} + 1) / ({seen} + 27) | {p:.3f} | {-math.log(p):.2f} |"
        assert line in loss
    assert f"| mean | | | {sum(surprises) / 4:.2f} |" in loss
    for p, said in (("0.5", 0.69), ("0.1", 2.3), ("0.01", 4.61), ("0.001", 6.91)):
        assert f"| {p} | {-math.log(float(p)):.2f} |" in loss
        assert round(-math.log(float(p)), 2) == said


def test_what_is_said_of_the_trained_model() -> None:
    opened = open_model(None)
    model = opened[0] if isinstance(opened, tuple) else opened
    engine = engine_for(model, "scalar")
    engine = engine[0] if isinstance(engine, tuple) else engine

    def after(name: str) -> np.ndarray:
        ids = np.array([26, *(ord(letter) - ord("a") for letter in name)])
        logits = np.asarray(engine.flat_logits(ids, np.array([0, len(ids)])))
        last = logits.reshape(-1, 27)[-1]
        p = np.exp(last - last.max())
        return np.asarray(p / p.sum())

    p, text = after("ann"), page_text("language-model")
    assert f"*a* comes next with probability {p[0]:.3f}, and *q* with {p[16]:.4f}; " in text
    assert f"that the name ends here has {p[26]:.3f}." in text
    assert f"after *sop*, it expects *h* with {after('sop')[7]:.3f}." in text


def test_the_map_has_the_lines_of_the_program() -> None:
    text = (PAGES / "two-hundred-lines.md").read_text(encoding="utf-8")
    lines = (ROOT / "ladder" / "train5.py").read_text(encoding="utf-8").splitlines()
    rows = re.findall(r"^\| \**(\w+)\** \| .* \| (\d+)&nbsp;to&nbsp;(\d+) <svg", text, re.M)
    bars = re.findall(r'<rect width="(\d+)"', text)
    assert bars == [str(int(last) - int(first) + 1) for _, first, last in rows]
    assert text.index("## The eight parts") < text.index("@code")  # words first
    begins = {
        "dataset": "# Which file", "tokenizer": "# Tokens:", "autograd": "# A number that",
        "parameters": "# The parameters", "model": "# Add numbers", "loss": "# The loss:",
        "training": "# Training:", "inference": "# Samples:",
    }  # fmt: skip
    assert [name for name, _, _ in rows] == list(begins)
    for name, first, last in rows:
        assert lines[int(first) - 1].startswith(begins[name]), name
        assert lines[int(last) - 1].strip(), name
        assert int(last) == len(lines) or not lines[int(last)].strip(), f"{name} goes on"
    for rung, count in re.findall(r"^\| (\d) \| .* \| (\d+) \|$", text, re.M):
        source = (ROOT / "ladder" / f"train{rung}.py").read_text(encoding="utf-8")
        assert len(source.splitlines()) == int(count)


# ---------------------------------------------------------------- the recorded runs


def test_the_record_of_rung_0_is_its_whole_run() -> None:
    namespace, lines = run_rung(0, None)
    run = LADDER["rungs"][0]
    assert [f"{loss:.4f}" for loss in run["losses"]] == losses(lines)
    assert run["samples"] == samples(lines)
    assert run["held_out"] == pytest.approx(held_out(namespace), abs=1e-6)
    made = " · ".join(run["samples"])
    assert made in page_text("inference")


@pytest.mark.parametrize("rung", [1, 2, 3, 4, 5])
def test_a_stretch_of_each_record_is_computed_again(rung: int) -> None:
    _, lines = run_rung(rung, 4)
    kept = LADDER["rungs"][rung]["losses"]
    assert losses(lines) == [f"{loss:.4f}" for loss in kept[:4]]
    assert len(kept) == 1000


def test_the_record_is_of_these_names_and_its_floors_are_right() -> None:
    data = (ROOT / "data" / "names.txt").read_bytes()
    assert LADDER["data_sha256"] == hashlib.sha256(data).hexdigest()
    assert LADDER["floors"]["random"] == pytest.approx(math.log(27), abs=1e-6)
    assert LADDER["floors"]["bigram"] == pytest.approx(2.4546, abs=5e-5)
    text = page_text("inference")
    for run in LADDER["rungs"]:
        assert f"{run['held_out']:.3f}" in text
    vectors = json.loads((ROOT / "conformance" / "vectors" / "losses.json").read_text())
    (final,) = [case for case in vectors["cases"] if case["name"] == "final"]
    assert np.allclose(LADDER["rungs"][5]["losses"], final["losses"], atol=0.51e-4, rtol=0)


@pytest.mark.prove
def test_the_record_is_what_the_ladder_prints() -> None:
    import record_ladder

    for run in LADDER["rungs"]:
        assert record_ladder.record(run["rung"]) == run


# ---------------------------------------------------------------- in the browser


@pytest.fixture
def page(guide_address: str, chromium: Any) -> Iterator[Any]:
    """A page with `visit(name, hash)`, which waits for the widgets; nothing may go wrong in it."""
    viewport = {"width": 1000, "height": 900}
    with browser.opened(chromium, viewport=viewport) as (tab, wrong):

        def visit(name: str, tag: str, hash_: str = "") -> Any:
            tab.goto("about:blank")
            tab.goto(f"{guide_address}learn/{name}/{hash_}")
            widget = tab.locator(tag)
            widget.scroll_into_view_if_needed()
            tab.locator(f"{tag}[data-ready]").wait_for()
            return widget

        tab.visit = visit
        yield tab
        assert wrong == []


@pytest.mark.slow
def test_characters_and_tokens(page: Any) -> None:
    tag = "mg-unique-characters"
    page.visit("tokenizer", tag)
    told(page, tag, "3 of 32,033 documents read, 7 different characters so far")
    page.locator(f"{tag} .mg-range").focus()
    page.keyboard.press("End")
    told(page, tag, "26 characters get the ids 0 to 25, BOS gets 26: 27 tokens")
    page.keyboard.press("ArrowLeft")
    assert page.locator(f"{tag} .toks").nth(1).inner_text().split()[:3] == ["a", "b", "c"]
    more(page, tag)
    page.get_by_label("Your own words instead").fill("cab <b>")
    told(page, tag, "0 of 2 documents read")
    page.get_by_role("button", name="One step on").first.click()
    told(page, tag, "cab brings c, a, b")

    tag = "mg-tokenizer"
    page.locator(tag).scroll_into_view_if_needed()
    told(page, tag, "4 letters, 6 tokens: 26 4 12 12 0 26")
    page.get_by_label("A name").fill("ava")
    told(page, tag, "3 letters, 5 tokens: 26 0 21 0 26. The model predicts 4")
    in_address(page, "tokenizer=text:ava")
    page.get_by_role("button", name="zoë").click()
    assert "“ë” has no id" in page.locator(f"{tag} [role=alert]").inner_text()
    page.get_by_role("button", name="nothing").click()
    told(page, tag, "0 letters, 2 tokens: 26 26")


@pytest.mark.slow
def test_the_exercise_knows_the_usual_mistakes(page: Any) -> None:
    page.visit("tokenizer", "mg-tokenizer")
    field = page.locator("mg-exercise input")
    field.scroll_into_view_if_needed()
    page.locator("mg-exercise[data-ready]").wait_for()
    for given, said in (
        ("26 27 11", "Counting starts at 0"), ("25, 26, 10", "BOS comes before the name"),
        ("25 26", "3 are asked for"), ("25 26 11", "of which 10 are predicted"),
    ):  # fmt: skip
        field = page.locator("mg-exercise input")
        field.fill(given)
        field.press("Enter")
        assert said in page.locator("mg-exercise .mg-said").inner_text()


@pytest.mark.slow
def test_the_table_fills_up_and_speaks(page: Any) -> None:
    tag = "mg-pair-counts"
    page.visit("counts", tag)
    told(page, tag, "100 names counted, 744 pairs; 225 of 729 cells are above 0")
    grid = page.locator(f"{tag} svg.mg-heat-grid")
    grid.focus()
    page.keyboard.press("End")
    assert page.locator(f"{tag} .pair-said").inner_text() == "a ends a name: 17 times."
    page.locator(f"{tag} .tok-pair").first.hover()
    assert page.locator(f"{tag} .mg-heat-lit").count() == 1
    page.locator(f"{tag} mg-stepper .mg-range").focus()
    page.keyboard.press("End")
    told(page, tag, "1,000 names counted, 7,170 pairs; 430 of 729 cells are above 0")
    told(page, tag, "The largest count is 232: n ends a name.")

    tag = "mg-next-token"
    page.locator(tag).scroll_into_view_if_needed()
    told(page, tag, "After a, n is likeliest: 0.1864")
    page.locator(f"{tag} .tok-key", has_text=re.compile("^q$")).click()
    told(
        page,
        tag,
        "After q, u is likeliest: 0.1333. 26 of 27 tokens never followed it; each has 0.0333",
    )
    page.locator(f"{tag} .mg-bars-picture").focus()
    page.keyboard.press("Home")
    assert "a: (0 + 1) / (3 + 27 · 1) = 0.0333" in page.locator(f"{tag} .mg-readout").inner_text()
    page.get_by_label("Added to each count").fill("0")
    page.keyboard.press("Enter")
    told(page, tag, "probability 0")
    page.get_by_role("spinbutton", name="Names counted").fill("0")
    page.keyboard.press("Enter")
    told(page, tag, "the counts say nothing of what follows it")


@pytest.mark.slow
def test_ava_step_by_step(page: Any) -> None:
    tag = "mg-count-loss"
    page.visit("loss", tag)
    for said in ("0.134", "0.041", "0.118", "0.148"):
        told(page, tag, f"probability {said}")
        page.get_by_role("button", name="One step on").click()
    told(page, tag, "“ava” has a loss of 2.31 nats per token, the mean of 2.01, 3.19, 2.14, 1.91")
    in_address(page, "count-loss=step:4")
    page.visit("loss", tag, "#?count-loss=n:0,step:4")
    told(page, tag, "“ava” has a loss of 3.30")
    page.get_by_label("Name", exact=True).fill("Ava!")
    assert "Only the letters a to z" in page.locator(f"{tag} .mg-refused").inner_text()


@pytest.mark.slow
def test_names_are_drawn_as_rung_0_draws_them(page: Any) -> None:
    tag = "mg-count-names"
    page.visit("inference", tag)
    told(page, tag, "1 of 20 names written, last “biayna”")
    page.locator(f"{tag} mg-stepper .mg-range").focus()
    page.keyboard.press("End")
    told(page, tag, "20 of 20 names written, last “kaberelishen”: 0 trained, 4 file, 16 new")
    made = [text.split()[0] for text in page.locator(f"{tag} .made-names li").all_inner_texts()]
    assert made == LADDER["rungs"][0]["samples"]

    tag = "mg-ladder-losses"
    page.locator(tag).scroll_into_view_if_needed()
    page.locator(f"{tag}[data-ready]").wait_for()
    told(page, tag, "after 1,000 steps: rung 0 2.505.")
    page.locator(f"{tag} button", has_text="rung 5").click()
    told(page, tag, "rung 0 2.505, rung 5 2.367")
    assert page.locator(f"{tag} .mg-line").count() >= 2
    page.locator(f"{tag} mg-curve > .mg-range").focus()
    page.keyboard.press("Home")
    readout = page.locator(f"{tag} mg-curve > .mg-readout").inner_text()
    assert readout == "step 1: rung 0 3.296, rung 5 3.366"
    assert "axis begins at" in page.locator(f"{tag} mg-curve > .mg-note").inner_text()
    in_address(page, "ladder-losses=shown:05")
    page.reload()
    page.locator(tag).scroll_into_view_if_needed()
    told(page, tag, "rung 0 2.505, rung 5 2.367")
