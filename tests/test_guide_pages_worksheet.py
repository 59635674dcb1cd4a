"""The worksheet of the toy block, in a browser: cells, mistakes, progress, paper."""

from typing import Any

import pytest

from guide_pages import CASES, in_address, plain, told
from widget_checks import looked_at

SHEET = "mg-worksheet"
STEPS = [
    "emb", "x", "x_pre_attn", "q", "k", "v", "qk", "scores", "weights", "head_out", "x_attn",
    "x_after_attn", "x_pre_mlp", "fc1_pre", "fc1", "mlp_out", "x_final", "logits", "probs",
]  # fmt: skip


def by_hand(name: str) -> list[list[float]]:
    column = plain(CASES[name]["by_hand"])
    return [column[step] for step in STEPS]


@pytest.mark.slow
def test_a_sheet_is_filled_by_keyboard_and_kept(opened: Any) -> None:
    page = opened("worksheet", SHEET)
    told(page, SHEET, "Token b: 0 of 57 cells are right.")
    sheet = page.locator(SHEET)
    sheet.locator(".ws-field").first.focus()
    for x in (x for step in by_hand("pinned_b") for x in step):
        page.keyboard.insert_text(f"{x:.2f}")
        page.keyboard.press("Enter")
    told(page, SHEET, "Token b: 57 of 57 cells are right. All by yourself.")
    marks = sheet.locator(".ws-mark").all_text_contents()
    assert marks == ["✓"] * 57
    page.reload()
    page.locator(SHEET).scroll_into_view_if_needed()
    told(page, SHEET, "Token b: 57 of 57")
    sheet.get_by_label("Token at position 2").select_option("a")
    told(page, SHEET, "Token a: 0 of 57")
    assert set(sheet.locator(".ws-field").evaluate_all("(es) => es.map((e) => e.value)")) == {""}
    in_address(page, "worksheet=token:1")
    sheet.get_by_label("Token at position 2").select_option("b")
    told(page, SHEET, "Token b: 57 of 57")
    sheet.get_by_role("button", name="Empty this sheet").click()
    told(page, SHEET, "Token b: 0 of 57")
    page.reload()
    page.locator(SHEET).scroll_into_view_if_needed()
    told(page, SHEET, "Token b: 0 of 57")


@pytest.mark.slow
def test_mistakes_are_named_hints_and_cells_shown(opened: Any) -> None:
    page = opened("worksheet", SHEET)
    sheet = page.locator(SHEET)
    for label, typed, words in (
        ("e₀", "0.40", "That is the wrong row: b has row 2 of wte"),
        ("x₁", "1.11", "Rounded too early: the square root isn't rounded"),
        ("q₀", "-0.10", "before the norm: h is meant"),
        ("score 2", "0.21", "The square root of 2 is missing"),
        ("weight 0", "0.22", "That looks into the future"),
        ("s₀", "0.40", "The residual is missing"),
        ("u₀", "-0.16", "ReLU is skipped"),
        ("k₀", "hello", "enter a number, such as"),
        ("k₀", "-0.38", "computed exactly. Rounded at each step, as by hand, it is −0.37."),
        ("k₀", "-0.37", "rounded at each step as by hand. Exactly it is −0.3755."),
    ):
        sheet.get_by_label(label).fill(typed)
        page.keyboard.press("Enter")
        sheet.locator(".ws-said", has_text=words).wait_for()
    told(page, SHEET, "Token b: 1 of 57 cells are right.")
    assert sheet.locator(".ws-field[aria-invalid]").count() == 7
    sheet.get_by_label("o₁").focus()
    sheet.get_by_role("button", name="Hint for o₁").click()
    sheet.get_by_text("o₁ = 0.10·0.14 + 0.70·0.28", exact=True).wait_for()
    sheet.get_by_role("button", name="Show o₁").click()
    assert sheet.get_by_label("o₁").input_value() == "0.21"
    told(page, SHEET, "Token b: 1 of 57 cells are right, 1 shown.")
    key = sheet.locator(".ws-key")
    assert key.get_attribute("open") is None
    key.locator("summary").click()
    sheet.get_by_role("cell", name="−0.3755").wait_for()
    assert key.locator("tbody tr").count() == 57
    hidden = opened("worksheet", SHEET, "#?hide=key,show")
    assert not hidden.locator(".ws-key").is_visible()
    assert hidden.get_by_role("button", name="Show e₀").count() == 0


@pytest.mark.slow
def test_on_paper_the_cells_are_empty_and_the_key_is_hidden(opened: Any) -> None:
    page = opened("worksheet", SHEET)
    sheet = page.locator(SHEET)
    sheet.get_by_label("e₀").fill("-0.40")
    page.keyboard.press("Enter")
    looked_at(page, SHEET)
    page.emulate_media(media="print")
    color = "(e) => getComputedStyle(e).color"
    assert sheet.get_by_label("e₀").evaluate(color) == "rgba(0, 0, 0, 0)"
    for hidden in (".ws-key", ".ws-mark >> nth=0", ".ws-tools >> nth=0", ".ws-said >> nth=0"):
        assert not sheet.locator(hidden).is_visible()
    assert sheet.locator(".ws-field").first.is_visible()
    assert "Token at position 2: b" in sheet.inner_text()
