// Bundles the third-party modules that the pages use into guide/vendor, so that no reader, and
// nobody who builds the site, needs Node or a network:
//
//     npm ci
//     node guide/build/vendor.mjs            writes the bundles and manifest.json
//     node guide/build/vendor.mjs --check    compares, and fails where a byte differs
//
// package.json pins the versions; manifest.json tells name, version, licence and SHA-256 of each.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, version as esbuild } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const folder = join(root, "guide", "vendor");

// lit's styleMap is left out: it writes style attributes, which the security policy refuses.
const BUNDLES = [
  {
    file: "lit.js",
    name: "lit",
    about: "small base for custom elements and templates",
    entry: `export * from "lit";
export { classMap } from "lit/directives/class-map.js";
export { live } from "lit/directives/live.js";
export { ref, createRef } from "lit/directives/ref.js";
export { repeat } from "lit/directives/repeat.js";`,
  },
];

const check = process.argv.includes("--check");
let differs = 0;

/**
 * @param {string} name
 * @param {string} text
 */
async function put(name, text) {
  const path = join(folder, name);
  if (!check) {
    await writeFile(path, text);
    return;
  }
  const there = await readFile(path, "utf8").catch(() => "");
  if (there !== text) {
    differs += 1;
    console.error(`guide/vendor/${name} is not what package.json and vendor.mjs make`);
  }
}

const made = [];
for (const { file, name, about, entry } of BUNDLES) {
  const where = join(root, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(where, "package.json"), "utf8"));
  const result = await build({
    stdin: { contents: entry, resolveDir: root },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    write: false,
  });
  const licence = `${name}.LICENSE.txt`;
  const head = `/* ${name} ${version}, ${license}, see ${licence} */\n`;
  const text = head + result.outputFiles[0].text;
  await put(file, text);
  await put(licence, await readFile(join(where, "LICENSE"), "utf8"));
  made.push({
    file,
    about,
    name,
    version,
    licence: license,
    bytes: Buffer.byteLength(text),
    sha256: createHash("sha256").update(text).digest("hex"),
  });
}
const manifest = { about: "made by guide/build/vendor.mjs", bundler: `esbuild ${esbuild}`, modules: made };
await put("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`);
for (const { file, name, version, bytes } of made) console.log(`${file}: ${name} ${version}, ${bytes} bytes`);
process.exitCode = differs > 0 ? 1 : 0;
