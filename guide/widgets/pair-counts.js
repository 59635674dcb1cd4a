// <mg-pair-counts>: the table of counts as a heat map that fills up, name by name; the pairs of the
// name just counted as arrows above it, linked to their cells.

import { allCalled, called, countedAfter, STEPS } from "../js/figures/dataset.js";
import { html, setAll, setText } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { startLinks } from "../js/kit/link.js";
import { make } from "../js/kit/make.js";
import { wholeField } from "../js/kit/state.js";
import { setLine, steady } from "../js/kit/steady.js";
import "../js/kit/stepper.js";
import { OnNames } from "../js/figures/on-names.js";

class MgPairCounts extends OnNames {
  fields = { n: wholeField(100, 0, STEPS) };
  pairs = html("div", { class: "toks pair-row" });
  /** @private what stands there, or did @type {ReturnType<typeof cellOfPair>[]} */ cells = [];
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
      setLine(this.said, words || this.full);
    });
    return [this.figure(this.heat, { controls: [steps, steady(this.pairs), this.said] })];
  }

  /** @private @param {number} row @param {number} column */
  inWords(row, column) {
    const [from, to] = [row, column].map((token) => called(this.names.tokenizer, token));
    if (from === "BOS" && to === "BOS") return "An empty name";
    if (from === "BOS") return `${to} begins a name`;
    return to === "BOS" ? `${from} ends a name` : `${to} follows ${from}`;
  }

  show() {
    const { names, heat } = this;
    const { n } = this.values;
    const table = countedAfter(names, n);
    const labels = allCalled(names.tokenizer);
    const all = table.counts.flat();
    // A few pairs are far ahead of the rest: the twentieth largest already has full colour.
    const large = Float64Array.from(all.filter((count) => count > 2)).sort();
    const full = Math.max(2, large.at(-20) ?? 0);
    heat.data = { values: table.counts, rows: labels, columns: labels, most: full, link: "pair" };
    this.full = `The strongest colour stands for ${full} times or more.`;
    setLine(this.said, this.full);
    const doc = n ? names.tokens[n - 1] : null;
    this.write(doc ? table.pairs(doc) : [], table.counts);
    this.summary(() => this.told(all, labels.length));
  }

  /**
   * The pairs of a name with their counts; cells that are there get other texts.
   * @private
   * @param {[number, number][]} found
   * @param {number[][]} counts
   */
  write(found, counts) {
    const { pairs, cells } = this;
    const { tokenizer } = this.names;
    found.forEach(([a, b], i) => {
      const { cell, pair, count } = (cells[i] ??= cellOfPair());
      setAll(cell, { class: "tok tok-pair", "data-link": `pair.r${a}.c${b}` });
      setText(pair, `${called(tokenizer, a)} → ${called(tokenizer, b)}`);
      setText(count, String(counts[a][b]));
      if (pairs.childNodes[i] !== cell) pairs.insertBefore(cell, pairs.childNodes[i] ?? null);
    });
    while (pairs.childNodes.length > found.length) pairs.lastChild?.remove();
    if (!found.length) pairs.append("No name yet: every count is 0.");
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

function cellOfPair() {
  const [pair, count] = [html("b"), html("small")];
  return { cell: html("span", { tabindex: 0 }, pair, count), pair, count };
}

define("mg-pair-counts", MgPairCounts);
