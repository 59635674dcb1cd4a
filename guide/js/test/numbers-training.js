// A training run as a page makes it, and the Worker's orders.

import { InputError } from "../errors.js";
import { loadKernel } from "../kernel.js";
import { recorded, TrainingRun } from "../training-run.js";
import { serve } from "../worker-training.js";
import { cases, fail, names, near, nearAll, place, refuses, same } from "./helpers.js";

const kernel = () => loadKernel(place.kernel);

async function whole(options) {
  const run = new TrainingRun(options, await kernel());
  const events = [...run.start()];
  while (!run.done) events.push(...run.advance(97));
  return { run, events };
}

const of = (events, type) => events.filter((event) => event.type === type);

/** Gives orders to a Worker's code and waits for a post that fits. */
function served(scopeOf = kernel) {
  const posts = [];
  const waiting = [];
  const scope = {
    onmessage: null,
    postMessage(data) {
      posts.push(data);
      for (const one of [...waiting]) if (one.fits(data)) one.done(data);
    },
  };
  serve(scope, scopeOf);
  const until = (type, fits = () => true) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`no ${type} came: ${JSON.stringify(posts.at(-1))}`)),
        200_000,
      );
      const one = { fits: (data) => data.type === type && fits(data), done: resolve };
      waiting.push({
        fits: one.fits,
        done: (data) => {
          clearTimeout(late);
          waiting.splice(0);
          resolve(data);
        },
      });
    });
  const order = (what, type, fits) => {
    const answer = until(type, fits);
    scope.onmessage({ data: what });
    return answer;
  };
  return { posts, order };
}

export const trainingSuite = {
  async "training: the published run, in pieces, with its samples and marks"() {
    const docs = await names();
    const { run, events } = await whole({ docs, sampleEvery: 500, recordEvery: 250 });
    const { losses, samples } = (await cases("losses")).final;
    near(losses, run.losses, 1e-9, "losses");
    const got = of(events, "samples");
    same(
      [0, 500, 1000],
      got.map(({ step }) => step),
      "steps with samples",
    );
    const texts = got[2].samples.map(({ text }) => text);
    same(
      (
        "kamon ann karai jaire vialan karia yeran anna areli kaina konna keylen liole alerin " +
        "earan lenne kana lara alela anton"
      ).split(" "),
      texts,
      "samples",
    );
    if (samples.length !== 20) fail("the vector's samples");
    const marks = got[2].samples.map(({ mark }) => mark);
    same(
      [0, 11, 9],
      ["trained", "file", "new"].map((mark) => marks.filter((m) => m === mark).length),
      "marks",
    );
    same(
      [0, 250, 500, 750, 1000],
      of(events, "recording").map(({ step }) => step),
      "recordings",
    );
    const end = recorded(run.config, of(events, "recording")[4].weights);
    nearAll(run.engine.state().weights, end, 1e-6, "recorded weights");
    same(
      { documents: 32033, distinct: 29494, cut: 0, parameters: 4192 },
      (({ documents, distinct, cut, parameters }) => ({ documents, distinct, cut, parameters }))(
        run.describe(),
      ),
      "description",
    );
    same(
      1000,
      of(events, "progress").reduce((sum, { losses: l }) => sum + l.length, 0),
      "losses in all",
    );
    same(
      true,
      of(events, "done").length === 1 && run.done && [...run.advance(1)].length === 0,
      "done once",
    );
  },

  async "training: samples on the way change nothing"() {
    const docs = (await names()).slice(0, 300);
    const config = { steps: 60 };
    const plain = await whole({ docs, config });
    const often = await whole({ docs, config, sampleEvery: 7, recordEvery: 11 });
    same(plain.run.losses, often.run.losses, "losses");
    same(of(plain.events, "samples").at(-1), of(often.events, "samples").at(-1), "last samples");
    const other = await whole({ docs, config, seed: 7, batchSize: 4 });
    if (JSON.stringify(other.run.losses) === JSON.stringify(plain.run.losses))
      fail("seed and batch do nothing");
    const again = await whole({ docs, config, seed: 7, batchSize: 4 });
    same(other.run.losses, again.run.losses, "the same seed");
  },

  async "training: the scalar engine, sound and broken"() {
    const docs = (await names()).slice(0, 50);
    const config = { steps: 5, n_embd: 8, n_head: 2 };
    const sound = await whole({ docs, config, samples: 2 });
    for (const name of [
      "sqrt_d",
      "residual",
      "norm",
      "position",
      "bias_correction",
      "accumulate",
    ]) {
      const broken = new TrainingRun({ docs, config, breaks: [name], samples: 2 }, null);
      while (!broken.done) [...broken.advance(5)];
      if (broken.losses.every((loss, i) => Math.abs(loss - sound.run.losses[i]) < 1e-9))
        fail(`${name} changes nothing`);
    }
  },

  async "training: own words"() {
    const { run, events } = await whole({
      docs: ["  Zoë ", "", "Åse", "Zoë"],
      config: { steps: 3, block_size: 3 },
      samples: 3,
    });
    same("ZesÅë", [..."ZesÅë"].filter((c) => run.tokenizer.uchars.includes(c)).join(""), "letters");
    same(
      [3, 2, 3],
      [run.describe().documents, run.describe().distinct, run.describe().cut],
      "counts",
    );
    same(3, of(events, "samples")[0].samples.length, "samples");
    same("Zo", run.sample("Zo", 1)[0].text.slice(0, 2), "prefix");
    const make = (options) => () => new TrainingRun(options, null);
    for (const [options, pattern] of [
      [{ docs: [" ", ""] }, /no words to train on\. Give one a line/],
      [{ docs: "emma" }, /^docs is "emma", must be a list/],
      [{ docs: [1] }, /must be a list of texts/],
      [{ docs: ["a"], batchSize: 0 }, /^batchSize is 0/],
      [{ docs: ["a"], temperature: 0 }, /^temperature is 0/],
      [{ docs: ["a"], seed: -1 }, /^seed is -1/],
      [{ docs: ["a"], config: { n_head: 3 } }, /not divisible/],
      [
        { docs: ["a"], config: { n_embd: 256 }, breaks: ["norm"] },
        /can't be broken on purpose here/,
      ],
      [{ docs: ["a"], breaks: ["all"] }, /"all" can't be broken/],
    ])
      refuses(make(options), InputError, pattern, JSON.stringify(options));
    refuses(() => run.sample("q", 1), InputError, /not in the vocabulary/, "unknown letter");
    refuses(
      () => run.sample("Zoë", 1),
      InputError,
      /^The prefix has 3 characters, must be fewer than 3/,
      "prefix",
    );
  },

  async "training: divergence is said"() {
    const run = new TrainingRun(
      { docs: ["emma", "olivia"], config: { optimizer: "sgd", lr: 1e6, steps: 50 } },
      await kernel(),
    );
    const all = () => {
      while (!run.done) [...run.advance(50)];
    };
    refuses(
      all,
      InputError,
      /^After \d+ steps the weights.* training has diverged at lr 1000000\. Make lr smaller\.$/,
      "lr",
    );
  },

  async "training: a Worker's orders"() {
    const docs = (await names()).slice(0, 200);
    const { posts, order } = served();
    same("ready", posts[0].type, "first post");
    const options = { docs, config: { steps: 40 }, sampleEvery: 10, samples: 2, recordEvery: 20 };
    const started = await order({ do: "start", id: 5, options, paused: true }, "paused");
    same([5, 0], [started.id, started.step], "paused at 0");
    await order({ do: "step" }, "paused", ({ step }) => step === 1);
    await order({ do: "step", count: 12 }, "paused", ({ step }) => step === 13);
    const sampled = await order({ do: "sample", prefix: "a", count: 3, seed: 1 }, "sampled");
    same(
      3,
      sampled.samples.filter(({ text }) => text.startsWith("a")).length,
      "samples with a prefix",
    );
    const wrong = await order({ do: "sample", prefix: "!" }, "error");
    same("input", wrong.error.code, "error code");
    await order({ do: "dance" }, "error", ({ error }) => /not an order/.test(error.message));
    await order({ do: "resume" }, "done");
    const losses = of(posts, "progress").flatMap((post) => post.losses);
    same(40, losses.length, "losses");
    same((await whole(options)).run.losses, losses, "the same as without a Worker");
    same(
      [0, 20, 40],
      of(posts, "recording").map(({ step }) => step),
      "recordings",
    );
    const { state, uchars } = await order({ do: "state" }, "state");
    same([9, 40], [Object.keys(state.weights).length, state.optim.step], "state");
    same(uchars.length, new Set(docs.join("")).size, "letters");
    await order({ do: "start", id: 6, options: { docs: [] } }, "error", ({ id }) => id === 6);
    await order(
      { do: "start", id: 7, options: { docs, config: { steps: 5, optimizer: "sgd", lr: 1e6 } } },
      "error",
      ({ error }) => error.code === "numbers",
    );
    await order(
      { do: "start", id: 8, options: { docs, config: { steps: 100_000 } }, speed: 100 },
      "progress",
    );
    const { step } = await order({ do: "pause" }, "paused");
    if (!(step >= 1 && step < 100)) fail(`speed: ${step} steps`);
    await order({ do: "stop" }, "stopped");
    const none = served(() => Promise.reject(new Error("none")));
    await none.order(
      { do: "start", options: { docs } },
      "error",
      ({ error }) => error.code === "fault",
    );
  },
};
