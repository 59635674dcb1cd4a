// The bytes of a reader's file as text, in the encoding that reading/encodings.py of the package
// finds for them. No DOM.
//
// A byte order mark settles it; then UTF-8 is tried. NULs at every other byte mean UTF-16 without a
// mark, letters of Western Europe mean Windows-1252. Such a guess comes with a note.

import { FileError } from "../../errors.js";

/** @typedef {"utf-16le" | "utf-16be" | "utf-32le" | "utf-32be"} Wide */

const SAMPLE = 2 ** 16; // bytes that are looked at before all are decoded
/** UTF-32's little-endian mark begins with UTF-16's. @type {[Wide | "utf-8", number[]][]} */
const MARKS = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-32le", [0xff, 0xfe, 0, 0]],
  ["utf-32be", [0, 0, 0xfe, 0xff]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];
/** @type {[number[], string, string][]} */
const KINDS = [
  [[0x25, 0x50, 0x44, 0x46, 0x2d], "a PDF", "Copy its text and paste it here."],
  [[0x50, 0x4b, 3, 4], "a spreadsheet, a document or a zip archive", "Save it as CSV or as text."],
  [[0xd0, 0xcf, 0x11, 0xe0], "an old Office document", "Save it as CSV or as text."],
  [[0x1f, 0x8b], "gzip data", "Unpack it first."],
  [[0x89, 0x50, 0x4e, 0x47], "a picture", "Choose a text file."],
  [[0xff, 0xd8, 0xff], "a picture", "Choose a text file."],
];
/** What Windows-1252 has at 0x80 to 0x9f; all else is Latin-1. Some runtimes mix the two up. */
const WINDOWS = (
  "20ac - 201a 0192 201e 2026 2020 2021 02c6 2030 0160 2039 0152 - 017d - " +
  "- 2018 2019 201c 201d 2022 2013 2014 02dc 2122 0161 203a 0153 - 017e 0178"
).split(" ");
/** Its quotes, dashes and other signs that print has. */
const FITTING = new Set([
  0x80, 0x82, 0x84, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0xa0, 0xa1, 0xa3, 0xa7, 0xab,
  0xb0, 0xb4, 0xba, 0xbb, 0xbf,
]);
const SPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"; // controls that are white space

/**
 * The text, and a line for the reader where its encoding was guessed; throws `FileError`.
 * @param {Uint8Array} bytes
 * @param {string} name as the reader sees it
 * @returns {{text: string, note: string}}
 */
export function textOf(bytes, name) {
  const mark = MARKS.find(([, sign]) => startsWith(bytes, sign));
  if (mark) {
    const [encoding, { length }] = mark;
    const text = decoded(bytes.subarray(length), encoding);
    if (text === null || text.includes("\0")) throw notText(bytes, name);
    return { text: unix(text), note: "" };
  }
  if (startsWith(bytes, KINDS[0][0])) throw notText(bytes, name);
  if (bytes.includes(0)) {
    const encoding = withoutMark(bytes);
    if (!encoding) throw notText(bytes, name);
    const called = encoding.slice(0, 6).toUpperCase();
    return {
      text: unix(decoded(bytes, encoding) ?? ""),
      note: `“${name}” is read as ${called}, for which it has no mark.`,
    };
  }
  const text = decoded(bytes, "utf-8");
  if (text !== null) return { text: unix(text), note: "" };
  if (!isWestern(bytes)) throw notText(bytes, name);
  return {
    text: unix(western(bytes)),
    note: `“${name}” isn't UTF-8; it is read as Latin-1 (Windows-1252).`,
  };
}

/** @param {Uint8Array} bytes @param {number[]} sign */
const startsWith = (bytes, sign) => sign.every((byte, i) => bytes[i] === byte);

/** @param {string} text */
const unix = (text) => text.replace(/\r\n?/g, "\n");

/** @param {Uint8Array} bytes @param {string} name */
function notText(bytes, name) {
  const kind = KINDS.find(([sign]) => startsWith(bytes, sign));
  if (kind) return new FileError(`“${name}” is not plain text: it looks like ${kind[1]}.`, kind[2]);
  return new FileError(
    `“${name}” is not plain text, or in an encoding that isn't known here.`,
    "Save it as text in UTF-8, one word per line.",
  );
}

/**
 * The text in an encoding, null where bytes don't fit. `part`: its end may be missing.
 * @param {Uint8Array} bytes
 * @param {Wide | "utf-8"} encoding
 * @param {boolean} [part]
 */
function decoded(bytes, encoding, part = false) {
  if (encoding === "utf-32le" || encoding === "utf-32be")
    return decoded32(bytes, encoding === "utf-32le", part);
  try {
    const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
    return decoder.decode(bytes, { stream: part });
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes @param {boolean} isLittle @param {boolean} part */
function decoded32(bytes, isLittle, part) {
  if (bytes.length % 4 && !part) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = "";
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, isLittle);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return null;
    text += String.fromCodePoint(code);
  }
  return text;
}

/**
 * Which of UTF-16 and UTF-32 data with NULs is; null if neither gives text.
 * @param {Uint8Array} bytes
 * @returns {Wide | null}
 */
function withoutMark(bytes) {
  const head = bytes.subarray(0, SAMPLE);
  const isAscii = (/** @type {number} */ byte) => byte >= 32 && byte < 127;
  let [low, high, ascii] = [0, 0, 0];
  for (let at = 0; at < head.length; at += 2) {
    if (head[at] === 0) low++;
    if (head[at + 1] === 0) high++;
    if (isAscii(head[at]) && isAscii(head[at + 1])) ascii++;
  }
  /** @type {Wide[]} */
  const pairs = high >= low ? ["utf-16le", "utf-16be"] : ["utf-16be", "utf-16le"];
  const tried = Math.max(low, high) > ascii ? pairs : [];
  const found = /** @type {Wide[]} */ (["utf-32le", "utf-32be", ...tried]).find((encoding) => {
    const text = decoded(head, encoding, true);
    if (!text || text.includes("\0")) return false;
    const odd = [...text].filter((char) => /\p{C}/u.test(char) && !SPACE.includes(char)).length;
    if (50 * odd > [...text].length) return false;
    const whole = decoded(bytes, encoding);
    return whole !== null && !whole.includes("\0");
  });
  return found ?? null;
}

/** @param {Uint8Array} bytes */
function western(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += 4096) {
    const codes = Array.from(bytes.subarray(at, at + 4096), (byte) =>
      byte < 0x80 || byte > 0x9f ? byte : Number.parseInt(WINDOWS[byte - 0x80], 16) || byte,
    );
    parts.push(String.fromCharCode(...codes));
  }
  return parts.join("");
}

/**
 * Whether bytes that aren't UTF-8 read well as Windows-1252: letters beyond ASCII are less than a
 * third of all, at least half of what is beyond ASCII are letters or what print has, there are no
 * controls, and what does look like UTF-8 is rare (else it is UTF-8 with a fault).
 * @param {Uint8Array} bytes
 */
function isWestern(bytes) {
  const counts = new Array(256).fill(0);
  for (const byte of bytes) counts[byte]++;
  let [beyond, letters, fitting, ascii] = [0, 0, 0, 0];
  for (let byte = 0; byte < 256; byte++) {
    const count = counts[byte];
    const isControl = byte < 9 || (byte > 13 && byte < 32) || byte === 127;
    if (count && (isControl || WINDOWS[byte - 0x80] === "-")) return false;
    const char = western(Uint8Array.of(byte));
    const isLetter = /\p{L}/u.test(char);
    if (byte < 128) ascii += isLetter ? count : 0;
    else {
      beyond += count;
      letters += isLetter ? count : 0;
      fitting += (Number(isLetter) + Number(FITTING.has(byte))) * count;
    }
  }
  const { good, bad } = sequences(bytes);
  return 2 * letters < ascii && 2 * fitting >= beyond && 5 * good <= bad;
}

/** Sequences beyond ASCII that UTF-8 has, and bytes that it hasn't. @param {Uint8Array} bytes */
function sequences(bytes) {
  let [good, bad, at] = [0, 0, 0];
  while (at < bytes.length) {
    const first = bytes[at];
    const length = first < 0x80 ? 1 : first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : 3;
    const size = first >= 0xf0 && length ? 4 : length;
    if (size > 1) {
      const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
      const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
      const fits = bytes.subarray(at + 1, at + size);
      const isWhole =
        fits.length === size - 1 &&
        fits[0] >= least &&
        fits[0] <= most &&
        fits.every((byte) => byte >= 0x80 && byte <= 0xbf);
      if (isWhole) good++;
      else bad++;
      at += isWhole ? size : 1;
    } else {
      if (!size) bad++;
      at++;
    }
  }
  return { good, bad };
}
