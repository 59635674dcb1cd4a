// Which cell a line of sight meets first, and which names have room in the picture. No DOM.

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./camera.js").Ray} Ray */

export const HALF = 0.44; // of a cell's side, as it is drawn

/**
 * How far along the ray a box begins; Infinity where it isn't met.
 * @param {Ray} ray
 * @param {ArrayLike<number>} low
 * @param {ArrayLike<number>} high
 */
export function meets({ origin, direction }, low, high) {
  let [near, far] = [0, Infinity];
  for (let i = 0; i < 3; i++) {
    const inverse = 1 / direction[i];
    const [a, b] = [(low[i] - origin[i]) * inverse, (high[i] - origin[i]) * inverse];
    near = Math.max(near, Math.min(a, b));
    far = Math.min(far, Math.max(a, b));
  }
  return near <= far ? near : Infinity;
}

/**
 * Whether any of a box can be in the picture: not if all its corners are off it on one side.
 * @param {Float32Array} matrix
 * @param {import("./layout.js").Box} box
 */
export function isSeen(matrix, { low, high }) {
  const off = [0, 0, 0, 0, 0]; // corners to the left, to the right, below, above, behind the eye
  for (let corner = 0; corner < 8; corner++) {
    const at = low.map((x, i) => (corner & (1 << i) ? high[i] : x));
    const [x, y, , w] = [0, 1, 2, 3].map(
      (row) =>
        matrix[row] * at[0] + matrix[4 + row] * at[1] + matrix[8 + row] * at[2] + matrix[12 + row],
    );
    [x < -w, x > w, y < -w, y > w, w <= 0].forEach((is, side) => (off[side] += Number(is)));
  }
  return off.every((corners) => corners < 8);
}

/**
 * The cell that is seen there, -1 for none.
 * @param {Ray} ray
 * @param {Layout} layout
 * @param {(cell: number) => number} sizeOf how large a cell is drawn, 0 to 1
 */
export function pick(ray, layout, sizeOf) {
  let [best, nearest] = [-1, Infinity];
  const [low, high] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (const { box, start, end } of layout.panels) {
    if (meets(ray, box.low, box.high) >= nearest) continue;
    for (let cell = start; cell < end; cell++) {
      const half = HALF * sizeOf(cell);
      if (!(half > 0)) continue;
      for (let i = 0; i < 3; i++) {
        const middle = layout.centers[3 * cell + i];
        low[i] = middle - half;
        high[i] = middle + half;
      }
      const away = meets(ray, low, high);
      if (away < nearest) [best, nearest] = [cell, away];
    }
  }
  return best;
}

/**
 * Names that don't stand on each other; those that matter most come first.
 * @template {{x: number, y: number, width: number, height: number}} T
 * @param {T[]} names x and y are the middle
 * @returns {Set<T>}
 */
export function withRoom(names) {
  /** @type {T[]} */
  const kept = [];
  for (const one of names) {
    const hits = kept.some(
      (other) =>
        Math.abs(one.x - other.x) < (one.width + other.width) / 2 &&
        Math.abs(one.y - other.y) < (one.height + other.height) / 2,
    );
    if (!hits) kept.push(one);
  }
  return new Set(kept);
}
