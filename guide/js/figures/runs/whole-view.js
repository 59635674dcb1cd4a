// All 4,192 numbers of the model in one picture, a cell each.
//
// Each matrix is an image of one pixel a number that is drawn enlarged: thousands of cells in a
// frame of a drag would cost more than the frame has.

import { scaleOf, shade } from "../../kit/color.js";
import { written } from "../../kit/text.js";
import { namesOf } from "../../matrices.js";
import { paletteOf, sized } from "../canvas.js";
import { View } from "./weights-views.js";
import { numberAt, wholeFor } from "./whole-plan.js";

/** @typedef {import("./time-machine.js").Frame} Frame */
/** @typedef {{matrix: string, r: number, c: number}} Looked */
/**
 * @typedef {{frame: Frame, start: Frame | null, most: Record<string, number>,
 *   looked: Looked | null}} WholeNow `most` by matrix: the number that has full colour
 */

const LEVELS = 127; // colours on either side of zero
const SHORT = 90; // px: a narrower matrix has its short name alone

/** @param {string} matrix */
const shortOf = (matrix) => matrix.replace(/^layer0\.(attn_|mlp_)?/, "");

export class WholeView extends View {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {(looked: Looked) => void} chosen
   */
  constructor(host, chosen) {
    super(host, {
      class: "weights-canvas",
      tabindex: 0,
      role: "img",
      "aria-label":
        "All numbers of the model as grids of colours, a matrix each: blue below zero, orange " +
        "above. The arrow keys read cell by cell, Page Up and Page Down change the matrix.",
    });
    this.chosen = chosen;
    /** @private @type {Looked | null} */ this.looked = null;
    /** @private what the labels were drawn for */ this.labelled = "";
    this.line.setAttribute("role", "status");
    host.listen(this.canvas, "pointermove pointerdown", (event) => this.point(event));
    host.listen(this.canvas, "keydown", (event) => this.key(event));
  }

  lay() {
    const width = this.measure();
    this.palette = paletteOf(this.host);
    const scale = scaleOf(this.host);
    this.colours = Uint32Array.from({ length: 2 * LEVELS + 1 }, (_, i) => {
      const [r, g, b] = shade(scale, (i - LEVELS) / LEVELS);
      return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    });
    this.whole = wholeFor(width, Math.min(3, globalThis.devicePixelRatio || 1));
    this.context = sized(this.canvas, width, this.whole.height);
    this.images = this.whole.parts.map(({ wide, high }) => {
      const canvas = document.createElement("canvas");
      canvas.width = wide;
      canvas.height = high;
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const image = context.createImageData(wide, high);
      return { canvas, context, image, pixels: new Uint32Array(image.data.buffer) };
    });
    this.labelled = "";
  }

  /** @param {WholeNow} now */
  paint({ frame, start, most, looked }) {
    const { context, whole, images, colours, palette } = this;
    if (!context || !whole || !images || !colours || !palette) return;
    this.looked = looked;
    this.label(most);
    context.imageSmoothingEnabled = false;
    whole.parts.forEach((part, k) => {
      const { at, rows, columns, isTurned, left, top, wide, high } = part;
      const { canvas, context: small, image, pixels } = images[k];
      const full = LEVELS / most[part.matrix];
      for (let i = 0; i < rows * columns; i++) {
        const x = start ? frame[at + i] - start[at + i] : frame[at + i];
        const level = Math.max(-LEVELS, Math.min(LEVELS, Math.round(x * full)));
        const place = isTurned ? (i % columns) * rows + Math.floor(i / columns) : i;
        pixels[place] = colours[LEVELS + level];
      }
      small.putImageData(image, 0, 0);
      context.clearRect(left - 3, top - 3, wide * whole.cell + 6, high * whole.cell + 6);
      context.drawImage(canvas, left, top, wide * whole.cell, high * whole.cell);
    });
    if (looked) this.mark(looked);
    this.say(this.told(frame, start, most));
  }

  /** A frame around the cell that is read. @private @param {Looked} looked */
  mark({ matrix, r, c }) {
    const { context, whole, palette } = this;
    const part = whole?.parts.find((one) => one.matrix === matrix);
    if (!context || !whole || !palette || !part) return;
    const [across, down] = part.isTurned ? [r, c] : [c, r];
    context.strokeStyle = palette.ink;
    context.lineWidth = 2;
    const { cell } = whole;
    context.strokeRect(
      part.left + across * cell - 1,
      part.top + down * cell - 1,
      cell + 2,
      cell + 2,
    );
  }

  /** @private @param {Frame} frame @param {Frame | null} start @param {WholeNow["most"]} most */
  told(frame, start, most) {
    const { looked, whole } = this;
    const hint = "Full colour is the largest number of each matrix in this run.";
    const part = looked && whole?.parts.find((one) => one.matrix === looked.matrix);
    if (!looked || !part) return `${hint} Point at a cell to read it.`;
    const { matrix, r, c } = looked;
    const i = part.at + r * part.columns + c;
    const x = start ? frame[i] - start[i] : frame[i];
    return (
      `${shortOf(matrix)}, row ${namesOf(matrix, part.rows).rows[r]}, column ${c}: ` +
      `${written(x, 4)}. Full colour is ±${written(most[matrix])}.`
    );
  }

  /** Names of matrices and of rows, and the scale of colours. @private @param {WholeNow["most"]} most */
  label(most) {
    const { context, whole, palette, width } = this;
    if (!context || !whole || !palette) return;
    const { cell, parts, legend } = whole;
    const titles = parts.map(({ matrix, wide }) =>
      wide * cell < SHORT ? shortOf(matrix) : `${shortOf(matrix)}  ±${written(most[matrix])}`,
    );
    const labelled = titles.join();
    if (this.labelled === labelled) return;
    this.labelled = labelled;
    context.clearRect(0, 0, width, whole.height);
    context.textBaseline = "alphabetic";
    parts.forEach(({ matrix, left, top, rows }, k) => {
      context.textAlign = "left";
      context.font = `600 12px ${palette.sans}`;
      context.fillStyle = palette.ink;
      context.fillText(shortOf(matrix), left, top - 5);
      const after = left + context.measureText(`${shortOf(matrix)} `).width + 2;
      context.font = `12px ${palette.sans}`;
      context.fillStyle = palette.soft;
      context.fillText(titles[k].slice(shortOf(matrix).length).trim(), after, top - 5);
      if (matrix !== "wte" && matrix !== "lm_head") return;
      context.textAlign = "center";
      context.font = `10px ${palette.sans}`;
      const every = Math.ceil(10 / cell);
      for (let r = 0; r < rows - 1; r += every)
        context.fillText(namesOf(matrix, rows).rows[r], left - 8, top + (r + 0.5) * cell + 3.5);
    });
    this.scale(legend);
  }

  /** @private @param {import("./whole-plan.js").Whole["legend"]} legend */
  scale({ left, top, width }) {
    const { context, palette } = this;
    if (!context || !palette) return;
    const { grounds } = palette;
    const each = width / grounds.length;
    grounds.forEach((ground, i) => {
      context.fillStyle = ground;
      context.fillRect(left + i * each, top, each + 0.5, 10);
    });
    context.font = `12px ${palette.sans}`;
    context.fillStyle = palette.soft;
    for (const [share, text, align] of /** @type {[number, string, CanvasTextAlign][]} */ ([
      [0, "−", "left"],
      [0.5, "0", "center"],
      [1, "+", "right"],
    ])) {
      context.textAlign = align;
      context.fillText(text, left + share * width, top + 24);
    }
  }

  /** @private @param {PointerEvent} event */
  point(event) {
    if (!this.whole) return;
    const box = this.canvas.getBoundingClientRect();
    const scale = this.width / box.width;
    const found = numberAt(
      this.whole,
      (event.clientX - box.left) * scale,
      (event.clientY - box.top) * scale,
    );
    if (found) this.choose(found);
  }

  /** @private @param {Looked} looked */
  choose(looked) {
    const { matrix, r, c } = this.looked ?? {};
    if (looked.matrix === matrix && looked.r === r && looked.c === c) return;
    this.looked = looked; // keys may come faster than frames
    this.chosen(looked);
  }

  /** @private @param {KeyboardEvent} event */
  key(event) {
    const { parts = [] } = this.whole ?? {};
    const k = Math.max(
      0,
      parts.findIndex(({ matrix }) => matrix === this.looked?.matrix),
    );
    const part = parts[k];
    if (!part || event.ctrlKey || event.metaKey || event.altKey) return;
    const [right, down] = /** @type {Record<string, [number, number]>} */ ({
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
    })[event.key] ?? [0, 0];
    const on = { PageDown: 1, PageUp: -1 }[event.key] ?? 0;
    if (!right && !down && !on) return;
    event.preventDefault();
    if (!this.looked) return this.choose({ matrix: part.matrix, r: 0, c: 0 });
    if (on) {
      const { matrix } = parts[(k + on + parts.length) % parts.length];
      return this.choose({ matrix, r: 0, c: 0 });
    }
    const within = (/** @type {number} */ x, /** @type {number} */ count) =>
      Math.max(0, Math.min(count - 1, x));
    const [dr, dc] = part.isTurned ? [right, down] : [down, right];
    const { matrix, r, c } = this.looked;
    this.choose({ matrix, r: within(r + dr, part.rows), c: within(c + dc, part.columns) });
  }
}
