// The residual stream as a river, without a page. tests/test_guide_streams.py holds the same files
// to Python's numbers.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { linesOf, namesOf, STEPS } from "../figures/dataset.js";
import { opened, tokensOf } from "../figures/trained/real-model.js";
import { boxes, losses, river, riverSize, rowAt, sentence } from "../figures/trained/river.js";
import { lossOf, namesFrom, offOf, OFFS, onOf, streamAt } from "../figures/trained/river-facts.js";
import { loadKernel } from "../kernel.js";
import { fail, near, same } from "./helpers.js";

const text = (/** @type {string} */ path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const real = opened(text("data/model.json"));
const blocks = JSON.parse(text("guide/data/blocks.json"));
const kernel = await loadKernel(new URL("../kernel.wasm", import.meta.url));
const tokens = tokensOf(real, "karen");

test("what is off by what is on, and back", () => {
  for (const off of OFFS) same(off, offOf(onOf(off)), off);
});

test("the kernel's losses with a block switched off are Python's, over all unseen names", () => {
  const docs = namesOf(linesOf(text("data/names.txt"))).shuffled.slice(STEPS);
  for (const off of /** @type {const} */ (["attention", "mlp"])) {
    let last = { sum: 0, count: 0, names: 0 };
    for (const part of lossOf(kernel, real, onOf(off), docs)) {
      if (part.names <= last.names) fail("the names go on");
      last = part;
    }
    near([blocks.off[off]], [last.sum / last.count], 1e-6, off);
    same([blocks.names, blocks.tokens], [last.names, last.count], "how many");
  }
});

test("three names by the stream of microgpt sample", () => {
  same(["kana", "keelan", "alilan"], namesFrom(kernel, real, onOf("none"), 42), "nothing off");
  if (namesFrom(kernel, real, onOf("both"), 42).join() === "kana,keelan,alilan") fail("both off");
});

test("what is switched off adds nothing, and the river passes it", () => {
  const none = streamAt(real, tokens, 5, onOf("none"));
  const off = streamAt(real, tokens, 5, onOf("attention"));
  same([0, off.x], [off.attention, off.middle], "attention off");
  if (off.mlp === none.mlp) fail("the MLP reads another stream then");
  const both = streamAt(real, tokens, 5, onOf("both"));
  same([both.x, 0], [both.end, both.mlp], "both off");
  same(
    "At n, position 5, the stream has a size of 1.00; attention is switched off, the MLP adds " +
      "0.48; it ends with 1.38. Likeliest next: end (0.45). Loss on 31,033 unseen names: 2.372.",
    sentence("n", 5, off, onOf("attention"), blocks),
    "told",
  );
});

test("the river stays inside its picture at every letter, lying and standing", () => {
  for (const isTall of [false, true]) {
    const { width, height } = riverSize(isTall);
    for (const word of ["karen", "muhammadibrahim", "qzx"])
      tokensOf(real, word).forEach((_, at, all) => {
        for (const off of OFFS) {
          const stream = streamAt(real, all, at, onOf(off));
          const drawn = [...river(stream, onOf(off), "a", isTall), ...losses(blocks, onOf(off), 2)];
          const wrong = drawn.some(({ looks }) => /NaN|undefined/.test(JSON.stringify(looks)));
          const [{ looks }] = drawn;
          const points = String(looks.d).match(/-?[\d.]+ -?[\d.]+/g) ?? [];
          const inside = points.every((point) => {
            const [x, y] = point.split(" ").map(Number);
            return x >= 0 && x <= width && y >= 0 && y <= height;
          });
          if (wrong || !inside) fail(`${word} at ${at}, ${off}`);
        }
      });
    for (const { x, y, width: wide, height: high } of Object.values(boxes(isTall)))
      if (x < 0 || y < 0 || x + wide > width || y + high > height) fail("a box");
  }
  same([...OFFS], [20, 55, 80, 110].map(rowAt), "rows");
});
