// <mg-parabola>: one step of gradient descent on L = p²/2: curve, tangent, step.

import { shortly } from "../js/figures/gradients/backprop.js";
import { svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { numberField } from "../js/kit/state.js";
import { snapped } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { parabolaStep } from "../js/numbers/neuron.js";
import { dragged, fitted, legend, Plane } from "../js/figures/gradients/plane.js";

const lossAt = (/** @type {number} */ p) => (p * p) / 2;
const P = { min: -3.5, max: 3.5, step: 0.05 };

const LEGEND = () =>
  legend([
    { class: "mg-line mg-series-0", name: "loss, L = p²/2" },
    { class: "mg-line mg-series-1", name: "slope at p" },
    { class: "plane-step", name: "the step, learning rate × slope" },
    { class: "plane-ghost", name: "where it ends", mark: "dot" },
  ]);

class MgParabola extends Widget {
  fields = { p: numberField(3, P.min, P.max), lr: numberField(0.5, 0, 2.5) };
  plane = new Plane({
    label: "L = p²/2 with its tangent and the next step",
    x: { low: -4, high: 4 },
    y: { low: -1, high: 8 },
    xLabel: "parameter p",
    yLabel: "loss L",
  });

  build() {
    dragged(this, this.plane, (x) => this.set({ p: snapped(x, P) }));
    const looks = { slider: true, step: P.step };
    const take = () => {
      const { p, lr } = this.values;
      this.set({ p: Math.max(P.min, Math.min(P.max, parabolaStep(p, lr).next)) });
    };
    const figure = this.figure([LEGEND(), this.plane.picture], {
      controls: [
        this.knob("p", { label: "p", ...looks }),
        this.knob("lr", { label: "Learning rate", ...looks }),
        this.button("Take the step", take),
      ],
    });
    fitted(this, this.plane, () => this.show());
    return [figure];
  }

  show() {
    const { plane } = this;
    const { p, lr } = this.values;
    const { loss, slope, next } = parabolaStep(p, lr);
    const there = parabolaStep(next, lr).loss;
    const [x1, x2, y] = [plane.px(p), plane.px(Math.max(-4, Math.min(4, next))), plane.py(0)];
    const way = Math.sign(x2 - x1);
    plane.draw([
      plane.curve(lossAt, "mg-line mg-series-0"),
      plane.line(p, loss, slope, "mg-line mg-series-1"),
      svg("line", { class: "plane-drop", x1, x2: x1, y1: plane.py(loss), y2: y }),
      svg("line", { class: "plane-step", x1, x2: x2 - way * 8, y1: y, y2: y }),
      svg("path", {
        class: "plane-tip",
        d: Math.abs(x2 - x1) > 10 ? `M${x2 - way * 9} ${y - 5}v10l${way * 9} -5z` : "",
      }),
      ...(Math.abs(next) <= 4 ? [plane.dot(next, there, "plane-ghost")] : []),
      plane.dot(p, loss, "plane-now", 9),
    ]);
    const off =
      Math.abs(next) > P.max ? " That is off the picture: taking the step stops at its edge." : "";
    const comment =
      lr === 1 && p !== 0
        ? " On this curve a rate of 1 lands at the bottom in one step."
        : lr > 2
          ? " Each step ends higher than it began."
          : "";
    this.summary(
      p === 0
        ? "p = 0: the slope is 0, there is nowhere to go."
        : `At p = ${shortly(p)} the loss is ${shortly(loss)} and the slope ${shortly(slope)}. ` +
            `The step is ${shortly(lr)} × ${shortly(slope)} against it: p goes to ` +
            `${shortly(next)}, loss ${shortly(there)}.${off}${comment}`,
    );
  }
}

define("mg-parabola", MgParabola);
