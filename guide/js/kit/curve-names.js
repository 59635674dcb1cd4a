// Names at the ends of curves, apart from each other, each with a thin line to its end.

import { spread } from "./curve-plan.js";
import { svg } from "./dom.js";

const GAP = 16; // px from one name to the next

/**
 * @param {{i: number, name: string, x: number, y: number}[]} ends i: the curve's number
 * @param {{low: number, high: number}} room px from top to bottom
 */
export function namesAt(ends, room) {
  const wanted = ends.map(({ y }) => y);
  const places = spread(wanted, GAP, room);
  return ends.flatMap(({ i, name, x, y }, k) => [
    svg("path", {
      class: "mg-cursor-line",
      d: `M${(x + 2).toFixed(1)} ${y.toFixed(1)}L${(x + 12).toFixed(1)} ${places[k].toFixed(1)}`,
    }),
    svg("text", { class: `mg-curve-name mg-series-${i % 6}`, x: x + 15, y: places[k] + 4 }, name),
  ]);
}
