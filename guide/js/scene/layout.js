// Where every number of the model stands. A cell is a box with the side 1; x leads from the token
// to the probabilities, y goes up, and z leads towards the reader, one layer for each position. No
// DOM.

/** @typedef {import("../config.js").Config} Config */
/** @typedef {[number, number, number]} Point */
/** @typedef {"param" | "x" | "q" | "k" | "v" | "attention" | "mlp" | "logit" | "prob"} Kind */
/**
 * @typedef {object} Panel one tensor
 * @property {string} name
 * @property {Kind} kind
 * @property {boolean} isWeight
 * @property {number[]} shape
 * @property {(at: ArrayLike<number>) => Point} place the middle of a cell
 * @property {number} start its first cell's number
 * @property {number} end
 * @property {Box} box
 */
/** @typedef {{low: Point, high: Point}} Box */
/**
 * @typedef {object} Layout
 * @property {Panel[]} panels
 * @property {number} count of cells
 * @property {number} positions
 * @property {Float32Array} centers three numbers a cell
 * @property {Int16Array} indices three a cell, -1 where there are fewer
 * @property {Uint8Array} panelOf
 * @property {Box} box
 */

const L = "layer0.";
const GAP = 3;
const SCALAR = 3; // how far below a column its norm's scale stands
const DEPTH = 1.6; // from one position to the next

/** The y of row i in a column of n around zero. @param {number} n @param {number} i */
const rowY = (n, i) => (n - 1) / 2 - i;

/**
 * @param {Config} config
 * @param {number} positions tokens of the prefix
 * @returns {Layout}
 */
export function makeLayout(config, positions) {
  const { n_embd: C, n_head: H, vocab_size: V, block_size: B } = config;
  const F = 4 * C;
  /** @type {Omit<Panel, "start" | "end" | "box">[]} */
  const found = [];
  let x = 0;

  /**
   * @param {string} name
   * @param {Kind} kind
   * @param {number[]} shape
   * @param {(at: ArrayLike<number>) => Point} place
   * @param {boolean} [isWeight]
   */
  const add = (name, kind, shape, place, isWeight = false) =>
    found.push({ name, kind, shape, place, isWeight });
  /**
   * A matrix: outputs down, inputs to the right; `turned` has it the other way.
   * @param {string} name
   * @param {number} out
   * @param {number} into
   * @param {number} [y]
   * @param {boolean} [turned]
   */
  const plate = (name, out, into, y = 0, turned = false) => {
    const [left, mid] = [x, y];
    add(
      name,
      "param",
      [out, into],
      (at) =>
        turned
          ? [left + at[0], mid + rowY(into, at[1]), 0]
          : [left + at[1], mid + rowY(out, at[0]), 0],
      true,
    );
    return turned ? out : into;
  };
  /**
   * A vector for each position.
   * @param {string} name
   * @param {Kind} kind
   * @param {number} n
   * @param {number} [y]
   */
  const column = (name, kind, n, y = 0) => {
    const [left, mid] = [x, y];
    add(name, kind, [positions, n], (at) => [left, mid + rowY(n, at[1]), at[0] * DEPTH]);
  };
  /** One number for each position. @param {string} name @param {number} y */
  const scalar = (name, y) => {
    const left = x;
    add(name, "x", [positions], (at) => [left, y, at[0] * DEPTH]);
  };

  // embeddings
  const [high, low] = [C / 2 + GAP, GAP - (V + C) / 2];
  plate("wte", V, C, high);
  plate("wpe", B, C, low);
  x += C + GAP - 1;
  column("tok_emb", "x", C, high);
  column("pos_emb", "x", C, low);
  x += GAP + 1;
  column("emb", "x", C);
  scalar("mean_square", -C / 2 - SCALAR);
  x += GAP;
  scalar("scale", -C / 2 - SCALAR);
  x += GAP;
  column("x", "x", C);

  // attention
  x += 2 * GAP;
  column(`${L}x_pre_attn`, "x", C);
  scalar(`${L}scale_pre_attn`, -C / 2 - SCALAR);
  x += GAP;
  const floors = [C + GAP, 0, -C - GAP];
  ["q", "k", "v"].forEach((name, i) => plate(`${L}attn_w${name}`, C, C, floors[i]));
  x += C + 1;
  ["q", "k", "v"].forEach((name, i) =>
    column(`${L}${name}`, /** @type {Kind} */ (name), C, floors[i]),
  );
  x += 2 * GAP;
  const headHeight = (3 * (C + GAP)) / H;
  ["qk", "scores", "weights"].forEach((name, row) => {
    const left = x;
    add(`${L}${name}`, "attention", [positions, H, positions], (at) => [
      left + at[2],
      rowY(H, at[1]) * headHeight + (1 - row) * (headHeight / 3.4),
      at[0] * DEPTH,
    ]);
  });
  x += Math.max(positions, 4) + GAP;
  column(`${L}head_out`, "v", C);
  x += GAP;
  plate(`${L}attn_wo`, C, C);
  x += C + 1;
  column(`${L}x_attn`, "x", C);
  x += GAP + 1;
  column(`${L}x_after_attn`, "x", C);

  // MLP; fc2 lies on its side, so that its inputs stand beside the 64 numbers
  x += 2 * GAP;
  column(`${L}x_pre_mlp`, "x", C);
  scalar(`${L}scale_pre_mlp`, -C / 2 - SCALAR);
  x += GAP;
  x += plate(`${L}mlp_fc1`, F, C) + 1;
  column(`${L}fc1_pre`, "mlp", F);
  x += GAP;
  column(`${L}fc1`, "mlp", F);
  x += GAP - 1;
  x += plate(`${L}mlp_fc2`, C, F, 0, true) + 1;
  column(`${L}mlp_out`, "x", C);
  x += GAP + 1;
  column(`${L}x_final`, "x", C);

  // what comes next
  x += 2 * GAP;
  x += plate("lm_head", V, C) + 1;
  column("logits", "logit", V);
  x += GAP + 1;
  column("probs", "prob", V);
  return filled(found, positions);
}

/**
 * All indices of a tensor; of scores only those that attention has: no later position.
 * @param {number[]} shape
 */
function* indicesOf(shape) {
  const causal = shape.length === 3;
  for (let a = 0; a < shape[0]; a++) {
    if (shape.length === 1) yield [a];
    else
      for (let b = 0; b < shape[1]; b++) {
        if (shape.length === 2) yield [a, b];
        else for (let c = 0; c < (causal ? a + 1 : shape[2]); c++) yield [a, b, c];
      }
  }
}

/**
 * @param {Omit<Panel, "start" | "end" | "box">[]} found
 * @param {number} positions
 * @returns {Layout}
 */
function filled(found, positions) {
  /** @type {number[]} */ const centers = [];
  /** @type {number[]} */ const indices = [];
  /** @type {number[]} */ const panelOf = [];
  /** @type {Panel[]} */
  const panels = found.map((panel, p) => {
    const start = panelOf.length;
    const box = emptyBox();
    for (const at of indicesOf(panel.shape)) {
      const point = panel.place(at);
      stretch(box, point);
      centers.push(...point);
      indices.push(at[0], at[1] ?? -1, at[2] ?? -1);
      panelOf.push(p);
    }
    return { ...panel, start, end: panelOf.length, box };
  });
  return {
    panels,
    positions,
    count: panelOf.length,
    centers: Float32Array.from(centers),
    indices: Int16Array.from(indices),
    panelOf: Uint8Array.from(panelOf),
    box: around(panels.map(({ box }) => box)),
  };
}

/** @returns {Box} */
const emptyBox = () => ({
  low: [Infinity, Infinity, Infinity],
  high: [-Infinity, -Infinity, -Infinity],
});

/** @param {Box} box @param {Point} point */
function stretch(box, point) {
  for (let i = 0; i < 3; i++) {
    box.low[i] = Math.min(box.low[i], point[i] - 0.5);
    box.high[i] = Math.max(box.high[i], point[i] + 0.5);
  }
}

/** The box around boxes. @param {Box[]} boxes @returns {Box} */
export function around(boxes) {
  const all = emptyBox();
  for (const { low, high } of boxes) {
    for (let i = 0; i < 3; i++) {
      all.low[i] = Math.min(all.low[i], low[i]);
      all.high[i] = Math.max(all.high[i], high[i]);
    }
  }
  return all;
}

/** A cell's tensor and its place in it. @param {Layout} layout @param {number} cell */
export function cellAt(layout, cell) {
  const panel = layout.panels[layout.panelOf[cell]];
  return {
    panel,
    at: Array.from(layout.indices.subarray(3 * cell, 3 * cell + panel.shape.length)),
  };
}

/**
 * The number of a cell, -1 where attention has none.
 * @param {Layout} layout
 * @param {string} name
 * @param {ArrayLike<number>} at
 */
export function cellOf(layout, name, at) {
  const panel = layout.panels.find((one) => one.name === name);
  if (!panel) return -1;
  for (let i = 0; i < panel.shape.length; i++)
    if (!(at[i] >= 0 && at[i] < panel.shape[i])) return -1;
  const [, n = 1] = panel.shape;
  if (panel.shape.length === 1) return panel.start + at[0];
  if (panel.shape.length === 2) return panel.start + at[0] * n + at[1];
  return at[2] > at[0]
    ? -1
    : panel.start + (n * at[0] * (at[0] + 1)) / 2 + at[1] * (at[0] + 1) + at[2];
}
