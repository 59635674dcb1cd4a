// Slopes by nudging beside the exact slope: what the page on derivatives shows. No DOM.

import { build, parse } from "../../numbers/expression.js";

/**
 * @type {Readonly<Record<string, {title: string, source: string, y: {low: number, high: number}}>>}
 */
export const CURVES = Object.freeze({
  loss: {
    title: "log(1 + exp(−p)), a loss",
    source: "log(1 + exp(-p))",
    y: { low: -0.5, high: 3.5 },
  },
  square: { title: "p²/2", source: "p**2/2", y: { low: -1, high: 5 } },
  wave: { title: "p³/6 − p", source: "p**3/6 - p", y: { low: -2.5, high: 2.5 } },
  relu: { title: "relu(p), with a corner", source: "relu(p)", y: { low: -1, high: 3.5 } },
});

/** @type {Map<string, (p: number) => number>} */
const functions = new Map();

/**
 * A curve as a function, computed by Values.
 * @param {string} source in p
 */
export function functionOf(source) {
  const before = functions.get(source);
  if (before) return before;
  const parsed = parse(source);
  const made = (/** @type {number} */ p) => build(parsed, { p }).root.data;
  functions.set(source, made);
  return made;
}

/**
 * The slope at p: by autograd, and by nudging both ways and one way.
 * @param {string} source in p
 * @param {number} p
 * @param {number} epsilon
 */
export function slopes(source, p, epsilon) {
  const { root, leaves } = build(parse(source), { p });
  root.backward();
  const of = functionOf(source);
  const [above, below] = [of(p + epsilon), of(p - epsilon)];
  const central = (above - below) / (2 * epsilon);
  const forward = (above - root.data) / epsilon;
  const exact = leaves.p?.grad ?? 0;
  return { at: root.data, above, below, exact, central, forward, error: central - exact };
}
