// The drawing of <mg-dataset> as shapes: a list of names by first letter and by length, what of
// it a run is shown, and some of the names. No DOM.

import { marked } from "../../characters.js";
import { shape } from "../../kit/shapes.js";
import { counted } from "../../kit/text.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/** @typedef {{letter: string, length: number}} Chosen "any" and 0 stand for all */
/** @typedef {{all: number, shown: number}} Count how many there are, and how many a run is shown */
/** @typedef {{name: string, isShown: boolean}} Name */
/**
 * @typedef {object} Kinds a list sorted
 * @property {string[]} letters the first letters, in order
 * @property {number} longest
 * @property {Map<string, Name[]>} groups by letter and length
 * @property {number} count
 */
/**
 * @typedef {object} Found
 * @property {Count[]} byLetter of the chosen length
 * @property {Count[]} byLength of the chosen letter, from 0 on
 * @property {Count} both
 * @property {Name[]} some of them
 */

export const ANY = "any";
export const WIDE = 500;
export const NARROW = 344;
export const LETTERS = { width: WIDE, height: 178 };
export const LENGTHS = { width: WIDE, height: 150 };
export const SOME = { width: 250, height: 332 };
export const OTHER = "…"; // first letters that are too rare for a bar of their own
const MOST_LETTERS = 30;
const MOST_LENGTH = 20; // what is longer stands in the last bar
const MOST_NAMES = 26;
const MOST_SIGNS = 15; // of a name
const [RIM, TOP] = [10, 30];

const round = (/** @type {number} */ x) => Math.round(x * 10) / 10;
const keyOf = (/** @type {string} */ letter, /** @type {number} */ length) => `${length} ${letter}`;

/**
 * @param {readonly string[]} docs in the order of the file
 * @param {readonly string[]} shown the documents that a run is shown
 * @returns {Kinds}
 */
export function kindsOf(docs, shown) {
  const first = (/** @type {string} */ doc) => String.fromCodePoint(doc.codePointAt(0) ?? 63);
  /** @type {Map<string, number>} */ const times = new Map();
  for (const doc of docs) times.set(first(doc), (times.get(first(doc)) ?? 0) + 1);
  const common = [...times.keys()].sort((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
  const own = new Set(common.slice(0, times.size > MOST_LETTERS ? MOST_LETTERS - 1 : MOST_LETTERS));
  const letters = [...own].sort();
  if (own.size < times.size) letters.push(OTHER);
  /** @type {Map<string, number>} */ const left = new Map();
  for (const doc of shown) left.set(doc, (left.get(doc) ?? 0) + 1);
  /** @type {Map<string, Name[]>} */ const groups = new Map();
  let longest = 1;
  for (const doc of docs) {
    const letter = own.has(first(doc)) ? first(doc) : OTHER;
    const length = Math.min(MOST_LENGTH, [...doc].length);
    longest = Math.max(longest, length);
    const times0 = left.get(doc) ?? 0;
    if (times0) left.set(doc, times0 - 1);
    const key = keyOf(letter, length);
    const group = groups.get(key) ?? [];
    if (!group.length) groups.set(key, group);
    group.push({ name: doc, isShown: times0 > 0 });
  }
  return { letters, longest, groups, count: docs.length };
}

/** @param {Kinds} kinds @param {Chosen} chosen @returns {Found} */
export function foundOf({ letters, longest, groups }, { letter, length }) {
  const lengths = Array.from({ length: longest + 1 }, (_, i) => i);
  const of = (/** @type {readonly string[]} */ some, /** @type {readonly number[]} */ long) =>
    some.flatMap((one) => long.flatMap((n) => groups.get(keyOf(one, n)) ?? []));
  const count = (/** @type {readonly string[]} */ some, /** @type {readonly number[]} */ long) => {
    const sum = { all: 0, shown: 0 };
    for (const one of some)
      for (const n of long) {
        const group = groups.get(keyOf(one, n));
        sum.all += group?.length ?? 0;
        sum.shown += group ? shownIn(group) : 0;
      }
    return sum;
  };
  const chosenLetters = letter === ANY ? letters : [letter];
  const chosenLengths = length ? [length] : lengths;
  return {
    byLetter: letters.map((one) => count([one], chosenLengths)),
    byLength: lengths.map((n) => count(chosenLetters, [n])),
    both: count(chosenLetters, chosenLengths),
    some: someOf(of(chosenLetters, chosenLengths)),
  };
}

/** @type {WeakMap<Name[], number>} */
const known = new WeakMap();

/** How many of a group are shown, counted once: bars are dragged along. @param {Name[]} group */
function shownIn(group) {
  const before = known.get(group);
  if (before !== undefined) return before;
  const now = group.filter(({ isShown }) => isShown).length;
  known.set(group, now);
  return now;
}

/**
 * Some names from all over the list, those that are shown in their share or more.
 * @param {Name[]} names
 */
function someOf(names) {
  const spread = (/** @type {Name[]} */ of, /** @type {number} */ most) =>
    of.length <= most
      ? of
      : Array.from({ length: most }, (_, i) => of[Math.floor((i * of.length) / most)]);
  const shown = spread(
    names.filter(({ isShown }) => isShown),
    6,
  );
  const others = names.filter(({ isShown }) => !isShown);
  return [...shown, ...spread(others, MOST_NAMES - shown.length)];
}

/**
 * Bars, each with the part that a run is shown.
 * @param {{names: string[], counts: Count[], at: number, title: string, height: number,
 *   wide: number}} what
 * @returns {Shape[]}
 */
function bars({ names, counts, at, title, height, wide: width }) {
  const [LEFT, RIGHT] = [RIM, width - RIM];
  const base = height - 24;
  const most = Math.max(1, ...counts.map(({ all }) => all));
  const room = (RIGHT - LEFT) / names.length;
  const wide = Math.min(26, room - 3);
  const high = (/** @type {number} */ n) => round(((base - TOP) * n) / most);
  const middle = (/** @type {number} */ i) => round(LEFT + room * (i + 0.5));
  const all = (
    /** @type {(count: Count) => number} */ of,
    /** @type {(i: number) => boolean} */ is,
  ) =>
    counts
      .map((count, i) => {
        const n = of(count);
        if (!n || !is(i)) return "";
        const left = round(middle(i) - wide / 2);
        return `M${left} ${base}v${-Math.max(1, high(n))}h${round(wide)}V${base}Z`;
      })
      .join("");
  const peak = counts.findIndex((count) => count.all === most);
  return [
    shape("text", { class: "list-title", x: RIGHT, y: 13, "text-anchor": "end" }, title),
    shape("path", {
      class: "list-bars",
      d: all(
        (count) => count.all,
        (i) => at < 0 || i === at,
      ),
    }),
    shape("path", {
      class: "list-bars list-pale",
      d: all(
        (count) => count.all,
        (i) => at >= 0 && i !== at,
      ),
    }),
    shape("path", {
      class: "list-shown",
      d: all(
        (count) => count.shown,
        () => true,
      ),
    }),
    shape("path", { class: "mg-axis", d: `M${LEFT} ${base}H${RIGHT}` }),
    shape(
      "text",
      {
        class: "mg-label",
        x: Math.max(LEFT + 18, Math.min(RIGHT - 18, middle(Math.max(0, peak)))),
        y: TOP - 4,
        "text-anchor": "middle",
      },
      counted(most),
    ),
    ...names.map((name, i) =>
      shape(
        "text",
        {
          class: i === at ? "list-letter list-now" : "list-letter",
          x: middle(i),
          y: base + 17,
          "text-anchor": "middle",
        },
        name,
      ),
    ),
  ];
}

/** @param {Kinds} kinds @param {Found} found @param {Chosen} chosen */
export const letterBars = ({ letters }, { byLetter }, { letter }, wide = WIDE) =>
  bars({
    names: letters.map(marked),
    counts: byLetter,
    at: letters.indexOf(letter),
    title: "by first letter",
    height: LETTERS.height,
    wide,
  });

/** @param {Kinds} kinds @param {Found} found @param {Chosen} chosen */
export const lengthBars = ({ longest }, { byLength }, { length }, wide = WIDE) =>
  bars({
    names: byLength
      .slice(1)
      .map((_, i) => (i + 1 === MOST_LENGTH && longest === MOST_LENGTH ? "20+" : `${i + 1}`)),
    counts: byLength.slice(1),
    at: length - 1,
    title: "by number of letters",
    height: LENGTHS.height,
    wide,
  });

/**
 * Which of so many bars a place in a picture so wide is in.
 * @param {number} x
 * @param {number} count
 * @param {number} wide
 */
export const barAt = (x, count, wide) =>
  Math.max(0, Math.min(count - 1, Math.floor(((x - RIM) / (wide - 2 * RIM)) * count)));

/** @param {string} name */
const short = (name) => {
  const signs = [...marked(name)];
  if (signs.length <= MOST_SIGNS) return signs.join("");
  return `${signs.slice(0, MOST_SIGNS - 1).join("")}…`;
};

/** Some of the names in two columns. @param {Found} found @param {Chosen} chosen */
export function someNames({ some }, { letter, length }) {
  const rows = MOST_NAMES / 2;
  return Array.from({ length: MOST_NAMES }, (_, i) => {
    const one = some[i];
    const [x, y] = [i < rows ? 14 : 140, 40 + 22 * (i % rows)];
    return [
      shape("circle", {
        class: "list-mark",
        cx: x - 8,
        cy: y - 4.5,
        r: 3.5,
        display: one?.isShown ? null : "none",
      }),
      shape(
        "text",
        { class: one?.isShown ? "list-name list-now" : "list-name", x, y },
        one ? short(one.name) : " ",
      ),
    ];
  })
    .flat()
    .concat(shape("text", { class: "list-title", x: 6, y: 13 }, titleOf(letter, length)));
}

/** @param {string} letter @param {number} length */
function titleOf(letter, length) {
  const begin = letter === ANY ? "" : ` with ${marked(letter)}`;
  const long = length ? ` of ${length}` : "";
  return begin || long ? `names${begin}${long}` : "names";
}

/** @param {Kinds} kinds @param {Found} found @param {Chosen} chosen */
export function sentence({ count }, { both }, { letter, length }) {
  const begin =
    letter === ANY ? "" : ` ${both.all === 1 ? "begins" : "begin"} with ${marked(letter)}`;
  const long = length ? ` ${both.all === 1 ? "has" : "have"} ${length} letters` : "";
  const which =
    begin || long
      ? `${counted(both.all)} of them${begin}${begin && long ? " and" : ""}${long}; `
      : "";
  return (
    `The list has ${counted(count)} names; ${which}a run of 1,000 steps is shown ` +
    `${counted(both.shown)} of ${begin || long ? "these" : "them"}.`
  );
}
