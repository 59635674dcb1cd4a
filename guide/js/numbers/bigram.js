// Rung 0: counts of which token came after which, as ladder/train0.py.

import { choice } from "../random.js";

/** @typedef {ArrayLike<number>} Tokens a document with BOS at both ends */

export class Bigram {
  /**
   * @param {number} vocabSize BOS, the last token, included
   * @param {number} [blockSize] positions of a document that are counted
   * @param {number} [added] to each count, so that nothing is impossible
   */
  constructor(vocabSize, blockSize = 16, added = 1) {
    this.vocabSize = vocabSize;
    this.blockSize = blockSize;
    this.added = added;
    /** counts[a][b] is how often b came after a */
    this.counts = Array.from({ length: vocabSize }, () => Array(vocabSize).fill(0));
  }

  /**
   * The pairs of a document, in their order.
   * @param {Tokens} tokens
   * @returns {[number, number][]}
   */
  pairs(tokens) {
    const n = Math.min(this.blockSize, tokens.length - 1);
    return Array.from({ length: n }, (_, t) => [tokens[t], tokens[t + 1]]);
  }

  /** @param {Tokens} tokens */
  learn(tokens) {
    for (const [a, b] of this.pairs(tokens)) this.counts[a][b]++;
  }

  /** Probabilities [V] of what follows a token. @param {number} token */
  probs(token) {
    const row = this.counts[token];
    const all = row.reduce((sum, count) => sum + count, 0) + this.added * this.vocabSize;
    return row.map((count) => (count + this.added) / all);
  }

  /**
   * Probability and loss of every next token of a document.
   * @param {Tokens} tokens
   */
  walk(tokens) {
    return this.pairs(tokens).map(([token, next]) => {
      const p = this.probs(token)[next];
      return { token, next, p, loss: -Math.log(p) };
    });
  }

  /** Mean loss over a document's positions. @param {Tokens} tokens */
  loss(tokens) {
    return meanLoss([tokens], (doc) => this.walk(doc).map(({ loss }) => loss));
  }

  /**
   * Trains on the first `steps` documents, one a step; returns each one's loss before it is
   * counted.
   * @param {Tokens[]} docs
   * @param {number} steps
   */
  train(docs, steps) {
    return Array.from({ length: steps }, (_, step) => {
      const doc = docs[step % docs.length];
      const loss = this.loss(doc);
      this.learn(doc);
      return loss;
    });
  }

  /**
   * A new document without BOS; at each token `draw` gives a number in [0, 1).
   * @param {() => number} draw
   * @param {number} [temperature]
   */
  sample(draw, temperature = 0.5) {
    const bos = this.vocabSize - 1;
    const tokens = [];
    let token = bos;
    while (tokens.length < this.blockSize) {
      token = choice(
        this.probs(token).map((p) => p ** (1 / temperature)),
        draw(),
      );
      if (token === bos) break;
      tokens.push(token);
    }
    return tokens;
  }
}

/**
 * Mean loss a token over documents.
 * @param {Tokens[]} docs
 * @param {(doc: Tokens) => number[]} lossesOf
 */
export function meanLoss(docs, lossesOf) {
  let sum = 0;
  let count = 0;
  for (const doc of docs) {
    for (const loss of lossesOf(doc)) {
      sum += loss;
      count++;
    }
  }
  return sum / count;
}
