// <mg-python name="train2.py" data="names.txt" steps="1000">: code from the page that runs in the
// page. The tag holds quotes of real source (@code ...) and what there is to say without scripts.
//
//     name    the file it would be in a terminal
//     data    a file of files/, which the program gets as its first argument
//     steps   how many steps the program takes in full; here it takes the first 20, or as many as
//             are set, and says how long all would take. The code has a loop over
//             range(num_steps).

import { freshId, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { make, row } from "../js/kit/make.js";
import "../js/kit/number.js";
import { Widget } from "../js/kit/widget.js";
import { fetched } from "../js/figures/fetched.js";
import {
  codeOf,
  duration,
  forecast,
  hasSteps,
  PythonHost,
  withSteps,
} from "../js/figures/runs/python-host.js";

const FILES = new URL("../files/", import.meta.url);
const FIRST_STEPS = 20;
const MOST_ROWS = 24;

const host = new PythonHost(
  () => new Worker(new URL("../js/worker-python.js", import.meta.url), { type: "module" }),
  globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === "function",
);
/** A cell that runs keeps the others waiting. @type {MgPython | null} */
let running = null;

class MgPython extends Widget {
  code = html("textarea", {
    class: "py-code",
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "none",
    wrap: "off",
  });
  output = html("pre", { class: "py-out", tabindex: 0, role: "region" });

  get name() {
    return this.getAttribute("name") ?? "cell.py";
  }

  get allSteps() {
    return this.numberOf("steps", 0);
  }

  build() {
    this.hasTools = true; // nothing of it is in the address
    const { code, output, allSteps } = this;
    const figures = this.fallback.flatMap((node) =>
      node instanceof Element
        ? [...(node.matches("figure.code") ? [node] : node.querySelectorAll("figure.code"))]
        : [],
    );
    const texts = (/** @type {string} */ part) =>
      figures.map((figure) => figure.querySelector(part)?.textContent ?? "");
    const original = codeOf(texts("code"));
    const sources = texts("figcaption").filter((text) => text);
    code.id = freshId("python");
    code.rows = Math.min(MOST_ROWS, original.split("\n").length);
    code.setAttribute("aria-describedby", `${code.id}-how`);
    code.value = original;
    output.setAttribute("aria-label", `Output of ${this.name}`);
    output.hidden = true;
    this.start = this.button("Run", () => this.run(), { class: "mg-button py-run" });
    this.halt = this.button("Stop", () => this.stop(), { "aria-disabled": "true" });
    const tools = row(
      this.start,
      this.halt,
      this.button("Reset the code", () => (code.value = original)),
    );
    tools.classList.add("py-tools");
    this.steps = undefined;
    if (allSteps && hasSteps(original)) {
      const [value, max] = [Math.min(FIRST_STEPS, allSteps), allSteps];
      const how = { control: "steps", value, min: 1, max, step: 1, whole: true };
      this.steps = make("mg-number", { label: "Steps", ...how });
      tools.append(this.steps);
    }
    this.listen(code, "keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      return this.run();
    });
    this.whenLeaving(() => running === this && host.stop());
    return [
      html(
        "label",
        { for: code.id, class: "py-name" },
        "Python: ",
        html("strong", {}, this.name),
        html("span", { class: "mg-soft" }, sources.length ? ` from ${sources.join("; ")}` : ""),
      ),
      code,
      tools,
      html(
        "p",
        { id: `${code.id}-how`, class: "mg-note" },
        "Change it as you like. Ctrl and Enter in the code runs it.",
      ),
      output,
    ];
  }

  show() {
    this.summary("Not run yet.");
    this.append(this.terminal());
  }

  /** The same without this page. @private */
  terminal() {
    const data = this.getAttribute("data");
    const said = html("span", { role: "status" });
    const copy = this.button("Copy the code", async () => {
      try {
        await navigator.clipboard.writeText(this.code.value);
        said.textContent = "Copied.";
      } catch {
        this.code.select();
        said.textContent = "It is selected: copy it with your keyboard.";
      }
    });
    const file = data && html("a", { href: new URL(data, FILES).pathname, download: true }, data);
    this.home = html(
      "details",
      { class: "py-home" },
      html("summary", {}, "In a terminal"),
      html(
        "p",
        {},
        `Save it as ${this.name}`,
        ...(file ? [" next to ", file] : []),
        " and run it. It needs Python 3.11 and nothing else.",
      ),
      html("pre", {}, html("code", {}, `python ${this.name}${data ? ` ${data}` : ""}`)),
      row(copy, said),
    );
    return this.home;
  }

  /** @private */
  async run() {
    const { code, output } = this;
    if (running === this) return;
    if (running || host.busy) return this.summary("Another cell is running. Stop it first.");
    running = this;
    const steps = this.steps ? this.steps.value : null;
    try {
      output.replaceChildren();
      output.hidden = false;
      this.busy(true);
      this.summary("Running … the first time, Python takes a few seconds to start.");
      const data = this.getAttribute("data");
      /** @type {Record<string, string>} */
      const files = data ? { [data]: await (await fetched(new URL(data, FILES))).text() } : {};
      const text = steps === null ? code.value : withSteps(code.value);
      const order = { code: text, name: this.name, steps, files, args: data ? [data] : [] };
      const how = await host.run(order, (stream, said) => this.write(stream, said));
      if (this.isConnected) this.tellEnd(how);
    } finally {
      running = null;
      this.busy(false);
    }
  }

  /** @private */
  stop() {
    if (running !== this) return;
    this.summary("Stopping …");
    host.stop();
  }

  /** @private @param {boolean} now */
  busy(now) {
    this.start?.setAttribute("aria-disabled", String(now));
    this.halt?.setAttribute("aria-disabled", String(!now));
    this.output.setAttribute("aria-busy", String(now));
  }

  /** @private @param {"out" | "err"} stream @param {string} text */
  write(stream, text) {
    const { output } = this;
    const atEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 30;
    const last = output.lastElementChild;
    if (last instanceof HTMLElement && last.dataset.stream === stream) last.append(text);
    else output.append(html("span", { "data-stream": stream }, text));
    if (atEnd) output.scrollTop = output.scrollHeight;
  }

  /** @private @param {import("../js/figures/runs/python-host.js").Ended} how */
  tellEnd(how) {
    const { output } = this;
    if (how.absent) {
      output.hidden = true;
      if (this.home) this.home.open = true;
      this.summary(
        "Python isn't part of this copy of the guide. Run the code in a terminal, as it says here.",
      );
      return;
    }
    if (how.error) {
      const said = output.textContent ?? "";
      this.write("err", `${said && !said.endsWith("\n") ? "\n" : ""}${how.error.trimEnd()}\n`);
    }
    const parts = [];
    if (how.stopped) parts.push("Stopped.");
    else if (how.error) parts.push("It ended with an error, which is shown above.");
    else parts.push(`Done${how.seconds === undefined ? "" : ` in ${duration(how.seconds)}`}.`);
    if (how.steps && this.allSteps) parts.push(forecast(how.steps, this.allSteps));
    if (how.cut)
      parts.push(
        `It wrote more than fits here: ${how.cut.toLocaleString("en")} characters are left out.`,
      );
    if (!output.childElementCount) output.hidden = true;
    this.summary(parts.join(" "));
  }
}

define("mg-python", MgPython);
