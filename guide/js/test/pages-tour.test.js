// The tour of the scene without a page: every stop for several tokens, the larger model's plates,
// and the letters beside the probabilities.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { opened, tokensOf } from "../figures/trained/real-model.js";
import { framing, pictureMatrix, projected } from "../scene/camera.js";
import { cellOf, makeLayout } from "../scene/layout.js";
import { letterShapes } from "../scene/letters.js";
import { formulaAt, numbersOf, valueAt } from "../scene/numbers.js";
import { headOf, madeAt } from "../scene/phases.js";
import { cellsOf, flatSizes, framed, GPT2, OURS, platesOf } from "../scene/sizes.js";
import { boxesOf, computed, factsOf, litOf, stateOf, STOPS, told } from "../scene/tour.js";
import { fail, near, same } from "./helpers.js";

const text = (/** @type {string} */ path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const real = opened(text("data/model.json"));

/** @param {string} word @param {number} t */
function sceneOf(word, t) {
  const tokens = tokensOf(real, word);
  const numbers = numbersOf(real, tokens);
  return { layout: makeLayout(real.config, tokens.length), facts: factsOf(numbers, t, word) };
}

test("every stop has its cells in the picture, and follows one that is made by then", () => {
  for (const [word, t] of /** @type {[string, number][]} */ ([
    ["karen", 4],
    ["", 0],
    ["x", 1],
    ["maximilianus", 12],
  ])) {
    const { layout, facts } = sceneOf(word, t);
    for (const stop of STOPS) {
      const { phase, turn, tilt } = stateOf(stop, facts);
      const said = `${word} ${t}: ${stop.say(facts)}`;
      if (/NaN|undefined/.test(said)) fail(said);
      const lit = litOf(stop, layout, facts);
      if (lit?.has(-1) || lit?.size === 0) fail(`${said} lights what isn't there`);
      const matrix = pictureMatrix(framing(boxesOf(stop, layout), { turn, tilt }, 1.9), 1.9);
      const place = stop.cell?.(facts);
      if (!place) continue;
      const cell = cellOf(layout, place.name, place.at);
      const [x, y, z] = layout.centers.subarray(3 * cell, 3 * cell + 3);
      const p = projected(matrix, [x, y, z]);
      if (Math.abs(p.x) > 1 || Math.abs(p.y) > 1 || p.away < 0) fail(`${said} isn't seen`);
      if (madeAt(place.name, headOf(place.name, place.at, 16)) > phase) fail(`${said}: too early`);
      same(true, lit?.has(cell), said);
      if (!formulaAt(facts.numbers, place.name, place.at).of.length) fail(`${said}: no inputs`);
    }
  }
});

test("the head of the tour looks most at one token before, not at the first", () => {
  const { facts } = sceneOf("karen", 4);
  const rows = /** @type {number[][]} */ (facts.numbers.traced["layer0.weights"][4]);
  const most = Math.max(...rows.flatMap((row) => row.slice(1, 4)));
  same(most, rows[facts.head][facts.looked], "weight");
  same(
    [470, 422],
    [4, 0].map((t) => computed(facts.numbers, t)),
    "numbers computed",
  );
  const sentences = told(facts).flatMap((passage) => passage.sentences);
  same(STOPS.length, sentences.length, "a sentence each");
  same(8, told(facts).length, "sections");
});

test("GPT-2's plates are as large as they are, and stand apart", () => {
  const { layout } = sceneOf("karen", 4);
  const plates = platesOf(layout.box);
  const { n_embd: c, n_layer } = GPT2;
  same(2 + 6 * n_layer, plates.length, "plates");
  // what no plate holds: nine columns of biases and four of two norms a block, and the last norm
  same(GPT2.parameters, cellsOf(plates) + (13 * n_layer + 2) * c, "parameters");
  same([124439808, 4192], [GPT2.parameters, OURS.parameters], "as published");
  plates.forEach(({ wide, high, box: { low, high: end } }, i) => {
    near([wide, high], [end[0] - low[0], end[1] - low[1]], 1e-6, "to scale");
    if (low[0] <= layout.box.high[0]) fail("it stands on ours");
    for (const other of plates.slice(i + 1))
      if ([0, 1].every((k) => low[k] < other.box.high[k] && other.box.low[k] < end[k]))
        fail("two in one place");
  });
  for (const what of /** @type {const} */ (["foot", "block", "whole"])) {
    if (!framed(what, layout.box).length) fail(what);
    const shapes = flatSizes(what, layout.box, { w: 760, h: 460 });
    if (shapes.some(({ looks }) => /NaN/.test(JSON.stringify(looks)))) fail(what);
    const seen = shapes.filter(({ tag, looks }) => tag === "polygon" && looks.points);
    if (what === "whole") same(plates.length, seen.length, "all are seen");
  }
});

test("the likeliest three are always named, all where there is room", () => {
  const { facts } = sceneOf("karen", 4);
  const chances = { names: facts.letters, probs: facts.numbers.traced.probs[4] };
  const spots = (/** @type {number} */ step) =>
    chances.names.map((_, i) => /** @type {[number, number]} */ ([100, 20 + i * step]));
  const texts = (/** @type {number} */ step) =>
    letterShapes(spots(step), chances, { w: 400, h: 800 }).filter(({ text: one }) => one !== " ");
  same(27, texts(16).length, "room");
  const few = texts(4);
  same(
    ["l 0.156", "n 0.194", "r 0.112"],
    few.map((one) => one.text),
    "no room",
  );
  const ys = few.map(({ looks }) => Number(looks.y));
  if (ys.some((y, i) => i > 0 && y - ys[i - 1] < 14)) fail("one stands on the other");
  near([valueAt(facts.numbers, "probs", [4, 13])], [Math.max(...chances.probs)], 0, "n");
});
