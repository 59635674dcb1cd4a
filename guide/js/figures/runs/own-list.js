// A reader's own list: what it holds, the trained model as a file and inside a link, and back. No
// DOM.
//
// In a link each matrix is its largest number and one byte a weight; a link is text from a stranger
// and read as such.

import { marked } from "../../characters.js";
import { makeConfig, parameters, shapes } from "../../config.js";
import { FileError, InputError } from "../../errors.js";
import { digestOf } from "../../model.js";
import { Bigram } from "../../numbers/bigram.js";
import { Tokenizer } from "../../tokenizer.js";

/** @typedef {import("../../config.js").Config} Config */
/** @typedef {import("../../model.js").Model} Model */

/** A file above this is refused before it is read. */
export const MOST_BYTES = 16 * 2 ** 20;
/** Longer texts, and more lines, aren't taken. */
export const MOST_CHARACTERS = 16 * 2 ** 20;
export const MOST_LINES = 500_000;
/** Above this a link would be too long for some programs to carry. */
export const MOST_IN_LINK = 20_000;
const STEPS = 127; // of a byte, to either side of 0
const REMEDY = "Ask for it again, or train your own.";

/** A text's lines that aren't empty. @param {string} text */
export const linesIn = (text) =>
  text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line);

/** Whether two lists are the same. @param {readonly string[]} a @param {readonly string[]} b */
export const isSameList = (a, b) => a.length === b.length && a.every((word, i) => word === b[i]);

/**
 * What a list holds, for the model that would be trained on it.
 * @param {string | string[]} list one word or line each
 * @param {{block: number, steps: number}} how
 */
export function factsOf(list, { block, steps }) {
  const words = typeof list === "string" ? linesIn(list) : list;
  const lengths = words.map((word) => [...word].length);
  const alphabet = Tokenizer.of(words).uchars;
  const total = lengths.reduce((a, b) => a + b, 0);
  const distinct = new Set(words).size;
  return {
    words,
    alphabet,
    distinct,
    longest: lengths.reduce((a, b) => Math.max(a, b), 0),
    mean: words.length ? total / words.length : 0,
    cut: lengths.filter((length) => length >= block).length,
    passes: words.length ? steps / words.length : 0,
    parameters: words.length
      ? parameters(makeConfig({ vocab_size: alphabet.length + 1, block_size: block }))
      : 0,
  };
}

/**
 * What the reader should know before training, most important first.
 * @param {ReturnType<typeof factsOf>} facts
 * @param {number} block
 */
export function warningsOf({ words, distinct, alphabet, cut, passes, longest }, block) {
  const warnings = [];
  if (distinct === 1)
    warnings.push("This is only one line. All the model can learn is to write that line.");
  else if (passes >= 3)
    warnings.push(
      `Each line is seen about ${Math.round(passes)} times: it will memorise many of ` +
        "them. What it has learned from is marked “trained”.",
    );
  if (cut)
    warnings.push(
      `${cut.toLocaleString("en")} of the lines are cut: with block_size ${block} it learns ` +
        `at most ${block} characters of a line, and never the end of these. The longest has ` +
        `${longest}.`,
    );
  if (words.length - distinct > words.length / 10)
    warnings.push(
      `${(words.length - distinct).toLocaleString("en")} lines occur more than once, and ` +
        "count more for it.",
    );
  if (alphabet.length > 200)
    warnings.push(
      `${alphabet.length.toLocaleString("en")} different characters are a lot: it will see ` +
        "most of them too seldom to learn them.",
    );
  if (/\p{Extended_Pictographic}/u.test(alphabet.join("")))
    warnings.push(
      "Emoji are characters as any others here; those made of several parts are learned part " +
        "by part.",
    );
  return warnings;
}

/**
 * The two losses that a model should come below: guessing, and a table of pairs with one added, on
 * the list that it was counted from.
 * @param {string[]} words
 */
export function floorsOf(words) {
  const tokenizer = Tokenizer.of(words);
  const some = words.slice(0, 50_000);
  const table = new Bigram(tokenizer.vocab_size, Infinity);
  const docs = some.map((word) => tokenizer.encodeDocument(word));
  for (const doc of docs) table.learn(doc);
  let [sum, count] = [0, 0];
  table.counts.forEach((row, token) => {
    const probs = table.probs(token);
    row.forEach((n, next) => {
      sum -= n && n * Math.log(probs[next]);
      count += n;
    });
  });
  return { random: Math.log(tokenizer.vocab_size), pairs: sum / count };
}

/**
 * The text of a beginning as it may be given to this model: throws `InputError` with a line for the
 * reader.
 * @param {string} prefix
 * @param {{uchars: readonly string[], block: number}} known
 */
export function checkedPrefix(prefix, { uchars, block }) {
  const chars = [...prefix];
  const unknown = chars.find((char) => !uchars.includes(char));
  if (unknown !== undefined)
    throw new InputError(
      `It has never seen “${marked(unknown)}”.`,
      "Begin with characters from the list.",
    );
  if (chars.length >= block)
    throw new InputError(
      `That is ${chars.length} characters, and the model reads at most ${block - 1}.`,
      "Make it shorter.",
    );
  return prefix;
}

// ---------------------------------------------------------------- model.json

/**
 * A model as the program and the samplers read it.
 * @param {{config: Config, uchars: readonly string[], weights: Record<string, ArrayLike<number>>}}
 *   model
 */
export function modelText({ config, uchars, weights }) {
  const { n_layer, n_embd, block_size, n_head, vocab_size, activation } = config;
  const state_dict = Object.fromEntries(
    shapes(config).map(([name, out, into]) => [
      name,
      Array.from({ length: out }, (_, r) =>
        Array.from({ length: into }, (_, i) => weights[name][r * into + i] + 0),
      ),
    ]),
  ); // + 0: JSON writes -0 as 0, and the digest is that of what will be read
  return JSON.stringify({
    format: "tiny-gpt-char-v1",
    config: {
      n_layer,
      n_embd,
      block_size,
      n_head,
      head_dim: n_embd / n_head,
      vocab_size,
      BOS: vocab_size - 1,
      ...(activation === "relu" ? {} : { activation }),
    },
    tokenizer: {
      type: "character",
      uchars,
      stoi: Object.fromEntries(uchars.map((char, i) => [char, i])),
      itos: Object.fromEntries(uchars.map((char, i) => [i, char])),
      bos_token_id: uchars.length,
    },
    state_dict,
    digest: digestOf(Object.values(state_dict).map((rows) => rows.flat())),
  });
}

// ---------------------------------------------------------------- a model in a link

const SIZES = /** @type {const} */ (["n_layer", "n_embd", "n_head", "block_size"]);

/** @param {Uint8Array} bytes */
function coded(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096)
    text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** @param {string} text */
function decoded(text) {
  if (!/^[\w-]*$/.test(text)) throw damaged();
  try {
    return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) =>
      char.charCodeAt(0),
    );
  } catch {
    throw damaged();
  }
}

const damaged = () => new FileError("The model in this link is damaged: it can't be read.", REMEDY);

/**
 * Sizes, characters and weights as text that an address can carry.
 * @param {{config: Config, uchars: readonly string[], weights: Record<string, ArrayLike<number>>}}
 *   model
 */
export function packModel({ config, uchars, weights }) {
  const count = parameters(config);
  if (count > MOST_IN_LINK) {
    throw new InputError(
      `${count.toLocaleString("en")} parameters are too many for a link; at most ` +
        `${MOST_IN_LINK.toLocaleString("en")} fit.`,
      "Download model.json and send that.",
    );
  }
  const table = shapes(config);
  const bytes = new Uint8Array(4 * table.length + count);
  const view = new DataView(bytes.buffer);
  let at = 4 * table.length;
  table.forEach(([name], i) => {
    const matrix = Array.from(weights[name]);
    const most = Math.fround(matrix.reduce((a, b) => Math.max(a, Math.abs(b)), 0)) || 1;
    view.setFloat32(4 * i, most, true);
    for (const w of matrix)
      view.setInt8(at++, Math.max(-STEPS, Math.min(STEPS, Math.round((w / most) * STEPS))));
  });
  const sizes = SIZES.map((name) => config[name]).join("_");
  return [
    "1",
    sizes,
    config.activation === "relu" ? "r" : "s",
    coded(new TextEncoder().encode(uchars.join(""))),
    coded(bytes),
  ].join(".");
}

/**
 * The model in a link's text. Throws `FileError`.
 * @param {string} text
 * @returns {Model}
 */
export function unpackModel(text) {
  const [version, sizes, activation, letters, packed, more] = text.split(".");
  if (
    version !== "1" ||
    packed === undefined ||
    more !== undefined ||
    !/^\d{1,3}(_\d{1,3}){3}$/.test(sizes) ||
    !/^[rs]$/.test(activation)
  )
    throw damaged();
  let uchars;
  try {
    uchars = [...new TextDecoder("utf-8", { fatal: true }).decode(decoded(letters))];
  } catch {
    throw damaged();
  }
  const inOrder = uchars.every(
    (char, i) => !i || Number(char.codePointAt(0)) > Number(uchars[i - 1].codePointAt(0)),
  );
  if (!uchars.length || !inOrder) throw damaged();
  const [n_layer, n_embd, n_head, block_size] = sizes.split("_").map(Number);
  let config;
  try {
    config = makeConfig({
      n_layer,
      n_embd,
      n_head,
      block_size,
      vocab_size: uchars.length + 1,
      activation: activation === "r" ? "relu" : "relu_squared",
    });
  } catch {
    throw damaged();
  }
  const count = parameters(config);
  const table = shapes(config);
  const bytes = count <= MOST_IN_LINK ? decoded(packed) : new Uint8Array();
  if (bytes.length !== 4 * table.length + count) throw damaged();
  const view = new DataView(bytes.buffer);
  let at = 4 * table.length;
  /** @type {Record<string, Float64Array>} */
  const weights = {};
  table.forEach(([name, out, into], i) => {
    const most = view.getFloat32(4 * i, true);
    if (!(most > 0 && most < 1e6)) throw damaged();
    weights[name] = Float64Array.from(
      { length: out * into },
      () => (view.getInt8(at++) / STEPS) * most,
    );
  });
  return { config, tokenizer: new Tokenizer(uchars), weights, warnings: [] };
}
