// Cards in a grid, and wires between them: what was made from what. Where the cards stand is the
// sheet's business; the wires follow, also when a narrow screen puts the cards differently.

import { html, renew, svg } from "../../kit/dom.js";

const ROOM = 30; // px between cards that a wire needs to go across

/**
 * @typedef {object} Wire
 * @property {string} from
 * @property {string} to
 * @property {string} [text]
 * @property {"" | "lit" | "back"} [state] lit: looked at; back: a gradient goes along it
 */
/** @typedef {{x: number, y: number, w: number, h: number}} Box */

export class Wires {
  /** @param {string} looks class of the grid */
  constructor(looks) {
    this.picture = svg("svg", { class: "wires-lines", "aria-hidden": "true" });
    this.grid = html("div", { class: `wires ${looks}` });
    this.box = html("div", { class: "wires-box" }, this.picture, this.grid);
    /** @private @type {Wire[]} */ this.wires = [];
  }

  /** @param {Record<string, HTMLElement>} cards by name @param {Wire[]} wires */
  set(cards, wires) {
    this.wires = wires;
    for (const [name, card] of Object.entries(cards)) card.dataset.place = name;
    renew(this.grid, ...Object.values(cards)); // which keeps the cards that are there
    this.draw();
  }

  /**
   * Draws again when the box gets another size.
   * @param {import("../../kit/element.js").KitElement} host
   */
  follow(host) {
    const watcher = new ResizeObserver(() => host.guard(() => this.draw()));
    watcher.observe(this.grid);
    host.whenLeaving(() => watcher.disconnect());
  }

  /** @private */
  draw() {
    const [wide, high] = [this.grid.offsetWidth, this.grid.offsetHeight];
    if (!wide) return;
    this.picture.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    const cards = /** @type {HTMLElement[]} */ ([...this.grid.children]);
    const boxes = Object.fromEntries(
      cards.map((card) => [
        card.dataset.place ?? "",
        { x: card.offsetLeft, y: card.offsetTop, w: card.offsetWidth, h: card.offsetHeight },
      ]),
    );
    renew(this.picture, ...this.wires.map((wire) => this.line(wire, boxes)));
  }

  /** @private @param {Wire} wire @param {Record<string, Box>} boxes */
  line({ from, to, text = "", state = "" }, boxes) {
    const [a, b] = [boxes[from], boxes[to]];
    const isAcross = b.x >= a.x + a.w + ROOM;
    // Wires at one card stand in the order of their other ends, so that they don't cross there.
    const share = (/** @type {string[]} */ others, /** @type {string} */ other) => {
      const place = (/** @type {string} */ one) => (isAcross ? boxes[one].y : boxes[one].x);
      const sorted = others.sort((one, two) => place(one) - place(two));
      return (sorted.indexOf(other) + 1) / (sorted.length + 1);
    };
    const ends = this.wires.filter((wire) => wire.from === from).map((wire) => wire.to);
    const starts = this.wires.filter((wire) => wire.to === to).map((wire) => wire.from);
    const [s, e] = [share(ends, to), share(starts, from)];
    const [x1, y1] = isAcross ? [a.x + a.w, a.y + a.h * s] : [a.x + a.w * s, a.y + a.h];
    const [x2, y2] = isAcross ? [b.x - 8, b.y + b.h * e] : [b.x + b.w * e, b.y - 8];
    const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
    const bend = isAcross ? `${mx} ${y1} ${mx} ${y2}` : `${x1} ${my} ${x2} ${my}`;
    const tip = isAcross ? `M${x2} ${y2 - 5}v10l8 -5z` : `M${x2 - 5} ${y2}h10l-5 8z`;
    const label = { class: "wires-label mg-halo", "text-anchor": "middle" };
    return svg(
      "g",
      { class: "wires-wire", "data-state": state },
      svg("path", { class: "wires-line", d: `M${x1} ${y1}C${bend} ${x2} ${y2}` }),
      svg("path", { class: "wires-tip", d: tip }),
      svg("text", { ...label, x: mx, y: my, "dominant-baseline": "central" }, text),
    );
  }
}
