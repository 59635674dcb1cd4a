// What changed between two texts, line by line: the fewest lines out and in. No DOM.

/**
 * @typedef {{kind: "same" | "out" | "in", text: string, before: number | null, after: number |
 *   null}} Line
 */

/**
 * Every line of both, in order; numbers count from 1. Where lines go and come at one place, those
 * that go stand first.
 * @param {string[]} before
 * @param {string[]} after
 * @returns {Line[]}
 */
export function lineDiff(before, after) {
  const [n, m] = [before.length, after.length];
  // common[i][j]: the most lines that before[i..] and after[j..] share in order
  const common = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      common[i][j] =
        before[i] === after[j]
          ? common[i + 1][j + 1] + 1
          : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  /** @type {Line[]} */
  const lines = [];
  let [i, j] = [0, 0];
  while (i < n || j < m) {
    if (i < n && j < m && before[i] === after[j])
      lines.push({ kind: "same", text: before[i], before: ++i, after: ++j });
    else if (i < n && (j === m || common[i + 1][j] >= common[i][j + 1]))
      lines.push({ kind: "out", text: before[i], before: ++i, after: null });
    else lines.push({ kind: "in", text: after[j], before: null, after: ++j });
  }
  return lines;
}

/**
 * What changes from one program to another. Its counts, in the figure and on the pages, leave the
 * header out, which is the text that a program begins with.
 * @param {string} before
 * @param {string} after
 */
export function programDiff(before, after) {
  const texts = [before, after].map((text) => text.trimEnd().split("\n"));
  const bodies = texts.map(
    (lines) => lines.findIndex((line, i) => i > 0 && line.startsWith('"""')) + 1,
  );
  const all = lineDiff(texts[0], texts[1]);
  const body = all.filter(
    (line) => (line.before ?? 0) > bodies[0] || (line.after ?? 0) > bodies[1],
  );
  return { all, body };
}

/**
 * The places that changed, each with some lines around it; places that touch are one.
 * @param {Line[]} lines
 * @param {number} [around]
 * @returns {Line[][]}
 */
export function hunks(lines, around = 2) {
  const near = lines.map((_, i) =>
    lines.slice(Math.max(0, i - around), i + around + 1).some(({ kind }) => kind !== "same"),
  );
  /** @type {Line[][]} */
  const all = [];
  lines.forEach((line, i) => {
    if (!near[i]) return;
    if (!near[i - 1]) all.push([]);
    all[all.length - 1].push(line);
  });
  return all;
}

/** @param {Line[]} lines */
export function counted(lines) {
  const of = (/** @type {string} */ kind) => lines.filter((line) => line.kind === kind).length;
  return { same: of("same"), out: of("out"), in: of("in") };
}
