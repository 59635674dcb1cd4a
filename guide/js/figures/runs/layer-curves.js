// The drawing of <mg-layers> as shapes: a stack of layers, how the loss of such models falls,
// and how far each lies from the model with one layer. Recorded by scripts/make_layers.py. No
// DOM.

import { shape } from "../../kit/shapes.js";
import { counted, written } from "../../kit/text.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/** @typedef {"steps" | "parameters"} By what is equal */
/**
 * @typedef {{layers: number, width: number, heads: number, parameters: number,
 *   runs: number[][]}} Kind
 * @typedef {{seeds: number[], every: number, last: number, unseen: number} &
 *   Record<By, Kind[]>} Layers guide/data/layers.json
 */
/** @typedef {{by: By, layers: number, at: number}} Now `at` counts the marks of a run */
/** @typedef {{seed: number, losses: number[]}} Own a run of this page, mark by mark */

export const MOST = 6;
export const STACK = { width: 168, height: 300 };
export const PLOT = { width: 390, height: 300 };
export const GAPS = { width: 250, height: 300 };
const SLAB = { high: 31, gap: 4, base: 246, unit: 7.5 };
const [LEFT, RIGHT, TOP, BASE] = [44, 366, 22, 262];
const [LOW, HIGH] = [2.34, 2.7]; // losses in the plot; untrained ones lie above it
const [ZERO, PER] = [92, 1900]; // of a difference: where it is 0, and px a nat
const GAP_TICKS = [0, 0.03, 0.06];

const round = (/** @type {number} */ x) => Math.round(x * 10) / 10;
const mean = (/** @type {number[]} */ some) => some.reduce((a, b) => a + b, 0) / some.length;

/** Mean and extremes of the runs at each mark. @param {Kind} kind */
export function band({ runs }) {
  const marks = runs[0].map((_, i) => runs.map((run) => run[i]));
  return {
    means: marks.map(mean),
    least: marks.map((all) => Math.min(...all)),
    most: marks.map((all) => Math.max(...all)),
  };
}

/**
 * How much higher the loss is than with one layer, run by run of the same seed, and two standard
 * errors of that.
 * @param {Layers} data
 * @param {By} by
 * @param {number} layers
 * @param {number} at
 */
export function difference(data, by, layers, at) {
  const one = data[by][0].runs;
  const each = data[by][layers - 1].runs.map((run, i) => run[at] - one[i][at]);
  const by0 = mean(each);
  const variance = each.reduce((sum, x) => sum + (x - by0) ** 2, 0) / (each.length - 1);
  return { mean: by0, margin: 2 * Math.sqrt(variance / each.length) };
}

const slabTop = (/** @type {number} */ i) => SLAB.base - (i + 1) * (SLAB.high + SLAB.gap);

/** How many layers a spot of the stack asks for. @param {number} y */
export const layersAt = (y) =>
  Math.max(1, Math.min(MOST, 1 + Math.floor((SLAB.base - y) / (SLAB.high + SLAB.gap))));

/** The stack, with room for six. @param {Layers} data @param {Now} now @returns {Shape[]} */
export function stack(data, { by, layers }) {
  const { width, parameters } = data[by][layers - 1];
  const middle = STACK.width / 2;
  const wide = width * SLAB.unit;
  const text = (/** @type {string} */ looks, /** @type {number} */ y, /** @type {string} */ said) =>
    shape("text", { class: looks, x: middle, y, "text-anchor": "middle" }, said);
  return [
    ...Array.from({ length: MOST }, (_, i) => {
      const y = slabTop(i);
      const isThere = i < layers;
      const part = { x: middle - wide / 2, width: wide, height: SLAB.high / 2 };
      return [
        shape("rect", {
          class: "layers-slab layers-attention",
          ...part,
          y: y + SLAB.high / 2,
          display: isThere ? null : "none",
        }),
        shape("rect", {
          class: "layers-slab layers-mlp",
          ...part,
          y,
          display: isThere ? null : "none",
        }),
        shape("rect", {
          class: "layers-ghost",
          x: middle - wide / 2,
          y,
          width: wide,
          height: SLAB.high,
          rx: 4,
          "data-there": isThere ? "" : null,
        }),
        text("layers-name", y + SLAB.high / 2 + 4.5, isThere ? `layer ${i}` : " "),
      ];
    }).flat(),
    shape("rect", {
      class: "layers-tables",
      x: middle - wide / 2,
      y: SLAB.base,
      width: wide,
      height: 7,
    }),
    text("layers-told", SLAB.base + 25, `${width} numbers wide`),
    text("layers-title", SLAB.base + 44, `${counted(parameters)} parameters`),
  ];
}

/** @param {Layers} data @param {number} mark */
const px = (data, mark) => round(LEFT + ((RIGHT - LEFT) * (mark * data.every)) / data.last);
const py = (/** @type {number} */ loss) =>
  round(BASE - ((BASE - TOP) * (Math.min(HIGH, loss) - LOW)) / (HIGH - LOW));

/** The mark nearest to a spot of the plot. @param {Layers} data @param {number} x */
export const markAt = (data, x) => {
  const last = data.last / data.every;
  return Math.max(1, Math.min(last, Math.round(((x - LEFT) / (RIGHT - LEFT)) * last)));
};

/** Axes of the plot. @param {Layers} data @returns {Shape[]} */
export function ground(data) {
  const label = (
    /** @type {number} */ x,
    /** @type {number} */ y,
    /** @type {string} */ said,
    anchor = "middle",
  ) => shape("text", { class: "mg-label", x, y, "text-anchor": anchor }, said);
  return [
    ...[2.4, 2.5, 2.6, 2.7].flatMap((tick) => [
      shape("path", { class: "mg-gridline", d: `M${LEFT} ${py(tick)}H${RIGHT}` }),
      label(LEFT - 6, py(tick) + 4, written(tick, 1), "end"),
    ]),
    shape("path", { class: "mg-axis", d: `M${LEFT} ${TOP}V${BASE}H${RIGHT}` }),
    ...[0, 200, 400, 600, 800, 1000].map((step) =>
      label(px(data, step / data.every), BASE + 17, counted(step)),
    ),
    label((LEFT + RIGHT) / 2, BASE + 34, "step"),
    label(LEFT, TOP - 9, "loss on unseen names", "start"),
  ];
}

/**
 * The runs with one layer, and those of the stack.
 * @param {Layers} data
 * @param {Now} now
 * @param {Own[]} own
 * @returns {Shape[]}
 */
export function curves(data, { by, layers, at }, own) {
  const line = (/** @type {number[]} */ losses) =>
    losses
      .map((loss, i) => ({ loss, i }))
      .filter(({ i }) => i > 0)
      .map(({ loss, i }, k) => `${k ? "L" : "M"}${px(data, i)} ${py(loss)}`)
      .join("");
  const area = (/** @type {ReturnType<typeof band>} */ { least, most }) => {
    const back = most.map((loss, i) => `L${px(data, i)} ${py(loss)}`).slice(1);
    return `${line(least)}${back.toReversed().join("")}Z`;
  };
  const [one, chosen] = [band(data[by][0]), band(data[by][layers - 1])];
  const x = px(data, at);
  return [
    shape("path", { class: "layers-band layers-one", d: area(one) }),
    shape("path", { class: "layers-band", d: layers > 1 ? area(chosen) : "" }),
    shape("path", { class: "layers-line layers-one", d: line(one.means) }),
    shape("path", { class: "layers-line", d: layers > 1 ? line(chosen.means) : "" }),
    shape("path", { class: "layers-own", d: own.map(({ losses }) => line(losses)).join("") }),
    shape("path", { class: "layers-at", d: `M${x} ${TOP}V${BASE}` }),
    shape("circle", { class: "layers-dot layers-one", cx: x, cy: py(one.means[at]), r: 5 }),
    shape("circle", {
      class: "layers-dot",
      cx: x,
      cy: py(chosen.means[at]),
      r: 5,
      display: layers > 1 ? null : "none",
    }),
    shape("path", { class: "layers-line layers-one", d: `M${RIGHT - 116} ${TOP + 16}h26` }),
    shape("text", { class: "layers-told", x: RIGHT - 82, y: TOP + 20 }, "one layer"),
    shape("path", { class: "layers-line", d: layers > 1 ? `M${RIGHT - 116} ${TOP + 36}h26` : "" }),
    shape(
      "text",
      { class: "layers-told", x: RIGHT - 82, y: TOP + 40 },
      layers > 1 ? `${layers} layers` : " ",
    ),
    shape("circle", { class: "layers-grip", cx: x, cy: BASE, r: 9 }),
  ];
}

const gapRow = (/** @type {number} */ i) => 48 + 36 * i;
/** The layers of the row that a spot lies in. @param {number} y */
export const rowOf = (y) => Math.max(1, Math.min(MOST, 1 + Math.round((y - gapRow(0)) / 36)));

/**
 * How far each stack lies from one layer.
 * @param {Layers} data
 * @param {Now} now
 * @returns {Shape[]}
 */
export function gaps(data, { by, layers, at }) {
  const x = (/** @type {number} */ nats) => round(ZERO + nats * PER);
  const step = counted(at * data.every);
  return [
    shape("text", { class: "layers-told", x: 8, y: 13 }, `against one layer, step ${step}`),
    shape("path", { class: "mg-axis", d: `M${x(0)} 26V${BASE}` }),
    ...GAP_TICKS.map((tick) =>
      shape(
        "text",
        { class: "mg-label", x: x(tick), y: BASE + 17, "text-anchor": "middle" },
        tick ? `+${written(tick)}` : "0",
      ),
    ),
    shape(
      "text",
      { class: "mg-label", x: x(0.03), y: BASE + 34, "text-anchor": "middle" },
      "difference in loss",
    ),
    ...data[by].flatMap((_, i) => {
      const y = gapRow(i);
      const { mean: gap, margin } = difference(data, by, i + 1, at);
      const isNow = i + 1 === layers;
      return [
        shape("path", {
          class: "layers-margin",
          d: i ? `M${x(gap - margin)} ${y - 5}v10m0 -5H${x(gap + margin)}m0 -5v10` : "",
        }),
        shape("circle", {
          class: isSeen({ mean: gap, margin }) ? "layers-gap layers-seen" : "layers-gap",
          cx: x(gap),
          cy: y,
          r: isNow ? 5.5 : 3.5,
        }),
        shape(
          "text",
          { class: isNow ? "layers-title" : "layers-told", x: 8, y: y + 4.5 },
          i ? `${i + 1} layers` : "1 layer",
        ),
      ];
    }),
  ];
}

/** Whether a difference is more than two standard errors. */
const isSeen = (/** @type {{mean: number, margin: number}} */ { mean: gap, margin }) =>
  Math.abs(gap) > margin;

/** What a difference is called. @param {{mean: number, margin: number}} gap */
export const verdict = (gap) =>
  isSeen(gap)
    ? `${gap.mean > 0 ? "worse" : "better"} by ${written(Math.abs(gap.mean), 3)} (± ` +
      `${written(gap.margin, 3)})`
    : `no difference seen (${written(gap.mean, 3)} ± ${written(gap.margin, 3)})`;

/** @param {Layers} data @param {Now} now @param {Own[]} own */
export function sentence(data, { by, layers, at }, own) {
  const { width, parameters, runs } = data[by][layers - 1];
  const { means, least, most } = band(data[by][layers - 1]);
  const many = layers === 1 ? "One layer" : `${layers} layers`;
  const here = own
    .filter(({ losses }) => losses.length > at)
    .map(({ seed, losses }) => ` Here, seed ${seed}: ${written(losses[at], 3)}.`);
  return (
    `${many} of width ${width}, ${counted(parameters)} parameters, after ` +
    `${counted(at * data.every)} steps: loss on unseen names ${written(means[at], 3)}, mean of ` +
    `${runs.length} runs (${written(least[at], 3)} to ${written(most[at], 3)}).` +
    (layers === 1 ? "" : ` Against one layer: ${verdict(difference(data, by, layers, at))}.`) +
    here.join("")
  );
}
