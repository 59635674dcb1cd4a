// <mg-cache>: the cache of the trained model, growing by a key and a value with each token (T16).

import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { OnPrefix } from "../js/prefix-element.js";
import { cacheWork, traced } from "../js/real-model.js";

/** @typedef {import("../js/kit/heat.js").MgHeat} MgHeat */

class MgCache extends OnPrefix {
  /** What is still to be drawn. @type {(() => void) | undefined} */ rest = undefined;

  start() {
    const state = this.stateOf("T16", { text: textField("emma", 15), at: wholeField(0, 0, 15) });
    const heat = (/** @type {string} */ label) => /** @type {MgHeat} */ (html(/** @type {any} */ ("mg-heat"), { label, digits: 2 }));
    this.keys = heat("keys");
    this.values = heat("values");
    this.stepper = /** @type {import("../js/kit/stepper.js").MgStepper} */ (html(/** @type {any} */ ("mg-stepper"), { label: "Tokens", pace: 1500 }));
    this.listen(this.stepper, "mg-step", ({ detail }) => state.set({ at: detail.at }));
    this.work = html("tbody");
    const table = html("table", { class: "net-table att-wrap" }, html("thead", {}, html("tr", {}, ...["so far", "with cache", "without"].map((text) => html("th", { scope: "col" }, text)))), this.work);
    this.replaceChildren(...this.entry("The token that goes in"), this.stepper, html("h3", {}, "Keys in the cache"), this.keys, html("h3", {}, "Values in the cache"), this.values,
      html("div", { class: "mg-scroll", tabindex: 0, role: "region", "aria-label": "What is computed with and without a cache" }, table), this.tools(state));
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
    this.keys.data = { values: all.keys.slice(0, at + 1), rows, most };
    const { kept, withCache, without } = cacheWork(at + 1, all.keys[0].length);
    this.reserve(this.keys, names.length);
    this.afterPaint(() => {
      if (!this.values) return;
      this.values.data = { values: all.values.slice(0, at + 1), rows, most };
      this.reserve(this.values, names.length);
      const line = (/** @type {(string | number)[]} */ [head, ...cells]) => html("tr", {}, html("th", { scope: "row" }, head), ...cells.map((cell) => html("td", {}, cell)));
      renew(this.work, line(["keys, values computed", withCache, without]), line(["numbers kept", kept, 0]));
    });
    this.summary(`${names[at]} at position ${at} adds a key and a value; the cache holds ${at + 1} of each, ${kept} numbers. Computed so far: ${withCache} keys and values, without a cache ${without}.`);
  }

  /** The values and the table come a frame after the keys, so that each frame is soon done. @private @param {() => void} draw */
  afterPaint(draw) {
    const isFirst = !this.rest && !this.values?.data.values.length;
    const isWaiting = this.rest;
    this.rest = draw;
    if (isWaiting) return;
    const run = () => {
      const rest = this.rest;
      this.rest = undefined;
      if (this.real) this.guard(() => rest?.());
    };
    if (isFirst) run();
    else requestAnimationFrame(() => setTimeout(run));
  }

  /** Keeps room for the rows to come, so that nothing below moves when one does. @private @param {MgHeat} heat @param {number} count of all rows */
  reserve(heat, count) {
    const [room, grid, cell] = [".mg-scroll", ".mg-heat-grid", ".mg-cell"].map((part) => heat.querySelector(part));
    if (!(room instanceof HTMLElement) || !grid || !cell) return;
    const height = `${Number(grid.getAttribute("height")) + (count - heat.data.values.length) * Number(cell.getAttribute("height"))}px`;
    if (room.style.minHeight !== height) room.style.minHeight = height;
  }
}

define("mg-cache", MgCache);
