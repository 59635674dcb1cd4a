// <mg-break>: one thing is taken out of the model, and it is trained beside a healthy one for 200
// steps, after the reader has said what will come of it. The broken one runs number by number, in
// JavaScript.

import { loadNames } from "../js/figures/dataset.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { html } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { choiceField, seedField, urlState } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { LiveRun } from "../js/figures/runs/live-run.js";
import { actor, menu, numberInput, tools } from "../js/figures/parts.js";
import { BREAKS } from "../js/numbers/forward.js";
import {
  firstDifference,
  higherBy,
  marksLegend,
  meanOfLast,
  sampleOf,
  sizeOf,
} from "../js/figures/runs/run-view.js";

/** @typedef {import("../js/kit/curve.js").MgCurve} MgCurve */

export const STEPS = 200;
const JUDGED = 50;
/** What is broken, in a few words. @type {Record<keyof typeof BREAKS, string>} */
const NAMES = {
  accumulate: "+= becomes = in backward",
  residual: "no residuals",
  norm: "no rmsnorm",
  position: "no position embedding",
  sqrt_d: "no division by √d",
  bias_correction: "no bias correction in Adam",
};
const GUESSES = /** @type {const} */ ({
  none: "no clear difference",
  some: "somewhat worse",
  much: "much worse",
});

class MgBreak extends KitElement {
  constructor() {
    super();
    /** @private what the runs are made for */ this.made = "";
    /** @private whose samples are on the page */ this.sampled = "";
  }

  build() {
    const keys = Object.keys(NAMES);
    const state = urlState("break", {
      what: choiceField("accumulate", keys),
      guess: choiceField("", ["", ...Object.keys(GUESSES)]),
      seed: seedField(),
    });
    this.state = state;
    this.healthy = new LiveRun(() => this.guard(() => this.show()));
    this.broken = new LiveRun(() => this.guard(() => this.show()));
    this.whenLeaving(() => {
      state.close();
      this.healthy?.close();
      this.broken?.close();
    });
    this.what = menu(this, "Break", Object.entries(NAMES), (what) =>
      state.set({ what, guess: "" }),
    );
    this.seed = numberInput(
      this,
      { label: "Seed", control: "seed", value: 42, min: 0, max: 2 ** 32 - 1, step: 1, whole: true },
      (seed) => state.set({ seed }),
    );
    this.means = html("p", {});
    this.guesses = Object.entries(GUESSES).map(([guess, text]) =>
      actor(this, text, () => state.set({ guess }), {
        class: "mg-button net-chosen",
        "aria-pressed": "false",
        control: "guess",
      }),
    );
    this.start = actor(this, "Train both", () => this.go(), { class: "mg-button train-start" });
    this.now = html("p", { class: "train-now" });
    this.curve = /** @type {MgCurve} */ (
      html(/** @type {any} */ ("mg-curve"), {
        label: "Loss of a healthy and a broken run",
        "x-label": "step",
        "y-label": "nats per token",
        digits: 4,
        "x-to": STEPS,
      })
    );
    this.told = html("p", { role: "status" });
    this.samples = html("div", {
      class: "train-samples",
      tabindex: 0,
      role: "region",
      "aria-label": "What it writes",
    });
    this.replaceChildren(
      html("div", { class: "mg-row" }, this.what.whole, this.seed),
      this.means,
      html(
        "div",
        { class: "mg-row", role: "group", "aria-label": "Your prediction" },
        html("span", {}, `First say: after ${STEPS} steps the broken one is`),
        ...this.guesses,
      ),
      html("div", { class: "mg-row" }, this.start),
      this.now,
      this.curve,
      this.told,
      this.samples,
      marksLegend("list of names"),
      tools(this, state),
    );
    state.onChange(() => this.guard(() => this.follow()));
    this.made = this.sampled = "";
    this.follow();
  }

  /** @private */
  follow() {
    const { what, guess, seed } = /** @type {any} */ (this.state).values;
    if (!this.what || !this.seed || !this.means) return;
    this.what.select.value = what;
    if (this.seed.value !== seed) this.seed.value = seed;
    this.means.replaceChildren(
      `${BREAKS[what].replace(/^./, (/** @type {string} */ c) => c.toUpperCase())}.`,
    );
    this.guesses?.forEach((button, i) =>
      button.setAttribute("aria-pressed", String(Object.keys(GUESSES)[i] === guess)),
    );
    const made = `${what} ${seed}`;
    if (made !== this.made) {
      this.made = made;
      this.healthy?.drop();
      this.broken?.drop();
    }
    this.show();
  }

  /** @private */
  async go() {
    const { healthy, broken, state } = this;
    if (!healthy || !broken || !state) return;
    const { what, guess, seed } = state.values;
    if (!guess) return;
    if (broken.busy) {
      healthy.pause();
      broken.pause();
      return;
    }
    if (broken.status === "paused") {
      healthy.resume();
      broken.resume();
      return;
    }
    const { made } = this;
    const { docs } = await loadNames();
    if (made !== this.made || !this.isConnected) return;
    const options = { docs, seed, config: { steps: STEPS }, sampleEvery: STEPS, samples: 8 };
    broken.start({ ...options, breaks: [what] });
    healthy.start(options);
  }

  /** @private */
  show() {
    const { healthy, broken, state, curve } = this;
    if (!healthy || !broken || !state || !curve || !this.start) return;
    const { what, guess } = state.values;
    const name = /** @type {any} */ (NAMES)[what];
    this.start.replaceChildren(
      broken.busy
        ? "Pause"
        : broken.status === "paused"
          ? "Go on"
          : broken.status === "done"
            ? "Train both again"
            : "Train both",
    );
    this.start.setAttribute("aria-disabled", String(!guess));
    const isDone = broken.status === "done" && healthy.status === "done";
    curve.floors = [{ name: "guessing among 27", y: Math.log(27) }];
    // The healthy one is done at once; it is shown as far as the broken one has come.
    const upto = healthy.losses.slice(0, broken.step);
    const window = 20;
    curve.series = [
      { name: "healthy", values: trailingMean(upto, window) },
      { name, values: trailingMean(broken.losses, window) },
    ];
    const failed = [healthy, broken].find((run) => run.status === "failed");
    const line = failed
      ? failed.message
      : broken.step
        ? `Step ${broken.step} of ${STEPS}, means of the last ` +
          `${Math.min(window, broken.step)}: healthy ${written(meanOfLast(upto, window), 3)}, ` +
          `broken ${written(meanOfLast(broken.losses, window), 3)}.`
        : broken.busy
          ? "Starting."
          : guess
            ? "Now train both."
            : "Both have the same first weights and will see the same names. Say first what " +
              "you expect.";
    this.now?.replaceChildren(line ?? "");
    const said = isDone ? this.outcome() : "";
    this.told?.replaceChildren(said);
    const key = `${healthy.id} ${broken.id} ${isDone}`;
    if (key !== this.sampled) {
      this.sampled = key;
      const column = (/** @type {string} */ title, /** @type {LiveRun} */ run) =>
        html(
          "div",
          {},
          html("p", { class: "train-title" }, title),
          html(
            "p",
            {},
            ...(run.samples.at(-1)?.samples ?? []).flatMap((sample) => [sampleOf(sample), " "]),
          ),
        );
      this.samples?.replaceChildren(
        ...(isDone
          ? [column("The healthy one writes", healthy), column("The broken one writes", broken)]
          : []),
      );
    }
    this.summary(`${name}. ${line} ${said}`.trim());
  }

  /** What came out, beside what was expected. @private */
  outcome() {
    const { healthy, broken, state } = this;
    if (!healthy || !broken || !state) return "";
    const difference = higherBy(healthy.losses, broken.losses, JUDGED);
    const size = sizeOf(difference);
    const guess = /** @type {keyof typeof GUESSES} */ (state.values.guess);
    const apart = firstDifference(healthy.losses, broken.losses);
    const way = difference.mean >= 0 ? "higher" : "lower";
    return (
      `You said: ${GUESSES[guess]}. It is: ${GUESSES[size]}. On the last ${JUDGED} names its ` +
      `loss is ${written(Math.abs(difference.mean), 3)} nats ${way} than that of the healthy ` +
      `one, give or take ${written(difference.margin, 3)}. The two part at step ` +
      `${apart ?? "none"}.`
    );
  }
}

define("mg-break", MgBreak);
