// Products of one row of a layer as arrows, each beginning where the one before it ends; the last
// one ends at the output.

import { svg } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import { reachOf } from "./neuron-picture.js";

const STEP = 13; // px from one arrow down to the next
const EDGE = 14;

/** @param {number[]} products */
export function sumsOf(products) {
  const sums = [0];
  for (const p of products) sums.push(sums[sums.length - 1] + p);
  return sums;
}

/** How far the axis has to reach for several rows. @param {number[][]} rows of products */
export const reachOfRows = (rows) => reachOf(rows.flatMap(sumsOf), 2);

/**
 * @param {number[]} products
 * @param {{width: number, reach: number, label: string}} how
 */
export function tipToTip(products, { width, reach, label }) {
  const sums = sumsOf(products);
  const px = (/** @type {number} */ v) => EDGE + ((v + reach) / (2 * reach)) * (width - 2 * EDGE);
  const axis = 8 + STEP * products.length + 4;
  const end = sums[products.length];
  return svg(
    "svg",
    {
      class: "net-drawing",
      viewBox: `0 0 ${width} ${axis + 20}`,
      role: "img",
      "aria-label": label,
    },
    svg("path", { class: "net-drop", d: `M${px(0)} 2V${axis}` }),
    ...products.flatMap((product, i) => {
      const y = 8 + STEP * i;
      const [a, b] = [px(sums[i]), px(sums[i + 1])];
      const tip = Math.min(8, Math.abs(b - a));
      const way = Math.sign(b - a);
      const sign = product < 0 ? "−" : "+";
      return [
        svg("path", {
          class: "net-drop",
          d: `M${b} ${y}V${i < products.length - 1 ? y + STEP : axis}`,
        }),
        svg("path", {
          class: "net-arrow",
          "data-sign": sign,
          d: `M${a} ${y}H${b - way * tip * 0.7}`,
        }),
        svg("path", {
          class: "net-tip",
          "data-sign": sign,
          d: `M${b} ${y}l${-way * tip} ${-tip * 0.62}v${tip * 1.24}Z`,
        }),
      ];
    }),
    svg("path", {
      class: "net-axis",
      d:
        `M${px(-reach)} ${axis}H${px(reach)}` +
        [-reach, 0, reach].map((v) => `M${px(v)} ${axis - 3}v6`).join(""),
    }),
    ...[-reach, 0, reach].map((v) =>
      svg(
        "text",
        { class: "mg-label", x: px(v), y: axis + 17, "text-anchor": "middle" },
        written(v, reach < 1 ? 1 : 0),
      ),
    ),
    svg("circle", { class: "net-out", cx: px(end), cy: axis, r: 6 }),
  );
}
