// The guesses of a class, counted from their codes. No DOM.
//
// They stay in the tab's own storage, so that a reload loses nothing; no other tab, server or link
// sees them.

import { guessNumber, readCodes } from "../../kit/class-code.js";
import { counted, ticks, written } from "../../kit/text.js";

const KEPT = "mg-class-tally";
export const MOST = 5000; // codes
const MOST_ROWS = 8; // different numbers; of more, ranges are counted

/**
 * @typedef {object} Question as `files/questions.json` has it
 * @property {string} name
 * @property {string} page
 * @property {string} title of the page
 * @property {string} text
 * @property {number} answer the index of a choice, or a number
 * @property {string[]} [choices]
 * @property {number} [digits]
 * @property {string} [unit]
 */
/** @typedef {import("../../kit/class-code.js").Guess} Guess */
/** @typedef {import("../../kit/class-code.js").Refused} Refused */
/** @typedef {"counted" | "again" | "changed"} Fate */
/** @typedef {{label: string, text: string, count: number, isRight: boolean}} Row */
/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Store */

/** @param {unknown} one @returns {one is Guess} */
const isGuess = (one) =>
  typeof one === "object" &&
  one !== null &&
  ["name", "guess", "mark", "code"].every(
    (key) => typeof (/** @type {any} */ (one)[key]) === "string",
  );

export class Tally {
  /**
   * @param {readonly Question[]} questions
   * @param {() => Store} [store]
   */
  constructor(questions, store = () => sessionStorage) {
    this.questions = questions;
    this.byName = new Map(questions.map((one) => [one.name, one]));
    /** @private */ this.store = store;
    /** whether a reload would bring them back */ this.isKept = true;
    /** All that came, in order. @type {{guess: Guess, fate: Fate}[]} */
    this.came = [];
    /** @private the first guess by question and mark @type {Map<string, string>} */
    this.first = new Map();
    for (const one of this.recall()) this.take(one);
  }

  /** @private @returns {Guess[]} */
  recall() {
    try {
      const kept = JSON.parse(this.store().getItem(KEPT) ?? "[]");
      const all = Array.isArray(kept) ? kept.filter(isGuess) : [];
      return all.filter(({ name }) => this.byName.has(name)).slice(0, MOST);
    } catch {
      return []; // storage is shut off, or holds something else
    }
  }

  /** @private */
  keep() {
    try {
      this.store().setItem(KEPT, JSON.stringify(this.came.map(({ guess }) => guess)));
      this.isKept = true;
    } catch {
      this.isKept = false;
    }
  }

  /** @private One browser has one guess, its first. @param {Guess} guess @returns {Fate} */
  take(guess) {
    const whose = `${guess.name} ${guess.mark}`;
    const before = this.first.get(whose);
    const fate = before === undefined ? "counted" : before === guess.guess ? "again" : "changed";
    if (before === undefined) this.first.set(whose, guess.guess);
    this.came.push({ guess, fate });
    return fate;
  }

  /**
   * Counts all codes of a text.
   * @param {string} text
   * @returns {{fates: Record<Fate, Guess[]>, refused: Refused[], last: string | null}}
   */
  add(text) {
    /** @type {Record<Fate, Guess[]>} */
    const fates = { counted: [], again: [], changed: [] };
    /** @type {Refused[]} */
    const refused = [];
    for (const one of readCodes(text, this.questions)) {
      if ("why" in one) refused.push(one);
      else if (this.came.length < MOST) fates[this.take(one)].push(one);
      else refused.push({ code: one.code, why: "full" });
    }
    this.keep();
    const { counted: good, again, changed } = fates;
    const last = (good.at(-1) ?? again.at(-1) ?? changed.at(-1))?.name ?? null;
    return { fates, refused, last };
  }

  forget() {
    this.came = [];
    this.first.clear();
    try {
      this.store().removeItem(KEPT);
    } catch {
      // storage is shut off: nothing was kept
    }
  }

  /** What was guessed at a question, each browser once. @param {string} name */
  guesses(name) {
    return this.came
      .filter(({ guess, fate }) => guess.name === name && fate === "counted")
      .map(({ guess }) => guess.guess);
  }

  /** The guesses at a question in rows. @param {string} name @returns {Row[]} */
  rows(name) {
    const question = this.byName.get(name);
    if (!question) return [];
    const guesses = this.guesses(name);
    const { choices } = question;
    if (!choices) return rowsOfNumbers(guesses.map(guessNumber), question);
    return choices.map((text, i) => {
      const label = String.fromCharCode(65 + i);
      const count = guesses.filter((one) => one === label).length;
      return { label, text, count, isRight: i === question.answer };
    });
  }

  /** All that came, for a spreadsheet. */
  csv() {
    const lines = this.came.map(({ guess: { name, guess, mark }, fate }) => {
      const question = this.byName.get(name);
      const isRight = question && isRightGuess(question, guess);
      return [name, guess.replace("M", "-"), mark, fate, isRight ? "yes" : "no"].join(",");
    });
    return ["question,guess,browser,fate,right", ...lines, ""].join("\r\n");
  }
}

/** @param {number} x @param {Question} question */
const isAnswer = (x, { answer, digits = 2 }) => Math.abs(x - answer) < 0.5 * 10 ** -digits;

/** @param {Question} question @param {string} guess as it stands in a code */
export const isRightGuess = (question, guess) =>
  question.choices
    ? guess.charCodeAt(0) - 65 === question.answer
    : isAnswer(guessNumber(guess), question);

/** @param {number} x */
const short = (x) => String(x).replace("-", "−");

/**
 * Each number has a row as long as there are few; of many, equal ranges do, the outermost open.
 * @param {number[]} numbers
 * @param {Question} question
 * @returns {Row[]}
 */
export function rowsOfNumbers(numbers, question) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const distinct = [...new Set(sorted)];
  if (distinct.length <= MOST_ROWS)
    return distinct.map((x) => ({
      label: short(x),
      text: "",
      count: sorted.filter((one) => one === x).length,
      isRight: isAnswer(x, question),
    }));
  // One wild guess shall not stretch the rows of all others: the outer tenths are left out here.
  const [low, high] = [0.1, 0.9].map((part) => sorted[Math.round(part * (sorted.length - 1))]);
  const marks = ticks(low, high > low ? high : low + 1, 5);
  const edges = [-Infinity, ...marks, Infinity];
  return edges.slice(1).map((to, i) => {
    const from = edges[i];
    const within = (/** @type {number} */ x) => x >= from && x < to;
    const label =
      from === -Infinity
        ? `below ${short(to)}`
        : to === Infinity
          ? `${short(from)} or more`
          : `from ${short(from)} to below ${short(to)}`;
    const count = sorted.filter(within).length;
    return { label, text: "", count, isRight: within(question.answer) };
  });
}

/** The guess in the middle. @param {number[]} numbers */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
}

const REASONS = {
  digits: "its check digits don't fit: something was misread",
  question: "it names no question of this guide",
  guess: "the question has no such answer",
  unread: "it can't be read as a code",
  full: `${counted(MOST)} codes have come, and no more are taken: save them, then forget them`,
};
const NAMED = 4; // of those that weren't counted

/** What became of a text, in sentences. @param {ReturnType<Tally["add"]>} added */
export function toldOf({ fates, refused }) {
  const { counted: good, again, changed } = fates;
  const all = good.length + again.length + changed.length;
  if (!all && !refused.length) return "There is no code in this text.";
  const said = [`${counted(good.length)} of ${counted(all + refused.length)} counted.`];
  const marks = (/** @type {Guess[]} */ some) => {
    const named = [...new Set(some.map(({ mark }) => mark))];
    return named.slice(0, NAMED).join(", ") + (named.length > NAMED ? " and others" : "");
  };
  if (again.length) said.push(`${counted(again.length)} had come before (${marks(again)}).`);
  if (changed.length)
    said.push(
      `${counted(changed.length)} from a browser that had guessed otherwise ` +
        `(${marks(changed)}): its first guess counts.`,
    );
  for (const { code, why } of refused.slice(0, NAMED)) said.push(`${code}: ${REASONS[why]}.`);
  if (refused.length > NAMED) said.push(`And ${counted(refused.length - NAMED)} more like these.`);
  return said.join(" ");
}

/** The answer in words. @param {Question} question */
export const answerOf = ({ choices, answer, digits, unit = "" }) =>
  choices
    ? `${String.fromCharCode(65 + answer)}, ${choices[answer]}`
    : `${written(answer, digits)} ${unit}`.trim();
