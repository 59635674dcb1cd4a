// <mg-layers>: one to six layers stacked, how the loss of such models falls over eight runs
// each, at the same width or with as many parameters, and a further run of them, trained in the
// page.

import { loadNames } from "../js/figures/dataset.js";
import { fetched } from "../js/figures/fetched.js";
import {
  curves,
  GAPS,
  gaps,
  ground,
  layersAt,
  markAt,
  MOST,
  PLOT,
  rowOf,
  sentence,
  STACK,
  stack,
  band,
  difference,
  verdict,
} from "../js/figures/runs/layer-curves.js";
import { LiveRun, orderFor } from "../js/figures/runs/live-run.js";
import { pageKernel } from "../js/figures/runs/run-view.js";
import { measuring } from "../js/figures/trained/unseen.js";
import { html, setText, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { redraw } from "../js/kit/shapes.js";
import { choiceField, wholeField } from "../js/kit/state.js";
import { counted, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { Random } from "../js/random.js";
import { Tokenizer } from "../js/tokenizer.js";
import { recorded } from "../js/training-run.js";

/** @typedef {import("../js/figures/runs/layer-curves.js").Layers} Layers */
/** @typedef {import("../js/figures/runs/layer-curves.js").Now} Now */
/** @typedef {import("../js/figures/runs/layer-curves.js").Own} Own */

const FIRST = { layers: 3, at: 10 };

class MgLayers extends Widget {
  fields = {
    by: choiceField("steps", ["steps", "parameters"]),
    layers: wholeField(FIRST.layers, 1, MOST),
    at: wholeField(FIRST.at, 1, 10),
  };
  data = /** @type {Layers} */ ({});
  run = new LiveRun(() => this.guard(() => this.trained()));
  /** Runs of this page by their shape. @type {Map<string, Own[]>} */ owns = new Map();
  /** @private how many recordings of the run were measured, or are */ taken = 0;
  /** @private which shape trains */ shape = "";
  tower = svg(
    "svg",
    box(STACK, "layers-stack", "The stack: a click on a place stacks up to there"),
  );
  still = svg("g");
  moving = svg("g");
  plot = svg(
    "svg",
    box(PLOT, "layers-plot", "How the loss falls: bands of eight runs, their means as lines"),
    this.still,
    this.moving,
  );
  apart = svg("svg", box(GAPS, "layers-gaps", "How far each stack lies from one layer"));
  told = html("p", { class: "mg-note layers-live" });

  async load() {
    const answer = await fetched(new URL("../data/layers.json", import.meta.url));
    this.data = await answer.json();
  }

  build() {
    this.whenLeaving(() => this.run.close());
    redraw(this.still, ground(this.data));
    this.point();
    this.start = this.button("Train it here", () => this.go(), { control: "train" });
    const by = this.choices("by", "What is equal", {
      steps: "Same width",
      parameters: "Same parameters",
    });
    const three = html(
      "div",
      { class: "layers-three" },
      this.tower,
      html("div", {}, this.plot),
      this.apart,
    );
    return [
      this.figure(three, {
        controls: [this.knob("layers", { label: "Layers" }), by, this.start, this.told],
        more: [this.knob("at", { label: "Read at step, in hundreds", slider: true })],
      }),
      tableOf("The stacks", () => this.asTable()),
    ];
  }

  /** @private */
  point() {
    const spot = (
      /** @type {PointerEvent} */ event,
      /** @type {SVGElement} */ picture,
      size = PLOT,
    ) => {
      const lies = picture.getBoundingClientRect();
      return {
        x: ((event.clientX - lies.left) * size.width) / lies.width,
        y: ((event.clientY - lies.top) * size.height) / lies.height,
      };
    };
    this.listen(this.tower, "click", (event) =>
      this.set({ layers: layersAt(spot(event, this.tower, STACK).y) }),
    );
    this.listen(this.apart, "click", (event) =>
      this.set({ layers: rowOf(spot(event, this.apart, GAPS).y) }),
    );
    let isHeld = false;
    const move = (/** @type {PointerEvent} */ event) =>
      this.set({ at: markAt(this.data, spot(event, this.plot).x) });
    this.listen(this.plot, "pointerdown", (event) => {
      if (event.button !== 0) return;
      isHeld = true;
      this.plot.setPointerCapture(event.pointerId);
      move(event);
    });
    this.listen(this.plot, "pointermove", (event) => {
      if (isHeld) move(event);
    });
    this.listen(this.plot, "pointerup pointercancel", () => (isHeld = false));
  }

  /** @private @returns {Now} */
  get now() {
    const { by, layers, at } = this.values;
    return { by: /** @type {Now["by"]} */ (by), layers, at };
  }

  /** @private */
  get key() {
    return `${this.values.by} ${this.values.layers}`;
  }

  reset() {
    this.run.drop();
    this.owns.clear();
    this.shape = "";
    super.reset();
  }

  /** Starts a run of the chosen stack with a seed that none has had, or pauses it. @private */
  async go() {
    const { run } = this;
    if (run.busy) return run.pause();
    if (run.status === "paused" && this.shape === this.key) return run.resume();
    const { by, layers } = this.now;
    const { width, heads } = this.data[by][layers - 1];
    const { docs } = await loadNames();
    if (!this.isConnected) return undefined;
    const own = this.owns.get(this.key) ?? [];
    const seed =
      Math.max(...this.data.seeds.filter((one) => one < 42), ...own.map((o) => o.seed)) + 1;
    this.owns.set(this.key, [...own, { seed, losses: [] }]);
    this.shape = this.key;
    this.taken = 0;
    const config = { n_layer: layers, n_embd: width, n_head: heads };
    run.start({ docs, config, seed, recordEvery: this.data.every, dtype: "float64" });
    return this.show();
  }

  /** Measures what has been recorded, one after the other. @private */
  async trained() {
    this.show();
    const { run } = this;
    if (this.taken < 0 || this.taken >= run.recordings.length) return;
    const { id } = run;
    const at = this.taken;
    this.taken = -1; // one at a time
    const loss = await this.lossOf(run.recordings[at].weights);
    if (id !== run.id || !this.isConnected) return;
    this.owns.get(this.shape)?.at(-1)?.losses.push(loss);
    this.taken = at + 1;
    this.guard(() => this.trained());
  }

  /** The loss on the last names of the run's own order. @private @param {Float32Array} weights */
  async lossOf(weights) {
    const [{ docs }, kernel] = await Promise.all([loadNames(), pageKernel()]);
    const { config, seed } = /** @type {NonNullable<LiveRun["run"]>} */ (this.run.run);
    const shuffled = [...docs];
    new Random(seed).shuffle(shuffled);
    const engine = kernel.create({ config, dtype: "float64" });
    try {
      engine.load(recorded(config, weights));
      let loss = NaN;
      const unseen = shuffled.slice(-this.data.unseen);
      for (const { sum, count } of measuring(engine, config, Tokenizer.of(docs), unseen)) {
        loss = sum / count;
        await new Promise((resolve) => setTimeout(resolve));
      }
      return loss;
    } finally {
      engine.close();
    }
  }

  show() {
    const { data, now, run } = this;
    const own = this.owns.get(this.key) ?? [];
    redraw(this.tower, stack(data, now));
    redraw(this.moving, curves(data, now, own));
    redraw(this.apart, gaps(data, now));
    const isHere = this.shape === this.key;
    const order = isHere ? orderFor([run], "Train it here", "Another seed") : "Train it here";
    this.start?.replaceChildren(order);
    const last = own.at(-1);
    const of = isHere && last && run.status !== "done" ? `, step ${counted(run.step)}` : "";
    const trained = last
      ? `Trained here: seed ${last.seed}${of}.`
      : "A further run of 1,000 steps, drawn over these.";
    setText(this.told, run.status === "failed" ? String(run.message) : trained);
    this.toggleAttribute(
      "data-trained",
      own.some(({ losses }) => losses.length === 11),
    );
    this.summary(() => sentence(data, now, own));
  }

  /** @private */
  asTable() {
    const { data } = this;
    const { by, at } = this.now;
    return {
      head: ["layers", "width", "parameters", "mean loss", "lowest", "highest", "against one"],
      rows: data[by].map((kind) => {
        const { means, least, most } = band(kind);
        const gap = difference(data, by, kind.layers, at);
        return [
          kind.layers,
          kind.width,
          counted(kind.parameters),
          ...[means, least, most].map((all) => written(all[at], 3)),
          kind.layers === 1 ? "" : verdict(gap),
        ];
      }),
    };
  }
}

/** @param {{width: number, height: number}} size @param {string} looks @param {string} label */
function box({ width, height }, looks, label) {
  return { class: looks, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label };
}

define("mg-layers", MgLayers);
