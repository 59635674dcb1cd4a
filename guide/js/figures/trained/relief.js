// The trained model as a picture: all of its numbers as cells, raised above zero and sunk below,
// which light up by how much each adds at a letter. The light is a canvas of one pixel a cell, so
// that it changes within a frame; edges and names are another, painted once.

import { html, onTheme, prefersLessMotion } from "../../kit/dom.js";
import { scaleOf } from "../../kit/color.js";
import { written } from "../../kit/text.js";

/** @typedef {import("./reading.js").Reading} Reading */
/** @typedef {import("./reading.js").Step} Step */
/**
 * A matrix in the picture; `turned`, its rows are columns here.
 * @typedef {{matrix: string, name: string, kind: string, x: number, y: number, rows: number,
 *   columns: number, turned: boolean}} Plate
 */

const CELL = 5; // px of the page
const BAND = 19; // cells from one row of matrices to the next, with room for their names
export const WIDE = 70;
export const TALL = 5 * BAND;
const REST = 0.22; // how much colour a cell has that adds nothing
const STAGGER_MS = 55; // from band to band
const RISE_MS = 150;

/** The matrices from top to bottom, in the order in which a letter meets them. */
export const PLATES = Object.freeze(
  /** @type {[string, string, number, number, number, number][]} */ ([
    ["wte", "x", 0, 0, 27, 16],
    ["wpe", "x", 29, 0, 16, 16],
    ["layer0.attn_wq", "q", 0, 1, 16, 16],
    ["layer0.attn_wk", "k", 18, 1, 16, 16],
    ["layer0.attn_wv", "v", 36, 1, 16, 16],
    ["layer0.attn_wo", "attention", 54, 1, 16, 16],
    ["layer0.mlp_fc1", "mlp", 0, 2, 64, 16],
    ["layer0.mlp_fc2", "mlp", 0, 3, 16, 64],
    ["lm_head", "logit", 0, 4, 27, 16],
  ]).map(([matrix, kind, x, band, rows, columns]) => {
    const turned = rows > 16 || matrix === "wpe";
    const name = matrix.replace(/^layer0\.(attn_|mlp_)?/, "");
    /** @type {Plate} */
    const plate = { matrix, name, kind, x, y: band * BAND + 3, rows, columns, turned };
    return plate;
  }),
);

/**
 * The cell of a matrix that stands at a place of the picture, or null.
 * @param {number} x in cells
 * @param {number} y
 */
export function cellAt(x, y) {
  for (const plate of PLATES) {
    const [across, down] = [Math.floor(x - plate.x), Math.floor(y - plate.y)];
    const [row, column] = plate.turned ? [across, down] : [down, across];
    if (row >= 0 && row < plate.rows && column >= 0 && column < plate.columns)
      return { plate, row, column };
  }
  return null;
}

/**
 * For each cell of the picture what `of` says of it, divided by the most in its matrix; 0 between.
 * @param {(plate: Plate, row: number, column: number) => number} of
 */
export function overCells(of) {
  const shares = new Float32Array(WIDE * TALL);
  for (const plate of PLATES) {
    const { x, y, rows, columns, turned } = plate;
    const [across, down] = turned ? [rows, columns] : [columns, rows];
    let most = 0;
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const at = turned ? (y + column) * WIDE + x + row : (y + row) * WIDE + x + column;
        shares[at] = of(plate, row, column);
        most = Math.max(most, Math.abs(shares[at]));
      }
    if (!most) continue;
    for (let j = y; j < y + down; j++)
      for (let i = x; i < x + across; i++) shares[j * WIDE + i] /= most;
  }
  return shares;
}

/**
 * The page's colours by their names, as a canvas takes them.
 * @param {HTMLElement} host
 * @param {readonly string[]} names
 */
export function coloursOf(host, names) {
  const probe = html("span", { hidden: true });
  host.append(probe);
  const colours = names.map((name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return colours;
}

export class Relief {
  light = html("canvas", { class: "relief-light", width: WIDE, height: TALL });
  edges = html("canvas", { class: "relief-edges" });
  element = html(
    "div",
    { class: "relief", role: "img", "aria-label": "The model's 4,192 numbers as cells" },
    this.light,
    this.edges,
  );
  readout = html("p", { class: "mg-readout relief-readout" });
  /** @private how each number stands to the largest of its matrix */ shares = overCells(() => 0);
  /** @private how bright each cell was, and is to be */ from = overCells(() => 0);
  /** @private */ to = this.from;
  /** @private */ frame = 0;
  /** @private @type {Step | null} */ step = null;
  /** @private @type {ReturnType<typeof cellAt>} */ looked = null;

  /** @param {import("../../kit/widget.js").Widget} host @param {Reading} reading */
  constructor(host, reading) {
    this.host = host;
    this.reading = reading;
    const { weights } = reading;
    this.shares = overCells(({ matrix }, row, column) => weights[matrix][row][column]);
    host.listen(this.element, "pointermove pointerdown", (event) => {
      const box = this.element.getBoundingClientRect();
      this.look(
        cellAt(
          ((event.clientX - box.left) / box.width) * WIDE,
          ((event.clientY - box.top) / box.height) * TALL,
        ),
      );
    });
    host.listen(this.element, "pointerleave", () => this.look(null));
    host.whenLeaving(onTheme(() => host.guard(() => this.dress())));
    host.whenLeaving(() => cancelAnimationFrame(this.frame));
  }

  /** The edges and the names, and the colours of the theme: once it is in the page. */
  dress() {
    const ratio = Math.min(3, Math.max(1, Math.round(globalThis.devicePixelRatio || 1)));
    const unit = CELL * ratio;
    const { edges, host, shares } = this;
    edges.width = WIDE * unit;
    edges.height = TALL * unit;
    /** @private */ this.scale = scaleOf(host);
    const context = /** @type {CanvasRenderingContext2D} */ (edges.getContext("2d"));
    const image = context.createImageData(edges.width, edges.height);
    const thick = ratio;
    const put = (
      /** @type {number} */ at,
      /** @type {boolean} */ bright,
      /** @type {number} */ a,
    ) => {
      image.data[4 * at] = image.data[4 * at + 1] = image.data[4 * at + 2] = bright ? 255 : 0;
      image.data[4 * at + 3] = a;
    };
    for (let at = 0; at < shares.length; at++) {
      const share = shares[at];
      if (!share) continue;
      const [left, top] = [(at % WIDE) * unit, Math.floor(at / WIDE) * unit];
      const height = Math.sqrt(Math.abs(share));
      for (let down = 0; down < unit; down++)
        for (let across = 0; across < unit; across++) {
          const near = down < thick || across < thick;
          const far = down >= unit - thick || across >= unit - thick;
          if (near === far) continue;
          const bright = near === share > 0; // the light comes from above, at the left
          put((top + down) * edges.width + left + across, bright, height * (bright ? 120 : 90));
        }
    }
    context.putImageData(image, 0, 0);
    const sans = getComputedStyle(host).getPropertyValue("--mg-sans") || "sans-serif";
    context.font = `${12 * ratio}px ${sans}`;
    const colours = coloursOf(
      host,
      PLATES.map(({ kind }) => `--t-${kind}`),
    );
    for (const [i, { name, x, y }] of PLATES.entries()) {
      context.fillStyle = colours[i];
      context.fillText(name, x * unit, y * unit - 3 * ratio);
    }
    this.paint(Infinity);
  }

  /** Lights what adds to a step, band after band. @param {Step} step */
  show(step) {
    if (this.step === step) return;
    this.step = step;
    const { reading } = this;
    this.from = this.mixed(performance.now());
    const { weights } = reading;
    this.to = overCells(({ matrix }, row, column) =>
      Math.abs(weights[matrix][row][column] * reading.meets(matrix, row, column, step)),
    );
    this.tell();
    if (prefersLessMotion()) return this.paint(Infinity);
    /** @private */ this.began = performance.now();
    this.frame ||= requestAnimationFrame(() => this.host.guard(() => this.run()));
    return undefined;
  }

  /** @private */
  run() {
    const since = performance.now() - (this.began ?? 0);
    this.paint(since);
    const done = since > 4 * STAGGER_MS + RISE_MS;
    this.frame = done ? 0 : requestAnimationFrame(() => this.host.guard(() => this.run()));
  }

  /** How far the light of a band has come. @private @param {number} band @param {number} since */
  arrived(band, since) {
    return Math.max(0, Math.min(1, (since - band * STAGGER_MS) / RISE_MS));
  }

  /** What is bright at this moment. @private @param {number} now */
  mixed(now) {
    const since = this.frame ? now - (this.began ?? 0) : Infinity;
    if (since === Infinity) return this.to;
    return this.to.map((to, at) => {
      const p = this.arrived(Math.floor(at / WIDE / BAND), since);
      return this.from[at] + (to - this.from[at]) * p;
    });
  }

  /** @private @param {number} since ms after the letter came */
  paint(since) {
    const { scale, shares, from, to, light } = this;
    if (!scale) return;
    const context = /** @type {CanvasRenderingContext2D} */ (light.getContext("2d"));
    const image = context.createImageData(WIDE, TALL);
    for (let at = 0; at < shares.length; at++) {
      const share = shares[at];
      if (!share) continue;
      const p = this.arrived(Math.floor(at / WIDE / BAND), since);
      const bright = (from[at] + (to[at] - from[at]) * p) ** 0.75;
      const flash = since === Infinity ? 0 : 0.7 * Math.sin(Math.PI * p) * Math.sqrt(to[at]);
      const strength = Math.min(1, REST * Math.sqrt(Math.abs(share)) + bright + flash);
      const end = share < 0 ? scale.below : scale.above;
      for (let c = 0; c < 3; c++)
        image.data[4 * at + c] = scale.middle[c] + (end[c] - scale.middle[c]) * strength;
      image.data[4 * at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  /** @private @param {ReturnType<typeof cellAt>} cell */
  look(cell) {
    this.looked = cell;
    this.tell();
  }

  /** The number under the pointer, and what it adds. @private */
  tell() {
    const { looked, step, reading, readout } = this;
    const text =
      looked && step
        ? wordsOf(reading, looked, step)
        : "Bright cells count most. Point at one to read it.";
    if (readout.textContent !== text) readout.textContent = text;
  }
}

/**
 * @param {Reading} reading
 * @param {NonNullable<ReturnType<typeof cellAt>>} cell
 * @param {Step} step
 */
export function wordsOf(reading, { plate: { matrix, name }, row, column }, step) {
  const weight = reading.weights[matrix][row][column];
  const met = reading.meets(matrix, row, column, step);
  const said = `${name}, row ${row}, column ${column}: ${written(weight, 3)}`;
  if (matrix === "wte" || matrix === "wpe")
    return `${said}${met ? ", read for this letter" : ", not read here"}`;
  return `${said} × ${written(met, 3)} = ${written(weight * met, 3)}`;
}
