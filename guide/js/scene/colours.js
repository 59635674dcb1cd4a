// The colour and the size of every cell at a moment of a token's way: what is known, what this phase uses
// and makes, and what the reader points at with all that it is made of. No DOM.

import { shade } from "../kit/color.js";
import { valueAt } from "./numbers.js";
import { headOf, madeAt, PHASES } from "./phases.js";

/** @typedef {import("../kit/color.js").Scale} Scale */
/** @typedef {import("../kit/color.js").Rgb} Rgb */
/** @typedef {{at: number, phase: number}} Moment the token on its way, and how far it has come */

const WAITING = 0.3; // size of a cell that isn't computed yet
const ASIDE = 0.55; // how far the rest steps back behind what happens now

/**
 * "waiting" isn't computed yet, "now" is made or used in this phase, "none" isn't there: a later token.
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
    const looks = now !== undefined && (panel.name === "layer0.k" || panel.name === "layer0.v") && Math.floor((at[1] * 4) / width) === now;
    return looks ? "now" : "known";
  }
  const made = madeAt(panel.name, head);
  if (made > phase) return "waiting";
  if (makes.includes(panel.name)) return now === undefined || head === now ? "now" : "known";
  if (!uses) return "known";
  return now === undefined || Math.floor((at[1] * 4) / width) === now ? "now" : "known";
}

/**
 * Four bytes a cell: red, green, blue, and the size as a share of 255.
 * @param {import("./layout.js").Layout} layout
 * @param {import("./numbers.js").Numbers} numbers
 * @param {Moment} moment
 * @param {Scale} scale
 * @param {Rgb} paper
 * @param {ReadonlySet<number> | null} marked cells that alone stand out, while the reader points at one
 */
export function coloursOf(layout, numbers, moment, scale, paper, marked = null) {
  const bytes = new Uint8Array(4 * layout.count);
  const width = numbers.real.config.n_embd;
  const at = [0, 0, 0];
  const quiet = moment.phase === 0;
  for (const panel of layout.panels) {
    const most = numbers.most.get(panel.name) ?? 1;
    for (let cell = panel.start; cell < panel.end; cell++) {
      for (let i = 0; i < 3; i++) at[i] = layout.indices[3 * cell + i];
      const state = stateOf(moment, panel, at, width);
      if (state === "none") continue;
      const value = valueAt(numbers, panel.name, at);
      const full = state === "waiting" ? scale.middle : shade(scale, value / most);
      const stands = marked ? marked.has(cell) : quiet || state === "now" || state === "waiting";
      const back = stands ? 0 : marked ? 0.8 : ASIDE;
      for (let i = 0; i < 3; i++) bytes[4 * cell + i] = Math.round(full[i] + (paper[i] - full[i]) * back);
      bytes[4 * cell + 3] = state === "waiting" ? Math.round(255 * WAITING) : 255;
    }
  }
  return bytes;
}
