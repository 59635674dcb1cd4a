// A picture in which a point is dragged in two directions takes arrow keys too: it is a slider
// whose value is both numbers. Shift makes ten steps of one.

import { setAll } from "./dom.js";
import { decimals, written } from "./text.js";

const WAYS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
});

/**
 * @param {import("./element.js").KitElement} host
 * @param {SVGSVGElement} picture
 * @param {object} how
 * @param {string} how.label what is moved
 * @param {number} how.most each number goes from minus this to this
 * @param {number} how.step
 * @param {() => readonly [number, number]} how.at to the right, and up
 * @param {(x: number, y: number) => void} how.moved
 * @returns {() => void} says where it is now
 */
export function planeKeys(host, picture, { label, most, step, at, moved }) {
  setAll(picture, {
    role: "slider",
    tabindex: 0,
    "aria-roledescription": "point to move in a plane",
    "aria-label": label,
    "aria-valuemin": -most,
    "aria-valuemax": most,
    "data-keys": "",
  });
  const tell = () => {
    const [x, y] = at();
    setAll(picture, {
      "aria-valuenow": x,
      "aria-valuetext": `${written(x)}, ${written(y)}`.replaceAll("−", "minus "),
    });
  };
  host.listen(picture, "keydown", (event) => {
    const way = WAYS[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const by = step * (event.shiftKey ? 10 : 1);
    const [x, y] = at().map((from, i) => {
      const places = Math.max(decimals(from), decimals(step)); // 0.1 + 0.2 is 0.3 here
      const to = Number((from + way[i] * by).toFixed(Math.min(12, places)));
      return Math.max(-most, Math.min(most, to));
    });
    moved(x, y);
  });
  return tell;
}
