// <mg-weights>: the reference run, recorded while it is trained in the page, and a scrubber over
// its steps: loss, a matrix, attention, the embeddings on a map, and names move together.

import {
  untrained,
  attentionAt,
  axesOf,
  CONFIG,
  largest,
  mapped,
  PLACES,
  placeOf,
  rangeOf,
  reach,
  SAMPLES,
  samplesAt,
  shareAlong,
  TEMPERATURE,
} from "../js/figures/runs/time-machine.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { html, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { make, row } from "../js/kit/make.js";
import { choiceField, seedField, textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { atFirstSight, FIRST_STEPS, firstSteps } from "../js/figures/runs/first-sight.js";
import { LiveRun, orderFor } from "../js/figures/runs/live-run.js";
import { describe, MATRICES, namesOf } from "../js/matrices.js";
import { OnNames } from "../js/figures/on-names.js";
import {
  countedMarks,
  FLOORS,
  marksLegend,
  pageKernel,
  sampleOf,
} from "../js/figures/runs/run-view.js";
import { AttentionView, MapView, MatrixView } from "../js/figures/runs/weights-views.js";
import { labelsOf, tokensOf } from "../js/figures/trained/real-model.js";

const SHOW = { weight: "the numbers", change: "the change since the start" };
const SIZES = Object.fromEntries(
  MATRICES.map((name) => {
    const { rows, columns } = PLACES[name];
    return [name, `${name.replace("layer0.", "")}, ${rows} × ${columns}`];
  }),
);
const many = new Intl.NumberFormat("en");
const WRITE_EVERY_MS = 200; // names and opened tables follow that late

class MgWeights extends OnNames {
  fields = {
    at: wholeField(CONFIG.steps, 0, CONFIG.steps),
    matrix: choiceField("wte", MATRICES),
    show: choiceField("weight", Object.keys(SHOW)),
    text: textField("anna", 15),
    seed: seedField(),
    r: wholeField(-1, -1, 63),
    c: wholeField(-1, -1, 63),
  };
  run = new LiveRun(() => this.guard(() => this.ran()));
  status = html("p", { class: "train-now" });
  time = make("mg-stepper", { label: "The run", pace: 50 });
  curve = make("mg-curve", {
    label: "Loss of the run",
    "x-label": "step",
    "y-label": "nats per token",
    digits: 3,
    "x-to": CONFIG.steps,
  });
  samples = html("p");
  samplesTitle = html("h3", {}, "What it writes");
  /** @private weights after 0, 1, 2, … steps @type {Float32Array[]} */ frames = [];
  /** @private @type {string[]} */ stepNames = [];
  /** @private @type {number[]} */ means = [];
  /** @private */ shown = 0;
  /** @private whether the newest step is shown while it trains */ isLatest = false;
  /** @private */ frame = 0;
  /** @private the frame whose names are there */ told = -1;
  /** @private @type {ReturnType<typeof setTimeout> | undefined} */ writing = undefined;
  /** @private @type {import("../js/figures/runs/time-machine.js").Axes | null} */ axes = null;
  /** @private */ seed = NaN;
  /** @private what the layout was made for */ laid = "";
  /** @private @type {import("../js/kernel.js").Engine | undefined} */ engine = undefined;

  build() {
    this.go = this.button("Train and record", () => this.train(), {
      class: "mg-button train-start",
      control: "start",
    });
    this.listen(this.time, "mg-step", ({ detail }) => this.move(detail.at));
    this.listen(this.curve, "mg-read", ({ detail }) => this.move(detail.x));
    const heat = new MatrixView(this, (cell) => this.set(cell));
    const attention = new AttentionView(this);
    const map = new MapView(this);
    this.views = { heat, attention, map };
    const watcher = new ResizeObserver(() => this.guard(() => this.lay()));
    watcher.observe(this);
    heat.onTheme(() => this.guard(() => this.lay()));
    this.whenLeaving(() => {
      watcher.disconnect();
      this.run.close();
      cancelAnimationFrame(this.frame);
      clearTimeout(this.writing);
      this.frame = 0;
      this.writing = undefined;
      this.seed = NaN;
      this.engine?.close();
      this.engine = undefined;
    });
    const read = (/** @type {string} */ typed) => {
      tokensOf(this.real, typed);
      return typed.trim().toLowerCase();
    };
    const note =
      `At every step the same ${SAMPLES * CONFIG.block_size} random draws are used, at ` +
      `temperature ${TEMPERATURE}.`;
    return [
      row(this.go, this.knob("seed", { label: "Seed" })),
      this.status,
      html("div", { class: "weights-time" }, this.time),
      this.curve,
      html(
        "div",
        { class: "weights-views" },
        html(
          "section",
          { class: "weights-matrix", "aria-label": "Matrix" },
          html("h3", {}, "A matrix"),
          this.menu("matrix", {
            label: "Matrix",
            options: SIZES,
            act: (matrix) => this.set({ matrix, r: -1, c: -1 }),
          }),
          this.menu("show", { label: "Show", options: SHOW }),
          ...heat.parts,
          this.table("The matrix", () => heat.tabled(this.matrixNow)),
        ),
        html(
          "section",
          { "aria-label": "Map of the embeddings" },
          html("h3", {}, "The letters on a map"),
          ...map.parts,
          this.table("Places on the map", () => map.tabled()),
        ),
        html(
          "section",
          { "aria-label": "Attention" },
          html("h3", {}, "What the heads look at"),
          html("div", {}, ...this.text("text", { label: "Beginning of a name", read })),
          ...attention.parts,
          this.table("Attention of the last token", () => attention.tabled()),
        ),
        html(
          "section",
          { "aria-label": "What it writes" },
          this.samplesTitle,
          this.samples,
          html("p", { class: "mg-note" }, note),
          marksLegend("list of names"),
        ),
      ),
    ];
  }

  /**
   * A table that says of which step it is.
   * @private
   * @param {string} caption
   * @param {() => {head: string[], rows: string[][]}} content
   */
  table(caption, content) {
    return tableOf(caption, () => {
      const { head, rows } = content();
      return { head: [`after step ${many.format(this.shown)}`, ...head], rows };
    });
  }

  /** What a name's tokens are read by. @private */
  get real() {
    return /** @type {any} */ ({ config: CONFIG, tokenizer: this.names.tokenizer });
  }

  // ---------------------------------------------------------------- the run

  /** Back to the first weights of this seed. @private @param {number} seed */
  anew(seed) {
    const { names, curve } = this;
    this.seed = seed;
    this.run.drop();
    const { frame, uniforms, first } = untrained(names.docs, seed);
    this.frames = [frame];
    this.from = {
      uniforms,
      first: placeOf(first),
      file: this.from?.file ?? new Set(names.docs),
      uchars: names.tokenizer.uchars,
    };
    this.stepNames = ["untrained"];
    this.means = [];
    this.axes = null;
    this.told = -1;
    this.shown = 0;
    this.isLatest = false;
    this.measure();
    curve.floors = FLOORS;
    curve.series = [];
    this.ran();
  }

  put() {
    super.put();
    atFirstSight(this, () => {
      if (this.run.status !== "idle") return;
      this.isLatest = true;
      firstSteps(this.run, this.order, FIRST_STEPS);
    });
  }

  reset() {
    super.reset();
    this.anew(this.values.seed);
  }

  /** What the Worker is to do. @private */
  get order() {
    return { docs: this.names.docs, seed: this.seed, recordEvery: 1, samples: 0 };
  }

  /** @private */
  train() {
    const { run, seed } = this;
    if (run.busy) return run.pause();
    if (run.status === "paused") {
      this.isLatest = true;
      this.set({ at: CONFIG.steps });
      return run.resume();
    }
    if (this.frames.length > 1) this.anew(seed);
    this.isLatest = true;
    run.start(this.order, { speed: null });
  }

  /** What has come from the Worker since. @private */
  ran() {
    const { run, curve } = this;
    const { losses, recordings, status } = run;
    for (let k = this.frames.length; k < recordings.length; k++) {
      this.frames.push(recordings[k].weights);
      this.stepNames.push(
        `after step ${many.format(k)} of ${many.format(CONFIG.steps)} | its loss ` +
          `${losses[k - 1].toFixed(4)}`,
      );
    }
    const last = this.frames.length - 1;
    this.go?.replaceChildren(orderFor([run], "Train and record", "Train again"));
    this.status.textContent =
      status === "failed"
        ? (run.message ?? "")
        : status === "idle"
          ? "Untrained: these are the initial random numbers. Training takes a few seconds."
          : `${many.format(last)} of ${many.format(CONFIG.steps)} steps recorded` +
            (run.busy ? "" : `: move through them${status === "paused" ? ", or go on" : ""}`) +
            ".";
    this.time.steps = this.stepNames;
    if (last) {
      this.means = trailingMean(losses, 100);
      curve.series = [
        { name: "loss of one name", values: losses.slice(0, last), kind: "dots" },
        { name: "mean of the last 100", values: this.means },
      ];
    }
    if (status === "done" && !this.axes) this.finish();
    this.show();
  }

  /** The whole run is there: axes for the map, and where colours are full. @private */
  finish() {
    const last = this.frames[this.frames.length - 1];
    const some = this.frames.filter((_, k) => k % 20 === 0);
    this.axes = axesOf(last, PLACES.wte);
    this.views?.map.on(this.axes, reach(some, PLACES.wte, this.axes));
    this.isLatest = false;
    this.measure();
  }

  /** Where the matrix has full colour: at its largest number in all frames so far. @private */
  measure() {
    const { matrix, show } = this.values;
    const some = this.frames.filter((_, k) => k % 5 === 0 || k === this.frames.length - 1);
    this.measured = `${matrix} ${show} ${this.axes ? 1 : 0} ${this.seed}`;
    this.most = largest(some, PLACES[matrix], show === "change" ? this.frames[0] : null) || 1;
    this.lay();
  }

  // ---------------------------------------------------------------- the step that is shown

  /** By the reader's hand. @private @param {number} at */
  move(at) {
    this.isLatest = false;
    if (at !== this.values.at) this.set({ at });
  }

  show() {
    if (this.values.seed !== this.seed) return this.anew(this.values.seed);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.guard(() => this.paint());
    });
  }

  /** What is shown of the matrix. @private */
  get matrixNow() {
    const { matrix, show, r, c } = this.values;
    const place = PLACES[matrix];
    const cell = r >= 0 && r < place.rows && c >= 0 && c < place.columns ? { r, c } : null;
    return {
      matrix,
      place,
      frame: this.frames[this.shown],
      start: show === "change" ? this.frames[0] : null,
      most: this.most ?? 1,
      cell,
    };
  }

  /** Labels and sizes, then everything. @private */
  lay() {
    if (!this.frames.length) return;
    this.laid = "";
    this.show();
  }

  /** One frame on the screen. @private */
  paint() {
    const { time, curve, views, axes } = this;
    if (!views) return;
    const { heat, map, attention } = views;
    const { at, matrix, show, text } = this.values;
    const last = this.frames.length - 1;
    const step = (this.shown = this.isLatest ? last : Math.min(at, last));
    if (this.measured !== `${matrix} ${show} ${this.axes ? 1 : 0} ${this.seed}`) this.measure();
    if (time.at !== step) time.at = step;
    if (curve.marker !== Math.max(1, step)) curve.marker = Math.max(1, step);
    const tokens = tokensOf(this.real, text);
    const names = labelsOf(this.real, tokens);
    const laid = `${matrix} ${names}`;
    if (this.laid !== laid) {
      this.laid = laid;
      heat.describe(describe(matrix));
      heat.lay(PLACES[matrix], namesOf(matrix, PLACES[matrix].rows).rows);
      attention.lay(names);
      map.lay();
    }
    const frame = this.frames[step];
    heat.paint(this.matrixNow);
    attention.paint(attentionAt(frame, tokens), names);
    map.paint(
      axes ? mapped(frame, PLACES.wte, axes) : null,
      axes ? shareAlong(frame, PLACES.wte, axes) : 0,
    );
    const { low, high } = rangeOf(frame, PLACES[matrix]);
    const loss = step
      ? `loss ${written(this.run.losses[step - 1] ?? NaN, 4)}, mean of the last ` +
        `${Math.min(step, 100)} ${written(this.means[step - 1], 3)}`
      : "nothing has been learned";
    this.summary(
      `After step ${many.format(step)}: ${loss}. ${matrix} has numbers from ${written(low)} ` +
        `to ${written(high)}. ${attention.said}`,
    );
    if (this.told !== step)
      this.writing ??= setTimeout(() => {
        this.writing = undefined;
        this.guard(() => this.write());
      }, WRITE_EVERY_MS);
  }

  /** Names and opened tables, which need not come with every frame. @private */
  async write() {
    const { from } = this;
    if (!from) return;
    const kernel = await pageKernel();
    if (!this.isConnected || from !== this.from) return;
    this.engine ??= kernel.create({ config: CONFIG, dtype: "float64" });
    const step = this.shown;
    this.told = step;
    const samples = samplesAt(this.engine, this.frames[step], step, from);
    this.samplesTitle.textContent = step
      ? `What it writes after step ${many.format(step)}`
      : "What it writes untrained";
    this.samples.replaceChildren(
      ...samples.flatMap((one) => [sampleOf(one), " "]),
      html("br"),
      `Of ${SAMPLES}: ${countedMarks(samples)}.`,
    );
    for (const opened of this.querySelectorAll(".mg-table[open]"))
      opened.dispatchEvent(new Event("toggle"));
  }
}

define("mg-weights", MgWeights);
