// What the chat does, without a page: reads what was typed, lets the trained model go on from each
// beginning, and marks what comes out. The stream is that of `microgpt sample model.json --seed S`:
// seeded for each message, one name after the other.

import { marked } from "../../characters.js";
import { makeConfig, shapes } from "../../config.js";
import { FileError, InputError } from "../../errors.js";
import { loadKernel } from "../../kernel.js";
import { readModel } from "../../model.js";
import { asRows, floats } from "../../numbers/arithmetic.js";
import { emptyCache, gpt } from "../../numbers/forward.js";
import { Random } from "../../random.js";
import { sampleByLogits } from "../../sampling.js";

/** @typedef {"trained" | "file" | "new"} Mark */
/**
 * @typedef {{prefix: string, rest: string, text: string, mark: Mark}} Name forced letters, sampled
 *   ones, both
 */
/** @typedef {{seed: number, temperature: number, text: string}} Message */

export const MOST_NAMES = 20;
/** More than this was no beginning of a name. */
export const MOST_TYPED = 400;
export const LAST_SEED = 2 ** 32 - 1;
const SEPARATOR = "~";

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

/**
 * An engine in plain numbers, for browsers without WebAssembly: only what sampling needs.
 * @param {import("../../model.js").Model} model
 */
export function plainEngine({ config, weights }) {
  const rows = asRows(weights, shapes(config));
  const logits = (/** @type {number[][]} */ lists) =>
    lists.map((tokens) => {
      const cache = emptyCache(config);
      return tokens.flatMap((token, position) => gpt(floats, config, rows, token, position, cache));
    });
  const engine = { config, logits };
  return {
    sample: (
      /** @type {number[][]} */ prefixes,
      /** @type {import("../../sampling.js").SampleOptions} */ options,
    ) => sampleByLogits(engine, prefixes, options),
  };
}

/** The trained model with its marks, ready to write. */
export class Writer {
  /**
   * @param {import("../../model.js").Model} model
   * @param {(text: string) => Mark} markOf
   * @param {import("../../kernel.js").Kernel | null} kernel null: plain numbers do the work
   */
  constructor(model, markOf, kernel) {
    this.model = model;
    this.markOf = markOf;
    this.plain = kernel === null;
    if (kernel) {
      const engine = kernel.create({ config: model.config, dtype: "float64" });
      engine.load(model.weights);
      this.engine = engine;
    } else this.engine = plainEngine(model);
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
    const { tokenizer, config } = this.model;
    const prefixes = readPrefixes(text, this.known);
    const forced = prefixes.map((prefix) => tokenizer.encode(prefix));
    const uniforms = new Random(seed).uniforms(forced.length * config.block_size);
    const { tokens } = this.engine.sample(forced, { temperature, uniforms });
    return tokens.map((ids, i) => {
      const name = tokenizer.decode(ids);
      return {
        prefix: prefixes[i],
        rest: name.slice(prefixes[i].length),
        text: name,
        mark: this.markOf(name),
      };
    });
  }
}

/**
 * Fetches the model, the list of names and the kernel, and puts them together.
 * @param {{text: (path: string) => Promise<string>, kernel: URL | BufferSource}} where `text` reads
 *     model.json and names.txt
 * @returns {Promise<Writer>}
 */
export async function openWriter({ text, kernel }) {
  const compiled = loadKernel(kernel).catch((error) => {
    if (!(error instanceof FileError)) throw error;
    return null; // without WebAssembly, or with one that lacks SIMD, plain numbers do the work
  });
  const [file, list, made] = await Promise.all([text("model.json"), text("names.txt"), compiled]);
  const docs = list
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line);
  return new Writer(readModel(file), marksOf(docs, makeConfig().steps), made);
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
  return names.map(({ text, mark }) => `${text || "an empty name"}, ${mark}`).join("; ");
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
