// How a run begins and which documents its steps take: what src/microgpt/training.py and batches.py
// do, for documents that fit or are cut.

import { shapes } from "./config.js";
import { Random } from "./random.js";
import { Tokenizer } from "./tokenizer.js";

/** @typedef {import("./config.js").Config} Config */

/**
 * The start of a run: seed, shuffle, first weights, in this order on one stream, which comes back
 * where it stands then.
 * @param {Config} config its vocab_size is that of the documents
 * @param {string[]} docs
 * @param {number} [seed]
 */
export function begin(config, docs, seed = 42) {
  const rng = new Random(seed);
  const shuffled = [...docs];
  rng.shuffle(shuffled);
  return { rng, docs: shuffled, tokenizer: Tokenizer.of(docs), weights: firstWeights(config, rng) };
}

/**
 * Gauss(0, std), drawn row by row in the order of `shapes`; std 0 draws all the same.
 * @param {Config} config
 * @param {Random} rng
 */
export function firstWeights(config, rng) {
  /** @type {Record<string, Float64Array>} */
  const weights = {};
  for (const [name, out, into] of shapes(config)) {
    const after = config.init_std_out !== null && /attn_wo$|mlp_fc2$/.test(name);
    const std = after ? Number(config.init_std_out) : config.init_std;
    weights[name] = Float64Array.from({ length: out * into }, () => rng.gauss(0, std));
  }
  return weights;
}

/**
 * The batches of `count` steps from `firstStep` on: step s takes rows (s · B + j) mod N, each cut
 * to its first block_size + 1 tokens.
 * @param {ArrayLike<number>[]} docs token ids with BOS on both sides
 * @param {{block_size: number}} config
 * @param {number} firstStep
 * @param {number} count
 * @param {number} [batchSize]
 * @returns {import("./engine.js").Batches}
 */
export function batches(docs, { block_size }, firstStep, count, batchSize = 1) {
  /** @type {number[]} */
  const tokens = [];
  const offsets = [0];
  const positions = [];
  for (let step = firstStep; step < firstStep + count; step++) {
    let sum = 0;
    for (let j = 0; j < batchSize; j++) {
      const doc = docs[(step * batchSize + j) % docs.length];
      const length = Math.min(doc.length, block_size + 1);
      for (let i = 0; i < length; i++) tokens.push(doc[i]);
      offsets.push(tokens.length);
      sum += length - 1;
    }
    positions.push(sum);
  }
  return {
    tokens: Int32Array.from(tokens),
    offsets: Int32Array.from(offsets),
    documents: new Int32Array(count).fill(batchSize),
    positions: Int32Array.from(positions),
  };
}
