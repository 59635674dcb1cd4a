// A reader's table as a list: the cells of one column, those that reading/tables.py of the package
// takes. No DOM.
//
// A table is CSV as RFC 4180 has it (a quoted cell may hold commas and newlines), with comma,
// semicolon, tab or bar between the cells.

import { InputError } from "../../errors.js";

/**
 * @typedef {object} Table
 * @property {string} separator
 * @property {string[][]} rows those that aren't blank, the first one too
 * @property {string[]} first the first row without spaces around its cells
 * @property {{count: number, line: number, cells: number} | null} odd rows of another length than
 *   the first, and where one is
 */

export const SEPARATORS = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars" };
const TITLES = new Set(
  (
    "name names text texts title word words line lines sentence document doc content body quote " +
    "message label value"
  ).split(" "),
);
const LOOKED_AT = 200; // rows by which a table is judged
const BEGINNING = 2 ** 18; // characters of a text by which its kind is judged
const MOST_IN_CELL = 2 ** 17; // of those
const SHOWN = 24; // characters of a cell in the chooser

const SPACE = "[\\t-\\r\\x1c-\\x1f\\x85\\p{Z}]"; // what Python strips
const AROUND = new RegExp(`^${SPACE}+|${SPACE}+$`, "gu");
const NUMBER = new RegExp(`^${SPACE}*[-+]?[0-9]+([.,][0-9]+)*${SPACE}*%?${SPACE}*$`, "u");
const TITLE = /^[\p{L}\p{N}_ .-]{1,30}$/u;
const MARKUP = /^(<!doctype html|<html|<\?xml|\{\\rtf)/i;

/** Without white space around it, in Python's sense. @param {string} text */
const stripped = (text) => text.replace(AROUND, "");
const isNumber = (/** @type {string} */ cell) => NUMBER.test(cell);

/** With LF at the end of every line. @param {string} text */
const unix = (text) => text.replace(/\r\n?/g, "\n");

/** A fault that a table doesn't recover from. */
class Fault extends Error {}

/**
 * The rows of a text, each with the number of its first line.
 * @param {string} text
 * @param {string} separator
 * @param {{quoted?: boolean, strict?: boolean}} [how]
 * @returns {Generator<{line: number, cells: string[]}>}
 */
function* rowsOf(text, separator, { quoted = true, strict = true } = {}) {
  let [at, line] = [0, 1];
  const plain = () => {
    const from = at;
    while (at < text.length && text[at] !== separator && text[at] !== "\n") at++;
    return text.slice(from, at);
  };
  const enclosed = (/** @type {number} */ begun) => {
    let cell = "";
    for (at++; ; ) {
      const close = text.indexOf('"', at);
      if (close < 0 && strict)
        throw new Fault(`line ${begun.toLocaleString("en")}: a quote is opened and never closed.`);
      const part = text.slice(at, close < 0 ? text.length : close);
      cell += part;
      line += part.split("\n").length - 1;
      at = close < 0 ? text.length : close + 1;
      if (text[at] === '"') {
        cell += '"';
        at++;
      } else if (at >= text.length || text[at] === separator || text[at] === "\n") return cell;
      else if (strict)
        throw new Fault(
          `line ${begun.toLocaleString("en")}: a closing quote is followed by more text.`,
        );
      else return cell + plain();
    }
  };
  while (at < text.length) {
    const begun = line;
    const cells = [];
    for (;;) {
      cells.push(quoted && text[at] === '"' ? enclosed(begun) : plain());
      if (at >= text.length || text[at] === "\n") break;
      at++;
    }
    if (text[at] === "\n") line++;
    at++;
    yield { line: begun, cells };
  }
}

/** The first lines that aren't blank. @param {string} text */
const beginning = (text) =>
  text
    .slice(0, BEGINNING)
    .split("\n")
    .slice(0, LOOKED_AT)
    .filter((line) => stripped(line));

/** What cuts the first rows into the same number of most cells. @param {string} text */
function separatorOf(text) {
  const begin = beginning(text).join("\n");
  let [best, most] = [",", 0];
  for (const separator of Object.keys(SEPARATORS)) {
    /** @type {Map<number, number>} */
    const counts = new Map();
    let fits = true;
    for (const { cells } of rowsOf(begin, separator, { strict: false })) {
      fits &&= cells.every((cell) => cell.length <= MOST_IN_CELL);
      counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
    }
    const [cells, times] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0]);
    if (fits && cells > 1 && times * cells > most) [best, most] = [separator, times * cells];
  }
  return best;
}

/** Whether the quotes in a table with tabs enclose cells. @param {string} text */
function isQuotedWell(text) {
  try {
    for (const _ of rowsOf(text, "\t")); // only whether it comes to the end
    return true;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return false;
  }
}

/** Whether a file is a table by its name. @param {string} name */
export const isTableName = (name) => /\.[ct]sv$/i.test(name);

/**
 * The table that a text is; throws `InputError` where a quote is never closed.
 * @param {string} text
 * @param {string} name of its file
 * @returns {Table}
 */
export function tableIn(text, name) {
  const whole = unix(text);
  const separator = /\.tsv$/i.test(name) ? "\t" : separatorOf(whole);
  const quoted = separator !== "\t" || isQuotedWell(whole);
  /** @type {string[][]} */ const rows = [];
  /** @type {Table["odd"]} */ let odd = null;
  try {
    for (const { line, cells } of rowsOf(whole, separator, { quoted })) {
      if (!cells.some(stripped)) continue;
      rows.push(cells);
      if (cells.length === rows[0].length) continue;
      odd ??= { count: 0, line, cells: cells.length };
      odd.count++;
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new InputError(
      `In “${name}”, ${error.message}`,
      'Close it, write a quote inside a cell twice (""), or save the file as .txt.',
    );
  }
  return { separator, rows, first: (rows[0] ?? []).map(stripped), odd };
}

/**
 * Whether the first row holds titles rather than the first values, as seen from one column.
 * @param {Table} table
 * @param {number} at
 */
export function hasTitles({ rows, first }, at) {
  const below = rows.slice(1, LOOKED_AT);
  const whole = below.filter((row) => row.length === first.length);
  if (new Set(first).size < first.length || !first.every((cell) => cell)) return false;
  if (first.some(isNumber) || !below.length) return false;
  if (TITLES.has(first[at].toLowerCase())) return true;
  return whole.length > 0 && first.some((_, i) => whole.every((row) => isNumber(row[i])));
}

/**
 * The cells of a column, without those that are empty.
 * @param {Table} table
 * @param {number} at
 * @param {boolean} [titled]
 */
export const cellsOf = (table, at, titled = hasTitles(table, at)) =>
  table.rows
    .slice(titled ? 1 : 0)
    .map((row) => stripped(row[at] ?? ""))
    .filter((cell) => cell);

/**
 * The column that is most like a list: of those with a usual title, else of all, the one whose
 * first cells differ most and have letters but no figures.
 * @param {Table} table
 */
export function likelyColumn(table) {
  const { first, rows } = table;
  const scores = first.map((_, i) => {
    const cells = cellsOf({ ...table, rows: rows.slice(0, LOOKED_AT) }, i);
    return new Set(cells.filter((cell) => /\p{L}/u.test(cell) && !/\d|@|:\/\//.test(cell))).size;
  });
  const usual = first.map((title, i) => TITLES.has(title.toLowerCase()) && hasTitles(table, i));
  const named = scores.map((score, i) => (usual[i] ? score : 0));
  const judged = named.some((score) => score) ? named : scores;
  return judged.indexOf(Math.max(...judged));
}

/**
 * What the chooser says of a column.
 * @param {Table} table
 * @param {number} at
 * @param {boolean} titled
 */
export function shownOf(table, at, titled) {
  const cut = (/** @type {string} */ text) =>
    [...text].length > SHOWN ? `${[...text].slice(0, SHOWN - 1).join("")}…` : text;
  const begin = { ...table, rows: table.rows.slice(0, LOOKED_AT) };
  return {
    title: titled && table.first[at] ? cut(table.first[at]) : `Column ${at + 1}`,
    values: cellsOf(begin, at, titled).slice(0, 3).map(cut),
  };
}

// ---------------------------------------------------------------- text that is a table

/**
 * Whether plain text is a table: only where its first lines all agree, since commas in names or
 * verses are no table.
 * @param {string} text
 */
export function resemblesTable(text) {
  const whole = unix(text);
  const lines = beginning(whole).map(stripped);
  const begin = stripped(whole.slice(0, 1000));
  if (lines.length < 3 || MARKUP.test(begin) || areObjects(lines)) return false;
  if (/^\[\s*[{"[]/.test(begin) && stripped(whole.slice(-100)).endsWith("]")) return false;
  return Object.keys(SEPARATORS).some((separator) => isTable(lines, separator));
}

/** Whether these are JSON lines. @param {string[]} lines */
function areObjects(lines) {
  if (!lines.every((line) => line.startsWith("{") && line.endsWith("}"))) return false;
  try {
    return lines.slice(0, 20).every((line) => JSON.parse(line) && line.length > 4);
  } catch {
    return false;
  }
}

/**
 * Whether all lines have as many cells, and titles or numbers show that they are cells; tabs are
 * proof by themselves.
 * @param {string[]} lines
 * @param {string} separator
 */
function isTable(lines, separator) {
  const rows = [...rowsOf(lines.join("\n"), separator, { strict: false })].map((row) => row.cells);
  const width = rows[0].length;
  if (width < 2 || rows.some((row) => row.length !== width)) return false;
  if (separator === "\t") return true;
  const numbers = rows[0].map((_, i) => rows.slice(1).every((row) => isNumber(row[i])));
  if (numbers.every((is) => is)) return width > 2; // 1,024 and 3,14 are numbers themselves
  const titled =
    rows[0].every((cell) => TITLE.test(cell)) &&
    rows[0].some((cell) => TITLES.has(stripped(cell).toLowerCase()));
  return numbers.some((is) => is) || titled;
}
