// Figures as they stand on a page without scripts: the drawing of their first state as markup. No
// DOM. `node scripts/make_stills.mjs` writes them into guide/stills, a test compares.

import { axes, BARS, bars, factsOf, groundOf, marks } from "./trained/embedding-drawing.js";
import { arrows, FIRST, ground, histograms, PLANE, SIZES } from "./networks/norm-drawing.js";
import { labelsOf } from "./trained/real-model.js";

/** @typedef {import("../kit/shapes.js").Shape} Shape */
/** @typedef {import("./networks/norm-drawing.js").Norms} Norms */
/** @typedef {import("./trained/real-model.js").Real} Real */

const SIGNS = /** @type {Record<string, string>} */ ({ "<": "&lt;", "&": "&amp;", '"': "&quot;" });
const safe = (/** @type {string | number} */ text) =>
  String(text).replace(/[<&"]/g, (sign) => SIGNS[sign]);

/** @param {Shape} one */
function markup({ tag, looks, text }) {
  if (looks.d === "" || text === " ") return "";
  const attributes = Object.entries(looks)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => ` ${name}="${safe(/** @type {string} */ (value))}"`)
    .join("");
  return text ? `<${tag}${attributes}>${safe(text)}</${tag}>` : `<${tag}${attributes}></${tag}>`;
}

/**
 * @param {string} looks
 * @param {{width: number, height: number}} size
 * @param {string} label
 * @param {Shape[]} shapes
 */
const picture = (looks, { width, height }, label, shapes) =>
  `<svg class="${looks}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${safe(label)}">` +
  `${shapes.map(markup).join("")}</svg>`;

/**
 * Each by its name.
 * @type {Record<string, (real: Real, norms: Norms) => string>}
 */
export const STILLS = {
  rmsnorm: (_, norms) => {
    const plane = picture("norm-plane", PLANE, "A vector and its image on the circle", [
      ...ground(),
      ...arrows(FIRST),
    ]);
    const sizes = picture("norm-sizes", SIZES, "Sizes in the model", histograms(norms));
    return `<div class="norm-two"><div>${plane}</div>${sizes}</div>`;
  },
  embeddings: (real) => {
    const names = labelsOf(
      real,
      real.weights.wte.map((_, i) => i),
    );
    const lies = groundOf(real, names, 560);
    const facts = factsOf(lies, { token: 0, by: [0, 0], positions: false, at: 1 });
    const plane = picture("emb-plane", lies.frame, "The letters as points in a plane", [
      ...axes(lies),
      ...marks(lies, facts),
    ]);
    const next = picture("emb-next-bars", BARS, "What comes next after a", bars(names, facts));
    return `<div class="emb-two"><div>${plane}</div><div>${next}</div></div>`;
  },
};
