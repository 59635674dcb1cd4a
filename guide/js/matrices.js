// The matrices of microgpt in words: what each is for, and what its rows stand for. No DOM.

export const MATRICES = Object.freeze([
  "wte",
  "wpe",
  "lm_head",
  "layer0.attn_wq",
  "layer0.attn_wk",
  "layer0.attn_wv",
  "layer0.attn_wo",
  "layer0.mlp_fc1",
  "layer0.mlp_fc2",
]);

/** @type {Record<string, string>} */
const WHAT = {
  wte: "One row a token: what the model knows of a letter before it looks at anything else.",
  wpe: "One row a position: what it means to be the first, the second, the sixteenth letter.",
  lm_head: "One row a token: how the last numbers are scored for each possible next letter.",
  attn_wq: "Makes the query: what a position looks for.",
  attn_wk: "Makes the key: what a position offers to be found by.",
  attn_wv: "Makes the value: what a position hands over when it is found.",
  attn_wo: "Mixes what the heads have found back into the stream.",
  mlp_fc1: "The MLP's first half: 64 neurons, each with a weight for each of 16 numbers.",
  mlp_fc2: "The MLP's second half: back from 64 hidden numbers to 16.",
};

/** @param {string} matrix its name in the state dict */
export function describe(matrix) {
  return WHAT[matrix.replace(/^layer\d+\./, "")];
}

/**
 * What a matrix's rows are called.
 * @param {string} matrix
 * @param {number} rows
 */
export function namesOf(matrix, rows) {
  const tokens = [..."abcdefghijklmnopqrstuvwxyz", "BOS"];
  const plain = Array.from({ length: rows }, (_, i) => (matrix === "wpe" ? `pos ${i}` : String(i)));
  return { rows: matrix === "wte" || matrix === "lm_head" ? tokens.slice(0, rows) : plain };
}
