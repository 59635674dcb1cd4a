// What the pages on training say about runs: where two of them part, whether the difference is more
// than chance, the loss on names that none has seen, and samples with their marks.

import { marked } from "../../characters.js";
import { loadKernel } from "../../kernel.js";
import { html } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import { Random } from "../../random.js";
import { Tokenizer } from "../../tokenizer.js";

/** @typedef {import("../../config.js").Config} Config */
/** @typedef {import("../../training-run.js").Sample} Sample */

/** Add-one counts of pairs over the whole list of names, on that same list. */
export const BIGRAM = 2.4546;
/** What a curve of losses on the names is measured by. */
export const FLOORS = [
  { name: "guessing among 27", y: Math.log(27) },
  { name: "counts over the whole list", y: BIGRAM },
];
/** How many unused documents a run is judged by. */
export const UNSEEN = 5000;
/**
 * How far two runs lie apart by chance, from guide/data/experiments.json: recipes of one seed (two
 * standard deviations of the difference, over eight seeds), and the default run of two seeds.
 */
export const CHANCE = { oneSeed: 0.013, twoSeeds: 0.035 };
const SAME = 1e-9;

/**
 * The first step, from 1, at which two runs have another loss; null where there is none so far.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export function firstDifference(a, b) {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (!(Math.abs(a[i] - b[i]) <= SAME)) return i + 1;
  return null;
}

/**
 * Whether one run came out better than another, or whether it is no more than chance.
 * @param {number} a loss on unseen names
 * @param {number} b
 * @param {boolean} isOneSeed whether both runs have the same seed
 */
export function verdict(a, b, isOneSeed) {
  const by = Math.abs(a - b);
  const chance = isOneSeed ? CHANCE.oneSeed : CHANCE.twoSeeds;
  if (!(by >= 0)) return "One of them no longer has a loss.";
  const moves = isOneSeed
    ? `with other seeds, the distance between two recipes varies by up to ${chance}`
    : `a different seed alone moves a run by up to ${chance}`;
  if (by <= chance)
    return `That is not a significant difference: they are ${written(by, 3)} apart, and ${moves}.`;
  return `${a < b ? "A" : "B"} is better by ${written(by, 3)} nats; ${moves}.`;
}

/**
 * How much higher `b` is than `a` on the same last documents, and how sure that is: twice the
 * standard error of the mean difference.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 * @param {number} last
 */
export function higherBy(a, b, last) {
  const n = Math.min(a.length, b.length, last);
  const from = Math.min(a.length, b.length) - n;
  const each = Array.from({ length: n }, (_, i) => b[from + i] - a[from + i]);
  const mean = each.reduce((sum, x) => sum + x, 0) / n;
  const variance = each.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  return { mean, margin: 2 * Math.sqrt(variance / n) };
}

/**
 * What such a difference is called.
 * @param {{mean: number, margin: number}} difference
 * @returns {"none" | "some" | "much"}
 */
export function sizeOf({ mean, margin }) {
  if (!Number.isFinite(mean)) return "much";
  return mean > 0.3 ? "much" : mean > margin ? "some" : "none";
}

/** @param {ArrayLike<number>} losses @param {number} [last] */
export function meanOfLast(losses, last = 100) {
  const from = Math.max(0, losses.length - last);
  let sum = 0;
  for (let i = from; i < losses.length; i++) sum += losses[i];
  return sum / (losses.length - from);
}

/** @type {Promise<import("../../kernel.js").Kernel> | null} */
let kernel = null;

/** The kernel on the page's own thread: once for all widgets. */
export function pageKernel() {
  kernel ??= loadKernel(new URL("../../kernel.wasm", import.meta.url));
  kernel.catch(() => (kernel = null));
  return kernel;
}

/**
 * Mean loss a token on the last documents of the shuffled list, which a run didn't come to; null
 * where it came to them.
 * @param {import("../../kernel.js").Kernel} made
 * @param {Config} config
 * @param {Record<string, ArrayLike<number>>} weights
 * @param {string[]} docs as the run was given them
 * @param {number} seed
 */
export async function unseenLoss(made, config, weights, docs, seed) {
  if (config.steps + UNSEEN > docs.length) return null;
  const shuffled = [...docs];
  new Random(seed).shuffle(shuffled);
  const tokenizer = Tokenizer.of(docs);
  const engine = made.create({ config, dtype: "float64" });
  try {
    engine.load(/** @type {any} */ (weights));
    const V = config.vocab_size;
    let [sum, count] = [0, 0];
    for (let at = docs.length - UNSEEN; at < docs.length; at += 500) {
      const ids = shuffled
        .slice(at, at + 500)
        .map((doc) => tokenizer.encodeDocument(doc).slice(0, config.block_size + 1));
      const all = engine.logits(ids.map((doc) => doc.slice(0, -1)));
      ids.forEach((doc, d) => {
        for (let t = 0; t + 1 < doc.length; t++) {
          sum += surprise(all[d], t * V, V, doc[t + 1]);
          count++;
        }
      });
      await new Promise((resolve) => setTimeout(resolve));
    }
    return sum / count;
  } finally {
    engine.close();
  }
}

/**
 * −ln of the probability of `token` by the logits from `at` on.
 * @param {ArrayLike<number>} logits
 * @param {number} at
 * @param {number} V
 * @param {number} token
 */
function surprise(logits, at, V, token) {
  let highest = -Infinity;
  for (let i = at; i < at + V; i++) highest = Math.max(highest, logits[i]);
  let total = 0;
  for (let i = at; i < at + V; i++) total += Math.exp(logits[i] - highest);
  return Math.log(total) + highest - logits[at + token];
}

/** A sample with its mark, as text. @param {Sample} sample */
export function sampleOf({ text, mark }) {
  return html(
    "span",
    { class: "train-sample" },
    marked(text) || "(empty)",
    " ",
    html("span", { class: "chat-mark", "data-mark": mark }, mark),
  );
}

/** How many of the samples are trained, in the file, new: in words. @param {Sample[]} samples */
export function countedMarks(samples) {
  const of = (/** @type {string} */ wanted) => samples.filter(({ mark }) => mark === wanted).length;
  return `${of("trained")} trained, ${of("file")} file, ${of("new")} new`;
}

/**
 * What was written after a step, at the end all of it, as a line of a list.
 * @param {{step: number, final: boolean, samples: Sample[]}} what
 */
export const sampleLine = ({ step, final, samples }) =>
  html(
    "li",
    {},
    html("b", {}, step ? `After step ${step.toLocaleString("en")}` : "Untrained"),
    final ? ` (${countedMarks(samples)})` : "",
    ": ",
    ...samples.slice(0, final ? samples.length : 5).flatMap((one) => [sampleOf(one), " "]),
  );

/** What the three marks mean. @param {string} [list] */
export const marksLegend = (list = "list") =>
  html(
    "p",
    { class: "mg-note" },
    ...[
      ["trained", "a step has learned from it. "],
      ["file", `it is in the ${list}, but no step has got to it. `],
      ["new", "in neither."],
    ].flatMap(([mark, meaning]) => [
      html("span", { class: "chat-mark", "data-mark": mark }, mark),
      ` ${meaning}`,
    ]),
  );
