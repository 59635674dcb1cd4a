// The loss on names that a model hasn't seen, a part at a time so that the page stays awake. No
// DOM.

/** @typedef {{sum: number, count: number, names: number}} Measured nats, tokens, names so far */

/** About as many names as take a slow machine one frame or two. */
export const SLICE = 250;

/**
 * Yields after each part of the documents how far it has got; the mean is `sum / count`.
 * @param {Pick<import("../../engine.js").Engine, "logits">} engine
 * @param {{vocab_size: number, block_size: number}} config
 * @param {import("../../tokenizer.js").Tokenizer} tokenizer
 * @param {readonly string[]} docs
 * @param {number} [slice]
 * @returns {Generator<Measured>}
 */
export function* measuring(engine, config, tokenizer, docs, slice = SLICE) {
  const V = config.vocab_size;
  let [sum, count] = [0, 0];
  for (let at = 0; at < docs.length; at += slice) {
    const ids = docs
      .slice(at, at + slice)
      .map((doc) => tokenizer.encodeDocument(doc).slice(0, config.block_size + 1));
    const all = engine.logits(ids.map((doc) => doc.slice(0, -1)));
    ids.forEach((doc, d) => {
      for (let t = 0; t + 1 < doc.length; t++) {
        sum += surprise(all[d], t * V, V, doc[t + 1]);
        count++;
      }
    });
    yield { sum, count, names: at + ids.length };
  }
}

/**
 * −ln of the probability of `token` by the logits from `at` on.
 * @param {ArrayLike<number>} logits
 * @param {number} at
 * @param {number} V
 * @param {number} token
 */
function surprise(logits, at, V, token) {
  let highest = -Infinity;
  for (let i = at; i < at + V; i++) highest = Math.max(highest, logits[i]);
  let total = 0;
  for (let i = at; i < at + V; i++) total += Math.exp(logits[i] - highest);
  return Math.log(total) + highest - logits[at + token];
}
