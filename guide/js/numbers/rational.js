// Exact fractions, for arithmetic as on paper: decimals are what they say, and rounding to two
// places sends a tie away from zero. (0.15 as a float is a little less than 0.15; on paper it
// isn't.)

/** @typedef {{n: bigint, d: bigint}} Rational d > 0 */

/** @param {bigint} n @param {bigint} [d] @returns {Rational} */
export const rational = (n, d = 1n) => (d < 0n ? { n: -n, d: -d } : { n, d });

/**
 * The decimal that a number prints as: 0.1 is 1/10.
 * @param {number} x
 * @returns {Rational}
 */
export function decimal(x) {
  const [digits, power = "0"] = String(x).split("e");
  const [whole, part = ""] = digits.split(".");
  const places = part.length - Number(power);
  const n = BigInt(whole + part);
  return places >= 0 ? rational(n, 10n ** BigInt(places)) : rational(n * 10n ** BigInt(-places));
}

/**
 * The very number that a float is.
 * @param {number} x
 * @returns {Rational}
 */
export function exactly(x) {
  let shift = 0;
  while (!Number.isInteger(x)) {
    x *= 2;
    shift++;
  }
  return rational(BigInt(x), 2n ** BigInt(shift));
}

/** @param {Rational} a @param {Rational} b */
export const plus = (a, b) => rational(a.n * b.d + b.n * a.d, a.d * b.d);
/** @param {Rational} a @param {Rational} b */
export const times = (a, b) => rational(a.n * b.n, a.d * b.d);
/** @param {Rational} a @param {Rational} b */
export const over = (a, b) => rational(a.n * b.d, a.d * b.n);
/** @param {Rational} a */
export const toNumber = (a) => Number(a.n) / Number(a.d);

/**
 * To two decimals; a tie goes away from zero.
 * @param {Rational} a
 * @returns {Rational}
 */
export function rounded(a) {
  const size = a.n < 0n ? -a.n : a.n;
  const hundredths = (200n * size + a.d) / (2n * a.d);
  return rational(a.n < 0n ? -hundredths : hundredths, 100n);
}
