// <mg-unique-characters>: the vocabulary is collected name by name, sorted, and numbered.

import { collecting, inOrder, marked, wordsOf } from "../js/characters.js";
import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { OnNames, tokenRow } from "../js/figures/on-names.js";

class MgUniqueCharacters extends OnNames {
  fields = { step: wholeField(3, 0, 100000), words: textField("", 300) };
  word = html("div", { class: "toks toks-large" });
  pool = html("div", { class: "toks toks-large pool" });
  poolName = html("p", { class: "mg-soft" });
  reads = /** @type {ReturnType<typeof collecting>} */ ([]);
  /** @private how many documents there are */ total = 0;
  /** @private @type {string | null} */ plannedFor = null;

  build() {
    this.plannedFor = null;
    this.steps = this.stepper("step", { label: "Collecting", pace: 700 });
    const how = { label: "Your own words instead", also: () => ({ step: 0 }) };
    const looks = { class: "mg-field mg-wide", maxlength: 300, placeholder: "the 32,033 names" };
    const read = html("p", { class: "mg-soft" }, "The name that is read");
    return [
      this.figure([read, this.word, this.poolName, this.pool], {
        controls: [this.steps],
        more: this.text("words", how, looks),
      }),
    ];
  }

  /**
   * The steps for these words: nothing read, each word, sorted, numbered.
   * @private
   * @param {string} words
   */
  planned(words) {
    if (this.plannedFor !== words) {
      const docs = wordsOf(words).length ? wordsOf(words) : this.names.docs;
      this.plannedFor = words;
      this.reads = collecting(docs);
      this.total = docs.length;
      const read = this.reads.map(({ doc, fresh }) =>
        marked(`${doc}: ${fresh.length ? `new are ${fresh.join(", ")}` : "nothing new"}`),
      );
      const all = ["Nothing is read yet", ...read, "Sorted", "Numbered, and BOS added"];
      if (this.steps) this.steps.steps = all;
    }
    return this.reads;
  }

  show() {
    const { word, pool, poolName } = this;
    const { step, words } = this.values;
    const reads = this.planned(words);
    const at = Math.min(step, reads.length + 2);
    const read = reads.slice(0, at);
    const now = at > 0 && at <= reads.length ? reads[at - 1] : null;
    const looks = (/** @type {string} */ char) =>
      html(
        "span",
        { class: now?.fresh.includes(char) ? "tok tok-new" : "tok" },
        html("b", {}, marked(char)),
      );
    renew(word, ...[...(now?.doc ?? "–")].map(looks));
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
      : chars.map(looks);
    renew(pool, ...(cells.length ? cells : ["none"]));
    const of = this.total.toLocaleString("en");
    const left = this.total - reads.length;
    const rest = left
      ? ` The ${left.toLocaleString("en")} documents after number ${reads.length} bring ` +
        "nothing new."
      : "";
    this.summary(
      isNumbered
        ? `${sorted.length} characters get the ids 0 to ${sorted.length - 1}, BOS gets ` +
            `${sorted.length}: ${sorted.length + 1} tokens.${rest}`
        : `${read.length} of ${of} documents read, ${met.length} different characters so ` +
            `far${now?.fresh.length ? marked(`; ${now.doc} brings ${now.fresh.join(", ")}`) : ""}.`,
    );
  }
}

define("mg-unique-characters", MgUniqueCharacters);
