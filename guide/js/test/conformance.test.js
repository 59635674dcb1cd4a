// The tests in Node: `node --test guide/js/test/`. The same run in a page: chromium.html.

import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { place } from "./helpers.js";
import { suite } from "./suite.js";

const root = new URL("../../../", import.meta.url);
place.text = (path) => readFile(new URL(path, root), "utf8");
place.kernel = await readFile(new URL("guide/js/kernel.wasm", root));

for (const [name, run] of Object.entries(suite)) test(name, run);
