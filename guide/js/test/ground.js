// The ground: Python's random stream, tokens, batches, schedule, first weights, distributions.

import { makeConfig, lrAt, parameters, PRESETS, shapes } from "../config.js";
import { InputError, TokenError } from "../errors.js";
import { choice, Random } from "../random.js";
import { choose, distribution } from "../sampling.js";
import { Tokenizer } from "../tokenizer.js";
import { batches, begin } from "../training.js";
import { cases, fail, limits, names, refuses, same, sha256, ulps } from "./helpers.js";

export const ground = {
  async "random stream"() {
    const { gauss } = await limits("ulp");
    for (const { name, seed, calls, results } of Object.values(await cases("random_stream"))) {
      let rng = new Random(seed);
      calls.forEach(([call, ...args], i) => {
        const what = `${name}: call ${i}, ${call}`;
        if (call === "skip") rng.uniforms(args[0]);
        else if (call === "shuffle") {
          const items = Array.from({ length: args[0] }, (_, k) => k);
          rng.shuffle(items);
          same(results[i], items, what);
        } else if (call === "gauss") ulps([results[i]], [rng.gauss(...args)], gauss, what);
        else same(results[i], rng[call](...args), what);
        rng = Random.from(JSON.parse(JSON.stringify(rng.state()))); // saved and read after each
      });
    }
    for (const seed of [-1, 0.5, 2 ** 32, "42", null]) {
      refuses(() => new Random(seed), InputError, /^seed is /, `seed ${seed}`);
    }
    refuses(() => Random.from([3, [1, 2], null]), InputError, /can't be used/, "a short state");
  },

  async choices() {
    for (const { name, weights, uniform, index } of Object.values(await cases("choices"))) {
      same(index, choice(weights, uniform), name);
    }
  },

  async tokenizer() {
    for (const one of Object.values(await cases("tokenizer"))) {
      const tokenizer = Tokenizer.of(one.docs);
      same(
        one.code_points,
        tokenizer.uchars.map((char) => char.codePointAt(0)),
        one.name,
      );
      same([one.bos, one.vocab_size], [tokenizer.bos, tokenizer.vocab_size], one.name);
      same(
        one.documents,
        one.docs.map((doc) => tokenizer.encodeDocument(doc)),
        one.name,
      );
      same(
        one.docs,
        one.documents.map((doc) => tokenizer.decode(doc)),
        one.name,
      );
      for (const { text, tokens, position } of one.encode) {
        if (tokens) same(tokens, tokenizer.encode(text), `${one.name}: ${text}`);
        else {
          const where = new RegExp(`at position ${position} `);
          refuses(() => tokenizer.encode(text), TokenError, where, `${one.name}: ${text}`);
        }
      }
    }
  },

  async "order of the names"() {
    const one = (await cases("shuffle")).names_42;
    const { docs, tokenizer } = begin(makeConfig(), await names(), one.seed);
    same(one.first, docs.slice(0, 6), "first names");
    same([one.documents, one.distinct], [docs.length, new Set(docs).size], "counts");
    same(one.sha256, await sha256(docs.map((doc) => `${doc}\n`).join("")), "digest");
    same(27, tokenizer.vocab_size, "vocabulary");
  },

  async batches() {
    for (const one of Object.values(await cases("batches"))) {
      if (one.long === "window") continue; // windows are the trunk's
      const tokenizer = Tokenizer.of(one.docs);
      const docs = one.docs.map((doc) => tokenizer.encodeDocument(doc));
      for (const piece of [1, 2, one.steps.length]) {
        const steps = [];
        const positions = [];
        for (let first = 0; first < one.steps.length; first += piece) {
          const count = Math.min(piece, one.steps.length - first);
          const got = batches(docs, one, first, count, one.batch_size);
          positions.push(...got.positions);
          let d = 0;
          for (const n of got.documents) {
            steps.push(
              Array.from({ length: n }, () =>
                Array.from(got.tokens.subarray(got.offsets[d], got.offsets[++d])),
              ),
            );
          }
        }
        same(one.steps, steps, one.name);
        same(one.positions, positions, one.name);
      }
    }
  },

  async schedule() {
    const { schedule } = await limits("ulp");
    for (const { name, lr, warmup, schedule: kind, steps, at } of Object.values(
      await cases("schedule"),
    )) {
      const config = makeConfig({ lr, warmup, schedule: kind, steps });
      for (const [step, rate] of at)
        ulps([rate], [lrAt(config, step)], schedule, `${name} ${step}`);
    }
  },

  async "first weights"() {
    const { gauss } = await limits("ulp");
    const models = await cases("models");
    for (const preset of Object.keys(PRESETS)) {
      const config = PRESETS[preset];
      const { weights } = begin(config, await names());
      same(Object.keys(models[preset].weights), Object.keys(weights), preset);
      for (const name of Object.keys(weights)) {
        ulps(models[preset].weights[name], weights[name], gauss, `${preset} ${name}`);
      }
    }
  },

  async distributions() {
    const { distribution: limit } = await limits("ulp");
    for (const one of Object.values(await cases("distribution"))) {
      const settings = [one.temperature, one.top_k, one.top_p, one.banned];
      ulps(one.probs, distribution(one.logits, ...settings), limit, one.name);
      for (const [uniform, token] of one.choices) {
        same(token, choose(one.logits, uniform, ...settings), `${one.name} at ${uniform}`);
      }
    }
  },

  async "sizes and limits"() {
    same(4192, parameters(makeConfig()), "parameters of final");
    same(4064, parameters(makeConfig({}, "early")), "parameters of early");
    same(14528, parameters(makeConfig({ n_embd: 32 })), "parameters at n_embd 32");
    const sum = shapes(makeConfig({ n_layer: 3 })).reduce((n, [, out, into]) => n + out * into, 0);
    same(parameters(makeConfig({ n_layer: 3 })), sum, "parameters of three layers");
    const bad = [
      [{ n_embd: 0 }, /^n_embd is 0, must be from 1 to 16777216\.$/],
      [{ n_layer: 1.5 }, /^n_layer is 1.5, must be a whole number\.$/],
      [{ block_size: 2 ** 25 }, /^block_size is 33554432, must be from/],
      [
        { n_head: 3 },
        /^n_embd 16 is not divisible by n_head 3\. n_head can be one of 1, 2, 4, 8, 16\.$/,
      ],
      [{ vocab_size: NaN }, /^vocab_size is NaN/],
      [{ activation: "gelu" }, /^activation is "gelu", must be one of relu, relu_squared\.$/],
      [{ beta1: 1 }, /^beta1 is 1, must be at least 0 and below 1\.$/],
      [{ eps: 0 }, /^eps is 0, must be above 0/],
      [{ lr: Infinity }, /^lr is Infinity, must be a finite number\.$/],
      [{ n_embed: 16 }, /^"n_embed" is not a hyper-parameter\. Known are n_layer, n_embd/],
    ];
    for (const [changes, pattern] of bad) {
      refuses(() => makeConfig(changes), InputError, pattern, JSON.stringify(changes));
    }
    refuses(() => makeConfig({}, "latest"), InputError, /^preset is "latest"/, "preset");
    if (!Object.isFrozen(makeConfig())) fail("a configuration can be changed");
  },
};
