// The list of names as a run sees it: its order after the shuffle, its tokens, and what a table of
// counts has learned after some of them.

import { FileError } from "../errors.js";
import { Bigram } from "../numbers/bigram.js";
import { choice, Random } from "../random.js";
import { Tokenizer } from "../tokenizer.js";

/** How many documents a run trains on: its steps. */
export const STEPS = 1000;

/**
 * @typedef {object} Names
 * @property {string[]} docs in the order of the file
 * @property {string[]} shuffled in the order in which a run with seed 42 takes them
 * @property {Tokenizer} tokenizer
 * @property {number[][]} tokens of the first `STEPS` shuffled names, BOS at both ends
 */

/** @param {string} text one document a line @returns {string[]} */
export function linesOf(text) {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line);
}

/** @param {string[]} docs @param {number} [seed] @returns {Names} */
export function namesOf(docs, seed = 42) {
  const shuffled = [...docs];
  new Random(seed).shuffle(shuffled);
  const tokenizer = Tokenizer.of(docs);
  const tokens = shuffled.slice(0, STEPS).map((doc) => tokenizer.encodeDocument(doc));
  return { docs, shuffled, tokenizer, tokens };
}

/** @type {Promise<Names> | null} */
let fetched = null;

/** The names that come with the guide: fetched once for all widgets, again after a failure. */
export function loadNames() {
  fetched ??= (async () => {
    const answer = await fetch(new URL("../../files/names.txt", import.meta.url));
    if (!answer.ok)
      throw new FileError(
        `The list of names can't be fetched (${answer.status}).`,
        "Is the guide still being served?",
      );
    return namesOf(linesOf(await answer.text()));
  })();
  fetched.catch(() => (fetched = null));
  return fetched;
}

const HALT = 50;
/** Counts after 50, 100, … names, so that a dragged count isn't counted from the first name on.
 * @type {WeakMap<number[][], number[][][]>} */
const halts = new WeakMap();

/**
 * A table that has counted the first so many names.
 * @param {Names} names
 * @param {number} count
 * @param {number} [added]
 */
export function countedAfter({ tokenizer, tokens }, count, added = 1) {
  const tables = halts.get(tokens) ?? [];
  halts.set(tokens, tables);
  const table = new Bigram(tokenizer.vocab_size, 16, added);
  const from = Math.floor(Math.min(count, tokens.length) / HALT);
  for (let halt = 1; halt <= from; halt++) {
    if (tables[halt]) continue;
    const counted = new Bigram(tokenizer.vocab_size);
    if (halt > 1) counted.counts = tables[halt - 1].map((row) => [...row]);
    for (const doc of tokens.slice((halt - 1) * HALT, halt * HALT)) counted.learn(doc);
    tables[halt] = counted.counts;
  }
  if (from) table.counts = tables[from].map((row) => [...row]);
  for (const doc of tokens.slice(from * HALT, count)) table.learn(doc);
  return table;
}

/**
 * How a token is called: its character, or BOS.
 * @param {Tokenizer} tokenizer
 * @param {number} token
 */
export const called = (tokenizer, token) =>
  token === tokenizer.bos ? "BOS" : tokenizer.uchars[token];

/** All tokens' names, in order of their ids. @param {Tokenizer} tokenizer */
export const allCalled = (tokenizer) => [...tokenizer.uchars, "BOS"];

/**
 * Where a written name is from: seen in training, in the file but never shown, or in neither.
 * @param {Names} names
 * @returns {(name: string) => "trained" | "file" | "new"}
 */
export function originOf({ docs, shuffled }) {
  const trained = new Set(shuffled.slice(0, STEPS));
  const file = new Set(docs);
  return (name) => (trained.has(name) ? "trained" : file.has(name) ? "file" : "new");
}

/**
 * Probabilities sharpened (below 1) or flattened (above 1) by a temperature.
 * @param {number[]} probs
 * @param {number} temperature
 */
export function tempered(probs, temperature) {
  const weights = probs.map((p) => p ** (1 / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/**
 * Names written from counts, draw by draw, as rung 0 does: the stream first shuffles the list, then
 * draws. With seed 42, all 1,000 names counted and temperature 0.5 these are its 20 samples.
 * @param {Names} names
 * @param {{count: number, temperature: number, seed: number, samples?: number}} how
 * @returns {{name: number, before: string, token: number, draw: number, next: number}[]}
 */
export function drawNames({ docs, tokenizer, tokens }, { count, temperature, seed, samples = 20 }) {
  const stream = new Random(seed);
  stream.shuffle([...docs]);
  const table = countedAfter(/** @type {Names} */ ({ tokenizer, tokens }), count);
  const draws = [];
  for (let name = 0; name < samples; name++) {
    let [token, before] = [tokenizer.bos, ""];
    for (let at = 0; at < table.blockSize; at++) {
      const draw = stream.random();
      const next = choice(
        table.probs(token).map((p) => p ** (1 / temperature)),
        draw,
      );
      draws.push({ name, before, token, draw, next });
      if (next === tokenizer.bos) break;
      before += tokenizer.uchars[next];
      token = next;
    }
  }
  return draws;
}
