"""Labels in drawings: none may lie on another one, at any width."""

from typing import Any

OVERLAPS = """(element) => {
  const found = [];
  for (const picture of document.querySelectorAll(`${element} svg`)) {
    const labels = [...picture.querySelectorAll("text")]
      .filter((one) => one.textContent.trim() && one.checkVisibility({ visibilityProperty: true }))
      .map((one) => ({ text: one.textContent, box: one.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0);
    labels.forEach((a, i) => {
      for (const b of labels.slice(i + 1)) {
        const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        if (wide > 1 && high > 5) found.push(`${a.text} | ${b.text}`);
      }
    });
    const { left, right } = picture.closest("[data-figure]").getBoundingClientRect();
    for (const { text, box } of labels)
      if (box.left < left || box.right > right) found.push(`${text} is cut off`);
  }
  return found;
}"""


def collisions(page: Any, element: str) -> list[str]:
    """Labels of an element's drawings that lie on one another, or outside the figure."""
    return list(page.evaluate(OVERLAPS, element))


def no_collisions(page: Any, *elements: str) -> None:
    """None at the width of a laptop, and none at that of a phone."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for element in elements:
            page.locator(element).first.scroll_into_view_if_needed()
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => "
                          "requestAnimationFrame(done)))")  # fmt: skip
            found = collisions(page, element)
            assert found == [], f"{element} at {width}: {found}"
