// <mg-weights>: the reference run, recorded while it is trained in the page, and a scrubber over
// its steps: all numbers of the model, loss and names move together; in place of the numbers one
// matrix of them, attention, or the embeddings on a map.

import {
  untrained,
  attentionAt,
  axesOf,
  CONFIG,
  Largest,
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
import { trailingMean } from "../js/kit/curve-plan.js";
import { html, onTheme, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
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
import { Timeline } from "../js/figures/runs/timeline.js";
import { AttentionView, MapView, MatrixView } from "../js/figures/runs/weights-views.js";
import { WholeView } from "../js/figures/runs/whole-view.js";
import { labelsOf, tokensOf } from "../js/figures/trained/real-model.js";

const SHOW = {
  weight: "the numbers",
  change: "their change since the start",
  map: "the letters on a map",
  heads: "what the heads look at",
};
const SIZES = {
  all: "all nine",
  ...Object.fromEntries(
    MATRICES.map((name) => {
      const { rows, columns } = PLACES[name];
      return [name, `${name.replace("layer0.", "")}, ${rows} × ${columns}`];
    }),
  ),
};
/** @typedef {"whole" | "matrix" | "map" | "heads"} Drawn */
const many = new Intl.NumberFormat("en");
const WRITE_EVERY_MS = 200; // names and opened tables follow that late

class MgWeights extends OnNames {
  fields = {
    at: wholeField(CONFIG.steps, 0, CONFIG.steps),
    matrix: choiceField("all", ["all", ...MATRICES]),
    show: choiceField("weight", Object.keys(SHOW)),
    text: textField("anna", 15),
    seed: seedField(),
    of: choiceField("wte", MATRICES), // where the cell is, while all are shown
    r: wholeField(-1, -1, 63),
    c: wholeField(-1, -1, 63),
  };
  run = new LiveRun(() => this.guard(() => this.ran()));
  status = html("p", { class: "train-now" });
  time = make("mg-stepper", { label: "The run", pace: 50 });
  what = html("p", { class: "mg-note" });
  samples = html("div", {
    class: "weights-samples",
    tabindex: 0,
    role: "region",
    "aria-label": "Names",
  });
  counts = html("p", { class: "mg-note" });
  samplesTitle = html("p", { class: "weights-title" }, "What it writes");
  /** @private weights after 0, 1, 2, … steps @type {Float32Array[]} */ frames = [];
  /** @private @type {string[]} */ stepNames = [];
  /** @private @type {number[]} */ means = [];
  /** @private */ shown = 0;
  /** @private whether the newest step is shown while it trains */ isLatest = false;
  /** @private */ frame = 0;
  /** @private the frame whose names are there */ told = -1;
  /** @private @type {ReturnType<typeof setTimeout> | undefined} */ writing = undefined;
  /** @private @type {import("../js/figures/runs/time-machine.js").Axes | null} */ axes = null;
  /** @private @type {Largest | undefined} */ largest = undefined;
  /** @private */ seed = NaN;
  /** @private what the layout was made for */ laid = "";
  /** @private @type {import("../js/kernel.js").Engine | undefined} */ engine = undefined;

  build() {
    this.go = this.button("Train and record", () => this.train(), {
      class: "mg-button train-start",
      control: "start",
    });
    this.listen(this.time, "mg-step", ({ detail }) => this.move(detail.at));
    this.line = new Timeline(this, CONFIG.steps, FLOORS, (step) => this.move(step));
    const whole = new WholeView(this, ({ matrix, r, c }) => this.set({ of: matrix, r, c }));
    const matrix = new MatrixView(this, (cell) => this.set(cell));
    const heads = new AttentionView(this);
    const map = new MapView(this);
    this.views = { whole, matrix, heads, map };
    const watcher = new ResizeObserver(() => this.guard(() => this.lay()));
    watcher.observe(this);
    this.whenLeaving(onTheme(() => this.guard(() => this.lay())));
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
    const section = (/** @type {string} */ label, /** @type {HTMLElement[]} */ ...parts) =>
      html("section", { "aria-label": label }, ...parts);
    this.sections = {
      whole: section("The numbers", ...whole.parts),
      matrix: section("One matrix", this.what, ...matrix.parts),
      map: section("Map of the embeddings", ...map.parts),
      heads: section("Attention", ...heads.parts),
    };
    return [
      this.figure(
        [
          html("div", { class: "weights-views" }, ...Object.values(this.sections)),
          html("div", { class: "weights-time" }, this.line.box, this.time),
          this.table("The matrix", () => matrix.tabled(this.matrixNow)),
          this.table("Places on the map", () => map.tabled()),
          this.table("Attention of the last token", () => heads.tabled()),
          this.line.table,
        ],
        { controls: [this.go, ...this.controls()], more: this.more() },
      ),
    ];
  }

  /** @private */
  controls() {
    const read = (/** @type {string} */ typed) => {
      tokensOf(this.real, typed);
      return typed.trim().toLowerCase();
    };
    const text = html("div", {}, ...this.text("text", { label: "Beginning of a name", read }));
    this.follow(({ show }) => {
      text.hidden = show !== "heads"; // nothing else depends on it
    });
    return [
      this.status,
      this.menu("show", { label: "Show", options: SHOW }),
      text,
      html(
        "section",
        { "aria-label": "What it writes" },
        this.samplesTitle,
        this.samples,
        this.counts,
      ),
    ];
  }

  /** @private */
  more() {
    const note =
      `At every step the same ${SAMPLES * CONFIG.block_size} random draws are used, at ` +
      `temperature ${TEMPERATURE}.`;
    return [
      this.menu("matrix", {
        label: "Matrix",
        options: SIZES,
        act: (matrix) => this.set({ matrix, r: -1, c: -1 }),
      }),
      this.knob("seed", { label: "Seed" }),
      marksLegend("list of names"),
      html("p", { class: "mg-note" }, note),
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
    const { names } = this;
    this.seed = seed;
    this.run.drop();
    const { frame, uniforms, first } = untrained(names.docs, seed);
    this.frames = [frame];
    this.largest = new Largest(frame);
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
    const { run } = this;
    const { losses, recordings, status } = run;
    for (let k = this.frames.length; k < recordings.length; k++) {
      this.frames.push(recordings[k].weights);
      this.largest?.add(recordings[k].weights);
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
    if (last) this.means = trailingMean(losses, 100);
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

  /** Numbers or their change: of both it is known what has full colour. @private */
  get kind() {
    return this.values.show === "change" ? "change" : "weight";
  }

  /** What is shown of the matrix. @private */
  get matrixNow() {
    const { r, c } = this.values;
    const matrix = this.values.matrix === "all" ? this.values.of : this.values.matrix;
    const place = PLACES[matrix];
    const cell = r >= 0 && r < place.rows && c >= 0 && c < place.columns ? { r, c } : null;
    return {
      matrix,
      place,
      frame: this.frames[this.shown],
      start: this.kind === "change" ? this.frames[0] : null,
      most: this.largest?.most[this.kind][matrix] || 1,
      cell,
    };
  }

  /** @private @returns {Drawn} */
  get drawn() {
    const { show, matrix } = this.values;
    if (show === "map" || show === "heads") return show;
    return matrix === "all" ? "whole" : "matrix";
  }

  /** Labels and sizes, then everything. @private */
  lay() {
    if (!this.frames.length) return;
    this.laid = "";
    this.show();
  }

  /** One frame on the screen. @private */
  paint() {
    const { time, line, views, sections, axes, largest, drawn } = this;
    if (!views || !sections || !line || !largest) return;
    const { at, text } = this.values;
    const last = this.frames.length - 1;
    const step = (this.shown = this.isLatest ? last : Math.min(at, last));
    if (time.at !== step) time.at = step;
    const tokens = tokensOf(this.real, text);
    const names = labelsOf(this.real, tokens);
    const now = this.matrixNow;
    const { matrix, place, frame, cell, start } = now;
    const laid = `${drawn} ${drawn === "whole" ? "" : matrix} ${names}`;
    if (this.laid !== laid) {
      this.laid = laid;
      for (const [name, section] of Object.entries(sections)) section.hidden = name !== drawn;
      if (drawn === "matrix") {
        this.what.textContent = describe(matrix);
        views.matrix.lay(place, namesOf(matrix, place.rows).rows);
      } else if (drawn === "heads") views.heads.lay(names);
      else views[drawn].lay();
      line.lay();
    }
    line.paint(this.run.losses.slice(0, last), this.means, step);
    const loss = step
      ? `loss ${written(this.run.losses[step - 1] ?? NaN, 4)}, mean of the last ` +
        `${Math.min(step, 100)} ${written(this.means[step - 1], 3)}`
      : "nothing has been learned";
    let said = "";
    if (drawn === "heads") {
      views.heads.paint(attentionAt(frame, tokens), names);
      ({ said } = views.heads);
    } else if (drawn === "map")
      views.map.paint(
        axes ? mapped(frame, PLACES.wte, axes) : null,
        axes ? shareAlong(frame, PLACES.wte, axes) : 0,
      );
    else {
      if (drawn === "matrix") views.matrix.paint(now);
      else {
        const most = largest.most[this.kind];
        views.whole.paint({ frame, start, most, looked: cell && { matrix, ...cell } });
      }
      const { low, high } = rangeOf(frame, place);
      said = `${matrix} has numbers from ${written(low)} to ${written(high)}.`;
    }
    this.summary(`After step ${many.format(step)}: ${loss}. ${said}`.trim());
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
    this.samples.replaceChildren(...samples.flatMap((one) => [sampleOf(one), " "]));
    this.counts.textContent = `Of ${SAMPLES}: ${countedMarks(samples)}.`;
    for (const opened of this.querySelectorAll(".mg-table[open]"))
      opened.dispatchEvent(new Event("toggle"));
  }
}

define("mg-weights", MgWeights);
