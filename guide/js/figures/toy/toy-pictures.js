// Pictures of the toy's sums: a matrix with what goes in above it and what comes out beside it, or
// the same as neurons with a line for each weight. And numbers that carry their full value. Each is
// made once; with other numbers only texts change.

import { css, inkOn, shade } from "../../kit/color.js";
import { html, svg } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import { TOY_POSITION, TOY_TOKENS } from "../../numbers/toy.js";
import { matrixOf, vectorText, VECTORS, weightText } from "./toy-steps.js";

/** @typedef {import("./toy-steps.js").ToyNumbers} ToyNumbers */
/** @typedef {import("../../kit/color.js").Scale} Scale */
/**
 * @typedef {{node: Element, update: (n: ToyNumbers) => void}} Part something made, and how it takes
 *   numbers
 */

const CELL = { width: 38, height: 24 };
const PILL = { width: 43, height: 22 };
const MOST = 0.7; // the largest weight of the toy: full colour
const TABLES = { wte: TOY_TOKENS, wpe: ["0", "1", "2", "3"] };

/** Changes a text where it has to change. @param {Node} node @param {string} text */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * A number as text, its full value in the attribute `value`.
 * @param {string} vector
 * @param {number} i
 */
function figure(vector, i) {
  const node = html("data", { "data-number": `${vector}.${i}` });
  return {
    node,
    update: (/** @type {ToyNumbers} */ n) => {
      node.value = String(n.row[vector][i]);
      put(node, written(n.row[vector][i], n.digits));
    },
  };
}

/**
 * A vector in brackets.
 * @param {string} vector
 * @param {number} count
 * @returns {Part}
 */
export function figures(vector, count) {
  const all = Array.from({ length: count }, (_, i) => figure(vector, i));
  const node = html(
    "span",
    { class: "toy-numbers" },
    "(",
    ...all.flatMap((one, i) => (i ? [", ", one.node] : [one.node])),
    ")",
  );
  return { node, update: (n) => all.forEach((one) => one.update(n)) };
}

const label = (
  /** @type {number} */ x,
  /** @type {number} */ y,
  /** @type {string} */ text,
  anchor = "middle",
  kind = "mg-label",
) =>
  svg("text", { class: kind, x, y, "text-anchor": anchor, "dominant-baseline": "central" }, text);

/** @param {Scale} scale @param {number} w @param {number} x @param {number} y */
function cell(scale, w, x, y) {
  const ground = shade(scale, w / MOST);
  const text = label(
    x + CELL.width / 2,
    y + CELL.height / 2,
    weightText(w),
    "middle",
    "toy-weight",
  );
  text.setAttribute("fill", inkOn(ground));
  return [svg("rect", { class: "toy-cell", x, y, ...CELL, fill: css(ground) }), text];
}

/**
 * An empty picture of a vector's matrix.
 * @param {string} vector
 * @param {number} width
 * @param {number} height
 */
function pictureOf(vector, width, height) {
  const name = (VECTORS[vector].matrix ?? "").replace("layer0.", "");
  const rows = matrixOf(vector);
  const words =
    `${name}, ${rows.length} × ${rows[0].length}: ` +
    `${rows.map((row) => row.map(weightText).join(", ")).join("; ")}`;
  return svg("svg", {
    class: "toy-picture",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": words,
  });
}

/**
 * A table of embeddings with the row that is looked up.
 * @param {"tok_emb" | "pos_emb"} vector
 * @param {Scale} scale
 * @returns {Part}
 */
export function tablePicture(vector, scale) {
  const rows = matrixOf(vector);
  const names = TABLES[vector === "tok_emb" ? "wte" : "wpe"];
  const left = 34;
  const node = pictureOf(vector, left + 2 * CELL.width + 2, rows.length * CELL.height + 2);
  const top = (/** @type {number} */ r) => 1 + r * CELL.height;
  rows.forEach((row, r) =>
    node.append(
      label(left - 6, top(r) + CELL.height / 2, names[r], "end"),
      ...row.flatMap((w, c) => cell(scale, w, left + c * CELL.width, top(r))),
    ),
  );
  const frame = svg("rect", {
    class: "toy-frame",
    x: left,
    width: 2 * CELL.width,
    height: CELL.height,
  });
  node.append(frame);
  return {
    node,
    update: (n) =>
      frame.setAttribute(
        "y",
        String(top(vector === "tok_emb" ? (n.input.token ?? 0) : TOY_POSITION)),
      ),
  };
}

/**
 * A matrix: what goes in above its columns, what comes out beside its rows.
 * @param {string} vector
 * @param {Scale} scale
 * @returns {Part}
 */
export function matrixPicture(vector, scale) {
  const rows = matrixOf(vector);
  const names = vector === "logits" ? TOY_TOKENS : [];
  const left = names.length ? 34 : 1;
  const top = 18;
  const right = left + rows[0].length * CELL.width;
  const node = pictureOf(vector, right + 64, top + rows.length * CELL.height + 1);
  const into = rows[0].map((_, c) => label(left + (c + 0.5) * CELL.width, top / 2, ""));
  const out = rows.map((_, r) =>
    label(right + 6, top + (r + 0.5) * CELL.height, "", "start", "toy-out"),
  );
  rows.forEach((row, r) => {
    if (names.length) node.append(label(left - 6, top + (r + 0.5) * CELL.height, names[r], "end"));
    node.append(
      ...row.flatMap((w, c) => cell(scale, w, left + c * CELL.width, top + r * CELL.height)),
    );
  });
  node.append(...into, ...out);
  return {
    node,
    update: (n) => {
      into.forEach((text, c) => put(text, written(n.row[VECTORS[vector].from ?? ""][c], 2)));
      out.forEach((text, r) => put(text, `= ${written(n.row[vector][r], 2)}`));
    },
  };
}

/**
 * Neurons: inputs above, outputs below, a line for each weight; thicker is larger, below zero
 * dashed.
 * @param {string} vector
 * @returns {Part}
 */
export function neuronPicture(vector) {
  const rows = matrixOf(vector);
  const [outputs, inputs] = [rows.length, rows[0].length];
  const step = PILL.width - (Math.max(outputs, inputs) > 4 ? 1 : -6);
  const [width, height] = [Math.max(outputs, inputs) * step + 4, 112];
  const node = pictureOf(vector, width, height);
  const at = (/** @type {number} */ i, /** @type {number} */ count) =>
    width / 2 + (i - (count - 1) / 2) * (count > 4 ? step : Math.min(width / count, step + 14));
  const [up, down] = [13, height - 13];
  rows.forEach((row, r) =>
    row.forEach((w, c) =>
      node.append(
        svg("line", {
          class: "net-edge",
          "data-sign": w > 0 ? "+" : w < 0 ? "−" : "0",
          x1: at(c, inputs),
          y1: up,
          x2: at(r, outputs),
          y2: down,
          "stroke-width": 0.75 + 4 * Math.abs(w),
        }),
      ),
    ),
  );
  const pill = (/** @type {number} */ x, /** @type {number} */ y) => {
    const text = label(x, y, "", "middle", "toy-pill");
    node.append(
      svg("rect", {
        class: "net-node",
        x: x - PILL.width / 2 + 2,
        y: y - PILL.height / 2,
        width: PILL.width - 4,
        height: PILL.height,
        rx: 11,
      }),
      text,
    );
    return text;
  };
  const above = rows[0].map((_, c) => pill(at(c, inputs), up));
  const below = rows.map((_, r) => pill(at(r, outputs), down));
  return {
    node,
    update: (n) => {
      above.forEach((text, c) => put(text, written(n.row[VECTORS[vector].from ?? ""][c], 2)));
      below.forEach((text, r) => put(text, written(n.row[vector][r], 2)));
    },
  };
}

/**
 * The cache, and what the query finds in it.
 * @returns {Part}
 */
export function cacheTable() {
  const columns = /** @type {const} */ (["qk", "scores", "weights"]);
  const head = html(
    "tr",
    {},
    ...["position", "key", "value", ...columns.map((name) => VECTORS[name].sign)].map((text) =>
      html("th", { scope: "col" }, text),
    ),
  );
  const lines = Array.from({ length: TOY_POSITION + 1 }, (_, t) => {
    const key = html("td", { "data-link": t === TOY_POSITION ? "toy.k" : null });
    const value = html("td", { "data-link": t === TOY_POSITION ? "toy.v" : null });
    const found = columns.map((name) => figure(name, t));
    const row = html(
      "tr",
      {},
      html("th", { scope: "row" }, t),
      key,
      value,
      ...found.map(({ node }, i) => html("td", { "data-link": `toy.${columns[i]}` }, node)),
    );
    return { row, key, value, found };
  });
  const node = html(
    "table",
    { class: "net-table" },
    html("thead", {}, head),
    html("tbody", {}, ...lines.map(({ row }) => row)),
  );
  return {
    node,
    update: (n) =>
      lines.forEach(({ key, value, found }, t) => {
        put(key, vectorText(n.keys[t], n.digits));
        put(value, vectorText(n.values[t], n.digits));
        found.forEach((one) => one.update(n));
      }),
  };
}
