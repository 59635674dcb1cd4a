// Making the kit's elements, and the boxes that widgets put things in. Whoever makes an element
// imports its module as well: a page fetches only what it shows.

import { html } from "./dom.js";

/** @typedef {import("./dom.js").Attribute} Attribute */
/** @typedef {import("./dom.js").Content} Content */
/**
 * The kit's elements by tag.
 * @typedef {{
 *   "mg-bars": import("./bars.js").MgBars,
 *   "mg-curve": import("./curve.js").MgCurve,
 *   "mg-graph": import("./graph.js").MgGraph,
 *   "mg-heat": import("./heat.js").MgHeat,
 *   "mg-number": import("./number.js").MgNumber,
 *   "mg-stepper": import("./stepper.js").MgStepper,
 * }} KitElements
 */

/**
 * An element of the kit: `make("mg-bars", { label: "Shares" }).data = { ... }`.
 * @template {keyof KitElements} K
 * @param {K} tag
 * @param {Record<string, Attribute>} [attributes]
 * @returns {KitElements[K]}
 */
export const make = (tag, attributes = {}) =>
  /** @type {KitElements[K]} */ (html(/** @type {any} */ (tag), attributes));

/** Controls beside each other. @param {Content[]} content */
export const row = (...content) => html("div", { class: "mg-row" }, ...content);

/**
 * What belongs together and has a name.
 * @param {string} label
 * @param {Record<string, Attribute>} attributes
 * @param {Content[]} content
 */
export const group = (label, attributes, ...content) =>
  html("div", { class: "mg-row", role: "group", "aria-label": label, ...attributes }, ...content);

/**
 * A box that may be wider than the page: it scrolls, also by keys.
 * @param {string} label
 * @param {Content[]} content
 */
export const scrolling = (label, ...content) =>
  html("div", { class: "mg-scroll", tabindex: 0, role: "region", "aria-label": label }, ...content);

/**
 * A row of a table: what it is about, and the cells.
 * @param {Content} head
 * @param {Content[]} cells
 */
export const line = (head, ...cells) =>
  html(
    "tr",
    {},
    html("th", { scope: "row" }, head),
    ...cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : html("td", {}, cell))),
  );

/**
 * A table with a name; its body is filled with lines whenever the widget shows itself.
 * @param {string} label
 * @param {string[]} head
 * @param {HTMLTableSectionElement} body
 * @param {{caption?: Node, class?: string}} [how]
 */
export function table(label, head, body, { caption, class: looks = "mg-cells" } = {}) {
  const titles = head.map((text) => (text ? html("th", { scope: "col" }, text) : html("td")));
  const top = html("thead", {}, html("tr", {}, ...titles));
  return scrolling(
    label,
    html("table", { class: looks }, ...(caption ? [caption] : []), top, body),
  );
}
