// <mg-layer>: three inputs, nine weights, three logits, and the softmax of those. Every cell
// can be changed: a weight, an input, or a logit itself. With stage="linear" it ends at the
// outputs.

import "../js/kit/bars.js";
import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, line, make, row, table } from "../js/kit/make.js";
import { flagField, numbersField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import {
  FIRST_LAYER,
  layerRow,
  softmaxSteps,
  throughLayer,
} from "../js/figures/networks/layer-steps.js";

const OUTPUTS = ["y₀", "y₁", "y₂"];
const LOGITS = ["z₀", "z₁", "z₂"];
const title = (/** @type {string} */ text) => html("p", { class: "net-title" }, text);

class MgLayer extends Widget {
  fields = {
    w: numbersField(FIRST_LAYER.w.flat(), -9, 9),
    x: numbersField(FIRST_LAYER.x, -9, 9),
    z: numbersField([2, 1, 0], -99, 99),
    own: flagField(false),
  };
  sums = OUTPUTS.map(() => html("span", { class: "net-sum" }));
  from = html("p", { class: "mg-note" });
  steps = html("tbody");
  bars = make("mg-bars", { label: "Probabilities of the three outputs", digits: 3 });

  load() {
    this.called = this.isLinear ? "layer" : "softmax";
  }

  get isLinear() {
    return this.getAttribute("stage") === "linear";
  }

  build() {
    const ws = this.cells(
      "w",
      FIRST_LAYER.w.flat().map((_, i) => `weight ${Math.floor(i / 3)},${i % 3}`),
    );
    const rows = this.sums.map((sum, r) => {
      const name = html("span", { class: "net-row-name" }, `row ${r}`);
      const looks = { class: "net-layer-row" };
      return group(`Row ${r} of the weights`, looks, name, ...ws.slice(3 * r, 3 * r + 3), sum);
    });
    return [
      title("Inputs"),
      group("Inputs", { class: "net-fields" }, ...this.cells("x", ["x₀", "x₁", "x₂"])),
      title("Weights, and what they make"),
      rows,
      this.isLinear ? null : this.softmaxPart(),
    ].flat();
  }

  /** @private */
  softmaxPart() {
    return [
      title("Logits"),
      group("Logits", { class: "net-fields" }, ...this.cells("z", LOGITS)),
      this.from,
      row(
        this.button("Add 1 to all", () => this.logits((z) => z + 1)),
        this.button("Double all", () => this.logits((z) => 2 * z)),
        this.button("Halve all", () => this.logits((z) => z / 2)),
        this.button("Take them from the layer", () => this.set({ own: false })),
      ),
      title("Probabilities"),
      table("Softmax, step by step", ["logit", "less the largest", "exp", "share"], this.steps),
      this.bars,
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
        label,
        control: key,
        value: initial[i],
        min,
        max,
        step: 0.1,
        digits: 2,
      });
      this.listen(made, "mg-input", ({ detail }) =>
        this.set({ [key]: this.now[key].with(i, detail.value), own: key === "z" }),
      );
      this.follow(() => (made.value = this.now[key][i]));
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

  show() {
    const { x, w, y, z, own } = this.now;
    this.sums.forEach((sum, r) =>
      renew(sum, `${layerRow(x, w.slice(3 * r, 3 * r + 3))} = `, html("b", {}, written(y[r]))),
    );
    if (this.isLinear) {
      this.summary(`The outputs are ${y.map((v) => written(v)).join(", ")}.`);
      return;
    }
    this.from.textContent = own
      ? `These are your own. The layer makes ${y.map((v) => written(v)).join(", ")}.`
      : "They come from the layer above. Change one, and softmax uses yours.";
    const { shifted, exps, total, probs } = softmaxSteps(z);
    const shareOf = (/** @type {number} */ i) =>
      `${written(exps[i], 3)} / ${written(total, 3)} = ${written(probs[i], 3)}`;
    const lines = z.map((one, i) =>
      line(written(one), written(shifted[i]), written(exps[i], 3), shareOf(i)),
    );
    renew(this.steps, ...lines);
    this.bars.data = { names: LOGITS, values: probs, most: 1 };
    this.summary(
      `Softmax of ${z.map((v) => written(v)).join(", ")} is ` +
        `${probs.map((p) => written(p)).join(", ")}; sum 1.`,
    );
  }
}

define("mg-layer", MgLayer);
