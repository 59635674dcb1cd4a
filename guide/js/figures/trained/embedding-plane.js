// The 27 rows of the trained wte as points in a plane: the two directions in which they differ most
// (principal components), who is near whom, and what the model writes after a row. No DOM.

import { dot, floats, softmax } from "../../numbers/arithmetic.js";
import { emptyCache, gpt } from "../../numbers/forward.js";

/** @typedef {import("./real-model.js").Real} Real */
/**
 * @typedef {object} Plane
 * @property {number[]} middle the mean of the rows
 * @property {number[][]} axes two directions of length 1, at a right angle
 * @property {number[]} shares how much of the variance lies along each
 */

const ENOUGH = 1e-30; // what is left beside the diagonal, squared
const LEAST_TURNS = 50; // a dozen do

/**
 * Eigenvalues of a symmetric matrix, the largest first, each with its direction: by Jacobi's
 * rotations, which take one number beside the diagonal to 0 at a time.
 * @param {number[][]} symmetric
 */
export function eigen(symmetric) {
  const n = symmetric.length;
  const a = symmetric.map((row) => [...row]);
  const turned = a.map((_, i) => a.map((_, j) => (i === j ? 1 : 0))); // columns are the directions
  for (let turn = 0; turn < LEAST_TURNS; turn++) {
    let beside = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) beside += a[i][j] ** 2;
    if (beside < ENOUGH) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, turned, p, q);
  }
  return a
    .map((row, i) => ({ value: row[i], direction: turned.map((line) => line[i]) }))
    .sort((one, other) => other.value - one.value);
}

/** @param {number[][]} a @param {number[][]} turned @param {number} p @param {number} q */
function rotate(a, turned, p, q) {
  if (a[p][q] === 0) return;
  const ratio = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const t = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(ratio, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const row of [...a, ...turned])
    [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
  const [one, other] = [a[p], a[q]];
  a[p] = one.map((x, k) => c * x - s * other[k]);
  a[q] = one.map((x, k) => s * x + c * other[k]);
}

/**
 * The plane in which the rows lie furthest apart. An axis could as well point the other way: here
 * the first row, that of a, lies to the right of the middle and above it.
 * @param {number[][]} rows
 * @returns {Plane}
 */
export function planeOf(rows) {
  const middle = rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
  const away = rows.map((row) => row.map((x, i) => x - middle[i]));
  const scatter = middle.map((_, i) =>
    middle.map((_, j) => away.reduce((sum, row) => sum + row[i] * row[j], 0)),
  );
  const found = eigen(scatter);
  const all = found.reduce((sum, { value }) => sum + value, 0);
  const first = found.slice(0, 2);
  return {
    middle,
    axes: first.map(({ direction }) => {
      const sign = dot(floats, direction, away[0]) < 0 ? -1 : 1;
      return direction.map((x) => sign * x);
    }),
    shares: first.map(({ value }) => value / all),
  };
}

/** Where a vector lies in the plane. @param {Plane} plane @param {number[]} vector */
export function placeOf({ middle, axes }, vector) {
  const away = vector.map((x, i) => x - middle[i]);
  return axes.map((axis) => dot(floats, axis, away));
}

/**
 * A vector moved along the two axes; in the other directions it stays where it was.
 * @param {Plane} plane
 * @param {number[]} vector
 * @param {number[]} by
 */
export const moved = ({ axes }, vector, [first, second]) =>
  vector.map((x, i) => x + first * axes[0][i] + second * axes[1][i]);

/**
 * The other rows by their distance in all directions, the nearest first.
 * @param {number[][]} rows
 * @param {number} token whose row it is
 * @param {number[]} row as it is now
 */
export function nearest(rows, token, row) {
  return rows
    .map((other, i) => ({ token: i, distance: Math.hypot(...other.map((x, k) => x - row[k])) }))
    .filter((one) => one.token !== token)
    .sort((one, other) => one.distance - other.distance);
}

/**
 * The probabilities of what follows a token at a position, with only BOS before it; at position 0
 * nothing is before it.
 * @param {Real} real
 * @param {number} token
 * @param {number[]} row what stands in wte for it
 * @param {number} at
 */
export function nextAfter({ config, weights, tokenizer }, token, row, at) {
  const own = { ...weights, wte: weights.wte.with(token, row) };
  const cache = emptyCache(config);
  if (at > 0) gpt(floats, config, own, tokenizer.bos, 0, cache);
  return softmax(floats, gpt(floats, config, own, token, at, cache));
}

/**
 * The sums of a token's row and each position's.
 * @param {Real} real
 * @param {number[]} row
 */
export const summed = ({ weights }, row) =>
  weights.wpe.map((position) => row.map((x, i) => x + position[i]));
