// Writes guide/stills: the figures that stand on pages without scripts. node scripts/make_stills.mjs

import { readFileSync, writeFileSync } from "node:fs";
import { linesOf, namesOf } from "../guide/js/figures/dataset.js";
import { opened } from "../guide/js/figures/trained/real-model.js";
import { STILLS } from "../guide/js/figures/stills.js";

const text = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const given = {
  real: opened(text("data/model.json")),
  norms: JSON.parse(text("guide/data/norms.json")),
  heads: JSON.parse(text("guide/data/heads.json")),
  list: namesOf(linesOf(text("data/names.txt"))),
};
for (const [name, draw] of Object.entries(STILLS))
  writeFileSync(new URL(`../guide/stills/${name}.html`, import.meta.url), `${draw(given)}\n`);
