// <mg-numerical>: the slope of a curve by nudging: click the curve, drag ε.

import { shortly } from "../js/figures/gradients/backprop.js";
import { html, renew, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { line, table } from "../js/kit/make.js";
import { choiceField, numberField } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { dragged, fitted, Plane } from "../js/figures/gradients/plane.js";
import { CURVES, functionOf, slopes } from "../js/figures/gradients/slopes.js";

const P = { min: -2.8, max: 2.8, step: 0.05 };

class MgNumerical extends Widget {
  fields = {
    curve: choiceField("loss", Object.keys(CURVES)),
    p: numberField(-1, P.min, P.max),
    e: numberField(0, -15, 0),
  };
  plane = new Plane({
    label: "The curve, two points on it and the line through them",
    x: { low: -3, high: 3 },
    y: CURVES.loss.y,
    xLabel: "parameter p",
    yLabel: "loss L",
  });
  rows = html("tbody");

  build() {
    const box = html("div", { class: "plane-box" }, this.plane.picture);
    dragged(this, this.plane, (x) => this.set({ p: snapped(x, P) }));
    fitted(this, this.plane, () => this.show());
    const title = "The slope at p";
    const caption = html("caption", {}, title);
    return [
      this.menu("curve", { label: "Curve", options: CURVES, bare: true }),
      box,
      this.knob("p", { label: "p", step: P.step, slider: true }),
      this.knob("e", { label: "log₁₀ ε", step: 0.25, slider: true }),
      table(title, ["how", "slope", "off by"], this.rows, { caption, class: "slopes-table" }),
    ];
  }

  show() {
    const { plane } = this;
    const { curve, p, e } = this.values;
    const epsilon = 10 ** e;
    const { source, y } = CURVES[curve];
    const { at, above, below, exact, central, forward, error } = slopes(source, p, epsilon);
    plane.y = y;
    const [x1, x2] = [plane.px(Math.max(-3, p - epsilon)), plane.px(Math.min(3, p + epsilon))];
    plane.draw([
      plane.curve(functionOf(source), "mg-line mg-series-0"),
      plane.line(p, at, exact, "mg-line mg-series-1"),
      plane.line(p - epsilon, below, central, "mg-line mg-series-2"),
      svg("line", {
        class: "plane-step",
        x1,
        x2,
        y1: plane.py(y.low) - 6,
        y2: plane.py(y.low) - 6,
      }),
      ...[
        [p - epsilon, below],
        [p + epsilon, above],
      ]
        .filter(([x]) => Math.abs(x) <= 3)
        .map(([x, l]) => plane.dot(x, l, "plane-ghost")),
      plane.dot(p, at, "plane-now", 9),
    ]);
    const small = (/** @type {number} */ x) =>
      x === 0 ? "0" : Math.abs(x) < 1e-4 ? x.toExponential(1).replaceAll("-", "−") : written(x, 6);
    const way = (/** @type {string} */ how, /** @type {number} */ slope) =>
      line(how, written(slope, 8), small(slope - exact));
    renew(
      this.rows,
      way("backward pass: exact", exact),
      way("nudged both ways", central),
      way("nudged up only", forward),
    );
    const size = Math.abs(error);
    const comment =
      curve === "relu" && Math.abs(p) < epsilon
        ? " The nudges span the corner, where there is no single slope."
        : e <= -11
          ? " ε is so small that the two losses differ only in their last digits: rounding " +
            "spoils the result."
          : size < 1e-6
            ? " That is as good as it needs to be."
            : "";
    this.summary(
      `At p = ${shortly(p)}, ε = ${shortly(epsilon)}: nudging gives ${written(central, 6)}, ` +
        `exact is ${written(exact, 6)}, off by ${small(error)}.${comment}`,
    );
  }
}

define("mg-numerical", MgNumerical);
