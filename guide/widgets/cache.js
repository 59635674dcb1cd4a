// <mg-cache>: the cache of the trained model, growing by a key and a value with each token.

import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { line, make, table } from "../js/kit/make.js";
import { setLine } from "../js/kit/steady.js";
import "../js/kit/stepper.js";
import { OnPrefix, prefixFields } from "../js/figures/trained/on-prefix.js";
import { cacheWork, traced } from "../js/figures/trained/real-model.js";

class MgCache extends OnPrefix {
  fields = prefixFields("emma", 2);
  kept = {
    keys: make("mg-heat", { label: "keys", digits: 2 }),
    values: make("mg-heat", { label: "values", digits: 2 }),
  };
  /** @private what is computed with and without a cache, and what is kept */
  counts = [0, 1, 2].map(() => html("span"));
  /** @private what holds for all steps of a name */
  plan = planOf({ keys: [], values: [] }, []);

  build() {
    this.steps = this.stepper("at", { label: "Tokens", pace: 1500 });
    const kept = html(
      "div",
      { class: "cache-kept" },
      html("div", {}, html("p", { class: "mg-title" }, "Keys in the cache"), this.kept.keys),
      html("div", {}, html("p", { class: "mg-title" }, "Values in the cache"), this.kept.values),
    );
    const [withCache, without, numbers] = this.counts;
    const body = html(
      "tbody",
      {},
      line("keys, values computed", withCache, without),
      line("numbers kept", numbers, 0),
    );
    const work = table(
      "What is computed with and without a cache",
      ["so far", "with cache", "without"],
      body,
      { class: "mg-cells att-wrap" },
    );
    const controls = [...this.entry("The token that goes in"), this.steps];
    return [this.figure([kept, work], { controls })];
  }

  show() {
    const { tokens, at, names } = this.now;
    const all = traced(this.real, tokens);
    const steps = names.map((name, i) => `${name} goes in at position ${i}`);
    if (this.steps && steps.join() !== this.steps.steps.join()) this.steps.steps = steps;
    if (this.plan.all !== all) this.plan = planOf(all, names);
    const { rows, most, room } = this.plan;
    this.kept.keys.data = { values: all.keys.slice(0, at + 1), rows, most, room };
    this.kept.values.data = { values: all.values.slice(0, at + 1), rows, most, room };
    const { kept, withCache, without } = cacheWork(at + 1, all.keys[0].length);
    [withCache, without, kept].forEach((count, i) => setLine(this.counts[i], String(count)));
    this.summary(
      () =>
        `${names[at]} at position ${at} adds a key and a value; the cache holds ${at + 1} of ` +
        `each, ${kept} numbers. Computed so far: ${withCache} keys and values, without a cache ` +
        `${without}.`,
    );
  }
}

/**
 * @param {{keys: number[][], values: number[][]}} all
 * @param {string[]} names
 */
function planOf(all, names) {
  const rows = names.map((name, i) => `${i} ${name}`);
  const most = Math.max(...[...all.keys, ...all.values].flat().map(Math.abs));
  return { all, rows, most, room: names.length }; // nothing below moves as rows come
}

define("mg-cache", MgCache);
