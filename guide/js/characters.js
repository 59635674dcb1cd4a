// Collecting the characters of a list of documents, one document at a time.

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
