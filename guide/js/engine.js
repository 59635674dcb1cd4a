// One model on the compiled kernel: arrays on their way in and out, and the checks that need their
// lengths. What is computed is told in src/microgpt/engines/native/kernel/kernel.c.
//
// Every engine has an instance of the module, and so a memory, of its own: `close` gives all of it
// back. It holds, from the bottom: the C stack, constants, the model's arena, and room for the
// arguments of a call, which grows when a call needs more.

import { parameters, shapes } from "./config.js";
import { batchesOf, checkedDocuments, isCount } from "./documents.js";
import { InputError, shown } from "./errors.js";
import { checkedWeights } from "./position-weights.js";
import { checkedOptions, nothingToDraw } from "./sampling.js";

/** @typedef {import("./config.js").Config} Config */
/** @typedef {"float32" | "float64"} Dtype */
/** @typedef {Float32Array | Float64Array} Reals */
/** @typedef {ArrayLike<number>} Numbers */
/** @typedef {Float32ArrayConstructor | Float64ArrayConstructor} RealArray */
/** @typedef {RealArray | Int32ArrayConstructor | Uint8ArrayConstructor} ArrayType */
/** @typedef {Record<string, Reals>} Arrays flat matrices [out × in] by state-dict name */
/** @typedef {Record<string, Numbers | ArrayLike<Numbers>>} Weights flat, or as rows */
/** @typedef {{m: Arrays | null, v: Arrays | null, step: number}} Optim */
/** @typedef {import("./documents.js").Batches} Batches */

const LEVEL = "simd128";
const WEIGHTS = 0,
  MEANS = 1,
  SQUARES = 2; // enum Vector in interface.h
const BAD_GUARD = 6; // enum Refusal
const PAGE = 65536;

/** What an engine calls in the module. */
export const VERBS = ["size", "init", "set", "get", "steps", "grads", "logits", "sample"];

/**
 * The name under which the module exports a verb.
 * @param {Dtype} dtype
 * @param {string} verb
 */
export function exported(dtype, verb) {
  return `mg_${dtype === "float32" ? "f32" : "f64"}_${LEVEL}_${verb}`;
}

/** One model and its optimiser. Throws `InputError` and `TokenError` before any work is done. */
export class Engine {
  /**
   * @param {WebAssembly.Module} module
   * @param {Config} config
   * @param {Dtype} dtype
   */
  constructor(module, config, dtype) {
    if (dtype !== "float32" && dtype !== "float64") {
      throw new InputError(`dtype is ${shown(dtype)}, must be one of float32, float64.`);
    }
    this.config = config;
    this.dtype = dtype;
    this.step = 0;
    /** @private */ this.Reals = dtype === "float32" ? Float32Array : Float64Array;
    /** @private */ this.loaded = false;
    const { exports } = new WebAssembly.Instance(module);
    /** @private @type {Record<string, Function>} */
    this.call = Object.fromEntries(
      VERBS.map((verb) => [verb, /** @type {Function} */ (exports[exported(dtype, verb)])]),
    );
    /** @private @type {WebAssembly.Memory | null} */
    this.memory = /** @type {WebAssembly.Memory} */ (exports.memory);
    const base = /** @type {WebAssembly.Global} */ (exports.__heap_base).value;
    /** @private where the arguments of a call begin */
    this.free = Math.ceil(base / 64) * 64;
    /** @private @type {number[][]} from where to where each of them went, the last time */
    this.lent = [];
    const described = this.#describe();
    const size = this.call.size(described);
    if (!(size > 0)) throw tooLarge(config, "");
    const arena = Math.ceil((described + 64) / 64) * 64;
    this.#reach(arena + size);
    /** @private */ this.model = this.call.init(arena, described);
    this.free = Math.ceil((arena + size) / 64) * 64;
  }

  /**
   * Takes a model in, copied; without `optim` the optimiser starts at zero.
   * @param {Weights} weights
   * @param {{m?: Weights | null, v?: Weights | null, step: number} | null} [optim]
   */
  load(weights, optim = null) {
    const vectors = [this.#flat(weights, "")];
    if (optim?.m && optim.v) {
      vectors.push(this.#flat(optim.m, "m of "), this.#flat(optim.v, "v of "));
    }
    const step = optim?.step ?? 0;
    if (!Number.isInteger(step) || step < 0) {
      throw new InputError(`step is ${shown(step)}, must be a whole number from 0.`);
    }
    const zeros = new this.Reals(vectors[0].length);
    for (const which of [WEIGHTS, MEANS, SQUARES]) {
      const [room] = this.#room([this.Reals, zeros.length]);
      room.set(vectors[which] ?? zeros);
      this.call.set(this.model, which, room.byteOffset);
    }
    this.step = step;
    this.loaded = true;
  }

  /**
   * Weights and optimiser, copied.
   * @returns {{weights: Arrays, optim: Optim}}
   */
  state() {
    const adam = this.config.optimizer === "adam";
    const get = (/** @type {number} */ which) => {
      const [room] = this.#room([this.Reals, parameters(this.config)]);
      this.call.get(this.model, which, room.byteOffset);
      return this.#named(room);
    };
    return {
      weights: get(WEIGHTS),
      optim: { m: adam ? get(MEANS) : null, v: adam ? get(SQUARES) : null, step: this.step },
    };
  }

  /**
   * Trains `lrs.length` steps; returns the loss of each batch before its update.
   * @param {Batches} batches
   * @param {Numbers} lrs
   * @param {number} firstStep counted from 0
   * @returns {Float64Array}
   */
  steps(batches, lrs, firstStep) {
    const n = lrs.length;
    const { documents, positions } = batches;
    const there = Math.min(documents.length, positions.length);
    if (there < n) throw new InputError(`There are ${n} steps, but batches for ${there}.`);
    let count = 0;
    for (let i = 0; i < n; i++) {
      if (!isCount(documents[i], 0) || !isCount(positions[i], 1)) {
        throw new InputError(
          `Step ${i} has ${shown(documents[i])} documents and ${shown(positions[i])} positions, ` +
            "must have at least 0 and 1.",
        );
      }
      if (!Number.isFinite(lrs[i])) {
        throw new InputError(`lr ${i} is ${shown(lrs[i])}, must be a finite number.`);
      }
      count += documents[i];
    }
    if (!Number.isInteger(firstStep) || firstStep < 0) {
      throw new InputError(`firstStep is ${shown(firstStep)}, must be a whole number from 0.`);
    }
    const most = this.config.block_size + 1;
    const length = this.#checked(batches.tokens, batches.offsets, count, 1, most);
    const given = checkedWeights(batches.weights, batches.offsets, count);
    const [losses, rates, offsets, counts, divisors, tokens, weights] = this.#room(
      [Float64Array, n],
      [Float64Array, n],
      [Int32Array, 2 * (count + 1)],
      [Int32Array, 2 * n],
      [Int32Array, 2 * n],
      [Int32Array, length],
      [Float64Array, given.length],
    );
    weights.set(given);
    rates.set(lrs);
    int64s(offsets, batches.offsets);
    int64s(counts, documents);
    int64s(divisors, positions);
    copy(tokens, batches.tokens);
    this.#did(
      this.call.steps(
        this.model,
        tokens.byteOffset,
        offsets.byteOffset,
        counts.byteOffset,
        divisors.byteOffset,
        batches.weights ? weights.byteOffset : 0,
        n,
        rates.byteOffset,
        firstStep,
        losses.byteOffset,
      ),
    );
    this.step = firstStep + n;
    return losses.slice();
  }

  /**
   * Mean loss over all positions of the documents, and its gradients by name.
   * @param {Numbers[]} docs
   * @param {Numbers | null} [given] weights of the positions, flat, as in `Batches`
   * @returns {{loss: number, grads: Arrays}}
   */
  grads(docs, given = null) {
    const batch = batchesOf([docs]);
    const most = this.config.block_size + 1;
    const length = this.#checked(batch.tokens, batch.offsets, docs.length, 1, most);
    if (!(batch.positions[0] >= 1)) throw new InputError("The documents have nothing to predict.");
    const checked = checkedWeights(given, batch.offsets, docs.length);
    const [loss, flat, offsets, tokens, weights] = this.#room(
      [Float64Array, 1],
      [this.Reals, parameters(this.config)],
      [Int32Array, 2 * (docs.length + 1)],
      [Int32Array, length],
      [Float64Array, checked.length],
    );
    weights.set(checked);
    int64s(offsets, batch.offsets);
    copy(tokens, batch.tokens);
    this.#did(
      this.call.grads(
        this.model,
        tokens.byteOffset,
        offsets.byteOffset,
        docs.length,
        batch.positions[0],
        given ? weights.byteOffset : 0,
        loss.byteOffset,
        flat.byteOffset,
      ),
    );
    return { loss: loss[0], grads: this.#named(flat) };
  }

  /**
   * Scores after each of the n tokens of each list, n ≤ block_size: a flat [n × V] each.
   * @param {Numbers[]} tokenLists
   * @returns {Reals[]}
   */
  logits(tokenLists) {
    const { vocab_size: V, block_size } = this.config;
    const { tokens: all, offsets: ends } = batchesOf([tokenLists]);
    const length = this.#checked(all, ends, tokenLists.length, 0, block_size);
    const [out, offsets, tokens] = this.#room(
      [this.Reals, length * V],
      [Int32Array, 2 * ends.length],
      [Int32Array, length],
    );
    int64s(offsets, ends);
    copy(tokens, all);
    this.#did(
      this.call.logits(
        this.model,
        tokens.byteOffset,
        offsets.byteOffset,
        tokenLists.length,
        out.byteOffset,
      ),
    );
    return tokenLists.map((_, i) => out.slice(ends[i] * V, ends[i + 1] * V));
  }

  /**
   * Continues each prefix until BOS or until it has M tokens. Where a sample grows past block_size,
   * the model sees the last block_size tokens.
   * @param {Numbers[]} prefixes forced tokens after BOS, without BOS
   * @param {import("./sampling.js").SampleOptions} options
   * @returns {import("./sampling.js").Samples} tokens, forced ones included and BOS not, and how
   *     many of the uniforms are used up (all of them for "rows")
   */
  sample(prefixes, options) {
    const { vocab_size: V } = this.config;
    const { temperature, topK, topP, order, guard, uniforms, most } = checkedOptions(
      prefixes,
      options,
      V,
    );
    const { tokens: all, offsets: ends } = batchesOf([prefixes]);
    const n = prefixes.length;
    const length = this.#checked(all, ends, n, 0, Infinity);
    if (!n) return { tokens: [], used: 0 };
    const table = guard ? guard.next.length : 0;
    const [used, draws, offsets, forced, out, lengths, next, banned] = this.#room(
      [Float64Array, 1],
      [Float64Array, n * most],
      [Int32Array, 2 * (n + 1)],
      [Int32Array, length],
      [Int32Array, n * most],
      [Int32Array, n],
      [Int32Array, table],
      [Uint8Array, table],
    );
    draws.set(uniforms);
    int64s(offsets, ends);
    copy(forced, all);
    if (guard) {
      next.set(guard.next);
      for (let i = 0; i < table; i++) banned[i] = Number(Boolean(guard.banned[i]));
    }
    this.#did(
      this.call.sample(
        this.model,
        forced.byteOffset,
        offsets.byteOffset,
        n,
        most,
        1 / temperature,
        topK ?? 0,
        topP ?? 0,
        draws.byteOffset,
        Number(order === "rows"),
        guard ? next.byteOffset : 0,
        guard ? banned.byteOffset : 0,
        table / V,
        out.byteOffset,
        lengths.byteOffset,
        used.byteOffset,
      ),
    );
    const written = (/** @type {number} */ i) => out.subarray(i * most, i * most + lengths[i]);
    const tokens = prefixes.map((_, i) => Array.from(written(i)));
    return { tokens, used: used[0] };
  }

  /** Gives the memory back; the engine can't be used afterwards. */
  close() {
    this.memory = null;
    this.call = {};
  }

  // ---------------------------------------------------------------- memory

  /** Lets the memory reach up to byte `end`. @param {number} end */
  #reach(end) {
    if (!this.memory) throw new InputError("The engine is closed.", "Create another one.");
    const missing = end - this.memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      this.memory.grow(Math.ceil(missing / PAGE));
    } catch {
      throw tooLarge(this.config, ` ${Math.ceil(end / 2 ** 20).toLocaleString("en")} MB of`);
    }
  }

  /**
   * Views of fresh room for a call, one for each [type, length], with gaps of at least 64 bytes
   * that tests watch. They hold until the next call.
   * @template {[ArrayType, number][]} T
   * @param {T} wanted
   * @returns {{[K in keyof T]: InstanceType<T[K][0]>}}
   */
  #room(...wanted) {
    let end = this.free;
    this.lent = wanted.map(([type, length]) => {
      const start = end;
      end += Math.ceil((length * type.BYTES_PER_ELEMENT) / 64 + 1) * 64;
      return [start, start + length * type.BYTES_PER_ELEMENT];
    });
    this.#reach(end);
    const { buffer } = /** @type {WebAssembly.Memory} */ (this.memory);
    return /** @type {any} */ (
      wanted.map(([type, length], i) => new type(buffer, this.lent[i][0], length))
    );
  }

  /** The configuration as the kernel takes it: `Config` of kernel/model.h. Returns its address. */
  #describe() {
    const c = this.config;
    const [ints] = this.#room([Int32Array, 14]);
    ints.set([
      c.n_layer,
      c.n_embd,
      c.n_head,
      c.block_size,
      c.vocab_size,
      Number(c.activation === "relu_squared"),
      Number(c.optimizer === "sgd"),
      1,
    ]);
    new Float64Array(ints.buffer, ints.byteOffset + 32, 3).set([c.beta1, c.beta2, c.eps]);
    return ints.byteOffset;
  }

  // ---------------------------------------------------------------- arrays

  /**
   * All matrices in one vector, checked. Numbers are rounded to the engine's type.
   * @param {Weights} arrays
   * @param {string} what
   */
  #flat(arrays, what) {
    const flat = new this.Reals(parameters(this.config));
    let at = 0;
    for (const [name, out, into] of shapes(this.config)) {
      const array = arrays[name];
      const shape = `[${out}, ${into}]`;
      if (!array) {
        throw new InputError(`${what}${name} is missing, the model needs it with shape ${shape}.`);
      }
      const isFlat = typeof array[0] === "number";
      const rows = isFlat
        ? [/** @type {Numbers} */ (array)]
        : Array.from(/** @type {ArrayLike<Numbers>} */ (array));
      const wide = isFlat ? out * into : into;
      if (rows.length !== (isFlat ? 1 : out) || rows.some((row) => row?.length !== wide)) {
        throw new InputError(
          `${what}${name} doesn't have shape ${shape}, as this config asks for.`,
        );
      }
      const begin = at;
      for (const row of rows) {
        flat.set(row, at);
        at += wide;
      }
      if (!flat.subarray(begin, at).every(Number.isFinite)) {
        throw new InputError(
          `${what}${name} has a number that is not finite in ${this.dtype}.`,
          "Go back to an earlier checkpoint.",
        );
      }
    }
    return flat;
  }

  /** Copies out of one vector, by name. @param {Reals} flat */
  #named(flat) {
    /** @type {Arrays} */
    const arrays = {};
    let at = 0;
    for (const [name, out, into] of shapes(this.config)) {
      arrays[name] = flat.slice(at, (at += out * into));
    }
    return arrays;
  }

  /**
   * Whether the engine can be called, and how many tokens the documents reach.
   * @param {Numbers} tokens
   * @param {Numbers} offsets
   * @param {number} documents
   * @param {number} shortest
   * @param {number} longest
   */
  #checked(tokens, offsets, documents, shortest, longest) {
    if (!this.memory) throw new InputError("The engine is closed.", "Create another one.");
    if (!this.loaded) throw new InputError("The engine has no weights yet.", "Call load first.");
    return checkedDocuments(this.config, tokens, offsets, documents, shortest, longest);
  }

  /** @param {number} refused what the kernel answers: enum Refusal in interface.h */
  #did(refused) {
    if (refused === BAD_GUARD) throw nothingToDraw();
    if (refused) throw new Error(`The kernel refused a call that was checked: ${refused}.`);
  }
}

/**
 * Whole numbers from 0 to 2^31 - 1 as 64-bit ones, as many as fit.
 * @param {Int32Array} to
 * @param {Numbers} from
 */
function int64s(to, from) {
  for (let i = 0; 2 * i < to.length; i++) {
    to[2 * i] = from[i];
    to[2 * i + 1] = 0;
  }
}

/**
 * @param {Int32Array} to
 * @param {Numbers} from
 */
function copy(to, from) {
  for (let i = 0; i < to.length; i++) to[i] = from[i];
}

/**
 * @param {Config} config
 * @param {string} bytes
 */
function tooLarge(config, bytes) {
  return new InputError(
    `A model of ${parameters(config).toLocaleString("en")} parameters needs${bytes} more memory ` +
      "than there is here.",
    "Make n_embd, n_layer or block_size smaller.",
  );
}
