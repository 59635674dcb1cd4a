// The one drawing of attention: a query on top, arrows from it to every key, as wide as the weight,
// and the values that come back along them into one bar. Lies on wide screens, stands on narrow
// ones. Where things stand is in attention-plan.js.

import { html, prefersLessMotion, setAll, svg } from "../../kit/dom.js";
import { redraw } from "../../kit/shapes.js";
import { along, plan, round } from "./attention-plan.js";
import { partAt } from "./attention-pointing.js";
import {
  arrowShapes,
  blockShapes,
  columnShapes,
  groundShapes,
  nameOf,
} from "./attention-shapes.js";

/** @typedef {import("./attention-plan.js").Plan} Plan */
/** @typedef {import("./attention-shapes.js").Part} Part */
/** @typedef {import("./attention-shapes.js").Shown} Shown */
/** @typedef {"values" | "query"} Way */

const NARROW = 560;
const WIDE = 760; // where it can't be measured
/** Parts that belong to a head, not to a column. */
const HEADS = new Set(["query", "out"]);
const TRAVEL_MS = 320;
export class AttentionDrawing {
  /**
   * @param {object} how
   * @param {string} how.label what it is
   * @param {(part: Part | null) => void} how.pointed
   * @param {(at: number) => void} [how.chosen] a column was clicked
   */
  constructor({ label, pointed, chosen }) {
    this.moving = svg("g", { class: "att-moving", "aria-hidden": "true" });
    /** @private what changes least comes first */
    this.layers = { ground: svg("g"), arrows: svg("g"), blocks: svg("g") };
    /** @private what the ground was drawn for */ this.groundFor = "";
    this.picture = svg(
      "svg",
      { class: "att-picture", role: "img" },
      ...Object.values(this.layers),
      this.moving,
    );
    this.element = html(
      "div",
      {
        class: "att-drawing",
        tabindex: 0,
        role: "group",
        "aria-label": `${label}; arrow keys go from arrow to arrow`,
      },
      this.picture,
    );
    this.picture.setAttribute("aria-label", label);
    this.pointed = pointed;
    this.chosen = chosen;
    /** @type {Shown | null} */ this.shown = null;
    /** @type {Plan | null} */ this.plan = null;
    /** @type {Part | null} */ this.looked = null;
    /** @private */ this.frame = 0;
    /** @private */ this.width = 0;
  }

  /**
   * Begins to listen, and to follow its own width.
   * @param {import("../../kit/element.js").KitElement} host
   */
  live(host) {
    const watcher = new ResizeObserver(() => {
      const width = Math.round(this.element.clientWidth);
      if (!width || width === this.width) return;
      this.width = width;
      host.guard(() => this.draw());
    });
    watcher.observe(this.element);
    host.whenLeaving(() => {
      watcher.disconnect();
      this.rest();
    });
    host.listen(this.picture, "pointermove pointerdown", (event) => {
      const part = this.partAt(event);
      if (part || event.pointerType !== "touch") this.look(part);
    });
    host.listen(this.element, "pointerleave blur", (event) => {
      if (event.pointerType !== "touch") this.look(null);
    });
    host.listen(this.picture, "click", (event) => {
      const part = this.partAt(event);
      if (part && !HEADS.has(part.what)) this.chosen?.(part.at);
    });
    host.listen(this.element, "keydown", (event) => this.key(event));
  }

  /**
   * @param {Shown} shown
   * @param {Way} [travels] what moves along the arrows on the way there
   */
  show(shown, travels) {
    this.rest();
    this.shown = shown;
    this.draw();
    if (this.looked) this.pointed(this.looked); // it may have other numbers now
    if (travels && !prefersLessMotion()) this.travel(travels);
  }

  /** @private */
  draw() {
    const { shown } = this;
    if (!shown) return;
    this.width ||= Math.round(this.element.clientWidth);
    const width = this.width || WIDE;
    const upright = width < NARROW;
    this.element.classList.toggle("att-upright", upright);
    const made = plan({
      width,
      height: shown.height ?? 360,
      upright,
      columns: shown.columns.length,
      pieces: shown.pieces ?? 1,
      weights: shown.heads.map(({ weights }) => weights),
      heads: shown.heads.map(({ piece }) => piece),
      rows: shown.rows.length,
      vectors: shown.vectors ?? false,
      numbers: shown.digits !== undefined,
      names: Math.max(
        ...shown.columns.map((one) => nameOf(one, upright && !shown.rows.length).length),
      ),
    });
    this.plan = made;
    setAll(this.picture, { viewBox: `0 0 ${made.width} ${Math.ceil(made.height)}` });
    const scene = { shown, made, upright, looked: this.looked };
    const each = shown.heads.map((_, h) => h);
    const { heads, ...rest } = shown;
    const asked = heads.map(({ name, weights }) => [name, !weights]);
    const now = JSON.stringify([rest, asked, width, made.height, this.looked?.at]);
    if (now !== this.groundFor) {
      this.groundFor = now;
      const grounds = each.flatMap((h) => groundShapes(scene, h));
      redraw(this.layers.ground, [...columnShapes(scene), ...grounds]);
    }
    redraw(
      this.layers.arrows,
      each.flatMap((h) => arrowShapes(scene, h)),
    );
    redraw(
      this.layers.blocks,
      each.flatMap((h) => blockShapes(scene, h)),
    );
  }

  // ---------------------------------------------------------------- pointing

  /** @private @param {PointerEvent} event */
  partAt({ clientX, clientY }) {
    if (!this.plan || !this.shown) return null;
    const { left, top, width } = this.picture.getBoundingClientRect();
    const scale = this.plan.width / width;
    return partAt(this.plan, this.shown, (clientX - left) * scale, (clientY - top) * scale);
  }

  /** @param {Part | null} part */
  look(part) {
    if (sameParts(part, this.looked)) return;
    this.looked = part;
    this.draw();
    this.pointed(part);
  }

  /** @private @param {KeyboardEvent} event */
  key(event) {
    const { shown } = this;
    const upright = this.element.classList.contains("att-upright");
    const [back, on, up, down] = upright
      ? ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]
      : ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
    if (!shown) return;
    if (event.key === "Escape") {
      this.look(null);
      return;
    }
    const ways = /** @type {Record<string, [number, number]>} */ ({
      [back]: [0, -1],
      [on]: [0, 1],
      [up]: [-1, 0],
      [down]: [1, 0],
    });
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const there = shown.columns.filter(({ later }) => !later).length;
    const { head, at } = this.looked ?? { head: 0, at: shown.at + (way[1] < 0 ? 1 : -1) };
    const kept = (/** @type {number} */ x, /** @type {number} */ n) =>
      Math.max(0, Math.min(n - 1, x));
    this.look({
      what: "arrow",
      head: kept(head + way[0], shown.heads.length),
      at: kept(at + way[1], there),
    });
  }

  // ---------------------------------------------------------------- motion

  /** Ends what moves. @private */
  rest() {
    cancelAnimationFrame(this.frame);
    this.moving.replaceChildren();
  }

  /** @private @param {Way} way */
  travel(way) {
    const { shown, plan: made } = this;
    if (!shown || !made) return;
    const dots = made.blocks.flatMap(({ arrows }, h) =>
      arrows.flatMap(({ curve, width }, t) => {
        const { weights, isAhead = false } = shown.heads[h];
        if (isAhead || shown.columns[t].later || (weights && weights[t] < 0.005)) return [];
        const dot = svg("circle", {
          class: way === "values" ? "att-dot att-kind-v" : "att-dot att-kind-q",
          r: round(3 + width / 3),
        });
        return [{ dot, curve }];
      }),
    );
    this.moving.replaceChildren(...dots.map(({ dot }) => dot));
    /** @type {number | null} */
    let began = null;
    const step = (/** @type {number} */ now) => {
      began ??= now;
      const share = Math.min(1, (now - began) / TRAVEL_MS);
      const eased = share * share * (3 - 2 * share);
      for (const { dot, curve } of dots) {
        const [x, y] = along(curve, way === "values" ? 1 - eased : eased);
        dot.setAttribute("cx", String(round(x)));
        dot.setAttribute("cy", String(round(y)));
      }
      if (share < 1) this.frame = requestAnimationFrame(step);
      else this.rest();
    };
    step(performance.now());
  }
}

/** @param {Part | null} one @param {Part | null} other */
const sameParts = (one, other) =>
  one === other ||
  (!!one && !!other && one.what === other.what && one.head === other.head && one.at === other.at);
