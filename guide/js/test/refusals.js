// What isn't taken, and what is said: value, limit, remedy. Nothing may have changed afterwards.

import { FileError, InputError, TokenError } from "../errors.js";
import { batchesOf, loadKernel } from "../kernel.js";
import { readModel } from "../model.js";
import { sha256 } from "../sha256.js";
import { sampleByLogits } from "../sampling.js";
import { cases, fail, place, refuses, same, sha256 as later } from "./helpers.js";

const empty = { tokens: [], offsets: [0], documents: [], positions: [] };

async function final(dtype = "float64") {
  const { config, weights } = (await cases("models")).final;
  const engine = (await loadKernel(place.kernel)).create({ config, dtype });
  engine.load(weights);
  return { engine, weights };
}

async function refusesLater(promise, type, pattern, what) {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  );
  refuses(
    () => {
      if (error) throw error;
    },
    type,
    pattern,
    what,
  );
}

export const refusals = {
  async "refused: kernels"() {
    const bytes = new Uint8Array(place.kernel);
    await refusesLater(loadKernel(bytes.slice(0, 100)), FileError, /can't be compiled here/, "cut");
    await refusesLater(loadKernel(new Uint8Array(0)), FileError, /SIMD/, "nothing");
    const other = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]); // a module without functions
    await refusesLater(loadKernel(other), FileError, /another version/, "another module");
    const kernel = await loadKernel(place.kernel);
    refuses(() => kernel.create({ dtype: "float16" }), InputError, /^dtype is "float16"/, "dtype");
    refuses(() => kernel.create({ config: { n_head: 3 } }), InputError, /not divisible/, "heads");
    for (const config of [
      { n_embd: 2 ** 24, n_head: 1 },
      { n_layer: 2 ** 24 },
      { block_size: 2 ** 24 },
      { vocab_size: 2 ** 24 },
      { block_size: 2 ** 14, n_layer: 8 },
    ]) {
      const run = () => kernel.create({ config });
      refuses(
        run,
        InputError,
        /parameters needs.* more memory.*Make n_embd/,
        JSON.stringify(config),
      );
    }
  },

  async "refused: weights"() {
    const { engine, weights } = await final();
    const before = JSON.stringify(engine.state());
    const without = { ...weights };
    delete without.lm_head;
    const bad = [
      [without, /^lm_head is missing, the model needs it with shape \[27, 16\]\.$/],
      [{ ...weights, wpe: weights.wte }, /^wpe doesn't have shape \[16, 16\]/],
      [{ ...weights, wpe: [] }, /^wpe doesn't have shape/],
      [{ ...weights, wpe: weights.wpe.map((row) => row.slice(1)) }, /^wpe doesn't have shape/],
      [{ ...weights, wpe: new Float32Array(255) }, /^wpe doesn't have shape/],
      [
        { ...weights, wpe: new Float32Array(256).fill(NaN) },
        /^wpe has a number that is not finite/,
      ],
      [{ ...weights, wte: weights.wte.with(26, Array(16).fill(Infinity)) }, /^wte has a number/],
    ];
    for (const [given, pattern] of bad)
      refuses(() => engine.load(given), InputError, pattern, `${pattern}`);
    const m = { ...weights, wte: weights.wpe };
    refuses(
      () => engine.load(weights, { m, v: weights, step: 1 }),
      InputError,
      /^m of wte doesn't/,
      "m",
    );
    refuses(() => engine.load(weights, { step: -1 }), InputError, /^step is -1/, "step");
    same(before, JSON.stringify(engine.state()), "state after refusals");
    const small = (await final("float32")).engine;
    const large = { ...weights, wpe: new Float64Array(256).fill(1e300) };
    refuses(() => small.load(large), InputError, /not finite in float32/, "too large for float32");
  },

  async "refused: documents"() {
    const { engine } = await final();
    const before = JSON.stringify(engine.state());
    const one = [[[26, 0, 26]]];
    const long = Array(18).fill(0);
    const steps =
      (changes, lrs = [0.01], first = 0) =>
      () =>
        engine.steps({ ...batchesOf(one), ...changes }, lrs, first);
    const bad = [
      [
        () => engine.logits([[26], [0, 27]]),
        TokenError,
        /^Token 27 at place 2 is not in the vocabulary \(27 tokens, 0 to 26\)\.$/,
      ],
      [() => engine.logits([[-1]]), TokenError, /^Token -1 at place 0/],
      [() => engine.logits([[0.5]]), TokenError, /^Token 0.5/],
      [() => engine.logits([["a"]]), TokenError, /^Token "a"/],
      [() => engine.logits([[NaN]]), TokenError, /^Token NaN/],
      [
        () => engine.logits([long]),
        InputError,
        /^Document 0 has 18 tokens, must have 0 to 16 \(block_size 16\)\.$/,
      ],
      [
        () => engine.grads([[26, 0], []]),
        InputError,
        /^Document 1 has 0 tokens, must have 1 to 17/,
      ],
      [() => engine.grads([long]), InputError, /^Document 0 has 18 tokens/],
      [() => engine.grads([]), InputError, /nothing to predict/],
      [() => engine.grads([[26]]), InputError, /nothing to predict/],
      [steps({ tokens: [26, 99, 26] }), TokenError, /^Token 99 at place 1/],
      [steps({ tokens: [26, 0] }), InputError, /^Document offsets don't fit the 2 tokens\.$/],
      [steps({ offsets: [0, -3] }), InputError, /offsets don't fit/],
      [steps({ offsets: [2, 0] }), InputError, /offsets don't fit/],
      [steps({ offsets: [0, 2 ** 40] }), InputError, /offsets don't fit/],
      [steps({ offsets: [0, 0] }), InputError, /^Document 0 has 0 tokens/],
      [steps({ offsets: [0] }), InputError, /^The steps take 1 documents, but 0 came\.$/],
      [steps({ documents: [2] }), InputError, /^The steps take 2 documents, but 1 came\.$/],
      [steps({ documents: [-1] }), InputError, /^Step 0 has -1 documents and 2 positions/],
      [steps({ documents: [1e300] }), InputError, /^Step 0 has 1e\+300 documents/],
      [steps({ positions: [0] }), InputError, /^Step 0 has 1 documents and 0 positions/],
      [steps({ positions: [NaN] }), InputError, /^Step 0 /],
      [steps({ positions: [] }), InputError, /^There are 1 steps, but batches for 0\.$/],
      [
        steps({ weights: [1] }),
        InputError,
        /^There are 1 weights, but the documents have 2 positions\. Give one/,
      ],
      [steps({ weights: [1, NaN] }), InputError, /^Weight 1 is NaN, must be a finite number\.$/],
      [
        () =>
          engine.grads(
            [
              [26, 0],
              [26, 0, 26],
            ],
            [1, 2],
          ),
        InputError,
        /have 3 positions/,
      ],
      [() => engine.grads([[26, 0, 26]], [Infinity, 2]), InputError, /^Weight 0 is Infinity/],
      [steps({}, [0.01, 0.01]), InputError, /^There are 2 steps, but batches for 1\.$/],
      [steps({}, [NaN]), InputError, /^lr 0 is NaN/],
      [steps({}, [0.01], -1), InputError, /^firstStep is -1/],
      [steps({}, [0.01], null), InputError, /^firstStep is null/],
    ];
    for (const [run, type, pattern] of bad) refuses(run, type, pattern, `${pattern}`);
    same(before, JSON.stringify(engine.state()), "state after refusals");
    same(0, engine.steps(empty, [], 0).length, "no steps");
    same([], engine.logits([]), "no lists");
    same(
      [0],
      engine.logits([[]]).map((rows) => rows.length),
      "an empty list",
    );
  },

  async "refused: sampling"() {
    const { engine } = await final();
    const uniforms = new Float64Array(32).fill(0.5);
    const two = [[], []];
    const free = { next: new Int32Array(27), banned: new Uint8Array(27) };
    const bad = [
      [two, { temperature: 0 }, InputError, /^temperature is 0, must be from 0\.001 to 1000\.$/],
      [two, { temperature: NaN }, InputError, /^temperature is NaN/],
      [two, { topK: 0 }, InputError, /^topK is 0, must be from 1/],
      [two, { topP: 1.5 }, InputError, /^topP is 1\.5, must be above 0 and at most 1\.$/],
      [two, { order: "random" }, InputError, /^order is "random"/],
      [two, { uniforms: [0.5, 0.5, 0.5] }, InputError, /^There are 3 uniforms for 2 samples/],
      [two, { uniforms: [] }, InputError, /^There are 0 uniforms for 2/],
      [[], { uniforms }, InputError, /^There are 32 uniforms for 0/],
      [
        two,
        { uniforms: [0.5, 1] },
        InputError,
        /^Uniform 1 is 1, must be at least 0 and below 1\.$/,
      ],
      [two, { uniforms: [0.5, NaN] }, InputError, /^Uniform 1 is NaN/],
      [[[], [27]], {}, TokenError, /^Token 27 at place 0 of a prefix/],
      [two, { guard: { ...free, next: [1, 2] } }, InputError, /^The guard has 2 next states/],
      [
        two,
        { guard: { ...free, banned: [] } },
        InputError,
        /^The guard has 27 next states and 0 bans/,
      ],
      [
        two,
        { guard: { ...free, next: Array(27).fill(0.5) } },
        InputError,
        /^The guard goes to state 0\.5/,
      ],
      [
        two,
        { guard: { ...free, next: Array(27).fill(1) } },
        InputError,
        /^There is no token to draw/,
      ],
      [
        two,
        { guard: { ...free, next: Array(27).fill(-1) } },
        InputError,
        /^There is no token to draw/,
      ],
      [
        [[5], []],
        { guard: { ...free, next: free.next.with(5, 9) } },
        InputError,
        /^There is no token/,
      ],
      [
        two,
        { guard: { ...free, banned: Array(27).fill(true) } },
        InputError,
        /^There is no token to draw/,
      ],
    ];
    for (const [prefixes, changes, type, pattern] of bad) {
      const options = { uniforms, ...changes };
      refuses(() => engine.sample(prefixes, options), type, pattern, `${pattern}`);
      refuses(() => sampleByLogits(engine, prefixes, options), type, pattern, `plain: ${pattern}`);
    }
    same({ tokens: [], used: 0 }, engine.sample([], { uniforms: [] }), "no samples");
  },

  async "refused: before load and after close"() {
    const { config, weights } = (await cases("models")).final;
    const kernel = await loadKernel(place.kernel);
    const engine = kernel.create({ config });
    refuses(
      () => engine.logits([[26]]),
      InputError,
      /no weights yet\. Call load first\.$/,
      "empty",
    );
    engine.load(weights);
    engine.logits([[26]]);
    engine.close();
    for (const run of [
      () => engine.logits([[26]]),
      () => engine.state(),
      () => engine.load(weights),
    ]) {
      refuses(run, InputError, /^The engine is closed\. Create another one\.$/, `${run}`);
    }
    engine.close();
  },

  async digests() {
    for (const length of [0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 1000, 100_000]) {
      const text = "a digest of bytes ".repeat(6000).slice(0, length);
      same(await later(text), sha256(new TextEncoder().encode(text)), `SHA-256 of ${length} bytes`);
    }
  },

  async "refused: model files"() {
    const text = await place.text("data/model.json");
    const change = (edit) => {
      const content = JSON.parse(text);
      edit(content);
      return () => readModel(JSON.stringify(content));
    };
    const bad = [
      [() => readModel("{"), /not readable JSON/],
      [() => readModel("[]"), /the file is a list of 0, must be a JSON object/],
      [change((c) => delete c.config), /the file lacks config/],
      [change((c) => (c.format = "v2")), /format is "v2", must be "tiny-gpt-char-v1"/],
      [change((c) => (c.config.n_embd = 1e6)), /n_embd 1000000|can't hold them/],
      [change((c) => (c.config.n_layer = 2)), /state_dict lacks layer1\.attn_wq/],
      [change((c) => (c.config.n_layer = 1e4)), /config asks for \d+ numbers/],
      [change((c) => (c.config.head_dim = 8)), /config\.head_dim is 8, must be 4/],
      [change((c) => (c.config.BOS = 0)), /config\.BOS is 0, must be 26/],
      [change((c) => (c.config.activation = "gelu")), /activation is "gelu"/],
      [
        change((c) => c.tokenizer.uchars.reverse()),
        /has "y" after "z", must be in code-point order/,
      ],
      [change((c) => (c.tokenizer.uchars[3] = "dd")), /uchars\[3\] is "dd", must be one character/],
      [change((c) => (c.tokenizer.stoi.b = 7)), /stoi\["b"\] is 7, must be 1/],
      [change((c) => delete c.state_dict.wpe), /state_dict lacks wpe/],
      [change((c) => c.state_dict.wte.pop()), /wte is a list of 26, must be a list of 27 rows/],
      [change((c) => c.state_dict.wte[2].pop()), /wte\[2\] is a list of 15, must be a list of 16/],
      [
        change((c) => (c.state_dict.wte[2][5] = "1")),
        /wte\[2\]\[5\] is "1", must be a finite number/,
      ],
      [() => readModel(text.replace(/-?0\.\d+/, "1e999")), /is Infinity, must be a finite number/],
    ];
    for (const [run, pattern] of bad) refuses(run, FileError, pattern, `${pattern}`);
    const odd = change((c) => (c.config.colour = 1))();
    same(['Unknown keys in config ignored: "colour".'], odd.warnings, "warnings");
    for (const name of ["tiny", "small"]) {
      const model = readModel(await place.text(`conformance/vectors/model/${name}.json`));
      const { config, weights } = (await cases("models"))[name];
      for (const key of Object.keys(config)) same(config[key], model.config[key], `${name} ${key}`);
      for (const key of Object.keys(weights))
        same(weights[key].flat(), Array.from(model.weights[key]), key);
      same([], model.warnings, `warnings of ${name}`);
    }
    const sealed = await place.text("conformance/vectors/model/small.json");
    refuses(
      () => readModel(sealed.replace(/\[\[?(-?0\.\d*)\d,/, "[$19,")),
      FileError,
      /digest is "[0-9a-f]{12}…", but .* its numbers is [0-9a-f]{12}…: it has changed/,
      "a number",
    );
    refuses(
      () => readModel(sealed.replace(/"digest": ".*"/, '"digest": 3')),
      FileError,
      /digest is 3/,
      "3",
    );
    if (readModel(text).warnings.length) fail("the shipped model has warnings");
  },
};
