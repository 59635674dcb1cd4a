// What the loss of each position is multiplied by: `weights` of `steps` and `grads`.

import { InputError, shown } from "./errors.js";

/**
 * The weights of the first `documents` documents, flat; an empty list where none are given, which
 * means that all are 1. Throws unless there is one finite number for each position.
 * @param {ArrayLike<number> | null | undefined} weights
 * @param {ArrayLike<number>} offsets
 * @param {number} documents
 * @returns {ArrayLike<number>}
 */
export function checkedWeights(weights, offsets, documents) {
  if (weights == null) return [];
  const all = offsets.length - 1;
  const wanted = offsets[all] - offsets[0] - all;
  if (weights.length !== wanted) {
    throw new InputError(
      `There are ${weights.length} weights, but the documents have ${wanted} positions.`,
      "Give one weight for each token but the first of every document.",
    );
  }
  const used = Array.from(weights).slice(0, offsets[documents] - offsets[0] - documents);
  const wrong = used.findIndex((weight) => !Number.isFinite(weight));
  if (wrong >= 0) {
    throw new InputError(`Weight ${wrong} is ${shown(used[wrong])}, must be a finite number.`);
  }
  return used;
}
