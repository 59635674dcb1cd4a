// Python's random stream, draw for draw: the Mersenne Twister MT19937 (Matsumoto and Nishimura,
// 1998) with CPython's ways of turning its words into numbers. A run is a run everywhere.
// Held to conformance/vectors/random_stream.json, shuffle.json and choices.json.

import { whole } from "./config.js";
import { InputError } from "./errors.js";

const N = 624;
const M = 397;

export class Random {
  /** @param {number} seed a whole number, 0 ≤ seed < 2^32 */
  constructor(seed) {
    whole("seed", seed, 0, 2 ** 32 - 1);
    /** @private */ this.words = new Uint32Array(N);
    /** @private */ this.next = N;
    /** @private @type {number | null} the second half of a pair that gauss has made */
    this.kept = null;
    this.#begin(19650218);
    this.#mixIn(seed >>> 0);
  }

  /** A float64 in [0, 1), of 53 random bits. */
  random() {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /**
   * The next `count` values of `random()`.
   * @param {number} count
   */
  uniforms(count) {
    const draws = new Float64Array(count);
    for (let i = 0; i < count; i++) draws[i] = this.random();
    return draws;
  }

  /**
   * A whole number of `bits` random bits, 1 to 32.
   * @param {number} bits
   */
  getrandbits(bits) {
    whole("bits", bits, 1, 32);
    return this.#word() >>> (32 - bits);
  }

  /**
   * A whole number from 0 to n - 1, n < 2^32. Numbers of n's bit length are drawn until one is
   * below n.
   * @param {number} n
   */
  randrange(n) {
    whole("n", n, 1, 2 ** 32 - 1);
    const bits = 32 - Math.clz32(n);
    for (;;) {
      const r = this.getrandbits(bits);
      if (r < n) return r;
    }
  }

  /**
   * Puts `items` into random order, in place.
   * @param {unknown[]} items
   */
  shuffle(items) {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.randrange(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
  }

  /**
   * A normally distributed number (Box and Muller, 1958); the last bit may differ from Python's,
   * since cos, sin and log may.
   * @param {number} mean
   * @param {number} deviation
   */
  gauss(mean, deviation) {
    let z = this.kept;
    this.kept = null;
    if (z === null) {
      const angle = this.random() * 2 * Math.PI;
      const radius = Math.sqrt(-2 * Math.log(1 - this.random()));
      z = Math.cos(angle) * radius;
      this.kept = Math.sin(angle) * radius;
    }
    return mean + z * deviation;
  }

  /**
   * `count` indices into `weights`, each drawn in proportion.
   * @param {ArrayLike<number>} weights
   * @param {number} [count]
   */
  choices(weights, count = 1) {
    return Array.from({ length: count }, () => choice(weights, this.random()));
  }

  /** The stream where it stands, as `state.json` of a run holds it. */
  state() {
    return [3, [...this.words, this.next], this.kept];
  }

  /**
   * A stream at a saved state.
   * @param {any} state
   */
  static from(state) {
    const [version, words, kept] = Array.isArray(state) ? state : [];
    const fits = (/** @type {unknown} */ x, /** @type {number} */ most) =>
      Number.isInteger(x) && Number(x) >= 0 && Number(x) <= most;
    const good =
      version === 3 &&
      Array.isArray(words) &&
      words.length === N + 1 &&
      words.every((x, i) => fits(x, i < N ? 2 ** 32 - 1 : N)) &&
      (kept === null || Number.isFinite(kept));
    if (!good) throw new InputError("The saved random stream can't be used.");
    const stream = new Random(0);
    stream.words.set(words.slice(0, N));
    stream.next = words[N];
    stream.kept = kept;
    return stream;
  }

  /** @param {number} seed */
  #begin(seed) {
    const s = this.words;
    s[0] = seed;
    for (let i = 1; i < N; i++) s[i] = Math.imul(1812433253, s[i - 1] ^ (s[i - 1] >>> 30)) + i;
  }

  /** A seed of one word, mixed into every word twice (`init_by_array`). @param {number} key */
  #mixIn(key) {
    const s = this.words;
    let i = 1;
    const on = () => {
      if (++i >= N) {
        s[0] = s[N - 1];
        i = 1;
      }
    };
    for (let k = 0; k < N; k++, on()) {
      s[i] = (s[i] ^ Math.imul(s[i - 1] ^ (s[i - 1] >>> 30), 1664525)) + key;
    }
    for (let k = 0; k < N - 1; k++, on()) {
      s[i] = (s[i] ^ Math.imul(s[i - 1] ^ (s[i - 1] >>> 30), 1566083941)) - i;
    }
    s[0] = 0x80000000;
  }

  #word() {
    if (this.next >= N) this.#renew();
    let y = this.words[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #renew() {
    const s = this.words;
    for (let i = 0; i < N; i++) {
      const y = (s[i] & 0x80000000) | (s[(i + 1) % N] & 0x7fffffff);
      s[i] = s[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }
}

/**
 * The index that Python's `random.choices` takes with this draw: cumulative sums from left to
 * right, then the first that is greater than uniform · total, at most the last index.
 * @param {ArrayLike<number>} weights
 * @param {number} uniform in [0, 1)
 * @param {number} [last] the largest index that may come out
 */
export function choice(weights, uniform, last = weights.length - 1) {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  const mark = uniform * total;
  let sum = 0;
  for (let i = 0; i < last; i++) {
    sum += weights[i];
    if (sum > mark) return i;
  }
  return last;
}
