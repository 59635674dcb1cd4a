"""The page on the model in 3-D: its numbers, its scene in real Chromium, and what has no WebGL."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import browser
from guide_pages import as_table, in_address, more, page_text, real_engine, tokens_of, told
from microgpt import trace
from widget_checks import looked_at

NO_WEBGL = """HTMLCanvasElement.prototype.getContext = new Proxy(
    HTMLCanvasElement.prototype.getContext, {apply: (get, canvas, [kind, ...more]) =>
    kind.startsWith("webgl") ? null : Reflect.apply(get, canvas, [kind, ...more])})"""


def traced(text: str) -> tuple[Any, dict[str, Any]]:
    model, engine = real_engine()
    return model, engine.trace(tokens_of(model, text))


def written(x: float, digits: int = 4) -> str:
    text = f"{x:.{digits}f}"
    return (text.replace("-", "") if float(text) == 0 else text).replace("-", "−")


# ---------------------------------------------------------------- numbers on the page


def test_the_table_is_the_engines_trace() -> None:
    _, numbers = traced("karen")
    text = page_text("three-d")
    rows = re.findall(r"^\| [^|]+ \| (\S+) \| (\d+) \| ([^|]+) \| ([^|]+) \|$", text, re.M)
    assert len(rows) == 16
    for name, count, first, span in rows:
        row = numbers[name][4]
        assert int(count) == row.size, name
        assert first == ", ".join(written(x, 3) for x in row[:3]), name
        assert span == f"{written(row.min(), 2)} to {written(row.max(), 2)}", name
    letters = "abcdefghijklmnopqrstuvwxyz"
    best = np.argsort(-numbers["probs"][4])[:3]
    n, r, m = (f"{letters[i]} {numbers['probs'][4][i]:.3f}" for i in best)
    assert f"{n.replace(' ', ' has ')}, {r} and {m}." in text
    assert (numbers["layer0.fc1"][4] > 0).sum() == 3 and "64 neurons 3 fire" in text


def test_how_many_numbers_there_are() -> None:
    model, _ = traced("karen")
    text = page_text("three-d")

    def at(position: int) -> int:
        """Numbers of one token: later positions don't count."""
        shapes = trace.shapes(model.config, 1)
        heads = {f"layer0.{name}" for name in ("qk", "scores", "weights")}
        return sum(
            int(np.prod(shape)) * (position + 1 if name in heads else 1)
            for name, shape in shapes.items()
        )

    assert f'answer="{at(4)}"' in text and f"Position 0 has {at(0)}." in text
    assert f"{sum(map(at, range(6))):,} computed cells" in text
    assert f"it would be {sum(map(at, range(16))):,} of them" in text


# ---------------------------------------------------------------- the scene in the browser


@pytest.fixture
def scene(guide_address: str, chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens the page at its scene; nothing may go wrong in it but the slowness of the driver."""
    with browser.pages(chromium) as opening:

        def opening_at(hash_: str = "", script: str = "", **options: Any) -> Any:
            page = opening(f"{guide_address}learn/three-d/{hash_}", script, **options)
            page.locator("mg-scene").scroll_into_view_if_needed()
            page.locator("mg-scene[data-ready] .mg-summary").wait_for()
            return page

        yield opening_at


def cell(page: Any, name: str, at: list[int]) -> str:
    """What the scene says of a cell that the mouse points at."""
    page.evaluate("document.querySelector('.scene-canvas').scrollIntoView({block: 'center'})")
    where = "([name, at]) => document.querySelector('mg-scene').screenPlace(name, at)"
    wanted = name + "".join(f"[{i}]" for i in at)
    lines = page.locator(".scene-told b")
    said: list[str] = []

    def met() -> bool:  # figures above may still be starting, and move the page
        place = page.evaluate(where, [name, at])
        page.mouse.move(place["x"], place["y"])
        browser.drawn(page)
        said[:] = [text for text in lines.all_inner_texts() if text.startswith(f"{wanted} =")]
        return bool(said)

    browser.until(page, met, lambda: f"{wanted} in {page.locator('.scene-told').inner_text()}")
    return said[0]


@pytest.mark.slow
def test_picked_cells_are_the_engines_numbers(scene: Callable[..., Any]) -> None:
    model, numbers = traced("jaylen")
    page = scene("#?scene=text:jaylen,at:6,phase:17,turn:0,tilt:0,follow:0")
    told(page, "mg-scene", "n at position 6, phase 18 of 18, softmax.")
    for name, at in (
        ("wte", [9, 2]), ("layer0.attn_wv", [15, 4]), ("layer0.mlp_fc2", [7, 40]),
        ("emb", [6, 3]), ("layer0.q", [6, 11]), ("layer0.fc1_pre", [6, 50]),
        ("layer0.x_final", [6, 15]),
    ):  # fmt: skip
        source = model.weights[name] if name in model.weights else numbers[name]
        value = np.array(source)[tuple(at)]
        assert cell(page, name, at).endswith(f"= {written(value)}"), name
    cell(page, "layer0.q", [6, 11])
    q = page.locator(".scene-told").inner_text()
    assert "q[6][11] = Σ attn_wq[11][j] · x_pre_attn[6][j]" in q and "n at position 6" in q
    # a tap holds it, until the next tap
    place = page.evaluate("document.querySelector('mg-scene').screenPlace('layer0.q', [6, 0])")
    page.mouse.click(place["x"], place["y"])
    page.mouse.move(5, 5)
    assert "layer0.q[6][0]" in page.locator(".scene-told").inner_text()


@pytest.mark.slow
def test_phases_are_scrubbed_and_nothing_is_drawn_in_between(scene: Callable[..., Any]) -> None:
    _, numbers = traced("karen")
    page = scene(clock=True, reduced_motion="reduce")
    told(page, "mg-scene", "e at position 4, phase 1 of 18, the token comes in.")
    steps = page.locator("mg-scene mg-stepper")
    steps.locator(".mg-range").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    weights = numbers["layer0.weights"][4][1][:5]
    told(page, "mg-scene", "Head 2 compares its four numbers")
    told(page, "mg-scene", f"at r at position {weights.argmax()} ({weights.max():.2f}).")
    frames = "document.querySelector('mg-scene').frames"
    page.clock.run_for(1000)
    before = page.evaluate(frames)
    page.clock.run_for(1000)  # every timer and frame that the page asked for
    assert before > 0 and page.evaluate(frames) == before  # it rests
    steps.get_by_role("button", name="One step back").click()
    told(page, "mg-scene", "phase 6 of 18, head 1.")
    page.keyboard.press("Tab")
    browser.held(page)
    steps.get_by_role("button", name="Play").click()
    page.clock.run_for(1800 + 400)  # one step, and what is said of it
    told(page, "mg-scene", "phase 7 of 18, head 2.")
    page.clock.resume()
    steps.get_by_role("button", name="Pause").click()
    page.locator("mg-scene").get_by_role("button", name="BOS", exact=True).click()
    told(page, "mg-scene", "It looks most at BOS at position 0 (1.00).")
    for wrong in ("ann3", "<b>"):
        page.get_by_label("Beginning of a name").fill(wrong)
        page.locator("mg-scene [role=alert]", has_text="It doesn't know").wait_for()


@pytest.mark.slow
def test_it_turns_by_mouse_and_keys_and_a_link_keeps_it(scene: Callable[..., Any]) -> None:
    page = scene()
    canvas = page.locator(".scene-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    label = canvas.get_attribute("aria-label")
    assert "turned by -24 degrees" in label
    page.mouse.move(box["x"] + 200, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 70, steps=5)
    page.mouse.up()
    page.locator('.scene-canvas[aria-label*="turned by -64 degrees, seen from 36"]').wait_for()
    canvas.focus()
    for key in ("ArrowRight", "ArrowUp", "+", "+"):
        page.keyboard.press(key)
    page.locator('.scene-canvas[aria-label*="turned by -54 degrees, seen from 46"]').wait_for()
    page.mouse.wheel(0, -200)
    in_address(page, "turn:-54,tilt:46,zoom:2.1")
    page.keyboard.press("0")
    page.locator('.scene-canvas[aria-label*="turned by -24 degrees, seen from 16"]').wait_for()
    again = scene("#?scene=turn:30,tilt:5")
    again.locator('.scene-canvas[aria-label*="turned by 30 degrees, seen from 5"]').wait_for()
    assert "Turn left" in more(again, "mg-scene").inner_text()


def flat_numbers(page: Any) -> list[str]:
    """The grid of the flat view, cell by cell, as its table has it."""
    as_table(page, "mg-scene")
    page.locator(".scene-flat mg-heat td").first.wait_for()
    return list(page.locator(".scene-flat mg-heat td").all_text_contents())


@pytest.mark.slow
def test_without_webgl_the_flat_view_has_the_numbers(scene: Callable[..., Any]) -> None:
    model, numbers = traced("karen")
    page = scene("#?scene=phase:17", NO_WEBGL)
    widget = page.locator("mg-scene")
    page.locator(".scene-flat [role=grid]").wait_for()
    assert "can't draw WebGL" in widget.inner_text()
    assert page.locator(".scene-canvas").count() == 0
    menu = widget.get_by_label("Tensor", exact=True)
    known = {name: np.array(rows) for name, rows in model.weights.items()}
    known |= {name: value[:5] for name, value in numbers.items() if name != "loss"}
    assert menu.locator("option").count() == len(known)
    for name, value in known.items():
        if name in ("layer0.mlp_fc1", "layer0.mlp_fc2", "layer0.fc1_pre"):
            continue  # as the others, and large
        menu.select_option(name)
        page.locator(f'.scene-flat [role=grid][aria-label^="{name},"]').wait_for()
        shown = value[4][:, :5] if value.ndim == 3 else value
        assert flat_numbers(page) == [written(x) for x in shown.ravel()], name
    # by keyboard: the grid tells which number it is at, and how that came about
    menu.select_option("layer0.x_after_attn")
    grid = page.locator('.scene-flat [role=grid][aria-label^="layer0.x_after_attn,"]')
    grid.focus()
    for key in ("PageDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    said = page.locator(".scene-told")
    said.get_by_text("x_after_attn[4][2] = x_attn[4][2] + x[4][2]").wait_for()
    assert f"= {written(numbers['layer0.x_after_attn'][4][2])}" in said.inner_text()
    looked_at(page, "mg-scene")


@pytest.mark.slow
def test_flat_view_by_choice_and_after_a_lost_context(scene: Callable[..., Any]) -> None:
    page = scene("#?scene=phase:3")
    widget = page.locator("mg-scene")
    more(page, "mg-scene")
    flat = widget.get_by_role("button", name="Flat view")
    flat.focus()
    page.keyboard.press("Enter")
    page.locator(".scene-flat").wait_for()
    flat.click()
    page.locator(".scene-canvas").wait_for()
    page.evaluate("""() => {
      const gl = document.querySelector('.scene-canvas').getContext('webgl2');
      window.lost = gl.getExtension('WEBGL_lose_context');
      window.lost.loseContext();
    }""")
    page.locator(".scene-flat").wait_for()
    assert "was lost" in widget.inner_text()
    page.evaluate("window.lost.restoreContext()")
    page.locator(".scene-canvas").wait_for()
    _, numbers = traced("karen")
    page.get_by_role("button", name="From the front").click()
    value = numbers["layer0.x_pre_attn"][4][6]
    assert cell(page, "layer0.x_pre_attn", [4, 6]).endswith(written(value))
    colours = page.evaluate("""() => new Promise((done) => requestAnimationFrame(() => {
      const scene = document.querySelector('mg-scene');
      scene.view.draw();
      const gl = scene.view.picture.gl;
      const {width: w, height: h} = scene.view.canvas;
      const bytes = new Uint8Array(4 * w * h);
      gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
      const seen = new Set();
      for (let i = 0; i < bytes.length; i += 4) seen.add(bytes.slice(i, i + 3).join());
      done(seen.size);
    }))""")
    assert colours > 100  # it draws again
    looked_at(page, "mg-scene")
