import assert from "node:assert/strict";
import { test } from "node:test";

import { find, folded, known } from "../site/search.js";

/** @param {string} location @param {string} title @param {string} text @param {string[]} [terms] */
const entry = (location, title, text, terms) => known({ location, title, text, page: "P", terms });

const ENTRIES = [
  entry("a/", "Size", "Rounding, also called quantisation, and top-k; 2^3.83 = 14.2, w₁ too."),
  entry("b/", "Sampling", "Of all tokens the k most likely are kept.", ["top-k", "warm-up"]),
  entry("c/", "The colours", "Each kind of number has a colour. The top is k.", ["FLOP"]),
  entry("glossary/#size", "Size", "How large something is."),
];
/** @param {string} query */
const places = (query) => find(ENTRIES, query).map((found) => found.location);

test("a term is found as people type it", () => {
  for (const query of ["top-k", "top k", "Top-K", "topk"]) assert.equal(places(query)[0], "b/");
  for (const query of ["warmup", "warm up", "WARM-UP"]) assert.deepEqual(places(query), ["b/"]);
  for (const query of ["flop", "FLOPs", "flops"]) assert.deepEqual(places(query), ["c/"]);
  for (const query of ["quantization", "quantisation"]) assert.deepEqual(places(query), ["a/"]);
  assert.deepEqual(places("colours"), ["c/"]);
  assert.deepEqual(places("2^3.83"), ["a/"]);
  assert.deepEqual(places("w1"), ["a/"]);
  assert.deepEqual(places("nothing of this"), []);
});

test("the glossary's entry comes first among equals", () => {
  assert.deepEqual(places("size"), ["glossary/#size", "a/"]);
});

test("folding keeps the length, so that excerpts are cut at the right place", () => {
  for (const text of ["Quantization", "warm-up", "w₁ x² é 😀 İ", "prize size organized", "ŷ m̂"]) {
    assert.equal(folded(text).length, text.toLowerCase().length, text);
  }
  assert.equal(folded("Normalized sizes"), "normalised sizes");
});
