// Numbers as a reader writes and reads them. No DOM.

/**
 * A number with a real minus sign and no "-0.00".
 * @param {number} x
 * @param {number} [digits]
 */
export function written(x, digits = 2) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "not a number" : x > 0 ? "∞" : "−∞";
  const text = x.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

const grouped = new Intl.NumberFormat("en");

/** A count with commas, 4,192. @param {number} n */
export const counted = (n) => grouped.format(n);

/**
 * What was typed as a number: a comma may stand for the point, − for -. null if it is none.
 * @param {string} text
 * @returns {number | null}
 */
export function readNumber(text) {
  const plain = text
    .trim()
    .replace(/^[−–]/, "-")
    .replace(/^(-?\d*),(\d+)$/, "$1.$2");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i.test(plain)) return null;
  const x = Number(plain);
  return Number.isFinite(x) ? x : null;
}

/**
 * Several numbers, apart by spaces, semicolons, or commas with spaces; brackets are let pass.
 * @param {string} text
 * @returns {number[] | null}
 */
export function readNumbers(text) {
  const parts = text
    .replace(/[[\](){}]/g, " ")
    .trim()
    .split(/\s*;\s*|,\s+|\s+/)
    .filter((part) => part);
  const pieces =
    parts.length === 1 && /^[^,]+(,[^,]+){2,}$/.test(parts[0]) ? parts[0].split(",") : parts;
  const numbers = pieces.map(readNumber);
  return numbers.length && numbers.every((x) => x !== null)
    ? /** @type {number[]} */ (numbers)
    : null;
}

/**
 * The nearest multiple of `step` from `min` on, within the limits, without binary dust.
 * @param {number} x
 * @param {{min: number, max: number, step: number}} limits min and max may be infinite
 */
export function snapped(x, { min, max, step }) {
  const clamped = Math.min(max, Math.max(min, x));
  if (!(step > 0)) return clamped;
  const base = Number.isFinite(min) ? min : 0;
  const places = Math.min(12, Math.max(decimals(step), decimals(base)));
  const near = Number((base + Math.round((clamped - base) / step) * step).toFixed(places));
  return Math.min(max, Math.max(min, near));
}

/** How many decimals a number is written with. @param {number} x */
export function decimals(x) {
  const [digits, power = "0"] = String(x).split("e");
  return Math.max(0, (digits.split(".")[1] ?? "").length - Number(power));
}

/**
 * About `count` round numbers that cover [low, high].
 * @param {number} low
 * @param {number} high
 * @param {number} [count]
 */
export function ticks(low, high, count = 5) {
  if (!(high > low)) return [low];
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step =
    /** @type {number} */ ([1, 2, 2.5, 5, 10].find((m) => m * power >= raw * 0.999)) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const places = Math.min(12, decimals(Number(step.toPrecision(3))));
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toFixed(places)),
  );
}
