// What the pages on attention, heads and layers show, without a page.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CODE, cardOf } from "../figures/networks/attention-card.js";
import { along, plan } from "../figures/networks/attention-plan.js";
import { partAt } from "../figures/networks/attention-pointing.js";
import {
  attentionNumbers,
  attentionSentence,
  FIRST_QUERY,
  MOST_OF_QUERY,
  play,
  STAGES,
} from "../figures/networks/attention-steps.js";
import { changed, flat as allBlocks, MODELS, parametersOf } from "../figures/rungs/before-after.js";
import { makeConfig, parameters } from "../config.js";
import { curvesOf, endsOf } from "../figures/rungs/ladder.js";
import {
  cacheWork,
  cutInto,
  labelsOf,
  opened,
  tokensOf,
  traced,
} from "../figures/trained/real-model.js";
import {
  ASKED,
  ENTRIES,
  fuzzyLookup,
  PACES,
  SENTENCE,
  wordWeights,
} from "../figures/networks/word-attention.js";
import { fail, near, place, same, vectors } from "./helpers.js";

const ROOT = new URL("../../../", import.meta.url);
const text = (/** @type {string} */ path) => readFileSync(new URL(path, ROOT), "utf8");
place.text = async (/** @type {string} */ path) => text(path);
const real = opened(text("data/model.json"));

test("attention by hand is the published column", () => {
  const b = attentionNumbers({ token: 2, cache: "pinned", numbers: "hand" });
  same([-0.88, 1.1], b.x, "x");
  same([-0.22, 0.35], b.q, "q");
  same(
    [
      [0.3, 0.1],
      [-0.1, 0.4],
      [-0.37, 0.37],
    ],
    b.keys,
    "keys",
  );
  same(
    [
      [0.2, -0.3],
      [0.5, 0.2],
      [-0.24, 0.84],
    ],
    b.values,
    "values",
  );
  same([-0.03, 0.16, 0.21], b.qk, "q·k");
  same([-0.02, 0.11, 0.15], b.scores, "scores");
  same([0.3, 0.34, 0.36], b.weights, "weights");
  same([0.14, 0.28], b.headOut, "head output");
  same([0.14, 0.21], b.output, "after Wo");
});

test("attention exactly is the vectors' trace, pinned and computed", async () => {
  const { cases } = await vectors("toy_gpt");
  const compare = (
    /** @type {string} */ name,
    /** @type {any} */ n,
    /** @type {(key: string) => number[]} */ of,
  ) => {
    for (const [key, got] of Object.entries({
      q: n.q,
      k: n.k,
      v: n.v,
      head_out: n.headOut,
      x_attn: n.output,
      scores: n.scores,
      weights: n.weights,
    }))
      near(of(key), got, 1e-9, `${name} ${key}`);
  };
  const computed = cases.find((/** @type {any} */ one) => one.name === "BOS_a_b");
  compare("computed", attentionNumbers({ token: 2, cache: "computed", numbers: "exact" }), (key) =>
    computed.trace[`layer0.${key}`][2].flat(),
  );
  const pinned = cases.filter((/** @type {any} */ one) => one.row);
  same(4, pinned.length, "pinned cases");
  for (const { name, token, row, by_hand: hand } of pinned) {
    const of = (/** @type {any} */ from) => (/** @type {string} */ key) =>
      (from[`layer0.${key}`] ?? from[key]).flat();
    compare(name, attentionNumbers({ token, cache: "pinned", numbers: "exact" }), of(row));
    compare(
      `${name} by hand`,
      attentionNumbers({ token, cache: "pinned", numbers: "hand" }),
      of(hand),
    );
  }
});

test("nine stages, each with its sentence", () => {
  same(9, STAGES.length, "stages");
  const choice = /** @type {const} */ ({ token: 2, cache: "pinned", numbers: "hand" });
  const said = STAGES.map((_, i) => attentionSentence(choice, i));
  same(9, new Set(said).size, "sentences");
  if (!said[1].endsWith("= (−0.22, 0.35).") || !said[5].includes("−0.02, 0.11, 0.15"))
    fail(said.join("\n"));
});

test("the playground at its default and at its corners", () => {
  same([-0.22, 0.35], FIRST_QUERY, "default");
  near([0.2998, 0.3437, 0.3565], play([-0.22, 0.35]).weights, 5e-5, "default weights");
  near([1 / 3, 1 / 3, 1 / 3], play([0, 0]).weights, 1e-12, "no question");
  near([0.39, 0.35, 0.26], play([1.5, 1.5]).weights, 0.005, "corner");
  const { probs } = play([-0.22, 0.35]);
  same(3, probs.indexOf(Math.max(...probs)), "c is likeliest");
  near([0.27], [probs[3]], 5e-4, "of c");
});

test("the playground goes from equal weights to nearly all for one key, as the page says", () => {
  const page = text("guide/pages/learn/attention.md");
  const written = (/** @type {number[]} */ q) =>
    play(q)
      .weights.map((p) => p.toFixed(2))
      .join(", ");
  for (const said of [
    `At (8, −6) the weights are ${written([8, -6])};`,
    `at (−8, 6) they are ${written([-8, 6])};`,
    `key 0 gets ${play([8, -6]).weights[0].toFixed(2)}`,
  ])
    if (!page.includes(said)) fail(said);
  const most = [0, 0, 0];
  const steps = Array.from({ length: 101 }, (_, i) => (i / 50 - 1) * MOST_OF_QUERY);
  for (const q0 of steps)
    for (const q1 of steps)
      play([q0, q1]).weights.forEach((p, t) => (most[t] = Math.max(most[t], p)));
  if (most[0] < 0.95) fail(`key 0 gets at most ${most[0]}`);
  if (!page.includes(`never gets more than ${most[1].toFixed(2)}`)) fail(`key 1: ${most[1]}`);
});

const three = {
  columns: ["k", "a", "r"].map((name) => ({ name, vectors: [[[1], [2]]] })),
  at: 2,
  rows: [{ kind: "k", name: "keys" }],
  asks: "q of r",
  vectors: true,
  pieces: 2,
  heads: [
    { piece: 0, tone: "1", weights: [0.5, 0.3, 0.2] },
    { piece: 1, tone: "2", weights: [0, 0.25, 0.75] },
  ],
};
const placed = (upright = false) =>
  plan({
    width: upright ? 350 : 800,
    height: 380,
    upright,
    columns: 3,
    pieces: 2,
    weights: three.heads.map(({ weights }) => weights),
    heads: [0, 1],
    rows: 1,
    vectors: true,
    numbers: false,
    names: 1,
  });

test("the drawing: widths and shares are the weights, lying and standing", () => {
  for (const upright of [false, true]) {
    const made = placed(upright);
    for (const [h, { bar, arrows }] of made.blocks.entries()) {
      const { weights } = three.heads[h];
      const [length, start] = upright ? [bar.h, bar.y] : [bar.w, bar.x];
      arrows.forEach(({ segment, width }, t) => {
        near([weights[t] * length], [upright ? segment.h : segment.w], 1e-9, "share");
        if (weights[t]) near([weights[t]], [(width / arrows[1].width) * weights[1]], 1e-9, "width");
      });
      near([start + length], [end(arrows[2].segment, upright)], 1e-9, "the bar is full");
    }
    const boxes = [
      ...made.places.flatMap(({ hit, strips }) => [hit, ...strips.flat()]),
      ...made.blocks.flatMap(({ query, out, bar }) => [query, out, bar]),
    ];
    for (const { x, y, w, h } of boxes)
      if (x < 0 || y < 0 || x + w > made.width + 1e-9 || y + h > made.height + 1e-9)
        fail(`outside: ${[x, y, w, h]}`);
  }
});

const end = (
  /** @type {import("../figures/networks/attention-plan.js").Box} */ box,
  isDown = false,
) => (isDown ? box.y + box.h : box.x + box.w);

test("the drawing: every part answers at its place", () => {
  for (const upright of [false, true]) {
    const made = placed(upright);
    const at = (/** @type {number} */ x, /** @type {number} */ y) => partAt(made, three, x, y);
    const inside = (/** @type {{x: number, y: number, w: number, h: number}} */ box) =>
      at(box.x + box.w / 2, box.y + box.h / 2);
    for (const [head, { arrows, query, out }] of made.blocks.entries()) {
      same({ what: "query", head, at: 2 }, inside(query), "query");
      same({ what: "out", head, at: 2 }, inside(out), "output");
      arrows.forEach(({ curve, segment }, t) => {
        if (!three.heads[head].weights[t]) return;
        same({ what: "weight", head, at: t }, inside(segment), "share");
        const [x, y] = along(curve, 0.97); // where it meets no other
        same({ what: "arrow", head, at: t }, at(x, y), "arrow");
      });
      made.places.forEach(({ strips: [keys] }, t) =>
        same({ what: "k", head, at: t }, inside(keys[head]), "key"),
      );
    }
  }
});

test("the card: number, formula, and a line that stands in the program", () => {
  for (const { file, ...lines } of Object.values(CODE))
    for (const line of Object.values(lines)) if (!text(file).includes(line)) fail(line);
  const { keys, values, scores, weights, headOut } = play([-0.22, 0.35]);
  const facts = {
    names: ["BOS", "a", "b"],
    at: 2,
    heads: [{ q: [-0.22, 0.35], keys, values, scores, weights, out: headOut }],
    digits: 2,
    code: /** @type {const} */ ("one"),
  };
  const card = cardOf({ what: "arrow", head: 0, at: 1 }, facts);
  same("b → a", card?.title, "title");
  if (!card?.lines.at(-1)?.endsWith("= 0.34")) fail(String(card?.lines));
  const early = {
    ...facts,
    heads: [{ ...facts.heads[0], scores: null, weights: null, out: null }],
  };
  for (const what of ["arrow", "column", "out"])
    same(null, cardOf({ what, head: 0, at: 1 }, early), `${what}, before it is there`);
});

test("the fuzzy dictionary: a mean at 0, a common dictionary when sharp", () => {
  const mean =
    ENTRIES.reduce((sum, entry) => sum + /** @type {any} */ (PACES)[entry], 0) / ENTRIES.length;
  for (const word of Object.keys(ASKED)) near([mean], [fuzzyLookup(word, 0).answer], 1e-12, word);
  for (const entry of ENTRIES) {
    const { answer, exact, weights } = fuzzyLookup(entry, 60);
    near([/** @type {number} */ (exact)], [answer], 1e-6, entry);
    same(ENTRIES.indexOf(entry), weights.indexOf(Math.max(...weights)), entry);
  }
  near([4.37], [fuzzyLookup("wolf", 0.5).answer], 0.005, "wolf");
  same(null, fuzzyLookup("wolf", 1).exact, "wolf is in no dictionary");
});

test("a word sees itself and what was before it", () => {
  SENTENCE.forEach((_, at) => {
    for (const later of [false, true]) {
      const weights = wordWeights(at, later);
      near([1], [weights.reduce((a, b) => a + b, 0)], 1e-12, "sum");
      same(
        later ? SENTENCE.length : at + 1,
        weights.filter((w) => w > 0).length,
        `what ${at} sees`,
      );
    }
  });
  near([0.02, 0.39, 0.55, 0.04], wordWeights(3, false).slice(0, 4), 0.005, "fox");
  near([0.15], [wordWeights(3, true)[7]], 0.005, "fox and lazy");
});

test("weights of the trained model; four heads cut as it was trained", () => {
  const tokens = tokensOf(real, "Karen");
  same(["BOS", "k", "a", "r", "e", "n"], labelsOf(real, tokens), "tokens");
  const row = traced(real, tokens);
  same(
    [1, 2, 3, 4, 5, 6],
    row.weights.map(([first]) => first.length),
    "what each sees",
  );
  near(row.weights[4], cutInto(row, 4, 4).weights, 1e-12, "four heads");
  near(row.headOut[4], cutInto(row, 4, 4).headOut, 1e-12, "their output");
  near([0.02, 0.25, 0.01, 0.69, 0.04], cutInto(row, 4, 1).weights[0], 0.005, "as one head");
  for (const heads of [1, 2, 4, 8, 16]) {
    const { weights, parts, size } = cutInto(row, 4, heads);
    same([heads, heads, 16], [weights.length, parts.length, heads * size], `${heads} heads`);
    same(row.q[4], parts.flat(), "nothing is lost");
  }
  for (const typed of ["a b", "é", "abcdefghijklmnop"]) {
    try {
      tokensOf(real, typed);
    } catch {
      continue;
    }
    fail(`${typed} was taken`);
  }
});

test("work with and without a cache", () => {
  same({ kept: 160, withCache: 10, without: 30 }, cacheWork(5, 16), "emma");
  same([32, 272], [cacheWork(16, 16).withCache, cacheWork(16, 16).without], "full length");
  for (let n = 1; n < 17; n++) {
    let computed = 0;
    for (let t = 1; t <= n; t++) computed += 2 * t;
    same(computed, cacheWork(n, 16).without, `${n} positions`);
  }
});

test("blocks before and after have the rungs' parameters", () => {
  same([3184, 4192, 4192], [2, 3, 4].map(parametersOf), "parameters");
  same(4192, parameters(makeConfig({ vocab_size: 27 })), "as configured");
  same(
    ["fc2"],
    changed(2, 3).gone.map(({ name }) => name),
    "gone",
  );
  same(12, changed(2, 3).come.length, "new in rung 3");
  same(
    ["layers", "caches", "heads"],
    changed(3, 4).come.map(({ id }) => id),
    "new in rung 4",
  );
  for (const rung of [2, 3, 4])
    for (const { page } of allBlocks(MODELS[rung])) if (page) text(`guide/pages/learn/${page}.md`);
});

test("what the pages say of the rungs", () => {
  const ladder = JSON.parse(text("guide/data/ladder.json"));
  same(
    [2.3933, 2.3932],
    ladder.rungs.slice(3, 5).map((/** @type {any} */ rung) => Number(rung.held_out.toFixed(4))),
    "unseen names",
  );
  const [three, four] = ladder.rungs.slice(3, 5);
  const apart = Math.max(
    ...three.losses.map((/** @type {number} */ x, /** @type {number} */ i) =>
      Math.abs(x - four.losses[i]),
    ),
  );
  if (!(apart < 0.011 && apart > 0.0105)) fail(`the losses are up to ${apart} apart`);
  same(
    18,
    three.samples.filter(
      (/** @type {string} */ name, /** @type {number} */ i) => name === four.samples[i],
    ).length,
    "the same names",
  );
  for (const rung of [three, four]) {
    const page = text(`guide/pages/learn/rung-${rung.rung}.md`);
    for (const loss of [...rung.losses.slice(0, 3), rung.losses.at(-1)])
      if (!page.includes(loss.toFixed(4))) fail(`rung ${rung.rung} ${loss}`);
    const { mean } = endsOf(ladder)[rung.rung];
    if (!page.includes(mean.toFixed(3))) fail(`rung ${rung.rung} mean ${mean}`);
  }
  if (!text("guide/pages/learn/rung-3.md").includes(three.samples.join(", ")))
    fail("samples of rung 3");
  same(6, curvesOf(ladder, 100, () => true).length, "curves");
});
