// The scene as it stands on a page without scripts, and on paper: every cell a square of one of a
// few colours, the plates of a larger model, and the sentences of the tour. No DOM.

import { shape } from "../kit/shapes.js";
import { tokensOf } from "../figures/trained/real-model.js";
import { FIRST, framing, pictureMatrix, projected } from "./camera.js";
import { stateOf } from "./colours.js";
import { cellOf, makeLayout } from "./layout.js";
import { letterShapes } from "./letters.js";
import { numbersOf, valueAt } from "./numbers.js";
import { PHASES } from "./phases.js";
import { flatSizes } from "./sizes.js";
import { factsOf, told } from "./tour.js";

/** @typedef {import("../kit/shapes.js").Shape} Shape */
/** @typedef {import("../figures/trained/real-model.js").Real} Real */

export const STILL = { width: 960, height: 440 };
const [TEXT, AT] = ["karen", 4];
const LEVELS = 4; // of strength, on each side of zero
const SIZE = { w: STILL.width, h: STILL.height };

/** @param {Real} real */
function made(real) {
  const tokens = tokensOf(real, TEXT);
  const numbers = numbersOf(real, tokens);
  return { numbers, layout: makeLayout(real.config, tokens.length) };
}

/**
 * All parameters and the numbers of one token. Cells of one strength are one path, of lines without
 * a length: their caps are the squares.
 * @param {Real} real
 * @returns {Shape[]}
 */
export function sceneShapes(real) {
  const { numbers, layout } = made(real);
  const aspect = SIZE.w / SIZE.h;
  const view = framing([layout.box], FIRST, aspect);
  const matrix = pictureMatrix(view, aspect);
  const spot = (/** @type {number} */ cell) => {
    const [x, y, z] = layout.centers.subarray(3 * cell, 3 * cell + 3);
    const p = projected(matrix, [x, y, z]);
    return /** @type {[number, number]} */ ([((p.x + 1) / 2) * SIZE.w, ((1 - p.y) / 2) * SIZE.h]);
  };
  /** @type {Map<number, number[][]>} */
  const levels = new Map();
  for (const panel of layout.panels) {
    const most = numbers.most.get(panel.name) ?? 1;
    for (let cell = panel.start; cell < panel.end; cell++) {
      const at = layout.indices.subarray(3 * cell, 3 * cell + 3);
      const moment = { at: AT, phase: PHASES.length - 1 };
      if (stateOf(moment, panel, at, real.config.n_embd) === "none") continue;
      if (!panel.isWeight && at[0] !== AT) continue;
      const share = Math.max(-1, Math.min(1, valueAt(numbers, panel.name, at) / most));
      const level = Math.round(share * LEVELS);
      const found = levels.get(level);
      if (found) found.push(spot(cell));
      else levels.set(level, [spot(cell)]);
    }
  }
  const steps = (/** @type {number[][]} */ spots) => {
    let [before, d] = [[0, 0], ""];
    for (const at of spots.map((one) => one.map((x) => Math.round(x * 10)))) {
      d += `m${at.map((x, i) => String((x - before[i]) / 10)).join(" ")}h0`;
      before = at;
    }
    return d;
  };
  const row = /** @type {number[]} */ (numbers.traced.probs[AT]);
  const names = layout.panels
    .filter(({ isWeight }) => isWeight)
    .map(({ name, kind, box: { low, high } }) => {
      const p = projected(matrix, [(low[0] + high[0]) / 2, high[1] + 0.6, high[2]]);
      const looks = { class: "scene-name", "data-kind": kind, "text-anchor": "middle" };
      const x = (((p.x + 1) / 2) * SIZE.w).toFixed(1);
      const y = (((1 - p.y) / 2) * SIZE.h - 6).toFixed(1);
      return shape("text", { ...looks, x, y }, name.replace("layer0.", ""));
    });
  return [
    ...[...levels]
      .sort(([a], [b]) => a - b)
      .map(([level, spots]) =>
        shape("path", { class: "scene-cells", "data-level": level, d: steps(spots) }),
      ),
    ...names,
    ...letterShapes(
      row.map((_, i) => spot(cellOf(layout, "probs", [AT, i]))),
      { names: factsOf(numbers, AT, TEXT).letters, probs: row },
      SIZE,
    ),
  ];
}

/** @param {Real} real */
export const largeShapes = (real) => flatSizes("whole", made(real).layout.box, SIZE);

/** The sections of the tour. @param {Real} real */
export const tourOf = (real) => told(factsOf(made(real).numbers, AT, TEXT));
