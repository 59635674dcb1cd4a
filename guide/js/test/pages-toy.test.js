// What the toy's page trains and writes, without a page.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  BATCHES,
  FIRST_CHAT,
  firstToken,
  leastLoss,
  lineText,
  LiveToy,
  MOST_STEPS,
  readSteps,
  stepText,
  wanted,
  wordsOf,
  writtenBy,
} from "../figures/toy/live-toy.js";
import { shownOfRow } from "../figures/toy/toy-shown.js";
import { COLUMNS, edgeName, isTrained, planToy, wayOf } from "../figures/toy/toy-plan.js";
import { InputError } from "../errors.js";
import { TOY_TOKENS, toyCache, toyForward, toyWeights } from "../numbers/toy.js";
import { fail, near, place, refuses, same, vectors } from "./helpers.js";

const ROOT = new URL("../../../", import.meta.url);
place.text = async (/** @type {string} */ path) => readFileSync(new URL(path, ROOT), "utf8");
const page = readFileSync(new URL("guide/pages/learn/toy.md", ROOT), "utf8");

const trained = (steps = BATCHES, text = "") => {
  const toy = new LiveToy();
  if (text) toy.setWords(text);
  for (let i = 0; i < steps; i++) toy.stepBatch();
  return toy;
};
const names = (/** @type {{token: number}[]} */ steps) =>
  steps.map(({ token }) => TOY_TOKENS[token]).join(" ");

test("training to the published losses, and back", () => {
  const toy = new LiveToy();
  same(
    [9, 66, "untrained"],
    [toy.training.examples.length, toy.training.params.length, toy.badge],
    "start",
  );
  for (let i = 0; i < 100; i++) toy.stepBatch();
  const at = (/** @type {number} */ i) => Number(toy.losses[i].toFixed(4));
  same([1.1928, 1.1103, 1.0284, 0.951, 0.8362, 0.8044], [0, 1, 5, 10, 20, 100].map(at), "losses");
  same(
    [64, "trained", "b100", "100 batch steps"],
    [toy.moved(), toy.badge, toy.done, toy.history()],
    "what was done",
  );
  const weights = toy.weights();
  toy.untrain();
  same(
    [toyWeights(), "untrained", true, 0],
    [toy.weights(), toy.badge, toy.canRestore, toy.steps],
    "untrained",
  );
  toy.restore();
  same(
    [weights, "trained", false, 100],
    [toy.weights(), toy.badge, toy.canRestore, toy.steps],
    "restored",
  );
  toy.stepOne();
  same(["b100s1", 101], [toy.done, toy.losses.length - 1], "one more");
  toy.reset();
  same([toyWeights(), false], [toy.weights(), toy.canRestore], "reset");
});

test("a step on one example, in turn", () => {
  const toy = new LiveToy();
  toy.stepOne();
  same(
    "1 · b → c, from abc, lr 0.15: its loss 0.8352 → 0.6334; mean of all 1.2274",
    lineText(toy.lines[0]),
    "first line",
  );
  toy.stepOne();
  same([1.2042, "s2"], [Number(toy.loss.toFixed(4)), toy.done], "second");
  for (let i = 2; i < 9; i++) toy.stepOne();
  same(
    [3, 1, 2],
    toy.lines.slice(6).map(({ example }) => example?.input),
    "the ends of words",
  );
  if (!lineText(toy.lines[6]).includes("c → BOS, c ends a word")) fail(lineText(toy.lines[6]));
  toy.stepOne();
  same("abc", toy.lines[9].example?.word, "from the beginning again");
});

test("words are edited; others are ignored", () => {
  const toy = trained(3);
  toy.setWords("abc bca cab aab bbc cca abd a abcab ABC");
  same(
    [["abd", "a", "abcab", "ABC"], "partly trained", 3],
    [toy.ignored, toy.badge, toy.steps],
    "the same examples keep the weights",
  );
  toy.setWords("ab, ba");
  same(
    [4, "untrained", [], 0],
    [toy.training.examples.length, toy.badge, toy.ignored, toy.steps],
    "other examples begin anew",
  );
  toy.setWords("xyz");
  if (!/no word to train on.*previous words stay/.test(toy.refusal)) fail(toy.refusal);
  same(4, toy.training.examples.length, "the words before stay");
  toy.setWords("ab");
  same("", toy.refusal, "mended");
  toy.setWords("a".repeat(5000));
  same(400, toy.ignored[0].length, "long texts are cut");
  same(["ab", "bc"], wordsOf(" ab,;\n bc "), "apart by anything");
});

test("the least loss there can be", () => {
  const { examples } = new LiveToy().training;
  near([(2 * Math.log(1.5) + Math.log(3)) / 3], [leastLoss(examples)], 1e-12, "default words");
  same(
    [null, [1 / 3, 0, 2 / 3, 0], [1 / 3, 0, 0, 2 / 3], [1 / 3, 2 / 3, 0, 0]],
    wanted(examples),
    "shares",
  );
  near([Math.LN2], [leastLoss(trained(0, "aa").training.examples)], 1e-12, "aa");
  same(0, leastLoss(trained(0, "ab").training.examples), "ab");
});

test("steps in a link", () => {
  same(
    [
      { kind: "s", count: 3 },
      { kind: "b", count: 100 },
    ],
    readSteps("s3b100"),
    "read",
  );
  same([], readSteps(""), "none");
  for (const bad of ["x", "s", "b99999", `b${MOST_STEPS + 1}`, "s1 b2", "b2000b2000"])
    same(null, readSteps(bad), bad);
});

test("every trained number is one edge, and cells show the vectors' numbers", async () => {
  const cell = { wide: 40, high: 21, token: 46 };
  const whole = /** @type {const} */ ([0, COLUMNS.length - 1]);
  for (const [width, way] of /** @type {const} */ ([
    [1060, "row"],
    [700, "two"],
    [350, "down"],
  ])) {
    same(way, wayOf(whole, cell, width), `at ${width}`);
    const { neurons, edges, ...room } = planToy({ width, cell, pitch: 26 });
    const trained = edges.filter(isTrained);
    same(
      [66, 66, 12, way === "two" ? 61 : 59],
      [trained.length, new Set(trained.map(edgeName)).size, edges.length - 66, neurons.length],
      "parts",
    );
    const weights = toyWeights();
    for (const { matrix, row, index } of trained)
      if (!Number.isFinite(weights[matrix][row][index])) fail(`${matrix} ${row} ${index}`);
    const rows = { wte: 8, wpe: 2, lm_head: 8, "layer0.mlp_fc1": 16, keys: 6, values: 6 };
    for (const [name, count] of Object.entries(rows))
      same(count, edges.filter(({ matrix }) => matrix === name).length, name);
    if (room.width > width) fail(`${room.width} px in ${width}`);
    for (const { x, y, name } of neurons)
      if (!(x >= 20 && x <= room.width - 20 && y >= 10 && y <= room.height - 10)) fail(name);
    neurons.forEach((one, i) => {
      for (const other of neurons.slice(i + 1))
        if (Math.abs(one.x - other.x) < 40 && Math.abs(one.y - other.y) < 21)
          fail(`${one.id} lies over ${other.id} at ${width}`);
    });
    for (const { from, to } of edges) if (!(to.column > from.column)) fail("an edge goes back");
  }
  same("fc2[1][7]", edgeName({ matrix: "layer0.mlp_fc2", row: 1, index: 7 }), "name");
  const pinned = (await vectors("toy_gpt")).cases.find(
    (/** @type {any} */ one) => one.name === "pinned_b",
  ).row;
  const { row, keys } = shownOfRow(toyForward({ token: 2 }), 2, toyCache("pinned"));
  near(pinned["layer0.fc1"] ?? pinned.fc1, row.fc1, 1e-12, "fc1");
  near(pinned.probs, row.probs, 1e-12, "probabilities");
  near((pinned["layer0.weights"] ?? pinned.weights).flat(), row.weights, 1e-12, "weights");
  same([3, row.k], [keys.length, keys[2]], "keys");
});

test("chat: one token at a time, gibberish first", () => {
  same([0, 0, 1, 2, 3], ["BOS", "bos", " a ", "B", "c"].map(firstToken), "typed");
  refuses(() => firstToken(""), InputError, /nothing to start from\. Type BOS/, "empty");
  refuses(() => firstToken("ab"), InputError, /is 2 tokens; .* type b\./, "two");
  refuses(() => firstToken("<b>"), InputError, /“<b>” is not in its vocabulary/, "markup");
  refuses(() => firstToken("z".repeat(99)), InputError, /“z{12}…”/, "long");
  const how = { ...FIRST_CHAT, temperature: 1 };
  const before = writtenBy(toyWeights(), how);
  const after = writtenBy(trained().weights(), how);
  same(["c c c c c c BOS", "c a b c a b BOS"], [names(before), names(after)], "before and after");
  for (const steps of [before, after])
    if (!page.includes(`b → ${names(steps)}`)) fail(`the page doesn't say ${names(steps)}`);
  same("b goes in: BOS 0.16, a 0.32, b 0.08, c 0.43; c is drawn", stepText(before[0]), "in words");
  same(8, writtenBy(toyWeights(), { token: 2, seed: 16, temperature: 1 }).length, "at most eight");
});

test("what the page says", () => {
  const full = trained(1000);
  const say = (/** @type {string} */ what) => {
    if (!page.includes(what)) fail(`the page doesn't say ${what}`);
  };
  for (const [i, loss] of [
    [0, "1.1928"],
    [1, "1.1103"],
    [5, "1.0284"],
    [10, "0.9510"],
    [20, "0.8362"],
    [100, "0.8044"],
  ]) {
    same(loss, full.losses[Number(i)].toFixed(4), `step ${i}`);
    say(`| ${i} | ${loss} |`);
  }
  say(`1,000 steps end at ${full.loss.toFixed(4)}`);
  const up = full.losses.slice(0, 101).findIndex((x, i, all) => i > 0 && x - all[i - 1] > 0.03);
  say(`Step ${up} goes *up*, to ${full.losses[up].toFixed(4)}`);
  say(`it is ${trained(100, "ab").loss.toFixed(4)} after 100 steps`);
  say(`the least loss is ln 2 = ${Math.LN2.toFixed(4)}`);
  say(`Not below ${leastLoss(full.training.examples).toFixed(4)}`);
  const weights = trained().weights();
  for (const [i, name] of [
    [1, "a"],
    [2, "b"],
    [3, "c"],
  ]) {
    const row = (/** @type {any} */ w) =>
      toyForward({ token: Number(i) }, w)
        .probs.map((/** @type {number} */ p) => p.toFixed(2))
        .join(", ");
    say(`| ${name} | ${row(toyWeights())} | ${row(weights)} |`);
  }
});
