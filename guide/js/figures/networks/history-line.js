// The losses so far as a small line, with the goal below it.

import { svg } from "../../kit/dom.js";
import { ticks, written } from "../../kit/text.js";

const EDGE = { left: 34, right: 8, top: 22, bottom: 10 };

/**
 * @param {readonly number[]} losses at least one
 * @param {{goal: number, width: number, height: number}} size
 */
export function historyLine(losses, { goal, width, height }) {
  const most = Math.max(...losses, 2 * goal);
  const px = (/** @type {number} */ i) =>
    EDGE.left + ((i + 0.5) / Math.max(12, losses.length)) * (width - EDGE.left - EDGE.right);
  const py = (/** @type {number} */ v) =>
    height - EDGE.bottom - (v / most) * (height - EDGE.top - EDGE.bottom);
  const last = losses.length - 1;
  return svg(
    "svg",
    {
      class: "net-drawing",
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label":
        `The loss after each of ${losses.length} changes, ` + `now ${written(losses[last], 4)}`,
    },
    svg("text", { class: "mg-label", x: 0, y: 12 }, "MSE after each change; dashed: the goal"),
    ...ticks(0, most, 3).flatMap((v, _, all) => [
      svg("path", { class: "mg-gridline", d: `M${EDGE.left} ${py(v)}H${width - EDGE.right}` }),
      svg(
        "text",
        { class: "mg-label", x: EDGE.left - 6, y: py(v) + 4, "text-anchor": "end" },
        written(v, all[1] < 1 ? (all[1] < 0.1 ? 2 : 1) : 0),
      ),
    ]),
    svg("path", { class: "net-diagonal", d: `M${EDGE.left} ${py(goal)}H${width - EDGE.right}` }),
    svg("path", {
      class: "net-curve",
      d: losses.map((v, i) => `${i ? "L" : "M"}${px(i).toFixed(1)} ${py(v).toFixed(1)}`).join(""),
    }),
    svg("circle", { class: "net-out", cx: px(last), cy: py(losses[last]), r: 5 }),
  );
}
