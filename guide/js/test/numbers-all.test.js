// The numbers engine and the kit's logic in Node; the same in a page: numbers.html.

import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { place } from "./helpers.js";
import { numbersSuite } from "./numbers-suite.js";
import { toySuite } from "./numbers-toy.js";
import { trainingSuite } from "./numbers-training.js";

const root = new URL("../../../", import.meta.url);
place.text = (path) => readFile(new URL(path, root), "utf8");

place.kernel = await readFile(new URL("guide/js/kernel.wasm", root));

for (const [name, run] of Object.entries({ ...numbersSuite, ...toySuite, ...trainingSuite }))
  test(name, run);
