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
import { choiceField, seedField, textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { LiveRun } from "../js/figures/runs/live-run.js";
import { describe, MATRICES, namesOf } from "../js/matrices.js";
import { NamesElement } from "../js/figures/names-element.js";
import { actor, menu, numberInput } from "../js/figures/parts.js";
import {
  BIGRAM,
  countedMarks,
  marksLegend,
  pageKernel,
  sampleOf,
} from "../js/figures/runs/run-view.js";
import { AttentionView, Beginning, MapView, MatrixView } from "../js/figures/runs/weights-views.js";

/** @typedef {import("../js/kit/curve.js").MgCurve} MgCurve */
/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */
/** @typedef {import("../js/figures/dataset.js").Names} Names */
/** @typedef {import("../js/figures/runs/time-machine.js").Axes} Axes */

const SHOW = /** @type {[string, string][]} */ ([
  ["weight", "the numbers"],
  ["change", "the change since the start"],
]);
const many = new Intl.NumberFormat("en");
const WRITE_EVERY_MS = 200; // names and opened tables follow that late

class MgWeights extends NamesElement {
  constructor() {
    super();
    /** Weights after 0, 1, 2, … steps. @private @type {Float32Array[]} */ this.frames = [];
    /** @private @type {string[]} */ this.stepNames = [];
    /** @private @type {number[]} */ this.means = [];
    /** @private */ this.shown = 0;
    /** Whether the newest step is shown while it trains. @private */ this.following = false;
    /** @private */ this.frame = 0;
    /** @private the frame whose names stand there */ this.told = -1;
    /** @private @type {ReturnType<typeof setTimeout> | undefined} */ this.writing = undefined;
    /** @private @type {Axes | null} */ this.axes = null;
    /** @private */ this.seed = NaN;
    /** What the layout was made for. @private */ this.laid = "";
    /** @private @type {import("../js/kernel.js").Engine | undefined} */ this.engine = undefined;
  }

  /** @param {Names} names */
  start(names) {
    this.names = names;
    const state = this.stateOf("weights", {
      at: wholeField(CONFIG.steps, 0, CONFIG.steps),
      matrix: choiceField("wte", MATRICES),
      show: choiceField(
        "weight",
        SHOW.map(([key]) => key),
      ),
      text: textField("anna", 15),
      seed: seedField(),
      r: wholeField(-1, -1, 63),
      c: wholeField(-1, -1, 63),
    });
    this.run = new LiveRun(() => this.guard(() => this.ran()));
    this.go = actor(this, "Train and record", () => this.train(), {
      class: "mg-button train-start",
      control: "start",
    });
    this.seedInput = numberInput(
      this,
      {
        label: "Seed",
        control: "seed",
        value: 42,
        min: 0,
        max: 2 ** 32 - 1,
        step: 1,
        whole: true,
        digits: 0,
      },
      (seed) => state.set({ seed }),
    );
    this.status = html("p", { class: "train-now" });
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "The run", pace: 50 })
    );
    this.listen(this.stepper, "mg-step", ({ detail }) => this.move(detail.at));
    this.curve = /** @type {MgCurve} */ (
      html(/** @type {any} */ ("mg-curve"), {
        label: "Loss of the run",
        "x-label": "step",
        "y-label": "nats per token",
        digits: 3,
        "x-to": CONFIG.steps,
      })
    );
    this.listen(this.curve, "mg-read", ({ detail }) => this.move(detail.x));
    this.matrix = menu(
      this,
      "Matrix",
      MATRICES.map(
        (name) =>
          /** @type {[string, string]} */ ([
            name,
            `${name.replace("layer0.", "")}, ${PLACES[name].rows} × ${PLACES[name].columns}`,
          ]),
      ),
      (matrix) => state.set({ matrix, r: -1, c: -1 }),
    );
    this.kind = menu(this, "Show", SHOW, (show) => state.set({ show }));
    this.heat = new MatrixView(this, (cell) => state.set(cell));
    this.attention = new AttentionView(this);
    this.map = new MapView(this);
    this.beginning = new Beginning(this, { config: CONFIG, tokenizer: names.tokenizer }, (typed) =>
      state.set({ text: typed }),
    );
    this.samples = html("p", {});
    this.samplesTitle = html("h3", {}, "What it writes");
    this.replaceChildren(
      html("div", { class: "mg-row" }, this.go, this.seedInput),
      this.status,
      html("div", { class: "weights-time" }, this.stepper),
      this.curve,
      html(
        "div",
        { class: "weights-views" },
        html(
          "section",
          { class: "weights-matrix", "aria-label": "Matrix" },
          html("h3", {}, "A matrix"),
          this.matrix.whole,
          this.kind.whole,
          ...this.heat.parts,
          this.table("The matrix", () => this.heat?.tabled(this.matrixNow)),
        ),
        html(
          "section",
          { "aria-label": "Map of the embeddings" },
          html("h3", {}, "The letters on a map"),
          ...this.map.parts,
          this.table("Places on the map", () => this.map?.tabled()),
        ),
        html(
          "section",
          { "aria-label": "Attention" },
          html("h3", {}, "What the heads look at"),
          this.beginning.whole,
          ...this.attention.parts,
          this.table("Attention of the last token", () => this.attention?.tabled()),
        ),
        html(
          "section",
          { "aria-label": "What it writes" },
          this.samplesTitle,
          this.samples,
          html(
            "p",
            { class: "mg-note" },
            `At every step the same ${SAMPLES * CONFIG.block_size} random draws are used, at ` +
              `temperature ${TEMPERATURE}.`,
          ),
          marksLegend("list of names"),
        ),
      ),
      this.tools(state),
    );
    const watcher = new ResizeObserver(() => this.guard(() => this.lay()));
    watcher.observe(this);
    this.whenLeaving(() => {
      watcher.disconnect();
      this.run?.close();
      cancelAnimationFrame(this.frame);
      clearTimeout(this.writing);
      this.frame = 0;
      this.writing = undefined;
      this.seed = NaN;
      this.engine?.close();
      this.engine = undefined;
    });
    this.heat.onTheme(() => this.guard(() => this.lay()));
  }

  /**
   * A table that says of which step it is.
   * @private
   * @param {string} caption
   * @param {() => {head: string[], rows: string[][]} | undefined} content
   */
  table(caption, content) {
    return tableOf(caption, () => {
      const { head, rows } = content() ?? { head: [], rows: [] };
      return { head: [`after step ${many.format(this.shown)}`, ...head], rows };
    });
  }

  // ---------------------------------------------------------------- the run

  /** Back to the first weights of this seed. @private @param {number} seed */
  anew(seed) {
    const { names } = this;
    if (!names) return;
    this.seed = seed;
    this.run?.drop();
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
    this.following = false;
    this.measure();
    if (this.curve) {
      this.curve.floors = [
        { name: "guessing among 27", y: Math.log(27) },
        { name: "counts of the whole list", y: BIGRAM },
      ];
      this.curve.series = [];
    }
    this.ran();
  }

  /** @private */
  train() {
    const { run, names, state } = this;
    if (!run || !names || !state) return;
    if (run.busy) return run.pause();
    if (run.status === "paused") return run.resume();
    if (this.frames.length > 1) this.anew(state.values.seed);
    this.following = true;
    run.start(
      { docs: names.docs, seed: state.values.seed, recordEvery: 1, samples: 0 },
      { speed: null },
    );
  }

  /** What has come from the Worker since. @private */
  ran() {
    const { run, curve, stepper } = this;
    if (!run || !curve || !stepper || !this.go || !this.status) return;
    const { losses, recordings, status } = run;
    for (let k = this.frames.length; k < recordings.length; k++) {
      this.frames.push(recordings[k].weights);
      this.stepNames.push(
        `after step ${many.format(k)} of ${many.format(CONFIG.steps)} | its loss ` +
          `${losses[k - 1].toFixed(4)}`,
      );
    }
    const last = this.frames.length - 1;
    this.go.replaceChildren(
      run.busy
        ? "Pause"
        : status === "paused"
          ? "Go on"
          : status === "done"
            ? "Train again"
            : "Train and record",
    );
    this.status.textContent =
      status === "failed"
        ? (run.message ?? "")
        : status === "idle"
          ? "Untrained: what you see are the first random numbers. Training takes a second or " +
            "a few."
          : `${many.format(last)} of ${many.format(CONFIG.steps)} steps recorded` +
            (run.busy ? "" : status === "paused" ? ", paused" : ": move through them") +
            ".";
    stepper.steps = this.stepNames;
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
    this.map?.on(this.axes, reach(some, PLACES.wte, this.axes));
    this.following = false;
    this.measure();
  }

  /** Where the matrix has full colour: at its largest number in all frames so far. @private */
  measure() {
    if (!this.state) return;
    const { matrix, show } = this.state.values;
    const some = this.frames.filter((_, k) => k % 5 === 0 || k === this.frames.length - 1);
    this.measured = `${matrix} ${show} ${this.axes ? 1 : 0} ${this.seed}`;
    this.most = largest(some, PLACES[matrix], show === "change" ? this.frames[0] : null) || 1;
    this.lay();
  }

  // ---------------------------------------------------------------- the step that is shown

  /** By the reader's hand. @private @param {number} at */
  move(at) {
    this.following = false;
    if (at !== this.state?.values.at) this.state?.set({ at });
  }

  show() {
    const { state } = this;
    if (!state) return;
    if (state.values.seed !== this.seed) return this.anew(state.values.seed);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.guard(() => this.paint());
    });
  }

  /** What is shown of the matrix. @private */
  get matrixNow() {
    const { matrix, show, r, c } = /** @type {NonNullable<MgWeights["state"]>} */ (this.state)
      .values;
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
    if (!this.heat || !this.state || !this.frames.length) return;
    this.laid = "";
    this.show();
  }

  /** One frame on the screen. @private */
  paint() {
    const { state, stepper, curve, heat, map, attention, beginning } = this;
    if (
      !state ||
      !stepper ||
      !curve ||
      !heat ||
      !map ||
      !attention ||
      !beginning ||
      !this.frames.length
    )
      return;
    const { at, matrix, show, text } = state.values;
    const last = this.frames.length - 1;
    const step = (this.shown = this.following ? last : Math.min(at, last));
    if (this.measured !== `${matrix} ${show} ${this.axes ? 1 : 0} ${this.seed}`) this.measure();
    if (stepper.at !== step) stepper.at = step;
    if (curve.marker !== Math.max(1, step)) curve.marker = Math.max(1, step);
    const [tokens, names] = beginning.read(text);
    const laid = `${matrix} ${names}`;
    if (this.laid !== laid) {
      this.laid = laid;
      this.controls();
      heat.lay(PLACES[matrix], namesOf(matrix, PLACES[matrix].rows).rows);
      attention.lay(names);
      map.lay();
    }
    const frame = this.frames[step];
    heat.paint(this.matrixNow);
    attention.paint(attentionAt(frame, tokens), names);
    map.paint(
      this.axes ? mapped(frame, PLACES.wte, this.axes) : null,
      this.axes ? shareAlong(frame, PLACES.wte, this.axes) : 0,
    );
    const { low, high } = rangeOf(frame, PLACES[matrix]);
    const loss = step
      ? `loss ${written(this.run?.losses[step - 1] ?? NaN, 4)}, mean of the last ` +
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

  /** Menus and fields as the state has them. @private */
  controls() {
    const { state, matrix, kind, beginning, seedInput } = this;
    if (!state || !matrix || !kind || !beginning || !seedInput) return;
    matrix.select.value = state.values.matrix;
    kind.select.value = state.values.show;
    this.heat?.describe(describe(state.values.matrix));
    beginning.show(state.values.text);
    if (seedInput.value !== state.values.seed) seedInput.value = state.values.seed;
  }

  /** Names and opened tables, which need not come with every frame. @private */
  async write() {
    const { from } = this;
    if (!from || !this.samples || !this.samplesTitle) return;
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
