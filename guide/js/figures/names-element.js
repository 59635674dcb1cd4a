// The base of widgets that work on the list of names, and tokens as such widgets show them.

import { html } from "../kit/dom.js";
import { loadNames } from "./dataset.js";
import { StatefulElement } from "./stateful-element.js";

/** @typedef {import("./dataset.js").Names} Names */

export class NamesElement extends StatefulElement {
  build() {
    this.startWith(loadNames, (names) => {
      this.start(names);
      this.dataset.loaded = "";
    });
  }

  /** Builds the widget. @param {Names} _names */
  start(_names) {}

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
    html("span", { class: "tok" }, html("b", {}, name), html("small", {}, below[i])),
  );
}
