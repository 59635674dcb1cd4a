// <mg-gradient-check>: the gradient of rung 1's first step in two ways, one dot a parameter:
// across by the chain rule, up by nudging. The chain rule can be broken on purpose.

import { loadNames } from "../js/figures/dataset.js";
import { html, renew, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { BREAKS, checkOf, LIMIT, power } from "../js/figures/gradients/gradient-dots.js";
import { RungOne } from "../js/figures/rungs/rung-one.js";

/** @typedef {NonNullable<Awaited<ReturnType<typeof checkOf>>>} Found */

const SIZE = { side: 360, edge: 52 };
const DOTS = { 1: "all 3,184", 17: "every 17th parameter, as in the program" };

class MgGradientCheck extends Widget {
  fields = {
    nudge: wholeField(-5, -12, -1),
    every: choiceField("17", Object.keys(DOTS)),
    broken: choiceField("none", Object.keys(BREAKS)),
  };
  plot = html("div");
  verdict = html("p", { class: "net-big" });
  /** @private */ run = /** @type {RungOne | null} */ (null);
  /** @private */ found = /** @type {Found} */ ({ points: [], worst: 0 });
  /** @private a check that is overtaken stops */ round = 0;

  build() {
    return [
      this.menu("every", { label: "Dots", options: DOTS }),
      this.menu("broken", { label: "Chain rule", options: BREAKS }),
      this.knob("nudge", { label: "Nudge: 10 to the power", slider: true }),
      this.verdict,
      this.plot,
      tableOf("The dots farthest from the diagonal", () => this.tabled()),
    ];
  }

  show() {
    this.guard(() => this.check());
  }

  /** @private */
  async check() {
    const { nudge, every, broken } = this.values;
    const mine = ++this.round;
    const isWanted = () => mine === this.round && this.isConnected;
    const { docs } = await loadNames();
    this.run ??= new RungOne(docs);
    const { model } = this.run;
    const tokens = this.run.tokens(0);
    await new Promise((resolve) => setTimeout(resolve, 30)); // a slider that still moves asks again
    if (!isWanted()) return;
    const how = { stride: Number(every), nudge: 10 ** nudge, broken };
    const found = await checkOf(model, tokens, how, isWanted);
    if (!found) return;
    this.found = found;
    renew(this.plot, scatter(found.points));
    renew(
      this.verdict,
      `${found.worst < LIMIT ? "✓ passes" : "✗ fails"}: the largest difference is ` +
        `${power(found.worst)}; the limit is ${power(LIMIT)}`,
    );
    this.summary(
      `First name, “${this.run.docs[0]}”, untrained: ` +
        `${found.points.length.toLocaleString("en")} parameters, nudge ${power(10 ** nudge)}, ` +
        `chain rule ${BREAKS[broken].said}. Largest difference ${power(found.worst)}.`,
    );
  }

  /** @private */
  tabled() {
    const points = [...this.found.points]
      .sort((a, b) => Math.abs(b.numerical - b.analytic) - Math.abs(a.numerical - a.analytic))
      .slice(0, 30);
    return {
      head: ["parameter", "chain rule", "nudge", "difference"],
      rows: points.map((p) => [
        p.name,
        written(p.analytic, 9),
        written(p.numerical, 9),
        power(Math.abs(p.numerical - p.analytic)),
      ]),
    };
  }
}

/** @param {{analytic: number, numerical: number}[]} points */
function scatter(points) {
  const most = Math.max(
    1e-12,
    ...points.map((p) => Math.max(Math.abs(p.analytic), Math.abs(p.numerical))),
  );
  const { side, edge } = SIZE;
  const at = (/** @type {number} */ v) => ((v / most + 1) / 2) * (side - edge - 12);
  const [x, y] = [
    (/** @type {number} */ v) => edge + at(v),
    (/** @type {number} */ v) => side - edge - at(v),
  ];
  const specks = points
    .map((p) => `M${x(p.analytic).toFixed(1)} ${y(p.numerical).toFixed(1)}h0`)
    .join("");
  const label = (
    /** @type {number} */ left,
    /** @type {number} */ top,
    /** @type {string} */ text,
    /** @type {Record<string, string>} */ more = {},
  ) => svg("text", { class: "mg-label", x: left, y: top, "text-anchor": "middle", ...more }, text);
  const middle = (side - edge) / 2;
  return svg(
    "svg",
    {
      class: "net-picture",
      viewBox: `0 0 ${side} ${side}`,
      role: "img",
      "aria-label":
        `${points.length} dots: gradient by the chain rule across, by nudging upwards. Dots on ` +
        "the diagonal agree.",
    },
    svg("line", { class: "net-axis", x1: edge, x2: side - 12, y1: side - edge, y2: side - edge }),
    svg("line", { class: "net-axis", x1: edge, x2: edge, y1: 12, y2: side - edge }),
    svg("line", { class: "net-diagonal", x1: x(-most), y1: y(-most), x2: x(most), y2: y(most) }),
    svg("path", { class: "net-speck", d: specks }),
    ...[-most, 0, most].flatMap((v) => [
      label(Math.min(x(v), side - 26), side - edge + 17, written(v, 3)),
      label(edge - 6, y(v) + 4, written(v, 3), { "text-anchor": "end" }),
    ]),
    label((side + edge) / 2, side - 14, "by the chain rule"),
    label(12, middle, "by nudging", { transform: `rotate(-90 12 ${middle})` }),
  );
}

define("mg-gradient-check", MgGradientCheck);
