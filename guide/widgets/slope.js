// <mg-slope>: exp, ln and the square, a place on them, and the slope there.

import { svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField, numberField } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { dragged, fitted, legend, Plane } from "../js/figures/gradients/plane.js";
import { CURVES, slopeAt } from "../js/figures/refresher.js";

const STEP = 0.05;
const LEGEND = () =>
  legend([
    { class: "mg-line mg-series-0", name: "the function" },
    { class: "mg-line mg-series-1", name: "the line that touches it" },
    { class: "plane-rise", name: "1 to the right, and as far up as the slope says" },
  ]);

class MgSlope extends Widget {
  fields = { curve: choiceField("exp", Object.keys(CURVES)), x: numberField(1, -3, 6) };
  plane = new Plane({
    label: "The function, a point on it, and the line that touches it there",
    x: CURVES.exp.x,
    y: CURVES.exp.y,
    xLabel: "x",
    yLabel: "f(x)",
  });

  build() {
    dragged(this, this.plane, (x) =>
      this.set({
        x: snapped(Math.max(CURVES[this.values.curve].least, x), { min: -3, max: 6, step: STEP }),
      }),
    );
    this.place = this.knob("x", { label: "x", slider: true, step: STEP, digits: 2 });
    const choice = this.menu("curve", { label: "Function", options: CURVES, bare: true });
    const figure = this.figure([LEGEND(), this.plane.picture], {
      controls: [choice, this.place],
    });
    fitted(this, this.plane, () => this.show());
    return [figure];
  }

  /**
   * From the point 1 to the right, and up to the line: as far as is on the picture.
   * @private
   * @param {number} x
   * @param {number} y
   * @param {number} slope
   */
  stair(x, y, slope) {
    const { plane } = this;
    const right = plane.px(Math.min(plane.x.high, x + 1));
    const end = Math.max(plane.y.low, Math.min(plane.y.high, y + slope));
    const isSeen = y <= plane.y.high && y >= plane.y.low && x + 1 <= plane.x.high;
    const d = isSeen ? `M${plane.px(x)} ${plane.py(y)}H${right}V${plane.py(end)}` : "";
    return svg("path", { class: "plane-rise", d });
  }

  show() {
    const { plane, place } = this;
    const { curve } = this.values;
    const { of, x: range, y, least, title } = CURVES[curve];
    const x = Math.max(least, Math.min(range.high, this.values.x));
    place?.setAttribute("min", String(least));
    place?.setAttribute("max", String(range.high));
    const { value, slope, measured } = slopeAt(curve, x);
    Object.assign(plane, { x: range, y });
    const isInside = value >= y.low && value <= y.high;
    plane.draw([
      plane.curve(of, "mg-line mg-series-0"),
      plane.line(x, value, slope, "mg-line mg-series-1"),
      this.stair(x, value, slope),
      ...(isInside ? [plane.dot(x, value, "plane-now", 9)] : []),
    ]);
    const nudged = `Nudged by 0.001 it moves by ${written(measured * 0.001, 6)}.`;
    this.summary(
      `${title} at x = ${written(x)} is ${written(value, 4)}, and its slope there is ` +
        `${written(slope, 4)}. ${nudged}${isInside ? "" : " The point is above the picture."}`,
    );
  }
}

define("mg-slope", MgSlope);
