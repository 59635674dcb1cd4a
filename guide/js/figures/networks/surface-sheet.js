// The picture of a surface over the plane: patches and wires on a canvas, axes with names and
// numbers on a picture above it. While it is pulled everything is on the canvas, row by row and
// without the browser's layout; once it rests it is drawn with care, patch by patch.

import { html, setAll, setText, svg } from "../../kit/dom.js";
import { groundOf, paletteOf, sized } from "../canvas.js";
import { framing, patches, project, rowsOf } from "./surface-view.js";

/** @typedef {import("./surface-view.js").Seen} Seen */
/** @typedef {import("./surface-view.js").Eye} Eye */
/**
 * Heights [j][i], another surface as wires, and the greatest height once it is known.
 * @typedef {{heights: number[][], other: number[][] | null, most?: number}} Ground
 */
/** @typedef {{at: Seen, text: string, anchor: "middle" | "end"}} Label */

// of a picture 420 wide; `zoom` makes it as large as it is shown
const SIZE = { reach: 3, lift: 0.7, scale: 42, width: 420, height: 330, x: 215, y: 212 };
const FLOOR = [
  [-3, -3],
  [3, -3],
  [3, 3],
  [-3, 3],
];
const FAINT = 0.75;

export class SurfaceSheet {
  /** @param {HTMLElement} host whose colours it has */
  constructor(host) {
    this.host = host;
    this.view = svg("svg", {
      class: "net-view",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "surface to turn",
    });
    /** @private */ this.canvas = html("canvas", { "aria-hidden": "true" });
    this.box = html("div", { class: "net-solid" }, this.canvas, this.view);
    /** @private */ this.axis = svg("path", { class: "net-axis" });
    /** @private of the axes @type {SVGTextElement[]} */ this.labels = [];
    this.view.append(this.axis);
    /** @private @type {ReturnType<SurfaceSheet["sheet"]> | null} */ this.paper = null;
    /** @private for what the axes were drawn */ this.framed = "";
    /** @private */ this.isPulled = false;
  }

  /** It has another size now, or other colours. */
  renew() {
    this.paper = null;
  }

  /** The canvas as large as it is shown, and its colours. @private */
  sheet() {
    const width = this.canvas.clientWidth || SIZE.width;
    const height = (width * SIZE.height) / SIZE.width;
    const paper = sized(this.canvas, width, height);
    const zoom = width / SIZE.width;
    paper.scale(zoom, zoom);
    this.view.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const { color: ground } = getComputedStyle(this.canvas);
    return { paper, zoom, palette: { ...paletteOf(this.host), ground } };
  }

  /**
   * @param {Ground} ground
   * @param {Eye} eye
   * @param {boolean} isPulled it will move again at once
   */
  draw(ground, eye, isPulled) {
    const most = (ground.most ??= mostOf(ground));
    const size = { reach: SIZE.reach, most, lift: Math.min(SIZE.lift, 3.2 / most) };
    const { paper, palette } = (this.paper ??= this.sheet());
    if (isPulled !== this.isPulled) {
      this.isPulled = isPulled;
      this.view.toggleAttribute("data-pulled", isPulled);
    }
    paper.clearRect(0, 0, SIZE.width, SIZE.height);
    [paper.strokeStyle, paper.lineWidth, paper.globalAlpha] = [palette.ink, 0.9, FAINT];
    this.wire(FLOOR.map(([x, y]) => project(eye, x, y, 0)));
    [paper.strokeStyle, paper.lineWidth, paper.globalAlpha] = [palette.line, 0.5, 1];
    if (isPulled) this.quickly(ground.heights, eye, size);
    else this.carefully(ground.heights, eye, size);
    [paper.strokeStyle, paper.lineWidth, paper.globalAlpha] = [palette.ink, 0.9, FAINT];
    if (ground.other) this.wires(ground.other, eye, size);
    paper.globalAlpha = 1;
    const framed = framing(eye, size);
    if (isPulled) this.stamp(framed);
    else this.frame(framed, [eye.turn, eye.tilt, most]);
  }

  // ---------------------------------------------------------------- patches

  /** @private @param {Seen[]} corners */
  trace(corners) {
    const { paper } = /** @type {ReturnType<SurfaceSheet["sheet"]>} */ (this.paper);
    paper.beginPath();
    for (const { x, y } of corners) paper.lineTo(...px(x, y));
    paper.closePath();
    return paper;
  }

  /** @private @param {Seen[]} corners */
  wire(corners) {
    this.trace(corners).stroke();
  }

  /**
   * Patch by patch, each with its edges.
   * @private
   * @param {number[][]} heights
   * @param {Eye} eye
   * @param {{reach: number, most: number, lift: number}} size
   */
  carefully(heights, eye, { reach, most, lift }) {
    const { paper, palette } = /** @type {ReturnType<SurfaceSheet["sheet"]>} */ (this.paper);
    const last = heights.length - 2;
    for (const { i, j, height, corners } of patches(heights, eye, { reach, lift })) {
      paper.fillStyle = groundOf(palette, height / most);
      this.trace(corners).fill();
      const isEdge = i === 0 || j === 0 || i === last || j === last;
      // Within, the two far sides are enough: the near ones are far sides of the next.
      if (!isEdge) {
        const far = corners.reduce(
          (best, corner, k) => (corner.far > corners[best].far ? k : best),
          0,
        );
        paper.beginPath();
        for (const k of [far + 3, far, far + 1]) {
          const { x, y } = corners[k % 4];
          paper.lineTo(...px(x, y));
        }
      }
      paper.stroke();
    }
  }

  /**
   * Row by row: neighbours of one colour are one shape, and a row's edges are one line.
   * @private
   * @param {number[][]} heights
   * @param {Eye} eye
   * @param {{reach: number, most: number, lift: number}} size
   */
  quickly(heights, eye, size) {
    const { paper, palette } = /** @type {ReturnType<SurfaceSheet["sheet"]>} */ (this.paper);
    const { x, y, mean, rows, across } = rowsOf(heights, eye, size);
    for (let k = 0; k < x.length; k++) [x[k], y[k]] = px(x[k], y[k]);
    const colour = (/** @type {number} */ k) => groundOf(palette, mean[k] / size.most);
    for (const { far, near } of rows) {
      for (let from = 0; from + 1 < across; ) {
        const own = colour(far[from]);
        let to = from + 1;
        while (to + 1 < across && colour(far[to]) === own) to++;
        paper.fillStyle = own;
        paper.beginPath();
        for (let k = from; k <= to; k++) paper.lineTo(x[far[k]], y[far[k]]);
        for (let k = to; k >= from; k--) paper.lineTo(x[near[k]], y[near[k]]);
        paper.fill();
        from = to;
      }
      paper.beginPath();
      for (const line of [far, near]) {
        paper.moveTo(x[line[0]], y[line[0]]);
        for (const k of line) paper.lineTo(x[k], y[k]);
      }
      far.forEach((k, i) => {
        paper.moveTo(x[k], y[k]);
        paper.lineTo(x[near[i]], y[near[i]]);
      });
      paper.stroke();
    }
  }

  /**
   * @private
   * @param {number[][]} heights
   * @param {Eye} eye
   * @param {{reach: number, lift: number}} size
   */
  wires(heights, eye, size) {
    if (!this.isPulled) {
      for (const { corners } of patches(heights, eye, size)) this.wire(corners);
      return;
    }
    const { paper } = /** @type {ReturnType<SurfaceSheet["sheet"]>} */ (this.paper);
    const { x, y, rows } = rowsOf(heights, eye, size);
    const nodes = [rows[0].far, ...rows.map(({ near }) => near)];
    const lines = [...nodes, ...nodes[0].map((_, k) => nodes.map((row) => row[k]))];
    paper.globalAlpha = 1 - (1 - FAINT) ** 2; // two patches have each edge
    paper.beginPath();
    for (const line of lines) {
      paper.moveTo(...px(x[line[0]], y[line[0]]));
      for (const k of line) paper.lineTo(...px(x[k], y[k]));
    }
    paper.stroke();
  }

  // ---------------------------------------------------------------- axes

  /**
   * Axes with names and round numbers, one of them of the height.
   * @private
   * @param {ReturnType<typeof framing>} framed
   * @param {number[]} size
   */
  frame({ floor, height }, size) {
    const { zoom } = /** @type {ReturnType<SurfaceSheet["sheet"]>} */ (this.paper);
    const known = [...size, zoom].join();
    if (known === this.framed) return;
    this.framed = known;
    const at = (/** @type {Seen} */ { x, y }) => px(x, y).map((v) => v * zoom);
    const d = linesOf(height)
      .map((ends) => ends.map(at))
      .map(([a, b]) => `M${fixed(a[0])} ${fixed(a[1])}L${fixed(b[0])} ${fixed(b[1])}`)
      .join("");
    setAll(this.axis, { d });
    const texts = labelsOf({ floor, height });
    texts.forEach(({ at: place, text, anchor }, i) => {
      if (!this.labels[i]) {
        this.labels[i] = svg("text", { class: "mg-label mg-halo" });
        this.view.append(this.labels[i]);
      }
      const [x, y] = at(place);
      setAll(this.labels[i], { x: fixed(x), y: fixed(y + 4), "text-anchor": anchor });
      setText(this.labels[i], text);
    });
    for (const label of this.labels.splice(texts.length)) label.remove();
  }

  /** The same on the canvas. @private @param {ReturnType<typeof framing>} framed */
  stamp(framed) {
    const { paper, palette, zoom } = /** @type {ReturnType<SurfaceSheet["sheet"]>} */ (this.paper);
    [paper.strokeStyle, paper.lineWidth] = [palette.line, 1.25 / zoom];
    paper.beginPath();
    for (const [a, b] of linesOf(framed.height)) {
      paper.moveTo(...px(a.x, a.y));
      paper.lineTo(...px(b.x, b.y));
    }
    paper.stroke();
    [paper.font, paper.lineJoin] = [`${12 / zoom}px ${palette.sans}`, "round"];
    [paper.strokeStyle, paper.fillStyle] = [palette.ground, palette.soft];
    paper.lineWidth = 4 / zoom;
    for (const { at, text, anchor } of labelsOf(framed)) {
      const [x, y] = px(at.x, at.y);
      paper.textAlign = anchor === "end" ? "right" : "center";
      paper.strokeText(text, x, y + 4 / zoom);
      paper.fillText(text, x, y + 4 / zoom);
    }
    paper.lineJoin = "miter";
  }
}

/** A place on the canvas. @param {number} x @param {number} y @returns {[number, number]} */
const px = (x, y) => [SIZE.x + x * SIZE.scale, SIZE.y + y * SIZE.scale];
const fixed = (/** @type {number} */ v) => v.toFixed(1);

/** The greatest height, at least 1. @param {Ground} ground */
const mostOf = ({ heights, other }) => Math.max(1, ...heights.flat(), ...(other ?? []).flat());

/** @param {ReturnType<typeof framing>["height"]} height */
const linesOf = (height) => (height ? [height.line, ...height.ticks.map(({ mark }) => mark)] : []);

/** @param {ReturnType<typeof framing>} framed @returns {Label[]} */
const labelsOf = ({ floor, height }) => [
  ...floor.map((one) => ({ ...one, anchor: /** @type {const} */ ("middle") })),
  ...(height?.ticks ?? []).map((one) => ({ ...one, anchor: /** @type {const} */ ("end") })),
  ...(height ? [{ at: height.name, text: "a", anchor: /** @type {const} */ ("middle") }] : []),
];
