// A neuron that grows through four steps, as shapes: wires as wide as their weights, the products
// tip to tip, and what comes out for every input, with the corner that ReLU makes. No DOM.

import { shape } from "../../kit/shapes.js";
import { ticks, written } from "../../kit/text.js";
import { neuron } from "../../numbers/neuron.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/** @typedef {{xs: readonly number[], ws: readonly number[], b: number}} Shown */
/** @typedef {{left: number, y: number, width: number}} Place of a number line */
/**
 * Where everything stands.
 * @typedef {{step: number, isWide: boolean, width: number, height: number, xs: Place[],
 *   ws: Place[], b: Place, wireEnd: number, body: {left: number, top: number, width: number,
 *   rows: number[], foot: number}, graph: {left: number, right: number, top: number,
 *   bottom: number, line: number}}} Plan
 */

export const STEPS = ["1 Add", "2 Weigh", "3 Bend", "4 Many"];
export const FIRST = Object.freeze({ x: 2, w: 1.5, b: -1 });
export const MANY = Object.freeze({ xs: [0.5, -0.3, 1.2], ws: [0.4, 0.7, -0.1], b: 0 });
export const REACH = 5; // of each number that is dragged
export const SUBS = ["₁", "₂", "₃"];
const WIDE = 860; // below, what comes out stands under the rest
const REACHES = [0.5, 1, 2, 5, 10, 20, 50, 100];
const CHAR = 6.3; // px across of a letter of an arrow's label, at most

/** What it shows at first. @param {number} step @returns {Shown} */
export const firstOf = (step) =>
  step === 4 ? MANY : { xs: [FIRST.x], ws: [step === 1 ? 1 : FIRST.w], b: FIRST.b };

/** A factor as it stands in a product. @param {number} v */
export const factor = (v) => (v < 0 ? `(${written(v)})` : written(v));

/** How far the axis of the sum reaches. @param {number[]} sums @param {number} least */
export const reachOf = (sums, least) => {
  const most = Math.max(least, ...sums.map(Math.abs));
  return /** @type {number} */ (REACHES.find((reach) => reach >= most) ?? REACHES.at(-1));
};

/** Sums so far, from 0 on. @param {Shown} shown */
export function partialSums({ xs, ws, b }) {
  const sums = [0];
  for (const p of [...neuron(xs, ws, b).products, b]) sums.push(sums[sums.length - 1] + p);
  return sums;
}

/** What is added to the first product: the others and the bias. @param {Shown} shown */
export const restOf = ({ xs, ws, b }) => neuron([0, ...xs.slice(1)], ws, b).z;

/** The first input at which the neuron turns on, if there is one. @param {Shown} shown */
export const thresholdOf = (shown) => (shown.ws[0] ? -restOf(shown) / shown.ws[0] + 0 : NaN);

/** The bias that puts the corner there. @param {number} at @param {Shown} shown */
export function biasAt(at, shown) {
  const others = restOf(shown) - shown.b;
  const b = -(at * shown.ws[0] + others);
  return Number(Math.max(-REACH, Math.min(REACH, b)).toFixed(4));
}

/** @param {number} step 1 to 4 @param {number} width @returns {Plan} */
export function planOf(step, width) {
  const n = step === 4 ? 3 : 1;
  const each = Array.from({ length: n }, (_, i) => i);
  if (width < WIDE) {
    const half = width / 2;
    const long = half - 38;
    const ys = each.map((i) => 40 + 58 * i);
    const low = 40 + 58 * n;
    const rows = [...each, n].map((i) => low + 60 + 28 * i);
    const foot = rows[n] + 40;
    const bottom = foot + (width < 480 ? 192 : 250);
    return {
      step,
      isWide: false,
      width,
      height: bottom + 40,
      xs: ys.map((y) => ({ left: 12, y, width: long })),
      ws: ys.map((y) => ({ left: half + 22, y, width: long })),
      b: { left: half + 22, y: low, width: long },
      wireEnd: width - 2,
      body: { left: 0, top: low + 32, width, rows, foot },
      graph: { left: 30, right: width - 34, top: foot + 78, bottom, line: width - 12 },
    };
  }
  const ys = n === 1 ? [106] : [46, 106, 166];
  const long = width * 0.15;
  const second = 14 + long + 46;
  const left = second + long + 44;
  const wide = width * 0.26;
  return {
    step,
    isWide: true,
    width,
    height: 338,
    xs: ys.map((y) => ({ left: 14, y, width: long })),
    ws: ys.map((y) => ({ left: second, y, width: long })),
    b: { left: second, y: 226, width: long },
    wireEnd: left,
    body: { left, top: 14, width: wide, rows: [...ys, 226], foot: 296 },
    graph: { left: left + wide + 64, right: width - 46, top: 42, bottom: 284, line: width - 18 },
  };
}

/** What the picture's numbers are between. @param {Plan} plan @param {Shown} shown */
export function scaleOf({ step, body, graph }, shown) {
  const most = reachOf(partialSums(shown), step === 4 ? 0.5 : 10);
  const high = Math.max(most, step === 4 ? 2 : 10);
  const { left, width } = body;
  return {
    reach: most,
    high,
    sum: (/** @type {number} */ v) => left + 28 + ((v + most) / (2 * most)) * (width - 56),
    x: (/** @type {number} */ v) =>
      graph.left + ((v + REACH) / (2 * REACH)) * (graph.right - graph.left),
    y: (/** @type {number} */ v) =>
      graph.bottom - ((v + high) / (2 * high)) * (graph.bottom - graph.top),
    /** @param {number} px */
    back: (px) => ((px - graph.left) / (graph.right - graph.left)) * 2 * REACH - REACH,
  };
}

const round = (/** @type {number} */ v) => Math.round(v * 10) / 10;
/** @param {string} d @param {string} looks */
const path = (d, looks) => shape("path", { class: looks, d });
/**
 * @param {string} words
 * @param {number} x
 * @param {number} y
 * @param {string} [anchor]
 * @param {string} [looks]
 */
const text = (words, x, y, anchor = "middle", looks = "mg-label") =>
  shape("text", { class: looks, x: round(x), y: round(y), "text-anchor": anchor }, words);

/** @param {number} v */
export const signOf = (v) => (v > 0 ? "+" : v < 0 ? "−" : "0");

/** How wide a wire is. @param {number} w */
export const wireOf = (w) => round(1 + 3.2 * Math.abs(w));

/** The wires, under the number lines. @param {Plan} plan @param {Shown} shown @returns {Shape[]} */
export function wires({ step, xs, b, wireEnd, isWide }, { ws }) {
  return [
    ...xs.flatMap(({ left, y, width }, i) => [
      shape("path", {
        class: step === 1 ? "net-axis" : "net-edge net-wire",
        "data-sign": step === 1 ? null : signOf(ws[i]),
        "stroke-width": step === 1 ? null : wireOf(ws[i]),
        d: `M${round(left + width + 14)} ${y}H${round(wireEnd - 8)}`,
      }),
      path(`M${round(wireEnd)} ${y}l-9 -6v12Z`, "net-end"),
    ]),
    path(isWide ? `M${round(b.left + b.width + 14)} ${b.y}H${round(wireEnd - 8)}` : "", "net-axis"),
    path(isWide ? `M${round(wireEnd)} ${b.y}l-9 -6v12Z` : "", "net-end"),
  ];
}

/** What stands still while numbers are dragged. @param {Plan} plan @param {Shown} shown */
export function frame(plan, shown) {
  const { step, body, graph, isWide } = plan;
  const at = scaleOf(plan, shown);
  const marks = ticks(-at.reach, at.reach, 4);
  const highs = ticks(-at.high, at.high, isWide ? 4 : 2);
  const [from, to] = [body.left + 20, body.left + body.width - 20];
  const digits = (/** @type {number[]} */ all) => (all.every(Number.isInteger) ? 0 : 2);
  const { left, right, top, bottom, line } = graph;
  const first = step === 4 ? "x₁" : "x";
  return [
    shape("rect", {
      class: "net-body",
      x: round(body.left) + (isWide ? 0 : 1),
      y: body.top,
      width: round(body.width) - (isWide ? 0 : 2),
      height: body.foot + 32 - body.top,
      rx: 12,
    }),
    path(
      `M${round(from)} ${body.foot}H${round(to)}` +
        marks.map((v) => `M${round(at.sum(v))} ${body.foot - 4}v8`).join(""),
      "net-axis",
    ),
    ...marks.map((v) => text(written(v, digits(marks)), at.sum(v), body.foot + 20)),
    path(highs.map((v) => `M${left} ${round(at.y(v))}H${right}`).join(""), "mg-gridline"),
    ...highs.map((v) => text(written(v, digits(highs)), left - 8, at.y(v) + 4, "end")),
    path(
      `M${left} ${round(at.y(0))}H${right}M${round(at.x(0))} ${top}V${bottom}M${line} ${top}` +
        `V${bottom}${highs.map((v) => `M${line - 4} ${round(at.y(v))}h8`).join("")}`,
      "net-axis",
    ),
    ...[-4, -2, 0, 2, 4].map((x) => text(written(x, 0), at.x(x), bottom + 17)),
    text(`what comes out, for every ${first}`, left, top - 24, "start"),
    text(step === 4 ? "x₁, the other inputs as they are" : "x, the input", at.x(0), bottom + 35),
    isWide
      ? path(
          `M${round(body.left + body.width)} ${body.foot - 44}h22l-9 -6m9 6l-9 6`,
          "net-out-wire",
        )
      : path("", "net-out-wire"),
  ];
}

/**
 * What moves with the numbers; `bend`: how far ReLU has lifted what is below zero, 0 to 1.
 * @param {Plan} plan
 * @param {Shown} shown
 * @param {number} bend
 * @returns {Shape[]}
 */
export function drawn(plan, shown, bend) {
  const at = scaleOf(plan, shown);
  const { step, body, graph } = plan;
  const { xs, ws, b } = shown;
  const { z, a } = neuron(xs, ws, b);
  const sums = partialSums(shown);
  const told = [...xs.map((x, i) => productOf(step, x, ws[i])), `b = ${written(b)}`];
  const out = step > 2 ? z + (a - z) * bend : z;
  const name = step === 1 ? "out" : "z";
  const spot = { x: round(at.x(xs[0])), y: round(at.y(out)) };
  const seen = Math.abs(xs[0]) <= REACH;
  const last = step > 2 ? `a = ${written(a)}` : `${name} = ${written(z)}`;
  return [
    ...sums.slice(1).flatMap((to, i) => {
      const rows = [body.rows[i], body.rows[i + 1] ?? body.foot];
      return arrow(plan, at.sum, rows, [sums[i], to], told[i], i === xs.length ? "param" : "x");
    }),
    shape("circle", {
      class: "net-out",
      "data-kind": "logit",
      cx: round(at.sum(z)),
      cy: body.foot,
      r: 7,
    }),
    sumLabel(plan, at.sum(z), `${name} = ${written(z)}`),
    path(step > 2 ? linePath(at, shown, 0) : "", "net-diagonal"),
    path(linePath(at, shown, step > 2 ? bend : 0), "net-curve net-answer"),
    path(
      seen ? `M${spot.x} ${graph.bottom}V${spot.y}H${graph.line}` : "",
      "net-drop net-answer-drop",
    ),
    shape("circle", { class: "net-spot", cx: spot.x, cy: spot.y, r: 5 }),
    path(step > 2 && z < 0 ? `M${graph.line} ${round(at.y(z))}V${spot.y}` : "", "net-cut"),
    shape("circle", {
      class: "net-out",
      "data-kind": step > 2 ? "mlp" : "logit",
      cx: graph.line,
      cy: spot.y,
      r: 9,
    }),
    text(last, graph.line + 9, graph.top - 8, "end", "net-text"),
  ];
}

/** @param {number} step @param {number} x @param {number} w */
const productOf = (step, x, w) =>
  step === 1 ? `x = ${written(x)}` : `${written(x)} · ${factor(w)} = ${written(x * w)}`;

/** @param {Plan} plan @param {number} px @param {string} words */
function sumLabel({ body }, px, words) {
  const isLeft = px + 14 + words.length * 9 > body.left + body.width - 4;
  const looks = "net-text mg-halo";
  return text(words, px + (isLeft ? -12 : 12), body.foot - 12, isLeft ? "end" : "start", looks);
}

/**
 * Over all inputs: what comes out while what is below zero is lifted so far.
 * @param {ReturnType<typeof scaleOf>} at
 * @param {Shown} shown
 * @param {number} bend
 */
function linePath(at, shown, bend) {
  const w = shown.ws[0];
  const rest = restOf(shown);
  const turn = thresholdOf(shown);
  const lifted = (/** @type {number} */ x) => {
    const z = w * x + rest;
    return z < 0 ? z * (1 - bend) : z;
  };
  const inside = (/** @type {number} */ x) => x > -REACH && x < REACH;
  const low = bend < 1 ? -at.high / (1 - bend) : -Infinity;
  const edges = w ? [turn, (at.high - rest) / w, (low - rest) / w].filter(inside) : [];
  const xs = [-REACH, ...edges.sort((p, q) => p - q), REACH];
  const points = xs.filter((x) => Math.abs(lifted(x)) <= at.high * (1 + 1e-9));
  return points
    .map((x, i) => `${i ? "L" : "M"}${round(at.x(x))} ${round(at.y(lifted(x)))}`)
    .join("");
}

/**
 * From one sum to the next, and down to where the next arrow begins.
 * @param {Plan} plan
 * @param {(v: number) => number} px
 * @param {number[]} rows
 * @param {number[]} sums
 * @param {string} words
 * @param {string} kind
 */
function arrow({ body: { left, width } }, px, [y, next], [from, to], words, kind) {
  const [a, b] = [round(px(from)), round(px(to))];
  const way = Math.sign(b - a);
  const wide = words.length * CHAR + 8; // away from the line that comes down at `a`
  const isLeft = a + wide > left + width - 6 || (way < 0 && a - wide > left + 6);
  const tip = Math.min(9, Math.abs(b - a));
  const looks = { "data-kind": kind };
  return [
    path(`M${b} ${y}V${next}`, "net-drop"),
    shape("path", { class: "net-arrow", ...looks, d: `M${a} ${y}H${round(b - way * tip * 0.7)}` }),
    shape("path", {
      class: "net-tip",
      ...looks,
      d: `M${b} ${y}l${round(-way * tip)} ${round(-tip * 0.62)}v${round(tip * 1.24)}Z`,
    }),
    text(words, a + (isLeft ? -6 : 6), y - 10, isLeft ? "end" : "start", "mg-label net-told"),
  ];
}

/** A number line as shapes, for pages without scripts. @param {string} name @param {Place} place
 * @param {number} value @param {string} kind @returns {Shape[]} */
function lineMarks(name, { left, y, width }, value, kind) {
  const px = (/** @type {number} */ v) => left + ((v + REACH) / (2 * REACH)) * width;
  const marks = [-REACH, 0, REACH];
  return [
    path(
      `M${left} ${y}h${round(width)}${marks.map((v) => `M${round(px(v))} ${y - 4}v8`).join("")}`,
      "net-axis",
    ),
    ...marks.map((v) => text(written(v, 0), px(v), y + 22)),
    shape(
      "text",
      { class: "net-name", "data-kind": kind, x: round(left), y: y - 16 },
      `${name} = ${written(value)}`,
    ),
    shape("circle", {
      class: kind === "x" ? "net-grip-dot" : "net-grip-dot net-grip-still",
      cx: round(px(value)),
      cy: y,
      r: 9,
    }),
  ];
}

/** The whole drawing of a step's first state. @param {number} step @param {number} width */
export function still(step, width) {
  const plan = planOf(step, width);
  const shown = firstOf(step);
  const sub = (/** @type {number} */ i) => (step === 4 ? SUBS[i] : "");
  const at = scaleOf(plan, shown);
  const turn = thresholdOf(shown);
  return {
    size: plan,
    shapes: [
      ...wires(plan, shown),
      ...frame(plan, shown),
      ...plan.xs.flatMap((place, i) => lineMarks(`x${sub(i)}`, place, shown.xs[i], "x")),
      ...(step > 1 ? plan.ws : []).flatMap((place, i) =>
        lineMarks(`w${sub(i)}`, place, shown.ws[i], "param"),
      ),
      ...lineMarks("b", plan.b, shown.b, "param"),
      ...drawn(plan, shown, 1),
      ...(step > 2 && Math.abs(turn) <= REACH
        ? [
            shape("circle", {
              class: "net-grip-dot net-grip-still",
              cx: round(at.x(turn)),
              cy: round(at.y(0)),
              r: 9,
            }),
          ]
        : []),
    ],
  };
}
