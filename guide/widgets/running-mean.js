// <mg-running-mean>: the noisy gradient of one real parameter, and its running average for any β.

import "../js/kit/curve.js";
import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/number.js";
import { choiceField, flagField, numberField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { loadTraces, PICKS, TRACED } from "../js/figures/runs/gradient-trace.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
import { actor, menu } from "../js/figures/parts.js";
import { runningAverage } from "../js/numbers/optimizers.js";

/** @typedef {import("../js/kit/curve.js").MgCurve} MgCurve */

class MgRunningMean extends StatefulElement {
  async build() {
    const traces = await loadTraces();
    if (!this.isConnected || this.traces) return;
    this.traces = traces;
    this.whenLeaving(() => (this.traces = undefined));
    const state = this.stateOf("running-mean", {
      beta: numberField(0.85, 0, 0.999),
      of: choiceField("query", Object.keys(PICKS)),
      raw: flagField(false),
    });
    this.pick = menu(
      this,
      "Gradient of",
      Object.entries(PICKS).map(([key, { name }]) => /** @type {[string, string]} */ ([key, name])),
      (of) => state.set({ of }),
    );
    this.raw = actor(this, "Without the correction", () => state.set({ raw: !state.values.raw }), {
      class: "mg-button net-chosen",
      "aria-pressed": "false",
    });
    this.curve = /** @type {MgCurve} */ (
      html(/** @type {any} */ ("mg-curve"), {
        label: "A gradient and its running average",
        "x-label": "step",
        "y-label": "gradient",
        digits: 4,
      })
    );
    this.replaceChildren(
      html("div", { class: "mg-row" }, this.pick.whole, this.raw),
      this.knob(state, "beta", { label: "β", step: 0.01, digits: 3, slider: true }),
      this.curve,
      this.tools(state),
    );
    this.show();
  }

  show() {
    const { traces, state, curve } = this;
    if (!traces || !state || !curve || !this.pick) return;
    const { beta, of, raw } = state.values;
    this.pick.select.value = of;
    this.raw?.setAttribute("aria-pressed", String(raw));
    const { grads } = traces[of];
    const mean = runningAverage(grads, beta);
    curve.floors = [{ name: "zero", y: 0 }];
    curve.series = [
      { name: "gradient of the step", values: grads, kind: "dots" },
      { name: `running average, β ${written(beta, 3)}`, values: mean.corrected },
      ...(raw ? [{ name: "without the correction", values: mean.raw }] : []),
    ];
    const spread = (/** @type {number[]} */ all) =>
      Math.sqrt(all.reduce((a, x) => a + x * x, 0) / all.length);
    const memory = beta < 1 ? 1 / (1 - beta) : Infinity;
    this.summary(
      `${TRACED} steps of the real run, ${PICKS[of].name}: typical size of the gradient ` +
        `${written(spread(grads), 4)}, of its average with β ${written(beta, 3)} ` +
        `${written(spread(mean.corrected), 4)}. It remembers about ` +
        `${written(memory, memory < 10 ? 1 : 0)} steps.`,
    );
  }
}

define("mg-running-mean", MgRunningMean);
