// The forward pass by the names of conformance/trace.json, for any configuration, on plain numbers
// or on Values, and with parts that can be left out on purpose. As src/microgpt/model.py; held to
// conformance/vectors/forward.json.

import { shapes } from "../config.js";
import { asRows, dot, floats, linear, normScale, softmax, total } from "./arithmetic.js";

/** @typedef {import("../config.js").Config} Config */
/**
 * @template T
 * @typedef {import("./arithmetic.js").Arithmetic<T>} Arithmetic
 */
/**
 * @template T
 * @typedef {Record<string, T[][]>} Matrices rows by state-dict name
 */
/**
 * Keys and values of every layer: one vector for each position so far.
 * @template T
 * @typedef {{keys: T[][][], values: T[][][]}} Cache
 */
/** @typedef {number | number[] | number[][] | number[][][]} Nested */
/** @typedef {(name: string, value: any) => void} Note */

/**
 * What can be broken on purpose, and what it means.
 * @type {Readonly<Record<string, string>>}
 */
export const BREAKS = Object.freeze({
  sqrt_d: "scores aren't divided by the root of head_dim",
  residual: "what came into a sub-layer isn't added to what comes out",
  norm: "rmsnorm is left out",
  position: "no position embedding is added",
  bias_correction: "Adam's averages are taken as they are, though they begin at 0",
  accumulate: "gradients are set (=) where they must be added (+=)",
});

/** @type {ReadonlySet<string>} */
export const NOTHING_BROKEN = new Set();

const silent = () => {};

/**
 * @template T
 * @param {{n_layer: number}} config
 * @returns {Cache<T>}
 */
export function emptyCache({ n_layer }) {
  const lists = () => Array.from({ length: n_layer }, () => []);
  return { keys: lists(), values: lists() };
}

/**
 * Logits [V] of what follows `token` at `position`. Appends this position's k and v to the cache;
 * `note(name, value)` gets every intermediate.
 * @template T
 * @param {Arithmetic<T>} on
 * @param {Config} config
 * @param {Matrices<T>} weights
 * @param {number} token
 * @param {number} position
 * @param {Cache<T>} cache
 * @param {Note} [note]
 * @param {ReadonlySet<string>} [broken] keys of BREAKS
 * @returns {T[]}
 */
export function gpt(
  on,
  config,
  weights,
  token,
  position,
  cache,
  note = silent,
  broken = NOTHING_BROKEN,
) {
  const tokEmb = weights.wte[token];
  const posEmb = weights.wpe[position];
  const emb = broken.has("position") ? [...tokEmb] : tokEmb.map((t, i) => on.add(t, posEmb[i]));
  const { meanSquare, scale, normed } = norm(on, emb, broken);
  note("tok_emb", tokEmb);
  note("pos_emb", posEmb);
  note("emb", emb);
  note("mean_square", meanSquare);
  note("scale", scale);
  note("x", normed);
  return fromX(on, config, weights, normed, cache, note, broken);
}

/**
 * The rest of `gpt`, from the first normed vector on: also for an x that no token has.
 * @template T
 * @param {Arithmetic<T>} on
 * @param {Config} config
 * @param {Matrices<T>} weights
 * @param {T[]} x
 * @param {Cache<T>} cache
 * @param {Note} [note]
 * @param {ReadonlySet<string>} [broken]
 * @returns {T[]}
 */
export function fromX(on, config, weights, x, cache, note = silent, broken = NOTHING_BROKEN) {
  for (let i = 0; i < config.n_layer; i++) {
    x = block(on, config, weights, `layer${i}.`, x, cache.keys[i], cache.values[i], note, broken);
  }
  const logits = linear(on, x, weights.lm_head);
  note("logits", logits);
  return logits;
}

/**
 * One Transformer block, x [C] → [C].
 * @template T
 * @param {Arithmetic<T>} on
 * @param {Config} config
 * @param {Matrices<T>} weights
 * @param {string} layer prefix of its names
 * @param {T[]} input
 * @param {T[][]} keys
 * @param {T[][]} values
 * @param {Note} note
 * @param {ReadonlySet<string>} broken
 * @returns {T[]}
 */
function block(on, config, weights, layer, input, keys, values, note, broken) {
  const noted = (/** @type {string} */ name, /** @type {any} */ value) => {
    note(layer + name, value);
    return value;
  };
  const added = (/** @type {T[]} */ x, /** @type {T[]} */ residual) =>
    broken.has("residual") ? [...x] : x.map((xi, i) => on.add(xi, residual[i]));

  const before = norm(on, input, broken);
  noted("scale_pre_attn", before.scale);
  let x = noted("x_pre_attn", before.normed);
  const q = noted("q", linear(on, x, weights[`${layer}attn_wq`]));
  keys.push(noted("k", linear(on, x, weights[`${layer}attn_wk`])));
  values.push(noted("v", linear(on, x, weights[`${layer}attn_wv`])));
  const mixed = attend(on, config, q, keys, values, broken);
  noted("qk", mixed.qk);
  noted("scores", mixed.scores);
  noted("weights", mixed.weights);
  x = noted("x_attn", linear(on, noted("head_out", mixed.headOut), weights[`${layer}attn_wo`]));
  const middle = noted("x_after_attn", added(x, input));

  const again = norm(on, middle, broken);
  noted("scale_pre_mlp", again.scale);
  x = noted("x_pre_mlp", again.normed);
  const pre = noted("fc1_pre", linear(on, x, weights[`${layer}mlp_fc1`]));
  const squared = config.activation === "relu_squared";
  const hidden = noted(
    "fc1",
    pre.map((/** @type {T} */ h) => (squared ? on.pow(on.relu(h), 2) : on.relu(h))),
  );
  x = noted("mlp_out", linear(on, hidden, weights[`${layer}mlp_fc2`]));
  return noted("x_final", added(x, middle));
}

/**
 * Attention of one query over all cached positions; qk, scores and weights are [H × positions].
 * @template T
 * @param {Arithmetic<T>} on
 * @param {{n_embd: number, n_head: number}} config
 * @param {T[]} q
 * @param {T[][]} keys
 * @param {T[][]} values
 * @param {ReadonlySet<string>} [broken]
 */
export function attend(on, { n_embd, n_head }, q, keys, values, broken = NOTHING_BROKEN) {
  const size = n_embd / n_head;
  const factor = broken.has("sqrt_d") ? 1 : 1 / Math.sqrt(size);
  const result = {
    /** @type {T[][]} */ qk: [],
    /** @type {T[][]} */ scores: [],
    /** @type {T[][]} */ weights: [],
    /** @type {T[]} */ headOut: [],
  };
  for (let low = 0; low < n_embd; low += size) {
    const part = (/** @type {T[]} */ vector) => vector.slice(low, low + size);
    const qk = keys.map((k) => dot(on, part(q), part(k)));
    const scores = qk.map((s) => on.times(s, factor));
    const looks = softmax(on, scores);
    for (let j = low; j < low + size; j++) {
      result.headOut.push(
        total(
          on,
          values.map((v, t) => on.mul(looks[t], v[j])),
        ),
      );
    }
    result.qk.push(qk);
    result.scores.push(scores);
    result.weights.push(looks);
  }
  return result;
}

/**
 * @template T
 * @param {Arithmetic<T>} on
 * @param {T[]} x
 * @param {ReadonlySet<string>} broken
 */
function norm(on, x, broken) {
  const { meanSquare, scale } = normScale(on, x);
  const normed = broken.has("norm") ? [...x] : x.map((xi) => on.mul(xi, scale));
  return { meanSquare, scale, normed };
}

/**
 * Sum of -log p(next token) over a document's positions, and their number.
 * @template T
 * @param {Arithmetic<T>} on
 * @param {Config} config
 * @param {Matrices<T>} weights
 * @param {ArrayLike<number>} tokens with BOS at both ends, at most block_size + 1
 * @param {ReadonlySet<string>} [broken]
 */
export function documentLoss(on, config, weights, tokens, broken = NOTHING_BROKEN) {
  /** @type {Cache<T>} */
  const cache = emptyCache(config);
  const losses = [];
  for (let t = 0; t < tokens.length - 1; t++) {
    const logits = gpt(on, config, weights, tokens[t], t, cache, silent, broken);
    losses.push(on.times(on.log(softmax(on, logits)[tokens[t + 1]]), -1));
  }
  return { loss: total(on, losses), positions: losses.length };
}

/**
 * All intermediates of some tokens by name, position first, in float64; `qk`, `scores` and
 * `weights` are [T × H × T] with 0 for later positions. `loss` has as
 * many numbers as next tokens are known.
 * @param {Config} config
 * @param {import("../engine.js").Weights} weights flat or rows
 * @param {ArrayLike<number>} tokens what goes beyond block_size is cut off
 * @param {ReadonlySet<string>} [broken]
 * @returns {Record<string, any[]>}
 */
export function trace(config, weights, tokens, broken = NOTHING_BROKEN) {
  const rows = asRows(weights, shapes(config));
  /** @type {Cache<number>} */
  const cache = emptyCache(config);
  const count = Math.min(tokens.length, config.block_size);
  /** @type {Record<string, any[]>} */
  const result = {};
  /** @type {number[]} */
  const losses = [];
  for (let t = 0; t < count; t++) {
    const note = (/** @type {string} */ name, /** @type {any} */ value) => {
      const wide = /\.(qk|scores|weights)$/.test(name);
      const padded = (/** @type {number[]} */ row) => [
        ...row,
        ...Array(count - row.length).fill(0),
      ];
      (result[name] ??= []).push(wide ? value.map(padded) : value);
    };
    const logits = gpt(floats, config, rows, tokens[t], t, cache, note, broken);
    const probs = softmax(floats, logits);
    note("probs", probs);
    if (t + 1 < tokens.length) losses.push(-Math.log(probs[tokens[t + 1]]));
  }
  result.loss = losses;
  return result;
}
