// <mg-ladder-losses upto="0">: the recorded loss curves of the six rungs; those up to this rung are
// shown at first, each can be hidden or shown.

import { html, renew } from "../js/kit/dom.js";
import "../js/kit/curve.js";
import { define } from "../js/kit/element.js";
import { line, make, table } from "../js/kit/make.js";
import { textField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { curvesOf, endsOf, floorsOf, loadLadder } from "../js/figures/rungs/ladder.js";

class MgLadderLosses extends Widget {
  fields = {
    shown: textField("012345", 6),
    mean: wholeField(100, 1, 300),
    at: wholeField(1000, 1, 1000),
  };
  ladder = /** @type {import("../js/figures/rungs/ladder.js").Ladder} */ ({});
  curve = make("mg-curve", {
    label: "Losses of the rungs",
    "x-label": "step",
    "y-label": "nats per token",
    digits: 3,
  });
  ends = html("tbody");
  /** @private what the curves were last made for */ drawn = "";

  async load() {
    const upto = this.numberOf("upto", 5);
    this.fields.shown = textField("012345".slice(0, upto + 1), 6);
    this.ladder = await loadLadder();
    this.curve.floors = floorsOf(this.ladder);
  }

  build() {
    this.listen(this.curve, "mg-read", ({ detail }) => this.set({ at: detail.x }));
    this.listen(this.curve, "click", () => {
      if (this.on !== this.values.shown) this.set({ shown: this.on });
    });
    const caption = "Where the runs end, in nats per token";
    return [
      this.curve,
      this.knob("mean", { label: "Mean of the last … losses", slider: true }),
      table(caption, ["run", "last loss", "mean of last 100", "unseen names"], this.ends, {
        caption: html("caption", {}, caption),
        class: "loss-table",
      }),
    ];
  }

  /** Which curves the reader sees. @private */
  get on() {
    return this.curve.series
      .flatMap((one, i) => (/** @type {any} */ (one).on ? [String(i)] : []))
      .join("");
  }

  show() {
    const { ladder, curve } = this;
    const { shown, mean, at } = this.values;
    if (this.drawn !== `${shown} ${mean}`) {
      this.drawn = `${shown} ${mean}`;
      if (this.on !== shown) curve.series = [];
      curve.series = curvesOf(ladder, mean, (rung) => shown.includes(String(rung)));
    }
    if (curve.marker !== at) curve.marker = at;
    const rows = endsOf(ladder).filter(({ rung }) => shown.includes(String(rung)));
    const cells = rows.map(({ rung, last, mean: of100, unseen }) =>
      line(`rung ${rung}`, ...[last, of100, unseen].map((x) => written(x, 3))),
    );
    renew(this.ends, ...cells);
    const told = rows.map(({ rung, unseen }) => `rung ${rung} ${written(unseen, 3)}`).join(", ");
    this.summary(
      told ? `Loss on unseen names after 1,000 steps: ${told}.` : "All curves are hidden.",
    );
  }
}

define("mg-ladder-losses", MgLadderLosses);
