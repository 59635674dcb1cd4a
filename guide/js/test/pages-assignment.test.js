// What the assignment's figures do with what a reader types, and the frontier's sums. Leaks,
// automata and answers are held against Python by tests/test_guide_pages_assignment.py.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { InputError } from "../errors.js";
import { interval, percent, placeOf } from "../figures/assignment/bot-parts.js";
import { MOST_WORDS, prefixesOf, Rails, readWords } from "../figures/assignment/bot.js";
import { stepOf, thresholdOf, Thresholds } from "../figures/assignment/frontier.js";
import { estimate } from "../figures/assignment/leak.js";
import { fail, near, refuses, same } from "./helpers.js";

const AZ = [..."abcdefghijklmnopqrstuvwxyz"];
const recorded = JSON.parse(
  readFileSync(new URL("../../data/frontier.json", import.meta.url), "utf8"),
);

test("a line becomes prefixes as in the given loop", () => {
  for (const [line, prefixes] of /** @type {[string, string[] | null][]} */ ([
    ["j", ["j"]],
    ["a b c", ["a", "b", "c"]],
    ["", [""]],
    [" \t ", [""]],
    ["j!", ["j"]],
    ["ab123", ["ab"]],
    ["APPL", ["appl"]],
    ["a-p-p-l", ["appl"]],
    ["!!! ?", null],
    ["!!! k", ["k"]],
    ["\u212am", ["km"]],
    ["a\u0000b\ud83d\ude00", ["ab"]],
    ["a\u001cb\u0085c\ufeffd", ["a", "b", "cd"]],
  ]))
    same(prefixes, prefixesOf(line, AZ), JSON.stringify(line));
  same(["Ab"], prefixesOf("Ab", [..."Ab"]), "capitals in the vocabulary");
});

test("banned words are read, or refused with a line", () => {
  same(["fig", "lime"], readWords(" FIG, lime;\nfig ", AZ), "read");
  const many = Array.from(
    { length: MOST_WORDS + 1 },
    (_, i) =>
      `a${String.fromCharCode(97 + Math.floor(i / 26))}${String.fromCharCode(97 + (i % 26))}`,
  ).join(" ");
  for (const [typed, said] of [
    ["  ", "no word left"],
    ["a", "1 letter,"],
    ["abcdefghijklmnopq", "17 letters"],
    ["figüe", "“figüe”"],
    ["fig <b>", "“<b>”"],
    [many, `at most ${MOST_WORDS}`],
  ]) {
    refuses(() => readWords(typed, AZ), InputError, new RegExp(said), said);
  }
});

test("rails find what ends first, and the longest of those", () => {
  const policy = {
    tries: 10,
    temperature: 0.7,
    category: [
      { words: ["pea", "peach", "each", "plum"], reason: "no", heads: 3, leads: ["pe", "lim"] },
    ],
  };
  const rails = new Rails(policy);
  same(
    ["pea", "peach", null],
    [
      rails.found("peach"),
      new Rails(policy, ["each", "peach"]).found("peach"),
      rails.found("lime"),
    ],
    "found",
  );
  same(
    ["eac", "pe", "pea", "peac", "plu"],
    [...rails.heads].sort(),
    "heads: no lead without its word",
  );
  same(
    ["“xpe” ends in “pe”", null, "“apeax” holds “pea”"],
    ["xpe", "pex", "apeax"].map((prefix) => rails.refused(prefix)),
    "refused",
  );
});

test("a lead with ^ counts at one place only", () => {
  const policy = {
    tries: 10,
    temperature: 0.7,
    category: [
      {
        words: ["noni", "nashi"],
        reason: "no",
        heads: 0,
        leads: ["^non", "^.non", "^nas", "^lon"],
      },
    ],
  };
  const rails = new Rails(policy);
  same(
    ["“non” ends in “non”", "“anon” ends in “non”", "“nas” ends in “nas”"],
    ["non", "anon", "nas"].map((prefix) => rails.refused(prefix)),
    "refused",
  );
  same(
    [null, null, null, null],
    ["shannon", "jonas", "lon", "nona"].map((prefix) => rails.refused(prefix)),
    "let through",
  );
});

test("a threshold's two numbers, by adding up", () => {
  const thresholds = new Thresholds(recorded);
  const { ordinary, attacks } = recorded;
  const sum = (/** @type {number[]} */ numbers) => numbers.reduce((a, b) => a + b, 0);
  for (const t of [1e-4, 0.001, 0.0123, 0.04, 0.3, 1]) {
    const { refused, leak } = thresholds.at(t);
    near(
      [
        sum(
          ordinary.shares.filter(
            (/** @type {number} */ _, /** @type {number} */ i) => ordinary.leaks[i] >= t,
          ),
        ),
      ],
      [refused],
      1e-9,
      `refused at ${t}`,
    );
    near(
      [sum(attacks.leaks.filter((/** @type {number} */ x) => x < t)) / attacks.leaks.length],
      [leak],
      1e-9,
      `leak at ${t}`,
    );
  }
  const path = thresholds.path();
  for (let i = 1; i < path.length; i++)
    if (path[i].refused < path[i - 1].refused || path[i].leak > path[i - 1].leak)
      fail("the path turns back");
  near(
    [0, recorded.points.find((/** @type {any} */ p) => p.name === "allow all").leak],
    [path[0].refused, path[0].leak],
    1e-4,
    "one end",
  );
  near([1, 0], [path.at(-1)?.refused ?? 0, path.at(-1)?.leak ?? 1], 1e-4, "the other");
  const { refused, allowed } = thresholds.beside(0.04);
  if (
    !refused.every(({ leak }) => leak >= 0.04) ||
    !allowed.every(({ leak }) => leak < 0.04) ||
    refused[0].leak > refused[1].leak
  )
    fail("beside");
});

test("scales and words", () => {
  same(
    [0, 400, 0.0001, 1, 0.04],
    [
      stepOf(1e-4),
      stepOf(1),
      thresholdOf(0),
      thresholdOf(400),
      Number(thresholdOf(stepOf(0.04)).toFixed(2)),
    ],
    "slider",
  );
  same(
    ["0 %", "61.9 %", "0.00541 %", "100 %"],
    [0, 0.618785, 0.0000541, 1].map(percent),
    "per cent",
  );
  same(
    ["61.8784 % to 61.8792 %", "0.001 % to 0.043 %", "0 % to 20 %"],
    [interval(0.618784, 0.618792), interval(0.00001, 0.00043), interval(0.002, 0.2)],
    "interval",
  );
  same([0, 0.5, 1], [placeOf(0), placeOf(1e-3), placeOf(1)], "place");
});

test("the bound on the mean is Bernstein's", () => {
  const { mean, error } = estimate(Float64Array.of(0, 1, 0, 1), 0.5);
  const chance = Math.log(80);
  near(
    [0.25, 0.5 * (Math.sqrt((2 * chance * (1 / 3)) / 4) + (7 * chance) / 9)],
    [mean, error],
    1e-12,
    "mean and error",
  );
});
