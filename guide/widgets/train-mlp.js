// <mg-train-mlp>: the network of rung 1 trained in the page: its loss at every step, the loss
// on names it never saw, and what it writes. The run of ladder/train1.py when seed and lr are left
// alone.

import { loadNames, originOf, STEPS } from "../js/figures/dataset.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { html, prefersLessMotion, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, make } from "../js/kit/make.js";
import { numberField, seedField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { RungOne } from "../js/figures/rungs/rung-one.js";
import { atFirstSight, FIRST_STEPS } from "../js/figures/runs/first-sight.js";

const FLOORS = [
  { name: "guessing among 27", y: Math.log(27) },
  { name: "counting, unseen names", y: 2.505 },
];
const STRIDE = 20; // steps between two pictures

class MgTrainMlp extends Widget {
  fields = { lr: numberField(1, 0.01, 5), seed: seedField() };
  names = /** @type {import("../js/figures/dataset.js").Names} */ ({});
  run = /** @type {RungOne} */ ({});
  curve = make("mg-curve", {
    label: "Loss of rung 1",
    "x-label": "step",
    "y-label": "nats per token",
    "x-to": STEPS,
  });
  score = html("p", { class: "net-big" });
  samples = html("p");
  /** @private a run that is thrown away stops */ round = 0;
  /** @private */ playing = false;

  async load() {
    this.names = await loadNames();
  }

  build() {
    this.curve.floors = FLOORS;
    this.train = this.button("Train", () => this.order());
    this.clear = this.button("Untrain", () => this.show());
    const orders = group(
      "Training",
      {},
      this.train,
      this.button("One step", () => this.go(1)),
      this.button("100 steps", () => this.go(100)),
      this.clear,
    );
    const more = [
      this.knob("lr", { label: "Learning rate", step: 0.1, digits: 2 }),
      this.knob("seed", { label: "Seed" }),
    ];
    const picture = [this.curve, this.score, this.samples];
    return [this.figure(picture, { controls: [orders], more })];
  }

  /** A fresh network, as the address has it. */
  show() {
    this.round++;
    this.playing = false;
    const { lr, seed } = this.values;
    this.run = new RungOne(this.names.docs, { lr, seed });
    this.originOf = originOf({ ...this.names, shuffled: this.run.docs });
    this.draw();
  }

  put() {
    super.put();
    atFirstSight(this, () => (this.run.step || this.playing ? undefined : this.go(FIRST_STEPS)));
  }

  /** Trains, or pauses. @private */
  order() {
    if (!this.playing) return this.go(STEPS);
    this.round++;
    this.playing = false;
    return this.draw();
  }

  /** So many steps more; what was under way before ends. @private @param {number} steps */
  async go(steps) {
    const { run } = this;
    const mine = ++this.round;
    const isWanted = () => mine === this.round && this.isConnected;
    const target = Math.min(STEPS, run.step + steps);
    const stride = prefersLessMotion() ? STEPS : STRIDE;
    this.playing = run.step < target;
    this.draw();
    while (this.playing) {
      await run.advanceTo(Math.min(target, run.step + stride), isWanted);
      if (!isWanted()) return;
      this.playing = run.step < target;
      this.draw();
    }
  }

  /** @private @param {string} name */
  markOf(name) {
    const mark = this.originOf?.(name) ?? "new";
    return html("span", { class: "chat-mark", "data-mark": mark }, mark);
  }

  /** @private */
  draw() {
    const { run } = this;
    this.train?.replaceChildren(this.playing ? "Pause" : run.step ? "Continue training" : "Train");
    this.clear?.setAttribute("aria-disabled", String(!run.step && !this.playing));
    this.train?.setAttribute("aria-disabled", String(run.step >= STEPS));
    this.curve.series = !run.step
      ? []
      : [
          { name: "loss of one name", values: run.losses, kind: "dots" },
          { name: "mean of the last 100", values: trailingMean(run.losses, 100) },
        ];
    const unseen = run.heldOut();
    const broken = !Number.isFinite(unseen);
    renew(
      this.score,
      `Step ${run.step.toLocaleString("en")} of ${STEPS.toLocaleString("en")}: ` +
        `${written(unseen, 3)} nats on 5,000 names it never saw`,
    );
    renew(
      this.samples,
      "It writes: ",
      ...(broken
        ? ["nothing, since its numbers have diverged."]
        : run
            .samples(20)
            .flatMap((name) => [
              html("span", { class: "net-sample" }, name || "(empty)", " ", this.markOf(name)),
              " ",
            ])),
    );
    const last = run.losses[run.step - 1];
    const one =
      last === undefined
        ? this.playing
          ? "Training begins."
          : "Nothing trained yet: every letter is about as likely as any other."
        : `Step ${run.step}: the loss of “${run.docs[run.step - 1]}” was ${written(last, 4)}.`;
    this.summary(`${one} On unseen names ${written(unseen, 3)} nats per token.`);
  }
}

define("mg-train-mlp", MgTrainMlp);
