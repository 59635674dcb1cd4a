// What single parameters of the real run go through: at every step the gradient, Adam's two
// averages, and the step that comes of it. The gradients are the kernel's; the averages are
// computed here.

import { lrAt, shapes } from "../../config.js";
import { loadNames } from "../dataset.js";
import { runningAverage } from "../../numbers/optimizers.js";
import { pageKernel } from "./run-view.js";
import { TrainingRun } from "../../training-run.js";

export const TRACED = 200;

/**
 * Parameters to look at: what they are called, and where they are.
 * @type {Record<string, {title: string, matrix: string, row: string | number, column: number}>}
 */
export const PICKS = {
  query: { title: "attention, Wq[0][0]", matrix: "layer0.attn_wq", row: 0, column: 0 },
  a: { title: "embedding of a, wte[a][0]", matrix: "wte", row: "a", column: 0 },
  z: { title: "embedding of z, wte[z][0]", matrix: "wte", row: "z", column: 0 },
  logit: { title: "score of n, lm_head[n][0]", matrix: "lm_head", row: "n", column: 0 },
};

/**
 * @typedef {{grads: number[], data: number[], lrs: number[]}} Trace data: the parameter before each
 *   step, and after the last
 */

/**
 * Gradients of the picked parameters over the first steps of the default run.
 * @param {import("../../kernel.js").Kernel} kernel
 * @param {string[]} docs
 * @param {number} [steps]
 * @returns {Record<string, Trace>}
 */
export function traced(kernel, docs, steps = TRACED) {
  const run = new TrainingRun({ docs, samples: 0 }, kernel);
  try {
    const width = Object.fromEntries(shapes(run.config).map(([name, , into]) => [name, into]));
    const places = Object.entries(PICKS).map(([key, { matrix, row, column }]) => {
      const at = typeof row === "number" ? row : run.tokenizer.encode(row)[0];
      return /** @type {const} */ ([key, matrix, at * width[matrix] + column]);
    });
    /** @type {Record<string, Trace>} */
    const traces = Object.fromEntries(
      places.map(([key]) => [key, { grads: [], data: [], lrs: [] }]),
    );
    for (let step = 0; step <= steps; step++) {
      const { weights } = run.engine.state();
      for (const [key, matrix, at] of places) traces[key].data.push(weights[matrix][at]);
      if (step === steps) break;
      const doc = run.tokenizer
        .encodeDocument(run.docs[step % run.docs.length])
        .slice(0, run.config.block_size + 1);
      const { grads } = run.engine.grads([doc]);
      for (const [key, matrix, at] of places) {
        traces[key].grads.push(grads[matrix][at]);
        traces[key].lrs.push(lrAt(run.config, step));
      }
      for (const _ of run.advance(1)); // it yields what happened; nothing of it is needed
    }
    return traces;
  } finally {
    run.engine.close();
  }
}

/** @type {Promise<Record<string, Trace>> | null} */
let made = null;

/** The same, once for all widgets of a page. */
export function loadTraces() {
  made ??= Promise.all([pageKernel(), loadNames()]).then(([kernel, { docs }]) =>
    traced(kernel, docs),
  );
  made.catch(() => (made = null));
  return made;
}

/**
 * Adam's numbers at every step of a trace.
 * @param {Trace} trace
 * @param {{beta1: number, beta2: number, eps: number}} config
 */
export function adamSteps({ grads, data, lrs }, { beta1, beta2, eps }) {
  const m = runningAverage(grads, beta1);
  const v = runningAverage(
    grads.map((g) => g * g),
    beta2,
  );
  return grads.map((g, i) => {
    const [mHat, vHat] = [m.corrected[i], v.corrected[i]];
    const change = -(lrs[i] * mHat) / (Math.sqrt(vHat) + eps);
    return {
      t: i + 1,
      g,
      lr: lrs[i],
      before: data[i],
      mBefore: i ? m.raw[i - 1] : 0,
      vBefore: i ? v.raw[i - 1] : 0,
      m: m.raw[i],
      v: v.raw[i],
      mHat,
      vHat,
      change,
      after: data[i] + change,
      sgd: -lrs[i] * g,
    };
  });
}
