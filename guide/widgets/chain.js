// <mg-chain>: car, bicycle and walker: rates along a chain are multiplied.

import { shortly } from "../js/figures/gradients/backprop.js";
import { html, renew, setAll, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { numberField } from "../js/kit/state.js";
import { snapped, ticks } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { draggedOn, widthOf } from "../js/figures/gradients/plane.js";

const LABELS = { walker: "Walker (m)", bicycle: "Bicycle ×", car: "Car ×" };
const NAMES = /** @type {const} */ (["walker", "bicycle", "car"]);
const LIMITS = { min: 0, max: 10, step: 0.5 };
const EDGE = { left: 76, right: 70, top: 34, lane: 84 };
const HIGH = EDGE.top + 3 * EDGE.lane + 44;

/** Where the scale of metres ends: round, and not nearer than the one who goes farthest. */
const ends = (/** @type {number} */ most) =>
  [10, 20, 50, 100, 200, 500].find((end) => most <= end) ?? 1000;

class MgChain extends Widget {
  fields = {
    walker: numberField(1, 0, 10),
    bicycle: numberField(4, 0, 10),
    car: numberField(2, 0, 10),
  };
  picture = svg("svg", {
    class: "chain-picture",
    role: "img",
    "aria-label": "How far each one goes in the same time, and how many times as far as the next",
  });
  /** @private the scale of metres, and the names */ ground = svg("g");
  /** @private what moves */ parts = svg("g");
  /** @private what the scale was drawn for */ scaled = "";
  /** @private which one is being dragged */ held = 0;

  build() {
    const looks = { step: LIMITS.step, slider: true };
    this.scaled = "";
    this.picture.replaceChildren(this.ground, this.parts);
    const box = html("div", {}, this.picture);
    const figure = this.figure(box, {
      controls: Object.entries(LABELS).map(([key, label]) => this.knob(key, { label, ...looks })),
    });
    this.width = widthOf(this, box, () => this.show());
    draggedOn(this, this.picture, (event, isFirst) => this.drag(event, isFirst));
    return [figure];
  }

  /** Metres of each one. @private */
  get far() {
    const { walker, bicycle, car } = this.values;
    return [walker, walker * bicycle, walker * bicycle * car];
  }

  /** @private @param {PointerEvent} event @param {boolean} isFirst */
  drag(event, isFirst) {
    const box = this.picture.getBoundingClientRect();
    const wide = this.width?.() ?? 560;
    const scale = wide / box.width;
    if (isFirst) {
      const lane = Math.floor(((event.clientY - box.top) * scale - EDGE.top) / EDGE.lane);
      this.held = Math.max(0, Math.min(2, lane));
      this.heldTo = ends(Math.max(...this.far));
    }
    const share =
      ((event.clientX - box.left) * scale - EDGE.left) / (wide - EDGE.left - EDGE.right);
    const metres = Math.max(0, share) * (this.heldTo ?? 10);
    const before = this.held ? this.far[this.held - 1] : 1;
    if (before) this.set({ [NAMES[this.held]]: snapped(metres / before, LIMITS) });
  }

  show() {
    const wide = this.width?.() ?? 560;
    setAll(this.picture, { viewBox: `0 0 ${wide} ${HIGH}` });
    const { walker, bicycle, car } = this.values;
    const { far } = this;
    const end = ends(Math.max(...far));
    const px = (/** @type {number} */ metres) =>
      EDGE.left + (metres / end) * (wide - EDGE.left - EDGE.right);
    const lane = (/** @type {number} */ i) => EDGE.top + (i + 0.5) * EDGE.lane;
    const foot = EDGE.top + 3 * EDGE.lane;
    const text = (
      /** @type {number} */ x,
      /** @type {number} */ y,
      /** @type {string} */ words,
      /** @type {Record<string, string>} */ more = {},
    ) => svg("text", { class: "mg-label", x, y, "dominant-baseline": "central", ...more }, words);
    const middle = { "text-anchor": "middle" };
    // The rates stand between the lanes, where one length becomes the next.
    const rates = [bicycle, car].map((rate, i) => {
      const y = (lane(i) + lane(i + 1)) / 2;
      return [
        svg("path", {
          class: "chain-rate",
          d: `M${px(far[i])} ${lane(i) + 13}V${y}H${px(far[i + 1])}V${lane(i + 1) - 13}`,
        }),
        text((px(far[i]) + px(far[i + 1])) / 2, y - 12, `× ${shortly(rate)}`, {
          class: "mg-halo chain-times",
          ...middle,
        }),
      ];
    });
    const scaled = `${wide} ${end}`;
    if (scaled !== this.scaled) {
      this.scaled = scaled;
      renew(
        this.ground,
        ...ticks(0, end, wide < 420 ? 4 : 10).flatMap((t) => [
          svg("line", { class: "mg-gridline", x1: px(t), x2: px(t), y1: EDGE.top, y2: foot }),
          text(px(t), foot + 14, String(t), middle),
        ]),
        svg("line", { class: "mg-axis", x1: EDGE.left, x2: px(end), y1: foot, y2: foot }),
        text(px(end), foot + 32, "metres", { "text-anchor": "end" }),
        ...NAMES.map((name, i) =>
          text(EDGE.left - 10, lane(i), name, { class: "chain-name", "text-anchor": "end" }),
        ),
      );
    }
    renew(
      this.parts,
      text(
        EDGE.left,
        12,
        `in the same time: ${[walker, bicycle, car].map(shortly).join(" × ")} = ` +
          `${shortly(far[2])} m`,
      ),
      ...NAMES.map((_, i) =>
        svg("rect", {
          class: `chain-bar mg-series-${i}`,
          x: EDGE.left,
          y: lane(i) - 13,
          width: Math.max(1, px(far[i]) - EDGE.left),
          height: 26,
          rx: 3,
        }),
      ),
      ...rates.flat(),
      ...NAMES.flatMap((_, i) => [
        svg("circle", { class: "plane-now", cx: px(far[i]), cy: lane(i), r: 9 }),
        text(px(far[i]) + 15, lane(i), `${shortly(far[i])} m`, { class: "mg-halo chain-far" }),
      ]),
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
