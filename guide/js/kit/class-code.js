// A student's guess as a short code that can be pasted, scanned or read aloud, and back. No DOM.
//
//     ATTENTION-C-K7M4P-58: the question, the guess, whose it is, two check digits.
//
// Whose it is, is a mark that the student's browser drew at random: it tells two guesses of one
// browser from two guesses of two, and nothing else. The check digits are the rest of the text,
// read as a number with the digits of SYMBOLS, divided by 97: since that is a prime, one wrong
// character, or two neighbours that changed places, are always noticed.

const LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"; // without I, L, O, which look like digits
const DIGITS = "23456789";
const MARK = [LETTERS, DIGITS, LETTERS, DIGITS, LETTERS]; // digits between letters: never a word
const SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.-";
const MOST = 1e6; // a guess beyond has no code
const DECIMALS = 4;
const MOST_SHOWN = 61; // characters; no code has more
const SEPARATED = "[-\\s]+";
const CODE = new RegExp(
  // no word of a chat is part of a name, but its last word may stand right in front of one
  [
    `(?<![A-Z0-9])([A-Z][A-Z0-9]*(?:${SEPARATED}[A-Z0-9]+){0,4}?)`,
    "([A-H]|M?\\d+(?:[.,]\\d+)?)",
    "([A-Z]\\d[A-Z]\\d[A-Z])",
    "(\\d\\d)(?![A-Z0-9])",
  ].join(SEPARATED),
  "g",
);

/** @typedef {{name: string, choices?: string[], digits?: number}} Asked */
/** @typedef {{name: string, guess: string, mark: string, code: string}} Guess */
/** @typedef {{code: string, why: "digits" | "question" | "guess" | "unread" | "full"}} Refused */

/** The check digits of a text. @param {string} text of SYMBOLS */
export function checkDigits(text) {
  let rest = 0;
  for (const symbol of text) {
    const value = SYMBOLS.indexOf(symbol);
    if (value < 0) throw new RangeError(`${symbol} can't be in a code`);
    rest = (rest * SYMBOLS.length + value) % 97;
  }
  return String(rest).padStart(2, "0");
}

/** A mark for this browser. @param {(below: number) => number} draw a whole number from 0 on */
export const newMark = (draw) => MARK.map((among) => among[draw(among.length)]).join("");

/** Whether it is such a mark. @param {unknown} mark */
export const isMark = (mark) =>
  typeof mark === "string" &&
  mark.length === MARK.length &&
  MARK.every((among, i) => among.includes(mark[i]));

/**
 * A guess as it stands in a code: the letter of a choice, or a number, with M for its minus; null
 * where there is none.
 * @param {number} guess the choice, counted from 0, or the number itself
 * @param {boolean} isNumber
 */
export function guessText(guess, isNumber) {
  if (!isNumber) return String.fromCharCode(65 + guess);
  if (!(Math.abs(guess) < MOST)) return null;
  return String(Number(guess.toFixed(DECIMALS)) + 0).replace("-", "M"); // + 0: no −0
}

/** The number that such a text stands for. @param {string} guess */
export const guessNumber = (guess) => Number(guess.replace("M", "-"));

/** @param {string} name of the question @param {string} guess @param {string} mark */
export function codeOf(name, guess, mark) {
  const text = `${name.toUpperCase()}-${guess}-${mark}`;
  return `${text}-${checkDigits(text)}`;
}

/**
 * What stands in a code, by the question that it names.
 * @param {RegExpMatchArray} found
 * @param {Map<string, Asked>} asked by its name in capitals
 * @returns {Guess | Refused}
 */
function readOne([whole, before, given, mark, digits], asked) {
  const words = before.split(/[-\s]+/);
  const names = words.map((_, i) => words.slice(i).join("-"));
  const name = names.find((one) => asked.has(one));
  const shown = whole
    .trim()
    .replace(/[-\s]+(?!\d+(?:[.,]\d+)?[-\s])/g, "-")
    .slice(0, MOST_SHOWN);
  const question = asked.get(name ?? "");
  if (!name || !question) return { code: shown, why: "question" };
  const guess = given.replace(",", ".");
  const code = `${name}-${guess}-${mark}-${digits}`.slice(0, MOST_SHOWN);
  if (checkDigits(`${name}-${guess}-${mark}`) !== digits) return { code, why: "digits" };
  const { choices } = question;
  const isNumber = /\d/.test(guess);
  const fits = choices
    ? !isNumber && guess.charCodeAt(0) - 65 < choices.length
    : isNumber && Math.abs(guessNumber(guess)) < MOST;
  return fits ? { name: question.name, guess, mark, code } : { code, why: "guess" };
}

/**
 * All codes in a text, such as a class's chat: other words may stand around them, spaces in the
 * place of hyphens, small letters in that of capitals.
 * @param {string} text
 * @param {readonly Asked[]} questions
 * @returns {(Guess | Refused)[]}
 */
export function readCodes(text, questions) {
  const asked = new Map(questions.map((one) => [one.name.toUpperCase(), one]));
  const meant = new RegExp(`\\b(?:${[...asked.keys()].join("|")})-\\S`);
  return text.split(/[\n;]+/).flatMap((line) => {
    const plain = line.toUpperCase().replace(/[\p{Dash_Punctuation}−_]/gu, "-");
    const found = [...plain.matchAll(CODE)].map((one) => readOne(one, asked));
    if (found.length) return found;
    return meant.test(plain) ? [{ code: plain.trim().slice(0, MOST_SHOWN), why: "unread" }] : [];
  });
}
