// The base of widgets with a state in the address: the state, numbers that hold a value of it, the
// row of tools below, and how a widget waits for what it is about.

import { button, html } from "../kit/dom.js";
import { KitElement } from "../kit/element.js";
import { copyLink, isHidden, problemLine, urlState } from "../kit/state.js";

/** @typedef {import("../kit/state.js").UrlState} UrlState */

export class StatefulElement extends KitElement {
  /** @private */ hasStarted = false;

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

  /**
   * Builds the widget once it has what it is about, and shows it; the text in the tag stays until
   * then.
   * @template T
   * @param {() => Promise<T>} load
   * @param {(loaded: T) => void} start
   */
  startWith(load, start) {
    this.guard(async () => {
      const loaded = await load();
      if (!this.isConnected || this.hasStarted) return;
      this.guard(() => {
        this.hasStarted = true;
        start(loaded);
        this.show();
      });
    });
  }

  leave() {
    super.leave();
    this.hasStarted = false;
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
    const made = /** @type {import("../kit/number.js").MgNumber} */ (
      html(/** @type {any} */ ("mg-number"), {
        control: key,
        value: field.initial,
        min: field.min,
        max: field.max,
        step: 1,
        ...attributes,
      })
    );
    made.value = state.values[key];
    this.listen(made, "mg-input mg-change", ({ detail }) => {
      if (detail.value !== state.values[key]) state.set({ [key]: detail.value });
    });
    state.onChange((values) => (made.value = values[key]));
    return made;
  }
}
