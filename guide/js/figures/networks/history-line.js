// The losses so far as a line, with the goal below it, and beside it those of another who tried.

import { setAll, svg } from "../../kit/dom.js";
import { redraw, shape } from "../../kit/shapes.js";
import { ticks, written } from "../../kit/text.js";

const EDGE = { left: 34, right: 8, top: 48, bottom: 10 };

/**
 * @typedef {object} Losses
 * @property {readonly number[]} own at least one
 * @property {readonly number[]} other none where nobody else has tried
 * @property {number} goal
 * @property {number} width
 * @property {number} height
 */

export class HistoryLine {
  /** @param {string} rival who else tries */
  constructor(rival) {
    this.rival = rival;
    this.picture = svg("svg", { class: "net-drawing", role: "img" });
  }

  /** @param {Losses} losses */
  show({ own, other, goal, width, height }) {
    const most = Math.max(...own, ...other, 2 * goal);
    const longest = Math.max(12, own.length, other.length);
    const px = (/** @type {number} */ i) =>
      EDGE.left + ((i + 0.5) / longest) * (width - EDGE.left - EDGE.right);
    const py = (/** @type {number} */ v) =>
      height - EDGE.bottom - (v / most) * (height - EDGE.top - EDGE.bottom);
    const points = (/** @type {readonly number[]} */ all) =>
      all.map((v, i) => `${px(i).toFixed(1)},${py(v).toFixed(1)}`).join(" ");
    const last = own.length - 1;
    const label =
      `The loss after each of ${own.length} changes, now ${written(own[last], 4)}` +
      (other.length
        ? `; ${this.rival}: ${written(other[other.length - 1], 4)} after ${other.length - 1} steps`
        : "");
    setAll(this.picture, { viewBox: `0 0 ${width} ${height}`, "aria-label": label });
    const words = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ text) =>
      shape("text", { class: "mg-label", x, y }, text);
    redraw(this.picture, [
      words(0, 12, "MSE after each change; dashed: the goal"),
      ...key(6, 28, "own"),
      words(16, 32, "you"),
      ...(other.length ? [...key(58, 28, "other"), words(68, 32, this.rival)] : []),
      ...ticks(0, most, 3).flatMap((v, _, all) => [
        shape("path", { class: "mg-gridline", d: `M${EDGE.left} ${py(v)}H${width - EDGE.right}` }),
        shape(
          "text",
          { class: "mg-label", x: EDGE.left - 6, y: py(v) + 4, "text-anchor": "end" },
          written(v, all[1] < 1 ? (all[1] < 0.1 ? 2 : 1) : 0),
        ),
      ]),
      shape("path", {
        class: "net-diagonal",
        d: `M${EDGE.left} ${py(goal)}H${width - EDGE.right}`,
      }),
      shape("polyline", { class: "net-curve", points: points(own) }),
      ...key(px(last), py(own[last]), "own"),
      ...(other.length
        ? [
            shape("polyline", { class: "net-curve net-rival", points: points(other) }),
            ...key(px(other.length - 1), py(other[other.length - 1]), "other"),
          ]
        : []),
    ]);
  }
}

/**
 * The mark at a line's end: a dot, or a square.
 * @param {number} x
 * @param {number} y
 * @param {"own" | "other"} whose
 */
function key(x, y, whose) {
  const [at, down] = [x.toFixed(1), y.toFixed(1)];
  if (whose === "other")
    return [
      shape("polygon", {
        class: "net-rival-mark",
        points: [
          [-4.5, -4.5],
          [4.5, -4.5],
          [4.5, 4.5],
          [-4.5, 4.5],
        ]
          .map(([dx, dy]) => `${(x + dx).toFixed(1)},${(y + dy).toFixed(1)}`)
          .join(" "),
      }),
    ];
  return [shape("circle", { class: "net-own-mark", cx: at, cy: down, r: 5 })];
}
