// A small plane to draw a curve of one variable on, with axes, and a point that is dragged along it
// by mouse, finger or arrow keys.

import { html, renew, svg } from "../../kit/dom.js";
import { ticks } from "../../kit/text.js";

const EDGE = { left: 52, right: 14, top: 26, bottom: 40 };
const NARROW = 520; // px: a phone

/** @typedef {{low: number, high: number}} Range */

export class Plane {
  /**
   * @param {{label: string, x: Range, y: Range, xLabel: string, yLabel: string, height?: number,
   *   low?: number, marks?: {x?: number[], y?: number[]}}} how height and low: px, where there is
   *   room and on a phone; marks: ticks other than the usual
   */
  constructor({ label, x, y, xLabel, yLabel, height = 400, low = 260, marks = {} }) {
    this.x = x;
    this.y = y;
    this.names = [xLabel, yLabel];
    this.width = 560;
    this.height = height;
    this.marks = marks;
    /** @private */ this.heights = { low, high: height };
    /** how the ticks are written @type {{x: (t: number) => string, y: (t: number) => string}} */
    this.ticked = { x: short, y: short };
    this.picture = svg("svg", { class: "mg-plot plane", role: "img", "aria-label": label });
    /** @private */ this.parts = svg("g");
    /** @private what the frame was drawn for */ this.framed = "";
    /**
     * @private the last curve
     * @type {{of: Function, framed: string, d: string} | null}
     */
    this.curved = null;
  }

  /** @param {number} x */
  px(x) {
    return (
      EDGE.left +
      ((x - this.x.low) / (this.x.high - this.x.low)) * (this.width - EDGE.left - EDGE.right)
    );
  }

  /** @param {number} y */
  py(y) {
    return (
      this.height -
      EDGE.bottom -
      ((y - this.y.low) / (this.y.high - this.y.low)) * (this.height - EDGE.top - EDGE.bottom)
    );
  }

  /** The place that a pointer means. @param {PointerEvent | MouseEvent} event */
  at(event) {
    const box = this.picture.getBoundingClientRect();
    const share =
      ((event.clientX - box.left) * (this.width / box.width) - EDGE.left) /
      (this.width - EDGE.left - EDGE.right);
    return this.x.low + Math.max(0, Math.min(1, share)) * (this.x.high - this.x.low);
  }

  /** The height that a pointer means. @param {PointerEvent | MouseEvent} event */
  heightAt(event) {
    const box = this.picture.getBoundingClientRect();
    const share =
      ((event.clientY - box.top) * (this.height / box.height) - EDGE.top) /
      (this.height - EDGE.top - EDGE.bottom);
    return this.y.high - Math.max(0, Math.min(1, share)) * (this.y.high - this.y.low);
  }

  /** Fits the box it stands in; whether that changed anything. */
  fit() {
    const width = Math.max(
      240,
      Math.min(1100, Math.round(this.picture.parentElement?.clientWidth || this.width)),
    );
    if (width === this.width) return false;
    this.width = width;
    this.height = innerWidth < NARROW ? this.heights.low : this.heights.high;
    return true;
  }

  /**
   * Draws axes and the given parts.
   * @param {SVGElement[]} parts
   */
  draw(parts) {
    this.frame();
    renew(this.parts, ...parts);
  }

  /** Grid, axes and names, for as long as ranges and size stay. @private */
  frame() {
    const { x, y, names } = this;
    const frame = JSON.stringify([x, y, names, this.width, this.height, this.marks]);
    if (frame === this.framed) return;
    this.framed = frame;
    const [right, bottom] = [this.width - EDGE.right, this.height - EDGE.bottom];
    this.picture.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    const ys = this.marks.y ?? ticks(this.y.low, this.y.high, this.height < 280 ? 4 : 6);
    const xs = this.marks.x ?? ticks(this.x.low, this.x.high, this.width < 420 ? 5 : 8);
    const { ticked } = this;
    this.picture.replaceChildren(
      ...ys.flatMap((t) => [
        svg("line", {
          class: "mg-gridline",
          x1: EDGE.left,
          x2: right,
          y1: this.py(t),
          y2: this.py(t),
        }),
        svg(
          "text",
          {
            class: "mg-label",
            x: EDGE.left - 6,
            y: this.py(t),
            "text-anchor": "end",
            "dominant-baseline": "central",
          },
          ticked.y(t),
        ),
      ]),
      ...xs.map((t) =>
        svg(
          "text",
          { class: "mg-label", x: this.px(t), y: bottom + 17, "text-anchor": "middle" },
          ticked.x(t),
        ),
      ),
      svg("line", { class: "mg-axis", x1: EDGE.left, x2: right, y1: bottom, y2: bottom }),
      svg(
        "text",
        { class: "mg-label", x: right, y: this.height - 4, "text-anchor": "end" },
        this.names[0],
      ),
      svg("text", { class: "mg-label", x: 2, y: 12 }, this.names[1]),
      this.parts,
    );
  }

  /**
   * The curve of a function, broken where it has no value or leaves the plane. The same function on
   * the same frame isn't computed again.
   * @param {(x: number) => number} of
   * @param {string} kind
   */
  curve(of, kind) {
    this.frame();
    if (this.curved?.of === of && this.curved.framed === this.framed)
      return svg("path", { class: kind, d: this.curved.d });
    let d = "";
    let isOpen = false;
    for (let i = 0; i <= 240; i++) {
      const x = this.x.low + (i / 240) * (this.x.high - this.x.low);
      const y = of(x);
      const isHere = y >= this.y.low && y <= this.y.high;
      if (isHere) d += `${isOpen ? "L" : "M"}${this.px(x).toFixed(1)} ${this.py(y).toFixed(1)}`;
      isOpen = isHere;
    }
    this.curved = { of, framed: this.framed, d };
    return svg("path", { class: kind, d });
  }

  /**
   * A straight line through a place.
   * @param {number} x
   * @param {number} y
   * @param {number} slope
   * @param {string} kind
   */
  line(x, y, slope, kind) {
    const { low, high } = this.y;
    const ends = [this.x.low, this.x.high].map((end) => {
      const there = Math.max(low, Math.min(high, y + slope * (end - x)));
      return {
        x: slope && there !== y + slope * (end - x) ? x + (there - y) / slope : end,
        y: there,
      };
    });
    const isSeen = ends[0].x < ends[1].x && (slope !== 0 || (y >= low && y <= high));
    const d = isSeen
      ? ends
          .map(
            (end, i) => `${i ? "L" : "M"}${this.px(end.x).toFixed(1)} ${this.py(end.y).toFixed(1)}`,
          )
          .join("")
      : "";
    return svg("path", { class: kind, d });
  }

  /** @param {number} x @param {number} y @param {string} kind @param {number} [r] */
  dot(x, y, kind, r = 6) {
    return svg("circle", { class: kind, cx: this.px(x), cy: this.py(y), r });
  }
}

/** @param {number} t */
const short = (t) => String(t).replace("-", "−");

/**
 * What the lines and marks of a picture are.
 * @param {{class: string, name: string, mark?: "line" | "dot" | "box"}[]} entries class: as in the
 *   picture
 */
export function legend(entries) {
  return html(
    "ul",
    { class: "plane-legend" },
    ...entries.map(({ class: looks, name, mark }) => html("li", {}, key(looks, mark), name)),
  );
}

/** A sample of a line or mark. @param {string} looks @param {"line" | "dot" | "box"} [mark] */
export const key = (looks, mark = "line") =>
  svg(
    "svg",
    { class: "mg-key", viewBox: "0 0 28 10", "aria-hidden": "true" },
    mark === "dot"
      ? svg("circle", { class: looks, cx: 14, cy: 5, r: 4.5 })
      : mark === "box"
        ? svg("rect", { class: looks, x: 2, width: 24, height: 10 })
        : svg("path", { class: looks, d: "M1 5H27" }),
  );

/**
 * Hears dragging on the plane, from the first press on.
 * @param {import("../../kit/element.js").KitElement} host
 * @param {Plane} plane
 * @param {(x: number, event: PointerEvent, isFirst: boolean) => void} moved
 */
export function dragged(host, plane, moved) {
  draggedOn(host, plane.picture, (event, isFirst) => moved(plane.at(event), event, isFirst));
}

/**
 * The same on any picture.
 * @param {import("../../kit/element.js").KitElement} host
 * @param {SVGSVGElement} picture
 * @param {(event: PointerEvent, isFirst: boolean) => void} moved
 */
export function draggedOn(host, picture, moved) {
  let isHeld = false;
  host.listen(picture, "pointerdown", (event) => {
    if (event.button !== 0) return;
    isHeld = true;
    picture.setPointerCapture(event.pointerId);
    moved(event, true);
  });
  host.listen(picture, "pointermove", (event) => {
    if (isHeld) moved(event, false);
  });
  host.listen(picture, "pointerup pointercancel", () => {
    isHeld = false;
  });
}

/**
 * Width of a picture's box, so that its text keeps its size on small screens; draws again on
 * change.
 * @param {import("../../kit/element.js").KitElement} host
 * @param {Element} box
 * @param {() => void} draw
 * @param {number} [most]
 * @returns {() => number}
 */
export function widthOf(host, box, draw, most = 1100) {
  const now = () => Math.max(240, Math.min(most, Math.round(box.clientWidth || most)));
  // Asking means laying the page out: it is asked once, and when the box changes.
  let width = 0;
  const watcher = new ResizeObserver(() => {
    const before = width;
    width = now();
    if (width !== before) host.guard(draw);
  });
  watcher.observe(box);
  host.whenLeaving(() => watcher.disconnect());
  return () => (width ||= now());
}

/**
 * Draws again when the box it stands in gets another width.
 * @param {import("../../kit/element.js").KitElement} host
 * @param {Plane} plane
 * @param {() => void} draw
 */
export function fitted(host, plane, draw) {
  const box = plane.picture.parentElement;
  if (!box) return;
  const watcher = new ResizeObserver(() => {
    if (plane.fit()) host.guard(draw);
  });
  watcher.observe(box);
  host.whenLeaving(() => watcher.disconnect());
  plane.fit();
}
