// The drawing of <mg-embeddings> as shapes, for the page and for the picture that stands there
// without scripts: letters in their plane, the chosen one with its neighbours or at its sixteen
// positions, and what the model writes after it. No DOM.

import { shape } from "../../kit/shapes.js";
import { written } from "../../kit/text.js";
import { moved, nearest, nextAfter, placeOf, planeOf, summed } from "./embedding-plane.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/** @typedef {import("./real-model.js").Real} Real */
/** @typedef {[number, number]} Spot */
/** @typedef {{x: number, y: number, wide: number, high: number}} Box around its middle */
/**
 * @typedef {object} Now what is chosen
 * @property {number} token
 * @property {readonly number[]} by how far it was moved along the two axes
 * @property {boolean} positions
 * @property {number} at
 */

export const NEIGHBOURS = 3;
export const MOST_BARS = 7;
export const REACH = { left: -1.08, right: 1.22, low: -0.8, high: 0.86 };
const EDGE = { left: 34, right: 10, top: 24, bottom: 40 };
const DOT = 4;
const CLOSE = { wide: 0.42, up: 0.09 }; // what is seen of the sixteen: half of it, and how far up
const RINGS = [13, 17, 22, 28, 35, 43, 52]; // how far a letter stands from its dot
const TURNS = 16;

/** What is seen around a letter, so that its positions lie apart. @param {number[]} place */
function closeTo([x, y]) {
  const high = (CLOSE.wide * (REACH.high - REACH.low)) / (REACH.right - REACH.left);
  return {
    left: x - CLOSE.wide,
    right: x + CLOSE.wide,
    low: y + CLOSE.up - high,
    high: y + CLOSE.up + high,
  };
}

/**
 * How the plane lies in a picture of this width.
 * @param {number} width
 * @param {typeof REACH} reach
 */
export function frameOf(width, reach) {
  const unit = (width - EDGE.left - EDGE.right) / (reach.right - reach.left);
  const height = Math.round(unit * (reach.high - reach.low) + EDGE.top + EDGE.bottom);
  return {
    width,
    height,
    reach,
    spot: (/** @type {readonly number[]} */ [x, y]) =>
      /** @type {Spot} */ ([
        EDGE.left + (x - reach.left) * unit,
        EDGE.top + (reach.high - y) * unit,
      ]),
    back: (/** @type {Spot} */ [x, y]) => [
      reach.left + (x - EDGE.left) / unit,
      reach.high - (y - EDGE.top) / unit,
    ],
    shows: (/** @type {Spot} */ [x, y]) =>
      x > EDGE.left && x < width - EDGE.right && y > EDGE.top && y < height - EDGE.bottom,
  };
}
/** @typedef {ReturnType<typeof frameOf>} Frame */

const round = (/** @type {number} */ x) => Math.round(x * 10) / 10;

/** @param {Box} a @param {Box} b */
const meet = (a, b) =>
  Math.abs(a.x - b.x) < (a.wide + b.wide) / 2 && Math.abs(a.y - b.y) < (a.high + b.high) / 2;

/**
 * A place for each label beside its dot, on the nearest ring where it covers neither a dot nor a
 * label that stands already. Those with the most room around them come last.
 * @param {Spot[]} dots
 * @param {readonly string[]} names
 * @param {{wide: number, high: number}} letter
 * @param {Frame} frame
 */
export function beside(dots, names, letter, frame) {
  const solid = dots.map(([x, y]) => ({ x, y, wide: 2 * DOT + 1, high: 2 * DOT + 1 }));
  const middle = dots.reduce((sum, [x, y]) => [sum[0] + x, sum[1] + y], [0, 0]);
  const [mx, my] = middle.map((sum) => sum / dots.length);
  const crowd = dots.map(([x, y]) => dots.filter(([a, b]) => Math.hypot(a - x, b - y) < 45).length);
  /** @type {Box[]} */ const placed = [];
  const order = dots.map((_, i) => i).sort((i, j) => crowd[i] - crowd[j]);
  for (const i of order) {
    const [x, y] = dots[i];
    const near = dots.filter(([a, b]) => Math.hypot(a - x, b - y) < 45);
    const [cx, cy] = [0, 1].map((k) => near.reduce((sum, dot) => sum + dot[k], 0) / near.length);
    const away = near.length > 1 ? Math.atan2(y - cy, x - cx) : Math.atan2(y - my, x - mx);
    const others = [...solid, ...placed.filter(Boolean)];
    placed[i] = free(dots[i], away, sized(names[i], letter), others, frame);
  }
  return placed;
}

/** @param {string} name @param {{wide: number, high: number}} letter */
const sized = (name, { wide, high }) => ({
  wide: wide * (name.length > 1 ? 0.95 * name.length : 1),
  high,
});

/**
 * A free place beside a dot, the nearer the better, and then as much as can be in one direction.
 * @param {Spot} dot
 * @param {number} away the direction
 * @param {{wide: number, high: number}} size
 * @param {Box[]} others
 * @param {Frame} frame
 * @returns {Box}
 */
function free([x, y], away, { wide, high }, others, frame) {
  const far = RINGS[RINGS.length - 1] + 2 * wide;
  const close = others.filter((one) => Math.abs(one.x - x) < far && Math.abs(one.y - y) < far);
  for (const ring of RINGS)
    for (let turn = 0; turn < TURNS; turn++) {
      const side = (turn % 2 ? -1 : 1) * Math.ceil(turn / 2);
      const angle = away + (2 * Math.PI * side) / TURNS;
      const further = Math.max(0, wide - high) / 2;
      const box = {
        x: x + (ring + further) * Math.cos(angle),
        y: y + ring * Math.sin(angle),
        wide,
        high,
      };
      const isIn =
        box.x > EDGE.left + wide / 2 &&
        box.x < frame.width - wide / 2 &&
        box.y > EDGE.top + high / 2 &&
        box.y < frame.height - EDGE.bottom - high / 2;
      if (isIn && !close.some((one) => meet(one, box))) return box;
    }
  return { x, y: y - RINGS[0], wide, high };
}

const LETTER = { wide: 11, high: 15 };
const NUMBER = { wide: 9, high: 13 };

/**
 * What stays as long as the picture is as wide, all of the plane or what is close to one letter.
 * @param {Real} real
 * @param {readonly string[]} names
 * @param {number} width
 * @param {number[] | null} around where it lies
 */
export function groundOf(real, names, width, around = null) {
  const rows = real.weights.wte;
  const plane = planeOf(rows);
  const places = rows.map((row) => placeOf(plane, row));
  const frame = frameOf(width, around === null ? REACH : closeTo(around));
  const dots = places.map(frame.spot);
  const seen = dots.map((_, i) => i).filter((i) => frame.shows(dots[i]));
  const boxes = beside(
    seen.map((i) => dots[i]),
    seen.map((i) => names[i]),
    LETTER,
    frame,
  );
  /** @type {Map<number, Box>} */
  const labels = new Map(seen.map((token, i) => [token, boxes[i]]));
  return { real, names, rows, plane, frame, dots, seen, labels };
}
/** @typedef {ReturnType<typeof groundOf>} Ground */

/** What the state comes to. @param {Ground} ground @param {Now} now */
export function factsOf(
  { real, rows, plane, frame },
  { token, by, positions: isClose, at: wanted },
) {
  const row = moved(plane, rows[token], [...by]);
  const place = placeOf(plane, row);
  const usual = token === real.tokenizer.bos ? 0 : 1;
  const here = isClose ? wanted : usual;
  return {
    token,
    row,
    place,
    spot: frame.spot(place),
    isMoved: by[0] !== 0 || by[1] !== 0,
    at: here,
    near: nearest(rows, token, row),
    sums: isClose ? summed(real, row).map((sum) => frame.spot(placeOf(plane, sum))) : [],
    probs: nextAfter(real, token, row, here),
  };
}
/** @typedef {ReturnType<typeof factsOf>} Facts */

/** Round values between two ends. @param {number} from @param {number} to */
function ticks(from, to) {
  const step = to - from > 1.2 ? 0.5 : 0.2;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** The axes with their ticks. @param {Ground} ground @returns {Shape[]} */
export function axes({ plane, frame }) {
  const { reach, width, height } = frame;
  const [left, right, bottom] = [EDGE.left, width - EDGE.right, height - EDGE.bottom];
  const share = (/** @type {number} */ i) => `${written(100 * plane.shares[i], 0)} %`;
  const label = (
    /** @type {Record<string, string | number>} */ looks,
    /** @type {string} */ text,
  ) => shape("text", { class: "mg-label mg-halo", ...looks }, text);
  return [
    ...ticks(reach.left, reach.right).flatMap((tick) => {
      const x = round(frame.spot([tick, 0])[0]);
      return [
        shape("path", { class: "emb-grid", d: `M${x} ${EDGE.top}V${bottom}` }),
        label({ x, y: bottom + 16, "text-anchor": "middle" }, written(tick, 1)),
      ];
    }),
    ...ticks(reach.low, reach.high).flatMap((tick) => {
      const y = round(frame.spot([0, tick])[1]);
      return [
        shape("path", { class: "emb-grid", d: `M${left} ${y}H${right}` }),
        label({ x: left - 5, y: y + 4, "text-anchor": "end" }, written(tick, 1)),
      ];
    }),
    label(
      { x: round((left + right) / 2), y: height - 6, "text-anchor": "middle" },
      `axis 1: ${share(0)} of the variance`,
    ),
    label({ x: left, y: 13 }, `axis 2: ${share(1)}`),
  ];
}

/**
 * The letters and what is chosen.
 * @param {Ground} ground
 * @param {Facts} facts
 * @returns {Shape[]}
 */
export function marks(ground, facts) {
  const { sums, spot, token } = facts;
  if (!sums.length) return [...letters(ground, facts, []), ...chosen(ground, facts)];
  const told = [...sums.map((_, i) => String(i)), ground.names[token]];
  const boxes = beside([...sums, spot], told, NUMBER, ground.frame);
  return [...letters(ground, facts, boxes), ...positions(facts, told, boxes)];
}

/** @param {Spot} spot @param {number} size @returns {Box} */
const boxAt = ([x, y], size) => ({ x, y, wide: size, high: size });

/**
 * The 27, those that are near lit.
 * @param {Ground} ground
 * @param {Facts} facts
 * @param {Box[]} told what stands there already
 */
function letters(ground, { token, spot, sums, near, isMoved }, told) {
  const { names, dots, seen, labels } = ground;
  const isClose = sums.length > 0;
  const lit = new Set(isClose ? [] : near.slice(0, NEIGHBOURS).map((one) => one.token));
  const [x, y] = spot;
  const name = { x, y: y - 19, wide: names[token].length > 1 ? 44 : 18, high: 24 };
  const taken = [...(isClose ? [] : [name, boxAt(spot, 18)]), ...told];
  const own = litLabels(ground, spot, lit, taken);
  const faint = isClose ? " emb-faint" : "";
  const isFromHere = isMoved && ground.frame.shows(dots[token]);
  const way = isFromHere ? `M${at(dots[token])}L${at(spot)}` : "";
  const path = [...lit].map((i) => `M${at(spot)}L${at(dots[i])}`).join("");
  return [
    shape("path", { class: "emb-near", d: path }),
    shape("path", { class: "emb-way", d: way }),
    ...seen.map((i) => {
      const [cx, cy] = dots[i].map(round);
      return shape("circle", {
        class: `emb-dot${lit.has(i) ? " emb-lit" : ""}${faint}`,
        "data-state": i === token ? "from" : null,
        cx,
        cy,
        r: lit.has(i) ? 6 : DOT,
      });
    }),
    ...seen.flatMap((i) => {
      const label = /** @type {Box} */ (own.get(i) ?? labels.get(i));
      const isGone = i === token || (!lit.has(i) && taken.some((one) => meet(one, label)));
      return [
        shape("path", { class: "emb-leader", d: isGone ? "" : leader(dots[i], label) }),
        shape(
          "text",
          {
            class: `emb-letter${lit.has(i) ? " emb-lit mg-halo" : ""}${faint}`,
            x: round(label.x),
            y: round(label.y + 5),
          },
          isGone ? " " : names[i],
        ),
      ];
    }),
  ];
}

/**
 * Labels of the nearest letters, where no line to them crosses them.
 * @param {Ground} ground
 * @param {Spot} spot
 * @param {Set<number>} lit
 * @param {Box[]} taken
 */
function litLabels({ names, dots, seen, labels, frame }, spot, lit, taken) {
  const lines = [...lit].flatMap((i) => along(spot, dots[i]));
  const others = [
    ...taken,
    ...lines,
    ...seen.map((i) => boxAt(dots[i], lit.has(i) ? 14 : 2 * DOT + 1)),
    ...seen.filter((i) => !lit.has(i)).map((i) => /** @type {Box} */ (labels.get(i))),
  ];
  /** @type {Map<number, Box>} */ const found = new Map();
  for (const i of lit) {
    const [x, y] = dots[i];
    const away = Math.atan2(y - spot[1], x - spot[0]);
    const box = free(dots[i], away, sized(names[i], LETTER), [...others, ...found.values()], frame);
    found.set(i, box);
  }
  return found;
}

/** A line as boxes that no label is to cover. @param {Spot} from @param {Spot} to */
function along(from, to) {
  const count = Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / 6);
  return Array.from({ length: count }, (_, i) => {
    const share = i / count;
    return boxAt([from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])], 4);
  });
}

/** A spot in a path. @param {Spot} spot */
const at = (spot) => spot.map(round).join(" ");

/** The chosen letter. @param {Ground} ground @param {Facts} facts */
function chosen({ names }, { token, spot }) {
  const [x, y] = spot.map(round);
  return [
    shape("circle", { class: "emb-own", cx: x, cy: y, r: 8 }),
    shape("text", { class: "emb-name mg-halo", x, y: y - 12 }, names[token]),
  ];
}

/**
 * The chosen letter at its sixteen positions.
 * @param {Facts} facts
 * @param {string[]} told
 * @param {Box[]} boxes where that stands
 */
function positions({ spot, sums, at: here }, told, boxes) {
  const [x, y] = spot.map(round);
  return [
    shape("path", { class: "emb-order", d: `M${sums.map(at).join("L")}` }),
    shape("path", { class: "emb-way emb-step", d: `M${at(spot)}L${at(sums[here])}` }),
    ...sums.map((sum, i) =>
      shape("circle", {
        class: `emb-sum${i === here ? " emb-here" : ""}`,
        cx: round(sum[0]),
        cy: round(sum[1]),
        r: i === here ? 7 : DOT,
      }),
    ),
    shape("circle", { class: "emb-own", cx: x, cy: y, r: 6 }),
    ...boxes.map((box, i) =>
      shape(
        "text",
        {
          class: i === sums.length ? "emb-home" : `emb-number${i === here ? " emb-here" : ""}`,
          x: round(box.x),
          y: round(box.y + 5),
        },
        told[i],
      ),
    ),
  ];
}

/** From a dot to a label that stands far from it. @param {Spot} dot @param {Box} label */
function leader([x, y], label) {
  const [dx, dy] = [label.x - x, label.y - y];
  const far = Math.hypot(dx, dy);
  if (far < RINGS[1]) return "";
  const at = (/** @type {number} */ share) => `${round(x + share * dx)} ${round(y + share * dy)}`;
  return `M${at((DOT + 1) / far)}L${at(1 - 8 / far)}`;
}

export const BARS = { width: 230, height: 300 };

/**
 * The likeliest next tokens as bars.
 * @param {readonly string[]} names
 * @param {Facts} facts
 * @returns {Shape[]}
 */
export function bars(names, { token, probs, at: here, isMoved }) {
  const order = likeliest(probs).slice(0, MOST_BARS);
  const called = `${names[token]}${isMoved ? ", moved" : ""}`;
  const where = token === names.length - 1 && here === 0 ? "" : `, at position ${here}`;
  return [
    shape("text", { class: "emb-title", x: 0, y: 18 }, `Next, after ${called}${where}`),
    ...order.flatMap((next, i) => {
      const y = 34 + 36 * i;
      const isEnd = next === names.length - 1;
      const end = round(44 + 136 * probs[next]);
      return [
        shape("text", { class: "emb-next", x: 36, y: y + 17 }, isEnd ? "end" : names[next]),
        shape("polygon", {
          class: "emb-bar",
          points: `44,${y} ${end},${y} ${end},${y + 24} 44,${y + 24}`,
        }),
        shape("text", { class: "emb-share", x: end + 7, y: y + 17 }, written(probs[next])),
      ];
    }),
  ];
}

/** Tokens by probability. @param {number[]} probs */
export const likeliest = (probs) =>
  probs.map((_, i) => i).sort((i, j) => probs[j] - probs[i] || i - j);

/** @param {string[]} parts */
const listed = (parts) => `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;

/** What can be heard, and read below the picture. @param {Ground} ground @param {Facts} facts */
export function sentence({ names }, { token, near, probs, at: here, sums, isMoved }) {
  const others = near
    .slice(0, NEIGHBOURS)
    .map((one) => `${names[one.token]} (${written(one.distance)})`);
  const next = likeliest(probs)
    .slice(0, 2)
    .map((i) => `${i === names.length - 1 ? "the end" : names[i]} (${written(probs[i])})`);
  const who = `${names[token]}${isMoved ? ", moved," : ""}`;
  if (sums.length)
    return (
      `${who} at position ${here}, with ${here ? "only BOS" : "nothing"} before it: likeliest ` +
      `next, ${listed(next)}. A position moves all letters alike: neighbours stay neighbours.`
    );
  return (
    `${who} lies nearest to ${listed(others)}, by distance in all 16 dimensions. ` +
    `Likeliest next: ${listed(next)}.`
  );
}
