// Attention of the toy GPT in nine stages, and the same with a query of the reader's. No DOM.

import { written } from "../../kit/text.js";
import { floats, linear, softmax } from "../../numbers/arithmetic.js";
import { attend } from "../../numbers/forward.js";
import {
  toyByHand,
  toyCache,
  TOY_CONFIG,
  toyForward,
  TOY_TOKENS,
  toyWeights,
} from "../../numbers/toy.js";

/** @typedef {{token: number, cache: "pinned" | "computed", numbers: "exact" | "hand"}} Choice */

export const STAGES = Object.freeze([
  "Start",
  "q, the query",
  "k, the key",
  "v, the value",
  "k and v go into the cache",
  "Scores: q against each of the three keys",
  "Softmax turns scores into weights",
  "Each value times its weight",
  "Output",
]);
/** What the head looks for when the playground opens. */
export const FIRST_QUERY = Object.freeze([-0.22, 0.35]);
/** How far its numbers can go: from equal weights to nearly the whole for one key. */
export const MOST_OF_QUERY = 10;
/** The keys are short next to such queries: how many times their length they are drawn. */
export const KEYS_LARGER = 10;

const factor = (/** @type {number} */ x, /** @type {number} */ digits) =>
  x < 0 ? `(${written(x, digits)})` : written(x, digits);

/**
 * Every number that the figure shows.
 * @param {Choice} choice
 */
export function attentionNumbers({ token, cache: which, numbers }) {
  const cache = toyCache(which);
  const row = (numbers === "hand" ? toyByHand : toyForward)({ token }, toyWeights(), cache);
  const round = (/** @type {number} */ x) =>
    numbers === "hand" ? (Math.sign(x) * Math.round(Math.abs(x) * 100)) / 100 : x;
  const flat = (/** @type {any} */ x) => /** @type {number[]} */ (Array.isArray(x[0]) ? x[0] : x);
  const vectors = (/** @type {number[][]} */ rows) => rows.map((one) => one.map(round));
  const values = [...vectors(cache.values), row.v];
  const weights = flat(row.weights);
  return {
    digits: numbers === "hand" ? 2 : 4,
    x: row.x_pre_attn,
    q: row.q,
    k: row.k,
    v: row.v,
    keys: [...vectors(cache.keys), row.k],
    values,
    qk: flat(row.qk),
    scores: flat(row.scores),
    weights,
    products: values.map((v, t) => v.map((/** @type {number} */ vi) => vi * weights[t])),
    headOut: row.head_out,
    output: row.x_attn,
  };
}

/** A vector in words. @param {number[]} vector @param {number} digits */
export const vectorText = (vector, digits) =>
  `(${vector.map((x) => written(x, digits)).join(", ")})`;

/**
 * What happens in a stage, with its numbers.
 * @param {Choice} choice
 * @param {number} stage
 */
export function attentionSentence(choice, stage) {
  const n = attentionNumbers(choice);
  const text = (/** @type {number[]} */ vector) => vectorText(vector, n.digits);
  const w = toyWeights();
  const sum = (/** @type {number[]} */ a, /** @type {number[]} */ b, digits = 2) =>
    a.map((ai, i) => `${factor(ai, digits)}·${factor(b[i], n.digits)}`).join(" + ");
  const made = (
    /** @type {string} */ name,
    /** @type {string} */ matrix,
    /** @type {number[]} */ y,
  ) =>
    `${name} = (${w[`layer0.attn_w${matrix}`].map((row) => sum(row, n.x)).join(", ")}) = ` +
    `${text(y)}.`;
  const root = choice.numbers === "hand" ? "1.41" : "√2";
  switch (stage) {
    case 0:
      return (
        `The token ${TOY_TOKENS[choice.token]} is at position 2; normalised, it is x = ` +
        `${text(n.x)}. The cache has a key and a value for each of positions 0 and 1.`
      );
    case 1:
      return made("q", "q", n.q);
    case 2:
      return made("k", "k", n.k);
    case 3:
      return made("v", "v", n.v);
    case 4:
      return (
        "k and v of position 2 are appended: the cache now has three keys and three values. q " +
        "is not kept."
      );
    case 5:
      return (
        `q·k is ${n.qk.map((s) => written(s, n.digits)).join(", ")}; divided by ${root}, the ` +
        `scores are ${n.scores.map((s) => written(s, n.digits)).join(", ")}.`
      );
    case 6:
      return (
        `The weights are ${n.weights.map((p) => written(p, n.digits)).join(", ")}. They sum ` +
        "to 1."
      );
    case 7:
      return (
        "Each value is multiplied by its weight: " +
        `${n.values.map((v, t) => `${written(n.weights[t], n.digits)}·${text(v)}`).join(", ")}.`
      );
    default:
      return (
        `The sum of the three is the head's output ${text(n.headOut)}. Wo turns ` +
        `it into ${text(n.output)}.`
      );
  }
}

/** @type {{keys: number[][], values: number[][]} | null} */
let pinned = null;

/** What the toy's position 2 finds in its pinned cache for b: three keys, three values. */
export function playCache() {
  if (pinned) return pinned;
  const row = toyForward({ token: 2 });
  const { keys, values } = toyCache("pinned");
  pinned = { keys: [...keys, row.k], values: [...values, row.v] };
  return pinned;
}

/**
 * Attention for a query, and the shortcut: its output straight through lm_head.
 * @param {number[]} q
 */
export function play(q) {
  const { keys, values } = playCache();
  const { scores, weights, headOut } = attend(floats, TOY_CONFIG, q, keys, values);
  const logits = linear(floats, headOut, toyWeights().lm_head);
  return {
    keys,
    values,
    scores: scores[0],
    weights: weights[0],
    headOut,
    logits,
    probs: softmax(floats, logits),
  };
}
