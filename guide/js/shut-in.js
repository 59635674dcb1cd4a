// Takes everything from a Worker that could reach the network, another page or what is stored here.
//
// A page's policy in its <meta> doesn't bind its Workers: that takes headers, which a plain server
// doesn't send. So before code runs that a reader typed or pasted, all that isn't on the list below
// goes: fetch, WebSocket, caches, Worker and what a browser may yet invent. Without eval and its
// kin there is no import() either, since that is syntax and not a name.

// The language, and what Python needs to compute, to print and to wait.
const KEPT = new Set(
  `
  globalThis undefined NaN Infinity Object Boolean Symbol Number BigInt Math Date String RegExp
  Array Map Set WeakMap WeakSet WeakRef FinalizationRegistry Promise Proxy Reflect JSON Intl
  Atomics ArrayBuffer SharedArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array
  Uint16Array Int32Array Uint32Array Float16Array Float32Array Float64Array BigInt64Array
  BigUint64Array Iterator Error AggregateError EvalError RangeError ReferenceError SyntaxError
  TypeError URIError SuppressedError DisposableStack AsyncDisposableStack WebAssembly
  isFinite isNaN parseFloat parseInt decodeURI decodeURIComponent encodeURI encodeURIComponent
  escape unescape Function setTimeout clearTimeout setInterval clearInterval queueMicrotask
  structuredClone postMessage addEventListener removeEventListener dispatchEvent constructor
  Event EventTarget MessageEvent ErrorEvent PromiseRejectionEvent MessageChannel MessagePort
  AbortController AbortSignal DOMException TextDecoder TextEncoder URL URLSearchParams atob btoa
  performance Performance crypto Crypto console
  `.split(/\s+/),
);
const OBJECT = Object.getOwnPropertyNames(Object.prototype);

/** Text isn't made into code here. */
function refused() {
  throw new TypeError("no code is made from text in a cell");
}

/** A timer that takes functions alone. @param {Function} timer */
const onlyFunctions =
  (timer) =>
  (/** @type {unknown} */ what, /** @type {unknown[]} */ ...others) =>
    typeof what === "function" ? timer.call(globalThis, what, ...others) : refused();

/**
 * @param {object} from
 * @param {PropertyKey} key
 * @param {unknown} value
 */
const fixed = (from, key, value) =>
  Object.defineProperty(from, key, { value, writable: false, configurable: false });

/** The global object and what it inherits from, as far as it is the browser's. */
function* chain() {
  for (
    let at = /** @type {object | null} */ (globalThis);
    at && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  )
    yield at;
}

/** Shuts this Worker in, for good. Throws if more stays than numbers. */
export function shutIn() {
  const timers = [globalThis.setTimeout, globalThis.setInterval].map(onlyFunctions);
  const makers = [() => {}, async () => {}, function* () {}, async function* () {}].map((one) =>
    Object.getPrototypeOf(one),
  );
  for (const at of chain())
    for (const key of Reflect.ownKeys(at)) {
      if (typeof key === "symbol" || KEPT.has(key) || OBJECT.includes(key)) continue;
      Reflect.deleteProperty(at, key);
    }
  // What is called constructor leads from any function to the maker of functions.
  for (const maker of makers) fixed(maker, "constructor", refused);
  refused.prototype = Function.prototype; // instanceof goes on working
  fixed(globalThis, "Function", refused);
  fixed(globalThis, "setTimeout", timers[0]);
  fixed(globalThis, "setInterval", timers[1]);
  for (const at of chain())
    for (const key of Reflect.ownKeys(at)) {
      if (typeof key === "symbol" || KEPT.has(key) || OBJECT.includes(key)) continue;
      const value = /** @type {any} */ (globalThis)[key];
      if (Object(value) === value) throw new Error(`${key} can't be taken away`);
    }
}
