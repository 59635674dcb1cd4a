// What the trained model makes of a beginning, letter by letter: its scores for what comes next,
// and how much each of its numbers adds on the way. No DOM.

import { makeConfig, shapes } from "../../config.js";
import { FileError } from "../../errors.js";
import { asRows, floats } from "../../numbers/arithmetic.js";
import { emptyCache, gpt } from "../../numbers/forward.js";

/** @typedef {import("../../config.js").Config} Config */
/** @typedef {Record<string, number[][]>} Rows rows by state-dict name */
/**
 * @typedef {{token: number, position: number, notes: Record<string, any>, logits: number[]}} Step
 */

/** What each matrix is multiplied with, by the names of the forward pass. @type {Rows | any} */
const MEETS = {
  "layer0.attn_wq": "layer0.x_pre_attn",
  "layer0.attn_wk": "layer0.x_pre_attn",
  "layer0.attn_wv": "layer0.x_pre_attn",
  "layer0.attn_wo": "layer0.head_out",
  "layer0.mlp_fc1": "layer0.x_pre_mlp",
  "layer0.mlp_fc2": "layer0.fc1",
  lm_head: "layer0.x_final",
};

/**
 * The numbers of a model in the order of its shapes, 4 bytes each, little-endian: files/model.f32.
 * Less than half of model.json, and good to seven digits.
 * @param {ArrayBuffer} bytes
 * @param {Readonly<Config>} [config]
 * @returns {Rows}
 */
export function readFloats(bytes, config = makeConfig()) {
  const sizes = shapes(config);
  const count = sizes.reduce((sum, [, out, into]) => sum + out * into, 0);
  if (bytes.byteLength !== 4 * count)
    throw new FileError(`model.f32 has ${bytes.byteLength} bytes, must have ${4 * count}.`);
  const view = new DataView(bytes);
  let at = 0;
  /** @type {Record<string, Float64Array>} */
  const flat = {};
  for (const [name, out, into] of sizes)
    flat[name] = Float64Array.from({ length: out * into }, () => view.getFloat32(4 * at++, true));
  return asRows(flat, sizes);
}

/** A model that keeps what it has read, so that one more letter costs one letter. */
export class Reading {
  /** @param {Rows} weights @param {Readonly<Config>} [config] */
  constructor(weights, config = makeConfig()) {
    this.weights = weights;
    this.config = config;
    /** @private @type {import("../../numbers/forward.js").Cache<number>} */
    this.cache = emptyCache(config);
    /** @private @type {Step[]} */ this.steps = [];
  }

  /**
   * The last step of BOS and these tokens.
   * @param {readonly number[]} tokens at most block_size - 1
   * @returns {Step}
   */
  after(tokens) {
    const all = [this.config.vocab_size - 1, ...tokens];
    const { steps, cache, config, weights } = this;
    let same = 0;
    while (same < Math.min(all.length, steps.length) && steps[same].token === all[same]) same++;
    steps.length = same;
    for (const part of [...cache.keys, ...cache.values]) part.length = same;
    for (let position = same; position < all.length; position++) {
      /** @type {Record<string, any>} */
      const notes = {};
      const note = (/** @type {string} */ name, /** @type {any} */ value) => (notes[name] = value);
      const logits = gpt(floats, config, weights, all[position], position, cache, note);
      steps.push({ token: all[position], position, notes, logits });
    }
    return steps[all.length - 1];
  }

  /**
   * What one number of a matrix is multiplied with at a step; 1 or 0 for a row that is looked up.
   * @param {string} matrix
   * @param {number} row
   * @param {number} column
   * @param {Step} step
   */
  meets(matrix, row, column, { token, position, notes }) {
    if (matrix === "wte") return Number(row === token);
    if (matrix === "wpe") return Number(row === position);
    return Number(notes[MEETS[matrix]][column]);
  }
}
