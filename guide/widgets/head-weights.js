// What the trained model's heads look at: <mg-head-weights>, for any beginning of a name, and
// <mg-head-split>, the same 16 numbers cut into one to sixteen heads.

import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { make } from "../js/kit/make.js";
import { choiceField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { OnPrefix, prefixFields } from "../js/figures/trained/on-prefix.js";
import { cutInto, labelsOf, traced } from "../js/figures/trained/real-model.js";

const heat = (/** @type {string} */ label, unsigned = false) =>
  make("mg-heat", { label, digits: 2, numbers: true, unsigned });
const columnsOf = (/** @type {string[]} */ names) => names.map((name, i) => `${i} ${name}`);

/** Where each head looks most, in words. @param {number[][]} weights @param {string[]} names */
const looks = (weights, names) =>
  weights
    .map((row, h) => {
      const best = row.indexOf(Math.max(...row));
      return `head ${h + 1} ${names[best]} at position ${best} (${written(row[best])})`;
    })
    .join(", ");

class MgHeadWeights extends OnPrefix {
  fields = prefixFields("karen", 4);
  heat = heat("weights", true);
  next = html("p");

  build() {
    return [
      ...this.entry("The token that looks"),
      html("h3", {}, "Weights of the four heads"),
      this.heat,
      this.next,
    ];
  }

  show() {
    const { tokens, at, names } = this.now;
    const { weights, probs } = traced(this.real, tokens);
    this.heat.data = {
      values: weights[at],
      rows: weights[at].map((_, h) => `head ${h + 1}`),
      columns: columnsOf(names.slice(0, at + 1)),
      most: 1,
    };
    const likely = probs[at]
      .map((p, i) => ({ p, i }))
      .sort((a, b) => b.p - a.p)
      .slice(0, 3);
    renew(
      this.next,
      `After ${names.slice(0, at + 1).join(" ")} the model expects ` +
        likely.map(({ p, i }) => `${labelsOf(this.real, [i])[0]} (${written(p)})`).join(", ") +
        ".",
    );
    this.summary(`${names[at]} at position ${at} looks most at: ${looks(weights[at], names)}.`);
  }
}

const HEADS = ["1", "2", "4", "8", "16"];

class MgHeadSplit extends OnPrefix {
  fields = { ...prefixFields("karen", 4), heads: choiceField("4", HEADS) };
  parts = heat("q, cut");
  heat = heat("weights", true);
  size = html("h3");

  build() {
    const options = Object.fromEntries(
      HEADS.map((n) => [n, n === "4" ? "4, as it was trained" : n]),
    );
    return [
      ...this.entry("The token that looks"),
      this.menu("heads", { label: "Heads", options }),
      this.size,
      this.parts,
      html("h3", {}, "Weights of each head"),
      this.heat,
      html(
        "p",
        { class: "mg-note" },
        "The model was trained with four heads. Other numbers show what its q and k would " +
          "give if they were cut otherwise; a model trained so would have other q and k.",
      ),
    ];
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
