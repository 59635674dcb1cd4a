// Pictures of the toy's sums: a matrix with what goes in above it and what comes out beside it; and
// numbers that carry their full value. Each is made once; with other numbers only texts change.

import { css, inkOn, shade } from "../../kit/color.js";
import { html, svg } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import { TOY_POSITION, TOY_TOKENS } from "../../numbers/toy.js";
import { BLOCKS, matrixOf, toyNumbers, vectorText, VECTORS, weightText } from "./toy-steps.js";

/** @typedef {import("./toy-steps.js").ToyNumbers} ToyNumbers */
/** @typedef {import("../../kit/color.js").Scale} Scale */
/**
 * @typedef {{node: Element, update: (n: ToyNumbers) => void}} Part something made, and how it takes
 *   numbers
 */

const CELL = { width: 38, height: 16 };
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
function figures(vector, count) {
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
  const above = 17;
  const node = pictureOf(vector, left + 2 * CELL.width + 2, above + rows.length * CELL.height + 2);
  const top = (/** @type {number} */ r) => above + r * CELL.height;
  node.append(label(left, above / 2, VECTORS[vector].matrix ?? "", "start"));
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
  const top = 17;
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
  const name = (VECTORS[vector].matrix ?? "").replace("layer0.", "");
  node.append(label(right + 6, top / 2, name, "start"), ...into, ...out);
  return {
    node,
    update: (n) => {
      into.forEach((text, c) => put(text, written(n.row[VECTORS[vector].from ?? ""][c], 2)));
      out.forEach((text, r) => put(text, `= ${written(n.row[vector][r], 2)}`));
    },
  };
}

/**
 * Every number of the diagram, by block; each carries its full value.
 * @returns {Part}
 */
export function numbersTable() {
  const lines = BLOCKS.flatMap((block) =>
    block.vectors.map((vector) => {
      const count = countOf(vector);
      const numbers = figures(vector, count);
      const name = block.vectors.length > 1 ? `${block.name}: ${VECTORS[vector].sign}` : block.name;
      return {
        numbers,
        row: html("tr", {}, html("th", { scope: "row" }, name), html("td", {}, numbers.node)),
      };
    }),
  );
  const cache = (/** @type {"keys" | "values"} */ of, /** @type {number} */ t) => {
    const cell = html("td");
    const row = html("tr", {}, html("th", { scope: "row" }, `${of}, position ${t}`), cell);
    return {
      row,
      update: (/** @type {ToyNumbers} */ n) => put(cell, vectorText(n[of][t], n.digits)),
    };
  };
  const kept = [0, 1].flatMap((t) => [cache("keys", t), cache("values", t)]);
  const node = html(
    "table",
    { class: "net-table" },
    html("caption", {}, "All numbers"),
    html("tbody", {}, ...[...lines, ...kept].map(({ row }) => row)),
  );
  return {
    node,
    update: (n) => {
      for (const { numbers } of lines) numbers.update(n);
      for (const one of kept) one.update(n);
    },
  };
}

/** How many numbers a vector has. @param {string} vector */
const countOf = (vector) => toyNumbers({ token: 2 }, "pinned", "hand").row[vector].length;
