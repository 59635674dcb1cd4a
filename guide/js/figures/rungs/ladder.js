// The recorded losses of the rungs (data/ladder.json, made by scripts/record_ladder.py): of the
// first six and of rung 7, which stands for 8 and 9 as well; 6 prints what 5 prints.

import { trailingMean } from "../../kit/curve-plan.js";
import { fetched } from "../fetched.js";

/**
 * @typedef {{rung: number, losses: number[], held_out: number, samples: string[]}} Run
 * @typedef {object} Ladder
 * @property {{random: number, bigram: number}} floors
 * @property {Run[]} rungs
 * @property {Run & {batch_size: number, first: string[]}} batches
 * @property {{rung: number, batch_size: number, times: number}[]} speed in times rung 5
 */

/** @type {Promise<Ladder> | null} */
let loading = null;

/** @returns {Promise<Ladder>} */
export function loadLadder() {
  loading ??= fetched(
    new URL("../../../data/ladder.json", import.meta.url),
    "The recorded losses",
  ).then((answer) => answer.json());
  loading.catch(() => (loading = null));
  return loading;
}

/** The runs of some rungs, named by their digits. @param {Ladder} ladder @param {string} digits */
export const runsOf = ({ rungs, batches }, digits) =>
  [...rungs, batches].filter(({ rung }) => digits.includes(String(rung)));

/** What a curve of losses is measured by. @param {Ladder} ladder */
export const floorsOf = ({ floors }) => [
  { name: "guessing among 27", y: floors.random },
  { name: "counts over the whole list", y: floors.bigram },
];

/**
 * The curves of all rungs, as the kit draws them: means of the last `window` losses, or dots where
 * each loss stands for itself.
 * @param {{rungs: Run[]}} ladder
 * @param {number} window
 * @param {(rung: number) => boolean} isOn
 */
export function curvesOf({ rungs }, window, isOn) {
  return rungs.map(({ rung, losses }) => ({
    name: `rung ${rung}`,
    values: trailingMean(losses, window),
    off: !isOn(rung),
    kind: /** @type {"line" | "dots"} */ (window === 1 ? "dots" : "line"),
  }));
}

/**
 * What is said of each run: last loss, mean of the last 100, loss on unseen names.
 * @param {{rungs: Run[]}} ladder
 */
export function endsOf({ rungs }) {
  return rungs.map(({ rung, losses, held_out: unseen }) => ({
    rung,
    last: losses[losses.length - 1],
    mean: trailingMean(losses, 100)[losses.length - 1],
    unseen,
  }));
}
