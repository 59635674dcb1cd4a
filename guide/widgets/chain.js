// <mg-chain>: car, bicycle and walker: rates along a chain are multiplied.

import { shortly } from "../js/figures/gradients/backprop.js";
import { html, renew, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { numberField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { widthOf } from "../js/figures/gradients/plane.js";

const LABELS = { walker: "Walker (m)", bicycle: "Bicycle ×", car: "Car ×" };

class MgChain extends Widget {
  fields = {
    walker: numberField(1, 0, 10),
    bicycle: numberField(4, 0, 10),
    car: numberField(2, 0, 10),
  };
  picture = svg("svg", {
    class: "chain-picture",
    role: "img",
    "aria-label": "How far each one goes in the same time",
  });

  build() {
    const box = html("div", { class: "chain-box" }, this.picture);
    this.width = widthOf(this, box, () => this.show());
    const looks = { step: 0.5, slider: true };
    return [Object.entries(LABELS).map(([key, label]) => this.knob(key, { label, ...looks })), box];
  }

  show() {
    const { walker, bicycle, car } = this.values;
    const wide = this.width?.() ?? 560;
    this.picture.setAttribute("viewBox", `0 0 ${wide} 120`);
    const far = [walker, walker * bicycle, walker * bicycle * car];
    const most = Math.max(...far, 1e-9);
    renew(
      this.picture,
      ...Object.keys(LABELS).flatMap((name, i) => {
        const length = (far[i] / most) * (wide - 160);
        const y = 24 + 38 * i;
        const label = { class: "mg-label", y, "dominant-baseline": "central" };
        const bar = { class: `chain-bar mg-series-${i}`, y: y - 12, height: 24, rx: 3 };
        return [
          svg("text", { ...label, x: 62, "text-anchor": "end" }, name),
          svg("rect", { ...bar, x: 70, width: Math.max(1, length) }),
          svg("text", { ...label, x: 76 + length }, `${shortly(far[i])} m`),
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
