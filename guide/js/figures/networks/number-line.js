// A number in a picture that is dragged: by mouse or finger, or by arrow keys once it has the
// focus. Shift makes ten steps of one, a double-click sets it back. On a line of its own it stands
// between ticks, its name and number above.

import { svg } from "../../kit/dom.js";
import { isHidden } from "../../kit/state.js";
import { decimals, snapped, written } from "../../kit/text.js";

/** @typedef {{x: number, y: number}} Point in px of the picture */
/**
 * @typedef {object} Held
 * @property {string} label what it is called when it is heard
 * @property {string} [control] by which a teacher hides it
 * @property {number} min
 * @property {number} max
 * @property {number} initial
 * @property {string} [kind] of number: x, param, ...; decides its colour
 * @property {number} [step] that dragging and keys go by
 * @property {(value: number) => void} moved
 */

const KEYS = /** @type {Record<string, number>} */ ({
  ArrowRight: 1,
  ArrowUp: 1,
  ArrowLeft: -1,
  ArrowDown: -1,
  PageUp: 10,
  PageDown: -10,
});

export class Grip {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {Held & {valueAt: (place: Point) => number}} how
   */
  constructor(host, how) {
    const { label, min, max, initial, kind = "x", step = 0.1, moved, valueAt } = how;
    this.value = initial;
    this.node = svg(
      "g",
      {
        class: "net-grip",
        "data-kind": kind,
        role: "slider",
        tabindex: 0,
        "aria-label": label,
        "aria-valuemin": min,
        "aria-valuemax": max,
      },
      svg("circle", { class: "net-reach", r: 22 }),
      svg("circle", { class: "net-grip-dot", r: 9 }),
    );
    if (how.control && isHidden(how.control)) this.node.setAttribute("display", "none");
    const limits = { min, max, step };
    const { node } = this;
    let isHeld = false;
    host.listen(node, "pointerdown", (event) => {
      if (event.button) return;
      isHeld = true;
      node.setPointerCapture(event.pointerId);
    });
    host.listen(node, "pointermove", (event) => {
      const picture = node.ownerSVGElement;
      if (!isHeld || !picture) return;
      event.preventDefault();
      const box = picture.getBoundingClientRect();
      const ratio = picture.viewBox.baseVal.width / (box.width || 1);
      const x = valueAt({
        x: (event.clientX - box.left) * ratio,
        y: (event.clientY - box.top) * ratio,
      });
      if (Number.isFinite(x)) moved(snapped(x, limits));
    });
    host.listen(node, "pointerup pointercancel", () => (isHeld = false));
    host.listen(node, "dblclick", () => moved(initial));
    host.listen(node, "keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const by = (KEYS[event.key] ?? 0) * step * (event.shiftKey ? 10 : 1);
      const ends = /** @type {Record<string, number>} */ ({ Home: min, End: max });
      const places = Math.max(decimals(this.value), decimals(step));
      const to = by ? Number((this.value + by).toFixed(Math.min(12, places))) : ends[event.key];
      if (to === undefined) return;
      event.preventDefault();
      moved(Math.max(min, Math.min(max, to)));
    });
  }

  /** @param {Point} place @param {number} value */
  put({ x, y }, value) {
    this.value = value;
    set(this.node, "transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
    const digits = Math.max(2, Math.min(6, decimals(value)));
    set(this.node, "aria-valuenow", String(value));
    set(this.node, "aria-valuetext", written(value, digits).replace("−", "minus "));
  }
}

export class NumberLine {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {Held & {name?: string}} how name: as it is written, else the label
   */
  constructor(host, how) {
    const { min, max, label, name = label } = how;
    this.range = { min, max };
    /** @private */ this.place = { left: 0, y: 0, width: 100 };
    this.grip = new Grip(host, {
      ...how,
      label: `${label}, to drag`,
      valueAt: ({ x }) => this.valueOf(x),
    });
    /** @private */ this.line = svg("path", { class: "net-axis" });
    /** @private */ this.number = svg("tspan", { class: "net-text" });
    /** @private */ this.text = svg(
      "text",
      { class: "net-name", "data-kind": how.kind ?? "x" },
      `${name} = `,
      this.number,
    );
    const marks = [...new Set([min, 0, max])].filter((x) => x >= min && x <= max);
    /** @private */ this.ticks = marks.map((x) => ({
      x,
      label: svg("text", { class: "mg-label", "text-anchor": "middle" }, written(x, decimals(x))),
    }));
    const labels = this.ticks.map(({ label: one }) => one);
    this.node = svg("g", {}, this.line, ...labels, this.text, this.grip.node);
  }

  /** @private @param {number} px */
  valueOf(px) {
    const { left, width } = this.place;
    const { min, max } = this.range;
    return min + ((px - left) / width) * (max - min);
  }

  /** @param {number} value */
  pxOf(value) {
    const { left, width } = this.place;
    const { min, max } = this.range;
    return left + ((value - min) / (max - min)) * width;
  }

  /**
   * Where it stands: from 30 px above `y` to 26 px below.
   * @param {number} left
   * @param {number} y
   * @param {number} width
   */
  stand(left, y, width) {
    this.place = { left, y, width };
    const marks = this.ticks.map(({ x }) => `M${this.pxOf(x).toFixed(1)} ${y - 4}v8`).join("");
    set(this.line, "d", `M${left} ${y}h${width}${marks}`);
    for (const { x, label } of this.ticks) {
      set(label, "x", this.pxOf(x).toFixed(1));
      set(label, "y", String(y + 22));
    }
    set(this.text, "x", String(left));
    set(this.text, "y", String(y - 16));
  }

  /** @param {number} value */
  show(value) {
    const text = written(value, Math.max(2, Math.min(4, decimals(value))));
    if (this.number.textContent !== text) this.number.textContent = text;
    this.grip.put({ x: this.pxOf(value), y: this.place.y }, value);
  }
}

/** @param {Element} one @param {string} name @param {string} value */
export function set(one, name, value) {
  if (one.getAttribute(name) !== value) one.setAttribute(name, value);
}

/**
 * Calls with the width of a box, now and whenever it has another one.
 * @param {import("../../kit/element.js").KitElement} host
 * @param {HTMLElement} box
 * @param {(width: number) => void} changed
 */
export function onWidth(host, box, changed) {
  let known = 0;
  const watcher = new ResizeObserver(() => {
    const width = Math.round(box.clientWidth);
    if (!width || width === known) return;
    known = width;
    host.guard(() => changed(width));
  });
  watcher.observe(box);
  host.whenLeaving(() => watcher.disconnect());
}
