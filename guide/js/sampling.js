// From logits to a token, as engines/base.py says it, and whole samples over any engine that gives
// logits. Engines sample by the kernel's own code; this is its plain twin, and what a page uses to
// show a distribution.

import { number, whole } from "./config.js";
import { InputError, TokenError, shown } from "./errors.js";
import { choice } from "./random.js";

/**
 * Forbids tokens beside the sampler. `next` [states × V]: the state after a token; `banned`
 * [states × V]: tokens that may not be sampled in a state. State 0 is the start; forced tokens
 * move the guard too. In every state that is reached at least one token must be allowed.
 * @typedef {{next: ArrayLike<number>, banned: ArrayLike<number | boolean>}} Guard
 */

/**
 * @typedef {object} SampleOptions
 * @property {number} [temperature] the logits are divided by it; 1 if absent
 * @property {number | null} [topK] draw among the k most probable tokens only
 * @property {number | null} [topP] draw among the fewest whose probabilities reach p
 * @property {ArrayLike<number>} uniforms draws in [0, 1), samples × M one row after the other; M
 *     is the most tokens a sample may take, forced ones included
 * @property {"sequential" | "rows"} [order] one stream, or row i for sample i
 * @property {Guard | null} [guard]
 */

/** @typedef {{tokens: number[][], used: number}} Samples */

/**
 * Probabilities [V] from which the next token is drawn: softmax of logits / temperature over the
 * tokens that aren't banned; then `topK`, then `topP` set the others to 0. Ties keep the lower id.
 * What is kept is not rescaled.
 * @param {ArrayLike<number>} logits
 * @param {number} [temperature]
 * @param {number | null} [topK]
 * @param {number | null} [topP]
 * @param {ArrayLike<number | boolean> | null} [banned]
 * @returns {Float64Array}
 */
export function distribution(logits, temperature = 1, topK = null, topP = null, banned = null) {
  const inverse = 1 / temperature;
  const probs = Float64Array.from(logits, (x) => x * inverse);
  if (banned) for (let i = 0; i < probs.length; i++) if (banned[i]) probs[i] = -Infinity;
  let highest = -Infinity;
  for (const x of probs) if (x > highest) highest = x;
  let total = 0;
  for (let i = 0; i < probs.length; i++) {
    probs[i] = Math.exp(probs[i] - highest);
    total += probs[i];
  }
  const share = 1 / total;
  for (let i = 0; i < probs.length; i++) probs[i] *= share;
  if (topK === null && topP === null) return probs;
  const ranked = Array.from(probs.keys()).sort((a, b) => probs[b] - probs[a] || a - b);
  let keep = topK === null ? ranked.length : Math.min(topK, ranked.length);
  if (topP !== null) {
    const goal = topP * exactSum(ranked.slice(0, keep).map((i) => probs[i]));
    let reached = 0;
    for (let count = 0; count < keep; count++) {
      reached += probs[ranked[count]];
      if (reached >= goal) keep = count + 1;
    }
  }
  for (const i of ranked.slice(keep)) probs[i] = 0;
  return probs;
}

/**
 * The token that Python's `random.choices` would draw with this number from `distribution`; one of
 * probability 0 is never drawn.
 * @param {ArrayLike<number>} logits
 * @param {number} uniform
 * @param {number} [temperature]
 * @param {number | null} [topK]
 * @param {number | null} [topP]
 * @param {ArrayLike<number | boolean> | null} [banned]
 */
export function choose(logits, uniform, temperature = 1, topK = null, topP = null, banned = null) {
  const probs = distribution(logits, temperature, topK, topP, banned);
  if (!probs.some((p) => p > 0)) throw nothingToDraw();
  return choice(
    probs,
    uniform,
    probs.findLastIndex((p) => p > 0),
  );
}

/**
 * Samples by way of logits alone; what `Engine.sample` in kernel.js must give.
 * @param {object} engine
 * @param {import("./config.js").Config} engine.config
 * @param {(lists: number[][]) => ArrayLike<number>[]} engine.logits
 * @param {ArrayLike<number>[]} prefixes forced tokens after BOS, without BOS
 * @param {SampleOptions} options
 * @returns {Samples}
 */
export function sampleByLogits(engine, prefixes, options) {
  const { vocab_size: V, block_size: block } = engine.config;
  const { temperature, topK, topP, order, guard, uniforms, most } = checkedOptions(
    prefixes,
    options,
    V,
  );
  const bos = V - 1;
  let used = 0;
  const results = prefixes.map((prefix, i) => {
    const tokens = Array.from(prefix).slice(0, most);
    let at = order === "rows" ? i * most : used;
    let state = 0;
    const walk = (/** @type {number} */ token) => {
      if (!guard) return;
      state = guard.next[state * V + token];
      if (!(state >= 0 && state * V < guard.next.length)) throw nothingToDraw();
    };
    tokens.forEach(walk);
    while (tokens.length < most) {
      const context = [bos, ...tokens].slice(-block);
      const logits = engine.logits([context])[0];
      const banned = guard && Array.from({ length: V }, (_, t) => guard.banned[state * V + t]);
      const last = Array.from({ length: V }, (_, t) => logits[(context.length - 1) * V + t]);
      const token = choose(last, uniforms[at++], temperature, topK, topP, banned);
      if (token === bos) break;
      tokens.push(token);
      walk(token);
    }
    used = order === "rows" ? uniforms.length : at;
    return tokens;
  });
  return { tokens: results, used };
}

/**
 * The options with their defaults, and M as `most`; throws `InputError` or `TokenError`.
 * @param {ArrayLike<number>[]} prefixes
 * @param {SampleOptions} options
 * @param {number} V
 */
export function checkedOptions(prefixes, options, V) {
  const { temperature = 1, topK = null, topP = null, order = "sequential", guard = null } = options;
  const { uniforms } = options;
  number("temperature", temperature, (x) => x >= 0.001 && x <= 1000, "from 0.001 to 1000");
  if (topK !== null) whole("topK", topK, 1, 2 ** 31 - 1);
  if (topP !== null) number("topP", topP, (x) => x > 0 && x <= 1, "above 0 and at most 1");
  if (order !== "sequential" && order !== "rows") {
    throw new InputError(`order is ${shown(order)}, must be one of sequential, rows.`);
  }
  const most = uniforms.length / prefixes.length;
  if (prefixes.length ? !Number.isInteger(most) || most < 1 : uniforms.length) {
    throw new InputError(
      `There are ${uniforms.length} uniforms for ${prefixes.length} samples, ` +
        "must be as many for each.",
    );
  }
  for (let i = 0; i < uniforms.length; i++) {
    if (!(uniforms[i] >= 0 && uniforms[i] < 1)) {
      throw new InputError(
        `Uniform ${i} is ${shown(uniforms[i])}, must be at least 0 and below 1.`,
      );
    }
  }
  for (const prefix of prefixes) {
    for (let i = 0; i < prefix.length; i++) {
      const token = prefix[i];
      if (!(Number.isInteger(token) && token >= 0 && token < V)) {
        throw new TokenError(
          `Token ${shown(token)} at place ${i} of a prefix is not in the vocabulary ` +
            `(${V} tokens, 0 to ${V - 1}).`,
        );
      }
    }
  }
  if (guard) checkGuard(guard, V);
  return { temperature, topK, topP, order, guard, uniforms, most: prefixes.length ? most : 0 };
}

/** For a guard that bans every token, or leads nowhere, and for logits that aren't finite. */
export function nothingToDraw() {
  return new InputError(
    "There is no token to draw: the guard bans all, or the weights have diverged.",
  );
}

/**
 * Only where a sample goes must the states exist.
 * @param {Guard} guard
 * @param {number} V
 */
function checkGuard({ next, banned }, V) {
  const states = next.length / V;
  if (!Number.isInteger(states) || states < 1 || banned.length !== next.length) {
    throw new InputError(
      `The guard has ${next.length} next states and ${banned.length} bans, ` +
        `must have states × ${V} of each.`,
    );
  }
  for (let i = 0; i < next.length; i++) {
    if (!Number.isInteger(next[i]) || Math.abs(next[i]) >= 2 ** 31) {
      throw new InputError(`The guard goes to state ${shown(next[i])}, must be a whole number.`);
    }
  }
}

/**
 * The sum of some numbers, rounded once (Shewchuk, 1997).
 * @param {number[]} numbers
 */
function exactSum(numbers) {
  /** @type {number[]} */
  let parts = [];
  for (let x of numbers) {
    const left = [];
    for (let y of parts) {
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low) left.push(low);
      x = high;
    }
    parts = [...left, x];
  }
  return parts.reduceRight((sum, part) => sum + part, 0);
}
