// What <mg-residuals> shows: the trained model with attention or the MLP switched off, how large
// the residual stream is along its way and what each adds to it, its loss on unseen names, and
// three names. No DOM.

import { Random } from "../../random.js";
import { trace } from "../../numbers/forward.js";
import { measuring } from "./unseen.js";

/** @typedef {import("./real-model.js").Real} Real */
/** @typedef {{attention: boolean, mlp: boolean}} On */
/** @typedef {"none" | "attention" | "mlp" | "both"} Off what is switched off */
/** @typedef {Record<string, number[][]>} Matrices */
/**
 * guide/data/blocks.json, which scripts/make_blocks.py writes.
 * @typedef {{names: number, tokens: number, off: Record<Off, number>}} Blocks
 */
/**
 * Root mean squares at one position, and what comes next there.
 * @typedef {object} Stream
 * @property {number} x into the layer
 * @property {number} attention what it adds
 * @property {number} middle after it
 * @property {number} mlp what it adds
 * @property {number} end out of the layer
 * @property {[name: string, p: number][]} next the three likeliest
 */

/** @type {readonly Off[]} */
export const OFFS = ["none", "attention", "mlp", "both"];
export const NAMES = 3;
const TEMPERATURE = 0.5;

/** @param {On} on @returns {Off} */
export const offOf = ({ attention, mlp }) =>
  attention ? (mlp ? "none" : "mlp") : mlp ? "attention" : "both";

/** @param {Off} off @returns {On} */
export const onOf = (off) => ({
  attention: off === "none" || off === "mlp",
  mlp: off === "none" || off === "attention",
});

/**
 * The model's matrices: a block adds nothing where its last one is all zeros.
 * @param {Matrices} weights
 * @param {On} on
 * @returns {Matrices}
 */
export function switched(weights, { attention, mlp }) {
  const zeros = (/** @type {string} */ name) => weights[name].map((row) => row.map(() => 0));
  return {
    ...weights,
    ...(attention ? {} : { "layer0.attn_wo": zeros("layer0.attn_wo") }),
    ...(mlp ? {} : { "layer0.mlp_fc2": zeros("layer0.mlp_fc2") }),
  };
}

/** @param {readonly number[]} vector */
const size = (vector) => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0) / vector.length);

/**
 * @param {Real} real
 * @param {number[]} tokens
 * @param {number} at
 * @param {On} on
 * @returns {Stream}
 */
export function streamAt({ config, weights, tokenizer }, tokens, at, on) {
  const found = trace(config, switched(weights, on), tokens.slice(0, at + 1));
  const of = (/** @type {string} */ name) => size(found[name][at]);
  const called = (/** @type {number} */ token) =>
    token === tokenizer.bos ? "end" : tokenizer.uchars[token];
  const probs = /** @type {number[]} */ (found.probs[at]);
  const order = probs.map((_, i) => i).sort((a, b) => probs[b] - probs[a]);
  return {
    x: of("x"),
    attention: of("layer0.x_attn"),
    middle: of("layer0.x_after_attn"),
    mlp: of("layer0.mlp_out"),
    end: of("layer0.x_final"),
    next: order.slice(0, 3).map((token) => [called(token), probs[token]]),
  };
}

/**
 * The loss on unseen names, part by part.
 * @param {import("../../kernel.js").Kernel} kernel
 * @param {Real} real
 * @param {On} on
 * @param {readonly string[]} docs
 */
export function* lossOf(kernel, { config, weights, tokenizer }, on, docs) {
  const engine = kernel.create({ config, dtype: "float64" });
  try {
    engine.load(switched(weights, on));
    yield* measuring(engine, config, tokenizer, docs);
  } finally {
    engine.close();
  }
}

/**
 * @param {import("../../kernel.js").Kernel} kernel
 * @param {Real} real
 * @param {On} on
 * @param {number} seed
 */
export function namesFrom(kernel, { config, weights, tokenizer }, on, seed) {
  const engine = kernel.create({ config, dtype: "float64" });
  try {
    engine.load(switched(weights, on));
    const uniforms = new Random(seed).uniforms(NAMES * config.block_size);
    const prefixes = Array.from({ length: NAMES }, () => []);
    const { tokens } = engine.sample(prefixes, { temperature: TEMPERATURE, uniforms });
    return tokens.map((ids) => tokenizer.decode(ids));
  } finally {
    engine.close();
  }
}
