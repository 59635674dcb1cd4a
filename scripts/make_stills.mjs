// Writes guide/stills: the figures that stand on pages without scripts. node scripts/make_stills.mjs

import { readFileSync, writeFileSync } from "node:fs";
import { opened } from "../guide/js/figures/trained/real-model.js";
import { STILLS } from "../guide/js/figures/stills.js";

const real = opened(readFileSync(new URL("../data/model.json", import.meta.url), "utf8"));
const norms = JSON.parse(readFileSync(new URL("../guide/data/norms.json", import.meta.url), "utf8"));
for (const [name, draw] of Object.entries(STILLS))
  writeFileSync(new URL(`../guide/stills/${name}.html`, import.meta.url), `${draw(real, norms)}\n`);
