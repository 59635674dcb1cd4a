// Gradient descent on the six numbers of a small net, until its surface is near a hidden one. The
// gradients are those of numbers/value.js. No DOM.

import { SURFACE_GOAL, surface } from "../../numbers/neuron.js";
import { Value } from "../../numbers/value.js";

/** @typedef {import("../../numbers/neuron.js").TwoLayer} TwoLayer */

export const RATE = 0.2;
const MOST_STEPS = 60;
const STILL = 1e-4; // of the loss: a step that gains no more is the last

/** @type {(keyof TwoLayer)[]} */
export const WEIGHTS = ["w1", "w2", "b1", "w3", "b2", "b3"];

/**
 * The loss, and how fast it changes with each of the six.
 * @param {TwoLayer} net
 * @param {number[][]} heights of the target
 * @param {number} x3
 */
export function lossGradient(net, heights, x3) {
  const [w1, w2, b1, w3, b2, b3] = WEIGHTS.map((key) => new Value(net[key]));
  const n = heights.length;
  const at = (/** @type {number} */ k) => -3 + (6 * k) / (n - 1);
  const h2 = w3.mul(x3).add(b2).relu();
  let loss = new Value(0);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) {
      const h1 = w1
        .mul(at(i))
        .add(w2.mul(at(j)))
        .add(b1)
        .relu();
      const a = h1.add(h2).add(b3).relu();
      loss = loss.add(a.sub(heights[j][i]).pow(2));
    }
  }
  loss = loss.div(n * n);
  loss.backward();
  return { loss: loss.data, grads: [w1, w2, b1, w3, b2, b3].map(({ grad }) => grad) };
}

/**
 * Step by step: the numbers and their loss, first those that it starts from. It ends below the
 * goal, or where steps no longer help.
 * @param {TwoLayer} from
 * @param {TwoLayer} target
 * @param {number} x3
 * @returns {Generator<{net: TwoLayer, loss: number}, void, void>}
 */
export function* descent(from, target, x3) {
  const heights = surface(target, x3);
  let net = from;
  let before = Infinity;
  for (let step = 0; step <= MOST_STEPS; step++) {
    const { loss, grads } = lossGradient(net, heights, x3);
    yield { net, loss };
    if (loss < SURFACE_GOAL || Math.abs(before - loss) < STILL * loss) return;
    before = loss;
    const entries = WEIGHTS.map((key, k) => [key, net[key] - RATE * grads[k]]);
    net = /** @type {TwoLayer} */ (Object.fromEntries(entries));
  }
}
