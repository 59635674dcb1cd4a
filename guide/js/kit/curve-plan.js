// Where the points, ticks and lines of a curve come to lie. No DOM.

import { ticks } from "./text.js";

/** @typedef {{left: number, right: number, top: number, bottom: number}} Box */
/** @typedef {{x: number, y: number}} Point */
/**
 * @typedef {object} Series
 * @property {string} name
 * @property {ArrayLike<number> | Point[]} values numbers stand at 1, 2, 3, …
 * @property {"line" | "dots"} [kind]
 * @property {boolean} [off] not shown at first
 */
/** @typedef {{name: string, y: number}} Floor a line to compare with */

const NAME_HEIGHT = 14; // px of a name's line

/** @param {ArrayLike<number> | Point[]} values @returns {Point[]} */
export function pointsOf(values) {
  return Array.from(/** @type {ArrayLike<any>} */ (values), (v, i) =>
    typeof v === "number" ? { x: i + 1, y: v } : v,
  );
}

/**
 * Ranges and round ticks. The y axis covers all that is shown, floors included, and begins at zero
 * where asked; the x axis reaches `xTo` at least.
 * @param {Point[][]} shown
 * @param {Floor[]} floors
 * @param {{fromZero?: boolean, xTo?: number | null}} [how]
 */
export function plan(shown, floors, { fromZero = false, xTo = null } = {}) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const points of shown) {
    for (const { x, y } of points) {
      if (!Number.isFinite(y)) continue;
      x0 = Math.min(x0, x);
      x1 = Math.max(x1, x);
      y0 = Math.min(y0, y);
      y1 = Math.max(y1, y);
    }
  }
  for (const { y } of floors) {
    y0 = Math.min(y0, y);
    y1 = Math.max(y1, y);
  }
  if (xTo !== null) [x0, x1] = [Math.min(x0, 1), Math.max(x1, xTo)];
  if (!(x1 >= x0)) [x0, x1] = [0, 1];
  if (!(y1 >= y0)) [y0, y1] = [0, 1];
  if (fromZero) [y0, y1] = [Math.min(0, y0), Math.max(0, y1)];
  const room = (y1 - y0 || Math.abs(y1) || 1) * 0.05;
  const low = fromZero && y0 === 0 ? 0 : y0 - room;
  const high = y1 + room;
  if (x1 === x0) x1 = x0 + 1;
  return {
    x: { low: x0, high: x1, ticks: ticks(x0, x1, 6) },
    y: { low, high, ticks: ticks(low, high, 5) },
  };
}

/**
 * At most two points for each of `columns` columns, the lowest and the highest, so that no peak is
 * lost: for drawing alone.
 * @param {Point[]} points
 * @param {number} columns
 */
export function thinned(points, columns) {
  if (points.length <= 2 * columns) return points;
  const kept = [];
  for (let c = 0; c < columns; c++) {
    const part = points.slice(
      Math.floor((c * points.length) / columns),
      Math.floor(((c + 1) * points.length) / columns),
    );
    let [low, high] = [part[0], part[0]];
    for (const p of part) {
      if (p.y < low.y) low = p;
      if (p.y > high.y) high = p;
    }
    kept.push(...(low.x <= high.x ? [low, high] : [high, low]).slice(0, low === high ? 1 : 2));
  }
  return kept;
}

/** The point nearest to x; points are in order of x. @param {Point[]} points @param {number} x */
export function nearest(points, x) {
  if (!points.length) return null;
  let [low, high] = [0, points.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle].x <= x) low = middle;
    else high = middle;
  }
  return x - points[low].x <= points[high].x - x ? points[low] : points[high];
}

/**
 * Mean of the last `window` numbers at each place, of those that are there at the beginning.
 * @param {ArrayLike<number>} numbers
 * @param {number} window
 */
export function trailingMean(numbers, window) {
  let sum = 0;
  return Array.from(numbers, (x, i) => {
    sum += x - (i >= window ? numbers[i - window] : 0);
    return sum / Math.min(i + 1, window);
  });
}

/**
 * Where the name of a line across the plot stands: above or below it, at its right or left end, so
 * that it covers as few points of the curves and as few other names as can be. All in px of the
 * picture.
 * @param {{y: number, width: number}} name y: of its line
 * @param {{left: number, right: number, top: number, bottom: number}} box of the plot
 * @param {{x: number, y: number}[]} points of the curves
 * @param {Box[]} taken by other names
 * @returns {Box}
 */
export function placeOfName({ y, width }, { left, right, top, bottom }, points, taken) {
  /** @type {Box | null} */
  let best = null;
  let least = Infinity;
  for (const end of [right - 2 - width, left + 6]) {
    for (const low of [y - 3, y + 17]) {
      const place = { left: end, right: end + width, top: low - NAME_HEIGHT, bottom: low };
      const outside = place.bottom > bottom || place.top < top - NAME_HEIGHT ? 1000 : 0;
      const others = taken.filter(
        (one) =>
          one.left < place.right &&
          place.left < one.right &&
          one.top < place.bottom &&
          place.top < one.bottom,
      ).length;
      const covered = points.filter(
        (p) =>
          p.x > place.left - 4 && p.x < place.right + 4 && p.y > place.top && p.y < place.bottom,
      ).length;
      const cost = 1000 * others + outside + covered;
      if (cost < least) [best, least] = [place, cost];
    }
  }
  return /** @type {Box} */ (best);
}

/**
 * Places near the given ones, at least `gap` apart, in their order, within `low` and `high` as long
 * as there is room.
 * @param {number[]} wanted
 * @param {number} gap
 * @param {{low: number, high: number}} room
 */
export function spread(wanted, gap, { low, high }) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const places = [...wanted];
  order.forEach((i, k) => {
    const least = k ? places[order[k - 1]] + gap : low;
    places[i] = Math.max(wanted[i], least);
  });
  let most = high;
  for (const i of order.toReversed()) {
    places[i] = Math.min(places[i], most);
    most = places[i] - gap;
  }
  // Half of what they were pushed down is taken back, so that a bunch stands around its middle.
  const down = order.reduce((sum, i) => sum + places[i] - wanted[i], 0) / (order.length || 1);
  return places.map((place) => Math.max(low, place - Math.max(0, down)));
}
