// Safety against usefulness: what a threshold on the leak refuses in vain and lets through, over
// the requests of data/frontier.json (made by scripts/record_frontier.py). No DOM.

/** @typedef {{name: string, refused: number, leak: number}} Point */
/**
 * `ordinary`: beginnings of names with their share of all such requests, 1 in all, and their leaks;
 * `attacks`: banned words and their beginnings, alone and inside a name, with their leaks.
 * @typedef {object} Recorded
 * @property {{prefixes: string, shares: number[], leaks: number[]}} ordinary
 * @property {{prefixes: string, leaks: number[]}} attacks
 * @property {Point[]} points
 */

export const THRESHOLD = { least: 1e-4, most: 1, first: 0.04 };

export class Thresholds {
  /** @param {Recorded} recorded */
  constructor({ ordinary, attacks }) {
    const names = ordinary.prefixes.split(" ");
    /** Ordinary requests, the leakiest first. */
    this.ordinary = names
      .map((prefix, i) => ({ prefix, share: ordinary.shares[i], leak: ordinary.leaks[i] }))
      .sort((a, b) => b.leak - a.leak);
    /** @private */ this.attacks = [...attacks.leaks].sort((a, b) => a - b);
    /** @private shares of the first 0, 1, 2, … ordinary requests */ this.shares = sums(
      this.ordinary.map(({ share }) => share),
    );
    /** @private leaks of the first 0, 1, 2, … attacks */ this.leaks = sums(this.attacks);
  }

  /**
   * Where the policy stands that refuses whatever leaks `t` or more.
   * @param {number} t
   * @returns {{refused: number, leak: number, count: number}}
   */
  at(t) {
    const count = firstIndex(this.ordinary.length, (i) => this.ordinary[i].leak < t);
    const through = firstIndex(this.attacks.length, (i) => this.attacks[i] >= t);
    return {
      refused: Math.min(1, this.shares[count]),
      leak: this.leaks[through] / this.attacks.length,
      count,
    };
  }

  /**
   * Ordinary requests on both sides of a threshold, the nearest ones.
   * @param {number} t
   * @param {number} [many]
   */
  beside(t, many = 4) {
    const { count } = this.at(t);
    const listed = (/** @type {number} */ from, /** @type {number} */ to) =>
      this.ordinary.slice(Math.max(0, from), to);
    return { refused: listed(count - many, count).reverse(), allowed: listed(count, count + many) };
  }

  /** All places that a threshold can stand at, from refusing nothing on. @returns {Point[]} */
  path() {
    const levels = [
      ...new Set([2, ...this.attacks, ...this.ordinary.map(({ leak }) => leak)]),
    ].sort((a, b) => b - a);
    return levels.map((t) => ({ name: String(t), ...this.at(t) }));
  }
}

/** @param {number[]} numbers @returns {number[]} 0, then each sum so far */
function sums(numbers) {
  let sum = 0;
  return [0, ...numbers.map((x) => (sum += x))];
}

/**
 * The first index from 0 on that passes; all before it don't.
 * @param {number} length
 * @param {(i: number) => boolean} passes
 */
function firstIndex(length, passes) {
  let [low, high] = [0, length];
  while (low < high) {
    const half = (low + high) >> 1;
    if (passes(half)) high = half;
    else low = half + 1;
  }
  return low;
}

const STEPS = 400; // of the slider, evenly on a logarithmic scale

/** @param {number} step 0 to 400 */
export const thresholdOf = (step) =>
  Number((THRESHOLD.least * (THRESHOLD.most / THRESHOLD.least) ** (step / STEPS)).toPrecision(3));
/** @param {number} t */
export const stepOf = (t) =>
  Math.round(
    (STEPS * Math.log(Math.max(t, THRESHOLD.least) / THRESHOLD.least)) /
      Math.log(THRESHOLD.most / THRESHOLD.least),
  );
