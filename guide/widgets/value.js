// <mg-value>: one operation on one or two numbers, and the Value that comes out.

import { shortly } from "../js/figures/gradients/backprop.js";
import { html, renew, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField, isHidden } from "../js/kit/state.js";
import { snapped } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { Value } from "../js/numbers/value.js";
import { dragged, fitted, legend, Plane } from "../js/figures/gradients/plane.js";
import { TWO, twoKnobs, valueCard } from "../js/figures/gradients/value-card.js";

/** @type {Record<string, {title: string, of: (...numbers: Value[]) => Value, why: string}>} */
const OPERATIONS = {
  mul: {
    title: "a · b",
    of: (a, b) => a.mul(b),
    why:
      "If a grows by a little, the product grows b times that little. So the slope for a is b, " +
      "and the slope for b is a.",
  },
  add: {
    title: "a + b",
    of: (a, b) => a.add(b),
    why:
      "If either grows by a little, the sum grows by just that. Both slopes are 1, whatever " +
      "the numbers are.",
  },
  pow: {
    title: "a²",
    of: (a) => a.pow(2),
    why: "A square grows 2a times as fast as a does.",
  },
  log: {
    title: "log(a)",
    of: (a) => a.log(),
    why: "The logarithm's slope is 1/a: steep near 0, flat far out.",
  },
  exp: {
    title: "exp(a)",
    of: (a) => a.exp(),
    why: "The slope of exp is exp itself: its result is its slope.",
  },
  relu: {
    title: "relu(a)",
    of: (a) => a.relu(),
    why:
      "Above 0 it lets everything through, so the slope is 1. At 0 and below it is closed, and " +
      "the slope is 0.",
  },
};

const NAMES = /** @type {const} */ (["a", "b"]);
const LIMITS = { min: -10, max: 10, step: 0.1 };
const STRAIGHT = ["mul", "add", "relu"];
const LEGEND = () =>
  legend([
    { class: "mg-line mg-series-0", name: "c, while this number alone moves" },
    { class: "mg-line mg-series-1", name: "the line that touches it" },
    { class: "plane-rise", name: "1 to the right, the local gradient up" },
  ]);

/** How far up and down a picture reaches that shows c. @param {number} c */
const reach = (c) => [10, 25, 50, 100, 1000].find((high) => Math.abs(c) <= high) ?? 25_000;

class MgValue extends Widget {
  fields = { op: choiceField("mul", Object.keys(OPERATIONS)), ...TWO };
  card = html("div", { class: "value-cards" });
  planes = NAMES.map(
    (name) =>
      new Plane({
        label: `c while ${name} moves, and the slope at its number`,
        x: { low: LIMITS.min, high: LIMITS.max },
        y: { low: -10, high: 10 },
        xLabel: name,
        yLabel: "c",
        height: 340,
        low: 210,
      }),
  );
  boxes = this.planes.map(({ picture }) => html("div", {}, picture));
  pair = html("div", { class: "plane-pair" }, ...this.boxes);
  why = html("p", { class: "value-why" });

  build() {
    const [a, b] = twoKnobs(this);
    this.follow(({ op }) => (b.hidden = OPERATIONS[op].of.length < 2 || isHidden("b")));
    const choice = this.menu("op", { label: "Operation", options: OPERATIONS, bare: true });
    this.planes.forEach((plane, i) =>
      dragged(this, plane, (x) => this.set({ [NAMES[i]]: snapped(x, LIMITS) })),
    );
    const figure = this.figure([LEGEND(), this.pair], {
      controls: [choice, a, b, this.card, this.why],
    });
    for (const plane of this.planes) fitted(this, plane, () => this.show());
    return [figure];
  }

  /**
   * A picture for each operand.
   * @private
   * @param {number} c no number where there is no result
   * @param {readonly number[]} [slopes]
   */
  draw(c, slopes = []) {
    const { op, a, b } = this.values;
    const { of } = OPERATIONS[op];
    const high = reach(c || 0);
    const low = op === "pow" || op === "exp" || op === "relu" ? -high / 5 : -high;
    this.pair.toggleAttribute("data-one", of.length < 2);
    this.planes.forEach((plane, i) => {
      const isThere = i < of.length;
      if (this.boxes[i].hidden !== !isThere) this.boxes[i].hidden = !isThere;
      if (!isThere) return;
      plane.y = { low, high };
      const at = [a, b][i];
      const curve = (/** @type {number} */ x) => {
        const numbers = [a, b].with(i, x);
        return op === "log" && x <= 0 ? NaN : of(...numbers.map((y) => new Value(y))).data;
      };
      const line = plane.curve(curve, "mg-line mg-series-0");
      if (Number.isNaN(c)) return plane.draw([line]);
      const slope = slopes[i];
      const side = at + 1 > LIMITS.max ? -1 : 1;
      const end = Math.max(low, Math.min(high, c + side * slope));
      const [x, y] = [plane.px(at), plane.py(c)];
      const right = plane.px(at + side);
      const d = `M${x} ${y}H${right}V${plane.py(end)}`;
      return plane.draw([
        line,
        // A straight curve is its own tangent.
        ...(STRAIGHT.includes(op) ? [] : [plane.line(at, c, slope, "mg-line mg-series-1")]),
        svg("path", { class: "plane-rise", d }),
        plane.dot(at, c, "plane-now", 9),
        this.label(plane, x, y, `slope ${shortly(slope)}`),
      ]);
    });
  }

  /** @private @param {Plane} plane @param {number} x @param {number} y @param {string} text */
  label(plane, x, y, text) {
    const isLeft = x > plane.width - 110;
    const down = y < 70 ? 28 : -16;
    return svg(
      "text",
      {
        class: "mg-label mg-halo plane-said",
        x: x + (isLeft ? -14 : 14),
        y: y + (isLeft || down > 0 ? down : 24),
        "text-anchor": isLeft ? "end" : "start",
      },
      text,
    );
  }

  show() {
    const { op, a, b } = this.values;
    const { title, of, why } = OPERATIONS[op];
    const c = this.attempt(this.why, () => of(new Value(a), new Value(b)));
    if (!c) {
      this.card.replaceChildren();
      this.draw(NaN);
      this.summary(this.why.textContent);
      return;
    }
    const names = ["a", "b"].slice(0, of.length);
    const card = valueCard({
      name: "c",
      how: title,
      data: c.data,
      children: names,
      local: [...c.localGrads],
      grad: null,
    });
    renew(this.card, card);
    this.draw(c.data, c.localGrads);
    this.why.textContent = why;
    const slopes = names.map((name, i) => `${shortly(c.localGrads[i])} for ${name}`);
    this.summary(
      `c = ${title} = ${shortly(c.data)}; its local gradient is ${slopes.join(" and ")}.`,
    );
  }
}

define("mg-value", MgValue);
