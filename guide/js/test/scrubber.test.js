// The time machine's sums: frames, attention, the map, samples.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { linesOf } from "../figures/dataset.js";
import { gridFor, cellAt, trianglesFor } from "../figures/canvas.js";
import { numberAt, wholeFor } from "../figures/runs/whole-plan.js";
import {
  attentionAt,
  axesOf,
  CONFIG,
  eigen,
  Largest,
  largest,
  mapped,
  PLACES,
  placeOf,
  rangeOf,
  samplesAt,
  shareAlong,
  typical,
  untrained,
} from "../figures/runs/time-machine.js";
import { loadKernel } from "../kernel.js";
import { trace } from "../numbers/forward.js";
import { Random } from "../random.js";
import { recorded, TrainingRun } from "../training-run.js";
import { fail, near, same } from "./helpers.js";

const docs = linesOf(readFileSync(new URL("../../../data/names.txt", import.meta.url), "utf8"));
const page = readFileSync(new URL("../../pages/learn/scrubber.md", import.meta.url), "utf8");
const kernel = await loadKernel(readFileSync(new URL("../kernel.wasm", import.meta.url)));
const start = untrained(docs, 42);
const run = new TrainingRun({ docs, recordEvery: 1, samples: 0 }, kernel);
/** @type {Float32Array[]} */
const frames = [];
const keep = (/** @type {Iterable<any>} */ events) => {
  for (const event of events) if (event.type === "recording") frames[event.step] = event.weights;
};
keep(run.start());
while (!run.done) keep(run.advance(1000));
const last = frames[CONFIG.steps];
const anna = [26, 0, 13, 13, 0];
const engine = kernel.create({ config: CONFIG, dtype: "float64" });
const from = {
  uniforms: start.uniforms,
  first: placeOf(start.first),
  file: new Set(docs),
  uchars: [..."abcdefghijklmnopqrstuvwxyz"],
};
const onPage = (/** @type {string} */ text) =>
  page.includes(text) || fail(`the page doesn't say ${text}`);
const signed = (/** @type {number} */ x) => x.toFixed(2).replace("-", "−");

test("every step is recorded, and the first frame is the untrained model", () => {
  same(CONFIG.steps + 1, frames.length, "frames");
  same([...start.frame], [...frames[0]], "first frame");
  same([27, 16], [PLACES.wte.rows, PLACES.wte.columns], "shape");
  same(4192 - 1024, PLACES["layer0.mlp_fc2"].at, "the last matrix");
});

test("attention is that of the whole forward pass", () => {
  for (const k of [0, 300, 1000]) {
    const wanted = trace(CONFIG, recorded(CONFIG, frames[k]), anna)["layer0.weights"];
    attentionAt(frames[k], anna).forEach((heads, t) =>
      heads.forEach((row, h) =>
        row.forEach((x, j) =>
          near(wanted[t][h][j], x, 1e-12, `step ${k}, position ${t}, head ${h}`),
        ),
      ),
    );
  }
  for (const k of [0, 100, 500, 1000])
    onPage(
      attentionAt(frames[k], anna)[4]
        .map((row) => Math.max(...row).toFixed(2))
        .join(", "),
    );
});

test("eigenvectors of a matrix that is known", () => {
  const { values, vectors } = eigen(
    [
      [2, 1],
      [1, 2],
    ].map((row) => Float64Array.from(row)),
  );
  near(1, Math.min(...values), 1e-12, "smaller");
  near(3, Math.max(...values), 1e-12, "larger");
  near(Math.SQRT1_2, Math.abs(vectors[0][0]), 1e-12, "its direction");
});

test("the map: fixed axes, shares, and the vowels apart from step 76 on", () => {
  const on = axesOf(last, PLACES.wte);
  for (const axis of on.axes)
    near(
      1,
      axis.reduce((sum, x) => sum + x * x, 0),
      1e-12,
      "length of an axis",
    );
  near(
    0,
    on.axes[0].reduce((sum, x, i) => sum + x * on.axes[1][i], 0),
    1e-12,
    "right angle",
  );
  near(on.share, shareAlong(last, PLACES.wte, on), 1e-12, "the share, computed twice");
  for (const k of [0, 100, 500, 1000])
    onPage(`${(100 * shareAlong(frames[k], PLACES.wte, on)).toFixed(0)} %`);
  const isApart = (/** @type {number} */ k) => {
    const x = Array.from({ length: 26 }, (_, i) => mapped(frames[k], PLACES.wte, on)[2 * i]);
    const vowels = new Set([0, 4, 8, 14, 20]);
    return (
      Math.max(...x.filter((_, i) => vowels.has(i))) <
      Math.min(...x.filter((_, i) => !vowels.has(i)))
    );
  };
  same(false, isApart(75), "at step 75");
  same(
    true,
    frames.slice(76).every((_, k) => isApart(k + 76)),
    "from step 76 on",
  );
  onPage("From step 76 on");
});

test("the same draws at every step, and at the end the published names", () => {
  const end = samplesAt(engine, last, 1000, from);
  same(
    "kamon ann karai jaire vialan karia yeran anna areli kaina konna keylen liole alerin " +
      "earan lenne kana lara alela anton",
    end.map(({ text }) => text).join(" "),
    "names",
  );
  same(
    [0, 11, 9],
    ["trained", "file", "new"].map((mark) => end.filter((one) => one.mark === mark).length),
    "marks",
  );
  const length = (/** @type {number} */ k) =>
    (
      samplesAt(engine, frames[k], k, from).reduce((sum, { text }) => sum + text.length, 0) / 20
    ).toFixed(1);
  onPage(`${length(0)} letters on average`);
  onPage(`After only 10 steps it is ${length(10)}`);
  for (const k of [0, 100, 500])
    samplesAt(engine, frames[k], k, from)
      .slice(0, k ? 3 : 1)
      .forEach(({ text }) => onPage(text));
  const first = start.first[0];
  same(
    ["new", "trained"],
    [0, 1].map((step) => ((from.first.get(first) ?? 9e9) < step ? "trained" : "new")),
    "a name is trained after its step",
  );
});

test("ranges and spreads that the page states", () => {
  for (const name of ["wte", "lm_head"]) {
    for (const k of [0, 100, 500, 1000]) {
      const { low, high } = rangeOf(frames[k], PLACES[name]);
      onPage(`${signed(low)} to ${signed(high)}`);
    }
  }
  onPage(
    `${typical(last, PLACES.lm_head).toFixed(2)} in lm_head, ` +
      `${typical(last, PLACES.wte).toFixed(2)} in wte`,
  );
  const rest = Object.entries(PLACES)
    .filter(([name]) => !/^wte|lm_head/.test(name))
    .map(([, place]) => typical(last, place));
  onPage(`${Math.min(...rest).toFixed(2)} to ${Math.max(...rest).toFixed(2)} in the rest`);
  near(1.3391, largest(frames, PLACES.lm_head), 1e-3, "largest");
  same(0, largest([frames[0]], PLACES.wte, frames[0]), "no change at the start");
  const most = new Largest(frames[0]);
  for (const frame of frames.slice(1)) most.add(frame);
  for (const name of ["wte", "lm_head", "layer0.mlp_fc1"]) {
    near(largest(frames, PLACES[name]), most.most.weight[name], 0, `${name}, as it goes`);
    near(largest(frames, PLACES[name], frames[0]), most.most.change[name], 0, `change of ${name}`);
  }
});

test("what the page says is learned first and last", () => {
  const { at, rows, columns } = PLACES.lm_head;
  const moved = Array.from({ length: rows }, (_, r) => {
    const change = Array.from(
      { length: columns },
      (__, c) => frames[20][at + r * columns + c] - frames[0][at + r * columns + c],
    );
    return { name: from.uchars[r] ?? "BOS", by: Math.hypot(...change) };
  })
    .sort((a, b) => b.by - a.by)
    .map(({ name }) => name);
  onPage(`those of ${moved.slice(0, 6).join(", ")} and ${moved[6]}`);
  const shuffled = [...docs];
  new Random(42).shuffle(shuffled);
  const unseen = shuffled
    .slice(-300)
    .map((doc) => [26, ...[...doc].map((letter) => from.uchars.indexOf(letter))].slice(0, 16))
    .filter(({ length }) => length > 2);
  for (const k of [100, 500, 1000]) {
    const even = [0, 0, 0, 0];
    for (const tokens of unseen) {
      attentionAt(frames[k], tokens)[tokens.length - 1].forEach((row, h) => {
        even[h] -=
          row.reduce((sum, p) => sum + p * Math.log(p), 0) / Math.log(row.length) / unseen.length;
      });
    }
    const text = even.map((x) => x.toFixed(2));
    onPage(k === 100 ? `${text.slice(0, 3).join(", ")} and ${text[3]}` : text.join(", "));
  }
});

test("cells find their place under the pointer, on narrow pages too", () => {
  for (const [rows, columns] of [
    [27, 16],
    [64, 16],
    [16, 64],
  ]) {
    for (const width of [200, 320, 660]) {
      const grid = gridFor(rows, columns, { width });
      if (grid.left + columns * grid.cell > width)
        fail(`${rows} × ${columns} is too wide for ${width}`);
      same(
        { r: rows - 1, c: columns - 1 },
        cellAt(grid, grid.left + (columns - 0.5) * grid.cell, grid.top + (rows - 0.5) * grid.cell),
        "last cell",
      );
      same(null, cellAt(grid, grid.left - 1, grid.top), "left of it");
    }
  }
  same(4, trianglesFor(16, 4, 320).places.length, "heads");
});

test("all 4,192 numbers have a place of their own in one picture, wide or narrow", () => {
  for (const width of [280, 350, 620, 778, 1058]) {
    const whole = wholeFor(width, 2);
    const seen = new Set();
    for (const { matrix, at, columns, left, top, wide, high } of whole.parts) {
      if (left + wide * whole.cell > width + 1e-9) fail(`${matrix} is too wide for ${width}`);
      if (top + high * whole.cell > whole.height) fail(`${matrix} is too low at ${width}`);
      for (let y = 0; y < high; y++) {
        for (let x = 0; x < wide; x++) {
          const found = numberAt(
            whole,
            left + (x + 0.5) * whole.cell,
            top + (y + 0.5) * whole.cell,
          );
          same(matrix, found?.matrix, `${matrix} at ${x}, ${y}`);
          if (found) seen.add(at + found.r * columns + found.c);
        }
      }
    }
    same(4192, seen.size, `numbers at ${width}`);
    same(null, numberAt(whole, 0, 0), "the corner");
  }
});
