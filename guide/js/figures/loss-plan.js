// The curve −ln p as shapes, with the steps of a name as beads on it and their mean as a line. No
// DOM.

import { spread } from "../kit/curve-plan.js";
import { shape } from "../kit/shapes.js";
import { ticks, written } from "../kit/text.js";

/** @typedef {import("../kit/shapes.js").Shape} Shape */
/** @typedef {{name: string, p: number, home: number}} Bead home: what the model gives */
/** @typedef {{x: number, y: number}} Point in px of the picture */
/**
 * @typedef {{width: number, height: number, most: number, isWide: boolean,
 *   edge: {left: number, right: number, top: number, bottom: number}}} Plan
 */

export const LEAST = 0.005; // as far as a bead can be dragged
const WIDE = 520;
const CURVE = 160; // pieces of the curve
const LABEL = 0.3; // of the width: where the names of the beads begin
/** Probabilities to compare with, each in words. */
const MARKS = /** @type {[number, string][]} */ ([
  [1, "1: certain"],
  [1 / 2, "1/2: a coin toss"],
  [1 / 10, "1/10: one in ten"],
  [1 / 27, "1/27: blind guessing"],
]);

const round = (/** @type {number} */ v) => Math.round(v * 10) / 10;
export const lossOf = (/** @type {number} */ p) => -Math.log(p) + 0; // not −0
export const meanOf = (/** @type {readonly Bead[]} */ beads) =>
  beads.reduce((sum, { p }) => sum + lossOf(p), 0) / beads.length;

/** @param {readonly Bead[]} beads @param {number} width @returns {Plan} */
export function planOf(beads, width) {
  const highest = Math.max(...beads.map(({ home }) => lossOf(home)));
  const isWide = width >= WIDE;
  return {
    width,
    height: isWide ? 430 : 400,
    most: highest > 5 ? 8 : 5.4,
    isWide,
    edge: { left: 34, right: 14, top: 28, bottom: 84 },
  };
}

/** @param {Plan} plan @param {number} p @param {number} loss @returns {Point} */
export function placeOf({ width, height, most, edge }, p, loss = lossOf(p)) {
  return {
    x: round(edge.left + p * (width - edge.left - edge.right)),
    y: round(height - edge.bottom - (loss / most) * (height - edge.top - edge.bottom)),
  };
}

/** The probability whose point on the curve is nearest. @param {Plan} plan @param {Point} spot */
export function nearestP(plan, spot) {
  let [best, least] = [1, Infinity];
  for (let k = 0; k <= 400; k++) {
    const p = LEAST ** (1 - k / 400);
    const { x, y } = placeOf(plan, p);
    const far = Math.hypot(x - spot.x, y - spot.y);
    if (far < least) [best, least] = [p, far];
  }
  return Number(best.toFixed(3));
}

/**
 * @param {string} words
 * @param {number} x
 * @param {number} y
 * @param {string} [anchor]
 * @param {string} [looks]
 */
const text = (words, x, y, anchor = "start", looks = "mg-label") =>
  shape("text", { class: looks, x: round(x), y: round(y), "text-anchor": anchor }, words);

/** Axes, curve and what to compare with. @param {Plan} plan @returns {Shape[]} */
export function ground(plan) {
  const { width, most, edge } = plan;
  const floor = placeOf(plan, 1, 0).y;
  const right = width - edge.right;
  const first = Math.exp(-most);
  const curve = Array.from({ length: CURVE + 1 }, (_, k) =>
    placeOf(plan, first ** (1 - k / CURVE)),
  );
  const rows = [18, 18, 37, 56];
  return [
    ...ticks(0, most, 6).flatMap((loss) => {
      const { y } = placeOf(plan, 1, loss);
      return [
        shape("path", { class: "mg-gridline", d: `M${edge.left} ${y}H${right}` }),
        text(written(loss, 0), edge.left - 8, y + 4, "end"),
      ];
    }),
    text("loss −ln p, in nats", 0, 14),
    ...MARKS.flatMap(([p, words], i) => {
      const { x, y } = placeOf(plan, p);
      const isLast = p === 1;
      return [
        shape("path", { class: "loss-mark-line", d: `M${x} ${y}V${floor + rows[i] - 14}` }),
        shape("circle", { class: "loss-mark", cx: x, cy: y, r: 3.5 }),
        text(
          words,
          isLast ? right : x - (p < 0.5 ? 3 : 20),
          floor + rows[i],
          isLast ? "end" : "start",
        ),
      ];
    }),
    text("p, given to the token that came", right, floor + 76, "end"),
    shape("path", { class: "mg-axis", d: `M${edge.left} ${floor}H${right}` }),
    shape("path", {
      class: "loss-curve",
      d: curve.map(({ x, y }, i) => `${i ? "L" : "M"}${x} ${y}`).join(""),
    }),
  ];
}

/**
 * The beads with their names, and the mean; `lit`: the one that is looked at, or none of them but
 * the mean.
 * @param {Plan} plan
 * @param {readonly Bead[]} beads
 * @param {number} lit
 * @returns {Shape[]}
 */
export function drawn(plan, beads, lit) {
  const { edge, isWide } = plan;
  const spots = beads.map(({ p }) => placeOf(plan, p));
  const floor = placeOf(plan, 1, 0).y;
  const labels = labelsOf(plan, beads);
  const mean = labels[beads.length];
  const meanY = placeOf(plan, 0, meanOf(beads)).y;
  const now = spots[lit];
  const way = mean.isInside
    ? `H${placeOf(plan, Math.exp(-meanOf(beads))).x}`
    : `H${round(mean.x - 26)}L${round(mean.x - 8)} ${round(mean.y)}`;
  return [
    shape("path", {
      class: "loss-now",
      d: now ? `M${now.x} ${floor}V${now.y}H${edge.left}` : "",
    }),
    shape("path", {
      class: lit >= beads.length ? "loss-mean loss-lit" : "loss-mean",
      d: `M${edge.left} ${meanY}${way}`,
    }),
    text(
      `mean ${written(meanOf(beads))}${isWide ? " nats" : ""}`,
      mean.x,
      mean.y + 5,
      "start",
      "loss-name loss-name-mean mg-halo",
    ),
    ...labels.slice(0, -1).flatMap(({ x, y, anchor, words }, i) => {
      const end = anchor === "end" ? spots[i].x : x - 6;
      return [
        shape("path", {
          class: "loss-leader",
          d: `M${spots[i].x} ${spots[i].y}L${round(end)} ${round(anchor === "end" ? y + 8 : y)}`,
        }),
        text(words, x, y + 5, anchor, `loss-name mg-halo${i === lit ? " loss-name-lit" : ""}`),
      ];
    }),
    ...spots.map(({ x, y }, i) =>
      shape("circle", {
        class: `loss-bead${beads[i].p === beads[i].home ? "" : " loss-bead-moved"}`,
        cx: x,
        cy: y,
        r: i === lit ? 9 : 7,
      }),
    ),
  ];
}

/**
 * Where the beads' names stand, and last the mean: in a column above the curve, and those of beads
 * further right above their own place.
 * @param {Plan} plan
 * @param {readonly Bead[]} beads
 */
function labelsOf(plan, beads) {
  const { width, edge, isWide } = plan;
  const column = placeOf(plan, LABEL);
  const low = edge.top + 8;
  const high = column.y - 12;
  const spots = beads.map(({ p }) => placeOf(plan, p));
  const mean = placeOf(plan, 0, meanOf(beads));
  const isInside = mean.y > high;
  const all = [...spots, mean];
  const left = all.flatMap(({ x }, i) =>
    i === beads.length ? (isInside ? [] : [i]) : x < column.x - 24 ? [i] : [],
  );
  const gap = Math.min(21, (high - low) / left.length);
  const rows = spread(
    left.map((i) => all[i].y),
    gap,
    { low, high },
  );
  const made = all.map((_, i) => ({
    x: column.x,
    y: rows[left.indexOf(i)],
    anchor: "start",
    words: i < beads.length ? labelOf(beads[i], isWide) : "",
    isInside: false,
  }));
  if (isInside) Object.assign(made[beads.length], { x: edge.left + 8, y: mean.y - 12, isInside });
  const right = spots.flatMap((_, i) => (left.includes(i) ? [] : [i]));
  /** @type {{from: number, y: number}[]} */ const taken = [];
  const lowest = Math.max(0, ...rows); // of the column: what stands beside it begins behind it
  const behind = column.x + 10 + Math.max(0, ...left.map((i) => made[i].words.length * 7.4));
  for (const i of right.sort((a, b) => spots[b].x - spots[a].x)) {
    const long = made[i].words.length * 7.4;
    const isBeside = spots[i].y - 38 < lowest;
    const start = Math.max(spots[i].x + 12, isBeside ? behind : 0);
    const isOut = start + long > width - edge.right;
    const x = isOut ? width - edge.right : start;
    const from = isOut ? x - long : x;
    let y = Math.min(spots[i].y - 20, isOut ? placeOf(plan, pAt(plan, from)).y - 14 : Infinity);
    for (const other of taken)
      if (other.from < from + long + 8 && Math.abs(other.y - y) < 19) y = other.y - 19;
    taken.push({ from, y });
    Object.assign(made[i], { x, y, anchor: isOut ? "end" : "start" });
  }
  return made;
}

/** @param {Plan} plan @param {number} x */
const pAt = ({ width, edge }, x) =>
  Math.max(LEAST, (x - edge.left) / (width - edge.left - edge.right));

/** @param {Bead} bead @param {boolean} isWide */
function labelOf({ name, p }, isWide) {
  const loss = written(lossOf(p));
  return isWide ? `${name}: p ${written(p, 3)}, ${loss} nats` : `${name} ${loss}`;
}

/** @typedef {{name: string, sums: string[]}} Told the name, and each p as a division */

/**
 * What can be seen, in words. @param {readonly Bead[]} beads @param {number} lit @param {Told} told
 */
export function sentence(beads, lit, { name, sums }) {
  const mean = written(meanOf(beads));
  const isMoved = beads.some(({ p, home }) => p !== home);
  const one = beads[lit];
  if (!one)
    return (
      `“${name}” ${isMoved ? "would have" : "has"} a loss of ${mean} nats per token, the mean of ` +
      `${beads.map(({ p }) => written(lossOf(p))).join(", ")}.`
    );
  const p = written(one.p, 3);
  const loss = `loss −ln ${p} = ${written(lossOf(one.p))} nats`;
  if (one.p === one.home)
    return `${one.name}: probability ${p} = ${sums[lit]}, ${loss}; the mean is ${mean}.`;
  const before = written(one.home, 3);
  return (
    `${one.name}: dragged from ${before} to probability ${p}, ${loss}; ` +
    `the mean would be ${mean}.`
  );
}
