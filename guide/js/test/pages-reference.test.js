// What the figures of the maths refresher show, without a page.

import { test } from "node:test";
import { CURVES, drawn, sharesOf, slopeAt, twoArrows } from "../figures/refresher.js";
import { fail, near, same } from "./helpers.js";

test("the slopes are what a nudge measures", () => {
  for (const [name, { x, least }] of Object.entries(CURVES)) {
    for (let at = Math.max(x.low, least); at <= x.high; at += 0.05) {
      const { slope, measured } = slopeAt(name, at, 1e-6);
      near([measured], [slope], 1e-3, `${name} at ${at}`);
    }
  }
  near([7.389056, 7.389056], [slopeAt("exp", 2).value, slopeAt("exp", 2).slope], 1e-6, "exp");
  same(
    ["4.00100", "4"],
    [slopeAt("square", 2).measured.toFixed(5), String(slopeAt("square", 2).slope)],
    "square",
  );
  if (slopeAt("ln", 2).slope !== 0.5) fail("ln");
});

test("two arrows", () => {
  const first = twoArrows([2, 1], [1, 3]);
  same([5, [2, 3]], [first.dot, first.products], "product");
  near(
    [Math.sqrt(5), Math.sqrt(10), 45],
    [...first.lengths, first.degrees],
    1e-12,
    "lengths and angle",
  );
  near(
    [0, 90],
    [twoArrows([2, 1], [-1, 2]).dot, twoArrows([2, 1], [-1, 2]).degrees],
    1e-12,
    "right angle",
  );
  near([180], [twoArrows([0.3, 0.1], [-0.9, -0.3]).degrees], 1e-5, "away");
  if (!Number.isNaN(twoArrows([0, 0], [1, 3]).degrees)) fail("no length, no angle");
});

test("draws are Python's", () => {
  // random.seed(42); [random.choices("abc", weights=[5, 3, 2])[0] for _ in range(n)]
  same(
    [
      [6, 3, 1],
      [50, 30, 20],
      [480, 308, 212],
    ],
    [10, 100, 1000].map((n) => drawn([5, 3, 2], 42, n).counts),
    "counts",
  );
  near(
    [0.938023940877158, 1.0447351078371894],
    [drawn([5, 3, 2], 42, 10).mean, drawn([5, 3, 2], 42, 1000).mean],
    1e-12,
    "means",
  );
  const { shares, surprises, entropy } = sharesOf([5, 3, 2]);
  near(
    // biome-ignore lint/suspicious/noApproximativeNumericConstant: as the page prints it
    [0.5, 0.3, 0.2, 0.693147, 1.203973, 1.609438, 1.029653],
    [...shares, ...surprises, entropy],
    1e-6,
    "shares",
  );
  near([Math.log(3)], [sharesOf([7, 7, 7]).entropy], 1e-12, "all alike");
  if (!Number.isNaN(drawn([5, 3, 2], 42, 0).mean)) fail("no draw, no mean");
});
