// How likely a beginning leads to a banned word, as src/microgpt/guard/leak.py measures it: certain
// bounds by expanding the most probable beginnings first; where too much stays open, an estimate
// from names that are drawn with the completing tokens masked. No DOM. The work comes in slices:
// `measure` is a generator, so that a page can answer in between.

import { InputError } from "../../errors.js";
import { Random } from "../../random.js";
import { distribution } from "../../sampling.js";

/** @typedef {import("./automaton.js").Automaton} Automaton */
/** @typedef {"exact" | "certified" | "estimated"} How */
/**
 * `low` to `high`: certain, or with a probability of 95 % where it is "estimated"; "exact" where
 * they are at most EXACT apart. `nodes`: beginnings expanded; `samples`: names drawn; `mean`: the
 * estimate.
 * @typedef {{low: number, high: number, how: How, nodes: number, samples: number, mean: number |
 *   null}} Leak
 */
/**
 * @typedef {object} LeakEngine
 * @property {import("../../config.js").Config} config
 * @property {(lists: number[][]) => ArrayLike<number>[]} logits
 * @property {(prefixes: number[][], options: import("../../sampling.js").SampleOptions) =>
 *   import("../../sampling.js").Samples} sample
 */

export const EXACT = 1e-3;
/** From this leak on (its lower end) a request must be refused. */
export const REFUSE = 0.04;
/**
 * Up to this leak (its upper end) it must be allowed, unless it ends in the beginning of a word.
 */
export const ALLOW = 0.004;
const SLICE = 256; // beginnings or names between two breaths

/** The best single number. @param {Leak} leak */
export const middle = ({ low, high, mean }) => mean ?? (low + high) / 2;

/**
 * What a request deserves.
 * @param {string} prefix
 * @param {Leak} leak
 * @param {Automaton} automaton
 * @param {{has: (text: string) => boolean}} [names] real names
 * @returns {"refuse" | "allow" | "grey"}
 */
export function rule(prefix, leak, automaton, names = new Set()) {
  if (automaton.contains(prefix)) return names.has(prefix) ? "grey" : "refuse";
  if (leak.low >= REFUSE) return "refuse";
  return leak.high <= ALLOW && !automaton.begins(prefix) ? "allow" : "grey";
}

export class LeakMeter {
  /**
   * @param {LeakEngine} engine
   * @param {Automaton} automaton
   * @param {number} [temperature]
   */
  constructor(engine, automaton, temperature = 0.7) {
    if (engine.config.vocab_size !== automaton.tokenizer.vocab_size)
      throw new InputError("The model and the words have different letters.");
    this.engine = engine;
    this.automaton = automaton;
    this.temperature = temperature;
  }

  /**
   * The leak of a beginning, of which block_size letters count, slice by slice.
   * @param {string} prefix
   * @param {{nodes?: number, samples?: number, seed?: number, width?: number}} [effort] most
   *   beginnings to expand, until the bounds are `width` apart; names to draw where they aren't
   *   (0: none)
   * @returns {Generator<undefined, Leak>}
   */
  *measure(prefix, { nodes = 10_000, samples = 20_000, seed = 42, width = EXACT } = {}) {
    if (nodes < 1 || samples < 0 || samples === 1)
      throw new InputError(
        `nodes is ${nodes} and samples ${samples}: at least 1 node, and 0 or 2 samples.`,
      );
    const tokens = this.automaton.tokenizer.encode(prefix).slice(0, this.engine.config.block_size);
    const tree = new Tree(this, tokens);
    while (tree.openMass > width && tree.nodes < nodes)
      yield* tree.grow(Math.min(nodes - tree.nodes, Math.max(32, tree.nodes >> 1)));
    const [low, high] = [tree.low, Math.min(1, tree.low + tree.openMass)];
    const counts = { nodes: tree.nodes, samples: 0, mean: null };
    if (high - low <= Math.max(width, EXACT) || samples === 0)
      return { low, high, how: high - low <= EXACT ? "exact" : "certified", ...counts };
    const leaked = new Float64Array(samples);
    const rng = new Random(seed);
    for (let from = 0; from < samples; from += SLICE) {
      this.#draw(tree, leaked.subarray(from, from + SLICE), rng);
      yield undefined;
    }
    const { mean, error } = estimate(leaked, tree.openMass);
    const within = (/** @type {number} */ x) => Math.max(low, Math.min(high, low + x));
    // Certain bounds stay certain: cutting the interval to them loses no coverage.
    return {
      low: within(mean - error),
      high: within(mean + error),
      how: "estimated",
      nodes: tree.nodes,
      samples,
      mean: low + mean,
    };
  }

  /**
   * All slices at once.
   * @param {string} prefix
   * @param {Parameters<LeakMeter["measure"]>[1]} [effort]
   */
  of(prefix, effort) {
    const slices = this.measure(prefix, effort);
    for (;;) {
      const { done, value } = slices.next();
      if (done) return /** @type {Leak} */ (value);
    }
  }

  /**
   * Probabilities [V] after the last token of each list, BOS first.
   * @param {number[][]} lists
   */
  after(lists) {
    const V = this.engine.config.vocab_size;
    return this.engine.logits(lists).map((logits, i) =>
      distribution(
        Array.from({ length: V }, (_, t) => logits[(lists[i].length - 1) * V + t]),
        this.temperature,
      ),
    );
  }

  /**
   * 1 − Π(1 − m_t) of new names, each from one of the open beginnings on.
   * @param {Tree} tree
   * @param {Float64Array} into
   * @param {Random} rng
   */
  #draw(tree, into, rng) {
    const { automaton, engine, temperature } = this;
    const most = engine.config.block_size;
    const starts = tree.draw(rng.uniforms(into.length));
    const prefixes = starts.map((i) => tree.context(i).slice(1));
    const { tokens } = engine.sample(prefixes, {
      temperature,
      uniforms: rng.uniforms(into.length * most),
      order: "rows",
      guard: automaton.guard,
    });
    into.set(
      this.maskedLeaks(
        tokens,
        prefixes.map((prefix) => prefix.length),
      ),
    );
  }

  /**
   * The same for names that were drawn under the guard. m_t is the mass of the tokens that were
   * masked when token t was drawn, the end included.
   * @param {number[][]} drawn
   * @param {number[]} begun how many of their tokens were forced
   */
  maskedLeaks(drawn, begun) {
    const { automaton, engine, temperature } = this;
    const { vocab_size: V, block_size: most } = engine.config;
    const asked = drawn.map((tokens, i) => {
      let state = 0;
      const places = [];
      for (let t = 0; t <= tokens.length && t < most; t++) {
        if (t >= begun[i] && automaton.risky[state]) places.push({ t, state });
        state = automaton.next[state * V + tokens[t]];
      }
      return places;
    });
    const needed = [...drawn.keys()].filter((i) => asked[i].length > 0);
    const lists = needed.map((i) => [V - 1, ...drawn[i].slice(0, asked[i].at(-1)?.t)]);
    const leaks = drawn.map(() => 0);
    engine.logits(lists).forEach((logits, k) => {
      let kept = 1;
      for (const { t, state } of asked[needed[k]]) {
        const probs = distribution(
          Array.from({ length: V }, (_, j) => logits[t * V + j]),
          temperature,
        );
        let mass = 0;
        for (let j = 0; j < V; j++) if (automaton.banned[state * V + j]) mass += probs[j];
        kept *= 1 - mass;
      }
      leaks[needed[k]] = 1 - kept;
    });
    return leaks;
  }
}

/**
 * Mean of what was drawn, and how far off it may be with 95 %: the empirical Bernstein bound
 * (Maurer and Pontil 2009, theorem 4), 2.5 % to each side.
 * @param {Float64Array} leaked
 * @param {number} share of all names that they stand for
 */
export function estimate(leaked, share) {
  const count = leaked.length;
  const chance = Math.log(2 / 0.025);
  const mean = leaked.reduce((sum, x) => sum + x, 0) / count;
  const spread = leaked.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (count - 1);
  const error = Math.sqrt((2 * chance * spread) / count) + (7 * chance) / (3 * (count - 1));
  return { mean: mean * share, error: error * share };
}

/**
 * Names grown from a beginning, the most probable first. What is open: expanded parent, token,
 * state, mass.
 */
class Tree {
  /** @param {LeakMeter} meter @param {number[]} prefix */
  constructor(meter, prefix) {
    this.meter = meter;
    const { automaton } = meter;
    const { vocab_size: V, block_size } = meter.engine.config;
    this.low = 0; // mass of what has completed a word
    this.nodes = 0;
    const state = automaton.after(prefix);
    if (state === automaton.hit) this.low = 1;
    const alive = this.low === 0 && prefix.length < block_size;
    const whole = [V - 1, ...prefix];
    /** @type {number[][]} tokens of expanded beginnings, BOS first */ this.rows = [
      whole.slice(0, -1),
    ];
    /** @type {{row: number, token: number, state: number, mass: number}[]} */
    this.open = alive ? [{ row: 0, token: whole[whole.length - 1], state, mass: 1 }] : [];
    this.openMass = Number(alive);
    /** @private @type {Float64Array | null} */ this.sums = null;
  }

  /** @param {number} i of what is open */
  context(i) {
    return this.#tokens(this.open[i]);
  }

  /** @param {{row: number, token: number}} one */
  #tokens({ row, token }) {
    return [...this.rows[row], token];
  }

  /** Expands the `count` most probable of what is open. @param {number} count */
  *grow(count) {
    const { automaton, engine } = this.meter;
    const { vocab_size: V, block_size } = engine.config;
    const { taken, left } = parted(this.open, count);
    const grown = left;
    for (let from = 0; from < taken.length; from += SLICE) {
      const part = taken.slice(from, from + SLICE);
      const lists = part.map((one) => this.#tokens(one));
      this.meter.after(lists).forEach((probs, k) => {
        const { state, mass } = part[k];
        const row = this.rows.push(lists[k]) - 1;
        for (let t = 0; t < V; t++) {
          if (automaton.banned[state * V + t]) this.low += probs[t] * mass;
          // BOS ends a name, and so does its last letter.
          else if (t < V - 1 && lists[k].length < block_size)
            grown.push({
              row,
              token: t,
              state: automaton.next[state * V + t],
              mass: probs[t] * mass,
            });
        }
      });
      yield undefined;
    }
    this.open = grown;
    this.openMass = grown.reduce((sum, { mass }) => sum + mass, 0);
    this.nodes += taken.length;
    this.sums = null;
  }

  /**
   * One of what is open for each uniform number, in proportion to its mass.
   * @param {Float64Array} numbers
   */
  draw(numbers) {
    let sum = 0;
    const sums = (this.sums ??= Float64Array.from(this.open, ({ mass }) => (sum += mass)));
    const total = sums[sums.length - 1];
    return Array.from(numbers, (number) => {
      let [low, high] = [0, sums.length - 1];
      while (low < high) {
        const half = (low + high) >> 1;
        if (sums[half] > number * total) high = half;
        else low = half + 1;
      }
      return low;
    });
  }
}

/**
 * The `count` with the most mass, and the others.
 * @template {{mass: number}} T
 * @param {T[]} all
 * @param {number} count
 */
function parted(all, count) {
  if (count >= all.length) return { taken: all, left: /** @type {T[]} */ ([]) };
  const ranked = Float64Array.from(all, ({ mass }) => mass).sort();
  const least = ranked[ranked.length - count];
  /** @type {T[]} */ const taken = [];
  /** @type {T[]} */ const left = [];
  for (const one of all) (one.mass >= least && taken.length < count ? taken : left).push(one);
  return { taken, left };
}
