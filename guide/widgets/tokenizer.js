// <mg-tokenizer>: a text as token ids between two BOS, and back.

import { marked } from "../js/characters.js";
import { freshId, html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group } from "../js/kit/make.js";
import { textField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { tokenRow } from "../js/figures/on-names.js";
import { Tokenizer } from "../js/tokenizer.js";
import { MicrogptError } from "../js/errors.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const PRESETS = ["emma", "ava", "quentin", "zoë", ""];

class MgTokenizer extends Widget {
  fields = { text: textField("emma", 40) };
  tokenizer = new Tokenizer(LETTERS);
  refused = html("p", { id: freshId("refused"), class: "mg-refused", role: "alert" });
  row = html("div", { class: "toks toks-large" });
  back = html("p");

  build() {
    this.dataset.loaded = "";
    this.whenLeaving(() => delete this.dataset.loaded);
    // What has no ids stays in the state, and is shown as such.
    const how = { label: "A name", read: (/** @type {string} */ typed) => typed };
    const looks = { maxlength: 40, "aria-describedby": this.refused.id };
    const [field] = this.text("text", how, looks);
    const presets = PRESETS.map((text) => {
      const act = () => this.set({ text });
      const made = this.button(text || "nothing", act, { class: "mg-button mg-quiet mg-try" });
      return this.idle(made, (values) => values.text === text);
    });
    const tries = group("Texts to try", {}, ...presets);
    const picture = [this.row, this.back];
    return [this.figure(picture, { controls: [field, tries, this.refused] })];
  }

  show() {
    const { tokenizer, row, back, refused } = this;
    const { text } = this.values;
    let ids;
    try {
      ids = tokenizer.encodeDocument(text);
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      const unknown = [...text].find((char) => !LETTERS.includes(char));
      refused.textContent =
        `“${marked(unknown ?? "")}” has no id: this vocabulary has ${tokenizer.bos} characters, ` +
        "a to z, and BOS.";
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
    const name = again ? `“${again}”` : "the empty text";
    back.textContent = `And back: ${ids.join(", ")} is ${name}, with BOS left out.`;
    const many = letters === 1 ? "1 letter" : `${letters} letters`;
    this.summary(
      `${many}, ${ids.length} tokens: ${ids.join(" ")}. The model predicts ${ids.length - 1} ` +
        "of them, all but the first.",
    );
  }
}

define("mg-tokenizer", MgTokenizer);
