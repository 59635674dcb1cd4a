// What can go wrong, in the trunk's words (src/microgpt/errors.py): a message that says value and
// limit, and a remedy.

/** The root: `message` is both sentences, `said` the first alone. */
export class MicrogptError extends Error {
  /**
   * @param {string} said what was found, and what the limit is
   * @param {string} [remedy] what to do about it
   */
  constructor(said, remedy = "") {
    super(`${said} ${remedy}`.trim());
    this.name = new.target.name;
    this.said = said;
    this.remedy = remedy;
  }
}

/** A value, text or array that can't be used. */
export class InputError extends MicrogptError {}

/** A character or token outside the vocabulary. */
export class TokenError extends InputError {}

/** A model file or kernel that is damaged, or of another version. */
export class FileError extends MicrogptError {}

/**
 * A value as a message shows it: one line, cut.
 * @param {unknown} value
 * @returns {string}
 */
export function shown(value) {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Function) return "a function";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
