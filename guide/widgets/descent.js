// <mg-descent>: gradient descent chases a target: graph, number line with ghosts, loss bar.

import { frame, planOf, shortly } from "../js/figures/gradients/backprop.js";
import { html, renew, setAll, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/graph.js";
import { make } from "../js/kit/make.js";
import { numberField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { widthOf } from "../js/figures/gradients/plane.js";
import { descend } from "../js/numbers/neuron.js";

const TARGET = 10;
const STEPS = 12;
const LINE = { low: 6, high: 14 };
const SOURCE = "(w*x + b - y)**2";
const MOST_LOSS = 9; // what a full bar stands for: the loss at the start

class MgDescent extends Widget {
  fields = { lr: numberField(0.02, 0.001, 0.12), at: wholeField(0, 0, STEPS) };
  line = svg("svg", {
    class: "descent-line",
    role: "img",
    "aria-label": "Predictions on a number line",
  });
  bar = svg("svg", { class: "descent-bar", role: "img", "aria-label": "Loss" });
  rule = html("p", { class: "mg-readout" });
  graph = make("mg-graph", { label: "(w·x + b − y)², forward and back" });

  build() {
    const next = this.button("Next step", () =>
      this.set({ at: Math.min(STEPS, this.values.at + 1) }),
    );
    this.follow(({ at }) => setAll(next, { "aria-disabled": String(at === STEPS) }));
    const box = html("div", { class: "descent-box" }, this.line, this.bar);
    this.width = widthOf(this, box, () => this.show());
    this.steps = this.stepper("at", { label: "Steps of gradient descent", pace: 1200 });
    return [
      box,
      this.tools(next),
      this.rule,
      this.knob("lr", { label: "Learning rate", step: 0.001, slider: true }),
      this.steps,
      this.graph,
    ];
  }

  show() {
    const wide = this.width?.() ?? 560;
    this.line.setAttribute("viewBox", `0 0 ${wide} 84`);
    this.bar.setAttribute("viewBox", `0 0 ${wide} 26`);
    const { lr, at } = this.values;
    const states = descend({ lr, steps: STEPS });
    const { w, b, prediction, loss, dw, db } = states[at];
    const told = states.map(
      (one, i) =>
        `${i ? `After step ${i}` : "Start"}: prediction ${shortly(one.prediction)}, loss ` +
        `${written(one.loss, 4)}`,
    );
    if (this.steps) this.steps.steps = told;
    this.drawLine(
      wide,
      states.slice(0, at + 1).map((one) => one.prediction),
    );
    const size = Math.min(1, loss / MOST_LOSS) * (wide - 100);
    renew(
      this.bar,
      svg("text", { class: "mg-label", x: 0, y: 13, "dominant-baseline": "central" }, "loss"),
      svg("rect", { class: "descent-loss", x: 40, y: 4, width: Math.max(1, size), height: 18 }),
      svg(
        "text",
        { class: "mg-label", x: 46 + size, y: 13, "dominant-baseline": "central" },
        `${written(loss, 4)}${loss > MOST_LOSS * 1.0001 ? " >" : ""}`,
      ),
    );
    this.rule.textContent =
      `Next: w = ${shortly(w)} − ${shortly(lr)} × ${shortly(dw)} = ${shortly(w - lr * dw)}; ` +
      `b = ${shortly(b)} − ${shortly(lr)} × ${shortly(db)} = ${shortly(b - lr * db)}.`;
    const plan = planOf(SOURCE, { w, x: 3, b, y: TARGET });
    const { nodes, edges } = frame(plan, plan.stages.length - 1);
    const calm = (/** @type {any} */ part) => ({ ...part, state: "done" });
    this.graph.data = { nodes: nodes.map(calm), edges: edges.map(calm) };
    this.summary(
      `${at ? `After ${at} ${at === 1 ? "step" : "steps"}` : "At the start"}: prediction ` +
        `${shortly(prediction)} of ${TARGET}, loss ${written(loss, 4)}, gradients ∂w ` +
        `${shortly(dw)}, ∂b ${shortly(db)}.${verdict(lr)}`,
    );
  }

  /** @private @param {number} wide @param {number[]} predictions the last one is now */
  drawLine(wide, predictions) {
    const px = (/** @type {number} */ x) =>
      20 +
      ((Math.max(LINE.low, Math.min(LINE.high, x)) - LINE.low) / (LINE.high - LINE.low)) *
        (wide - 40);
    const now = predictions[predictions.length - 1];
    const isOff = now < LINE.low || now > LINE.high;
    renew(
      this.line,
      svg("line", { class: "mg-axis", x1: 20, x2: wide - 20, y1: 52, y2: 52 }),
      ...Array.from({ length: LINE.high - LINE.low + 1 }, (_, i) => LINE.low + i).map((t) =>
        svg("text", { class: "mg-label", x: px(t), y: 74, "text-anchor": "middle" }, t),
      ),
      svg("line", { class: "descent-target", x1: px(TARGET), x2: px(TARGET), y1: 30, y2: 60 }),
      svg(
        "text",
        { class: "mg-label", x: px(TARGET), y: 22, "text-anchor": "middle" },
        "target 10",
      ),
      ...predictions
        .slice(0, -1)
        .map((x) => svg("circle", { class: "descent-ghost", cx: px(x), cy: 52, r: 6 })),
      svg("circle", { class: "descent-now", cx: px(now), cy: 52, r: 8 }),
      svg(
        "text",
        {
          class: "mg-label mg-halo descent-name",
          x: Math.max(50, Math.min(wide - 50, px(now))),
          y: 42,
          "text-anchor": "middle",
        },
        `${shortly(now)}${isOff ? ", off the line" : ""}`,
      ),
    );
  }
}

/**
 * What a learning rate does here: each step multiplies the error by 1 − 20 lr.
 * @param {number} lr
 */
function verdict(lr) {
  const factor = 1 - 20 * lr;
  if (Math.abs(factor) < 1e-9) return " With this rate one step is enough.";
  if (Math.abs(factor + 1) < 1e-9)
    return " With this rate it jumps back and forth and never gets closer.";
  if (factor < -1) return " With this rate every step overshoots further.";
  if (factor < 0) return " With this rate it overshoots and comes back.";
  return "";
}

define("mg-descent", MgDescent);
