// Sentences beside a picture, each of which sets it: by pointing, by focus, by a tap, and by being
// scrolled past. The one that the picture shows is lit. Scripts off, they are plain text elsewhere.

import { html, setAll, setText } from "./dom.js";

/** @typedef {{title: string, sentences: string[]}} Passage */

const TITLE = 28; // pixels: the title above a sentence comes along
const STILL = 2; // pixels: a pointer that moved less was moved by scrolling

export class Passages {
  /**
   * @param {import("./element.js").KitElement} host
   * @param {string} label
   * @param {(at: number) => void} chosen a sentence, counted through all passages
   */
  constructor(host, label, chosen) {
    /** @private */ this.chosen = chosen;
    this.root = html("div", { class: "mg-passages", role: "group", "aria-label": label });
    /** @type {HTMLSpanElement[]} */ this.sentences = [];
    /** @private @type {HTMLElement[]} */ this.titles = [];
    /** @private */ this.now = -1;
    /** @private whether the reader's hand scrolls */ this.byHand = false;
    /** @private */ this.last = { x: -1, y: -1 };
    this.hear(host);
  }

  /** @private @param {import("./element.js").KitElement} host */
  hear(host) {
    const { root } = this;
    const of = (/** @type {Event} */ event) =>
      this.sentences.indexOf(/** @type {any} */ (event.target).closest?.(".mg-passage"));
    const choose = (/** @type {number} */ at) => {
      if (at >= 0 && at !== this.now) this.chosen(at);
    };
    host.listen(root, "pointermove", (event) => {
      const { clientX: x, clientY: y } = event;
      const isStill = Math.hypot(x - this.last.x, y - this.last.y) < STILL;
      this.last = { x, y };
      if (isStill || event.pointerType === "touch") return;
      this.byHand = false;
      choose(of(event));
    });
    host.listen(root, "focusin", (event) => {
      this.byHand = false;
      choose(of(event));
    });
    host.listen(root, "click", (event) => choose(of(event)));
    host.listen(root, "keydown", (event) => {
      const way = { ArrowDown: 1, ArrowUp: -1 }[/** @type {string} */ (event.key)];
      const at = of(event);
      if (at < 0) return;
      if (event.key === "Enter" || event.key === " ") this.chosen(at);
      else if (way) this.sentences[at + way]?.focus();
      else return;
      event.preventDefault();
    });
    host.listen(root, "wheel touchmove", () => (this.byHand = true), { passive: true });
    host.listen(root, "pointerdown", (event) => {
      if (event.target === root) this.byHand = true; // its scroll bar
    });
    host.listen(root, "scroll", () => {
      if (this.byHand) choose(this.passed);
    });
  }

  /**
   * The sentence that has been read down to: the line moves from the top of the box to its foot
   * while it is scrolled, so that the first and the last have their turn.
   * @private
   */
  get passed() {
    const { scrollTop, clientHeight, scrollHeight } = this.root;
    const most = Math.max(1, scrollHeight - clientHeight);
    const line = scrollTop + (clientHeight * scrollTop) / most;
    const tops = this.sentences.map((one) => one.offsetTop);
    return Math.max(
      0,
      tops.findLastIndex((top) => top <= line + 1),
    );
  }

  /** Sets all texts; what is there stays. @param {Passage[]} passages */
  write(passages) {
    let at = 0;
    passages.forEach(({ title, sentences }, i) => {
      if (!this.titles[i]) {
        this.titles[i] = html("p", { class: "mg-passage-title" });
        const made = sentences.map(() =>
          html("span", { class: "mg-passage", role: "button", tabindex: 0 }),
        );
        this.sentences.push(...made);
        this.root.append(this.titles[i], ...made.map((one) => html("p", {}, one)));
      }
      setText(this.titles[i], title);
      for (const text of sentences) setText(this.sentences[at++], text);
    });
    this.now = Number.NaN; // longer texts have moved the one that is lit
  }

  /** Lights one, -1 for none, and brings it into the box. @param {number} at */
  show(at) {
    if (at === this.now) return;
    this.now = at;
    this.sentences.forEach((one, i) => setAll(one, { "aria-pressed": String(i === at) }));
    const one = this.sentences[at];
    const { root } = this;
    if (!one || this.byHand || root.matches(":hover, :focus-within")) return;
    const [top, low] = [one.offsetTop, one.offsetTop + one.offsetHeight];
    if (top < root.scrollTop || low > root.scrollTop + root.clientHeight)
      root.scrollTop = top - TITLE;
  }
}
