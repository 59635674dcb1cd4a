// <mg-attention>: attention of the toy GPT, stage by stage, with its cache. Exact or rounded
// as by hand, after the cache that the walkthrough pins or the one that the weights compute.

import { tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { cardOf, makeCard } from "../js/figures/networks/attention-card.js";
import { AttentionDrawing } from "../js/figures/networks/attention-drawing.js";
import {
  attentionNumbers,
  attentionSentence,
  STAGES,
  vectorText,
} from "../js/figures/networks/attention-steps.js";
import { TOY_TOKENS } from "../js/numbers/toy.js";

/** @typedef {import("../js/figures/networks/attention-steps.js").Choice} Choice */

const CACHES = { pinned: "pinned", computed: "computed from BOS, a" };
const NUMBERS = { hand: "rounded by hand", exact: "exact" };
const ROWS = [
  { kind: "k", name: "keys" },
  { kind: "v", name: "values" },
  { kind: "x", name: "x" },
];
/** What moves when the reader comes to a stage. */
const TRAVELS = /** @type {Record<number, "query" | "values">} */ ({ 5: "query", 7: "values" });

class MgAttention extends Widget {
  fields = {
    step: wholeField(0, 0, STAGES.length - 1),
    token: choiceField("2", ["0", "1", "2", "3"]),
    cache: choiceField("pinned", Object.keys(CACHES)),
    numbers: choiceField("hand", Object.keys(NUMBERS)),
  };
  card = makeCard("Point at an arrow, or at a box: its number, its formula, its line of code.");
  drawing = new AttentionDrawing({
    label: "The query of position 2, the three keys that it is compared with, and their values",
    pointed: (part) => this.card.show(part && cardOf(part, this.facts)),
  });
  /** @private what stood there before */ last = -1;

  build() {
    const steps = this.stepper("step", { label: "Attention", pace: 2500 });
    steps.steps = [...STAGES];
    this.drawing.live(this);
    this.last = -1;
    return [
      this.figure(this.drawing.element, {
        controls: [
          steps,
          this.menu("token", { label: "Token", options: TOY_TOKENS }),
          this.card.element,
        ],
        more: [
          this.menu("cache", { label: "Cache", options: CACHES }),
          this.menu("numbers", { label: "Numbers", options: NUMBERS }),
        ],
      }),
      tableOf("The cache, and what the query finds in it", () => this.asTable()),
    ];
  }

  /** @private */
  get choice() {
    const { token, cache, numbers } = this.values;
    return /** @type {Choice} */ ({ token: Number(token), cache, numbers });
  }

  /** @private */
  get tokens() {
    const { token, cache } = this.values;
    const earlier = cache === "pinned" ? ["0", "1"] : ["BOS", "a"];
    return [...earlier, TOY_TOKENS[Number(token)]];
  }

  /** What is known in this stage. @private */
  get facts() {
    const { step } = this.values;
    const n = attentionNumbers(this.choice);
    const { tokens } = this;
    const isKept = (/** @type {number} */ from) => (step >= from ? 3 : 2);
    return {
      names: tokens.map((name, t) => (name === String(t) ? `position ${t}` : name)),
      at: 2,
      heads: [
        {
          q: step >= 1 ? n.q : null,
          keys: n.keys.slice(0, isKept(2)),
          values: n.values.slice(0, isKept(3)),
          scores: step >= 5 ? n.scores : null,
          weights: step >= 6 ? n.weights : null,
          out: step >= 8 ? n.headOut : null,
        },
      ],
      digits: n.digits,
      code: /** @type {const} */ ("one"),
    };
  }

  show() {
    const { step, cache } = this.values;
    const n = attentionNumbers(this.choice);
    const { tokens, facts } = this;
    const [{ q, keys, values, scores, weights, out }] = facts.heads;
    const travels = this.last >= 0 && step === this.last + 1 ? TRAVELS[step] : undefined;
    this.last = step;
    this.drawing.show(
      {
        columns: tokens.map((name, t) => ({
          name,
          under: `position ${t}${t < 2 && cache === "pinned" ? ", pinned" : ""}`,
          vectors: [
            keys[t] ? [keys[t]] : null,
            values[t] ? [values[t]] : null,
            t === 2 ? [n.x] : undefined,
          ],
        })),
        at: 2,
        rows: ROWS,
        asks: `q of ${tokens[2]}`,
        vectors: true,
        heads: [
          {
            piece: 0,
            tone: "attention",
            weights,
            scores: step === 5 ? n.scores.map((s) => written(s, n.digits)) : null,
            query: q,
            out,
            isFull: step >= 7,
            isAhead: scores === null,
          },
        ],
        digits: n.digits,
        frame: { columns: step >= 4 ? 3 : 2, rows: 2, name: "cache" },
        height: 390,
      },
      travels,
    );
    this.summary(attentionSentence(this.choice, step));
  }

  /** @private */
  asTable() {
    const n = attentionNumbers(this.choice);
    const text = (/** @type {readonly number[]} */ vector) => vectorText([...vector], n.digits);
    const [{ keys, values, scores, weights }] = this.facts.heads;
    const number = (/** @type {readonly number[] | null} */ all, /** @type {number} */ t) =>
      all ? written(all[t], n.digits) : "…";
    return {
      head: ["position", "key", "value", "q·k", "score", "weight", "weight · value"],
      rows: [0, 1, 2].map((t) => [
        t,
        keys[t] ? text(keys[t]) : "…",
        values[t] ? text(values[t]) : "…",
        number(scores && n.qk, t),
        number(scores, t),
        number(weights, t),
        this.values.step >= 7 ? text(n.products[t]) : "…",
      ]),
    };
  }
}

define("mg-attention", MgAttention);
