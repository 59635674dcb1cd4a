// The gradient check of rung 1, a few parameters at a time, with ways to break the chain rule. No
// DOM.

import { Mlp } from "../../numbers/mlp.js";

/** Largest difference that passes. */
export const LIMIT = 1e-6;
const AT_ONCE = 120;

/** The chain rule without ReLU's gate on the way back. */
class Ungated extends Mlp {
  /** @param {number} token */
  forward(token) {
    const all = super.forward(token);
    return { ...all, pre: all.pre.map(() => 1) };
  }
}

/**
 * @type {Record<string, {title: string, said: string,
 *   of: (model: Mlp, tokens: ArrayLike<number>) => number[]}>}
 */
export const BREAKS = Object.freeze({
  none: {
    title: "correct",
    said: "correct",
    of: (model, tokens) => model.analyticGradient(tokens),
  },
  gate: {
    title: "broken: no gate at ReLU",
    said: "without ReLU's gate",
    of: (model, tokens) => new Ungated(model.weights, model.blockSize).analyticGradient(tokens),
  },
  mean: {
    title: "broken: not divided by the positions",
    said: "not divided by the number of positions",
    of: (model, tokens) => {
      const n = Math.min(model.blockSize, tokens.length - 1);
      return model.analyticGradient(tokens).map((g) => g * n);
    },
  },
});

/** Name of every parameter, in the order of the gradients. @param {Mlp} model */
export function parameterNames(model) {
  return Object.entries(model.weights).flatMap(([name, rows]) =>
    rows.flatMap((row, r) => row.map((_, c) => `${name}[${r}][${c}]`)),
  );
}

/**
 * Both gradients for every `stride`-th parameter; null when nobody wants them any more.
 * @param {Mlp} model
 * @param {ArrayLike<number>} tokens
 * @param {{stride?: number, nudge?: number, broken?: string}} how
 * @param {() => boolean} [wanted]
 */
export async function checkOf(
  model,
  tokens,
  { stride = 17, nudge = 1e-5, broken = "none" } = {},
  wanted = () => true,
) {
  const grads = BREAKS[broken].of(model, tokens);
  const names = parameterNames(model);
  const points = [];
  for (let index = 0; index < grads.length; index += stride) {
    points.push({
      name: names[index],
      analytic: grads[index],
      numerical: model.numericalGradient(tokens, index, nudge),
    });
    if (points.length % AT_ONCE) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (!wanted()) return null;
  }
  return { points, worst: Math.max(...points.map((p) => Math.abs(p.numerical - p.analytic))) };
}

/** A small number as 4.6·10⁻¹¹. @param {number} x */
export function power(x) {
  if (x === 0 || !Number.isFinite(x)) return String(x);
  const [digits, exponent] = x.toExponential(1).split("e");
  const raised = String(Number(exponent))
    .replace("-", "⁻")
    .replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(d)]);
  return digits === "1.0" ? `10${raised}` : `${digits}·10${raised}`;
}
