// What the figures about layers and small networks compute, without a page;
// tests/test_guide_pages_networks.py drives them in Chromium.

import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { makeConfig, shapes } from "../config.js";
import { namesOf as listOf } from "../figures/dataset.js";
import {
  BREAKS,
  checkOf,
  LIMIT,
  parameterNames,
  power,
} from "../figures/gradients/gradient-dots.js";
import {
  FIRST_LAYER,
  layerRow,
  softmaxSteps,
  throughLayer,
} from "../figures/networks/layer-steps.js";
import { partialSums, reachOf } from "../figures/networks/neuron-picture.js";
import { thresholdOf } from "../figures/networks/relu-graph.js";
import { layOut } from "../figures/networks/tally-picture.js";
import { pairsOf } from "../figures/networks/zipper.js";
import { counted, hunks, lineDiff, programDiff } from "../figures/rungs/line-diff.js";
import { describe, MATRICES, namesOf } from "../matrices.js";
import { tally } from "../numbers/facts.js";
import {
  neuron,
  surface,
  surfaceLoss,
  surfaceTarget,
  TWO_LAYER,
  twoLayer,
} from "../numbers/neuron.js";
import { compare, RungOne } from "../figures/rungs/rung-one.js";
import { EYE, framing, patches, project, turned } from "../figures/networks/surface-view.js";
import { fail, near, same } from "./helpers.js";

const ROOT = new URL("../../../", import.meta.url);
const text = (path) => readFile(new URL(path, ROOT), "utf8");
const docs = (await text("data/names.txt")).trim().split("\n");
const source = (rung) => text(`ladder/train${rung}.py`);

test("a layer makes 2, 1, 0, and softmax 0.67, 0.24, 0.09", () => {
  const logits = throughLayer({ x: FIRST_LAYER.x, w: FIRST_LAYER.w.flat() });
  same([2, 1, 0], logits, "logits");
  same("1·1 + 0.5·2 + 0·(−1)", layerRow(FIRST_LAYER.x, FIRST_LAYER.w[0]), "row in words");
  const { probs, shifted, total } = softmaxSteps(logits);
  same([0, -1, -2], shifted, "shifted");
  near(1.5032147, total, 1e-7, "sum");
  near([0.67, 0.24, 0.09], probs, 0.005, "probabilities", true);
  near(probs, softmaxSteps(logits.map((z) => z + 1)).probs, 1e-15, "moved");
  near([0.867, 0.117, 0.016], softmaxSteps([4, 2, 0]).probs, 5e-4, "doubled", true);
  near([0.506, 0.307, 0.186], softmaxSteps([1, 0.5, 0]).probs, 5e-4, "halved", true);
  near([1, 0, 0], softmaxSteps([99, -99, -99]).probs, 1e-15, "at the limits", true);
});

test("neurons have the constants of their steps", () => {
  same(1, neuron([2], [1], -1).z, "x + b");
  same([3], neuron([2], [1.5], -1).products, "x·w");
  same(2, neuron([2], [1.5], -1).a, "ReLU");
  near(-0.13, neuron([0.5, -0.3, 1.2], [0.4, 0.7, -0.1]).z, 1e-12, "many inputs");
  same(0, neuron([0.5, -0.3, 1.2], [0.4, 0.7, -0.1]).a, "silent");
  same(
    [0, 5, 0],
    [1, 4, 1.5].map((x) => neuron([x], [2], -3).a),
    "E3",
  );
  near(
    [1, 1, 0, 1.7],
    [
      [1, 0, 0],
      [0, 1, 2],
      [-1, 1, -2],
      [2, 1, 1],
    ].map((x) => twoLayer(TWO_LAYER, ...x).a),
    1e-12,
    "E4",
  );
});

test("a surface is 13 × 13 patches from far to near, and turning keeps lengths", () => {
  const all = patches(surface(TWO_LAYER, 1), EYE, { reach: 3, lift: 0.7 });
  same(169, all.length, "patches");
  if (all.some(({ far }, i) => i && far > all[i - 1].far))
    fail("a far patch would cover a near one");
  near(
    [0.5, 4.9],
    [Math.min(...surface(TWO_LAYER, 1).flat()), Math.max(...surface(TWO_LAYER, 1).flat())],
    1e-12,
    "heights",
  );
  const above = project({ turn: 0, tilt: 90 }, 1, 2, 5);
  near([1, -2], [above.x, above.y], 1e-12, "from above x is right, y is up, height is hidden");
  const level = project({ turn: 0, tilt: 5 }, 0, 0, 1);
  near(-Math.cos((5 * Math.PI) / 180), level.y, 1e-12, "from the side height is up");
  for (const turn of [0, 35, 120]) {
    const p = project({ turn, tilt: 40 }, 2, -1, 0.5);
    near(4 + 1 + 0.25, p.x ** 2 + p.y ** 2 + p.far ** 2, 1e-12, "length");
  }
  same(
    { turn: 350, tilt: 90 },
    turned({ turn: 5, tilt: 80 }, -15, 30),
    "round, and no further than above",
  );
  same({ turn: 5, tilt: 5 }, turned({ turn: 350, tilt: 10 }, 15, -30), "and not below the floor");
  near(4.0868, surfaceLoss(TWO_LAYER, surfaceTarget(1), 1), 5e-5, "the first target");
  same(0, surfaceLoss(surfaceTarget(3), surfaceTarget(3), 1), "a target and itself");
});

test("a difference of lines gives back both texts, and is the shortest", () => {
  for (const [a, b, out, added] of [
    ["", "", 0, 0],
    ["abc", "abc", 0, 0],
    ["abc", "axc", 1, 1],
    ["abcd", "bcda", 1, 1],
    ["aaa", "", 3, 0],
    ["", "xy", 0, 2],
    ["abab", "baba", 1, 1],
  ]) {
    const made = lineDiff([...a], [...b]);
    same(
      a,
      made
        .filter(({ kind }) => kind !== "in")
        .map(({ text: t }) => t)
        .join(""),
      `${a} from its difference`,
    );
    same(
      b,
      made
        .filter(({ kind }) => kind !== "out")
        .map(({ text: t }) => t)
        .join(""),
      `${b} from its difference`,
    );
    same(
      [out, added],
      [counted(made).out, counted(made).in],
      `lines that change from ${a} to ${b}`,
    );
  }
  const apart = lineDiff([..."abcdefghij"], [..."Abcdefghij"]);
  same([1, 4], [hunks(apart).length, hunks(apart)[0].length], "one place, with what is around it");
  same(0, hunks(lineDiff(["a"], ["a"])).length, "nothing changes");
});

test("between the rungs as many lines change as the pages say", async () => {
  const places = [4, 7, null, 4, null];
  for (const [from, expected] of places.entries()) {
    const [before, after] = [await source(from), await source(from + 1)];
    const { body, all } = programDiff(before, after);
    const { in: came, out: went, same: stayed } = counted(body);
    if (all.length <= body.length) fail("headers differ, too");
    if (expected) same(expected, hunks(body).length, `places from rung ${from}`);
    const page = await text(`guide/pages/learn/rung-${from + 1}.md`);
    if (!page.includes(`${came} lines of code come, ${went} go, and ${stayed} stay`))
      fail(`rung-${from + 1}.md counts otherwise: ${came}, ${went}, ${stayed}`);
  }
});

test("rung 1's gradients agree below 1e-6 for every parameter, and broken ones don't", async () => {
  const run = new RungOne(docs);
  same("yuheng", run.docs[0], "first name");
  const all = await checkOf(run.model, run.tokens(0), { stride: 1 });
  same(3184, all?.points.length, "parameters");
  if (!(all && all.worst < LIMIT && all.worst < 1e-9)) fail(`largest difference ${all?.worst}`);
  const some = await checkOf(run.model, run.tokens(0));
  same(188, some?.points.length, "every 17th");
  same(
    ["wte[0][0]", "wte[1][1]"],
    some?.points.slice(0, 2).map(({ name }) => name),
    "names",
  );
  same("fc2[26][63]", parameterNames(run.model).at(-1), "last");
  const gate = await checkOf(run.model, run.tokens(0), { broken: "gate" });
  near(5.3e-3, gate?.worst, 5e-5, "no gate", true);
  const wrong = gate?.points.filter((p) => Math.abs(p.analytic - p.numerical) > LIMIT) ?? [];
  if (!wrong.length || wrong.some(({ name }) => name.startsWith("fc2")))
    fail("the gate concerns fc1 and wte alone");
  near(
    8.9e-2,
    (await checkOf(run.model, run.tokens(0), { broken: "mean" }))?.worst,
    5e-4,
    "not divided",
    true,
  );
  const tiny = await checkOf(run.model, run.tokens(0), { nudge: 1e-12 });
  if (!(tiny && tiny.worst > LIMIT)) fail("a nudge of 1e-12 can't pass");
  same(
    null,
    await checkOf(run.model, run.tokens(0), { stride: 1 }, () => false),
    "nobody waits for it",
  );
  same(["none", "gate", "mean"], Object.keys(BREAKS), "breaks");
  same(
    ["4.6·10⁻¹¹", "10⁻⁶", "8.9·10⁻²", "0", "3.2·10⁰"],
    [4.617e-11, 1e-6, 0.0893, 0, 3.2].map(power),
    "powers",
  );
});

test("a run is that of ladder/train1.py, on the way and at its end", async () => {
  const run = new RungOne(docs);
  same(listOf(docs).shuffled.slice(0, 20), run.docs.slice(0, 20), "order of the names");
  near(3.2954, run.heldOut(), 5e-5, "untrained");
  const blind = compare(run, run.counts(0), "ava");
  near([Math.log(27), Math.log(27)], [blind.counts, blind.mlp], 5e-3, "nothing learned", true);
  await run.advanceTo(100);
  same(100, run.step, "step");
  const early = compare(run, run.counts(100), "ava");
  near(
    [0.134, 0.041, 0.118, 0.148],
    early.rows.map(({ counts }) => counts),
    5e-4,
    "100 names, counts",
    true,
  );
  near([2.31, 2.71], [early.counts, early.mlp], 5e-3, "100 names, means", true);
  run.advance(5000);
  same(1000, run.step, "no step beyond the last");
  same(
    ["3.2978", "3.2974", "3.2965"],
    run.losses.slice(0, 3).map((x) => x.toFixed(4)),
    "first losses",
  );
  same("2.6873", run.losses[999].toFixed(4), "last loss");
  near(2.538, run.heldOut(), 5e-4, "5,000 unused names", true);
  const page = await text("guide/pages/learn/rung-1.md");
  if (!page.includes(run.samples(20).join(", ")))
    fail(`rung-1.md has other samples than ${run.samples(20).join(", ")}`);
  same(run.samples(20), run.samples(20), "samples leave the stream where it is");
  const mlp = await text("guide/pages/learn/mlp.md");
  const { rows, counts, mlp: mean } = compare(run, run.counts(1000), "ava");
  for (const row of rows) {
    const cells = `| ${row.counts.toFixed(3)} | ${row.mlp.toFixed(3)} |`;
    if (!mlp.includes(cells)) fail(`mlp.md lacks ${cells}`);
  }
  near([2.2, 2.15], [counts, mean], 5e-3, "means", true);
  const fired = (token) => run.model.forward(token).hidden.filter((h) => h > 0).length;
  same([12, 36, 11], [fired(0), fired(22), fired(26)], "hidden units that fire for a, w, BOS");
});

test("a learning rate can be too small and too large", () => {
  const timid = new RungOne(docs, { lr: 0.1 });
  timid.advance(1000);
  near(3.09, timid.heldOut(), 5e-3, "lr 0.1", true);
  const bold = new RungOne(docs, { lr: 5 });
  bold.advance(1000);
  same(true, Number.isNaN(bold.heldOut()), "lr 5 runs away");
});

test("the matrices are those of the model, each with words and row names", () => {
  const config = makeConfig({ vocab_size: 27 });
  same(
    shapes(config).map(([name]) => name),
    [...MATRICES],
    "names",
  );
  for (const [name, out] of shapes(config)) {
    if (!describe(name)) fail(`no words for ${name}`);
    same(out, namesOf(name, out).rows.length, `rows of ${name}`);
  }
  same("BOS", namesOf("lm_head", 27).rows[26], "last row of lm_head");
  same("pos 3", namesOf("wpe", 16).rows[3], "a position");
});

test("pairs of a zip, sums tip to tip, and the axis that holds them", () => {
  const pairs = pairsOf([0.5, -0.3, 1.2], [0.4, 0.7]);
  near(
    [0.2, -0.01],
    pairs.map(({ sum }) => sum),
    1e-12,
    "sums of the pairs",
    true,
  );
  const sums = partialSums({ xs: [0.5, -0.3, 1.2], ws: [0.4, 0.7, -0.1], b: 0.2 });
  near([0, 0.2, -0.01, -0.13, 0.07], sums, 1e-12, "partial sums", true);
  same([0.5, 10, 50], [reachOf(sums, 0.5), reachOf([-3], 10), reachOf([-30], 10)], "reaches");
  near(2 / 3, thresholdOf({ x: 2, w: 1.5, b: -1 }), 1e-12, "where it turns on");
  if (Number.isFinite(thresholdOf({ x: 2, w: 0, b: -1 }))) fail("a deaf neuron has no threshold");
});

test("the surface's axis of heights stands at the left, and is gone from above", () => {
  const size = { reach: 3, most: 4.9, lift: 0.65 };
  for (const turn of [0, 35, 100, 215, 300]) {
    const { height, floor } = framing({ turn, tilt: 30 }, size);
    same(6, floor.length, "names and numbers of the floor");
    if (!height) return fail("an axis");
    const corners = [-3, 3].flatMap((x) =>
      [-3, 3].map((y) => project({ turn, tilt: 30 }, x, y, 0).x),
    );
    near(Math.min(...corners), height.line[0].x, 1e-9, "leftmost corner");
    same(
      ["", "2", "4"],
      height.ticks.map(({ text: words }) => words),
      "round heights",
    );
  }
  same(null, framing({ turn: 0, tilt: 90 }, size).height, "from above");
});

test("matrices to scale stay in their picture, and none lies on another", () => {
  for (const n of [8, 16, 32, 64]) {
    const { matrices } = tally(makeConfig({ n_embd: n, vocab_size: 27 }));
    for (const width of [340, 1056]) {
      const { placed, scale } = layOut(matrices, width);
      same(9, placed.length, "matrices");
      for (const [i, one] of placed.entries()) {
        near(one.w * one.h, one.matrix.count * scale ** 2, 1e-6, "area");
        if (one.x < 0 || one.x + one.w > width) fail(`${one.matrix.name} at ${width}`);
        for (const other of placed.slice(i + 1))
          if (
            one.x < other.x + other.w &&
            other.x < one.x + one.w &&
            one.y < other.y + other.h &&
            other.y < one.y + one.h
          )
            fail(`${one.matrix.name} on ${other.matrix.name}`);
      }
    }
  }
});
