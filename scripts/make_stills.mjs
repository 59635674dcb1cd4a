// Writes guide/stills: the figures that stand on pages without scripts. node scripts/make_stills.mjs

import { readFileSync, writeFileSync } from "node:fs";
import { linesOf, namesOf } from "../guide/js/figures/dataset.js";
import { opened } from "../guide/js/figures/trained/real-model.js";
import { STILLS } from "../guide/js/figures/stills.js";

const real = opened(readFileSync(new URL("../data/model.json", import.meta.url), "utf8"));
const data = (name) =>
  JSON.parse(readFileSync(new URL(`../guide/data/${name}.json`, import.meta.url), "utf8"));
const text = readFileSync(new URL("../data/names.txt", import.meta.url), "utf8");
const given = {
  real,
  norms: data("norms"),
  blocks: data("blocks"),
  stacks: data("layers"),
  steps: data("steps"),
  heads: data("heads"),
  names: namesOf(linesOf(text)),
};
for (const [name, draw] of Object.entries(STILLS))
  writeFileSync(new URL(`../guide/stills/${name}.html`, import.meta.url), `${draw(given)}\n`);
