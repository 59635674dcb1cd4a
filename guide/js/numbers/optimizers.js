// How parameters are moved by gradients: SGD and Adam, number by number, and the running average
// that Adam is made of.

/** @typedef {{m: number[], v: number[]}} Moments */

/**
 * `data` [n] moves against `grads` [n], in place.
 * @param {{data: number, grad: number}[]} params
 * @param {number} lr
 */
export function sgd(params, lr) {
  for (const p of params) p.data -= lr * p.grad;
}

/**
 * One step of Adam, in place.
 * @param {{data: number, grad: number}[]} params
 * @param {Moments} moments
 * @param {number} lr
 * @param {number} t the step, counted from 1
 * @param {{beta1: number, beta2: number, eps: number}} config
 * @param {{correct?: boolean}} [how] `correct: false` leaves the correction of the bias out
 */
export function adam(params, { m, v }, lr, t, { beta1, beta2, eps }, { correct = true } = {}) {
  const c1 = correct ? 1 - beta1 ** t : 1;
  const c2 = correct ? 1 - beta2 ** t : 1;
  for (let i = 0; i < params.length; i++) {
    const g = params[i].grad;
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * (g * g);
    params[i].data -= (lr * (m[i] / c1)) / (Math.sqrt(v[i] / c2) + eps);
  }
}

/**
 * A running average of numbers, as it is (`raw`) and with its start at 0 made up for (`corrected`).
 * @param {ArrayLike<number>} numbers
 * @param {number} beta
 */
export function runningAverage(numbers, beta) {
  /** @type {number[]} */
  const raw = [];
  /** @type {number[]} */
  const corrected = [];
  let m = 0;
  for (let t = 0; t < numbers.length; t++) {
    m = beta * m + (1 - beta) * numbers[t];
    raw.push(m);
    corrected.push(m / (1 - beta ** (t + 1)));
  }
  return { raw, corrected };
}
