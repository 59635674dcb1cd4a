// <mg-train-mlp>: the network of rung 1 trained in the page: its loss at every step, the loss
// on names it never saw, and what it writes. The run of ladder/train1.py when seed and lr are left
// alone.

import { loadNames, originOf, STEPS } from "../js/figures/dataset.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { html, renew } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { numberField, seedField, urlState } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { actor, numberInput, tools } from "../js/figures/parts.js";
import { RungOne } from "../js/figures/rungs/rung-one.js";

const FLOORS = [
  { name: "guessing among 27", y: Math.log(27) },
  { name: "counting, unused names", y: 2.505 },
];
const STRIDE = 20; // steps between two pictures

class MgTrainMlp extends KitElement {
  constructor() {
    super();
    /** @private @type {RungOne | null} */ this.run = null;
    /** @private a run that is thrown away stops */ this.round = 0;
    /** @private */ this.playing = false;
  }

  build() {
    const state = urlState("train-mlp", { lr: numberField(1, 0.01, 5), seed: seedField() });
    this.state = state;
    this.whenLeaving(() => state.close());
    this.lr = numberInput(
      this,
      { label: "Learning rate", control: "lr", value: 1, min: 0.01, max: 5, step: 0.1, digits: 2 },
      (lr) => state.set({ lr }),
    );
    this.seed = numberInput(
      this,
      { label: "Seed", control: "seed", value: 42, min: 0, max: 2 ** 32 - 1, step: 1, whole: true },
      (seed) => state.set({ seed }),
    );
    this.curve = /** @type {import("../js/kit/curve.js").MgCurve} */ (
      html(/** @type {any} */ ("mg-curve"), {
        label: "Loss of rung 1",
        "x-label": "step",
        "y-label": "nats per token",
      })
    );
    this.curve.floors = FLOORS;
    this.score = html("p", { class: "net-big" });
    this.samples = html("p", {});
    this.train = actor(this, "Train", () => this.go(STEPS), { control: "train" });
    const one = actor(this, "One step", () => this.go(1));
    const many = actor(this, "100 steps", () => this.go(100));
    const again = actor(this, "Untrain", () => this.untrain());
    this.replaceChildren(
      html("div", { class: "net-fields" }, this.lr, this.seed),
      html("div", { class: "mg-row" }, this.train, one, many, again),
      this.score,
      this.curve,
      html("p", { class: "net-title" }, "It writes now"),
      this.samples,
      tools(this, state),
    );
    state.onChange(() => this.untrain());
    return this.untrain();
  }

  /** A fresh network, as the address has it. @private */
  async untrain() {
    const mine = ++this.round;
    const { lr, seed } = /** @type {any} */ (this.state).values;
    if (this.lr && this.lr.value !== lr) this.lr.value = lr;
    if (this.seed && this.seed.value !== seed) this.seed.value = seed;
    this.playing = false;
    try {
      const names = await loadNames();
      if (mine !== this.round || !this.isConnected) return;
      this.run = new RungOne(names.docs, { seed, lr });
      this.originOf = originOf({ ...names, shuffled: this.run.docs });
      this.show();
    } catch (error) {
      this.fail(error);
    }
  }

  /** So many steps, or stops if it is under way. @private @param {number} steps */
  async go(steps) {
    const { run } = this;
    if (!run) return;
    if (this.playing) {
      this.playing = false;
      return;
    }
    const mine = this.round;
    const target = Math.min(STEPS, run.step + steps);
    this.playing = true;
    while (run.step < target && this.playing && mine === this.round && this.isConnected) {
      await run.advanceTo(Math.min(target, run.step + STRIDE), () => mine === this.round);
      if (mine === this.round) this.show();
    }
    if (mine !== this.round) return;
    this.playing = false;
    this.show();
  }

  /** @private @param {string} name */
  markOf(name) {
    const mark = this.originOf?.(name) ?? "new";
    return html("span", { class: "chat-mark", "data-mark": mark }, mark);
  }

  /** @private */
  show() {
    const { run } = this;
    if (!run || !this.curve || !this.train) return;
    this.train.replaceChildren(this.playing ? "Pause" : run.step ? "Train on" : "Train");
    this.train.setAttribute("aria-disabled", String(run.step >= STEPS));
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
      ...(broken
        ? ["Nothing: its numbers have run away."]
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
        ? "Nothing trained yet: every letter is about as likely as any other."
        : `Step ${run.step}: the loss of “${run.docs[run.step - 1]}” was ${written(last, 4)}.`;
    this.summary(`${one} On unused names ${written(unseen, 3)} nats per token.`);
  }
}

define("mg-train-mlp", MgTrainMlp);
