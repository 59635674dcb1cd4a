// Where the numbers of the toy GPT lie in its drawing, and what joins them: in one row from left to
// right, in two rows, or downwards. No DOM.

import { TOY_POSITION, TOY_TOKENS } from "../../numbers/toy.js";
import { BLOCKS, VECTORS } from "./toy-steps.js";

/** @typedef {"row" | "two" | "down"} Way */
/**
 * @typedef {{id: string, vector: string, index: number, name: string, kind: string,
 *   column: number, x: number, y: number}} Neuron x and y of its middle
 */
/**
 * @typedef {{id: string, matrix: string, row: number, index: number, from: Neuron, to: Neuron}}
 *   Edge a number that is multiplied with; `matrix` is "keys" or "values" for those of the cache
 */
/**
 * @typedef {{from: Neuron, to: Neuron, way: "straight" | "past" | "under"}} Link without a number
 */
/**
 * @typedef {{key: string, title: string, vectors: string[], block: string, room: number}} Column
 */
/** @typedef {{wide: number, high: number, token: number}} Cell */

const PAIR = [0, 1];
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
const LAYER = "layer0.";
const ROWS = 8;

/** What comes after what, and how much room is before it. @type {readonly Column[]} */
export const COLUMNS = Object.freeze([
  { key: "token", title: "token", vectors: [], block: "", room: 0 },
  {
    key: "emb",
    title: "wte + wpe",
    vectors: ["tok_emb", "pos_emb", "emb"],
    block: "emb",
    room: 38,
  },
  { key: "x", title: "norm", vectors: ["x"], block: "norm", room: 13 },
  { key: "h", title: "norm", vectors: ["x_pre_attn"], block: "norm-attention", room: 13 },
  { key: "qkv", title: "Wq Wk Wv", vectors: ["q", "k", "v"], block: "qkv", room: 40 },
  { key: "scores", title: "scores", vectors: ["qk", "scores"], block: "look", room: 40 },
  { key: "weights", title: "softmax", vectors: ["weights"], block: "look", room: 13 },
  { key: "mix", title: "mix", vectors: ["head_out"], block: "mix", room: 34 },
  { key: "wo", title: "Wo", vectors: ["x_attn"], block: "wo", room: 38 },
  { key: "mid", title: "+ x", vectors: ["x_after_attn"], block: "add-attention", room: 10 },
  { key: "h2", title: "norm", vectors: ["x_pre_mlp"], block: "norm-mlp", room: 13 },
  { key: "fc1", title: "fc1", vectors: ["fc1_pre"], block: "fc1", room: 42 },
  { key: "relu", title: "ReLU", vectors: ["fc1"], block: "relu", room: 10 },
  { key: "fc2", title: "fc2", vectors: ["mlp_out"], block: "fc2", room: 42 },
  { key: "final", title: "+ x", vectors: ["x_final"], block: "add-mlp", room: 10 },
  { key: "logits", title: "lm_head", vectors: ["logits"], block: "head", room: 44 },
  { key: "probs", title: "softmax", vectors: ["probs"], block: "softmax", room: 20 },
]);

const columnOf = (/** @type {string} */ key) => COLUMNS.findIndex((one) => one.key === key);
const LAST = COLUMNS.length - 1;
/** The first column of the second row, which repeats the last of the first. */
const SECOND = columnOf("mid");

/** From which column to which a stage goes, what it takes in included. */
export const STAGE_COLUMNS = Object.freeze(
  [
    ["token", "emb"],
    ["emb", "x"],
    ["x", "mid"],
    ["mid", "final"],
    ["final", "probs"],
  ].map(([from, to]) => /** @type {const} */ ([columnOf(from), columnOf(to)])),
);

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

/** Vectors as they lie across the flow: in which of eight rows each number is. */
const ACROSS = /** @type {Record<string, number[]>} */ ({
  token: [0.35, 2.1, 3.85, 5.6],
  position: [7.1],
  pair: [1.5, 5.5],
  q: [0.1, 1.1],
  k: [3, 4],
  v: [5.9, 6.9],
  positions: [0.6, 2.5, 4.4],
  four: [0.5, 2.5, 4.5, 6.5],
  eight: EIGHT,
});

/** @param {string} vector */
const acrossOf = (vector) => {
  if (vector in ACROSS) return ACROSS[vector];
  if (["scores", "weights"].includes(vector)) return ACROSS.positions;
  if (["logits", "probs"].includes(vector)) return ACROSS.four;
  return ["fc1", "fc1_pre"].includes(vector) ? ACROSS.eight : ACROSS.pair;
};

/** Vectors that are drawn as cells: all but those that the edges carry. */
const drawn = (/** @type {Column} */ { key, vectors }) =>
  key === "token"
    ? ["token", "position"]
    : vectors.filter((one) => !["tok_emb", "pos_emb", "qk"].includes(one));

/** @param {string} vector @param {number} i */
function nameOf(vector, i) {
  if (vector === "token") return TOY_TOKENS[i];
  if (vector === "position") return `position ${TOY_POSITION}`;
  const block = BLOCKS.find(({ vectors }) => vectors.includes(vector));
  const of = ["logits", "probs"].includes(vector) ? TOY_TOKENS[i] : i;
  return `${block?.name}: ${VECTORS[vector].sign} ${of}`;
}

/**
 * The room that some columns take along the flow where nothing presses.
 * @param {readonly [number, number]} range
 * @param {Cell} cell
 * @param {number} [stretch]
 */
function lengthOf([first, last], cell, stretch = 1) {
  let sum = cell.token * (first === 0 ? 1 : 0) + cell.wide * (last - first + (first ? 1 : 0));
  for (let i = first + 1; i <= last; i++) sum += COLUMNS[i].room * stretch;
  return sum;
}

/** Room behind the last column for the tokens' names. */
const tailOf = (/** @type {number} */ last, /** @type {Cell} */ cell) =>
  last === LAST ? (cell.wide > 30 ? 30 : 14) : 12;

/**
 * How much the gaps have to give or take for a range to fill a width.
 * @param {readonly [number, number]} range
 * @param {Cell} cell
 * @param {number} width
 */
function stretchOf(range, cell, width) {
  const cells = lengthOf(range, cell, 0);
  const rooms = lengthOf(range, cell, 1) - cells;
  return (width - 2 - tailOf(range[1], cell) - cells) / rooms;
}

/** Room in which a range can be drawn well; a short one takes more than its share. */
export function widthFor(/** @type {readonly [number, number]} */ range, /** @type {Cell} */ cell) {
  const stretch = range[1] - range[0] < 2 ? 4 : MOST;
  return Math.ceil(lengthOf(range, cell, stretch) + 2 + tailOf(range[1], cell));
}

const MOST = 1.5;
/** Least share of the rooms: edges would be too steep to follow. */
const LEAST = 0.72;

/**
 * Which way a drawing of some columns goes in a width.
 * @param {readonly [number, number]} range
 * @param {Cell} cell
 * @param {number} width
 * @returns {Way}
 */
export function wayOf(range, cell, width) {
  if (stretchOf(range, cell, width) >= LEAST) return "row";
  const isWhole = range[0] === 0 && range[1] === LAST;
  return isWhole && stretchOf([0, SECOND], cell, width) >= LEAST ? "two" : "down";
}

/** @typedef {ReturnType<typeof planToy>} Plan */

/**
 * The drawing of some columns in a width.
 * @param {{width: number, cell: Cell, pitch: number, range?: readonly [number, number],
 *   step?: number}} room `pitch` from row to row, `step` from level to level downwards
 */
export function planToy({ width, cell, pitch, range = [0, LAST], step = 46 }) {
  const way = wayOf(range, cell, width);
  const band = ROWS * pitch;
  const top = cell.wide > 30 ? 32 : 21;
  const bottom = cell.wide > 30 ? 24 : 8;
  const rowHigh = top + band + bottom + (way === "two" ? 14 : 0);
  /** @type {Map<string, Neuron[]>} */
  const byVector = new Map();
  /** @type {Neuron[]} */
  const neurons = [];
  /** @type {{title: string, x: number, y: number, column: number}[]} */
  const titles = [];
  /** @type {{column: number, x: number, y: number, width: number, height: number}[]} */
  const areas = [];
  let long = 0;

  /**
   * Places columns one after the other.
   * @param {readonly [number, number]} of
   * @param {number} line
   */
  const lay = (of, line) => {
    const stretch = stretchOf(
      of,
      cell,
      Math.min(width, way === "two" ? width : widthFor(range, cell)),
    );
    let at = 1;
    for (let column = of[0]; column <= of[1]; column++) {
      const { key, title, room } = COLUMNS[column];
      const size = key === "token" ? cell.token : cell.wide;
      const isFirst = column === of[0];
      const before = isFirst ? 0 : room * (way === "down" ? 1 : stretch);
      const along = way === "down" ? (column - of[0] + 0.5) * step : at + before + size / 2;
      const isGhost = line === 1 && isFirst;
      for (const vector of drawn(COLUMNS[column])) {
        const rows = acrossOf(vector);
        const all = rows.map((r, i) => {
          const share = (r + 0.5) / ROWS;
          return {
            id: `${vector}.${i}`,
            vector,
            index: i,
            name: nameOf(vector, i),
            kind: VECTORS[vector]?.kind ?? "x",
            column,
            x: way === "down" ? cell.wide / 2 + 8 + (width - 16 - cell.wide) * (r / 7) : along,
            y: way === "down" ? along + 6 : line * rowHigh + top + share * band,
          };
        });
        if (!isGhost || !byVector.has(vector)) byVector.set(vector, all);
        if (line === 1 && isFirst) byVector.set(`${vector} again`, all);
        neurons.push(...all);
      }
      if (!isGhost) {
        const [x, y] = way === "down" ? [2, along - 14] : [along, line * rowHigh + 11];
        titles.push({ title, x, y, column });
        const start = way === "down" ? along - step / 2 : at + Math.max(0, before * 0.35);
        const end = way === "down" ? along + step / 2 : at + before + size + 4;
        areas.push(
          way === "down"
            ? { column, x: 0, y: start, width, height: end - start }
            : { column, x: start, y: line * rowHigh, width: end - start, height: rowHigh },
        );
      }
      at += before + size;
    }
    long = Math.max(long, way === "down" ? (of[1] - of[0] + 1) * step : at + tailOf(of[1], cell));
  };
  if (way === "two") {
    lay([0, SECOND], 0);
    lay([SECOND, LAST], 1);
  } else lay(range, 0);

  const has = (/** @type {string} */ vector) => byVector.get(vector) ?? [];
  const again = (/** @type {string} */ vector) => byVector.get(`${vector} again`) ?? has(vector);
  /** @type {Edge[]} */
  const edges = [];
  const matrix = (
    /** @type {string} */ name,
    /** @type {Neuron[]} */ from,
    /** @type {Neuron[]} */ to,
    /** @type {(end: number, start: number) => [number, number]} */ at = (end, start) => [
      end,
      start,
    ],
  ) => {
    for (const end of to)
      for (const start of from) {
        const [row, index] = at(end.index, start.index);
        edges.push({
          id: `${name}.${row}.${index}`,
          matrix: name,
          row,
          index,
          from: start,
          to: end,
        });
      }
  };
  matrix("wte", has("token"), has("emb"), (end, start) => [start, end]);
  matrix("wpe", has("position"), has("emb"), (end) => [TOY_POSITION, end]);
  for (const name of ["q", "k", "v"]) matrix(`${LAYER}attn_w${name}`, has("x_pre_attn"), has(name));
  matrix("keys", has("q"), has("scores"));
  matrix("values", has("weights"), has("head_out"), (end, start) => [start, end]);
  matrix(`${LAYER}attn_wo`, has("head_out"), has("x_attn"));
  matrix(`${LAYER}mlp_fc1`, has("x_pre_mlp"), has("fc1_pre"));
  matrix(`${LAYER}mlp_fc2`, has("fc1"), has("mlp_out"));
  matrix("lm_head", has("x_final"), has("logits"));
  /** @type {Link[]} */
  const links = [];
  const join = (
    /** @type {Neuron | undefined} */ from,
    /** @type {Neuron | undefined} */ to,
    /** @type {Link["way"]} */ how = "straight",
  ) => {
    if (from && to) links.push({ from, to, way: how });
  };
  for (const i of PAIR) {
    join(has("emb")[i], has("x")[i]);
    join(has("x")[i], has("x_pre_attn")[i]);
    join(has("k")[i], has("scores")[TOY_POSITION]);
    join(has("v")[i], has("head_out")[i], "under");
    join(has("x_attn")[i], has("x_after_attn")[i]);
    join(has("x")[i], has("x_after_attn")[i], "past");
    join(again("x_after_attn")[i], has("x_pre_mlp")[i]);
    join(has("mlp_out")[i], has("x_final")[i]);
    join(again("x_after_attn")[i], has("x_final")[i], "past");
  }
  for (const t of [0, 1, 2]) join(has("scores")[t], has("weights")[t]);
  for (const i of EIGHT) join(has("fc1_pre")[i], has("fc1")[i]);
  for (const i of [0, 1, 2, 3]) join(has("logits")[i], has("probs")[i]);
  return {
    way,
    neurons,
    edges,
    links,
    titles,
    areas,
    band: { top, bottom: top + band, row: rowHigh },
    width: way === "down" ? width : Math.ceil(long),
    height: way === "down" ? long + 12 : rowHigh * (way === "two" ? 2 : 1),
  };
}

/** What an edge is called. @param {{matrix: string, row: number, index: number}} edge */
export function edgeName({ matrix, row, index }) {
  if (matrix === "keys") return `key of position ${row}, number ${index}`;
  if (matrix === "values") return `value of position ${row}, number ${index}`;
  const name = /** @type {Record<string, string>} */ (MATRIX_NAMES)[matrix.replace(LAYER, "")];
  const first = matrix === "wte" || matrix === "lm_head" ? TOY_TOKENS[row] : row;
  return `${name}[${first}][${index}]`;
}

/**
 * Whether training moves it: those of the cache are what the trained ones make.
 * @param {Edge} edge
 */
export const isTrained = ({ matrix }) => matrix !== "keys" && matrix !== "values";
