// MicroPython as the cells of a page use it: set up to run one program as CPython would. No DOM, no
// Worker: js/worker-micropython.js has it in a page, tests/micropython_cell.mjs in Node.

import { RANDOM, twister } from "./micropython-random.js";

/** What its module puts on the global object and goes on needing. */
export const GLOBALS = [
  "Module",
  "proxy_js_ref",
  "proxy_js_ref_next",
  "proxy_js_ref_map",
  "proxy_js_map",
  "proxy_js_existing",
  "pyProxyFinalizationRegistry",
];
const HEAP = 16 * 2 ** 20; // bytes at first; it grows
const PYSTACK = 16 * 1024; // words, for calls within calls
const MOST = 2 ** 30; // bytes that it may grow to
const REST_MS = 500;
// A loop that stands in no other block, up to its first statement. Not where that opens a block of
// its own: nothing can stand before it in its line.
const LOOP = new RegExp(
  String.raw`^((?:for|while)\b.*:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*[ \t]+)` +
    String.raw`(?![ \t#@]|"""|'''|(?:async|class|def|for|if|match|try|while|with)\b)`,
  "gm",
);
const LONG_TEXT = /"""|'''/g;

// print() without \`flush\` is all that MicroPython has. It collects garbage only while no Python
// runs: so a loop waits a moment now and then.
const PREPARED = `
import gc, json, sys, time
import _cell

sys.argv[:] = json.loads(_cell.argv)

def _prepared(gc, time, _cell):
    plain, rested = print, time.ticks_ms()

    def print_(*objects, sep=" ", end="\\n", file=None, flush=False):
        how = {"sep": " " if sep is None else sep, "end": "\\n" if end is None else end}
        if file is not None:
            how["file"] = file
        plain(*objects, **how)

    def first_steps(numbers):
        began = time.ticks_ms()
        for count, number in enumerate(numbers[:_cell.most], 1):
            yield number
            _cell.took(count, time.ticks_diff(time.ticks_ms(), began))

    def input_(prompt=""):  # there is nobody to ask: end of file; its own would wait for ever
        print_(prompt, end="")
        raise EOFError("EOF when reading a line")

    ticks_ms, ticks_diff, pause = time.ticks_ms, time.ticks_diff, _cell.pause

    def due():
        return ticks_diff(ticks_ms(), rested) >= pause

    async def rest():
        nonlocal rested
        gc.collect()
        await _cell.rest()
        rested = ticks_ms()

    return print_, input_, first_steps, due, rest

print, input, _first_steps, _due, _rest = _prepared(gc, time, _cell)
del _prepared, _cell, gc, json, sys, time
`;

/**
 * The code with a rest in each round of its loops; no line moves. What is only text stays as it is.
 * @param {string} code
 */
export const withRests = (code) =>
  code.replace(LOOP, (all, head, at) => {
    const quotes = code.slice(0, at).match(LONG_TEXT)?.length ?? 0;
    return quotes % 2 ? all : `${head}_due() and await _rest(); `;
  });

/** What a learner needs to know beside what MicroPython says. @param {string} said */
export function explained(said) {
  const last = said.trimEnd().split("\n").at(-1) ?? "";
  if (/^OSError: 44$/.test(last)) return `${said.trimEnd()} (there is no such file)`;
  if (/^ImportError: no module/.test(last))
    return `${said.trimEnd()}\n(MicroPython has a small part of Python's library.)`;
  if (/^MemoryError/.test(last))
    return (
      `${said.trimEnd()}\n(A cell may use 1 GB. MicroPython frees what is no longer needed only ` +
      "between the rounds of a loop that stands in no function.)"
    );
  return said;
}

/** Memory ends at `MOST`, so that a program that takes all there is doesn't take the tab along. */
function limitMemory() {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * 2 ** 16 > MOST) throw new RangeError("that is too much");
    return grow.call(this, pages);
  };
}

/**
 * One program's MicroPython: after it has run, something of it stays, so it isn't used again.
 * @param {(options: object) => Promise<any>} load MicroPython's own loadMicroPython
 * @param {string} wasm where its WebAssembly is
 * @param {import("./output.js").Output} output
 */
export async function prepare(load, wasm, output) {
  limitMemory();
  const machine = await load({
    url: wasm,
    heapsize: HEAP,
    pystack: PYSTACK,
    linebuffer: false,
    stdin: () => null,
    stdout: output.bytes("out"),
    stderr: output.bytes("err"),
  });
  machine.registerJsModule("_twister", twister());
  machine.FS.mkdir("/lib");
  machine.FS.writeFile("/lib/random.py", RANDOM);
  // A name without a file would be the built-in module's.
  machine.runPython("import sys\nsys.path.insert(0, '/lib')\nimport random\ndel random, sys");
  return (/** @type {import("./python-host.js").Order} */ order) => run(machine, order);
}

/**
 * @param {any} machine
 * @param {import("./python-host.js").Order} order
 * @returns {Promise<import("./python-host.js").Ended>}
 */
async function run(machine, { code, name, steps, files, args }) {
  /** @type {import("./python-host.js").Ended} */
  const how = { steps: null };
  machine.registerJsModule("_cell", {
    argv: JSON.stringify([name, ...args]),
    most: steps ?? 2 ** 29,
    pause: REST_MS,
    rest: () => new Promise((go) => setTimeout(go, 0)),
    took: (/** @type {number} */ count, /** @type {number} */ ms) =>
      (how.steps = { count, seconds: ms / 1000 }),
  });
  for (const [path, text] of Object.entries(files)) machine.FS.writeFile(`/${path}`, text);
  machine.runPython(PREPARED);
  machine.globals.set("__file__", name);
  const began = performance.now();
  try {
    await machine.runPythonAsync(withRests(code));
  } catch (error) {
    const { type, message } = /** @type {{type?: string, message?: string}} */ (error);
    const said = String(message ?? error).replaceAll('File "<stdin>"', `File "${name}"`);
    if (type !== "SystemExit") how.error = explained(said);
    else if (!/^SystemExit:? *(?:0|None)?$/m.test(said))
      how.error = `The program ended itself: ${said.trim().split("SystemExit:").at(-1)?.trim()}`;
  }
  how.seconds = (performance.now() - began) / 1000;
  return how;
}
