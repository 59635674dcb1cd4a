// The run as a strip over the slider of its steps: the loss of each name as a dot, their mean as a
// line, and where the reader stands. It is dragged along itself too.

import { html, tableOf } from "../../kit/dom.js";
import { counted, ticks, written } from "../../kit/text.js";
import { paletteOf, sized } from "../canvas.js";

const SIZE = { height: 74, left: 34, right: 16, top: 15, bottom: 14 };

export class Timeline {
  canvas = html("canvas", { class: "weights-strip", "aria-hidden": "true" });
  head = html("div", { class: "weights-head" });
  box = html("div", { class: "weights-run" }, this.canvas, this.head);
  /** @private */ width = 320;
  /** @private what it was drawn for */ drawn = "";
  /** @private */ recorded = "";
  /** @private @type {ArrayLike<number>} */ losses = [];
  /** @private @type {ArrayLike<number>} */ means = [];

  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {number} steps
   * @param {{name: string, y: number}[]} floors
   * @param {(step: number) => void} moved
   */
  constructor(host, steps, floors, moved) {
    this.host = host;
    this.steps = steps;
    this.floors = floors;
    this.table = tableOf("Loss of the run", () => this.tabled());
    host.listen(this.canvas, "pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      moved(this.stepAt(event));
    });
    host.listen(this.canvas, "pointermove", (event) => {
      if (this.canvas.hasPointerCapture(event.pointerId)) moved(this.stepAt(event));
    });
  }

  /** @private @param {PointerEvent} event */
  stepAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - SIZE.left) / (box.width - SIZE.left - SIZE.right);
    return Math.round(this.steps * Math.max(0, Math.min(1, share)));
  }

  /** @private @param {number} step */
  px(step) {
    return SIZE.left + (step / this.steps) * (this.width - SIZE.left - SIZE.right);
  }

  lay() {
    this.width = Math.max(200, Math.floor(this.box.clientWidth || 320));
    this.palette = paletteOf(this.host);
    this.context = sized(this.canvas, this.width, SIZE.height);
    this.colour = getComputedStyle(this.head).color;
    this.drawn = "";
  }

  /** @param {ArrayLike<number>} losses @param {ArrayLike<number>} means @param {number} step */
  paint(losses, means, step) {
    this.losses = losses;
    this.means = means;
    this.head.style.transform = `translateX(${this.px(step).toFixed(1)}px)`;
    const recorded = (losses.length / this.steps).toFixed(3); // the slider reaches so far
    if (this.recorded !== recorded) {
      this.recorded = recorded;
      this.box.parentElement?.style.setProperty("--recorded", recorded);
    }
    const drawn = `${losses.length} ${losses[losses.length - 1]}`;
    if (this.drawn === drawn) return;
    this.drawn = drawn;
    this.draw();
  }

  /** @private */
  draw() {
    const { context, palette, width, losses, means, floors, colour, steps } = this;
    if (!context || !palette || !colour) return;
    const [top, bottom] = [SIZE.top, SIZE.height - SIZE.bottom];
    let [low, high] = [
      Math.min(...floors.map(({ y }) => y)),
      Math.max(...floors.map(({ y }) => y)),
    ];
    for (let i = 0; i < losses.length; i++) {
      low = Math.min(low, losses[i]);
      high = Math.max(high, losses[i]);
    }
    const room = 0.06 * (high - low);
    const py = (/** @type {number} */ y) =>
      bottom - ((y - low + room) / (high - low + 2 * room)) * (bottom - top);
    const right = width - SIZE.right;
    const across = (/** @type {number} */ y) => {
      context.beginPath();
      context.moveTo(SIZE.left, py(y));
      context.lineTo(right, py(y));
      context.stroke();
    };
    context.clearRect(0, 0, width, SIZE.height);
    context.font = `11px ${palette.sans}`;
    context.textBaseline = "alphabetic";
    context.fillStyle = palette.soft;
    context.textAlign = "left";
    context.fillText("loss in nats: dots for each name, the line is the mean of 100", 0, 10);
    context.lineWidth = 1;
    context.strokeStyle = palette.line;
    context.textAlign = "right";
    for (const y of ticks(low, high, 3)) {
      context.globalAlpha = 0.4;
      across(y);
      context.globalAlpha = 1;
      context.fillText(written(y, Number.isInteger(y) ? 0 : 1), SIZE.left - 6, py(y) + 4);
    }
    context.fillText("step", SIZE.left - 9, SIZE.height - 2);
    context.textAlign = "center";
    for (const x of ticks(0, steps, 5)) context.fillText(counted(x), this.px(x), SIZE.height - 2);
    context.setLineDash([5, 4]);
    context.strokeStyle = palette.soft;
    for (const { y } of floors) across(y);
    context.setLineDash([]);
    context.fillStyle = colour;
    context.globalAlpha = 0.45;
    for (let i = 0; i < losses.length; i++)
      context.fillRect(this.px(i + 1) - 0.75, py(losses[i]) - 0.75, 1.5, 1.5);
    context.globalAlpha = 1;
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.beginPath();
    for (let i = 0; i < means.length; i++) context.lineTo(this.px(i + 1), py(means[i]));
    context.stroke();
  }

  /** @private */
  tabled() {
    const { losses, means } = this;
    const every = Array.from(losses, (_, i) => i).filter((i) => i % 10 === 9);
    return {
      head: ["step", "loss of its name", "mean of the last 100"],
      rows: every.map((i) => [counted(i + 1), written(losses[i], 4), written(means[i], 3)]),
    };
  }
}
