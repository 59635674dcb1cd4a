// The table of counts as it stands on a page without scripts: after the first 100 names, and two
// scenes of its story. No DOM.

import { shape } from "../../kit/shapes.js";
import { allCalled, called } from "../dataset.js";
import { rowDraw } from "./row-draw.js";
import { stitches } from "./stitches.js";
import { countsOf, drawn, pairsOf, ROW, told } from "./story.js";
import { countsAfter } from "./whole-count.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/** @typedef {import("../dataset.js").Names} Names */

const PLACE = { left: 40, top: 22, w: 29, h: 18 };
export const STILL = { width: 40 + 27 * 29 + 2, height: 22 + 27 * 18 + 2 };
const LEVELS = 5;
const FIRST = 100;
const NAME = "emma";
const MOST = 20; // the twentieth largest count has full colour

/** The table, a path for each strength. @param {Names} names @param {number[][]} counts */
function grid({ tokenizer }, counts) {
  const { left, top, w, h } = PLACE;
  const large = counts
    .flat()
    .filter((count) => count > 2)
    .sort((a, b) => a - b);
  const full = Math.max(2, large.at(-MOST) ?? 0);
  const paths = Array.from({ length: LEVELS + 1 }, () => "");
  counts.forEach((row, r) => {
    row.forEach((count, c) => {
      const level = count ? Math.max(1, Math.round(Math.min(1, count / full) * LEVELS)) : 0;
      paths[level] += `M${left + c * w} ${top + (r + 0.5) * h - 0.5}h${w - 1}`;
    });
  });
  const looks = { class: "count-cells", "stroke-width": h - 1 };
  const text = (/** @type {string} */ name, /** @type {number} */ x, /** @type {number} */ y) =>
    shape("text", { class: "count-name", x, y }, name);
  return [
    ...paths.map((d, level) => shape("path", { ...looks, "data-level": level, d })),
    ...allCalled(tokenizer).flatMap((name, i) => [
      text(name, left + (i + 0.5) * w, top - 7),
      text(name, left / 2, top + (i + 0.5) * h + 4),
    ]),
  ];
}

/** @param {Names} names @returns {Shape[]} */
export const tableShapes = (names) => grid(names, countsAfter(names, FIRST));

/** @param {Names} names @returns {Shape[]} */
export const stitchShapes = (names) => [
  ...grid(names, countsOf(names, NAME)),
  ...stitches(pairsOf(names, NAME), PLACE, (token) =>
    token === names.tokenizer.bos ? "." : called(names.tokenizer, token),
  ),
];

/** @param {Names} names @returns {Shape[]} */
export function guessShapes(names) {
  const counts = countsAfter(names, names.shuffled.length);
  const now = { row: ROW, ...drawn(counts[ROW], 0) };
  return [
    ...grid(names, counts),
    ...rowDraw(now, PLACE, (token) => called(names.tokenizer, token)),
  ];
}

/** The sentences of the scenes. @param {Names} names */
export const storyOf = (names) => told(names, NAME, 0, countsAfter(names, names.shuffled.length));
