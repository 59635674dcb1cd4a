// Python for the cells of a page: one Worker that all of them share, and how a run is stopped. Also
// what a cell says in words. No DOM.

/**
 * @typedef {{code: string, name: string, steps: number | null, files: Record<string, string>,
 *   args: string[]}} Order
 */
/**
 * How a run ended. `absent`: there is no Python on this server; `error`: what Python says of it;
 * `steps`: how many were taken, and in how many seconds; `cut`: characters of output left out.
 * @typedef {{absent?: boolean, stopped?: boolean, error?: string, seconds?: number, cut?: number,
 *   steps?: {count: number, seconds: number} | null}} Ended
 */
/** @typedef {(stream: "out" | "err", text: string) => void} Heard */

const ANSWER_MS = 2000; // a run that is interrupted has so long to end by itself
const LOOP = /^([ \t]*for\s+\w+\s+in\s+)range\(num_steps\)(\s*:)/m;
const INTERRUPT = 2; // Python's number of the signal that Ctrl-C sends

/** Whether the code has a loop over `range(num_steps)`. @param {string} code */
export const hasSteps = (code) => LOOP.test(code);

/**
 * The code with its first loop over `range(num_steps)` cut and timed by the runner: `num_steps`
 * itself stays what it is, so that the first losses are those of the whole run.
 * @param {string} code
 */
export const withSteps = (code) => code.replace(LOOP, "$1_first_steps(range(num_steps))$2");

/**
 * A time as a reader says it.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return `${(seconds / 3600).toFixed(1)} hours`;
}

/**
 * What the steps that were taken say of all.
 * @param {{count: number, seconds: number}} taken
 * @param {number} all
 */
export function forecast({ count, seconds }, all) {
  const took =
    `${count.toLocaleString("en")} ${count === 1 ? "step" : "steps"} took ${duration(seconds)} ` +
    "here";
  if (count >= all) return `${took}.`;
  return (
    `${took}; ${all.toLocaleString("en")} would take about ` +
    `${duration((seconds / count) * all)}.`
  );
}

/**
 * Code as it stands in a file, from the text of a figure in the page.
 * @param {readonly string[]} figures
 */
export function codeOf(figures) {
  return (
    figures.map((text) => text.replace(/[ \t]+$/gm, "").replace(/^\n+|\n+$/g, "")).join("\n\n\n") +
    "\n"
  );
}

export class PythonHost {
  /**
   * @param {() => Worker} makeWorker
   * @param {boolean} canShare whether this page may share memory with its Worker
   */
  constructor(makeWorker, canShare) {
    /** @private */ this.makeWorker = makeWorker;
    /** @private */ this.signal = canShare ? new Uint8Array(new SharedArrayBuffer(1)) : null;
    /** @private @type {Worker | null} */ this.worker = null;
    /** @private */ this.id = 0;
    /** @private @type {{id: number, heard: Heard, end: (how: Ended) => void} | null} */ this.now =
      null;
    /** @private @type {ReturnType<typeof setTimeout> | undefined} */ this.impatient = undefined;
  }

  get busy() {
    return this.now !== null;
  }

  /**
   * Runs one program at a time; ends when it has ended.
   * @param {Order} order
   * @param {Heard} heard
   * @returns {Promise<Ended>}
   */
  run(order, heard) {
    if (this.now) throw new Error("a program is running");
    const id = ++this.id;
    return new Promise((end) => {
      this.now = { id, heard, end };
      if (this.signal) this.signal[0] = 0;
      this.#started().postMessage({ do: "run", id, ...order });
    });
  }

  /** Ctrl-C where memory can be shared and Python hears it, else the end of the whole Worker. */
  stop() {
    if (!this.now) return;
    const { id } = this.now;
    if (!this.signal) return this.#end({ stopped: true }, true);
    this.signal[0] = INTERRUPT;
    this.impatient = setTimeout(() => {
      if (this.now?.id === id) this.#end({ stopped: true }, true);
    }, ANSWER_MS);
  }

  /** Ends the Worker, if nothing runs in it. */
  close() {
    if (this.now) return;
    this.worker?.terminate();
    this.worker = null;
  }

  #started() {
    if (this.worker) return this.worker;
    const worker = this.makeWorker();
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault?.();
      this.#end(
        { error: `Python has stopped: ${event.message || "its Worker could not be started"}.` },
        true,
      );
    };
    worker.postMessage({ do: "begin", signal: this.signal });
    this.worker = worker;
    return worker;
  }

  /** @param {any} data */
  #hear(data) {
    if (data?.id !== this.now?.id || !this.now) return;
    if (data.type === "said") this.now.heard(data.stream, String(data.text));
    // A Worker whose Python has died, or that never got one, is of no more use.
    if (data.type === "ended") this.#end(data.how, Boolean(data.how.absent || data.fatal));
  }

  /**
   * @param {Ended} how
   * @param {boolean} withWorker
   */
  #end(how, withWorker) {
    clearTimeout(this.impatient);
    if (withWorker) {
      this.worker?.terminate();
      this.worker = null;
    }
    const now = this.now;
    this.now = null;
    now?.end(how);
  }
}
