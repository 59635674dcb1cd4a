// <mg-cache>: the cache of the trained model, growing by a key and a value with each token.

import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { OnPrefix } from "../js/figures/trained/prefix-element.js";
import { cacheWork, traced } from "../js/figures/trained/real-model.js";

/** @typedef {import("../js/kit/heat.js").MgHeat} MgHeat */

class MgCache extends OnPrefix {
  start() {
    const state = this.stateOf("cache", { text: textField("emma", 15), at: wholeField(0, 0, 15) });
    const heat = (/** @type {string} */ label) =>
      /** @type {MgHeat} */ (html(/** @type {any} */ ("mg-heat"), { label, digits: 2 }));
    this.keys = heat("keys");
    this.values = heat("values");
    this.stepper = /** @type {import("../js/kit/stepper.js").MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Tokens", pace: 1500 })
    );
    this.listen(this.stepper, "mg-step", ({ detail }) => state.set({ at: detail.at }));
    this.work = html("tbody");
    const table = html(
      "table",
      { class: "net-table att-wrap" },
      html(
        "thead",
        {},
        html(
          "tr",
          {},
          ...["so far", "with cache", "without"].map((text) => html("th", { scope: "col" }, text)),
        ),
      ),
      this.work,
    );
    this.replaceChildren(
      ...this.entry("The token that goes in"),
      this.stepper,
      html("h3", {}, "Keys in the cache"),
      this.keys,
      html("h3", {}, "Values in the cache"),
      this.values,
      html(
        "div",
        {
          class: "mg-scroll",
          tabindex: 0,
          role: "region",
          "aria-label": "What is computed with and without a cache",
        },
        table,
      ),
      this.tools(state),
    );
  }

  show() {
    const now = this.now;
    if (!now || !this.real || !this.keys || !this.values || !this.stepper) return;
    const { tokens, at, names } = now;
    const all = traced(this.real, tokens);
    const steps = names.map((name, i) => `${name} goes in at position ${i}`);
    if (steps.join() !== this.stepper.steps.join()) this.stepper.steps = steps;
    if (this.stepper.at !== at) this.stepper.at = at;
    const rows = names.slice(0, at + 1).map((name, i) => `${i} ${name}`);
    const most = Math.max(...[...all.keys, ...all.values].flat().map(Math.abs));
    const room = names.length; // nothing below moves as rows come
    this.keys.data = { values: all.keys.slice(0, at + 1), rows, most, room };
    this.values.data = { values: all.values.slice(0, at + 1), rows, most, room };
    const { kept, withCache, without } = cacheWork(at + 1, all.keys[0].length);
    const line = (/** @type {(string | number)[]} */ [head, ...cells]) =>
      html(
        "tr",
        {},
        html("th", { scope: "row" }, head),
        ...cells.map((cell) => html("td", {}, cell)),
      );
    renew(
      this.work,
      line(["keys, values computed", withCache, without]),
      line(["numbers kept", kept, 0]),
    );
    this.summary(
      `${names[at]} at position ${at} adds a key and a value; the cache holds ${at + 1} of ` +
        `each, ${kept} numbers. Computed so far: ${withCache} keys and values, without a cache ` +
        `${without}.`,
    );
  }
}

define("mg-cache", MgCache);
