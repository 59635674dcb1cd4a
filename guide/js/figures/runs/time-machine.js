// What a recorded run shows at one of its steps: a matrix, what each head looks at, where the
// embeddings lie on a map whose axes stay, and names from draws that stay. No DOM.
//
// A frame is all weights in one vector, as `recording` of training-run.js posts them; frame k holds
// the weights after k steps.

import { makeConfig, shapes } from "../../config.js";
import { Random } from "../../random.js";
import { recorded } from "../../training-run.js";
import { begin } from "../../training.js";

/** @typedef {import("../../config.js").Config} Config */
/** @typedef {ArrayLike<number>} Frame */
/** @typedef {{at: number, rows: number, columns: number}} Place */
/** @typedef {{mean: Float64Array, axes: [Float64Array, Float64Array], share: number}} Axes */

export const SAMPLES = 20;
export const TEMPERATURE = 0.5;

/** The run that is recorded: the preset `final`. */
export const CONFIG = makeConfig({ vocab_size: 27 });

/** Where in a frame each matrix lies. @param {Config} config @returns {Record<string, Place>} */
export function places(config) {
  let end = 0;
  return Object.fromEntries(
    shapes(config).map(([name, rows, columns]) => {
      const at = end;
      end += rows * columns;
      return [name, { at, rows, columns }];
    }),
  );
}

export const PLACES = places(CONFIG);

/**
 * The first frame of a run, and the stream that stands where the run's samples begin: with seed 42
 * the draws of the published twenty.
 * @param {string[]} docs
 * @param {number} seed
 */
export function untrained(docs, seed) {
  const { weights, rng, docs: shuffled } = begin(CONFIG, docs, seed);
  const frame = new Float32Array(
    Object.values(PLACES).reduce((sum, { rows, columns }) => sum + rows * columns, 0),
  );
  for (const [name, { at }] of Object.entries(PLACES)) frame.set(weights[name], at);
  return {
    frame,
    uniforms: Random.from(rng.state()).uniforms(SAMPLES * CONFIG.block_size),
    first: shuffled.slice(0, CONFIG.steps),
  };
}

/**
 * Smallest and largest number of a matrix in a frame, or of its difference to another frame.
 * @param {Frame} frame
 * @param {Place} place
 * @param {Frame | null} [start]
 */
export function rangeOf(frame, { at, rows, columns }, start = null) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = at; i < at + rows * columns; i++) {
    const x = start ? frame[i] - start[i] : frame[i];
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return { low, high };
}

/**
 * The largest size a number of the matrix has in some frames: where colours are full.
 * @param {Frame[]} frames
 * @param {Place} place
 * @param {Frame | null} [start]
 */
export function largest(frames, place, start = null) {
  let most = 0;
  for (const frame of frames) {
    const { low, high } = rangeOf(frame, place, start);
    most = Math.max(most, -low, high);
  }
  return most;
}

/** The largest sizes of a run so far, by matrix: of its numbers, and of their change. */
export class Largest {
  /** @param {Frame} start */
  constructor(start) {
    /** @private */ this.start = start;
    const none = () => Object.fromEntries(Object.keys(PLACES).map((name) => [name, 0]));
    /** @type {Record<"weight" | "change", Record<string, number>>} */
    this.most = { weight: none(), change: none() };
    this.add(start);
  }

  /** @param {Frame} frame */
  add(frame) {
    const { weight, change } = this.most;
    for (const [name, place] of Object.entries(PLACES)) {
      weight[name] = Math.max(weight[name], largest([frame], place));
      change[name] = Math.max(change[name], largest([frame], place, this.start));
    }
  }
}

/**
 * Root of the mean square.
 * @param {Frame} frame
 * @param {Place} place
 * @param {Frame | null} [start]
 */
export function typical(frame, { at, rows, columns }, start = null) {
  let sum = 0;
  for (let i = at; i < at + rows * columns; i++)
    sum += (start ? frame[i] - start[i] : frame[i]) ** 2;
  return Math.sqrt(sum / (rows * columns));
}

// ---------------------------------------------------------------- attention

/**
 * Attention weights of the first layer: for each position, for each head, one for each position so
 * far. As `trace` of numbers/forward.js computes them, and nothing else of it, since it is done for
 * every frame that is drawn.
 * @param {Frame} frame
 * @param {ArrayLike<number>} tokens
 * @param {Config} [config]
 * @returns {number[][][]}
 */
export function attentionAt(frame, tokens, config = CONFIG) {
  const { n_embd: C, n_head: H } = config;
  const at = config === CONFIG ? PLACES : places(config);
  const size = C / H;
  /** @type {Float64Array[]} */
  const keys = [];
  return Array.from(tokens, (token, t) => {
    const x = new Float64Array(C);
    for (let i = 0; i < C; i++)
      x[i] = frame[at.wte.at + token * C + i] + frame[at.wpe.at + t * C + i];
    norm(x);
    norm(x);
    const q = times(frame, at["layer0.attn_wq"].at, x);
    keys.push(times(frame, at["layer0.attn_wk"].at, x));
    return Array.from({ length: H }, (_, h) => {
      const scores = keys.map((k) => {
        let sum = 0;
        for (let i = h * size; i < (h + 1) * size; i++) sum += q[i] * k[i];
        return sum / Math.sqrt(size);
      });
      const highest = Math.max(...scores);
      const exps = scores.map((s) => Math.exp(s - highest));
      const total = exps.reduce((a, b) => a + b, 0);
      return exps.map((e) => e / total);
    });
  });
}

/** rmsnorm in place. @param {Float64Array} x */
function norm(x) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  const scale = (sum / x.length + 1e-5) ** -0.5;
  for (let i = 0; i < x.length; i++) x[i] *= scale;
}

/** A square matrix times x. @param {Frame} frame @param {number} at @param {Float64Array} x */
function times(frame, at, x) {
  const out = new Float64Array(x.length);
  for (let r = 0; r < x.length; r++) {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += frame[at + r * x.length + i] * x[i];
    out[r] = sum;
  }
  return out;
}

// ---------------------------------------------------------------- the map

/** Deviations of the rows from their mean. @param {Frame} frame @param {Place} place */
function centred(frame, { at, rows, columns }) {
  const mean = new Float64Array(columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) mean[c] += frame[at + r * columns + c] / rows;
  return {
    mean,
    of: (/** @type {number} */ r, /** @type {number} */ c) => frame[at + r * columns + c] - mean[c],
  };
}

/**
 * The two directions in which the rows of a matrix differ most (its first principal components),
 * and the share of their variance along both. Each points to where its largest part is positive.
 * @param {Frame} frame
 * @param {Place} place
 * @returns {Axes}
 */
export function axesOf(frame, place) {
  const { rows, columns } = place;
  const { mean, of } = centred(frame, place);
  const matrix = Array.from({ length: columns }, (_, a) =>
    Float64Array.from({ length: columns }, (__, b) => {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += of(r, a) * of(r, b);
      return sum / rows;
    }),
  );
  const { values, vectors } = eigen(matrix);
  const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a]);
  const axis = (/** @type {number} */ i) => {
    const v = Float64Array.from(vectors, (row) => row[order[i]]);
    const top = v.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
    return top < 0 ? v.map((x) => -x) : v;
  };
  const total = values.reduce((a, b) => a + b, 0);
  return {
    mean,
    axes: [axis(0), axis(1)],
    share: total ? (values[order[0]] + values[order[1]]) / total : 0,
  };
}

/**
 * Eigenvalues and eigenvectors (columns) of a symmetric matrix, by rotations (Jacobi, 1846).
 * @param {Float64Array[]} given left as it is
 */
export function eigen(given) {
  const a = given.map((row) => Float64Array.from(row));
  const n = a.length;
  const vectors = a.map((_, r) => Float64Array.from({ length: n }, (__, c) => Number(r === c)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p][q] ** 2;
    if (off < 1e-26) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p][q] === 0) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        for (const row of a) turn(row, p, q, c, t * c);
        for (let k = 0; k < n; k++) {
          const x = a[p][k];
          a[p][k] = c * x - t * c * a[q][k];
          a[q][k] = t * c * x + c * a[q][k];
        }
        for (const row of vectors) turn(row, p, q, c, t * c);
      }
    }
  }
  return { values: a.map((row, i) => row[i]), vectors };
}

/**
 * Turns two numbers of a row.
 * @param {Float64Array} row
 * @param {number} p
 * @param {number} q
 * @param {number} c
 * @param {number} s
 */
function turn(row, p, q, c, s) {
  const x = row[p];
  row[p] = c * x - s * row[q];
  row[q] = s * x + c * row[q];
}

/**
 * Where the rows lie along both axes, as x0, y0, x1, y1, …; measured from the mean that the axes
 * have.
 * @param {Frame} frame
 * @param {Place} place
 * @param {Axes} on
 */
export function mapped(frame, { at, rows, columns }, { mean, axes }) {
  const out = new Float64Array(2 * rows);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const x = frame[at + r * columns + c] - mean[c];
      out[2 * r] += x * axes[0][c];
      out[2 * r + 1] += x * axes[1][c];
    }
  }
  return out;
}

/**
 * The share of this frame's variance that lies along the axes.
 * @param {Frame} frame
 * @param {Place} place
 * @param {Axes} on
 */
export function shareAlong(frame, place, { axes }) {
  const { of } = centred(frame, place);
  let [along, all] = [0, 0];
  for (let r = 0; r < place.rows; r++) {
    const parts = [0, 0];
    for (let c = 0; c < place.columns; c++) {
      const x = of(r, c);
      all += x * x;
      parts[0] += x * axes[0][c];
      parts[1] += x * axes[1][c];
    }
    along += parts[0] ** 2 + parts[1] ** 2;
  }
  return all ? along / all : 0;
}

/**
 * The largest coordinate of all rows in all frames.
 * @param {Frame[]} frames
 * @param {Place} place
 * @param {Axes} on
 */
export function reach(frames, place, on) {
  return frames.reduce(
    (most, frame) => mapped(frame, place, on).reduce((a, x) => Math.max(a, Math.abs(x)), most),
    0,
  );
}

// ---------------------------------------------------------------- samples

/**
 * Names of the model at a frame, with what is known of each at that step.
 * @param {import("../../kernel.js").Engine} engine
 * @param {Float32Array} frame
 * @param {number} step
 * @param {{uniforms: Float64Array, first: Map<string, number>, file: ReadonlySet<string>,
 *   uchars: readonly string[]}} from
 * @returns {import("../../training-run.js").Sample[]}
 */
export function samplesAt(engine, frame, step, { uniforms, first, file, uchars }) {
  engine.load(recorded(CONFIG, frame));
  const { tokens } = engine.sample(Array(SAMPLES).fill([]), { temperature: TEMPERATURE, uniforms });
  return tokens.map((ids) => {
    const text = ids.map((id) => uchars[id]).join("");
    const seen = first.get(text);
    return {
      text,
      mark: seen !== undefined && seen < step ? "trained" : file.has(text) ? "file" : "new",
    };
  });
}

/** At which place of the run each name comes first. @param {string[]} docs */
export function placeOf(docs) {
  /** @type {Map<string, number>} */
  const first = new Map();
  docs.forEach((doc, i) => {
    if (!first.has(doc)) first.set(doc, i);
  });
  return first;
}
