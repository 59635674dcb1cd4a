// The story of the counts without a page: every table is a count of the first so many names, and
// what the scenes draw is in it. tests/test_guide_pages_counting.py holds the sentences to Python.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { rowDraw } from "../figures/counting/row-draw.js";
import { spotOf, stitches } from "../figures/counting/stitches.js";
import { countsOf, drawn, pairsOf, ROW, SCENES, told } from "../figures/counting/story.js";
import { countsAfter } from "../figures/counting/whole-count.js";
import { linesOf, namesOf } from "../figures/dataset.js";
import { Bigram } from "../numbers/bigram.js";
import { fail, near, same } from "./helpers.js";

const list = readFileSync(new URL("../../../data/names.txt", import.meta.url), "utf8");
const names = namesOf(linesOf(list));
const all = names.shuffled.length;
const place = { left: 30, top: 20, w: 29, h: 18 };
const say = (/** @type {number} */ token) => String(token);

test("each table is the count of the first k names, in whatever order they are asked for", () => {
  const asked = [100, 4, 0, 1, 499, 500, 501, 1700, 1701, 1200, 3000, 999, all, 2999, 3001];
  const table = new Bigram(names.tokenizer.vocab_size);
  /** @type {Map<number, string>} */
  const wanted = new Map([[0, table.counts.join()]]);
  names.shuffled.forEach((name, i) => {
    table.learn(names.tokenizer.encodeDocument(name));
    if (asked.includes(i + 1)) wanted.set(i + 1, table.counts.join());
  });
  for (const k of asked) same(wanted.get(k), countsAfter(names, k).join(), `${k} names`);
  const mine = countsAfter(names, 7);
  mine[0][0] += 1000;
  if (countsAfter(names, 8)[0][0] >= 1000) fail("a table that was given away is counted on");
});

test("stitches go from cell to cell, as far as they are made", () => {
  const pairs = pairsOf(names, "emma");
  same(["26,4", "4,12", "12,12", "12,0", "0,26"], pairs.map(String), "pairs");
  same(
    5,
    countsOf(names, "emma")
      .flat()
      .reduce((a, b) => a + b, 0),
    "one name is counted",
  );
  const letters = (/** @type {number} */ done) =>
    stitches(pairs, place, say, done).filter(({ tag }) => tag === "text");
  same(
    [0, 2, 5],
    [0.5, 2.5, 5].map((done) => letters(done).length),
    "letters",
  );
  same(
    [spotOf(place, [26, 4]).map((x) => x.toFixed(1))],
    [["x", "y"].map((key) => letters(1)[0].looks[key])],
    "first cell",
  );
  const lines = (/** @type {number} */ done) =>
    String(stitches(pairs, place, say, done)[0].looks.d).split("M").length - 1;
  same([1, 3, 5], [0.5, 2.5, 5].map(lines), "lines");
  const again = stitches(pairsOf(names, "aaa"), place, say);
  if (!String(again[0].looks.d).includes("c") || /NaN/.test(JSON.stringify(again)))
    fail("the same pair twice is a loop");
});

test("the row becomes shares, and the number falls into one of them", () => {
  const row = countsAfter(names, all)[ROW];
  for (let turn = 0; turn < 30; turn++) {
    const { shares, number, token, sum } = drawn(row, turn);
    near([1], [shares.reduce((a, b) => a + b, 0)], 1e-12, "shares");
    same(
      row.reduce((a, b) => a + b, 0),
      sum,
      "sum",
    );
    const below = shares.slice(0, token).reduce((a, b) => a + b, 0);
    if (number < below - 1e-12 || number > below + shares[token] + 1e-12) fail(`turn ${turn}`);
  }
  const now = { row: ROW, ...drawn(row, 0) };
  const bars = (/** @type {number} */ done) =>
    rowDraw(now, place, say, done).filter(({ looks }) => /^count-bar/.test(String(looks.class)));
  const high = (/** @type {number} */ done) =>
    Math.max(...bars(done).map(({ looks }) => Number(looks.height)));
  if (!(high(0.1) === 0 && high(0.45) > 0 && high(0.45) < high(1))) fail("bars grow");
  const lit = bars(1).findIndex(({ looks }) => String(looks.class).includes("drawn"));
  same(now.token, lit, "what is drawn is lit");
  same(
    SCENES,
    told(names, "ava", 0, null).map(({ title }) => title),
    "scenes",
  );
});
