// How much of its list a model gives away to whoever has it: what comes back among so many texts
// that it writes. No DOM.

import { Random } from "../../random.js";

/** Texts that it writes, at temperature 1. */
export const TRIES = 1000;
const SEED = 42;

/**
 * How many of the list's different lines are among what it writes. A line longer than a block was
 * learned as far as that, and counts so.
 * @param {import("../../engine.js").Engine} engine which holds the model
 * @param {import("../../model.js").Model} model
 * @param {readonly string[]} list
 * @param {number} [tries]
 */
export function readBack(engine, { tokenizer, config }, list, tries = TRIES) {
  const { block_size: block } = config;
  const lines = new Set(list.map((line) => [...line].slice(0, block).join("")));
  const { tokens } = engine.sample(
    Array.from({ length: tries }, () => []),
    { temperature: 1, uniforms: new Random(SEED).uniforms(tries * block) },
  );
  const written = new Set(
    tokens.map((ids) => ids.map((id) => tokenizer.uchars[id] ?? "").join("")),
  );
  return { found: [...lines].filter((line) => written.has(line)).length, of: lines.size, tries };
}

/**
 * The same in a sentence, for whoever is about to pass the model on.
 * @param {ReturnType<typeof readBack>} result
 */
export function readBackLine({ found, of, tries }) {
  const many = (/** @type {number} */ n) => n.toLocaleString("en");
  const lines = `the ${of === 1 ? "one line" : `${many(of)} different lines`} of your list`;
  const all = `${many(tries)} texts that it wrote`;
  if (!found)
    return `None of ${lines} was among ${all}. That isn't a proof: more tries may bring some back.`;
  const some = of === 1 ? lines : `${many(found)} of ${lines}`;
  return `This model repeats ${some}, in ${all}: whoever has the link can read them.`;
}
