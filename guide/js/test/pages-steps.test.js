// The marked steps of the run, without a page. tests/test_guide_steps.py holds them to Python's.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  losses,
  marks,
  MOVES,
  nearestMark,
  PANEL,
  panel,
  RUN,
  sentence,
  SHORT_RUN,
} from "../figures/runs/step-drawing.js";
import { fail, near, same } from "./helpers.js";

const steps = JSON.parse(readFileSync(new URL("../../data/steps.json", import.meta.url), "utf8"));

test("the loss of a mark is the mean surprise of its letters, and that of the run", () => {
  for (const { step, name, loss, probs } of steps.marks) {
    const nats = probs.map((/** @type {number} */ p) => -Math.log(p));
    const mean =
      nats.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b) / nats.length;
    same([...name].length + 1, nats.length, name);
    near([mean], [loss], 0.02, `${step}: mean`); // probabilities are rounded
    near([steps.losses[step - 1]], [loss], 6e-4, `${step}: run`);
  }
});

test("every panel of every mark is drawn inside its picture, and told", () => {
  for (const mark of steps.marks)
    MOVES.forEach((_, move) => {
      const drawn = panel(move, mark);
      if (drawn.some(({ looks }) => /NaN|undefined/.test(JSON.stringify(looks)))) fail("a number");
      for (const { tag, looks } of drawn)
        if (
          tag === "rect" &&
          (Number(looks.y) < 20 || Number(looks.x) + Number(looks.width) > PANEL.width)
        )
          fail(`${mark.step}, ${MOVES[move]}: a bar`);
      if (!sentence(mark, move + 1).startsWith("Step ")) fail("told");
    });
  same(
    "Step 300 of 1,000. Guess: in dmani, the letter that came next gets a probability " +
      "between 0.01 and 0.51.",
    sentence(steps.marks[5], 1),
    "guess",
  );
});

test("the nearest mark", () => {
  for (const { width } of [RUN, SHORT_RUN]) {
    same(
      [0, 6],
      [0, width].map((x) => nearestMark(steps, width, x)),
      "ends",
    ); // prettier-ignore
    marks(steps, width, 3).forEach(({ looks }, i) =>
      same(i, nearestMark(steps, width, Number(looks.cx)), `mark ${i}`),
    );
    if (losses(steps, width).some(({ looks }) => /NaN/.test(String(looks.d)))) fail("a curve");
  }
});
