// A neuron drawn as what it adds up: a line for each number that can be moved, the products as
// arrows tip to tip, the sum where the last one ends, and below it what ReLU leaves of it.

import { renew, setAll, svg } from "../../kit/dom.js";
import { ticks, written } from "../../kit/text.js";
import { neuron } from "../../numbers/neuron.js";
import { NumberLine, set } from "./number-line.js";

/** @typedef {{xs: number[], ws: number[], b: number}} Shown */
/** @typedef {{left: number, width: number, reach: number}} Scale */

const SUBS = ["₁", "₂", "₃"];
const ROW = 66;
const CHAR = 6.3; // px across of a letter of an arrow's label, at most
const REACHES = [0.5, 1, 2, 5, 10, 20, 50, 100];

/** A factor as it stands in a product. @param {number} v */
export const factor = (v) => (v < 0 ? `(${written(v)})` : written(v));

/** How far the axis of the sum reaches. @param {number[]} sums @param {number} least */
export const reachOf = (sums, least) => {
  const most = Math.max(least, ...sums.map(Math.abs));
  return /** @type {number} */ (REACHES.find((reach) => reach >= most) ?? REACHES.at(-1));
};

/** Sums so far, from 0 on. @param {Shown} shown */
export function partialSums({ xs, ws, b }) {
  const sums = [0];
  for (const p of [...neuron(xs, ws, b).products, b]) sums.push(sums[sums.length - 1] + p);
  return sums;
}

export class NeuronPicture {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {number} step 1 to 4
   * @param {{initial: Shown, moved: (key: "x" | "w" | "b", i: number, value: number) => void}} how
   */
  constructor(host, step, { initial, moved }) {
    this.step = step;
    const many = initial.xs.length > 1;
    const lineOf = (
      /** @type {"x" | "w" | "b"} */ key,
      /** @type {number} */ i,
      /** @type {number} */ first,
    ) =>
      new NumberLine(host, {
        label: key + (many && key !== "b" ? SUBS[i] : ""),
        control: key,
        kind: key === "x" ? "x" : "param",
        min: -5,
        max: 5,
        initial: first,
        moved: (value) => moved(key, i, value),
      });
    this.xs = initial.xs.map((x, i) => lineOf("x", i, x));
    this.ws = step > 1 ? initial.ws.map((w, i) => lineOf("w", i, w)) : [];
    this.b = lineOf("b", 0, initial.b);
    /** @private */ this.sums = svg("g");
    this.picture = svg(
      "svg",
      { class: "net-drawing", role: "group" },
      this.sums,
      ...[...this.xs, ...this.ws, this.b].map(({ node }) => node),
    );
    /** @private @type {Scale} */ this.scale = { left: 0, width: 100, reach: 10 };
    /** @private @type {number[]} of each arrow */ this.rows = [];
    /** @private @type {number[]} where wires end and begin */ this.wires = [];
    /** @private @type {number} */ this.foot = 0;
    this.stand(800); // until its width is known
  }

  /**
   * Finds a place for everything; the height it takes.
   * @param {number} width
   * @returns {number}
   */
  stand(width) {
    const n = this.xs.length;
    const isWide = width >= 560;
    const columns = this.ws.length ? 2 : 1;
    const gap = isWide ? 56 : 40;
    const share = isWide ? 0.23 : columns === 2 || n === 1 ? 0.5 : 1;
    const each = isWide ? width * share - 30 : (width - gap) / 2 - 18;
    const second = 12 + each + gap;
    let y = 40;
    this.xs.forEach((line, i) => {
      line.stand(12, y, each);
      this.ws[i]?.stand(second, y, each);
      this.rows[i] = y;
      y += ROW;
    });
    const beside = !isWide && columns === 1;
    if (beside) this.b.stand(second, this.rows[0], each);
    else {
      this.b.stand(columns === 2 ? second : 12, y, each);
      this.rows[n] = y;
      y += ROW;
    }
    if (isWide) {
      const left = 12 + columns * (each + gap) + 30;
      this.scale = { ...this.scale, left, width: width - left - 24 };
      this.wires = [12 + columns * each + (columns - 1) * gap + 14, left - 14];
    } else {
      y += 4;
      this.rows = Array.from({ length: n + 1 }, (_, i) => y + 42 * i);
      y += 42 * (n + 1);
      this.scale = { ...this.scale, left: 20, width: width - 40 };
      this.wires = [];
    }
    this.foot = y - 6;
    const height = this.foot + (this.step > 2 ? 104 : 46);
    setAll(this.picture, { viewBox: `0 0 ${width} ${height}` });
    return height;
  }

  /** @private @param {number} v */
  px(v) {
    const { left, width, reach } = this.scale;
    return left + ((v + reach) / (2 * reach)) * width;
  }

  /** @param {Shown} shown */
  show({ xs, ws, b }) {
    this.xs.forEach((line, i) => line.show(xs[i]));
    this.ws.forEach((line, i) => line.show(ws[i]));
    this.b.show(b);
    const sums = partialSums({ xs, ws, b });
    this.scale.reach = reachOf(sums, this.xs.length > 1 ? 0.5 : 10);
    const { z, a } = neuron(xs, ws, b);
    renew(
      this.sums,
      ...this.axis(this.foot, this.step === 1 ? "out" : "z", z),
      ...this.wiring(ws),
      ...sums.slice(1).flatMap((to, i) => {
        const isBias = i === xs.length;
        const text = isBias
          ? `b = ${written(b)}`
          : this.step === 1
            ? `x = ${written(xs[i])}`
            : `${written(xs[i])} · ${factor(ws[i])} = ${written(xs[i] * ws[i])}`;
        const next = this.rows[i + 1] ?? this.foot;
        return this.arrow([this.rows[i], next], [sums[i], to], text, isBias ? "param" : "x");
      }),
      ...(this.step > 2 ? this.relu(z, a) : []),
    );
    const said = this.step > 2 ? `z = ${written(z)}, a = ${written(a)}` : `${written(z)}`;
    set(this.picture, "aria-label", `The neuron's sum, arrow by arrow: ${said}`);
  }

  /**
   * Wires from the weights to the sum, as thick as the weights are large.
   * @private
   * @param {number[]} ws
   */
  wiring(ws) {
    if (!this.wires.length) return [];
    const [from, to] = this.wires;
    return this.xs.flatMap((line, i) => {
      const y = this.rows[i];
      const beside = this.ws[i]?.pxOf(-5);
      return [
        svg("path", {
          class: this.step === 1 ? "net-axis" : "net-edge", // in step 1 nothing is multiplied
          "data-sign": signOf(ws[i]),
          "stroke-width": (1 + 2 * Math.abs(ws[i])).toFixed(2),
          d: `M${from.toFixed(1)} ${y}H${(to - 8).toFixed(1)}`,
        }),
        svg("path", { class: "net-end", d: `M${to.toFixed(1)} ${y}l-9 -6v12Z` }),
        beside === undefined
          ? ""
          : svg(
              "text",
              {
                class: "net-text",
                x: (line.pxOf(5) + beside) / 2,
                y: y + 5,
                "text-anchor": "middle",
              },
              "×",
            ),
      ];
    });
  }

  /**
   * An axis with round ticks, and its number as a dot.
   * @private
   * @param {number} y
   * @param {string} name
   * @param {number} value
   */
  axis(y, name, value) {
    const { left, width, reach } = this.scale;
    const marks = ticks(-reach, reach, 4);
    const isA = name === "a";
    const from = isA ? this.px(0) : left;
    const shown = marks.filter((x) => !isA || x >= 0);
    const text = `${name} = ${written(value)}`;
    const at = this.px(value);
    const isLeft = at + 14 + text.length * 9 > left + width + 20;
    return [
      svg("path", {
        class: "net-axis",
        d: `M${from} ${y}H${left + width}${shown.map((v) => `M${this.px(v)} ${y - 4}v8`).join("")}`,
      }),
      ...shown.map((v) =>
        svg(
          "text",
          { class: "mg-label", x: this.px(v), y: y + 20, "text-anchor": "middle" },
          written(v, reach < 2 ? 2 : 0),
        ),
      ),
      svg("circle", {
        class: "net-out",
        "data-kind": isA ? "mlp" : "logit",
        cx: at,
        cy: y,
        r: 7,
      }),
      svg(
        "text",
        {
          class: "net-text mg-halo",
          x: at + (isLeft ? -12 : 12),
          y: y - 11,
          "text-anchor": isLeft ? "end" : "start",
        },
        text,
      ),
    ];
  }

  /**
   * From one sum to the next, and down to where the next arrow begins.
   * @private
   * @param {[number, number]} rows
   * @param {[number, number]} sums
   * @param {string} text
   * @param {string} kind
   */
  arrow([y, next], [from, to], text, kind) {
    const [a, b] = [this.px(from), this.px(to)];
    const { left, width } = this.scale;
    const way = Math.sign(b - a);
    const wide = text.length * CHAR + 8; // away from the line that comes down at `a`
    const isLeft = a + wide > left + width + 20 || (way < 0 && a - wide > left - 20);
    const tip = Math.min(9, Math.abs(b - a));
    return [
      svg("path", { class: "net-drop", d: `M${b} ${y}V${next}` }),
      svg("path", {
        class: "net-arrow",
        "data-kind": kind,
        d: `M${a} ${y}H${b - way * tip * 0.7}`,
      }),
      svg("path", {
        class: "net-tip",
        "data-kind": kind,
        d: `M${b} ${y}l${-way * tip} ${-tip * 0.62}v${tip * 1.24}Z`,
      }),
      svg(
        "text",
        {
          class: "mg-label mg-halo",
          x: a + (isLeft ? -6 : 6),
          y: y - 10,
          "text-anchor": isLeft ? "end" : "start",
        },
        text,
      ),
    ];
  }

  /** What is below 0 becomes 0. @private @param {number} z @param {number} a */
  relu(z, a) {
    const low = this.foot + 62;
    return [
      svg("path", {
        class: "net-fold",
        d: `M${this.px(z)} ${this.foot + 7}V${this.foot + 24}L${this.px(a)} ${low - 28}V${low - 8}`,
      }),
      ...this.axis(low, "a", a),
    ];
  }
}

/** @param {number} w */
export const signOf = (w) => (w > 0 ? "+" : w < 0 ? "−" : "0");
