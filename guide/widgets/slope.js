// <mg-slope>: exp, ln and the square, a place on them, and the slope there.

import { html } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { choiceField, numberField, urlState } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { numberInput, tools } from "../js/figures/parts.js";
import { dragged, fitted, Plane } from "../js/figures/gradients/plane.js";
import { CURVES, slopeAt } from "../js/figures/refresher.js";

const STEP = 0.05;

class MgSlope extends KitElement {
  build() {
    const state = urlState("slope", {
      curve: choiceField("exp", Object.keys(CURVES)),
      x: numberField(1, -3, 6),
    });
    this.state = state;
    this.whenLeaving(() => state.close());
    const choice = html("select", { class: "mg-select", "aria-label": "Function" });
    for (const [key, { title }] of Object.entries(CURVES))
      choice.append(html("option", { value: key }, title));
    this.listen(choice, "change", (event) => {
      event.stopPropagation();
      state.set({ curve: choice.value });
    });
    this.choice = choice;
    const { exp } = CURVES;
    this.plane = new Plane({
      label: "The function, a point on it, and the line that touches it there",
      x: exp.x,
      y: exp.y,
      xLabel: "x",
      yLabel: "f(x)",
    });
    this.place = numberInput(
      this,
      { label: "x", control: "x", slider: true, value: 1, min: -3, max: 6, step: STEP, digits: 2 },
      (x) => state.set({ x }),
    );
    this.replaceChildren(
      choice,
      html("div", { class: "plane-box" }, this.plane.picture),
      this.place,
      tools(this, state),
    );
    dragged(this, this.plane, (x) =>
      state.set({
        x: snapped(Math.max(CURVES[state.values.curve].least, x), { min: -3, max: 6, step: STEP }),
      }),
    );
    fitted(this, this.plane, () => this.show());
    state.onChange(() => this.guard(() => this.show()));
    this.show();
  }

  /** @private */
  show() {
    const { plane, place } = this;
    if (!plane || !place || !this.state) return;
    const { curve } = this.state.values;
    const { of, x: range, y, least, title } = CURVES[curve];
    const x = Math.max(least, Math.min(range.high, this.state.values.x));
    if (this.choice) this.choice.value = curve;
    place.setAttribute("min", String(least));
    place.setAttribute("max", String(range.high));
    if (place.value !== x) place.value = x;
    const { value, slope, measured } = slopeAt(curve, x);
    Object.assign(plane, { x: range, y });
    const isInside = value >= y.low && value <= y.high;
    plane.draw([
      plane.curve(of, "mg-line mg-series-0"),
      plane.line(x, value, slope, "mg-line mg-series-1"),
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
