// Which part of the drawing of attention is at a point. No DOM.

import { along } from "./attention-plan.js";

/** @typedef {import("./attention-shapes.js").Part} Part */
/** @typedef {import("./attention-plan.js").Box} Box */

const NEAR = 7; // pixels to an arrow's middle, at least
const SAMPLES = 24;

/** @param {Box} box @param {number} x @param {number} y */
const isIn = (box, x, y) => x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h;

/**
 * @param {import("./attention-plan.js").Plan} plan
 * @param {import("./attention-shapes.js").Shown} shown
 * @param {number} x
 * @param {number} y
 * @returns {Part | null}
 */
export function partAt(plan, shown, x, y) {
  for (const [head, { query, out, bar, arrows }] of plan.blocks.entries()) {
    if (shown.vectors && isIn(query, x, y)) return { what: "query", head, at: shown.at };
    if (shown.vectors && isIn(out, x, y)) return { what: "out", head, at: shown.at };
    if (!shown.heads[head].weights || !isIn(bar, x, y)) continue;
    const at = arrows.findIndex(({ segment }) => isIn(segment, x, y));
    if (at >= 0) return { what: "weight", head, at };
  }
  const column = plan.places.findIndex(({ hit }) => isIn(hit, x, y));
  if (column >= 0) return columnPart(plan, shown, column, x, y);
  return nearest(plan, shown, x, y);
}

/**
 * @param {import("./attention-plan.js").Plan} plan
 * @param {import("./attention-shapes.js").Shown} shown
 * @param {number} at
 * @param {number} x
 * @param {number} y
 */
function columnPart(plan, shown, at, x, y) {
  for (const [r, boxes] of plan.places[at].strips.entries()) {
    const piece = boxes.findIndex((box) => isIn(box, x, y));
    if (piece < 0 || !shown.columns[at].vectors?.[r]) continue;
    const head = shown.heads.findIndex((one) => one.piece === piece);
    if (head >= 0) return { what: shown.rows[r].kind, head, at };
  }
  return { what: "column", head: 0, at };
}

/**
 * The arrow that passes nearest, if one is near.
 * @param {import("./attention-plan.js").Plan} plan
 * @param {import("./attention-shapes.js").Shown} shown
 * @param {number} x
 * @param {number} y
 */
function nearest(plan, shown, x, y) {
  /** @type {Part | null} */
  let found = null;
  let least = 1;
  for (const [head, { arrows }] of plan.blocks.entries()) {
    for (const [at, { curve, width }] of arrows.entries()) {
      const { weights, isAhead } = shown.heads[head];
      if (isAhead || shown.columns[at].later || weights?.[at] === 0) continue;
      for (let i = 0; i <= SAMPLES; i++) {
        const [cx, cy] = along(curve, i / SAMPLES);
        const away = Math.hypot(cx - x, cy - y) / Math.max(NEAR, width / 2);
        if (away >= least) continue;
        least = away;
        found = { what: "arrow", head, at };
      }
    }
  }
  return found;
}
