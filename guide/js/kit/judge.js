// Whether a typed answer is right, and what to say if it is a usual mistake. No DOM.

import { readNumber, readNumbers, written } from "./text.js";

/** @typedef {"number" | "numbers" | "text"} Kind */
/** @typedef {{kind: Kind, answers: string[], tolerance: number}} Task */
/** @typedef {{value: string, mark?: unknown}} Mistake */
/**
 * `unread`: it isn't of the kind asked for. `mistake` is the index of the usual mistake that it is.
 * @typedef {{verdict: "right" | "wrong" | "unread", say: string, mistake: number | null}} Judgement
 */

/** @param {string} text */
const plain = (text) =>
  text
    .normalize("NFKC")
    .trim()
    .toLowerCase()
    .replace(/\s+/g, " ")
    .replace(/^["'“]|["'”]$/g, "");

/**
 * @param {Kind} kind
 * @param {string} given
 * @param {string} wanted
 * @param {number} tolerance absolute, for every number
 */
export function sameAnswer(kind, given, wanted, tolerance) {
  if (kind === "text") return plain(given) === plain(wanted);
  const fits = (/** @type {number} */ x, /** @type {number} */ y) =>
    Math.abs(x - y) <= tolerance + 1e-12 * Math.max(1, Math.abs(y));
  if (kind === "number") {
    const truth = readNumber(wanted);
    return truth !== null && readings(given).some((x) => fits(x, truth));
  }
  const [g, w] = [readNumbers(given), readNumbers(wanted)];
  return Boolean(g && w && g.length === w.length && g.every((x, i) => fits(x, w[i])));
}

/** What a text may mean: in 4,192 the comma may part thousands or decimals. @param {string} text */
function readings(text) {
  const all = [readNumber(text), readNumber(text.replace(/(\d),(?=\d{3}(\D|$))/g, "$1"))];
  return /** @type {number[]} */ (all.filter((x) => x !== null));
}

/**
 * @param {Task} task
 * @param {Mistake[]} mistakes
 * @param {string} given
 * @returns {Judgement}
 */
export function judge({ kind, answers, tolerance }, mistakes, given) {
  const typed = given.trim();
  if (!typed) return { verdict: "unread", say: "Type an answer first.", mistake: null };
  if (answers.some((answer) => sameAnswer(kind, typed, answer, tolerance))) {
    return { verdict: "right", say: "Right.", mistake: null };
  }
  const mistake = mistakes.findIndex(({ value }) => sameAnswer(kind, typed, value, tolerance));
  if (mistake >= 0) return { verdict: "wrong", say: "Not yet.", mistake };
  if (kind === "number" && !readings(typed).length) {
    return { verdict: "unread", say: "A number is asked for, such as 3.14.", mistake: null };
  }
  if (kind === "numbers") {
    const numbers = readNumbers(typed);
    const wanted = readNumbers(answers[0])?.length ?? 0;
    if (!numbers)
      return {
        verdict: "unread",
        say: `${wanted} numbers are asked for, with spaces between.`,
        mistake: null,
      };
    if (numbers.length !== wanted) {
      return {
        verdict: "unread",
        say: `These are ${numbers.length} numbers; ${wanted} are asked for.`,
        mistake: null,
      };
    }
    const near = (/** @type {number} */ x, /** @type {number} */ i) =>
      sameAnswer("number", String(x), String(readNumbers(answers[0])?.[i]), tolerance);
    const good = numbers.filter(near).length;
    if (good)
      return { verdict: "wrong", say: `Not yet: ${good} of ${wanted} are right.`, mistake: null };
  }
  return { verdict: "wrong", say: "Not yet. Try again, or look at the answer.", mistake: null };
}

/**
 * How far a guess was off, in words.
 * @param {number} guess
 * @param {number} truth
 * @param {number} digits
 */
export function distance(guess, truth, digits) {
  const off = guess - truth;
  if (Math.abs(off) < 0.5 * 10 ** -digits) return "just right";
  return `${written(Math.abs(off), digits)} too ${off > 0 ? "high" : "low"}`;
}
