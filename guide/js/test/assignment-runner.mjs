// What the assignment's figures compute, as JSON, for tests/test_guide_pages_assignment.py to
// compare with Python. Standard input: {policy, words, prefixes, efforts, requests, texts, masked}.

import { readFileSync } from "node:fs";
import { Automaton } from "../figures/assignment/automaton.js";
import { Bot, plainLogits } from "../figures/assignment/bot.js";
import { LeakMeter, middle, rule } from "../figures/assignment/leak.js";
import { loadKernel } from "../kernel.js";
import { readModel } from "../model.js";

const ROOT = new URL("../../../", import.meta.url);
const { policy, words, prefixes, efforts, requests, texts, masked } = JSON.parse(
  readFileSync(0, "utf8"),
);
const model = readModel(readFileSync(new URL("data/model.json", ROOT), "utf8"));
const kernel = await loadKernel(readFileSync(new URL("guide/js/kernel.wasm", ROOT)));
const engine = kernel.create({ config: model.config, dtype: "float64" });
engine.load(model.weights);

const automata = words.map((/** @type {string[]} */ list) => new Automaton(list, model.tokenizer));
const meter = new LeakMeter(engine, automata[0], policy.temperature);
const plain = new LeakMeter(plainLogits(model), automata[0], policy.temperature);
const bot = new Bot(engine, model.tokenizer, policy);
const leaks = prefixes.map((/** @type {string} */ prefix) =>
  efforts.map((/** @type {any} */ effort) => {
    const leak = meter.of(prefix, effort);
    return { ...leak, middle: middle(leak), rule: rule(prefix, leak, automata[0]) };
  }),
);

console.log(
  JSON.stringify({
    automata: automata.map((/** @type {Automaton} */ a) => ({
      next: [...a.next],
      banned: [...a.banned],
      depth: a.depth,
      hit: a.hit,
      contains: texts.map((/** @type {string} */ text) => a.contains(text)),
      begins: texts.map((/** @type {string} */ text) => a.begins(text)),
    })),
    leaks,
    masked: meter.maskedLeaks(masked.drawn, masked.begun),
    rough: meter.of("app", { nodes: 1, samples: 4000 }),
    plain: plain.of("lemo", { nodes: 40, samples: 0 }),
    kernel: meter.of("lemo", { nodes: 40, samples: 0 }),
    answers: requests.map((/** @type {any} */ { line, seed, on }) => bot.answer(line, seed, on)),
  }),
);
