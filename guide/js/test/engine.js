// The kernel against the vectors: logits, gradients, steps, samples, the two published runs.

import { lrAt, makeConfig, PRESETS } from "../config.js";
import { batchesOf, loadKernel } from "../kernel.js";
import { readModel } from "../model.js";
import { Random } from "../random.js";
import { sampleByLogits } from "../sampling.js";
import { batches, begin } from "../training.js";
import { cases, fail, limits, names, near, nearAll, place, same, vectors } from "./helpers.js";

const DTYPES = ["float64", "float32"];

/** An engine with a model of the vector files. */
async function loaded(dtype, name, changes = {}) {
  const one = (await cases(name === "trained" ? "trained" : "models"))[name];
  return make(dtype, { ...one.config, ...changes }, one.weights);
}

async function make(dtype, config, weights, optim) {
  const engine = (await loadKernel(place.kernel)).create({ config, dtype });
  engine.load(weights, optim);
  return engine;
}

/** An engine at the beginning of a case of steps.json. */
async function starting(dtype, one) {
  const { optimizer, ...recipe } = one.optimizer;
  const changes = { optimizer, ...recipe };
  if (!("after" in one)) return loaded(dtype, one.model, changes);
  const { config } = (await cases("models"))[one.model];
  const { weights, m, v } = (await cases("steps"))[one.after].end;
  return make(dtype, { ...config, ...changes }, weights, { m, v, step: one.first_step });
}

const stepBatches = (steps) => ({
  ...batchesOf(steps.map(({ docs }) => docs)),
  positions: steps.map(({ positions }) => positions),
  weights: "weights" in steps[0] ? steps.flatMap(({ weights }) => weights.flat()) : null,
});

/** Cases without weights of positions and with them. */
const bothKinds = async (file) => [
  ...Object.values(await cases(file)),
  ...Object.values(await cases(`weighted_${file}`)),
];

/** [sum, sum of squares, first, last] of every matrix. */
function summed(arrays) {
  const four = ([name, a]) => {
    const sum = a.reduce((s, x) => s + x, 0);
    return [name, [sum, a.reduce((s, x) => s + x * x, 0), a[0], a[a.length - 1]]];
  };
  return Object.fromEntries(
    Object.entries(arrays).map(([name, a]) => four([name, Float64Array.from(a)])),
  );
}

const fours = (sums) =>
  Object.fromEntries(Object.entries(sums).map(([name, four]) => [name, Object.values(four)]));

async function draws(one) {
  const [samples, most] = [one.prefixes.length, one.length];
  const uniforms = new Float64Array(samples * most).fill(0.5); // what follows the draws in use
  uniforms.set(one.uniforms.flat());
  return {
    temperature: one.temperature,
    topK: one.top_k,
    topP: one.top_p,
    order: one.order,
    guard: one.guard && { next: one.guard.next.flat(), banned: one.guard.banned.flat() },
    uniforms,
  };
}

function checks(dtype) {
  return {
    async logits() {
      const limit = (await limits(dtype)).forward;
      for (const one of Object.values(await cases("forward"))) {
        const engine = await loaded(dtype, one.model);
        const tokens = one.tokens.slice(0, engine.config.block_size);
        const cuts = [tokens.length, 1, Math.max(1, tokens.length - 1), 0, tokens.length];
        const got = engine.logits(cuts.map((cut) => tokens.slice(0, cut)));
        cuts.forEach((cut, i) => near(one.trace.logits.slice(0, cut), got[i], limit, one.name));
      }
      const toy = await vectors("toy_gpt");
      const engine = await make(dtype, toy.config, toy.weights);
      const { tokens, trace } = (await cases("toy_gpt")).BOS_a_b;
      near(trace.logits, engine.logits([tokens])[0], limit, "toy GPT");
    },

    async gradients() {
      const limit = (await limits(dtype)).gradients;
      for (const one of await bothKinds("gradients")) {
        const engine = await loaded(dtype, one.model);
        for (let again = 0; again < 2; again++) {
          const { loss, grads } = engine.grads(one.docs, one.weights?.flat());
          near(one.loss, loss, limit, `loss of ${one.name}`);
          nearAll(one.grads, grads, limit, one.name);
          if (one.name !== "weighted_nothing") continue;
          const moved = Object.values(grads).some((array) => array.some((x) => x !== 0));
          if (loss !== 0 || moved) fail("weights of 0 move something");
        }
      }
    },

    async steps() {
      const { steps: limit, checksums } = await limits(dtype);
      for (const one of await bothKinds("steps")) {
        const engine = await starting(dtype, one);
        const lrs = one.steps.map(({ lr }) => lr);
        const losses = engine.steps(stepBatches(one.steps), lrs, one.first_step);
        near(
          one.steps.map(({ loss }) => loss),
          losses,
          limit,
          `losses of ${one.name}`,
        );
        const { weights, optim } = engine.state();
        same(one.first_step + lrs.length, optim.step, `step of ${one.name}`);
        const state = optim.m ? { weights, m: optim.m, v: optim.v } : { weights };
        const end = one.end ?? one.end_checksums;
        same(Object.keys(end), Object.keys(state), `state of ${one.name}`);
        for (const part of Object.keys(end)) {
          if (one.end) nearAll(end[part], state[part], limit, `${one.name} ${part}`);
          else nearAll(fours(end[part]), summed(state[part]), checksums, `${one.name} ${part}`);
        }
      }
    },

    async "steps in pieces"() {
      const all = { ...(await cases("steps")), ...(await cases("weighted_steps")) };
      for (const one of [
        all.adam_tiny_on,
        all.adam_tiny_part,
        all.sgd_tiny,
        all.weighted_adam_tiny,
      ]) {
        const lrs = one.steps.map(({ lr }) => lr);
        const whole = await starting(dtype, one);
        const losses = whole.steps(stepBatches(one.steps), lrs, one.first_step);
        let piece = await starting(dtype, one);
        const got = [];
        for (const [a, b] of [
          [0, 1],
          [1, 4],
          [4, lrs.length],
        ]) {
          const part = stepBatches(one.steps.slice(a, b));
          got.push(...piece.steps(part, lrs.slice(a, b), one.first_step + a));
          const { weights, optim } = piece.state();
          piece = await make(dtype, piece.config, weights, optim);
        }
        same(Array.from(losses), got, `losses of ${one.name}`);
        same(whole.state(), piece.state(), `state of ${one.name}`);
      }
    },

    async "the published runs"() {
      const limit = await limits(dtype);
      const models = await cases("models");
      for (const preset of Object.keys(PRESETS)) {
        const one = (await cases("losses"))[preset];
        const config = makeConfig({}, preset);
        const start = begin(config, await names(), one.seed);
        const docs = start.docs.map((doc) => start.tokenizer.encodeDocument(doc));
        const engine = await make(dtype, config, models[preset].weights);
        const lrs = Array.from({ length: config.steps }, (_, step) => lrAt(config, step));
        const losses = engine.steps(batches(docs, config, 0, config.steps), lrs, 0);
        near(one.losses, losses, limit[`losses_${preset}`], `losses of ${preset}`, true);
        near(
          one.held_out.loss,
          heldOut(engine, docs.slice(config.steps)),
          limit.held_out,
          "held out",
          true,
        );
        const sums = summed(engine.state().weights);
        nearAll(fours(one.end_checksums), sums, limit[`end_${preset}`], `end of ${preset}`);
        if (dtype === "float32") continue;
        const uniforms = start.rng.uniforms(20 * config.block_size);
        const { tokens } = engine.sample(Array(20).fill([]), { temperature: 0.5, uniforms });
        same(
          one.samples,
          tokens.map((t) => start.tokenizer.decode(t)),
          `samples of ${preset}`,
        );
        // The same from weights that this machine has drawn: the last bits differ, not the losses.
        engine.load(start.weights);
        const own = engine.steps(batches(docs, config, 0, config.steps), lrs, 0);
        near(one.losses, own, limit[`losses_${preset}`], `own losses of ${preset}`, true);
      }
    },
  };
}

function heldOut(engine, docs) {
  let sum = 0;
  let positions = 0;
  for (let at = 0; at < docs.length; at += 256) {
    const part = docs.slice(at, at + 256).map((doc) => doc.slice(0, engine.config.block_size + 1));
    const n = part.reduce((count, doc) => count + doc.length - 1, 0);
    sum += engine.grads(part).loss * n;
    positions += n;
  }
  return sum / positions;
}

export const engine = {
  async "the module asks for nothing"() {
    same([], WebAssembly.Module.imports(await WebAssembly.compile(place.kernel)), "imports");
  },

  ...Object.fromEntries(
    DTYPES.flatMap((dtype) =>
      Object.entries(checks(dtype)).map(([name, run]) => [`${name}, ${dtype}`, run]),
    ),
  ),

  async sampling() {
    for (const one of Object.values(await cases("sampling"))) {
      const engine = await loaded("float64", one.model);
      const { tokens, used } = engine.sample(one.prefixes, await draws(one));
      same([one.tokens, one.used], [tokens, used], one.name);
      same(
        { tokens, used },
        sampleByLogits(engine, one.prefixes, await draws(one)),
        `${one.name}, plain`,
      );
    }
  },

  async "sampling in float32"() {
    for (const one of Object.values(await cases("sampling"))) {
      if (one.model !== "trained") continue;
      const engine = await loaded("float32", one.model);
      const { tokens } = engine.sample(one.prefixes, await draws(one));
      tokens.forEach((sample, i) => {
        same(
          one.prefixes[i].slice(0, one.length),
          sample.slice(0, one.prefixes[i].length),
          one.name,
        );
        if (sample.length > one.length) throw new Error(`${one.name}: ${sample.length} tokens`);
      });
    }
  },

  async "the shipped model"() {
    const { config, tokenizer, weights } = readModel(await place.text("data/model.json"));
    const engine = await make("float64", config, weights);
    const one = (await cases("sampling")).seed_42;
    const uniforms = new Random(42).uniforms(one.prefixes.length * one.length);
    const { tokens } = engine.sample(one.prefixes, { temperature: 0.5, uniforms });
    same(one.tokens, tokens, "samples of seed 42");
    same(27, tokenizer.vocab_size, "vocabulary");
  },
};
