// Figures as they stand on a page without scripts: the drawing of their first state as markup. No
// DOM. `node scripts/make_stills.mjs` writes them into guide/stills, a test compares.

import { axes, BARS, bars, factsOf, groundOf, marks } from "./trained/embedding-drawing.js";
import { arrows, FIRST, ground, histograms, PLANE, SIZES } from "./networks/norm-drawing.js";
import { panel, PANELS, sizeOf as panelSize } from "./networks/heads-help.js";
import { still as neuron } from "./networks/neuron-plan.js";
import { called, countedAfter } from "./dataset.js";
import { drawn as lossBeads, ground as lossGround, planOf as lossPlan } from "./loss-plan.js";
import { labelsOf } from "./trained/real-model.js";

/** @typedef {import("../kit/shapes.js").Shape} Shape */
/** @typedef {import("./networks/norm-drawing.js").Norms} Norms */
/** @typedef {import("./trained/real-model.js").Real} Real */
/**
 * What the drawings are made of: the trained model, the files of guide/data by their names, and the
 * list of names.
 * @typedef {object} Given
 * @property {Real} real
 * @property {Norms} norms
 * @property {import("./networks/heads-help.js").Heads} heads
 * @property {import("./dataset.js").Names} list
 */

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

/** @param {number} step */
function neuronAt(step) {
  const { size, shapes } = neuron(step, 520);
  return picture("net-drawing", size, `A neuron, step ${step} of 4`, shapes);
}

/**
 * Each by its name.
 * @type {Record<string, (given: Given) => string>}
 */
export const STILLS = {
  neuron: () => neuronAt(1),
  "neuron-bends": () => neuronAt(3),
  "neuron-inputs": () => neuronAt(4),
  "heads-help": ({ heads }) => {
    const panels = /** @type {const} */ (["last", "order"]).map((name) => {
      const shapes = panel(heads[name], name, 500);
      return `<div>${picture("heads-picture", panelSize(500), PANELS[name].title, shapes)}</div>`;
    });
    return `<div class="heads-two">${panels.join("")}</div>`;
  },
  loss: ({ list }) => {
    const { tokenizer } = list;
    const beads = countedAfter(list, 100)
      .walk(tokenizer.encodeDocument("ava"))
      .map(({ token, next, p }) => ({
        name: `${called(tokenizer, token)} → ${called(tokenizer, next)}`,
        p,
        home: p,
      }));
    const plan = lossPlan(beads, 680);
    return picture("loss-picture", plan, "The four steps of “ava” on the curve −ln p", [
      ...lossGround(plan),
      ...lossBeads(plan, beads, 0),
    ]);
  },
  rmsnorm: ({ norms }) => {
    const plane = picture("norm-plane", PLANE, "A vector and its image on the circle", [
      ...ground(),
      ...arrows(FIRST),
    ]);
    const sizes = picture("norm-sizes", SIZES, "Sizes in the model", histograms(norms));
    return `<div class="norm-two"><div>${plane}</div>${sizes}</div>`;
  },
  embeddings: ({ real }) => {
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
