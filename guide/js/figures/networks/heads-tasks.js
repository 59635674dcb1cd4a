// The documents of the two tasks of scripts/record_heads.py, drawn as Python draws them, and the
// loss of their last letter. No DOM.

import { trace } from "../../numbers/forward.js";
import { Random } from "../../random.js";

/** @typedef {"last" | "order"} TaskName */

const LETTERS = "abcdefghijkl";
const FREE = 6; // letters of a document that are drawn
const SEED = 7; // of the documents
export const TRAIN = 2000;
export const TEST = 500;
export const BATCH = 8;
export const STEPS = { last: 1000, order: 2000 };

/** @param {Random} rng */
const letter = (rng) => LETTERS[Math.floor(rng.random() * LETTERS.length)];

/** @type {Record<TaskName, (rng: Random) => string>} */
const TASKS = {
  last: (rng) => {
    const free = Array.from({ length: FREE }, () => letter(rng)).join("");
    return free + free[0];
  },
  order: (rng) => {
    const one = letter(rng);
    let two = one;
    while (two === one) two = letter(rng);
    const rest = Array.from({ length: FREE - 2 }, () => letter(rng)).join("");
    return one + two + rest + (one < two ? "y" : "n");
  },
};

/** All documents of a task: those to train on, then those to measure on. @param {TaskName} task */
export function documents(task) {
  const rng = new Random(SEED);
  return Array.from({ length: TRAIN + TEST }, () => TASKS[task](rng));
}

/**
 * Mean loss of the last letter of some documents.
 * @param {import("../../config.js").Config} config
 * @param {import("../../engine.js").Weights} weights
 * @param {import("../../tokenizer.js").Tokenizer} tokenizer
 * @param {string[]} docs
 */
export function lastLoss(config, weights, tokenizer, docs) {
  let sum = 0;
  for (const doc of docs) {
    const tokens = tokenizer.encodeDocument(doc);
    const { probs } = trace(config, weights, tokens.slice(0, -2));
    sum -= Math.log(probs[probs.length - 1][tokens[tokens.length - 2]]);
  }
  return sum / docs.length;
}
