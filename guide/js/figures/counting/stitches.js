// Arrows of names over the table of counts: from cell to cell, each with the letter that came, as
// shapes. No DOM.

import { shape } from "../../kit/shapes.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/** @typedef {import("../../kit/heat-cells.js").Place} Place */
/** @typedef {[number, number]} Spot */

const BEND = 0.16;
const HEAD = 9;
const ROOM = 8;
const LOOP = 13;

/** @param {number} x */
const short = (x) => x.toFixed(1);
const said = (/** @type {Spot} */ spot) => spot.map(short).join(" ");
const mix = (/** @type {Spot} */ a, /** @type {Spot} */ b, /** @type {number} */ share) =>
  /** @type {Spot} */ ([a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]);

/** The middle of a pair's cell. @param {Place} place @param {readonly number[]} pair */
export const spotOf = ({ left, top, w, h }, [row, column]) =>
  /** @type {Spot} */ ([left + (column + 0.5) * w, top + (row + 0.5) * h]);

/**
 * One stitch up to a share of its way: a bent line with a head, or a loop where the same pair comes
 * again.
 * @param {Spot} from
 * @param {Spot} to
 * @param {number} share
 */
function stitch(from, to, share) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const long = Math.hypot(dx, dy);
  if (long < 1) {
    const [x, y] = to;
    return {
      line: `M${short(x - 4)} ${short(y)}c${-LOOP} ${-LOOP * 1.6} ${LOOP + 8} ${-LOOP * 1.6} 8 0`,
      head: "",
    };
  }
  const bend = /** @type {Spot} */ ([
    (from[0] + to[0]) / 2 - dy * BEND,
    (from[1] + to[1]) / 2 + dx * BEND,
  ]);
  const aside = Math.hypot(to[0] - bend[0], to[1] - bend[1]);
  const tip = mix(to, bend, Math.min(0.5, ROOM / Math.max(1, aside))); // the letter has room
  const [a, b] = [mix(from, bend, share), mix(bend, tip, share)];
  const end = mix(a, b, share);
  const turn = Math.atan2(b[1] - a[1], b[0] - a[0]);
  const side = (/** @type {number} */ by) =>
    said([end[0] - HEAD * Math.cos(turn + by), end[1] - HEAD * Math.sin(turn + by)]);
  return {
    line: `M${said(from)}Q${said(a)} ${said(end)}`,
    head: long > HEAD ? `M${said(end)}L${side(0.45)}L${side(-0.45)}z` : "",
  };
}

/**
 * The stitches of one name.
 * @param {readonly (readonly number[])[]} pairs
 * @param {Place} place of the table's cells
 * @param {(token: number) => string} name of a token
 * @param {number} [done] how many are made; a part of one is drawn as far as it is
 * @returns {Shape[]}
 */
export function stitches(pairs, place, name, done = pairs.length) {
  const spots = pairs.map((pair) => spotOf(place, pair));
  const start = /** @type {Spot} */ ([place.left - 4, place.top + (pairs[0][0] + 0.5) * place.h]);
  const made = spots.slice(0, Math.ceil(done)).map((to, i) => {
    const share = Math.min(1, done - i);
    return stitch(i ? spots[i - 1] : start, to, share);
  });
  const there = spots.slice(0, Math.floor(done));
  return [
    shape("path", { class: "count-stitch", d: made.map(({ line }) => line).join("") }),
    shape("path", { class: "count-head", d: made.map(({ head }) => head).join("") }),
    ...there.map(([x, y], i) =>
      shape(
        "text",
        { class: "count-letter", x: short(x), y: short(y), "dominant-baseline": "central" },
        name(pairs[i][1]),
      ),
    ),
  ];
}
