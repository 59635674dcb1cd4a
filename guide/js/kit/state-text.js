// A widget's state as text for the address, and back. No DOM.
//
// In the address it stands behind the page's own anchor: #anchor?dot=v:1_2_0_1&draws=seed:7. Only
// what differs from the defaults is written.

import { nameNow } from "./state-names.js";
import { snapped } from "./text.js";

/**
 * @typedef {{kind: "number", initial: number, min: number, max: number, step?: number}} OfNumber
 */
/** @typedef {{kind: "choice", initial: string, among: readonly string[]}} OfChoice */
/** @typedef {{kind: "flag", initial: boolean}} OfFlag */
/** @typedef {{kind: "text", initial: string, most: number}} OfText */
/** @typedef {{kind: "numbers", initial: readonly number[], min: number, max: number}} OfNumbers */
/** @typedef {OfNumber | OfChoice | OfFlag | OfText | OfNumbers} Field */
/** @typedef {Record<string, Field>} Schema */
/** @typedef {Record<string, any>} Values */
/**
 * The values of fields that are known by name; of others, anything.
 * @template F
 * @typedef {string extends keyof F ? Values : {[K in keyof F]: F[K] extends OfNumber ? number :
 *   F[K] extends OfNumbers ? number[] : F[K] extends OfFlag ? boolean : string}} ValuesOf
 */

/**
 * @param {number} initial
 * @param {number} min
 * @param {number} max
 * @param {number} [step]
 * @returns {OfNumber}
 */
export const numberField = (initial, min, max, step) => ({
  kind: "number",
  initial,
  min,
  max,
  step,
});
/** @param {number} initial @param {number} min @param {number} max @returns {OfNumber} */
export const wholeField = (initial, min, max) => ({ kind: "number", initial, min, max, step: 1 });
/** @param {string} initial @param {readonly string[]} among @returns {OfChoice} */
export const choiceField = (initial, among) => ({ kind: "choice", initial, among });
/** @param {boolean} initial @returns {OfFlag} */
export const flagField = (initial) => ({ kind: "flag", initial });
/** @param {string} initial @param {number} [most] @returns {OfText} */
export const textField = (initial, most = 2000) => ({ kind: "text", initial, most });
/**
 * As many numbers as there are at first.
 * @param {readonly number[]} initial
 * @param {number} min
 * @param {number} max
 * @returns {OfNumbers}
 */
export const numbersField = (initial, min, max) => ({ kind: "numbers", initial, min, max });
/** The seed of a random stream. @param {number} [initial] */
export const seedField = (initial = 42) => wholeField(initial, 0, 2 ** 32 - 1);

/** @param {Schema} schema @returns {Values} */
export function initialValues(schema) {
  return Object.fromEntries(
    Object.entries(schema).map(([name, { initial }]) => [
      name,
      Array.isArray(initial) ? [...initial] : initial,
    ]),
  );
}

/**
 * A field's value from its text; undefined if it can't be one.
 * @param {Field} field
 * @param {string} text
 * @returns {any}
 */
export function readField(field, text) {
  const inside = (
    /** @type {string} */ part,
    /** @type {{min: number, max: number}} */ { min, max },
  ) => {
    const x = /^-?[\d.]+(e[-+]?\d+)?$/i.test(part) ? Number(part) : NaN;
    return x >= min && x <= max ? x : undefined;
  };
  switch (field.kind) {
    case "number": {
      const x = inside(text, field);
      return x === undefined || !field.step ? x : snapped(x, { ...field, step: field.step });
    }
    case "numbers": {
      const all = text.split("_").map((part) => inside(part, field));
      const fits = all.length === field.initial.length && all.every((x) => x !== undefined);
      return fits ? all : undefined;
    }
    case "choice":
      return field.among.includes(text) ? text : undefined;
    case "flag":
      return text === "1" ? true : text === "0" ? false : undefined;
    case "text":
      return text.length <= field.most ? text : undefined;
  }
}

/** A field's value as text. @param {Field} field @param {any} value @returns {string} */
export function writeField(field, value) {
  if (field.kind === "flag") return value ? "1" : "0";
  if (field.kind === "numbers") return value.join("_");
  return String(value);
}

/**
 * Letters of its own mean nothing inside a value: , : & and so on are escaped. Half of a character,
 * as a cut text may end with, can't stand in an address: it becomes the sign for that.
 * @param {string} text
 */
const escaped = (text) =>
  encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd")).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`,
  );

/** @param {string} text */
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * The state of one widget. What can't be read keeps its default, and its name comes back in `bad`.
 * @param {Schema} schema
 * @param {string | null | undefined} text as `writeState` writes it
 * @returns {{values: Values, bad: string[]}}
 */
export function readState(schema, text) {
  const values = initialValues(schema);
  /** @type {string[]} */
  const bad = [];
  for (const part of (text ?? "").split(",").filter((one) => one)) {
    const at = part.indexOf(":");
    const name = unescaped(at < 0 ? part : part.slice(0, at)) ?? part;
    const raw = at < 0 ? undefined : unescaped(part.slice(at + 1));
    const field = Object.hasOwn(schema, name) ? schema[name] : undefined;
    const value = field && raw !== undefined ? readField(field, raw) : undefined;
    if (value === undefined) bad.push(name.slice(0, 30));
    else values[name] = value;
  }
  return { values, bad };
}

/**
 * @param {Schema} schema
 * @param {Values} values
 */
export function writeState(schema, values) {
  return Object.entries(schema)
    .map(([name, field]) => [
      name,
      writeField(field, values[name]),
      writeField(field, field.initial),
    ])
    .filter(([, now, initial]) => now !== initial)
    .map(([name, now]) => `${escaped(name)}:${escaped(now)}`)
    .join(",");
}

/**
 * The parts of an address behind its #, each under the name that it has now.
 * @param {string} hash with or without #
 * @returns {{anchor: string, parts: Map<string, string>}}
 */
export function readHash(hash) {
  const text = hash.replace(/^#/, "");
  const at = text.indexOf("?");
  /** @type {Map<string, string>} */
  const parts = new Map();
  for (const part of at < 0 ? [] : text.slice(at + 1).split("&")) {
    const equals = part.indexOf("=");
    if (part)
      parts.set(
        nameNow(equals < 0 ? part : part.slice(0, equals)),
        equals < 0 ? "" : part.slice(equals + 1),
      );
  }
  return { anchor: at < 0 ? text : text.slice(0, at), parts };
}

/**
 * @param {string} anchor
 * @param {Map<string, string>} parts
 */
export function writeHash(anchor, parts) {
  const all = [...parts].filter(([, text]) => text !== "").map(([name, text]) => `${name}=${text}`);
  return all.length ? `#${anchor}?${all.join("&")}` : anchor ? `#${anchor}` : "";
}
