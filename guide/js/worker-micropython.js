// The Worker in which cells run MicroPython, which every copy of the guide has. The same orders and
// posts as worker-python.js; it serves for one run, so that nothing is left of the run before.

import { GLOBALS, prepare } from "./figures/runs/micropython.js";
import { Output, shortened } from "./figures/runs/output.js";
import { shutIn } from "./shut-in.js";

const PLACE = new URL("../vendor/micropython/", import.meta.url);

/** @param {any} order */
async function run(order) {
  const { id } = order;
  const output = new Output((portion) => postMessage({ type: "said", id, ...portion }));
  let how;
  try {
    const { loadMicroPython } = await import(new URL("micropython.mjs", PLACE).href);
    const wasm = new URL("micropython.wasm", PLACE).href;
    const program = await prepare(loadMicroPython, wasm, output);
    shutIn(GLOBALS); // what comes now is the reader's
    how = await program(order);
  } catch (error) {
    how = { error: `MicroPython could not be started: ${error}` };
  }
  output.flush();
  if (how.error) how.error = shortened(how.error);
  postMessage({ type: "ended", id, how: { ...how, cut: output.cut }, fatal: true });
}

addEventListener("message", ({ data }) => {
  if (data?.do === "run") run(data);
});
