// The beginnings of names in what a reader types. No DOM.

import { marked } from "../../characters.js";
import { InputError } from "../../errors.js";

export const MOST_NAMES = 20;
/** More than this was no beginning of a name. */
export const MOST_TYPED = 400;

/**
 * The beginnings in what was typed: `ab` is one, `a b` are two, nothing is one without letters.
 * Throws `InputError` with a line for the reader.
 * @param {string} typed
 * @param {{uchars: readonly string[], most: number}} known letters, and how many a name may begin
 *   with
 * @returns {string[]}
 */
export function readPrefixes(typed, { uchars, most }) {
  if (typed.length > MOST_TYPED) {
    const length = typed.length.toLocaleString("en");
    throw new InputError(
      `That is ${length} characters.`,
      "A few letters are enough: it writes short names.",
    );
  }
  const letters = new Set(uchars);
  const prefixes = typed
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .split(/\s+/u)
    .filter((part) => part);
  for (const prefix of prefixes) {
    const unknown = graphemes(prefix).find((one) => !letters.has(one));
    if (unknown !== undefined) {
      throw new InputError(
        `It doesn't know “${marked(unknown)}”, only the letters ${uchars[0]} to ` +
          `${uchars[uchars.length - 1]}.`,
        "Leave that out; a space starts another name.",
      );
    }
    if (prefix.length > most) {
      throw new InputError(
        `“${marked(prefix.slice(0, 20))}${prefix.length > 20 ? "…" : ""}” has ${prefix.length} ` +
          `letters, and the model reads at most ${most}.`,
        "Make it shorter.",
      );
    }
  }
  if (prefixes.length > MOST_NAMES) {
    throw new InputError(
      `That is ${prefixes.length} prefixes; at most ${MOST_NAMES} at a time.`,
      "Leave some out.",
    );
  }
  return prefixes.length ? prefixes : [""];
}

/**
 * What a reader sees as one character each.
 * @param {string} text
 * @returns {string[]}
 */
function graphemes(text) {
  const { Segmenter } = /** @type {any} */ (Intl);
  return Segmenter
    ? Array.from(new Segmenter().segment(text), ({ segment }) => segment)
    : Array.from(text);
}

/**
 * The beginning that is being typed: the last one, or none behind a space. null where it can't be
 * read.
 * @param {string} typed
 * @param {{uchars: readonly string[], most: number}} known
 */
export function typedNow(typed, known) {
  try {
    const all = readPrefixes(typed, known);
    return /\s$/u.test(typed) ? "" : all[all.length - 1];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return null;
  }
}
