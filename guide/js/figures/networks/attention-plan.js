// Where everything stands in the drawing of attention: the query and its bar of weights on top,
// positions as columns below, arrows in between. Upright, for narrow screens, the same with both
// axes exchanged. No DOM.
//
// Lengths are pixels. `a` runs along the positions, `d` from the query down to the tokens.

/** @typedef {{x: number, y: number, w: number, h: number}} Box */
/** @typedef {readonly [number, number]} Point */
/** @typedef {{x: number, y: number, anchor: "start" | "middle" | "end"}} Spot */
/**
 * @typedef {object} Wanted
 * @property {number} width
 * @property {number} height without `upright`
 * @property {boolean} upright
 * @property {number} columns how many positions
 * @property {number} pieces what the vectors of a column are cut into
 * @property {(readonly number[] | null)[]} weights of each head that is drawn; null: not yet
 * @property {readonly number[]} heads which piece is each head's
 * @property {number} rows of vectors in a column
 * @property {boolean} vectors whether query and output are vectors
 * @property {boolean} numbers whether cells hold written numbers
 * @property {number} names letters of the longest name
 */

const TICKS = { few: [0, 0.5, 1], many: [0, 0.25, 0.5, 0.75, 1] };
const BAR_FOR_MANY_TICKS = 300;
const LEAST = 0.8;

/** @typedef {ReturnType<typeof plan>} Plan */
/** @typedef {Plan["blocks"][number]} Block */
/** @typedef {Block["arrows"][number]} Arrow */

/** @param {Wanted} wanted */
export function plan(wanted) {
  const { upright, columns, pieces, rows, vectors } = wanted;
  const size = sizes(wanted);
  const along = upright ? Math.max(size.blocks, size.margin + columns * size.column) : wanted.width;
  const depth = upright ? wanted.width : wanted.height;
  const box = (
    /** @type {number} */ a,
    /** @type {number} */ d,
    /** @type {number} */ la,
    /** @type {number} */ ld,
  ) => (upright ? { x: d, y: a, w: ld, h: la } : { x: a, y: d, w: la, h: ld });
  const point = (/** @type {number} */ a, /** @type {number} */ d) =>
    /** @type {[number, number]} */ (upright ? [d, a] : [a, d]);
  /** @param {number} a @param {number} d @param {Spot["anchor"]} anchor @returns {Spot} */
  const spot = (a, d, anchor) => {
    const [x, y] = point(a, d);
    return { x, y, anchor };
  };

  const foot = depth - size.foot;
  const keyTop = foot - rows * (size.strip + size.gap);
  const step = (along - size.margin) / columns;
  const wide = Math.min(step - size.between, size.widest);
  const places = Array.from({ length: columns }, (_, t) => {
    const middle = size.margin + (t + 0.5) * step;
    const start = middle - wide / 2;
    return {
      hit: box(middle - step / 2 + 1, keyTop - 4, step - 2, depth - keyTop + 4),
      name: upright ? spot(middle + 5, foot + 4, "start") : spot(middle, foot + 16, "middle"),
      under: upright ? spot(middle + 5, depth - 1, "end") : spot(middle, foot + 31, "middle"),
      strips: Array.from({ length: rows }, (_, r) =>
        Array.from({ length: pieces }, (_, p) =>
          box(
            start + (p * wide) / pieces + (p ? 1 : 0),
            keyTop + r * (size.strip + size.gap),
            wide / pieces - (p ? 1 : 0),
            size.strip,
          ),
        ),
      ),
      score: upright
        ? spot(middle - 7, keyTop - 12, "end")
        : spot(middle + 12, keyTop - 10, "start"),
    };
  });

  const barTop = size.head;
  const barEnd = barTop + size.bar;
  const blockLength =
    (along - size.margin * (upright ? 0 : 1) - size.apart * (wanted.heads.length - 1)) /
    wanted.heads.length;
  const barLength = Math.min(blockLength, size.longest) - (upright ? size.lead : 0);
  const blocks = wanted.heads.map((piece, h) => {
    const from =
      (upright ? 0 : size.margin) +
      h * (blockLength + size.apart) +
      (blockLength - barLength - (upright ? size.lead : 0)) / 2;
    const start = from + (upright ? size.lead : 0);
    const weights = wanted.weights[h];
    const equal = Array.from({ length: columns }, () => 1 / columns);
    const shares = weights ?? equal;
    const strip = Math.min(barLength / 2 - 8, size.vector);
    let sum = 0;
    const arrows = shares.map((weight, t) => {
      const a0 = start + sum * barLength;
      const la = weight * barLength;
      sum += weight;
      const to = size.margin + (t + 0.5) * step + ((piece + 0.5) / pieces - 0.5) * wide;
      const width = weights ? Math.max(LEAST, weight * size.most) : 1.5;
      const head = Math.min(size.arrow, 5 + width * 0.45);
      const reach = keyTop - 3;
      const bend = (reach - head - barEnd) * 0.5;
      const curve = [
        point(a0 + la / 2, barEnd + 1),
        point(a0 + la / 2, barEnd + bend),
        point(to, reach - head - bend),
        point(to, reach - head),
      ];
      const half = width / 2 + 2.5;
      const tip = [
        point(to - half, reach - head - 0.5),
        point(to + half, reach - head - 0.5),
        point(to, reach),
      ];
      return { segment: box(a0, barTop, la, size.bar), width, curve, tip, length: la };
    });
    const scale = barLength >= BAR_FOR_MANY_TICKS && !upright ? TICKS.many : TICKS.few;
    return {
      label: upright ? spot(from + 11, 0, "start") : spot(start, size.label, "start"),
      outLabel: upright
        ? vectors
          ? spot(start + barLength - strip - 5, 0, "start")
          : spot(start + barLength + 16, 0, "start")
        : spot(start + barLength, size.label, "end"),
      query: box(start, size.top, strip, size.strip),
      out: box(start + barLength - strip, size.top, strip, size.strip),
      bar: box(start, barTop, barLength, size.bar),
      ticks: scale.map((value) => ({
        value,
        line: [
          point(start + value * barLength, barTop - 5),
          point(start + value * barLength, barTop),
        ],
        label: upright
          ? value === 0.5
            ? null
            : spot(start + value * barLength + (value ? 0 : 9), barTop - 7, "end")
          : spot(start + value * barLength, barTop - 7, tickEnd(value)),
      })),
      arrows,
    };
  });

  return {
    width: wanted.width,
    height: upright ? along + (vectors ? 4 : 22) : depth,
    places,
    blocks,
    rowNames: Array.from({ length: rows }, (_, r) => {
      const d = keyTop + r * (size.strip + size.gap) + size.strip / 2;
      return upright ? spot(size.margin - 8, d, "middle") : spot(0, d + 4, "start");
    }),
    /** Round the vectors of the first `count` columns, as far as the first `among` rows. */
    frame: (/** @type {number} */ count, /** @type {number} */ among) =>
      box(
        size.margin + 1,
        keyTop - 1,
        count * step - 2,
        among * (size.strip + size.gap) - size.gap + 2,
      ),
  };
}

/** @param {number} value @returns {Spot["anchor"]} */
const tickEnd = (value) => (value === 0 ? "start" : value === 1 ? "end" : "middle");

/** What depends on which way it lies and on what it shows. @param {Wanted} wanted */
function sizes({ upright, columns, pieces, heads, rows, vectors, numbers, names }) {
  const many = heads.length > 1;
  const named = 9 * names + 12; // a name's room
  if (upright) {
    const strip = numbers ? 38 : 34;
    const lead = 16;
    const top = 0;
    return {
      top,
      lead,
      label: 0,
      strip,
      gap: 6,
      vector: numbers ? 44 : 40,
      head: (vectors ? strip : 0) + 26,
      bar: numbers ? 38 : Math.max(26, rows ? 26 : named),
      foot: rows ? 34 : named,
      margin: rows ? 24 : 6,
      column: rows ? Math.max(30, many ? 40 : 84) : 34,
      blocks: vectors ? heads.length * 128 : columns * 34,
      between: 6,
      widest: numbers ? 48 : 64,
      apart: 14,
      longest: 320,
      most: many ? 12 : 26,
      arrow: 12,
    };
  }
  const strip = numbers ? 28 : 26;
  const top = 20;
  return {
    top,
    lead: 0,
    label: 13,
    strip,
    gap: 7,
    vector: numbers ? 120 : many ? 66 : 140,
    head: top + (vectors ? strip : 0) + 22,
    bar: 26,
    foot: 36,
    margin: rows ? 56 : 0,
    column: 0,
    blocks: 0,
    between: 8,
    widest: numbers ? 130 : pieces > 1 ? 150 : named,
    apart: 22,
    longest: many ? 220 : 460,
    most: many ? 20 : 38,
    arrow: 16,
  };
}

/**
 * The point of a curve at t from 0 to 1.
 * @param {readonly Point[]} curve four points
 * @param {number} t
 */
export function along(curve, t) {
  const u = 1 - t;
  const parts = [u ** 3, 3 * u * u * t, 3 * u * t * t, t ** 3];
  return [0, 1].map((i) => parts.reduce((sum, part, j) => sum + part * curve[j][i], 0));
}

/** A curve as SVG writes it. @param {readonly Point[]} curve */
export const pathOf = ([from, one, two, to]) => `M${at(from)}C${[one, two, to].map(at).join(" ")}`;

/** @param {Point} point */
const at = ([x, y]) => `${round(x)} ${round(y)}`;
/** @param {readonly Point[]} points */
export const pointsOf = (points) => points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ");
export const round = (/** @type {number} */ x) => Math.round(x * 10) / 10;

const SAMPLES = 28;

/**
 * An arrow as one shape, as wide as its weight, with its tip.
 * @param {{curve: readonly Point[], tip: readonly Point[], width: number}} arrow
 */
export function ribbonOf({ curve, tip, width }) {
  /** @type {[number, number][]} */ const left = [];
  /** @type {[number, number][]} */ const right = [];
  const half = width / 2;
  for (let i = 0; i <= SAMPLES; i++) {
    const t = i / SAMPLES;
    const [x, y] = along(curve, t);
    const [dx, dy] = slope(curve, t);
    const size = Math.hypot(dx, dy) || 1;
    const [nx, ny] = [(-dy / size) * half, (dx / size) * half];
    left.push([x + nx, y + ny]);
    right.push([x - nx, y - ny]);
  }
  return `M${pointsOf([...left, tip[0], tip[2], tip[1], ...right.reverse()])}z`;
}

/** @param {readonly Point[]} curve @param {number} t */
function slope(curve, t) {
  const u = 1 - t;
  const parts = [3 * u * u, 6 * u * t, 3 * t * t];
  return [0, 1].map((i) =>
    parts.reduce((sum, part, j) => sum + part * (curve[j + 1][i] - curve[j][i]), 0),
  );
}

/**
 * The numbers of a vector as bars in its box: those above zero and those below it, as two paths.
 * @param {Box} box
 * @param {readonly number[]} vector
 * @param {number} most what fills half the box
 * @param {boolean} upright
 */
export function barsOf({ x, y, w, h }, vector, most, upright) {
  const each = (upright ? h : w) / vector.length;
  const half = (upright ? w : h) / 2 - 1;
  const one = (/** @type {number} */ value, /** @type {number} */ i) => {
    const size = half * Math.min(1, Math.abs(value) / most);
    const start = round((upright ? y : x) + i * each + 0.5);
    const wide = round(Math.max(0.8, each - 1));
    const from = upright ? x + w / 2 : y + h / 2;
    const first = round(value < 0 === upright ? from - size : from);
    return upright
      ? `M${first} ${start}h${round(size)}v${wide}h${-round(size)}z`
      : `M${start} ${first}h${wide}v${round(size)}h${-wide}z`;
  };
  const of = (/** @type {boolean} */ isBelow) =>
    vector.map((value, i) => (value < 0 === isBelow ? one(value, i) : "")).join("");
  return { above: of(false), below: of(true) };
}
