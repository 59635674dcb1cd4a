// The base of figures on what the trained model computes for a beginning of a name that the reader
// types, with one of its tokens chosen. The text in the tag stays until the model is there.

import { button, html } from "../../kit/dom.js";
import { group } from "../../kit/make.js";
import { textField, wholeField } from "../../kit/state.js";
import { steady } from "../../kit/steady.js";
import { Widget } from "../../kit/widget.js";
import { labelsOf, loadReal, tokensOf } from "./real-model.js";

/**
 * The fields of such a figure; others may stand beside them.
 * @param {string} text
 * @param {number} at
 */
export const prefixFields = (text, at) => ({
  text: textField(text, 15),
  at: wholeField(at, 0, 15),
});

export class OnPrefix extends Widget {
  real = /** @type {import("./real-model.js").Real} */ ({});
  /** @private @type {HTMLButtonElement[]} */ chips = [];
  /** @private what the buttons say */ drawn = "";

  async load() {
    this.real = await loadReal();
  }

  /** The field for the beginning, and the row of its tokens. @protected @param {string} asks */
  entry(asks) {
    this.drawn = "";
    /** @private */ this.row = group(asks, { class: "net-tokens" });
    const read = (/** @type {string} */ typed) => {
      const text = typed.trim().toLowerCase();
      tokensOf(this.real, text);
      return text;
    };
    const also = (/** @type {string} */ text) => ({ at: tokensOf(this.real, text).length - 1 });
    return [
      ...this.text("text", { label: "Beginning of a name", read, also }),
      html("p", { class: "mg-note" }, `${asks}:`),
      steady(this.row),
    ];
  }

  /** Tokens, their names, and the chosen one: the last, while one types. @protected */
  get now() {
    const { values } = this.state;
    const tokens = tokensOf(this.real, values.text);
    const at = Math.min(values.at, tokens.length - 1);
    const names = labelsOf(this.real, tokens);
    if (this.drawn !== names.join()) {
      this.drawn = names.join();
      this.chips = names.map((name, i) => {
        const chip = button(name);
        chip.addEventListener("click", () => this.guard(() => this.set({ at: i })));
        return chip;
      });
      this.row?.replaceChildren(...this.chips);
    }
    this.chips.forEach((chip, i) => {
      if (chip.getAttribute("aria-pressed") !== String(i === at))
        chip.setAttribute("aria-pressed", String(i === at));
    });
    return { tokens, at, names };
  }
}
