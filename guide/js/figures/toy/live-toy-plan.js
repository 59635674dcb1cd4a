// Where the neurons and edges of the toy GPT lie in its picture, along the flow and across it, so
// that it can run to the right or downwards. No DOM.

import { TOY_POSITION, TOY_TOKENS } from "../../numbers/toy.js";

/**
 * @typedef {{id: string, name: string, kind: string, column: number, along: number,
 *   across: number}} Neuron
 */
/**
 * @typedef {{id: string, matrix: string, row: number, index: number, from: Neuron, to: Neuron}}
 *   Edge one trained number
 */
/**
 * @typedef {{from: Neuron, to: Neuron, bend: number}} Link what joins neurons without a number of
 *   its own
 */

const PAIR = [0, 1];
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
const LAYER = "layer0.";

/** Columns in the order of the flow: what stands above them, and room before each. */
export const COLUMNS = Object.freeze([
  { key: "token", title: "token", room: 0 },
  { key: "x", title: "x, normed", room: 1 },
  { key: "qkv", title: "q k v", room: 1 },
  { key: "weights", title: "weights", room: 0.45 },
  { key: "head", title: "head", room: 0.45 },
  { key: "mid", title: "Wo, + x", room: 1 },
  { key: "fc1", title: "fc1, ReLU", room: 1 },
  { key: "final", title: "fc2, + x", room: 1 },
  { key: "probs", title: "probability", room: 1 },
]);

const LAST = COLUMNS.length - 1;
const ROOM = COLUMNS.reduce((sum, { room }) => sum + room, 0);
/** What leads into a column, for those who point at it. */
export const MATRIX_NAMES = Object.freeze({
  wte: "wte",
  wpe: "wpe",
  attn_wq: "Wq",
  attn_wk: "Wk",
  attn_wv: "Wv",
  attn_wo: "Wo",
  mlp_fc1: "fc1",
  mlp_fc2: "fc2",
  lm_head: "lm_head",
});

/** @param {string} column @param {string[]} names @param {string | string[]} kinds */
const group = (column, names, kinds) =>
  names.map((name, i) => ({
    id: `${column}.${i}`,
    name,
    kind: typeof kinds === "string" ? kinds : kinds[i],
    column: COLUMNS.findIndex(({ key }) => key === column),
  }));

const NEURONS = {
  token: group("token", [...TOY_TOKENS, `position ${TOY_POSITION}`], "x"),
  x: group("x", ["x₀", "x₁"], "x"),
  qkv: group("qkv", ["q₀", "q₁", "k₀", "k₁", "v₀", "v₁"], ["q", "q", "k", "k", "v", "v"]),
  weights: group(
    "weights",
    ["weight of position 0", "weight of position 1", "weight of position 2"],
    "attention",
  ),
  head: group("head", ["head output 0", "head output 1"], "v"),
  mid: group("mid", ["x₀ after attention", "x₁ after attention"], "x"),
  fc1: group(
    "fc1",
    EIGHT.map((i) => `hidden ${i}`),
    "mlp",
  ),
  final: group("final", ["last x₀", "last x₁"], "x"),
  probs: group(
    "probs",
    TOY_TOKENS.map((name) => `probability of ${name}`),
    "prob",
  ),
};

/**
 * The picture in a room of `long` along the flow and `wide` across it; neurons take `size` along.
 * @param {{long: number, wide: number, size: number, margin: number}} room
 */
export function planToy({ long, wide, size, margin }) {
  const unit = (long - (LAST + 1) * size) / ROOM;
  let at = size / 2;
  const starts = COLUMNS.map(({ room }, i) => {
    if (i) at += room * unit + size;
    return at;
  });
  /** @type {Record<keyof typeof NEURONS, Neuron[]>} */
  const neurons = /** @type {any} */ (
    Object.fromEntries(
      Object.entries(NEURONS).map(([key, all]) => [
        key,
        all.map((one, i) => ({
          ...one,
          along: starts[one.column],
          across: margin + ((wide - 2 * margin) * (i + 0.5)) / all.length,
        })),
      ]),
    )
  );
  const { token, x, qkv, weights, head, mid, fc1, final, probs } = neurons;
  /** @type {Edge[]} */
  const edges = [];
  const matrix = (
    /** @type {string} */ name,
    /** @type {Neuron[]} */ from,
    /** @type {Neuron[]} */ to,
  ) =>
    to.forEach((end, row) =>
      from.forEach((start, index) =>
        edges.push({
          id: `${name}.${row}.${index}`,
          matrix: name,
          row,
          index,
          from: start,
          to: end,
        }),
      ),
    );
  TOY_TOKENS.forEach((_, row) =>
    PAIR.forEach((index) =>
      edges.push({
        id: `wte.${row}.${index}`,
        matrix: "wte",
        row,
        index,
        from: token[row],
        to: x[index],
      }),
    ),
  );
  PAIR.forEach((index) =>
    edges.push({
      id: `wpe.${TOY_POSITION}.${index}`,
      matrix: "wpe",
      row: TOY_POSITION,
      index,
      from: token[4],
      to: x[index],
    }),
  );
  ["q", "k", "v"].forEach((name, i) =>
    matrix(`${LAYER}attn_w${name}`, x, qkv.slice(2 * i, 2 * i + 2)),
  );
  matrix(`${LAYER}attn_wo`, head, mid);
  matrix(`${LAYER}mlp_fc1`, mid, fc1);
  matrix(`${LAYER}mlp_fc2`, fc1, final);
  matrix("lm_head", final, probs);
  /** @type {Link[]} */
  const links = [];
  const join = (/** @type {Neuron} */ from, /** @type {Neuron} */ to, bend = 0) =>
    links.push({ from, to, bend });
  for (const t of weights) for (const i of PAIR) join(qkv[i], t);
  for (const i of PAIR) {
    join(qkv[2 + i], weights[2]);
    join(qkv[4 + i], head[i]);
    for (const t of weights) join(t, head[i]);
    join(x[i], mid[i], i ? 1 : -1);
    join(mid[i], final[i], i ? 1 : -1);
  }
  return { neurons: Object.values(neurons).flat(), edges, links, starts };
}

/** What an edge is called. @param {{matrix: string, row: number, index: number}} edge */
export function edgeName({ matrix, row, index }) {
  const name = /** @type {Record<string, string>} */ (MATRIX_NAMES)[matrix.replace(LAYER, "")];
  const first = matrix === "wte" || matrix === "lm_head" ? TOY_TOKENS[row] : row;
  return `${name}[${first}][${index}]`;
}

/**
 * The number that each neuron shows for a token: null for those that are not fed.
 * @param {import("../../numbers/toy.js").ToyRow} row of toyForward
 * @param {number} token
 * @returns {Record<string, number | null>}
 */
export function neuronValues(row, token) {
  /** @type {Record<string, number | null>} */
  const values = {};
  const put = (/** @type {string} */ column, /** @type {(number | null)[]} */ numbers) =>
    numbers.forEach((x, i) => (values[`${column}.${i}`] = x));
  put("token", [...TOY_TOKENS.map((_, i) => (i === token ? 1 : null)), 1]);
  put("x", row.x_pre_attn);
  put("qkv", [...row.q, ...row.k, ...row.v]);
  put("weights", row.weights[0]);
  put("head", row.head_out);
  put("mid", row.x_after_attn);
  put("fc1", row.fc1);
  put("final", row.x_final);
  put("probs", row.probs);
  return values;
}
