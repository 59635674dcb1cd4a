// <mg-fuzzy>: a dictionary that answers with a mix. <mg-word-attention>: what one word of a
// sentence looks at. Both are illustrative: their vectors are made by hand.

import { html, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField, flagField, numberField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { AttentionDrawing } from "../js/figures/networks/attention-drawing.js";
import { makeCard } from "../js/figures/networks/attention-card.js";
import {
  ASKED,
  ENTRIES,
  fuzzyLookup,
  looksFor,
  PACES,
  SENTENCE,
  wordWeights,
} from "../js/figures/networks/word-attention.js";

/** @typedef {import("../js/figures/networks/attention-shapes.js").Part} Part */

const LABEL = "Illustrative: the vectors are made by hand, and the shares are computed from them.";
const HINT = "Point at an arrow, or at a word, for its share.";
const WORDS = Object.keys(ASKED);
const HEIGHT = 330;
const percent = (/** @type {number} */ share) => `${written(100 * share, 0)} %`;
const pace = (/** @type {string} */ entry) => /** @type {Record<string, number>} */ (PACES)[entry];

class MgFuzzy extends Widget {
  fields = { word: choiceField("wolf", WORDS), sharp: numberField(0.5, 0, 10) };
  card = makeCard(HINT);
  drawing = new AttentionDrawing({
    label: "The word that is looked up, and its share of each entry of the dictionary",
    pointed: (part) => this.card.show(part && this.cardOf(part)),
  });

  build() {
    const options = Object.fromEntries(
      WORDS.map((word) => [word, word in PACES ? word : `${word} (not in it)`]),
    );
    this.drawing.live(this);
    return [
      this.figure(this.drawing.element, {
        controls: [
          this.menu("word", { label: "Look up", options }),
          this.knob("sharp", { label: "Sharpness", step: 0.1, digits: 1, slider: true }),
          this.card.element,
          html("p", { class: "mg-note" }, LABEL),
        ],
      }),
      tableOf("Shares of the entries", () => this.asTable()),
    ];
  }

  /** @private */
  get found() {
    return fuzzyLookup(this.values.word, this.values.sharp);
  }

  show() {
    const { word, sharp } = this.values;
    const { weights, answer, exact } = this.found;
    this.drawing.show({
      columns: ENTRIES.map((name) => ({ name, under: written(pace(name), 0) })),
      at: ENTRIES.indexOf(word),
      rows: [],
      asks: `How fast is “${word}”?`,
      heads: [
        {
          piece: 0,
          tone: "attention",
          weights,
          answer: `answer ${written(answer, 1)}`,
          isFull: true,
        },
      ],
      height: HEIGHT,
    });
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

  /** @private @param {Part} part */
  cardOf({ at }) {
    const { word, sharp } = this.values;
    const { likeness, weights } = this.found;
    const score = likeness[at] * sharp;
    return {
      title: `${word} → ${ENTRIES[at]}`,
      lines: [
        `likeness × sharpness = ${written(likeness[at])} × ${written(sharp, 1)}` +
          ` = ${written(score)}`,
        `share by softmax = ${percent(weights[at])}`,
        `it gives ${percent(weights[at])} of its ${written(pace(ENTRIES[at]), 0)}`,
      ],
    };
  }

  /** @private */
  asTable() {
    const { weights } = this.found;
    return {
      head: ["entry", "share", "how fast"],
      rows: ENTRIES.map((name, i) => [name, percent(weights[i]), written(pace(name), 0)]),
    };
  }
}

class MgWordAttention extends Widget {
  fields = { word: wholeField(3, 0, SENTENCE.length - 1), later: flagField(false) };
  card = makeCard(HINT);
  drawing = new AttentionDrawing({
    label: "The word that looks, and how much it looks at every word of the sentence",
    pointed: (part) => this.card.show(part && this.cardOf(part)),
    chosen: (word) => this.set({ word }),
  });
  /** @private what stood there before */ last = -1;

  build() {
    this.drawing.live(this);
    this.last = -1;
    return [
      this.figure(this.drawing.element, {
        controls: [
          this.menu("word", { label: "Word", options: SENTENCE }),
          this.toggle("later", "Later words too"),
          this.card.element,
          html("p", { class: "mg-note" }, LABEL),
        ],
      }),
      tableOf("Weight of each word", () => this.asTable()),
    ];
  }

  /** @private */
  get weights() {
    return wordWeights(this.values.word, this.values.later);
  }

  show() {
    const { word, later } = this.values;
    const { weights } = this;
    const travels = this.last >= 0 && this.last !== word ? "values" : undefined;
    this.last = word;
    this.drawing.show(
      {
        columns: SENTENCE.map((name, i) => ({ name, later: i > word && !later })),
        at: word,
        rows: [],
        asks: `“${SENTENCE[word]}” looks at`,
        heads: [{ piece: 0, tone: "attention", weights, isFull: true }],
        height: HEIGHT,
      },
      travels,
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

  /** @private @param {Part} part */
  cardOf({ at }) {
    const { word, later } = this.values;
    const isLater = at > word && !later;
    return {
      title: `${SENTENCE[word]} → ${SENTENCE[at]}`,
      lines: [isLater ? "comes later: not there yet" : `weight ${percent(this.weights[at])}`],
    };
  }

  /** @private */
  asTable() {
    const { word, later } = this.values;
    return {
      head: ["word", "weight"],
      rows: SENTENCE.map((name, i) => [
        name,
        i > word && !later ? "comes later" : percent(this.weights[i]),
      ]),
    };
  }
}

define("mg-fuzzy", MgFuzzy);
define("mg-word-attention", MgWordAttention);
