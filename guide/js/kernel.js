// The C kernel (src/microgpt/engines/native/kernel) in the browser: `kernel.wasm` with the verbs of
// an engine. Runs in pages, Workers and Node; has no DOM, no randomness, no clock.
//
//     const kernel = await loadKernel(new URL("./kernel.wasm", import.meta.url));
//     const engine = kernel.create({ config: { n_embd: 16 }, dtype: "float32" });
//     engine.load(weights);
//     const losses = engine.steps(batchesOf([[[26, 0, 13, 13, 26]]]), [0.01], 0);

import { makeConfig } from "./config.js";
import { Engine, exported, VERBS } from "./engine.js";
import { FileError } from "./errors.js";

export { batchesOf } from "./documents.js";
export { Engine } from "./engine.js";

/**
 * Compiles the kernel from its bytes, or from where they are.
 * @param {BufferSource | URL | string} source
 * @returns {Promise<Kernel>}
 */
export async function loadKernel(source) {
  const isAddress = typeof source === "string" || source instanceof URL;
  const bytes = isAddress ? await fetched(source) : source;
  let module;
  try {
    module = await WebAssembly.compile(bytes);
  } catch (error) {
    throw new FileError(
      `The kernel can't be compiled here (${/** @type {Error} */ (error).message}).`,
      "It needs WebAssembly with SIMD: Chrome 91, Firefox 89, Safari 16.4, Node 20, or newer.",
    );
  }
  return new Kernel(module);
}

/** @param {URL | string} source */
async function fetched(source) {
  const url = new URL(source, globalThis.location?.href);
  if (url.protocol === "file:") {
    const files = "node:fs/promises"; // a browser never gets here, and a bundler needn't look
    const { readFile } = await import(files);
    return readFile(url).catch((/** @type {Error} */ error) => {
      throw new FileError(`${url} can't be read: ${error.message}.`, "Run `make wasm`.");
    });
  }
  const response = await fetch(url);
  if (!response.ok) {
    throw new FileError(`${url} can't be fetched: ${response.status}.`, "Check the address.");
  }
  return response.arrayBuffer();
}

/** The compiled module; makes engines. */
export class Kernel {
  /** @param {WebAssembly.Module} module */
  constructor(module) {
    const there = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
    for (const dtype of /** @type {const} */ (["float32", "float64"])) {
      for (const verb of VERBS) {
        const name = exported(dtype, verb);
        if (!there.has(name)) {
          throw new FileError(
            `The kernel has no function ${name}: it belongs to another version of this module.`,
            "Take kernel.wasm and kernel.js from the same version.",
          );
        }
      }
    }
    /** @private */ this.module = module;
  }

  /**
   * A model of this shape, to be filled by `load`.
   * @param {object} [what]
   * @param {Partial<import("./config.js").Config>} [what.config]
   * @param {import("./engine.js").Dtype} [what.dtype]
   */
  create({ config = {}, dtype = "float32" } = {}) {
    return new Engine(this.module, makeConfig(config), dtype);
  }
}
