// The toy's mean loss after each step, small enough to stand beside the drawing it belongs to.

import { html, svg } from "../../kit/dom.js";
import { written } from "../../kit/text.js";

const HIGH = 176;
const ROOM = { left: 34, right: 12, top: 24, bottom: 24 };
const LOW = 0; // nats at the bottom
const STEP = 0.5;

export class LossLine {
  /** @param {import("../../kit/element.js").KitElement} host */
  constructor(host) {
    this.line = svg("path", { class: "lt-loss" });
    this.dot = svg("circle", { class: "lt-loss-dot", r: 4 });
    this.ground = svg("g", {});
    this.picture = svg(
      "svg",
      { class: "lt-loss-picture", role: "img", "aria-label": "Mean loss after each step" },
      this.ground,
      this.line,
      this.dot,
    );
    this.element = html("div", { class: "lt-loss-box" }, this.picture);
    /** @private */ this.width = 500;
    /** @private @type {number[]} */ this.losses = [];
    /** @private @type {{name: string, y: number}[]} */ this.marks = [];
    /** @private */ this.drawn = "";
    /** @private */ this.to = 1;
    /** @private */ this.most = 1.5;
    const watcher = new ResizeObserver(() =>
      host.guard(() => {
        const width = Math.floor(this.element.clientWidth);
        if (!width || width === this.width) return;
        this.width = width;
        this.show(this.losses, this.marks, this.to);
      }),
    );
    watcher.observe(this.element);
    host.whenLeaving(() => watcher.disconnect());
  }

  /**
   * @param {number[]} losses before any step, and after each
   * @param {{name: string, y: number}[]} marks
   * @param {number} to steps that have room
   */
  show(losses, marks, to) {
    Object.assign(this, { losses, marks, to });
    this.most = STEP * Math.ceil((Math.max(...losses, ...marks.map(({ y }) => y)) + 0.05) / STEP);
    this.back();
    const path = losses.map((y, x) => `${this.x(x)} ${this.y(y)}`).join("L");
    this.line.setAttribute("d", `M${path}`);
    this.dot.setAttribute("cx", this.x(losses.length - 1));
    this.dot.setAttribute("cy", this.y(losses[losses.length - 1]));
  }

  /** @private @param {number} step */
  x(step) {
    const { left, right } = ROOM;
    return (left + ((this.width - left - right) * step) / this.to).toFixed(1);
  }

  /** @private @param {number} loss */
  y(loss) {
    const { top, bottom } = ROOM;
    const share = (loss - LOW) / (this.most - LOW);
    return (HIGH - bottom - (HIGH - top - bottom) * share).toFixed(1);
  }

  /** Axes and marks, drawn anew only where they change. @private */
  back() {
    const key = [this.width, this.to, this.most, ...this.marks.map(({ y }) => y)].join();
    if (key === this.drawn) return;
    this.drawn = key;
    const { left, right, bottom } = ROOM;
    const parts = [];
    const text = (/** @type {Record<string, string | number>} */ at, /** @type {string} */ words) =>
      svg("text", { class: "mg-label mg-halo", ...at }, words);
    for (let nats = LOW; nats <= this.most + 1e-9; nats += STEP)
      parts.push(
        svg("line", {
          class: "lt-loss-grid",
          x1: left,
          x2: this.width - right,
          y1: this.y(nats),
          y2: this.y(nats),
        }),
        text({ x: left - 6, y: Number(this.y(nats)) + 4, "text-anchor": "end" }, written(nats, 1)),
      );
    for (const { name, y } of this.marks)
      parts.push(
        svg("line", {
          class: "lt-loss-mark",
          x1: left,
          x2: this.width - right,
          y1: this.y(y),
          y2: this.y(y),
        }),
        text(
          { x: this.width - right, y: Number(this.y(y)) + 14, "text-anchor": "end" },
          `${name}: ${written(y, 4)}`,
        ),
      );
    parts.push(
      text({ x: left, y: HIGH - bottom + 17, "text-anchor": "middle" }, "0"),
      text(
        { x: this.width - right, y: HIGH - bottom + 17, "text-anchor": "end" },
        `step ${this.to}`,
      ),
      text({ x: 2, y: 11 }, "mean loss in nats"),
    );
    this.picture.setAttribute("viewBox", `0 0 ${this.width} ${HIGH}`);
    this.picture.setAttribute("height", String(HIGH));
    this.ground.replaceChildren(...parts);
  }
}
