// <mg-annotated-gpt>: the whole gpt(), line by line, and above it the toy as a small drawing. Point
// at a line, focus it with the arrow keys, or tap it: its note appears, and the lines and stations
// that share a vector with it light up. A click pins.
//
// In the tag stand the quoted code and a list whose items begin with the beginning of a line, as
// code.

import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { startLinks } from "../js/kit/link.js";
import { textField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { entryOf, lineLinks, siblings } from "../js/figures/rungs/gpt-lines.js";
import { ToyDrawing } from "../js/figures/toy/toy-drawing.js";
import { shownOf } from "../js/figures/toy/toy-shown.js";
import { uncover } from "../js/figures/toy/uncover.js";
import { toyNumbers } from "../js/figures/toy/toy-steps.js";

/** @typedef {import("../js/figures/rungs/gpt-lines.js").GptLine} GptLine */
/** @typedef {{line: HTMLElement, entry: GptLine, note: Node[]}} Annotated */

const links = startLinks();

class MgAnnotatedGpt extends Widget {
  isHeard = true;
  fields = { line: textField("", 4) };
  panel = html("div", {
    class: "gpt-note",
    tabindex: 0,
    role: "region",
    "aria-label": "Note about the line",
  });
  /** @private @type {Annotated[]} */ annotated = [];

  build() {
    const quoted = this.fallback.find(
      (node) => node instanceof HTMLElement && node.matches("figure.code"),
    );
    if (!(quoted instanceof HTMLElement)) throw new Error("mg-annotated-gpt has no code");
    this.annotated = this.read(quoted);
    const list = quoted.querySelector("code");
    list?.setAttribute("role", "listbox");
    list?.setAttribute("aria-label", "Lines of gpt(); arrow keys go from line to line");
    this.annotated.forEach(({ line, entry }, i) => {
      line.dataset.link = lineLinks(entry);
      line.setAttribute("role", "option");
      line.setAttribute("aria-selected", "false");
      line.tabIndex = i ? -1 : 0;
    });
    this.listen(quoted, "keydown", (event) => this.key(event));
    this.listen(this, "click focusin", ({ target }) => uncover(this.panel, target));
    this.listen(document, "mg-link", ({ detail }) => this.lit(detail));
    const drawing = new ToyDrawing(this, {
      label: "The toy GPT, lit with the lines below",
      isCompact: true,
    });
    drawing.show(shownOf(toyNumbers({ token: 2 }, "pinned", "hand")));
    const lines = html("div", { class: "gpt-lines" }, quoted, this.panel);
    return [this.figure([drawing.element, lines], { under: true })];
  }

  /** Pins the line that the address names, or none. */
  show() {
    const all = this.annotated;
    if (!("ready" in this.dataset)) this.tellOf(all[0]);
    const asked = all.find(({ line }) => line.dataset.line === this.values.line);
    const now = all.find(({ line }) => line.getAttribute("aria-selected") === "true");
    if (asked === now) return;
    if (asked) links.pin((asked.line.dataset.link ?? "").split(" "));
    else {
      links.pin([]);
      this.tellOf(all[0]);
    }
  }

  reset() {
    super.reset();
    links.pin([]);
    this.tellOf(this.annotated[0]);
  }

  leave() {
    for (const { line } of this.annotated) {
      for (const name of ["role", "aria-selected", "tabindex", "data-link"])
        line.removeAttribute(name);
      line.parentElement?.removeAttribute("role");
      line.parentElement?.removeAttribute("aria-label");
    }
    super.leave();
  }

  /** Each line with its note. @private @param {HTMLElement} quoted @returns {Annotated[]} */
  read(quoted) {
    const items = this.fallback.flatMap((node) =>
      node instanceof HTMLElement ? [...node.querySelectorAll("li")] : [],
    );
    const notes = items.flatMap((item) => {
      const code = item.querySelector("code");
      return code && item.firstElementChild === code
        ? [
            {
              start: code.textContent ?? "",
              note: [...item.childNodes].filter((node) => node !== code && node.nodeName !== "BR"),
            },
          ]
        : [];
    });
    const lines = /** @type {HTMLElement[]} */ ([...quoted.querySelectorAll(".line")]);
    return lines.flatMap((line) => {
      const text = (line.textContent ?? "").trim();
      const entry = entryOf(text);
      const note = notes.find(({ start }) => text.startsWith(start))?.note;
      return entry && note ? [{ line, entry, note }] : [];
    });
  }

  /** @private @param {KeyboardEvent} event */
  key(event) {
    const all = this.annotated;
    const at = all.findIndex(({ line }) => line === document.activeElement);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") all[at].line.click();
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1, " ": at }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, to))].line.focus();
  }

  /** @private @param {{ids: string[], pinned: boolean}} detail */
  lit({ ids, pinned }) {
    const all = this.annotated;
    const found = all.find(({ line }) => line.dataset.link === ids.join(" "));
    if (!found) {
      if (!ids.length) this.select(null);
      // A station was pointed at: its note is that of the line which makes its vector.
      const makes = (/** @type {Annotated} */ { entry }) =>
        ids.some((id) => entry.makes.includes(id.replace("toy.", "")));
      const maker = ids.length < 4 ? all.find(makes) : undefined;
      if (maker) this.tellOf(maker);
      return;
    }
    if (pinned) this.select(found);
    this.tellOf(found);
  }

  /** @private @param {Annotated | null} chosen */
  select(chosen) {
    if (!("ready" in this.dataset) && !chosen) return;
    for (const { line } of this.annotated)
      line.setAttribute("aria-selected", String(line === chosen?.line));
    const line = chosen?.line.dataset.line ?? "";
    if (this.values.line !== line) this.set({ line });
  }

  /** @private @param {Annotated} what */
  tellOf({ line, entry, note }) {
    const all = this.annotated;
    for (const other of all) other.line.tabIndex = other.line === line ? 0 : -1;
    const near = new Set(siblings(entry));
    const numbers = all
      .filter((other) => near.has(other.entry))
      .map((other) => other.line.dataset.line);
    const number = line.dataset.line ?? "";
    const shared = numbers.length
      ? `It shares a vector with ${numbers.length > 1 ? "lines" : "line"} ${numbers.join(", ")}.`
      : "No other line shares a vector with it.";
    this.panel.dataset.told = "";
    this.panel.replaceChildren(
      html(
        "pre",
        {},
        html("code", {}, html("small", {}, number), " ", (line.textContent ?? "").trim()),
      ),
      html("p", {}, ...note.map((node) => node.cloneNode(true))),
      html("p", { class: "mg-note" }, shared),
    );
    const said = note
      .map((node) => node.textContent)
      .join("")
      .replace(/\s+/g, " ")
      .trim();
    this.summary(`Line ${number}: ${said}`);
  }
}

define("mg-annotated-gpt", MgAnnotatedGpt);
