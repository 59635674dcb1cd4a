// The bot of the assignment, as src/microgpt/guard/bot.py and rails.py: one request in, one line
// out, with a rail on either side. Here every try is kept, so that a page can show it. No DOM.

import { marked } from "../../characters.js";
import { MOST_NAMES, MOST_TYPED } from "../trained/prefixes.js";
import { shapes } from "../../config.js";
import { InputError } from "../../errors.js";
import { asRows, floats } from "../../numbers/arithmetic.js";
import { emptyCache, gpt } from "../../numbers/forward.js";
import { Random } from "../../random.js";
import { sampleByLogits } from "../../sampling.js";
import { Automaton } from "./automaton.js";

/** @typedef {import("../../model.js").Model} Model */
/** @typedef {import("./leak.js").LeakEngine} LeakEngine */
/**
 * What data/fruits.toml says, as the build turns it into JSON.
 * @typedef {{tries: number, temperature: number, category: {words: string[], reason: string,
 *   heads: number, leads: string[]}[]}} Policy
 */
/** @typedef {{request: boolean, output: boolean, constrained: boolean}} Switches */
/**
 * @typedef {{text: string, forced: number, found: string | null}} Try `forced`: how many letters
 *   were given
 */
/**
 * @typedef {{prefix: string, tries: Try[], name: string | null}} Asked what became of one prefix
 */
/**
 * @typedef {{line: string, asked: Asked[], by: "letters" | "request" | "tries" | null,
 *   why: string}} Answer
 */

export const MOST_WORDS = 100;
export const LETTERS = { least: 2, most: 16 };

/**
 * The prefixes that a line asks for; null if it has something, but no usable letter.
 * @param {string} line
 * @param {readonly string[]} uchars
 */
export function prefixesOf(line, uchars) {
  const known = new Set(uchars);
  const small = uchars.some((char) => char !== char.toLowerCase()) ? line : line.toLowerCase();
  // Where Python's split cuts, and JavaScript's \s doesn't.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these four are control characters
  const typed = small.split(/(?:[^\S\ufeff]|[\x1c-\x1f\x85])+/u).filter((part) => part);
  const kept = typed
    .map((part) => [...part].filter((char) => known.has(char)).join(""))
    .filter((prefix) => prefix);
  if (kept.length) return kept;
  return typed.length ? null : [""];
}

/**
 * A list of banned words as a reader types it. Throws `InputError` with a line for the reader.
 * @param {string} typed apart by spaces, commas or lines
 * @param {readonly string[]} uchars
 */
export function readWords(typed, uchars) {
  const words = [
    ...new Set(
      typed
        .toLowerCase()
        .split(/[\s,;]+/u)
        .filter((word) => word),
    ),
  ];
  if (!words.length)
    throw new InputError("There is no word left to ban.", "Write one, or reset the list.");
  if (words.length > MOST_WORDS)
    throw new InputError(
      `That is ${words.length} words; at most ${MOST_WORDS} are accepted here.`,
      "Leave some out.",
    );
  for (const word of words) {
    const shown = `“${marked(word.slice(0, 20))}${word.length > 20 ? "…" : ""}”`;
    if (![...word].every((char) => uchars.includes(char)))
      throw new InputError(
        `${shown} has characters other than ${uchars[0]} to ${uchars.at(-1)}, and the ` +
          "model writes no others.",
        "Change it or leave it out.",
      );
    if (word.length < LETTERS.least || word.length > LETTERS.most)
      throw new InputError(
        `${shown} has ${word.length} letter${word.length === 1 ? "" : "s"}, a banned word ` +
          `here has ${LETTERS.least} to ${LETTERS.most}.`,
        "Change it or leave it out.",
      );
  }
  return words;
}

/**
 * An engine in plain numbers, for browsers without WebAssembly.
 * @param {Model} model
 * @returns {LeakEngine}
 */
export function plainLogits({ config, weights }) {
  const rows = asRows(weights, shapes(config));
  const logits = (/** @type {number[][]} */ lists) =>
    lists.map((tokens) => {
      const cache = emptyCache(config);
      return tokens.flatMap((token, position) => gpt(floats, config, rows, token, position, cache));
    });
  return {
    config,
    logits,
    sample: (prefixes, options) => sampleByLogits({ config, logits }, prefixes, options),
  };
}

/** Which requests are refused before, and which names are held back after. */
export class Rails {
  /** @param {Policy} policy @param {readonly string[]} [words] other ones than the policy's */
  constructor(policy, words = policy.category.flatMap((one) => one.words)) {
    const [{ heads, leads, reason }] = policy.category;
    this.words = words;
    this.reason = reason;
    // A shorter beginning counts where it begins a word of the list.
    const own = leads.filter((lead) =>
      words.some((word) => word.startsWith(lead.replace(/^\^\.*/, ""))),
    );
    const anywhere = own.filter((lead) => !lead.startsWith("^"));
    this.heads = new Set([
      ...anywhere,
      ...words.flatMap((word) => (heads ? beginnings(word, heads) : [])),
    ]);
    // With ^ it counts only where as many letters stand before it as there are dots: "^.non"
    // refuses anon, not shannon.
    this.first = own
      .filter((lead) => lead.startsWith("^"))
      .map((lead) => {
        const head = lead.replace(/^\^\.*/, "");
        return { head, length: lead.length - 1 };
      });
  }

  /** The word in a text that ends first, of several the longest. @param {string} text */
  found(text) {
    const ends = this.words
      .filter((word) => text.includes(word))
      .map((word) => ({ word, end: text.indexOf(word) + word.length }));
    ends.sort((a, b) => a.end - b.end || b.word.length - a.word.length);
    return ends[0]?.word ?? null;
  }

  /** Why a prefix is refused, in a few words; null if it isn't. @param {string} prefix */
  refused(prefix) {
    const word = this.found(prefix);
    if (word) return `“${prefix}” holds “${word}”`;
    const ending = [...this.heads].filter((one) => prefix.endsWith(one));
    const placed = this.first
      .filter(({ head, length }) => prefix.length === length && prefix.endsWith(head))
      .map(({ head }) => head);
    const head = [...ending, ...placed].sort((a, b) => b.length - a.length)[0];
    return head ? `“${prefix}” ends in “${head}”` : null;
  }
}

/** @param {string} word @param {number} from letters */
function beginnings(word, from) {
  return Array.from({ length: Math.max(0, word.length - from) }, (_, i) => word.slice(0, from + i));
}

export class Bot {
  /**
   * @param {LeakEngine} engine
   * @param {import("../../tokenizer.js").Tokenizer} tokenizer
   * @param {Policy} policy
   * @param {readonly string[]} [words] other ones than the policy's
   */
  constructor(engine, tokenizer, policy, words) {
    this.engine = engine;
    this.tokenizer = tokenizer;
    this.policy = policy;
    this.rails = new Rails(policy, words);
    this.automaton = new Automaton(this.rails.words, tokenizer);
  }

  /** Throws `InputError` for more than a page should draw at once. @param {string} line */
  prefixes(line) {
    if (line.length > MOST_TYPED)
      throw new InputError(
        `That is ${line.length.toLocaleString("en")} characters; at most ${MOST_TYPED} are ` +
          "accepted on this page.",
        "The bot itself accepts a megabyte.",
      );
    const prefixes = prefixesOf(line, this.tokenizer.uchars);
    if (prefixes && prefixes.length > MOST_NAMES)
      throw new InputError(
        `That is ${prefixes.length} prefixes; at most ${MOST_NAMES} are accepted on this page.`,
        "Leave some out.",
      );
    return prefixes;
  }

  /**
   * The answer to one line: the first that `microgpt bot --seed SEED` gives.
   * @param {string} line
   * @param {number} seed
   * @param {Switches} on which rails there are
   * @returns {Answer}
   */
  answer(line, seed, on) {
    const prefixes = this.prefixes(line);
    const { uchars } = this.tokenizer;
    if (!prefixes)
      return refusal(`input had no usable letters (${uchars[0]}-${uchars.at(-1)}).`, "letters");
    const why = on.request
      ? prefixes.map((prefix) => this.rails.refused(prefix)).find((found) => found !== null)
      : null;
    if (why) return refusal(this.rails.reason, "request", [], why);
    const most = this.engine.config.block_size;
    const { tries, temperature } = this.policy;
    const rng = new Random(seed);
    /** @type {number[]} */ let draws = [];
    const asked = prefixes.map(
      (prefix) => /** @type {Asked} */ ({ prefix, tries: [], name: null }),
    );
    for (const one of asked) {
      const forced = this.tokenizer.encode(one.prefix).slice(0, most);
      while (one.name === null) {
        while (draws.length < most) draws.push(...rng.uniforms(256));
        const { tokens, used } = this.engine.sample([forced], {
          temperature,
          uniforms: draws.slice(0, most),
          guard: on.constrained ? this.automaton.guard : null,
        });
        draws = draws.slice(used);
        const text = this.tokenizer.decode(tokens[0]);
        const found = this.rails.found(text);
        one.tries.push({ text, forced: forced.length, found });
        if (text && !(on.output && found)) one.name = text;
        else if (one.tries.length === tries)
          return refusal(
            `no acceptable name was found in ${tries} tries.`,
            "tries",
            asked.slice(0, asked.indexOf(one) + 1),
          );
      }
    }
    return { line: `OK: ${asked.map(({ name }) => name).join(", ")}`, asked, by: null, why: "" };
  }
}

/**
 * @param {string} reason
 * @param {Answer["by"]} by
 * @param {Asked[]} [asked]
 * @param {string} [why]
 * @returns {Answer}
 */
const refusal = (reason, by, asked = [], why = "") => ({
  line: `REFUSE: ${reason}`,
  asked,
  by,
  why,
});
