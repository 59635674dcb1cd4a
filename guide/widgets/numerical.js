// <mg-numerical>: the slope of a curve by nudging: click the curve, drag ε.

import { shortly } from "../js/figures/gradients/backprop.js";
import { html, setText, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { line, table } from "../js/kit/make.js";
import { choiceField, numberField } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { dragged, fitted, key, legend, Plane } from "../js/figures/gradients/plane.js";
import { CURVES, functionOf, slopes } from "../js/figures/gradients/slopes.js";

const P = { min: -2.8, max: 2.8, step: 0.05 };
const REACH = 24; // px from a point within which it is meant
const WAYS = {
  exact: { looks: "mg-line mg-series-1", name: "tangent: exact" },
  both: { looks: "mg-line mg-series-2", name: "nudged both ways" },
  up: { looks: "mg-line mg-series-3", name: "nudged up only" },
};

/** @typedef {keyof typeof WAYS} Way */

const LEGEND = () =>
  legend([
    { class: "mg-line mg-series-0", name: "the curve" },
    { class: "plane-now", name: "p", mark: "dot" },
    { class: "plane-ghost", name: "p − ε and p + ε", mark: "dot" },
  ]);

const cells = () => [html("td"), html("td")];

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
    height: 340,
  });
  /** @private slope and error of each line @type {Record<Way, HTMLTableCellElement[]>} */
  told = { exact: cells(), both: cells(), up: cells() };
  /** @private an outer point is being dragged, not p */ holdsNudge = false;

  build() {
    dragged(this, this.plane, (x, event, isFirst) => this.drag(x, event, isFirst));
    const title = "The slope at p";
    const heads = ["line", "slope", "off by"];
    const rows = Object.entries(WAYS).map(([way, { looks, name }]) =>
      line(
        html("span", { class: "plane-way" }, key(looks), name),
        ...this.told[/** @type {Way} */ (way)],
      ),
    );
    const told = table(title, heads, html("tbody", {}, ...rows), { class: "slopes-table" });
    const figure = this.figure([LEGEND(), this.plane.picture, told], {
      controls: [
        this.menu("curve", { label: "Curve", options: CURVES, bare: true }),
        this.knob("p", { label: "p", step: P.step, slider: true }),
        this.knob("e", { label: "ε: 10 to the power", step: 0.25, slider: true }),
      ],
    });
    fitted(this, this.plane, () => this.show());
    return [figure];
  }

  /**
   * One of the two outer points changes ε, where they can be told from the middle one; anything
   * else moves p.
   * @private
   * @param {number} x
   * @param {PointerEvent} event
   * @param {boolean} isFirst
   */
  drag(x, event, isFirst) {
    const { p, e } = this.values;
    if (isFirst) {
      const near = (/** @type {number} */ at) => {
        const { left, width } = this.plane.picture.getBoundingClientRect();
        const there = (this.plane.px(at) * width) / this.plane.width + left;
        return Math.abs(there - event.clientX);
      };
      const outer = Math.min(near(p - 10 ** e), near(p + 10 ** e));
      this.holdsNudge = outer < REACH && outer < near(p);
    }
    if (!this.holdsNudge) return this.set({ p: snapped(x, P) });
    const power = Math.log10(Math.max(1e-3, Math.abs(x - p)));
    this.set({ e: snapped(power, { min: -15, max: 0, step: 0.25 }) });
  }

  show() {
    const { plane } = this;
    const { curve, p, e } = this.values;
    const epsilon = 10 ** e;
    const { source, y } = CURVES[curve];
    const { at, above, below, exact, central, forward, error } = slopes(source, p, epsilon);
    plane.y = y;
    const foot = plane.py(y.low) - 10;
    const [x1, x2] = [plane.px(Math.max(-3, p - epsilon)), plane.px(Math.min(3, p + epsilon))];
    plane.draw([
      plane.curve(functionOf(source), "mg-line mg-series-0"),
      plane.line(p, at, exact, WAYS.exact.looks),
      plane.line(p, at, forward, WAYS.up.looks),
      plane.line(p - epsilon, below, central, WAYS.both.looks),
      svg("path", { class: "plane-span", d: `M${x1} ${foot - 5}v10m0 -5H${x2}m0 -5v10` }),
      svg(
        "text",
        {
          class: "mg-label mg-halo",
          x: Math.max(90, Math.min(plane.width - 40, plane.px(p))),
          y: foot - 9,
          "text-anchor": "middle",
        },
        "p − ε to p + ε",
      ),
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
    for (const [way, slope] of Object.entries({ exact, both: central, up: forward })) {
      const [value, off] = this.told[/** @type {Way} */ (way)];
      setText(value, written(slope, 8));
      setText(off, small(slope - exact));
    }
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
