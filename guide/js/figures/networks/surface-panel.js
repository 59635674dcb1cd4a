// The numbers of a net of two layers as lines to drag, each under the formula in which it stands.

import { svg } from "../../kit/dom.js";
import { NumberLine, set } from "./number-line.js";

const PARTS = [
  { formula: "h₁ = ReLU(w₁ x₁ + w₂ x₂ + b₁)", keys: ["w1", "w2", "b1"] },
  { formula: "h₂ = ReLU(w₃ x₃ + b₂)", keys: ["w3", "b2", "x3"] },
  { formula: "a = ReLU(h₁ + h₂ + b₃)", keys: ["b3"] },
];
const TALL = 92; // px of a part
const SUBS = /** @type {Record<string, string>} */ ({ 1: "₁", 2: "₂", 3: "₃" });

/** w1 as it is written. @param {string} key */
export const nameOf = (key) => key.replace(/\d/, (digit) => SUBS[digit]);

export class SurfacePanel {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {{fields: Record<string, {initial: number, min: number, max: number}>,
   *   moved: (key: string, value: number) => void}} how
   */
  constructor(host, { fields, moved }) {
    this.lines = Object.fromEntries(
      PARTS.flatMap(({ keys }) => keys).map((key) => [
        key,
        new NumberLine(host, {
          ...fields[key],
          label: nameOf(key),
          control: key,
          kind: key === "x3" ? "x" : "param",
          step: 0.05,
          moved: (value) => moved(key, value),
        }),
      ]),
    );
    /** @private */ this.formulas = PARTS.map(({ formula }) =>
      svg("text", { class: "mg-label", x: 8 }, formula),
    );
    this.picture = svg(
      "svg",
      { class: "net-drawing", role: "group", "aria-label": "The numbers of the net" },
      ...this.formulas,
      ...Object.values(this.lines).map(({ node }) => node),
    );
  }

  /** @param {number} width */
  stand(width) {
    const each = (width - 16) / 3 - 30;
    PARTS.forEach(({ keys }, p) => {
      set(this.formulas[p], "y", String(14 + p * TALL));
      keys.forEach((key, i) => this.lines[key].stand(10 + i * (each + 34), 54 + p * TALL, each));
    });
    set(this.picture, "viewBox", `0 0 ${width} ${PARTS.length * TALL - 8}`);
  }

  /** @param {Record<string, number>} values */
  show(values) {
    for (const [key, line] of Object.entries(this.lines)) line.show(values[key]);
  }
}
