// The Transformer as textbooks draw it, block by block, beside microgpt: the lines of its program,
// the entries of its state dict, or why it has none. No DOM.

/** @typedef {import("../../kit/dom.js").Attribute} Attribute */
/**
 * @typedef {object} Block
 * @property {string} id
 * @property {string} name
 * @property {"same" | "other" | "implicit" | "none"} mark how microgpt has it
 * @property {string} what
 * @property {[start: string, count: number][]} code lines of train5.py: how the first one starts,
 *   and how many
 * @property {string[]} keys of the state dict
 * @property {string} kind of tensor, for its colour
 */
/** @typedef {{number: number, text: string}} Line */

export const MARKS = Object.freeze({
  same: "the same",
  other: "a different kind",
  implicit: "no code needed",
  none: "none",
});

const EMBED = /** @type {[string, number]} */ (["x = rmsnorm([t + p", 1]);
const WEIGHTS = /** @type {[string, number]} */ (["weights = softmax(", 1]);
const AFTER_WO = /** @type {[string, number]} */ ([
  "x = [new + old for new, old in zip(linear(mix",
  1,
]);
const AFTER_FC2 = /** @type {[string, number]} */ ([
  "x = [new + old for new, old in zip(linear(h",
  1,
]);
const NORM = /** @type {[string, number]} */ (["def rmsnorm", 4]);

/**
 * @param {string} id
 * @param {string} name
 * @param {Block["mark"]} mark
 * @param {string} kind
 * @param {string[]} keys
 * @param {[string, number][]} code
 * @param {string} what
 * @returns {Block}
 */
const block = (id, name, mark, kind, keys, code, what) => ({
  id,
  name,
  mark,
  kind,
  keys,
  code,
  what,
});

/** Before the layers, around them, and after them. */
export const EMBEDDINGS = Object.freeze([
  block(
    "wte",
    "wte, token embedding",
    "same",
    "x",
    ["wte"],
    [['state_dict = {"wte"', 1], EMBED],
    "A learned row of 16 numbers for each of the 27 tokens.",
  ),
  block(
    "wpe",
    "wpe, position embedding",
    "same",
    "x",
    ["wpe"],
    [['state_dict = {"wte"', 1], EMBED],
    "A learned row for each of the 16 positions, as GPT-2 has. Many later models rotate q and " +
      "k by an angle instead (RoPE).",
  ),
  block(
    "sum",
    "sum",
    "same",
    "x",
    [],
    [EMBED],
    "The two rows are added. microgpt normalises the sum straight away, which isn't in the " +
      "textbook's picture.",
  ),
  block(
    "dropout",
    "dropout",
    "none",
    "param",
    [],
    [],
    "In training, dropout sets some numbers to zero at random, to prevent learning by heart. " +
      "microgpt sees each name once and has nothing to guard against. At inference, dropout is " +
      "off in every model.",
  ),
]);
export const LOOP = block(
  "loop",
  "layer loop",
  "same",
  "param",
  [],
  [["for i in range(n_layer):", 1]],
  "The block is repeated once per layer, each time with its own matrices. Here n_layer is 1, " +
    "in GPT-2 small it is 12.",
);
export const ATTENTION = Object.freeze([
  block(
    "norm-attention",
    "norm before attention",
    "other",
    "x",
    [],
    [["h = rmsnorm(x)", 1], NORM],
    "LayerNorm in the picture, RMSNorm here: no mean is subtracted, and there is no gain or " +
      "bias to learn. So it has no entry.",
  ),
  block(
    "qkv",
    "Q, K, V",
    "same",
    "q",
    ["layer0.attn_wq", "layer0.attn_wk", "layer0.attn_wv"],
    [["q = linear(h", 3]],
    "Three matrices make query, key and value. Many programs keep them as one matrix with " +
      "three times as many rows, which is the same.",
  ),
  block(
    "scores",
    "Q·K",
    "same",
    "attention",
    [],
    [WEIGHTS],
    "The query is compared with every key, head by head, and the dot products are divided by " +
      "the square root of head_dim.",
  ),
  block(
    "mask",
    "causal mask",
    "implicit",
    "attention",
    [],
    [["keys[i].append", 1]],
    "No line hides later positions. Tokens come one after another, and the lists contain only " +
      "what has come so far. Programs that take all positions at once need the mask.",
  ),
  block(
    "softmax-attention",
    "softmax",
    "same",
    "attention",
    [],
    [WEIGHTS, ["def softmax", 5]],
    "Scores become weights that sum to 1.",
  ),
  block(
    "values",
    "weights·V",
    "same",
    "v",
    [],
    [["mix += [dot(weights", 1]],
    "The values are mixed by the weights; the heads' results are put end to end.",
  ),
  block(
    "wo",
    "Wo, output projection",
    "same",
    "x",
    ["layer0.attn_wo"],
    [AFTER_WO],
    "Mixes what the heads have found back into the stream.",
  ),
]);
export const ATTENTION_RESIDUAL = block(
  "residual-attention",
  "+ residual",
  "same",
  "x",
  [],
  [AFTER_WO],
  "What came in is added. The sum needs no parameters.",
);
export const MLP = Object.freeze([
  block(
    "norm-mlp",
    "norm before the MLP",
    "other",
    "x",
    [],
    [["h = linear(rmsnorm(x)", 1], NORM],
    "Again RMSNorm instead of LayerNorm, without parameters.",
  ),
  block(
    "fc1",
    "fc1",
    "same",
    "mlp",
    ["layer0.mlp_fc1"],
    [["h = linear(rmsnorm(x)", 1]],
    "16 numbers become 64, four times as many, as in GPT-2. There is no bias.",
  ),
  block(
    "activation",
    "GELU → ReLU",
    "other",
    "mlp",
    [],
    [["h = [hi.relu()", 1]],
    "GELU is a smooth bend; microgpt uses the one with a corner, ReLU: what is below zero " +
      "becomes zero. The preset early squares it.",
  ),
  block(
    "fc2",
    "fc2",
    "same",
    "mlp",
    ["layer0.mlp_fc2"],
    [AFTER_FC2],
    "64 numbers become 16 again.",
  ),
]);
export const MLP_RESIDUAL = block(
  "residual-mlp",
  "+ residual",
  "same",
  "x",
  [],
  [AFTER_FC2],
  "What went into this half is added.",
);
export const OUTPUT = Object.freeze([
  block(
    "norm-final",
    "final LayerNorm",
    "none",
    "param",
    [],
    [['return linear(x, state_dict["lm_head"])', 1]],
    "GPT-2 normalises once more before the output. microgpt has its extra norm at the other " +
      "end, after the embeddings, and none here.",
  ),
  block(
    "lm_head",
    "lm_head",
    "same",
    "logit",
    ["lm_head"],
    [
      ['state_dict["lm_head"] =', 1],
      ['return linear(x, state_dict["lm_head"])', 1],
    ],
    "A row of 16 weights for each token gives its score. GPT-2 uses the table wte a second " +
      "time instead.",
  ),
  block(
    "softmax-output",
    "softmax",
    "same",
    "prob",
    [],
    [
      ["def softmax", 5],
      ["probs = softmax(gpt(", 1],
    ],
    "27 scores become 27 probabilities. The function is the one that attention uses.",
  ),
]);

/** All of them, in the order of the way through the model. @type {readonly Block[]} */
export const BLOCKS = Object.freeze([
  ...EMBEDDINGS,
  LOOP,
  ...ATTENTION,
  ATTENTION_RESIDUAL,
  ...MLP,
  MLP_RESIDUAL,
  ...OUTPUT,
]);

/**
 * Lines of a program by how the first one starts, indentation apart. Where the function gpt has
 * such a line, that one is meant. Throws if it is missing.
 * @param {string} source
 * @param {string} start
 * @param {number} count
 * @returns {Line[]}
 */
export function linesOf(source, start, count) {
  const lines = source.split("\n");
  const inGpt = lines.findIndex((line) => line.startsWith("def gpt"));
  const starts = (/** @type {string} */ line) => line.trimStart().startsWith(start);
  const later = lines.findIndex((line, i) => i >= inGpt && starts(line));
  const first = later < 0 ? lines.findIndex(starts) : later;
  if (first < 0) throw new Error(`no line starts with ${start}`);
  return lines.slice(first, first + count).map((text, i) => ({ number: first + i + 1, text }));
}

/**
 * A block's lines, each once, in the program's order.
 * @param {string} source
 * @param {Block} block
 */
export function codeOf(source, { code }) {
  const found = new Map(
    code
      .flatMap(([start, count]) => linesOf(source, start, count))
      .map((line) => [line.number, line]),
  );
  return [...found.values()].sort((a, b) => a.number - b.number);
}

/**
 * Numbers of lines in words: "Line 134", "Lines 92 and 134", "Lines 120 to 124 and 144".
 * @param {readonly number[]} numbers rising
 */
export function linesSaid(numbers) {
  const runs = /** @type {[number, number][]} */ ([]);
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  const said = runs.map(([from, to]) => (from === to ? String(from) : `${from} to ${to}`));
  const all = [said.slice(0, -1).join(", "), said.at(-1)].filter(Boolean).join(" and ");
  return `${numbers.length === 1 ? "Line" : "Lines"} ${all}`;
}

/**
 * A block's entries of the state dict with their shapes, from the model itself.
 * @param {Record<string, number[][]>} weights
 * @param {Block} block
 */
export const entriesOf = (weights, { keys }) =>
  keys.map((key) => {
    const rows = weights[key];
    return { key, shape: [rows.length, rows[0].length], count: rows.length * rows[0].length };
  });
