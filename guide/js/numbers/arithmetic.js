// What the forward pass is made of, written once for plain numbers and for Values: `floats` and
// `values` say how either is added and multiplied. Same order of operations as
// src/microgpt/model.py.

import { raised, Value } from "./value.js";

/**
 * @template T
 * @typedef {object} Arithmetic
 * @property {(a: T, b: T) => T} add
 * @property {(a: T, b: T) => T} mul
 * @property {(a: T, b: number) => T} shift a + b
 * @property {(a: T, b: number) => T} times a · b
 * @property {(a: T, power: number) => T} pow
 * @property {(a: T) => T} exp
 * @property {(a: T) => T} log
 * @property {(a: T) => T} relu
 * @property {(a: T) => number} plain the number without its graph
 */

/** @type {Arithmetic<number>} */
export const floats = Object.freeze({
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  shift: (a, b) => a + b,
  times: (a, b) => a * b,
  pow: raised,
  exp: Math.exp,
  log: Math.log,
  relu: (a) => (a > 0 ? a : 0),
  plain: (a) => a,
});

/** @type {Arithmetic<Value>} */
export const values = Object.freeze({
  add: (a, b) => a.add(b),
  mul: (a, b) => a.mul(b),
  shift: (a, b) => a.add(b),
  times: (a, b) => a.mul(b),
  pow: (a, power) => a.pow(power),
  exp: (a) => a.exp(),
  log: (a) => a.log(),
  relu: (a) => a.relu(),
  plain: (a) => a.data,
});

/**
 * The sum, from left to right.
 * @template T
 * @param {Arithmetic<T>} on
 * @param {ArrayLike<T>} numbers at least one
 */
export function total(on, numbers) {
  let sum = numbers[0];
  for (let i = 1; i < numbers.length; i++) sum = on.add(sum, numbers[i]);
  return sum;
}

/**
 * Inner product, from left to right.
 * @template T
 * @param {Arithmetic<T>} on
 * @param {ArrayLike<T>} a
 * @param {ArrayLike<T>} b
 */
export function dot(on, a, b) {
  let sum = on.mul(a[0], b[0]);
  for (let i = 1; i < a.length; i++) sum = on.add(sum, on.mul(a[i], b[i]));
  return sum;
}

/**
 * Matrix times vector: x [in], w [out × in] → [out].
 * @template T
 * @param {Arithmetic<T>} on
 * @param {ArrayLike<T>} x
 * @param {ArrayLike<T>[]} w
 * @returns {T[]}
 */
export function linear(on, x, w) {
  return w.map((row) => dot(on, row, x));
}

/**
 * Scores → positive numbers that sum to 1. The maximum is taken off as a plain number.
 * @template T
 * @param {Arithmetic<T>} on
 * @param {ArrayLike<T>} scores
 * @returns {T[]}
 */
export function softmax(on, scores) {
  let highest = -Infinity;
  for (let i = 0; i < scores.length; i++) highest = Math.max(highest, on.plain(scores[i]));
  const exps = Array.from(scores, (x) => on.exp(on.shift(x, -highest)));
  const divisor = total(on, exps);
  return exps.map((e) => on.mul(e, on.pow(divisor, -1)));
}

/**
 * Mean square of x, and the number that rmsnorm multiplies x with.
 * @template T
 * @param {Arithmetic<T>} on
 * @param {ArrayLike<T>} x
 */
export function normScale(on, x) {
  const meanSquare = on.times(dot(on, x, x), 1 / x.length);
  return { meanSquare, scale: on.pow(on.shift(meanSquare, 1e-5), -0.5) };
}

/**
 * x · (mean(x²) + 1e-5)^-0.5.
 * @template T
 * @param {Arithmetic<T>} on
 * @param {T[]} x
 * @returns {T[]}
 */
export function rmsnorm(on, x) {
  const { scale } = normScale(on, x);
  return x.map((xi) => on.mul(xi, scale));
}

/**
 * How unsure a distribution is, in bits.
 * @param {ArrayLike<number>} probs
 */
export function entropyBits(probs) {
  let bits = 0;
  for (let i = 0; i < probs.length; i++) if (probs[i] > 0) bits -= probs[i] * Math.log2(probs[i]);
  return bits;
}

/**
 * Flat matrices as rows; what is rows already is copied.
 * @param {import("../engine.js").Weights} weights
 * @param {[string, number, number][]} shapes
 * @returns {Record<string, number[][]>}
 */
export function asRows(weights, shapes) {
  /** @type {Record<string, number[][]>} */
  const result = {};
  for (const [name, out, into] of shapes) {
    const matrix = weights[name];
    result[name] = Array.from({ length: out }, (_, r) => {
      if (typeof matrix[0] !== "number") {
        return Array.from(/** @type {ArrayLike<number>} */ (matrix[r]));
      }
      return Array.from({ length: into }, (_, i) => Number(matrix[r * into + i]));
    });
  }
  return result;
}
