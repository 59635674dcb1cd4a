// A module Worker that trains: it takes orders and posts what happens.
//
//     const address = new URL("./worker-training.js", import.meta.url);
//     const worker = new Worker(address, { type: "module" });
//     worker.onmessage = ({ data }) => { ... };
//     worker.postMessage({ do: "start", id: 1, options: { docs, seed: 42, sampleEvery: 100 } });
//
// Orders: start {id, options, paused?, speed?}, pause, resume, step {count?}, speed {speed: steps a
// second, null for as fast as it goes}, sample {prefix, count, seed, temperature}, state, stop.
// Posts: everything of RunEvent, and ready, started {run}, paused, sampled, state, stopped, error
// {error: {code, message, remedy}}. Each post of a run has the id that it was started with.

import { FileError, InputError } from "./errors.js";
import { loadKernel } from "./kernel.js";
import { Random } from "./random.js";
import { DivergedError, TrainingRun } from "./training-run.js";

/** @typedef {{postMessage(data: any, transfer?: Transferable[]): void, onmessage: any}} Scope */

/** A call of the engine is made about so long, so that orders are heard in between. */
const SLICE_MS = 30;

/**
 * Answers the orders that come to `scope`.
 * @param {Scope} scope
 * @param {() => Promise<import("./kernel.js").Kernel>} kernelOf
 */
export function serve(scope, kernelOf) {
  /** @type {TrainingRun | null} */
  let run = null;
  /** @type {unknown} */
  let id = null;
  let running = false;
  /** @type {number | null} */
  let speed = null;
  let pace = 1; // steps in a slice, learned as it goes
  let begun = { at: 0, step: 0 };
  let round = 0; // a loop that belongs to an earlier round stops

  const post = (/** @type {Record<string, any>} */ data) => {
    const transfer = data.weights instanceof Float32Array ? [data.weights.buffer] : [];
    scope.postMessage({ id, ...data }, transfer);
  };

  const fail = (/** @type {unknown} */ error) => {
    running = false;
    const known = error instanceof InputError || error instanceof FileError;
    const code =
      error instanceof DivergedError
        ? "numbers"
        : error instanceof FileError
          ? "file"
          : known
            ? "input"
            : "fault";
    const { said, remedy } = known
      ? error
      : { said: `Something unforeseen happened: ${error}.`, remedy: "Reload the page." };
    post({ type: "error", error: { code, message: said, remedy } });
  };

  const advance = (/** @type {number} */ count) => {
    const target = /** @type {TrainingRun} */ (run).step + count;
    while (run && run.step < target && !run.done) {
      for (const event of run.advance(target - run.step)) post(event);
    }
    if (run?.done) running = false;
  };

  /** How many steps are due now. @param {TrainingRun} now */
  const due = (now) => {
    if (speed === null) return Math.ceil(pace);
    const wanted = begun.step + Math.floor(((performance.now() - begun.at) * speed) / 1000);
    return Math.min(Math.ceil(pace), wanted - now.step);
  };

  const loop = async (/** @type {number} */ mine) => {
    begun = { at: performance.now(), step: run?.step ?? 0 };
    while (running && run && mine === round) {
      const count = due(run);
      if (count > 0) {
        const from = performance.now();
        advance(count);
        const took = performance.now() - from;
        pace = Math.min(Math.max(1, (count * SLICE_MS) / Math.max(took, 0.1)), 4 * pace, 100_000);
      }
      await new Promise((resolve) => setTimeout(resolve, count > 0 ? 0 : 10));
    }
  };

  const go = () => {
    if (!run || run.done) return;
    running = true;
    loop(++round).catch(fail);
  };

  const stop = () => {
    running = false;
    round++;
    run?.close();
    run = null;
  };

  /** @type {Record<string, (order: any) => unknown>} */
  const orders = {
    async start(order) {
      stop();
      id = order.id ?? null;
      const mine = round;
      const kernel = order.options?.breaks?.length ? null : await kernelOf();
      if (mine !== round) return; // another order came meanwhile
      run = new TrainingRun(order.options ?? {}, kernel);
      speed = checkedSpeed(order.speed);
      pace = 1;
      post({ type: "started", run: run.describe() });
      for (const event of run.start()) post(event);
      if (order.paused) post({ type: "paused", step: 0 });
      else go();
    },
    pause() {
      running = false;
      round++;
      post({ type: "paused", step: run?.step ?? 0 });
    },
    resume: go,
    step({ count = 1 }) {
      running = false;
      round++;
      if (run) advance(Math.max(1, Math.min(Number(count) || 1, 100_000)));
      post({ type: "paused", step: run?.step ?? 0 });
    },
    speed(order) {
      speed = checkedSpeed(order.speed);
      begun = { at: performance.now(), step: run?.step ?? 0 };
    },
    sample({ prefix = "", count = 1, seed = 42, temperature }) {
      if (!run) throw new InputError("There is no model yet.", "Start training first.");
      const samples = run.sample(prefix, count, new Random(seed), temperature);
      post({ type: "sampled", step: run.step, prefix, samples });
    },
    state() {
      if (!run) throw new InputError("There is no model yet.", "Start training first.");
      const { weights, optim } = run.engine.state();
      const uchars = run.tokenizer.uchars;
      post({
        type: "state",
        step: run.step,
        config: run.config,
        uchars,
        state: { weights, optim },
      });
    },
    stop() {
      stop();
      post({ type: "stopped" });
    },
  };

  scope.onmessage = async (/** @type {{data: any}} */ { data }) => {
    try {
      const order = Object.hasOwn(orders, data?.do) ? orders[data.do] : null;
      if (!order) throw new InputError(`${JSON.stringify(data?.do)} is not an order.`);
      await order(data);
    } catch (error) {
      fail(error);
    }
  };
  post({ type: "ready" });
}

/** @param {unknown} speed */
function checkedSpeed(speed) {
  if (speed === null || speed === undefined) return null;
  const steps = Number(speed);
  if (!(steps > 0 && steps <= 1e6))
    throw new InputError(`speed is ${speed}, must be above 0 steps a second.`);
  return steps;
}

// In a Worker it begins by itself; a test hands `serve` a scope of its own.
if (typeof (/** @type {any} */ (globalThis).WorkerGlobalScope) !== "undefined") {
  /** @type {Promise<import("./kernel.js").Kernel> | null} */
  let kernel = null;
  const address = new URL("./kernel.wasm", import.meta.url);
  serve(/** @type {any} */ (globalThis), () => (kernel ??= loadKernel(address)));
}
