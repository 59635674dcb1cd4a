// <mg-training-curve>: the recorded losses of the real run, step by step: play, scrub, speed.

import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { floorsOf, loadLadder } from "../js/figures/rungs/ladder.js";

const DRAW_EVERY_MS = 50;

class MgTrainingCurve extends Widget {
  fields = { at: wholeField(1, 1, 1) };
  losses = /** @type {number[]} */ ([]);
  means = /** @type {number[]} */ ([]);
  curve = make("mg-curve", {
    label: "Losses of the recorded run",
    "x-label": "step",
    "y-label": "nats per token",
    digits: 4,
  });
  /** @private @type {ReturnType<typeof setTimeout> | undefined} */ drawing = undefined;

  async load() {
    const ladder = await loadLadder();
    this.losses = ladder.rungs.find(({ rung }) => rung === 5)?.losses ?? [];
    this.means = trailingMean(this.losses, 100);
    const count = this.losses.length;
    this.fields = { at: wholeField(count, 1, count) };
    this.curve.setAttribute("x-to", String(count));
    this.curve.floors = floorsOf(ladder);
  }

  build() {
    const stepper = make("mg-stepper", { label: "The run", pace: 100 });
    stepper.steps = this.losses.map(
      (loss, i) => `step ${(i + 1).toLocaleString("en")} / 1,000 | loss ${loss.toFixed(4)}`,
    );
    this.listen(stepper, "mg-step", ({ detail }) => this.set({ at: detail.at + 1 }));
    this.follow(({ at }) => {
      if (stepper.at !== at - 1) stepper.at = at - 1;
    });
    this.whenLeaving(() => {
      clearTimeout(this.drawing);
      this.drawing = undefined;
      this.curve.series = [];
    });
    return [this.figure(this.curve, { controls: [stepper] })];
  }

  show() {
    if (!this.curve.series.length) return this.draw();
    this.drawing ??= setTimeout(() => {
      this.drawing = undefined;
      this.guard(() => this.draw());
    }, DRAW_EVERY_MS);
  }

  /** @private */
  draw() {
    const { curve, losses, means } = this;
    const { at } = this.values;
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
