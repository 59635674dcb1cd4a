// <mg-python name="train2.py" data="names.txt" steps="1000">: code from the page that runs in the
// page. The tag holds quotes of real source (@code ...) and what there is to say without scripts.
//
//     name    the file it would be in a terminal
//     data    a file of files/, which the program gets as its first argument
//     steps   how many steps the program takes in full; here it takes the first 20, or as many as
//             are set, and says how long all would take. The code has a loop over
//             range(num_steps).

import { button, freshId, html } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import "../js/kit/number.js";
import {
  codeOf,
  duration,
  forecast,
  hasSteps,
  PythonHost,
  withSteps,
} from "../js/figures/runs/python-host.js";

/** @typedef {import("../js/figures/runs/python-host.js").Ended} Ended */
/** @typedef {import("../js/kit/number.js").MgNumber} MgNumber */

const FILES = new URL("../files/", import.meta.url);
const FIRST_STEPS = 20;
const MOST_ROWS = 24;

const host = new PythonHost(
  () => new Worker(new URL("../js/worker-python.js", import.meta.url), { type: "module" }),
  globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === "function",
);
/** A cell that runs keeps the others waiting. @type {MgPython | null} */
let running = null;

class MgPython extends KitElement {
  get name() {
    return this.getAttribute("name") ?? "cell.py";
  }

  get allSteps() {
    return this.numberOf("steps", 0);
  }

  build() {
    const figures = this.fallback.flatMap((node) =>
      node instanceof Element
        ? [...(node.matches("figure.code") ? [node] : node.querySelectorAll("figure.code"))]
        : [],
    );
    this.original = codeOf(
      figures.map((figure) => figure.querySelector("code")?.textContent ?? ""),
    );
    const sources = figures
      .map((figure) => figure.querySelector("figcaption")?.textContent ?? "")
      .filter((text) => text);
    const id = freshId("python");
    this.code = html("textarea", {
      id,
      class: "py-code",
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "none",
      wrap: "off",
      rows: Math.min(MOST_ROWS, this.original.split("\n").length),
      "aria-describedby": `${id}-how`,
    });
    this.code.value = this.original;
    this.output = html("pre", {
      class: "py-out",
      tabindex: 0,
      role: "region",
      "aria-label": `Output of ${this.name}`,
    });
    this.output.hidden = true;
    this.replaceChildren(
      html(
        "label",
        { for: id, class: "py-name" },
        "Python: ",
        html("strong", {}, this.name),
        html("span", { class: "mg-soft" }, sources.length ? ` from ${sources.join("; ")}` : ""),
      ),
      this.code,
      this.tools(`${id}-how`),
      this.output,
    );
    this.listen(this.code, "keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      return this.run();
    });
    this.whenLeaving(() => running === this && host.stop());
    this.summary("Not run yet.");
    this.append(this.terminal());
  }

  /** @private @param {string} id of the line that tells the keys */
  tools(id) {
    this.start = button("Run", { class: "mg-button py-run" });
    this.halt = button("Stop", { "aria-disabled": "true" });
    const back = button("Set the code back");
    this.listen(this.start, "click", () => this.run());
    this.listen(this.halt, "click", () => this.stop());
    this.listen(back, "click", () => {
      if (this.code) this.code.value = this.original ?? "";
    });
    const row = html("div", { class: "mg-row py-tools" }, this.start, this.halt, back);
    if (this.allSteps && hasSteps(this.original ?? "")) {
      this.steps = /** @type {MgNumber} */ (
        html(/** @type {any} */ ("mg-number"), {
          label: "Steps",
          control: "steps",
          value: Math.min(FIRST_STEPS, this.allSteps),
          min: 1,
          max: this.allSteps,
          step: 1,
          whole: true,
        })
      );
      row.append(this.steps);
    }
    return html(
      "div",
      {},
      row,
      html(
        "p",
        { id, class: "mg-note" },
        "Change it as you like. Ctrl and Enter in the code runs it.",
      ),
    );
  }

  /** The same without this page. @private */
  terminal() {
    const data = this.getAttribute("data");
    const copy = button("Copy the code");
    const said = html("span", { role: "status" });
    this.listen(copy, "click", async () => {
      try {
        await navigator.clipboard.writeText(this.code?.value ?? "");
        said.textContent = "Copied.";
      } catch {
        this.code?.select();
        said.textContent = "It is selected: copy it with your keyboard.";
      }
    });
    const file =
      data &&
      html(
        "span",
        {},
        " next to ",
        html("a", { href: new URL(data, FILES).pathname, download: true }, data),
      );
    this.home = html(
      "details",
      { class: "py-home" },
      html("summary", {}, "In a terminal"),
      html(
        "p",
        {},
        `Save it as ${this.name}`,
        file || "",
        " and run it. It needs Python 3.11 and nothing else.",
      ),
      html("pre", {}, html("code", {}, `python ${this.name}${data ? ` ${data}` : ""}`)),
      html("div", { class: "mg-row" }, copy, said),
    );
    return this.home;
  }

  /** @private */
  async run() {
    const { code, output } = this;
    if (!code || !output || running === this) return;
    if (running || host.busy) return this.summary("Another cell is running. Stop it first.");
    running = this;
    const most = this.steps ? this.steps.value : null;
    try {
      output.replaceChildren();
      output.hidden = false;
      this.busy(true);
      this.summary("Running … the first time, Python takes a few seconds to start.");
      const data = this.getAttribute("data");
      /** @type {Record<string, string>} */
      const files = data ? { [data]: await this.fetched(data) } : {};
      const text = most === null ? code.value : withSteps(code.value);
      const order = { code: text, name: this.name, steps: most, files, args: data ? [data] : [] };
      const how = await host.run(order, (stream, said) => this.show(stream, said));
      if (this.isConnected) this.tellEnd(how);
    } finally {
      running = null;
      this.busy(false);
    }
  }

  /** @private @param {string} name */
  async fetched(name) {
    const answer = await fetch(new URL(name, FILES));
    if (!answer.ok) throw new Error(`${name} can't be fetched: ${answer.status}`);
    return answer.text();
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
    this.output?.setAttribute("aria-busy", String(now));
  }

  /** @private @param {"out" | "err"} stream @param {string} text */
  show(stream, text) {
    const { output } = this;
    if (!output) return;
    const atEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 30;
    const last = output.lastElementChild;
    if (last instanceof HTMLElement && last.dataset.stream === stream) last.append(text);
    else output.append(html("span", { "data-stream": stream }, text));
    if (atEnd) output.scrollTop = output.scrollHeight;
  }

  /** @private @param {Ended} how */
  tellEnd(how) {
    if (how.absent) {
      if (this.output) this.output.hidden = true;
      if (this.home) this.home.open = true;
      this.summary(
        "Python isn't part of this copy of the guide. Run the code in a terminal, as it says here.",
      );
      return;
    }
    if (how.error) {
      const said = this.output?.textContent ?? "";
      this.show("err", `${said && !said.endsWith("\n") ? "\n" : ""}${how.error.trimEnd()}\n`);
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
    if (!this.output?.childElementCount && this.output) this.output.hidden = true;
    this.summary(parts.join(" "));
  }
}

define("mg-python", MgPython);
