// What bench/wasm.py measures, in Node or in a page: one fresh process, one number type.

import { lrAt, makeConfig } from "../guide/js/config.js";
import { loadKernel } from "../guide/js/kernel.js";
import { Random } from "../guide/js/random.js";
import { batches, begin } from "../guide/js/training.js";

const STEPS = 1000;
const WARM = 40;
const SAMPLES = 20_000;

/**
 * Milliseconds of loading, of the first and of warm calls that train 1,000 steps of the real model;
 * how far its losses are off; tokens sampled a second.
 * @param {Uint8Array | ArrayBuffer} bytes kernel.wasm
 * @param {string} names data/names.txt
 * @param {number[]} expected the losses of the scalar engine
 * @param {"float32" | "float64"} dtype
 */
export async function timing(bytes, names, expected, dtype) {
  const config = makeConfig();
  const start = begin(config, names.trim().split("\n"));
  const docs = start.docs.slice(0, STEPS).map((doc) => start.tokenizer.encodeDocument(doc));
  const batch = batches(docs, config, 0, STEPS);
  const lrs = Array.from({ length: STEPS }, (_, step) => lrAt(config, step));
  const uniforms = new Random(42).uniforms(SAMPLES * config.block_size);

  const began = performance.now();
  const kernel = await loadKernel(bytes);
  const engine = kernel.create({ config, dtype });
  const loading = performance.now() - began;
  const calls = [];
  let worst = 0;
  for (let i = 0; i <= WARM; i++) {
    engine.load(start.weights);
    const before = performance.now();
    const losses = engine.steps(batch, lrs, 0);
    calls.push(performance.now() - before);
    losses.forEach((loss, step) => (worst = Math.max(worst, Math.abs(loss - expected[step]))));
  }
  const rates = [];
  for (let i = 0; i < 5; i++) {
    const before = performance.now();
    const { tokens } = engine.sample(Array(SAMPLES).fill([]), {
      temperature: 0.5,
      order: "rows",
      uniforms,
    });
    const drawn = tokens.reduce((sum, t) => sum + Math.min(t.length + 1, config.block_size), 0);
    rates.push((drawn / (performance.now() - before)) * 1000);
  }
  const warm = calls.slice(5).sort((a, b) => a - b);
  return {
    loading,
    first: calls[0],
    second: calls[1],
    warm: warm[0],
    median: warm[warm.length >> 1],
    tokens: Math.max(...rates),
    worst,
  };
}
