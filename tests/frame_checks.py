"""What holds for every figure at 1280 × 800: one screen high, a few controls, mostly picture.

And each page of learn/ begins with one: in its first screen, or behind its first paragraph.
"""

from typing import Any

import browser

MOST_HIGH = 600  # pixels: picture, controls and the sentence that reads it
MOST_CONTROLS = 3  # in sight; the others are behind "More"
LEAST_PICTURE = 0.7  # of the area of picture and controls

# Figures without a picture beside controls: their text is what there is to see, however long.
TEXTS = {
    "mg-python": "a program to read and to change",
    "mg-annotated-gpt": "a program, line by line",
    "mg-rung-diff": "two programs side by side",
    "mg-worksheet": "a sheet to fill in",
    "mg-checklist": "a list to tick off",
}

# Pages that have no figure yet.
WITHOUT = {f"learn/{name}" for name in ["dataset", "training", "residuals", "layers", "questions"]}
LOW = 700  # pixels: what begins above is in the first screen
# How far down the first figure begins, and how many paragraphs stand before it, the lead aside.
FIRST = """() => {
  const figure = document.querySelector("main [data-figure], main .needs, main .line-bar");
  if (!figure) return null;
  const before = [...document.querySelectorAll("main > p:not(.lead)")].filter(
    (p) => p.compareDocumentPosition(figure) & Node.DOCUMENT_POSITION_FOLLOWING);
  return { top: figure.getBoundingClientRect().top + scrollY, paragraphs: before.length };
}"""

MEASURES = """(texts) => [...document.querySelectorAll("main [data-figure][data-ready]")]
.filter((e) => !texts.includes(e.localName)).map((e) => {
  const box = (one) => one?.getBoundingClientRect() ?? { top: 0, bottom: 0, width: 0, height: 0 };
  const figure = e.querySelector(":scope > .mg-figure");
  if (!figure) return { name: e.localName, figure: false };
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) &&
    !one.closest("details:not([open]) > :not(summary)");
  const whole = (one) =>
    one.closest("mg-number, mg-stepper") ?? one.closest("[role=group]") ?? one;
  const side = figure.querySelector(":scope > .mg-side");
  const all = side ? [...side.querySelectorAll("button, input, select, textarea")] : [];
  const picture = box(figure.querySelector(":scope > .mg-picture"));
  const both = box(figure);
  const said = e.querySelector(":scope > .mg-summary");
  const low = Math.max(both.bottom, said && isSeen(said) ? box(said).bottom : 0);
  return {
    name: e.localName,
    figure: true,
    high: Math.round(low - both.top),
    controls: new Set(all.filter(isSeen).map(whole)).size,
    picture: (picture.width * picture.height) / Math.max(1, both.width * both.height),
  };
})"""


def problems(page: Any, where: str) -> list[str]:
    """What the figures of this page, all of them started, do against the measures."""
    page.set_viewport_size({"width": 1280, "height": 800})
    browser.drawn(page)
    found = first_figure(page, where) if where.startswith("learn/") else []
    for one in page.evaluate(MEASURES, list(TEXTS)):
        name = f"{where}: {one['name']}"
        if not one["figure"]:
            found.append(f"{name} has no picture with controls (Widget.figure)")
            continue
        if one["high"] > MOST_HIGH:
            found.append(f"{name} is {one['high']} px high, at most {MOST_HIGH}")
        if one["controls"] > MOST_CONTROLS:
            found.append(f"{name} shows {one['controls']} controls, at most {MOST_CONTROLS}")
        if one["picture"] < LEAST_PICTURE:
            found.append(f"{name}: the picture takes {one['picture']:.0%}")
    return found


def first_figure(page: Any, where: str) -> list[str]:
    """Whether the page begins with a figure."""
    first = page.evaluate(FIRST)
    if first is None or where in WITHOUT:
        return [] if first is None and where in WITHOUT else [f"{where}: has it a figure?"]
    if first["top"] > LOW and first["paragraphs"] > 1:
        return [f"{where}: its figure begins at {first['top']:.0f} px"]
    return []
