// <mg-ladder-losses upto="0">: the recorded loss curves of the six rungs; those up to this rung are
// shown at first, each can be hidden or shown.

import { html, renew } from "../js/kit/dom.js";
import "../js/kit/curve.js";
import { define } from "../js/kit/element.js";
import "../js/kit/number.js";
import { textField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { curvesOf, endsOf, loadLadder } from "../js/figures/rungs/ladder.js";
import { StatefulElement } from "../js/figures/stateful-element.js";

/** @typedef {import("../js/kit/curve.js").MgCurve} MgCurve */

class MgLadderLosses extends StatefulElement {
  constructor() {
    super();
    /** @private what the curves were last made for */ this.drawn = "";
    /** @private the rungs in the table */ this.listed = "";
  }

  build() {
    this.guard(async () => {
      const ladder = await loadLadder();
      if (!this.isConnected || "loaded" in this.dataset) return;
      this.guard(() => {
        this.ladder = ladder;
        this.start();
        this.dataset.loaded = "";
        this.show();
      });
    });
  }

  leave() {
    super.leave();
    delete this.dataset.loaded;
  }

  /** @private */
  start() {
    const upto = this.numberOf("upto", 5);
    const initial = [0, 1, 2, 3, 4, 5].filter((rung) => rung <= upto).join("");
    const state = this.stateOf("ladder-losses", {
      shown: textField(initial, 6),
      mean: wholeField(100, 1, 300),
      at: wholeField(1000, 1, 1000),
    });
    this.curve = /** @type {MgCurve} */ (
      html(/** @type {any} */ ("mg-curve"), {
        label: "Losses of the rungs",
        "x-label": "step",
        "y-label": "nats per token",
        digits: 3,
      })
    );
    this.listen(this.curve, "mg-read", ({ detail }) => state.set({ at: detail.x }));
    this.listen(this.curve, "click", () => this.keep());
    this.ends = html("div", { class: "mg-scroll" });
    this.replaceChildren(
      this.curve,
      this.knob(state, "mean", {
        label: "Mean of the last … losses",
        digits: 0,
        slider: true,
        whole: true,
      }),
      this.ends,
      this.tools(state),
    );
  }

  /** Which curves the reader left on goes into the state. @private */
  keep() {
    const { curve, state } = this;
    if (!curve || !state) return;
    const shown = curve.series
      .flatMap((one, i) => (/** @type {any} */ (one).on ? [String(i)] : []))
      .join("");
    if (shown !== state.values.shown) state.set({ shown });
  }

  show() {
    const { state, ladder, curve, ends } = this;
    if (!state || !ladder || !curve || !ends) return;
    const { shown, mean, at } = state.values;
    const key = `${shown} ${mean}`;
    if (this.drawn !== key || !curve.series.length) {
      this.drawn = key;
      const on = curve.series
        .flatMap((one, i) => (/** @type {any} */ (one).on ? [String(i)] : []))
        .join("");
      if (on !== shown) curve.series = [];
      curve.series = curvesOf(ladder, mean, (rung) => shown.includes(String(rung)));
      curve.floors = [
        { name: "guessing among 27", y: ladder.floors.random },
        { name: "counts of the whole list", y: ladder.floors.bigram },
      ];
    }
    if (curve.marker !== at) curve.marker = at;
    if (this.listed === shown && ends.firstChild) return;
    this.listed = shown;
    const rows = endsOf(ladder).filter(({ rung }) => shown.includes(String(rung)));
    renew(
      ends,
      html(
        "table",
        { class: "loss-table" },
        html("caption", {}, "Where the runs end, in nats per token"),
        html(
          "thead",
          {},
          html(
            "tr",
            {},
            ...["run", "last loss", "mean of last 100", "unseen names"].map((head) =>
              html("th", { scope: "col" }, head),
            ),
          ),
        ),
        html(
          "tbody",
          {},
          ...rows.map(({ rung, last, mean: m, unseen }) =>
            html(
              "tr",
              {},
              html("th", { scope: "row" }, `rung ${rung}`),
              ...[last, m, unseen].map((x) => html("td", {}, written(x, 3))),
            ),
          ),
        ),
      ),
    );
    const told = rows.map(({ rung, unseen }) => `rung ${rung} ${written(unseen, 3)}`).join(", ");
    this.summary(
      told ? `Loss on unseen names after 1,000 steps: ${told}.` : "All curves are hidden.",
    );
  }
}

define("mg-ladder-losses", MgLadderLosses);
