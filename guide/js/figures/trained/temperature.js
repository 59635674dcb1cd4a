// The trained model's logits after a beginning, and what a temperature makes of them. No DOM.

import { marked } from "../../characters.js";
import { shapes } from "../../config.js";
import { FileError, InputError } from "../../errors.js";
import { readModel } from "../../model.js";
import { asRows, entropyBits, floats } from "../../numbers/arithmetic.js";
import { emptyCache, gpt } from "../../numbers/forward.js";
import { distribution } from "../../sampling.js";

/** @typedef {import("../../model.js").Model} Model */

/** @type {Promise<Model> | null} */
let fetched = null;

/**
 * The model that comes with the guide: fetched once, again after a failure.
 * @returns {Promise<Model>}
 */
export function loadModel() {
  fetched ??= (async () => {
    const answer = await fetch(new URL("../../../files/model.json", import.meta.url));
    if (!answer.ok)
      throw new FileError(
        `The model can't be fetched (${answer.status}).`,
        "Is the guide still being served?",
      );
    return readModel(await answer.text());
  })();
  fetched.catch(() => (fetched = null));
  return fetched;
}

/** The last answer. @type {{model: Model, prefix: string, logits: number[]} | null} */
let known = null;

/**
 * Logits [V] of what comes after BOS and a beginning. Throws `InputError` for what it can't read.
 * @param {Model} model
 * @param {string} prefix
 */
export function logitsAfter(model, prefix) {
  // Only the temperature moves.
  if (known?.model === model && known.prefix === prefix) return known.logits;
  const { config, tokenizer, weights } = model;
  const unknown = [...prefix].find((char) => !tokenizer.uchars.includes(char));
  if (unknown !== undefined)
    throw new InputError(
      `It doesn't know “${marked(unknown)}”, only the letters a to z.`,
      "Leave that out.",
    );
  if (prefix.length >= config.block_size)
    throw new InputError(
      `That is ${prefix.length} letters, and it reads at most ${config.block_size - 1}.`,
      "Make it shorter.",
    );
  const rows = asRows(weights, shapes(config));
  /** @type {import("../../numbers/forward.js").Cache<number>} */
  const cache = emptyCache(config);
  const logits =
    [tokenizer.bos, ...tokenizer.encode(prefix)]
      .map((token, at) => gpt(floats, config, rows, token, at, cache))
      .at(-1) ?? [];
  known = { model, prefix, logits };
  return logits;
}

/**
 * Probabilities at a temperature, how unsure they are, and the likeliest.
 * @param {ArrayLike<number>} logits
 * @param {number} temperature
 */
export function atTemperature(logits, temperature) {
  const probs = Array.from(distribution(logits, temperature));
  const peak = probs.indexOf(Math.max(...probs));
  return { probs, peak, bits: entropyBits(probs), choices: 2 ** entropyBits(probs) };
}
