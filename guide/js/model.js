// Reads a model.json (src/microgpt/disk/modelfile.py says what is in it). It may come from a
// stranger: sizes are checked before anything is allocated, and every number must be finite.

import { makeConfig, parameters, shapes } from "./config.js";
import { FileError, InputError, shown } from "./errors.js";
import { sha256 } from "./sha256.js";
import { Tokenizer } from "./tokenizer.js";

const FORMAT = "tiny-gpt-char-v1";
const LIMIT = 64 * 2 ** 20;
const SIZES = /** @type {const} */ (["n_layer", "n_embd", "block_size", "n_head", "vocab_size"]);
const REMEDY = "Export it again, or use another file.";

/**
 * @typedef {object} Model
 * @property {Readonly<import("./config.js").Config>} config
 * @property {Tokenizer} tokenizer
 * @property {Record<string, Float64Array>} weights flat [out × in] by name
 * @property {string[]} warnings about keys that were ignored
 */

/**
 * The model in a file's text. Throws `FileError`.
 * @param {string} text
 * @returns {Model}
 */
export function readModel(text) {
  if (text.length > LIMIT) {
    throw bad(`it has ${text.length} characters, above the limit of ${LIMIT}`);
  }
  let content;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw bad(`it is not readable JSON: ${/** @type {Error} */ (error).message}`);
  }
  /** @type {string[]} */
  const warnings = [];
  const parts = ["format", "config", "tokenizer", "state_dict"];
  const whole = keys(content, "the file", parts, ["digest"], warnings);
  mustBe(whole.format, "format", FORMAT);
  const config = readConfig(whole.config, text.length, warnings);
  const tokenizer = readTokenizer(whole.tokenizer, config.vocab_size, warnings);
  const names = shapes(config).map(([name]) => name);
  const matrices = keys(whole.state_dict, "state_dict", names, [], warnings);
  /** @type {Record<string, Float64Array>} */
  const weights = {};
  for (const [name, out, into] of shapes(config)) {
    weights[name] = readMatrix(matrices[name], `state_dict.${name}`, out, into);
  }
  if (Object.hasOwn(whole, "digest")) checkDigest(whole.digest, digestOf(Object.values(weights)));
  return { config, tokenizer, weights, warnings };
}

/**
 * The SHA-256 of all numbers in their order, each as 8 bytes, little-endian.
 * @param {ArrayLike<number>[]} matrices
 */
export function digestOf(matrices) {
  const bytes = new DataView(new ArrayBuffer(8 * matrices.reduce((n, flat) => n + flat.length, 0)));
  let at = 0;
  for (const flat of matrices) {
    for (let i = 0; i < flat.length; i++) bytes.setFloat64(8 * at++, flat[i], true);
  }
  return sha256(new Uint8Array(bytes.buffer));
}

/**
 * @param {unknown} digest
 * @param {string} found
 */
function checkDigest(digest, found) {
  if (digest === found) return;
  const said = typeof digest === "string" ? `${digest.slice(0, 12)}…` : digest;
  throw bad(
    `digest is ${shown(said)}, but the SHA-256 of its numbers is ${found.slice(0, 12)}…: ` +
      "it has changed since it was written",
    "Take a good copy. If it was changed on purpose, take the key digest out of the file.",
  );
}

/** @param {string} reason */
function bad(reason, remedy = REMEDY) {
  return new FileError(`This model.json can't be used: ${reason}.`, remedy);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {unknown} wanted
 */
function mustBe(value, name, wanted) {
  if (value !== wanted) throw bad(`${name} is ${shown(value)}, must be ${shown(wanted)}`);
}

/**
 * The object `value`, which must have the keys `wanted` and may have `more`.
 * @param {unknown} value
 * @param {string} name
 * @param {readonly string[]} wanted
 * @param {readonly string[]} more
 * @param {string[]} warnings
 * @returns {Record<string, any>}
 */
function keys(value, name, wanted, more, warnings) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw bad(`${name} is ${shown(value)}, must be a JSON object`);
  }
  const missing = wanted.filter((key) => !Object.hasOwn(value, key));
  if (missing.length) throw bad(`${name} lacks ${missing.slice(0, 5).join(", ")}`);
  const known = new Set([...wanted, ...more]);
  const unknown = Object.keys(value).filter((key) => !known.has(key));
  if (unknown.length) {
    warnings.push(`Unknown keys in ${name} ignored: ${unknown.slice(0, 5).map(shown).join(", ")}.`);
  }
  return value;
}

/**
 * @param {unknown} value
 * @param {number} size of the file, which must be able to hold the model
 * @param {string[]} warnings
 */
function readConfig(value, size, warnings) {
  const given = keys(value, "config", [...SIZES, "head_dim", "BOS"], ["activation"], warnings);
  const activation = given.activation ?? "relu";
  const sizes = Object.fromEntries(SIZES.map((name) => [name, given[name]]));
  let config;
  try {
    config = makeConfig({ ...sizes, activation });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw bad(`config: ${error.said.replace(/\.$/, "")}`, error.remedy || REMEDY);
  }
  const count = parameters(config);
  if (2 * count > size) {
    throw bad(
      `config asks for ${count} numbers, and the file's ${size} characters can't hold them`,
    );
  }
  mustBe(given.head_dim, "config.head_dim", config.n_embd / config.n_head);
  mustBe(given.BOS, "config.BOS", config.vocab_size - 1);
  return config;
}

/**
 * @param {unknown} value
 * @param {number} vocabSize
 * @param {string[]} warnings
 */
function readTokenizer(value, vocabSize, warnings) {
  const wanted = ["type", "uchars", "stoi", "itos", "bos_token_id"];
  const given = keys(value, "tokenizer", wanted, [], warnings);
  mustBe(given.type, "tokenizer.type", "character");
  const { uchars } = given;
  if (!Array.isArray(uchars) || uchars.length !== vocabSize - 1) {
    throw bad(
      `tokenizer.uchars is ${shown(uchars)}, must be a list of ${vocabSize - 1} characters ` +
        "(BOS is the last token)",
    );
  }
  uchars.forEach((char, i) => {
    if (typeof char !== "string" || [...char].length !== 1 || /^[\ud800-\udfff]$/.test(char)) {
      throw bad(`tokenizer.uchars[${i}] is ${shown(char)}, must be one character`);
    }
    if (i && Number(char.codePointAt(0)) <= Number(uchars[i - 1].codePointAt(0))) {
      throw bad(
        `tokenizer.uchars has ${shown(char)} after ${shown(uchars[i - 1])}, ` +
          "must be in code-point order, each once",
      );
    }
  });
  mustBe(given.bos_token_id, "tokenizer.bos_token_id", uchars.length);
  const stoi = keys(given.stoi, "tokenizer.stoi", uchars, [], warnings);
  const ids = uchars.map((_, i) => String(i));
  const itos = keys(given.itos, "tokenizer.itos", ids, [], warnings);
  uchars.forEach((char, i) => {
    mustBe(stoi[char], `tokenizer.stoi[${shown(char)}]`, i);
    mustBe(itos[i], `tokenizer.itos["${i}"]`, char);
  });
  return new Tokenizer(uchars);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {number} out
 * @param {number} into
 */
function readMatrix(value, name, out, into) {
  if (!Array.isArray(value) || value.length !== out) {
    throw bad(`${name} is ${shown(value)}, must be a list of ${out} rows`);
  }
  const flat = new Float64Array(out * into);
  value.forEach((row, i) => {
    if (!Array.isArray(row) || row.length !== into) {
      throw bad(`${name}[${i}] is ${shown(row)}, must be a list of ${into} numbers`);
    }
    row.forEach((x, j) => {
      if (typeof x !== "number" || !Number.isFinite(x)) {
        throw bad(`${name}[${i}][${j}] is ${shown(x)}, must be a finite number`);
      }
    });
    flat.set(row, i * into);
  });
  return flat;
}
