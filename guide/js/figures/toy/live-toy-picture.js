// The drawing of the toy GPT whose numbers move: each trained one is an edge that can be read, by
// pointing at it or by the arrow keys.

import { html, svg, tableOf } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import { toyCache, toyForward, toyWeights } from "../../numbers/toy.js";
import { ToyDrawing } from "./toy-drawing.js";
import { shownOfRow } from "./toy-shown.js";
import { edgeName, isTrained } from "./toy-plan.js";

/** @typedef {import("../../numbers/toy.js").ToyWeights} ToyWeights */
/** @typedef {import("./toy-plan.js").Edge} Edge */

const NEAR_PX = 12;
const CACHE = toyCache("pinned");

export class ToyPicture extends ToyDrawing {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {string} label
   * @param {HTMLElement | null} [picker] buttons for the token that is fed in
   */
  constructor(host, label, picker = null) {
    super(host, { label, hasStations: false, picker });
    /** @private */ this.first = toyWeights();
    /** @private */ this.isChange = false;
    /** @private the edge that is looked at @type {string | null} */ this.at = null;
    this.frame = svg("line", { class: "td-read" });
    for (const [name, value] of Object.entries({
      tabindex: 0,
      role: "slider",
      "aria-label": `${label}: trained numbers`,
      "aria-valuemin": 1,
    }))
      this.picture.setAttribute(name, String(value));
    this.readout = html("p", { class: "mg-readout lt-readout" });
    this.table = tableOf(`${label}: all trained numbers`, () => ({
      head: ["number", "initially", "now"],
      rows: this.trained.map((edge) => [
        edgeName(edge),
        written(this.firstOf(edge), 4),
        written(this.weightOf(edge), 4),
      ]),
    }));
    host.listen(this.picture, "pointermove pointerdown", (event) => this.point(event));
    host.listen(this.picture, "keydown", (event) => this.key(event));
    this.drawnOver = () => {
      this.picture.append(this.frame);
      this.picture.setAttribute("aria-valuemax", String(this.trained.length));
      this.read();
    };
    this.drawnOver();
  }

  get trained() {
    return this.edges.filter(isTrained);
  }

  /**
   * Shows these weights, and what they make of a token.
   * @param {ToyWeights} weights
   * @param {number} token
   * @param {boolean} [isChange] edges show how far they have moved
   */
  feed(weights, token, isChange = false) {
    this.isChange = isChange;
    this.show(shownOfRow(toyForward({ token }, weights), token, CACHE), weights);
    this.read();
  }

  /** @param {Edge} edge */
  valueOf(edge) {
    if (!this.isChange) return super.valueOf(edge);
    return isTrained(edge) ? this.weightOf(edge) - this.firstOf(edge) : 0;
  }

  /** @private @param {Edge} edge */
  weightOf({ matrix, row, index }) {
    return this.weights[matrix][row][index];
  }

  /** @private @param {Edge} edge */
  firstOf({ matrix, row, index }) {
    return this.first[matrix][row][index];
  }

  /** @private @param {PointerEvent} event */
  point(event) {
    const { left, top, width } = this.picture.getBoundingClientRect();
    const unit = (this.plan?.width ?? width) / width;
    const [x, y] = [(event.clientX - left) * unit, (event.clientY - top) * unit];
    let [best, at] = [NEAR_PX * unit, ""];
    for (const { id } of this.trained) {
      const line = /** @type {SVGElement} */ (this.lines.get(id));
      const [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map((name) =>
        Number(line.getAttribute(name)),
      );
      const [dx, dy] = [x2 - x1, y2 - y1];
      const t = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy)));
      const apart = Math.hypot(x - x1 - t * dx, y - y1 - t * dy);
      if (apart < best) [best, at] = [apart, id];
    }
    if (!at && event.type === "pointermove") return;
    this.look(at || null);
  }

  /** @private @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = this.trained;
    const now = all.findIndex(({ id }) => id === this.at);
    const last = all.length - 1;
    const to = {
      ArrowRight: now + 1,
      ArrowDown: now + 1,
      ArrowLeft: now - 1,
      ArrowUp: now - 1,
      Home: 0,
      End: last,
      PageDown: now + 8,
      PageUp: now - 8,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.look(all[Math.max(0, Math.min(last, to))].id);
  }

  /** @private @param {string | null} at */
  look(at) {
    if (at === this.at) return;
    this.at = at;
    this.read();
  }

  /** The edge that is looked at, in words. @private */
  read() {
    const all = this.trained;
    const edge = all.find(({ id }) => id === this.at);
    this.frame.toggleAttribute("data-on", edge !== undefined);
    if (!edge) {
      const text = "Point at an edge, or use the arrow keys, to read its number.";
      if (this.readout.textContent !== text) this.readout.textContent = text;
      this.picture.setAttribute("aria-valuenow", "1");
      this.picture.setAttribute("aria-valuetext", "none chosen yet");
      return;
    }
    const line = /** @type {SVGElement} */ (this.lines.get(edge.id));
    for (const name of ["x1", "y1", "x2", "y2"])
      this.frame.setAttribute(name, String(line.getAttribute(name)));
    const [first, now] = [this.firstOf(edge), this.weightOf(edge)];
    const moved =
      first === now
        ? "as initially"
        : `initially ${written(first, 4)}, moved by ${written(now - first, 4)}`;
    const text = `${edgeName(edge)} = ${written(now, 4)}, ${moved}.`;
    this.readout.textContent = text;
    this.picture.setAttribute("aria-valuenow", String(all.indexOf(edge) + 1));
    this.picture.setAttribute("aria-valuetext", text);
  }
}
