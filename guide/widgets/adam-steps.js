// <mg-adam-steps>: Adam's code, line by line, beside its sums for one parameter of the real run.

import { makeConfig } from "../js/config.js";
import { html, renew, setAll, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { choiceField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { Widget } from "../js/kit/widget.js";
import { ticks, written } from "../js/kit/text.js";
import { dragged, fitted, legend, Plane, widthOf } from "../js/figures/gradients/plane.js";
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

const LEGEND = () =>
  legend([
    { class: "adam-dot", name: "gradient g", mark: "dot" },
    { class: "mg-line mg-series-1", name: "m_hat, its average" },
    { class: "adam-band", name: "± √v_hat, its usual size", mark: "box" },
  ]);
/** What a sum comes to. @param {string} sum */
const resultOf = (sum) => sum.slice(sum.lastIndexOf(" = ") + 3);

class MgAdamSteps extends Widget {
  fields = {
    t: wholeField(1, 1, TRACED),
    of: choiceField("query", Object.keys(PICKS)),
    line: wholeField(1, 1, LINES.length),
  };
  plane = new Plane({
    label: "The gradient at every step, its running average, and its usual size",
    x: { low: 0, high: TRACED },
    y: { low: -1, high: 1 },
    xLabel: "step of the run",
    yLabel: "gradient",
    height: 190,
    low: 200,
  });
  strip = svg("svg", {
    class: "adam-strip",
    role: "img",
    "aria-label": "The step, measured in learning rates, by Adam and by SGD",
  });
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
    const box = html("div", {}, this.strip);
    dragged(this, this.plane, (x) => this.set({ t: Math.max(1, Math.round(x)) }));
    const figure = this.figure([LEGEND(), this.plane.picture, box, this.list, this.told], {
      controls: [
        this.knob("t", { label: "Step of the run", slider: true }),
        this.menu("of", { label: "Parameter", options: PICKS }),
        steps,
      ],
    });
    this.width = widthOf(this, box, () => this.show());
    fitted(this, this.plane, () => this.show());
    return [figure];
  }

  /** The run of the parameter, with the step at hand. @private @param {Step[]} all */
  drawRun(all) {
    const { plane } = this;
    const { t } = this.values;
    const sizes = all.map(({ g, vHat }) => Math.max(Math.abs(g), Math.sqrt(vHat)));
    const most = Math.max(1e-9, ...sizes);
    const unit = ticks(0, most, 3)[1] ?? most;
    const end = unit * Math.ceil(most / unit - 1e-9);
    plane.y = { low: -end, high: end };
    const place = (/** @type {Step} */ { t }, /** @type {number} */ y) =>
      `${plane.px(t).toFixed(1)} ${plane.py(y).toFixed(1)}`;
    const path = (/** @type {string[]} */ places) => `M${places.join("L")}`;
    const upper = all.map((one) => place(one, Math.sqrt(one.vHat)));
    const lower = all.map((one) => place(one, -Math.sqrt(one.vHat))).reverse();
    const now = all[t - 1];
    const x = plane.px(t);
    plane.draw([
      svg("path", { class: "adam-band", d: `${path([...upper, ...lower])}Z` }),
      svg("line", {
        class: "mg-axis",
        x1: plane.px(0),
        x2: plane.px(TRACED),
        y1: plane.py(0),
        y2: plane.py(0),
      }),
      svg("path", {
        class: "mg-dots mg-series-0",
        d: all.map((one) => `M${place(one, one.g)}h0`).join(""),
      }),
      svg("path", {
        class: "mg-line mg-series-1",
        d: path(all.map((one) => place(one, one.mHat))),
      }),
      svg("line", {
        class: "mg-cursor-line",
        x1: x,
        x2: x,
        y1: plane.py(-end),
        y2: plane.py(end),
      }),
      plane.dot(t, now.g, "plane-now", 8),
    ]);
  }

  /** How far both would go, on one scale that stays. @private @param {Step} now */
  drawStep({ change, sgd, lr }) {
    const wide = this.width?.() ?? 560;
    setAll(this.strip, { viewBox: `0 0 ${wide} 84` });
    const [left, right, end] = [46, wide - 14, 1.5];
    const px = (/** @type {number} */ rates) =>
      left + ((Math.max(-end, Math.min(end, rates)) + end) / (2 * end)) * (right - left);
    const label = (
      /** @type {number} */ x,
      /** @type {number} */ y,
      /** @type {string} */ words,
      anchor = "middle",
    ) => svg("text", { class: "mg-label", x, y, "text-anchor": anchor }, words);
    const lanes = [
      { name: "Adam", far: change / lr, looks: "adam-step" },
      { name: "SGD", far: sgd / lr, looks: "adam-sgd" },
    ];
    renew(
      this.strip,
      label(2, 12, "the step, in learning rates", "start"),
      ...[-1.5, -1, -0.5, 0, 0.5, 1, 1.5].flatMap((t) => [
        svg("line", {
          class: t ? "mg-gridline" : "mg-axis",
          x1: px(t),
          x2: px(t),
          y1: 20,
          y2: 62,
        }),
        label(px(t), 78, written(t, t % 1 ? 1 : 0)),
      ]),
      ...lanes.flatMap(({ name, far, looks }, i) => [
        label(left - 8, 35 + 20 * i, name, "end"),
        svg("rect", {
          class: looks,
          x: Math.min(px(0), px(far)),
          y: 24 + 20 * i,
          width: Math.max(1.5, Math.abs(px(far) - px(0))),
          height: 15,
        }),
      ]),
    );
  }

  show() {
    const { t, of, line } = this.values;
    const all = adamSteps(this.traces[of], { beta1, beta2, eps });
    const now = all[t - 1];
    this.drawRun(all);
    this.drawStep(now);
    renew(
      this.list,
      ...LINES.map(({ code, what, sum }, i) => {
        const isNow = i === line - 1;
        return html(
          "li",
          { "aria-current": isNow ? "step" : null },
          html("code", {}, code),
          html("b", {}, resultOf(sum(now))),
          isNow ? html("span", {}, `${what}: `, html("b", {}, sum(now))) : "",
        );
      }),
    );
    const share = Math.abs(now.change) / now.lr;
    renew(
      this.told,
      `It moves by ${brief(now.change)}, ${brief(share)} times the learning rate. SGD with the ` +
        `same rate would move it by ${brief(now.sgd)}.`,
    );
    this.summary(
      `Step ${t}, ${PICKS[of].title}. Line ${line}, ${LINES[line - 1].what}: ` +
        `${LINES[line - 1].sum(now)}.`,
    );
  }
}

define("mg-adam-steps", MgAdamSteps);
