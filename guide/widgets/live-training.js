// <mg-live-training>: the real model trained in the page, one run or two side by side: start,
// pause, step, speed, hyper-parameters; loss, samples on the way, and where two runs part.

import { loadNames } from "../js/figures/dataset.js";
import { MicrogptError } from "../js/errors.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { html } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { choiceField, flagField, textField, urlState, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { LiveRun } from "../js/figures/runs/live-run.js";
import { actor, menu, numberInput, tools } from "../js/figures/parts.js";
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
  BIGRAM,
  countedMarks,
  firstDifference,
  marksLegend,
  meanOfLast,
  pageKernel,
  sampleOf,
  unseenLoss,
  verdict,
} from "../js/figures/runs/run-view.js";

/** @typedef {import("../js/kit/curve.js").MgCurve} MgCurve */
/** @typedef {"a" | "b"} Side */

const SPEEDS = /** @type {[string, string][]} */ ([
  ["1", "1 step a second"],
  ["10", "10 a second"],
  ["100", "100 a second"],
  ["all", "as fast as it goes"],
]);
const ON_THE_WAY = 5; // samples shown of those before the end
const SIDES = /** @type {const} */ (["a", "b"]);

class MgLiveTraining extends KitElement {
  constructor() {
    super();
    /** @private what the runs were made for */ this.set = "";
    /** @private which samples are on the page */ this.sampled = "";
  }

  build() {
    const state = urlState("train", {
      a: textField("", 300),
      b: textField("", 300),
      two: flagField(false),
      every: wholeField(100, 0, 20_000),
      speed: choiceField(
        "100",
        SPEEDS.map(([key]) => key),
      ),
    });
    this.state = state;
    this.runs = {
      a: new LiveRun(() => this.guard(() => this.show())),
      b: new LiveRun(() => this.guard(() => this.show())),
    };
    /** @private @type {Record<Side, number | null>} */ this.unseen = { a: null, b: null };
    /** @private @type {Set<Side>} */ this.judging = new Set();
    this.whenLeaving(() => {
      state.close();
      for (const side of SIDES) this.runs?.[side].close();
    });
    const pairs = Object.entries(PAIRS).map(
      ([key, { name }]) => /** @type {[string, string]} */ ([key, name]),
    );
    this.pair = menu(this, "Runs", [["one", "one run"], ...pairs, ["any", "any two"]], (key) =>
      this.choosePair(key),
    );
    this.speed = menu(this, "Speed", SPEEDS, (speed) => state.set({ speed }));
    this.every = numberInput(
      this,
      {
        label: "Samples every … steps",
        control: "every",
        value: 100,
        min: 0,
        max: 20_000,
        step: 50,
        whole: true,
      },
      (every) => state.set({ every }),
    );
    this.forms = { a: this.form("a"), b: this.form("b") };
    this.start = actor(this, "Start", () => this.go(), {
      class: "mg-button train-start",
      control: "start",
    });
    this.one = actor(this, "One step", () => this.step());
    this.again = actor(this, "Untrain", () => this.untrain());
    this.now = html("p", { class: "train-now" });
    this.curve = /** @type {MgCurve} */ (
      html(/** @type {any} */ ("mg-curve"), {
        label: "Loss of the live run",
        "x-label": "step",
        "y-label": "nats per token",
        digits: 4,
      })
    );
    this.told = html("p", {});
    this.samples = html("div", {
      class: "train-samples",
      tabindex: 0,
      role: "region",
      "aria-label": "What it writes",
    });
    this.replaceChildren(
      html("div", { class: "mg-row" }, this.pair.whole, this.speed.whole),
      html("div", { class: "train-sides" }, this.forms.a.whole, this.forms.b.whole),
      this.every,
      html("div", { class: "mg-row" }, this.start, this.one, this.again),
      this.now,
      this.curve,
      this.told,
      html("h3", {}, "What it writes"),
      this.samples,
      marksLegend("list of names"),
      tools(this, state),
    );
    state.onChange(() => this.guard(() => this.follow()));
    this.set = this.sampled = "";
    this.follow();
  }

  /** The recipe of one run. @private @param {Side} side */
  form(side) {
    const change = (/** @type {string} */ key, /** @type {string | number} */ value) =>
      this.state?.set({
        [side]: writeSettings({ ...readSettings(this.state.values[side]), [key]: value }),
      });
    const recipe = menu(
      this,
      side === "a" ? "Recipe" : "Recipe of B",
      [
        ...Object.entries(RECIPES).map(
          ([key, { name }]) => /** @type {[string, string]} */ ([key, name]),
        ),
        ["own", "your own"],
      ],
      (key) => key !== "own" && this.state?.set({ [side]: RECIPES[key].text }),
    );
    /** @type {Record<string, (value: any) => void>} */
    const fill = {};
    const fields = Object.entries(KNOBS).map(([key, knob]) => {
      if (knob.among) {
        const made = menu(
          this,
          knob.label,
          knob.among.map((one) => [one, one]),
          (value) => change(key, value),
        );
        fill[key] = (value) => (made.select.value = value);
        return made.whole;
      }
      const { whole, label, min, max, step } = knob;
      const made = numberInput(
        this,
        {
          label,
          min,
          max,
          step,
          whole,
          digits: whole ? 0 : 4,
          value: Number(readSettings("")[key]),
        },
        (value) => change(key, value),
      );
      fill[key] = (value) => made.value !== value && (made.value = value);
      return made;
    });
    const title = html("h3", {});
    const whole = html(
      "div",
      { class: "train-side", role: "group" },
      title,
      recipe.whole,
      html(
        "details",
        {},
        html("summary", {}, "Hyper-parameters"),
        html("div", { class: "net-fields" }, ...fields),
      ),
    );
    return { whole, title, recipe, fill };
  }

  /** @private @param {string} key */
  choosePair(key) {
    const pair = PAIRS[key];
    if (pair) this.state?.set({ a: pair.a, b: pair.b, two: true });
    else this.state?.set({ two: key === "any" });
  }

  /** @private @returns {Side[]} */
  get sides() {
    return this.state?.values.two ? ["a", "b"] : ["a"];
  }

  /** The controls follow the state; another recipe ends the runs. @private */
  follow() {
    const { state, forms } = this;
    if (!state || !forms || !this.pair || !this.speed || !this.every) return;
    const { a, b, two, every, speed } = state.values;
    const pair = Object.entries(PAIRS).find(([, one]) => one.a === a && one.b === b)?.[0] ?? "any";
    this.pair.select.value = two ? pair : "one";
    if (this.speed.select.value !== speed) this.speed.select.value = speed;
    if (this.every.value !== every) this.every.value = every;
    forms.b.whole.hidden = !two;
    for (const side of SIDES) {
      const { title, recipe, fill, whole } = forms[side];
      const text = state.values[side];
      title.textContent = two ? `${side.toUpperCase()}: ${nameOf(text)}` : nameOf(text);
      whole.setAttribute("aria-label", two ? `Run ${side.toUpperCase()}` : "The run");
      recipe.select.value =
        Object.entries(RECIPES).find(([, one]) => one.text === text)?.[0] ?? "own";
      for (const [key, value] of Object.entries(readSettings(text))) fill[key]?.(value);
      this.runs?.[side].speed(this.pace);
    }
    const set = JSON.stringify([a, two && b, two, every]);
    if (set !== this.set) {
      this.set = set;
      this.untrain();
    }
  }

  /** @private */
  get pace() {
    const speed = this.state?.values.speed;
    return speed === "all" ? null : Number(speed);
  }

  /** @private */
  untrain() {
    for (const side of SIDES) this.runs?.[side].drop();
    this.unseen = { a: null, b: null };
    this.judging.clear();
    this.show();
  }

  /** Starts, pauses, goes on. @private */
  go() {
    const { runs, sides } = this;
    if (!runs) return undefined;
    const busy = sides.filter((side) => runs[side].busy);
    if (busy.length) return busy.forEach((side) => runs[side].pause());
    const paused = sides.filter((side) => runs[side].status === "paused");
    if (paused.length) return paused.forEach((side) => runs[side].resume());
    return this.startRuns(false);
  }

  /** @private */
  step() {
    const { runs, sides } = this;
    if (!runs) return undefined;
    if (sides.every((side) => ["paused", "running"].includes(runs[side].status)))
      return sides.forEach((side) => runs[side].advance());
    if (sides.some((side) => ["idle", "done", "failed"].includes(runs[side].status)))
      return this.startRuns(true);
    return undefined;
  }

  /** @private @param {boolean} paused */
  async startRuns(paused) {
    const { runs, state } = this;
    if (!runs || !state) return;
    const { set } = this;
    const { docs } = await loadNames();
    if (set !== this.set || !this.isConnected) return;
    this.unseen = { a: null, b: null };
    for (const side of this.sides) {
      runs[side].start(
        {
          docs,
          ...optionsOf(/** @type {any} */ (readSettings(state.values[side]))),
          sampleEvery: state.values.every,
          samples: 20,
        },
        { paused, speed: this.pace },
      );
    }
  }

  /** The loss on names that the run didn't see, once it is done. @private @param {Side} side */
  async judge(side) {
    const run = this.runs?.[side];
    if (!run || this.judging.has(side) || this.unseen[side] !== null) return;
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
      if (!(error instanceof MicrogptError)) throw error; // the run was started anew meanwhile
    } finally {
      this.judging.delete(side);
    }
    if (id === run.id && this.isConnected) this.show();
  }

  /** @private */
  show() {
    const { runs, state, sides, curve } = this;
    if (!runs || !state || !curve || !this.start) return;
    const two = sides.length === 2;
    const busy = sides.some((side) => runs[side].busy);
    const isDone = sides.every((side) => runs[side].status === "done");
    this.start.replaceChildren(
      busy
        ? "Pause"
        : sides.some((side) => runs[side].status === "paused")
          ? "Go on"
          : isDone
            ? "Start again"
            : "Start",
    );
    const names = {
      a: two ? `A ${nameOf(state.values.a)}` : nameOf(state.values.a),
      b: `B ${nameOf(state.values.b)}`,
    };
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
    const mark =
      apart === null
        ? []
        : [
            {
              name: "first difference",
              values: [{ x: apart, y: runs.a.losses[apart - 1] }],
              kind: /** @type {const} */ ("dots"),
            },
          ];
    const most = Math.max(...sides.map((side) => Number(readSettings(state.values[side]).steps)));
    curve.setAttribute("x-to", String(most));
    curve.floors = [
      { name: "guessing among 27", y: Math.log(27) },
      { name: "counts of the whole list", y: BIGRAM },
    ];
    curve.series = two ? [...lines, ...dots, ...mark] : [...dots, ...lines];
    for (const side of sides) if (runs[side].status === "done") this.guard(() => this.judge(side));
    this.now?.replaceChildren(
      ...sides
        .flatMap((side) => [this.lineOf(side, two ? `${names[side]}: ` : ""), html("br")])
        .slice(0, -1),
    );
    this.told?.replaceChildren(this.comparison(apart, isDone));
    this.showSamples();
    const said = sides
      .map((side) => this.lineOf(side, two ? `${side.toUpperCase()}: ` : ""))
      .join(" ");
    this.summary(`${said} ${two ? this.comparison(apart, isDone) : ""}`.trim());
  }

  /** @private @param {Side} side @param {string} before */
  lineOf(side, before) {
    const run = /** @type {NonNullable<MgLiveTraining["runs"]>} */ (this.runs)[side];
    if (run.status === "failed") return `${before}${run.message}`;
    if (run.status === "starting") return `${before}starting.`;
    if (!run.step) return `${before}untrained: nothing has been learned.`;
    const steps = Number(run.run?.config.steps);
    const unseen = this.unseen[side];
    const end =
      unseen !== null && unseen >= 0 ? `; on 5,000 unseen names ${written(unseen, 3)}` : "";
    return (
      `${before}step ${run.step.toLocaleString("en")} of ${steps.toLocaleString("en")}, loss ` +
      `${written(run.losses[run.step - 1], 4)}, mean of the last ${Math.min(100, run.step)} ` +
      `${written(meanOfLast(run.losses), 3)}${end}.`
    );
  }

  /**
   * What two runs have to do with each other.
   * @private
   * @param {number | null} apart
   * @param {boolean} isDone
   */
  comparison(apart, isDone) {
    const { runs, state } = this;
    if (!runs || !state?.values.two) return "";
    const steps = Math.min(runs.a.step, runs.b.step);
    if (!steps) return "";
    if (apart === null)
      return steps === 1
        ? "The first loss is the same in both: nothing has been learned yet when it is taken."
        : `No difference in ${steps.toLocaleString("en")} steps: every loss is the same.`;
    const [a, b] = [runs.a, runs.b].map(({ losses }) => written(losses[apart - 1], 6));
    const at = ` (${a} and ${b})`;
    const end =
      isDone && this.unseen.a !== null && this.unseen.b !== null
        ? ` ${verdict(this.unseen.a, this.unseen.b, runs.a.run?.seed === runs.b.run?.seed)}`
        : "";
    return `They part at step ${apart}${at}.${end}`;
  }

  /** @private */
  showSamples() {
    const { runs, sides } = this;
    if (!runs) return;
    const key = sides.map((side) => `${runs[side].id}.${runs[side].samples.length}`).join(" ");
    if (key === this.sampled) return;
    this.sampled = key;
    const parts = sides.map((side) => {
      const { samples } = runs[side];
      const rows = samples.map(({ step, final, samples: all }) =>
        html(
          "li",
          {},
          html("b", {}, step ? `After step ${step.toLocaleString("en")}` : "Untrained"),
          final ? ` (${countedMarks(all)})` : "",
          ": ",
          ...all
            .slice(0, final ? all.length : ON_THE_WAY)
            .flatMap((sample) => [sampleOf(sample), " "]),
        ),
      );
      const empty = html("li", { class: "mg-soft" }, "Nothing yet: start it.");
      return html(
        "div",
        {},
        ...(sides.length === 2 ? [html("h4", {}, `Run ${side.toUpperCase()}`)] : []),
        html("ol", { class: "train-log" }, ...(rows.length ? rows : [empty])),
      );
    });
    this.samples?.replaceChildren(...parts);
  }
}

define("mg-live-training", MgLiveTraining);
