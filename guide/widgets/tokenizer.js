// <mg-tokenizer>: a text as token ids between two BOS, and back.

import { button, freshId, html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { textField } from "../js/kit/state.js";
import { tokenRow } from "../js/figures/names-element.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
import { Tokenizer } from "../js/tokenizer.js";
import { MicrogptError } from "../js/errors.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const PRESETS = ["emma", "ava", "quentin", "zoë", ""];

class MgTokenizer extends StatefulElement {
  build() {
    const state = this.stateOf("tokenizer", { text: textField("emma", 40) });
    this.tokenizer = new Tokenizer(LETTERS);
    const id = freshId("tokens");
    const field = html("input", {
      id,
      class: "mg-field",
      type: "text",
      maxlength: 40,
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-describedby": `${id}-refused`,
    });
    this.field = field;
    this.refused = html("p", { id: `${id}-refused`, class: "mg-refused", role: "alert" });
    this.row = html("div", { class: "toks" });
    this.back = html("p", {});
    const presets = html("div", { class: "mg-row", role: "group", "aria-label": "Texts to try" });
    for (const text of PRESETS) {
      const preset = button(text || "nothing", { class: "mg-button mg-quiet mg-try" });
      this.listen(preset, "click", () => state.set({ text }));
      presets.append(preset);
    }
    this.listen(field, "input", () => state.set({ text: field.value }));
    this.replaceChildren(
      html("div", { class: "mg-row" }, html("label", { for: id }, "A name"), field),
      presets,
      this.refused,
      this.row,
      this.back,
      this.tools(state),
    );
    this.dataset.loaded = "";
    this.show();
  }

  leave() {
    super.leave();
    delete this.dataset.loaded;
  }

  show() {
    const { tokenizer, state, field, row, back, refused } = this;
    if (!tokenizer || !state || !field || !row || !back || !refused) return;
    const { text } = state.values;
    if (field.value !== text) field.value = text;
    let ids;
    try {
      ids = tokenizer.encodeDocument(text);
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      const unknown = [...text].find((char) => !LETTERS.includes(char));
      refused.textContent =
        `“${unknown}” has no id: this vocabulary has ${tokenizer.bos} characters, a to z, and ` +
        "BOS.";
      row.replaceChildren();
      back.textContent = "";
      this.summary(`${refused.textContent} There are no tokens to show.`);
      return;
    }
    refused.textContent = "";
    const letters = ids.length - 2;
    renew(
      row,
      ...tokenRow(
        ids.map((token) => (token === tokenizer.bos ? "BOS" : tokenizer.uchars[token])),
        ids,
      ),
    );
    const again = tokenizer.decode(ids);
    back.textContent = `And back: ${ids.join(", ")} is “${again}”, with BOS left out.`;
    const many = letters === 1 ? "1 letter" : `${letters} letters`;
    this.summary(
      `${many}, ${ids.length} tokens: ${ids.join(" ")}. The model predicts ${ids.length - 1} ` +
        "of them, all but the first.",
    );
  }
}

define("mg-tokenizer", MgTokenizer);
