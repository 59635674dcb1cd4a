"""The search's index: formulas as plain text, sections, and the terms that they explain."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from guide_pages import PAGES


@pytest.fixture
def formulas(require: Callable[[str], ModuleType]) -> Any:
    for module in ("markdown", "latex2mathml"):
        require(module)
    import formulas

    return formulas


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        ("2^{3.83} = 14.2", "2^3.83 = 14.2"),
        ("x^2 + w_1 x_i", "x² + w₁ x_i"),
        (r"\epsilon = 10^{-8}", "ϵ = 10⁻⁸"),
        (r"-\ln p, \; \log_2 27", "−ln p, log₂ 27"),
        (r"\frac{e^{z_i - m}}{\sum_{j} e^{z_j}}", "(e^(z_i−m))/(∑_j e^(z_j))"),
        (r"\frac{1}{n} \sum_{i=1}^{n} (\hat{y}_i - y_i)^2", "1/n ∑_(i=1)^n (y_hat_i − y_i)²"),
        (r"\frac{\hat{m}}{\sqrt{\hat{v}} + \epsilon}", "m_hat/(√v_hat + ϵ)"),
        (r"\sqrt{4 + 1}, \sqrt{d}", "√(4 + 1), √d"),
        (r"\frac{dL}{dp}, \frac{\partial f}{\partial x}", "dL/dp, ∂f/∂x"),
        (r"x'' = (\overline{x'^2})^{-1/2}", "x″ = (mean(x′²))^(−1/2)"),
        (r"q = W_q x \qquad k = W_{lm} x", "q = W_q x; k = W_lm x"),
        (r"\begin{pmatrix} 1 & 0 \\ 0 & -1 \end{pmatrix}", "(1, 0; 0, −1)"),
        (r"p(b \mid a), (-1, 2)", "p(b | a), (−1, 2)"),
    ],
)
def test_a_formula_in_a_line_loses_nothing(formulas: Any, tex: str, text: str) -> None:
    assert formulas.in_a_line(formulas.mathml(tex, "inline")) == text


def test_an_index_stays_with_its_function(formulas: Any) -> None:
    made = formulas.mathml(r"\log_2 x + \ln x", "inline")
    assert "<msub><mi>log</mi><mn>2</mn></msub><mspace" in made
    assert "<mi>ln</mi><mspace" in made


def test_sections_have_their_text_and_terms(formulas: Any) -> None:
    import searching

    made = formulas.mathml("2^{3.83}", "inline")
    page = f"""<main id="main"><h1 id="t">The <em>page</em></h1><p>A <strong>top-<em>k</em></strong>
    is {made}.</p><nav>not this</nav><h2 id="s">One &amp; two</h2><ul><li>a</li><li>b</li></ul>
    <mg-x><p><strong>Two words:</strong> within</p></mg-x><strong>far too many words for a term
    </strong><pre><code><span>x</span> <span>=</span> 1</code></pre></main><p>nor this</p>"""
    first, second = searching.of_page("learn/x/", page)
    assert first == {
        "location": "learn/x/",
        "title": "The page",
        "page": "The page",
        "text": "A top-k is 2^3.83.",
        "terms": ["top-k"],
    }
    assert second["location"] == "learn/x/#s" and second["title"] == "One & two"
    assert second["text"] == "a b Two words: within far too many words for a term x = 1"
    assert "terms" not in second


@pytest.mark.slow
def test_no_power_is_lost_on_the_way_to_the_search(guide_site: Path) -> None:
    entries = json.loads((guide_site / "search.json").read_text(encoding="utf-8"))
    text = "\n".join(entry["text"] for entry in entries)
    tex = "\n".join(path.read_text(encoding="utf-8") for path in PAGES.glob("*.md"))
    powers = re.findall(r"\$(\w)\^\{?([\d.]+)\}? = ", tex)
    assert len(powers) > 3
    for base, power in powers:
        small = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(d)] for d in power if d != ".")
        assert f"{base}{small} = " in text or f"{base}^{power} = " in text
    assert not re.search(r"(?<!\d)(?:23\.83|e2\.\d+) =", text)
