// The row under discussion over the table of counts: it pulses, its cells grow into probabilities,
// and a number between 0 and 1 falls into one of them. As shapes. No DOM.

import { shape } from "../../kit/shapes.js";
import { written } from "../../kit/text.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/** @typedef {import("../../kit/heat-cells.js").Place} Place */

const PULSE = 0.28; // shares of the scene's time: the row pulses, its bars grow, the number comes
const GROWN = 0.6;
const BARS = 0.42; // of the table's height
const LINE = { up: 74, high: 30 };
const NAMED = 0.035; // share that has a name on the line
const NUMBERED = [0.045, 0.09]; // and one that has its number under its bar, where bars are narrow
const NARROW = 20;

/** @param {number} x */
const short = (x) => x.toFixed(1);
const within = (/** @type {number} */ x) => Math.max(0, Math.min(1, x));

/**
 * @param {{row: number, shares: number[], number: number, token: number}} now
 * @param {Place} place
 * @param {(token: number) => string} name
 * @param {number} [done] from 0 to 1: how much of the scene has passed
 * @returns {Shape[]}
 */
export function rowDraw({ row, shares, number, token }, place, name, done = 1) {
  const { left, top, w, h } = place;
  const [wide, high] = [shares.length * w, shares.length * h];
  const y = top + row * h;
  const pulse = done < PULSE ? Math.sin((done / PULSE) * Math.PI) : 0;
  const grown = within((done - PULSE) / (GROWN - PULSE));
  const drawn = within((done - GROWN) / (1 - GROWN));
  const most = Math.max(...shares);
  const longest = BARS * high;
  const base = y + h + 4;
  const line = top + high - LINE.up;
  /** @type {Shape[]} */
  const bars = [];
  /** @type {Shape[]} */
  const parts = [];
  let from = 0;
  shares.forEach((share, i) => {
    const x = left + i * w;
    const long = (share / most) * longest * grown;
    const lit = drawn === 1 && i === token;
    bars.push(
      shape("rect", {
        class: lit ? "count-bar count-drawn" : "count-bar",
        x: short(x + w * 0.14),
        y: short(base),
        width: short(w * 0.72),
        height: short(long),
      }),
    );
    if (share >= NUMBERED[Number(w < NARROW)] && grown === 1)
      bars.push(
        shape(
          "text",
          { class: "count-share", x: short(x + w / 2), y: short(base + long + 13) },
          written(share, 2).replace("0.", "."),
        ),
      );
    const [start, long2] = [left + from * wide, share * wide];
    from += share;
    parts.push(
      shape("rect", {
        class: lit ? "count-part count-drawn" : "count-part",
        x: short(start),
        y: short(line),
        width: short(long2),
        height: LINE.high,
      }),
    );
    if (share >= NAMED)
      parts.push(
        shape(
          "text",
          { class: "count-part-name", x: short(start + long2 / 2), y: short(line + 20) },
          name(i),
        ),
      );
  });
  const at = left + number * wide * drawn;
  return [
    shape("rect", {
      class: "count-veil",
      x: short(left - 1),
      y: short(y + h),
      width: short(wide + 2),
      height: short(top + high - y - h + 2),
      opacity: short(within(done / PULSE)),
    }),
    shape("rect", {
      class: "count-row",
      x: short(left - 1 - 3 * pulse),
      y: short(y - 1 - 3 * pulse),
      width: short(wide + 6 * pulse),
      height: short(h + 1 + 6 * pulse),
      "stroke-width": short(2 + 3 * pulse),
    }),
    ...bars,
    ...(drawn > 0
      ? [
          ...parts,
          ...[0, 1].map((end) =>
            shape(
              "text",
              { class: "count-end", x: short(left + end * wide), y: short(line + LINE.high + 18) },
              String(end),
            ),
          ),
          shape("path", {
            class: "count-number",
            d: `M${short(at)} ${short(line - 8)}V${short(line + LINE.high + 6)}`,
          }),
          shape(
            "text",
            {
              class: "count-number-name",
              x: short(Math.max(left + 40, Math.min(left + wide - 40, at))),
              y: short(line - 13),
            },
            drawn === 1 ? `${written(number, 3)}: ${name(token)}` : written(number * drawn, 3),
          ),
        ]
      : []),
  ];
}
