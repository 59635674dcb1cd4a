// What the map above a page shows of a word: for each station a text, or strokes with their classes
// (css/map.css). As guide/build/mapstrip.py draws them; a test compares the two. No DOM.

import { floats, softmax } from "../../numbers/arithmetic.js";
import { trace } from "../../numbers/forward.js";

const WIDE = 128; // of a picture; it is 40 high

/** @typedef {[kinds: string, path: string]} Stroke */

/**
 * Paths by their kind, in the order of the kinds.
 * @param {[kind: string, place: string][]} places
 * @returns {Stroke[]}
 */
function gathered(places) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const [kind, place] of places) found.set(kind, (found.get(kind) ?? "") + place);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

const size = (/** @type {number[]} */ values) => Math.max(...values.map(Math.abs));

/** Numbers as bars up and down from the middle. @param {number[]} values */
function bars(values) {
  const pitch = Math.floor(WIDE / values.length);
  const left = Math.floor((WIDE - pitch * values.length) / 2) + Math.floor(pitch / 2);
  const most = size(values);
  const heights = values.map((value) => Math.floor((19 * value) / most + 0.5));
  return heights.map((high, i) => (high ? `M${left + pitch * i} 20v${-high}` : "")).join("");
}

/** Numbers as cells, above the middle or below it, in three strengths. @param {number[]} values */
function cells(values) {
  const most = size(values);
  return gathered(
    values.map((value, i) => [
      `cell ${value < 0 ? "b" : "a"}${Math.max(1, Math.ceil((3 * Math.abs(value)) / most))}`,
      `M${8 * i + 4} ${value < 0 ? 22 : 6}v12`,
    ]),
  );
}

/** Attention weights: a row for each head, a column for each position. @param {number[][]} heads */
function looks(heads) {
  const pitch = Math.min(16, Math.floor(WIDE / heads[0].length));
  const left = Math.floor((WIDE - pitch * heads[0].length) / 2);
  return heads.flatMap((weights, h) =>
    gathered(
      weights.map((weight, i) => [
        `row h${h + 1} l${Math.max(1, Math.ceil(4 * weight))}`,
        `M${left + pitch * i} ${5 + 10 * h}h${pitch - 1}`,
      ]),
    ),
  );
}

/** Hidden numbers as rows of 16 cells: faint where they are 0. @param {number[]} values */
function hidden(values) {
  const most = Math.max(...values) || 1;
  return gathered(
    values.map((value, i) => [
      `unit l${Math.ceil((4 * value) / most)}`,
      `M${8 * (i % 16)} ${5 + 10 * Math.floor(i / 16)}h6`,
    ]),
  );
}

/**
 * The stations that the trained model is needed for, at the word's last letter: what comes next is
 * the end of the word.
 * @param {import("./real-model.js").Real} real
 * @param {string} word of letters that the model knows
 * @returns {Record<string, string | Stroke[]>}
 */
export function picturesOf({ config, tokenizer, weights }, word) {
  const tokens = [tokenizer.bos, ...tokenizer.encode(word)];
  const all = trace(config, weights, tokens);
  const last = (/** @type {string} */ name) => all[name][tokens.length - 1];
  const probs = softmax(floats, last("logits"));
  const next = probs.indexOf(Math.max(...probs));
  const letter = next === tokenizer.bos ? "end" : tokenizer.uchars[next];
  return {
    embed: cells(last("emb")),
    attention: looks(last("layer0.weights")),
    MLP: hidden(last("layer0.fc1")),
    logits: [["bar logit", bars(last("logits"))]],
    loss: (-Math.log(probs[tokenizer.bos])).toFixed(2),
    backward: [["bar grad", bars(probs.map((p, i) => p - Number(i === tokenizer.bos)))]],
    write: `${letter} ${probs[next].toFixed(2)}`,
  };
}
