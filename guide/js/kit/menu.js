// The small menu at a figure's foot: what is done with the figure as a whole.

import { html, svg } from "./dom.js";

const DOT = "a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6";
const DOTS = `M5 10.2${DOT}M12 10.2${DOT}M19 10.2${DOT}`;

/**
 * A menu of buttons, folded away. It closes with Escape, and where the reader goes elsewhere.
 * `opening` is called each time before it opens.
 * @param {import("./element.js").KitElement} figure whose menu it is
 * @param {Node[]} content
 * @param {() => void} opening
 */
export function menu(figure, content, opening) {
  const dots = svg(
    "svg",
    { viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("path", { d: DOTS }),
  );
  const top = html("summary", { "aria-label": "More about this figure", title: "More" }, dots);
  const made = html(
    "details",
    { class: "mg-menu" },
    top,
    html("div", { class: "mg-menu-list" }, ...content),
  );
  figure.listen(top, "click", () => {
    if (!made.open) opening();
  });
  figure.listen(made, "keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    event.stopPropagation();
    made.open = false;
    top.focus();
  });
  figure.listen(document, "pointerdown focusin", (event) => {
    if (made.open && !made.contains(/** @type {Node} */ (event.target))) made.open = false;
  });
  return made;
}

/**
 * Opens the tables in which a figure's pictures are told, or closes them.
 * @param {HTMLElement} figure
 * @param {boolean} open
 */
export function showTables(figure, open) {
  const tables = tablesOf(figure);
  for (const table of tables) table.open = open;
  if (open) tables[0]?.querySelector("summary")?.focus();
}

/** @param {HTMLElement} figure @returns {HTMLDetailsElement[]} */
export const tablesOf = (figure) =>
  [...figure.querySelectorAll("details.mg-table")].map(
    (found) => /** @type {HTMLDetailsElement} */ (found),
  );
