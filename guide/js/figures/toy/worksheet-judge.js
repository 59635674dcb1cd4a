// Whether a cell of the worksheet is right, and which usual mistake it is if not. Every mistake is
// computed: the step is made once more, with that mistake in it. No DOM.

import { readNumber, written } from "../../kit/text.js";
import { TOY_CACHE, TOY_POSITION, TOY_TOKENS, TOY_WEIGHTS } from "../../numbers/toy-data.js";
import {
  CELLS,
  columnOf,
  dot,
  matrix,
  NOTATION,
  normed,
  plus,
  scaleOf,
  shares,
  SHORT,
  STEP,
  times,
  two,
  withCache,
} from "./worksheet.js";

/** @typedef {import("./worksheet.js").Column} Column */
/** @typedef {import("./worksheet.js").Entries} Entries */
/**
 * @typedef {{key: string, say: (cell: import("./worksheet.js").Cell, token: number) => string,
 *   steps: Record<string, (v: Column, token: number) => (number[])[]>}} Mistake for each step,
 *   vectors that it would give
 */
/**
 * @typedef {{verdict: "right" | "wrong" | "unread" | "empty", kind: string, say: string,
 *   mistakes: string[]}} Judgement
 */

const MATRIX = /** @type {Record<string, [string, string]>} */ ({
  q: ["attn_wq", "x_pre_attn"],
  k: ["attn_wk", "x_pre_attn"],
  v: ["attn_wv", "x_pre_attn"],
  x_attn: ["attn_wo", "head_out"],
  fc1_pre: ["mlp_fc1", "x_pre_mlp"],
  mlp_out: ["mlp_fc2", "fc1"],
  logits: ["lm_head", "x_final"],
});
/** What each norm is made from. */
const NORMED = { x: "emb", x_pre_attn: "x", x_pre_mlp: "x_after_attn" };
/**
 * The same for all steps that go through a matrix.
 * @param {(v: Column, rows: readonly (readonly number[])[], from: string) => number[]} make
 * @param {string[]} [only]
 */
const through = (make, only = Object.keys(MATRIX)) =>
  Object.fromEntries(
    only.map((key) => [
      key,
      (/** @type {Column} */ v) => [make(v, matrix(MATRIX[key][0]), MATRIX[key][1])],
    ]),
  );
const EQUAL = [1 / 3, 1 / 3, 1 / 3];
const turned = (/** @type {readonly (readonly number[])[]} */ rows) =>
  rows[0].map((_, j) => rows.map((row) => row[j]));
const roughDot = (/** @type {readonly number[]} */ a, /** @type {readonly number[]} */ b) =>
  a.reduce((sum, ai, i) => sum + two(ai * b[i]), 0);
const roughShares = (/** @type {number[]} */ x) => {
  const exps = x.map((xi) => two(Math.exp(xi)));
  return exps.map((e) => e / exps.reduce((a, b) => a + b, 0));
};
const roughNorm = (/** @type {number[]} */ x) => x.map((xi) => xi * two(scaleOf(x)));
const mixed = (
  /** @type {number[]} */ weights,
  /** @type {readonly (readonly number[])[]} */ rows,
) =>
  [0, 1].map((j) =>
    dot(
      weights,
      rows.map((row) => row[j]),
    ),
  );

/**
 * Scores, keys and values of the position behind, if a token stood there: what no cell may use.
 * @param {Column} v
 */
function futures(v) {
  return TOY_TOKENS.map((_, next) => {
    const h = normed(normed(plus(TOY_WEIGHTS.wte[next], TOY_WEIGHTS.wpe[TOY_POSITION + 1])));
    return {
      score: dot(v.q, times(matrix("attn_wk"), h)) / Math.SQRT2,
      value: times(matrix("attn_wv"), h),
    };
  });
}

/** In the order in which they are looked for. @type {readonly Mistake[]} */
export const MISTAKES = [
  {
    key: "root",
    say: () =>
      "The square root of 2 is missing: the products are divided by √2 (1.41 by hand) before " +
      "softmax.",
    steps: { scores: (v) => [v.qk], weights: (v) => [shares(v.qk)] },
  },
  {
    key: "halved",
    say: () => "That is divided by 2; it has to be divided by the square root of 2.",
    steps: { scores: (v) => [v.qk.map((x) => x / 2)] },
  },
  {
    key: "unnormed",
    say: ({ step }) =>
      "That uses the numbers as they were before the norm" +
      (["x", "x_pre_mlp", "x_pre_attn"].includes(step)
        ? ""
        : `: ${NOTATION[MATRIX[step][1]]} is meant`) +
      ".",
    steps: {
      x: (v) => [v.emb],
      x_pre_attn: (v) => [v.emb],
      x_pre_mlp: (v) => [v.x_after_attn],
      ...Object.fromEntries(
        ["q", "k", "v"].map((key) => [
          key,
          (/** @type {Column} */ v) => [times(matrix(`attn_w${key}`), v.emb)],
        ]),
      ),
      fc1_pre: (v) => [times(matrix("mlp_fc1"), v.x_after_attn)],
    },
  },
  {
    key: "mean",
    say: () =>
      "That divides by the square root of the sum of squares; it has to be that of their " +
      "mean, so half of the sum.",
    steps: Object.fromEntries(
      Object.entries(NORMED).map(([key, from]) => [
        key,
        (/** @type {Column} */ v) => [v[from].map((x) => x / Math.sqrt(dot(v[from], v[from])))],
      ]),
    ),
  },
  {
    key: "unrooted",
    say: () =>
      "That divides by the mean of the squares; it has to be divided by the square root of that " +
      "mean.",
    steps: Object.fromEntries(
      Object.entries(NORMED).map(([key, from]) => [
        key,
        (/** @type {Column} */ v) => [
          v[from].map((x) => x / (dot(v[from], v[from]) / v[from].length + 1e-5)),
        ],
      ]),
    ),
  },
  {
    key: "row",
    say: ({ step }, token) =>
      step === "emb"
        ? `That is the wrong row: ${TOY_TOKENS[token]} has row ${token} of wte (BOS is row ` +
          "0), and position 2 has row 2 of wpe, the third."
        : `That is a different row: use the cell's own row of ` +
          `${SHORT[MATRIX[step]?.[0]] ?? "numbers"}.`,
    steps: {
      emb: (_, token) =>
        TOY_TOKENS.flatMap((_, t) =>
          TOY_WEIGHTS.wpe.map((row, p) =>
            t === token && p === TOY_POSITION ? [NaN, NaN] : plus(TOY_WEIGHTS.wte[t], row),
          ),
        ),
    },
  },
  {
    key: "position",
    say: () => "That is the token's row alone; the row of position 2 of wpe is added.",
    steps: { emb: (_, token) => [[...TOY_WEIGHTS.wte[token]]] },
  },
  {
    key: "residual",
    say: () => "The residual is missing: what went into the block is added to its output.",
    steps: { x_after_attn: (v) => [v.x_attn], x_final: (v) => [v.mlp_out] },
  },
  {
    key: "added",
    say: ({ step }) =>
      `Something else was added: it has to be ${step === "x_final" ? "r" : "x"}, as it was when ` +
      "it went into the block.",
    steps: {
      x_after_attn: (v) => [plus(v.x_attn, v.emb)],
      x_final: (v) => [plus(v.mlp_out, v.x_pre_mlp), plus(v.mlp_out, v.x)],
    },
  },
  {
    key: "relu",
    say: () => "ReLU is skipped: what is below 0 becomes 0 before the next step.",
    steps: { fc1: (v) => [v.fc1_pre], mlp_out: (v) => [times(matrix("mlp_fc2"), v.fc1_pre)] },
  },
  {
    key: "absolute",
    say: () => "ReLU doesn't flip the sign; what is below 0 becomes 0.",
    steps: { fc1: (v) => [v.fc1_pre.map(Math.abs)] },
  },
  {
    key: "future",
    say: () =>
      "That looks into the future: there are three positions, 0 to 2. What comes later has no " +
      "score at all, not even a score of 0.",
    steps: {
      weights: (v) => [
        shares([...v.scores, 0]),
        ...futures(v).map(({ score }) => shares([...v.scores, score])),
      ],
      head_out: (v) => [
        mixed(shares([...v.scores, 0]).slice(0, 3), withCache("values", v.v)),
        ...futures(v).map(({ score, value }) =>
          mixed(shares([...v.scores, score]), [...withCache("values", v.v), value]),
        ),
      ],
    },
  },
  {
    key: "self",
    say: () => "That looks only at the two cached positions; a position sees itself too.",
    steps: {
      weights: (v) => [[...shares(v.scores.slice(0, 2)), 0]],
      head_out: (v) => [mixed(shares(v.scores.slice(0, 2)), TOY_CACHE.values)],
    },
  },
  {
    key: "equal",
    say: ({ step }) =>
      "That gives all three positions the same weight; " +
      (step === "weights"
        ? "softmax of the scores gives each its own."
        : "each value has its own, from step 9."),
    steps: {
      weights: () => [EQUAL],
      head_out: (v) => [mixed(EQUAL, withCache("values", v.v))],
    },
  },
  {
    key: "early",
    say: ({ step }) =>
      "Rounded too early: " +
      (["weights", "probs"].includes(step)
        ? "powers of e stay as they are until the division"
        : MATRIX[step] || step === "qk" || step === "head_out"
          ? "products are added first, then the sum is rounded"
          : "the square root isn't rounded, only the result") +
      ".",
    steps: {
      ...through((v, rows, from) => rows.map((row) => roughDot(row, v[from]))),
      x: (v) => [roughNorm(v.emb)],
      x_pre_attn: (v) => [roughNorm(v.x)],
      x_pre_mlp: (v) => [roughNorm(v.x_after_attn)],
      qk: (v) => [withCache("keys", v.k).map((key) => roughDot(v.q, key))],
      weights: (v) => [roughShares(v.scores)],
      probs: (v) => [roughShares(v.logits)],
      head_out: (v) => [
        [0, 1].map((j) =>
          roughDot(
            v.weights,
            withCache("values", v.v).map((row) => row[j]),
          ),
        ),
      ],
    },
  },
  {
    key: "columns",
    say: ({ step }) =>
      `That goes down the columns of ${SHORT[MATRIX[step][0]]}; a cell belongs to a row.`,
    steps: through((v, rows, from) => times(turned(rows), v[from]), ["q", "k", "v", "x_attn"]),
  },
  {
    key: "matrix",
    say: ({ step }) => `That is the wrong matrix: it has to be ${SHORT[MATRIX[step][0]]}.`,
    steps: {
      ...Object.fromEntries(
        ["q", "k", "v"].map((key) => [
          key,
          (/** @type {Column} */ v) =>
            ["q", "k", "v"]
              .filter((one) => one !== key)
              .map((one) => times(matrix(`attn_w${one}`), v.x_pre_attn)),
        ]),
      ),
      logits: (v) => [times(TOY_WEIGHTS.wte, v.x_final)],
    },
  },
  {
    key: "late",
    say: () => "That is normalised once more; there is no norm before lm_head.",
    steps: { logits: (v) => [times(matrix("lm_head"), normed(v.x_final))] },
  },
  {
    key: "undivided",
    say: () => "Softmax has a second half: each power of e is divided by the sum of all.",
    steps: { weights: (v) => [v.scores.map(Math.exp)], probs: (v) => [v.logits.map(Math.exp)] },
  },
];

/** What the walkthrough prints for b in error. */
const PRINTED = {
  token: 2,
  id: "probs.0",
  value: 0.17,
  say: "p(BOS): 0.17 is what the walkthrough prints, and an erratum. Compute it from your logits.",
};

/**
 * For any cell, from its right value: sign, places, percent.
 * @type {readonly {key: string, say: string, of: (x: number) => number}[]}
 */
const SLIPS = [
  { key: "sign", say: "The sign is wrong.", of: (x) => -x },
  {
    key: "percent",
    say: "That is in per cent; enter a share between 0 and 1.",
    of: (x) => 100 * x,
  },
];

/** Decimals as typed. @param {string} text */
const places = (text) => /[.,](\d*)\s*$/.exec(text)?.[1].length ?? 0;

/**
 * Whether what was typed is this number, to the places typed, two at least.
 * @param {number} typed
 * @param {number} digits
 * @param {number} x
 */
const fits = (typed, digits, x) => Math.abs(typed - x) <= 0.5 * 10 ** -Math.max(2, digits) + 1e-9;

/**
 * A cell as it was typed.
 * @param {number} token
 * @param {string} id
 * @param {Entries} entries the whole sheet, this cell included
 * @returns {Judgement}
 */
export function judgeCell(token, id, entries) {
  const cell = CELLS.find((one) => one.id === id);
  if (!cell) throw new Error(`no cell ${id}`);
  const text = entries[id]?.text ?? "";
  if (!text.trim()) return { verdict: "empty", kind: "", say: "", mistakes: [] };
  const typed = readNumber(text);
  if (typed === null)
    return {
      verdict: "unread",
      kind: "",
      say: `${cell.name}: enter a number, such as −0.37.`,
      mistakes: [],
    };
  const digits = places(text);
  const { step, index, name } = cell;
  const columns = [columnOf(token, "hand"), columnOf(token, "exact")];
  const [hand, exact] = columns.map((column) => column[step][index]);
  // As by hand, before its own rounding.
  const long = STEP[step].make(columns[0], { token, root: 1.41 })[index];
  const isHand =
    fits(typed, Math.max(digits, 4), hand) || (digits > 2 && fits(typed, digits, long));
  const isExact = fits(typed, digits, exact);
  const right = (/** @type {string} */ kind, /** @type {string} */ note) => ({
    verdict: /** @type {const} */ ("right"),
    kind,
    say: `${name} is right${note}`,
    mistakes: [],
  });
  if (isHand && (isExact || two(exact) === hand)) return right("both", ".");
  if (isExact)
    return right(
      "exact",
      two(exact) === hand
        ? "."
        : `, computed exactly. Rounded at each step, as by hand, it is ${written(hand)}.`,
    );
  if (isHand)
    return right("hand", `, rounded at each step as by hand. Exactly it is ${written(exact, 4)}.`);

  const own = carried(token, cell, entries);
  if (own && (fits(typed, digits, own.value) || fits(typed, 4, two(own.value)))) {
    if (!own.wrong.length) return right("own", ": it follows from your own numbers.");
    return {
      verdict: "wrong",
      kind: "carried",
      say:
        `${name}: this step is right, but it builds on ${own.wrong.join(", ")}, which ` +
        "isn't. Fix that first.",
      mistakes: ["carried"],
    };
  }
  if (token === PRINTED.token && id === PRINTED.id && fits(typed, digits, PRINTED.value))
    return { verdict: "wrong", kind: "", say: PRINTED.say, mistakes: ["printed"] };
  const found = MISTAKES.filter(
    ({ steps }) =>
      Object.hasOwn(steps, step) &&
      columns.some((column) =>
        steps[step](column, token).some((vector) => fits(typed, digits, vector[index])),
      ),
  );
  const slips = SLIPS.filter(({ of }) =>
    columns.some(
      (column) => of(column[step][index]) !== 0 && fits(typed, digits, of(column[step][index])),
    ),
  );
  const says = [
    ...found.map((mistake) => mistake.say(cell, token)),
    ...slips.map(({ say }) => say),
  ];
  const keys = [...found, ...slips].map(({ key }) => key);
  if (
    digits < 2 &&
    columns.some(
      (column) =>
        Math.abs(
          typed -
            (Math.sign(column[step][index]) * Math.round(Math.abs(column[step][index]) * 10)) / 10,
        ) < 1e-9,
    )
  ) {
    keys.push("early");
    says.push("Rounded too early: use two decimals.");
  }
  const other = STEP[step].names.findIndex(
    (_, i) => i !== index && columns.some((column) => fits(typed, digits, column[step][i])),
  );
  if (!keys.length && other >= 0) {
    keys.push("row");
    says.push(
      `That is ${STEP[step].names[other]}` +
        (MATRIX[step] ? `: the wrong row of ${SHORT[MATRIX[step][0]]}` : "") +
        ".",
    );
  }
  const say = says.length
    ? `${name}: ${says.slice(0, 2).join(" Or: ")}`
    : `${name}: not yet. “Hint for ${name}” shows its sum.`;
  return { verdict: "wrong", kind: "", say, mistakes: [...new Set(keys)] };
}

/**
 * The cell as it follows from what the reader has put into the cells before it, and which of those
 * are wrong; null where one is missing.
 * @param {number} token
 * @param {import("./worksheet.js").Cell} cell
 * @param {Entries} entries
 */
function carried(token, cell, entries) {
  const { needs, make } = STEP[cell.step];
  /** @type {Column} */
  const own = {};
  /** @type {string[]} */
  const wrong = [];
  if (!needs.length) return null;
  for (const key of needs) {
    own[key] = [];
    for (const one of CELLS.filter(({ step }) => step === key)) {
      const x = readNumber(entries[one.id]?.text ?? "");
      if (x === null) return null;
      own[key].push(x);
      const columns = [columnOf(token, "hand"), columnOf(token, "exact")];
      const digits = places(entries[one.id].text);
      if (!columns.some((column) => fits(x, digits, column[key][one.index]))) wrong.push(one.name);
    }
  }
  return { value: make(own, { token, root: 1.41 })[cell.index], wrong };
}
