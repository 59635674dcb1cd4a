// Counts of the whole list: what the table holds after its first so many names, up to all of them.
// A count that is played goes on from the last one; one that is dragged, from a halt. No DOM.

import { Bigram } from "../../numbers/bigram.js";

/** @typedef {import("../dataset.js").Names} Names */

const HALT = 100; // names between tables that are kept
const { blockSize: MOST } = new Bigram(1); // pairs of a name that are counted

/**
 * @typedef {object} Known
 * @property {number[][][]} halts counts after 0, 100, 200, ... names
 * @property {number[][]} last
 * @property {number} at how many names `last` has
 */
/** @type {WeakMap<string[], Known>} */
const known = new WeakMap();

/** @param {number[][]} counts */
const copied = (counts) => counts.map((row) => row.slice());

/**
 * The counts after the first so many names of the shuffled list.
 * @param {Names} names
 * @param {number} count
 */
export function countsAfter({ shuffled, tokenizer }, count) {
  const size = tokenizer.vocab_size;
  let all = known.get(shuffled);
  if (!all) {
    const none = new Bigram(size).counts;
    all = { halts: [none], last: none, at: 0 };
    known.set(shuffled, all);
  }
  const halt = Math.min(all.halts.length - 1, Math.floor(count / HALT));
  const isAhead = all.at <= count && all.at >= halt * HALT;
  const counts = copied(isAhead ? all.last : all.halts[halt]);
  const { uchars, bos } = tokenizer;
  const ids = new Map(uchars.map((char, id) => [char, id]));
  for (let i = isAhead ? all.at : halt * HALT; i < Math.min(count, shuffled.length); i++) {
    const name = shuffled[i];
    let [from, left] = [bos, MOST];
    for (const char of name) {
      if (!left--) break;
      const to = /** @type {number} */ (ids.get(char));
      counts[from][to]++;
      from = to;
    }
    if (left > 0) counts[from][bos]++;
    if ((i + 1) % HALT === 0) all.halts[(i + 1) / HALT] ??= copied(counts);
  }
  Object.assign(all, { last: counts, at: count });
  return copied(counts);
}
