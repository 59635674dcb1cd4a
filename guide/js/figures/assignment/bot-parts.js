// What the bot's figure fetches, and how it writes probabilities. No DOM.

import { FileError } from "../../errors.js";
import { loadKernel } from "../../kernel.js";
import { loadModel } from "../trained/temperature.js";
import { fetched } from "../fetched.js";
import { plainLogits } from "./bot.js";

/**
 * @typedef {{engine: import("./leak.js").LeakEngine, model: import("../../model.js").Model,
 *   policy: import("./bot.js").Policy, plain: boolean}} Parts
 */

/** @type {Promise<Parts> | null} */
let loading = null;

/** Model, kernel and policy: fetched once, again after a failure. */
export function loadParts() {
  loading ??= (async () => {
    const compiled = loadKernel(new URL("../../kernel.wasm", import.meta.url)).catch((error) => {
      if (!(error instanceof FileError)) throw error;
      return null; // without WebAssembly, plain numbers do the work
    });
    const answer = await fetched(new URL("../../../files/fruits.json", import.meta.url));
    const [model, kernel, policy] = await Promise.all([loadModel(), compiled, answer.json()]);
    if (!kernel) return { engine: plainLogits(model), model, policy, plain: true };
    const engine = kernel.create({ config: model.config, dtype: "float64" });
    engine.load(model.weights);
    return { engine, model, policy, plain: false };
  })();
  loading.catch(() => (loading = null));
  return loading;
}

/** How hard to look, by how fast the engine is. @param {boolean} plain */
export const effortOf = (plain) =>
  plain ? { nodes: 300, samples: 600 } : { nodes: 2000, samples: 10_000 };

/** A probability in per cent, with three digits that count. @param {number} p */
export const percent = (p) =>
  `${p === 0 ? 0 : p > 0.9995 ? 100 : Number((100 * p).toPrecision(3))} %`;

/**
 * An interval in per cent, with the digits in which its ends differ.
 * @param {number} low
 * @param {number} high
 */
export function interval(low, high) {
  const width = Math.max(1e-11, high - low);
  const digits = Math.min(
    7,
    Math.max(0, -Math.floor(Math.log10(100 * width)) + Number(low < width)),
  );
  return `${(100 * low).toFixed(digits)} % to ${(100 * high).toFixed(digits)} %`;
}

/**
 * Where a leak lies on a logarithmic scale from one in a million to 1: 0 to 1.
 * @param {number} p
 */
export const placeOf = (p) => Math.max(0, Math.min(1, 1 + Math.log10(Math.max(p, 1e-6)) / 6));
