// The drawing of <mg-residuals> as shapes: the residual stream as a river, as wide as it is
// large at one position, with attention and MLP as tributaries as wide as what they add; below
// it the losses with each of them switched off. It lies on wide screens and stands on narrow
// ones. No DOM.

import { shape } from "../../kit/shapes.js";
import { counted, written } from "../../kit/text.js";
import { OFFS, offOf } from "./river-facts.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/** @typedef {import("./river-facts.js").Blocks} Blocks */
/** @typedef {import("./river-facts.js").Off} Off */
/** @typedef {import("./river-facts.js").On} On */
/** @typedef {import("./river-facts.js").Stream} Stream */
/** @typedef {[x: number, y: number]} Spot */

const UNIT = 52; // px of width for a size of 1
const BOX = { width: 104, height: 40 };
// Along the river, and across it from its middle.
const AT = { start: 34, one: 95, mouth: 300, two: 345, second: 500, three: 548, end: 600 };
const SIDE = 112;
const LIES = { width: 760, height: 276 };
const STANDS = { width: 360, height: 560 };
const DOWN = 0.78; // along the river, where it stands
const BAR = 70; // px of a probability of 1
export const SCALE = { width: 430, height: 132 };
const [LEFT, RIGHT, ROW] = [112, 374, 25];
const [LEAST, MOST] = [2.36, 2.46];
const TICKS = [2.36, 2.38, 2.4, 2.42, 2.44, 2.46];
export const COUNTING = 2.4546; // counts of pairs over the whole list

const round = (/** @type {number} */ x) => Math.round(x * 10) / 10;

/** The picture's size. @param {boolean} isTall */
export const riverSize = (isTall) => (isTall ? STANDS : LIES);

/** Places by how far along the river and how far across. @param {boolean} isTall */
function ground(isTall) {
  /** @type {(along: number, across: number) => Spot} */
  const spot = isTall
    ? (along, across) => [round(STANDS.width / 2 + across), round(along * DOWN)]
    : (along, across) => [round(along), round(LIES.height / 2 + across)];
  const at = (/** @type {number} */ along, /** @type {number} */ across) =>
    spot(along, across).join(" ");
  return { spot, at };
}

/**
 * Where the two boxes are, for whoever points at them.
 * @param {boolean} isTall
 * @returns {Record<"attention" | "mlp", {x: number, y: number, width: number, height: number}>}
 */
export function boxes(isTall) {
  const { spot } = ground(isTall);
  const boxAt = (/** @type {number} */ along, /** @type {number} */ across) => {
    const [x, y] = spot(along, across);
    return { x: round(x - BOX.width / 2), y: round(y - BOX.height / 2), ...BOX };
  };
  return { attention: boxAt(210, -SIDE), mlp: boxAt(410, SIDE) };
}

/**
 * The river of one position.
 * @param {Stream} stream
 * @param {On} on
 * @param {string} name of the token there
 * @param {boolean} isTall
 * @returns {Shape[]}
 */
export function river(stream, on, name, isTall) {
  const { at, spot } = ground(isTall);
  const half = (/** @type {number} */ size) => round((size * UNIT) / 2);
  const [h0, h1, h2] = [half(stream.x), half(stream.middle), half(stream.end)];
  const { start, mouth: one, second: two, end } = AT;
  /** @type {Spot[]} */
  const shore = [
    [start, h0],
    [one - 30, h0],
    [one + 30, h1],
    [two - 30, h1],
    [two + 30, h2],
    [end, h2],
  ];
  const other = shore.map(([along, across]) => /** @type {Spot} */ ([along, -across]));
  const band = `M${bank(shore, at)}L${bank(other.toReversed(), at)}Z`;
  const text = (
    /** @type {string} */ looks,
    /** @type {Spot} */ [x, y],
    /** @type {string} */ said,
    anchor = "middle",
  ) => shape("text", { class: looks, x, y: round(y + 4.5), "text-anchor": anchor }, said);
  return [
    shape("path", { class: "river-stream", d: band }),
    ...tributary("attention", -1, stream.attention, [h1, h2], on.attention, isTall),
    ...tributary("mlp", 1, stream.mlp, [h2, h2], on.mlp, isTall),
    ...[AT.one, AT.two + 20, AT.three + 22].map((along, i) =>
      text("river-size", spot(along, 0), written([stream.x, stream.middle, stream.end][i])),
    ),
    text("river-name", spot(AT.start - 18, 0), name),
    ...mouth(stream, isTall),
  ];
}

/**
 * Six points as a line that bends twice: between the second and third, the fourth and fifth.
 * @param {Spot[]} points along and across
 * @param {(along: number, across: number) => string} at
 */
function bank(points, at) {
  const [a, b, c, d, e, f] = points;
  const bend = (/** @type {Spot} */ from, /** @type {Spot} */ to) => {
    const middle = (from[0] + to[0]) / 2;
    return `L${at(...from)}C${at(middle, from[1])} ${at(middle, to[1])} ${at(...to)}`;
  };
  return `${at(...a)}${bend(b, c)}${bend(d, e)}L${at(...f)}`;
}

/**
 * What is read from the river, the box, and what flows back.
 * @param {"attention" | "mlp"} key
 * @param {1 | -1} side
 * @param {number} size
 * @param {number[]} halves of the river behind its mouth, and at the end
 * @param {boolean} isOn
 * @param {boolean} isTall
 * @returns {Shape[]}
 */
function tributary(key, side, size, [here, last], isOn, isTall) {
  const { at } = ground(isTall);
  const wide = Math.max(isOn ? 1.5 : 0, round(size * UNIT));
  const [from, middle, to] = key === "mlp" ? [345, 410, AT.second] : [145, 210, AT.mouth];
  const box = boxes(isTall)[key];
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const inside = (/** @type {number} */ half) => side * Math.max(0, half - wide / 2);
  const flow =
    `M${at(middle + 30, side * SIDE)}C${at(to - 10, side * SIDE)} ` +
    `${at(to - 40, inside(here))} ${at(to + 34, inside(here))}` +
    (key === "attention"
      ? `L${at(AT.second - 30, inside(here))}C${at(AT.second, inside(here))} ` +
        `${at(AT.second, inside(last))} ${at(AT.second + 30, inside(last))}`
      : "") +
    `L${at(AT.end, inside(last))}`;
  const reads =
    `M${at(from, side * 24)}C${at(from + 10, side * 70)} ${at(from, side * SIDE)} ` +
    `${at(middle - 44, side * SIDE)}`;
  const said = isOn ? `adds ${written(size)}` : "switched off";
  return [
    shape("path", { class: "river-reads", d: reads, "data-off": isOn ? null : "" }),
    shape("path", {
      class: `river-flow river-${key}`,
      d: flow,
      "stroke-width": wide,
      display: isOn ? null : "none",
    }),
    shape("rect", { class: `river-box river-${key}`, ...box, rx: 6, "data-off": isOn ? null : "" }),
    shape(
      "text",
      { class: "river-title", x, y: y - 3, "text-anchor": "middle" },
      key === "mlp" ? "MLP" : "attention",
    ),
    shape("text", { class: "river-told", x, y: y + 13, "text-anchor": "middle" }, said),
  ];
}

/**
 * The three likeliest letters at the river's end.
 * @param {Stream} stream
 * @param {boolean} isTall
 */
function mouth({ next }, isTall) {
  const [left, top] = isTall ? [24, STANDS.height - 70] : [AT.end + 12, 62];
  const title = shape("text", { class: "river-told", x: left, y: top }, "likeliest next");
  const bars = next.flatMap(([letter, p], i) => {
    const [x, y] = isTall ? [44 + 112 * i, STANDS.height - 40] : [AT.end + 34, 92 + 42 * i];
    return [
      shape("text", { class: "river-letter", x: x + 12, y: y + 5, "text-anchor": "end" }, letter),
      shape("rect", {
        class: "river-next",
        x: x + 18,
        y: y - 7,
        width: round(Math.max(1, p * BAR)),
        height: 14,
      }),
      shape("text", { class: "river-told", x: x + 18, y: y + 21 }, written(p)),
    ];
  });
  return [title, ...bars];
}

const TITLES = /** @type {Record<Off, string>} */ ({
  none: "nothing off",
  attention: "attention off",
  mlp: "MLP off",
  both: "both off",
});

/** @param {number} loss */
const across = (loss) => round(LEFT + ((RIGHT - LEFT) * (loss - LEAST)) / (MOST - LEAST));
const down = (/** @type {number} */ i) => 26 + ROW * i;

/** The row of the losses that a spot of the picture is in. @param {number} y @returns {Off} */
export const rowAt = (y) => OFFS[Math.max(0, Math.min(3, Math.round((y - down(0)) / ROW)))];

/**
 * The four losses; the one that is on is filled, and `here` is how far this page has measured it.
 * @param {Blocks} blocks
 * @param {On} on
 * @param {number | null} here
 * @returns {Shape[]}
 */
export function losses({ off }, on, here) {
  const chosen = offOf(on);
  const base = SCALE.height - 22;
  const place = across(Math.max(LEAST, Math.min(MOST, here ?? LEAST)));
  const tick = here === null ? "" : `M${place} ${down(OFFS.indexOf(chosen)) - 11}v22`;
  return [
    shape("path", { class: "river-counting", d: `M${across(COUNTING)} 12V${base}` }),
    shape(
      "text",
      { class: "mg-label", x: across(COUNTING), y: 9, "text-anchor": "middle" },
      `counting pairs ${written(COUNTING, 3)}`,
    ),
    shape("path", { class: "mg-axis", d: `M${LEFT} ${base}H${RIGHT}` }),
    ...TICKS.map((tick) =>
      shape(
        "text",
        { class: "mg-label", x: across(tick), y: base + 15, "text-anchor": "middle" },
        written(tick),
      ),
    ),
    shape("text", { class: "mg-label", x: RIGHT + 26, y: base + 15 }, "loss"),
    ...OFFS.flatMap((key, i) => {
      const isNow = key === chosen;
      const y = down(i);
      return [
        shape("path", { class: "river-row", d: `M${LEFT} ${y}H${across(off[key])}` }),
        shape(
          "text",
          {
            class: isNow ? "river-title" : "river-told",
            x: LEFT - 12,
            y: y + 4.5,
            "text-anchor": "end",
          },
          TITLES[key],
        ),
        shape("circle", {
          class: "river-loss",
          cx: across(off[key]),
          cy: y,
          r: isNow ? 7 : 5,
          "data-now": isNow ? "" : null,
        }),
        shape(
          "text",
          {
            class: isNow ? "river-title mg-halo" : "river-told mg-halo",
            x: RIGHT + 12,
            y: y + 4.5,
          },
          written(off[key], 3),
        ),
      ];
    }),
    shape("path", { class: "river-here", d: tick }),
  ];
}

/**
 * @param {string} name
 * @param {number} at
 * @param {Stream} stream
 * @param {On} on
 * @param {Blocks} blocks
 */
export function sentence(name, at, stream, on, blocks) {
  const adds = (/** @type {boolean} */ isOn, /** @type {number} */ size) =>
    isOn ? `adds ${written(size)}` : "is switched off";
  const [[letter, p]] = stream.next;
  return (
    `At ${name}, position ${at}, the stream has a size of ${written(stream.x)}; attention ` +
    `${adds(on.attention, stream.attention)}, the MLP ${adds(on.mlp, stream.mlp)}; it ends with ` +
    `${written(stream.end)}. Likeliest next: ${letter} (${written(p)}). Loss on ` +
    `${counted(blocks.names)} unseen names: ${written(blocks.off[offOf(on)], 3)}.`
  );
}
