// A list by first letter and length, without a page. tests/test_guide_list.py holds it to Python's.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { linesOf, namesOf, STEPS } from "../figures/dataset.js";
import {
  ANY,
  barAt,
  foundOf,
  kindsOf,
  lengthBars,
  letterBars,
  NARROW,
  OTHER,
  sentence,
  someNames,
  WIDE,
} from "../figures/runs/list-drawing.js";
import { fail, same } from "./helpers.js";

const { docs, shuffled } = namesOf(
  linesOf(readFileSync(new URL("../../../data/names.txt", import.meta.url), "utf8")),
);
const kinds = kindsOf(docs, shuffled.slice(0, STEPS));
const sum = (/** @type {number[]} */ some) => some.reduce((a, b) => a + b, 0);

test("every name stands in one group, and a thousand are shown", () => {
  const all = foundOf(kinds, { letter: ANY, length: 0 });
  same({ all: 32033, shown: 1000 }, all.both, "both");
  for (const part of [all.byLetter, all.byLength]) {
    same(
      [32033, 1000],
      [sum(part.map((one) => one.all)), sum(part.map((one) => one.shown))],
      "bars",
    );
  }
  same(26, kinds.letters.length, "letters");
  same(15, kinds.longest, "longest");
});

test("one row of bars narrows the other", () => {
  const q = foundOf(kinds, { letter: "q", length: 0 });
  same(92, sum(q.byLength.map((one) => one.all)), "q by length");
  const six = foundOf(kinds, { letter: ANY, length: 6 });
  same(9657, sum(six.byLetter.map((one) => one.all)), "six letters");
  same(["muhammadibrahim", "muhammadmustafa"], namesOfLength(15), "the longest");
  same(
    "The list has 32,033 names; 2 of them have 15 letters; a run of 1,000 steps is shown " +
      "0 of these.",
    sentence(kinds, foundOf(kinds, { letter: ANY, length: 15 }), { letter: ANY, length: 15 }),
    "told",
  );
  if (!q.some.every(({ name }) => name.startsWith("q"))) fail("names with q");
});

const namesOfLength = (/** @type {number} */ length) =>
  foundOf(kinds, { letter: ANY, length })
    .some.map(({ name }) => name)
    .sort();

test("any list can be drawn: rare letters together, long lines cut, twice the same line", () => {
  const lines = [
    ...Array.from({ length: 40 }, (_, i) => String.fromCodePoint(0x430 + i, 0x61)),
    "ab",
    "ab",
    "a very long line indeed, of more than twenty",
    "\u202eab",
    "😀😀",
  ];
  const own = kindsOf(lines, ["ab"]);
  same(30, own.letters.length, "letters");
  same(OTHER, own.letters[29], "the others");
  for (const letter of [ANY, ...own.letters])
    for (const length of [0, 2, 20]) {
      const found = foundOf(own, { letter, length });
      for (const wide of [WIDE, NARROW]) {
        const drawn = [
          ...letterBars(own, found, { letter, length }, wide),
          ...lengthBars(own, found, { letter, length }, wide),
          ...someNames(found, { letter, length }),
        ];
        const wrong = drawn.filter(({ looks }) => /NaN|undefined/.test(JSON.stringify(looks)));
        if (wrong.length) fail(`${letter} ${length}`);
        if (drawn.some(({ text }) => text.includes("\u202e"))) fail("a sign that turns the text");
        if (drawn.some(({ looks, text }) => looks.class === "list-name" && text.length > 24))
          fail("a name too long");
      }
    }
  const ab = foundOf(own, { letter: "a", length: 2 });
  same({ all: 2, shown: 1 }, ab.both, "one of two alike");
});

test("which bar is pointed at", () => {
  same(
    [0, 0, 25, 25],
    [-5, 12, 489, 600].map((x) => barAt(x, 26, WIDE)),
    "letters",
  ); // prettier-ignore
});
