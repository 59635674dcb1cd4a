// A whole training run in a page: from the reader's documents to samples with their marks, a few
// steps at a time. `worker-training.js` runs it beside the page; it has no DOM and no clock.
//
// The engine is the kernel, or the scalar engine where something is broken on purpose. Samples on
// the way come from a stream of their own; those at the end come from the run's, so that the
// published run gives the published twenty.

import { lrAt, makeConfig, number, parameters, shapes, whole } from "./config.js";
import { FileError, InputError, shown } from "./errors.js";
import { ScalarEngine } from "./numbers/scalar.js";
import { Random } from "./random.js";
import { batches, begin } from "./training.js";

/** @typedef {import("./config.js").Config} Config */
/** @typedef {"trained" | "file" | "new"} Mark */
/** @typedef {{text: string, mark: Mark}} Sample */
/**
 * @typedef {object} RunOptions
 * @property {string[]} docs
 * @property {Partial<Config>} [config] changes to the preset; vocab_size is that of the documents
 * @property {"final" | "early"} [preset]
 * @property {number} [seed]
 * @property {number} [batchSize]
 * @property {"float32" | "float64"} [dtype]
 * @property {string[]} [breaks] keys of BREAKS in numbers/forward.js
 * @property {number} [sampleEvery] steps between samples on the way, 0 for none
 * @property {number} [samples] how many each time
 * @property {number} [temperature]
 * @property {number} [recordEvery] steps between recorded weights, 0 for none
 */
/**
 * What has happened, in order. `progress` covers steps `first` (from 0) on.
 * @typedef {{type: "progress", first: number, step: number, losses: number[], lr: number}
 *   | {type: "samples", step: number, final: boolean, samples: Sample[]}
 *   | {type: "recording", step: number, weights: Float32Array}
 *   | {type: "done", step: number}} RunEvent
 */

const MOST_DOCS = 1_000_000;
const MOST_CHARACTERS = 2 ** 25;
/** Recorded weights may fill so many bytes; recordEvery grows until they fit. */
const MOST_RECORDED = 2 ** 25;

/**
 * Lines as documents: trimmed, without empty ones.
 * @param {unknown} docs
 * @returns {string[]}
 */
export function readDocs(docs) {
  if (!Array.isArray(docs) || docs.some((doc) => typeof doc !== "string")) {
    throw new InputError(`docs is ${shown(docs)}, must be a list of texts.`);
  }
  const good = docs.map((doc) => doc.trim()).filter((doc) => doc);
  if (!good.length) throw new InputError("There are no words to train on.", "Give one a line.");
  const length = good.reduce((sum, doc) => sum + doc.length, 0);
  if (good.length > MOST_DOCS || length > MOST_CHARACTERS) {
    throw new InputError(
      `There are ${good.length.toLocaleString("en")} lines of ${length.toLocaleString("en")} ` +
        "characters, at most a million lines and 33 million characters can be taken here.",
      "Give fewer, or train with the program.",
    );
  }
  return good;
}

export class TrainingRun {
  /**
   * @param {RunOptions} options
   * @param {import("./kernel.js").Kernel | null} kernel may be null where something is broken
   */
  constructor(options, kernel) {
    const {
      preset = "final",
      seed = 42,
      batchSize = 1,
      dtype = "float64",
      breaks = [],
      sampleEvery = 0,
      samples = 20,
      temperature = 0.5,
      recordEvery = 0,
    } = options;
    const docs = readDocs(options.docs);
    whole("batchSize", batchSize, 1, 4096);
    whole("sampleEvery", sampleEvery, 0, 1e9);
    whole("samples", samples, 0, 1000);
    whole("recordEvery", recordEvery, 0, 1e9);
    number("temperature", temperature, (x) => x >= 0.01 && x <= 100, "from 0.01 to 100");
    const vocab = new Set(docs.flatMap((doc) => [...doc])).size + 1;
    /** @type {Readonly<Config>} */
    this.config = makeConfig({ ...options.config, vocab_size: vocab }, preset);
    if (breaks.length && parameters(this.config) > 50_000) {
      throw new InputError(
        `A model of ${parameters(this.config).toLocaleString("en")} parameters can't be broken ` +
          "on purpose here, at most 50,000.",
        "Make n_embd or n_layer smaller.",
      );
    }
    const start = begin(this.config, docs, seed);
    this.seed = seed;
    this.batchSize = batchSize;
    this.temperature = temperature;
    this.sampleEvery = sampleEvery;
    this.samples = samples;
    this.tokenizer = start.tokenizer;
    /** @private */ this.rng = start.rng;
    /** @private */ this.beside = new Random(seed);
    this.docs = start.docs;
    /** @private */ this.ids = start.docs.map((doc) => start.tokenizer.encodeDocument(doc));
    /** @private */ this.file = new Set(start.docs);
    /** @private @type {Set<string>} */ this.trained = new Set();
    /** @private */ this.learned = 0;
    this.step = 0;
    /** The mean loss over the last 100 losses says more than the last one. @type {number[]} */
    this.losses = [];
    const frames = MOST_RECORDED / (4 * parameters(this.config));
    this.recordEvery = recordEvery && Math.max(recordEvery, Math.ceil(this.config.steps / frames));
    if (!breaks.length && !kernel) throw new FileError("There is no kernel.", "Reload the page.");
    this.engine = breaks.length
      ? new ScalarEngine(this.config, breaks)
      : /** @type {import("./kernel.js").Kernel} */ (kernel).create({ config: this.config, dtype });
    this.engine.load(start.weights);
  }

  get done() {
    return this.step >= this.config.steps;
  }

  /** What a page shows of the run before it begins. */
  describe() {
    const cut = this.ids.filter((doc) => doc.length > this.config.block_size + 1).length;
    return {
      config: this.config,
      seed: this.seed,
      documents: this.docs.length,
      distinct: this.file.size,
      cut,
      vocabulary: this.tokenizer.uchars.join(""),
      parameters: parameters(this.config),
      blind: Math.log(this.config.vocab_size),
      recordEvery: this.recordEvery,
    };
  }

  /**
   * What is due before the first step: samples and weights of the untrained model.
   * @returns {Generator<RunEvent>}
   */
  *start() {
    yield* this.#due(false);
  }

  /**
   * Trains up to `count` steps, no further than the next samples, recording or the end.
   * Throws `DivergedError` where a loss is no number.
   * @param {number} count
   * @returns {Generator<RunEvent>}
   */
  *advance(count) {
    if (this.done) return;
    const first = this.step;
    let last = Math.min(first + count, this.config.steps);
    for (const every of [this.sampleEvery, this.recordEvery]) {
      if (every) last = Math.min(last, (Math.floor(first / every) + 1) * every);
    }
    const given = batches(this.ids, this.config, first, last - first, this.batchSize);
    const lrs = Float64Array.from({ length: last - first }, (_, i) => lrAt(this.config, first + i));
    const losses = Array.from(this.engine.steps(given, lrs, first));
    const bad = losses.findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0) throw new DivergedError(first + bad, this.config.lr);
    this.step = last;
    this.losses.push(...losses);
    yield { type: "progress", first, step: last, losses, lr: lrs[lrs.length - 1] };
    yield* this.#due(this.done);
    if (this.done) yield { type: "done", step: this.step };
  }

  /**
   * @param {boolean} final
   * @returns {Generator<RunEvent>}
   */
  *#due(final) {
    const on = (/** @type {number} */ every) => every > 0 && (final || this.step % every === 0);
    if (on(this.recordEvery)) yield { type: "recording", step: this.step, weights: this.weights() };
    if (on(this.sampleEvery) || (final && this.samples)) {
      const rng = final ? this.rng : this.beside;
      yield {
        type: "samples",
        step: this.step,
        final,
        samples: this.sample("", this.samples, rng),
      };
    }
  }

  /** All weights in one vector, in the order of the state dict. */
  weights() {
    const all = Object.values(this.engine.state().weights);
    const flat = new Float32Array(parameters(this.config));
    let at = 0;
    for (const matrix of all) {
      flat.set(matrix, at);
      at += matrix.length;
    }
    return flat;
  }

  /**
   * Documents that begin with `prefix`, each with its mark.
   * @param {string} prefix
   * @param {number} count
   * @param {Random} [rng] moves on by the draws that are used
   * @param {number} [temperature]
   * @returns {Sample[]}
   */
  sample(prefix, count, rng = this.beside, temperature = this.temperature) {
    const forced = this.tokenizer.encode(prefix);
    const most = this.config.block_size;
    if (forced.length >= most) {
      throw new InputError(
        `The prefix has ${forced.length} characters, must be fewer than ${most}.`,
      );
    }
    const ahead = Random.from(rng.state());
    const uniforms = ahead.uniforms(count * most);
    const { tokens, used } = this.#drawn(Array(count).fill(forced), temperature, uniforms);
    rng.uniforms(used);
    const reached = Math.min(this.step * this.batchSize, this.docs.length);
    while (this.learned < reached) this.trained.add(this.docs[this.learned++]);
    return tokens.map((ids) => {
      const text = this.tokenizer.decode(ids);
      const mark = this.trained.has(text) ? "trained" : this.file.has(text) ? "file" : "new";
      return { text, mark };
    });
  }

  close() {
    this.engine.close();
  }

  /**
   * @param {number[][]} prefixes
   * @param {number} temperature
   * @param {Float64Array} uniforms
   */
  #drawn(prefixes, temperature, uniforms) {
    try {
      return this.engine.sample(prefixes, { temperature, uniforms });
    } catch (error) {
      // The last update may have left the numbers where every loss was one.
      if (this.weights().every(Number.isFinite)) throw error;
      throw new DivergedError(this.step, this.config.lr);
    }
  }
}

/**
 * Recorded weights by name, as engines load them.
 * @param {Config} config
 * @param {Float32Array} flat
 */
export function recorded(config, flat) {
  let at = 0;
  return Object.fromEntries(
    shapes(config).map(([name, out, into]) => [name, flat.slice(at, (at += out * into))]),
  );
}

/** Training has left the numbers. */
export class DivergedError extends InputError {
  /**
   * @param {number} step how many were taken
   * @param {number} lr
   */
  constructor(step, lr) {
    super(
      `After ${step} steps the weights give no numbers any more: ` +
        `training has diverged at lr ${lr}.`,
      "Make lr smaller.",
    );
    this.step = step;
  }
}
