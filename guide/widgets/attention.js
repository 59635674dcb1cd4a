// <mg-attention>: attention of the toy GPT, stage by stage, with its cache. Exact or rounded
// as by hand, after the cache that the walkthrough pins or the one that the weights compute.

import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import {
  attentionNumbers,
  attentionSentence,
  STAGES,
  vectorText,
} from "../js/figures/networks/attention-steps.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
import { menu } from "../js/figures/parts.js";

/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */

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

class MgAttention extends StatefulElement {
  build() {
    const state = this.stateOf("attention", {
      step: wholeField(0, 0, STAGES.length - 1),
      token: choiceField("2", ["0", "1", "2", "3"]),
      cache: choiceField("pinned", ["pinned", "computed"]),
      numbers: choiceField("hand", ["hand", "exact"]),
    });
    this.menus = {
      token: menu(
        this,
        "Token",
        [
          ["0", "BOS"],
          ["1", "a"],
          ["2", "b"],
          ["3", "c"],
        ],
        (token) => state.set({ token }),
      ),
      cache: menu(
        this,
        "Cache",
        [
          ["pinned", "pinned"],
          ["computed", "computed from BOS, a"],
        ],
        (cache) => state.set({ cache }),
      ),
      numbers: menu(
        this,
        "Numbers",
        [
          ["hand", "rounded by hand"],
          ["exact", "exact"],
        ],
        (numbers) => state.set({ numbers }),
      ),
    };
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Attention", pace: 2500 })
    );
    this.stepper.steps = [...STAGES];
    this.listen(this.stepper, "mg-step", ({ detail }) => state.set({ step: detail.at }));
    this.made = html("div", { class: "net-flow" });
    this.rows = html("tbody");
    const head = ["position", ...COLUMNS.map(([name]) => name)];
    const table = html(
      "table",
      { class: "net-table att-table" },
      html(
        "thead",
        {},
        html(
          "tr",
          {},
          ...head.map((text, i) =>
            html("th", { scope: "col", "data-kind": i ? COLUMNS[i - 1][2] : null }, text),
          ),
        ),
      ),
      this.rows,
    );
    this.out = html("div", { class: "net-flow" });
    this.replaceChildren(
      html("div", { class: "mg-row" }, ...Object.values(this.menus).map(({ whole }) => whole)),
      this.stepper,
      this.made,
      html(
        "div",
        {
          class: "mg-scroll",
          tabindex: 0,
          role: "region",
          "aria-label": "The cache, and what the query finds in it",
        },
        table,
      ),
      this.out,
      this.tools(state),
    );
    this.show();
  }

  show() {
    const { state, stepper, menus } = this;
    if (!state || !stepper || !menus || !this.made || !this.rows || !this.out) return;
    const { step, token, cache, numbers } = state.values;
    const choice = { token: Number(token), cache, numbers };
    menus.token.select.value = token;
    menus.cache.select.value = cache;
    menus.numbers.select.value = numbers;
    if (stepper.at !== step) stepper.at = step;
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
        return html(
          "tr",
          {},
          html("th", { scope: "row" }, t),
          ...cells.map((content, i) => {
            const [, from, kind] = COLUMNS[i];
            const isThere = step >= from || (i < 2 && t < 2);
            return html(
              "td",
              { "data-kind": kind, class: step === from && (i > 1 || t === 2) ? "row-now" : null },
              isThere ? content : WAITING,
            );
          }),
        );
      }),
    );
    renew(this.out, chip("head output", "v", n.headOut, 8), chip("after Wo", "x", n.output, 8));
    this.summary(attentionSentence(choice, step));
  }
}

define("mg-attention", MgAttention);
