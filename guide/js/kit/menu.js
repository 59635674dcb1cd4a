// The small menu at a figure's foot: what is done with the figure as a whole.

import { button, html, svg } from "./dom.js";
import { copying, isHidden, summed, writeState } from "./state.js";

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

/** Whether there is something drawn to take away. @param {Element} figure */
export const hasPicture = (figure) =>
  figure.querySelector(":scope > :not(.mg-menu) :is(.mg-picture, svg, canvas)") !== null;

/**
 * What carries a figure elsewhere: its picture as a file. What makes it is fetched on the first
 * click. Where that fails the figure stays, and a line says so.
 * @param {import("./element.js").KitElement} figure
 * @returns {HTMLElement[]}
 */
export function takeAway(figure) {
  if (isHidden("save")) return [];
  const said = html("span", { role: "status" });
  const buttons = /** @type {const} */ (["svg", "png"]).map((kind) => {
    const name = kind.toUpperCase();
    const made = button(`Save as ${name}`);
    figure.listen(made, "click", async () => {
      said.textContent = "";
      try {
        const { save } = await import("./take-away.js");
        await save(figure, kind);
      } catch (error) {
        console.warn(error); // the figure is still there
        said.textContent = `No ${name} could be made. Is the guide still being served?`;
      }
    });
    return made;
  });
  return [html("span", { class: "mg-copy" }, ...buttons, said)];
}

/**
 * A button that copies what puts the figure, as it is, into a frame on another page; null where the
 * figure has no page of its own.
 * @param {import("./widget.js").Widget} figure
 */
export function copyEmbed(figure) {
  const { embed } = figure.dataset;
  if (embed === undefined || isHidden("embed")) return null;
  return copying("Copy embed", "Copied: it goes into another page’s HTML.", () =>
    frameOf(figure, embed),
  );
}

const FOOT = 60; // pixels, of the link below it

/** @param {import("./widget.js").Widget} figure @param {string} place */
function frameOf(figure, place) {
  const { state } = figure;
  const address = new URL(place, new URL(document.body.dataset.root ?? ".", document.baseURI));
  const values = writeState(state.schema, state.values);
  const src = summed(values ? `${address.href}#?${state.name}=${values}` : address.href);
  const title = `${document.querySelector("h1")?.textContent ?? ""}: a figure of microgpt`;
  const frame = html("iframe", {
    src,
    title,
    width: "100%",
    height: Math.ceil(figure.getBoundingClientRect().height) + FOOT,
    loading: "lazy",
    allow: "clipboard-write",
  });
  return frame.outerHTML;
}
