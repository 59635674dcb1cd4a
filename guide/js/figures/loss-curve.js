// The curve −ln p on a page: beads that are dragged along it, by mouse, finger or keys.

import { setAll, svg } from "../kit/dom.js";
import { redraw } from "../kit/shapes.js";
import { snapped, written } from "../kit/text.js";
import { drawn, ground, LEAST, lossOf, nearestP, placeOf, planOf } from "./loss-plan.js";

/** @typedef {import("./loss-plan.js").Bead} Bead */

const CATCH = 40; // px: nothing further away is caught
const STEP = 0.01;
const KEYS = /** @type {Record<string, number>} */ ({
  ArrowRight: 1,
  ArrowUp: 1,
  ArrowLeft: -1,
  ArrowDown: -1,
  PageUp: 10,
  PageDown: -10,
});

export class LossCurve {
  /**
   * @param {import("../kit/element.js").KitElement} host
   * @param {(i: number, p: number) => void} moved 0: back to the model's
   */
  constructor(host, moved) {
    /** @private */ this.host = host;
    /** @private */ this.moved = moved;
    /** @private @type {readonly Bead[]} */ this.beads = [];
    /** @private */ this.plan = planOf([], 700);
    /** @private */ this.laid = "";
    /** @private */ this.still = svg("g");
    /** @private */ this.moving = svg("g");
    /** @private @type {SVGElement[]} */ this.handles = [];
    /** @private */ this.grips = svg("g");
    this.picture = svg(
      "svg",
      { class: "loss-picture", role: "group", "aria-label": "The curve −ln p, with beads" },
      this.still,
      this.moving,
      this.grips,
    );
    /** @private @type {number | null} */ this.held = null;
    host.listen(this.picture, "pointerdown", (event) => this.grab(event));
    host.listen(this.picture, "pointermove", (event) => {
      if (this.held === null) return;
      event.preventDefault();
      moved(this.held, nearestP(this.plan, this.spotOf(event)));
    });
    host.listen(this.picture, "pointerup pointercancel", () => (this.held = null));
  }

  /** @private @param {PointerEvent} event */
  spotOf(event) {
    const box = this.picture.getBoundingClientRect();
    const size = this.plan.width / (box.width || 1);
    return { x: (event.clientX - box.left) * size, y: (event.clientY - box.top) * size };
  }

  /** @private @param {PointerEvent} event */
  grab(event) {
    if (event.button) return;
    const spot = this.spotOf(event);
    const far = this.beads.map(({ p }) => {
      const { x, y } = placeOf(this.plan, p);
      return Math.hypot(x - spot.x, y - spot.y);
    });
    const near = far.indexOf(Math.min(...far));
    if (!(far[near] < CATCH)) return;
    event.preventDefault();
    this.held = near;
    this.picture.setPointerCapture(event.pointerId);
    this.handles[near].focus({ preventScroll: true });
    this.moved(near, this.beads[near].p);
  }

  /** @private @param {number} i @param {KeyboardEvent} event */
  key(i, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = (KEYS[event.key] ?? 0) * STEP;
    const ends = /** @type {Record<string, number>} */ ({ Home: LEAST, End: 1, Delete: 0 });
    const { p } = this.beads[i];
    const to = by ? snapped(p + by, { min: LEAST, max: 1, step: 0.001 }) : ends[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.moved(i, to);
  }

  /** @private one for each bead */
  fit() {
    const { host, beads } = this;
    if (this.handles.length === beads.length) return;
    this.handles = beads.map((_, i) => {
      const made = svg(
        "g",
        { class: "loss-grip", role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 1 },
        svg("circle", { class: "loss-focus", r: 12 }),
      );
      host.listen(made, "keydown", (event) => this.key(i, event));
      return made;
    });
    this.grips.replaceChildren(...this.handles);
  }

  /** @param {readonly Bead[]} beads @param {number} lit @param {number} width */
  show(beads, lit, width) {
    this.beads = beads;
    this.plan = planOf(beads, width);
    this.fit();
    const laid = `${width} ${this.plan.most}`;
    if (laid !== this.laid) {
      setAll(this.picture, { viewBox: `0 0 ${width} ${this.plan.height}` });
      redraw(this.still, ground(this.plan));
    }
    this.laid = laid;
    redraw(this.moving, drawn(this.plan, beads, lit));
    this.handles.forEach((made, i) => {
      const { name, p } = beads[i];
      const { x, y } = placeOf(this.plan, p);
      setAll(made, {
        transform: `translate(${x} ${y})`,
        "aria-label": `${name}, its probability, to drag`,
        "aria-valuenow": p.toFixed(3),
        "aria-valuetext": `p ${written(p, 3)}, ${written(lossOf(p))} nats`,
      });
    });
  }
}
