// Characters and token ids, as src/microgpt/tokenizer.py: code points in order are 0, 1, …; BOS,
// which marks where a document begins and ends, is the last.

import { TokenError, shown } from "./errors.js";

export class Tokenizer {
  /** @param {Iterable<string>} uchars the characters in code-point order, each once */
  constructor(uchars) {
    this.uchars = Object.freeze([...uchars]);
    this.bos = this.uchars.length;
    this.vocab_size = this.bos + 1;
    /** @private */ this.ids = new Map(this.uchars.map((char, id) => [char, id]));
  }

  /**
   * The tokenizer whose vocabulary is every character of the documents.
   * @param {Iterable<string>} docs
   */
  static of(docs) {
    /** @type {Set<string>} */
    const chars = new Set();
    for (const doc of docs) for (const char of doc) chars.add(char);
    const point = (/** @type {string} */ char) => Number(char.codePointAt(0));
    return new Tokenizer([...chars].sort((a, b) => point(a) - point(b)));
  }

  /**
   * Token ids of a text. Throws `TokenError` for a character outside the vocabulary.
   * @param {string} text
   * @returns {number[]}
   */
  encode(text) {
    return Array.from(text, (char, at) => {
      const id = this.ids.get(char);
      if (id === undefined) {
        throw new TokenError(
          `${shown(char)} at position ${at} of ${shown(text)} is not in the vocabulary ` +
            `(${this.bos} characters).`,
          "Train on data that has it.",
        );
      }
      return id;
    });
  }

  /**
   * Token ids of a whole document: BOS, its characters, BOS.
   * @param {string} text
   */
  encodeDocument(text) {
    return [this.bos, ...this.encode(text), this.bos];
  }

  /**
   * The characters of token ids; BOS is dropped.
   * @param {Iterable<number>} tokens
   */
  decode(tokens) {
    let text = "";
    for (const token of tokens) {
      if (token === this.bos) continue;
      if (!(token in this.uchars)) {
        throw new TokenError(`Token ${token} is outside 0 to ${this.bos}.`);
      }
      text += this.uchars[token];
    }
    return text;
  }
}
