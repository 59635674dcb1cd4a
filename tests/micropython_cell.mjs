// Runs one program in the guide's MicroPython: node micropython_cell.mjs ORDER.json; see
// guide/js/figures/runs/python-host.js for what an order is.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const guide = new URL("../guide/", import.meta.url);
const { prepare } = await import(new URL("js/figures/runs/micropython.js", guide));
const { Output } = await import(new URL("js/figures/runs/output.js", guide));
const { withSteps } = await import(new URL("js/figures/runs/python-host.js", guide));
const place = new URL("vendor/micropython/", guide);
const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const output = new Output(({ stream, text }) =>
  (stream === "out" ? process.stdout : process.stderr).write(text),
);
const { loadMicroPython } = await import(new URL("micropython.mjs", place));
const wasm = fileURLToPath(new URL("micropython.wasm", place));
const run = await prepare(loadMicroPython, wasm, output);
const code = order.steps === null ? order.code : withSteps(order.code);
const how = await run({ ...order, code });
output.flush();
if (how.error) console.error(how.error);
process.exitCode = how.error ? 1 : 0;
