// The toy GPT of the walkthrough: 72 parameters over the vocabulary BOS, a, b, c. A test holds
// these numbers to conformance/vectors/toy_gpt.json.

import { makeConfig } from "../config.js";

export const TOY_TOKENS = Object.freeze(["BOS", "a", "b", "c"]);
export const TOY_BOS = 0;
/** The position at which the walkthrough, training and chat feed every token. */
export const TOY_POSITION = 2;

export const TOY_CONFIG = makeConfig({
  n_layer: 1,
  n_embd: 2,
  n_head: 1,
  block_size: 4,
  vocab_size: 4,
});

/** @type {Readonly<Record<string, readonly (readonly number[])[]>>} */
export const TOY_WEIGHTS = Object.freeze({
  wte: [
    [0.2, 0.3],
    [0.5, -0.1],
    [-0.3, 0.4],
    [0.1, 0.2],
  ],
  wpe: [
    [0.1, -0.05],
    [0.05, 0.15],
    [-0.1, 0.1],
    [0.15, 0],
  ],
  lm_head: [
    [0.3, 0.1],
    [-0.2, 0.4],
    [0.5, -0.3],
    [-0.1, 0.6],
  ],
  "layer0.attn_wq": [
    [0.5, 0.2],
    [0.1, 0.4],
  ],
  "layer0.attn_wk": [
    [0.3, -0.1],
    [0.2, 0.5],
  ],
  "layer0.attn_wv": [
    [0.4, 0.1],
    [-0.2, 0.6],
  ],
  "layer0.attn_wo": [
    [0.6, 0.2],
    [0.1, 0.7],
  ],
  "layer0.mlp_fc1": [
    [0.4, 0.1],
    [-0.2, 0.5],
    [0.3, -0.3],
    [0.1, 0.4],
    [-0.5, 0.2],
    [0.2, -0.1],
    [0.6, 0.3],
    [-0.1, -0.4],
  ],
  "layer0.mlp_fc2": [
    [0.1, 0.3, -0.2, 0.4, 0, 0.2, -0.1, 0.5],
    [-0.3, 0.2, 0.5, -0.1, 0.4, -0.4, 0.3, 0.1],
  ],
});

/** What the walkthrough takes for the keys and values of positions 0 and 1. */
export const TOY_CACHE = Object.freeze({
  keys: [
    [0.3, 0.1],
    [-0.1, 0.4],
  ],
  values: [
    [0.2, -0.3],
    [0.5, 0.2],
  ],
});
