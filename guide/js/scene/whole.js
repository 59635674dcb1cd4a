// A figure over the whole window: opened by a button, closed by the same button or by Escape. It
// stays where it is in the page, and the rest of the page can't be reached meanwhile.

import { setText } from "../kit/dom.js";

export class Whole {
  /**
   * @param {import("../kit/element.js").KitElement} host
   * @param {HTMLElement} figure
   * @param {HTMLButtonElement} button
   * @param {string} label of the figure while it is over the window
   */
  constructor(host, figure, button, label) {
    /** @private */ this.host = host;
    /** @private */ this.figure = figure;
    /** @private */ this.button = button;
    /** @private */ this.label = label;
    this.isOpen = false;
    /** @private @type {Element[]} */ this.shut = [];
    host.listen(button, "click", () => (this.isOpen ? this.close() : this.open()));
    // Wherever the focus is: a click beside all controls leaves it outside of the figure.
    host.listen(document, "keydown", (event) => {
      if (event.key !== "Escape" || !this.isOpen) return;
      event.stopPropagation();
      this.close();
    });
    host.whenLeaving(() => this.close());
    this.name();
  }

  open() {
    const { figure } = this;
    this.isOpen = true;
    figure.setAttribute("data-whole", "");
    figure.setAttribute("role", "dialog");
    figure.setAttribute("aria-modal", "true");
    figure.setAttribute("aria-label", this.label);
    figure.setAttribute("popover", "manual");
    figure.showPopover?.();
    document.documentElement.setAttribute("data-whole", "");
    /** @type {Element | null} */
    let inner = figure;
    for (; inner && inner !== document.body; inner = inner.parentElement)
      for (const one of inner.parentElement?.children ?? [])
        if (one !== inner && !one.hasAttribute("inert")) this.shut.push(one);
    for (const one of this.shut) one.setAttribute("inert", "");
    this.name();
    this.button.focus();
  }

  close() {
    if (!this.isOpen) return;
    const { figure } = this;
    this.isOpen = false;
    for (const one of this.shut.splice(0)) one.removeAttribute("inert");
    document.documentElement.removeAttribute("data-whole");
    for (const name of ["data-whole", "role", "aria-modal", "aria-label", "popover"])
      figure.removeAttribute(name);
    this.name();
    this.button.focus({ preventScroll: true });
  }

  /** @private */
  name() {
    setText(this.button, this.isOpen ? "Close" : "Whole window");
    this.button.setAttribute("aria-expanded", String(this.isOpen));
  }
}
