// <mg-adam-steps>: Adam's code, line by line, beside its sums for one parameter of the real run.

import { makeConfig } from "../js/config.js";
import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/number.js";
import { choiceField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { adamSteps, loadTraces, PICKS, TRACED } from "../js/figures/runs/gradient-trace.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
import { menu } from "../js/figures/parts.js";

/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */
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
    what: "made up for the start at 0",
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

class MgAdamSteps extends StatefulElement {
  async build() {
    const traces = await loadTraces();
    if (!this.isConnected || this.traces) return;
    this.traces = traces;
    this.whenLeaving(() => (this.traces = undefined));
    const state = this.stateOf("adam-steps", {
      t: wholeField(1, 1, TRACED),
      of: choiceField("query", Object.keys(PICKS)),
      line: wholeField(1, 1, LINES.length),
    });
    this.pick = menu(
      this,
      "Parameter",
      Object.entries(PICKS).map(([key, { name }]) => /** @type {[string, string]} */ ([key, name])),
      (of) => state.set({ of }),
    );
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Adam", pace: 1800 })
    );
    this.stepper.steps = LINES.map(({ what }) => what);
    this.listen(this.stepper, "mg-step", ({ detail }) => state.set({ line: detail.at + 1 }));
    this.list = html("ol", { class: "train-code" });
    this.told = html("p", {});
    this.replaceChildren(
      html("div", { class: "mg-row" }, this.pick.whole),
      this.knob(state, "t", { label: "Step of the run", digits: 0, slider: true, whole: true }),
      this.stepper,
      this.list,
      this.told,
      this.tools(state),
    );
    this.show();
  }

  show() {
    const { traces, state, list, stepper } = this;
    if (!traces || !state || !list || !stepper || !this.pick) return;
    const { t, of, line } = state.values;
    this.pick.select.value = of;
    if (stepper.at !== line - 1) stepper.at = line - 1;
    const all = adamSteps(traces[of], { beta1, beta2, eps });
    const now = all[t - 1];
    renew(
      list,
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
      `Step ${t}, ${PICKS[of].name}. Line ${line}, ${LINES[line - 1].what}: ` +
        `${LINES[line - 1].sum(now)}.`,
    );
  }
}

define("mg-adam-steps", MgAdamSteps);
