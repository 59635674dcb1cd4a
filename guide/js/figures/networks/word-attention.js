// Two hand-made examples of looking things up by likeness. The vectors are made by hand, so that
// they can be read; what is computed from them is computed as in attention. No DOM.

import { dot, floats, softmax, total } from "../../numbers/arithmetic.js";

export const SENTENCE = Object.freeze("The quick brown fox jumps over the lazy dog".split(" "));

/** Six features: animal, describes, acts, pace, colour, place. */
const KEYS = /** @type {Record<string, number[]>} */ ({
  quick: [0, 2, 0, 1.5, 0, 0],
  brown: [0, 2, 0, 0, 2, 0],
  fox: [2, 0, 0, 0.8, 0.5, 0],
  jumps: [0, 0, 2, 0.8, 0, 0],
  over: [0, 0, 0.5, 0, 0, 2],
  lazy: [0, 2, 0, -1.5, 0, 0],
  dog: [2, 0, 0, -0.3, 0, 0],
});
/** Words that are asked for: those that are in the dictionary, and some that aren't. */
export const ASKED = Object.freeze({
  wolf: [2, 0, 0, 0.6, 0, 0],
  sleepy: [0, 2, 0, -1.2, 0, 0],
  runs: [0, 0, 2, 1.2, 0, 0],
  ...KEYS,
});
export const ENTRIES = Object.freeze(Object.keys(KEYS));
/** What the dictionary holds for each word: how fast, from -10 to 10. */
export const PACES = Object.freeze({
  quick: 9,
  brown: 0,
  fox: 6,
  jumps: 7,
  over: 0,
  lazy: -8,
  dog: 3,
});

/**
 * A lookup that answers with a mix: every entry counts, the more the more alike its key is.
 * @param {string} word
 * @param {number} sharpness what the likeness is multiplied with
 */
export function fuzzyLookup(word, sharpness) {
  const query = /** @type {Record<string, number[]>} */ (ASKED)[word];
  const likeness = ENTRIES.map((entry) => dot(floats, query, KEYS[entry]));
  const weights = softmax(
    floats,
    likeness.map((x) => x * sharpness),
  );
  const values = ENTRIES.map((entry) => /** @type {Record<string, number>} */ (PACES)[entry]);
  const exact = /** @type {Record<string, number>} */ (PACES)[word];
  return {
    likeness,
    weights,
    answer: total(
      floats,
      weights.map((p, i) => p * values[i]),
    ),
    exact: exact ?? null,
  };
}

/**
 * What each kind of word looks for, and what it offers: thing, describing, doing, none of these.
 */
const KINDS = /** @type {Record<string, {looks: number[], offers: number[], says: string}>} */ ({
  article: { looks: [0, 0, 0, 0], offers: [0, 0, 0, 1], says: "looks for nothing in particular" },
  adjective: {
    looks: [1, 0, 0, 1],
    offers: [0, 3, 0, 0],
    says: "looks for a thing to describe, or its article",
  },
  noun: { looks: [0, 1, 0, 0.3], offers: [3, 0, 0, 0], says: "looks for words that describe it" },
  verb: { looks: [1, 0, 0, 0], offers: [0, 0, 3, 0], says: "looks for whoever does it" },
  preposition: { looks: [0.2, 0, 1, 0], offers: [0, 0, 0, 0.5], says: "looks for what is done" },
});
const KIND_OF = Object.freeze([
  "article",
  "adjective",
  "adjective",
  "noun",
  "verb",
  "preposition",
  "article",
  "adjective",
  "noun",
]);
const FAR = 0.35; // taken off the score for each word in between

/** What a word of the sentence looks for. @param {number} at */
export const looksFor = (at) => KINDS[KIND_OF[at]].says;

/**
 * Attention of one word over the sentence.
 * @param {number} at
 * @param {boolean} later words after it too
 */
export function wordWeights(at, later) {
  const last = later ? SENTENCE.length : at + 1;
  const scores = SENTENCE.slice(0, last).map(
    (_, i) =>
      dot(floats, KINDS[KIND_OF[at]].looks, KINDS[KIND_OF[i]].offers) - FAR * Math.abs(at - i),
  );
  const weights = softmax(floats, scores);
  return SENTENCE.map((_, i) => weights[i] ?? 0);
}
