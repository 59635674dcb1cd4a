// What lies over the table while the story of the counts is told, drawn as far as its scene has
// come. A scene runs once, can be left at any time, and simply stands where less motion is wanted.

import { prefersLessMotion, setAll, svg } from "../../kit/dom.js";
import { redraw } from "../../kit/shapes.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */

export class StoryOverlay {
  /** @param {import("../../kit/element.js").KitElement} host */
  constructor(host) {
    /** @private */ this.host = host;
    this.root = svg("svg", { class: "count-over", "aria-hidden": "true" });
    /** @private @type {((done: number) => Shape[]) | null} */ this.shapes = null;
    /** @private how much of the scene has passed */ this.done = 1;
    /** @private */ this.asked = 0;
    host.whenLeaving(() => this.stop());
  }

  /**
   * @param {((done: number) => Shape[]) | null} shapes by how much of the scene has passed
   * @param {number} [takes] milliseconds; without, it stands there whole
   * @param {() => void} [then]
   */
  show(shapes, takes = 0, then = () => {}) {
    this.shapes = shapes;
    if (!takes) {
      this.draw();
      return;
    }
    this.stop();
    if (prefersLessMotion()) {
      this.draw();
      then();
      return;
    }
    const began = performance.now();
    const step = (/** @type {number} */ now) => {
      this.done = Math.max(0, Math.min(1, (now - began) / takes));
      this.draw();
      this.asked =
        this.done < 1 ? requestAnimationFrame((next) => this.host.guard(() => step(next))) : 0;
      if (this.done === 1) then();
    };
    step(began);
  }

  /** Whatever runs is over: the scene stands whole. */
  stop() {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    this.done = 1;
  }

  /** @param {number} width @param {number} height of the table's picture */
  size(width, height) {
    setAll(this.root, { width, height, viewBox: `0 0 ${width} ${height}` });
  }

  /** @private */
  draw() {
    redraw(/** @type {any} */ (this.root), this.shapes?.(this.done) ?? []);
  }
}
