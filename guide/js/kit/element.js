// The base of every element of the kit, and the guard that keeps one figure's failure to itself.
//
// The text inside the tag stands for readers without scripts. It is put aside when the element
// starts and comes back, with a friendly line, if it fails.

import { MicrogptError } from "../errors.js";
import { Calm } from "./calm.js";
import { button, html, setText } from "./dom.js";
import { isHidden } from "./state.js";

const SUMMARY_AFTER_MS = 350;

/**
 * Runs something for a figure; what it throws, also later from a promise, goes to `failed`.
 * @template T
 * @param {(error: unknown) => void} failed
 * @param {() => T} run
 * @returns {T | undefined}
 */
export function guarded(failed, run) {
  try {
    const result = run();
    if (result instanceof Promise) result.catch(failed);
    return result;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

/**
 * Puts a friendly line in a figure's place, with its text and a way to start it again. The reader's
 * own mistakes are said as they are; our bugs go to the console.
 * @param {HTMLElement} host
 * @param {unknown} error
 * @param {{fallback?: readonly Node[], again?: (() => void) | null}} [what]
 */
export function showFailure(host, error, { fallback = [], again = null } = {}) {
  const isKnown = error instanceof MicrogptError;
  if (!isKnown) console.error(error);
  const said = isKnown
    ? error.message
    : "This figure has stopped. What it shows is told in the text.";
  const line = html("p", { class: "mg-failed", role: "alert" }, said);
  if (again) {
    const restart = button("Start again");
    restart.addEventListener("click", again);
    line.append(" ", restart);
  }
  host.replaceChildren(...fallback, line);
  host.dataset.failed = "";
}

export class KitElement extends HTMLElement {
  constructor() {
    super();
    /** What stands in the tag in the page. @type {readonly Node[]} */
    this.fallback = [];
    /** @private @type {(() => void)[]} */ this.leaving = [];
    /** @private */ this.started = false;
    /** @private @type {HTMLElement | null} */ this.summaryLine = null;
    /** @private */ this.speak = () => {};
    /** @private */ this.calm = new Calm(SUMMARY_AFTER_MS, () => this.guard(this.speak));
  }

  connectedCallback() {
    if (this.started) return;
    this.started = true;
    // Children may not be there yet while the page is read.
    if (document.readyState === "loading" && !this.nextSibling) {
      document.addEventListener("DOMContentLoaded", () => this.begin(), { once: true });
    } else this.begin();
  }

  disconnectedCallback() {
    // A move within the page disconnects and connects at once.
    queueMicrotask(() => {
      if (this.isConnected || !this.started) return;
      this.started = false;
      this.leave();
      this.replaceChildren(...this.fallback);
    });
  }

  /** Puts the fallback aside and builds the element. */
  begin() {
    if (!this.isConnected) return;
    this.takeProperties();
    const control = this.getAttribute("control");
    if (control && isHidden(control)) this.hidden = true; // a teacher's link: #?hide=seed,lr
    this.fallback = [...this.childNodes];
    this.guard(() => this.compose());
  }

  /** Builds the element; who has to wait for something tells later that it is ready. */
  compose() {
    this.build();
    this.stands();
  }

  /** Tells the page that the element stands. @protected */
  stands() {
    delete this.dataset.failed;
    this.dataset.ready = "";
    this.dispatchEvent(new CustomEvent("mg-ready", { bubbles: true }));
  }

  /** Makes the element's content out of `this.fallback`, attributes and properties. */
  build() {}

  /** Undoes what reaches beyond the element. */
  leave() {
    for (const undo of this.leaving.splice(0)) undo();
    this.calm.stop();
    this.summaryLine = null;
    delete this.dataset.ready;
  }

  /**
   * @template T
   * @param {() => T} run
   */
  guard(run) {
    return guarded((error) => this.fail(error), run);
  }

  /** @param {unknown} error */
  fail(error) {
    this.leave();
    const again = () => {
      this.replaceChildren(...this.fallback);
      this.begin();
    };
    showFailure(this, error, { fallback: this.fallback, again });
  }

  /**
   * Listens under the guard until the element leaves the page.
   * @param {EventTarget} target
   * @param {string} types apart by spaces
   * @param {(event: any) => unknown} heard
   * @param {AddEventListenerOptions} [options]
   */
  listen(target, types, heard, options) {
    const guardedHeard = (/** @type {Event} */ event) => {
      this.guard(() => heard(event));
    };
    for (const type of types.split(" ")) {
      target.addEventListener(type, guardedHeard, options);
      this.leaving.push(() => target.removeEventListener(type, guardedHeard, options));
    }
  }

  /** @param {() => void} undo */
  whenLeaving(undo) {
    this.leaving.push(undo);
  }

  /**
   * Draws again if the element is up: for setters.
   * @param {() => void} draw
   */
  redraw(draw) {
    if ("ready" in this.dataset) this.guard(draw);
  }

  /**
   * Says in words what the element shows now; screen readers hear it when it has come to rest, and
   * only then is it asked for.
   * @param {string | (() => string)} text
   */
  summary(text) {
    const told = () => (typeof text === "string" ? text : text());
    if (!this.summaryLine) {
      this.summaryLine = html("p", { class: "mg-summary", role: "status" }, told());
      this.append(this.summaryLine);
      return;
    }
    const line = this.summaryLine;
    this.speak = () => setText(line, told());
    this.calm.changed();
  }

  /**
   * @param {string} type
   * @param {unknown} detail
   */
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
  }

  /**
   * A number attribute, or `otherwise` where it is missing or none.
   * @param {string} name
   * @param {number} otherwise
   */
  numberOf(name, otherwise) {
    const text = this.getAttribute(name);
    const x = text === null || text.trim() === "" ? NaN : Number(text);
    return Number.isFinite(x) ? x : otherwise;
  }

  /** Properties that were set before the element was known go through their setters now. */
  takeProperties() {
    for (const name of Object.keys(this)) {
      const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(this), name)?.set;
      if (!setter) continue;
      const value = /** @type {any} */ (this)[name];
      delete (/** @type {any} */ (this)[name]);
      /** @type {any} */ (this)[name] = value;
    }
  }
}

/**
 * @param {string} name
 * @param {CustomElementConstructor} type
 */
export function define(name, type) {
  if (!customElements.get(name)) customElements.define(name, type);
}
