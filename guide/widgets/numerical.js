// <mg-numerical>: the slope of a curve by nudging: click the curve, drag ε.

import { shortly } from "../js/figures/gradients/backprop.js";
import { button, html, renew, svg } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import "../js/kit/number.js";
import {
  choiceField,
  copyLink,
  isHidden,
  numberField,
  problemLine,
  urlState,
} from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { dragged, fitted, Plane } from "../js/figures/gradients/plane.js";
import { CURVES, functionOf, slopes } from "../js/figures/gradients/slopes.js";

/** @typedef {import("../js/kit/number.js").MgNumber} MgNumber */

const P = { min: -2.8, max: 2.8, step: 0.05 };

class MgNumerical extends KitElement {
  build() {
    this.state = urlState("numerical", {
      curve: choiceField("loss", Object.keys(CURVES)),
      p: numberField(-1, P.min, P.max),
      e: numberField(0, -15, 0),
    });
    this.whenLeaving(() => this.state?.close());
    const state = this.state;
    const choice = html("select", { class: "mg-select", "aria-label": "Curve" });
    for (const [key, { title }] of Object.entries(CURVES))
      choice.append(html("option", { value: key }, title));
    this.listen(choice, "change", (event) => {
      event.stopPropagation();
      state.set({ curve: choice.value });
    });
    this.choice = choice;
    this.plane = new Plane({
      label: "The curve, two points on it and the line through them",
      x: { low: -3, high: 3 },
      y: CURVES.loss.y,
      xLabel: "parameter p",
      yLabel: "loss L",
    });
    const field = (/** @type {string} */ name, /** @type {Record<string, any>} */ attributes) => {
      const one = /** @type {MgNumber} */ (
        html(/** @type {any} */ ("mg-number"), { control: name, slider: true, ...attributes })
      );
      this.listen(one, "mg-input mg-change", ({ detail }) => state.set({ [name]: detail.value }));
      return one;
    };
    this.place = field("p", { label: "p", value: -1, ...P, digits: 2 });
    this.power = field("e", {
      label: "log₁₀ ε",
      value: 0,
      min: -15,
      max: 0,
      step: 0.25,
      digits: 2,
    });
    this.rows = html("tbody", {});
    const table = html(
      "table",
      { class: "slopes-table" },
      html("caption", {}, "The slope at p"),
      html(
        "thead",
        {},
        html(
          "tr",
          {},
          ...["how", "slope", "off by"].map((head) => html("th", { scope: "col" }, head)),
        ),
      ),
      this.rows,
    );
    const reset = button("Reset");
    this.listen(reset, "click", () => state.reset());
    const tools = html("div", { class: "mg-row" }, reset);
    if (!isHidden("link")) tools.append(copyLink(state), problemLine(state));
    this.replaceChildren(
      choice,
      html("div", { class: "plane-box" }, this.plane.picture),
      this.place,
      this.power,
      table,
      tools,
    );
    dragged(this, this.plane, (x) => state.set({ p: snapped(x, P) }));
    fitted(this, this.plane, () => this.show());
    this.whenLeaving(state.onChange(() => this.guard(() => this.show())));
    this.show();
  }

  /** @private */
  show() {
    const { plane } = this;
    if (!plane || !this.state) return;
    const { curve, p, e } = this.state.values;
    const epsilon = 10 ** e;
    const { source, y } = CURVES[curve];
    const { at, above, below, exact, central, forward, error } = slopes(source, p, epsilon);
    if (this.choice) this.choice.value = curve;
    if (this.place && this.place.value !== p) this.place.value = p;
    if (this.power && this.power.value !== e) this.power.value = e;
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
    /** @type {[string, number][]} */
    const ways = [
      ["backward pass: exact", exact],
      ["nudged both ways", central],
      ["nudged up only", forward],
    ];
    renew(
      this.rows,
      ...ways.map(([how, slope]) =>
        html(
          "tr",
          {},
          html("th", { scope: "row" }, how),
          html("td", {}, written(slope, 8)),
          html("td", {}, small(slope - exact)),
        ),
      ),
    );
    const size = Math.abs(error);
    const comment =
      curve === "relu" && Math.abs(p) < epsilon
        ? " The nudges reach over the corner, where there is no one slope."
        : e <= -11
          ? " ε is so small that the two losses differ in their last digits only: rounding " +
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
