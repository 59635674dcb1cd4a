// A linear layer of three by three, and softmax step by step, for the figure that shows them. No
// DOM.

import { floats, linear, total } from "../../numbers/arithmetic.js";
import { decimals, written } from "../../kit/text.js";

/** Makes the logits 2, 1, 0. */
export const FIRST_LAYER = Object.freeze({
  x: [1, 2, -1],
  w: [
    [1, 0.5, 0],
    [0.5, 0, -0.5],
    [-1, 0.5, 0],
  ],
});

/**
 * @param {{x?: number[], w?: number[]}} layer w: its rows, one behind the other
 */
export function throughLayer({ x = [], w = [] }) {
  const rows = Array.from({ length: w.length / x.length }, (_, r) =>
    w.slice(r * x.length, (r + 1) * x.length),
  );
  return linear(floats, x, rows).map((y) => Number(y.toFixed(12)));
}

/** As short as it can be written, with three decimals at most. @param {number} v */
export const short = (v) => written(v, Math.min(3, decimals(Number(v.toFixed(3)))));

/**
 * One output as a sum of products, in words.
 * @param {number[]} x
 * @param {number[]} row
 */
export function layerRow(x, row) {
  const factor = (/** @type {number} */ v) => (v < 0 ? `(${short(v)})` : short(v));
  return row.map((w, i) => `${factor(w)}·${factor(x[i])}`).join(" + ");
}

/**
 * What softmax does, number by number.
 * @param {number[]} logits
 */
export function softmaxSteps(logits) {
  const largest = Math.max(...logits);
  const shifted = logits.map((z) => z - largest);
  const exps = shifted.map((z) => Math.exp(z));
  const sum = total(floats, exps);
  return { largest, shifted, exps, total: sum, probs: exps.map((e) => e / sum) };
}
