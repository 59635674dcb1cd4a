// The Worker in which cells run Python: Pyodide with its standard library, from this server alone
// (`make guide-python` brings it there). Orders: begin {signal}, run {id, code, name, steps, files,
// args}. Posts: said {id, stream, text} and ended {id, how, fatal}; see python-host.js.

import { shutIn } from "./shut-in.js";

const PLACE = new URL("../pyodide/", import.meta.url);
const HOME = "/home/pyodide";
const MOST_OUTPUT = 40_000; // characters a run
const MOST_ERROR = 6_000;
const FLUSH_MS = 50;

// Runs a program as Python would from a file; says how it ended, as JSON.
const RUNNER = `
import gc, json, linecache, sys, time, traceback

def run_cell(code, name, args, most):
    taken = None

    def first_steps(numbers):
        nonlocal taken
        began = time.perf_counter()
        for count, number in enumerate(numbers[:most], 1):
            yield number
            taken = {"count": count, "seconds": time.perf_counter() - began}

    how = {}
    sys.argv = [name, *args]
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)
    space = {"__name__": "__main__", "__file__": name, "_first_steps": first_steps}
    began = time.perf_counter()
    try:
        exec(compile(code, name, "exec"), space)
    except KeyboardInterrupt:
        how["stopped"] = True
    except SystemExit as left:
        if left.code not in (None, 0):
            how["error"] = f"The program ended itself: {left.code}"
    except BaseException as error:
        own = error.__traceback__.tb_next
        how["error"] = "".join(traceback.format_exception(type(error), error, own))
    finally:
        how["seconds"] = time.perf_counter() - began
        how["steps"] = taken
        gc.unfreeze()
        gc.enable()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return json.dumps(how)

run_cell
`;

/** @type {Uint8Array | null} */
let signal = null;
/** @type {Promise<{python: any, run: any}> | null} */
let python = null;
/** @type {unknown} */
let id = null;
let said = 0; // characters of this run
let cut = 0;
/** @type {{stream: string, text: string} | null} */
let waiting = null;
let flushed = 0;

function flush() {
  if (waiting) postMessage({ type: "said", id, ...waiting });
  waiting = null;
  flushed = performance.now();
}

/** @param {"out" | "err"} stream @param {string} text */
function say(stream, text) {
  const kept = text.slice(0, MOST_OUTPUT - said);
  said += kept.length;
  cut += text.length - kept.length;
  if (!kept) return;
  if (waiting && waiting.stream !== stream) flush();
  waiting = { stream, text: (waiting?.text ?? "") + kept };
  if (performance.now() - flushed > FLUSH_MS) flush();
}

/** @param {"out" | "err"} stream */
function writer(stream) {
  const decoder = new TextDecoder();
  return {
    isatty: false,
    write(/** @type {Uint8Array} */ bytes) {
      say(stream, decoder.decode(bytes, { stream: true }));
      return bytes.length;
    },
  };
}

/** There is no Python on this server. */
class Absent extends Error {}

async function started() {
  const module = new URL("pyodide.mjs", PLACE).href;
  const { loadPyodide } = await import(module).catch((error) => {
    throw new Absent(String(error));
  });
  const made = await loadPyodide({ indexURL: PLACE.href });
  made.setStdin({ stdin: () => null }); // input() has nobody to ask: end of file
  made.setStdout(writer("out"));
  made.setStderr(writer("err"));
  if (signal) made.setInterruptBuffer(signal);
  const run = made.runPython(RUNNER);
  shutIn(); // Python and its library are here; what comes now is the reader's
  return { python: made, run };
}

/** @param {any} order */
async function run(order) {
  id = order.id;
  said = cut = 0;
  let machine;
  try {
    machine = await (python ??= started());
  } catch (error) {
    const how =
      error instanceof Absent
        ? { absent: true }
        : { error: `Python could not be started: ${error}` };
    postMessage({ type: "ended", id, how, fatal: true });
    return;
  }
  let how;
  let fatal = false;
  try {
    for (const [name, text] of Object.entries(order.files))
      machine.python.FS.writeFile(`${HOME}/${name}`, text);
    const args = machine.python.toPy(order.args);
    how = JSON.parse(machine.run(order.code, order.name, args, order.steps ?? undefined));
    args.destroy();
  } catch (error) {
    const type = /** @type {any} */ (error)?.type;
    fatal = type === undefined; // not an exception of Python: Python itself is gone
    how = type === "KeyboardInterrupt" ? { stopped: true } : { error: String(error) };
  }
  flush();
  if (how.error) how.error = shortened(how.error);
  postMessage({ type: "ended", id, how: { ...how, cut }, fatal });
}

/** A long traceback's beginning and end. @param {string} text */
function shortened(text) {
  if (text.length <= MOST_ERROR) return text;
  return `${text.slice(0, MOST_ERROR / 2)}\n…\n${text.slice(-MOST_ERROR / 2)}`;
}

addEventListener("message", ({ data }) => {
  if (data?.do === "begin") signal = data.signal;
  if (data?.do === "run") run(data);
});
