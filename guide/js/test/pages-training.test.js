// What the pages on training show, without a page.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeConfig } from "../config.js";
import { linesOf } from "../figures/dataset.js";
import { FileError, InputError } from "../errors.js";
import { adamSteps, PICKS, traced } from "../figures/runs/gradient-trace.js";
import { loadKernel } from "../kernel.js";
import { forget, keep, recall } from "../figures/runs/list-kept.js";
import { LiveRun } from "../figures/runs/live-run.js";
import { readModel } from "../model.js";
import {
  checkedPrefix,
  factsOf,
  floorsOf,
  isSameList,
  modelText,
  packModel,
  unpackModel,
  warningsOf,
} from "../figures/runs/own-list.js";
import {
  nameOf,
  optionsOf,
  PAIRS,
  readSettings,
  RECIPES,
  writeSettings,
} from "../figures/runs/run-settings.js";
import {
  BIGRAM,
  CHANCE,
  firstDifference,
  higherBy,
  meanOfLast,
  sizeOf,
  unseenLoss,
  verdict,
} from "../figures/runs/run-view.js";
import { atTemperature, logitsAfter } from "../figures/trained/temperature.js";
import { TrainingRun } from "../training-run.js";
import { serve } from "../worker-training.js";
import { near, refuses, same } from "./helpers.js";

const data = new URL("../../../data/", import.meta.url);
const docs = linesOf(readFileSync(new URL("names.txt", data), "utf8"));
const dinosaurs = readFileSync(new URL("dinosaurs.txt", data), "utf8");
const kernel = await loadKernel(readFileSync(new URL("../kernel.wasm", import.meta.url)));
const ladder = JSON.parse(readFileSync(new URL("../../data/ladder.json", import.meta.url), "utf8"));
const rounded = (/** @type {number} */ x, digits = 3) => Number(x.toFixed(digits));

/** @param {string} text */
function trained(text) {
  const run = new TrainingRun(
    { docs, ...optionsOf(/** @type {any} */ (readSettings(text))) },
    kernel,
  );
  while (!run.done) for (const _ of run.advance(1000)); // its events aren't needed
  const unseen = () => unseenLoss(kernel, run.config, run.engine.state().weights, docs, run.seed);
  return { run, unseen };
}

test("settings go through a link and back", () => {
  for (const { text } of Object.values(RECIPES))
    same(text, writeSettings(readSettings(text)), text);
  same("SGD (rung 4)", nameOf(PAIRS.optimizer.a), "a known recipe");
  same("lr 0.3, n_head 2", nameOf("n_head~2~lr~0.3"), "one of the reader's");
  const bad = readSettings("optimizer~magic~lr~-1~n_head~2.5~__proto__~1~steps~999999~seed");
  same("", writeSettings(bad), "nothing of a damaged link is taken");
  same("early", optionsOf(/** @type {any} */ (readSettings("preset~early"))).preset, "preset");
});

test("the recorded run and the live one have the same losses", () => {
  const { losses } = ladder.rungs[5];
  const { run } = trained("");
  losses.forEach((/** @type {number} */ loss, /** @type {number} */ i) =>
    same(loss, rounded(run.losses[i], 4), `step ${i + 1}`),
  );
  same(
    [2.773, 2.276],
    [rounded(meanOfLast(losses.slice(0, 100))), rounded(meanOfLast(losses))],
    "means on the page",
  );
  same(2.535, rounded(meanOfLast(losses.slice(100, 200))), "after the first hundred");
});

test("pairs of runs: where they part, and what is only chance", async () => {
  const [whole, sgd, one] = [trained(""), trained(PAIRS.optimizer.a), trained(PAIRS.heads.a)];
  same(2, firstDifference(sgd.run.losses, whole.run.losses), "SGD and Adam");
  same(1, firstDifference(one.run.losses, whole.run.losses), "heads");
  same(null, firstDifference(whole.run.losses, trained("").run.losses), "the same");
  const [a, b, c] = [await whole.unseen(), await sgd.unseen(), await one.unseen()].map(Number);
  same(
    [2.365, 2.391, 2.37],
    [a, b, c].map((x) => rounded(x)),
    "unseen",
  );
  same(true, verdict(b, a, true).startsWith("B is better by 0.026"), "Adam is better");
  same(
    true,
    verdict(c, a, true).startsWith("That is not a significant difference"),
    "four heads are not",
  );
  same(
    true,
    verdict(b, a, false).startsWith("That is not a significant difference"),
    "two seeds lie further apart",
  );
  const { chance } = JSON.parse(
    readFileSync(new URL("../../data/experiments.json", import.meta.url), "utf8"),
  );
  same({ oneSeed: chance.one_seed, twoSeeds: chance.two_seeds }, CHANCE, "chance");
  same(2.4546, BIGRAM, "floor");
  near(2.4546, floorsOf(docs.slice(0)).pairs, 5e-3, "pairs of the first 50,000 lines");
});

test("a list: what it holds", () => {
  const facts = factsOf(dinosaurs, { block: 16, steps: 1000 });
  same(
    [1163, 1163, 26, 21, 78, 4192],
    [
      facts.words.length,
      facts.distinct,
      facts.alphabet.length,
      facts.longest,
      facts.cut,
      facts.parameters,
    ],
    "dinosaurs",
  );
  same(
    [1.947, 2.198],
    [rounded(meanOfLast(dinosaurRun().losses)), rounded(floorsOf(facts.words).pairs)],
    "loss and table",
  );
  same(true, warningsOf(facts, 16)[0].startsWith("78 of the lines are cut"), "cut");
  const word = factsOf(" one \r\n\n", { block: 16, steps: 1000 });
  same(["one"], word.words, "trimmed");
  same(true, warningsOf(word, 16)[0].startsWith("This is only one line"), "one word");
  const few = factsOf("a\nb\na\nc", { block: 16, steps: 100 });
  same(true, warningsOf(few, 16)[0].includes("about 25 times"), "memorise");
  const emoji = factsOf("🦕\n🦖🌋\n", { block: 16, steps: 1 });
  same([3, 2], [emoji.alphabet.length, emoji.longest], "an emoji is a character");
  same(0, factsOf("\n \n", { block: 16, steps: 1 }).words.length, "nothing");
  const cells = factsOf(["two\nlines", "one"], { block: 16, steps: 1 });
  same(["two\nlines", "one"], cells.words, "cells stay whole");
  same(
    [true, false, false],
    [["a"], ["b"], ["a", "b"]].map((b) => isSameList(["a"], b)),
    "same",
  );
});

test("a list is kept in the tab, or simply isn't", () => {
  /** @type {Map<string, string>} */
  const kept = new Map();
  const store = () => ({
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ text) => void kept.set(key, text),
    removeItem: (/** @type {string} */ key) => void kept.delete(key),
  });
  const shut = () => {
    throw new Error("SecurityError");
  };
  const full = () => ({ ...store(), setItem: shut });
  const list = { text: "name,n\nada,1", name: "a.csv", column: 0, titled: true };
  same(null, recall(store), "nothing yet");
  same(true, keep(list, store), "kept");
  same(list, recall(store), "as it was");
  same(false, keep({ ...list, text: "other" }, full), "full");
  same(null, recall(store), "an older list doesn't come back instead");
  same([false, null], [keep(list, shut), recall(shut)], "storage is shut off");
  forget(shut);
  for (const text of ["", "{", "null", "[]", "3", '{"text":1,"name":""}', '{"text":"a"}']) {
    kept.set("mg-own-list", text);
    same(null, recall(store), text);
  }
  kept.set("mg-own-list", '{"text":"a","name":"","column":-1,"titled":"no","more":1}');
  same({ text: "a", name: "" }, recall(store), "only what fits");
  forget(store);
  same(0, kept.size, "forgotten");
});

function dinosaurRun() {
  const run = new TrainingRun({ docs: linesOf(dinosaurs) }, kernel);
  while (!run.done) for (const _ of run.advance(1000)); // its events aren't needed
  return run;
}

test("a model goes into a file and into a link, and comes back", async () => {
  const { run, unseen } = trained("");
  const { weights } = run.engine.state();
  const parts = { config: run.config, uchars: run.tokenizer.uchars, weights };
  const read = readModel(modelText(parts));
  same([...weights.wte], [...read.weights.wte], "every digit");
  const zero = modelText({
    ...parts,
    weights: { ...weights, wte: weights.wte.map((x, i) => (i ? x : -0)) },
  });
  same(0, readModel(zero).weights.wte[0], "a negative zero");
  refuses(
    () => readModel(zero.replace("[[0,", "[[0.5,")),
    FileError,
    /it has changed/,
    "a number by hand",
  );
  const packed = packModel(parts);
  same(true, packed.length < 6000 && /^[\w.-]+$/.test(packed), "fits an address as it is");
  const { config, weights: back } = unpackModel(packed);
  const loss = Number(await unseenLoss(kernel, run.config, back, docs, 42));
  near(Number(await unseen()), loss, 1e-3, "rounded weights");
  same(run.config.vocab_size, config.vocab_size, "sizes");
  const spoiled = [
    "",
    "1",
    packed.slice(0, -9),
    `${packed}A`,
    packed.replace("1_16_4_16", "9_99_9_99"),
    packed.replace("1_16_4_16", "1_16_5_16"),
    packed.replace(".r.", ".x."),
    packed.replace(/\.YWJ/, ".YmF"),
    packed.replace(/.$/, "*"),
    `${packed}.more`,
  ];
  for (const text of spoiled)
    refuses(() => unpackModel(text), FileError, /damaged/, text.slice(0, 20));
  refuses(
    () => packModel({ ...parts, config: makeConfig({ n_embd: 64 }) }),
    InputError,
    /too many for a link/,
    "large",
  );
  refuses(
    () => checkedPrefix("É", { uchars: run.tokenizer.uchars, block: 16 }),
    InputError,
    /never seen/,
    "unknown",
  );
  refuses(
    () => checkedPrefix("a".repeat(16), { uchars: run.tokenizer.uchars, block: 16 }),
    InputError,
    /at most 15/,
    "long",
  );
});

test("temperature at the model's logits after ann", () => {
  const model = readModel(readFileSync(new URL("model.json", data), "utf8"));
  const logits = logitsAfter(model, "ann");
  const at = (/** @type {number} */ t) => atTemperature(logits, t);
  same(
    [0.0, 2.34, 3.19, 3.83, 4.46],
    [0.1, 0.5, 0.7, 1, 2].map((t) => rounded(at(t).bits, 2)),
    "entropy",
  );
  same(
    [1, 0.576, 0.387, 0.246, 0.114],
    [0.1, 0.5, 0.7, 1, 2].map((t) => rounded(at(t).probs[0])),
    "a",
  );
  same(
    [0.0, 0.093, 0.105, 0.099, 0.073],
    [0.1, 0.5, 0.7, 1, 2].map((t) => rounded(at(t).probs[13])),
    "n",
  );
  same(
    [0.0, 0.064, 0.08, 0.082, 0.066],
    [0.1, 0.5, 0.7, 1, 2].map((t) => rounded(at(t).probs[26])),
    "BOS",
  );
  near(Math.log2(27), at(1000).bits, 1e-4, "without bound");
  same([0, 0], [at(0.1).peak, at(2).peak], "the order stays");
  same(14.2, rounded(at(1).choices, 1), "as unsure as");
  refuses(() => logitsAfter(model, "é"), InputError, /doesn't know/, "unknown");
});

test("Adam's steps are those of the run", () => {
  const { beta1, beta2, eps } = makeConfig();
  const traces = traced(kernel, docs);
  for (const key of Object.keys(PICKS)) {
    adamSteps(traces[key], { beta1, beta2, eps }).forEach((step, i) =>
      near(traces[key].data[i + 1], step.after, 1e-12, `${key} ${i}`),
    );
  }
  const [first] = adamSteps(traces.query, { beta1, beta2, eps });
  same(
    [0.0002716, 0.00004073, 0.04519, 0.03519],
    [first.g, first.m, first.before, first.after].map((x) => Number(x.toPrecision(4))),
    "step 1",
  );
  same(
    50,
    traces.z.grads.findIndex((g) => g !== 0),
    "the first z",
  );
});

test("what a break changes is measured name by name", () => {
  same("much", sizeOf(higherBy([2, 2, 2], [3, 3.1, 2.9], 3)), "much");
  same("some", sizeOf(higherBy([2, 2, 2], [2.1, 2.11, 2.09], 3)), "some");
  same("none", sizeOf(higherBy([2, 2, 2], [1, 3, 2.1], 3)), "none");
  same("much", sizeOf(higherBy([2, 2], [2, NaN], 2)), "no number any more");
  const run = new TrainingRun({ docs, config: { steps: 200 } }, kernel);
  while (!run.done) for (const _ of run.advance(200)); // its events aren't needed
  same(2.5, rounded(meanOfLast(run.losses, 50)), "the healthy one");
});

test("a live run: orders, events, and a refusal", async () => {
  /** A Worker on this thread. */
  const port = () => {
    const made = {
      onmessage: /** @type {any} */ (null),
      onerror: null,
      postMessage: (/** @type {any} */ order) => scope.onmessage({ data: order }),
      terminate: () => scope.onmessage({ data: { do: "stop" } }),
    };
    const scope = {
      onmessage: /** @type {any} */ (null),
      postMessage: (/** @type {any} */ data) => queueMicrotask(() => made.onmessage?.({ data })),
    };
    serve(scope, async () => kernel);
    return made;
  };
  const run = new LiveRun(() => {}, port);
  const until = async (/** @type {string} */ status) => {
    for (let i = 0; i < 40_000 && run.status !== status; i++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    same(status, run.status, "status");
  };
  run.start({ docs, samples: 3, sampleEvery: 50, config: { steps: 100 } }, { paused: true });
  await until("paused");
  same([0, 1], [run.step, run.samples.length], "untrained, and has written");
  run.advance(2);
  await until("paused");
  same(
    [3.366, 3.4243],
    run.losses.map((loss) => rounded(loss, 4)),
    "two steps",
  );
  run.resume();
  await until("done");
  same(
    [
      [0, false],
      [50, false],
      [100, true],
    ],
    run.samples.map(({ step, final }) => [step, final]),
    "samples",
  );
  same(100, run.step, "all steps");
  same(3, (await run.sample("an", { count: 3 })).samples.length, "writes on");
  same(27, (await run.state()).config.vocab_size, "state");
  run.start({ docs: ["a"], config: { n_head: 3 } });
  await until("failed");
  same(true, run.message.includes("not divisible"), "said in place");
  run.close();
});
