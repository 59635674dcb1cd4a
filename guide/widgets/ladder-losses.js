// <mg-ladder-losses upto="0">: the recorded loss curves of the first six rungs; those up to this
// rung are shown at first, each can be hidden or shown. <mg-ladder-losses rungs="57"> has only
// these.

import { tableOf } from "../js/kit/dom.js";
import "../js/kit/curve.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { textField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { curvesOf, endsOf, floorsOf, loadLadder, runsOf } from "../js/figures/rungs/ladder.js";

class MgLadderLosses extends Widget {
  fields = {
    shown: textField("012345", 6),
    mean: wholeField(100, 1, 300),
    at: wholeField(1000, 1, 1000),
  };
  runs = /** @type {import("../js/figures/rungs/ladder.js").Run[]} */ ([]);
  curve = make("mg-curve", {
    label: "Losses of the rungs",
    "x-label": "step",
    "y-label": "nats per token",
    digits: 3,
    height: 290,
    named: true,
  });
  /** @private what the curves were last made for */ drawn = "";

  async load() {
    const all = this.getAttribute("rungs") ?? "012345";
    const upto = this.numberOf("upto", 9);
    this.fields.shown = textField([...all].filter((rung) => Number(rung) <= upto).join(""), 6);
    const ladder = await loadLadder();
    this.runs = runsOf(ladder, all);
    this.curve.floors = floorsOf(ladder);
  }

  build() {
    this.listen(this.curve, "mg-read", ({ detail }) => this.set({ at: detail.x }));
    this.listen(this.curve, "click", () => {
      if (this.on !== this.values.shown) this.set({ shown: this.on });
    });
    const mean = this.knob("mean", { label: "Mean of the last … losses", slider: true });
    return [
      this.figure(this.curve, { under: true, controls: [mean] }),
      tableOf("Where the runs end, in nats per token", () => ({
        head: ["run", "last loss", "mean of last 100", "unseen names"],
        rows: this.ends.map(({ rung, last, mean: of100, unseen }) => [
          `rung ${rung}`,
          ...[last, of100, unseen].map((x) => written(x, 3)),
        ]),
      })),
    ];
  }

  /** Where the curves that are shown end. @private */
  get ends() {
    const { shown } = this.values;
    return endsOf({ rungs: this.runs }).filter(({ rung }) => shown.includes(String(rung)));
  }

  /** Which curves the reader sees. @private */
  get on() {
    return this.curve.series
      .flatMap((one, i) => (/** @type {any} */ (one).on ? [String(this.runs[i].rung)] : []))
      .join("");
  }

  show() {
    const { runs: rungs, curve } = this;
    const { shown, mean, at } = this.values;
    if (this.drawn !== `${shown} ${mean}`) {
      this.drawn = `${shown} ${mean}`;
      if (this.on !== shown) curve.series = [];
      curve.series = curvesOf({ rungs }, mean, (rung) => shown.includes(String(rung)));
    }
    if (curve.marker !== at) curve.marker = at;
    const told = this.ends
      .map(({ rung, unseen }) => `rung ${rung} ${written(unseen, 3)}`)
      .join(", ");
    this.summary(
      told ? `Loss on unseen names after 1,000 steps: ${told}.` : "All curves are hidden.",
    );
  }
}

define("mg-ladder-losses", MgLadderLosses);
