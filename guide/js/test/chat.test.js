// The chat without a page; tests/test_guide_chat.py drives its element in Chromium.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  argumentsOf,
  inWords,
  LAST_SEED,
  marksOf,
  openMarks,
  openWriter,
  readMessages,
  writeMessages,
} from "../figures/trained/chat.js";
import { readPrefixes, typedNow } from "../figures/trained/prefixes.js";
import { Reading, readFloats } from "../figures/trained/reading.js";
import { cellAt, overCells, PLATES, wordsOf } from "../figures/trained/relief.js";
import { shapes } from "../config.js";
import { FileError, InputError } from "../errors.js";
import { loadKernel } from "../kernel.js";
import { asRows } from "../numbers/arithmetic.js";
import { trace } from "../numbers/forward.js";
import { Random } from "../random.js";
import { fail, near, refuses, same } from "./helpers.js";

const ROOT = new URL("../../../", import.meta.url);
const KNOWN = { uchars: [..."abcdefghijklmnopqrstuvwxyz"], most: 15 };
const text = (/** @type {string} */ name) => readFile(new URL(`data/${name}`, ROOT), "utf8");
const writer = await openWriter(text);
const { config, weights } = writer.model;
const rows = asRows(weights, shapes(config));

test("what is typed is one beginning a word", () => {
  for (const [typed, prefixes] of [
    ["ab", ["ab"]],
    ["a b", ["a", "b"]],
    ["", [""]],
    ["  \t\n ", [""]],
    [" Ann  K ", ["ann", "k"]],
    ["abcdefghijklmno", ["abcdefghijklmno"]],
  ])
    same(prefixes, readPrefixes(typed, KNOWN), `prefixes of ${JSON.stringify(typed)}`);
});

test("what can't be a beginning is refused with a line that says why", () => {
  for (const [typed, pattern] of [
    ["ann😀", /doesn't know “😀”/],
    ["👩‍👩‍👧", /“👩‍👩‍👧”/],
    ["é", /“é”, only the letters a to z/],
    ["a,b", /“,”/],
    ["x1", /“1”/],
    ["<b>", /“<”/],
    ["abcdefghijklmnop", /has 16 letters/],
    ["a ".repeat(21), /21 prefixes; at most 20/],
    ["a".repeat(102400), /That is 102,400 characters\. A few/],
    ["\0", /doesn't know/],
    ["\ud800", /doesn't know/],
    ["ı", /“ı”/],
    ["İ", /“İ”/],
    ["ﬁ", /“ﬁ”/],
  ])
    refuses(
      () => readPrefixes(typed, KNOWN),
      InputError,
      pattern,
      JSON.stringify(typed.slice(0, 20)),
    );
});

test("the marks are those of the run: it took the first 1,000 of the shuffled list", () => {
  const docs = ["ann", "bob", "cy", "dee", "ann"];
  const shuffled = [...docs];
  new Random(42).shuffle(shuffled);
  const markOf = marksOf(docs, 2);
  for (const [i, doc] of shuffled.entries()) {
    const expected = shuffled.slice(0, 2).includes(doc) ? "trained" : "file";
    same(expected, markOf(doc), `mark of ${doc} at ${i}`);
  }
  same("new", markOf("zzz"), "mark of zzz");
});

test("what is being typed is the last beginning", () => {
  for (const [typed, now] of [
    ["", ""],
    ["an", "an"],
    ["An k", "k"],
    ["an ", ""],
    ["an1", null],
    ["é ", null],
  ])
    same(now, typedNow(/** @type {string} */ (typed), KNOWN), `of ${typed}`);
});

test("the page, the kernel and the downloaded sampler write the same names", async () => {
  const kernel = await loadKernel(await readFile(new URL("guide/js/kernel.wasm", ROOT)));
  const engine = kernel.create({ config, dtype: "float64" });
  engine.load(weights);
  const markOf = await openMarks(text);
  same(["file", "new"], ["ann", "annkann"].map(markOf), "marks");
  for (const message of [
    { seed: 42, temperature: 0.7, text: "" },
    { seed: 7, temperature: 1.3, text: "ann k zx" },
    { seed: LAST_SEED, temperature: 2, text: "qqqqqqqqqqqqqqq b" },
    { seed: 0, temperature: 0.1, text: "a e i o u" },
  ]) {
    const names = writer.answer(message);
    const forced = readPrefixes(message.text, KNOWN).map((one) =>
      writer.model.tokenizer.encode(one),
    );
    const uniforms = new Random(message.seed).uniforms(forced.length * config.block_size);
    const { temperature } = message;
    const { tokens, used } = engine.sample(forced, { temperature, uniforms });
    same(
      tokens.map((one) => writer.model.tokenizer.decode(one)),
      names.map((one) => one.text),
      "names of the kernel",
    );
    const letters = names.flatMap((one) => one.letters);
    same(
      [...uniforms.slice(0, used)],
      letters.map(({ uniform }) => uniform),
      "draws",
    );
    for (const { uniform, from, to, probs, token } of letters) {
      if (!(from <= uniform && uniform < to + 1e-12)) fail(`${uniform} is not in ${from}–${to}`);
      near(to - from, probs[token], 1e-12, "length of its part", true);
    }
    const program = new URL("guide/downloads/sampler.mjs", ROOT).pathname;
    const model = new URL("data/model.json", ROOT).pathname;
    const said = execFileSync(
      "node",
      [program, "--model", model, ...argumentsOf(message).split(" ")],
      { encoding: "utf8" },
    );
    same(
      names.map(({ text }) => text),
      said.split("\n").slice(0, -1),
      "names of sampler.mjs",
    );
    for (const { text, prefix, rest } of names)
      same(text, prefix + rest, "forced and sampled letters");
  }
});

test("forced letters are those that were typed", () => {
  const names = writer.answer({ seed: 42, temperature: 0.7, text: "Ann b" });
  same(
    ["ann", "b"],
    names.map(({ prefix }) => prefix),
    "forced letters",
  );
  if (!/^ann\w*; b\w*$/.test(inWords(names))) fail(inWords(names));
  if (!/^ann\w*, new; b\w*, new$/.test(inWords(names.map((one) => ({ ...one, mark: "new" })))))
    fail("marks are not said");
});

test("the picture reads letter by letter what the whole pass reads", () => {
  const reading = new Reading(rows);
  const check = (/** @type {number[]} */ tokens) => {
    const step = reading.after(tokens);
    const whole = trace(config, weights, [26, ...tokens]);
    same(whole.logits.at(-1), step.logits, `logits after ${tokens}`);
    same(whole["layer0.head_out"].at(-1), step.notes["layer0.head_out"], "head_out");
  };
  for (const tokens of [[0, 13, 13], [0, 13], [0, 13, 4, 11], [], [25], Array(15).fill(1)])
    check(tokens);
});

test("what the cells of an output add is what the forward pass adds up", () => {
  const reading = new Reading(rows);
  const step = reading.after([0, 13]);
  const sum = (/** @type {string} */ matrix, /** @type {number} */ row) =>
    rows[matrix][row].reduce((all, w, c) => all + w * reading.meets(matrix, row, c, step), 0);
  near(sum("lm_head", 4), step.logits[4], 1e-12, "logit of e");
  for (const [matrix, name] of [
    ["attn_wq", "q"],
    ["attn_wv", "v"],
    ["attn_wo", "x_attn"],
    ["mlp_fc1", "fc1_pre"],
    ["mlp_fc2", "mlp_out"],
  ])
    near(sum(`layer0.${matrix}`, 3), step.notes[`layer0.${name}`][3], 1e-12, name);
  same(
    [0, 1],
    [12, 13].map((row) => reading.meets("wte", row, 5, step)),
    "the letter n",
  );
  same(
    [0, 1],
    [1, 2].map((row) => reading.meets("wpe", row, 5, step)),
    "its position",
  );
});

test("every number has one cell, and no two share one", () => {
  let count = 0;
  const shares = overCells(() => 1);
  for (const share of shares) count += share;
  same(4192, count, "cells");
  for (const plate of PLATES) {
    const [rowAcross, rowDown] = plate.turned ? [1, 0] : [0, 1];
    const place = {
      x: plate.x + 3 * rowAcross + 2 * rowDown,
      y: plate.y + 2 * rowAcross + 3 * rowDown,
    };
    const found = cellAt(place.x + 0.5, place.y + 0.5);
    same([plate.matrix, 3, 2], [found?.plate.matrix, found?.row, found?.column], plate.name);
  }
  same(null, cellAt(69, 1), "beside all");
  const reading = new Reading(rows);
  const cell = /** @type {any} */ (cellAt(0.5, 3.5));
  same(
    `wte, row 0, column 0: ${rows.wte[0][0].toFixed(3).replace("-", "−")}, read for this letter`,
    wordsOf(reading, cell, reading.after([0])),
    "words",
  );
});

test("the picture's numbers are the model's, to seven digits", () => {
  const flat = Float32Array.from(shapes(config).flatMap(([name]) => [...weights[name]]));
  const short = readFloats(flat.buffer);
  for (const [name, matrix] of Object.entries(rows))
    for (const [r, row] of matrix.entries())
      for (const [c, x] of row.entries()) near(x, short[name][r][c], 1e-7, name);
  refuses(
    () => readFloats(flat.buffer.slice(4)),
    FileError,
    /has 16764 bytes, must have 16768/,
    "",
  );
});

test("a conversation goes through an address", () => {
  const all = [
    { seed: 42, temperature: 0.7, text: "ann  b" },
    { seed: LAST_SEED, temperature: 0.1, text: "" },
  ];
  const text = writeMessages(all, 100);
  same([{ ...all[0], text: "ann b" }, all[1]], readMessages(text), "messages");
  same([], readMessages(""), "no messages");
  for (const bad of [
    "42",
    "42~0.7",
    "x~0.7~a",
    "-1~1~a",
    "4294967296~1~a",
    "42~2.1~a",
    "42~0~a",
    "42~NaN~a",
    "1~1~a~b",
  ]) {
    same([], readMessages(bad), bad);
    same(
      [{ seed: 1, temperature: 1, text: "z" }],
      readMessages(`${bad}|1~1~z`),
      `${bad} and a good one`,
    );
  }
  const many = Array.from({ length: 100 }, (_, i) => ({ seed: i, temperature: 1, text: "abc" }));
  const cut = readMessages(writeMessages(many, 50));
  same(
    [95, 96, 97, 98, 99],
    cut.map(({ seed }) => seed),
    "the newest",
  );
  if (writeMessages(many, 50).length > 50) fail("too long");
});
