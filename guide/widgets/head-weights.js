// What the trained model's heads look at: <mg-head-weights>, for any beginning of a name, and
// <mg-head-split>, the same 16 numbers cut into one to sixteen heads.

import { MicrogptError } from "../js/errors.js";
import { html, renew, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { make } from "../js/kit/make.js";
import { choiceField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { cardOf, makeCard } from "../js/figures/networks/attention-card.js";
import { AttentionDrawing } from "../js/figures/networks/attention-drawing.js";
import { OnPrefix, prefixFields } from "../js/figures/trained/on-prefix.js";
import { cutInto, labelsOf, tokensOf, traced } from "../js/figures/trained/real-model.js";

const heat = (/** @type {string} */ label, unsigned = false) =>
  make("mg-heat", { label, digits: 2, numbers: true, unsigned });
const columnsOf = (/** @type {string[]} */ names) => names.map((name, i) => `${i} ${name}`);

/** Where each head looks most, in words. @param {number[][]} weights @param {string[]} names */
const looks = (weights, names) =>
  weights
    .map((row, h) => {
      const best = row.indexOf(Math.max(...row));
      return `${names[best]} at ${best} (head ${h + 1}: ${written(row[best])})`;
    })
    .join(", ");

const ROWS = [
  { kind: "k", name: "keys" },
  { kind: "v", name: "values" },
];
const CHOICE = { all: "all four", 1: "1", 2: "2", 3: "3", 4: "4" };

/** The word that the reader typed before, on another page, if there is one. */
function kept() {
  try {
    return sessionStorage.getItem("word");
  } catch {
    return null; // storage is shut off
  }
}

class MgHeadWeights extends OnPrefix {
  fields = { ...prefixFields("karen", 4), head: choiceField("all", Object.keys(CHOICE)) };
  card = makeCard(
    "Point at an arrow, or at a letter: its weights, their formula and line of code.",
  );
  drawing = new AttentionDrawing({
    label: "The four heads of the trained model, and how much each looks at every letter",
    pointed: (part) => this.card.show(part && cardOf(part, this.facts)),
    chosen: (at) => this.set({ at }),
  });
  /** @private what stood there before */ last = "";

  build() {
    this.drawing.live(this);
    this.last = "";
    if (!this.state.given) this.take(kept());
    return [
      this.figure(this.drawing.element, {
        controls: [
          ...this.entry("The letter that looks"),
          this.menu("head", { label: "Head", options: CHOICE }),
          this.card.element,
        ],
      }),
      tableOf("Weights of the heads", () => this.asTable()),
    ];
  }

  /** Begins with the reader's word. @private @param {string | null} word */
  take(word) {
    try {
      if (word)
        Object.assign(this.values, { text: word, at: tokensOf(this.real, word).length - 1 });
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error; // a word that the model can't read
    }
  }

  /** The heads that are drawn. @private */
  get heads() {
    const { head } = this.values;
    return head === "all" ? [0, 1, 2, 3] : [Number(head) - 1];
  }

  /** @private */
  get facts() {
    const { tokens, at, names } = this.now;
    const row = traced(this.real, tokens);
    const size = row.q[at].length / 4;
    const piece = (/** @type {number[]} */ vector, /** @type {number} */ h) =>
      vector.slice(h * size, (h + 1) * size);
    return {
      names,
      at,
      heads: this.heads.map((h) => ({
        name: `head ${h + 1}`,
        q: piece(row.q[at], h),
        keys: row.keys.slice(0, at + 1).map((k) => piece(k, h)),
        values: row.values.slice(0, at + 1).map((v) => piece(v, h)),
        scores: cutInto(row, at, 4).scores[h],
        weights: row.weights[at][h],
        out: piece(row.headOut[at], h),
      })),
      digits: 2,
      code: /** @type {const} */ ("many"),
    };
  }

  show() {
    const { tokens, at, names } = this.now;
    const { facts } = this;
    const { weights, probs, q, keys, values } = traced(this.real, tokens);
    const size = q[at].length / 4;
    const pieces = (/** @type {number[]} */ vector) =>
      [0, 1, 2, 3].map((h) => vector.slice(h * size, (h + 1) * size));
    const now = `${names.join()} ${at}`;
    const travels = this.last && this.last !== now ? "values" : undefined;
    this.last = now;
    this.drawing.show(
      {
        columns: names.map((name, t) => ({
          name,
          under: String(t),
          later: t > at,
          vectors: t > at ? [] : [pieces(keys[t]), pieces(values[t])],
        })),
        at,
        rows: ROWS,
        asks: `q of ${names[at]}`,
        vectors: true,
        pieces: 4,
        heads: this.heads.map((h, i) => ({
          piece: h,
          name: `head ${h + 1}`,
          tone: String(h + 1),
          weights: names.map((_, t) => weights[at][h][t] ?? 0),
          query: facts.heads[i].q,
          out: facts.heads[i].out,
          isFull: true,
        })),
        most: Math.max(...[...q, ...keys, ...values].flat().map(Math.abs)),
        height: 400,
      },
      travels,
    );
    const likely = probs[at]
      .map((p, i) => ({ p, i }))
      .sort((a, b) => b.p - a.p)
      .slice(0, 3)
      .map(({ p, i }) => `${labelsOf(this.real, [i])[0]} (${written(p)})`)
      .join(", ");
    this.summary(
      `${names[at]} at position ${at} looks most at: ${looks(weights[at], names)}. ` +
        `The model expects ${likely}.`,
    );
  }

  /** @private */
  asTable() {
    const { tokens, at, names } = this.now;
    const { weights } = traced(this.real, tokens);
    return {
      head: ["", ...columnsOf(names.slice(0, at + 1))],
      rows: weights[at].map((row, h) => [`head ${h + 1}`, ...row.map((w) => written(w))]),
    };
  }
}

const HEADS = ["1", "2", "4", "8", "16"];

class MgHeadSplit extends OnPrefix {
  fields = { ...prefixFields("karen", 4), heads: choiceField("4", HEADS) };
  parts = heat("q, cut");
  heat = heat("weights", true);
  size = html("p", { class: "mg-title" });

  build() {
    const options = Object.fromEntries(
      HEADS.map((n) => [n, n === "4" ? "4, as it was trained" : n]),
    );
    const other = html(
      "p",
      { class: "mg-note" },
      "The model was trained with four heads. Other numbers show what its q and k would " +
        "give if they were cut otherwise; a model trained so would have other q and k.",
    );
    const weights = html("p", { class: "mg-title" }, "Weights of each head");
    const picture = html(
      "div",
      { class: "cache-kept" },
      html("div", {}, this.size, this.parts),
      html("div", {}, weights, this.heat),
    );
    const heads = this.menu("heads", { label: "Heads", options });
    const controls = [heads, ...this.entry("The token that looks"), other];
    return [this.figure(picture, { controls })];
  }

  show() {
    const { tokens, at, names } = this.now;
    const count = Number(this.values.heads);
    const { weights, parts, size } = cutInto(traced(this.real, tokens), at, count);
    const rows = weights.map((_, h) => `head ${h + 1}`);
    renew(this.size, `q of ${names[at]}: 16 numbers = ${count} × ${size}`);
    this.parts.data = { values: parts, rows };
    this.heat.data = { values: weights, rows, columns: columnsOf(names.slice(0, at + 1)), most: 1 };
    this.summary(
      `${count} ${count === 1 ? "head" : "heads"} of ${size} ` +
        `${size === 1 ? "number" : "numbers"}: ${weights.length} × ${at + 1} weights. ` +
        `${count <= 4 ? `Most: ${looks(weights, names)}.` : ""}`,
    );
  }
}

define("mg-head-weights", MgHeadWeights);
define("mg-head-split", MgHeadSplit);
