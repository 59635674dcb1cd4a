// Rungs 1 and 2: a small net that sees one token (wte, fc1, ReLU, fc2), with its gradient in three
// ways: by nudging, by the chain rule written out, and by Values. As ladder/train1.py and
// train2.py.

import { choice, Random } from "../random.js";
import { floats, linear, softmax, total, values } from "./arithmetic.js";
import { Value } from "./value.js";

/** @typedef {ArrayLike<number>} Tokens a document with BOS at both ends */
/** @typedef {{wte: number[][], fc1: number[][], fc2: number[][]}} MlpWeights rows, out × in */

const NAMES = /** @type {const} */ (["wte", "fc1", "fc2"]);

export class Mlp {
  /**
   * @param {MlpWeights} weights
   * @param {number} [blockSize]
   */
  constructor(weights, blockSize = 16) {
    this.weights = weights;
    this.blockSize = blockSize;
    /**
     * Row and place of every parameter, in the order of the gradients.
     * @type {[number[], number][]}
     */
    this.params = NAMES.flatMap((name) =>
      weights[name].flatMap((row) =>
        row.map((_, j) => /** @type {[number[], number]} */ ([row, j])),
      ),
    );
  }

  /**
   * First weights, drawn as the ladder draws them.
   * @param {Random} rng
   * @param {number} vocabSize
   * @param {number} [width] n_embd; the hidden layer has four times as many numbers
   * @param {number} [std]
   */
  static begin(rng, vocabSize, width = 16, std = 0.08) {
    const matrix = (/** @type {number} */ out, /** @type {number} */ into) =>
      Array.from({ length: out }, () => Array.from({ length: into }, () => rng.gauss(0, std)));
    const wte = matrix(vocabSize, width);
    const fc1 = matrix(4 * width, width);
    return new Mlp({ wte, fc1, fc2: matrix(vocabSize, 4 * width) });
  }

  /**
   * Every number on a token's way through.
   * @param {number} token
   */
  forward(token) {
    const x = this.weights.wte[token];
    const pre = linear(floats, x, this.weights.fc1);
    const hidden = pre.map(floats.relu);
    const logits = linear(floats, hidden, this.weights.fc2);
    return { x, pre, hidden, logits, probs: softmax(floats, logits) };
  }

  /** Loss of every position of a document. @param {Tokens} tokens */
  losses(tokens) {
    const n = Math.min(this.blockSize, tokens.length - 1);
    return Array.from(
      { length: n },
      (_, t) => -Math.log(this.forward(tokens[t]).probs[tokens[t + 1]]),
    );
  }

  /** Mean loss over a document's positions. @param {Tokens} tokens */
  loss(tokens) {
    const losses = this.losses(tokens);
    return total(floats, losses) / losses.length;
  }

  /**
   * The slope of the loss by one parameter, from its value a little above and below.
   * @param {Tokens} tokens
   * @param {number} index into `params`
   * @param {number} [nudge]
   */
  numericalGradient(tokens, index, nudge = 1e-5) {
    const [row, j] = this.params[index];
    const saved = row[j];
    row[j] = saved + nudge;
    const above = this.loss(tokens);
    row[j] = saved - nudge;
    const below = this.loss(tokens);
    row[j] = saved;
    return (above - below) / (2 * nudge);
  }

  /**
   * All slopes by the chain rule, in the order of `params`.
   * @param {Tokens} tokens
   * @returns {number[]}
   */
  analyticGradient(tokens) {
    const { wte, fc1, fc2 } = this.weights;
    const zeros = (/** @type {number[][]} */ rows) => rows.map((row) => row.map(() => 0));
    const grads = { wte: zeros(wte), fc1: zeros(fc1), fc2: zeros(fc2) };
    const n = Math.min(this.blockSize, tokens.length - 1);
    for (let t = 0; t < n; t++) {
      const { x, pre, hidden, probs } = this.forward(tokens[t]);
      const dHidden = hidden.map(() => 0);
      probs.forEach((p, i) => {
        const d = (p - (i === tokens[t + 1] ? 1 : 0)) / n; // loss and softmax in one
        for (let j = 0; j < hidden.length; j++) {
          grads.fc2[i][j] += d * hidden[j];
          dHidden[j] += d * fc2[i][j];
        }
      });
      pre.forEach((before, i) => {
        const d = before > 0 ? dHidden[i] : 0;
        for (let j = 0; j < x.length; j++) {
          grads.fc1[i][j] += d * x[j];
          grads.wte[tokens[t]][j] += d * fc1[i][j];
        }
      });
    }
    return NAMES.flatMap((name) => grads[name].flat());
  }

  /**
   * The same slopes and the loss by Values.
   * @param {Tokens} tokens
   */
  valueGradient(tokens) {
    const lifted = NAMES.map((name) =>
      this.weights[name].map((row) => row.map((x) => new Value(x))),
    );
    const [wte, fc1, fc2] = lifted;
    const n = Math.min(this.blockSize, tokens.length - 1);
    const losses = Array.from({ length: n }, (_, t) => {
      const hidden = linear(values, wte[tokens[t]], fc1).map((h) => h.relu());
      return softmax(values, linear(values, hidden, fc2))
        [tokens[t + 1]].log()
        .neg();
    });
    const loss = total(values, losses).div(n);
    loss.backward();
    return { loss: loss.data, grads: lifted.flat(2).map((p) => p.grad) };
  }

  /**
   * Both gradients side by side, for every `stride`-th parameter.
   * @param {Tokens} tokens
   * @param {number} [stride]
   * @param {number} [nudge]
   */
  check(tokens, stride = 17, nudge = 1e-5) {
    const grads = this.analyticGradient(tokens);
    const points = [];
    for (let index = 0; index < grads.length; index += stride) {
      const numerical = this.numericalGradient(tokens, index, nudge);
      points.push({ index, numerical, analytic: grads[index] });
    }
    const worst = Math.max(...points.map((p) => Math.abs(p.numerical - p.analytic)));
    return { points, worst };
  }

  /**
   * One step of SGD on one document; returns its loss before.
   * @param {Tokens} tokens
   * @param {number} lr
   */
  step(tokens, lr) {
    const loss = this.loss(tokens);
    const grads = this.analyticGradient(tokens);
    this.params.forEach(([row, j], i) => {
      row[j] -= lr * grads[i];
    });
    return loss;
  }

  /**
   * Steps `first` to `last` - 1 of a run of `steps`, one document each, lr falling to 0 in a line.
   * @param {Tokens[]} docs
   * @param {number} first
   * @param {number} last
   * @param {{lr?: number, steps?: number}} [recipe]
   */
  train(docs, first, last, { lr = 1, steps = 1000 } = {}) {
    return Array.from({ length: last - first }, (_, i) =>
      this.step(docs[(first + i) % docs.length], lr * (1 - (first + i) / steps)),
    );
  }

  /**
   * A new document without BOS; `draw` gives numbers in [0, 1).
   * @param {() => number} draw
   * @param {number} [temperature]
   */
  sample(draw, temperature = 0.5) {
    const bos = this.weights.wte.length - 1;
    const tokens = [];
    let token = bos;
    while (tokens.length < this.blockSize) {
      const logits = this.forward(token).logits.map((x) => x / temperature);
      token = choice(softmax(floats, logits), draw());
      if (token === bos) break;
      tokens.push(token);
    }
    return tokens;
  }
}
