// The scene on the page: a canvas that turns by dragging and by keys, names over it, and the cell
// under the pointer. It draws one frame when something has changed, and none otherwise.

import { html, prefersLessMotion, setAll, svg } from "../kit/dom.js";
import {
  between,
  eyePoint,
  FIRST,
  framing,
  moved,
  orbited,
  pictureMatrix,
  projected,
  rayThrough,
  zoomed,
} from "./camera.js";
import { NoPicture, Picture } from "./gl.js";
import { isSeen, pick, withRoom } from "./picking.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./layout.js").Panel} Panel */
/** @typedef {import("./camera.js").View} View */
/**
 * @typedef {{turn: number, tilt: number, zoom: number, dx: number, dy: number}} Stance what the
 *   reader has turned it to
 */

export const STANCE = Object.freeze({ ...FIRST, zoom: 1, dx: 0, dy: 0 });
const GLIDE_MS = 450;
const STEP = 10; // degrees a key turns
const TAP_PX = 6;
const KEYS = "Arrow keys turn it, with Shift they move it, plus and minus zoom, 0 sets it back.";

export class SceneView {
  /**
   * The picture is made when it first comes to the screen; `none` is told where there is no WebGL.
   * @param {import("../kit/element.js").KitElement} host
   * @param {{pointed: (cell: number, byTap: boolean) => void, stood: (stance: Stance) => void,
   *   lost: () => void, back: () => void, none: () => void}} tells
   */
  constructor(host, tells) {
    this.host = host;
    this.tells = tells;
    /** @type {Stance} */ this.stance = { ...STANCE };
    this.frames = 0;
    /** @private @type {Layout | null} */ this.layout = null;
    /** @private @type {Uint8Array} */ this.bytes = new Uint8Array();
    /** @private @type {[number, number, number]} */ this.paper = [255, 255, 255];
    /** @private @type {number} */ this.pointed = -1;
    /** @private @type {View | null} */ this.seen = null;
    /** @private @type {{from: View, began: number} | null} */ this.glide = null;
    /** @private */ this.asked = 0;
    /** @private */ this.isNear = false; // what is off the screen isn't drawn
    /** @private in pixels of the page: asking for it would lay the page out */ this.size = {
      w: 0,
      h: 0,
    };
    this.canvas = html("canvas", {
      class: "scene-canvas",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "scene to turn",
    });
    this.names = svg("svg", { class: "scene-names", "aria-hidden": "true" });
    this.root = html("div", { class: "scene-view" }, this.canvas, this.names);
    /** @type {Picture | null} */ this.picture = null;
    this.hear();
  }

  /** @private */
  hear() {
    const { host, canvas } = this;
    const watcher = new ResizeObserver(() => this.resize());
    watcher.observe(canvas);
    const near = new IntersectionObserver((entries) =>
      host.guard(() => {
        this.isNear = entries[entries.length - 1].isIntersecting;
        if (this.isNear && !this.picture) this.open();
        this.ask();
      }),
    );
    near.observe(canvas);
    host.whenLeaving(() => {
      watcher.disconnect();
      near.disconnect();
      cancelAnimationFrame(this.asked);
      this.picture?.close();
    });
    host.listen(window, "beforeprint", () => this.flush());
    host.listen(canvas, "webglcontextlost", (event) => {
      event.preventDefault();
      this.tells.lost();
    });
    host.listen(canvas, "webglcontextrestored", () => {
      this.picture?.build();
      this.fill();
      this.tells.back();
      this.ask();
    });
    /** @type {Map<number, {x: number, y: number}>} */
    const held = new Map();
    let far = 0;
    const spread = () => {
      const [a, b] = [...held.values()];
      return { size: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    };
    host.listen(canvas, "pointerdown", (event) => {
      if (!held.size) far = 0;
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      canvas.setPointerCapture(event.pointerId);
    });
    host.listen(canvas, "pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) {
        if (event.pointerType !== "touch") this.point(event, false);
        return;
      }
      const [x, y] = [event.clientX - before.x, event.clientY - before.y];
      far += Math.abs(x) + Math.abs(y);
      const old = held.size === 2 ? spread() : null;
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (old) {
        const now = spread();
        this.shift((now.x - old.x) / canvas.clientHeight, (now.y - old.y) / canvas.clientHeight);
        this.stand({ zoom: zoomed(this.stance.zoom, now.size / Math.max(1, old.size)) });
      } else if (event.shiftKey) this.shift(x / canvas.clientHeight, y / canvas.clientHeight);
      else this.stand(orbited(this.stance, -x * 0.4, y * 0.4));
    });
    host.listen(canvas, "pointerup pointercancel", (event) => {
      const tapped = held.delete(event.pointerId) && far < TAP_PX && event.type === "pointerup";
      if (tapped) this.point(event, true);
      else if (!held.size) this.tells.stood(this.stance);
    });
    host.listen(canvas, "pointerleave", () => {
      if (!held.size) this.tells.pointed(-1, false);
    });
    host.listen(
      canvas,
      "wheel",
      (event) => {
        if (document.activeElement !== canvas && !event.ctrlKey) return; // the page scrolls on
        event.preventDefault();
        this.stand({
          zoom: zoomed(
            this.stance.zoom,
            Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)),
          ),
        });
        this.tells.stood(this.stance);
      },
      { passive: false },
    );
    host.listen(canvas, "keydown", (event) => this.key(event));
  }

  /** @private */
  open() {
    try {
      this.picture = new Picture(this.canvas);
    } catch (error) {
      if (!(error instanceof NoPicture)) throw error;
      this.tells.none();
      return;
    }
    this.fill();
    this.resize();
  }

  /** @private */
  fill() {
    if (this.layout) this.picture?.place(this.layout.centers);
    this.picture?.paint(this.bytes);
  }

  /** @private @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    })[event.key];
    if (way && event.shiftKey) this.shift(-way[0] * 0.1, way[1] * 0.1);
    else if (way) this.stand(orbited(this.stance, way[0] * STEP, way[1] * STEP));
    else if (event.key === "+" || event.key === "=")
      this.stand({ zoom: zoomed(this.stance.zoom, 1.25) });
    else if (event.key === "-") this.stand({ zoom: zoomed(this.stance.zoom, 0.8) });
    else if (event.key === "0" || event.key === "Home") this.stand({ ...STANCE });
    else return;
    event.preventDefault();
    this.tells.stood(this.stance);
  }

  /** @private @param {number} x in heights of the picture @param {number} y */
  shift(x, y) {
    this.stand({
      dx: Math.max(-3, Math.min(3, this.stance.dx - x)),
      dy: Math.max(-3, Math.min(3, this.stance.dy + y)),
    });
  }

  /** @private @param {PointerEvent} event @param {boolean} byTap */
  point(event, byTap) {
    if (!this.layout) return;
    const box = this.canvas.getBoundingClientRect();
    const aspect = box.width / box.height;
    const ray = rayThrough(
      this.view(),
      aspect,
      (2 * (event.clientX - box.left)) / box.width - 1,
      1 - (2 * (event.clientY - box.top)) / box.height,
    );
    this.tells.pointed(
      pick(ray, this.layout, (cell) => this.bytes[4 * cell + 3] / 255),
      byTap,
    );
  }

  /** @param {Partial<Stance>} change */
  stand(change) {
    const next = { ...this.stance, ...change };
    if (Object.entries(next).every(([key, x]) => /** @type {any} */ (this.stance)[key] === x))
      return;
    this.stance = next;
    this.glide = null;
    this.ask();
  }

  /** @param {Layout} layout */
  load(layout) {
    this.layout = layout;
    this.picture?.place(layout.centers);
    this.names.replaceChildren();
    /** @private @type {Map<Panel, SVGTextElement>} */
    this.labels = new Map(
      layout.panels.map((panel) => [
        panel,
        svg(
          "text",
          {
            class: "scene-name",
            "data-kind": panel.kind,
            "text-anchor": "middle",
            display: "none",
          },
          panel.name.replace("layer0.", ""),
        ),
      ]),
    );
    this.names.append(...this.labels.values());
    this.glide = null;
    this.ask();
  }

  /** @param {Uint8Array} bytes @param {[number, number, number]} paper @param {number} pointed */
  paint(bytes, paper, pointed) {
    Object.assign(this, { bytes, paper, pointed });
    this.picture?.paint(bytes);
    this.ask();
  }

  /**
   * What is to be in the picture, and whose names come first.
   * @param {import("./layout.js").Box[]} boxes
   * @param {string[]} first
   * @param {boolean} glide
   */
  look(boxes, first, glide) {
    const from = glide && this.boxes && this.layout && this.size.h ? this.view() : null;
    const same =
      boxes.length === this.boxes?.length && boxes.every((box, i) => box === this.boxes?.[i]);
    /** @private */ this.boxes = boxes;
    /** @private */ this.first = first;
    if (!same)
      this.glide = from && !prefersLessMotion() ? { from, began: performance.now() } : null;
    this.ask();
  }

  /** @private @returns {View} */
  get aim() {
    const { turn, tilt, zoom, dx, dy } = this.stance;
    const { w, h } = this.size;
    const boxes = this.boxes ?? [/** @type {Layout} */ (this.layout).box];
    return moved(framing(boxes, { turn, tilt }, w / Math.max(1, h)), zoom, dx, dy);
  }

  /** @private */
  view() {
    if (!this.glide) return this.aim;
    const share = Math.min(1, (performance.now() - this.glide.began) / GLIDE_MS);
    if (share >= 1) this.glide = null;
    return this.glide
      ? between(this.glide.from, this.aim, share * share * (3 - 2 * share))
      : this.aim;
  }

  /** @private */
  resize() {
    const { canvas } = this;
    if (!this.picture) return;
    const sharp = Math.min(2, devicePixelRatio || 1);
    this.size = { w: canvas.clientWidth, h: canvas.clientHeight };
    // On paper both are smaller, by the same measure.
    setAll(this.names, {
      viewBox: `0 0 ${this.size.w} ${this.size.h}`,
      preserveAspectRatio: "none",
    });
    const [w, h] = [Math.round(this.size.w * sharp), Math.round(this.size.h * sharp)];
    if (canvas.width === w && canvas.height === h) return;
    [canvas.width, canvas.height] = [w, h];
    this.ask();
  }

  /** One frame, soon. */
  ask() {
    if (this.isNear)
      this.asked ||= requestAnimationFrame(() =>
        this.host.guard(() => {
          this.asked = 0;
          this.draw();
          if (this.glide) this.ask();
        }),
      );
  }

  /** This frame: for those who are called once a frame themselves. */
  flush() {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    if (this.isNear) this.draw();
    if (this.glide) this.ask();
  }

  /** @private */
  draw() {
    const { canvas, layout, picture } = this;
    const { w, h } = this.size;
    if (!layout || !picture || !h) return;
    const view = this.view();
    const matrix = pictureMatrix(view, w / h);
    picture.draw(
      matrix,
      eyePoint(view),
      this.paper,
      this.pointed,
      layout.panels.filter(({ box }) => isSeen(matrix, box)),
    );
    this.name(matrix);
    this.frames++;
    const label =
      `The model in three dimensions, turned by ${Math.round(view.turn)} degrees, seen from ` +
      `${Math.round(view.tilt)} degrees above. ${KEYS} The flat view has all numbers as text.`;
    if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
  }

  /** Whether the processor draws, so that a frame takes longer than a frame should. */
  get isSlow() {
    return this.picture?.isSlow ?? false;
  }

  /** Puts the names where their tensors are. @private @param {Float32Array} matrix */
  name(matrix) {
    const first = this.first ?? [];
    const rank = (/** @type {Panel} */ { name }) =>
      first.includes(name) ? first.indexOf(name) : 99;
    const { w, h } = this.size;
    const all = [...(this.labels ?? [])]
      .map(([panel, text]) => {
        const { low, high } = panel.box;
        const p = projected(matrix, [(low[0] + high[0]) / 2, high[1] + 0.6, high[2]]);
        const width = 7.6 * (text.textContent?.length ?? 0) + 6;
        const at = ((p.x + 1) / 2) * w;
        const x = Math.max(width / 2, Math.min(w - width / 2, at)); // not over the edge
        return {
          text,
          rank: rank(panel),
          size: high[0] - low[0] + high[1] - low[1],
          at,
          x,
          y: Math.max(14, ((1 - p.y) / 2) * h - 6),
          width,
          height: 15,
          away: p.away,
        };
      })
      .sort((a, b) => a.rank - b.rank || b.size - a.size);
    const some = first.length > 0;
    const inside = all.filter(
      (one) => one.away > 0 && (!some || one.rank < 99) && one.at > 0 && one.at < w && one.y < h,
    );
    const kept = withRoom(inside);
    for (const one of all) {
      const on = kept.has(one);
      if (on === one.text.hasAttribute("display")) {
        if (on) one.text.removeAttribute("display");
        else one.text.setAttribute("display", "none");
      }
      const place = `translate(${one.x.toFixed(1)} ${one.y.toFixed(1)})`;
      if (on && one.text.getAttribute("transform") !== place)
        one.text.setAttribute("transform", place);
    }
  }

  /** Where a cell is on the screen, in its page's pixels. @param {number} cell */
  screenPlace(cell) {
    const box = this.canvas.getBoundingClientRect();
    const c = /** @type {Layout} */ (this.layout).centers;
    const p = projected(pictureMatrix(this.view(), box.width / box.height), [
      c[3 * cell],
      c[3 * cell + 1],
      c[3 * cell + 2],
    ]);
    return { x: box.left + ((p.x + 1) / 2) * box.width, y: box.top + ((1 - p.y) / 2) * box.height };
  }
}
