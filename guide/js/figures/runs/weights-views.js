// The parts of <mg-weights>: a matrix, four heads, and the letters on a map. Each has its parts for
// the page, lays out once for a size and paints for every frame.

import { html } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import {
  cellAt,
  frameCell,
  gridFor,
  layGrid,
  layTriangles,
  paintGrid,
  paintMap,
  paintTriangles,
  paletteOf,
  sized,
  trianglesFor,
} from "../canvas.js";

/** @typedef {import("../../kit/element.js").KitElement} KitElement */
/** @typedef {import("./time-machine.js").Place} Place */
/** @typedef {import("./time-machine.js").Frame} Frame */
/**
 * @typedef {{matrix: string, place: Place, frame: Frame, start: Frame | null, most: number,
 *   cell: {r: number, c: number} | null}} MatrixNow
 */

const TOKENS = [..."abcdefghijklmnopqrstuvwxyz", "BOS"];
const VOWELS = new Set("aeiou");

/** What a drawing is drawn on. */
export class View {
  /** @param {KitElement} host @param {Record<string, string | number>} attributes */
  constructor(host, attributes) {
    this.host = host;
    this.canvas = html("canvas", attributes);
    this.box = html("div", { class: "weights-box" }, this.canvas);
    this.line = html("p", { class: "mg-readout" });
    /** @type {HTMLElement[]} */ this.parts = [this.box, this.line];
    this.width = 320;
  }

  /** Reads the box's width: makes the page lay itself out, so not for every frame. */
  measure() {
    this.width = Math.max(200, Math.floor(this.box.clientWidth || 320));
    return this.width;
  }

  /** @param {string} text */
  say(text) {
    if (this.line.textContent !== text) this.line.textContent = text;
  }
}

export class MatrixView extends View {
  /**
   * @param {KitElement} host
   * @param {(cell: {r: number, c: number}) => void} chosen
   */
  constructor(host, chosen) {
    super(host, {
      class: "weights-canvas",
      tabindex: 0,
      role: "img",
      "aria-label":
        "The matrix as a grid of colours: blue and − below zero, orange and + above. Use " +
        "the arrow keys to read the cells.",
    });
    this.chosen = chosen;
    /** @private @type {{r: number, c: number} | null} */ this.cell = null;
    this.line.setAttribute("role", "status");
    host.listen(this.canvas, "pointermove pointerdown", (event) => this.point(event));
    host.listen(this.canvas, "keydown", (event) => this.key(event));
  }

  /** @param {Place} place @param {string[]} rowNames */
  lay({ rows, columns }, rowNames) {
    this.rowNames = rowNames;
    const width = this.measure();
    this.palette = paletteOf(this.host);
    this.grid = gridFor(rows, columns, { width, tallest: 370 });
    this.context = sized(this.canvas, width, this.grid.height);
    layGrid(this.context, this.grid, this.palette, (r) => rowNames[r].replace("pos ", ""), String);
  }

  /** @param {MatrixNow} now */
  paint(now) {
    const { context, grid, palette } = this;
    if (!context || !grid || !palette) return;
    this.cell = now.cell;
    const {
      place: { at },
      frame,
      start,
      most,
      cell,
      matrix,
    } = now;
    paintGrid(
      context,
      grid,
      palette,
      start ? (i) => frame[at + i] - start[at + i] : (i) => frame[at + i],
      most,
    );
    if (cell) frameCell(context, grid, palette, cell.r, cell.c);
    const full = `Full colour is ±${written(most)}, the largest in this run.`;
    const i = cell ? at + cell.r * grid.columns + cell.c : 0;
    this.say(
      cell
        ? `${matrix}, row ${this.rowNames?.[cell.r]}, column ${cell.c}: ` +
            `${written(start ? frame[i] - start[i] : frame[i], 4)}. ${full}`
        : `${full} Point at a cell, or use the arrow keys, to read it.`,
    );
  }

  /** Keys may come faster than frames. @private @param {{r: number, c: number}} cell */
  choose(cell) {
    this.cell = cell;
    this.chosen(cell);
  }

  /** @private @param {PointerEvent} event */
  point(event) {
    if (!this.grid) return;
    const box = this.canvas.getBoundingClientRect();
    const scale = this.width / box.width;
    const cell = cellAt(
      this.grid,
      (event.clientX - box.left) * scale,
      (event.clientY - box.top) * scale,
    );
    if (cell && (cell.r !== this.cell?.r || cell.c !== this.cell?.c)) this.choose(cell);
  }

  /** @private @param {KeyboardEvent} event */
  key(event) {
    const ways = /** @type {Record<string, [number, number]>} */ ({
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    });
    const way = ways[event.key];
    if (!way || !this.grid || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { rows, columns } = this.grid;
    const within = (/** @type {number} */ x, /** @type {number} */ count) =>
      Math.max(0, Math.min(count - 1, x));
    const { cell } = this;
    this.choose(
      cell
        ? { r: within(cell.r + way[0], rows), c: within(cell.c + way[1], columns) }
        : { r: 0, c: 0 },
    );
  }

  /** @param {MatrixNow} now */
  tabled({ place: { at, rows, columns }, frame, start }) {
    return {
      head: Array.from({ length: columns }, (_, c) => String(c)),
      rows: Array.from({ length: rows }, (_, r) => [
        this.rowNames?.[r] ?? "",
        ...Array.from({ length: columns }, (__, c) => {
          const i = at + r * columns + c;
          return written(start ? frame[i] - start[i] : frame[i], 3);
        }),
      ]),
    };
  }
}

export class AttentionView extends View {
  /** @param {KitElement} host */
  constructor(host) {
    super(host, {
      class: "weights-canvas",
      role: "img",
      "aria-label":
        "Attention weights of the four heads, a row for each token that looks, a column for " +
        "each that it looks at",
    });
    this.said = "";
    /** @private @type {number[][][]} */ this.weights = [];
    /** @private @type {string[]} */ this.names = [];
  }

  /** @param {string[]} names */
  lay(names) {
    const width = this.measure();
    this.palette = paletteOf(this.host);
    this.triangles = trianglesFor(names.length, 4, width);
    this.context = sized(this.canvas, width, this.triangles.height);
    layTriangles(this.context, this.triangles, this.palette, names);
  }

  /** @param {number[][][]} weights @param {string[]} names */
  paint(weights, names) {
    if (!this.context || !this.triangles || !this.palette) return;
    this.weights = weights;
    this.names = names;
    paintTriangles(this.context, this.triangles, this.palette, weights);
    const last = names.length - 1;
    const looks = weights[last].map((row, h) => {
      const best = row.indexOf(Math.max(...row));
      return (
        `head ${h + 1} at ${names[best]}${best ? `, position ${best}` : ""} ` +
        `(${written(row[best])})`
      );
    });
    this.said = `${names[last]}, the last token, looks most: ${looks.join("; ")}.`;
    this.say("Full colour is 1; each row sums to 1.");
  }

  tabled() {
    const { weights, names } = this;
    const last = weights[names.length - 1] ?? [];
    return {
      head: names.map((name, i) => `${i} ${name}`),
      rows: last.map((row, h) => [`head ${h + 1}`, ...row.map((x) => written(x, 3))]),
    };
  }
}

export class MapView extends View {
  /** @param {KitElement} host */
  constructor(host) {
    super(host, {
      class: "weights-canvas",
      role: "img",
      "aria-label": "The 27 tokens as points on two axes; a, e, i, o and u are ringed",
    });
    this.reach = 1;
    this.share = 0;
    /** @private @type {ArrayLike<number>} */ this.xy = [];
  }

  /**
   * @param {import("./time-machine.js").Axes} axes
   * @param {number} reach
   */
  on({ share }, reach) {
    this.reach = reach;
    this.share = share;
  }

  lay() {
    const side = Math.min(this.measure(), 362);
    this.palette = paletteOf(this.host);
    this.side = side;
    this.context = sized(this.canvas, this.width, side);
  }

  /** @param {Float64Array | null} xy @param {number} share */
  paint(xy, share) {
    if (!this.context || !this.palette) return;
    this.xy = xy ?? [];
    paintMap(this.context, {
      width: this.width,
      height: this.side ?? this.width,
      reach: this.reach,
      palette: this.palette,
      names: xy ? TOKENS : [],
      xy: this.xy,
      marked: (i) => VOWELS.has(TOKENS[i]),
    });
    this.say(
      xy
        ? "The axes are fixed: the two directions in which the rows of wte differ most after " +
            `the last step. They account for ${written(100 * this.share, 0)} % of the variance ` +
            `there, and ${written(100 * share, 0)} % at this step. Ringed: a, e, i, o, u.`
        : "Its axes are the two directions in which the rows of wte differ most at the end, so " +
            "it is drawn when the run is over.",
    );
  }

  tabled() {
    return {
      head: ["axis 1", "axis 2"],
      rows: this.xy.length
        ? TOKENS.map((name, i) => [
            name,
            written(this.xy[2 * i], 3),
            written(this.xy[2 * i + 1], 3),
          ])
        : [],
    };
  }
}
