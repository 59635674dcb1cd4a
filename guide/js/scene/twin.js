// The flat view: the same numbers without a third dimension. A map of all tensors to tap, a menu of
// them, and the chosen one as a grid of the kit, which goes by arrow keys, is read aloud, and is a
// table too.

import { freshId, html } from "../kit/dom.js";
import "../kit/heat.js";
import { make, row } from "../kit/make.js";
import { gridOf } from "./grid.js";
import { madeAt, PHASES } from "./phases.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./numbers.js").Numbers} Numbers */
/** @typedef {import("./numbers.js").Place} Place */
/** @typedef {import("./colours.js").Moment} Moment */

export class FlatView {
  /**
   * @param {import("../kit/element.js").KitElement} host
   * @param {{pointed: (place: Place | null) => void, chosen: (name: string) => void}} tells
   */
  constructor(host, tells) {
    this.tells = tells;
    /** What is shown. @type {Layout | null} */ this.layout = null;
    /** @private @type {Uint8Array | null} */ this.bytes = null;
    /** @private */ this.token = 0;
    this.canvas = html("canvas", { class: "scene-map", role: "img" });
    this.chosen = html("select", { id: freshId("tensor"), class: "mg-select" });
    this.wait = html("p", { class: "mg-note" });
    this.room = html("div");
    this.root = html(
      "div",
      { class: "scene-flat" },
      this.canvas,
      row(html("label", { for: this.chosen.id }, "Tensor"), this.chosen),
      this.wait,
      this.room,
    );
    host.listen(this.chosen, "change", (event) => {
      event.stopPropagation();
      tells.chosen(this.chosen.value);
    });
    host.listen(this.room, "mg-cell", ({ detail }) =>
      tells.pointed(detail && this.placeOf ? this.placeOf(detail.row, detail.column) : null),
    );
    host.listen(this.canvas, "click", (event) => this.tap(event));
    const watcher = new ResizeObserver(() => this.draw());
    watcher.observe(this.canvas);
    host.whenLeaving(() => watcher.disconnect());
  }

  /**
   * @param {Layout} layout
   * @param {Numbers} numbers
   * @param {Moment} moment
   * @param {string} name of the tensor to show
   */
  show(layout, numbers, moment, name) {
    if (this.layout !== layout) {
      this.layout = layout;
      const option = (/** @type {import("./layout.js").Panel} */ panel) =>
        html("option", { value: panel.name }, `${panel.name} ${panel.shape.join(" × ")}`);
      const group = (/** @type {string} */ label, /** @type {boolean} */ weights) =>
        html(
          "optgroup",
          { label },
          ...layout.panels.filter((p) => p.isWeight === weights).map(option),
        );
      this.chosen.replaceChildren(group("Parameters", true), group("Computed on the way", false));
    }
    this.chosen.value = name;
    const { values, rows, columns, placeOf } = gridOf(numbers, name, moment);
    /** @private */ this.placeOf = placeOf;
    if (!this.heat || this.heat.getAttribute("label") !== name) {
      /** @private */ this.heat = make("mg-heat", { digits: 4, label: name });
      this.room.replaceChildren(this.heat);
    }
    this.heat.hidden = !values.length;
    const later = !numbers.real.weights[name] && madeAt(name, null) > moment.phase;
    this.wait.textContent = later
      ? `Not computed yet for this token: that is phase ${madeAt(name, null) + 1}, ` +
        `${PHASES[madeAt(name, null)].name}.`
      : "";
    this.heat.data = { values, rows, columns, most: numbers.most.get(name) };
  }

  /** The colours of the map. @param {Uint8Array} bytes @param {number} token the one on its way */
  paint(bytes, token) {
    Object.assign(this, { bytes, token });
    this.canvas.setAttribute(
      "aria-label",
      `All tensors of the model side by side, as in the scene, for position ${token}. The ` +
        "menu below has each of them.",
    );
    this.draw();
  }

  /**
   * Whether the map has this cell: parameters, and the numbers of the token on its way.
   * @private
   * @param {number} cell
   */
  hasCell(cell) {
    const layout = /** @type {Layout} */ (this.layout);
    return layout.panels[layout.panelOf[cell]].isWeight || layout.indices[3 * cell] === this.token;
  }

  /** @private */
  get scale() {
    const { low, high } = /** @type {Layout} */ (this.layout).box;
    const size = this.canvas.clientWidth / (high[0] - low[0] + 2);
    return { size, left: low[0] - 1, top: high[1] + 1, height: (high[1] - low[1] + 2) * size };
  }

  /** @private */
  draw() {
    const { layout, canvas, bytes } = this;
    if (!layout || !bytes || !canvas.clientWidth) return;
    const { size, left, top, height } = this.scale;
    const sharp = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.round(canvas.clientWidth * sharp);
    canvas.height = Math.round(height * sharp);
    const paper = canvas.getContext("2d");
    if (!paper) return;
    paper.scale(sharp, sharp);
    for (let cell = 0; cell < layout.count; cell++) {
      const share = bytes[4 * cell + 3] / 255;
      if (!share || !this.hasCell(cell)) continue;
      const side = size * 0.9 * share;
      paper.fillStyle = `rgb(${bytes[4 * cell]} ${bytes[4 * cell + 1]} ${bytes[4 * cell + 2]})`;
      paper.fillRect(
        (layout.centers[3 * cell] - left) * size - side / 2,
        (top - layout.centers[3 * cell + 1]) * size - side / 2,
        side,
        side,
      );
    }
  }

  /** Chooses the tensor that is tapped, or the nearest one. @private @param {MouseEvent} event */
  tap(event) {
    const { layout, canvas } = this;
    if (!layout) return;
    const box = canvas.getBoundingClientRect();
    const { size, left, top } = this.scale;
    const [x, y] = [
      (event.clientX - box.left) / size + left,
      top - (event.clientY - box.top) / size,
    ];
    const far = (/** @type {import("./layout.js").Panel} */ { box: { low, high } }) =>
      Math.max(low[0] - x, x - high[0], low[1] - y, y - high[1], 0);
    const nearest = layout.panels.reduce((best, panel) => (far(panel) < far(best) ? panel : best));
    this.tells.chosen(nearest.name);
  }
}
