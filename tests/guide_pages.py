"""What the tests of the guide's pages share: the pages' text and numbers, what widgets show."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

import browser
import sitemap
from microgpt.config import Config
from microgpt.disk.modelfile import read_model
from microgpt.engines import make_engine

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "guide"
PAGES = GUIDE / "pages" / "learn"
LADDER = json.loads((GUIDE / "data" / "ladder.json").read_text(encoding="utf-8"))
TOY = json.loads((ROOT / "conformance" / "vectors" / "toy_gpt.json").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in TOY["cases"]}
KNOWN = sitemap.read()
BUILT = [page for page in KNOWN.pages.values() if page.is_built]


# ---------------------------------------------------------------- sources


def page_text(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def cells(text: str) -> list[list[str]]:
    """The cells of every table row of a text."""
    lines = re.findall(r"^\|(.*)\|$", text, re.M)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def rows(name: str) -> list[list[str]]:
    """The cells of every table row of a page."""
    return cells(page_text(name))


def number(text: str) -> float:
    """As pages and widgets write it: −1,234.5."""
    return float(text.replace("−", "-").replace(",", ""))


def numbers(text: str) -> list[float]:
    return [number(one) for one in re.findall(r"[-−]?\d+(?:\.\d+)?(?:e[-−]?\d+)?", text)]


def answer_of(name: str) -> list[float]:
    """The answer that an exercise takes for right; it stands on one page alone."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PAGES.glob("*.md")))
    (answer,) = re.findall(rf'<mg-exercise name="{name}"[^>]* answer="([^"]+)"', text)
    return [float(part) for part in answer.split()]


def says_in_the_tags(name: str) -> None:
    """The page has the form of a lesson, and says in each widget's tag what the widget shows."""
    text = page_text(name)
    assert text.startswith("---\n") and '<p class="lead">' in text, name
    for tag, inside in re.findall(r"^<(mg-[a-z-]+)[^>]*>\n(.*?)^</\1>", text, re.S | re.M):
        assert len(inside.split()) >= 10, (name, tag)


# ---------------------------------------------------------------- what the numbers come from


def flat(value: Any) -> list[float]:
    return [x for part in value for x in flat(part)] if isinstance(value, list) else [value]


def plain(row: dict[str, Any]) -> dict[str, list[float]]:
    """A case of the toy GPT: its numbers by the name of the step, without the layer."""
    return {name.replace("layer0.", ""): flat(value) for name, value in row.items()}


def real_engine(config: Config | None = None, weights: Any = None) -> tuple[Any, Any]:
    """The shipped model, and an engine that holds it, or other weights."""
    model, _ = read_model(ROOT / "data" / "model.json")
    engine = make_engine("numpy", config or model.config, "float64")
    taken = weights or {name: np.array(rows) for name, rows in model.weights.items()}
    engine.load(config or model.config, "float64", taken, None)
    return model, engine


def tokens_of(model: Any, text: str) -> list[int]:
    return [model.tokenizer.bos, *model.tokenizer.encode(text)]


# ---------------------------------------------------------------- widgets in the browser


def shown(page: Any, element: str) -> Any:
    """The widget, the page's only one of its kind, brought to the screen and started."""
    widget = page.locator(element)
    widget.scroll_into_view_if_needed()
    page.locator(f"{element}[data-ready]").wait_for()
    return widget


def menu(page: Any, element: str) -> Any:
    """The opened menu at the figure's foot: Reset, the link, its tables."""
    found = page.locator(f"{element} > details.mg-menu")
    if found.get_attribute("open") is None:
        found.locator("summary").click()
    return found


def more(page: Any, element: str) -> Any:
    """The opened "More" of a figure: the controls that are rarely needed."""
    found = page.locator(f"{element} details.mg-more")
    if found.get_attribute("open") is None:
        found.locator("summary").first.click()
    return found


def reset(page: Any, element: str) -> None:
    """Puts a widget back to its beginning, by its menu."""
    menu(page, element).get_by_role("button", name="Reset").click()


def as_table(page: Any, element: str) -> None:
    """Opens the tables of a widget's pictures, by its menu."""
    menu(page, element).get_by_role("button", name="As a table").click()


def told(page: Any, element: str, words: str | re.Pattern[str]) -> str:
    """The widget's summary, to be read on the screen or by a screen reader, once it has the words.

    Capital letters count, which they don't in Playwright's own search for words.
    """
    pattern = re.compile(re.escape(words)) if isinstance(words, str) else words
    line = page.locator(f"{element} > .mg-summary", has_text=pattern)
    while True:
        line.wait_for()
        for text in line.all_inner_texts():  # none, if it says something else by now
            return str(text)


def in_address(page: Any, part: str) -> None:
    """Waits until the address has this part: it is written some time after the last change."""
    browser.until(page, lambda: part in page.url, lambda: f"{part} in {page.url}")


def typed(page: Any, widget: Any, label: str, value: object) -> None:
    """Types a value into a widget's field, and Enter."""
    widget.get_by_label(label, exact=True).first.fill(str(value))
    page.keyboard.press("Enter")
