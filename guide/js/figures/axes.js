// Words beside the axes of a picture.

import { svg } from "../kit/dom.js";

/**
 * Words at a place.
 * @param {string} text
 * @param {number} x
 * @param {number} y of their baseline
 * @param {"start" | "middle" | "end"} [end] which part of them is at x
 */
export const words = (text, x, y, end = "middle") =>
  svg("text", { class: "mg-label", x, y, "text-anchor": end }, text);

/** Words along the left edge, from below. @param {string} text @param {number} y of their middle */
export function upwards(text, y) {
  const made = words(text, 12, y);
  made.setAttribute("transform", `rotate(-90 12 ${y})`);
  return made;
}
