// Steps that clip each document's gradient and take noise; what each position costs.

import { makeConfig, parameters } from "../config.js";
import { InputError } from "../errors.js";
import { batchesOf, loadKernel } from "../kernel.js";
import { Random } from "../random.js";
import { firstWeights } from "../training.js";
import { near, place, refuses, same } from "./helpers.js";

const SHAPES = [
  { n_embd: 8, n_head: 2 },
  { n_embd: 6, n_head: 3, n_layer: 2 },
];
const DOCS = [
  [5, 0, 1, 5],
  [5, 5],
  [5, 2, 3, 4, 0, 5],
  [5, 1, 1, 1, 5],
];
const LR = 0.5;

const flat = (arrays) => Float64Array.from(Object.values(arrays).flatMap((a) => Array.from(a)));

export const privacy = {
  async "documents are clipped one by one"() {
    const kernel = await loadKernel(place.kernel);
    for (const shape of SHAPES) {
      for (const [dtype, limit] of [
        ["float64", 1e-12],
        ["float32", 1e-5],
      ]) {
        const options = { ...shape, block_size: 5, vocab_size: 6, optimizer: "sgd", init_std: 0.4 };
        const config = makeConfig(options);
        const rng = new Random(3);
        const first = firstWeights(config, rng);
        const engine = kernel.create({ config, dtype });
        engine.load(first);
        const before = flat(engine.state().weights);
        const noise = Array.from(before, () => rng.gauss(0, 0.1));
        const sums = DOCS.map((doc) =>
          flat(engine.grads([doc]).grads).map((g) => g * (doc.length - 1)),
        );
        const norms = sums.map((g) => Math.hypot(...g));
        const clip = (Math.min(...norms) + Math.max(...norms)) / 2;
        const batch = { ...batchesOf([DOCS]), positions: [20] };
        const expected = before.map((w, i) => {
          const all = sums.reduce(
            (sum, g, d) => sum + g[i] * Math.min(1, clip / norms[d]),
            noise[i],
          );
          return w - (LR * all) / 20;
        });
        engine.steps(batch, [LR], 0, { clip, noise });
        near(expected, flat(engine.state().weights), limit, `weights, ${dtype}`);
        engine.load(first);
        engine.steps(batch, [LR], 0);
        const free = flat(engine.state().weights);
        engine.load(first);
        engine.steps(batch, [LR], 0, { clip: 2 * Math.max(...norms) });
        near(free, flat(engine.state().weights), limit, `a clip above all, ${dtype}`);
        engine.close();
      }
    }
  },

  async "positions cost what documents cost"() {
    const kernel = await loadKernel(place.kernel);
    const config = makeConfig({ n_embd: 8, n_head: 2, block_size: 5, vocab_size: 6 });
    const engine = kernel.create({ config, dtype: "float64" });
    engine.load(firstWeights(config, new Random(3)));
    const each = engine.positionLosses([...DOCS, [5]]);
    let at = 0;
    for (const doc of DOCS) {
      const sum = each.subarray(at, (at += doc.length - 1)).reduce((a, b) => a + b, 0);
      near(engine.grads([doc]).loss * (doc.length - 1), sum, 1e-13, `document ${doc}`);
    }
    same(at, each.length, "positions");
  },

  async "refused: clip and noise"() {
    const kernel = await loadKernel(place.kernel);
    const config = makeConfig({ n_embd: 4, n_head: 1, block_size: 5, vocab_size: 6 });
    const engine = kernel.create({ config });
    engine.load(firstWeights(config, new Random(3)));
    const step = (given) => () => engine.steps(batchesOf([DOCS]), [0.1], 0, given);
    const bad = Array(parameters(config)).fill(Number.NaN);
    refuses(step({ clip: 0 }), InputError, /^clip is 0, must be a finite number above 0\.$/, "0");
    refuses(step({ clip: Infinity }), InputError, /^clip is Infinity/, "infinity");
    refuses(step({ noise: [1] }), InputError, /^There are 1 numbers of noise/, "too few");
    refuses(step({ noise: bad }), InputError, /not finite/, "NaN");
  },
};
