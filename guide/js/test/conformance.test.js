// The tests in Node: `node --test guide/js/test/`. The same run in a page: chromium.html.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { loadKernel } from "../kernel.js";
import { place } from "./helpers.js";
import { suite } from "./suite.js";

const root = new URL("../../../", import.meta.url);
place.text = (path) => readFile(new URL(path, root), "utf8");
place.kernel = await readFile(new URL("guide/js/kernel.wasm", root));

test("from a file's address", async () => {
  const kernel = await loadKernel(new URL("guide/js/kernel.wasm", root));
  kernel.create().close();
  await assert.rejects(loadKernel(new URL("guide/js/nothing.wasm", root)), /^FileError: .*ENOENT/);
});

for (const [name, run] of Object.entries(suite)) test(name, run);
