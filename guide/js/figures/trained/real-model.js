// The trained model of data/model.json, opened once a page, and what it computes for a beginning
// that a reader types. No DOM.

import { readPrefixes } from "./prefixes.js";
import { shapes } from "../../config.js";
import { FileError, InputError } from "../../errors.js";
import { readModel } from "../../model.js";
import { asRows, floats } from "../../numbers/arithmetic.js";
import { attend, trace } from "../../numbers/forward.js";

/** @typedef {ReturnType<typeof opened>} Real */

/** @param {string} text of model.json */
export function opened(text) {
  const { config, weights, tokenizer } = readModel(text);
  return { config, tokenizer, weights: asRows(weights, shapes(config)) };
}

/** @type {Promise<Real> | null} */
let opening = null;

export function loadReal() {
  opening ??= (async () => {
    const answer = await fetch(new URL("../../../files/model.json", import.meta.url));
    if (!answer.ok)
      throw new FileError(
        `model.json can't be fetched (${answer.status}).`,
        "Is the guide still being served?",
      );
    return opened(await answer.text());
  })();
  opening.catch(() => (opening = null));
  return opening;
}

/** The last answer of `tokensOf`. @type {{real: Real, typed: string, tokens: number[]} | null} */
let read = null;

/**
 * BOS and the letters of one beginning. Throws `InputError` with a line for the reader.
 * @param {Real} real
 * @param {string} typed
 */
export function tokensOf(real, typed) {
  if (read?.real === real && read.typed === typed) return read.tokens;
  const { config, tokenizer } = real;
  const prefixes = readPrefixes(typed, { uchars: tokenizer.uchars, most: config.block_size - 1 });
  if (prefixes.length > 1) throw new InputError("One name at a time here.", "Leave the space out.");
  read = { real, typed, tokens: [tokenizer.bos, ...tokenizer.encode(prefixes[0])] };
  return read.tokens;
}

/** @param {Real} real @param {number[]} tokens */
export const labelsOf = ({ tokenizer }, tokens) =>
  tokens.map((token) => (token === tokenizer.bos ? "BOS" : tokenizer.uchars[token]));

/**
 * The last answer of `traced`.
 * @type {{real: Real, tokens: string, row: ReturnType<typeof tracedNow>} | null}
 */
let known = null;

/**
 * Every intermediate of the first layer and of the end.
 * @param {Real} real
 * @param {number[]} tokens
 */
export function traced(real, tokens) {
  const key = tokens.join();
  if (known?.real !== real || known.tokens !== key)
    known = { real, tokens: key, row: tracedNow(real, tokens) };
  return known.row;
}

/** @param {Real} real @param {number[]} tokens */
function tracedNow({ config, weights }, tokens) {
  const all = trace(config, weights, tokens);
  const first = (/** @type {string} */ name) => /** @type {number[][]} */ (all[`layer0.${name}`]);
  const seen = /** @type {number[][][]} */ (all["layer0.weights"]).map((heads, t) =>
    heads.map((row) => row.slice(0, t + 1)),
  );
  return {
    q: first("q"),
    keys: first("k"),
    values: first("v"),
    headOut: first("head_out"),
    weights: seen,
    probs: /** @type {number[][]} */ (all.probs),
  };
}

/**
 * The same q, keys and values cut into another number of heads.
 * @param {ReturnType<typeof traced>} row
 * @param {number} at the position that looks
 * @param {number} heads
 */
export function cutInto({ q, keys, values }, at, heads) {
  const width = q[at].length;
  const { weights, scores, headOut, qk } = attend(
    floats,
    { n_embd: width, n_head: heads },
    q[at],
    keys.slice(0, at + 1),
    values.slice(0, at + 1),
  );
  const size = width / heads;
  return {
    weights,
    scores,
    headOut,
    qk,
    size,
    parts: weights.map((_, h) => q[at].slice(h * size, (h + 1) * size)),
  };
}

/**
 * What is kept and what is computed, with and without a cache.
 * @param {number} count positions so far
 * @param {number} width
 */
export function cacheWork(count, width) {
  return { kept: 2 * count * width, withCache: 2 * count, without: count * (count + 1) };
}
