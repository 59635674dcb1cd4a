// <mg-checklist>: a list of links to tick off, kept on this reader's machine alone.
//
//     <mg-checklist name="concepts">
//       <ul><li data-item="loss"><a href="../loss/">Loss</a>: …</li></ul>
//     </mg-checklist>

import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { row } from "../js/kit/make.js";
import { forget, progress, solved } from "../js/kit/progress.js";
import { Widget } from "../js/kit/widget.js";

class MgChecklist extends Widget {
  boxes = /** @type {HTMLInputElement[]} */ ([]);
  said = html("p", { class: "mg-note" });

  build() {
    this.hasTools = true; // nothing of it is in the address
    this.boxes = [];
    const name = this.getAttribute("name") ?? "list";
    const items = this.fallback.flatMap((node) =>
      node instanceof Element ? [...node.querySelectorAll("li[data-item]")] : [],
    );
    const lines = items.map((item) => {
      const box = html("input", {
        type: "checkbox",
        class: "check-box",
        "data-key": `${name}:${item.getAttribute("data-item")}`,
        "aria-label": `${(item.querySelector("a") ?? item).textContent}: understood`,
      });
      this.listen(box, "change", (event) => {
        event.stopPropagation();
        this.tick(box);
      });
      this.boxes.push(box);
      const words = [...item.childNodes].map((node) => node.cloneNode(true));
      return html("li", {}, box, html("span", {}, ...words));
    });
    this.listen(window, "mg-progress storage", () => this.show());
    const clear = this.button("Clear all", () =>
      this.boxes.forEach((box) => forget(box.dataset.key ?? "")),
    );
    this.clear = clear;
    return [html("ul", { class: "check-list" }, ...lines), this.said, row(clear)];
  }

  /** @private @param {HTMLInputElement} box */
  tick(box) {
    const key = box.dataset.key ?? "";
    const isKept = box.checked ? solved(key, "understood") : forget(key);
    this.said.textContent = isKept
      ? ""
      : "This browser doesn't store anything: the ticks last for this visit only.";
  }

  show() {
    const all = progress();
    for (const box of this.boxes) box.checked = Object.hasOwn(all, box.dataset.key ?? "");
    const done = this.boxes.filter(({ checked }) => checked).length;
    const count = this.boxes.length;
    this.clear?.setAttribute("aria-disabled", String(done === 0));
    this.summary(`${done} of ${count} ticked off${done === count ? ": that is all of it" : ""}.`);
  }
}

define("mg-checklist", MgChecklist);
