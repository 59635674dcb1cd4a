// The model number by number, with the verbs of the kernel's `Engine` (../engine.js): slow,
// float64, and open to being broken on purpose. Held to conformance/vectors/gradients.json and
// steps.json.

import { shapes } from "../config.js";
import { InputError, shown } from "../errors.js";
import { sampleByLogits } from "../sampling.js";
import { asRows, floats, values } from "./arithmetic.js";
import { BREAKS, documentLoss, emptyCache, gpt, trace } from "./forward.js";
import { adam, sgd } from "./optimizers.js";
import { Value } from "./value.js";

/** @typedef {import("../config.js").Config} Config */
/** @typedef {import("../engine.js").Batches} Batches */
/** @typedef {import("../engine.js").Weights} Weights */

export class ScalarEngine {
  /**
   * @param {Readonly<Config>} config
   * @param {Iterable<string>} [breaks] keys of BREAKS
   */
  constructor(config, breaks = []) {
    this.config = config;
    this.dtype = /** @type {const} */ ("float64");
    this.broken = new Set(breaks);
    for (const name of this.broken) {
      if (!Object.hasOwn(BREAKS, name)) {
        const known = Object.keys(BREAKS).join(", ");
        throw new InputError(`${shown(name)} can't be broken.`, `Known are ${known}.`);
      }
    }
    this.step = 0;
    /** @type {Record<string, Value[][]>} */ this.weights = {};
    /** @type {Value[]} */ this.params = [];
    /** @type {import("./optimizers.js").Moments} */ this.moments = { m: [], v: [] };
  }

  /**
   * Takes a model in, copied; without `optim` the optimiser starts at zero.
   * @param {Weights} weights
   * @param {{m?: Weights | null, v?: Weights | null, step: number} | null} [optim]
   */
  load(weights, optim = null) {
    const table = shapes(this.config);
    const rows = asRows(weights, table);
    this.weights = {};
    for (const [name] of table) {
      this.weights[name] = rows[name].map((row) => row.map((x) => new Value(x)));
    }
    this.params = table.flatMap(([name]) => this.weights[name].flat());
    const flat = (/** @type {Weights | null | undefined} */ arrays) =>
      arrays ? Object.values(asRows(arrays, table)).flat(2) : this.params.map(() => 0);
    this.moments = { m: flat(optim?.m), v: flat(optim?.v) };
    this.step = optim?.step ?? 0;
  }

  /** Weights and optimiser, copied; flat, by name. */
  state() {
    const isAdam = this.config.optimizer === "adam";
    return {
      weights: this.#named(this.params.map((p) => p.data)),
      optim: {
        m: isAdam ? this.#named(this.moments.m) : null,
        v: isAdam ? this.#named(this.moments.v) : null,
        step: this.step,
      },
    };
  }

  /**
   * Mean loss over all positions of the documents, and its gradients by name.
   * @param {ArrayLike<number>[]} docs
   */
  grads(docs) {
    const positions = docs.reduce((sum, doc) => sum + doc.length - 1, 0);
    const loss = this.#backward(docs, positions);
    return { loss, grads: this.#named(this.params.map((p) => p.grad)) };
  }

  /**
   * Trains `lrs.length` steps; returns each batch's loss before its update, NaN once it diverged.
   * @param {Batches} batches
   * @param {ArrayLike<number>} lrs
   * @param {number} firstStep counted from 0
   */
  steps({ tokens, offsets, documents, positions }, lrs, firstStep) {
    const losses = new Float64Array(lrs.length).fill(NaN);
    let first = 0;
    for (let i = 0; i < lrs.length; i++) {
      const docs = Array.from({ length: documents[i] }, (_, d) =>
        Array.from(
          { length: offsets[first + d + 1] - offsets[first + d] },
          (_, t) => tokens[offsets[first + d] + t],
        ),
      );
      first += docs.length;
      try {
        losses[i] = this.#backward(docs, positions[i]);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        return losses; // log(0) or an overflow: it has diverged
      }
      this.#update(lrs[i], firstStep + i + 1);
      this.step = firstStep + i + 1;
    }
    return losses;
  }

  /**
   * Scores after each of the tokens of each list: a flat [n × V] each.
   * @param {ArrayLike<number>[]} tokenLists
   */
  logits(tokenLists) {
    const plain = this.#plain();
    return tokenLists.map((tokens) => {
      /** @type {import("./forward.js").Cache<number>} */
      const cache = emptyCache(this.config);
      const rows = Array.from(tokens, (token, t) =>
        gpt(floats, this.config, plain, token, t, cache, undefined, this.broken),
      );
      return Float64Array.from(rows.flat());
    });
  }

  /**
   * All intermediates by the names of conformance/trace.json.
   * @param {ArrayLike<number>} tokens
   */
  trace(tokens) {
    return trace(this.config, this.#plain(), tokens, this.broken);
  }

  /**
   * @param {ArrayLike<number>[]} prefixes
   * @param {import("../sampling.js").SampleOptions} options
   */
  sample(prefixes, options) {
    return sampleByLogits(this, prefixes, options);
  }

  close() {
    this.weights = {};
    this.params = [];
  }

  /**
   * Sets every parameter's gradient; returns the documents' part of the batch's loss. One graph for
   * each document, so that memory holds one only.
   * @param {ArrayLike<number>[]} docs
   * @param {number} positions
   */
  #backward(docs, positions) {
    const accumulate = !this.broken.has("accumulate");
    for (const p of this.params) p.grad = 0;
    let sum = 0;
    for (const doc of docs) {
      const { loss } = documentLoss(values, this.config, this.weights, doc, this.broken);
      const part = loss.mul(1 / positions);
      part.backward({ accumulate });
      sum += part.data;
    }
    return sum;
  }

  /**
   * @param {number} lr
   * @param {number} t
   */
  #update(lr, t) {
    const correct = !this.broken.has("bias_correction");
    if (this.config.optimizer === "sgd") sgd(this.params, lr);
    else adam(this.params, this.moments, lr, t, this.config, { correct });
  }

  #plain() {
    return Object.fromEntries(
      Object.entries(this.weights).map(([name, rows]) => [
        name,
        rows.map((row) => row.map((p) => p.data)),
      ]),
    );
  }

  /** @param {ArrayLike<number>} flat */
  #named(flat) {
    /** @type {Record<string, Float64Array>} */
    const arrays = {};
    let at = 0;
    for (const [name, out, into] of shapes(this.config)) {
      arrays[name] = Float64Array.from({ length: out * into }, () => flat[at++]);
    }
    return arrays;
  }
}
