// <mg-break>: one thing is taken out of the model, and it is trained beside a healthy one for 200
// steps, after the reader has said what will come of it. The broken one runs number by number, in
// JavaScript.

import { loadNames } from "../js/figures/dataset.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { choiceField, seedField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { LiveRun } from "../js/figures/runs/live-run.js";
import { BREAKS } from "../js/numbers/forward.js";
import {
  firstDifference,
  higherBy,
  marksLegend,
  meanOfLast,
  sampleOf,
  sizeOf,
} from "../js/figures/runs/run-view.js";

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

class MgBreak extends Widget {
  isHeard = true;
  fields = {
    what: choiceField("accumulate", Object.keys(NAMES)),
    guess: choiceField("", ["", ...Object.keys(GUESSES)]),
    seed: seedField(),
  };
  healthy = new LiveRun(() => this.guard(() => this.show()));
  broken = new LiveRun(() => this.guard(() => this.show()));
  means = html("p");
  now = html("p", { class: "train-now" });
  curve = make("mg-curve", {
    label: "Loss of a healthy and a broken run",
    "x-label": "step",
    "y-label": "nats per token",
    digits: 4,
    "x-to": STEPS,
  });
  told = html("p", { role: "status" });
  samples = html("div", {
    class: "train-samples",
    tabindex: 0,
    role: "region",
    "aria-label": "What it writes",
  });
  /** @private what the runs are made for */ made = "";
  /** @private whose samples are on the page */ sampled = "";
  /** @private whether the page was opened with a state */ isGiven = false;

  build() {
    this.isGiven = this.state.given;
    this.whenLeaving(() => {
      this.healthy.close();
      this.broken.close();
    });
    this.start = this.button("Train both", () => this.go(), { class: "mg-button train-start" });
    const guesses = this.choices("guess", "Your prediction", GUESSES);
    guesses.prepend(html("span", {}, `First say: after ${STEPS} steps the broken one is`));
    const what = this.menu("what", { label: "Break", options: NAMES });
    what.classList.add("break-what");
    return [
      this.figure([this.curve, this.samples], {
        controls: [what, this.means, guesses, this.start, this.now, this.told],
        more: [this.knob("seed", { label: "Seed" }), marksLegend("list of names")],
      }),
    ];
  }

  /** The healthy run takes a moment, and there is something to compare with. @private */
  async compare() {
    if (this.isGiven) return; // a link starts nothing
    const { made } = this;
    const { docs } = await loadNames();
    if (made !== this.made || !this.isConnected || this.healthy.step || this.broken.step) return;
    this.healthy.start(this.optionsFor(docs));
  }

  /** @private @param {string[]} docs */
  optionsFor(docs) {
    const { seed } = this.values;
    return { docs, seed, config: { steps: STEPS }, sampleEvery: STEPS, samples: 8 };
  }

  /** @private */
  async go() {
    const { healthy, broken } = this;
    const { what, guess } = this.values;
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
    broken.start({ ...this.optionsFor(docs), breaks: [what] });
    if (healthy.status !== "done") healthy.start(this.optionsFor(docs));
  }

  show() {
    const { healthy, broken, curve } = this;
    const { guess, seed } = this.values;
    const what = /** @type {keyof typeof NAMES} */ (this.values.what);
    const name = NAMES[what];
    this.means.textContent = `${BREAKS[what][0].toUpperCase()}${BREAKS[what].slice(1)}.`;
    if (this.made !== `${what} ${seed}`) {
      this.made = `${what} ${seed}`;
      healthy.drop();
      broken.drop();
      this.compare();
    }
    this.start?.replaceChildren(
      broken.busy
        ? "Pause"
        : broken.status === "paused"
          ? "Go on"
          : broken.status === "done"
            ? "Train both again"
            : "Train both",
    );
    this.start?.setAttribute("aria-disabled", String(!guess));
    const isDone = broken.status === "done" && healthy.status === "done";
    curve.floors = [{ name: "guessing among 27", y: Math.log(27) }];
    // The healthy one is done at once; it is shown as far as the broken one has come.
    const upto = healthy.losses.slice(0, broken.step || healthy.losses.length);
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
    this.now.replaceChildren(line ?? "");
    const said = isDone ? this.outcome() : "";
    this.told.replaceChildren(said);
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
      this.samples.replaceChildren(
        ...(isDone
          ? [column("The healthy one writes", healthy), column("The broken one writes", broken)]
          : []),
      );
    }
    this.summary(`${name}. ${line} ${said}`.trim());
  }

  /** What came out, beside what was expected. @private */
  outcome() {
    const { healthy, broken } = this;
    const difference = higherBy(healthy.losses, broken.losses, JUDGED);
    const size = sizeOf(difference);
    const guess = /** @type {keyof typeof GUESSES} */ (this.values.guess);
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
