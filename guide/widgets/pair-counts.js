// <mg-pair-counts>: the table of counts as a heat map that fills up, name by name; the pairs of the
// name just counted as arrows above it, linked to their cells.

import { allCalled, called, countedAfter, STEPS } from "../js/figures/dataset.js";
import { html, renew, setText } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { startLinks } from "../js/kit/link.js";
import { make } from "../js/kit/make.js";
import { wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { OnNames } from "../js/figures/on-names.js";

class MgPairCounts extends OnNames {
  fields = { n: wholeField(100, 0, STEPS) };
  pairs = html("div", { class: "toks pair-row" });
  heat = make("mg-heat", {
    label: "Counts of pairs",
    digits: 0,
    least: 8,
    most: 29,
    high: 18,
    unsigned: true,
    class: "pair-heat",
  });
  said = html("p", { class: "mg-note pair-said" });
  /** @private what is said while no cell is read */ full = "";

  build() {
    startLinks();
    const steps = this.stepper("n", { label: "Names counted", pace: 500, hurry: true });
    steps.steps = [
      "Nothing counted yet",
      ...this.names.shuffled.slice(0, STEPS).map((name, i) => `Name ${i + 1}: ${name}`),
    ];
    this.listen(this.heat, "mg-cell", ({ detail: cell }) => {
      const times = cell?.value === 1 ? "time" : "times";
      const words = cell && `${this.inWords(cell.row, cell.column)}: ${cell.value} ${times}.`;
      setText(this.said, words || this.full);
    });
    return [this.figure(this.heat, { controls: [steps, this.pairs, this.said] })];
  }

  /** @private @param {number} row @param {number} column */
  inWords(row, column) {
    const [from, to] = [row, column].map((token) => called(this.names.tokenizer, token));
    if (from === "BOS" && to === "BOS") return "An empty name";
    if (from === "BOS") return `${to} begins a name`;
    return to === "BOS" ? `${from} ends a name` : `${to} follows ${from}`;
  }

  show() {
    const { names, pairs, heat } = this;
    const { n } = this.values;
    const table = countedAfter(names, n);
    const labels = allCalled(names.tokenizer);
    const all = table.counts.flat();
    // A few pairs are far ahead of the rest: the twentieth largest already has full colour.
    const large = Float64Array.from(all.filter((count) => count > 2)).sort();
    const full = Math.max(2, large.at(-20) ?? 0);
    heat.data = { values: table.counts, rows: labels, columns: labels, most: full, link: "pair" };
    this.full = `The strongest colour stands for ${full} times or more.`;
    setText(this.said, this.full);
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
    this.summary(() => this.told(all, labels.length));
  }

  /** @private @param {number[]} all counts @param {number} columns */
  told(all, columns) {
    const { n } = this.values;
    const seen = all.filter((count) => count > 0).length;
    const sum = all.reduce((x, y) => x + y, 0);
    const top = Math.max(...all);
    const where = all.indexOf(top);
    const most = top
      ? ` The largest count is ${top}: ` +
        `${this.inWords(Math.floor(where / columns), where % columns)}.`
      : "";
    return (
      `${n.toLocaleString("en")} ${n === 1 ? "name" : "names"} counted, ` +
      `${sum.toLocaleString("en")} pairs; ${seen} of ${all.length} cells are above 0.${most}`
    );
  }
}

define("mg-pair-counts", MgPairCounts);
