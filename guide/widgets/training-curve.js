// <mg-training-curve>: the recorded losses of the real run, step by step: play, scrub, speed.

import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { loadLadder } from "../js/figures/rungs/ladder.js";
import { StatefulElement } from "../js/figures/stateful-element.js";

/** @typedef {import("../js/kit/curve.js").MgCurve} MgCurve */
/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */

const DRAW_EVERY_MS = 50;

class MgTrainingCurve extends StatefulElement {
  constructor() {
    super();
    /** @private @type {number[]} */ this.losses = [];
    /** @private @type {number[]} */ this.means = [];
    /** @private @type {ReturnType<typeof setTimeout> | undefined} */ this.drawing = undefined;
  }

  async build() {
    const ladder = await loadLadder();
    if (!this.isConnected || this.stepper) return;
    this.losses = /** @type {{losses: number[]}} */ (
      ladder.rungs.find(({ rung }) => rung === 5)
    ).losses;
    this.means = trailingMean(this.losses, 100);
    const count = this.losses.length;
    const state = this.stateOf("training-curve", { at: wholeField(count, 1, count) });
    this.curve = /** @type {MgCurve} */ (
      html(/** @type {any} */ ("mg-curve"), {
        label: "Losses of the recorded run",
        "x-label": "step",
        "y-label": "nats per token",
        digits: 4,
        "x-to": count,
      })
    );
    this.curve.floors = [
      { name: "guessing among 27", y: ladder.floors.random },
      { name: "counts of the whole list", y: ladder.floors.bigram },
    ];
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "The run", pace: 100 })
    );
    this.stepper.steps = this.losses.map(
      (loss, i) => `step ${(i + 1).toLocaleString("en")} / 1,000 | loss ${loss.toFixed(4)}`,
    );
    this.stepper.at = state.values.at - 1;
    this.listen(this.stepper, "mg-step", ({ detail }) => state.set({ at: detail.at + 1 }));
    this.replaceChildren(this.stepper, this.curve, this.tools(state));
    this.whenLeaving(() => {
      clearTimeout(this.drawing);
      this.drawing = undefined;
      this.stepper = undefined;
    });
    this.draw();
  }

  show() {
    const { state, stepper } = this;
    if (!state || !stepper) return;
    if (stepper.at !== state.values.at - 1) stepper.at = state.values.at - 1;
    this.drawing ??= setTimeout(() => {
      this.drawing = undefined;
      this.guard(() => this.draw());
    }, DRAW_EVERY_MS);
  }

  /** @private */
  draw() {
    const { state, curve, losses, means } = this;
    if (!state || !curve || !losses || !means) return;
    const { at } = state.values;
    curve.marker = null;
    curve.series = [
      { name: "loss of one name", values: losses.slice(0, at), kind: "dots" },
      { name: "mean of the last 100", values: means.slice(0, at) },
    ];
    const so = at < 100 ? `the ${at === 1 ? "first" : `first ${at}`}` : "the last 100";
    this.summary(
      `After step ${at.toLocaleString("en")}: loss ${written(losses[at - 1], 4)}; mean of ` +
        `${so} ${written(means[at - 1], 3)}.`,
    );
  }
}

define("mg-training-curve", MgTrainingCurve);
