// What one training step works on, from rung 5 to rung 9: a cell for each position of the names.

export const PLACES = 16; // at most, block_size

/** What is new on each rung, and how its gradient is found. */
export const RUNGS = {
  5: { at: "one number after the other", back: "each Value remembers a number" },
  6: { at: "all positions of a name", back: "written by hand, for arrays" },
  7: { at: "all positions of 16 names", back: "written by hand, for arrays" },
  8: { at: "all positions of 16 names", back: "each Value remembers an array" },
  9: { at: "all positions of 16 names", back: "PyTorch's tensors remember" },
};

/**
 * Computed now, later in this step, in another step, or filled up.
 * @typedef {{text: string, kind: "now" | "later" | "another" | "padding"}} Cell
 */

/**
 * The names of a step, as rows of cells: what goes in (the first is BOS), and what a cell is.
 * @param {number} rung
 * @param {string[]} names those of a batch
 * @returns {Cell[][]}
 */
export function stepOf(rung, names) {
  const rows = names.map((name) => ["·", ...name].slice(0, PLACES));
  const longest = Math.max(...rows.map((row) => row.length));
  return rows.map((row, n) => {
    const isHere = rung >= 7 || n === 0;
    return Array.from({ length: rung < 7 ? row.length : longest }, (_, i) => {
      if (i >= row.length) return { text: "", kind: "padding" };
      const kind = !isHere ? "another" : rung > 5 || i === 0 ? "now" : "later";
      return { text: row[i], kind };
    });
  });
}

/** How many names a step has, positions, and places of padding. @param {Cell[][]} rows */
export function tally(rows) {
  const here = rows.filter(([{ kind }]) => kind !== "another");
  const padding = here.flat().filter(({ kind }) => kind === "padding").length;
  return { names: here.length, real: here.flat().length - padding, padding };
}

/**
 * How many times as fast as rung 5 each rung learns, at the batch that its program has.
 * @param {import("./ladder.js").Ladder["speed"]} speed
 */
export const speeds = (speed) =>
  [5, 6, 7, 8, 9].map((rung) => ({
    rung,
    times:
      speed.find((one) => one.rung === rung && one.batch_size === (rung < 7 ? 1 : 16))?.times ?? 0,
  }));

/** A number with two digits that count: 1,600 for 1642. @param {number} x */
export const twoDigits = (x) => Number(x.toPrecision(2)).toLocaleString("en");
