"""The guide's pages from attention to the Transformer: their numbers and their widgets."""

import math
import re
from typing import Any

import numpy as np
import pytest

import browser
import frame_checks
from guide_pages import (
    CASES,
    LADDER,
    ROOT,
    TOY,
    answer_of,
    as_table,
    in_address,
    number,
    page_text,
    plain,
    real_engine,
    reset,
    rows,
    says_in_the_tags,
    shown,
    tokens_of,
    told,
)
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.training import Trainer

NAMES = [
    "attention", "embeddings", "rmsnorm", "residuals", "cache",
    "rung-3", "heads", "layers", "rung-4",
]  # fmt: skip


# ---------------------------------------------------------------- numbers on the pages


@pytest.mark.parametrize("page", ["attention", "heads"])
def test_weights_on_the_pages_are_the_models(page: str) -> None:
    model, engine = real_engine()
    weights = engine.trace(tokens_of(model, "karen"))["layer0.weights"][4]
    table = [cells for cells in rows(page) if re.fullmatch(r"head \d", cells[0])][:4]
    assert [[number(cell) for cell in cells[1:]] for cells in table] == np.round(
        weights[:, :5], 2
    ).tolist()


def test_embeddings_are_as_the_page_says() -> None:
    model, engine = real_engine()
    text = page_text("embeddings")
    n, bos = model.tokenizer.encode("n")[0], model.tokenizer.bos
    for word in ("ema", "mea"):
        p = engine.trace(tokens_of(model, word))["probs"][3]
        assert f"{p[n]:.3f}" in text
    wte = np.array(model.weights["wte"])
    unit = wte / np.linalg.norm(wte, axis=1, keepdims=True)
    likeness = unit @ unit.T
    for letter, others in (("a", "oeu"), ("e", "uoa"), ("k", "ljv")):
        at = model.tokenizer.encode(letter)[0]
        assert list(np.argsort(-likeness[at])[1:4]) == model.tokenizer.encode(others)
    a, o = model.tokenizer.encode("ao")
    assert f"{likeness[a, o]:.2f}" == "0.66" and f"{likeness[bos, :26].max():.2f}" == "0.38"
    blind = {name: np.array(rows) for name, rows in model.weights.items()}
    blind["wpe"] = np.zeros_like(blind["wpe"])
    _, without = real_engine(model.config, blind)
    ema, mea = (without.trace(tokens_of(model, word))["probs"][3] for word in ("ema", "mea"))
    assert np.allclose(ema, mea, atol=1e-12) and ema.argmax() == bos
    assert f"{ema[bos]:.3f}" in text


def test_sizes_along_the_stream() -> None:
    model, engine = real_engine()
    trace = engine.trace(tokens_of(model, "karen"))

    def sizes(name: str) -> str:
        size = np.sqrt((trace[name] ** 2).mean(axis=1))
        return f"{size.min():.2f} to {size.max():.2f}"

    assert sizes("emb") in page_text("rmsnorm") and sizes("x") == "1.00 to 1.00"
    assert sizes("layer0.x_final").replace(" to ", " and ") in page_text("rmsnorm")
    for name in ("layer0.x_attn", "layer0.mlp_out"):
        assert sizes(name) in page_text("residuals")


def test_norms_and_exercises_are_computed() -> None:
    def normed(x: list[float]) -> list[float]:
        scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
        return [v * scale for v in x]

    table = [cells for cells in rows("rmsnorm") if cells[0] and cells[0][0] in "−3"]
    for into, square, root, out in table:
        x = [number(part) for part in into.split(", ")]
        mean = sum(v * v for v in x) / len(x)
        assert number(square) == pytest.approx(mean, rel=1e-3)
        assert number(root) == pytest.approx(math.sqrt(mean), rel=1e-3)
        assert [number(part) for part in out.split(", ")] == pytest.approx(normed(x), abs=6e-4)
    assert len(table) == 3
    assert answer_of("X-rmsnorm") == pytest.approx(normed([3, 4, 0, 0]), abs=1e-4)
    toy = TOY["weights"]
    summed = [t + p for t, p in zip(toy["wte"][1], toy["wpe"][2], strict=True)]
    assert answer_of("X-embedding") == pytest.approx(summed)
    (a, b), (c, d) = toy["layer0.attn_wo"]
    assert f"= {a * d - b * c:.2f}" in page_text("residuals")
    for layers, matrices, count in [r for r in rows("layers") if r[0].isdigit()]:
        config = make_config("final", n_layer=int(layers), vocab_size=27)
        assert config.parameters() == number(count)
        assert len(config.shapes()) == int(matrices)
    three = make_config("final", n_layer=3, vocab_size=27)
    assert answer_of("X-layers") == [three.parameters()]
    assert answer_of("X-heads") == [3 * 768]
    for scores, said in (((8, 4, 0), "0.98, 0.02, 0.00"), ((2, 1, 0), "0.67, 0.24, 0.09")):
        exps = [math.exp(s) for s in scores]
        assert ", ".join(f"{e / sum(exps):.2f}" for e in exps) == said
        assert said in page_text("attention")


def test_the_toy_by_hand_on_the_pages() -> None:
    hand = plain(CASES["pinned_b"]["by_hand"])
    table = {cells[0]: cells[1] for cells in rows("residuals") if len(cells) == 2}
    for step, name in (("x", "x"), ("after attention and Wo", "x_attn"), ("normed", "x_pre_mlp"),
                       ("fc1", "fc1_pre"), ("after ReLU", "fc1"), ("fc2", "mlp_out"),
                       ("sum", "x_final"), ("logits of BOS, a, b, c", "logits"),
                       ("probabilities", "probs")):  # fmt: skip
        found = [number(part) for part in table[step].strip("()").split(", ")]
        assert found == pytest.approx(hand[name]), step


@pytest.mark.slow
def test_heads_of_rung_4_hardly_choose() -> None:
    """The reason that the page on heads gives: every head takes nearly the plain mean."""
    dataset = load_data(ROOT / "data" / "names.txt")
    config = make_config("final", optimizer="sgd", lr=0.1)
    trainer = Trainer(config, dataset)
    losses = [event["loss"] for event in trainer.events() if "step" in event]
    ladder = LADDER["rungs"][4]
    assert [round(loss, 4) for loss in losses] == pytest.approx(ladder["losses"], abs=1.1e-4)
    weights, _ = trainer.engine.state()
    model, trained = real_engine()
    _, rung = real_engine(trainer.config, weights)
    unused = trainer.docs[1000:1500]

    def choosiness(engine: Any) -> float:
        """Mean of a head's largest weight over the even share, at all positions but the first."""
        found = []
        for name in unused:
            for t, heads in enumerate(engine.trace(tokens_of(model, name))["layer0.weights"]):
                if t:
                    found += (heads.max(axis=1) * (t + 1)).tolist()
        return float(np.mean(found))

    text = page_text("heads")
    assert f"{choosiness(rung):.2f} times the even share" in text
    assert f"the factor is {choosiness(trained):.2f}" in text
    karen = rung.trace(tokens_of(model, "karen"))["layer0.weights"][4][:, :5]
    table = [cells for cells in rows("heads") if re.fullmatch(r"head \d", cells[0])][4:]
    assert [[number(c) for c in cells[1:]] for cells in table] == np.round(karen, 2).tolist()


def test_pages_say_in_the_tag_what_the_widget_shows() -> None:
    for name in NAMES:
        says_in_the_tags(name)
        assert "## So far" in page_text(name)
    assert "bring nothing" in page_text("heads") and "bring nothing" in page_text("rung-4")
    for said in ("2.3933", "2.3932", "2.3967", "2.3966"):
        assert said in page_text("heads")


# ---------------------------------------------------------------- widgets in the browser


OVERLAPS = """(name) => {
const found = [], texts = [...document.querySelectorAll(
  `${name} .att-picture text, ${name} .att-pad text`)]
  .map((e) => ({ said: e.textContent, box: e.getBoundingClientRect() }));
texts.forEach(({ said, box: a }, i) => {
  if (a.left < 0 || a.right > document.documentElement.clientWidth)
    found.push(`${said} is outside`);
  for (const { said: other, box: b } of texts.slice(0, i)) {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 0.5 && high > 2) found.push(`${other} and ${said}`);
  }
});
return found; }"""


def legible(page: Any, element: str) -> None:
    """No two labels of the drawing overlap, lying at 1280 and standing at 390 pixels."""
    drawing = page.locator(f"{element} .att-drawing")
    for width, looks in ((390, "att-drawing att-upright"), (1280, None)):
        page.set_viewport_size({"width": width, "height": 800})
        if looks:
            page.locator(f"{element} .{looks.replace(' ', '.')}").wait_for()
        else:
            browser.until(
                page,
                lambda: (
                    element == "mg-attention-play"  # stands: beside it is the plane
                    or "att-upright" not in (drawing.get_attribute("class") or "")
                ),
                lambda: f"{element} lies",
            )
        assert page.evaluate(OVERLAPS, element) == [], (element, width)


@pytest.mark.slow
def test_attention_step_by_step(opened: Any) -> None:
    page = opened("attention", "mg-attention")
    told(page, "mg-attention", "normalised, it is x = (−0.88, 1.10)")
    widget = page.locator("mg-attention")
    names = widget.locator(".att-segment-name")
    assert names.count() == 0
    widget.get_by_role("button", name="One step on").click()
    told(page, "mg-attention", "= (−0.22, 0.35).")
    widget.locator("mg-stepper .mg-range").focus()
    page.keyboard.press("End")
    told(page, "mg-attention", "output (0.14, 0.28). Wo turns it into (0.14, 0.21).")
    assert names.all_text_contents() == ["0.30", "0.34", "0.36"]
    drawing = widget.locator(".att-drawing")
    drawing.focus()
    for _ in range(2):  # from its own key to the one before
        page.keyboard.press("ArrowLeft")
    card = widget.locator(".att-card")
    assert "b → position 1" in card.inner_text() and "weights = softmax(" in card.inner_text()
    page.keyboard.press("Escape")
    assert "Point at an arrow" in card.inner_text()
    as_table(page, "mg-attention")
    widget.locator(".mg-table td").first.wait_for()
    assert widget.locator(".mg-table td:nth-child(6)").all_text_contents() == [
        "0.30", "0.34", "0.36",
    ]  # fmt: skip
    as_table(page, "mg-attention")
    widget.locator(".mg-more > summary").click()
    widget.get_by_label("Numbers", exact=True).select_option("exact")
    told(page, "mg-attention", "(0.1451, 0.2782). Wo turns it into (0.1427, 0.2093)")
    widget.get_by_label("Cache", exact=True).select_option("computed")
    told(page, "mg-attention", "(0.2719, 0.3425)")
    in_address(page, "attention=step:8,cache:computed,numbers:exact")
    legible(page, "mg-attention")
    again = opened("attention", "mg-attention", "#?attention=step:6,cache:computed")
    told(again, "mg-attention", "The weights are 0.34, 0.31, 0.35.")
    reset(page, "mg-attention")
    told(page, "mg-attention", "The token b is at position 2")
    phrase = page.locator('mg-say[figure="attention"][state="step:5"]')
    assert phrase.get_attribute("aria-pressed") == "false"
    phrase.focus()
    told(page, "mg-attention", "divided by 1.41, the scores are −0.02, 0.11, 0.15.")
    assert phrase.get_attribute("aria-pressed") == "true"
    widget.get_by_role("button", name="One step on").click()
    told(page, "mg-attention", "They sum to 1.")
    assert phrase.get_attribute("aria-pressed") == "false"
    weights = page.locator('mg-say[figure="attention"][state="step:6"]')
    assert weights.get_attribute("aria-pressed") == "true"
    phrase.press("Enter")
    told(page, "mg-attention", "divided by 1.41")


@pytest.mark.slow
def test_query_is_dragged_and_typed(opened: Any) -> None:
    page = opened("attention", "mg-attention-play")
    told(page, "mg-attention-play", "Query (−0.22, 0.35): weights 0.30, 0.34, 0.36")
    widget = page.locator("mg-attention-play")
    pad = widget.locator(".att-pad")
    pad.hover()  # its middle, once it has come to rest: figures above it may still come up
    page.mouse.down()
    told(page, "mg-attention-play", "weights 0.33, 0.33, 0.33")
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=4)
    page.mouse.up()
    told(page, "mg-attention-play", "Query (10.00, −10.00): weights 0.99, 0.01, 0.00")
    field = widget.get_by_label("q₀", exact=True).first
    field.fill("-10")
    page.keyboard.press("Enter")
    told(page, "mg-attention-play", "Query (−10.00, −10.00): weights 0.05, 0.10, 0.85")
    in_address(page, "attention-play=q0:-10,q1:-10")
    field.fill("19")
    page.keyboard.press("Enter")
    assert "outside −10 to 10" in widget.inner_text()
    assert "A shortcut" in widget.inner_text()
    legible(page, "mg-attention-play")


@pytest.mark.slow
def test_illustrative_words(opened: Any) -> None:
    page = opened("attention", "mg-fuzzy")
    told(page, "mg-fuzzy", "The fuzzy one answers 4.4: mostly fox, 43 %.")
    legible(page, "mg-fuzzy")
    widget = page.locator("mg-fuzzy")
    assert "Illustrative" in widget.inner_text()
    widget.locator("mg-number .mg-range").focus()
    page.keyboard.press("Home")
    told(page, "mg-fuzzy", "answers 2.4: all entries count alike")
    widget.get_by_label("Look up", exact=True).select_option("lazy")
    page.keyboard.press("End")
    shown(page, "mg-word-attention")
    told(page, "mg-word-attention", "most of all at “brown” (55 %), then at “quick” (39 %).")
    words = page.locator("mg-word-attention")
    assert "Illustrative" in words.inner_text()
    legible(page, "mg-word-attention")
    words.get_by_label("Word", exact=True).select_option("jumps")
    told(page, "mg-word-attention", "“jumps” looks for whoever does it: most of all at “fox”")
    words.get_by_role("button", name="Later words too").click()
    in_address(page, "word-attention=word:4,later:1")


@pytest.mark.slow
def test_heads_of_the_trained_model(opened: Any) -> None:
    model, engine = real_engine()
    page = opened("attention", "mg-head-weights")
    told(
        page,
        "mg-head-weights",
        "r at 3 (head 2: 0.62), k at 1 (head 3: 0.57)",
    )
    widget = page.locator("mg-head-weights")
    field = widget.get_by_label("Beginning of a name")
    field.fill("jaylen")
    told(page, "mg-head-weights", "n at position 6 looks most at")
    widget.get_by_role("button", name="l", exact=True).click()
    told(page, "mg-head-weights", "l at position 4 looks most at")
    weights = engine.trace(tokens_of(model, "jaylen"))["layer0.weights"][4][:, :5]
    as_table(page, "mg-head-weights")
    widget.locator(".mg-table td").first.wait_for()
    shown_numbers = widget.locator(".mg-table td").all_text_contents()
    assert shown_numbers == [f"{w:.2f}" for w in weights.ravel()]
    as_table(page, "mg-head-weights")
    field.fill("ann3")
    widget.locator("[role=alert]", has_text="It doesn't know “3”").wait_for()
    field.fill("<b>")
    widget.locator("[role=alert]", has_text="It doesn't know “<”").wait_for()
    in_address(page, "head-weights=text:jaylen")
    field.fill("alexandertheone")  # as long as a name can be
    told(page, "mg-head-weights", "e at position 15 looks most at")
    legible(page, "mg-head-weights")
    widget.get_by_label("Head", exact=True).select_option("2")
    in_address(page, "head:2")
    legible(page, "mg-head-weights")
    assert frame_checks.problems(page, "attention") == []
    split = opened("heads", "mg-head-split")
    told(split, "mg-head-split", "4 heads of 4 numbers: 4 × 5 weights.")
    split.locator("mg-head-split").get_by_label("Heads", exact=True).select_option("1")
    told(
        split,
        "mg-head-split",
        "1 head of 16 numbers: 1 × 5 weights. Most: r at 3 (head 1: 0.69)",
    )


@pytest.mark.slow
def test_cache_grows_and_blocks_are_told(opened: Any) -> None:
    page = opened("cache", "mg-cache")
    told(page, "mg-cache", "m at position 2 adds a key and a value; the cache holds 3 of each")
    widget = page.locator("mg-cache")
    widget.locator("mg-stepper .mg-range").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    told(
        page,
        "mg-cache",
        "5 of each, 160 numbers. Computed so far: 10 keys and values, without a cache 30.",
    )
    grid = widget.locator("mg-heat [role=grid]").first
    assert grid.get_attribute("aria-label") == "keys, 5 × 16"
    in_address(page, "cache=at:4")
    blocks = opened("rung-3", "mg-before-after")
    told(blocks, "mg-before-after", "Gone: fc2.")
    two = blocks.locator("mg-before-after")
    assert two.locator(".att-block[data-mark=new]").count() == 12
    two.get_by_role("button", name="Wo", exact=False).first.click()
    told(blocks, "mg-before-after", "Wo: Mixes what attention has gathered. 256 parameters.")
    two.get_by_role("link", name="Its page").click()
    blocks.wait_for_url("**/learn/residuals/**")
    other = opened("rung-4", "mg-before-after")
    told(other, "mg-before-after", "Gone: cache, attention, one head.")
    losses = shown(other, "mg-ladder-losses")
    losses.scroll_into_view_if_needed()
    told(other, "mg-ladder-losses", "rung 3 2.393, rung 4 2.393.")
