"""The planes of embeddings and of RMSNorm: their numbers against NumPy's, and in a browser."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import make_norms
from guide_pages import (
    GUIDE,
    ROOT,
    as_table,
    in_address,
    page_text,
    real_engine,
    reset,
    shown,
    told,
)

LETTERS = [*"abcdefghijklmnopqrstuvwxyz", "BOS"]
KAREN = [26, 10, 0, 17, 4, 13, 26]
MOVES = ((0.0, 0.0), (-1.2, -0.2), (1.2, 0.2))


class Plane:
    """The trained rows in the plane of their first two principal components, by NumPy."""

    def __init__(self) -> None:
        self.model, _ = real_engine()
        self.weights = {name: np.array(rows) for name, rows in self.model.weights.items()}
        self.rows = self.weights["wte"]
        away = self.rows - self.rows.mean(axis=0)
        _, sizes, axes = np.linalg.svd(away, full_matrices=False)
        self.shares = (sizes**2 / (sizes**2).sum())[:2]
        self.axes = axes[:2] * np.sign(axes[:2] @ away[0])[:, None]
        self.points = away @ self.axes.T

    def moved(self, token: int, by: tuple[float, float]) -> Any:
        return self.rows[token] + np.array(by) @ self.axes

    def distances(self, token: int, by: tuple[float, float] = (0, 0)) -> Any:
        return np.linalg.norm(self.rows - self.moved(token, by), axis=1)

    def after(self, token: int, by: tuple[float, float], at: int) -> Any:
        """What follows it there, with only BOS before it; what stands between is left out."""
        wte = self.rows.copy()
        wte[token] = self.moved(token, by)
        wpe = self.weights["wpe"].copy()
        if at:  # the engine knows no gaps: the second position gets the row of the wanted one
            wpe[1] = wpe[at]
        _, engine = real_engine(self.model.config, {**self.weights, "wte": wte, "wpe": wpe})
        tokens = [self.model.tokenizer.bos, token] if at else [token]
        return engine.trace(tokens)["probs"][-1]


@pytest.fixture(scope="module")
def plane() -> Plane:
    return Plane()


@pytest.mark.slow
def test_the_guides_plane_is_numpys(plane: Plane, require_program: Callable[[str], str]) -> None:
    modules = (GUIDE / "js/figures/trained").as_uri()
    numbers = (GUIDE / "js/numbers").as_uri()
    script = f"""
      import {{ readFileSync }} from "node:fs";
      import {{ opened }} from "{modules}/real-model.js";
      import {{ moved, nearest, nextAfter, placeOf, planeOf, summed }}
        from "{modules}/embedding-plane.js";
      import {{ floats }} from "{numbers}/arithmetic.js";
      import {{ emptyCache, gpt }} from "{numbers}/forward.js";
      const real = opened(readFileSync({json.dumps(str(ROOT / "data/model.json"))}, "utf8"));
      const rows = real.weights.wte;
      const plane = planeOf(rows);
      const unnormed = (tokens) => {{
        const cache = emptyCache(real.config);
        return tokens.map((token, at) => {{
          const found = {{}};
          gpt(floats, real.config, real.weights, token, at, cache,
            (name, value) => (found[name] = value), new Set(["norm"]));
          return ["layer0.x_pre_attn", "layer0.x_pre_mlp", "layer0.x_final"].map((n) => found[n]);
        }});
      }};
      const now = (token, by) => moved(plane, rows[token], by);
      console.log(JSON.stringify({{
        ...plane,
        unnormed: unnormed({json.dumps(KAREN[:-1])}),
        points: rows.map((row) => placeOf(plane, row)),
        sums: rows.map((row) => summed(real, row).map((sum) => placeOf(plane, sum))),
        near: rows.map((_, token) => {json.dumps(MOVES)}.map(
          (by) => nearest(rows, token, now(token, by)).map((one) => [one.token, one.distance]))),
        after: rows.map((_, token) => {json.dumps(MOVES)}.map((by) => nextAfter(
          real, token, now(token, by), token % 16))),
      }}));
    """
    done = subprocess.run(
        [require_program("node"), "--input-type=module", "-e", script],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    got = json.loads(done.stdout)
    broken, _ = make_norms.forward(plane.weights, KAREN, plane.model.config.n_head, has_norm=False)
    np.testing.assert_allclose(
        np.array(got["unnormed"]), np.stack([*broken.values()], axis=1), atol=1e-12
    )
    np.testing.assert_allclose(got["shares"], plane.shares, rtol=1e-10)
    np.testing.assert_allclose(got["axes"], plane.axes, atol=1e-10)
    np.testing.assert_allclose(got["points"], plane.points, atol=1e-10)
    shifts = plane.weights["wpe"] @ plane.axes.T
    np.testing.assert_allclose(got["sums"], plane.points[:, None] + shifts, atol=1e-10)
    for token in range(27):
        for by, near, after in zip(MOVES, got["near"][token], got["after"][token], strict=True):
            distances = plane.distances(token, by)
            assert [i for i, _ in near] == [i for i in np.argsort(distances) if i != token]
            np.testing.assert_allclose([d for _, d in near], np.sort(distances[
                np.arange(27) != token]), rtol=1e-10)  # fmt: skip
            np.testing.assert_allclose(after, plane.after(token, by, token % 16), atol=1e-9)


def test_the_drawing_without_scripts_shows_numpys_numbers(plane: Plane) -> None:
    drawn = (GUIDE / "stills" / "embeddings.html").read_text(encoding="utf-8")
    one, other = plane.shares
    assert f"axis 1: {one:.0%} of the variance".replace("%", " %") in drawn
    assert f"axis 2: {other:.0%}".replace("%", " %") in drawn
    dots = re.findall(r'<circle class="emb-dot[^"]*"[^>]* cx="([\d.]+)" cy="([\d.]+)"', drawn)
    places = np.array(dots, dtype=float)
    assert len(places) == 27
    for axis in (0, 1):  # on one straight line with NumPy's, within a rounded tenth of a pixel
        fit = np.polyfit(plane.points[:, axis], places[:, axis], 1)
        assert np.abs(np.polyval(fit, plane.points[:, axis]) - places[:, axis]).max() < 0.11
        assert fit[0] * (1, -1)[axis] > 200
    probs = plane.after(0, (0, 0), 1)
    shares = re.findall(r'class="emb-share"[^>]*>([\d.]+)<', drawn)
    assert shares == [f"{p:.2f}" for p in np.sort(probs)[::-1][:7]]
    lit = re.findall(r'class="emb-letter emb-lit[^>]*>(\w+)<', drawn)
    assert sorted(lit) == sorted(LETTERS[i] for i in np.argsort(plane.distances(0))[1:4])


def test_the_page_says_what_the_figure_shows(plane: Plane) -> None:
    text = page_text("embeddings")
    assert "hold {:.0f} % and {:.0f} % of the variance".format(*100 * plane.shares) in text
    a, n = LETTERS.index("a"), LETTERS.index("n")
    pulled = plane.after(a, (-1.2, -0.2), 1)
    first, second, *others = [LETTERS[i] for i in np.argsort(-pulled)[:5]]
    assert {first, second, *others} <= set("aeiouy")
    assert (
        f"{first} with {np.sort(pulled)[-1]:.2f} and {second} with {np.sort(pulled)[-2]:.2f}"
        in text
    )
    right, before = plane.after(n, (1.2, 0.2), 1), plane.after(n, (0, 0), 1)
    assert right.argmax() == n == plane.after(a, (0, 0), 1).argmax() and before.argmax() == a
    assert f"n is likeliest after it, with {right.max():.2f}, as after a" in text
    assert f"it was a, with {before.max():.2f}" in text
    for state in ("letter:a,dx:-1.2,dy:-0.2", "letter:n,dx:1.2,dy:0.2"):
        assert state in text
    early, late = (plane.after(a, (0, 0), at)[-1] for at in (1, 6))
    assert f"has probability {early:.2f} after an a at position 1, and {late:.2f} after" in text
    q = LETTERS.index("q")
    assert np.argsort(plane.distances(a))[3] == q == np.linalg.norm(plane.rows, axis=1).argmin()
    names = (ROOT / "data" / "names.txt").read_text(encoding="utf-8")
    assert Counter(names.replace("\n", "")).most_common()[-1][0] == "q"
    assert "The row of a lies nearest to those of o, e and q" in text
    usual = np.sort(plane.after(a, (0, 0), 1))[::-1]
    assert f"writes n with probability {usual[0]:.2f} and l with {usual[1]:.2f}" in text


def test_sizes_with_and_without_the_norms(plane: Plane) -> None:
    model, engine = real_engine()
    trace = engine.trace(KAREN[:-1])
    points, losses = make_norms.forward(plane.weights, KAREN, model.config.n_head, has_norm=True)
    for name, step in (("attention", "x_pre_attn"), ("mlp", "x_pre_mlp"), ("end", "x_final")):
        np.testing.assert_allclose(points[name], trace[f"layer0.{step}"], atol=1e-12)
    here = np.arange(len(KAREN) - 1)
    np.testing.assert_allclose(losses, -np.log(trace["probs"][here, KAREN[1:]]), atol=1e-12)
    kept = json.loads(make_norms.TARGET.read_text(encoding="utf-8"))
    assert make_norms.measured() == kept
    text = page_text("rmsnorm")
    one, other = kept["with"], kept["without"]
    assert f"rises from {one['loss']:.3f} to {other['loss']:.3f}" in text
    into, mlp = (other["points"][point] for point in ("attention", "mlp"))
    for sizes in (into, mlp):
        assert f"{sizes['least']:.2f} to {sizes['most']:.2f}" in text
    for point in ("attention", "mlp"):
        assert round(one["points"][point]["least"], 2) == 1 == one["points"][point]["most"]
    assert "a third as large" in text and 0.25 < np.average(
        np.arange(len(into["counts"])) * kept["bin"], weights=into["counts"]
    ) < 0.36  # fmt: skip
    for half in (one, other):
        assert {sum(p["counts"]) for p in half["points"].values()} == {kept["positions"]}


@pytest.mark.slow
def test_a_vector_is_dragged_round_the_circle(opened: Any) -> None:
    page = opened("rmsnorm", "mg-rmsnorm")
    told(page, "mg-rmsnorm", "(2.00, −1.50) has mean square 3.13; its image is (1.13, −0.85).")
    plane = shown(page, "mg-rmsnorm").locator(".norm-plane")
    plane.hover()  # its middle
    page.mouse.down()
    told(page, "mg-rmsnorm", "(0.00, 0.00) stays where it is")
    box = plane.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 1, steps=4)
    page.mouse.up()
    told(page, "mg-rmsnorm", "(0.00, 3.00) has mean square 4.50; its image is (0.00, 1.41).")
    in_address(page, "rmsnorm=x0:0,x1:3")
    reset(page, "mg-rmsnorm")
    told(page, "mg-rmsnorm", "(2.00, −1.50)")


@pytest.mark.slow
def test_a_letter_is_dragged_and_chosen(opened: Any) -> None:
    page = opened("embeddings", "mg-embeddings")
    told(page, "mg-embeddings", "a lies nearest to o (0.77), e (0.80) and q (0.87)")
    widget = shown(page, "mg-embeddings")
    plane = widget.locator(".emb-plane")
    box = plane.bounding_box()
    spot = widget.locator(".emb-own").bounding_box()
    x, y = spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - box["width"] / 2, y, steps=4)
    told(
        page, "mg-embeddings", re.compile(r"^a, moved, .*Likeliest next: [aeiouy] .* and [aeiouy] ")
    )
    page.mouse.up()
    in_address(page, "embeddings=dx:-1.")
    letter = widget.locator(".emb-letter", has_text=re.compile("^n$")).bounding_box()
    page.mouse.click(letter["x"] + 4, letter["y"] + 8)
    told(page, "mg-embeddings", "n lies nearest to h (0.67)")
    assert widget.get_by_label("Letter", exact=True).input_value() == "n"
    assert not widget.get_by_label("Position", exact=True).first.is_visible()
    widget.get_by_role("button", name="Add the positions").click()
    told(page, "mg-embeddings", "n at position 1, with only BOS before it")
    assert widget.locator(".emb-sum").count() == 16
    widget.locator(".mg-range").first.focus()
    page.keyboard.press("ArrowRight")
    told(page, "mg-embeddings", "n at position 2,")
    as_table(page, "mg-embeddings")
    widget.locator(".mg-table td").first.wait_for()
    assert widget.locator(".mg-table tbody tr").count() == 27
    phrase = page.locator("mg-say", has_text="Pull the n to the right")
    phrase.focus()
    told(page, "mg-embeddings", "n, moved, lies nearest to o")
    widget.get_by_role("button", name="Add the positions").click()  # where it is now
    told(page, "mg-embeddings", "n, moved, at position")
    inside = plane.bounding_box()
    for sum_ in widget.locator(".emb-sum").all():
        spot = sum_.bounding_box()
        assert inside["x"] < spot["x"] < inside["x"] + inside["width"]
        assert inside["y"] < spot["y"] < inside["y"] + inside["height"]
    reset(page, "mg-embeddings")
    told(page, "mg-embeddings", "a lies nearest to o")
