"""What holds for every figure: each button acts on its first click, and Reset undoes all of it.

The figures of the page are started. For each of their buttons in turn: Reset, then a click, after
which something that can be seen has changed: the figure's state, its text, its picture, or the
button itself. What is chosen already, and what can't be done now, says so to those who hear the
page (aria-pressed, aria-disabled), and is left out by that.
"""

from typing import Any

import browser

# Buttons that act elsewhere, or that can't know without the reader that there is nothing to do.
ELSEWHERE = {
    "mg-worksheet Print the sheet": "opens the browser's window for printing",
    "mg-worksheet Empty this sheet": "nothing has been written on it yet",
    "mg-scene Reset view": "the drawing in 3-D can't be read, and nobody has turned it yet",
    "mg-toy-training Use these words": "those in the field are in use until others are typed",
    "mg-toy-training Default words": "they are in use until others are typed",
    "mg-own-list Dinosaurs": "the list that stands in the field at first",
    "mg-bot Ask": "asks once more what has been answered",
    "mg-bot lemo": "the request that is answered when the page opens",
}

CHECK = """async ({ patience, elsewhere }) => {
  const wrong = [];
  const frame = () => new Promise(requestAnimationFrame);
  const reader = new XMLSerializer();
  const seen = (e) => {
    const parts = [...e.children].filter((one) => !one.matches(".mg-menu"));
    return [
      JSON.stringify(e.state?.values ?? null),
      ...parts.map((one) => reader.serializeToString(one)),
      ...[...e.querySelectorAll("input, select, textarea")].map((one) => one.value),
      ...[...e.querySelectorAll("canvas")].map((one) => one.toDataURL()),
      ...[...e.querySelectorAll("*")].map((one) => one.scrollTop).filter((top) => top),
      scrollY,
    ].join();
  };
  const until = async (holds) => {
    const end = performance.now() + patience;
    while (!holds()) {
      if (performance.now() > end) return false;
      await frame();
    }
    return true;
  };
  const rest = async (e) => {
    let [before, same] = ["", 0];
    return until(() => {
      const now = seen(e);
      same = now === before ? same + 1 : 0;
      before = now;
      return same > 3;
    });
  };
  const told = (e) => e.querySelector(":scope > .mg-summary")?.textContent ?? "";
  const named = (one) => one.getAttribute("aria-label") ?? one.textContent.trim();
  const acting = (e) => [...e.querySelectorAll("button")].filter((one) =>
    one.checkVisibility({ visibilityProperty: true }) && !one.closest(".mg-menu") &&
    !one.disabled && one.getAttribute("aria-disabled") !== "true" &&
    one.getAttribute("aria-pressed") !== "true");
  for (const e of document.querySelectorAll("main [data-figure][data-ready]")) {
    const reset = [...e.querySelectorAll(".mg-menu button")]
      .find((one) => one.textContent === "Reset");
    for (const more of e.querySelectorAll(".mg-more")) more.open = true;
    if (!(await rest(e))) wrong.push(`${e.localName} doesn't come to rest`);
    if (e.state && !(await until(() => told(e)))) wrong.push(`${e.localName} has no summary`);
    await rest(e);
    const [first, values] = [told(e), JSON.stringify(e.state?.values ?? null)];
    const names = acting(e).map(named);
    for (const [i, name] of names.entries()) {
      if (elsewhere.includes(`${e.localName} ${name}`)) continue;
      const one = acting(e).find((b, k) => named(b) === name && (k === i || !reset)) ??
        acting(e).find((b) => named(b) === name);
      if (!one) {
        if (reset) wrong.push(`${e.localName}: “${name}” is gone after Reset`);
        continue;
      }
      const before = seen(e);
      one.click();
      if (!(await until(() => seen(e) !== before)))
        wrong.push(`${e.localName}: “${name}” changes nothing`);
      if (!reset) continue;
      reset.click();
      const isBack = () => told(e) === first && JSON.stringify(e.state?.values ?? null) === values;
      if (!(await until(isBack)) || !(await rest(e)) || !isBack())
        wrong.push(`${e.localName}: Reset after “${name}” says “${told(e)}”, not “${first}”`);
    }
  }
  return wrong;
}"""

# A figure that trains begins with a short run when it is first seen; not here, where each begins
# anew many times.
UNSEEN = 'Object.defineProperty(document, "hidden", { get: () => true })'


def problems(page: Any, where: str) -> list[str]:
    """Buttons on this page, all its figures started, that do nothing, and what Reset leaves."""
    browser.settled(page)  # what figures wait for has come
    given = {"patience": browser.LIMIT / 6, "elsewhere": list(ELSEWHERE)}
    return [f"{where}: {line}" for line in page.evaluate(CHECK, given)]
