// <mg-heads-help>: two tasks on which attention, and several heads, help or don't: recorded curves
// of twelve seeds, and a pair of runs here with the reader's own.

import { MicrogptError } from "../js/errors.js";
import { html, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { redraw } from "../js/kit/shapes.js";
import { setLine } from "../js/kit/steady.js";
import { counted, written } from "../js/kit/text.js";
import { seedField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { Tokenizer } from "../js/tokenizer.js";
import { LiveRun } from "../js/figures/runs/live-run.js";
import { fetched } from "../js/figures/fetched.js";
import { NAMES, panel, PANELS, sentence, sizeOf } from "../js/figures/networks/heads-help.js";
import { BATCH, documents, lastLoss, STEPS, TRAIN } from "../js/figures/networks/heads-tasks.js";
import { onWidth } from "../js/figures/networks/number-line.js";

/** @typedef {import("../js/figures/networks/heads-help.js").TaskName} TaskName */

const TASKS = /** @type {const} */ (["last", "order"]);
const LIVE = ["1", "4"]; // heads
const MEASURED = 200; // documents; all of them would hold up the page

class MgHeadsHelp extends Widget {
  heads = /** @type {import("../js/figures/networks/heads-help.js").Heads} */ ({});
  pictures = TASKS.map((name) =>
    svg("svg", {
      class: "heads-picture",
      role: "img",
      "aria-label": `Losses: ${PANELS[name].title}`,
    }),
  );

  fields = { seed: seedField(13) };
  /** @private one for each number of heads */ runs = LIVE.map(
    () => new LiveRun(() => this.guard(() => this.follows())),
  );
  /** @private where they ended @type {Record<string, number>} */ own = {};
  /** @private for which seed */ trained = NaN;
  told = html("p", { class: "mg-note", role: "status" });

  async load() {
    const answer = await fetched(new URL("../data/heads.json", import.meta.url));
    this.heads = await answer.json();
  }

  build() {
    this.whenLeaving(() => {
      for (const run of this.runs) run.close();
    });
    const train = this.button("Train one and four heads here", () => this.train());
    const seed = this.knob("seed", { label: "with seed" });
    const boxes = this.pictures.map((one) => html("div", {}, one));
    const two = html("div", { class: "heads-two" }, ...boxes);
    onWidth(this, boxes[0], () => this.show());
    const note = html(
      "p",
      { class: "mg-note" },
      "Lines: means over the seeds. Bands: two standard errors. Dots: where each run ended.",
    );
    return [
      this.figure(two, { under: true, controls: [train, seed, this.told, note] }),
      tableOf("Where the runs end", () => this.asTable()),
    ];
  }

  /** The reader's runs that have been measured. @private */
  get seen() {
    return Object.fromEntries(Object.entries(this.own).filter(([, loss]) => loss >= 0));
  }

  /** Both runs with the reader's seed, at once. @private */
  train() {
    const docs = documents("order").slice(0, TRAIN);
    const { seed } = this.values;
    this.own = {};
    this.trained = seed;
    LIVE.forEach((key, i) => {
      const config = { n_head: Number(key), steps: STEPS.order };
      this.runs[i].start({ docs, config, seed, batchSize: BATCH, samples: 0 });
    });
    this.update();
  }

  /** What has come of the runs so far. @private */
  follows() {
    LIVE.forEach((key, i) => {
      const run = this.runs[i];
      if (run.status !== "done" || key in this.own) return;
      this.own[key] = NaN; // being measured
      const { trained } = this;
      run.state().then(
        ({ config, uchars, state }) => {
          if (trained !== this.trained) return;
          const docs = documents("order").slice(TRAIN, TRAIN + MEASURED);
          this.own[key] = lastLoss(config, state.weights, new Tokenizer(uchars), docs);
          this.guard(() => this.update());
        },
        (error) => {
          if (!(error instanceof MicrogptError)) this.fail(error); // it was restarted meanwhile
        },
      );
    });
    this.say();
  }

  /** @private */
  say() {
    const { own, runs, trained } = this;
    const wrong = runs.find(({ status }) => status === "failed");
    const ended = LIVE.filter((key) => own[key] >= 0).map(
      (key) => `${NAMES[key]} ${written(own[key])}`,
    );
    const steps = Math.min(...runs.map(({ losses }) => losses.length));
    const text = wrong
      ? (wrong.message ?? "")
      : ended.length === LIVE.length
        ? `Seed ${trained} ended at ${ended.join(", ")} (rings).`
        : runs.some(({ busy }) => busy)
          ? `Step ${counted(steps)} of ${counted(STEPS.order)}.`
          : "";
    setLine(this.told, text);
  }

  reset() {
    for (const run of this.runs) run.drop();
    this.own = {};
    this.trained = NaN;
    super.reset();
  }

  show() {
    const width = Math.round(this.pictures[0].parentElement?.clientWidth || 500);
    TASKS.forEach((name, i) => {
      const { height } = sizeOf(width);
      this.pictures[i].setAttribute("viewBox", `0 0 ${width} ${height}`);
      redraw(
        this.pictures[i],
        panel(this.heads[name], name, width, name === "order" ? this.seen : {}),
      );
    });
    this.say();
    this.summary(() => sentence(this.heads));
  }

  /** @private */
  asTable() {
    return {
      head: ["task", "model", "parameters", "loss", "2 standard errors", "right"],
      rows: TASKS.flatMap((name) =>
        Object.entries(this.heads[name].runs).map(([key, { parameters, mean, twice, right }]) => [
          PANELS[name].title,
          NAMES[key],
          parameters,
          written(mean.at(-1) ?? NaN, 3),
          written(twice.at(-1) ?? NaN, 3),
          `${written(100 * right, 1)} %`,
        ]),
      ),
    };
  }
}

define("mg-heads-help", MgHeadsHelp);
