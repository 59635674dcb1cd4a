// <mg-cache>: the cache of the trained model, growing by a key and a value with each token.

import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { line, make, table } from "../js/kit/make.js";
import { steady } from "../js/kit/steady.js";
import "../js/kit/stepper.js";
import { OnPrefix, prefixFields } from "../js/figures/trained/on-prefix.js";
import { cacheWork, traced } from "../js/figures/trained/real-model.js";

class MgCache extends OnPrefix {
  fields = prefixFields("emma", 2);
  kept = {
    keys: make("mg-heat", { label: "keys", digits: 2 }),
    values: make("mg-heat", { label: "values", digits: 2 }),
  };
  work = html("tbody");

  build() {
    this.steps = this.stepper("at", { label: "Tokens", pace: 1500 });
    const kept = html(
      "div",
      { class: "cache-kept" },
      html("div", {}, html("p", { class: "mg-title" }, "Keys in the cache"), this.kept.keys),
      html("div", {}, html("p", { class: "mg-title" }, "Values in the cache"), this.kept.values),
    );
    const work = table(
      "What is computed with and without a cache",
      ["so far", "with cache", "without"],
      this.work,
      { class: "mg-cells att-wrap" },
    );
    const controls = [...this.entry("The token that goes in"), this.steps];
    return [this.figure([kept, steady(work)], { controls })];
  }

  show() {
    const { tokens, at, names } = this.now;
    const all = traced(this.real, tokens);
    const steps = names.map((name, i) => `${name} goes in at position ${i}`);
    if (this.steps && steps.join() !== this.steps.steps.join()) this.steps.steps = steps;
    const rows = names.slice(0, at + 1).map((name, i) => `${i} ${name}`);
    const most = Math.max(...[...all.keys, ...all.values].flat().map(Math.abs));
    const room = names.length; // nothing below moves as rows come
    this.kept.keys.data = { values: all.keys.slice(0, at + 1), rows, most, room };
    this.kept.values.data = { values: all.values.slice(0, at + 1), rows, most, room };
    const { kept, withCache, without } = cacheWork(at + 1, all.keys[0].length);
    renew(
      this.work,
      line("keys, values computed", withCache, without),
      line("numbers kept", kept, 0),
    );
    this.summary(
      () =>
        `${names[at]} at position ${at} adds a key and a value; the cache holds ${at + 1} of ` +
        `each, ${kept} numbers. Computed so far: ${withCache} keys and values, without a cache ` +
        `${without}.`,
    );
  }
}

define("mg-cache", MgCache);
