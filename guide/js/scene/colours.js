// The colour and the size of every cell at a moment of a token's way: what is known, what this
// phase uses and makes, and what the reader points at with all that it is made of. No DOM.

import { shade } from "../kit/color.js";
import { valueAt } from "./numbers.js";
import { headOf, madeAt, PHASES } from "./phases.js";

/** @typedef {import("../kit/color.js").Scale} Scale */
/** @typedef {import("../kit/color.js").Rgb} Rgb */
/** @typedef {{at: number, phase: number}} Moment the token on its way, and how far it has come */

const WAITING = 0.3; // size of a cell that isn't computed yet
const ASIDE = 0.55; // how far the rest steps back behind what happens now

/**
 * "waiting" isn't computed yet, "now" is made or used in this phase, "none" isn't there: a later
 * token.
 * @param {Moment} moment
 * @param {import("./layout.js").Panel} panel
 * @param {ArrayLike<number>} at
 * @param {number} width n_embd
 * @returns {"none" | "waiting" | "known" | "now"}
 */
export function stateOf({ at: token, phase }, panel, at, width) {
  const { makes, of, head: now } = PHASES[phase];
  const uses = of.includes(panel.name);
  if (panel.isWeight) return uses ? "now" : "known";
  if (at[0] > token) return "none";
  const head = headOf(panel.name, at, width);
  if (at[0] < token) {
    const looks =
      now !== undefined &&
      (panel.name === "layer0.k" || panel.name === "layer0.v") &&
      Math.floor((at[1] * 4) / width) === now;
    return looks ? "now" : "known";
  }
  const made = madeAt(panel.name, head);
  if (made > phase) return "waiting";
  if (makes.includes(panel.name)) return now === undefined || head === now ? "now" : "known";
  if (!uses) return "known";
  return now === undefined || Math.floor((at[1] * 4) / width) === now ? "now" : "known";
}

/** @typedef {{scale: Scale, numbers: import("./numbers.js").Numbers, bytes: Uint8Array}} Full */
/**
 * Full colours stay while the numbers do: a phase changes only what stands out.
 * @type {WeakMap<import("./layout.js").Layout, Full>}
 */
const known = new WeakMap();

/**
 * Every cell's colour by its number alone, three bytes a cell.
 * @param {import("./layout.js").Layout} layout
 * @param {import("./numbers.js").Numbers} numbers
 * @param {Scale} scale
 */
function fullOf(layout, numbers, scale) {
  const before = known.get(layout);
  if (before?.numbers === numbers && before.scale === scale) return before.bytes;
  const bytes = new Uint8Array(3 * layout.count);
  for (const { name, start, end } of layout.panels) {
    const most = numbers.most.get(name) ?? 1;
    for (let cell = start; cell < end; cell++) {
      bytes.set(
        shade(
          scale,
          valueAt(numbers, name, layout.indices.subarray(3 * cell, 3 * cell + 3)) / most,
        ),
        3 * cell,
      );
    }
  }
  known.set(layout, { scale, numbers, bytes });
  return bytes;
}

/**
 * Four bytes a cell: red, green, blue, and the size as a share of 255.
 * @param {import("./layout.js").Layout} layout
 * @param {import("./numbers.js").Numbers} numbers
 * @param {Moment} moment
 * @param {Scale} scale
 * @param {Rgb} paper
 * @param {ReadonlySet<number> | null} marked cells that alone stand out, while the reader points at
 *   one
 */
export function coloursOf(layout, numbers, moment, scale, paper, marked = null) {
  const bytes = new Uint8Array(4 * layout.count);
  const width = numbers.real.config.n_embd;
  const at = [0, 0, 0];
  const quiet = moment.phase === 0;
  const full = fullOf(layout, numbers, scale);
  for (const panel of layout.panels) {
    for (let cell = panel.start; cell < panel.end; cell++) {
      for (let i = 0; i < 3; i++) at[i] = layout.indices[3 * cell + i];
      const state = stateOf(moment, panel, at, width);
      if (state === "none") continue;
      const stands = marked ? marked.has(cell) : quiet || state === "now" || state === "waiting";
      const back = stands ? 0 : marked ? 0.8 : ASIDE;
      for (let i = 0; i < 3; i++) {
        const own = state === "waiting" ? scale.middle[i] : full[3 * cell + i];
        bytes[4 * cell + i] = Math.round(own + (paper[i] - own) * back);
      }
      bytes[4 * cell + 3] = state === "waiting" ? Math.round(255 * WAITING) : 255;
    }
  }
  return bytes;
}
