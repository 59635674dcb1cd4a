// The plane of embeddings, without a page. tests/test_guide_planes.py holds it to Python's numbers.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  axes,
  bars,
  factsOf,
  groundOf,
  marks,
  sentence,
} from "../figures/trained/embedding-drawing.js";
import { eigen, moved, placeOf, planeOf } from "../figures/trained/embedding-plane.js";
import { normed, sentence as normSentence } from "../figures/networks/norm-drawing.js";
import { labelsOf, opened } from "../figures/trained/real-model.js";
import { STILLS } from "../figures/stills.js";
import { fail, near, same } from "./helpers.js";

const text = (/** @type {string} */ path) =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const real = opened(text("data/model.json"));
const norms = JSON.parse(text("guide/data/norms.json"));
const rows = real.weights.wte;
const names = labelsOf(
  real,
  rows.map((_, i) => i),
);
const still = { token: 0, by: [0, 0], positions: false, at: 1 };

test("eigenvalues and directions of a matrix known by hand", () => {
  const [one, other] = eigen([
    [2, 1],
    [1, 2],
  ]);
  near([3, 1], [one.value, other.value], 1e-14, "values");
  const [a, b] = one.direction;
  near([Math.SQRT1_2, 0], [Math.abs(a), a - b], 1e-14, "direction of 3");
  same(
    [5, 2],
    eigen([
      [2, 0],
      [0, 5],
    ]).map(({ value }) => value),
    "in order",
  ); // prettier-ignore
});

test("the axes are two unit directions, and a lies right of the middle and above it", () => {
  const plane = planeOf(rows);
  const [one, other] = plane.axes;
  const times = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
    a.reduce((sum, x, i) => sum + x * b[i], 0);
  near([1, 1, 0], [times(one, one), times(other, other), times(one, other)], 1e-12, "axes");
  if (!placeOf(plane, rows[0]).every((x) => x > 0)) fail("where a lies");
  const there = placeOf(plane, moved(plane, rows[5], [0.25, -0.5]));
  const here = placeOf(plane, rows[5]);
  near([here[0] + 0.25, here[1] - 0.5], there, 1e-12, "moved along the axes");
});

test("three neighbours are lit, and every letter has its label at both widths", () => {
  for (const width of [560, 350]) {
    const ground = groundOf(real, names, width);
    const drawn = marks(ground, factsOf(ground, still));
    const lit = drawn.filter(({ looks }) => String(looks.class).startsWith("emb-letter emb-lit"));
    same(["e", "o", "q"], lit.map((one) => one.text).sort(), `lit at ${width}`);
    const told = drawn.filter(({ tag, text: said }) => tag === "text" && said !== " ");
    same(27, told.length, `labels at ${width}`);
  }
});

test("with positions on, the sixteen are in sight for every letter", () => {
  names.forEach((name, token) => {
    const ground = groundOf(real, names, 350, placeOf(planeOf(rows), rows[token]));
    const facts = factsOf(ground, { ...still, token, positions: true, at: 3 });
    same(16, facts.sums.filter(ground.frame.shows).length, name);
    const drawn = [...axes(ground), ...marks(ground, facts), ...bars(names, facts)];
    if (drawn.some(({ looks }) => Object.values(looks).some((x) => Number.isNaN(x))))
      fail(`${name}: no number`);
  });
});

test("what is told", () => {
  const ground = groundOf(real, names, 560);
  const told = (/** @type {Partial<typeof still>} */ now) =>
    sentence(ground, factsOf(ground, { ...still, ...now }));
  same(
    "a lies nearest to o (0.77), e (0.80) and q (0.87), by distance in all 16 dimensions. " +
      "Likeliest next: n (0.20) and l (0.15).",
    told({}),
    "at first",
  );
  for (const [now, part] of /** @type {[Partial<typeof still>, string][]} */ ([
    [{ by: [-1.2, -0.2] }, "a, moved, lies nearest to x"],
    [{ positions: true, at: 6 }, "a at position 6, with only BOS before it"],
    [{ positions: true, at: 0 }, "a at position 0, with nothing before it"],
    [{ positions: true, at: 6 }, "the end (0.69)"],
  ]))
    if (!told(now).includes(part)) fail(told(now));
});

test("an image lies on the circle, and the vector of zeros stays", () => {
  for (const vector of [
    [2, -1.5],
    [0.3, 3],
    [-0.5, 0.1],
  ]) {
    const { out } = normed(vector);
    near(Math.SQRT2, Math.hypot(...out), 1e-4, "radius");
    near(vector[0] / vector[1], out[0] / out[1], 1e-12, "direction");
  }
  same([0, 0], normed([0, 0]).out, "zeros");
  near([1.1314, -0.8485], normed([2, -1.5]).out, 5e-5, "as on the page");
  if (!normSentence([0, 0], norms).startsWith("(0.00, 0.00) stays")) fail("zeros are told");
});

test("the drawings for pages without scripts are what is drawn now", () => {
  for (const [name, draw] of Object.entries(STILLS))
    if (text(`guide/stills/${name}.html`) !== `${draw(real, norms)}\n`)
      fail(`guide/stills/${name}.html is another: node scripts/make_stills.mjs`);
});
