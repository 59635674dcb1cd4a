// The chat without a page; tests/test_guide_chat.py drives its element in Chromium.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  argumentsOf,
  inWords,
  LAST_SEED,
  marksOf,
  openWriter,
  readMessages,
  readPrefixes,
  writeMessages,
  Writer,
} from "../figures/trained/chat.js";
import { InputError } from "../errors.js";
import { Random } from "../random.js";
import { fail, refuses, same } from "./helpers.js";

const ROOT = new URL("../../../", import.meta.url);
const KNOWN = { uchars: [..."abcdefghijklmnopqrstuvwxyz"], most: 15 };
const writer = await openWriter({
  text: (name) => readFile(new URL(`data/${name}`, ROOT), "utf8"),
  kernel: new URL("guide/js/kernel.wasm", ROOT),
});
const plain = new Writer(writer.model, writer.markOf, null);

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

test("the kernel, plain numbers and the downloaded sampler write the same names", () => {
  for (const message of [
    { seed: 42, temperature: 0.7, text: "" },
    { seed: 7, temperature: 1.3, text: "ann k zx" },
    { seed: LAST_SEED, temperature: 2, text: "qqqqqqqqqqqqqqq b" },
    { seed: 0, temperature: 0.1, text: "a e i o u" },
  ]) {
    const names = writer.answer(message);
    same(names, plain.answer(message), "names by plain numbers");
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
  if (!/^ann\w*, (trained|file|new); b\w*, (trained|file|new)$/.test(inWords(names)))
    fail(inWords(names));
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
