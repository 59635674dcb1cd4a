// The weights of one row as a fan: from every input a line to the one output, as thick as the
// weight is large.

import { svg } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import { signOf } from "./neuron-picture.js";

/**
 * @param {number[]} row
 * @param {{least: number, name: string, width: number}} how least: smaller ones aren't drawn
 * @returns {[SVGSVGElement, number]} and how many are drawn
 */
export function fan(row, { least, name, width }) {
  const tall = width >= 560 ? 430 : 400;
  const gap = Math.min(27, tall / row.length);
  const height = Math.max(120, gap * row.length + 26);
  const most = Math.max(...row.map(Math.abs));
  const end = { x: width - 44, y: height / 2 + 10 };
  const every = Math.ceil(15 / gap);
  const label = (
    /** @type {string | number} */ text,
    /** @type {number} */ x,
    /** @type {number} */ y,
  ) => svg("text", { class: "mg-label", x, y, "text-anchor": "end" }, text);
  const drawn = row.map((w) => Math.abs(w) >= least);
  const strongest = row.findIndex((w) => Math.abs(w) === most);
  const lines = row.map((w, i) => {
    const y = 22 + gap * (i + 0.5);
    return [
      drawn[i]
        ? svg(
            "path",
            {
              class: "net-edge",
              "data-sign": signOf(w),
              d: `M64 ${y}L${end.x - 30} ${end.y}`,
              "stroke-width": ((9 * Math.abs(w)) / most).toFixed(2),
            },
            svg("title", {}, `input ${i}: ${written(w, 3)}`),
          )
        : "",
      svg("circle", { class: "net-node", cx: 58, cy: y, r: Math.min(6, gap / 2.5) }),
      i % every ? "" : label(i, 44, y + 4),
    ];
  });
  return [
    svg(
      "svg",
      {
        class: "net-drawing",
        viewBox: `0 0 ${width} ${height}`,
        role: "img",
        "aria-label":
          `The ${row.length} weights that lead into ${name}, as lines: thicker is larger, orange ` +
          "above zero, blue and dashed below",
      },
      svg("text", { class: "mg-label", x: 4, y: 13 }, "input"),
      ...lines.flat(),
      svg("circle", { class: "net-node", cx: end.x, cy: end.y, r: 32 }),
      svg("text", { class: "net-text", x: end.x, y: end.y + 5, "text-anchor": "middle" }, name),
      svg(
        "text",
        {
          class: "net-text mg-halo",
          x: 74,
          y: 22 + gap * (strongest + 0.5) - 7,
          "text-anchor": "start",
        },
        written(row[strongest], 3),
      ),
    ),
    drawn.filter(Boolean).length,
  ];
}
