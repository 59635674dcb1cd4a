// The toy block as a sheet to be filled in: its steps and cells, both columns of right answers
// (exact, and rounded at each step as by hand), hints, and how a filled sheet is kept. No DOM.

import { written } from "../../kit/text.js";
import { TOY_CACHE, TOY_POSITION, TOY_TOKENS, TOY_WEIGHTS } from "../../numbers/toy-data.js";

/** @typedef {Record<string, number[]>} Column a vector for every step */
/** @typedef {{token: number, root: number}} Sheet the root of head_dim: √2, or 1.41 as by hand */
/** @typedef {{id: string, step: string, index: number, name: string}} Cell */
/**
 * @typedef {object} Step
 * @property {string} key as in conformance/trace.json
 * @property {string} title
 * @property {string} rule how it is made, in words
 * @property {string[]} names of its cells
 * @property {string[]} needs earlier steps that it is made of
 * @property {(v: Column, sheet: Sheet) => number[]} make without rounding
 * @property {(v: Column, sheet: Sheet, i: number) => string} sum one cell with its numbers
 */

const W = TOY_WEIGHTS;
const LAYER = "layer0.";
const SUB = "₀₁₂₃₄₅₆₇";

/**
 * To two places, a tie away from zero; the dust of binary numbers doesn't count.
 * @param {number} x
 */
export const two = (x) => (Math.sign(x) * Math.round(Math.abs(x) * 100 + 1e-9)) / 100 || 0;
/** @param {readonly number[]} a @param {readonly number[]} b */
export const dot = (a, b) => a.reduce((sum, ai, i) => sum + ai * b[i], 0);
/** @param {readonly (readonly number[])[]} rows @param {readonly number[]} x */
export const times = (rows, x) => rows.map((row) => dot(row, x));
/** @param {readonly number[]} a @param {readonly number[]} b */
export const plus = (a, b) => a.map((ai, i) => ai + b[i]);
/** @param {readonly number[]} x */
export const scaleOf = (x) => (dot(x, x) / x.length + 1e-5) ** -0.5;
/** @param {readonly number[]} x */
export const normed = (x) => x.map((xi) => xi * scaleOf(x));
/** @param {readonly number[]} x */
export function shares(x) {
  const exps = x.map(Math.exp);
  return exps.map((e) => e / exps.reduce((a, b) => a + b, 0));
}
/** A matrix of the block by its short name. @param {string} name */
export const matrix = (name) => W[W[name] ? name : LAYER + name];
/**
 * Keys or values of positions 0 to 2.
 * @param {"keys" | "values"} which
 * @param {readonly number[]} own
 */
export const withCache = (which, own) => [...TOY_CACHE[which], own];

const number = (/** @type {number} */ x) => (x < 0 ? `(${written(x)})` : written(x));
const sums = (/** @type {readonly number[]} */ a, /** @type {readonly number[]} */ b) =>
  a.map((ai, i) => `${number(ai)}·${number(b[i])}`).join(" + ");
const named = (/** @type {string} */ letter, /** @type {number} */ count) =>
  Array.from({ length: count }, (_, i) => letter + SUB[i]);
const tokens = (/** @type {string} */ letter) => TOY_TOKENS.map((name) => `${letter}(${name})`);

/**
 * @param {string} key
 * @param {string} title
 * @param {string} name
 * @param {string} from
 * @param {string[]} names
 * @returns {Step}
 */
const linear = (key, title, name, from, names) => ({
  key,
  title,
  names,
  needs: [from],
  rule: `Each row of ${SHORT[name]} times ${NOTATION[from]}, number by number, summed.`,
  make: (v) => times(matrix(name), v[from]),
  sum: (v, _, i) => sums(matrix(name)[i], v[from]),
});
/**
 * @param {string} key
 * @param {string} title
 * @param {string} from
 * @param {string[]} names
 * @returns {Step}
 */
const norm = (key, title, from, names) => ({
  key,
  title,
  names,
  needs: [from],
  rule:
    `Square the two numbers of ${NOTATION[from]}, take the mean, add 0.00001; divide ` +
    `${NOTATION[from]} by the square root of that. The square root is not rounded.`,
  make: (v) => normed(v[from]),
  sum: (v, _, i) =>
    `${number(v[from][i])} / √((${v[from].map((x) => `${number(x)}²`).join(" + ")}) / 2 + 0.00001)`,
});
/**
 * @param {string} key
 * @param {string} title
 * @param {string} from
 * @param {string[]} names
 * @returns {Step}
 */
const softmax = (key, title, from, names) => ({
  key,
  title,
  names,
  needs: [from],
  rule:
    `e to the power of each ${NOTATION[from]}; each of these is divided by their sum. Only ` +
    "the result is rounded.",
  make: (v) => shares(v[from]),
  sum: (v, _, i) =>
    `e^${number(v[from][i])} / (${v[from].map((x) => `e^${number(x)}`).join(" + ")})`,
});
/**
 * @param {string} key
 * @param {string} title
 * @param {string} from
 * @param {string} before
 * @param {string[]} names
 * @returns {Step}
 */
const residual = (key, title, from, before, names) => ({
  key,
  title,
  names,
  needs: [from, before],
  rule: `The block's output plus ${NOTATION[before]}, its input.`,
  make: (v) => plus(v[from], v[before]),
  sum: (v, _, i) => `${number(v[from][i])} + ${number(v[before][i])}`,
});

/** What matrices are called on the sheet. @type {Record<string, string>} */
export const SHORT = {
  wte: "wte",
  wpe: "wpe",
  attn_wq: "Wq",
  attn_wk: "Wk",
  attn_wv: "Wv",
  attn_wo: "Wo",
  mlp_fc1: "fc1",
  mlp_fc2: "fc2",
  lm_head: "lm_head",
};
/** What vectors are called on the sheet. @type {Record<string, string>} */
export const NOTATION = {
  emb: "e",
  x: "x",
  x_pre_attn: "h",
  q: "q",
  k: "k",
  v: "v",
  qk: "product",
  scores: "score",
  weights: "weights",
  head_out: "y",
  x_attn: "o",
  x_after_attn: "r",
  x_pre_mlp: "g",
  fc1_pre: "z",
  fc1: "u",
  mlp_out: "m",
  x_final: "s",
  logits: "logit",
};

/** @type {readonly Step[]} */
export const STEPS = Object.freeze([
  {
    key: "emb",
    title: "1. Embedding",
    names: named("e", 2),
    needs: [],
    rule:
      "The token's row of wte plus the row of wpe for position 2. Rows are counted from 0, and " +
      "BOS is token 0.",
    make: (_, { token }) => plus(W.wte[token], W.wpe[TOY_POSITION]),
    sum: (_, { token }, i) => `${number(W.wte[token][i])} + ${number(W.wpe[TOY_POSITION][i])}`,
  },
  norm("x", "2. Normalised", "emb", named("x", 2)),
  norm("x_pre_attn", "3. Normalised again", "x", named("h", 2)),
  linear("q", "4. Query", "attn_wq", "x_pre_attn", named("q", 2)),
  linear("k", "5. Key", "attn_wk", "x_pre_attn", named("k", 2)),
  linear("v", "6. Value", "attn_wv", "x_pre_attn", named("v", 2)),
  {
    key: "qk",
    title: "7. Query times each key",
    names: ["product 0", "product 1", "product 2"],
    needs: ["q", "k"],
    rule: "The query times each of the three keys: two are in the cache, the third is k.",
    make: (v) => times(withCache("keys", v.k), v.q),
    sum: (v, _, i) => sums(v.q, withCache("keys", v.k)[i]),
  },
  {
    key: "scores",
    title: "8. Scores",
    names: ["score 0", "score 1", "score 2"],
    needs: ["qk"],
    rule:
      "Each dot product divided by the square root of 2, 1.41 by hand; 2 is the size of a " +
      "head.",
    make: (v, { root }) => v.qk.map((x) => x / root),
    sum: (v, _, i) => `${number(v.qk[i])} / 1.41`,
  },
  softmax("weights", "9. Weights", "scores", ["weight 0", "weight 1", "weight 2"]),
  {
    key: "head_out",
    title: "10. Head output",
    names: named("y", 2),
    needs: ["weights", "v"],
    rule:
      "Each of the three values times its weight, summed: two values are in the cache, the " +
      "third is v.",
    make: (v) =>
      [0, 1].map((j) =>
        dot(
          v.weights,
          withCache("values", v.v).map((row) => row[j]),
        ),
      ),
    sum: (v, _, i) =>
      sums(
        v.weights,
        withCache("values", v.v).map((row) => row[i]),
      ),
  },
  linear("x_attn", "11. Through Wo", "attn_wo", "head_out", named("o", 2)),
  residual("x_after_attn", "12. First residual", "x_attn", "x", named("r", 2)),
  norm("x_pre_mlp", "13. Normalised once more", "x_after_attn", named("g", 2)),
  linear("fc1_pre", "14. Through fc1", "mlp_fc1", "x_pre_mlp", named("z", 8)),
  {
    key: "fc1",
    title: "15. ReLU",
    names: named("u", 8),
    needs: ["fc1_pre"],
    rule: "What is below 0 becomes 0; the rest stays.",
    make: (v) => v.fc1_pre.map((x) => Math.max(0, x)),
    sum: (v, _, i) => `the larger of ${number(v.fc1_pre[i])} and 0`,
  },
  linear("mlp_out", "16. Through fc2", "mlp_fc2", "fc1", named("m", 2)),
  residual("x_final", "17. Second residual", "mlp_out", "x_after_attn", named("s", 2)),
  linear(
    "logits",
    "18. Logits",
    "lm_head",
    "x_final",
    tokens("logit ").map((name) => name.replace(" (", "(")),
  ),
  softmax("probs", "19. Probabilities", "logits", tokens("p")),
]);

/** @type {Readonly<Record<string, Step>>} */
export const STEP = Object.freeze(Object.fromEntries(STEPS.map((step) => [step.key, step])));

/** All cells in the order of the sheet. @type {readonly Cell[]} */
export const CELLS = Object.freeze(
  STEPS.flatMap(({ key, names }) =>
    names.map((name, index) => ({ id: `${key}.${index}`, step: key, index, name })),
  ),
);

/** @type {Map<string, Column>} */
const KNOWN = new Map();

/**
 * Every step, each made of the ones before.
 * @param {number} token
 * @param {"hand" | "exact"} how rounded at each step and the root taken as 1.41, or neither
 * @returns {Column}
 */
export function columnOf(token, how) {
  const key = `${token} ${how}`;
  const known = KNOWN.get(key);
  if (known) return known;
  const sheet = { token, root: how === "hand" ? 1.41 : Math.SQRT2 };
  /** @type {Column} */
  const column = {};
  for (const { key, make } of STEPS)
    column[key] = make(column, sheet).map((x) => (how === "hand" ? two(x) : x));
  KNOWN.set(key, column);
  return column;
}

/**
 * What helps: the rule first, then the cell with its numbers as by hand.
 * @param {number} token
 * @param {Cell} cell
 * @param {number} level 0 or 1
 */
export function hint(token, { step, index, name }, level) {
  const { rule, sum } = STEP[step];
  return level < 1
    ? `${name}: ${rule}`
    : `${name} = ${sum(columnOf(token, "hand"), { token, root: 1.41 }, index)}`;
}

/**
 * The numbers that a step takes from the model, by name: a row each.
 * @param {string} key
 * @returns {[string, string][]}
 */
export function given(key) {
  const vector = (/** @type {readonly number[]} */ row) =>
    `(${row.map((x) => written(x)).join(", ")})`;
  const rows = (/** @type {string} */ name, /** @type {(i: number) => string | number} */ label) =>
    matrix(name).map(
      (row, i) =>
        /** @type {[string, string]} */ ([`${SHORT[name]}, row ${label(i)}`, vector(row)]),
    );
  const cached = (/** @type {"keys" | "values"} */ which) =>
    TOY_CACHE[which].map(
      (row, i) =>
        /** @type {[string, string]} */ ([`${which.slice(0, -1)} of position ${i}`, vector(row)]),
    );
  if (key === "emb")
    return [...rows("wte", (i) => `${i} (${TOY_TOKENS[i]})`), ...rows("wpe", (i) => i)];
  if (key === "qk") return cached("keys");
  if (key === "head_out") return cached("values");
  if (key === "logits") return rows("lm_head", (i) => `${i} (${TOY_TOKENS[i]})`);
  const name = {
    q: "attn_wq",
    k: "attn_wk",
    v: "attn_wv",
    x_attn: "attn_wo",
    fc1_pre: "mlp_fc1",
    mlp_out: "mlp_fc2",
  }[key];
  return name ? rows(name, (i) => i) : [];
}

// ---------------------------------------------------------------- kept

/** @typedef {Record<string, {text: string, shown?: boolean}>} Entries by the cell's id */

export const MOST_CHARACTERS = 7;

/** A sheet as one line: cells apart by ;, = before one that was shown. @param {Entries} entries */
export const writeEntries = (entries) =>
  CELLS.map(({ id }) => {
    const { text = "", shown = false } = entries[id] ?? {};
    return (
      (shown ? "=" : "") +
      text.trim().replace(/[−–]/g, "-").replace(/[;=]/g, "").slice(0, MOST_CHARACTERS)
    );
  })
    .join(";")
    .replace(/;+$/, "");

/** What can't be a number is left out. @param {string} line @returns {Entries} */
export function readEntries(line) {
  /** @type {Entries} */
  const entries = {};
  line
    .split(";")
    .slice(0, CELLS.length)
    .forEach((part, i) => {
      const [, mark, text] = /^(=?)([-+\d.,]{1,7})$/.exec(part) ?? [];
      if (text) entries[CELLS[i].id] = { text: text.replace("-", "−"), shown: mark === "=" };
    });
  return entries;
}
