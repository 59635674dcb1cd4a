// The recipe of a run as a reader chooses it: what differs from the preset, as text for a link, as
// options for training, and in words. No DOM.

import { PRESETS } from "../../config.js";

/** @typedef {import("../../config.js").Config} Config */
/** @typedef {Record<string, string | number>} Settings */
/**
 * @typedef {{label: string, among?: readonly string[], min?: number, max?: number, step?: number,
 *   whole?: boolean}} Knob
 */

/** What can be chosen, with limits that a page can bear. @type {Record<string, Knob>} */
export const KNOBS = {
  optimizer: { label: "Optimiser", among: ["adam", "sgd"] },
  schedule: { label: "Schedule", among: ["linear", "cosine", "constant"] },
  activation: { label: "Activation", among: ["relu", "relu_squared"] },
  lr: { label: "Learning rate", min: 0.0001, max: 10, step: 0.01 },
  n_head: { label: "Heads", min: 1, max: 64, step: 1, whole: true },
  n_embd: { label: "n_embd", min: 1, max: 64, step: 1, whole: true },
  n_layer: { label: "Layers", min: 1, max: 4, step: 1, whole: true },
  block_size: { label: "block_size", min: 1, max: 64, step: 1, whole: true },
  steps: { label: "Steps", min: 1, max: 20_000, step: 100, whole: true },
  seed: { label: "Seed", min: 0, max: 2 ** 32 - 1, step: 1, whole: true },
};

/**
 * Recipes by name: what each changes in `final`.
 * @type {Record<string, {name: string, text: string}>}
 */
export const RECIPES = {
  final: { name: "final (rung 5)", text: "" },
  sgd: { name: "SGD (rung 4)", text: "optimizer~sgd~lr~0.1" },
  single: { name: "SGD, one head (rung 3)", text: "optimizer~sgd~lr~0.1~n_head~1" },
  one: { name: "one head", text: "n_head~1" },
  wide: { name: "n_embd 32", text: "n_embd~32" },
  long: { name: "2,000 steps", text: "steps~2000" },
  seven: { name: "seed 7", text: "seed~7" },
  early: { name: "early", text: "preset~early" },
};

/** Two runs worth comparing. @type {Record<string, {name: string, a: string, b: string}>} */
export const PAIRS = {
  optimizer: { name: "SGD | Adam", a: RECIPES.sgd.text, b: "" },
  heads: { name: "1 head | 4 heads", a: RECIPES.one.text, b: "" },
  width: { name: "n_embd 16 | 32", a: "", b: RECIPES.wide.text },
  length: { name: "1,000 | 2,000 steps", a: "", b: RECIPES.long.text },
  seed: { name: "seed 42 | seed 7", a: "", b: RECIPES.seven.text },
  preset: { name: "final | early", a: "", b: RECIPES.early.text },
};

/** @param {string} preset @returns {Settings} */
function base(preset) {
  const config = /** @type {any} */ (PRESETS)[preset];
  return {
    preset,
    seed: 42,
    ...Object.fromEntries(
      Object.keys(KNOBS)
        .filter((key) => key in config)
        .map((key) => [key, config[key]]),
    ),
  };
}

/**
 * All settings of a text; what can't be read stays as in the preset.
 * @param {string} text pairs of name and value, apart by ~
 */
export function readSettings(text) {
  const parts = text ? text.split("~") : [];
  const given = Object.fromEntries(
    parts.flatMap((part, i) => (i % 2 ? [[parts[i - 1], part]] : [])),
  );
  const settings = base(Object.hasOwn(PRESETS, given.preset ?? "") ? given.preset : "final");
  for (const [key, knob] of Object.entries(KNOBS)) {
    const value = Object.hasOwn(given, key) ? given[key] : undefined;
    if (value === undefined) continue;
    if (knob.among) {
      if (knob.among.includes(value)) settings[key] = value;
      continue;
    }
    const x = /^[\d.]+(e-?\d+)?$/i.test(value) ? Number(value) : NaN;
    const fits =
      x >= Number(knob.min) && x <= Number(knob.max) && (!knob.whole || Number.isInteger(x));
    if (fits) settings[key] = x;
  }
  return settings;
}

/** What differs from the preset. @param {Settings} settings */
export function writeSettings(settings) {
  const preset = base(String(settings.preset));
  const changed = Object.keys(KNOBS).filter((key) => settings[key] !== preset[key]);
  return [
    ...(settings.preset === "final" ? [] : ["preset", settings.preset]),
    ...changed.flatMap((key) => [key, settings[key]]),
  ].join("~");
}

/**
 * As a run takes them.
 * @param {Settings} settings
 * @returns {{preset: "final" | "early", seed: number, config: Partial<Config>}}
 */
export function optionsOf({ preset, seed, ...config }) {
  return {
    preset: /** @type {"final" | "early"} */ (preset),
    seed: Number(seed),
    config: /** @type {any} */ (config),
  };
}

/** The recipe's name, or what it changes. @param {string} text */
export function nameOf(text) {
  const normal = writeSettings(readSettings(text));
  const known = Object.values(RECIPES).find((recipe) => recipe.text === normal);
  if (known) return known.name;
  const parts = normal.split("~");
  return parts.flatMap((part, i) => (i % 2 ? [`${parts[i - 1]} ${part}`] : [])).join(", ");
}
