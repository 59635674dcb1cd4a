// Rung 1 in a page: its documents, its first weights and its run, as ladder/train1.py has them, and
// beside it the counts of rung 0 from the same documents. No DOM.

import { STEPS } from "../dataset.js";
import { Bigram } from "../../numbers/bigram.js";
import { Mlp } from "../../numbers/mlp.js";
import { Random } from "../../random.js";
import { Tokenizer } from "../../tokenizer.js";

export const HELD_OUT = 5000;
const AT_ONCE = 40; // steps between two breaths of the page

export class RungOne {
  /**
   * @param {string[]} docs in the order of their file
   * @param {{seed?: number, lr?: number}} [recipe]
   */
  constructor(docs, { seed = 42, lr = 1 } = {}) {
    /** @private */ this.rng = new Random(seed);
    this.lr = lr;
    this.docs = [...docs];
    this.rng.shuffle(this.docs);
    this.tokenizer = Tokenizer.of(docs);
    this.model = Mlp.begin(this.rng, this.tokenizer.vocab_size);
    /** Loss of each document before it was learned. @type {number[]} */ this.losses = [];
  }

  get step() {
    return this.losses.length;
  }

  /** Document of a step, with BOS at both ends. @param {number} step */
  tokens(step) {
    return this.tokenizer.encodeDocument(this.docs[step % this.docs.length]);
  }

  /** So many steps, none beyond the last. @param {number} count */
  advance(count) {
    const last = Math.min(STEPS, this.step + count);
    while (this.step < last) {
      this.losses.push(this.model.step(this.tokens(this.step), this.lr * (1 - this.step / STEPS)));
    }
  }

  /**
   * Up to a step, letting the page breathe.
   * @param {number} step
   * @param {() => boolean} [wanted] false stops it
   */
  async advanceTo(step, wanted = () => true) {
    while (this.step < Math.min(step, STEPS) && wanted()) {
      this.advance(Math.min(AT_ONCE, step - this.step));
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** The counts of rung 0 from the first documents. @param {number} documents */
  counts(documents) {
    const bigram = new Bigram(this.tokenizer.vocab_size);
    for (let i = 0; i < documents; i++) bigram.learn(this.tokens(i));
    return bigram;
  }

  /**
   * Mean loss a token over the first unused names: one look at each of the 27 letters is enough.
   */
  heldOut() {
    const logs = this.tokenizer.uchars
      .concat("")
      .map((_, token) => this.model.forward(token).probs.map((p) => -Math.log(p)));
    let [sum, count] = [0, 0];
    for (let i = STEPS; i < Math.min(STEPS + HELD_OUT, this.docs.length); i++) {
      const tokens = this.tokens(i);
      for (let t = 0; t < Math.min(this.model.blockSize, tokens.length - 1); t++) {
        sum += logs[tokens[t]][tokens[t + 1]];
        count++;
      }
    }
    return sum / count;
  }

  /** New names, from the run's own stream, which stays where it is. @param {number} count */
  samples(count) {
    const rng = Random.from(this.rng.state());
    return Array.from({ length: count }, () =>
      this.tokenizer.decode(this.model.sample(() => rng.random())),
    );
  }
}

/**
 * A name's positions under two models: what comes, how probable, how surprising.
 * @param {RungOne} run
 * @param {Bigram} bigram
 * @param {string} name
 */
export function compare(run, bigram, name) {
  const tokens = run.tokenizer.encodeDocument(name);
  const n = Math.min(run.model.blockSize, tokens.length - 1);
  const rows = Array.from({ length: n }, (_, t) => {
    const [token, next] = [tokens[t], tokens[t + 1]];
    return {
      token,
      next,
      counts: bigram.probs(token)[next],
      mlp: run.model.forward(token).probs[next],
    };
  });
  const mean = (/** @type {"counts" | "mlp"} */ key) =>
    rows.reduce((sum, row) => sum - Math.log(row[key]), 0) / n;
  return { rows, counts: mean("counts"), mlp: mean("mlp") };
}
