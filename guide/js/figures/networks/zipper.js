// Two lists as the two sides of a zip fastener: closed up to the pair that is reached, open behind
// it. Below each pair its product, and what the products add up to so far.

import { svg } from "../../kit/dom.js";
import { short } from "./layer-steps.js";

/** @typedef {{x: number, w: number, product: number, sum: number}} Pair */

const TALL = 34; // px of a tile
const MIDDLE = 96;

/**
 * The pairs that zip makes of two lists.
 * @param {number[]} x
 * @param {number[]} w
 * @returns {Pair[]}
 */
export function pairsOf(x, w) {
  let sum = 0;
  return Array.from({ length: Math.min(x.length, w.length) }, (_, i) => ({
    x: x[i],
    w: w[i],
    product: x[i] * w[i],
    sum: (sum += x[i] * w[i]),
  }));
}

/**
 * @param {{x: number[], w: number[], at: number}} shown at: the pair that is reached
 * @param {number} width
 */
export function zipper({ x, w, at }, width) {
  const pairs = pairsOf(x, w);
  const names = width >= 560 ? 110 : 62;
  const room = width - names - 8;
  const step = Math.min(170, room / Math.max(x.length, w.length));
  const wide = step - Math.min(10, step * 0.14);
  const font = step < 48 ? "small" : null;
  const mid = (/** @type {number} */ i) => names + (i + 0.5) * step;
  const text = (
    /** @type {string} */ words,
    /** @type {number} */ across,
    /** @type {number} */ y,
    /** @type {Record<string, string | null>} */ looks = {},
  ) =>
    svg(
      "text",
      {
        class: "net-text",
        "data-size": font,
        x: across,
        y: y + 5,
        "text-anchor": "middle",
        ...looks,
      },
      words,
    );
  const tile = (
    /** @type {number} */ v,
    /** @type {number} */ i,
    /** @type {"x" | "w"} */ side,
  ) => {
    const open = i <= at ? 1 : Math.min(34, 12 + 8 * (i - at));
    const top = side === "x" ? MIDDLE - open - TALL : MIDDLE + open;
    const state = i >= pairs.length ? "left" : i === at ? "now" : null;
    return svg(
      "g",
      { class: "net-tile", "data-kind": side === "x" ? "x" : "param", "data-state": state },
      svg("rect", { x: mid(i) - wide / 2, y: top, width: wide, height: TALL, rx: 5 }),
      text(short(v), mid(i), top + TALL / 2),
    );
  };
  const rows = { product: MIDDLE + 96, sum: MIDDLE + 136 };
  const start = { "text-anchor": "start" };
  const made = pairs.slice(0, at + 1).flatMap(({ product, sum }, i) => [
    text(short(product), mid(i), rows.product),
    text(short(sum), mid(i), rows.sum, { "data-now": i === at ? "" : null }),
    i
      ? svg("path", {
          class: "net-carry",
          d: `M${mid(i - 1) + wide * 0.42} ${rows.sum}H${mid(i) - wide * 0.42}`,
        })
      : "",
  ]);
  const pull =
    at >= 0
      ? [
          svg("path", {
            class: "net-pull",
            d: `M${mid(at) + step / 2 - 4} ${MIDDLE - 9}h11l8 9l-8 9h-11z`,
          }),
        ]
      : [];
  return svg(
    "svg",
    {
      class: "net-drawing",
      viewBox: `0 0 ${width} ${rows.sum + 24}`,
      role: "img",
      "aria-label": "The two lists, zipped pair by pair, with their products and the sum so far",
    },
    ...x.map((v, i) => tile(v, i, "x")),
    ...w.map((v, i) => tile(v, i, "w")),
    ...pull,
    text("list x", 4, MIDDLE - 18, { ...start, class: "net-name" }),
    text("list w", 4, MIDDLE + 18, { ...start, class: "net-name", "data-kind": "param" }),
    text("x · w", 4, rows.product, start),
    text(names > 100 ? "sum so far" : "sum", 4, rows.sum, start),
    ...made,
  );
}
