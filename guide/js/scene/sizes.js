// The same plates for GPT-2 small, in the scale of the scene: how large each is, and where it
// stands beside ours. A cell is as large as ours. No DOM.

import { MODEL_SIZES } from "../numbers/facts.js";
import { shape } from "../kit/shapes.js";
import { framing, pictureMatrix, projected } from "./camera.js";

/** @typedef {import("../kit/shapes.js").Shape} Shape */
/** @typedef {import("./layout.js").Box} Box */
/** @typedef {import("./layout.js").Point} Point */
/**
 * @typedef {{name: string, kind: string, block: number, wide: number, high: number,
 *   box: Box}} Plate
 */

const [, OURS, GPT2] = MODEL_SIZES;
export { GPT2, OURS };

const BESIDE = 120; // between our model and its first plate
const GAP = 0.12; // between plates, as a share of a plate's width
const BETWEEN = 0.6; // between blocks
const LEAST_NAMED = 44; // pixels across
const LINE = 15;
const MIDDLE = GPT2.n_layer / 2; // the block over which their number stands
const LEAST_SEEN = 24; // what is smaller is pointed at
const CHAR = 7;

/**
 * All plates of GPT-2 small, standing on the ground of our model, from left to right as ours: the
 * table of tokens, that of positions, and twelve blocks. Its last plate is its first once more.
 * @param {Box} ours
 * @returns {Plate[]}
 */
export function platesOf({ low, high }) {
  const { vocab, n_embd: c, block: positions, n_layer } = GPT2;
  const ground = low[1];
  let x = high[0] + BESIDE;
  /** @type {Plate[]} */
  const plates = [];
  const add = (
    /** @type {string} */ name,
    /** @type {string} */ kind,
    /** @type {number} */ tall,
    /** @type {number} */ block = -1,
    /** @type {number} */ y = 0,
  ) =>
    plates.push({
      name,
      kind,
      block,
      wide: c,
      high: tall,
      box: { low: [x, ground + y, 0], high: [x + c, ground + y + tall, 0] },
    });
  add("wte", "x", vocab);
  x += c * (1 + GAP);
  add("wpe", "x", positions);
  x += c * (1 + BETWEEN);
  for (let block = 0; block < n_layer; block++) {
    ["v", "k", "q"].forEach((name, i) => add(`attn_w${name}`, name, c, block, i * c * (1 + GAP)));
    x += c * (1 + GAP);
    add("attn_wo", "attention", c, block);
    x += c * (1 + GAP);
    add("mlp_fc1", "mlp", 4 * c, block);
    x += c * (1 + GAP);
    add("mlp_fc2", "mlp", 4 * c, block);
    x += c * (1 + BETWEEN);
  }
  return plates;
}

/** How many numbers plates have. @param {Plate[]} plates */
export const cellsOf = (plates) => plates.reduce((sum, { wide, high }) => sum + wide * high, 0);

/**
 * What a view of the sizes frames: the foot of its tables beside ours, one block, all of it.
 * @param {"foot" | "block" | "whole"} what
 * @param {Box} ours
 * @returns {Box[]}
 */
export function framed(what, ours) {
  const plates = platesOf(ours);
  if (what === "whole") return [ours, ...plates.map(({ box }) => box)];
  if (what === "block") return plates.filter(({ block }) => block === 0).map(({ box }) => box);
  const [wte, wpe] = plates.map(({ box }) => box);
  return [
    ours,
    wpe,
    { low: wte.low, high: [wte.high[0], wpe.high[1], 0] }, // the tower goes on above
  ];
}

const NEAR = 1e-3;

/**
 * A name, or the size under it.
 * @param {number} line
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {Record<string, string>} looks
 */
const words = (line, x, y, text, looks) =>
  shape(
    "text",
    { class: line ? "scene-size" : "scene-name", x: x.toFixed(1), y: y.toFixed(1), ...looks },
    text,
  );

/**
 * A plate in the picture: the corners of what lies before the eye, in pixels.
 * @param {Float32Array} m
 * @param {Box} box
 * @param {{w: number, h: number}} size
 */
function corners(m, { low, high }, { w, h }) {
  const flat = /** @type {Point[]} */ ([
    [low[0], low[1], low[2]],
    [high[0], low[1], low[2]],
    [high[0], high[1], low[2]],
    [low[0], high[1], low[2]],
  ]);
  const away = flat.map((p) => projected(m, p).away);
  const reach = Math.max(...away) * NEAR;
  /** @type {Point[]} */
  const kept = [];
  flat.forEach((p, i) => {
    const j = (i + 1) % 4;
    if (away[i] > reach) kept.push(p);
    if (away[i] > reach !== away[j] > reach) {
      const share = (reach - away[i]) / (away[j] - away[i]);
      kept.push(/** @type {Point} */ (p.map((x, k) => x + (flat[j][k] - x) * share)));
    }
  });
  return kept.map((p) => {
    const { x, y } = projected(m, p);
    const within = (/** @type {number} */ one) => Math.max(-20, Math.min(20, one));
    return [((within(x) + 1) / 2) * w, ((1 - within(y)) / 2) * h];
  });
}

/**
 * The plates as shapes over a picture, and where ours is.
 * @param {Float32Array} matrix
 * @param {{w: number, h: number}} size
 * @param {Box} ours
 * @returns {Shape[]}
 */
export function sizeShapes(matrix, size, ours) {
  const { w, h } = size;
  /** @type {Shape[]} */
  const made = [];
  /** @type {Shape[]} */
  const names = [];
  for (const { name, kind, block, wide, high, box } of platesOf(ours)) {
    const points = corners(matrix, box, size);
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const seen = xs.length > 2 && Math.max(...xs) > 0 && Math.min(...xs) < w;
    const at = points.map((p) => p.map((x) => x.toFixed(1)).join()).join(" ");
    made.push(
      shape("polygon", { class: "scene-plate", "data-kind": kind, points: seen ? at : "" }),
    );
    const [left, right] = [Math.max(0, Math.min(...xs)), Math.min(w, Math.max(...xs))];
    const [top, low] = [Math.max(0, Math.min(...ys)), Math.min(h, Math.max(...ys))];
    const sides = name === "mlp_fc2" ? [wide, high] : [high, wide]; // it lies on its side
    const counted = sides.map((n) => n.toLocaleString("en")).join(" × ");
    const lines = [name, counted].filter((text) => text.length * CHAR < right - left);
    const isNamed = seen && right - left > LEAST_NAMED && low - top > 16 * lines.length;
    const inside = { "data-kind": kind, "text-anchor": "middle" };
    if (isNamed && block < 1)
      lines.forEach((text, i) =>
        names.push(words(i, (left + right) / 2, (top + low) / 2 + LINE * i, text, inside)),
      );
    else if (seen && name === "wte" && Math.min(...xs) > 0)
      [name, counted].forEach((text, i) =>
        names.push(words(i, right + 8, top + 30 + LINE * i, text, { "data-kind": kind })),
      );
    if (seen && !isNamed && name === "mlp_fc1" && block === MIDDLE)
      names.push(words(0, right, top - 8, `${GPT2.name}: ${GPT2.n_layer} blocks`, { ...inside }));
  }
  return [...made, ...names, ...pointer(matrix, size, ours)];
}

/**
 * A ring and a line to our model, where it is too small to be seen for what it is.
 * @param {Float32Array} matrix
 * @param {{w: number, h: number}} size
 * @param {Box} ours
 */
function pointer(matrix, { w, h }, { low, high }) {
  const at = (/** @type {number} */ x, /** @type {number} */ y) => {
    const p = projected(matrix, [x, y, 0]);
    return [((p.x + 1) / 2) * w, ((1 - p.y) / 2) * h, p.away];
  };
  const [left, , away] = at(low[0], low[1]);
  const [right] = at(high[0], low[1]);
  const [x, y] = at((low[0] + high[0]) / 2, (low[1] + high[1]) / 2);
  if (away <= 0 || x < 0 || x > w || y < 0 || y > h) return [];
  const text = `ours, ${OURS.parameters.toLocaleString("en")}`;
  const looks = { class: "scene-name scene-ours" };
  const isSmall = right - left < LEAST_SEEN;
  if (!isSmall) {
    const top = y - ((right - left) * (high[1] - low[1])) / (high[0] - low[0]) / 2 - 10;
    return [words(0, Math.max(x, 50), top, text, { ...looks, "text-anchor": "middle" })];
  }
  const ring = { class: "scene-ring", cx: x.toFixed(1), cy: y.toFixed(1), r: 7 };
  const isLeft = x > text.length * CHAR + 14;
  const end = { ...looks, "text-anchor": isLeft ? "end" : "middle" };
  return [
    shape("circle", ring),
    words(0, isLeft ? x - 13 : Math.max(x, 50), isLeft ? y + 4 : y + 22, text, end),
  ];
}

/**
 * The same as a flat picture.
 * @param {"foot" | "block" | "whole"} what
 * @param {Box} ours
 * @param {{w: number, h: number}} size
 */
export function flatSizes(what, ours, size) {
  const aspect = size.w / size.h;
  const view = framing(framed(what, ours), { turn: 0, tilt: 0 }, aspect);
  return sizeShapes(pictureMatrix(view, aspect), size, ours);
}
