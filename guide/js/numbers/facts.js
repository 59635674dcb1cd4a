// What can be said of documents and models by counting.

import { parameters, shapes } from "../config.js";

/**
 * @param {string[]} docs
 */
export function datasetFacts(docs) {
  const chars = new Set(docs.flatMap((doc) => [...doc]));
  /** @type {number[]} */
  const lengths = [];
  for (const doc of docs) {
    const length = [...doc].length;
    lengths[length] = (lengths[length] ?? 0) + 1;
  }
  const vocabSize = chars.size + 1;
  return {
    documents: docs.length,
    distinct: new Set(docs).size,
    longest: lengths.length - 1,
    /** how many documents have each length, from 0 */
    lengths: Array.from(lengths, (count) => count ?? 0),
    vocabSize,
    /** the loss of guessing blindly, in nats and bits */
    blindNats: Math.log(vocabSize),
    blindBits: Math.log2(vocabSize),
  };
}

/**
 * How many documents lose their end token in a block of this size.
 * @param {string[]} docs
 * @param {number} blockSize
 */
export function cutByBlock(docs, blockSize) {
  return docs.filter((doc) => [...doc].length + 1 > blockSize).length;
}

/**
 * Every matrix of a model with its share of the parameters.
 * @param {import("../config.js").Config} config
 */
export function tally(config) {
  const all = parameters(config);
  const matrices = shapes(config).map(([name, out, into]) => ({
    name,
    out,
    into,
    count: out * into,
    share: (out * into) / all,
  }));
  return { matrices, total: all };
}

/**
 * The three models that are set side by side. GPT-2's count is of its published shape: embeddings
 * that are used twice, biases, and the gain and bias of its norms.
 */
export const MODEL_SIZES = Object.freeze(
  [
    { name: "toy", vocab: 4, n_embd: 2, n_head: 1, head_dim: 2, block: 4, n_layer: 1 },
    { name: "microgpt", vocab: 27, n_embd: 16, n_head: 4, head_dim: 4, block: 16, n_layer: 1 },
    {
      name: "GPT-2 small",
      vocab: 50257,
      n_embd: 768,
      n_head: 12,
      head_dim: 64,
      block: 1024,
      n_layer: 12,
    },
  ].map((size) => Object.freeze({ ...size, parameters: count(size) })),
);

/** @param {{name: string, vocab: number, n_embd: number, block: number, n_layer: number}} size */
function count({ name, vocab, n_embd: c, block, n_layer }) {
  if (!name.startsWith("GPT-2")) return (2 * vocab + block) * c + n_layer * 12 * c * c;
  const layer = 12 * c * c + 13 * c; // 9 c of biases, 4 c of two norms
  return (vocab + block) * c + n_layer * layer + 2 * c;
}
