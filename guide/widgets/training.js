// <mg-training>: a training step as four pictures in a circle, at seven steps of the guide's run,
// with the losses of the run and what the model writes at that point.

import { fetched } from "../js/figures/fetched.js";
import {
  losses,
  marks,
  MOVES,
  nearestMark,
  PANEL,
  panel,
  RUN,
  sentence,
  SHORT_RUN,
} from "../js/figures/runs/step-drawing.js";
import { html, setAll, setText, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { redraw } from "../js/kit/shapes.js";
import { wholeField } from "../js/kit/state.js";
import { counted, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";

/** @typedef {import("../js/figures/runs/step-drawing.js").Steps} Steps */

const NARROW = 600; // px of the figure

class MgTraining extends Widget {
  fields = { at: wholeField(4, 0, 6), move: wholeField(0, 0, 4) };
  data = /** @type {Steps} */ ({});
  panels = MOVES.map((name, i) =>
    svg("svg", {
      class: `step-panel step-${i + 1}`,
      viewBox: `0 0 ${PANEL.width} ${PANEL.height}`,
      role: "img",
      "aria-label": `Move ${i + 1} of the step: ${name}`,
    }),
  );
  still = svg("g");
  moving = svg("g");
  run = svg(
    "svg",
    {
      class: "step-run",
      role: "img",
      "aria-label": "The losses of the run, with seven marked steps",
    },
    this.still,
    this.moving,
  );
  writes = html("p", { class: "step-writes" });
  /** @private */ isNarrow = false;

  async load() {
    const answer = await fetched(new URL("../data/steps.json", import.meta.url));
    this.data = await answer.json();
  }

  build() {
    this.isNarrow = this.clientWidth < NARROW;
    const watcher = new ResizeObserver(() => {
      const isNarrow = this.clientWidth < NARROW;
      if (!this.clientWidth || isNarrow === this.isNarrow) return;
      this.isNarrow = isNarrow;
      this.guard(() => this.lay());
    });
    watcher.observe(this);
    this.whenLeaving(() => watcher.disconnect());
    this.panels.forEach((one, i) =>
      this.listen(one, "click", () => this.set({ move: this.values.move === i + 1 ? 0 : i + 1 })),
    );
    this.drag();
    this.lay();
    const steps = this.data.marks.map(({ step }) => counted(step));
    const circle = html("div", { class: "step-circle" }, ...this.panels);
    return [
      this.figure([circle, this.run], {
        controls: [
          html("p", { class: "mg-title" }, "Step"),
          this.choices("at", "Step", steps),
          html("p", { class: "mg-title" }, "Move"),
          this.choices("move", "Move", ["all", ...MOVES]),
          html("p", { class: "mg-title" }, "The model writes, before this step"),
          this.writes,
        ],
      }),
      tableOf("The marked steps", () => this.asTable()),
    ];
  }

  /** @private */
  get size() {
    return this.isNarrow ? SHORT_RUN : RUN;
  }

  /** What doesn't change with the step. @private */
  lay() {
    setAll(this.run, { viewBox: `0 0 ${this.size.width} ${this.size.height}` });
    redraw(this.still, losses(this.data, this.size.width));
    redraw(this.moving, marks(this.data, this.size.width, this.values.at));
  }

  /** @private */
  drag() {
    let isHeld = false;
    const move = (/** @type {PointerEvent} */ event) => {
      const { left, width } = this.run.getBoundingClientRect();
      const x = ((event.clientX - left) * this.size.width) / width;
      this.set({ at: nearestMark(this.data, this.size.width, x) });
    };
    this.listen(this.run, "pointerdown", (event) => {
      if (event.button !== 0) return;
      isHeld = true;
      this.run.setPointerCapture(event.pointerId);
      move(event);
    });
    this.listen(this.run, "pointermove", (event) => {
      if (isHeld) move(event);
    });
    this.listen(this.run, "pointerup pointercancel", () => (isHeld = false));
  }

  show() {
    const { at, move } = this.values;
    const mark = this.data.marks[at];
    this.panels.forEach((one, i) => {
      redraw(one, panel(i, mark));
      setAll(one, { "data-off": move && move !== i + 1 ? "" : null });
    });
    redraw(this.moving, marks(this.data, this.size.width, at));
    setText(this.writes, mark.writes.join(", "));
    this.summary(() => sentence(mark, move));
  }

  /** @private */
  asTable() {
    return {
      head: ["step", "name", "loss", "least likely letter", "the model writes"],
      rows: this.data.marks.map(({ step, name, loss, probs, writes }) => [
        counted(step),
        name,
        written(loss, 4),
        written(Math.min(...probs), 4),
        writes.join(", "),
      ]),
    };
  }
}

define("mg-training", MgTraining);
