// The base of widgets that work on the list of names, and tokens as such widgets show them.

import { marked } from "../characters.js";
import { html } from "../kit/dom.js";
import { Widget } from "../kit/widget.js";
import { loadNames } from "./dataset.js";

export class OnNames extends Widget {
  names = /** @type {import("./dataset.js").Names} */ ({});

  async load() {
    this.names = await loadNames();
  }

  put() {
    super.put();
    this.dataset.loaded = "";
  }

  leave() {
    super.leave();
    delete this.dataset.loaded;
  }
}

/**
 * Tokens as a row of cells: characters with their ids below.
 * @param {string[]} names
 * @param {(number | string)[]} below
 */
export function tokenRow(names, below) {
  return names.map((name, i) =>
    html("span", { class: "tok" }, html("b", {}, marked(name)), html("small", {}, below[i])),
  );
}
