"""What every widget must keep, whatever it shows: nothing clipped, nothing too small to tap."""

from pathlib import Path
from typing import Any

import browser
import conftest

ROOT = Path(__file__).resolve().parent.parent

SMALL = """(where) => [
    ...document.querySelectorAll(`${where} :is(button, input, textarea, summary, a)`)
  ]
  .filter((e) => e.checkVisibility())
  .map((e) => [e.getBoundingClientRect(), e.outerHTML.slice(0, 80)])
  .filter(([box]) => box.height < 43.9 || box.width < 43.9)
  .map(([box, text]) => `${box.width} x ${box.height}: ${text}`)"""


def axe() -> str:
    """The program that knows the rules of accessibility; skips the test where it is missing."""
    path = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        conftest._missing("axe-core (npm ci)")
    return path.read_text(encoding="utf-8")


def looked_at(page: Any, where: str) -> None:
    """Raises where something is clipped, too small to tap, or against the rules that axe knows."""
    page.evaluate(axe())
    for width in (360, 768, 1400):
        browser.resized(page, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SMALL, where) == []
        run = f"axe.run('{where}', {{resultTypes: ['violations'], preload: false}})"
        found = page.evaluate(run)["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:100]) for v in found] == []
