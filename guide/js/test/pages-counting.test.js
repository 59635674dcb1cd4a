// What the widgets of the first chapter show, without their pages.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { collecting, inOrder, marked, wordsOf } from "../characters.js";
import {
  allCalled,
  called,
  countedAfter,
  drawNames,
  linesOf,
  namesOf,
  originOf,
  STEPS,
  tempered,
} from "../figures/dataset.js";
import { plan } from "../kit/curve-plan.js";
import { speeds, stepOf, tally, twoDigits } from "../figures/rungs/arrays.js";
import { curvesOf, endsOf, runsOf } from "../figures/rungs/ladder.js";
import { fail, near, same } from "./helpers.js";

const text = (/** @type {string} */ path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const names = namesOf(linesOf(text("data/names.txt")));
const ladder = JSON.parse(text("guide/data/ladder.json"));
const written = (/** @type {ReturnType<typeof drawNames>} */ draws) => {
  /** @type {string[]} */
  const made = [];
  for (const { name, before, next } of draws)
    made[name] = before + (next === names.tokenizer.bos ? "" : names.tokenizer.uchars[next]);
  return made;
};

test("what can't be seen is shown as a mark, and what joins letters stays", () => {
  same("a[U+202E]b", marked("a\u202eb"));
  same("[U+200B][U+FEFF][U+00AD]", marked("\u200b\ufeff\u00ad"));
  same("[U+0009][U+2028][U+D83D][U+3164][U+E0041]", marked("\t\u2028\ud83d\u3164\u{e0041}"));
  same("a[U+200D]b [U+200D] \u0430[U+200C]\u0431", marked("a\u200db \u200d \u0430\u200c\u0431"));
  for (const text of ["anna", "é ж あ", "👩\u200d🔬", "\u0645\u06cc\u200c\u062e\u0648", "❤\ufe0f"])
    same(text, marked(text));
});

test("the list, its order and its tokens", () => {
  same(
    [32033, 29494, 27],
    [names.docs.length, new Set(names.docs).size, names.tokenizer.vocab_size],
    "sizes",
  );
  same(
    ["yuheng", "diondre", "xavien", "jori", "juanluis", "erandi"],
    names.shuffled.slice(0, 6),
    "the order of seed 42",
  );
  same([26, 9, 14, 17, 8, 26], names.tokens[3], "jori");
  same(
    ["a", "z", "BOS"],
    [0, 25, 26].map((token) => called(names.tokenizer, token)),
    "names of tokens",
  );
  same(27, allCalled(names.tokenizer).length, "names of tokens");
});

test("all letters have come by the 91st name", () => {
  const steps = collecting(names.docs);
  same(
    [91, "josephine", ["j"], 26],
    [steps.length, steps[90].doc, steps[90].fresh, steps[90].seen],
    "the last that is new",
  );
  same(
    [["e", "m", "a"], ["o", "l", "i", "v"], []],
    steps.slice(0, 3).map(({ fresh }) => fresh),
    "the first three",
  );
  same(
    "abcdefghijklmnopqrstuvwxyz",
    inOrder(steps.flatMap(({ fresh }) => fresh)).join(""),
    "the vocabulary",
  );
  same(
    [
      ["ba", ["b", "a"], 2],
      ["β😀", ["β", "😀"], 4],
    ],
    collecting(wordsOf(" ba, β😀 b\n ")).map(({ doc, fresh, seen }) => [doc, fresh, seen]),
    "own words",
  );
  same(["a", "b", "β", "😀"], inOrder(["😀", "β", "b", "a"]), "code points");
  same([], collecting([]), "nothing");
});

test("counts fill up", () => {
  for (const [count, cells, pairs, most] of [
    [0, 0, 0, 0],
    [4, 26, 27, 2],
    [100, 225, 744, 22],
    [1000, 430, 7170, 232],
  ]) {
    const all = countedAfter(names, count).counts.flat();
    same(
      [cells, pairs, most],
      [all.filter((x) => x).length, all.reduce((a, b) => a + b, 0), Math.max(...all)],
      `after ${count}`,
    );
  }
  same(232, countedAfter(names, STEPS).counts[13][26], "n ends a name");
  const whole = countedAfter(
    { ...names, tokens: names.docs.map((doc) => names.tokenizer.encodeDocument(doc)) },
    names.docs.length,
  );
  same(102, whole.counts.flat().filter((x) => !x).length, "cells that stay empty");
});

test("add-one smoothing", () => {
  const table = countedAfter(names, STEPS);
  same([199, 1046], [table.counts[0][13], table.counts[0].reduce((a, b) => a + b)], "n after a");
  near(
    [200 / 1073, 149 / 1027, 4 / 30, 1 / 30],
    [table.probs(0)[13], table.probs(26)[0], table.probs(16)[20], table.probs(16)[0]],
    1e-15,
    "on the page",
  );
  for (let token = 0; token < 27; token++)
    near(
      1,
      table.probs(token).reduce((a, b) => a + b),
      1e-12,
      `row ${token}`,
    );
  same(
    [0, 1],
    [countedAfter(names, STEPS, 0).probs(16)[0], countedAfter(names, STEPS, 0).probs(16)[20]],
    "nothing added",
  );
  near(Array(27).fill(1 / 27), countedAfter(names, 0).probs(3), 1e-15, "nothing counted");
  if (!countedAfter(names, 0, 0).probs(3).every(Number.isNaN)) fail("0 / 0 is no number");
});

test("“ava” after 100 names", () => {
  const ava = names.tokenizer.encodeDocument("ava");
  const table = countedAfter(names, 100);
  same(false, names.shuffled.slice(0, 100).includes("ava"), "it isn't among them");
  same(
    ["0.134", "0.041", "0.118", "0.148"],
    table.walk(ava).map(({ p }) => p.toFixed(3)),
    "p",
  );
  same(
    ["2.01", "3.19", "2.14", "1.91"],
    table.walk(ava).map(({ loss }) => loss.toFixed(2)),
    "losses",
  );
  same(
    ["2.31", "3.30", "2.20"],
    [100, 0, 1000].map((count) => countedAfter(names, count).loss(ava).toFixed(2)),
    "means",
  );
});

test("names from counts are rung 0's", () => {
  const made = written(drawNames(names, { count: STEPS, temperature: 0.5, seed: 42 }));
  same(ladder.rungs[0].samples, made, "the recorded samples");
  const origins = made.map(originOf(names));
  same(
    [0, 4, 16],
    ["trained", "file", "new"].map((mark) => origins.filter((x) => x === mark).length),
    "origins",
  );
  same(
    ["a", "an"],
    [...new Set(written(drawNames(names, { count: STEPS, temperature: 0.1, seed: 42 })))].sort(),
    "cold",
  );
  for (const { before } of drawNames(names, { count: 0, temperature: 2, seed: 7 }))
    if (before.length > 15) fail("too long");
  near([0.8, 0.2], tempered([2 / 3, 1 / 3], 0.5), 1e-12, "tempered");
});

test("a draw falls on the bar that it is said to fall on", () => {
  const table = countedAfter(names, STEPS);
  for (const { token, draw, next } of drawNames(names, {
    count: STEPS,
    temperature: 0.7,
    seed: 3,
  })) {
    const probs = tempered(table.probs(token), 0.7);
    const low = probs.slice(0, next).reduce((a, b) => a + b, 0);
    if (!(draw >= low - 1e-9 && draw <= low + probs[next] + 1e-9))
      fail(`${draw} is outside ${low} to ${low + probs[next]}`);
  }
});

test("origins of names", () => {
  const origin = originOf(names);
  same(["trained", "file", "new"], [names.shuffled[0], "ava", "zxq"].map(origin), "origins");
});

test("the recorded ladder", () => {
  same(
    [0, 1, 2, 3, 4, 5],
    ladder.rungs.map((/** @type {any} */ { rung }) => rung),
    "all rungs",
  );
  for (const { rung, losses, samples } of ladder.rungs)
    same([1000, 20], [losses.length, samples.length], `rung ${rung}`);
  near([Math.log(27), 2.4546], [ladder.floors.random, ladder.floors.bigram], 5e-5, "floors");
  const docs = names.shuffled.slice(0, STEPS).map((doc) => names.tokenizer.encodeDocument(doc));
  near(
    countedAfter(names, 0).train(docs, STEPS),
    ladder.rungs[0].losses,
    0.5001e-4,
    "rung 0, computed here",
    true,
  );
  same(ladder.rungs[1].losses, ladder.rungs[2].losses, "rung 2 repeats rung 1");
  same(
    ["2.505", "2.536", "2.536", "2.393", "2.393", "2.367"],
    endsOf(ladder).map(({ unseen }) => unseen.toFixed(3)),
    "unseen names",
  );
  same([2.6497, "2.276"], [endsOf(ladder)[5].last, endsOf(ladder)[5].mean.toFixed(3)], "rung 5");
  same("2.44", endsOf(ladder)[0].mean.toFixed(2), "rung 0");
  same(
    [true, false, true],
    curvesOf(ladder, 100, (rung) => rung === 1)
      .slice(0, 3)
      .map(({ off }) => off),
    "which are shown",
  );
  same(
    ["dots", "line"],
    [1, 2].map((mean) => curvesOf(ladder, mean, () => true)[0].kind),
    "kinds",
  );
  same(
    ladder.rungs[3].losses,
    curvesOf(ladder, 1, () => true)[3].values,
    "a mean of one is the loss",
  );
  if (plan([], [{ name: "x", y: 3.3 }], {}).y.low > 3.3) fail("a floor is on the axis");
});

test("what a step of rungs 5 to 9 works on", () => {
  const { first, batch_size: size } = ladder.batches;
  same(names.shuffled.slice(0, size), first, "the first batch");
  const kinds = (/** @type {number} */ rung) =>
    Object.fromEntries(
      ["now", "later", "another", "padding"].map((kind) => [
        kind,
        stepOf(rung, first)
          .flat()
          .filter((cell) => cell.kind === kind).length,
      ]),
    );
  same({ now: 1, later: 6, another: 116, padding: 0 }, kinds(5), "rung 5");
  same({ now: 7, later: 0, another: 116, padding: 0 }, kinds(6), "rung 6");
  for (const rung of [7, 8, 9])
    same({ now: 123, later: 0, another: 0, padding: 37 }, kinds(rung), `rung ${rung}`);
  same({ names: 1, real: 7, padding: 0 }, tally(stepOf(6, first)), "one name");
  same({ names: 16, real: 123, padding: 37 }, tally(stepOf(8, first)), "a batch");
  same(
    ["·", "j", "o", "r", "i"],
    stepOf(6, ["jori"])[0].map(({ text }) => text),
    "with BOS",
  );
  const long = stepOf(7, ["a".repeat(30), "b"]);
  same(
    [16, 16],
    long.map((row) => row.length),
    "no more positions than block_size",
  );
  same(
    [5, 6, 7, 8, 9],
    speeds(ladder.speed).map(({ rung }) => rung),
    "a speed for each",
  );
  if (!speeds(ladder.speed).every(({ times }) => times >= 1)) fail("none is slower than rung 5");
  same(["1", "260", "1,600", "55"], [1, 259.9, 1642, 54.8].map(twoDigits), "two digits");
  same(
    [5, 7],
    runsOf(ladder, "75").map(({ rung }) => rung),
    "runs by their digits",
  );
});
