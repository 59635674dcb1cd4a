// <mg-descent>: gradient descent chases a target: predictions on a number line, each as high as
// its loss, and the graph that the gradients come from.

import { frame, planOf, shortly } from "../js/figures/gradients/backprop.js";
import { html, setAll, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/graph.js";
import { make } from "../js/kit/make.js";
import { numberField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { fitted, legend, Plane } from "../js/figures/gradients/plane.js";
import { descend } from "../js/numbers/neuron.js";

const TARGET = 10;
const STEPS = 12;
const SOURCE = "(w*x + b - y)**2";
const lossOf = (/** @type {number} */ prediction) => (prediction - TARGET) ** 2;

class MgDescent extends Widget {
  fields = { lr: numberField(0.02, 0.001, 0.12), at: wholeField(0, 0, STEPS) };
  // The scales stay as they are whatever happens: what leaves them is said.
  plane = new Plane({
    label: "Predictions on a number line, each as high as its loss",
    x: { low: 5, high: 15 },
    y: { low: 0, high: 16 },
    xLabel: "prediction",
    yLabel: "loss = (prediction − 10)²",
    height: 340,
  });
  rule = html("p", { class: "mg-readout" });
  graph = make("mg-graph", { label: "(w·x + b − y)², forward and back" });

  build() {
    const next = this.button("Next step", () =>
      this.set({ at: Math.min(STEPS, this.values.at + 1) }),
    );
    this.follow(({ at }) => setAll(next, { "aria-disabled": String(at === STEPS) }));
    this.steps = this.stepper("at", { label: "Steps of gradient descent", pace: 1200 });
    const words = legend([
      { class: "plane-now", name: "now", mark: "dot" },
      { class: "plane-ghost descent-ghost-key", name: "before", mark: "dot" },
      { class: "descent-target", name: "target" },
      { class: "descent-loss", name: "loss now", mark: "box" },
    ]);
    const behind = html(
      "details",
      { class: "mg-more" },
      html("summary", {}, "Where the gradients come from"),
      this.graph,
    );
    this.listen(behind, "toggle", () => this.draw());
    this.behind = behind;
    const figure = this.figure([words, this.plane.picture, this.rule], {
      controls: [
        next,
        this.knob("lr", { label: "Learning rate", step: 0.001, slider: true }),
        this.steps,
      ],
    });
    fitted(this, this.plane, () => this.show());
    return [figure, behind];
  }

  /** The graph, once it is looked at. @private */
  draw() {
    if (!this.behind?.open) return;
    const { lr, at } = this.values;
    const { w, b } = descend({ lr, steps: STEPS })[at];
    const plan = planOf(SOURCE, { w, x: 3, b, y: TARGET });
    const { nodes, edges } = frame(plan, plan.stages.length - 1);
    const calm = (/** @type {any} */ part) => ({ ...part, state: "done", drag: false });
    this.graph.data = { nodes: nodes.map(calm), edges: edges.map(calm) };
  }

  show() {
    const { lr, at } = this.values;
    const states = descend({ lr, steps: STEPS });
    const { w, b, prediction, loss, dw, db } = states[at];
    const told = states.map(
      (one, i) =>
        `${i ? `After step ${i}` : "Start"}: prediction ${shortly(one.prediction)}, loss ` +
        `${written(one.loss, 4)}`,
    );
    if (this.steps) this.steps.steps = told;
    this.plane.draw(this.parts(states.slice(0, at + 1).map((one) => one.prediction)));
    this.rule.textContent =
      `Next: w = ${shortly(w)} − ${shortly(lr)} × ${shortly(dw)} = ${shortly(w - lr * dw)}; ` +
      `b = ${shortly(b)} − ${shortly(lr)} × ${shortly(db)} = ${shortly(b - lr * db)}.`;
    this.draw();
    this.summary(
      `${at ? `After ${at} ${at === 1 ? "step" : "steps"}` : "At the start"}: prediction ` +
        `${shortly(prediction)} of ${TARGET}, loss ${written(loss, 4)}, gradients ∂w ` +
        `${shortly(dw)}, ∂b ${shortly(db)}.${verdict(lr)}`,
    );
  }

  /** @private @param {number[]} predictions the last one is now @returns {SVGElement[]} */
  parts(predictions) {
    const { plane } = this;
    const now = predictions[predictions.length - 1];
    const loss = lossOf(now);
    const isOff = loss > plane.y.high;
    const way = now < TARGET ? -1 : 1;
    const ground = plane.py(0);
    // Where it has left the picture, at its edge.
    const at = isOff ? TARGET + way * Math.sqrt(plane.y.high) : now;
    const [x, y] = [plane.px(at), plane.py(Math.min(loss, plane.y.high))];
    const before = predictions.slice(0, -1).filter((one) => lossOf(one) <= plane.y.high);
    const words = isOff
      ? `${shortly(now)}, loss ${written(loss, 1)}: off the picture`
      : `${shortly(now)}, loss ${written(loss, 4)}`;
    const high = plane.py(plane.y.high);
    const isNear = Math.abs(now - TARGET) < 0.35;
    const side = isNear ? 1 : -way; // the side towards the target
    // On a phone it would lie across the target; the line below the figure says the same.
    const isClear = isOff || isNear || Math.abs(plane.px(TARGET) - x) > 24 + 7 * words.length;
    return [
      plane.curve(lossOf, "mg-line mg-series-0"),
      svg("line", {
        class: "descent-target",
        x1: plane.px(TARGET),
        x2: plane.px(TARGET),
        y1: plane.py(plane.y.high) + 20,
        y2: ground,
      }),
      svg("rect", {
        class: "descent-loss",
        x: x - 6,
        y,
        width: 12,
        height: Math.max(1, ground - y),
      }),
      ...before.flatMap((one) => [
        plane.dot(one, 0, "descent-ghost"),
        plane.dot(one, lossOf(one), "plane-ghost"),
      ]),
      svg("circle", { class: "descent-now", cx: x, cy: ground, r: 7 }),
      isOff
        ? svg("path", { class: "plane-tip", d: `M${x - 8} ${high + 13}h16l-8 -13z` })
        : svg("circle", { class: "plane-now", cx: x, cy: y, r: 9 }),
      svg(
        "text",
        {
          class: "mg-label mg-halo descent-name",
          x: isOff ? plane.px(TARGET) : x + side * 16,
          y: isOff ? high + 42 : Math.max(high + 12, Math.min(ground - 30, y)),
          "text-anchor": isOff ? "middle" : side < 0 ? "end" : "start",
          "dominant-baseline": isOff ? null : "central",
        },
        isClear ? words : "",
      ),
    ];
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
