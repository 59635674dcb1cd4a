// <mg-dot>: two arrows, their dot product, lengths and angle.

import { renew, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { row } from "../js/kit/make.js";
import { numbersField } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { twoArrows } from "../js/figures/refresher.js";

const MOST = 4;
const STEP = 0.25;
const SIZE = 300;
const PARTS = ["a₀", "a₁", "b₀", "b₁"];

/** @param {number} x */
const px = (x) => SIZE / 2 + (x * SIZE) / (2 * (MOST + 0.6));

class MgDot extends Widget {
  fields = { v: numbersField([2, 1, 1, 3], -MOST, MOST) };
  picture = svg("svg", {
    class: "dot-picture",
    viewBox: `0 0 ${SIZE} ${SIZE}`,
    role: "img",
    "aria-label": "Two arrows, a and b, from the same point",
  });

  build() {
    this.drag();
    return [this.picture, row(...this.knobs("v", PARTS, { step: STEP, digits: 2 }))];
  }

  /** The tip that is nearer to the pointer goes along with it. @private */
  drag() {
    const { picture } = this;
    /** @type {number | null} */
    let held = null;
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
    this.listen(picture, "pointerdown", (event) => {
      if (event.button !== 0) return;
      const [x, y] = at(event);
      const { v } = this.values;
      const far = [0, 1].map((k) => Math.hypot(v[2 * k] - x, v[2 * k + 1] - y));
      held = far[0] <= far[1] ? 0 : 1;
      picture.setPointerCapture(event.pointerId);
      moved(held, [x, y]);
    });
    this.listen(picture, "pointermove", (event) => {
      if (held !== null) moved(held, at(event));
    });
    this.listen(picture, "pointerup pointercancel", () => {
      held = null;
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

  show() {
    const { v } = this.values;
    const lines = Array.from({ length: 2 * MOST + 1 }, (_, i) => i - MOST).flatMap((t) => {
      const kind = t ? "mg-gridline" : "mg-axis";
      const [low, high] = [px(-MOST), px(MOST)];
      return [
        svg("line", { class: kind, x1: px(t), x2: px(t), y1: low, y2: high }),
        svg("line", { class: kind, x1: low, x2: high, y1: px(t), y2: px(t) }),
      ];
    });
    renew(
      this.picture,
      ...lines,
      ...this.arrow("a", v[0], v[1], 0),
      ...this.arrow("b", v[2], v[3], 1),
    );
    const { products, dot, lengths, degrees } = twoArrows(v.slice(0, 2), v.slice(2));
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
