// The drawing of <mg-rmsnorm> as shapes: a vector of two numbers and its image on the circle of
// radius √2, and how large the vectors in the trained model are, with RMSNorm and without. No DOM.

import { shape } from "../../kit/shapes.js";
import { written } from "../../kit/text.js";
import { floats, normScale } from "../../numbers/arithmetic.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/** @typedef {{counts: number[], least: number, most: number}} Sizes */
/** @typedef {{loss: number, points: Record<string, Sizes>}} Half */
/**
 * guide/data/norms.json, which scripts/make_norms.py writes.
 * @typedef {{names: number, positions: number, bin: number, most: number, with: Half,
 *   without: Half}} Norms
 */

export const MOST = 3; // each of the two numbers
export const FIRST = Object.freeze([2, -1.5]);
export const PLANE = { width: 360, height: 360 };
export const SIZES = { width: 400, height: 360 };
const EDGE = 12;
const UNIT = (PLANE.width - 2 * EDGE) / (2 * MOST);
const MIDDLE = PLANE.width / 2;
const TICKS = [-2, -1, 1, 2];
const POINTS = { attention: "into attention", mlp: "into the MLP", end: "out of the block" };
const LEFT = 6;
const RIGHT = SIZES.width - 10;
const ROW = 104;
const TALL = 62;

const round = (/** @type {number} */ x) => Math.round(x * 10) / 10;
export const across = (/** @type {number} */ x) => round(MIDDLE + x * UNIT);
export const down = (/** @type {number} */ y) => round(MIDDLE - y * UNIT);
export const inPlane = (/** @type {number} */ share) => (share * PLANE.width - MIDDLE) / UNIT;

/** What RMSNorm makes of a vector. @param {readonly number[]} vector */
export function normed(vector) {
  const { meanSquare, scale } = normScale(floats, vector);
  return { meanSquare, scale, out: vector.map((x) => x * scale) };
}

/** The circle and the axes. @returns {Shape[]} */
export function ground() {
  const label = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ text) =>
    shape("text", { class: "mg-label", x, y, "text-anchor": "middle" }, text);
  const radius = round(Math.SQRT2 * UNIT);
  return [
    shape("path", {
      class: "mg-axis",
      d: `M${EDGE} ${MIDDLE}H${PLANE.width - EDGE}M${MIDDLE} ${EDGE}V${PLANE.height - EDGE}`,
    }),
    ...TICKS.flatMap((tick) => [
      shape("path", {
        class: "mg-axis",
        d: `M${across(tick)} ${MIDDLE - 3}v6M${MIDDLE - 3} ${down(tick)}h6`,
      }),
      label(across(tick), MIDDLE + 17, written(tick, 0)),
      label(MIDDLE - 14, down(tick) + 4, written(tick, 0)),
    ]),
    label(PLANE.width - 18, MIDDLE - 8, "x₀"),
    label(MIDDLE + 14, 18, "x₁"),
    shape("circle", { class: "norm-circle", cx: MIDDLE, cy: MIDDLE, r: radius }),
    shape(
      "text",
      { class: "norm-radius mg-halo", x: MIDDLE - radius * 0.72, y: MIDDLE - radius * 0.72 - 8 },
      "radius √2",
    ),
  ];
}

/** The vector and its image. @param {readonly number[]} vector @returns {Shape[]} */
export function arrows(vector) {
  const { out } = normed(vector);
  const [x, y] = [across(vector[0]), down(vector[1])];
  const [ox, oy] = [across(out[0]), down(out[1])];
  return [
    shape("path", { class: "norm-in", d: `M${MIDDLE} ${MIDDLE}L${x} ${y}` }),
    shape("path", { class: "norm-out", d: `M${MIDDLE} ${MIDDLE}L${ox} ${oy}` }),
    shape("circle", { class: "norm-image", cx: ox, cy: oy, r: 7 }),
    shape("circle", { class: "norm-grip", cx: x, cy: y, r: 10 }),
  ];
}

/** The outline of a histogram over a line. @param {number[]} counts @param {number} base
 * @param {number} all @param {number} bin @param {number} most */
function outline(counts, base, all, bin, most) {
  const at = (/** @type {number} */ size) => LEFT + ((RIGHT - LEFT) * size) / most;
  return counts
    .map((count, i) => {
      if (!count) return "";
      const [from, to] = [Math.max(0, i - 0.5), i + 0.5].map((edge) => round(at(edge * bin)));
      return `M${from} ${base}V${round(base - Math.max(1, (TALL * count) / all))}H${to}V${base}Z`;
    })
    .join("");
}

/** The three places, each with both histograms. @param {Norms} norms @returns {Shape[]} */
export function histograms(norms) {
  const { bin, most } = norms;
  const at = (/** @type {number} */ size) => round(LEFT + ((RIGHT - LEFT) * size) / most);
  return Object.entries(POINTS).flatMap(([key, name], row) => {
    const base = 84 + ROW * row;
    const [yes, no] = [norms.with.points[key], norms.without.points[key]];
    const all = Math.max(...yes.counts, ...no.counts);
    const range = (/** @type {Sizes} */ { least, most: top }) =>
      written(least) === written(top) ? written(least) : `${written(least)} to ${written(top)}`;
    return [
      shape("text", { class: "norm-title", x: LEFT, y: base - 66 }, name),
      shape(
        "text",
        { class: "norm-told", x: RIGHT, y: base - 66, "text-anchor": "end" },
        `with ${range(yes)}, without ${range(no)}`,
      ),
      shape("path", { class: "norm-without", d: outline(no.counts, base, all, bin, most) }),
      shape("path", { class: "norm-with", d: outline(yes.counts, base, all, bin, most) }),
      shape("path", { class: "mg-axis", d: `M${LEFT} ${base}H${RIGHT}` }),
      ...[0, 0.5, 1, 1.5, 2].map((tick) =>
        shape(
          "text",
          {
            class: "mg-label",
            x: at(tick),
            y: base + 15,
            "text-anchor": tick ? "middle" : "start",
          },
          written(tick, 1),
        ),
      ),
    ];
  });
}

/** @param {readonly number[]} vector */
const told = (vector) => `(${vector.map((x) => written(x)).join(", ")})`;

/** @param {readonly number[]} vector @param {Norms} norms */
export function sentence(vector, norms) {
  const { meanSquare, out } = normed(vector);
  const says =
    meanSquare === 0
      ? "(0.00, 0.00) stays where it is: without the 0.00001 it would be divided by zero."
      : `${told(vector)} has mean square ${written(meanSquare)}; its image is ${told(out)}.`;
  return (
    `${says} Loss on ${norms.names} unseen names: ${written(norms.with.loss, 3)} with the norms, ` +
    `${written(norms.without.loss, 3)} without.`
  );
}
