// <mg-fuzzy>: a dictionary that answers with a mix. <mg-word-attention>: what one word of a
// sentence looks at. Both are illustrative: their vectors are made by hand.

import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { row } from "../js/kit/make.js";
import { choiceField, flagField, numberField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { shareList } from "../js/figures/networks/shares.js";
import {
  ASKED,
  ENTRIES,
  fuzzyLookup,
  looksFor,
  PACES,
  SENTENCE,
  wordWeights,
} from "../js/figures/networks/word-attention.js";

const LABEL = "Illustrative: the vectors are made by hand. What is computed from them is computed.";
const WORDS = Object.keys(ASKED);
const percent = (/** @type {number} */ share) => `${written(100 * share, 0)} %`;

class MgFuzzy extends Widget {
  fields = { word: choiceField("wolf", WORDS), sharp: numberField(0.5, 0, 10) };
  list = html("div");

  build() {
    const options = Object.fromEntries(
      WORDS.map((word) => [word, word in PACES ? word : `${word} (not in it)`]),
    );
    return [
      html("p", { class: "mg-note" }, LABEL),
      this.menu("word", { label: "Look up", options }),
      this.knob("sharp", { label: "Sharpness", step: 0.1, digits: 1, slider: true }),
      this.list,
    ];
  }

  show() {
    const { word, sharp } = this.values;
    const { weights, answer, exact } = fuzzyLookup(word, sharp);
    const pace = (/** @type {string} */ entry) =>
      /** @type {Record<string, number>} */ (PACES)[entry];
    renew(
      this.list,
      shareList(
        "Share of each entry",
        ENTRIES.map((name, i) => ({
          name,
          share: weights[i],
          text: `${percent(weights[i])} of ${written(pace(name), 0)}`,
        })),
      ),
    );
    const common =
      exact === null
        ? `An ordinary dictionary has no entry for “${word}”.`
        : `An ordinary dictionary answers ${written(exact, 0)}.`;
    const best = weights.indexOf(Math.max(...weights));
    const most =
      sharp === 0
        ? "all entries count alike"
        : `mostly ${ENTRIES[best]}, ${percent(weights[best])}`;
    this.summary(
      `How fast is “${word}”? ${common} The fuzzy one answers ${written(answer, 1)}: ${most}.`,
    );
  }
}

class MgWordAttention extends Widget {
  fields = { word: wholeField(3, 0, SENTENCE.length - 1), later: flagField(false) };
  list = html("div");

  build() {
    const looks = { class: "net-tokens", each: "att-word" };
    return [
      html("p", { class: "mg-note" }, LABEL),
      this.choices("word", "The word that looks", SENTENCE, looks),
      row(this.toggle("later", "Later words too")),
      this.list,
    ];
  }

  show() {
    const { word, later } = this.values;
    const weights = wordWeights(word, later);
    renew(
      this.list,
      shareList(
        "Weight of each word",
        SENTENCE.map((name, i) => ({
          name,
          share: weights[i],
          text: i > word && !later ? "comes later" : percent(weights[i]),
          marked: i === word,
        })),
      ),
    );
    const order = weights
      .map((share, i) => ({ share, name: SENTENCE[i] }))
      .sort((a, b) => b.share - a.share);
    const second =
      order[1].share > 0.005 ? `, then at “${order[1].name}” (${percent(order[1].share)})` : "";
    this.summary(
      `“${SENTENCE[word]}” ${looksFor(word)}: most of all at “${order[0].name}” ` +
        `(${percent(order[0].share)})${second}.`,
    );
  }
}

define("mg-fuzzy", MgFuzzy);
define("mg-word-attention", MgWordAttention);
