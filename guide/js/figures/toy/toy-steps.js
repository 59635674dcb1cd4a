// The toy GPT as blocks and sums: which block makes which vector, the numbers of a token or of any
// x, exactly or rounded as by hand, and how each number is computed. No DOM.

import { decimals, written } from "../../kit/text.js";
import { floats, normScale } from "../../numbers/arithmetic.js";
import {
  TOY_POSITION,
  TOY_TOKENS,
  toyByHand,
  toyCache,
  toyForward,
  toyWeights,
} from "../../numbers/toy.js";

/** @typedef {import("../../numbers/toy.js").ToyInput} ToyInput */
/** @typedef {"exact" | "hand"} Mode */
/** @typedef {"pinned" | "computed"} Which */
/**
 * @typedef {object} ToyNumbers
 * @property {Mode} mode
 * @property {number} digits
 * @property {ToyInput} input
 * @property {Record<string, number[]>} row vectors by the names of trace.json, without `layer0.`
 * @property {number[][]} keys of positions 0 to 2
 * @property {number[][]} values
 */
/**
 * @typedef {object} Block
 * @property {string} id
 * @property {string} name as the page's list of formulas calls it
 * @property {number} stage of growth, 0 to 4
 * @property {"" | "Attention" | "MLP"} branch what runs beside the residual stream
 * @property {string[]} vectors what it makes
 */

export const STAGES = Object.freeze([
  "Embeddings",
  "+ RMSNorm",
  "+ attention",
  "+ MLP",
  "+ lm_head and softmax",
]);

/** @type {readonly Block[]} */
export const BLOCKS = Object.freeze([
  { id: "emb", stage: 0, branch: "", name: "wte + wpe", vectors: ["tok_emb", "pos_emb", "emb"] },
  { id: "norm", stage: 1, branch: "", name: "first rmsnorm", vectors: ["x"] },
  {
    id: "norm-attention",
    stage: 2,
    branch: "Attention",
    name: "rmsnorm before attention",
    vectors: ["x_pre_attn"],
  },
  { id: "qkv", stage: 2, branch: "Attention", name: "Wq, Wk, Wv", vectors: ["q", "k", "v"] },
  {
    id: "look",
    stage: 2,
    branch: "Attention",
    name: "scores and softmax",
    vectors: ["qk", "scores", "weights"],
  },
  { id: "mix", stage: 2, branch: "Attention", name: "weighted sum", vectors: ["head_out"] },
  { id: "wo", stage: 2, branch: "Attention", name: "Wo", vectors: ["x_attn"] },
  { id: "add-attention", stage: 2, branch: "", name: "first residual", vectors: ["x_after_attn"] },
  {
    id: "norm-mlp",
    stage: 3,
    branch: "MLP",
    name: "rmsnorm before the MLP",
    vectors: ["x_pre_mlp"],
  },
  { id: "fc1", stage: 3, branch: "MLP", name: "fc1", vectors: ["fc1_pre"] },
  { id: "relu", stage: 3, branch: "MLP", name: "ReLU", vectors: ["fc1"] },
  { id: "fc2", stage: 3, branch: "MLP", name: "fc2", vectors: ["mlp_out"] },
  { id: "add-mlp", stage: 3, branch: "", name: "second residual", vectors: ["x_final"] },
  { id: "head", stage: 4, branch: "", name: "lm_head", vectors: ["logits"] },
  { id: "softmax", stage: 4, branch: "", name: "softmax", vectors: ["probs"] },
]);

/**
 * What is said of each vector: the name in sums, the colour of its kind, and its matrix and input.
 * @type {Readonly<Record<string, {sign: string, kind: string, matrix?: string, from?: string}>>}
 */
export const VECTORS = Object.freeze({
  tok_emb: { sign: "token", kind: "x", matrix: "wte" },
  pos_emb: { sign: "position", kind: "x", matrix: "wpe" },
  emb: { sign: "sum", kind: "x" },
  x: { sign: "x", kind: "x", from: "emb" },
  x_pre_attn: { sign: "h", kind: "x", from: "x" },
  q: { sign: "q", kind: "q", matrix: "layer0.attn_wq", from: "x_pre_attn" },
  k: { sign: "k", kind: "k", matrix: "layer0.attn_wk", from: "x_pre_attn" },
  v: { sign: "v", kind: "v", matrix: "layer0.attn_wv", from: "x_pre_attn" },
  qk: { sign: "q·k", kind: "attention" },
  scores: { sign: "score", kind: "attention" },
  weights: { sign: "weight", kind: "attention" },
  head_out: { sign: "mix", kind: "v" },
  x_attn: { sign: "Wo", kind: "x", matrix: "layer0.attn_wo", from: "head_out" },
  x_after_attn: { sign: "x", kind: "x" },
  x_pre_mlp: { sign: "h", kind: "x", from: "x_after_attn" },
  fc1_pre: { sign: "fc1", kind: "mlp", matrix: "layer0.mlp_fc1", from: "x_pre_mlp" },
  fc1: { sign: "ReLU", kind: "mlp" },
  mlp_out: { sign: "fc2", kind: "x", matrix: "layer0.mlp_fc2", from: "fc1" },
  x_final: { sign: "x", kind: "x" },
  logits: { sign: "logit", kind: "logit", matrix: "lm_head", from: "x_final" },
  probs: { sign: "p", kind: "prob" },
});

const WEIGHTS = toyWeights();
const twoPlaces = (/** @type {number} */ x) => (Math.sign(x) * Math.round(Math.abs(x) * 100)) / 100;

/**
 * Every number that the figures show.
 * @param {ToyInput} input a token, or a vector in place of x
 * @param {Which} which
 * @param {Mode} mode
 * @returns {ToyNumbers}
 */
export function toyNumbers(input, which, mode) {
  const exact = toyCache(which);
  const kept = (/** @type {number[][]} */ rows) =>
    mode === "hand" ? rows.map((row) => row.map(twoPlaces)) : rows;
  const cache = { keys: kept(exact.keys), values: kept(exact.values) };
  const all = (mode === "hand" ? toyByHand : toyForward)(input, WEIGHTS, cache);
  /** @type {Record<string, number[]>} */
  const row = {};
  for (const [name, value] of Object.entries(all)) {
    if (Array.isArray(value)) row[name] = Array.isArray(value[0]) ? value[0] : value;
  }
  if (input.token !== undefined) {
    row.tok_emb = [...WEIGHTS.wte[input.token]];
    row.pos_emb = [...WEIGHTS.wpe[TOY_POSITION]];
  }
  return {
    mode,
    digits: mode === "hand" ? 2 : 4,
    input,
    row,
    keys: [...cache.keys, row.k],
    values: [...cache.values, row.v],
  };
}

/** The rows of a vector's matrix. @param {string} vector */
export const matrixOf = (vector) => WEIGHTS[VECTORS[vector].matrix ?? ""];

/** A weight as it is given. @param {number} w */
export const weightText = (w) => written(w, Math.max(1, decimals(w)));

/** @param {number} i */
const low = (i) => String(i).replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[Number(d)]);

/** The name of one number: q₀, p(b). @param {string} vector @param {number} i */
export function labelOf(vector, i) {
  const { sign } = VECTORS[vector];
  if (vector === "logits" || vector === "probs") return `${sign}(${TOY_TOKENS[i]})`;
  return sign + low(i);
}

/** A vector in words. @param {number[]} vector @param {number} digits */
export const vectorText = (vector, digits) =>
  `(${vector.map((x) => written(x, digits)).join(", ")})`;

const bracketed = (/** @type {string} */ text) => (text.startsWith("−") ? `(${text})` : text);

/**
 * How each number of a vector is computed, with its result.
 * @param {ToyNumbers} n
 * @param {string} vector
 * @returns {{sum: string, result: number}[]} `sum` without the result
 */
export function workings(n, vector) {
  const { row, digits, mode } = n;
  const text = (/** @type {number} */ x) => bracketed(written(x, digits));
  const plain = (/** @type {number} */ x) => written(x, digits);
  const { from = "", matrix } = VECTORS[vector];
  const each = (/** @type {(i: number) => string} */ sum) =>
    row[vector].map((result, i) => ({ sum: sum(i), result }));
  const dots = (/** @type {string[]} */ a, /** @type {string[]} */ b) =>
    a.map((ai, i) => `${bracketed(ai)}·${bracketed(b[i])}`).join(" + ");
  const added = (/** @type {string} */ a, /** @type {string} */ b) =>
    each((i) => `${plain(row[a][i])} + ${text(row[b][i])}`);
  const shares = (/** @type {string} */ of) => {
    const sum = row[of].reduce((total, x) => total + Math.exp(x), 0);
    return each((i) => `exp(${plain(row[of][i])}) / ${written(sum, 4)}`);
  };
  switch (vector) {
    case "tok_emb":
      return each((i) => `wte, row ${n.input.token}, column ${i}`);
    case "pos_emb":
      return each((i) => `wpe, row ${TOY_POSITION}, column ${i}`);
    case "emb":
      return added("tok_emb", "pos_emb");
    case "x":
    case "x_pre_attn":
    case "x_pre_mlp": {
      if (vector === "x" && !row.emb) return each(() => "as set");
      const scale = written(normScale(floats, row[from]).scale, 4);
      return each((i) => `${plain(row[from][i])} · ${scale}`);
    }
    case "qk":
      return each((t) => dots(row.q.map(plain), n.keys[t].map(plain)));
    case "scores":
      return each((t) => `${plain(row.qk[t])} / ${mode === "hand" ? "1.41" : "√2"}`);
    case "weights":
      return shares("scores");
    case "probs":
      return shares("logits");
    case "head_out":
      return each((j) =>
        dots(
          row.weights.map(plain),
          n.values.map((v) => plain(v[j])),
        ),
      );
    case "x_after_attn":
      return added("x_attn", "x");
    case "x_final":
      return added("mlp_out", "x_after_attn");
    case "fc1":
      return each((i) => `max(0, ${plain(row.fc1_pre[i])})`);
    default:
      if (!matrix) throw new RangeError(`nothing makes ${vector}`);
      return each((i) => dots(matrixOf(vector)[i].map(weightText), row[from].map(plain)));
  }
}

/**
 * Mean square and factor of the norm that makes a vector; null for what is no norm.
 * @param {ToyNumbers} n
 * @param {string} vector
 */
export function normOf(n, vector) {
  const from = ["x", "x_pre_attn", "x_pre_mlp"].includes(vector)
    ? n.row[VECTORS[vector].from ?? ""]
    : undefined;
  return from ? { from, ...normScale(floats, from) } : null;
}

/**
 * How a norm's factor comes about; empty for what is no norm.
 * @param {ToyNumbers} n
 * @param {string} vector
 */
export function normText(n, vector) {
  const norm = normOf(n, vector);
  if (!norm) return "";
  const [square, scale] = [written(norm.meanSquare, 4), written(norm.scale, 4)];
  const squares = norm.from.map((x) => `${bracketed(written(x, n.digits))}²`).join(" + ");
  return `mean square = (${squares}) / 2 = ${square}; factor = 1/√(${square} + 0.00001) = ${scale}`;
}

/**
 * What a stage ends with, in words.
 * @param {ToyNumbers} n
 * @param {number} stage 0 to 4
 */
export function stageSentence(n, stage) {
  const { row, digits } = n;
  const at = `${TOY_TOKENS[n.input.token ?? 0]} at position ${TOY_POSITION}`;
  const text = (/** @type {string} */ name) => vectorText(row[name], digits);
  switch (stage) {
    case 0:
      return (
        `${at}: its row of wte ${text("tok_emb")} and row 2 of wpe ${text("pos_emb")} make ` +
        `${text("emb")}.`
      );
    case 1:
      return `${at}: rmsnorm turns ${text("emb")} into x = ${text("x")}.`;
    case 2:
      return (
        `${at}: attention looks at positions 0, 1, 2 with weights ` +
        `${row.weights.map((w) => written(w, digits)).join(", ")} and adds ${text("x_attn")}; ` +
        `x is now ${text("x_after_attn")}.`
      );
    case 3:
      return (
        `${at}: ${row.fc1.filter((h) => h > 0).length} of the 8 hidden numbers are above 0; ` +
        `the MLP adds ${text("mlp_out")}, and x is ${text("x_final")}.`
      );
    default: {
      const best = row.probs.indexOf(Math.max(...row.probs));
      return (
        `${at}: the probabilities of BOS, a, b, c are ` +
        `${row.probs.map((p) => written(p, digits)).join(", ")}. The most likely is ` +
        `${TOY_TOKENS[best]}.`
      );
    }
  }
}

/**
 * What an x leads to, in words.
 * @param {ToyNumbers} n
 * @param {number} token whose x it is; -1 if it is no token's
 */
export function tourSentence(n, token) {
  const { row, digits } = n;
  const whose =
    token < 0 ? "no token's x at position 2" : `the x of ${TOY_TOKENS[token]} at position 2`;
  const best = row.probs.indexOf(Math.max(...row.probs));
  return (
    `x = ${vectorText(row.x, digits)}, ${whose}: q = ${vectorText(row.q, digits)}, final x = ` +
    `${vectorText(row.x_final, digits)}, probabilities of BOS, a, b, c ` +
    `${row.probs.map((p) => written(p, digits)).join(", ")}; the most likely is ` +
    `${TOY_TOKENS[best]}.`
  );
}
