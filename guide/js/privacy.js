// What a private step needs besides its batch: `clip` and `noise` of `steps`.

import { parameters } from "./config.js";
import { InputError, shown } from "./errors.js";

/**
 * `clip`: the gradient of each document's summed loss is cut to this L2 norm before a step's
 * documents are summed. `noise`, flat [steps × parameters] in the order of the state-dict: is added
 * to that sum before it is divided by the step's `positions`. Abadi et al. 2016, Algorithm 1.
 * @typedef {{clip?: number | null, noise?: ArrayLike<number> | null}} Privacy
 */

/**
 * As the kernel takes them: 0 and an empty list where they aren't given.
 * @param {import("./config.js").Config} config
 * @param {number} steps
 * @param {Privacy} privacy
 */
export function checkedPrivacy(config, steps, { clip = null, noise = null }) {
  if (clip !== null && !(Number.isFinite(clip) && clip > 0)) {
    throw new InputError(`clip is ${shown(clip)}, must be a finite number above 0.`);
  }
  if (noise) {
    const wanted = steps * parameters(config);
    if (noise.length !== wanted) {
      throw new InputError(`There are ${noise.length} numbers of noise, must be ${wanted}.`);
    }
    if (!Array.prototype.every.call(noise, Number.isFinite)) {
      throw new InputError("The noise has a number that is not finite.");
    }
  }
  return { clip: clip ?? 0, noise: noise ?? [] };
}
