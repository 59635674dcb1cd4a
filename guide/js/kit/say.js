// <mg-say figure="attention" state="step:6">the weights</mg-say>: words in the text that set a
// figure's state, and are lit while the figure is in it. `state` is written as in the address; what
// it doesn't name stays. Without scripts, and until the figure is there, they are plain words.

import { prefersLessMotion } from "./dom.js";
import { define, KitElement } from "./element.js";
import { readState, writeField } from "./state.js";

/** @typedef {import("./widget.js").Widget} Widget */

export class MgSay extends KitElement {
  /** @private @type {(() => void) | null} */ unheard = null;

  build() {
    this.replaceChildren(...this.fallback);
    const figure = this.figure();
    if (!figure) return;
    this.setAttribute("role", "button");
    this.tabIndex = 0;
    this.listen(this, "pointerenter", (event) => {
      if (event.pointerType !== "touch") this.act();
    });
    this.listen(this, "focus", () => this.act());
    this.listen(this, "click", () => {
      this.act();
      const behavior = prefersLessMotion() ? "auto" : "smooth";
      figure.scrollIntoView({ block: "nearest", behavior });
    });
    this.listen(this, "keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.click();
    });
    this.listen(figure, "mg-ready", (event) => {
      if (event.target === figure) this.follow();
    });
    this.whenLeaving(() => this.unheard?.());
    this.follow();
  }

  /** @private @returns {Widget | null} */
  figure() {
    return document.querySelector(`mg-${this.getAttribute("figure")}`);
  }

  /** Lights up with the figure, from when it is there. @private */
  follow() {
    const state = this.figure()?.state;
    if (!state) return;
    this.unheard?.();
    this.unheard = state.onChange(() => this.light());
    this.light();
  }

  /** The values that the words stand for. @private @param {Widget} figure */
  wanted(figure) {
    const text = this.getAttribute("state") ?? "";
    const { values, bad } = readState(figure.fields, text);
    if (bad.length) throw new Error(`${figure.localName} has no state ${bad.join(", ")}`);
    const named = text.split(",").map((part) => part.split(":")[0]);
    return Object.fromEntries(named.map((name) => [name, values[name]]));
  }

  /** @private */
  act() {
    const figure = this.figure();
    if (!figure?.state || this.isSo(figure)) return;
    figure.set(this.wanted(figure));
  }

  /** Whether the figure is in that state. @private @param {Widget} figure */
  isSo(figure) {
    return Object.entries(this.wanted(figure)).every(
      ([name, value]) =>
        writeField(figure.fields[name], value) ===
        writeField(figure.fields[name], figure.values[name]),
    );
  }

  /** @private */
  light() {
    const figure = this.figure();
    const pressed = String(!!figure?.state && this.isSo(figure));
    if (this.getAttribute("aria-pressed") !== pressed) this.setAttribute("aria-pressed", pressed);
  }
}

define("mg-say", MgSay);
