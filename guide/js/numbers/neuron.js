// Small nets of one to six weights, for the first chapters: neurons, a two-layer net and its
// surface, a 3→4→2 net, and gradient descent on one neuron.

import { Random } from "../random.js";
import { Value } from "./value.js";

/** @param {number} x */
export const relu = (x) => (x > 0 ? x : 0);

/**
 * What a neuron makes of its inputs: z is the weighted sum with the bias, a is ReLU(z).
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} ws
 * @param {number} [b]
 */
export function neuron(xs, ws, b = 0) {
  const products = Array.from(xs, (x, i) => x * ws[i]);
  const z = products.reduce((sum, p) => sum + p, 0) + b;
  return { products, z, a: relu(z) };
}

/**
 * ReLU(x·w + b) forward and backward.
 * @param {number} x
 * @param {number} w
 * @param {number} b
 */
export function neuronGradients(x, w, b) {
  const [vx, vw, vb] = [new Value(x), new Value(w), new Value(b)];
  const z = vx.mul(vw).add(vb);
  const a = z.relu();
  a.backward();
  return { z: z.data, a: a.data, dx: vx.grad, dw: vw.grad, db: vb.grad };
}

/** @typedef {{w1: number, w2: number, w3: number, b1: number, b2: number, b3: number}} TwoLayer */

/** @type {Readonly<TwoLayer>} */
export const TWO_LAYER = Object.freeze({ w1: 0.8, w2: -0.6, w3: 0.5, b1: 0.2, b2: 0, b3: 0 });

/**
 * h1 = ReLU(w1 x1 + w2 x2 + b1), h2 = ReLU(w3 x3 + b2), a = ReLU(h1 + h2 + b3).
 * @param {TwoLayer} p
 * @param {number} x1
 * @param {number} x2
 * @param {number} x3
 */
export function twoLayer({ w1, w2, w3, b1, b2, b3 }, x1, x2, x3) {
  const h1 = relu(w1 * x1 + w2 * x2 + b1);
  const h2 = relu(w3 * x3 + b2);
  return { h1, h2, a: relu(h1 + h2 + b3) };
}

/**
 * The net's answer on a grid of n × n points over [-3, 3]²: surface[j][i] is a(x1 = i, x2 = j).
 * @param {TwoLayer} p
 * @param {number} x3
 * @param {number} [n]
 */
export function surface(p, x3, n = 14) {
  const at = (/** @type {number} */ i) => -3 + (6 * i) / (n - 1);
  return Array.from({ length: n }, (_, j) =>
    Array.from({ length: n }, (_, i) => twoLayer(p, at(i), at(j), x3).a),
  );
}

/**
 * Mean squared distance of two surfaces at x3, on a 14 × 14 grid.
 * @param {TwoLayer} p
 * @param {TwoLayer} target
 * @param {number} x3
 */
export function surfaceLoss(p, target, x3) {
  const a = surface(p, x3).flat();
  const b = surface(target, x3).flat();
  return a.reduce((sum, ai, i) => sum + (ai - b[i]) ** 2, 0) / a.length;
}

/** The loss below which a hand-fitted surface counts as found. */
export const SURFACE_GOAL = 0.02;

/**
 * A hidden target: weights even in ±1.2, biases in ±0.6.
 * @param {number} seed
 * @returns {TwoLayer}
 */
export function surfaceTarget(seed) {
  const rng = new Random(seed);
  const even = (/** @type {number} */ most) => most * (2 * rng.random() - 1);
  return {
    w1: even(1.2),
    w2: even(1.2),
    w3: even(1.2),
    b1: even(0.6),
    b2: even(0.6),
    b3: even(0.6),
  };
}

/** @typedef {{w: number[][], b: number[]}[]} Layers rows, out × in */

/**
 * A fully connected net with even random weights in ±1 and biases in ±0.5.
 * @param {number} seed
 * @param {number[]} [sizes]
 * @returns {Layers}
 */
export function smallNet(seed, sizes = [3, 4, 2]) {
  const rng = new Random(seed);
  return sizes.slice(1).map((out, l) => ({
    w: Array.from({ length: out }, () =>
      Array.from({ length: sizes[l] }, () => 2 * rng.random() - 1),
    ),
    b: Array.from({ length: out }, () => rng.random() - 0.5),
  }));
}

/**
 * Numbers after each layer, ReLU on all but the last; the input first.
 * @param {Layers} layers
 * @param {number[]} x
 */
export function runNet(layers, x) {
  const all = [x];
  layers.forEach(({ w, b }, l) => {
    const last = l === layers.length - 1;
    x = w.map((row, i) => {
      const { z, a } = neuron(x, row, b[i]);
      return last ? z : a;
    });
    all.push(x);
  });
  return all;
}

/**
 * @typedef {{w: number, b: number, prediction: number, loss: number, dw: number, db: number}}
 *   Descent
 */

/**
 * Gradient descent on (w·x + b - y)²: where it stands before each step, and at the end.
 * @param {{x?: number, y?: number, w?: number, b?: number, lr?: number, steps?: number}} [start]
 * @returns {Descent[]} steps + 1 of them
 */
export function descend({ x = 3, y = 10, w = 2, b = 1, lr = 0.02, steps = 4 } = {}) {
  const states = [];
  for (let step = 0; step <= steps; step++) {
    const [vw, vb] = [new Value(w), new Value(b)];
    const prediction = vw.mul(x).add(vb);
    const loss = prediction.sub(y).pow(2);
    loss.backward();
    states.push({ w, b, prediction: prediction.data, loss: loss.data, dw: vw.grad, db: vb.grad });
    w -= lr * vw.grad;
    b -= lr * vb.grad;
  }
  return states;
}

/**
 * One step down the parabola p²/2: slope and next place.
 * @param {number} p
 * @param {number} lr
 */
export function parabolaStep(p, lr) {
  return { loss: (p * p) / 2, slope: p, next: p - lr * p };
}
