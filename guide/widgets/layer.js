// <mg-layer>: three inputs, nine weights, three logits, and the softmax of those, a row for each
// output. Every cell can be changed: a weight, an input, or a logit itself. With stage="linear" it
// ends at the outputs.

import { css, inkOn, scaleOf, shade } from "../js/kit/color.js";
import { html, onTheme, renew, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, make } from "../js/kit/make.js";
import "../js/kit/number.js";
import { flagField, numbersField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import {
  FIRST_LAYER,
  layerRow,
  short,
  softmaxSteps,
  throughLayer,
} from "../js/figures/networks/layer-steps.js";
import { onWidth } from "../js/figures/networks/number-line.js";
import { reachOfRows, tipToTip } from "../js/figures/networks/tip-to-tip.js";

const OUTPUTS = ["y₀", "y₁", "y₂"];
const LOGITS = ["z₀", "z₁", "z₂"];
const part = (/** @type {string} */ name) => html("div", { class: `net-${name}` });
const head = (/** @type {string} */ name, /** @type {string} */ text) =>
  html("p", { class: `net-${name} net-head` }, text);

class MgLayer extends Widget {
  fields = {
    w: numbersField(FIRST_LAYER.w.flat(), -9, 9),
    x: numbersField(FIRST_LAYER.x, -9, 9),
    z: numbersField([2, 1, 0], -99, 99),
    own: flagField(false),
  };
  arrows = OUTPUTS.map(() => part("arrows"));
  sums = OUTPUTS.map(() => html("p", { class: "net-terms" }));
  results = OUTPUTS.map(() => part("result"));
  exps = OUTPUTS.map(() => part("exp"));
  shares = OUTPUTS.map(() => part("chance"));
  from = html("p", { class: "mg-note" });
  /** @private px across of the arrows */ width = 300;
  /** @private the cells with a colour @type {[HTMLElement, () => number][]} */ coloured = [];

  load() {
    this.called = this.isLinear ? "layer" : "softmax";
  }

  get isLinear() {
    return this.getAttribute("stage") === "linear";
  }

  build() {
    this.coloured = [];
    const ws = this.cells(
      "w",
      FIRST_LAYER.w.flat().map((_, i) => `weight ${Math.floor(i / 3)},${i % 3}`),
    );
    const xs = this.cells("x", ["x₀", "x₁", "x₂"]);
    const zs = this.isLinear ? [] : this.cells("z", LOGITS);
    const titles = [
      head("arrows", "row · x: the products, tip to tip"),
      head("result", this.isLinear ? "output" : "logit"),
      ...(this.isLinear
        ? []
        : [head("exp", "exp(z − largest)"), head("chance", "share: probability")]),
    ];
    const rows = OUTPUTS.map((name, r) => {
      const looks = { class: "net-line" };
      const out = this.isLinear ? [this.results[r]] : [html("div", { class: "net-result" }, zs[r])];
      const after = this.isLinear ? [] : [this.exps[r], this.shares[r]];
      this.arrows[r].replaceChildren(this.sums[r], html("div"));
      return group(
        `Row ${r}: from the inputs to ${name}`,
        looks,
        html("div", { class: "net-cells" }, ...ws.slice(3 * r, 3 * r + 3)),
        this.arrows[r],
        ...out,
        ...after,
      );
    });
    const inputs = group("Inputs", { class: "net-cells" }, ...xs);
    const room = html(
      "div",
      { class: "net-layer", "data-stage": this.isLinear ? "linear" : "softmax" },
      html("div", { class: "net-line", "data-top": true }, inputs, ...titles),
      ...rows,
    );
    onWidth(this, room, () => {
      this.width = this.arrows[0].clientWidth || 300;
      this.show();
    });
    this.whenLeaving(onTheme(() => this.guard(() => this.colour())));
    if (this.isLinear) return [this.figure(room, { under: true })];
    const all = group(
      "All logits",
      {},
      this.button("Add 1 to all", () => this.logits((z) => z + 1)),
      this.button("Double all", () => this.logits((z) => 2 * z)),
      this.button("Halve all", () => this.logits((z) => z / 2)),
    );
    const back = this.idle(
      this.button("Take them from the layer", () => this.set({ own: false })),
      ({ own }) => !own,
    );
    return [
      this.figure(room, { under: true, controls: [all, back, this.from] }),
      tableOf("Softmax, step by step", () => this.tabled()),
    ];
  }

  /**
   * Numbers to change: after a logit, softmax takes the reader's own, after others the layer's.
   * @private
   * @param {"w" | "x" | "z"} key
   * @param {string[]} labels
   */
  cells(key, labels) {
    const { initial, min, max } = this.fields[key];
    return labels.map((label, i) => {
      const made = make("mg-number", {
        class: "net-cell",
        label,
        control: key,
        value: initial[i],
        min,
        max,
        step: 0.1,
        digits: 1,
      });
      this.listen(made, "mg-input", ({ detail }) =>
        this.set({ [key]: this.now[key].with(i, detail.value), own: key === "z" }),
      );
      this.follow(() => (made.value = this.now[key][i]));
      if (key !== "z") this.coloured.push([made, () => this.now[key][i]]);
      return made;
    });
  }

  /** The logits that softmax takes: the layer's, or the reader's own. @private */
  get now() {
    const { x, w, z, own } = this.values;
    const y = throughLayer({ x, w });
    return { x, w, own, y, z: /** @type {number[]} */ (own ? z : y) };
  }

  /** @private @param {(z: number) => number} act */
  logits(act) {
    this.set({ z: this.now.z.map((z) => Math.max(-99, Math.min(99, act(z)))), own: true });
  }

  /** Weights and inputs in the colours of their numbers. @private */
  colour() {
    const scale = scaleOf(this);
    const most = Math.max(1, ...this.coloured.map(([, read]) => Math.abs(read())));
    for (const [cell, read] of this.coloured) {
      const ground = shade(scale, (0.75 * read()) / most);
      cell.style.setProperty("--cell-ground", css(ground));
      cell.style.setProperty("--cell-ink", inkOn(ground));
    }
  }

  show() {
    const { x, w, y, z, own } = this.now;
    const rows = OUTPUTS.map((_, r) => w.slice(3 * r, 3 * r + 3));
    const products = rows.map((/** @type {number[]} */ row) => row.map((one, i) => one * x[i]));
    const reach = reachOfRows(products);
    this.colour();
    OUTPUTS.forEach((name, r) => {
      const terms = `${layerRow(x, rows[r])} = ${short(y[r])}`;
      const label = `${name}: ${terms}`;
      renew(this.sums[r], terms);
      renew(
        this.arrows[r].lastElementChild,
        tipToTip(products[r], { width: this.width, reach, label }),
      );
      renew(this.results[r], html("b", {}, `${name} = ${written(y[r])}`));
    });
    if (this.isLinear) {
      this.summary(`The outputs are ${y.map((v) => written(v)).join(", ")}.`);
      return;
    }
    this.from.textContent = own
      ? `These logits are your own; the layer makes ${y.map((v) => written(v)).join(", ")}.`
      : "The logits come from the layer. Change one, and softmax takes yours.";
    const { shifted, exps, total, probs } = softmaxSteps(z);
    LOGITS.forEach((name, i) => {
      renew(
        this.exps[i],
        bar(exps[i], "net-exp-bar"),
        `exp(${short(shifted[i])}) = ${written(exps[i], 3)}`,
      );
      renew(
        this.shares[i],
        bar(probs[i], "net-chance-bar"),
        html("span", {}, `${written(exps[i], 3)} / ${written(total, 3)} = `),
        html("b", {}, written(probs[i], 3)),
      );
      this.shares[i].setAttribute("aria-label", `Probability of ${name}`);
    });
    this.summary(
      `Softmax of ${z.map((v) => written(v)).join(", ")} is ` +
        `${probs.map((p) => written(p)).join(", ")}; sum 1.`,
    );
  }

  /** @private */
  tabled() {
    const { z } = this.now;
    const { shifted, exps, total, probs } = softmaxSteps(z);
    return {
      head: ["logit", "less the largest", "exp", "share"],
      rows: z.map((one, i) => [
        written(one),
        written(shifted[i]),
        written(exps[i], 3),
        `${written(exps[i], 3)} / ${written(total, 3)} = ${written(probs[i], 3)}`,
      ]),
    };
  }
}

/** A bar as long as a share of the room. @param {number} share @param {string} looks */
const bar = (share, looks) =>
  svg(
    "svg",
    {
      class: "net-track",
      viewBox: "0 0 100 8",
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    svg("rect", { class: looks, x: 0, y: 0, height: 8, width: (100 * share).toFixed(2) }),
  );

define("mg-layer", MgLayer);
