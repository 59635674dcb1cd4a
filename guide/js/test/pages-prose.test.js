// Numbers in the prose of pages that what the page itself computes gives: each is computed here
// and looked for. Others are in tests/test_guide_prose_numbers.py.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { effortOf } from "../figures/assignment/bot-parts.js";
import { linesOf } from "../figures/dataset.js";
import { PICKS, traced } from "../figures/runs/gradient-trace.js";
import { packModel } from "../figures/runs/own-list.js";
import { optionsOf, PAIRS, readSettings } from "../figures/runs/run-settings.js";
import { meanOfLast, unseenLoss } from "../figures/runs/run-view.js";
import { loadKernel } from "../kernel.js";
import { trace } from "../numbers/forward.js";
import { TrainingRun } from "../training-run.js";
import { fail } from "./helpers.js";

const from = (/** @type {string} */ path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const docs = linesOf(from("data/names.txt"));
const kernel = await loadKernel(readFileSync(new URL("../kernel.wasm", import.meta.url)));

/** @param {string} page @param {...string} texts */
function onPage(page, ...texts) {
  const words = from(`guide/pages/learn/${page}.md`).split(/\s+/).join(" ");
  for (const text of texts) if (!words.includes(text)) fail(`${page} doesn't say ${text}`);
}

/** A whole run with settings as a link has them. @param {string} text @param {string[]} [list] */
function trained(text, list = docs) {
  const options = optionsOf(/** @type {any} */ (readSettings(text)));
  const run = new TrainingRun({ docs: list, ...options, samples: 0 }, kernel);
  while (!run.done) for (const _ of run.advance(1000)); // its events aren't needed
  return run;
}
const lossOf = async (/** @type {TrainingRun} */ run) =>
  Number(await unseenLoss(kernel, run.config, run.engine.state().weights, docs, run.seed));

test("two runs side by side", async () => {
  const { a, b } = PAIRS.length;
  const [usual, long] = [await lossOf(trained(a)), await lossOf(trained(b))];
  const steep = trained("lr~0.3");
  const far = trained("lr~1");
  onPage(
    "loop",
    `where the run above reaches ${usual.toFixed(3)}`,
    `twice the names, ${(usual - long).toFixed(3)} lower`,
    `With 0.3 it recovers to ${(await lossOf(steep)).toFixed(2)}`,
    `the run ends at ${(await lossOf(far)).toFixed(0)}`,
  );
  const most = Math.max(...far.losses);
  if (most < 1e4 || most >= 1e5) fail(`${most} isn't tens of thousands`);
});

test("what a list of one's own comes to, and the link that carries it", async () => {
  const run = trained("");
  const { weights } = run.engine.state();
  const { length } = packModel({ config: run.config, uchars: run.tokenizer.uchars, weights });
  const dinosaurs = trained("", linesOf(from("data/dinosaurs.txt")));
  const words = trained("", linesOf(from("data/words.txt")));
  onPage(
    "own-list",
    `in about ${(Math.round(length / 100) * 100).toLocaleString("en")} characters`,
    `A list of dinosaurs comes down to ${meanOfLast(dinosaurs.losses).toFixed(1)}`,
    `English words stay at ${meanOfLast(words.losses).toFixed(2)}`,
  );
});

test("a model without its norm begins better", () => {
  const one = { docs, samples: 0, config: { steps: 200 } };
  const healthy = new TrainingRun(one, kernel);
  const broken = new TrainingRun({ ...one, breaks: ["norm"] }, null);
  const { beta1, beta2 } = healthy.config;
  for (const run of [healthy, broken]) for (const _ of run.advance(1)); // one step
  onPage(
    "break-it",
    `${broken.losses[0].toFixed(2)} against ${healthy.losses[0].toFixed(2)}`,
    `is ${((1 - beta1) / Math.sqrt(1 - beta2)).toFixed(1)} times as long`,
  );
});

test("gradients of two parameters", () => {
  const traces = traced(kernel, docs);
  const [logit, query] = ["logit", "query"].map((key) => {
    const { grads } = traces[key];
    return Math.sqrt(grads.reduce((sum, g) => sum + g * g, 0) / grads.length);
  });
  onPage(
    "adam",
    `The score of ${PICKS.logit.row} has gradients of ${logit.toFixed(3)} on average`,
    `the attention weight ${query.toFixed(4)}: forty times smaller`,
  );
  if (Math.round(logit / query / 10) !== 4) fail(`${logit / query} isn't about forty`);
});

test("how evenly heads look", () => {
  for (const [text, said] of [
    [
      "optimizer~sgd~lr~0.1",
      (/** @type {string} */ x) => `is on average ${x} times the even share`,
    ],
    ["", (/** @type {string} */ x) => `there the factor is ${x}`],
  ]) {
    const run = trained(/** @type {string} */ (text));
    const { weights } = run.engine.state();
    let [sum, many] = [0, 0];
    for (const doc of run.docs.slice(1000, 1500)) {
      const tokens = run.tokenizer.encodeDocument(doc).slice(0, -1);
      trace(run.config, weights, tokens)["layer0.weights"].forEach((heads, t) => {
        if (!t) return; // the first position has nothing to choose from
        for (const row of heads) {
          sum += Math.max(...row) * (t + 1);
          many++;
        }
      });
    }
    onPage("heads", /** @type {(x: string) => string} */ (said)((sum / many).toFixed(2)));
  }
});

test("how hard the bot looks for a leak", () => {
  const { samples } = effortOf(false);
  const said = samples.toLocaleString("en");
  onPage("assignment", `So ${said} of them say more`, `the fruits in ${said} freely sampled names`);
});
