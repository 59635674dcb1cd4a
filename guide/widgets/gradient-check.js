// <mg-gradient-check>: the gradient of rung 1's first step in two ways, one dot a parameter:
// across by the chain rule, up by nudging. The chain rule can be broken on purpose.

import { loadNames } from "../js/figures/dataset.js";
import { html, renew, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField, wholeField } from "../js/kit/state.js";
import { ticks, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { BREAKS, checkOf, LIMIT, power } from "../js/figures/gradients/gradient-dots.js";
import { fitted, legend, Plane } from "../js/figures/gradients/plane.js";
import { RungOne } from "../js/figures/rungs/rung-one.js";

/** @typedef {NonNullable<Awaited<ReturnType<typeof checkOf>>>} Found */

const LEAST = -14; // the power of ten that smaller differences are drawn at, 0 too
const DOTS = { 1: "all 3,184", 17: "every 17th" };

class MgGradientCheck extends Widget {
  fields = {
    nudge: wholeField(-5, -12, -1),
    every: choiceField("17", Object.keys(DOTS)),
    broken: choiceField("none", Object.keys(BREAKS)),
  };
  both = new Plane({
    label: "A dot for each parameter: gradient by the chain rule across, by nudging upwards",
    x: { low: -1, high: 1 },
    y: { low: -1, high: 1 },
    xLabel: "by the chain rule",
    yLabel: "by nudging",
    height: 360,
    low: 230,
  });
  apart = new Plane({
    label: "A dot for each parameter: how far its two gradients are apart, by powers of ten",
    x: { low: 0, high: 1 },
    y: { low: LEAST, high: 0 },
    xLabel: "parameters, matrix by matrix",
    yLabel: "difference",
    height: 360,
    low: 230,
    marks: { x: [], y: [-14, -12, -10, -8, -6, -4, -2, 0] },
  });
  verdict = html("p", { class: "net-big" });
  /** @private */ run = /** @type {RungOne | null} */ (null);
  /** @private */ found = /** @type {Found} */ ({ points: [], worst: 0 });
  /** @private a check that is overtaken stops */ round = 0;

  build() {
    const { both, apart } = this;
    apart.ticked.y = (t) => (t === LEAST ? "≤ 10⁻¹⁴" : power(10 ** t));
    const colours = Object.entries(MATRICES).map(([name, colour]) => ({
      class: `check-key mg-series-${colour}`,
      name,
      mark: /** @type {const} */ ("dot"),
    }));
    const equal = { class: "net-diagonal", name: "where both are the same" };
    const boxes = [both, apart].map(({ picture }) => html("div", {}, picture));
    const figure = this.figure(
      [legend([...colours, equal]), html("div", { class: "plane-pair" }, ...boxes)],
      {
        controls: [
          this.menu("broken", { label: "Chain rule", options: BREAKS }),
          this.menu("every", { label: "Dots", options: DOTS }),
          this.knob("nudge", { label: "Nudge: 10 to the power", slider: true }),
          this.verdict,
        ],
      },
    );
    for (const plane of [both, apart]) fitted(this, plane, () => this.draw());
    return [figure, tableOf("The dots farthest from the diagonal", () => this.tabled())];
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
    this.draw();
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
  draw() {
    const { both, apart } = this;
    const { points } = this.found;
    if (!points.length) return;
    const most = Math.max(
      1e-12,
      ...points.flatMap(({ analytic, numerical }) => [Math.abs(analytic), Math.abs(numerical)]),
    );
    const end = roundEnd(most);
    Object.assign(both, { x: { low: -end, high: end }, y: { low: -end, high: end } });
    both.draw([
      both.line(0, 0, 1, "net-diagonal"),
      ...specks(points, (p) => [both.px(p.analytic), both.py(p.numerical)]),
    ]);
    apart.x = { low: 0, high: points.length };
    const height = (/** @type {Found["points"][number]} */ p) =>
      Math.max(LEAST, Math.log10(Math.abs(p.numerical - p.analytic)));
    const names = Object.keys(MATRICES).map((matrix) => {
      const places = points.flatMap((p, i) => (matrixOf(p) === matrix ? [i] : []));
      const x = apart.px((places[0] + places[places.length - 1] + 1) / 2);
      const y = apart.height - 24;
      return svg("text", { class: "mg-label", x, y, "text-anchor": "middle" }, matrix);
    });
    apart.draw([
      ...names,
      ...specks(points, (p, i) => [apart.px(i + 0.5), apart.py(height(p))]),
      svg("line", {
        class: "check-limit",
        x1: apart.px(0),
        x2: apart.px(points.length),
        y1: apart.py(Math.log10(LIMIT)),
        y2: apart.py(Math.log10(LIMIT)),
      }),
      svg(
        "text",
        {
          class: "mg-label mg-halo",
          x: apart.px(points.length) - 4,
          y: apart.py(Math.log10(LIMIT)) - 7,
          "text-anchor": "end",
        },
        `the limit, ${power(LIMIT)}`,
      ),
    ]);
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

/** Matrices in the order of their parameters, and the colour of each. */
const MATRICES = /** @type {const} */ ({ wte: 0, fc1: 1, fc2: 3 });

/** @param {{name: string}} point */
const matrixOf = ({ name }) => /** @type {keyof typeof MATRICES} */ (name.split("[")[0]);

/** A round number that is not below x, for the end of an axis. @param {number} x */
function roundEnd(x) {
  const step = ticks(0, x, 3)[1] ?? x;
  return step * Math.ceil(x / step - 1e-9);
}

/**
 * Dots, a colour for each matrix.
 * @param {Found["points"]} points
 * @param {(point: Found["points"][number], i: number) => [number, number]} spot
 */
const specks = (points, spot) =>
  Object.entries(MATRICES).map(([matrix, colour]) =>
    svg("path", {
      class: `mg-dots check-dots mg-series-${colour}`,
      d: points
        .map((point, i) => (matrixOf(point) === matrix ? spot(point, i) : null))
        .filter((at) => at !== null)
        .map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`)
        .join(""),
    }),
  );

define("mg-gradient-check", MgGradientCheck);
