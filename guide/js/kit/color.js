// The diverging scale: blue below zero, orange above, the page's grey between, equal numbers equal
// colours. Ink on a colour is black or white, whichever is read better: one of them always has a
// contrast of 4.58 or more.

/** @typedef {[number, number, number]} Rgb 0 to 255 */
/** @typedef {{below: Rgb, middle: Rgb, above: Rgb}} Scale */

/**
 * @param {Scale} scale
 * @param {number} share -1 to 1
 * @returns {Rgb}
 */
export function shade({ below, middle, above }, share) {
  const s = Math.max(-1, Math.min(1, Number.isFinite(share) ? share : 0));
  const end = s < 0 ? below : above;
  return /** @type {Rgb} */ (middle.map((m, i) => Math.round(m + (end[i] - m) * Math.abs(s))));
}

/** Relative luminance. @param {Rgb} rgb */
export function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => {
    const x = c / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {Rgb} a @param {Rgb} b */
export function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

/** @type {Map<string, "#000" | "#fff">} */
const inks = new Map();

/** @param {Rgb} ground */
export function inkOn(ground) {
  const key = ground.join();
  const before = inks.get(key);
  if (before) return before;
  const ink = contrast(ground, [0, 0, 0]) >= contrast(ground, [255, 255, 255]) ? "#000" : "#fff";
  if (inks.size < 1000) inks.set(key, ink);
  return ink;
}

/** @param {Rgb} rgb */
export const css = (rgb) => `rgb(${rgb.join(" ")})`;

/**
 * Asking the page means laying it out, so the answer holds until the theme turns.
 * @type {Scale | null}
 */
let known = null;
const forget = () => (known = null);
globalThis.addEventListener?.("mg-theme", forget);
globalThis.matchMedia?.("(prefers-color-scheme: dark)").addEventListener("change", forget);

/**
 * The scale's colours as the page has them now.
 * @param {HTMLElement} host
 * @returns {Scale}
 */
export function scaleOf(host) {
  if (known) return known;
  const probe = document.createElement("span");
  probe.hidden = true;
  host.append(probe);
  const read = (/** @type {string} */ name) => {
    probe.style.color = `var(--mg-${name})`;
    const [r, g, b] = getComputedStyle(probe)
      .color.match(/[\d.]+/g)
      ?.map(Number) ?? [128, 128, 128];
    return /** @type {Rgb} */ ([r, g, b]);
  };
  known = { below: read("below"), middle: read("middle"), above: read("above") };
  probe.remove();
  return known;
}
