// The toy GPT at work: one token at position 2 after a cache, exactly or rounded as by hand; and
// its training on words over a, b, c. Held to conformance/vectors/toy_gpt.json.

import { shapes } from "../config.js";
import { InputError, shown } from "../errors.js";
import { choice } from "../random.js";
import { distribution } from "../sampling.js";
import { asRows, floats, softmax, total, values } from "./arithmetic.js";
import { fromX, gpt } from "./forward.js";
import { decimal, exactly, over, plus, rational, rounded, times, toNumber } from "./rational.js";
import {
  TOY_BOS,
  TOY_CACHE,
  TOY_CONFIG,
  TOY_POSITION,
  TOY_TOKENS,
  TOY_WEIGHTS,
} from "./toy-data.js";
import { Value } from "./value.js";

export { TOY_BOS, TOY_CACHE, TOY_CONFIG, TOY_POSITION, TOY_TOKENS, TOY_WEIGHTS };

/** @typedef {Record<string, number[][]>} ToyWeights */
/** @typedef {{keys: number[][], values: number[][]}} ToyCache */
/**
 * @typedef {Record<string, any>} ToyRow names of trace.json without `layer0.`; `loss_if_target` [4]
 */
/** @typedef {import("./rational.js").Rational} Rational */

/** A copy of the weights that may be changed. @returns {ToyWeights} */
export const toyWeights = () => asRows(/** @type {any} */ (TOY_WEIGHTS), shapes(TOY_CONFIG));

/**
 * Keys and values of positions 0 and 1: those that the walkthrough pins, or those that the weights
 * compute for BOS and a.
 * @param {"pinned" | "computed"} which
 * @param {ToyWeights} [weights]
 * @returns {ToyCache}
 */
export function toyCache(which, weights = toyWeights()) {
  if (which === "pinned") {
    return { keys: TOY_CACHE.keys.map((k) => [...k]), values: TOY_CACHE.values.map((v) => [...v]) };
  }
  const cache = { keys: [[]], values: [[]] };
  [0, 1].forEach((token, t) => gpt(floats, TOY_CONFIG, weights, token, t, cache));
  return { keys: cache.keys[0], values: cache.values[0] };
}

/**
 * What is fed: a token, or a vector in place of x.
 * @typedef {{token: number, x?: undefined} | {x: number[], token?: undefined}} ToyInput
 */

/**
 * Every intermediate of one token at position 2, exact.
 * @param {ToyInput} input
 * @param {ToyWeights} [weights]
 * @param {ToyCache} [cache]
 * @returns {ToyRow}
 */
export function toyForward(input, weights = toyWeights(), cache = toyCache("pinned")) {
  /** @type {ToyRow} */
  const row = {};
  const note = (/** @type {string} */ name, /** @type {any} */ value) => {
    row[name.replace("layer0.", "")] = value;
  };
  const state = { keys: [[...cache.keys]], values: [[...cache.values]] };
  let logits;
  if (input.token !== undefined) {
    logits = gpt(floats, TOY_CONFIG, weights, input.token, TOY_POSITION, state, note);
  } else {
    note("x", input.x);
    logits = fromX(floats, TOY_CONFIG, weights, input.x, state, note);
  }
  row.probs = softmax(floats, logits);
  row.loss_if_target = row.probs.map((/** @type {number} */ p) => -Math.log(p));
  return row;
}

/**
 * The same with every vector rounded to two decimals and carried on so, as on paper. The norms'
 * scales, the exponentials and their sum aren't rounded; the root of 2 is 1.41; the loss comes from
 * the rounded logits.
 * @param {ToyInput} input
 * @param {ToyWeights} [weights]
 * @param {ToyCache} [cache]
 * @returns {ToyRow} without mean_square and scales
 */
export function toyByHand(input, weights = toyWeights(), cache = toyCache("pinned")) {
  const rows = (/** @type {ArrayLike<number>[]} */ m) => m.map((row) => Array.from(row, decimal));
  const dots = (/** @type {Rational[][]} */ m, /** @type {Rational[]} */ x) =>
    m.map((row) => rounded(row.map((w, i) => times(w, x[i])).reduce(plus)));
  const linear = (/** @type {string} */ name, /** @type {Rational[]} */ x) =>
    dots(rows(weights[name]), x);
  const added = (/** @type {Rational[]} */ a, /** @type {Rational[]} */ b) =>
    a.map((ai, i) => rounded(plus(ai, b[i])));
  const norm = (/** @type {Rational[]} */ x) => {
    const meanSquare = toNumber(x.map((a) => times(a, a)).reduce(plus)) / x.length;
    const scale = exactly(1 / Math.sqrt(meanSquare + 1e-5));
    return x.map((a) => rounded(times(a, scale)));
  };
  const shares = (/** @type {Rational[]} */ x) => {
    const exps = x.map((a) => Math.exp(toNumber(a)));
    return exps.map((e) => rounded(exactly(e / total(floats, exps))));
  };

  /** @type {Record<string, Rational[]>} */
  const column = {};
  if (input.token !== undefined) {
    column.emb = added(rows(weights.wte)[input.token], rows(weights.wpe)[TOY_POSITION]);
    column.x = norm(column.emb);
  } else {
    column.x = input.x.map((a) => rounded(decimal(a)));
  }
  column.x_pre_attn = norm(column.x);
  for (const name of ["q", "k", "v"])
    column[name] = linear(`layer0.attn_w${name}`, column.x_pre_attn);
  const cached = (/** @type {number[][]} */ m) => rows(m).map((row) => row.map(rounded));
  const keys = [...cached(cache.keys), column.k];
  const vs = [...cached(cache.values), column.v];
  column.qk = dots(keys, column.q);
  column.scores = column.qk.map((s) => rounded(over(s, rational(141n, 100n))));
  column.weights = shares(column.scores);
  column.head_out = dots(
    [0, 1].map((j) => vs.map((v) => v[j])),
    column.weights,
  );
  column.x_attn = linear("layer0.attn_wo", column.head_out);
  column.x_after_attn = added(column.x_attn, column.x);
  column.x_pre_mlp = norm(column.x_after_attn);
  column.fc1_pre = linear("layer0.mlp_fc1", column.x_pre_mlp);
  column.fc1 = column.fc1_pre.map((a) => (a.n > 0n ? a : rational(0n)));
  column.mlp_out = linear("layer0.mlp_fc2", column.fc1);
  column.x_final = added(column.mlp_out, column.x_after_attn);
  column.logits = linear("lm_head", column.x_final);
  column.probs = shares(column.logits);
  const exps = column.logits.map((a) => Math.exp(toNumber(a)));
  const log = exactly(Math.log(total(floats, exps)));
  column.loss_if_target = column.logits.map((a) => rounded(plus(log, rational(-a.n, a.d))));
  return Object.fromEntries(
    Object.entries(column).map(([name, numbers]) => [name, numbers.map(toNumber)]),
  );
}

// ---------------------------------------------------------------- training

export const TOY_WORDS = Object.freeze(["abc", "bca", "cab", "aab", "bbc", "cca"]);
export const TOY_STEP_LR = 0.15;
export const TOY_BATCH_LR = 0.4;
/** Rows of wpe that no example reads: all but that of position 2. */
const UNREAD = new Set([0, 1, 3]);

/** @typedef {{input: number, target: number, word: string | null}} ToyExample */

/**
 * Examples from words: second-to-last → last letter of each, and each distinct last letter → BOS.
 * Words that aren't 2 to 4 of the letters a, b, c come back as `ignored`.
 * @param {Iterable<string>} words
 * @returns {{examples: ToyExample[], words: string[], ignored: string[]}}
 */
export function toyExamples(words) {
  const all = [...words].map((word) => word.trim()).filter((word) => word);
  const good = all.filter((word) => /^[abc]{2,4}$/.test(word));
  const id = (/** @type {string} */ letter) => TOY_TOKENS.indexOf(letter);
  /** @type {ToyExample[]} */
  const examples = good.map((word) => ({
    input: id(/** @type {string} */ (word.at(-2))),
    target: id(/** @type {string} */ (word.at(-1))),
    word,
  }));
  for (const input of new Set(examples.map(({ target }) => target))) {
    examples.push({ input, target: TOY_BOS, word: null });
  }
  return { examples, words: good, ignored: all.filter((word) => !good.includes(word)) };
}

/** Training of the toy GPT: 66 numbers move, the pinned cache stays. */
export class ToyTraining {
  /**
   * @param {Iterable<string>} [words]
   * @param {ToyWeights} [weights]
   */
  constructor(words = TOY_WORDS, weights = toyWeights()) {
    const { examples, words: good, ignored } = toyExamples(words);
    if (!examples.length) {
      throw new InputError(
        "There is no word to train on.",
        "Give words of 2 to 4 letters out of a, b, c.",
      );
    }
    this.examples = examples;
    this.words = good;
    this.ignored = ignored;
    this.batchSteps = 0;
    this.singleSteps = 0;
    /** @type {Record<string, Value[][]>} */ this.values = {};
    /** The 66 numbers that training moves, in the order of the state dict. @type {Value[]} */
    this.params = [];
    this.set(weights);
  }

  /** Takes weights in, copied. @param {ToyWeights} weights */
  set(weights) {
    this.values = Object.fromEntries(
      shapes(TOY_CONFIG).map(([name]) => [
        name,
        weights[name].map((row) => row.map((x) => new Value(x))),
      ]),
    );
    this.params = Object.entries(this.values).flatMap(([name, rows]) =>
      rows.filter((_, r) => name !== "wpe" || !UNREAD.has(r)).flat(),
    );
  }

  /** Weights, copied. @returns {ToyWeights} */
  weights() {
    return Object.fromEntries(
      Object.entries(this.values).map(([name, rows]) => [
        name,
        rows.map((row) => row.map((p) => p.data)),
      ]),
    );
  }

  /**
   * Mean loss over examples, exactly, and where asked with gradients in `params`.
   * @param {ToyExample[]} [examples]
   * @param {boolean} [backward]
   */
  loss(examples = this.examples, backward = false) {
    for (const p of this.params) p.grad = 0;
    const fixed = (/** @type {readonly (readonly number[])[]} */ rows) =>
      rows.map((row) => row.map((x) => new Value(x)));
    const losses = examples.map(({ input, target }) => {
      const cache = { keys: [fixed(TOY_CACHE.keys)], values: [fixed(TOY_CACHE.values)] };
      const logits = gpt(values, TOY_CONFIG, this.values, input, TOY_POSITION, cache);
      return softmax(values, logits)[target].log().neg();
    });
    const mean = total(values, losses).div(losses.length);
    if (backward) mean.backward();
    return mean.data;
  }

  /**
   * One step of SGD on all examples; returns their mean loss before.
   * @param {number} [lr]
   */
  batchStep(lr = TOY_BATCH_LR) {
    this.batchSteps++;
    return this.#move(this.examples, lr);
  }

  /**
   * One step on one example, the next one in turn; returns its loss before.
   * @param {number} [lr]
   */
  step(lr = TOY_STEP_LR) {
    const example = this.examples[this.singleSteps++ % this.examples.length];
    return { example, loss: this.#move([example], lr) };
  }

  /**
   * @param {ToyExample[]} examples
   * @param {number} lr
   */
  #move(examples, lr) {
    const loss = this.loss(examples, true);
    for (const p of this.params) p.data -= lr * p.grad;
    return loss;
  }
}

/**
 * Token by token, each fed at position 2 with the pinned cache, as it was trained: at most `most`
 * tokens, ended by BOS.
 * @param {ToyWeights} weights
 * @param {number} token the first one fed
 * @param {() => number} draw gives numbers in [0, 1)
 * @param {{temperature?: number, most?: number}} [how]
 * @returns {{fed: number, row: ToyRow, probs: Float64Array, token: number}[]}
 */
export function toyChat(weights, token, draw, { temperature = 1, most = 8 } = {}) {
  if (!Number.isInteger(token) || token < 0 || token > 3) {
    throw new InputError(`Token ${shown(token)} is not one of 0 to 3 (BOS, a, b, c).`);
  }
  const steps = [];
  for (let fed = token; steps.length < most; ) {
    const row = toyForward({ token: fed }, weights);
    const probs = distribution(row.logits, temperature);
    const next = choice(probs, draw());
    steps.push({ fed, row, probs, token: next });
    if (next === TOY_BOS) break;
    fed = next;
  }
  return steps;
}
