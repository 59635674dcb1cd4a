// What the chat does once something is sent, without a page: lets the trained model go on from each
// beginning, letter by letter, and marks what comes out. The stream is that of `microgpt sample
// model.json --seed S`: seeded for each message, one name after the other.

import { makeConfig, shapes } from "../../config.js";
import { readModel } from "../../model.js";
import { asRows } from "../../numbers/arithmetic.js";
import { choice, Random } from "../../random.js";
import { distribution } from "../../sampling.js";
import { readPrefixes } from "./prefixes.js";
import { Reading } from "./reading.js";

/** @typedef {"trained" | "file" | "new"} Mark */
/**
 * One draw: the token, the number that drew it, its part of the line, all probabilities, and the
 * tokens before it.
 * @typedef {{token: number, uniform: number, from: number, to: number, probs: number[],
 *   before: number[]}} Letter
 */
/**
 * @typedef {{prefix: string, rest: string, text: string, letters: Letter[], mark?: Mark}} Name
 *   forced letters, sampled ones, both; how it came about
 */
/** @typedef {{seed: number, temperature: number, text: string}} Message */

export const LAST_SEED = 2 ** 32 - 1;
const SEPARATOR = "~";

/**
 * The marks of a run on these documents: what its steps took is `trained`.
 * @param {string[]} docs in the order of the file
 * @param {number} steps
 * @param {number} [seed]
 * @returns {(text: string) => Mark}
 */
export function marksOf(docs, steps, seed = 42) {
  const shuffled = [...docs];
  new Random(seed).shuffle(shuffled);
  const trained = new Set(shuffled.slice(0, steps));
  const file = new Set(docs);
  return (text) => (trained.has(text) ? "trained" : file.has(text) ? "file" : "new");
}

/** The trained model, ready to write: letter by letter, with the number that drew each. */
export class Writer {
  /** @param {import("../../model.js").Model} model */
  constructor(model) {
    this.model = model;
    const { config, weights } = model;
    /** @private */ this.reading = new Reading(asRows(weights, shapes(config)), config);
  }

  /** What `readPrefixes` has to know. */
  get known() {
    return { uchars: this.model.tokenizer.uchars, most: this.model.config.block_size - 1 };
  }

  /**
   * A name for each beginning.
   * @param {Message} message
   * @returns {Name[]}
   */
  answer({ text, temperature, seed }) {
    const prefixes = readPrefixes(text, this.known);
    const stream = new Random(seed);
    return prefixes.map((prefix) => this.name(prefix, temperature, stream));
  }

  /**
   * @private
   * @param {string} prefix
   * @param {number} temperature
   * @param {Random} stream
   * @returns {Name}
   */
  name(prefix, temperature, stream) {
    const { tokenizer, config } = this.model;
    const tokens = tokenizer.encode(prefix);
    /** @type {Letter[]} */
    const letters = [];
    while (tokens.length < config.block_size) {
      const { logits } = this.reading.after(tokens);
      const letter = drawn(logits, temperature, stream.random(), [...tokens]);
      letters.push(letter);
      if (letter.token === tokenizer.bos) break;
      tokens.push(letter.token);
    }
    const text = tokenizer.decode(tokens);
    return { prefix, rest: text.slice(prefix.length), text, letters };
  }
}

/**
 * The token that a number draws, and its part of the line from 0 to 1.
 * @param {number[]} logits
 * @param {number} temperature
 * @param {number} uniform
 * @param {number[]} before
 * @returns {Letter}
 */
function drawn(logits, temperature, uniform, before) {
  const probs = Array.from(distribution(logits, temperature));
  const token = choice(
    probs,
    uniform,
    probs.findLastIndex((p) => p > 0),
  );
  let from = 0;
  for (let i = 0; i < token; i++) from += probs[i];
  return { token, uniform, from, to: from + probs[token], probs, before };
}

/**
 * Fetches the model that writes.
 * @param {(name: string) => Promise<string>} text reads model.json
 */
export async function openWriter(text) {
  return new Writer(readModel(await text("model.json")));
}

/**
 * Fetches the list of names, for the marks.
 * @param {(name: string) => Promise<string>} text reads names.txt
 */
export async function openMarks(text) {
  const docs = (await text("names.txt"))
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line);
  return marksOf(docs, makeConfig().steps);
}

// ---------------------------------------------------------------- a conversation in an address

/**
 * Messages as text for the address, the newest ones as far as they fit.
 * @param {readonly Message[]} messages
 * @param {number} most characters
 */
export function writeMessages(messages, most) {
  const parts = [];
  let length = 0;
  for (const { seed, temperature, text } of [...messages].reverse()) {
    const part = [seed, temperature, text.trim().split(/\s+/u).join(" ")].join(SEPARATOR);
    length += part.length + 1;
    if (length > most) break;
    parts.unshift(part);
  }
  return parts.join("|");
}

/**
 * The messages of an address; what can't be one is left out.
 * @param {string} written
 * @returns {Message[]}
 */
export function readMessages(written) {
  return written.split("|").flatMap((part) => {
    const [seed, temperature, text, more] = part.split(SEPARATOR);
    const good =
      /^\d{1,10}$/.test(seed) &&
      Number(seed) <= LAST_SEED &&
      /^\d(\.\d{1,12})?$/.test(temperature ?? "") &&
      Number(temperature) >= 0.1 &&
      Number(temperature) <= 2 &&
      text !== undefined &&
      more === undefined;
    return good ? [{ seed: Number(seed), temperature: Number(temperature), text }] : [];
  });
}

/**
 * The names in a sentence, as screen readers hear them.
 * @param {readonly Name[]} names
 */
export function inWords(names) {
  return names
    .map(({ text, mark }) => (text || "an empty name") + (mark ? `, ${mark}` : ""))
    .join("; ");
}

/**
 * The message as arguments of the downloaded samplers.
 * @param {Message} message
 */
export function argumentsOf({ seed, temperature, text }) {
  const prefixes = text
    .toLowerCase()
    .split(/\s+/u)
    .filter((part) => part);
  const many = prefixes.length ? prefixes : ["--count", "1"];
  return ["--seed", seed, "--temperature", temperature, ...many].join(" ");
}
