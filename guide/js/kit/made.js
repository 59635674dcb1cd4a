// Numbers and the lines of code that make them: whatever has data-made="probs", a number in the
// text, a part of a figure, a quoted line of code, lights up together when one of them is pointed
// at, focused or tapped. Where no listing has the line in sight, a card shows it with the words of
// guide/notes/lines.md, beside what it is about and not over it.
//
//     make("mg-bars", { "data-made": "probs" })   <span data-made="probs">0.67</span>
//
// A drawing whose parts aren't all elements has `data-points`, and dispatches `mg-made` {kinds,
// told}; `told`, or `data-tells` on a figure, says that a card of its own has the line. Kinds that
// the page's template doesn't have do nothing.

import { placeFor } from "./beside.js";
import { html } from "./dom.js";

const LIT = "made-lit";
const WAIT_MS = 250; // a pointer that only passes opens no card
const MOST = 60; // characters of a number that the card repeats

/** @typedef {{source: Element, kinds: string[], told: boolean}} Pointed */

/** @param {EventTarget | null} target @param {string} attribute */
const isWithin = (target, attribute) =>
  target instanceof Element && target.closest(`[${attribute}]`) !== null;

class Made {
  /** @param {HTMLTemplateElement} template */
  constructor(template) {
    /** What is told of each kind. @type {Map<string, Element[]>} */
    this.told = new Map();
    for (const one of template.content.children) {
      const kind = one.getAttribute("data-name") ?? "";
      this.told.set(kind, [...(this.told.get(kind) ?? []), one]);
    }
    /** @type {Pointed | null} */ this.hovered = null;
    /** @type {Pointed | null} */ this.focused = null;
    /** @type {Pointed | null} */ this.held = null;
    /** @type {Pointed | null} */ this.now = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ this.later = undefined;
    this.card = html("div", { class: "made-card", role: "status", hidden: true });
    document.body.append(this.card);
    for (const one of document.querySelectorAll("main [data-made]")) {
      if (one.closest("[data-figure]")) continue;
      one.classList.add(one.matches(".line") ? "made-line" : "made-number");
      one.setAttribute("tabindex", "0");
    }
    this.listen();
  }

  /** @private */
  listen() {
    const on = document.addEventListener.bind(document);
    on("pointerover", (event) => {
      if (event.pointerType === "touch" || event.buttons || isWithin(event.target, "data-points"))
        return;
      this.set({ hovered: this.at(event.target) });
    });
    on("pointerout", (event) => {
      if (!event.relatedTarget) this.set({ hovered: null });
    });
    on("focusin", ({ target }) => {
      const isByKeys = target instanceof Element && target.matches(":focus-visible");
      this.set(isByKeys ? { hovered: null, focused: this.at(target) } : { focused: null });
    });
    on("focusout", () => this.set({ focused: null }));
    let isTouch = false; // not every browser says it of a click
    on("pointerdown", (event) => {
      isTouch = event.pointerType === "touch";
      this.hide();
    });
    on("click", (event) => {
      const at = this.at(event.target);
      const isText = at?.source.matches(".made-line, .made-number");
      const isHeld = at?.source !== this.held?.source && (isTouch || isText);
      this.set({ held: isHeld ? at : null });
      if (isHeld) this.wait(at, 0); // the press has put the card away
    });
    on("keydown", ({ key }) => {
      if (key === "Escape") this.set({ hovered: null, focused: null, held: null });
    });
    on("mg-made", (event) => {
      const { target, detail } = /** @type {CustomEvent} */ (event);
      if (target instanceof Element) this.set({ hovered: this.known(target, detail) });
    });
    addEventListener("scroll", () => this.wait(this.now, WAIT_MS), { passive: true });
  }

  /**
   * What is pointed at, if the page knows what makes it.
   * @private
   * @param {EventTarget | null} target
   */
  at(target) {
    const source = target instanceof Element ? target.closest("[data-made]") : null;
    const kinds = source?.getAttribute("data-made")?.split(" ") ?? [];
    return source && this.known(source, { kinds, told: isWithin(source, "data-tells") });
  }

  /**
   * @private
   * @param {Element} source
   * @param {{kinds: string[], told: boolean}} what
   * @returns {Pointed | null}
   */
  known(source, { kinds, told }) {
    const mine = kinds.filter((kind) => this.told.has(kind));
    return mine.length ? { source, kinds: mine, told } : null;
  }

  /** @private @param {Partial<Record<"hovered" | "focused" | "held", Pointed | null>>} changes */
  set(changes) {
    Object.assign(this, changes);
    const next = this.hovered ?? this.focused ?? this.held;
    const { now } = this;
    if (next?.source === now?.source && next?.kinds.join() === now?.kinds.join()) return;
    this.now = next;
    this.light(next?.kinds ?? []);
    this.wait(next, next === this.hovered ? WAIT_MS : 0);
  }

  /**
   * The card goes, and comes for this after a while.
   * @private
   * @param {Pointed | null} what
   * @param {number} ms
   */
  wait(what, ms) {
    this.hide();
    if (!what || what.told || what.source.matches(".line")) return;
    this.later = setTimeout(() => this.tell(what), ms);
  }

  /** @private @param {string[]} kinds */
  light(kinds) {
    const wanted = new Set(
      kinds.flatMap((kind) => [...document.querySelectorAll(`[data-made~="${kind}"]`)]),
    );
    for (const one of document.querySelectorAll(`.${LIT}`))
      if (!wanted.has(one)) one.classList.remove(LIT);
    for (const one of wanted) one.classList.add(LIT);
  }

  /** @private */
  hide() {
    clearTimeout(this.later);
    this.card.hidden = true;
  }

  /** Shows the card, unless the line itself is in sight. @private @param {Pointed} what */
  tell({ source, kinds }) {
    if (!source.isConnected) return;
    const lines = [...document.querySelectorAll(`.line.${LIT}`)];
    const top = headHeight();
    const inSight = lines.some((line) => {
      const box = line.getBoundingClientRect();
      return box.height > 0 && box.top >= top && box.bottom <= innerHeight;
    });
    if (inSight) return;
    const number = numberOf(source);
    const told = kinds.flatMap((kind) => this.told.get(kind) ?? []);
    this.card.replaceChildren(
      ...(number ? [html("p", { class: "made-value" }, number)] : []),
      ...told.flatMap((one) => [...one.children].map((part) => part.cloneNode(true))),
    );
    this.card.hidden = false;
    const { width, height } = this.card.getBoundingClientRect();
    const spot = placeFor(
      { width, height },
      source.getBoundingClientRect(),
      source.closest("[data-figure]")?.getBoundingClientRect() ?? null,
      { left: 0, top, right: document.documentElement.clientWidth, bottom: innerHeight },
    );
    this.card.style.left = `${spot.x}px`;
    this.card.style.top = `${spot.y}px`;
  }
}

/** What stands over the page's top. */
function headHeight() {
  const head = document.querySelector(".bar");
  const isOver = head && ["sticky", "fixed"].includes(getComputedStyle(head).position);
  return isOver ? Math.max(0, head.getBoundingClientRect().bottom) : 0;
}

/** A number as it stands there, or as its picture reads it. @param {Element} source */
function numberOf(source) {
  const text = source.querySelector(".mg-readout")?.textContent ?? source.textContent ?? "";
  return text.length <= MOST ? text.trim() : "";
}

/** @type {Made | null} */
let made = null;

/** Begins on a page that has such a template, once. @param {HTMLTemplateElement} template */
export function startMade(template) {
  return (made ??= new Made(template));
}
