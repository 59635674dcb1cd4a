// <mg-attention>: attention of the toy GPT, stage by stage, with its cache. Exact or rounded
// as by hand, after the cache that the walkthrough pins or the one that the weights compute.

import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { line, row, table } from "../js/kit/make.js";
import { choiceField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import {
  attentionNumbers,
  attentionSentence,
  STAGES,
  vectorText,
} from "../js/figures/networks/attention-steps.js";
import { TOY_TOKENS } from "../js/numbers/toy.js";

/** @typedef {import("../js/figures/networks/attention-steps.js").Choice} Choice */

const WAITING = "…";
/** Columns of the table, the stage that fills each, and the colour of its kind. */
const COLUMNS = /** @type {const} */ ([
  ["key", 4, "k"],
  ["value", 4, "v"],
  ["q·k", 5, "attention"],
  ["score", 5, "attention"],
  ["weight", 6, "attention"],
  ["weight · value", 7, "v"],
]);

const CACHES = { pinned: "pinned", computed: "computed from BOS, a" };
const NUMBERS = { hand: "rounded by hand", exact: "exact" };

class MgAttention extends Widget {
  fields = {
    step: wholeField(0, 0, STAGES.length - 1),
    token: choiceField("2", ["0", "1", "2", "3"]),
    cache: choiceField("pinned", Object.keys(CACHES)),
    numbers: choiceField("hand", Object.keys(NUMBERS)),
  };
  made = html("div", { class: "net-flow" });
  rows = html("tbody");
  out = html("div", { class: "net-flow" });

  build() {
    const steps = this.stepper("step", { label: "Attention", pace: 2500 });
    steps.steps = [...STAGES];
    const head = ["position", ...COLUMNS.map(([name]) => name)];
    const looks = { class: "mg-cells att-table" };
    const found = table("The cache, and what the query finds in it", head, this.rows, looks);
    found.querySelectorAll("th").forEach((title, i) => {
      if (i) title.dataset.kind = COLUMNS[i - 1][2];
    });
    return [
      row(
        this.menu("token", { label: "Token", options: TOY_TOKENS }),
        this.menu("cache", { label: "Cache", options: CACHES }),
        this.menu("numbers", { label: "Numbers", options: NUMBERS }),
      ),
      steps,
      this.made,
      found,
      this.out,
    ];
  }

  show() {
    const { step, token, cache, numbers } = this.values;
    const choice = /** @type {Choice} */ ({ token: Number(token), cache, numbers });
    const n = attentionNumbers(choice);
    const text = (/** @type {number[]} */ vector) => vectorText(vector, n.digits);
    const chip = (
      /** @type {string} */ name,
      /** @type {string} */ kind,
      /** @type {number[]} */ vector,
      /** @type {number} */ from,
    ) =>
      html(
        "span",
        {
          class: "net-chip att-chip",
          "data-kind": kind,
          "data-now": step === from,
          "data-link": `toy.${name}`,
        },
        html("b", {}, name),
        ` ${step >= from ? text(vector) : WAITING}`,
      );
    renew(
      this.made,
      chip("x", "x", n.x, 0),
      chip("q", "q", n.q, 1),
      chip("k", "k", n.k, 2),
      chip("v", "v", n.v, 3),
    );
    renew(
      this.rows,
      ...n.keys.map((key, t) => {
        const cells = [
          text(key),
          text(n.values[t]),
          written(n.qk[t], n.digits),
          written(n.scores[t], n.digits),
          written(n.weights[t], n.digits),
          text(n.products[t]),
        ];
        const shown = cells.map((content, i) => {
          const [, from, kind] = COLUMNS[i];
          const isThere = step >= from || (i < 2 && t < 2);
          const isNow = step === from && (i > 1 || t === 2);
          const looks = { "data-kind": kind, class: isNow ? "row-now" : null };
          return html("td", looks, isThere ? content : WAITING);
        });
        return line(t, ...shown);
      }),
    );
    renew(this.out, chip("head output", "v", n.headOut, 8), chip("after Wo", "x", n.output, 8));
    this.summary(attentionSentence(choice, step));
  }
}

define("mg-attention", MgAttention);
