// The tour of the scene: sections of sentences, each with a phase, a camera, what it lights, and
// the cell whose inputs it follows. Every number in them is the model's own. No DOM.

import { written } from "../kit/text.js";
import { labelsOf } from "../figures/trained/real-model.js";
import { FIRST } from "./camera.js";
import { cellOf } from "./layout.js";
import { formulaAt, parametersOf, valueAt } from "./numbers.js";
import { PHASES } from "./phases.js";
import { cellsOf, framed, GPT2, OURS, platesOf } from "./sizes.js";

/** @typedef {import("./numbers.js").Numbers} Numbers */
/** @typedef {import("./numbers.js").Place} Place */
/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./layout.js").Box} Box */
/**
 * @typedef {object} Facts what the sentences are about
 * @property {Numbers} numbers
 * @property {number} t the position of the token on its way
 * @property {string} text
 * @property {string[]} names of its tokens
 * @property {string[]} letters of the vocabulary
 * @property {number} head the one that looks most at one token before this one
 * @property {number} looked which token: not the first, where there is another
 * @property {number[]} best tokens by their probability
 */
/** @typedef {[name: string, test?: (at: number[]) => boolean]} Lit a tensor, or some cells */
/**
 * @typedef {object} Stop
 * @property {string} [title] of the section that begins here
 * @property {number | ((facts: Facts) => number)} phase
 * @property {{turn: number, tilt: number}} angles
 * @property {string[]} [frame] tensors that the camera has in its picture; all if missing
 * @property {"foot" | "block" | "whole"} [sizes] GPT-2's plates, and which of them
 * @property {(facts: Facts) => Lit[]} [lit]
 * @property {(facts: Facts) => Place} [cell]
 * @property {(facts: Facts) => string} say
 */

const L = "layer0.";
const LAST = PHASES.length - 1;
const phaseOf = (/** @type {string} */ tensor) =>
  PHASES.findIndex(({ makes }) => makes.includes(tensor));
const count = (/** @type {number} */ n) => n.toLocaleString("en");
const layer = (/** @type {string[]} */ ...names) => names.map((name) => L + name);

/** All numbers of the token in these tensors. @type {(t: number, ...names: string[]) => Lit[]} */
const own = (t, ...names) => names.map((name) => [name, (at) => at[0] === t]);

const WORDS = ["no", "one", "two", "three", "four", "five", "six"];
const inWords = (/** @type {number} */ n) => WORDS[n] ?? String(n);

/**
 * How many numbers the model computes for the token at a position.
 * @param {Numbers} numbers
 * @param {number} t
 */
export function computed({ traced }, t) {
  return Object.entries(traced).reduce((sum, [name, rows]) => {
    if (name === "loss") return sum;
    const row = rows[t];
    if (!Array.isArray(row)) return sum + 1;
    return sum + (Array.isArray(row[0]) ? row.length * (t + 1) : row.length);
  }, 0);
}

/** @param {Numbers} numbers @param {number} t @param {string} text @returns {Facts} */
export function factsOf(numbers, t, text) {
  const { real, tokens, traced } = numbers;
  const heads = /** @type {number[][]} */ (traced[`${L}weights`][t]);
  const others = t > 1 ? Array.from({ length: t - 1 }, (_, i) => i + 1) : [0];
  let [head, looked] = [0, others[0]];
  heads.forEach((row, h) => {
    for (const s of others) if (row[s] > heads[head][looked]) [head, looked] = [h, s];
  });
  const probs = /** @type {number[]} */ (traced.probs[t]);
  const letters = labelsOf(
    real,
    probs.map((_, i) => i),
  );
  const best = probs.map((_, i) => i).sort((a, b) => probs[b] - probs[a]);
  return { numbers, t, text, names: labelsOf(real, tokens), letters, head, looked, best };
}

/** The neuron that fires most. @param {Facts} facts */
function strongest({ numbers, t }) {
  const row = /** @type {number[]} */ (numbers.traced[`${L}fc1_pre`][t]);
  return row.indexOf(Math.max(...row));
}

/** @type {(facts: Facts, name: string, ...at: number[]) => string} */
const number = ({ numbers }, name, ...at) => written(valueAt(numbers, name, at), 3);

/** @type {readonly Stop[]} */
export const STOPS = Object.freeze([
  {
    title: "All of it",
    phase: 0,
    angles: FIRST,
    say: ({ numbers }) =>
      `${count(parametersOf(numbers.real))} parameters stand here as nine plates, a cell for ` +
      "each number: blue below zero, orange above.",
  },
  {
    phase: LAST,
    angles: { turn: -44, tilt: 26 },
    lit: ({ t, numbers }) =>
      Object.keys(numbers.traced).map((name) => /** @type {Lit} */ ([name, (at) => at[0] <= t])),
    say: ({ numbers, t, names, text }) =>
      `The thin columns are what it computes for “${text}”, one slice for each token: ` +
      `${computed(numbers, t)} numbers for ${names[t]} alone.`,
  },
  {
    title: "A token becomes numbers",
    phase: phaseOf("emb"),
    angles: { turn: -18, tilt: 8 },
    frame: ["wte", "wpe", "tok_emb", "pos_emb", "emb"],
    lit: ({ t, numbers: { tokens } }) => [
      ["wte", (at) => at[0] === tokens[t]],
      ["wpe", (at) => at[0] === t],
      ...own(t, "tok_emb", "pos_emb"),
    ],
    cell: ({ t }) => ({ name: "tok_emb", at: [t, 0] }),
    say: ({ t, names, numbers: { tokens } }) =>
      `${names[t]} is token ${tokens[t]}: row ${tokens[t]} of wte is looked up. It stands at ` +
      `position ${t}: row ${t} of wpe.`,
  },
  {
    phase: phaseOf("emb"),
    angles: { turn: -34, tilt: 12 },
    frame: ["tok_emb", "pos_emb", "emb"],
    lit: ({ t }) => own(t, "tok_emb", "pos_emb", "emb"),
    cell: ({ t }) => ({ name: "emb", at: [t, 0] }),
    say: (facts) => {
      const { numbers, t } = facts;
      return (
        "The two rows are added, number by number. The first: " +
        `${formulaAt(numbers, "emb", [t, 0]).sum} = ${number(facts, "emb", t, 0)}.`
      );
    },
  },
  {
    phase: phaseOf("x"),
    angles: { turn: -24, tilt: 10 },
    frame: ["emb", "mean_square", "scale", "x"],
    lit: ({ t }) => own(t, "emb", "mean_square", "scale", "x"),
    cell: ({ t }) => ({ name: "x", at: [t, 0] }),
    say: (facts) =>
      `Their mean square is ${number(facts, "mean_square", facts.t)}. Multiplied by ` +
      `${number(facts, "scale", facts.t)}, the 16 together have the size 1.`,
  },
  {
    title: "Query, key and value",
    phase: phaseOf(`${L}q`),
    angles: { turn: -20, tilt: 12 },
    frame: layer("x_pre_attn", "attn_wq", "attn_wk", "attn_wv", "q", "k", "v"),
    lit: ({ t }) => [
      ...own(t, ...layer("x_pre_attn", "q", "k", "v")),
      ...layer("attn_wq", "attn_wk", "attn_wv").map((name) => /** @type {Lit} */ ([name])),
    ],
    say: ({ t, names }) =>
      "Three plates of 16 × 16 make three columns from the same 16 numbers: query, key and value " +
      `of ${names[t]}.`,
  },
  {
    phase: phaseOf(`${L}q`),
    angles: { turn: -12, tilt: 6 },
    frame: layer("x_pre_attn", "attn_wq", "q"),
    lit: ({ t }) => [
      [`${L}attn_wq`, (at) => at[0] === 0],
      ...own(t, `${L}x_pre_attn`),
      [`${L}q`, (at) => at[0] === t && at[1] === 0],
    ],
    cell: ({ t }) => ({ name: `${L}q`, at: [t, 0] }),
    say: (facts) =>
      "One number of the query is one row of attn_wq times the column: 16 products, added up to " +
      `${number(facts, `${L}q`, facts.t, 0)}.`,
  },
  {
    title: "The only look back",
    phase: ({ head }) => phaseOf(`${L}weights`) + head,
    angles: { turn: 38, tilt: 20 },
    frame: layer("q", "k", "qk", "scores", "weights"),
    lit: ({ t, head }) => {
      const mine = (/** @type {number[]} */ at) => Math.floor(at[1] / 4) === head;
      return [
        [`${L}q`, (at) => at[0] === t && mine(at)],
        [`${L}k`, (at) => at[0] <= t && mine(at)],
        ...layer("qk", "scores", "weights").map(
          (name) => /** @type {Lit} */ ([name, (at) => at[0] === t && at[1] === head]),
        ),
      ];
    },
    cell: ({ t, head, looked }) => ({ name: `${L}qk`, at: [t, head, looked] }),
    say: (facts) => {
      const { t, head, looked, names } = facts;
      return (
        `Head ${head + 1} compares its four numbers of the query with those of every key so ` +
        `far. ${names[looked]} at position ${looked} gets a weight of ` +
        `${number(facts, `${L}weights`, t, head, looked)}.`
      );
    },
  },
  {
    phase: phaseOf(`${L}head_out`) + 3,
    angles: { turn: 30, tilt: 22 },
    frame: layer("v", "weights", "head_out"),
    lit: ({ t, head }) => {
      const mine = (/** @type {number[]} */ at) => Math.floor(at[1] / 4) === head;
      return [
        [`${L}v`, (at) => at[0] <= t && mine(at)],
        [`${L}weights`, (at) => at[0] === t && at[1] === head],
        [`${L}head_out`, (at) => at[0] === t && mine(at)],
      ];
    },
    cell: ({ t, head }) => ({ name: `${L}head_out`, at: [t, 4 * head] }),
    say: ({ t }) =>
      `With these weights it mixes the values of ${t ? `all ${t + 1}` : "this one"} ` +
      `${t ? "tokens" : "token"}. ` +
      "Nowhere else does anything come from another token.",
  },
  {
    title: "Back into the stream",
    phase: phaseOf(`${L}x_after_attn`),
    angles: { turn: -8, tilt: 16 },
    frame: layer("head_out", "attn_wo", "x_attn", "x_after_attn"),
    lit: ({ t }) => [
      ...own(t, "x", ...layer("head_out", "x_attn", "x_after_attn")),
      [`${L}attn_wo`],
    ],
    cell: ({ t }) => ({ name: `${L}x_after_attn`, at: [t, 0] }),
    say: (facts) => {
      const { numbers, t } = facts;
      return (
        "attn_wo mixes the four heads, and what went past attention is added: " +
        `${formulaAt(numbers, `${L}x_after_attn`, [t, 0]).sum} = ` +
        `${number(facts, `${L}x_after_attn`, t, 0)}.`
      );
    },
  },
  {
    title: "64 neurons",
    phase: phaseOf(`${L}fc1_pre`),
    angles: { turn: -22, tilt: 8 },
    frame: layer("x_pre_mlp", "mlp_fc1", "fc1_pre"),
    lit: (facts) => [
      [`${L}mlp_fc1`, (at) => at[0] === strongest(facts)],
      ...own(facts.t, ...layer("x_pre_mlp", "fc1_pre")),
    ],
    cell: (facts) => ({ name: `${L}fc1_pre`, at: [facts.t, strongest(facts)] }),
    say: (facts) => {
      const best = strongest(facts);
      return (
        "Each row of mlp_fc1 is a neuron that weighs the 16 numbers. Neuron " +
        `${best} gets the largest sum, ${number(facts, `${L}fc1_pre`, facts.t, best)}.`
      );
    },
  },
  {
    phase: phaseOf(`${L}fc1`),
    angles: { turn: 24, tilt: 10 },
    frame: layer("fc1_pre", "fc1"),
    lit: ({ t, numbers }) => [
      [`${L}fc1_pre`, (at) => at[0] === t && valueAt(numbers, `${L}fc1_pre`, at) > 0],
      ...own(t, `${L}fc1`),
    ],
    say: ({ t, numbers }) => {
      const fired = numbers.traced[`${L}fc1`][t].filter((/** @type {number} */ x) => x > 0).length;
      return `ReLU lets through what is above zero: ${inWords(fired)} of the 64.`;
    },
  },
  {
    phase: phaseOf(`${L}x_final`),
    angles: { turn: -22, tilt: 14 },
    frame: layer("fc1", "mlp_fc2", "mlp_out", "x_final"),
    lit: ({ t }) => [...own(t, ...layer("fc1", "mlp_out", "x_final")), [`${L}mlp_fc2`]],
    cell: ({ t }) => ({ name: `${L}mlp_out`, at: [t, 0] }),
    say: (facts) =>
      "mlp_fc2 makes 16 numbers from them, the first " +
      `${number(facts, `${L}mlp_out`, facts.t, 0)}, and they are added to the stream as well.`,
  },
  {
    title: "What comes next",
    phase: phaseOf("logits"),
    angles: { turn: -20, tilt: 8 },
    frame: [`${L}x_final`, "lm_head", "logits"],
    lit: ({ t, best: [first] }) => [
      ["lm_head", (at) => at[0] === first],
      ...own(t, `${L}x_final`, "logits"),
    ],
    cell: ({ t, best: [first] }) => ({ name: "logits", at: [t, first] }),
    say: (facts) => {
      const [first] = facts.best;
      return (
        `Each row of lm_head belongs to a token. That of ${facts.letters[first]} gets the ` +
        `highest logit, ${number(facts, "logits", facts.t, first)}.`
      );
    },
  },
  {
    phase: LAST,
    angles: { turn: -30, tilt: 6 },
    frame: ["logits", "probs"],
    lit: ({ t }) => own(t, "probs"),
    cell: ({ t, best: [first] }) => ({ name: "probs", at: [t, first] }),
    say: (facts) => {
      const top = facts.best
        .slice(0, 3)
        .map((i) => `${facts.letters[i]} ${number(facts, "probs", facts.t, i)}`);
      return `Softmax turns all 27 into probabilities. The top three: ${top.join(", ")}.`;
    },
  },
  {
    title: "And a large model?",
    phase: LAST,
    angles: { turn: -8, tilt: 4 },
    sizes: "foot",
    say: () =>
      `The same plates for ${GPT2.name}, to the same scale, beside all of ours. A row of its ` +
      `wte has ${GPT2.n_embd} numbers where ours has ${OURS.n_embd}, and the tower goes on above.`,
  },
  {
    phase: LAST,
    angles: { turn: -10, tilt: 4 },
    sizes: "block",
    say: () => {
      const block = platesOf(NOWHERE).filter((plate) => plate.block === 0);
      return (
        `One of its ${inTwelve(GPT2.n_layer)} blocks: ${inWords(block.length)} plates with ` +
        `${count(cellsOf(block))} numbers.`
      );
    },
  },
  {
    phase: LAST,
    angles: { turn: 0, tilt: 0 },
    sizes: "whole",
    say: () =>
      `All of it: ${count(GPT2.parameters)} parameters, ` +
      `${count(Math.round(GPT2.parameters / OURS.parameters))} times ours. The tower is its ` +
      `table of ${count(GPT2.vocab)} tokens; our model is in the ring at its foot.`,
  },
]);

const NOWHERE = /** @type {Box} */ ({ low: [0, 0, 0], high: [0, 0, 0] });
const inTwelve = (/** @type {number} */ n) => (n === 12 ? "twelve" : String(n));

/** The state in which a stop has the scene. @param {Stop} stop @param {Facts} facts */
export const stateOf = (stop, facts) => ({
  phase: typeof stop.phase === "function" ? stop.phase(facts) : stop.phase,
  ...stop.angles,
  zoom: 1,
  dx: 0,
  dy: 0,
});

/** What the camera frames. @param {Stop} stop @param {Layout} layout @returns {Box[]} */
export function boxesOf(stop, layout) {
  if (stop.sizes) return framed(stop.sizes, layout.box);
  return layout.panels
    .filter(({ name }) => !stop.frame || stop.frame.includes(name))
    .map(({ box }) => box);
}

/**
 * The cells that a stop lights; null where none steps back.
 * @param {Stop} stop
 * @param {Layout} layout
 * @param {Facts} facts
 */
export function litOf(stop, layout, facts) {
  if (stop.sizes) return new Set(Array.from({ length: layout.count }, (_, cell) => cell));
  if (!stop.lit) return null;
  /** @type {Set<number>} */
  const cells = new Set();
  for (const [name, test] of stop.lit(facts)) {
    const panel = layout.panels.find((one) => one.name === name);
    for (let cell = panel?.start ?? 0; cell < (panel?.end ?? 0); cell++) {
      const at = [...layout.indices.subarray(3 * cell, 3 * cell + 3)];
      if (!test || test(at)) cells.add(cell);
    }
  }
  const cell = stop.cell?.(facts);
  if (cell) {
    cells.add(cellOf(layout, cell.name, cell.at));
    for (const one of formulaAt(facts.numbers, cell.name, cell.at).of)
      cells.add(cellOf(layout, one.name, one.at));
  }
  return cells;
}

/** The sections with their sentences. @param {Facts} facts */
export function told(facts) {
  /** @type {import("../kit/passages.js").Passage[]} */
  const passages = [];
  for (const stop of STOPS) {
    if (stop.title) passages.push({ title: stop.title, sentences: [] });
    passages[passages.length - 1].sentences.push(stop.say(facts));
  }
  return passages;
}
