// The drawing of <mg-training> as shapes: one step of the guide's run as four pictures in a circle,
// and below them the losses of the whole run. Recorded by scripts/make_steps.py. No DOM.

import { trailingMean } from "../../kit/curve-plan.js";
import { shape } from "../../kit/shapes.js";
import { counted, written } from "../../kit/text.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/**
 * @typedef {{step: number, name: string, loss: number, probs: number[],
 *   grads: Record<string, number>, moved: Record<string, number>, writes: string[]}} Mark
 * @typedef {{marks: Mark[], losses: number[]}} Steps guide/data/steps.json
 */

export const MOVES = ["guess", "compare", "assign blame", "nudge"];
export const PANEL = { width: 366, height: 136 };
export const RUN = { width: 760, height: 132 };
export const SHORT_RUN = { width: 366, height: 132 };
const BASE = 108;
const HIGH = 64;
const MOST_NATS = 7;
const MOST_GRAD = 0.15;
const MOST_MOVED = 0.0105;
const [LEFT, TOP, LOW] = [40, 14, 100];
const [LEAST, MOST] = [1.4, 4.4];
const WINDOW = 100;
const SHORT = /** @type {Record<string, string>} */ ({
  wte: "wte",
  wpe: "wpe",
  "layer0.attn_wq": "wq",
  "layer0.attn_wk": "wk",
  "layer0.attn_wv": "wv",
  "layer0.attn_wo": "wo",
  "layer0.mlp_fc1": "fc1",
  "layer0.mlp_fc2": "fc2",
  lm_head: "lm_head",
});

const round = (/** @type {number} */ x) => Math.round(x * 10) / 10;

/**
 * Bars of one panel, each with its name below and its number above; a line lies between them.
 * @param {string} looks
 * @param {{name: string, value: number, told: string}[]} each
 * @param {number} most
 * @param {Shape[]} [between]
 * @returns {Shape[]}
 */
function bars(looks, each, most, between = []) {
  const [from, room] = [20, (PANEL.width - 40) / Math.max(7, each.length)];
  const wide = Math.min(24, room - 6);
  const isSmall = each.some(({ name }) => name.length > 3); // names of matrices
  const parts = each.map(({ name, value, told }, i) => {
    const x = round(from + room * (i + 0.5));
    const high = round(Math.max(1, (HIGH * Math.min(most, value)) / most));
    return [
      shape("rect", {
        class: looks,
        x: round(x - wide / 2),
        y: round(BASE - high),
        width: round(wide),
        height: high,
      }),
      shape(
        "text",
        {
          class: `step-letter${isSmall ? " step-small" : ""}`,
          x,
          y: BASE + 16,
          "text-anchor": "middle",
        },
        name,
      ),
      shape(
        "text",
        { class: "step-told mg-halo", x, y: round(BASE - high - 4), "text-anchor": "middle" },
        told,
      ),
    ];
  });
  return [...parts.map(([bar]) => bar), ...between, ...parts.flatMap(([, ...texts]) => texts)];
}

/** The letters that came next; the last is the end of the name. @param {Mark} mark */
const targets = ({ name }) => [...name, "end"];

/** Numbers that fit over a bar: .03 for 0.03. @param {number} x @param {number} digits */
const brief = (x, digits) => written(x, digits).replace(/^0(?=\.)/, "");

/**
 * One of the four moves.
 * @param {number} move from 0
 * @param {Mark} mark
 * @returns {Shape[]}
 */
export function panel(move, mark) {
  const names = targets(mark);
  const nats = mark.probs.map((p) => -Math.log(p));
  const matrices = Object.keys(SHORT);
  const say = [
    `${mark.name}: how likely each letter was`,
    `−ln of each; their mean is the loss, ${written(mark.loss, 4)}`,
    "size of the gradient in each matrix",
    "how far the numbers of each move",
  ][move];
  const title = `${move + 1} ${MOVES[move]}`;
  const level = round(BASE - (HIGH * Math.min(MOST_NATS, mark.loss)) / MOST_NATS);
  const mean = shape("path", { class: "step-mean", d: `M14 ${level}H${PANEL.width - 14}` });
  const drawn = [
    () =>
      bars(
        "step-prob",
        names.map((name, i) => ({ name, value: mark.probs[i], told: brief(mark.probs[i], 2) })),
        1,
      ),
    () =>
      bars(
        "step-loss",
        names.map((name, i) => ({ name, value: nats[i], told: written(nats[i], 1) })),
        MOST_NATS,
        [mean],
      ),
    () =>
      bars(
        "step-grad",
        matrices.map((key) => ({
          name: SHORT[key],
          value: mark.grads[key],
          told: brief(mark.grads[key], 3),
        })),
        MOST_GRAD,
      ),
    () =>
      bars(
        "step-param",
        matrices.map((key) => ({
          name: SHORT[key],
          value: mark.moved[key],
          told: mark.moved[key] < 0.00005 ? "~0" : brief(mark.moved[key], 4),
        })),
        MOST_MOVED,
      ),
  ][move]();
  return [
    shape("text", { class: "step-title", x: 12, y: 18 }, title),
    shape("text", { class: "step-say", x: PANEL.width - 12, y: 18, "text-anchor": "end" }, say),
    shape("path", { class: "mg-axis", d: `M14 ${BASE}H${PANEL.width - 14}` }),
    shape("path", { class: "step-arrow", d: arrow(move) }),
    ...drawn,
  ];
}

/** To the next move, round the circle. @param {number} move */
function arrow(move) {
  const { width, height } = PANEL;
  return [
    `M${width - 2} ${height / 2 - 9}l9 9l-9 9z`,
    `M${width / 2 - 9} ${height - 2}l9 9l9 -9z`,
    `M2 ${height / 2 - 9}l-9 9l9 9z`,
    `M${width / 2 - 9} 2l9 -9l9 9z`,
  ][move];
}

/** @param {Steps} steps @param {number} wide */
const places = ({ losses }, wide) => ({
  x: (/** @type {number} */ step) =>
    round(LEFT + ((wide - 16 - LEFT) * (step - 1)) / (losses.length - 1)),
  y: (/** @type {number} */ loss) =>
    round(LOW - ((LOW - TOP) * (Math.max(LEAST, Math.min(MOST, loss)) - LEAST)) / (MOST - LEAST)),
});

/**
 * The losses of the run, which don't change.
 * @param {Steps} steps
 * @param {number} wide
 * @returns {Shape[]}
 */
export function losses(steps, wide) {
  const { x, y } = places(steps, wide);
  const means = trailingMean(steps.losses, WINDOW);
  return [
    ...[2, 3, 4].flatMap((tick) => [
      shape("path", { class: "mg-gridline", d: `M${LEFT} ${y(tick)}H${wide - 16}` }),
      shape(
        "text",
        { class: "mg-label", x: LEFT - 7, y: y(tick) + 4, "text-anchor": "end" },
        `${tick}`,
      ),
    ]),
    shape("path", {
      class: "step-dots",
      d: steps.losses.map((loss, i) => `M${x(i + 1)} ${y(loss)}h0`).join(""),
    }),
    shape("path", {
      class: "step-line",
      d: means
        .map((mean, i) => ({ mean, i }))
        .filter(({ i }) => i >= 9 && i % 10 === 9)
        .map(({ mean, i }, k) => `${k ? "L" : "M"}${x(i + 1)} ${y(mean)}`)
        .join(""),
    }),
    shape("path", { class: "mg-axis", d: `M${LEFT} ${LOW}H${wide - 16}` }),
    ...[1, 200, 400, 600, 800, 1000].map((step) =>
      shape(
        "text",
        { class: "mg-label", x: x(step), y: LOW + 16, "text-anchor": "middle" },
        counted(step),
      ),
    ),
    shape(
      "text",
      { class: "mg-label", x: wide - 16, y: 11, "text-anchor": "end" },
      "loss of each step, and mean of the last 100",
    ),
  ];
}

/**
 * Where the marked steps are.
 * @param {Steps} steps
 * @param {number} wide
 * @param {number} at
 * @returns {Shape[]}
 */
export function marks(steps, wide, at) {
  const { x, y } = places(steps, wide);
  return steps.marks.map(({ step, loss }, i) =>
    shape("circle", {
      class: i === at ? "step-mark step-now" : "step-mark",
      cx: x(step),
      cy: y(loss),
      r: i === at ? 7.5 : 5,
    }),
  );
}

/**
 * The marked step nearest to a place.
 * @param {Steps} steps
 * @param {number} wide
 * @param {number} place
 */
export function nearestMark(steps, wide, place) {
  const { x } = places(steps, wide);
  const far = steps.marks.map(({ step }) => Math.abs(x(step) - place));
  return far.indexOf(Math.min(...far));
}

/** How far numbers are moved: the last steps are too small to be told. @param {number} by */
const furthest = (by) => (by < 0.00005 ? "less than 0.0001" : written(by, 4));

/** @param {Mark} mark @param {number} move 0 for all, or which of the four */
export function sentence(mark, move) {
  const { step, name, loss, probs, grads, moved, writes } = mark;
  const least = probs.indexOf(Math.min(...probs));
  const most = (/** @type {Record<string, number>} */ of) =>
    Object.keys(SHORT).reduce((a, b) => (of[b] > of[a] ? b : a));
  const says = [
    `The name is ${name}, its loss ${written(loss, 4)}. Before this step the model writes ` +
      `${writes.slice(0, 3).join(", ")}.`,
    `Guess: in ${name}, the letter that came next gets a probability between ` +
      `${written(Math.min(...probs))} and ${written(Math.max(...probs))}.`,
    `Compare: the greatest surprise is ${targets(mark)[least]}, ` +
      `${written(-Math.log(probs[least]))} nats; the mean is ${written(loss, 4)}.`,
    `Assign blame: the gradient is largest in ${SHORT[most(grads)]}, ` +
      `${written(grads[most(grads)], 3)} as a root mean square.`,
    `Nudge: the numbers of ${SHORT[most(moved)]} move furthest, by ` +
      `${furthest(moved[most(moved)])} as a root mean square.`,
  ];
  return `Step ${counted(step)} of 1,000. ${says[move]}`;
}
