// What the figures of the maths refresher compute. No DOM.

import { choice, Random } from "../random.js";

/**
 * @typedef {object} Curve
 * @property {string} title
 * @property {(x: number) => number} of
 * @property {(x: number) => number} slope
 * @property {{low: number, high: number}} x where it is drawn
 * @property {{low: number, high: number}} y
 * @property {number} least the smallest x that it takes
 */

/** @type {Record<string, Curve>} */
export const CURVES = Object.freeze({
  exp: {
    title: "exp(x)",
    of: Math.exp,
    slope: Math.exp,
    x: { low: -3, high: 3 },
    y: { low: -1, high: 8 },
    least: -3,
  },
  ln: {
    title: "ln(x)",
    of: Math.log,
    slope: (x) => 1 / x,
    x: { low: 0, high: 6 },
    y: { low: -4, high: 3 },
    least: 0.05,
  },
  square: {
    title: "x²",
    of: (x) => x * x,
    slope: (x) => 2 * x,
    x: { low: -3, high: 3 },
    y: { low: -1, high: 8 },
    least: -3,
  },
});

/**
 * Value, slope, and the slope that a nudge measures.
 * @param {string} name of one of `CURVES`
 * @param {number} x
 * @param {number} [nudge]
 */
export function slopeAt(name, x, nudge = 0.001) {
  const { of, slope } = CURVES[name];
  return { value: of(x), slope: slope(x), measured: (of(x + nudge) - of(x)) / nudge };
}

/**
 * Two arrows in the plane.
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
export function twoArrows(a, b) {
  const products = a.map((x, i) => x * b[i]);
  const dot = products.reduce((sum, x) => sum + x, 0);
  const [long, other] = [Math.hypot(...a), Math.hypot(...b)];
  const cosine = long && other ? Math.max(-1, Math.min(1, dot / (long * other))) : NaN;
  return { products, dot, lengths: [long, other], degrees: (Math.acos(cosine) * 180) / Math.PI };
}

/**
 * Shares of weights, with what they surprise by.
 * @param {readonly number[]} weights none below zero, not all zero
 */
export function sharesOf(weights) {
  const total = weights.reduce((sum, x) => sum + x, 0);
  const shares = weights.map((x) => x / total);
  const surprises = shares.map((p) => -Math.log(p));
  const entropy = shares.reduce((sum, p, i) => (p ? sum + p * surprises[i] : sum), 0);
  return { shares, surprises, entropy };
}

/**
 * Draws by weight, as Python's `random.choices` does from the same seed.
 * @param {readonly number[]} weights
 * @param {number} seed
 * @param {number} count
 */
export function drawn(weights, seed, count) {
  const random = new Random(seed);
  const counts = weights.map(() => 0);
  const uniforms = Array.from(random.uniforms(count));
  for (const uniform of uniforms) counts[choice(weights, uniform)]++;
  const { surprises } = sharesOf(weights);
  const sum = counts.reduce((all, n, i) => (n ? all + n * surprises[i] : all), 0);
  return { counts, uniforms, mean: count ? sum / count : NaN };
}
