// The characters of a list of documents: collecting them, and showing those that can't be seen.

// What has no picture, or turns the text around it: controls, formats, halves, fillers. What joins
// signs or keeps them apart within a word, as in Persian or in an emoji, belongs to its writing.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?!\p{Mn})\p{Default_Ignorable_Code_Point}/gu;
const JOINED = /[\p{L}\p{M}\p{Extended_Pictographic}]/u;
const ALPHABETS = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u;

/**
 * A text with a mark such as [U+202E] for each character that nobody could see.
 * @param {string} text
 */
export function marked(text) {
  return text.replace(UNSEEN, (char, at) => {
    const [before, after] = [[...text.slice(0, at)].at(-1) ?? "", [...text.slice(at + 1)][0] ?? ""];
    const joins = /\p{Join_Control}/u.test(char) && JOINED.test(before) && JOINED.test(after);
    if (joins && !ALPHABETS.test(before + after)) return char;
    const code = /** @type {number} */ (char.codePointAt(0)).toString(16).toUpperCase();
    return `[U+${code.padStart(4, "0")}]`;
  });
}

/**
 * What each document brings that no earlier one had, in the order in which it is met, as far as the
 * last document that brings anything.
 * @param {string[]} docs
 * @returns {{doc: string, fresh: string[], seen: number}[]} `seen` counts what is known afterwards
 */
export function collecting(docs) {
  /** @type {Set<string>} */
  const known = new Set();
  const steps = [];
  let last = 0;
  for (const doc of docs) {
    const fresh = [...new Set(doc)].filter((char) => !known.has(char));
    for (const char of fresh) known.add(char);
    steps.push({ doc, fresh, seen: known.size });
    if (fresh.length) last = steps.length;
  }
  return steps.slice(0, last);
}

/** In order of their code points, as a tokenizer numbers them. @param {Iterable<string>} chars */
export const inOrder = (chars) =>
  [...chars].sort((a, b) => Number(a.codePointAt(0)) - Number(b.codePointAt(0)));

/** Documents that a reader typed: apart by white space or commas. @param {string} text */
export const wordsOf = (text) => text.split(/[\s,;]+/u).filter((word) => word);
