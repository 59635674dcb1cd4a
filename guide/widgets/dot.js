// <mg-dot>: two arrows, their dot product, lengths and angle.

import { html, renew, svg } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { numbersField, urlState } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { numberInput, tools } from "../js/figures/parts.js";
import { twoArrows } from "../js/figures/refresher.js";

const MOST = 4;
const STEP = 0.25;
const SIZE = 300;
const PARTS = ["a₀", "a₁", "b₀", "b₁"];

/** @param {number} x */
const px = (x) => SIZE / 2 + (x * SIZE) / (2 * (MOST + 0.6));

class MgDot extends KitElement {
  build() {
    const state = urlState("dot", { v: numbersField([2, 1, 1, 3], -MOST, MOST) });
    this.state = state;
    this.whenLeaving(() => state.close());
    this.fields = PARTS.map((label, i) =>
      numberInput(
        this,
        {
          label,
          control: label,
          value: state.values.v[i],
          min: -MOST,
          max: MOST,
          step: STEP,
          digits: 2,
        },
        (x) => this.change(i, x),
      ),
    );
    this.picture = svg("svg", {
      class: "dot-picture",
      viewBox: `0 0 ${SIZE} ${SIZE}`,
      role: "img",
      "aria-label": "Two arrows, a and b, from the same point",
    });
    this.replaceChildren(
      this.picture,
      html("div", { class: "mg-row" }, ...this.fields),
      tools(this, state),
    );
    /** @type {number | null} */
    let held = null;
    const at = (/** @type {PointerEvent} */ event) => {
      const box = this.picture?.getBoundingClientRect() ?? new DOMRect();
      const from = (/** @type {number} */ share) =>
        snapped((share - 0.5) * 2 * (MOST + 0.6), { min: -MOST, max: MOST, step: STEP });
      return [
        from((event.clientX - box.left) / box.width),
        from(1 - (event.clientY - box.top) / box.height),
      ];
    };
    const moved = (/** @type {number} */ arrow, /** @type {number[]} */ [x, y]) => {
      const v = [...state.values.v];
      v.splice(2 * arrow, 2, x, y);
      state.set({ v });
    };
    this.listen(this.picture, "pointerdown", (event) => {
      if (event.button !== 0) return;
      const [x, y] = at(event);
      const far = [0, 1].map((k) =>
        Math.hypot(state.values.v[2 * k] - x, state.values.v[2 * k + 1] - y),
      );
      held = far[0] <= far[1] ? 0 : 1;
      this.picture?.setPointerCapture(event.pointerId);
      moved(held, [x, y]);
    });
    this.listen(this.picture, "pointermove", (event) => {
      if (held !== null) moved(held, at(event));
    });
    this.listen(this.picture, "pointerup pointercancel", () => {
      held = null;
    });
    state.onChange(() => this.guard(() => this.show()));
    this.show();
  }

  /** @private @param {number} i @param {number} x */
  change(i, x) {
    const v = [...(this.state?.values.v ?? [])];
    v[i] = x;
    this.state?.set({ v });
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

  /** @private */
  show() {
    if (!this.state) return;
    /** @type {number[]} */
    const v = this.state.values.v;
    this.fields?.forEach((field, i) => {
      if (field.value !== v[i]) field.value = v[i];
    });
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
