// A surface over the plane, seen from a turned and tilted eye: where its points come to lie on
// paper, and its patches from the far ones to the near. Parallel projection. No DOM.

import { decimals, ticks, written } from "../../kit/text.js";

/** @typedef {{x: number, y: number, far: number}} Seen right, down, and away from the eye */
/** @typedef {{turn: number, tilt: number}} Eye degrees; tilt 90 looks straight down */
/**
 * @typedef {{i: number, j: number, far: number, height: number, corners: Seen[]}} Patch
 *   height: mean
 */

/** @type {Readonly<Eye>} */
export const EYE = Object.freeze({ turn: 35, tilt: 30 });

/**
 * @param {Eye} eye
 * @param {number} x to the right
 * @param {number} y into the depth
 * @param {number} height
 * @returns {Seen}
 */
export function project(eye, x, y, height) {
  return projecting(eye)(x, y, height);
}

/** The same for many points: sines and cosines are worked out once. @param {Eye} eye */
function projecting({ turn, tilt }) {
  const [a, b] = [(turn * Math.PI) / 180, (tilt * Math.PI) / 180];
  const [cosA, sinA, cosB, sinB] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
  return (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ height) => {
    const deep = x * sinA + y * cosA;
    return {
      x: x * cosA - y * sinA,
      y: -(deep * sinB + height * cosB),
      far: deep * cosB - height * sinB,
    };
  };
}

/**
 * The patches between neighbouring points of a square grid, the farthest first.
 * @param {number[][]} heights [j][i] over x = i, y = j
 * @param {Eye} eye
 * @param {{reach: number, lift: number}} size half a side, and how high a height of 1 stands
 * @returns {Patch[]}
 */
export function patches(heights, eye, { reach, lift }) {
  const n = heights.length;
  const see = projecting(eye);
  const place = (/** @type {number} */ k) => -reach + (2 * reach * k) / (n - 1);
  const seen = heights.map((row, j) => row.map((h, i) => see(place(i), place(j), lift * h)));
  const all = [];
  for (let j = 0; j + 1 < n; j++) {
    for (let i = 0; i + 1 < n; i++) {
      const corners = [seen[j][i], seen[j][i + 1], seen[j + 1][i + 1], seen[j + 1][i]];
      const [p, q, r, s] = corners;
      const height =
        (heights[j][i] + heights[j][i + 1] + heights[j + 1][i + 1] + heights[j + 1][i]) / 4;
      all.push({ i, j, far: (p.far + q.far + r.far + s.far) / 4, height, corners });
    }
  }
  return all.sort((a, b) => b.far - a.far);
}

/**
 * The names and numbers along the two near sides of the floor, and an axis of the height at the
 * corner that stands farthest left; none where one looks down on it.
 * @param {Eye} eye
 * @param {{reach: number, most: number, lift: number}} size most: the greatest height
 */
export function framing(eye, { reach, most, lift }) {
  const see = projecting(eye);
  const at = (/** @type {number} */ x, /** @type {number} */ y, h = 0) => see(x, y, h);
  const near = {
    x: at(0, reach).far < at(0, -reach).far ? 1 : -1,
    y: at(reach, 0).far < at(-reach, 0).far ? 1 : -1,
  };
  const out = reach * 1.17;
  const floor = [-reach, 0, reach].flatMap((v) => {
    const text = `${v < 0 ? "−" : ""}${Math.abs(v)}`;
    return [
      { at: at(0.97 * v, near.x * out), text: v ? text : "x₁" },
      { at: at(near.y * out, 0.97 * v), text: v ? text : "x₂" },
    ];
  });
  const corners = [-reach, reach].flatMap((x) => [-reach, reach].map((y) => [x, y]));
  const [x, y] = corners.reduce((a, b) => (at(b[0], b[1]).x < at(a[0], a[1]).x ? b : a));
  if (eye.tilt > 75) return { floor, height: null };
  const foot = at(x, y);
  const shifted = (/** @type {Seen} */ seen, /** @type {number} */ by) => ({
    ...seen,
    x: seen.x - by,
  });
  const top = at(x, y, lift * most * 1.04);
  return {
    floor,
    height: {
      line: [foot, top],
      name: { ...top, y: top.y - 0.32 },
      ticks: ticks(0, most, 4).map((v, _, all) => {
        const place = at(x, y, lift * v);
        return {
          mark: [shifted(place, 0.1), shifted(place, -0.1)],
          at: shifted(place, 0.2),
          text: v ? written(v, Math.max(...all.map(decimals))) : "", // 0 is the floor
        };
      }),
    },
  };
}

/**
 * An eye after turning and tilting: turns go round, tilts stay between level and above.
 * @param {Eye} eye
 * @param {number} turn
 * @param {number} tilt
 * @returns {Eye}
 */
export function turned(eye, turn, tilt) {
  return {
    turn: (((eye.turn + turn) % 360) + 360) % 360,
    tilt: Math.max(5, Math.min(90, eye.tilt + tilt)),
  };
}
