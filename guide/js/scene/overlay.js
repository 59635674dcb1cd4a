// What lies over the scene, drawn in the page: wires from a cell's inputs and a pulse along them,
// the letters of the probabilities with the likeliest three, and the plates of a larger model.

import { prefersLessMotion, svg } from "../kit/dom.js";
import { redraw } from "../kit/shapes.js";
import { projected } from "./camera.js";
import { cellOf } from "./layout.js";
import { sizeShapes } from "./sizes.js";
import { letterShapes } from "./letters.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {[number, number]} Spot */
/** @typedef {{to: number, of: number[], kind: string}} Wires cells */
/** @typedef {{t: number, names: string[], probs: number[]}} Chances of a token's position */

const PULSE_MS = 400;

/** @param {number} x */
const short = (x) => x.toFixed(1);

export class Overlay {
  /** @param {(act: () => void) => void} guard */
  constructor(guard) {
    /** @private */ this.guard = guard;
    /** @private */ this.wires = svg("path", { class: "scene-wires" });
    /** @private */ this.pulse = svg("path", { class: "scene-pulse" });
    /** @private */ this.letters = svg("g");
    /** @private */ this.sizes = svg("g");
    this.parts = [this.sizes, this.wires, this.pulse, this.letters];
    /** @private @type {Wires | null} */ this.path = null;
    /** @private whose letters are shown @type {Chances | null} */
    this.chances = null;
    /** @private */ this.hasSizes = false;
    /** @private */ this.isWaiting = false;
    /** @private */ this.asked = 0;
    /** @private @type {{to: Spot, of: Spot[]} | null} */ this.spots = null;
  }

  /**
   * @param {Wires | null} path
   * @param {Chances | null} chances
   * @param {boolean} hasSizes
   */
  show(path, chances, hasSizes) {
    const isNew = path?.to !== this.path?.to || path?.of.length !== this.path?.of.length;
    Object.assign(this, { path, chances, hasSizes });
    if (!isNew) return;
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    this.pulse.setAttribute("d", "");
    this.isWaiting = path !== null && !prefersLessMotion();
  }

  /**
   * @param {Float32Array} matrix
   * @param {{w: number, h: number}} size
   * @param {Layout} layout
   * @param {boolean} isFlying the pulse waits until the camera has arrived
   */
  draw(matrix, size, layout, isFlying) {
    const spot = (/** @type {number} */ cell) => {
      const [x, y, z] = layout.centers.subarray(3 * cell, 3 * cell + 3);
      const p = projected(matrix, [x, y, z]);
      return /** @type {Spot} */ ([((p.x + 1) / 2) * size.w, ((1 - p.y) / 2) * size.h]);
    };
    const { path } = this;
    this.spots = path ? { to: spot(path.to), of: path.of.map(spot) } : null;
    const d = this.spots
      ? this.spots.of
          .map((from) => `M${from.map(short).join(" ")}L${this.spots?.to.map(short).join(" ")}`)
          .join("")
      : "";
    if (this.wires.getAttribute("d") !== d) this.wires.setAttribute("d", d);
    for (const one of [this.wires, this.pulse])
      if (path && one.getAttribute("data-kind") !== path.kind)
        one.setAttribute("data-kind", path.kind);
    redraw(this.sizes, this.hasSizes ? sizeShapes(matrix, size, layout.box) : []);
    const { chances } = this;
    redraw(
      this.letters,
      chances
        ? letterShapes(
            chances.names.map((_, i) => spot(cellOf(layout, "probs", [chances.t, i]))),
            chances,
            size,
          )
        : [],
    );
    if (this.isWaiting && !isFlying && this.spots) {
      this.isWaiting = false;
      this.run(performance.now());
    }
  }

  /** @private @param {number} began */
  run(began) {
    this.asked = requestAnimationFrame((now) =>
      this.guard(() => {
        this.asked = 0;
        const share = Math.min(1, Math.max(0, (now - began) / PULSE_MS));
        const { spots } = this;
        const done = share >= 1 || !spots;
        const d = done
          ? ""
          : spots.of
              .map(
                (from) =>
                  `M${from.map((x, i) => short(x + (spots.to[i] - x) * share)).join(" ")}h0`,
              )
              .join("");
        this.pulse.setAttribute("d", d);
        if (!done) this.run(began);
      }),
    );
  }

  /** Nothing runs on. */
  close() {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
  }
}
