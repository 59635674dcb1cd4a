// <mg-checklist>: a list of links to tick off, kept on this reader's machine alone.
//
//     <mg-checklist name="concepts">
//       <ul><li data-item="loss"><a href="../loss/">Loss</a>: …</li></ul>
//     </mg-checklist>

import { html } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { forget, progress, solved } from "../js/kit/progress.js";
import { actor } from "../js/figures/parts.js";

class MgChecklist extends KitElement {
  build() {
    const items = this.fallback.flatMap((node) =>
      node instanceof Element ? [...node.querySelectorAll("li[data-item]")] : [],
    );
    const name = this.getAttribute("name") ?? "list";
    this.boxes = items.map((item) => {
      const box = html("input", {
        type: "checkbox",
        class: "check-box",
        "data-key": `${name}:${item.getAttribute("data-item")}`,
      });
      this.listen(box, "change", (event) => {
        event.stopPropagation();
        this.tick(box);
      });
      return box;
    });
    this.said = html("p", { class: "mg-note" });
    const list = html(
      "ul",
      { class: "check-list" },
      ...items.map((item, i) => {
        const link = item.querySelector("a");
        const words = [...item.childNodes].map((node) => node.cloneNode(true));
        this.boxes?.[i].setAttribute(
          "aria-label",
          `${link?.textContent ?? item.textContent}: understood`,
        );
        return html(
          "li",
          {},
          /** @type {HTMLInputElement[]} */ (this.boxes)[i],
          html("span", {}, ...words),
        );
      }),
    );
    this.replaceChildren(
      list,
      this.said,
      html(
        "div",
        { class: "mg-row" },
        actor(this, "Clear all", () => this.clear()),
      ),
    );
    this.listen(window, "mg-progress storage", () => this.show());
    this.show();
  }

  /** @private @param {HTMLInputElement} box */
  tick(box) {
    const key = box.dataset.key ?? "";
    const isKept = box.checked ? solved(key, "understood") : forget(key);
    if (this.said)
      this.said.textContent = isKept
        ? ""
        : "This browser keeps nothing: the ticks last for this visit.";
  }

  /** @private */
  clear() {
    for (const box of this.boxes ?? []) forget(box.dataset.key ?? "");
  }

  /** @private */
  show() {
    const all = progress();
    for (const box of this.boxes ?? []) box.checked = Object.hasOwn(all, box.dataset.key ?? "");
    const done = this.boxes?.filter(({ checked }) => checked).length ?? 0;
    const count = this.boxes?.length ?? 0;
    this.summary(`${done} of ${count} ticked off${done === count ? ": that is all of it" : ""}.`);
  }
}

define("mg-checklist", MgChecklist);
