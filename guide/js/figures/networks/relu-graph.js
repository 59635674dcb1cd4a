// What a neuron with one input answers to every input: flat at 0 up to its threshold, then as
// steep as its weight. The corner and the input are dragged.

import { freshId, renew, setAll, svg } from "../../kit/dom.js";
import { ticks, written } from "../../kit/text.js";
import { neuron } from "../../numbers/neuron.js";
import { Grip, set } from "./number-line.js";

const REACH = { x: 5, low: -3, high: 7 };
const EDGE = { left: 34, right: 16, top: 34, bottom: 52 };

/** @typedef {{x: number, w: number, b: number}} One */

/** Where the neuron turns on, if there is such a place. @param {One} one */
export const thresholdOf = ({ w, b }) => (w ? -b / w + 0 : NaN);

export class ReluGraph {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {{initial: One, moved: (key: "x" | "b", value: number) => void}} how
   */
  constructor(host, { initial, moved }) {
    /** @private @type {One} */ this.now = initial;
    /** @private */ this.size = { width: 400, height: 330 };
    const x = { label: "x, on the graph", control: "x", initial: initial.x, kind: "x" };
    this.input = new Grip(host, {
      ...x,
      min: -REACH.x,
      max: REACH.x,
      valueAt: (place) => this.xOf(place.x),
      moved: (value) => moved("x", value),
    });
    this.hinge = new Grip(host, {
      label: "The corner: the x at which the neuron turns on",
      control: "b",
      kind: "param",
      min: -REACH.x,
      max: REACH.x,
      initial: thresholdOf(initial),
      valueAt: (place) => this.xOf(place.x),
      moved: (at) => moved("b", Number(Math.max(-5, Math.min(5, -at * this.now.w)).toFixed(4))),
    });
    const id = freshId("net-clip");
    /** @private */ this.frame = svg("rect");
    /** @private */ this.axes = svg("g");
    /** @private */ this.lines = svg("g", { "clip-path": `url(#${id})` });
    /** @private */ this.dots = svg("g");
    this.picture = svg(
      "svg",
      { class: "net-drawing", role: "group" },
      svg("clipPath", { id }, this.frame),
      this.axes,
      this.lines,
      this.dots,
      this.hinge.node,
      this.input.node,
    );
    this.stand(400, 330); // until its width is known
  }

  /** @private @param {number} x */
  px(x) {
    const { left, right } = EDGE;
    return left + ((x + REACH.x) / (2 * REACH.x)) * (this.size.width - left - right);
  }

  /** @private @param {number} y */
  py(y) {
    const { top, bottom } = EDGE;
    const { low, high } = REACH;
    return top + ((high - y) / (high - low)) * (this.size.height - top - bottom);
  }

  /** @private @param {number} px */
  xOf(px) {
    const { left, right } = EDGE;
    return ((px - left) / (this.size.width - left - right)) * 2 * REACH.x - REACH.x;
  }

  /** @param {number} width @param {number} height */
  stand(width, height) {
    this.size = { width, height };
    setAll(this.picture, { viewBox: `0 0 ${width} ${height}` });
    const [left, top] = [this.px(-REACH.x), this.py(REACH.high)];
    for (const [name, value] of Object.entries({
      x: left,
      y: top,
      width: this.px(REACH.x) - left,
      height: this.py(REACH.low) - top,
    }))
      this.frame.setAttribute(name, String(value));
    const text = (
      /** @type {string} */ words,
      /** @type {number} */ x,
      /** @type {number} */ y,
      /** @type {string} */ anchor,
    ) => svg("text", { class: "mg-label", x, y, "text-anchor": anchor }, words);
    const bottom = this.py(REACH.low);
    renew(
      this.axes,
      ...ticks(REACH.low, REACH.high, 5).flatMap((y) => [
        svg("path", { class: "mg-gridline", d: `M${left} ${this.py(y)}H${this.px(REACH.x)}` }),
        text(written(y, 0), left - 8, this.py(y) + 5, "end"),
      ]),
      ...[-4, -2, 0, 2, 4].map((x) => text(written(x, 0), this.px(x), bottom + 26, "middle")),
      text("x, the input", this.px(0), bottom + 46, "middle"),
      svg("path", { class: "net-axis", d: `M${left} ${this.py(0)}H${this.px(REACH.x)}` }),
      svg("path", { class: "net-axis", d: `M${this.px(0)} ${top}V${bottom}` }),
      svg("path", { class: "net-axis", d: `M${left} ${bottom}H${this.px(REACH.x)}` }),
      svg("path", { class: "net-curve", d: `M${left} 12h26` }),
      text("a, what comes out", left + 34, 17, "start"),
      svg("path", { class: "net-diagonal", d: `M${left + 176} 12h26` }),
      text("z", left + 210, 17, "start"),
    );
  }

  /** @param {One} now */
  show(now) {
    this.now = now;
    const { x, w, b } = now;
    const at = (/** @type {number} */ v) => neuron([v], [w], b);
    const turn = thresholdOf(now);
    const xs = [-REACH.x, turn, REACH.x].filter((v) => Math.abs(v) <= REACH.x);
    const path = (/** @type {"z" | "a"} */ key) =>
      xs.map((v, i) => `${i ? "L" : "M"}${this.px(v)} ${this.py(at(v)[key])}`).join("");
    const { z, a } = at(x);
    renew(
      this.lines,
      svg("path", { class: "net-diagonal", d: path("z") }),
      svg("path", { class: "net-curve", d: path("a") }),
      svg("path", { class: "net-drop", d: `M${this.px(x)} ${this.py(0)}V${this.py(a)}` }),
    );
    const text = `a = ${written(a)}`;
    const high = this.py(Math.min(a, REACH.high));
    const isRight = this.px(x) > this.size.width / 2;
    renew(
      this.dots,
      svg("circle", { class: "net-out", "data-kind": "mlp", cx: this.px(x), cy: high, r: 7 }),
      svg(
        "text",
        {
          class: "net-text mg-halo",
          x: this.px(x) + (isRight ? -14 : 14),
          y: Math.max(EDGE.top + 12, high - 10),
          "text-anchor": isRight ? "end" : "start",
        },
        text,
      ),
    );
    const seen = Math.abs(turn) <= REACH.x;
    set(this.hinge.node, "visibility", seen ? "visible" : "hidden");
    if (seen) this.hinge.put({ x: this.px(turn), y: this.py(0) }, turn);
    this.input.put({ x: this.px(x), y: this.py(REACH.low) }, x);
    set(
      this.picture,
      "aria-label",
      `a over x: at x ${written(x)} z is ${written(z)} and a ${written(a)}; ` +
        (Number.isFinite(turn) ? `the corner is at x ${written(turn)}` : "there is no corner"),
    );
  }
}
