// Figures as they stand on a page without scripts: the drawing of their first state as markup. No
// DOM. `node scripts/make_stills.mjs` writes them into guide/stills, a test compares.

import { axes, BARS, bars, factsOf, groundOf, marks } from "./trained/embedding-drawing.js";
import { arrows, FIRST, ground, histograms, PLANE, SIZES } from "./networks/norm-drawing.js";
import * as counts from "./counting/still.js";
import { called, countedAfter, STEPS } from "./dataset.js";
import { drawn as lossBeads, ground as lossGround, planOf as lossPlan } from "./loss-plan.js";
import { panel, PANELS, sizeOf as panelSize } from "./networks/heads-help.js";
import { still as neuron } from "./networks/neuron-plan.js";
import * as layers from "./runs/layer-curves.js";
import * as list from "./runs/list-drawing.js";
import * as step from "./runs/step-drawing.js";
import { labelsOf, tokensOf } from "./trained/real-model.js";
import { losses, river, riverSize, SCALE } from "./trained/river.js";
import { streamAt } from "./trained/river-facts.js";
import { largeShapes, sceneShapes, STILL, tourOf } from "../scene/still.js";

/** @typedef {import("../kit/shapes.js").Shape} Shape */
/** @typedef {import("./networks/norm-drawing.js").Norms} Norms */
/** @typedef {import("./trained/real-model.js").Real} Real */
/**
 * What the drawings are made of: the trained model, the files of guide/data by their names, and the
 * list of names.
 * @typedef {object} Given
 * @property {Real} real
 * @property {Norms} norms
 * @property {import("./trained/river-facts.js").Blocks} blocks
 * @property {layers.Layers} stacks
 * @property {step.Steps} steps
 * @property {import("./networks/heads-help.js").Heads} heads
 * @property {import("./dataset.js").Names} names
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
  loss: ({ names }) => {
    const { tokenizer } = names;
    const beads = countedAfter(names, 100)
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
  residuals: ({ real, blocks }) => {
    const tokens = tokensOf(real, "karen");
    const on = { attention: true, mlp: true };
    const stream = streamAt(real, tokens, 5, on);
    const rivers = [false, true].map((isTall) =>
      picture("river", riverSize(isTall), "The residual stream as a river", [
        ...river(stream, on, "n", isTall),
      ]).replace("<svg ", isTall ? '<svg data-tall="" ' : "<svg "),
    );
    const scale = picture("river-losses", SCALE, "Losses with parts switched off", [
      ...losses(blocks, on, null),
    ]);
    const below = `<div class="river-below">${scale}</div>`;
    return `<div class="river-still">${rivers.join("")}${below}</div>`;
  },
  layers: ({ stacks }) => {
    const now = { by: /** @type {const} */ ("steps"), layers: 3, at: 10 };
    const tower = picture("layers-stack", layers.STACK, "A stack", layers.stack(stacks, now));
    const plot = picture("layers-plot", layers.PLOT, "How the loss falls", [
      ...layers.ground(stacks),
      ...layers.curves(stacks, now, []),
    ]);
    const gaps = picture("layers-gaps", layers.GAPS, "Differences", layers.gaps(stacks, now));
    return `<div class="layers-three">${tower}<div>${plot}</div>${gaps}</div>`;
  },
  training: ({ steps }) => {
    const panels = step.MOVES.map((name, i) =>
      picture(`step-panel step-${i + 1}`, step.PANEL, name, step.panel(i, steps.marks[4])),
    );
    const run = picture("step-run", step.RUN, "The losses of the run", [
      ...step.losses(steps, step.RUN.width),
      ...step.marks(steps, step.RUN.width, 4),
    ]);
    return `<div class="step-circle">${panels.join("")}</div>${run}`;
  },
  dataset: ({ names: { docs, shuffled } }) => {
    const kinds = list.kindsOf(docs, shuffled.slice(0, STEPS));
    const chosen = { letter: "e", length: 0 };
    const found = list.foundOf(kinds, chosen);
    const letters = list.letterBars(kinds, found, chosen);
    const lengths = list.lengthBars(kinds, found, chosen);
    return (
      `<div class="list-two"><div>` +
      picture("list-picture", list.LETTERS, "Names by first letter", letters) +
      picture("list-picture", list.LENGTHS, "Names by length", lengths) +
      "</div><div>" +
      picture("list-picture", list.SOME, "Some names", list.someNames(found, chosen)) +
      "</div></div>"
    );
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
  scene: ({ real }) => {
    const label = "The model in three dimensions: its plates, and what it computes for one token";
    return (
      `<div class="scene-still">${picture("scene-flat-picture", STILL, label, sceneShapes(real))}` +
      `</div>`
    );
  },
  "scene-large": ({ real }) => {
    const label = "The plates of GPT-2 small beside ours, to scale";
    return (
      `<div class="scene-still">${picture("scene-flat-picture", STILL, label, largeShapes(real))}` +
      `</div>`
    );
  },
  "scene-tour": ({ real }) =>
    tourOf(real)
      .map(({ title, sentences }) => {
        const head = `${safe(title)}${title.endsWith("?") ? "" : "."}`;
        return `<p><b>${head}</b> ${sentences.map((one) => safe(one)).join(" ")}</p>`;
      })
      .join(""),
  counts: ({ names }) =>
    picture("count-still", counts.STILL, "Counts of pairs", counts.tableShapes(names)),
  "counts-story": ({ names }) => {
    const [name, few, all, guess] = counts
      .storyOf(names)
      .map(({ title, sentences: [sentence] }) => `<p><b>${title}.</b> ${safe(sentence)}</p>`);
    const { STILL: size } = counts;
    const stitched = picture("count-still", size, "One name", counts.stitchShapes(names));
    const row = picture("count-still", size, "A row becomes a guess", counts.guessShapes(names));
    return `${name}${stitched}${few}${all}${guess}${row}`;
  },
};
