// The recorded losses of the six rungs (data/ladder.json, made by scripts/record_ladder.py).

import { FileError } from "../../errors.js";
import { trailingMean } from "../../kit/curve-plan.js";

/**
 * @typedef {object} Ladder
 * @property {{random: number, bigram: number}} floors
 * @property {{rung: number, losses: number[], held_out: number, samples: string[]}[]} rungs
 */

/** @type {Promise<Ladder> | null} */
let fetched = null;

/** @returns {Promise<Ladder>} */
export function loadLadder() {
  fetched ??= (async () => {
    const answer = await fetch(new URL("../../../data/ladder.json", import.meta.url));
    if (!answer.ok)
      throw new FileError(
        `The recorded losses can't be fetched (${answer.status}).`,
        "Is the guide still being served?",
      );
    return answer.json();
  })();
  fetched.catch(() => (fetched = null));
  return fetched;
}

/**
 * The curves of all rungs, as the kit draws them: means of the last `window` losses, or dots where
 * each loss stands for itself.
 * @param {Ladder} ladder
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
 * @param {Ladder} ladder
 */
export function endsOf({ rungs }) {
  return rungs.map(({ rung, losses, held_out: unseen }) => ({
    rung,
    last: losses[losses.length - 1],
    mean: trailingMean(losses, 100)[losses.length - 1],
    unseen,
  }));
}
