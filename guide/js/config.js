// The shape of a model and the recipe that trains it: names, defaults and limits are those of
// src/microgpt/config.py.

import { InputError, shown } from "./errors.js";

/**
 * @typedef {object} Config
 * @property {number} n_layer
 * @property {number} n_embd
 * @property {number} n_head
 * @property {number} block_size most tokens the model sees at once
 * @property {number} vocab_size BOS, the last token, included
 * @property {"relu" | "relu_squared"} activation
 * @property {"adam" | "sgd"} optimizer
 * @property {number} beta1
 * @property {number} beta2
 * @property {number} eps
 * @property {number} lr
 * @property {"linear" | "cosine" | "constant"} schedule
 * @property {number} warmup
 * @property {number} steps
 * @property {number} init_std
 * @property {number | null} init_std_out for attn_wo and mlp_fc2; init_std if null
 */

/** @type {Readonly<Config>} */
const FINAL = Object.freeze({
  n_layer: 1,
  n_embd: 16,
  n_head: 4,
  block_size: 16,
  vocab_size: 27,
  activation: "relu",
  optimizer: "adam",
  beta1: 0.85,
  beta2: 0.99,
  eps: 1e-8,
  lr: 0.01,
  schedule: "linear",
  warmup: 0,
  steps: 1000,
  init_std: 0.08,
  init_std_out: null,
});

/** The two published recipes. */
export const PRESETS = Object.freeze({
  final: FINAL,
  early: /** @type {Readonly<Config>} */ (
    Object.freeze({
      ...FINAL,
      block_size: 8,
      activation: "relu_squared",
      init_std: 0.02,
      init_std_out: 0,
      beta1: 0.9,
      beta2: 0.95,
      schedule: "cosine",
      steps: 500,
    })
  ),
});

const SIZES = /** @type {const} */ (["n_layer", "n_embd", "n_head", "block_size", "vocab_size"]);
const MOST_SIZE = 2 ** 24;
const CHOICES = {
  activation: ["relu", "relu_squared"],
  optimizer: ["adam", "sgd"],
  schedule: ["linear", "cosine", "constant"],
};

/**
 * A preset with some fields changed, checked. Throws `InputError` for unknown fields and values
 * out of range.
 * @param {Partial<Config>} [changes]
 * @param {keyof typeof PRESETS} [preset]
 * @returns {Readonly<Config>}
 */
export function makeConfig(changes = {}, preset = "final") {
  if (!Object.hasOwn(PRESETS, preset)) {
    const known = Object.keys(PRESETS).join(", ");
    throw new InputError(`preset is ${shown(preset)}, must be one of ${known}.`);
  }
  for (const name of Object.keys(changes)) {
    if (!Object.hasOwn(FINAL, name)) {
      throw new InputError(
        `${shown(name)} is not a hyper-parameter.`,
        `Known are ${Object.keys(FINAL).join(", ")}.`,
      );
    }
  }
  const config = { ...PRESETS[preset], ...changes };
  for (const name of SIZES) whole(name, config[name], 1, MOST_SIZE);
  whole("steps", config.steps, 1, 1e12);
  whole("warmup", config.warmup, 0, config.steps);
  if (config.n_embd % config.n_head) {
    throw new InputError(
      `n_embd ${config.n_embd} is not divisible by n_head ${config.n_head}.`,
      `n_head can be one of ${divisors(config.n_embd).join(", ")}.`,
    );
  }
  for (const [name, allowed] of Object.entries(CHOICES)) {
    const value = config[/** @type {keyof typeof CHOICES} */ (name)];
    if (!allowed.includes(value)) {
      throw new InputError(`${name} is ${shown(value)}, must be one of ${allowed.join(", ")}.`);
    }
  }
  number("lr", config.lr, (x) => x > 0 && x <= 1e6, "above 0 and at most 1e6");
  number("beta1", config.beta1, (x) => x >= 0 && x < 1, "at least 0 and below 1");
  number("beta2", config.beta2, (x) => x >= 0 && x < 1, "at least 0 and below 1");
  number("eps", config.eps, (x) => x > 0 && x <= 1, "above 0 and at most 1");
  number("init_std", config.init_std, (x) => x >= 0 && x <= 1000, "from 0 to 1000");
  if (config.init_std_out !== null) {
    number("init_std_out", config.init_std_out, (x) => x >= 0 && x <= 1000, "from 0 to 1000");
  }
  return Object.freeze(config);
}

/**
 * Rows and columns (out, in) of every weight matrix by name, in the order of initialisation.
 * @param {Config} config
 * @returns {[name: string, out: number, into: number][]}
 */
export function shapes({ n_layer, n_embd: c, block_size, vocab_size: v }) {
  /** @type {[string, number, number][]} */
  const table = [
    ["wte", v, c],
    ["wpe", block_size, c],
    ["lm_head", v, c],
  ];
  for (let i = 0; i < n_layer; i++) {
    for (const name of ["wq", "wk", "wv", "wo"]) table.push([`layer${i}.attn_${name}`, c, c]);
    table.push([`layer${i}.mlp_fc1`, 4 * c, c], [`layer${i}.mlp_fc2`, c, 4 * c]);
  }
  return table;
}

/**
 * How many numbers training adjusts; 4,192 for the preset `final` on the names.
 * @param {Config} config
 */
export function parameters({ n_layer, n_embd: c, block_size, vocab_size: v }) {
  return (2 * v + block_size) * c + n_layer * 12 * c * c;
}

/**
 * Learning rate of step `step`, counted from 0.
 * @param {Config} config
 * @param {number} step
 */
export function lrAt({ lr, schedule, steps, warmup }, step) {
  const done = step / steps;
  let rate = lr;
  if (schedule === "linear") rate = lr * (1 - done);
  if (schedule === "cosine") rate = lr * 0.5 * (1 + Math.cos(Math.PI * done));
  return step < warmup ? rate * ((step + 1) / warmup) : rate;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} low
 * @param {number} high
 */
export function whole(name, value, low, high) {
  if (!Number.isInteger(value)) {
    throw new InputError(`${name} is ${shown(value)}, must be a whole number.`);
  }
  if (Number(value) < low || Number(value) > high) {
    throw new InputError(`${name} is ${value}, must be from ${low} to ${high}.`);
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {(x: number) => boolean} fits
 * @param {string} limits
 */
export function number(name, value, fits, limits) {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new InputError(`${name} is ${shown(value)}, must be a finite number.`);
  }
  if (!fits(value)) throw new InputError(`${name} is ${value}, must be ${limits}.`);
}

/** @param {number} n */
function divisors(n) {
  const found = [];
  for (let d = 1; d <= n && found.length < 12; d++) if (n % d === 0) found.push(d);
  return found;
}
