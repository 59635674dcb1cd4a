// <mg-layer>: three inputs, nine weights, three logits, and the softmax of those. Every cell
// can be changed: a weight, an input, or a logit itself. With stage="linear" it ends at the
// outputs.

import { html, renew } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { flagField, numbersField, urlState } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { actor, numberInput, probabilityBars, tools } from "../js/figures/parts.js";
import {
  FIRST_LAYER,
  layerRow,
  softmaxSteps,
  throughLayer,
} from "../js/figures/networks/layer-steps.js";

/** @typedef {import("../js/figures/parts.js").MgNumber} MgNumber */

const LIMIT = { min: -9, max: 9, step: 0.1, digits: 2 };
const OUTPUTS = ["y₀", "y₁", "y₂"];
const LOGITS = ["z₀", "z₁", "z₂"];

class MgLayer extends KitElement {
  build() {
    this.isLinear = this.getAttribute("stage") === "linear";
    const state = urlState(this.isLinear ? "layer" : "softmax", {
      w: numbersField(FIRST_LAYER.w.flat(), -9, 9),
      x: numbersField(FIRST_LAYER.x, -9, 9),
      z: numbersField([2, 1, 0], -99, 99),
      own: flagField(false),
    });
    this.state = state;
    this.whenLeaving(() => state.close());
    const field = (
      /** @type {"w" | "x"} */ key,
      /** @type {number} */ i,
      /** @type {string} */ label,
    ) =>
      numberInput(
        this,
        { label, control: key, value: FIRST_LAYER[key].flat()[i], ...LIMIT },
        (value) => this.change(key, i, value),
      );
    this.xs = FIRST_LAYER.x.map((_, i) => field("x", i, `x${"₀₁₂"[i]}`));
    const ws = FIRST_LAYER.w
      .flat()
      .map((_, i) => field("w", i, `weight ${Math.floor(i / 3)},${i % 3}`));
    const sums = OUTPUTS.map(() => html("span", { class: "net-sum" }));
    const inputs = html(
      "div",
      { class: "net-fields", role: "group", "aria-label": "Inputs" },
      ...this.xs,
    );
    const rows = OUTPUTS.map((_, r) =>
      html(
        "div",
        { class: "net-layer-row", role: "group", "aria-label": `Row ${r} of the weights` },
        html("span", { class: "net-row-name" }, `row ${r}`),
        ...ws.slice(3 * r, 3 * r + 3),
        sums[r],
      ),
    );
    this.ws = ws;
    this.sums = sums;
    this.replaceChildren(
      html("p", { class: "net-title" }, "Inputs"),
      inputs,
      html("p", { class: "net-title" }, "Weights, and what they make"),
      ...rows,
    );
    if (!this.isLinear) this.append(...this.softmaxPart());
    this.append(tools(this, state));
    state.onChange(() => this.show());
    this.show();
  }

  /** @private */
  softmaxPart() {
    this.zs = LOGITS.map((name, i) =>
      numberInput(
        this,
        { label: name, control: "z", value: [2, 1, 0][i], min: -99, max: 99, step: 0.1, digits: 2 },
        (value) => this.setLogit(i, value),
      ),
    );
    this.from = html("p", { class: "mg-note" });
    this.steps = html("tbody");
    this.bars = probabilityBars("Probabilities of the three outputs");
    const head = ["logit", "less the largest", "exp", "share"];
    return [
      html("p", { class: "net-title" }, "Logits"),
      html("div", { class: "net-fields", role: "group", "aria-label": "Logits" }, ...this.zs),
      this.from,
      html(
        "div",
        { class: "mg-row" },
        actor(this, "Add 1 to all", () => this.logits((z) => z + 1)),
        actor(this, "Double all", () => this.logits((z) => 2 * z)),
        actor(this, "Halve all", () => this.logits((z) => z / 2)),
        actor(this, "Take them from the layer", () => this.state?.set({ own: false })),
      ),
      html("p", { class: "net-title" }, "Probabilities"),
      html(
        "div",
        { class: "mg-scroll", tabindex: 0, role: "region", "aria-label": "Softmax, step by step" },
        html(
          "table",
          { class: "net-table" },
          html(
            "thead",
            {},
            html("tr", {}, ...head.map((text) => html("th", { scope: "col" }, text))),
          ),
          this.steps,
        ),
      ),
      this.bars,
    ];
  }

  /** The logits that softmax takes: the layer's, or the reader's own. */
  get now() {
    const { values } = /** @type {import("../js/kit/state.js").UrlState} */ (this.state);
    const y = throughLayer(values);
    const { x, w, own } = /** @type {{x: number[], w: number[], own: boolean}} */ (values);
    return { x, w, own, y, z: /** @type {number[]} */ (own ? values.z : y) };
  }

  /** @private @param {"w" | "x"} key @param {number} i @param {number} value */
  change(key, i, value) {
    const next = [...(this.state?.values[key] ?? [])];
    next[i] = value;
    this.state?.set({ [key]: next, own: false });
  }

  /** @private @param {number} i @param {number} value */
  setLogit(i, value) {
    const next = [...this.now.z];
    next[i] = value;
    this.state?.set({ z: next, own: true });
  }

  /** @private @param {(z: number) => number} act */
  logits(act) {
    this.state?.set({
      z: this.now.z.map((/** @type {number} */ z) => Math.max(-99, Math.min(99, act(z)))),
      own: true,
    });
  }

  /** @private */
  show() {
    const { x, w, y, z, own } = this.now;
    const put = (/** @type {MgNumber[] | undefined} */ fields, /** @type {number[]} */ numbers) =>
      fields?.forEach((field, i) => {
        if (field.value !== numbers[i]) field.value = numbers[i];
      });
    put(this.xs, x);
    put(this.ws, w);
    this.sums?.forEach((sum, r) =>
      renew(sum, `${layerRow(x, w.slice(3 * r, 3 * r + 3))} = `, html("b", {}, written(y[r]))),
    );
    if (this.isLinear) {
      this.summary(`The outputs are ${y.map((v) => written(v)).join(", ")}.`);
      return;
    }
    put(this.zs, z);
    if (this.from)
      this.from.textContent = own
        ? `These are your own. The layer makes ${y.map((v) => written(v)).join(", ")}.`
        : "They come from the layer above. Change one, and softmax takes yours.";
    const { shifted, exps, total, probs } = softmaxSteps(z);
    renew(
      this.steps,
      ...probs.map((p, i) =>
        html(
          "tr",
          {},
          ...[
            written(z[i]),
            written(shifted[i]),
            written(exps[i], 3),
            `${written(exps[i], 3)} / ${written(total, 3)} = ${written(p, 3)}`,
          ].map((text) => html("td", {}, text)),
        ),
      ),
    );
    if (this.bars) this.bars.data = { names: LOGITS, values: probs, most: 1 };
    this.summary(
      `Softmax of ${z.map((v) => written(v)).join(", ")} is ` +
        `${probs.map((p) => written(p)).join(", ")}; together 1.`,
    );
  }
}

define("mg-layer", MgLayer);
