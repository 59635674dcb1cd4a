// Lines and boxes that the browser lays out alone: without this, one changed word of a line lays
// out the whole page. The box says its own height, and is told a new one where what is in it has
// grown.

import { html, setText } from "./dom.js";

/** @type {ResizeObserver | undefined} */
let watcher;

/** @param {Element} inner */
function watch(inner) {
  watcher ??= new ResizeObserver((entries) => {
    for (const { target, borderBoxSize } of entries) {
      const box = /** @type {HTMLElement} */ (target.parentElement);
      box.style.setProperty("--high", `${borderBoxSize[0].blockSize}px`);
    }
  });
  watcher.observe(inner);
}

/**
 * A box around what changes while something is dragged.
 * @param {import("./dom.js").Content[]} content
 */
export function steady(...content) {
  const inner = html("div", {}, ...content);
  watch(inner);
  return html("div", {}, html("div", { class: "mg-steady" }, inner));
}

/** What a line's text stands in, once it has changed. @type {WeakMap<Element, Element>} */
const inners = new WeakMap();

/**
 * Sets the text of a line of its own, which nothing else stands in. The box comes with the first
 * change: most lines on a page never have one.
 * @param {Element} line
 * @param {string} text
 */
export function setLine(line, text) {
  const known = inners.get(line);
  if (known) {
    setText(known, text);
    return;
  }
  if (line.textContent === text) return;
  if (!line.firstChild) {
    line.textContent = text;
    return;
  }
  const inner = html("span", {}, text);
  inners.set(line, inner);
  line.replaceChildren(html("span", { class: "mg-steady" }, inner));
  watch(inner);
}
