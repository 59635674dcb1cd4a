// Two models' losses at each step of a name: bars beside each other, their means as lines.

import { svg } from "../../kit/dom.js";
import { ticks, written } from "../../kit/text.js";
import { spread } from "../../kit/curve-plan.js";

const EDGE = { left: 50, right: 112, top: 40, bottom: 34 };

/**
 * @param {{name: string, values: [number, number] | number[]}[]} steps
 * @param {{name: string, mean: number}[]} series
 * @param {number} width
 */
export function lossPairs(steps, series, width) {
  const isWide = width >= 560;
  const height = isWide ? 380 : 300;
  const edge = { ...EDGE, right: isWide ? EDGE.right : 84 };
  const marks = ticks(0, Math.max(1, ...steps.flatMap(({ values }) => values)) * 1.06, 5);
  const most = Math.max(marks[marks.length - 1], ...steps.flatMap(({ values }) => values)) * 1.02;
  const px = (/** @type {number} */ i) =>
    edge.left + (i / steps.length) * (width - edge.left - edge.right);
  const py = (/** @type {number} */ v) =>
    height - edge.bottom - (v / most) * (height - edge.top - edge.bottom);
  const step = px(1) - px(0);
  const wide = Math.min(46, step * 0.34);
  const hasNumbers = wide > 26;
  const text = (
    /** @type {string} */ words,
    /** @type {number} */ x,
    /** @type {number} */ y,
    /** @type {Record<string, string>} */ looks = {},
  ) => svg("text", { class: "mg-label", x, y, "text-anchor": "middle", ...looks }, words);
  const places = spread(
    series.map(({ mean }) => py(mean)),
    36,
    { low: edge.top, high: height - edge.bottom },
  );
  const end = width - edge.right;
  return svg(
    "svg",
    {
      class: "net-drawing",
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": "Loss at each step of the name, counts beside network",
    },
    text("loss −ln p, nats", 0, 14, { "text-anchor": "start" }),
    ...marks.flatMap((v) => [
      svg("path", { class: "mg-gridline", d: `M${edge.left} ${py(v)}H${end}` }),
      text(written(v, marks[1] % 1 ? 1 : 0), edge.left - 8, py(v) + 4, { "text-anchor": "end" }),
    ]),
    ...steps.flatMap(({ name, values }, i) => [
      ...values.flatMap((v, k) => {
        const x = (px(i) + px(i + 1)) / 2 + (k - 1) * wide;
        return [
          svg("rect", {
            class: `net-pair mg-series-${k}`,
            x: x + 1,
            y: py(v),
            width: wide - 2,
            height: Math.max(0, py(0) - py(v)),
          }),
          hasNumbers
            ? text(written(v), x + wide / 2, py(v) - 5, { class: "mg-label mg-halo" })
            : "",
        ];
      }),
      text(
        step > 64 ? name : name.replaceAll("BOS", "·").replace(" → ", "→"),
        (px(i) + px(i + 1)) / 2,
        height - edge.bottom + 20,
        { class: step > 40 ? "net-text" : "mg-label" },
      ),
    ]),
    svg("path", { class: "net-axis", d: `M${edge.left} ${py(0)}H${end}` }),
    ...series.flatMap(({ name, mean }, k) => [
      svg("path", {
        class: `net-mean-line mg-series-${k}`,
        d: `M${edge.left} ${py(mean)}H${end}L${end + 8} ${places[k]}`,
      }),
      text(name, end + 12, places[k], {
        class: `mg-curve-name mg-series-${k}`,
        "text-anchor": "start",
      }),
      text(`mean ${written(mean)}`, end + 12, places[k] + 16, {
        class: `mg-curve-name mg-series-${k}`,
        "text-anchor": "start",
      }),
    ]),
  );
}
