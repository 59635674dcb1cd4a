// What the scene shows: the model's own weights, and the forward pass for the tokens of a prefix.
// Each number can say how it was computed, of which others. No DOM.

import { shapes } from "../config.js";
import { written } from "../kit/text.js";
import { trace } from "../numbers/forward.js";

/** @typedef {import("../figures/trained/real-model.js").Real} Real */
/** @typedef {{name: string, at: number[]}} Place */
/**
 * @typedef {object} Numbers
 * @property {Real} real
 * @property {number[]} tokens
 * @property {Record<string, any[]>} traced
 * @property {Map<string, number>} most the size that has full colour, in each tensor
 */
/**
 * @typedef {object} Formula
 * @property {string} text in names
 * @property {string} sum in numbers; empty for parameters
 * @property {Place[]} of the numbers it is made of
 * @property {number} value computed from these
 */

const L = "layer0.";
const FULL = 2.5; // full colour from so many times a tensor's root mean square on

/** @param {Real} real @param {number[]} tokens @returns {Numbers} */
export function numbersOf(real, tokens) {
  const traced = trace(real.config, real.weights, tokens);
  const most = new Map();
  const all = { ...traced, ...real.weights };
  for (const [name, rows] of Object.entries(all)) {
    const flat = /** @type {number[]} */ (rows.flat(3));
    const largest = Math.max(1e-9, ...flat.map(Math.abs));
    most.set(
      name,
      Math.min(largest, FULL * Math.sqrt(flat.reduce((sum, x) => sum + x * x, 0) / flat.length)),
    );
  }
  return { real, tokens, traced, most };
}

/**
 * The number at a place.
 * @param {Numbers} numbers
 * @param {string} name
 * @param {ArrayLike<number>} at
 * @returns {number}
 */
export function valueAt({ real, traced }, name, at) {
  /** @type {any} */
  let found = real.weights[name] ?? traced[name];
  for (let i = 0; i < at.length && at[i] >= 0; i++) found = found[at[i]];
  return found;
}

/** @param {string} name @param {number[]} at */
export const placeName = (name, at) => `${name}${at.map((i) => `[${i}]`).join("")}`;

/**
 * Which token or position an index means, in words.
 * @param {Numbers} numbers
 * @param {string} name
 * @param {number[]} at
 */
export function placeWords({ real, tokens }, name, at) {
  const letter = (/** @type {number} */ token) =>
    token === real.tokenizer.bos ? "BOS" : real.tokenizer.uchars[token];
  if (name === "wte" || name === "lm_head") return `token ${letter(at[0])}`;
  if (name === "wpe") return `position ${at[0]}`;
  if (real.weights[name]) return `output ${at[0]}, input ${at[1]}`;
  const who = `${letter(tokens[at[0]])} at position ${at[0]}`;
  if (at.length === 3)
    return `head ${at[1] + 1}: ${who} looks at ${letter(tokens[at[2]])} at position ${at[2]}`;
  if (name === "logits" || name === "probs") return `${letter(at[1])} after ${who}`;
  return who;
}

const short = (/** @type {string} */ name) => name.replace(L, "");
const factor = (/** @type {number} */ x) => (x < 0 ? `(${written(x, 3)})` : written(x, 3));
const SHOWN = 3;

/** @type {(terms: string[]) => string} */
const listed = (terms) =>
  terms.length > SHOWN + 1
    ? `${terms.slice(0, SHOWN).join(" + ")} + … (${terms.length} terms)`
    : terms.join(" + ");

/**
 * The three columns of a block that a matrix makes of another tensor.
 * @type {Record<string, [string, string]>}
 */
const MADE_BY = {
  q: ["attn_wq", "x_pre_attn"],
  k: ["attn_wk", "x_pre_attn"],
  v: ["attn_wv", "x_pre_attn"],
  x_attn: ["attn_wo", "head_out"],
  fc1_pre: ["mlp_fc1", "x_pre_mlp"],
  mlp_out: ["mlp_fc2", "fc1"],
  logits: ["lm_head", "x_final"],
};
/** @type {Record<string, [string, string]>} */
const ADDED = {
  emb: ["tok_emb", "pos_emb"],
  x_after_attn: ["x_attn", "x"],
  x_final: ["mlp_out", "x_after_attn"],
};
/** @type {Record<string, [string, string]>} */
const SCALED = {
  x: ["emb", "scale"],
  x_pre_attn: ["x", "scale_pre_attn"],
  x_pre_mlp: ["x_after_attn", "scale_pre_mlp"],
};
/** @type {Record<string, string>} */
const SCALE_OF = { scale_pre_attn: "x", scale_pre_mlp: "x_after_attn" };

/**
 * How a number came about.
 * @param {Numbers} numbers
 * @param {string} name
 * @param {number[]} at
 * @returns {Formula}
 */
export function formulaAt(numbers, name, at) {
  const { real, tokens } = numbers;
  const whole = (/** @type {string} */ part) =>
    `${L}${part}` in numbers.traced || `${L}${part}` in real.weights ? L + part : part;
  const get = (/** @type {string} */ part, /** @type {number[]} */ ...where) =>
    valueAt(numbers, whole(part), where);
  const place = (/** @type {string} */ part, /** @type {number[]} */ ...where) => ({
    name: whole(part),
    at: where,
  });
  const key = short(name);
  const [t, i, s] = at;
  const range = (/** @type {number} */ n) => Array.from({ length: n }, (_, j) => j);
  const said = (
    /** @type {string} */ right,
    /** @type {string} */ sum,
    /** @type {Place[]} */ of,
    /** @type {number} */ value,
  ) => ({ text: `${placeName(key, at)} = ${right}`, sum, of, value });
  const products = (/** @type {string} */ right, /** @type {[Place, Place][]} */ pairs) => {
    const factors = pairs.map((pair) => pair.map((one) => valueAt(numbers, one.name, one.at)));
    return said(
      right,
      listed(factors.map(([a, b]) => `${factor(a)}·${factor(b)}`)),
      pairs.flat(),
      factors.reduce((sum, [a, b]) => sum + a * b, 0),
    );
  };

  if (real.weights[name]) {
    return {
      text: `${placeName(name, at)} is a parameter: training has set it, nothing computes it.`,
      sum: "",
      of: [],
      value: get(name, ...at),
    };
  }
  if (key === "tok_emb")
    return said(
      `wte[${tokens[t]}][${i}], the token's row`,
      "",
      [place("wte", tokens[t], i)],
      get("wte", tokens[t], i),
    );
  if (key === "pos_emb")
    return said(`wpe[${t}][${i}], the position's row`, "", [place("wpe", t, i)], get("wpe", t, i));
  if (key in ADDED) {
    const [a, b] = ADDED[key];
    return said(
      `${a}[${t}][${i}] + ${b}[${t}][${i}]`,
      `${factor(get(a, t, i))} + ${factor(get(b, t, i))}`,
      [place(a, t, i), place(b, t, i)],
      get(a, t, i) + get(b, t, i),
    );
  }
  if (key in SCALED) {
    const [a, b] = SCALED[key];
    return said(
      `${a}[${t}][${i}] · ${b}[${t}]`,
      `${factor(get(a, t, i))}·${factor(get(b, t))}`,
      [place(a, t, i), place(b, t)],
      get(a, t, i) * get(b, t),
    );
  }
  if (key === "mean_square" || key in SCALE_OF) {
    const from = SCALE_OF[key] ?? "emb";
    const row = range(real.config.n_embd);
    const mean = row.reduce((sum, j) => sum + get(from, t, j) ** 2, 0) / row.length;
    const of = row.map((j) => place(from, t, j));
    const squares = `(${listed(row.map((j) => `${factor(get(from, t, j))}²`))}) / ${row.length}`;
    if (key === "mean_square") return said(`mean of emb[${t}][j]²`, squares, of, mean);
    return said(
      `(mean of ${from}[${t}][j]² + 0.00001)^−0.5`,
      `(${written(mean, 5)} + 0.00001)^−0.5`,
      of,
      (mean + 1e-5) ** -0.5,
    );
  }
  if (key === "scale")
    return said(
      `(mean_square[${t}] + 0.00001)^−0.5`,
      `(${written(get("mean_square", t), 5)} + 0.00001)^−0.5`,
      [place("mean_square", t)],
      (get("mean_square", t) + 1e-5) ** -0.5,
    );
  if (key in MADE_BY) {
    const [matrix, from] = MADE_BY[key];
    const into = real.weights[whole(matrix)][0].length;
    return products(
      `Σ ${matrix}[${i}][j] · ${from}[${t}][j]`,
      range(into).map((j) => [place(matrix, i, j), place(from, t, j)]),
    );
  }
  const size = real.config.n_embd / real.config.n_head;
  if (key === "qk") {
    const low = i * size;
    return products(
      `Σ q[${t}][j] · k[${s}][j], j from ${low} to ${low + size - 1}`,
      range(size).map((j) => [place("q", t, low + j), place("k", s, low + j)]),
    );
  }
  if (key === "scores")
    return said(
      `qk[${t}][${i}][${s}] / √${size}`,
      `${factor(get("qk", t, i, s))} / ${written(Math.sqrt(size), 0)}`,
      [place("qk", t, i, s)],
      get("qk", t, i, s) / Math.sqrt(size),
    );
  if (key === "weights") {
    const row = range(t + 1).map((j) => get("scores", t, i, j));
    const total = row.reduce((sum, one) => sum + Math.exp(one), 0);
    return said(
      `e^scores[${t}][${i}][${s}] / Σ e^scores[${t}][${i}][j]`,
      `${factor(Math.exp(row[s]))} / ${factor(total)}`,
      range(t + 1).map((j) => place("scores", t, i, j)),
      Math.exp(row[s]) / total,
    );
  }
  if (key === "head_out") {
    const head = Math.floor(i / size);
    return products(
      `Σ weights[${t}][${head}][j] · v[j][${i}]`,
      range(t + 1).map((j) => [place("weights", t, head, j), place("v", j, i)]),
    );
  }
  if (key === "fc1")
    return said(
      `max(0, fc1_pre[${t}][${i}])`,
      `max(0, ${written(get("fc1_pre", t, i), 3)})`,
      [place("fc1_pre", t, i)],
      Math.max(0, get("fc1_pre", t, i)),
    );
  // probs
  const row = /** @type {number[]} */ (numbers.traced.logits[t]);
  const total = row.reduce((sum, one) => sum + Math.exp(one), 0);
  return said(
    `e^logits[${t}][${i}] / Σ e^logits[${t}][j]`,
    `${factor(Math.exp(row[i]))} / ${factor(total)}`,
    row.map((_, j) => place("logits", t, j)),
    Math.exp(row[i]) / total,
  );
}

/** How many numbers are parameters. @param {Real} real */
export const parametersOf = (real) =>
  shapes(real.config).reduce((sum, [, out, into]) => sum + out * into, 0);
