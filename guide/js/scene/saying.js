// A phase of a token's way in one sentence with what came of it. No DOM.

import { written } from "../kit/text.js";
import { labelsOf } from "../figures/trained/real-model.js";
import { mainTensor, PHASES } from "./phases.js";

/**
 * @param {import("./numbers.js").Numbers} numbers
 * @param {number} at the token's position
 * @param {number} phase
 */
export function saying({ real, tokens, traced }, at, phase) {
  const { what, head, name, makes } = PHASES[phase];
  const names = labelsOf(real, tokens);
  let result = "";
  if (head !== undefined) {
    const row = /** @type {number[]} */ (traced["layer0.weights"][at][head]).slice(0, at + 1);
    const best = row.indexOf(Math.max(...row));
    result = ` It looks most at ${names[best]} at position ${best} (${written(row[best])}).`;
  } else if (makes.includes("probs")) {
    const best = [.../** @type {number[]} */ (traced.probs[at])]
      .map((p, i) => ({ p, i }))
      .sort((a, b) => b.p - a.p)
      .slice(0, 3);
    const likely = best.map(({ p, i }) => `${labelsOf(real, [i])[0]} (${written(p)})`).join(", ");
    result = ` Most likely: ${likely}.`;
  } else if (makes.length) {
    const main = mainTensor(phase);
    const row = /** @type {number[]} */ (traced[main][at]);
    result =
      ` ${main} has ${row.length} numbers from ${written(Math.min(...row))} to ` +
      `${written(Math.max(...row))}.`;
  }
  return (
    `${names[at]} at position ${at}, phase ${phase + 1} of ${PHASES.length}, ${name}. ` +
    `${what}${result}`
  );
}
