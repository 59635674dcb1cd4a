// <mg-fuzzy>: a dictionary that answers with a mix. <mg-word-attention>: what one word of a
// sentence looks at. Both are illustrative: their vectors are made by hand.

import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField, flagField, numberField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
import { actor, menu } from "../js/figures/parts.js";
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
const percent = (/** @type {number} */ share) => `${written(100 * share, 0)} %`;

class MgFuzzy extends StatefulElement {
  build() {
    const words = Object.keys(ASKED);
    const state = this.stateOf("fuzzy", {
      word: choiceField("wolf", words),
      sharp: numberField(0.5, 0, 10),
    });
    const named = (/** @type {string} */ word) =>
      /** @type {[string, string]} */ ([word, word in PACES ? word : `${word} (not in it)`]);
    this.chosen = menu(this, "Look up", words.map(named), (word) => state.set({ word }));
    this.list = html("div");
    this.replaceChildren(
      html("p", { class: "mg-note" }, LABEL),
      this.chosen.whole,
      this.knob(state, "sharp", { label: "Sharpness", step: 0.1, digits: 1, slider: true }),
      this.list,
      this.tools(state),
    );
    this.show();
  }

  show() {
    const { state, chosen } = this;
    if (!state || !chosen) return;
    const { word, sharp } = state.values;
    chosen.select.value = word;
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
        ? `A common dictionary has no entry for “${word}”.`
        : `A common dictionary answers ${written(exact, 0)}.`;
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

class MgWordAttention extends StatefulElement {
  build() {
    const state = this.stateOf("word-attention", {
      word: wholeField(3, 0, SENTENCE.length - 1),
      later: flagField(false),
    });
    this.keys = SENTENCE.map((word, i) =>
      actor(this, word, () => state.set({ word: i }), {
        "aria-pressed": "false",
        class: "mg-button att-word",
      }),
    );
    this.both = actor(this, "Later words too", () => state.set({ later: !state.values.later }), {
      "aria-pressed": "false",
      class: "mg-button net-chosen",
    });
    this.list = html("div");
    this.replaceChildren(
      html("p", { class: "mg-note" }, LABEL),
      html(
        "div",
        { class: "net-tokens", role: "group", "aria-label": "The word that looks" },
        ...this.keys,
      ),
      html("div", { class: "mg-row" }, this.both),
      this.list,
      this.tools(state),
    );
    this.show();
  }

  show() {
    const { state, keys, both } = this;
    if (!state || !keys || !both) return;
    const { word, later } = state.values;
    keys.forEach((key, i) => key.setAttribute("aria-pressed", String(i === word)));
    both.setAttribute("aria-pressed", String(later));
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
