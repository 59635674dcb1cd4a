// The base of figures on what the trained model computes for a beginning of a name that the reader
// types, with one of its tokens chosen. The text in the tag stays until the model is there.

import { InputError } from "../../errors.js";
import { button, freshId, html } from "../../kit/dom.js";
import { StatefulElement } from "../stateful-element.js";
import { labelsOf, loadReal, tokensOf } from "./real-model.js";

/** @typedef {import("./real-model.js").Real} Real */

export class OnPrefix extends StatefulElement {
  build() {
    this.startWith(loadReal, (real) => {
      this.real = real;
      this.start();
    });
  }

  leave() {
    super.leave();
    this.real = /** @type {Real | undefined} */ (undefined);
    this.drawn = "";
  }

  start() {}

  /** The field for the beginning, and the row of its tokens. @protected @param {string} asks */
  entry(asks) {
    const id = freshId("prefix");
    const field = html("input", {
      id,
      class: "mg-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-describedby": `${id}-wrong`,
    });
    this.field = field;
    this.wrong = html("p", { id: `${id}-wrong`, class: "mg-refused", role: "alert" });
    this.listen(field, "input", (event) => {
      event.stopPropagation();
      this.take(field.value);
    });
    this.row = html("div", { class: "net-tokens", role: "group", "aria-label": asks });
    return [
      html("div", { class: "mg-row" }, html("label", { for: id }, "Beginning of a name"), field),
      this.wrong,
      html("p", { class: "mg-note" }, `${asks}:`),
      this.row,
    ];
  }

  /** @private @param {string} typed */
  take(typed) {
    try {
      if (!this.real) return;
      const at = tokensOf(this.real, typed).length - 1;
      if (this.wrong) this.wrong.textContent = "";
      this.state?.set({ text: typed.trim().toLowerCase(), at });
    } catch (error) {
      if (!(error instanceof InputError) || !this.wrong) throw error;
      this.wrong.textContent = error.message;
    }
  }

  /**
   * Tokens, their names, and the chosen one; what a link brings wrong becomes the default.
   * @protected
   */
  get now() {
    const { state, real } = this;
    if (!state || !real) return null;
    let tokens;
    try {
      tokens = tokensOf(real, state.values.text);
    } catch {
      state.values.text = /** @type {any} */ (state.schema.text).initial;
      tokens = tokensOf(real, state.values.text);
    }
    const at = Math.min(state.values.at, tokens.length - 1);
    const names = labelsOf(real, tokens);
    if (
      this.field &&
      this.field.value !== state.values.text &&
      document.activeElement !== this.field
    )
      this.field.value = state.values.text;
    if (this.drawn !== names.join()) {
      this.drawn = names.join();
      this.chips = names.map((name, i) => {
        const chip = button(name);
        chip.addEventListener("click", () => this.guard(() => state.set({ at: i })));
        return chip;
      });
      this.row?.replaceChildren(...this.chips);
    }
    this.chips?.forEach((chip, i) => {
      if (chip.getAttribute("aria-pressed") !== String(i === at))
        chip.setAttribute("aria-pressed", String(i === at));
    });
    return { tokens, at, names };
  }
}
