// The worksheet: right answers in both ways of computing, and the usual mistakes, whose values are
// computed here once more from the golden weights and rows.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  CELLS,
  columnOf,
  given,
  hint,
  readEntries,
  STEPS,
  two,
  writeEntries,
} from "../figures/toy/worksheet.js";
import { judgeCell, MISTAKES } from "../figures/toy/worksheet-judge.js";
import { written } from "../kit/text.js";
import { toyByHand, toyForward } from "../numbers/toy.js";
import { TOY_CACHE } from "../numbers/toy-data.js";
import { fail, near, same } from "./helpers.js";

const ROOT = new URL("../../../", import.meta.url);
const golden = JSON.parse(readFileSync(new URL("conformance/vectors/toy_gpt.json", ROOT), "utf8"));
const pinned = golden.cases.filter((/** @type {any} */ one) => one.row);
const W = golden.weights;
const layer = (/** @type {string} */ name) => W[`layer0.${name}`];
const times = (/** @type {number[][]} */ m, /** @type {number[]} */ x) =>
  m.map((row) => row.reduce((s, w, i) => s + w * x[i], 0));
const soft = (/** @type {number[]} */ x) => {
  const all = x.map(Math.exp).reduce((a, b) => a + b);
  return x.map((one) => Math.exp(one) / all);
};
const TOKENS = [0, 1, 2, 3];
const judged = (
  /** @type {number} */ token,
  /** @type {string} */ id,
  /** @type {string} */ text,
) => judgeCell(token, id, { [id]: { text } });
/** A golden row without prefixes and extra brackets. @param {any} row */
const plain = (row) =>
  Object.fromEntries(
    Object.entries(row).map(([name, x]) => [name.replace("layer0.", ""), [x].flat(9)]),
  );

test("both columns are the engine's, for every token", () => {
  same([57, 19], [CELLS.length, STEPS.length], "cells and steps");
  for (const token of TOKENS) {
    const [byHand, exact] = [toyByHand({ token }), toyForward({ token })];
    for (const { key } of STEPS) {
      same(byHand[key].flat(), columnOf(token, "hand")[key], `${token} ${key} by hand`);
      near(exact[key].flat(), columnOf(token, "exact")[key], 1e-12, `${token} ${key}`);
    }
  }
  const b = plain(pinned.find((/** @type {any} */ one) => one.name === "pinned_b").by_hand);
  same([0.16, 0.32, 0.08, 0.43], b.probs, "golden");
  same(b.fc1_pre, columnOf(2, "hand").fc1_pre, "fc1 of b");
  same(
    [0.15, -0.15, 0.14, 0],
    [0.145, -0.145, 0.1449999, -0.001].map(two),
    "ties go away from zero",
  );
});

test("right answers are right, rounded by hand or exact, with a note where they differ", () => {
  let differ = 0;
  for (const token of TOKENS) {
    for (const { id, step, index } of CELLS) {
      const [hand, exact] = [
        columnOf(token, "hand")[step][index],
        columnOf(token, "exact")[step][index],
      ];
      for (const text of [hand.toFixed(2), written(hand), exact.toFixed(2), exact.toFixed(4)]) {
        const { verdict, say } = judged(token, id, text);
        if (verdict !== "right") fail(`${token} ${id} ${text}: ${say}`);
      }
      if (two(exact) !== hand) {
        differ++;
        same(
          ["hand", "exact"],
          [hand, exact].map((x) => judged(token, id, x.toFixed(2)).kind),
          `${token} ${id}`,
        );
        if (!/Exactly it is/.test(judged(token, id, hand.toFixed(2)).say)) fail("no note by hand");
        if (!/as by hand, it is/.test(judged(token, id, exact.toFixed(2)).say))
          fail("no note of exact");
      }
      for (const off of [0.03, -0.03, 0.2]) {
        const near = [hand, exact].some((x) => Math.abs(x - hand - off) < 0.01);
        if (!near && judged(token, id, (hand + off).toFixed(2)).verdict === "right")
          fail(`${token} ${id} takes ${hand + off}`);
      }
    }
  }
  if (differ < 20) fail(`only ${differ} cells differ`);
  same("hand", judged(2, "k.0", "−0.374").kind, "by hand, not yet rounded");
  same("exact", judged(2, "k.0", "-0,3755").kind, "a comma");
  same(
    ["unread", "empty", "empty"],
    ["x", "", "  "].map((text) => judged(2, "k.0", text).verdict),
    "no numbers",
  );
  same("wrong", judged(2, "probs.0", "0.17").verdict, "the source's 0.17");
});

/**
 * What each usual mistake gives, by golden rows: [mistake, step, vector].
 * @type {(row: any, token: number) => [string, string, number[]][]}
 */
const usual = (row, token) => {
  const norm = (/** @type {number[]} */ x) =>
    x.map((xi) => xi / Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length + 1e-5));
  const other = (token + 1) % 4;
  const future = norm(norm([0, 1].map((i) => W.wte[other][i] + W.wpe[3][i])));
  const behind = times([times(layer("attn_wk"), future)], row.q)[0] / Math.SQRT2;
  const unrooted = (/** @type {number[]} */ x) =>
    x.map((xi) => xi / ((x[0] ** 2 + x[1] ** 2) / 2 + 1e-5));
  const values = TOY_CACHE.values;
  const roughScale = (/** @type {number[]} */ x) =>
    Math.round(100 / Math.sqrt((x[0] ** 2 + x[1] ** 2) / 2 + 1e-5)) / 100;
  return [
    ["root", "scores", row.qk],
    ["root", "weights", soft(row.qk)],
    ["unnormed", "x", row.emb],
    ["unnormed", "q", times(layer("attn_wq"), row.emb)],
    ["unnormed", "k", times(layer("attn_wk"), row.emb)],
    ["unnormed", "v", times(layer("attn_wv"), row.emb)],
    ["unnormed", "fc1_pre", times(layer("mlp_fc1"), row.x_after_attn)],
    ["unnormed", "x_pre_mlp", row.x_after_attn],
    ["early", "x", row.emb.map((/** @type {number} */ x) => x * roughScale(row.emb))],
    ["future", "weights", soft([...row.scores, 0]).slice(0, 3)],
    ["future", "weights", soft([...row.scores, behind]).slice(0, 3)],
    ["self", "weights", soft(row.scores.slice(0, 2))],
    ["row", "emb", [0, 1].map((i) => W.wte[other][i] + W.wpe[2][i])],
    ["row", "emb", [0, 1].map((i) => W.wte[token][i] + W.wpe[1][i])],
    ["unrooted", "x", unrooted(row.emb)],
    ["unrooted", "x_pre_mlp", unrooted(row.x_after_attn)],
    ["equal", "weights", [1 / 3, 1 / 3, 1 / 3]],
    ["equal", "head_out", [0, 1].map((i) => (values[0][i] + values[1][i] + row.v[i]) / 3)],
    ["residual", "x_after_attn", row.x_attn],
    ["residual", "x_final", row.mlp_out],
    ["relu", "fc1", row.fc1_pre],
    ["relu", "mlp_out", times(layer("mlp_fc2"), row.fc1_pre)],
    [
      "columns",
      "q",
      times(
        layer("attn_wq")[0].map((/** @type {number} */ _, /** @type {number} */ j) =>
          layer("attn_wq").map((/** @type {number[]} */ r) => r[j]),
        ),
        row.x_pre_attn,
      ),
    ],
    ["sign", "k", row.k.map((/** @type {number} */ x) => -x)],
  ];
};

test("each usual mistake is known by its value", () => {
  /** @type {Record<string, number>} */
  const found = {};
  for (const { token, row } of pinned) {
    for (const [mistake, step, vector] of usual(plain(row), token)) {
      vector.forEach((x, i) => {
        const text = x.toFixed(2);
        const { verdict, mistakes, say } = judged(token, `${step}.${i}`, text);
        if (verdict === "right") return; // by chance the same number
        if (!mistakes.includes(mistake))
          fail(`${token} ${step}.${i} ${text} is ${mistake}, was called ${mistakes}: ${say}`);
        found[`${mistake} ${step}`] = (found[`${mistake} ${step}`] ?? 0) + 1;
      });
    }
  }
  same(
    new Set(usual(plain(pinned[0].row), 0).map(([mistake, step]) => `${mistake} ${step}`)).size,
    Object.keys(found).length,
    "kinds found",
  );
});

test("mistakes by hand, with their words", () => {
  for (const [id, text, words] of [
    ["scores.2", "0.21", "root of 2 is missing"],
    ["q.0", "-0.10", "before the norm"],
    ["x.1", "1.11", "Rounded too early"],
    ["weights.0", "0.22", "looks into the future"],
    ["emb.0", "0.40", "wrong row"],
    ["x_final.0", "0.40", "residual is missing"],
    ["fc1.0", "-0.16", "ReLU is skipped"],
    ["x.0", "-0.9", "two decimals"],
    ["k.0", "0.37", "sign"],
    ["probs.3", "43", "per cent"],
    ["weights.1", "0.53", "sees itself"],
    ["probs.0", "0.17", "erratum"],
    ["logits.3", "1.19", ""],
    ["x.0", "-1.95", "square root of that mean"],
    ["weights.0", "0.33", "the same weight"],
    ["k.0", "5", "k₀: not yet. “Hint for k₀” shows"],
    ["q.1", "-0.22", "q₀: the wrong row of Wq"],
    ["fc1.0", "0.16", "flip the sign"],
    ["scores.1", "0.08", "divided by 2"],
  ]) {
    const { verdict, say } = judged(2, id, text);
    if (verdict !== "wrong" || !say.includes(words)) fail(`${id} ${text}: ${verdict}, ${say}`);
  }
  for (const { key, steps } of MISTAKES) {
    for (const step of Object.keys(steps)) {
      const cell = CELLS.find((one) => one.step === step);
      const say = MISTAKES.find((one) => one.key === key)?.say(/** @type {any} */ (cell), 2) ?? "";
      if (say.length < 15 || say.includes("undefined")) fail(`${key} ${step}: ${say}`);
    }
  }
});

test("what follows from one's own numbers", () => {
  const good = {
    "q.0": { text: "-0.22" },
    "q.1": { text: "0.35" },
    "k.0": { text: "-0.38" },
    "k.1": { text: "0.37" },
  };
  const own = judgeCell(2, "qk.2", { ...good, "qk.2": { text: "0.21" } });
  same("right", own.verdict, "from right ones");
  const bad = { ...good, "k.0": { text: "0.38" }, "qk.2": { text: "0.05" } };
  const { verdict, mistakes, say } = judgeCell(2, "qk.2", bad);
  same(["wrong", ["carried"]], [verdict, mistakes], "from wrong ones");
  if (!say.includes("builds on k₀")) fail(say);
});

test("hints, what is given, and what is kept", () => {
  same(
    "q₀ = 0.50·(−0.88) + 0.20·1.10",
    hint(2, CELLS.find(({ id }) => id === "q.0") ?? CELLS[0], 1),
    "hint",
  );
  for (const cell of CELLS)
    for (const level of [0, 1])
      if (/NaN|undefined/.test(hint(1, cell, level)) || !hint(1, cell, level).includes(cell.name))
        fail(hint(1, cell, level));
  same(
    [8, 2, 8, 4],
    ["emb", "q", "fc1_pre", "logits"].map((key) => given(key).length),
    "rows",
  );
  same(["Wq, row 0", "(0.50, 0.20)"], given("q")[0], "Wq");
  const entries = {
    "emb.0": { text: "−0.40" },
    "k.1": { text: "0.37", shown: true },
    "probs.3": { text: "0.4338" },
  };
  const line = writeEntries(entries);
  same(
    {
      ...entries,
      "emb.0": { text: "−0.40", shown: false },
      "probs.3": { text: "0.4338", shown: false },
    },
    readEntries(line),
    "kept",
  );
  const full = Object.fromEntries(CELLS.map(({ id }) => [id, { text: "-0.3755", shown: true }]));
  if (writeEntries(full).length > 520 || writeEntries({}) !== "") fail("too long to keep");
  const longest = Object.fromEntries(CELLS.map(({ id }) => [id, { text: "-0.3755" }]));
  if (writeEntries(longest).length > 500) fail("too long to keep");
  same({}, readEntries("<b>;a=1;;"), "damaged");
});

test("the page gives the model's numbers and the key", () => {
  const page = readFileSync(new URL("guide/pages/learn/worksheet.md", ROOT), "utf8");
  const vector = (/** @type {number[]} */ row) => `(${row.map((x) => written(x)).join(", ")})`;
  const say = (/** @type {string} */ text) => {
    if (!page.includes(text)) fail(`the page doesn't say ${text}`);
  };
  for (const name of ["attn_wq", "attn_wk", "attn_wv", "attn_wo", "mlp_fc1"])
    say(layer(name).map(vector).join(", "));
  for (const name of ["wte", "lm_head"]) say(W[name].map(vector).join(", "));
  for (const row of layer("mlp_fc2"))
    say(row.map((/** @type {number} */ x) => written(x)).join(", "));
  for (const which of ["keys", "values"]) say(golden.pinned_cache[which].map(vector).join(", "));
  for (const { key, names } of STEPS) {
    const numbers = columnOf(2, "hand")
      [key].map((x) => written(x))
      .join(", ");
    say(`| ${numbers} |`);
    if (!names.length) fail(key);
  }
  let apart = 0;
  for (const token of TOKENS)
    columnOf(token, "hand").probs.forEach(
      (p, i) => (apart = Math.max(apart, Math.abs(p - columnOf(token, "exact").probs[i]))),
    );
  if (apart >= 0.01) fail(`probabilities are ${apart} apart`);
  const b = columnOf(2, "exact").probs;
  say(b.map((p) => p.toFixed(4)).join(", "));
  if (Math.max(...b.map((p, i) => Math.abs(p - columnOf(2, "hand").probs[i]))) > 0.005)
    fail("more than 0.005 apart");
});
