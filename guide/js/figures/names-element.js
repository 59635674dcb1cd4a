// The base of widgets that work on the list of names: the text in the tag stays until the list is
// there, then `start` takes its place. Also the row of tools below a widget.

import { loadNames } from "./dataset.js";
import { button, html } from "../kit/dom.js";
import { KitElement } from "../kit/element.js";
import { copyLink, isHidden, problemLine, urlState } from "../kit/state.js";

/** @typedef {import("./dataset.js").Names} Names */
/** @typedef {import("../kit/state.js").UrlState} UrlState */

export class StatefulElement extends KitElement {
  /**
   * The widget's state in the address, let go when the element leaves.
   * @param {string} name
   * @param {import("../kit/state.js").Schema} schema
   */
  stateOf(name, schema) {
    const state = urlState(name, schema);
    this.whenLeaving(() => state.close());
    state.onChange(() => this.guard(() => this.show()));
    this.state = state;
    return state;
  }

  /** Draws what the state says. */
  show() {}

  /** Reset, link, and a line where the address was damaged. @param {UrlState} state */
  tools(state) {
    const row = html("div", { class: "mg-row mg-tools" });
    if (!isHidden("reset")) {
      const reset = button("Reset");
      this.listen(reset, "click", () => state.reset());
      row.append(reset);
    }
    if (!isHidden("link")) row.append(copyLink(state));
    row.append(problemLine(state));
    return row;
  }

  /**
   * A number of the kit that holds one value of the state.
   * @param {UrlState} state
   * @param {string} key
   * @param {Record<string, import("../kit/dom.js").Attribute>} attributes
   */
  knob(state, key, attributes) {
    const field = /** @type {{initial: number, min: number, max: number}} */ (state.schema[key]);
    const made = /** @type {import("../kit/number.js").MgNumber} */ (html(/** @type {any} */ ("mg-number"), {
      control: key, value: field.initial, min: field.min, max: field.max, step: 1, ...attributes,
    }));
    made.value = state.values[key];
    this.listen(made, "mg-input mg-change", ({ detail }) => {
      if (detail.value !== state.values[key]) state.set({ [key]: detail.value });
    });
    state.onChange((values) => (made.value = values[key]));
    return made;
  }
}

export class NamesElement extends StatefulElement {
  build() {
    this.guard(async () => {
      const names = await loadNames();
      if (!this.isConnected || "loaded" in this.dataset) return;
      this.guard(() => {
        this.start(names);
        this.dataset.loaded = "";
        this.show();
      });
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
  return names.map((name, i) => html("span", { class: "tok" }, html("b", {}, name), html("small", {}, below[i])));
}
