// <mg-live-training>: the real model trained in the page, one run or two side by side: start,
// pause, step, speed, hyper-parameters; loss, samples on the way, and where two runs part.

import { loadNames } from "../js/figures/dataset.js";
import { MicrogptError } from "../js/errors.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, make } from "../js/kit/make.js";
import { choiceField, flagField, textField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { atFirstSight, FIRST_STEPS, firstSteps } from "../js/figures/runs/first-sight.js";
import { LiveRun, orderFor } from "../js/figures/runs/live-run.js";
import {
  KNOBS,
  nameOf,
  optionsOf,
  PAIRS,
  readSettings,
  RECIPES,
  writeSettings,
} from "../js/figures/runs/run-settings.js";
import {
  firstDifference,
  FLOORS,
  marksLegend,
  meanOfLast,
  pageKernel,
  sampleLine,
  unseenLoss,
  verdict,
} from "../js/figures/runs/run-view.js";

/** @typedef {"a" | "b"} Side */

const SPEEDS = {
  1: "1 step per second",
  10: "10 per second",
  100: "100 per second",
  all: "as fast as possible",
};
const SIDES = /** @type {const} */ (["a", "b"]);
/** @param {Record<string, {name: string}>} some */
const namesOf = (some) =>
  Object.fromEntries(Object.entries(some).map(([key, { name }]) => [key, name]));

class MgLiveTraining extends Widget {
  isHeard = true;
  called = "train";
  fields = {
    a: textField("", 300),
    b: textField("", 300),
    two: flagField(false),
    every: wholeField(100, 0, 20_000),
    speed: choiceField("100", Object.keys(SPEEDS)),
  };
  runs = {
    a: new LiveRun(() => this.guard(() => this.show())),
    b: new LiveRun(() => this.guard(() => this.show())),
  };
  now = html("p", { class: "train-now" });
  curve = make("mg-curve", {
    label: "Loss of the live run",
    "x-label": "step",
    "y-label": "nats per token",
    digits: 4,
  });
  told = html("p");
  samples = html("div", {
    class: "train-samples",
    tabindex: 0,
    role: "region",
    "aria-label": "What it writes",
  });
  /** @private losses on unseen names */ unseen = {
    a: /** @type {number | null} */ (null),
    b: /** @type {number | null} */ (null),
  };
  /** @private */ judging = /** @type {Set<Side>} */ (new Set());
  /** @private what the runs were made for */ made = "";
  /** @private which samples are on the page */ sampled = "";

  build() {
    this.whenLeaving(() => SIDES.forEach((side) => this.runs[side].close()));
    this.made = this.sampled = "";
    this.start = this.button("Start", () => this.go(), { class: "mg-button train-start" });
    const sides = SIDES.map((side) => this.side(side));
    this.follow(() => SIDES.forEach((side) => this.runs[side].speed(this.pace)));
    this.clear = this.button("Untrain", () => {
      this.untrain();
      this.show();
    });
    const orders = group(
      "Training",
      {},
      this.start,
      this.button("One step", () => this.step()),
      this.clear,
    );
    const both = this.menu("two", {
      label: "Runs",
      options: { one: "one run", ...namesOf(PAIRS), any: "any two" },
      now: ({ a, b, two }) =>
        two ? (keyOf(PAIRS, (pair) => pair.a === a && pair.b === b) ?? "any") : "one",
      act: (key) => {
        const pair = PAIRS[key];
        this.set(pair ? { a: pair.a, b: pair.b, two: true } : { two: key === "any" });
      },
    });
    const speed = this.menu("speed", { label: "Speed", options: SPEEDS });
    const more = [
      html("div", { class: "train-sides" }, ...sides),
      this.knob("every", { label: "Samples every … steps", step: 50 }),
    ];
    return [
      this.figure([this.now, this.curve, this.told], { controls: [orders, both, speed], more }),
      html("p", { class: "mg-title" }, "What it writes"),
      this.samples,
      marksLegend("list of names"),
    ];
  }

  /** The recipe of one run. @private @param {Side} side */
  side(side) {
    const recipe = this.menu(side, {
      label: side === "a" ? "Recipe" : "Recipe of B",
      options: { ...namesOf(RECIPES), own: "your own" },
      now: (values) => keyOf(RECIPES, ({ text }) => text === values[side]) ?? "own",
      act: (key) => key !== "own" && this.set({ [side]: RECIPES[key].text }),
    });
    const knobs = Object.entries(KNOBS).map(([key, { among, ...knob }]) => {
      const now = (/** @type {any} */ values) =>
        /** @type {any} */ (readSettings(values[side]))[key];
      const act = (/** @type {string | number} */ value) =>
        this.set({ [side]: writeSettings({ ...readSettings(this.values[side]), [key]: value }) });
      if (among) {
        const options = Object.fromEntries(among.map((one) => [one, one]));
        return this.menu(side, { label: knob.label, options, now, act });
      }
      const value = Number(readSettings("")[key]);
      const made = this.number({ ...knob, digits: knob.whole ? 0 : 4, value }, act);
      this.follow((values) => (made.value = now(values)));
      return made;
    });
    const title = html("p", { class: "mg-title" });
    const whole = html(
      "div",
      { class: "train-side", role: "group" },
      title,
      recipe,
      html(
        "details",
        {},
        html("summary", {}, "Hyper-parameters"),
        html("div", { class: "net-fields" }, ...knobs),
      ),
    );
    this.follow(({ two, ...values }) => {
      whole.hidden = side === "b" && !two;
      whole.setAttribute("aria-label", two ? `Run ${side.toUpperCase()}` : "The run");
      title.textContent = `${two ? `${side.toUpperCase()}: ` : ""}${nameOf(values[side])}`;
    });
    return whole;
  }

  /** @private @returns {Side[]} */
  get sides() {
    return this.values.two ? ["a", "b"] : ["a"];
  }

  /** @private */
  get pace() {
    const { speed } = this.values;
    return speed === "all" ? null : Number(speed);
  }

  put() {
    super.put();
    atFirstSight(this, () => this.startRun(FIRST_STEPS));
  }

  reset() {
    this.untrain();
    super.reset();
  }

  /** @private */
  untrain() {
    for (const side of SIDES) this.runs[side].drop();
    this.unseen = { a: null, b: null };
    this.judging.clear();
  }

  /** Starts, pauses, goes on. @private */
  go() {
    const { runs, sides } = this;
    const busy = sides.filter((side) => runs[side].busy);
    if (busy.length) return busy.forEach((side) => runs[side].pause());
    const paused = sides.filter((side) => runs[side].status === "paused");
    if (paused.length) return paused.forEach((side) => runs[side].resume());
    return this.startRun(null);
  }

  /** @private */
  step() {
    const { runs, sides } = this;
    if (sides.every((side) => ["paused", "running"].includes(runs[side].status)))
      return sides.forEach((side) => runs[side].advance());
    if (sides.some((side) => ["idle", "done", "failed"].includes(runs[side].status)))
      return this.startRun(1);
    return undefined;
  }

  /**
   * Starts the runs: so many steps, after which they wait, or all.
   * @private
   * @param {number | null} steps
   */
  async startRun(steps) {
    const { made, values } = this;
    const { docs } = await loadNames();
    if (made !== this.made || !this.isConnected) return;
    this.unseen = { a: null, b: null };
    for (const side of this.sides) {
      const recipe = optionsOf(/** @type {any} */ (readSettings(values[side])));
      const options = { docs, ...recipe, sampleEvery: values.every, samples: 20 };
      if (steps) firstSteps(this.runs[side], options, steps, this.pace);
      else this.runs[side].start(options, { speed: this.pace });
    }
  }

  /** The loss on names that the run didn't see, once it is done. @private @param {Side} side */
  async judge(side) {
    const run = this.runs[side];
    if (this.judging.has(side) || this.unseen[side] !== null) return;
    this.judging.add(side);
    const { id } = run;
    try {
      const [{ docs }, kernel, { config, state }] = await Promise.all([
        loadNames(),
        pageKernel(),
        run.state(),
      ]);
      const loss = await unseenLoss(kernel, config, state.weights, docs, Number(run.run?.seed));
      if (id !== run.id || !this.isConnected) return;
      this.unseen[side] = loss ?? NaN;
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error; // the run was restarted meanwhile
    } finally {
      this.judging.delete(side);
    }
    if (id === run.id && this.isConnected) this.show();
  }

  show() {
    const { runs, sides, curve } = this;
    const { a, b, two, every } = this.values;
    const made = JSON.stringify([a, two && b, two, every]); // another recipe ends the runs
    if (made !== this.made) {
      this.made = made;
      this.untrain();
    }
    const shown = sides.map((side) => runs[side]);
    const isDone = shown.every(({ status }) => status === "done");
    const isNew = shown.every(({ status }) => status === "idle");
    this.clear?.setAttribute("aria-disabled", String(isNew));
    this.start?.replaceChildren(orderFor(shown, "Start", "Start again"));
    const names = { a: `${two ? "A " : ""}${nameOf(a)}`, b: `B ${nameOf(b)}` };
    const apart = two ? firstDifference(runs.a.losses, runs.b.losses) : null;
    const lines = sides.map((side) => ({
      name: two ? names[side] : "mean of the last 100",
      values: trailingMean(runs[side].losses, 100),
    }));
    const dots = sides.map((side) => ({
      name: two ? `${side.toUpperCase()}, each name` : "loss of one name",
      values: runs[side].losses,
      kind: /** @type {const} */ ("dots"),
      off: two,
    }));
    const mark = (apart === null ? [] : [apart]).map((x) => ({
      name: "first difference",
      values: [{ x, y: runs.a.losses[x - 1] }],
      kind: /** @type {const} */ ("dots"),
    }));
    const most = Math.max(...sides.map((side) => Number(readSettings(this.values[side]).steps)));
    curve.setAttribute("x-to", String(most));
    curve.floors = FLOORS;
    curve.series = two ? [...lines, ...dots, ...mark] : [...dots, ...lines];
    for (const side of sides) if (runs[side].status === "done") this.guard(() => this.judge(side));
    const told = sides.map((side) => this.lineOf(side, two ? `${names[side]}: ` : ""));
    this.now.replaceChildren(...told.flatMap((line, i) => (i ? [html("br"), line] : [line])));
    const comparison = this.comparison(apart, isDone);
    this.told.textContent = comparison;
    this.showSamples();
    const said = sides.map((side) => this.lineOf(side, two ? `${side.toUpperCase()}: ` : ""));
    this.summary(`${said.join(" ")} ${comparison}`.trim());
  }

  /** @private @param {Side} side @param {string} before */
  lineOf(side, before) {
    const run = this.runs[side];
    if (run.status === "failed") return `${before}${run.message}`;
    if (run.status === "starting") return `${before}starting.`;
    if (!run.step) return `${before}untrained: nothing has been learned. “Start” trains it.`;
    const steps = Number(run.run?.config.steps);
    const unseen = this.unseen[side];
    const end =
      unseen !== null && unseen >= 0 ? `; on 5,000 unseen names ${written(unseen, 3)}` : "";
    const go = run.status === "paused" && run.step < steps ? " “Go on” trains the rest." : "";
    return (
      `${before}step ${run.step.toLocaleString("en")} of ${steps.toLocaleString("en")}, loss ` +
      `${written(run.losses[run.step - 1], 4)}, mean of the last ${Math.min(100, run.step)} ` +
      `${written(meanOfLast(run.losses), 3)}${end}.${go}`
    );
  }

  /**
   * What two runs have to do with each other.
   * @private
   * @param {number | null} apart
   * @param {boolean} isDone
   */
  comparison(apart, isDone) {
    const { runs } = this;
    if (!this.values.two) return "";
    const steps = Math.min(runs.a.step, runs.b.step);
    if (!steps) return "";
    if (apart === null)
      return steps === 1
        ? "The first loss is the same in both: nothing has been learned yet when it is measured."
        : `No difference in ${steps.toLocaleString("en")} steps: every loss is the same.`;
    const [a, b] = [runs.a, runs.b].map(({ losses }) => written(losses[apart - 1], 6));
    const at = ` (${a} and ${b})`;
    const end =
      isDone && this.unseen.a !== null && this.unseen.b !== null
        ? ` ${verdict(this.unseen.a, this.unseen.b, runs.a.run?.seed === runs.b.run?.seed)}`
        : "";
    return `They diverge at step ${apart}${at}.${end}`;
  }

  /** @private */
  showSamples() {
    const { runs, sides } = this;
    const key = sides.map((side) => `${runs[side].id}.${runs[side].samples.length}`).join(" ");
    if (key === this.sampled) return;
    this.sampled = key;
    const parts = sides.map((side) => {
      const lines = runs[side].samples.map(sampleLine);
      const empty = html("li", { class: "mg-soft" }, "Nothing yet: start it.");
      return html(
        "div",
        {},
        ...(sides.length === 2
          ? [html("p", { class: "mg-title" }, `Run ${side.toUpperCase()}`)]
          : []),
        html("ol", { class: "train-log" }, ...(lines.length ? lines : [empty])),
      );
    });
    this.samples.replaceChildren(...parts);
  }
}

/**
 * The key of the first that fits.
 * @template T
 * @param {Record<string, T>} some
 * @param {(one: T) => boolean} fits
 */
const keyOf = (some, fits) => Object.keys(some).find((key) => fits(some[key]));

define("mg-live-training", MgLiveTraining);
