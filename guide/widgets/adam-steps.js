// <mg-adam-steps>: Adam's code, line by line, beside its sums for one parameter of the real run.

import { makeConfig } from "../js/config.js";
import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { choiceField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { Widget } from "../js/kit/widget.js";
import { adamSteps, loadTraces, PICKS, TRACED } from "../js/figures/runs/gradient-trace.js";

/** @typedef {ReturnType<typeof adamSteps>[number]} Step */

const { beta1, beta2, eps } = makeConfig();

/** Up to five digits that count. @param {number} x */
function brief(x) {
  if (x === 0) return "0";
  const text = Math.abs(x) >= 0.001 ? String(Number(x.toPrecision(4))) : x.toExponential(2);
  return text
    .replace(/e-(\d+)$/, " · 10⁻$1")
    .replace(/⁻(\d+)$/, (_, power) => `⁻${[...power].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(d)]).join("")}`)
    .replace("-", "−");
}

/**
 * Code, what it does, and its sum.
 * @type {{code: string, what: string, sum: (s: Step) => string}[]}
 */
const LINES = [
  { code: "param.grad", what: "the gradient of this step", sum: ({ g }) => `g = ${brief(g)}` },
  {
    code: "m[p] = beta1 * m[p] + (1 - beta1) * param.grad",
    what: "running average of the gradient",
    sum: ({ mBefore, g, m }) => `${beta1} × ${brief(mBefore)} + 0.15 × ${brief(g)} = ${brief(m)}`,
  },
  {
    code: "v[p] = beta2 * v[p] + (1 - beta2) * param.grad ** 2",
    what: "running average of its square",
    sum: ({ vBefore, g, v }) =>
      `${beta2} × ${brief(vBefore)} + 0.01 × ${brief(g * g)} = ${brief(v)}`,
  },
  {
    code: "m_hat = m[p] / (1 - beta1 ** (step + 1))",
    what: "corrected for the start at 0",
    sum: ({ m, mHat, t }) => `${brief(m)} / ${brief(1 - beta1 ** t)} = ${brief(mHat)}`,
  },
  {
    code: "v_hat = v[p] / (1 - beta2 ** (step + 1))",
    what: "the same for the square",
    sum: ({ v, vHat, t }) => `${brief(v)} / ${brief(1 - beta2 ** t)} = ${brief(vHat)}`,
  },
  {
    code: "param.data -= lr_t * m_hat / (v_hat ** 0.5 + eps)",
    what: "the step",
    sum: ({ lr, mHat, vHat, before, change, after }) =>
      `${brief(before)} − ${brief(lr)} × ${brief(mHat)} / (${brief(Math.sqrt(vHat))} + ` +
      `${eps.toExponential().replace("e-8", " · 10⁻⁸").replace("1 · ", "")}) = ` +
      `${brief(before)} ${change < 0 ? "−" : "+"} ${brief(Math.abs(change))} = ` +
      `${brief(after)}`,
  },
  { code: "param.grad = 0.0", what: "ready for the next name", sum: () => "g = 0" },
];

class MgAdamSteps extends Widget {
  fields = {
    t: wholeField(1, 1, TRACED),
    of: choiceField("query", Object.keys(PICKS)),
    line: wholeField(1, 1, LINES.length),
  };
  traces = /** @type {Awaited<ReturnType<typeof loadTraces>>} */ ({});
  list = html("ol", { class: "train-code" });
  told = html("p");

  async load() {
    this.traces = await loadTraces();
  }

  build() {
    const steps = make("mg-stepper", { label: "Adam", pace: 1800 });
    steps.steps = LINES.map(({ what }) => what);
    this.listen(steps, "mg-step", ({ detail }) => this.set({ line: detail.at + 1 }));
    this.follow(({ line }) => {
      if (steps.at !== line - 1) steps.at = line - 1;
    });
    return [
      this.menu("of", { label: "Parameter", options: PICKS }),
      this.knob("t", { label: "Step of the run", slider: true }),
      steps,
      this.list,
      this.told,
    ];
  }

  show() {
    const { t, of, line } = this.values;
    const all = adamSteps(this.traces[of], { beta1, beta2, eps });
    const now = all[t - 1];
    renew(
      this.list,
      ...LINES.map(({ code, what, sum }, i) =>
        html(
          "li",
          { "aria-current": i === line - 1 ? "step" : null },
          html("code", {}, code),
          html("span", {}, `${what}: `, html("b", {}, sum(now))),
        ),
      ),
    );
    const share = Math.abs(now.change) / now.lr;
    renew(
      this.told,
      `It moves by ${brief(now.change)}, ${brief(share)} of the learning rate. SGD with the ` +
        `same rate would move it by ${brief(now.sgd)}.`,
    );
    this.summary(
      `Step ${t}, ${PICKS[of].title}. Line ${line}, ${LINES[line - 1].what}: ` +
        `${LINES[line - 1].sum(now)}.`,
    );
  }
}

define("mg-adam-steps", MgAdamSteps);
