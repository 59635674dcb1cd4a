// The eye: where it stands, what it sees, and which line into the scene a pixel means. Angles in
// degrees, matrices by columns, as WebGL has them. No DOM.

import { around } from "./layout.js";

/** @typedef {import("./layout.js").Point} Point */
/** @typedef {import("./layout.js").Box} Box */
/** @typedef {{turn: number, tilt: number}} Angles turn: to the right around y; tilt: up */
/** @typedef {Angles & {target: Point, distance: number}} View */
/** @typedef {{origin: Point, direction: Point}} Ray */

const FIELD = (34 * Math.PI) / 180; // height of what is seen
export const FIRST = Object.freeze({ turn: -24, tilt: 16 });
export const LIMITS = Object.freeze({ turn: 80, tilt: 80, least: 0.5, most: 12 });

const rad = (/** @type {number} */ degrees) => (degrees * Math.PI) / 180;
const clamp = (/** @type {number} */ x, /** @type {number} */ low, /** @type {number} */ high) =>
  Math.max(low, Math.min(high, x));

/**
 * The eye's own axes: to its right, up, and towards it.
 * @param {Angles} view
 * @returns {[Point, Point, Point]}
 */
export function axes({ turn, tilt }) {
  const [st, ct, su, cu] = [
    Math.sin(rad(turn)),
    Math.cos(rad(turn)),
    Math.sin(rad(tilt)),
    Math.cos(rad(tilt)),
  ];
  return [
    [ct, 0, -st],
    [-st * su, cu, -ct * su],
    [st * cu, su, ct * cu],
  ];
}

const dot = (/** @type {Point} */ a, /** @type {Point} */ b) =>
  a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** @param {View} view @returns {Point} */
export function eyePoint(view) {
  const back = axes(view)[2];
  return /** @type {Point} */ (view.target.map((x, i) => x + back[i] * view.distance));
}

/**
 * From the scene to the picture, whose corners are (±1, ±1).
 * @param {View} view
 * @param {number} aspect width over height
 */
export function pictureMatrix(view, aspect) {
  const [right, up, back] = axes(view);
  const eye = eyePoint(view);
  const f = 1 / Math.tan(FIELD / 2);
  const near = Math.max(0.5, view.distance / 20);
  const far = view.distance + 500;
  const [a, b] = [(far + near) / (near - far), (2 * far * near) / (near - far)];
  const m = new Float32Array(16);
  for (let i = 0; i < 3; i++) {
    m[4 * i] = (f / aspect) * right[i];
    m[4 * i + 1] = f * up[i];
    m[4 * i + 2] = a * back[i];
    m[4 * i + 3] = -back[i];
  }
  m[12] = (-f / aspect) * dot(right, eye);
  m[13] = -f * dot(up, eye);
  m[14] = -a * dot(back, eye) + b;
  m[15] = dot(back, eye);
  return m;
}

/** Where a point is in the picture, and how far away. @param {Float32Array} m @param {Point} p */
export function projected(m, [x, y, z]) {
  const w = m[3] * x + m[7] * y + m[11] * z + m[15];
  return {
    x: (m[0] * x + m[4] * y + m[8] * z + m[12]) / w,
    y: (m[1] * x + m[5] * y + m[9] * z + m[13]) / w,
    away: w,
  };
}

/**
 * The line that goes through a place of the picture.
 * @param {View} view
 * @param {number} aspect
 * @param {number} x from -1 to 1
 * @param {number} y
 * @returns {Ray}
 */
export function rayThrough(view, aspect, x, y) {
  const [right, up, back] = axes(view);
  const half = Math.tan(FIELD / 2);
  return {
    origin: eyePoint(view),
    direction: /** @type {Point} */ (
      right.map((r, i) => r * x * half * aspect + up[i] * y * half - back[i])
    ),
  };
}

/**
 * The view that has all these boxes in the middle of the picture.
 * @param {Box[]} boxes
 * @param {Angles} angles
 * @param {number} aspect
 * @returns {View}
 */
export function framing(boxes, angles, aspect) {
  const axis = axes(angles);
  const half = Math.tan(FIELD / 2);
  const all = around(boxes);
  const middle = /** @type {Point} */ (all.low.map((x, i) => (x + all.high[i]) / 2));
  // each corner along the eye's axes, from the middle
  const corners = boxes
    .flatMap(({ low, high }) =>
      Array.from(
        { length: 8 },
        (_, n) =>
          /** @type {Point} */ (low.map((x, i) => (n & (1 << i) ? high[i] : x) - middle[i])),
      ),
    )
    .map((p) => axis.map((a) => dot(a, p)));
  let [x, y, distance] = [0, 0, 1];
  const fit = () => {
    for (const [r, u, b] of corners)
      distance = Math.max(
        distance,
        Math.abs(r - x) / (half * aspect) + b,
        Math.abs(u - y) / half + b,
      );
  };
  fit();
  for (let turn = 0; turn < 4; turn++) {
    // near corners reach farther out: what is seen is brought to the middle
    const seen = (/** @type {number} */ k, /** @type {number} */ at) =>
      corners.map((p) => (p[k] - at) / (distance - p[2]));
    const [across, up] = [seen(0, x), seen(1, y)];
    x += ((Math.max(...across) + Math.min(...across)) / 2) * distance;
    y += ((Math.max(...up) + Math.min(...up)) / 2) * distance;
    distance = 1;
    fit();
  }
  const target = /** @type {Point} */ (middle.map((m, i) => m + axis[0][i] * x + axis[1][i] * y));
  return { ...angles, target, distance: distance * 1.1 };
}

/**
 * Nearer or farther by a factor, and moved within the picture.
 * @param {View} view
 * @param {number} zoom
 * @param {number} dx in widths of what is seen
 * @param {number} dy
 * @returns {View}
 */
export function moved(view, zoom, dx, dy) {
  const [right, up] = axes(view);
  const distance = view.distance / zoom;
  const size = 2 * distance * Math.tan(FIELD / 2);
  return {
    ...view,
    distance,
    target: /** @type {Point} */ (
      view.target.map((x, i) => x + (right[i] * dx + up[i] * dy) * size)
    ),
  };
}

/** @param {Angles} angles @param {number} turn @param {number} tilt @returns {Angles} */
export const orbited = (angles, turn, tilt) => ({
  turn: clamp(angles.turn + turn, -LIMITS.turn, LIMITS.turn),
  tilt: clamp(angles.tilt + tilt, -LIMITS.tilt, LIMITS.tilt),
});

/** @param {number} zoom @param {number} by */
export const zoomed = (zoom, by) => clamp(zoom * by, LIMITS.least, LIMITS.most);

/**
 * Between two views: 0 is the first, 1 the second.
 * @param {View} a
 * @param {View} b
 * @param {number} share
 * @returns {View}
 */
export function between(a, b, share) {
  const mix = (/** @type {number} */ x, /** @type {number} */ y) => x + (y - x) * share;
  return {
    turn: mix(a.turn, b.turn),
    tilt: mix(a.tilt, b.tilt),
    distance: Math.exp(mix(Math.log(a.distance), Math.log(b.distance))),
    target: /** @type {Point} */ (a.target.map((x, i) => mix(x, b.target[i]))),
  };
}
