// A tensor as rows of numbers: what the flat view shows of it at a moment of a token's way. No DOM.

import { labelsOf } from "../figures/trained/real-model.js";
import { madeAt } from "./phases.js";

/** @typedef {import("./numbers.js").Numbers} Numbers */
/** @typedef {import("./colours.js").Moment} Moment */

/**
 * A tensor as rows: every number of it that is known at this moment, and where each one belongs.
 * @param {Numbers} numbers
 * @param {string} name
 * @param {Moment} moment
 */
export function gridOf(numbers, name, { at, phase }) {
  const { real, tokens, traced } = numbers;
  const letters = labelsOf(
    real,
    Array.from({ length: real.config.vocab_size }, (_, i) => i),
  );
  const who = labelsOf(real, tokens).map((letter, t) => `${t} ${letter}`);
  const count = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => String(i));
  if (real.weights[name]) {
    const values = real.weights[name];
    const rows =
      name === "wte" || name === "lm_head"
        ? letters
        : name === "wpe"
          ? values.map((_, i) => `pos ${i}`)
          : count(values.length);
    return {
      values,
      rows,
      columns: count(values[0].length),
      placeOf: (/** @type {number} */ r, /** @type {number} */ c) => ({ name, at: [r, c] }),
    };
  }
  const all = traced[name];
  if (Array.isArray(all[0]?.[0])) {
    // of attention: the heads of the token on its way
    const heads = all[at].filter(
      (/** @type {number[]} */ _, /** @type {number} */ h) => madeAt(name, h) <= phase,
    );
    return {
      values: heads.map((/** @type {number[]} */ row) => row.slice(0, at + 1)),
      rows: heads.map((/** @type {number[]} */ _, /** @type {number} */ h) => `head ${h + 1}`),
      columns: who.slice(0, at + 1),
      placeOf: (/** @type {number} */ h, /** @type {number} */ s) => ({ name, at: [at, h, s] }),
    };
  }
  const made =
    name === "layer0.head_out" ? madeAt(name, real.config.n_head - 1) : madeAt(name, null);
  const known = all.slice(0, made <= phase ? at + 1 : at);
  const isScalar = typeof all[0] === "number";
  const columns = isScalar
    ? ["0"]
    : name === "logits" || name === "probs"
      ? letters
      : count(all[0].length);
  return {
    values: known.map((/** @type {any} */ row) => (isScalar ? [row] : row)),
    rows: who.slice(0, known.length),
    columns,
    placeOf: (/** @type {number} */ t, /** @type {number} */ i) => ({
      name,
      at: isScalar ? [t] : [t, i],
    }),
  };
}
