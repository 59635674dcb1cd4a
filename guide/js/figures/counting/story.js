// The story of the counts in four scenes: a name, a handful, all names, a row that becomes a guess.
// What each shows, and what is said of it. No DOM.

import { Bigram } from "../../numbers/bigram.js";
import { choice, Random } from "../../random.js";
import { written } from "../../kit/text.js";
import { called } from "../dataset.js";
import { countsAfter } from "./whole-count.js";

/** @typedef {import("../dataset.js").Names} Names */
/** @typedef {[number, number]} Pair */

export const HANDFUL = 4;
export const SCENES = ["One name", "A handful", "All of them", "A row becomes a guess"];
export const ROW = 0; // that of a
const SEED = 42;

/** The pairs of a name. @param {Names} names @param {string} name */
export function pairsOf({ tokenizer }, name) {
  return new Bigram(tokenizer.vocab_size).pairs(tokenizer.encodeDocument(name));
}

/** A table that has counted one name. @param {Names} names @param {string} name */
export function countsOf(names, name) {
  const table = new Bigram(names.tokenizer.vocab_size);
  table.learn(names.tokenizer.encodeDocument(name));
  return table.counts;
}

/** How many pairs, and in how many cells. @param {number[][]} counts */
export function summed(counts) {
  const all = counts.flat();
  return {
    pairs: all.reduce((sum, count) => sum + count, 0),
    cells: all.filter((count) => count > 0).length,
    all: all.length,
  };
}

/**
 * The row under discussion as shares, and where a number between 0 and 1 falls.
 * @param {number[]} row counts
 * @param {number} turn which number of the random stream, from 0
 */
export function drawn(row, turn) {
  const sum = row.reduce((a, b) => a + b, 0);
  const shares = row.map((count) => count / Math.max(1, sum));
  const number = new Random(SEED).uniforms(turn + 1)[turn];
  return { shares, number, sum, token: choice(row, number) };
}

/**
 * The sentences of the four scenes; `whole` are the counts of all names, once there are any.
 * @param {Names} names
 * @param {string} name
 * @param {number} turn
 * @param {number[][] | null} whole
 * @returns {import("../../kit/passages.js").Passage[]}
 */
export function told(names, name, turn, whole) {
  const { tokenizer, shuffled } = names;
  const say = (/** @type {number} */ token) => called(tokenizer, token);
  const count = (/** @type {number} */ n) => n.toLocaleString("en");
  const pairs = pairsOf(names, name);
  const way = [...pairs.map(([from]) => from), pairs[pairs.length - 1][1]].map(say).join(" → ");
  const few = shuffled.slice(0, HANDFUL);
  const handful = summed(countsAfter(names, HANDFUL));
  const sentences = [
    `“${name}” is ${way}: ${pairs.length} pairs, each a stitch to its own cell.`,
    `The shuffled list begins with ${few.slice(0, -1).join(", ")} and ${few[HANDFUL - 1]}: ` +
      `${handful.pairs} pairs in ${handful.cells} cells.`,
    `All ${count(shuffled.length)} names. `,
    `What came after ${say(ROW)}, as shares. `,
  ];
  if (whole) {
    const { pairs: all, cells, all: size } = summed(whole);
    const { shares, number, token, sum } = drawn(whole[ROW], turn);
    const best = shares.indexOf(Math.max(...shares));
    sentences[2] =
      `All ${count(shuffled.length)} names are ${count(all)} pairs. ${size - cells} of the ` +
      `${size} cells stay empty.`;
    sentences[3] =
      `${count(sum)} tokens came after ${say(ROW)}. Their shares are probabilities: ` +
      `${say(best)} has the largest, ${written(shares[best], 3)}. A number drawn between 0 ` +
      `and 1, ${written(number, 3)}, falls into the share of ${say(token)}.`;
  }
  return sentences.map((sentence, i) => ({ title: SCENES[i], sentences: [sentence] }));
}
