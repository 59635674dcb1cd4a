// <mg-chain>: car, bicycle and walker: rates along a chain are multiplied.

import { shortly } from "../js/figures/gradients/backprop.js";
import { html, renew, svg } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import "../js/kit/number.js";
import { copyLink, isHidden, numberField, problemLine, urlState } from "../js/kit/state.js";
import { widthOf } from "../js/figures/gradients/plane.js";

/** @typedef {import("../js/kit/number.js").MgNumber} MgNumber */

const FIELDS = /** @type {const} */ ([
  ["walker", "Walker (m)", 1, 0, 10],
  ["bicycle", "Bicycle ×", 4, 0, 10],
  ["car", "Car ×", 2, 0, 10],
]);

class MgChain extends KitElement {
  build() {
    const schema = Object.fromEntries(
      FIELDS.map(([name, , value, min, max]) => [name, numberField(value, min, max)]),
    );
    this.state = urlState("chain", schema);
    this.whenLeaving(() => this.state?.close());
    const state = this.state;
    this.inputs = FIELDS.map(([name, label, value, min, max]) => {
      const one = /** @type {MgNumber} */ (
        html(/** @type {any} */ ("mg-number"), {
          label,
          control: name,
          value,
          min,
          max,
          step: 0.5,
          digits: 1,
          slider: true,
        })
      );
      this.listen(one, "mg-input mg-change", ({ detail }) => state.set({ [name]: detail.value }));
      return one;
    });
    this.picture = svg("svg", {
      class: "chain-picture",
      role: "img",
      "aria-label": "How far each one goes in the same time",
    });
    const tools = html("div", { class: "mg-row" });
    if (!isHidden("link")) tools.append(copyLink(state), problemLine(state));
    const box = html("div", { class: "chain-box" }, this.picture);
    this.replaceChildren(...this.inputs, box, tools);
    this.width = widthOf(this, box, () => this.show());
    this.whenLeaving(state.onChange(() => this.guard(() => this.show())));
    this.show();
  }

  /** @private */
  show() {
    const { walker, bicycle, car } = /** @type {import("../js/kit/state.js").UrlState} */ (
      this.state
    ).values;
    this.inputs?.forEach((one, i) => {
      const now = [walker, bicycle, car][i];
      if (one.value !== now) one.value = now;
    });
    const wide = this.width?.() ?? 560;
    this.picture?.setAttribute("viewBox", `0 0 ${wide} 120`);
    const far = [walker, walker * bicycle, walker * bicycle * car];
    const most = Math.max(...far, 1e-9);
    renew(
      this.picture,
      ...["walker", "bicycle", "car"].flatMap((name, i) => {
        const length = (far[i] / most) * (wide - 160);
        return [
          svg(
            "text",
            {
              class: "mg-label",
              x: 62,
              y: 24 + 38 * i,
              "text-anchor": "end",
              "dominant-baseline": "central",
            },
            name,
          ),
          svg("rect", {
            class: `chain-bar mg-series-${i}`,
            x: 70,
            y: 12 + 38 * i,
            width: Math.max(1, length),
            height: 24,
            rx: 3,
          }),
          svg(
            "text",
            { class: "mg-label", x: 76 + length, y: 24 + 38 * i, "dominant-baseline": "central" },
            `${shortly(far[i])} m`,
          ),
        ];
      }),
    );
    this.summary(
      `While the walker goes ${shortly(walker)} m, the bicycle goes ${shortly(far[1])} m and ` +
        `the car ${shortly(far[2])} m: ` +
        `the car is ${shortly(car)} × ${shortly(bicycle)} = ${shortly(car * bicycle)} times ` +
        "as fast as the walker.",
    );
  }
}

define("mg-chain", MgChain);
