// The scene without a page: its layout, its formulas, its eye, and what may be seen when; and the
// blocks of the canonical diagram.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { shapes } from "../config.js";
import {
  ATTENTION,
  BLOCKS,
  codeOf,
  EMBEDDINGS,
  entriesOf,
  linesOf,
  linesSaid,
  MLP,
  OUTPUT,
} from "../figures/trained/canonical.js";
import { opened, tokensOf } from "../figures/trained/real-model.js";
import {
  axes,
  between,
  FIRST,
  framing,
  LIMITS,
  moved,
  orbited,
  pictureMatrix,
  projected,
  rayThrough,
  zoomed,
} from "../scene/camera.js";
import { coloursOf } from "../scene/colours.js";
import { gridOf } from "../scene/grid.js";
import { around, cellAt, cellOf, makeLayout } from "../scene/layout.js";
import { formulaAt, numbersOf, parametersOf, placeName, valueAt } from "../scene/numbers.js";
import { headOf, madeAt, mainTensor, PHASES } from "../scene/phases.js";
import { HALF, meets, pick, withRoom } from "../scene/picking.js";
import { fail, near, same } from "./helpers.js";

const text = (/** @type {string} */ path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const real = opened(text("data/model.json"));
const items = JSON.parse(text("conformance/trace.json"));
const tokens = tokensOf(real, "karen").slice(0, 6);
const numbers = numbersOf(real, tokens);
const layout = makeLayout(real.config, tokens.length);
const last = PHASES.length - 1;
const scale = {
  below: /** @type {[number, number, number]} */ ([0, 0, 255]),
  middle: /** @type {[number, number, number]} */ ([128, 128, 128]),
  above: /** @type {[number, number, number]} */ ([255, 128, 0]),
};
const paper = /** @type {[number, number, number]} */ ([255, 255, 255]);

test("every tensor of the model stands in the scene, with every number once", () => {
  const traced = [...items.before, ...items.per_layer, ...items.after].map(({ name }) =>
    items.per_layer.some((/** @type {any} */ one) => one.name === name) ? `layer0.${name}` : name,
  );
  same(
    [...shapes(real.config).map(([name]) => name), ...traced].sort(),
    layout.panels.map(({ name }) => name).sort(),
    "tensors",
  );
  const weights = layout.panels.filter(({ isWeight }) => isWeight);
  same(
    4192,
    weights.reduce((sum, { start, end }) => sum + end - start, 0),
    "parameters",
  );
  same(4192, parametersOf(real), "as the model has");
  for (const [name, out, into] of shapes(real.config))
    same([out, into], weights.find((panel) => panel.name === name)?.shape, name);
  const perToken =
    layout.panels
      .filter(({ isWeight }) => !isWeight)
      .reduce((sum, { start, end, shape }) => sum + (shape.length === 3 ? 0 : end - start), 0) / 6;
  same(14 * 16 + 2 * 64 + 2 * 27 + 4, perToken, "numbers a token, without attention's");
  same(layout.count, 4192 + 6 * perToken + 3 * 4 * 21, "cells");
  for (let cell = 0; cell < layout.count; cell++) {
    const { panel, at } = cellAt(layout, cell);
    same(cell, cellOf(layout, panel.name, at), placeName(panel.name, at));
    if (!Number.isFinite(valueAt(numbers, panel.name, at))) fail(placeName(panel.name, at));
  }
  same(-1, cellOf(layout, "layer0.weights", [2, 0, 3]), "no later position");
  same(-1, cellOf(layout, "wte", [27, 0]), "no such row");
});

test("no two cells stand in the same place", () => {
  for (const positions of [1, 6, 16]) {
    const { centers, count } = makeLayout(real.config, positions);
    const seen = new Set();
    for (let cell = 0; cell < count; cell++)
      seen.add([...centers.subarray(3 * cell, 3 * cell + 3)].map((x) => Math.round(x * 10)).join());
    same(count, seen.size, `${positions} positions`);
    const boxes = makeLayout(real.config, positions)
      .panels.filter(({ name }) => !/(qk|scores|layer0.weights)$/.test(name))
      .map(({ box }) => box);
    boxes.forEach((a, i) =>
      boxes.slice(i + 1).forEach((b) => {
        if ([0, 1, 2].every((k) => a.low[k] < b.high[k] - 1e-3 && b.low[k] < a.high[k] - 1e-3))
          fail(`${positions}: two tensors in one place`);
      }),
    );
  }
});

test("what a formula gives is the number of the forward pass", () => {
  for (let cell = 0; cell < layout.count; cell++) {
    const { panel, at } = cellAt(layout, cell);
    const { value, of, text: said } = formulaAt(numbers, panel.name, at);
    near([valueAt(numbers, panel.name, at)], [value], 1e-12, placeName(panel.name, at));
    if (panel.isWeight !== (of.length === 0)) fail(`${said} is made of ${of.length}`);
    for (const one of of) {
      if (cellOf(layout, one.name, one.at) < 0)
        fail(`${said} needs ${placeName(one.name, one.at)}, which isn't there`);
      const part = layout.panels.find(({ name }) => name === one.name);
      // nothing is made of what comes later
      if (
        part &&
        !part.isWeight &&
        madeAt(one.name, headOf(one.name, one.at, 16)) >
          madeAt(panel.name, headOf(panel.name, at, 16))
      )
        fail(said);
    }
  }
  const q = formulaAt(numbers, "layer0.q", [4, 7]);
  same("q[4][7] = Σ attn_wq[7][j] · x_pre_attn[4][j]", q.text, "q");
  same(32, q.of.length, "of");
  if (!q.sum.includes("16 terms")) fail(q.sum);
});

test("each number is made in one phase, after those it is made of", () => {
  same(18, PHASES.length, "phases");
  for (const panel of layout.panels) {
    const made = madeAt(
      panel.name,
      panel.shape.length === 3 || panel.name === "layer0.head_out" ? 0 : null,
    );
    same(panel.isWeight, made === -1, panel.name);
    if (!panel.isWeight && !PHASES[made].makes.includes(panel.name)) fail(panel.name);
  }
  same(
    [5, 6, 7, 8],
    [0, 1, 2, 3].map((h) => madeAt("layer0.head_out", headOf("layer0.head_out", [0, 4 * h], 16))),
    "heads",
  );
  for (let phase = 0; phase < PHASES.length; phase++)
    if (!layout.panels.some(({ name }) => name === mainTensor(phase))) fail(`phase ${phase}`);
});

test("colours: nothing of later tokens, small what waits, blue and orange by sign", () => {
  const size = (
    /** @type {Uint8Array} */ bytes,
    /** @type {string} */ name,
    /** @type {number[]} */ at,
  ) => bytes[4 * cellOf(layout, name, at) + 3];
  const early = coloursOf(layout, numbers, { at: 3, phase: 6 }, scale, paper);
  same(
    [0, 255, 255],
    [size(early, "x", [4, 0]), size(early, "x", [3, 0]), size(early, "logits", [2, 0])],
    "later, now, before",
  );
  same(
    [255, 255, 77],
    [4, 7, 8].map((i) => size(early, "layer0.head_out", [3, i])),
    "heads 1 and 2 are done",
  );
  if (size(early, "logits", [3, 0]) > 100) fail("logits wait");
  const whole = coloursOf(layout, numbers, { at: 5, phase: last }, scale, paper);
  for (const [name, at] of /** @type {[string, number[]][]} */ ([
    ["logits", [5, 3]],
    ["probs", [5, 26]],
  ])) {
    const cell = cellOf(layout, name, at);
    const [red, , blue] = whole.subarray(4 * cell, 4 * cell + 3);
    same(valueAt(numbers, name, at) > 0, red > blue, placeName(name, at));
  }
  const one = cellOf(layout, "probs", [5, 1]);
  const marked = coloursOf(layout, numbers, { at: 5, phase: last }, scale, paper, new Set([one]));
  same(
    [...whole.subarray(4 * one, 4 * one + 4)],
    [...marked.subarray(4 * one, 4 * one + 4)],
    "the marked one stays",
  );
  const other = cellOf(layout, "probs", [5, 26]);
  if (marked.subarray(4 * other, 4 * other + 3).every((byte, i) => byte === whole[4 * other + i]))
    fail("the others step back");
});

test("the eye: a box fits, a ray hits what it is drawn through", () => {
  for (const angles of [
    FIRST,
    { turn: 0, tilt: 0 },
    { turn: 80, tilt: -30 },
    { turn: -60, tilt: 80 },
  ]) {
    const [right, up, back] = axes(angles);
    near(
      [0, 0, 0, 1, 1, 1],
      [
        [right, up],
        [up, back],
        [back, right],
        [right, right],
        [up, up],
        [back, back],
      ].map(([a, b]) => a.reduce((s, x, i) => s + x * b[i], 0)),
      1e-12,
      "axes",
    );
    for (const aspect of [0.8, 1.7]) {
      const view = framing([layout.box], angles, aspect);
      const m = pictureMatrix(view, aspect);
      for (let corner = 0; corner < 8; corner++) {
        const p = projected(
          m,
          /** @type {any} */ (
            [0, 1, 2].map((i) => (corner & (1 << i) ? layout.box.high : layout.box.low)[i])
          ),
        );
        if (Math.abs(p.x) > 1 || Math.abs(p.y) > 1 || p.away < 0)
          fail(`a corner is outside at ${JSON.stringify(angles)}`);
      }
      const near_ = moved(view, 4, 0.1, -0.1);
      for (const cell of [0, 500, 4300, layout.count - 1]) {
        const c = layout.centers.subarray(3 * cell, 3 * cell + 3);
        const p = projected(pictureMatrix(near_, aspect), /** @type {any} */ ([...c]));
        const ray = rayThrough(near_, aspect, p.x, p.y);
        const along =
          ray.direction.reduce((s, d, i) => s + d * (c[i] - ray.origin[i]), 0) /
          ray.direction.reduce((s, d) => s + d * d, 0);
        near(
          [...c],
          ray.origin.map((o, i) => o + along * ray.direction[i]),
          1e-2,
          `cell ${cell}`,
        );
      }
    }
  }
  same({ turn: LIMITS.turn, tilt: -LIMITS.tilt }, orbited(FIRST, 500, -500), "limits");
  same([LIMITS.most, LIMITS.least], [zoomed(3, 100), zoomed(1, 0.01)], "zoom");
  const [a, b] = [framing([layout.box], FIRST, 1), framing([layout.panels[0].box], FIRST, 1)];
  near(
    [a.distance, b.distance],
    [between(a, b, 0).distance, between(a, b, 1).distance],
    1e-9,
    "glide",
  );
});

test("picking gives the nearest cell that is drawn", () => {
  const view = framing([layout.box], { turn: 0, tilt: 0 }, 1.7);
  const at = (/** @type {number} */ cell) => {
    const p = projected(
      pictureMatrix(view, 1.7),
      /** @type {any} */ ([...layout.centers.subarray(3 * cell, 3 * cell + 3)]),
    );
    return rayThrough(view, 1.7, p.x, p.y);
  };
  const full = () => 1;
  for (const [name, place] of /** @type {[string, number[]][]} */ ([
    ["wte", [10, 3]],
    ["layer0.mlp_fc2", [3, 60]],
    ["probs", [5, 12]],
    ["layer0.q", [5, 0]],
  ])) {
    const cell = cellOf(layout, name, place);
    same(cell, pick(at(cell), layout, full), placeName(name, place));
  }
  const behind = cellOf(layout, "probs", [0, 12]);
  const turned = { ...view, turn: 0 };
  same(true, pick(at(behind), layout, full) !== -1, "something is met");
  const only = pick(
    rayThrough(
      turned,
      1.7,
      ...(() => {
        const p = projected(
          pictureMatrix(turned, 1.7),
          /** @type {any} */ ([...layout.centers.subarray(3 * behind, 3 * behind + 3)]),
        );
        return /** @type {[number, number]} */ ([p.x, p.y]);
      })(),
    ),
    layout,
    (cell) => (layout.indices[3 * cell] === 0 ? 1 : 0),
  );
  same(behind, only, "what isn't drawn hides nothing");
  same(-1, pick({ origin: [0, 500, 0], direction: [0, 1, 0] }, layout, full), "the sky");
  same(
    5 - HALF,
    meets({ origin: [0, 0, 5], direction: [0, 0, -1] }, [-HALF, -HALF, -HALF], [HALF, HALF, HALF]),
    "distance",
  );
  const names = [
    [0, 0],
    [5, 0],
    [40, 0],
  ].map(([x, y]) => ({ x, y, width: 20, height: 10 }));
  same([names[0], names[2]], [...withRoom(names)], "names with room");
});

test("the flat view has every number that is known, and no other", () => {
  for (const moment of [
    { at: 0, phase: 0 },
    { at: 3, phase: 6 },
    { at: 5, phase: last },
  ]) {
    for (const panel of layout.panels) {
      const { values, rows, columns, placeOf } = gridOf(numbers, panel.name, moment);
      same(values.length, rows.length, panel.name);
      values.forEach((/** @type {number[]} */ row, /** @type {number} */ r) =>
        row.forEach((value, c) => {
          const place = placeOf(r, c);
          same(valueAt(numbers, place.name, place.at), value, placeName(place.name, place.at));
        }),
      );
      if (values.length) same(values[0].length, columns.length, panel.name);
      if (moment.phase === 0 && !panel.isWeight) same(0, values.length, panel.name);
    }
  }
  same(2, gridOf(numbers, "layer0.weights", { at: 3, phase: 6 }).values.length, "two heads so far");
  same(6, gridOf(numbers, "layer0.mlp_out", { at: 5, phase: last }).values.length, "all positions");
  same(
    around([
      { low: [0, 0, 0], high: [1, 1, 1] },
      { low: [-1, 0, 0], high: [0, 3, 1] },
    ]),
    { low: [-1, 0, 0], high: [1, 3, 1] },
    "around",
  );
});

test("21 blocks, each with its lines and its entries, or none", () => {
  const source = text("ladder/train5.py");
  same([21, 21], [BLOCKS.length, new Set(BLOCKS.map(({ id }) => id)).size], "blocks");
  same(
    [4, 7, 4, 3],
    [EMBEDDINGS, ATTENTION, MLP, OUTPUT].map((one) => one.length),
    "parts",
  );
  const entries = BLOCKS.flatMap((block) => entriesOf(real.weights, block));
  same(Object.keys(real.weights).sort(), entries.map(({ key }) => key).sort(), "each entry once");
  same(
    4192,
    entries.reduce((sum, { count }) => sum + count, 0),
    "parameters",
  );
  for (const block of BLOCKS) {
    const lines = codeOf(source, block);
    same(block.id === "dropout", lines.length === 0, block.id);
    for (const { number, text: line } of lines)
      same(source.split("\n")[number - 1], line, `${block.id} ${number}`);
  }
  same("Line 134", linesSaid([134]), "one line");
  same("Lines 92 and 134", linesSaid([92, 134]), "two lines");
  same(
    "Lines 3, 120 to 124 and 144",
    linesSaid([3, 120, 121, 122, 123, 124, 144]),
    "a run of lines",
  );
  same(
    "    for i in range(n_layer):",
    linesOf(source, "for i in range(n_layer):", 1)[0].text,
    "the loop of gpt",
  );
  try {
    linesOf(source, "no such line", 1);
  } catch {
    return;
  }
  fail("a line that isn't there is noticed");
});
