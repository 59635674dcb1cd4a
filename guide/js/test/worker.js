// A Worker that loads the kernel from its address and says what it answers; chromium.html asks.

import { loadKernel } from "../kernel.js";

const kernel = await loadKernel(new URL("../kernel.wasm", import.meta.url));

self.onmessage = ({ data: { config, dtype, weights, docs } }) => {
  const engine = kernel.create({ config, dtype });
  engine.load(weights);
  self.postMessage(engine.grads(docs).loss);
};
self.postMessage("ready");
