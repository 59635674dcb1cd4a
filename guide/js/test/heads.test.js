// The two tasks of scripts/record_heads.py: the same documents, and a run here goes as the
// recorded one of the same seed.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { difference, verdict } from "../figures/networks/heads-help.js";
import { BATCH, documents, lastLoss, STEPS, TRAIN } from "../figures/networks/heads-tasks.js";
import { loadKernel } from "../kernel.js";
import { Tokenizer } from "../tokenizer.js";
import { TrainingRun } from "../training-run.js";
import { fail, near, same } from "./helpers.js";

const file = (/** @type {string} */ path) => new URL(`../../${path}`, import.meta.url);
const heads = JSON.parse(readFileSync(file("data/heads.json"), "utf8"));

test("documents are those that Python draws", () => {
  for (const task of /** @type {const} */ (["last", "order"]))
    same(heads[task].examples, documents(task).slice(0, 4), task);
});

test("a run here goes as the recorded one with its seed", async () => {
  const kernel = await loadKernel(readFileSync(file("js/kernel.wasm")));
  const docs = documents("order");
  const train = docs.slice(0, TRAIN);
  const config = { n_head: 4, steps: STEPS.order };
  const how = { docs: train, config, seed: 1, batchSize: BATCH, samples: 0 };
  const run = new TrainingRun(how, kernel);
  const losses = () => {
    const { weights } = run.engine.state();
    return lastLoss(run.config, weights, Tokenizer.of(train), docs.slice(TRAIN));
  };
  for (const _ of run.start());
  for (const recorded of heads.order.runs[4].first) {
    near(recorded, losses(), 2e-6, `after ${run.step} steps`);
    for (const _ of run.advance(STEPS.order / 20));
  }
});

test("within two standard errors no difference is seen", () => {
  const runs = (/** @type {number} */ mean, /** @type {number} */ twice) => ({
    parameters: 1,
    mean: [mean],
    twice: [twice],
    ends: [mean],
    right: 1,
    first: [mean],
  });
  same("no difference seen", verdict(runs(1, 0.3), runs(0.6, 0.4)), "within");
  same("a difference of 0.60 ± 0.50", verdict(runs(1.2, 0.3), runs(0.6, 0.4)), "beyond");
  const { order, last } = heads;
  if (!difference(order.runs[1], order.runs[4]).isSeen) fail("four heads help with the order");
  if (!difference(last.runs.self, last.runs[1]).isSeen) fail("looking helps");
});
