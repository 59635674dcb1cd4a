// Models of random shapes and documents of random lengths against the plain formulas, with memory
// watched: around what a call was given nothing changes, and nothing there has any influence.

import { makeConfig, parameters } from "../config.js";
import { batchesOf, loadKernel } from "../kernel.js";
import { Random } from "../random.js";
import { sampleByLogits } from "../sampling.js";
import { firstWeights } from "../training.js";
import { fail, near, place, same } from "./helpers.js";
import { plainLogits, plainLoss } from "./plain.js";

const SHAPES = 40;
const CANARY = 0xa5; // as float32 and float64: small negative numbers; as int32: out of range

/** A random shape; every fourth is like the presets, with heads of four numbers. */
function randomConfig(rng, i) {
  const n_head = 1 + rng.randrange(5);
  const head_dim = i % 4 ? 1 + rng.randrange(12) : 4;
  return makeConfig({
    n_layer: 1 + rng.randrange(3),
    n_head,
    n_embd: n_head * head_dim,
    block_size: i % 10 ? 1 + rng.randrange(24) : 100 + rng.randrange(60),
    vocab_size: 1 + rng.randrange(40),
    activation: rng.randrange(2) ? "relu" : "relu_squared",
    optimizer: rng.randrange(4) ? "adam" : "sgd",
    init_std: 0.2,
  });
}

/** Documents of random lengths, the last as long as can be. */
function randomDocs(rng, { block_size, vocab_size }, count) {
  return Array.from({ length: count }, (_, d) =>
    Array.from({ length: d < count - 1 ? 2 + rng.randrange(block_size) : block_size + 1 }, () =>
      rng.randrange(vocab_size),
    ),
  );
}

/** Bytes as text, quickly: a digest that one different bit changes (FNV-1a). */
function bytesOf(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 16777619);
  return `${bytes.length} bytes, ${hash >>> 0}`;
}

/** Digests of all weights and moments. */
function everything(engine) {
  const { weights, optim } = engine.state();
  return [weights, optim.m ?? {}, optim.v ?? {}].map((part) => Object.values(part).map(bytesOf));
}

/**
 * Lets one call work in a memory filled with canaries; they must live where it was lent nothing.
 */
function watched(engine, call, what) {
  const bytes = () => new Uint8Array(engine.memory.buffer);
  const size = bytes().length; // beyond it, memory that the call has grown by is 0
  bytes().fill(CANARY, engine.free);
  const result = call();
  const after = bytes();
  let at = engine.free;
  for (const [start, end] of [...engine.lent, [after.length, 0]]) {
    for (; at < start; at++) {
      if (after[at] !== (at < size ? CANARY : 0)) {
        fail(`${what}: wrote to byte ${at}, was lent ${JSON.stringify(engine.lent)}`);
      }
    }
    at = end;
  }
  return result;
}

export const fuzz = {
  async "random shapes"() {
    const kernel = await loadKernel(place.kernel);
    const rng = new Random(7);
    for (let i = 0; i < SHAPES; i++) {
      const config = randomConfig(rng, i);
      const what = JSON.stringify(config);
      const weights = firstWeights(config, rng);
      const docs = randomDocs(rng, config, 1 + rng.randrange(i % 10 === 5 ? 40 : 6));
      for (const [dtype, limit] of [
        ["float64", 1e-10],
        ["float32", 1e-3],
      ]) {
        const engine = kernel.create({ config, dtype });
        engine.load(weights);
        const bottom = bytesOf(new Uint8Array(engine.memory.buffer, 0, 4096));
        const state = everything(engine);
        const lists = docs.map((doc) => doc.slice(0, -1));
        const rows = watched(engine, () => engine.logits(lists), what);
        const exact = dtype === "float64" ? weights : engine.state().weights;
        const plain = lists.map((list) => plainLogits(config, exact, list));
        plain.forEach((scores, d) => near(scores, rows[d], limit, what));
        const { loss, grads } = watched(engine, () => engine.grads(docs), what);
        near(plainLoss(docs, plain), loss, limit, what);
        const part = docs.flatMap((doc) =>
          Array.from(doc)
            .slice(1)
            .map(() => rng.gauss(0, 1)),
        );
        const rest = part.map((weight) => 1 - weight);
        const [one, other] = [part, rest].map((given) =>
          watched(engine, () => engine.grads(docs, given), what),
        );
        near(loss, one.loss + other.loss, limit, `two parts of ${what}`);
        for (const [name, whole] of Object.entries(grads)) {
          near(
            whole,
            one.grads[name].map((g, at) => g + other.grads[name][at]),
            limit,
            `${name} of ${what}`,
          );
        }
        same(state, everything(engine), `state of ${what}`);
        if (dtype === "float64") slope(kernel, config, weights, docs, grads, rng, what);
        const steps = [docs, docs.slice(0, 1), []];
        const batches = { ...batchesOf(steps), positions: [100, 7, 1] };
        const run = () => engine.steps(batches, [0.01, 0.005, 0.001], 0);
        const first = watched(engine, run, what);
        near(loss, (first[0] * 100) / batchesOf([docs]).positions[0], limit, what);
        same(0, first[2], `loss of an empty batch of ${what}`);
        const after = everything(engine);
        engine.load(weights);
        same(first, watched(engine, run, what), `second time: ${what}`);
        same(after, everything(engine), `state the second time: ${what}`);
        same(bottom, bytesOf(new Uint8Array(engine.memory.buffer, 0, 4096)), "the stack's end");
        engine.close();
      }
    }
  },

  async "random samples"() {
    const kernel = await loadKernel(place.kernel);
    const rng = new Random(8);
    for (let i = 0; i < SHAPES; i++) {
      const config = randomConfig(rng, i);
      const engine = kernel.create({ config, dtype: "float64" });
      engine.load(firstWeights(config, rng));
      const most = 1 + rng.randrange(2 * config.block_size);
      const states = 1 + rng.randrange(4);
      const V = config.vocab_size;
      const size = states * V;
      const prefixes = Array.from({ length: rng.randrange(7) }, () =>
        Array.from({ length: rng.randrange(most + 2) }, () => rng.randrange(V)),
      );
      const options = {
        temperature: 0.2 + 2 * rng.random(),
        topK: rng.randrange(2) ? 1 + rng.randrange(V + 2) : null,
        topP: rng.randrange(2) ? 1 - rng.random() : null,
        order: rng.randrange(2) ? "rows" : "sequential",
        guard: rng.randrange(2)
          ? {
              next: Int32Array.from({ length: size }, () => rng.randrange(states)),
              banned: Uint8Array.from({ length: size }, (_, t) =>
                Number(t % V < V - 1 && rng.random() < 0.3),
              ),
            }
          : null,
        uniforms: rng.uniforms(prefixes.length * most).map((u) => (u < 0.1 ? 0 : u)),
      };
      const what = JSON.stringify({ config, prefixes, ...options, uniforms: 0, guard: 0 });
      const got = watched(engine, () => engine.sample(prefixes, options), what);
      same(sampleByLogits(engine, prefixes, options), got, what);
    }
  },

  async "memory that grows"() {
    const kernel = await loadKernel(place.kernel);
    const config = makeConfig();
    const engine = kernel.create({ config, dtype: "float32" });
    engine.load(firstWeights(config, new Random(1)));
    const few = engine.logits([[26, 0, 1]])[0];
    const state = JSON.stringify(engine.state());
    const before = engine.memory.buffer.byteLength;
    const many = engine.logits(Array(20000).fill([26, 0, 1]));
    if (engine.memory.buffer.byteLength <= before) fail("nothing grew, so nothing was tested");
    for (const rows of [many[0], many[9999], many[19999], engine.logits([[26, 0, 1]])[0]]) {
      same(few, rows, "logits before and after");
    }
    same(state, JSON.stringify(engine.state()), "state before and after");
    const other = kernel.create({ config, dtype: "float32" });
    other.load(firstWeights(config, new Random(2)));
    same(few, engine.logits([[26, 0, 1]])[0], "logits beside another engine");
  },

  async "a run that diverges"() {
    const kernel = await loadKernel(place.kernel);
    for (const dtype of ["float32", "float64"]) {
      const engine = kernel.create({ dtype });
      engine.load(firstWeights(makeConfig(), new Random(1)));
      const docs = Array.from({ length: 40 }, () => [[26, 0, 1, 2, 26]]);
      const losses = engine.steps(
        batchesOf(docs),
        Array(40).fill(dtype === "float32" ? 1e30 : 1e300),
        0,
      );
      if (losses.every(Number.isFinite)) fail(`${dtype}: losses hide that the numbers are gone`);
    }
  },
};

/** The loss along a random direction must change as the gradient says. */
function slope(kernel, config, weights, docs, grads, rng, what) {
  const engine = kernel.create({ config, dtype: "float64" });
  const std = parameters(config) ** -0.5; // of a direction of length 1 or so
  const direction = Object.fromEntries(
    Object.entries(weights).map(([name, a]) => [name, a.map(() => rng.gauss(0, std))]),
  );
  let expected = 0;
  for (const name of Object.keys(weights)) {
    direction[name].forEach((d, i) => (expected += d * grads[name][i]));
  }
  const at = (step) => {
    const moved = ([name, a]) => [name, a.map((w, i) => w + step * direction[name][i])];
    engine.load(Object.fromEntries(Object.entries(weights).map(moved)));
    return engine.grads(docs).loss;
  };
  const found = [1e-4, 1e-5, 1e-6].map((h) => (at(h) - at(-h)) / (2 * h));
  const best = Math.min(...found.map((x) => Math.abs(x - expected)));
  if (!(best <= 1e-5 * Math.max(1, Math.abs(expected)))) {
    fail(`${what}: the loss changes by ${found}, the gradient says ${expected}`);
  }
}
