"""The guide's pages on the architecture and on gpt(): their numbers and their widgets."""

import re
from typing import Any

import numpy as np
import pytest

import frame_checks
import widget_checks
from browser import drawn, resized, until
from guide_pages import (
    CASES,
    ROOT,
    TOY,
    in_address,
    page_text,
    plain,
    reset,
    rows,
    says_in_the_tags,
    told,
)
from microgpt.config import make_config
from microgpt.engines import make_engine

NAMES = ["architecture", "gpt"]
TOKENS = ("BOS", "a", "b", "c")
WHOLE = "mg-toy-diagram:not([stage])"  # the others show a stage of it
MADE = [
    "tok_emb", "pos_emb", "emb", "x", "x_pre_attn", "q", "k", "v", "qk", "scores", "weights",
    "head_out", "x_attn", "x_after_attn", "x_pre_mlp", "fc1_pre", "fc1", "mlp_out", "x_final",
    "logits", "probs",
]  # fmt: skip


# ---------------------------------------------------------------- numbers on the pages


def test_every_sum_on_the_page_is_right() -> None:
    """Each line such as `0.5 · (−0.88) + 0.2 · 1.10 = −0.22`, rounded to what is printed."""
    text = re.sub(r"^- ", "", page_text("architecture"), flags=re.M)
    text = text.replace("−", "-").replace("²", "**2").replace("·", "*")
    found = re.findall(r"(?<![\w,])([-(\d][-+*/(). \d]*[*/+][-+*/(). \d]*) = (-?[\d.]*\d)", text)
    for sum_, printed in found:
        assert abs(eval(sum_) - float(printed)) <= 0.5 * 10 ** -len(printed.split(".")[1]) + 1e-9, (
            f"{sum_} = {eval(sum_)}, printed {printed}"
        )
    assert len(found) == 33
    assert f"{(0.205 + 1e-5) ** -0.5:.4f}" in text


def test_the_table_for_b_is_the_column_by_hand() -> None:
    hand = plain(CASES["pinned_b"]["by_hand"])
    toy = TOY["weights"]
    expected = {
        "wte, row 2": toy["wte"][2], "wpe, row 2": toy["wpe"][2], "their sum": hand["emb"],
        "x": hand["x"], "q": hand["q"], "k": hand["k"], "v": hand["v"],
        "scores": hand["scores"], "weights": hand["weights"],
        "weighted sum": hand["head_out"], "Wo": hand["x_attn"],
        "first residual": hand["x_after_attn"], "normed": hand["x_pre_mlp"],
        "fc1": hand["fc1_pre"], "ReLU": hand["fc1"], "fc2": hand["mlp_out"],
        "second residual": hand["x_final"], "logits of BOS, a, b, c": hand["logits"],
        "probabilities": hand["probs"],
    }  # fmt: skip
    table = {cells[1]: cells[2] for cells in rows("architecture") if len(cells) == 3}
    for block, numbers in expected.items():
        said = [float(part.replace("−", "-")) for part in table[block].strip("()").split(", ")]
        assert said == pytest.approx(numbers), block
    exact = plain(CASES["pinned_b"]["row"])
    text = page_text("architecture")
    for name in ("x", "probs"):
        for number in exact[name]:
            assert f"{number:.4f}".replace("-", "−") in text
    assert f"{exact['loss_if_target'][0]:.2f}" == "1.80" and "= 1.80" in text
    assert f"{exact['k'][0]:.4f}".replace("-", "−") in page_text("gpt")


def test_sizes_of_larger_models_are_computed() -> None:
    sizes = {
        "microgpt": (27, 16, 16, 4, 1),
        "GPT-2 small": (50257, 1024, 768, 12, 12),
        "GPT-3": (50257, 2048, 12288, 96, 96),
    }

    def short(n: int) -> str:
        for size, word in ((10**9, "billion"), (10**6, "million")):
            if n >= size:
                return f"{n / size:.3g} {word}"
        return f"{n:,}"

    assert make_config("final", vocab_size=27).parameters() == 2 * 432 + 256 + 1024 + 2048
    for name, (vocab, block, width, heads, layers) in sizes.items():
        table = [cells[1:] for cells in rows("architecture") if cells[0] == name]
        assert table[0] == [f"{vocab:,}", f"{block:,}", f"{width:,}"]
        assert table[1][1] == f"{width:,}"
        cached = short(2 * width * layers).replace("1.84e+04", "18,432")
        assert table[2] == [f"{heads} of {width // heads}", short(4 * width**2), cached]
        assert table[3][:2] == [f"{4 * width:,}", short(8 * width**2)]
        head = vocab * width
        said = f"{head:,}" if head < 10**6 else f"{head / 10**6:.1f} million"
        assert table[4][0] == f"{vocab:,}" and table[4][1].startswith(said)
    vocab, block, width, _, layers = sizes["GPT-3"]
    all_of_it = (vocab + block) * width + layers * 12 * width**2
    assert f"{layers * 8 * width**2 / all_of_it:.0%}".replace("%", " %") == "66 %"
    assert "66 % of all parameters" in page_text("architecture")
    assert f"adds {2 * layers} times" in page_text("architecture")


def test_pages_say_in_the_tag_what_the_widget_shows() -> None:
    for name in NAMES:
        says_in_the_tags(name)
        assert "## So far" in page_text(name)
    for script in ("toy-diagram", "annotated-gpt", "numeric-tour"):
        source = (ROOT / "guide" / "widgets" / f"{script}.js").read_text(encoding="utf-8")
        assert not re.search(r"\beval\b|\bFunction\(|innerHTML|localStorage", source)
        assert len(source.splitlines()) <= 500


# ---------------------------------------------------------------- widgets in the browser


def vectors_of(widget: Any) -> dict[str, list[float]]:
    """Every number of a figure in full, by vector."""
    found: dict[str, list[float]] = {}
    pairs = widget.locator("data").evaluate_all(
        "all => all.map((one) => [one.dataset.number, one.value])"
    )
    for name, value in pairs:
        vector, at = name.rsplit(".", 1)
        numbers = found.setdefault(vector, [])
        assert len(numbers) == int(at)
        numbers.append(float(value))
    return found


def drawn_in(widget: Any) -> dict[str, list[float]]:
    """The numbers in the cells of a drawing of the toy, by vector."""
    found: dict[str, list[float]] = {}
    pairs = widget.locator(".td-number[data-number]").evaluate_all(
        "all => all.map((one) => [one.dataset.number, one.dataset.value])"
    )
    for name, value in pairs:
        found.setdefault(name.rsplit(".", 1)[0], []).append(float(value))
    return found


# The rules for what floats: it has a ground of its own, and doesn't lie over what it is about.
COVERS = """([panel, source]) => {
  const [a, b] = [panel, source].map((one) => one.getBoundingClientRect());
  const ground = getComputedStyle(panel).backgroundColor;
  const [, alpha = 1] = /rgba\\(.*, ([\\d.]+)\\)/.exec(ground) ?? [];
  const isOver = a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return [Number(alpha), isOver];
}"""


def covers(page: Any, panel: Any, source: Any) -> None:
    """Raises where a panel lets through what lies under it, or hides what it is about."""
    until(
        page,
        lambda: (
            page.evaluate(COVERS, [panel.element_handle(), source.element_handle()]) == [1, False]
        ),
        lambda: (
            f"{page.evaluate(COVERS, [panel.element_handle(), source.element_handle()])} of "
            f"{source.get_attribute('aria-label') or source.inner_text()}"
        ),
    )


@pytest.mark.slow
def test_the_diagram_has_every_number_of_every_token(opened: Any) -> None:
    page = opened("architecture", "mg-toy-diagram", "#?toy-diagram=stage:5,numbers:exact")
    whole = page.locator(WHOLE)
    config = make_config("final", n_layer=1, n_embd=2, n_head=1, block_size=4, vocab_size=4)
    engine = make_engine("scalar", config, "float64")
    engine.load(config, "float64", {k: np.array(w) for k, w in TOY["weights"].items()}, None)
    for token, name in enumerate(TOKENS):
        whole.get_by_role("button", name=name, exact=True).click()
        told(page, WHOLE, f"{name} at position 2: the probabilities")
        numbers = vectors_of(whole)
        assert list(numbers) == MADE
        expected = plain(CASES[f"pinned_{name}"]["row"])
        for vector in MADE:
            assert numbers[vector] == pytest.approx(expected[vector], abs=1e-9), (name, vector)
        drawing = drawn_in(whole)
        assert set(drawing) == set(MADE) - {"tok_emb", "pos_emb", "qk"}  # edges carry those
        assert drawing == {vector: numbers[vector] for vector in drawing}
        if token == 2:
            whole.locator(".mg-more > summary").click()
            whole.get_by_label("Cache", exact=True).select_option("computed")
            trace = {k.replace("layer0.", ""): v for k, v in engine.trace([0, 1, 2]).items()}
            computed = vectors_of(whole)
            for vector in MADE:
                made = [float(x) for x in trace[vector][2].ravel()]
                assert computed[vector] == pytest.approx(made, abs=1e-9), vector
            edge = whole.locator(".td-edge[data-id='keys.0.0']").get_attribute("stroke-width")
            assert float(edge) == pytest.approx(0.5 + 4.5 * abs(trace["k"][0].ravel()[0]), abs=0.01)
            whole.get_by_label("Cache", exact=True).select_option("pinned")
    whole.get_by_role("button", name="rounded", exact=True).click()
    for name in TOKENS:
        whole.get_by_role("button", name=name, exact=True).click()
        column = plain(CASES[f"pinned_{name}"]["by_hand"])
        numbers = vectors_of(whole)
        assert {v: numbers[v] for v in MADE[2:]} == {v: pytest.approx(column[v]) for v in MADE[2:]}


@pytest.mark.slow
def test_the_diagram_grows_and_is_lit(opened: Any) -> None:
    page = opened("architecture", "mg-toy-diagram")
    told(page, WHOLE, "make (−0.40, 0.50).")
    whole = page.locator(WHOLE)
    panel = whole.locator(".toy-panel")
    within_reach = whole.locator(".td-area[tabindex='0']")
    faint = f"getComputedStyle(document.querySelector('{WHOLE} .td-station:nth-last-of-type(1)'))"
    assert float(page.evaluate(f"{faint}.opacity")) < 0.2
    panel.get_by_text("sum₀ = −0.30 + (−0.10) = −0.40").wait_for()
    stages = whole.get_by_role("group", name="Stages").get_by_role("button")
    for stage, blocks in enumerate((1, 2, 8, 13, 15)):
        stages.nth(stage).click()
        until(
            page,
            lambda blocks=blocks: within_reach.count() == blocks,
            lambda blocks=blocks: f"{within_reach.count()} blocks are {blocks}",
        )
    assert page.evaluate(f"{faint}.opacity") == "1"
    told(page, WHOLE, "0.16, 0.32, 0.08, 0.43. The most likely is c.")
    in_address(page, "toy-diagram=stage:5")
    resized(page, 1280)
    for figure in page.locator("mg-toy-diagram").all():
        figure.scroll_into_view_if_needed()
    page.locator("mg-toy-diagram[stage='5'][data-ready]").wait_for()
    assert frame_checks.problems(page, "architecture") == []
    query = whole.get_by_role("button", name="Wq, Wk, Wv")
    query.focus()
    panel.get_by_text("q₀ = 0.5·(−0.88) + 0.2·1.10 = −0.22").wait_for()
    assert panel.locator("math").count() == 3 and panel.locator(".toy-picture").count() == 3
    code = panel.locator(".toy-line").all_inner_texts()
    source = (ROOT / "ladder" / "train5.py").read_text("utf-8").splitlines()
    for line in code:
        number, text = line.split(" ", 1)
        assert source[int(number) - 1].strip() == text.strip()
    assert [line.split()[1].split("[")[0] for line in code] == ["q", "keys", "values"]
    assert page.locator(".td-vec.mg-lit").count() == 6  # here and in stage 3
    signs = whole.locator(".td-station.mg-lit .td-sign")
    assert signs.all_text_contents() == ["+", "+", "+", "+", "+", "−", "+", "+", "+", "+", "−", "+"]
    assert signs.first.is_visible()
    page.keyboard.press("Enter")
    assert query.get_attribute("aria-pressed") == "true"
    panel.get_by_text("Pinned; Escape releases it.").wait_for()
    whole.locator(".mg-more > summary").click()
    assert whole.locator(".line.mg-lit").count() == 0  # a click elsewhere has released it
    query.focus()
    assert whole.locator(".line.mg-lit").count() == 3
    page.keyboard.press("ArrowRight")
    panel.get_by_text("score₀ = −0.03 / 1.41 = −0.02").wait_for()
    page.keyboard.press("Escape")
    line = whole.locator(".line", has_text="return linear(x")
    line.hover()
    lit = whole.locator(".td-station.mg-lit")
    assert [one.locator(".td-title").text_content() for one in lit.all()] == ["lm_head"]
    whole.get_by_label("Below it", exact=True).select_option("neurons")
    assert panel.locator(".toy-picture").count() == 0
    whole.get_by_label("Below it", exact=True).select_option("matrices")
    stage = page.locator("mg-toy-diagram[stage='4']")
    stage.scroll_into_view_if_needed()
    stage.get_by_role("button", name="a", exact=True).click()
    told(page, WHOLE, "a at position 2: the probabilities")
    assert stage.locator(".td-edge[data-id^='layer0.mlp_fc1']").count() == 16
    stage.locator(".td-title", has_text="fc1").hover()
    stage.get_by_role("img", name="mlp_fc1, 8 × 2").wait_for()
    in_address(page, "token:1")
    widget_checks.looked_at(page, "mg-toy-diagram")
    resized(page, 390)
    whole.locator(".td-all[data-way='down']").wait_for()
    for block in whole.locator(".td-area[role]").all():
        block.focus()
        covers(page, panel, block)


@pytest.mark.slow
def test_lines_of_gpt_are_told(opened: Any) -> None:
    page = opened("gpt", "mg-annotated-gpt")
    told(page, "mg-annotated-gpt", "A token's id, its position, and the two caches go in")
    widget = page.locator("mg-annotated-gpt")
    lines = widget.locator(".line")
    assert lines.count() == widget.get_by_role("option").count() == 19
    source = (ROOT / "ladder" / "train5.py").read_text("utf-8").splitlines()
    for line in lines.all():
        number = int(line.get_attribute("data-line"))
        assert line.inner_text().strip() == source[number - 1].strip()
    query = lines.filter(has_text="q = linear(h")
    query.hover()
    lit = widget.locator(".line.mg-lit")
    texts = [text.strip() for text in lit.all_inner_texts()]
    for start in ("h = rmsnorm(x)", "q = ", "keys[i].append", "values[i].append", "weights = "):
        assert any(text.startswith(start) for text in texts)
    assert not any(text.startswith("return") for text in texts)
    panel = widget.locator(".gpt-note")
    panel.get_by_text("The query [16]: what this position looks for").wait_for()
    stations = widget.locator(".td-vec.mg-lit")
    assert {one.get_attribute("data-link") for one in stations.all()} == {
        "toy.x_pre_attn",
        "toy.q",
    }
    widget.locator(".td-station", has_text="fc2").hover()
    panel.get_by_text("gathers 64 into 16").wait_for()
    assert [text.strip()[:9] for text in lit.all_inner_texts()] == ["# MLP: wo", "x = [new "]
    query.hover()
    page.locator("mg-numeric-tour").scroll_into_view_if_needed()
    page.locator("mg-numeric-tour .tour-row[data-link='toy.q']").hover()
    assert {text.strip()[:4] for text in lit.all_inner_texts()} == {"# At", "q = ", "weig"}
    query.hover()
    assert page.locator("mg-numeric-tour .tour-row.mg-lit").count() == 2  # what goes in, and q
    query.focus()
    page.keyboard.press("ArrowDown")
    told(page, "mg-annotated-gpt", "The key [16], made from the same h")
    page.keyboard.press("End")
    told(page, "mg-annotated-gpt", "a score for each token [27]")
    page.keyboard.press("Enter")
    assert lines.last.get_attribute("aria-selected") == "true"
    numbers = {line.strip()[:10]: number for number, line in enumerate(source, 1)}
    in_address(page, f"annotated-gpt=line:{numbers['return lin']}")
    mixed = numbers["mix += [do"]
    again = opened("gpt", "mg-annotated-gpt", f"#?annotated-gpt=line:{mixed}")
    told(again, "mg-annotated-gpt", "turns the list of values around")
    selected = again.locator("mg-annotated-gpt .line[aria-selected=true]")
    assert selected.get_attribute("data-line") == str(mixed)
    reset(page, "mg-annotated-gpt")
    told(page, "mg-annotated-gpt", "A token's id, its position, and the two caches go in")
    assert widget.locator(".line[aria-selected=true]").count() == 0
    widget_checks.looked_at(page, "mg-annotated-gpt")
    resized(page, 390)
    widget.locator(".td-all[data-way='down']").wait_for()
    for one in lines.all():
        one.focus()
        covers(page, panel, one)


@pytest.mark.slow
def test_the_tour_computes_any_x(opened: Any) -> None:
    page = opened("gpt", "mg-numeric-tour")
    told(page, "mg-numeric-tour", "the x of b at position 2: q = (−0.22, 0.35)")
    widget = page.locator("mg-numeric-tour")
    after_x = MADE[4:]
    column = plain(CASES["pinned_b"]["by_hand"])
    assert vectors_of(widget) == {v: pytest.approx(column[v]) for v in after_x}
    resized(page, 1280)
    assert frame_checks.problems(page, "gpt") == []
    widget.locator(".mg-more > summary").click()
    widget.get_by_label("Numbers", exact=True).select_option("exact")
    for name in TOKENS:
        widget.get_by_role("button", name=name, exact=True).click()
        told(page, "mg-numeric-tour", f"the x of {name} at position 2")
        row = plain(CASES[f"pinned_{name}"]["row"])
        assert vectors_of(widget) == {v: pytest.approx(row[v], abs=1e-9) for v in after_x}
    reset(page, "mg-numeric-tour")
    told(page, "mg-numeric-tour", "x = (−0.88, 1.10), the x of b")
    field = widget.get_by_label("x₀", exact=True).first
    field.fill("-1.76")
    page.keyboard.press("Enter")
    second = widget.get_by_label("x₁", exact=True).first
    second.fill("2.2")
    page.keyboard.press("Enter")
    told(page, "mg-numeric-tour", "no token's x at position 2: q = (−0.22, 0.35)")
    told(page, "mg-numeric-tour", "0.08, 0.35, 0.02, 0.54")
    in_address(page, "numeric-tour=x0:-1.76,x1:2.2")
    second.fill("7")
    page.keyboard.press("Enter")
    widget.get_by_text("7 is outside −3 to 3").wait_for()
    widget.get_by_role("button", name="Random x").focus()
    page.keyboard.press("Enter")
    in_address(page, "seed:1")
    link = page.url
    drawn(page)
    first = vectors_of(widget)
    again = opened("gpt", "mg-numeric-tour", link[link.index("#") :])
    assert vectors_of(again.locator("mg-numeric-tour")) == first
    slider = widget.locator("mg-number .mg-range").first
    slider.focus()
    page.keyboard.press("Home")
    told(page, "mg-numeric-tour", "x = (−3.00")
    widget_checks.looked_at(page, "mg-numeric-tour")
