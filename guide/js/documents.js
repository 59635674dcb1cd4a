// Documents on their way into a call of the kernel: batches from lists, and the checks before it.

import { InputError, TokenError, shown } from "./errors.js";

/** @typedef {ArrayLike<number>} Numbers */
/**
 * The documents of some steps, one after the other. `tokens`: ids of all documents, each with the
 * token before its first prediction. `offsets` [documents + 1]: document d is tokens[offsets[d]] to
 * tokens[offsets[d + 1] - 1]. `documents` [steps]: how many each step takes. `positions` [steps]:
 * what the step's summed loss is divided by. `weights` [positions of all documents]: what -log p of
 * each is multiplied by before, also 0 or less; without them, 1.
 * @typedef {{tokens: Numbers, offsets: Numbers, documents: Numbers, positions: Numbers,
 *   weights?: Numbers | null}} Batches
 */

/**
 * Batches from nested lists: steps → documents → token ids.
 * @param {Numbers[][]} steps
 * @returns {Batches}
 */
export function batchesOf(steps) {
  const docs = steps.flat();
  const offsets = [0];
  for (const doc of docs) offsets.push(offsets[offsets.length - 1] + doc.length);
  return {
    tokens: docs.flatMap((doc) => Array.from(doc)),
    offsets,
    documents: steps.map((step) => step.length),
    positions: steps.map((step) => step.reduce((sum, doc) => sum + doc.length - 1, 0)),
  };
}

/**
 * How many tokens the first `documents` documents reach; throws unless every one fits.
 * @param {import("./config.js").Config} config
 * @param {Numbers} tokens
 * @param {Numbers} offsets
 * @param {number} documents
 * @param {number} shortest
 * @param {number} longest
 */
export function checkedDocuments(config, tokens, offsets, documents, shortest, longest) {
  const { vocab_size: V, block_size } = config;
  if (documents + 1 > offsets.length) {
    const came = offsets.length - 1;
    throw new InputError(`The steps take ${documents} documents, but ${came} came.`);
  }
  for (let d = 0; d <= documents; d++) {
    if (!isCount(offsets[d], d ? offsets[d - 1] : 0) || offsets[d] > tokens.length) {
      throw new InputError(`Document offsets don't fit the ${tokens.length} tokens.`);
    }
    const length = d ? offsets[d] - offsets[d - 1] : shortest;
    if (length < shortest || length > longest) {
      throw new InputError(
        `Document ${d - 1} has ${length} tokens, must have ${shortest} to ${longest} ` +
          `(block_size ${block_size}).`,
      );
    }
  }
  for (let i = offsets[0]; i < offsets[documents]; i++) {
    if (!isCount(tokens[i], 0) || tokens[i] >= V) {
      throw new TokenError(
        `Token ${shown(tokens[i])} at place ${i} is not in the vocabulary ` +
          `(${V} tokens, 0 to ${V - 1}).`,
      );
    }
  }
  return offsets[documents];
}

/**
 * Whether it is a whole number from `least` to 2^31 - 1.
 * @param {unknown} value
 * @param {number} least
 */
export function isCount(value, least) {
  return Number.isInteger(value) && Number(value) >= least && Number(value) < 2 ** 31;
}
