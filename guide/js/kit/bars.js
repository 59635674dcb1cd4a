// <mg-bars label="What follows a" digits="3" height="170">: one bar for each token, its name below.
// Zero is always at the bottom, and the top is said.
//
//     bars.data = { names: ["a", "b"], values: [0.7, 0.3], marked: 0 };
//
// Point, tap, or use the arrow keys to read a bar. Tells `mg-bar` {index}.

import { html, setAll, setText, svg, tableOf } from "./dom.js";
import { define, KitElement } from "./element.js";
import { written } from "./text.js";

/**
 * @typedef {object} BarsData
 * @property {string[]} names
 * @property {number[]} values none below zero; what is no number has no bar
 * @property {number | null} [marked] a bar in the marking colour
 * @property {number} [most] the value at full height; the largest there is if absent
 * @property {(index: number) => string} [say] a bar in words
 */

const SIZE = { left: 6, right: 6, top: 20, bottom: 26 };

export class MgBars extends KitElement {
  constructor() {
    super();
    /** @private @type {BarsData} */ this.content = { names: [], values: [] };
    /** @private @type {number | null} */ this.at = null;
    /** @private */ this.width = 640;
    /** @private what the bars were drawn for */ this.frame = "";
    /**
     * @private all bars are one shape, so are the marked and the read one above it: a drag then
     *   restyles three elements
     */
    this.bars = {
      all: svg("path", { class: "mg-bar" }),
      marked: svg("path", { class: "mg-bar mg-bar-marked" }),
      read: svg("path", { class: "mg-bar mg-bar-read" }),
    };
    /** @private a path for each bar @type {string[]} */ this.shapes = [];
    /** @private @type {SVGTextElement[]} */ this.labels = [];
    /** Sets the line below: `setLine` where it changes while something is dragged. */
    this.write = setText;
  }

  get data() {
    return this.content;
  }

  /** @param {BarsData} content */
  set data(content) {
    this.content = content;
    this.at = null;
    this.redraw(() => this.draw());
  }

  build() {
    this.frame = "";
    const label = this.getAttribute("label") ?? "Bars";
    this.picture = svg("svg", {
      class: "mg-bars-picture",
      tabindex: 0,
      role: "slider",
      "aria-orientation": "horizontal",
      "aria-label": label,
      "aria-valuenow": 0,
    });
    this.box = html("div", { class: "mg-plot-box" }, this.picture);
    this.readout = html("p", { class: "mg-readout" });
    this.replaceChildren(
      this.box,
      this.readout,
      tableOf(label, () => ({
        head: ["token", label],
        rows: this.content.names.map((name, i) => [
          name,
          written(this.content.values[i], this.digits),
        ]),
      })),
    );
    this.listen(this.picture, "pointermove pointerdown", (event) => {
      const { left, width } = event.currentTarget.getBoundingClientRect();
      const inside = ((event.clientX - left) / width) * this.width - SIZE.left;
      this.look(Math.floor(inside / this.step));
    });
    this.listen(this.picture, "keydown", (event) => {
      const now = this.at ?? this.content.marked ?? 0;
      const last = this.content.names.length - 1;
      const to = {
        ArrowLeft: now - 1,
        ArrowRight: now + 1,
        ArrowDown: now - 1,
        ArrowUp: now + 1,
        Home: 0,
        End: last,
      }[/** @type {string} */ (event.key)];
      if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.look(to);
    });
    const watcher = new ResizeObserver(() => {
      const width = Math.round(this.box?.clientWidth ?? 0);
      if (!width || Math.abs(width - this.width) <= 2) return;
      this.width = width;
      this.guard(() => this.draw());
    });
    watcher.observe(this.box);
    this.whenLeaving(() => watcher.disconnect());
    this.width = this.box.clientWidth || 640;
    this.draw();
  }

  /** @private */
  get digits() {
    return this.numberOf("digits", 3);
  }

  /** @private height of the picture in pixels */
  get height() {
    return this.numberOf("height", 170);
  }

  /** @private */
  get step() {
    return (this.width - SIZE.left - SIZE.right) / Math.max(1, this.content.names.length);
  }

  /** @private */
  draw() {
    if (!this.picture) return;
    const { names, values } = this.content;
    const [step, bottom] = [this.step, this.height - SIZE.bottom];
    const most = this.content.most ?? (Math.max(0, ...values.filter(Number.isFinite)) || 1);
    const tall = (/** @type {number} */ x) =>
      Number.isFinite(x) ? (Math.min(x, most) / most) * (bottom - SIZE.top) : 0;
    const wide = Math.max(4, Math.min(26, step - (step > 14 ? 4 : 2)));
    const frame = JSON.stringify([names, this.width]);
    if (frame !== this.frame) {
      this.frame = frame;
      this.labels = names.map((name, i) => {
        const x = SIZE.left + (i + 0.5) * step;
        const isLong = name.length > 1 && name.length * 7.5 > step + 2;
        return svg(
          "text",
          {
            x: isLong ? this.width - 1 : x,
            y: bottom + (isLong ? 25 : 14),
            "text-anchor": isLong ? "end" : "middle",
          },
          name,
        );
      });
      this.top = svg("text", { class: "mg-label", x: SIZE.left, y: 11 });
      this.picture.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
      this.picture.setAttribute("aria-valuemin", "0");
      this.picture.setAttribute("aria-valuemax", String(Math.max(0, names.length - 1)));
      this.picture.replaceChildren(
        this.top,
        svg("line", {
          class: "mg-axis",
          x1: SIZE.left,
          x2: this.width - SIZE.right,
          y1: bottom,
          y2: bottom,
        }),
        ...Object.values(this.bars),
        ...this.labels,
      );
    }
    if (this.top) setText(this.top, `full height: ${written(most, this.digits)}`);
    this.shapes = names.map(
      (_, i) =>
        `M${(SIZE.left + (i + 0.5) * step - wide / 2).toFixed(2)} ` +
        `${bottom}v${(-tall(values[i])).toFixed(2)}h${wide}V${bottom}Z`,
    );
    this.show();
  }

  /** @private @param {number} index */
  look(index) {
    if (!this.content.names.length) return;
    const at = Math.max(0, Math.min(this.content.names.length - 1, index));
    if (at === this.at) return;
    this.at = at;
    this.show();
    this.tell("mg-bar", { index: at });
  }

  /** @private */
  show() {
    const { names, values, marked, say } = this.content;
    if (!this.picture || !this.readout || !names.length) return;
    setAll(this.bars.all, { d: this.shapes.join("") });
    setAll(this.bars.marked, { d: this.shapes[marked ?? -1] ?? "" });
    setAll(this.bars.read, {
      d: this.shapes[this.at ?? -1] ?? "",
      class: `mg-bar${this.at === marked ? " mg-bar-marked" : ""} mg-bar-read`,
    });
    this.labels.forEach((label, i) =>
      setAll(label, { class: `mg-label${i === marked ? " mg-bar-name" : ""}` }),
    );
    const at = this.at ?? marked ?? values.indexOf(Math.max(...values));
    const text =
      names[at] === undefined
        ? ""
        : (say?.(at) ?? `${names[at]}: ${written(values[at], this.digits)}`);
    this.write(this.readout, text);
    setAll(this.picture, { "aria-valuenow": Math.max(0, at), "aria-valuetext": text });
  }
}

define("mg-bars", MgBars);
