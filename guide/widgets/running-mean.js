// <mg-running-mean>: the noisy gradient of one real parameter, and its running average for any β.

import "../js/kit/curve.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { choiceField, flagField, numberField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { loadTraces, PICKS, TRACED } from "../js/figures/runs/gradient-trace.js";
import { runningAverage } from "../js/numbers/optimizers.js";

class MgRunningMean extends Widget {
  fields = {
    beta: numberField(0.85, 0, 0.999),
    of: choiceField("query", Object.keys(PICKS)),
    raw: flagField(false),
  };
  traces = /** @type {Awaited<ReturnType<typeof loadTraces>>} */ ({});
  curve = make("mg-curve", {
    label: "A gradient and its running average",
    "x-label": "step",
    "y-label": "gradient",
    digits: 4,
    height: 340,
  });

  async load() {
    this.traces = await loadTraces();
  }

  build() {
    return [
      this.figure(this.curve, {
        controls: [
          this.knob("beta", { label: "β", step: 0.01, digits: 3, slider: true }),
          this.menu("of", { label: "Gradient of", options: PICKS }),
          this.toggle("raw", "Without the correction"),
        ],
      }),
    ];
  }

  show() {
    const { curve } = this;
    const { beta, of, raw } = this.values;
    const { grads } = this.traces[of];
    const mean = runningAverage(grads, beta);
    curve.series = [
      { name: "gradient of the step", values: grads, kind: "dots" },
      { name: `running average (β = ${written(beta, 3)})`, values: mean.corrected },
      ...(raw ? [{ name: "without the correction", values: mean.raw }] : []),
    ];
    const spread = (/** @type {number[]} */ all) =>
      Math.sqrt(all.reduce((a, x) => a + x * x, 0) / all.length);
    const memory = beta < 1 ? 1 / (1 - beta) : Infinity;
    this.summary(
      `${TRACED} steps of the real run, ${PICKS[of].title}: typical size of the gradient ` +
        `${written(spread(grads), 4)}, of its average ` +
        `${written(spread(mean.corrected), 4)} with β = ${written(beta, 3)}. It remembers about ` +
        `${written(memory, memory < 10 ? 1 : 0)} steps.`,
    );
  }
}

define("mg-running-mean", MgRunningMean);
