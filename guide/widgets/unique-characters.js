// <mg-unique-characters>: the vocabulary is collected name by name, sorted, and numbered.

import { collecting, inOrder, wordsOf } from "../js/characters.js";
import { freshId, html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { NamesElement, tokenRow } from "../js/figures/names-element.js";

/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */

class MgUniqueCharacters extends NamesElement {
  constructor() {
    super();
    /** @private @type {string | null} */ this.plannedFor = null;
  }

  /** @param {import("../js/figures/dataset.js").Names} names */
  start(names) {
    this.names = names;
    const state = this.stateOf("unique-characters", {
      step: wholeField(3, 0, 100000),
      words: textField("", 300),
    });
    const id = freshId("words");
    const field = html("input", {
      id,
      class: "mg-field mg-wide",
      type: "text",
      maxlength: 300,
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "the 32,033 names",
    });
    this.field = field;
    this.word = html("div", { class: "toks" });
    this.pool = html("div", { class: "toks" });
    this.poolName = html("p", { class: "mg-soft" });
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Collecting", pace: 700 })
    );
    this.listen(this.stepper, "mg-step", ({ detail }) => state.set({ step: detail.at }));
    this.listen(field, "input", () => state.set({ words: field.value, step: 0 }));
    this.replaceChildren(
      this.stepper,
      html("p", { class: "mg-soft" }, "The name that is read"),
      this.word,
      this.poolName,
      this.pool,
      html(
        "div",
        { class: "mg-row" },
        html("label", { for: id }, "Words of your own instead"),
        field,
      ),
      this.tools(state),
    );
  }

  /**
   * The steps for these words: nothing read, each word, sorted, numbered.
   * @private
   * @param {string} words
   */
  planned(words) {
    if (this.plannedFor !== words) {
      const docs = wordsOf(words).length ? wordsOf(words) : (this.names?.docs ?? []);
      this.plannedFor = words;
      this.reads = collecting(docs);
      this.total = docs.length;
      if (this.stepper) {
        this.stepper.steps = [
          "Nothing is read yet",
          ...this.reads.map(
            ({ doc, fresh }) =>
              `${doc}: ${fresh.length ? `new are ${fresh.join(", ")}` : "nothing new"}`,
          ),
          "Sorted",
          "Numbered, and BOS added",
        ];
      }
    }
    return this.reads ?? [];
  }

  show() {
    const { state, stepper, word, pool, poolName, field } = this;
    if (!state || !stepper || !word || !pool || !poolName || !field) return;
    const { step, words } = state.values;
    if (field.value !== words) field.value = words;
    const reads = this.planned(words);
    const at = Math.min(step, reads.length + 2);
    stepper.at = at;
    const read = reads.slice(0, at);
    const now = at > 0 && at <= reads.length ? reads[at - 1] : null;
    renew(
      word,
      ...[...(now?.doc ?? "–")].map((char) =>
        html(
          "span",
          { class: now?.fresh.includes(char) ? "tok tok-new" : "tok" },
          html("b", {}, char),
        ),
      ),
    );
    const met = read.flatMap(({ fresh }) => fresh);
    const sorted = inOrder(met);
    const isSorted = at > reads.length;
    const isNumbered = at > reads.length + 1;
    poolName.textContent = isNumbered
      ? "The vocabulary, with ids"
      : isSorted
        ? "Sorted"
        : "Collected so far, in the order in which they came";
    const chars = isSorted ? sorted : met;
    const cells = isNumbered
      ? tokenRow(
          [...sorted, "BOS"],
          [...sorted, "BOS"].map((_, i) => i),
        )
      : chars.map((char) =>
          html(
            "span",
            { class: now?.fresh.includes(char) ? "tok tok-new" : "tok" },
            html("b", {}, char),
          ),
        );
    renew(pool, ...(cells.length ? cells : ["none"]));
    const of = (this.total ?? 0).toLocaleString("en");
    const left = (this.total ?? 0) - reads.length;
    const rest = left
      ? ` The ${left.toLocaleString("en")} documents after number ${reads.length} bring ` +
        "nothing new."
      : "";
    this.summary(
      isNumbered
        ? `${sorted.length} characters get the ids 0 to ${sorted.length - 1}, BOS gets ` +
            `${sorted.length}: ${sorted.length + 1} tokens.${rest}`
        : `${read.length} of ${of} documents read, ${met.length} different characters so ` +
            `far${now?.fresh.length ? `; ${now.doc} brings ${now.fresh.join(", ")}` : ""}.`,
    );
  }
}

define("mg-unique-characters", MgUniqueCharacters);
