// The shapes of the drawing of attention: columns with their vectors, arrows, and each head's
// query, bar and output, as attention-plan.js places them.

import { shape } from "../../kit/shapes.js";
import { written } from "../../kit/text.js";
import { barsOf, pathOf, pointsOf, ribbonOf, round } from "./attention-plan.js";

/** @typedef {import("./attention-plan.js").Box} Box */
/** @typedef {import("./attention-plan.js").Spot} Spot */
/** @typedef {import("./attention-plan.js").Plan} Plan */
/**
 * A vector in pieces, one for each head; null where it isn't there yet.
 * @typedef {readonly (readonly number[])[] | null} Pieces
 */
/**
 * What a reader points at: an arrow and its segment, a vector of a column, the query or the output.
 * @typedef {{what: string, head: number, at: number}} Part
 */
/**
 * @typedef {object} Shown
 * @property {{name: string, under?: string, later?: boolean,
 *   vectors?: (Pieces | undefined)[]}[]} columns
 * @property {number} at the position that looks
 * @property {{kind: string, name: string}[]} rows of vectors
 * @property {string} asks what is written at the query
 * @property {boolean} [vectors] whether query and output are drawn
 * @property {number} [pieces] what the vectors of the columns are cut into
 * @property {{piece: number, name?: string, tone: string, weights: readonly number[] | null,
 *   scores?: readonly string[] | null, query?: readonly number[] | null,
 *   out?: readonly number[] | null, answer?: string, isFull?: boolean, isAhead?: boolean}[]} heads
 * @property {number} [most] what a full bar of a vector stands for
 * @property {number} [digits] numbers are written in the cells
 * @property {{columns: number, rows: number, name: string}} [frame]
 * @property {number} [height] where it lies
 */
/** @typedef {{shown: Shown, made: Plan, upright: boolean, looked: Part | null}} Scene */

const LETTER = 8;

/** @param {Spot} spot @param {string} text @param {string} looks */
const words = ({ x, y, anchor }, text, looks = "mg-label") =>
  shape("text", { class: looks, x: round(x), y: round(y), "text-anchor": anchor }, text);
/** @param {Box} box @param {import("../../kit/shapes.js").Looks} [attributes] */
const rect = ({ x, y, w, h }, attributes = {}) =>
  shape("rect", { x: round(x), y: round(y), width: round(w), height: round(h), ...attributes });
const middle = (/** @type {Box} */ { x, y, w, h }) => ({ x: x + w / 2, y: y + h / 2 });

/**
 * The columns: tokens, and their vectors.
 * @param {Scene} scene
 */
export function columnShapes({ shown, made, upright, looked }) {
  const { frame } = shown;
  const around = frame && made.frame(frame.columns, frame.rows);
  return [
    ...made.places.map(({ hit }, t) =>
      rect(hit, {
        class: "att-column",
        rx: 5,
        "data-here": t === shown.at ? "" : null,
        "data-looked": looked?.at === t ? "" : null,
      }),
    ),
    ...(around
      ? [
          rect(
            { x: around.x - 2, y: around.y - 3, w: around.w + 4, h: around.h + 6 },
            {
              class: "att-frame",
              rx: 6,
            },
          ),
          words(
            upright
              ? { x: around.x, y: around.y + around.h + 15, anchor: "start" }
              : { x: around.x, y: around.y - 9, anchor: "start" },
            frame.name,
            "mg-label att-frame-name",
          ),
        ]
      : []),
    ...made.places.flatMap((place, t) => {
      const { name, under, later = false, vectors = [] } = shown.columns[t];
      const looks = later ? " att-later" : "";
      return [
        ...shown.rows.flatMap(({ kind }, r) =>
          vectors[r] === undefined
            ? []
            : place.strips[r].flatMap((box, p) =>
                strip(shown, box, vectors[r]?.[p] ?? null, kind, {
                  upright,
                  looks,
                }),
              ),
        ),
        words(
          place.name,
          nameOf({ name, under }, upright && !shown.rows.length),
          `att-name${looks}${t === shown.at ? " att-here" : ""}`,
        ),
        ...(under && !upright ? [words(place.under, under, `mg-label att-under${looks}`)] : []),
      ];
    }),
    ...(shown.rows.length
      ? made.rowNames.map((spot, r) =>
          words(spot, shown.rows[r].name, `att-row-name att-kind-${shown.rows[r].kind}`),
        )
      : []),
  ];
}

/**
 * A vector: its numbers written, or as bars.
 * @param {Shown} shown
 * @param {Box} box
 * @param {readonly number[] | null} vector
 * @param {string} kind
 * @param {{upright: boolean, looks?: string}} how
 * @returns {import("../../kit/shapes.js").Shape[]}
 */
function strip(shown, box, vector, kind, { upright, looks = "" }) {
  const { most = 1 } = shown;
  const digits = digitsOf(shown, upright);
  const frame = rect(box, {
    class: `att-strip att-kind-${kind}${looks}`,
    rx: 3,
    "data-empty": vector ? null : "",
  });
  if (!vector) return [frame];
  if (digits !== undefined) {
    const each = (upright ? box.h : box.w) / vector.length;
    return [
      frame,
      ...vector.map((value, i) => {
        const x = upright ? box.x + box.w / 2 : box.x + (i + 0.5) * each;
        const y = upright ? box.y + (i + 0.5) * each : box.y + box.h / 2;
        return words({ x, y: y + 4, anchor: "middle" }, written(value, digits), "att-number");
      }),
    ];
  }
  const { above, below } = barsOf(box, vector, most, upright);
  return [
    frame,
    shape("path", { class: `att-above${looks}`, d: above }),
    shape("path", { class: `att-below${looks}`, d: below }),
  ];
}

/** With how many digits: where it stands there is room for two.
 * @param {Shown} shown
 * @param {boolean} upright
 */
const digitsOf = ({ digits }, upright) =>
  digits === undefined || !upright ? digits : Math.min(2, digits);

/**
 * All arrows of a head are one shape, and those that are looked at another: a drag then restyles
 * two elements.
 * @param {Scene} scene
 * @param {number} h
 */
export function arrowShapes({ shown, made, looked }, h) {
  const { tone, weights, scores, isAhead = false } = shown.heads[h];
  const there = made.blocks[h].arrows
    .map((arrow, t) => ({ arrow, t }))
    .filter(({ t }) => !shown.columns[t].later && weights?.[t] !== 0);
  const looks = { class: `att-arrows att-tone-${tone}` };
  const isFaint = isAhead || looked?.what === "arrow";
  const lines = (/** @type {typeof there} */ some, attributes = {}) =>
    weights
      ? [
          shape("path", {
            ...looks,
            ...attributes,
            d: some.map(({ arrow }) => ribbonOf(arrow)).join(""),
          }),
        ]
      : [
          shape("path", {
            class: `att-ahead att-tone-${tone}`,
            ...attributes,
            d: some.map(({ arrow }) => pathOf(arrow.curve)).join(""),
          }),
          shape("path", {
            ...looks,
            ...attributes,
            d: some.map(({ arrow }) => `M${pointsOf(arrow.tip)}z`).join(""),
          }),
        ];
  const near = there.filter(({ t }) => isLooked(looked, h, t));
  return [
    ...lines(there, { "data-faint": isFaint ? "" : null }),
    ...(near.length ? lines(near, { "data-looked": "" }) : []),
    ...(scores
      ? there.map(({ t }) => words(made.places[t].score, scores[t], "att-number mg-halo"))
      : []),
  ];
}

/**
 * What stays of a head while its weights change: what is asked, the bar and its ticks.
 * @param {Scene} scene
 * @param {number} h
 */
export function groundShapes({ shown, made, upright }, h) {
  const block = made.blocks[h];
  const { tone, name, weights } = shown.heads[h];
  const asks = name ? `${name}: ${upright ? "q" : shown.asks}` : shown.asks;
  const line = (/** @type {readonly import("./attention-plan.js").Point[]} */ ends) =>
    `M${ends.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}`;
  return [
    words(block.label, asks, `att-asks ${name ? `att-tone-${tone}` : "att-kind-q"}`),
    ...(shown.vectors ? [words(block.outLabel, "output", "att-asks att-kind-v")] : []),
    shape("path", { class: "att-tick", d: block.ticks.map((tick) => line(tick.line)).join("") }),
    ...block.ticks.flatMap(({ value, label }) =>
      label ? [words(label, String(value), "att-tick-label")] : [],
    ),
    rect(block.bar, { class: "att-bar", rx: 2, "data-empty": weights ? null : "" }),
  ];
}

/**
 * A head's query, what its bar is filled with, and its output.
 * @param {Scene} scene
 * @param {number} h
 */
export function blockShapes(scene, h) {
  const { shown, made, upright } = scene;
  const { query, out, weights, answer } = shown.heads[h];
  const block = made.blocks[h];
  return [
    ...(shown.vectors
      ? [
          ...strip(shown, block.query, query ?? null, "q", { upright }),
          ...strip(shown, block.out, out ?? null, "v", { upright }),
        ]
      : []),
    ...(answer ? [words(block.outLabel, answer, "att-asks att-kind-v")] : []),
    ...(weights ? segments(scene, h) : []),
  ];
}

/**
 * The shares in the bar: one shape, those that are looked at another, and what they are called.
 * @param {Scene} scene
 * @param {number} h
 */
function segments({ shown, made, upright, looked }, h) {
  const { tone, weights, isFull = false } = shown.heads[h];
  const digits = digitsOf(shown, upright);
  const there = made.blocks[h].arrows
    .map(({ segment, length }, t) => ({ segment, length, t, weight: weights?.[t] ?? 0 }))
    .filter(({ weight }) => weight > 0);
  const boxes = (/** @type {typeof there} */ some) =>
    some.map(({ segment }) => boxPath(segment, upright)).join("");
  const looks = { class: `att-segments att-tone-${tone}`, "data-full": isFull ? "" : null };
  const near = there.filter(({ t }) => isLooked(looked, h, t));
  return [
    shape("path", { ...looks, d: boxes(there) }),
    ...(near.length ? [shape("path", { ...looks, "data-looked": "", d: boxes(near) })] : []),
    ...there.flatMap(({ segment, length, t, weight }) => {
      const text = digits === undefined ? shown.columns[t].name : written(weight, digits);
      const room = upright ? segment.w : length;
      if (text.length * LETTER + 4 > room || (upright && length < 16)) return [];
      const { x, y } = middle(segment);
      const names = `att-segment-name${isFull ? " att-full" : ""}`;
      return [words({ x, y: y + 4.5, anchor: "middle" }, text, names)];
    }),
  ];
}

/** @param {Part | null} looked @param {number} head @param {number} at */
const isLooked = (looked, head, at) =>
  looked?.at === at && (looked.what === "column" || looked.head === head);

/**
 * A column's name; where there's no second line, with what stands there.
 * @param {{name: string, under?: string}} column
 * @param {boolean} isWhole
 */
export const nameOf = ({ name, under }, isWhole) => (isWhole && under ? `${name} ${under}` : name);

/** A share as a shape, with a gap to the next. @param {Box} box @param {boolean} upright */
function boxPath({ x, y, w, h }, upright) {
  const gap = Math.min(1.5, (upright ? h : w) / 3);
  const [wide, high] = upright ? [round(w), round(h - gap)] : [round(w - gap), round(h)];
  return `M${round(x)} ${round(y)}h${wide}v${high}h${-wide}z`;
}
