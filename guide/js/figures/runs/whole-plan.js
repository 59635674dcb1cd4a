// Where all matrices of the model lie in one picture: the embeddings at one side, attention and MLP
// in the middle, the logits' matrix at the other; on narrow pictures in rows. No DOM.
//
// mlp_fc1 lies turned, so that a neuron of the MLP is one column in both of its matrices.

import { PLACES } from "./time-machine.js";

/**
 * @typedef {{matrix: string, at: number, rows: number, columns: number, isTurned: boolean,
 *   left: number, top: number, wide: number, high: number}} Part `wide` and `high` in cells
 */
/**
 * @typedef {{cell: number, height: number, parts: Part[],
 *   legend: {left: number, top: number, width: number, isShort: boolean}}} Whole
 */

const TITLE = 17; // px above each matrix
const NAMES = 15; // px left of a matrix whose rows are tokens
const BETWEEN = 11; // px from one to the next
const LOOSE = 6; // px more between what belongs to different parts of the model
const LEAST = 5; // px of a cell, where all stand side by side
const [NARROW, DEEP, MIDDLE] = [16, 27, 64]; // columns of most, rows of the tables, columns between

/**
 * @param {number} width of the picture in CSS pixels
 * @param {number} [ratio] pixels of the screen for each
 * @returns {Whole}
 */
export function wholeFor(width, ratio = 1) {
  const isWhole = (/** @type {number} */ x) => Math.max(2, Math.floor(x * ratio) / ratio);
  const space = 2 * NAMES + 5 * BETWEEN + 2 * LOOSE;
  const beside = isWhole((width - space) / (2 * NARROW + MIDDLE));
  return beside >= LEAST ? besides(beside) : rows(isWhole((width - NAMES - 3 * BETWEEN) / MIDDLE));
}

/** @param {string} matrix @param {number} left @param {number} top @returns {Part} */
function part(matrix, left, top) {
  const isTurned = matrix === "layer0.mlp_fc1";
  const { at, rows: r, columns: c } = PLACES[matrix];
  const [wide, high] = isTurned ? [r, c] : [c, r];
  return { matrix, at, rows: r, columns: c, isTurned, left, top: top + TITLE, wide, high };
}

const SQUARES = ["layer0.attn_wq", "layer0.attn_wk", "layer0.attn_wv", "layer0.attn_wo"];

/** @param {number} cell @returns {Whole} */
function besides(cell) {
  const under = (/** @type {number} */ high) => TITLE + high * cell + BETWEEN;
  const middle = NAMES + NARROW * cell + BETWEEN + LOOSE;
  const last = middle + MIDDLE * cell + 3 * BETWEEN + NAMES + BETWEEN + LOOSE;
  const parts = [
    part("wte", NAMES, 0),
    part("wpe", NAMES, under(DEEP)),
    ...SQUARES.map((name, i) => part(name, middle + i * (NARROW * cell + BETWEEN), 0)),
    part("layer0.mlp_fc1", middle, under(NARROW)),
    part("layer0.mlp_fc2", middle, 2 * under(NARROW)),
    part("lm_head", last, 0),
  ];
  const height = 3 * under(NARROW) - BETWEEN;
  const legend = { left: last, top: under(DEEP) + TITLE, width: NARROW * cell, isShort: false };
  return { cell, height: Math.ceil(height), parts, legend };
}

/** @param {number} cell @returns {Whole} */
function rows(cell) {
  const across = (/** @type {number} */ i) => NAMES + i * (NARROW * cell + BETWEEN);
  const tops = [0];
  for (const high of [DEEP, NARROW, NARROW, NARROW])
    tops.push(tops[tops.length - 1] + TITLE + high * cell + BETWEEN);
  const parts = [
    part("wte", across(0), 0),
    part("wpe", across(1), 0),
    part("lm_head", across(3), 0),
    ...SQUARES.map((name, i) => part(name, across(i), tops[1])),
    part("layer0.mlp_fc1", NAMES, tops[2]),
    part("layer0.mlp_fc2", NAMES, tops[3]),
  ];
  const legend = { left: across(2), top: TITLE, width: (NARROW - 4) * cell, isShort: true };
  return { cell, height: Math.ceil(tops[4] - BETWEEN), parts, legend };
}

/**
 * The number under a point of the picture, or null.
 * @param {Whole} whole
 * @param {number} x
 * @param {number} y
 */
export function numberAt({ cell, parts }, x, y) {
  for (const { matrix, left, top, wide, high, isTurned } of parts) {
    const [across, down] = [Math.floor((x - left) / cell), Math.floor((y - top) / cell)];
    if (across < 0 || down < 0 || across >= wide || down >= high) continue;
    return isTurned ? { matrix, r: across, c: down } : { matrix, r: down, c: across };
  }
  return null;
}
