// <mg-dot>: two arrows, their dot product, lengths and angle.

import { html, renew, setAll, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { numbersField } from "../js/kit/state.js";
import { snapped, ticks, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { draggedOn, widthOf } from "../js/figures/gradients/plane.js";
import { twoArrows } from "../js/figures/refresher.js";

const MOST = 4;
const STEP = 0.25;
const SIZE = 400;
const SCALE = { high: 300, edge: 16, first: 54, lane: 62 };
const PARTS = ["a₀", "a₁", "b₀", "b₁"];

/** @param {number} x */
const px = (x) => SIZE / 2 + (x * SIZE) / (2 * (MOST + 0.6));

/**
 * @param {number} x
 * @param {number} y
 * @param {number} t
 * @param {string} anchor
 */
const tick = (x, y, t, anchor) =>
  svg("text", { class: "mg-label mg-halo", x, y, "text-anchor": anchor }, written(t, 0));

class MgDot extends Widget {
  fields = { v: numbersField([2, 1, 1, 3], -MOST, MOST) };
  picture = svg("svg", {
    class: "dot-picture",
    viewBox: `0 0 ${SIZE} ${SIZE}`,
    role: "img",
    "aria-label": "Two arrows, a and b, from the same point",
  });

  now = html("p", { class: "net-big" });
  scale = svg("svg", {
    class: "dot-scale",
    role: "img",
    "aria-label": "The two products and their sum, on a line",
  });

  build() {
    this.drag();
    const box = html("div", {}, this.scale);
    const boxes = html("div", { class: "dot-pair" }, this.picture, box);
    const more = this.knobs("v", PARTS, { step: STEP, digits: 2 });
    const figure = this.figure(boxes, { controls: [this.now], more, under: true });
    this.width = widthOf(this, box, () => this.show(), 520);
    return [figure];
  }

  /** The tip that is nearer to the pointer goes along with it. @private */
  drag() {
    const { picture } = this;
    let held = 0;
    const at = (/** @type {PointerEvent} */ event) => {
      const box = picture.getBoundingClientRect();
      const from = (/** @type {number} */ share) =>
        snapped((share - 0.5) * 2 * (MOST + 0.6), { min: -MOST, max: MOST, step: STEP });
      return [
        from((event.clientX - box.left) / box.width),
        from(1 - (event.clientY - box.top) / box.height),
      ];
    };
    const moved = (/** @type {number} */ arrow, /** @type {number[]} */ place) =>
      this.set({ v: this.values.v.toSpliced(2 * arrow, 2, ...place) });
    draggedOn(this, picture, (event, isFirst) => {
      const [x, y] = at(event);
      const { v } = this.values;
      if (isFirst) {
        const far = [0, 1].map((k) => Math.hypot(v[2 * k] - x, v[2 * k + 1] - y));
        held = far[0] <= far[1] ? 0 : 1;
      }
      moved(held, [x, y]);
    });
  }

  /**
   * An arrow with its name.
   * @private
   * @param {string} name
   * @param {number} x
   * @param {number} y
   * @param {number} series
   * @returns {SVGElement[]}
   */
  arrow(name, x, y, series) {
    const [x2, y2] = [px(x), px(-y)];
    const turn = (Math.atan2(y2 - px(0), x2 - px(0)) * 180) / Math.PI;
    const away = Math.hypot(x, y) || 1;
    return [
      svg("line", { class: `dot-arrow mg-series-${series}`, x1: px(0), y1: px(0), x2, y2 }),
      svg("path", {
        class: `dot-tip mg-series-${series}`,
        d: "M2 0-12 -7v14z",
        transform: `translate(${x2} ${y2}) rotate(${turn})`,
      }),
      svg(
        "text",
        {
          class: "dot-name mg-halo",
          x: x2 + (14 * x) / away,
          y: y2 - (14 * y) / away,
          "text-anchor": "middle",
          "dominant-baseline": "central",
        },
        name,
      ),
    ];
  }

  /**
   * How far a reaches along b: where a line from its tip meets b at a right angle.
   * @private
   * @param {number} dot
   * @returns {SVGElement[]}
   */
  shadow(dot) {
    const { v } = this.values;
    const square = v[2] * v[2] + v[3] * v[3];
    if (!square) return [];
    const [x, y] = [(v[2] * dot) / square, (v[3] * dot) / square];
    const [x1, y1] = [px(x), px(-y)];
    return [
      svg("line", { class: "plane-drop", x1, y1, x2: px(v[0]), y2: px(-v[1]) }),
      svg("line", { class: "dot-shadow", x1: px(0), y1: px(0), x2: x1, y2: y1 }),
    ];
  }

  /**
   * Each product goes on where the one before has ended; the sum is where the last one ends.
   * @private
   * @param {number[]} products
   * @param {number} dot
   * @param {number} most the product of the lengths
   * @returns {SVGElement[]}
   */
  lanes(products, dot, most) {
    const { edge, first, lane } = SCALE;
    const wide = this.width?.() ?? 400;
    setAll(this.scale, { viewBox: `0 0 ${wide} ${SCALE.high}` });
    const sizes = [most, ...products, products[0]].map(Math.abs);
    const end = [4, 8, 16].find((one) => Math.max(...sizes) <= one) ?? 2 * MOST * MOST;
    const at = (/** @type {number} */ x) => wide / 2 + (x / end) * (wide / 2 - edge);
    const foot = first + 3 * lane - 12;
    const text = (
      /** @type {number} */ x,
      /** @type {number} */ y,
      /** @type {string} */ words,
      anchor = "middle",
    ) => svg("text", { class: "mg-label mg-halo", x, y, "text-anchor": anchor }, words);
    const bar = (
      /** @type {number} */ i,
      /** @type {string} */ name,
      /** @type {number} */ from,
      /** @type {number} */ to,
    ) => {
      const y = first + i * lane;
      return [
        svg("rect", {
          class: i < 2 ? "dot-product" : "dot-sum",
          x: at(Math.min(from, to)),
          y,
          width: Math.max(1.5, at(Math.max(from, to)) - at(Math.min(from, to))),
          height: 18,
        }),
        text(wide / 2, y - 8, name),
      ];
    };
    // Beside the bars alone: the names stand between them.
    const across = (/** @type {number} */ x) =>
      [0, 1, 2].map((i) => `M${x} ${first + i * lane - 4}v26`).join("");
    const w = (/** @type {number} */ x) => written(x);
    const v = this.values.v.map(w);
    return [
      ...ticks(-end, end, 4).flatMap((t) => [
        svg("path", { class: t ? "mg-gridline" : "mg-axis", d: across(at(t)) }),
        text(at(t), foot + 18, written(t, 0)),
      ]),
      ...[-most, most].map((x) => svg("path", { class: "dot-most", d: across(at(x)) })),
      ...bar(0, `a₀ · b₀ = ${v[0]} · ${v[2]} = ${w(products[0])}`, 0, products[0]),
      ...bar(1, `a₁ · b₁ = ${v[1]} · ${v[3]} = ${w(products[1])}`, products[0], dot),
      ...bar(2, `a · b = ${w(dot)}`, 0, dot),
      text(wide / 2, foot + 40, "dashed: both lengths multiplied, as far as"),
      text(wide / 2, foot + 56, "the dot product could go"),
    ];
  }

  show() {
    const { v } = this.values;
    const lines = Array.from({ length: 2 * MOST + 1 }, (_, i) => i - MOST).flatMap((t) => {
      const kind = t ? "mg-gridline" : "mg-axis";
      const [low, high] = [px(-MOST), px(MOST)];
      return [
        svg("line", { class: kind, x1: px(t), x2: px(t), y1: low, y2: high }),
        svg("line", { class: kind, x1: low, x2: high, y1: px(t), y2: px(t) }),
        ...(t % 2 === 0 && t
          ? [tick(px(t), px(0) + 14, t, "middle"), tick(px(0) - 5, px(-t) + 4, t, "end")]
          : []),
      ];
    });
    const { products, dot, lengths, degrees } = twoArrows(v.slice(0, 2), v.slice(2));
    renew(
      this.picture,
      ...lines,
      ...this.shadow(dot),
      ...this.arrow("a", v[0], v[1], 0),
      ...this.arrow("b", v[2], v[3], 1),
    );
    renew(this.scale, ...this.lanes(products, dot, lengths[0] * lengths[1]));
    const angle = Number.isNaN(degrees) ? "" : `, ${written(degrees, 0)}° apart`;
    renew(this.now, `a · b = ${written(dot)}${angle}`);
    const way = Number.isNaN(degrees)
      ? "One of them has no length, so there is no angle."
      : `They are ${written(lengths[0])} and ${written(lengths[1])} long, with ` +
        `${written(degrees, 0)}° between: ` +
        (dot > 1e-9
          ? "they point more or less the same way"
          : dot < -1e-9
            ? "they point away from each other"
            : "they stand at a right angle") +
        ".";
    this.summary(
      `a · b = ${products.map((p) => written(p)).join(" + ")} = ${written(dot)}. ${way}`,
    );
  }
}

define("mg-dot", MgDot);
