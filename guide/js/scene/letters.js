// The letters beside the cells of `probs`, as shapes: all where they have room, and the likeliest
// three with their probabilities in any case. No DOM.

import { shape } from "../kit/shapes.js";
import { written } from "../kit/text.js";

/** @typedef {import("../kit/shapes.js").Shape} Shape */

const TOP = 3;
const LINE = 15;
const ROOM = 9.5; // pixels a letter takes
const [ASIDE, WIDE] = [8, 62];

/**
 * @param {[number, number][]} spots of the cells, in pixels
 * @param {{names: string[], probs: number[]}} chances
 * @param {{w: number, h: number}} size
 * @returns {Shape[]}
 */
export function letterShapes(spots, { names, probs }, { w, h }) {
  const step = Math.abs(spots[1][1] - spots[0][1]);
  const hasRoom = step >= ROOM;
  const top = probs
    .map((_, i) => i)
    .sort((a, b) => probs[b] - probs[a])
    .slice(0, TOP);
  const aside = Math.max(ASIDE, step * 0.8);
  const isSeen = (/** @type {number} */ i) =>
    spots[i][0] > 0 && spots[i][0] < w && spots[i][1] > 0 && spots[i][1] < h;
  const all = hasRoom
    ? names.map((name, i) => {
        if (!isSeen(i) || top.includes(i)) return shape("text", { class: "scene-letter" }, " ");
        return letter("scene-letter", spots[i][0] + aside, spots[i][1], name);
      })
    : [];
  let free = -Infinity;
  const likely = top
    .filter(isSeen)
    .sort((a, b) => spots[a][1] - spots[b][1])
    .map((i) => {
      const y = hasRoom && step >= LINE ? spots[i][1] : Math.max(spots[i][1], free);
      free = y + LINE;
      const x = Math.min(spots[i][0] + aside, w - WIDE);
      return letter("scene-letter scene-top", x, y, `${names[i]} ${written(probs[i], 3)}`);
    });
  return [...all, ...likely];
}

/** @param {string} looks @param {number} x @param {number} y @param {string} text */
const letter = (looks, x, y, text) =>
  shape(
    "text",
    { class: looks, x: x.toFixed(1), y: y.toFixed(1), "dominant-baseline": "central" },
    text,
  );
