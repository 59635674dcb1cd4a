// A training run in a Worker as a page sees it: what has happened so far, and orders to it.
//
//     const run = new LiveRun(() => draw(run));
//     run.start({ docs, config: { lr: 0.02 }, sampleEvery: 100 }, { speed: 100 });
//     run.pause(); run.resume(); run.step(); run.close();

import { InputError } from "../../errors.js";

/** @typedef {import("../../training-run.js").RunOptions} RunOptions */
/** @typedef {import("../../training-run.js").Sample} Sample */
/** @typedef {"idle" | "starting" | "running" | "paused" | "done" | "failed"} Status */
/**
 * @typedef {{postMessage(order: any): void, onmessage: any, onerror: any, terminate(): void}} Port
 */

/** A page is drawn so often while it trains. */
const DRAW_EVERY_MS = 60;

const started = () =>
  /** @type {Port} */ (
    new Worker(new URL("../../worker-training.js", import.meta.url), { type: "module" })
  );

/**
 * What the button says that starts runs, pauses them, and lets them go on.
 * @param {LiveRun[]} runs
 * @param {string} first
 * @param {string} again
 */
export function orderFor(runs, first, again) {
  if (runs.some(({ busy }) => busy)) return "Pause";
  if (runs.some(({ status }) => status === "paused")) return "Go on";
  return runs.every(({ status }) => status === "done") ? again : first;
}

export class LiveRun {
  /**
   * @param {() => void} changed called soon after anything has happened, not for every step
   * @param {() => Port} [worker]
   */
  constructor(changed, worker = started) {
    /** @private */ this.changed = changed;
    /** @private */ this.make = worker;
    /** @private @type {Port | null} */ this.port = null;
    /** Another for every run. */ this.id = 0;
    /** @private @type {ReturnType<typeof setTimeout> | undefined} */ this.later = undefined;
    /**
     * @private
     * @type {Map<string, {resolve: (data: any) => void, reject: (error: Error) => void}>}
     */
    this.asked = new Map();
    this.clear();
  }

  /** Forgets the run, keeps the Worker. */
  clear() {
    this.id++;
    /** @type {Status} */ this.status = "idle";
    this.message = "";
    /** @type {number[]} */ this.losses = [];
    /** @type {{step: number, final: boolean, samples: Sample[]}[]} */ this.samples = [];
    /**
     * Weights along the way, where they are recorded.
     * @type {{step: number, weights: Float32Array}[]}
     */
    this.recordings = [];
    this.lr = 0;
    /**
     * What `TrainingRun.describe` says.
     * @type {ReturnType<import("../../training-run.js").TrainingRun["describe"]> | null}
     */
    this.run = null;
    for (const { reject } of this.asked.values()) reject(new InputError("The run was restarted."));
    this.asked.clear();
  }

  get step() {
    return this.losses.length;
  }

  get busy() {
    return this.status === "starting" || this.status === "running";
  }

  /**
   * @param {RunOptions} options
   * @param {{paused?: boolean, speed?: number | null}} [how] speed in steps a second, null for all
   *   it can
   */
  start(options, { paused = false, speed = null } = {}) {
    this.clear();
    if (!this.port) {
      const port = this.make();
      port.onmessage = (/** @type {{data: any}} */ { data }) => this.heard(data);
      port.onerror = () =>
        this.failed("Training can't be started in this browser. The text says what it shows.");
      this.port = port;
    }
    this.status = "starting";
    this.post({ do: "start", id: this.id, options, paused, speed });
    this.soon();
  }

  pause() {
    if (this.busy) this.post({ do: "pause" });
  }

  resume() {
    if (this.status !== "paused") return;
    this.status = "running";
    this.post({ do: "resume" });
    this.soon();
  }

  /** @param {number} [count] */
  advance(count = 1) {
    if (this.status === "paused" || this.status === "running") this.post({ do: "step", count });
  }

  /** @param {number | null} speed */
  speed(speed) {
    if (this.port && this.run) this.post({ do: "speed", speed });
  }

  /**
   * Weights and optimiser as they are now.
   * @returns {Promise<{step: number, config: import("../../config.js").Config, uchars: string[],
   *   state: {weights: Record<string, Float64Array>}}>}
   */
  state() {
    return this.ask("state", { do: "state" });
  }

  /**
   * Documents that begin with `prefix`, with their marks.
   * @param {string} prefix
   * @param {{count?: number, seed?: number, temperature?: number}} [how]
   * @returns {Promise<{samples: Sample[]}>}
   */
  sample(prefix, how = {}) {
    return this.ask("sampled", { do: "sample", prefix, ...how });
  }

  /** Ends the run and forgets it; the Worker stays for the next one. */
  drop() {
    this.post({ do: "stop" });
    this.clear();
  }

  close() {
    clearTimeout(this.later);
    this.port?.terminate();
    this.port = null;
    this.clear();
  }

  /** @private @param {string} type @param {object} order @returns {Promise<any>} */
  ask(type, order) {
    return new Promise((resolve, reject) => {
      if (!this.run)
        return reject(new InputError("There is no model yet.", "Start training first."));
      this.asked.get(type)?.reject(new InputError("It was asked again."));
      this.asked.set(type, { resolve, reject });
      this.post(order);
    });
  }

  /** @private @param {object} order */
  post(order) {
    this.port?.postMessage(order);
  }

  /** @private @param {string} message */
  failed(message) {
    this.status = "failed";
    this.message = message;
    this.soon();
  }

  /** @private @param {any} data */
  heard(data) {
    if (data.id !== this.id) return; // of an earlier run, or "ready"
    const waiting = this.asked.get(data.type);
    if (waiting) {
      this.asked.delete(data.type);
      waiting.resolve(data);
      return;
    }
    if (data.type === "error") {
      const error = new InputError(data.error.message, data.error.remedy);
      if (this.asked.size) {
        for (const { reject } of this.asked.values()) reject(error);
        this.asked.clear();
      } else this.failed(error.message);
      return;
    }
    if (data.type === "started") {
      this.run = data.run;
      this.status = "running";
    } else if (data.type === "progress") {
      this.losses.push(...data.losses);
      this.lr = data.lr;
    } else if (data.type === "samples")
      this.samples.push({ step: data.step, final: data.final, samples: data.samples });
    else if (data.type === "recording")
      this.recordings.push({ step: data.step, weights: data.weights });
    else if (data.type === "paused") {
      if (this.status !== "done") this.status = "paused";
    } else if (data.type === "done") this.status = "done";
    this.soon();
  }

  /** @private */
  soon() {
    this.later ??= setTimeout(() => {
      this.later = undefined;
      this.changed();
    }, DRAW_EVERY_MS);
  }
}
