// Stacks of layers, without a page: what a run of the page gives against scripts/make_layers.py,
// and what is drawn of it.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { linesOf } from "../figures/dataset.js";
import {
  band,
  curves,
  difference,
  gaps,
  ground,
  layersAt,
  markAt,
  PLOT,
  rowOf,
  sentence,
  stack,
  verdict,
} from "../figures/runs/layer-curves.js";
import { measuring } from "../figures/trained/unseen.js";
import { loadKernel } from "../kernel.js";
import { recorded, TrainingRun } from "../training-run.js";
import { fail, near, same } from "./helpers.js";

const text = (/** @type {string} */ path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const data = JSON.parse(text("guide/data/layers.json"));
const BYS = /** @type {const} */ (["steps", "parameters"]);

test("a run of the page is Python's: six layers of width 7, two marks", async () => {
  const kernel = await loadKernel(new URL("../kernel.wasm", import.meta.url));
  const docs = linesOf(text("data/names.txt"));
  const config = { n_layer: 6, n_embd: 7, n_head: 1 };
  const run = new TrainingRun(
    { docs, config, seed: 42, recordEvery: 100, dtype: "float64" },
    kernel,
  );
  const losses = [];
  const measure = (/** @type {Iterable<import("../training-run.js").RunEvent>} */ events) => {
    for (const event of events) {
      if (event.type !== "recording") continue;
      const engine = kernel.create({ config: run.config, dtype: "float64" });
      engine.load(recorded(run.config, event.weights));
      const parts = [...measuring(engine, run.config, run.tokenizer, run.docs.slice(-1000))];
      const { sum, count } = parts[parts.length - 1];
      losses.push(sum / count);
      engine.close();
    }
  };
  measure(run.start());
  for (let i = 0; i < 2; i++) measure(run.advance(100));
  run.close();
  near(data.parameters[5].runs[0].slice(0, 3), losses, 2e-4, "losses");
});

test("each shape is whole: as many runs as seeds, as many marks as a run has", () => {
  for (const by of BYS)
    data[by].forEach((/** @type {any} */ kind, /** @type {number} */ i) => {
      same(i + 1, kind.layers, "layers");
      same(data.seeds.length, kind.runs.length, "runs");
      for (const run of kind.runs) same(data.last / data.every + 1, run.length, "marks");
    });
});

test("differences are taken seed by seed, and told as what they are", () => {
  const given = /** @type {any} */ ({
    steps: [{ runs: [[1], [2], [3]] }, { runs: [[1.1], [2.2], [3.3]] }],
  });
  const { mean, margin } = difference(given, "steps", 2, 0);
  near([0.2, 0.11547], [mean, margin], 1e-5, "by hand");
  same("worse by 0.200 (± 0.115)", verdict({ mean, margin }), "worse");
  same("no difference seen (−0.100 ± 0.115)", verdict({ mean: -0.1, margin }), "none");
  same("better by 0.200 (± 0.115)", verdict({ mean: -0.2, margin }), "better");
  same(2, band(given.steps[0]).means[0], "mean");
});

test("everything drawn has numbers, and no dot leaves the picture", () => {
  for (const by of BYS)
    for (let layers = 1; layers <= 6; layers++)
      for (let at = 1; at <= 10; at++) {
        const now = { by, layers, at };
        const drawn = [
          ...stack(data, now),
          ...ground(data),
          ...curves(data, now, [{ seed: 8, losses: [3.3, 2.6] }]),
          ...gaps(data, now),
        ];
        if (drawn.some(({ looks }) => /NaN|undefined/.test(JSON.stringify(looks))))
          fail(`${by} ${layers} ${at}`);
        for (const { tag, looks } of gaps(data, now))
          if (tag === "circle" && !(Number(looks.cx) > 60 && Number(looks.cx) < 245))
            fail(`${by} ${layers} ${at}: a dot`);
        sentence(data, now, []);
      }
});

test("places that are clicked", () => {
  same([1, 3, 6, 6], [240, 150, 50, 0].map(layersAt), "stack");
  same(
    [1, 1, 10],
    [0, 60, PLOT.width].map((x) => markAt(data, x)),
    "marks",
  ); // prettier-ignore
  same([1, 2, 6], [40, 90, 290].map(rowOf), "rows");
});
