// The numbers engine against the vectors and the published numbers; runs in Node and in a page.

import { batchesOf } from "../documents.js";
import { lrAt, makeConfig } from "../config.js";
import { InputError } from "../errors.js";
import { Bigram, meanLoss } from "../numbers/bigram.js";
import { entropyBits, floats, rmsnorm, softmax } from "../numbers/arithmetic.js";
import { cutByBlock, datasetFacts, MODEL_SIZES, tally } from "../numbers/facts.js";
import { BREAKS, trace } from "../numbers/forward.js";
import { Mlp } from "../numbers/mlp.js";
import * as neuron from "../numbers/neuron.js";
import { runningAverage } from "../numbers/optimizers.js";
import { ScalarEngine } from "../numbers/scalar.js";
import { backwardSteps, graphOf, topologicalOrder, Value, zeroGrad } from "../numbers/value.js";
import { Random } from "../random.js";
import { batches, begin } from "../training.js";
import {
  cases,
  fail,
  limits,
  names,
  near,
  nearAll,
  place,
  refuses,
  same,
  ulps,
} from "./helpers.js";

const to = (digits, numbers) => numbers.map((x) => Number(x.toFixed(digits)));

/** The names in the order of seed 42, as token ids. */
export async function shuffled() {
  const { docs, tokenizer, rng } = begin(makeConfig(), await names());
  return { docs, tokenizer, rng, ids: docs.map((doc) => tokenizer.encodeDocument(doc)) };
}

async function model(name, breaks = [], changes = {}) {
  const { config, weights } = (await cases(name === "trained" ? "trained" : "models"))[name];
  const engine = new ScalarEngine(makeConfig({ ...config, ...changes }), breaks);
  engine.load(weights);
  return engine;
}

/** The nodes of a case of operations.json as Values. */
function built(nodes) {
  const made = [];
  const lift = (at) => (typeof at === "number" ? made[at] : at.number);
  for (const [op, a, b] of nodes) {
    if (op === "leaf") made.push(new Value(a));
    else if (op === "pow") made.push(made[a].pow(b));
    else if (b === undefined) made.push(made[a][op]());
    else {
      const left = lift(a);
      const lifted = typeof left === "number" ? new Value(left) : left;
      // number / a is a**-1 * number, as in Python
      if (op === "div" && typeof left === "number") made.push(made[b].pow(-1).mul(left));
      else made.push(lifted[op](lift(b)));
    }
  }
  return made;
}

export const numbersSuite = {
  async "numbers: operations of Value"() {
    const { operations } = await limits("ulp");
    for (const one of Object.values(await cases("operations"))) {
      const nodes = built(one.nodes);
      ulps(
        one.data,
        nodes.map(({ data }) => data),
        operations,
        `${one.name} data`,
      );
      const root = nodes[nodes.length - 1];
      root.backward();
      const got = nodes.map(({ grad }) => grad);
      ulps(one.grads, got, operations, `${one.name} grads`);
      const graph = graphOf(root);
      same(
        topologicalOrder(root).map(({ grad }) => grad),
        backwardSteps(graph).grads,
        one.name,
      );
      zeroGrad(graph.values);
      same(0, root.grad, "zeroGrad");
    }
    for (const [run, pattern] of [
      [() => new Value(0).log(), /logarithm of 0 does not exist/],
      [() => new Value(-1).log(), /logarithm of -1/],
      [() => new Value(0).pow(-1), /^0 can't be divided by/],
      [() => new Value(1).div(0), /^0 can't be divided by/],
      [() => new Value(-8).pow(0.5), /no real power 0.5/],
      [() => new Value(710).exp(), /exp of 710 is too large/],
    ])
      refuses(run, InputError, pattern, `${pattern}`);
  },

  async "numbers: backward step by step"() {
    const [a, b] = [Value.named(2, "a"), Value.named(3, "b")];
    const graph = graphOf(a.mul(b).add(a));
    same(
      ["a", "b", "", ""],
      graph.nodes.map(({ label }) => label),
      "post-order, left to right",
    );
    same(
      [0, 0, 1, 2],
      graph.nodes.map(({ depth }) => depth),
      "depths",
    );
    const { steps, grads } = backwardSteps(graph);
    same([4, 2, 1, 1], grads, "gradients");
    same(
      [1, 1, 1, 4, 2],
      steps.map(({ after }) => after),
      "after each step",
    );
    same(
      [0, 0, 0, 1, 0],
      steps.map(({ before }) => before),
      "before each step",
    );
    const wrong = backwardSteps(graph, { accumulate: false });
    same([3, 2, 1, 1], wrong.grads, "= in place of +=");
    const again = a.mul(b).add(a);
    zeroGrad([a, b]);
    again.backward({ accumulate: false });
    same([3, 2], [a.grad, b.grad], "Value with = in place of +=");
    const four = ["a", "b", "c", "d"].map((name, i) => Value.named(i + 1, name));
    const two = four[2].mul(four[3]);
    const order = topologicalOrder(four[0].mul(four[1]).add(two).add(four[0]));
    same("ab.cd...", order.map(({ label }) => label || ".").join(""), "children left to right");
    let deep = new Value(1);
    for (let i = 0; i < 100_000; i++) deep = deep.add(0);
    deep.backward(); // no recursion
  },

  async "numbers: every intermediate"() {
    const { forward } = await limits("float64");
    const { before, per_layer, after, known_target } = JSON.parse(
      await place.text("conformance/trace.json"),
    );
    for (const one of Object.values(await cases("forward"))) {
      const engine = await model(one.model);
      const got = engine.trace(one.tokens);
      const layers = Array.from({ length: engine.config.n_layer }, (_, i) =>
        per_layer.map(({ name }) => `layer${i}.${name}`),
      );
      const table = [before, after, known_target].map((items) => items.map(({ name }) => name));
      same([...table[0], ...layers.flat(), ...table[1], ...table[2]], Object.keys(got), one.name);
      for (const name of Object.keys(one.trace)) {
        near(one.trace[name], got[name], forward, `${one.name} ${name}`);
      }
      const count = Math.min(one.tokens.length, engine.config.block_size);
      const [logits] = engine.logits([one.tokens.slice(0, count)]);
      near(one.trace.logits, logits, forward, `${one.name} logits`);
    }
    const empty = trace(makeConfig(), (await cases("models")).final.weights, [26]);
    same([], empty.loss, "no loss without a next token");
  },

  async "numbers: gradients"() {
    const { gradients } = await limits("float64");
    for (const one of Object.values(await cases("gradients"))) {
      const { loss, grads } = (await model(one.model)).grads(one.docs);
      near(one.loss, loss, gradients, `loss of ${one.name}`);
      nearAll(
        Object.fromEntries(Object.entries(one.grads).map(([name, rows]) => [name, rows.flat()])),
        grads,
        gradients,
        one.name,
      );
    }
  },

  async "numbers: ten steps of SGD and Adam"() {
    const { steps: limit } = await limits("float64");
    const all = await cases("steps");
    for (const one of Object.values(all)) {
      const engine = await model(one.model, [], one.optimizer);
      if (one.after) {
        const { weights, m, v } = all[one.after].end;
        engine.load(weights, { m, v, step: one.first_step });
      }
      const given = {
        ...batchesOf(one.steps.map(({ docs }) => docs)),
        positions: one.steps.map(({ positions }) => positions),
      };
      const losses = engine.steps(
        given,
        one.steps.map(({ lr }) => lr),
        one.first_step,
      );
      near(
        one.steps.map(({ loss }) => loss),
        losses,
        limit,
        one.name,
      );
      const { weights, optim } = engine.state();
      same(one.first_step + 10, optim.step, `step of ${one.name}`);
      const parts = optim.m ? { weights, m: optim.m, v: optim.v } : { weights };
      for (const part of one.end ? Object.keys(one.end) : []) {
        for (const name of Object.keys(weights)) {
          near(one.end[part][name], parts[part][name], limit, `${one.name} ${part} ${name}`);
        }
      }
    }
  },

  async "numbers: the first losses of the published run"() {
    const { ids } = await shuffled();
    const { losses } = (await cases("losses")).final;
    const engine = await model("final");
    const lrs = Array.from({ length: 13 }, (_, step) => lrAt(engine.config, step));
    const got = engine.steps(batches(ids, engine.config, 0, 13), lrs, 0);
    near(losses.slice(0, 13), got, 1e-9, "losses");
    same([3.366, 3.4243, 3.1778, 3.0664], to(4, [...got.slice(0, 4)]), "as printed");
  },

  async "numbers: each break changes what it says, and nothing else does"() {
    const doc = [3, 0, 1, 2, 0, 3];
    const sound = (await model("tiny")).trace(doc);
    const firstOff = {
      sqrt_d: "layer0.scores",
      residual: "layer0.x_after_attn",
      norm: "x",
      position: "emb",
    };
    for (const [name, first] of Object.entries(firstOff)) {
      const broken = (await model("tiny", [name])).trace(doc);
      const off = Object.keys(sound).filter(
        (key) => JSON.stringify(sound[key]) !== JSON.stringify(broken[key]),
      );
      same(first, off[0], `${name} changes first`);
    }
    const run = async (breaks) => {
      const engine = await model("tiny", breaks);
      const losses = engine.steps(batchesOf([[doc], [doc], [doc]]), [0.01, 0.01, 0.01], 0);
      return [...losses];
    };
    const healthy = await run([]);
    for (const name of ["bias_correction", "accumulate"]) {
      const broken = await run([name]);
      same(healthy[0], broken[0], `${name}: the first loss`);
      if (broken[1] === healthy[1]) fail(`${name} changes no step`);
    }
    same(6, Object.keys(BREAKS).length, "number of breaks");
    refuses(
      () => new ScalarEngine(makeConfig(), ["everything"]),
      InputError,
      /can't be broken/,
      "break",
    );
  },

  async "numbers: samples of the scalar engine"() {
    const all = await cases("sampling");
    const one = Object.values(all).find(
      ({ model: m, prefixes }) => m === "trained" && prefixes.length <= 4,
    );
    const engine = await model("trained");
    const uniforms = new Float64Array(one.prefixes.length * one.length).fill(0.5);
    uniforms.set(one.uniforms.flat());
    const got = engine.sample(one.prefixes, {
      temperature: one.temperature,
      topK: one.top_k,
      topP: one.top_p,
      order: one.order,
      uniforms,
      guard: one.guard && { next: one.guard.next.flat(), banned: one.guard.banned.flat() },
    });
    same(one.tokens ?? one.samples, got.tokens, one.name);
  },

  async "numbers: rung 0 counts"() {
    const { ids, tokenizer } = await shuffled();
    const ava = tokenizer.encodeDocument("ava");
    const few = new Bigram(27);
    few.train(ids, 100);
    const steps = few.walk(ava);
    same(
      [0.134, 0.041, 0.118, 0.148],
      to(
        3,
        steps.map(({ p }) => p),
      ),
      "p of ava",
    );
    same(
      [2.01, 3.19, 2.14, 1.91],
      to(
        2,
        steps.map(({ loss }) => loss),
      ),
      "losses of ava",
    );
    same([2.31], to(2, [few.loss(ava)]), "mean loss of ava");
    const run = new Bigram(27);
    same([2.7177], to(4, run.train(ids, 1000).slice(-1)), "last loss of train0.py");
    const unused = meanLoss(ids.slice(1000), (doc) => run.walk(doc).map(({ loss }) => loss));
    same([2.505], to(3, [unused]), "held-out loss of rung 0");
    const whole = new Bigram(27);
    ids.forEach((doc) => whole.learn(doc));
    const mean = () => meanLoss(ids, (doc) => whole.walk(doc).map(({ loss }) => loss));
    same([2.4546], to(4, [mean()]), "add-one bigram over the file");
    whole.added = 0;
    same([2.454], to(4, [mean()]), "unsmoothed bigram over the file");
    if (Math.abs(run.probs(26).reduce((a, b) => a + b) - 1) > 1e-12) fail("doesn't sum to 1");
  },

  async "numbers: rungs 1 and 2"() {
    const { docs, tokenizer } = await shuffled();
    const rng = new Random(42);
    rng.shuffle(await names());
    const net = Mlp.begin(rng, 27);
    const ids = docs.map((doc) => tokenizer.encodeDocument(doc));
    same(3184, net.params.length, "parameters");
    const { worst, points } = net.check(ids[0]);
    same(188, points.length, "checked parameters");
    if (!(worst < 1e-6)) fail(`gradient check: ${worst}`);
    const byValues = net.valueGradient(ids[0]);
    near(net.analyticGradient(ids[0]), byValues.grads, 1e-12, "gradient by Values");
    near(net.loss(ids[0]), byValues.loss, 1e-12, "loss by Values");
    const losses = net.train(ids, 0, 1000);
    same([2.6873], to(4, losses.slice(-1)), "last loss of train1.py");
    const unused = meanLoss(ids.slice(1000, 6000), (doc) => net.losses(doc));
    same([2.538], to(3, [unused]), "held-out loss of rung 1");
    const sample = net.sample(() => rng.random());
    if (!sample.every((token) => token >= 0 && token < 26)) fail(`sample ${sample}`);
  },

  async "numbers: neurons and small nets"() {
    same({ products: [3], z: 2, a: 2 }, neuron.neuron([2], [1.5], -1), "neuron");
    same(
      [1, 0, 5],
      [
        [2, -1, 1],
        [1, -3, 2],
        [4, -3, 2],
      ].map(([x, b, w]) => neuron.neuron([x], [w], b).a),
      "neuron",
    );
    same([-0.13], to(12, [neuron.neuron([0.5, -0.3, 1.2], [0.4, 0.7, -0.1]).z]), "dot product");
    same({ z: 2, a: 2, dx: 1.5, dw: 2, db: 1 }, neuron.neuronGradients(2, 1.5, -1), "by hand");
    const states = neuron.descend();
    near(
      [7, 8.2, 8.92, 9.352, 9.6112],
      states.map((s) => s.prediction),
      1e-12,
      "predictions",
    );
    same(
      [9, 3.24, 1.1664, 0.4199, 0.1512],
      to(
        4,
        states.map((s) => s.loss),
      ),
      "losses",
    );
    same([-18, -6], [states[0].dw, states[0].db], "gradients");
    const course = neuron.descend({ x: 2, y: 3, w: 0.5, b: 0.1, lr: 0.01, steps: 1 });
    near(
      [1.1, 3.61, -7.6, -3.8],
      [course[0].prediction, course[0].loss, course[0].dw, course[0].db],
      1e-12,
      "course",
    );
    near(1.29, course[1].prediction, 1e-12, "course, after a step");
    same({ loss: 2, slope: 2, next: 1 }, neuron.parabolaStep(2, 0.5), "parabola");
    const p = neuron.TWO_LAYER;
    near([0.4, 0.5, 0.9], Object.values(neuron.twoLayer(p, 1, 1, 1)), 1e-12, "two layers");
    same(14, neuron.surface(p, 1).length, "surface");
    same(0, neuron.surfaceLoss(p, p, 1), "loss of the target itself");
    const target = neuron.surfaceTarget(1);
    if (!Object.entries(target).every(([k, v]) => Math.abs(v) <= (k[0] === "w" ? 1.2 : 0.6)))
      fail("target");
    same(
      [3, 4, 2],
      neuron.runNet(neuron.smallNet(1), [1, 2, 3]).map((layer) => layer.length),
      "small net",
    );
  },

  async "numbers: facts and small formulas"() {
    const docs = await names();
    const facts = datasetFacts(docs);
    same(
      [32033, 29494, 15, 27],
      [facts.documents, facts.distinct, facts.longest, facts.vocabSize],
      "names",
    );
    same([3.2958, 4.7549], to(4, [facts.blindNats, facts.blindBits]), "blind guessing");
    same(
      32033,
      facts.lengths.reduce((a, b) => a + b),
      "lengths",
    );
    same(4801, cutByBlock(docs, 8), "cut by a block of 8");
    same(0, cutByBlock(docs, 16), "cut by a block of 16");
    same(
      [72, 4192, 124439808],
      MODEL_SIZES.map((size) => size.parameters),
      "sizes",
    );
    const { matrices, total } = tally(makeConfig());
    same([9, 4192], [matrices.length, total], "tally");
    same([0.67, 0.24, 0.09], to(2, softmax(floats, [2, 1, 0])), "softmax");
    same([1.039, 1.386, 0], to(3, rmsnorm(floats, [3, 4, 0])), "rmsnorm");
    near([2, 0], [entropyBits([0.25, 0.25, 0.25, 0.25]), entropyBits([1, 0])], 1e-15, "entropy");
    const { raw, corrected } = runningAverage([1, 1, 1], 0.9);
    near([0.1, 0.19, 0.271], raw, 1e-12, "average from 0");
    near([1, 1, 1], corrected, 1e-12, "average, corrected");
  },
};
