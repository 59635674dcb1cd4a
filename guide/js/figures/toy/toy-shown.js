// What a drawing of the toy GPT shows: the numbers of one token at position 2, and the cache.

import { TOY_POSITION } from "../../numbers/toy.js";

/**
 * @typedef {object} Shown what is drawn
 * @property {Record<string, number[]>} row vectors by name
 * @property {number[][]} keys of positions 0 to 2
 * @property {number[][]} values
 * @property {number} token -1 if x is no token's
 * @property {number} digits
 */

/**
 * What a drawing shows of the numbers of a figure.
 * @param {import("./toy-steps.js").ToyNumbers} n
 */
export const shownOf = ({ row, keys, values, digits, input }) => ({
  row,
  keys,
  values,
  digits,
  token: input.token ?? -1,
});

/**
 * The same of a forward pass with weights of its own.
 * @param {import("../../numbers/toy.js").ToyRow} row
 * @param {number} token
 * @param {{keys: number[][], values: number[][]}} cache of positions 0 and 1
 * @returns {Shown}
 */
export function shownOfRow(row, token, cache) {
  const flat = /** @type {Record<string, number[]>} */ ({});
  for (const [name, value] of Object.entries(row))
    if (Array.isArray(value)) flat[name] = Array.isArray(value[0]) ? value[0] : value;
  return {
    row: flat,
    keys: [...cache.keys.slice(0, TOY_POSITION), flat.k],
    values: [...cache.values.slice(0, TOY_POSITION), flat.v],
    digits: 2,
    token,
  };
}
