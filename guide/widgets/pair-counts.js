// <mg-pair-counts>: the table of counts as a heat map that fills up, name by name; the pairs of the
// name just counted as arrows above it, linked to their cells.

import { allCalled, called, countedAfter, STEPS } from "../js/figures/dataset.js";
import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { startLinks } from "../js/kit/link.js";
import { wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { NamesElement } from "../js/figures/names-element.js";

/** @typedef {import("../js/kit/heat.js").MgHeat} MgHeat */
/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */

class MgPairCounts extends NamesElement {
  /** @param {import("../js/figures/dataset.js").Names} names */
  start(names) {
    startLinks();
    this.names = names;
    const state = this.stateOf("pair-counts", { n: wholeField(4, 0, STEPS) });
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Names counted", pace: 600 })
    );
    this.stepper.steps = [
      "Nothing counted yet",
      ...names.shuffled.slice(0, STEPS).map((name, i) => `Name ${i + 1}: ${name}`),
    ];
    this.listen(this.stepper, "mg-step", ({ detail }) => state.set({ n: detail.at }));
    this.pairs = html("div", { class: "toks pair-row" });
    this.heat = /** @type {MgHeat} */ (
      html(/** @type {any} */ ("mg-heat"), {
        label: "counts, row: token, column: the next",
        digits: 0,
        least: 8,
        unsigned: true,
        class: "pair-heat",
      })
    );
    this.said = html("p", { class: "mg-note pair-said" });
    this.listen(this.heat, "mg-cell", (event) => {
      const cell = event.detail;
      if (!this.said) return;
      if (!cell) this.said.textContent = this.full ?? "";
      else
        this.said.textContent =
          `${this.inWords(cell.row, cell.column)}: ${cell.value} ` +
          `${cell.value === 1 ? "time" : "times"}.`;
    });
    this.replaceChildren(this.stepper, this.pairs, this.heat, this.said, this.tools(state));
  }

  /** @private @param {number} row @param {number} column */
  inWords(row, column) {
    const { tokenizer } = /** @type {import("../js/figures/dataset.js").Names} */ (this.names);
    const [from, to] = [row, column].map((token) => called(tokenizer, token));
    if (from === "BOS" && to === "BOS") return "An empty name";
    if (from === "BOS") return `${to} begins a name`;
    return to === "BOS" ? `${from} ends a name` : `${to} follows ${from}`;
  }

  show() {
    const { state, names, stepper, pairs, heat } = this;
    if (!state || !names || !stepper || !pairs || !heat) return;
    const { n } = state.values;
    stepper.at = n;
    const table = countedAfter(names, n);
    const labels = allCalled(names.tokenizer);
    const all = table.counts.flat();
    // A few pairs are far ahead of the rest: the twentieth largest already has full colour.
    const full = Math.max(2, all.filter((count) => count > 2).sort((a, b) => b - a)[19] ?? 0);
    heat.data = { values: table.counts, rows: labels, columns: labels, most: full, link: "pair" };
    this.full = `Full colour from ${full} on.`;
    if (this.said) this.said.textContent = this.full;
    const doc = n ? names.tokens[n - 1] : null;
    renew(
      pairs,
      ...(doc
        ? table
            .pairs(doc)
            .map(([a, b]) =>
              html(
                "span",
                { class: "tok tok-pair", tabindex: 0, "data-link": `pair.r${a}.c${b}` },
                html("b", {}, `${called(names.tokenizer, a)} → ${called(names.tokenizer, b)}`),
                html("small", {}, table.counts[a][b]),
              ),
            )
        : ["No name yet: every count is 0."]),
    );
    const seen = all.filter((count) => count > 0).length;
    const sum = all.reduce((x, y) => x + y, 0);
    const top = Math.max(...all);
    const where = all.indexOf(top);
    const most = top
      ? ` The largest count is ${top}: ` +
        `${this.inWords(Math.floor(where / labels.length), where % labels.length)}.`
      : "";
    this.summary(
      `${n.toLocaleString("en")} ${n === 1 ? "name" : "names"} counted, ` +
        `${sum.toLocaleString("en")} pairs; ${seen} of ${all.length} cells are above 0.${most}`,
    );
  }
}

define("mg-pair-counts", MgPairCounts);
