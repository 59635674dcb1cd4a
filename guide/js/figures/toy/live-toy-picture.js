// The toy GPT as neurons and edges: every trained number is an edge, wide where it is large, blue
// and dashed below zero, orange above. Drawn once; then only attributes and texts change.

import { css, scaleOf, shade } from "../../kit/color.js";
import { html, onTheme, svg, tableOf } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import { TOY_TOKENS, toyForward, toyWeights } from "../../numbers/toy.js";
import { COLUMNS, edgeName, neuronValues, planToy } from "./live-toy-plan.js";

/** @typedef {import("../../numbers/toy.js").ToyWeights} ToyWeights */
/** @typedef {import("./live-toy-plan.js").Edge} Edge */

const NEAR_PX = 12;
const UPRIGHT_BELOW = 560; // px of width: narrower, and it runs downwards
const NODE = { long: 36, high: 22 };
const THICKEST = 7;
const WIDEST_AT = 2;
const STRONGEST_AT = 0.8;

/** @param {number} x a weight, or how far it has moved */
export const edgeWidth = (x) => 0.7 + (THICKEST - 0.7) * Math.min(1, Math.abs(x) / WIDEST_AT);

export class ToyPicture {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {string} label
   */
  constructor(host, label) {
    this.host = host;
    this.label = label;
    /** @private @type {ToyWeights} */ this.now = toyWeights();
    /** @private */ this.first = toyWeights();
    /** @private */ this.token = 2;
    /** @private */ this.isChange = false;
    /** @private @type {number | null} */ this.at = null;
    /** @private */ this.width = 0;
    /** @private */ this.scale = scaleOf(host);
    /** @private @type {Map<string, SVGElement>} */ this.lines = new Map();
    /**
     * @private
     * @type {Map<string, {node: SVGElement, text: SVGElement, shown: string}>}
     */
    this.texts = new Map();
    this.picture = svg("svg", {
      class: "lt-picture",
      tabindex: 0,
      role: "slider",
      "aria-label": `${label}: trained numbers`,
      "aria-valuemin": 1,
    });
    this.box = html("div", { class: "lt-box" }, this.picture);
    this.readout = html("p", { class: "mg-readout lt-readout" });
    this.table = tableOf(`${label}: all trained numbers`, () => ({
      head: ["number", "initially", "now"],
      rows: this.edges.map((edge) => [
        edgeName(edge),
        written(this.firstOf(edge), 4),
        written(this.valueOf(edge), 4),
      ]),
    }));
    this.element = html("div", {}, this.box, this.readout);
    /** @type {Edge[]} */ this.edges = [];
    host.listen(this.picture, "pointermove pointerdown", (event) => this.point(event));
    host.listen(this.picture, "keydown", (event) => this.key(event));
    host.whenLeaving(
      onTheme(() => {
        this.scale = scaleOf(host);
        this.paint();
      }),
    );
    const watcher = new ResizeObserver(() => host.guard(() => this.fit()));
    watcher.observe(this.box);
    host.whenLeaving(() => watcher.disconnect());
    this.draw(640);
  }

  /** @private */
  fit() {
    const width = Math.round(this.box.clientWidth);
    if (width && Math.abs(width - this.width) > 2) this.draw(width);
  }

  /** @private @param {number} width */
  draw(width) {
    this.width = width;
    const isUpright = width < UPRIGHT_BELOW;
    const size = isUpright
      ? { long: 760, wide: width, size: NODE.high, margin: 2 }
      : { long: width - 4, wide: 330, size: NODE.long, margin: 8 };
    const { neurons, edges, links, starts } = planToy(size);
    const above = isUpright ? 22 : 30;
    this.edges = edges;
    const place = (/** @type {{along: number, across: number}} */ { along, across }) =>
      isUpright ? [across, along + above] : [along + 2, across + above];
    const half = (isUpright ? NODE.high : NODE.long) / 2;
    const ends = (/** @type {{from: any, to: any}} */ { from, to }) => [
      ...place({ along: from.along + half, across: from.across }),
      ...place({ along: to.along - half, across: to.across }),
    ];
    const narrow = isUpright ? Math.min(NODE.long, (width - 4) / 8 - 3) : NODE.long;
    const parts = [];
    for (const { from, to, bend } of links) {
      const [x1, y1, x2, y2] = ends({ from, to });
      const outer = bend < 0 ? -30 : size.wide + 30;
      const [c1, c2] = [
        place({ along: from.along + half + 20, across: outer }),
        place({ along: to.along - half - 20, across: outer }),
      ];
      parts.push(
        bend
          ? svg("path", {
              class: "lt-link lt-residual",
              d: `M${x1} ${y1}C${c1.join(" ")} ${c2.join(" ")} ${x2} ${y2}`,
            })
          : svg("line", { class: "lt-link", x1, y1, x2, y2 }),
      );
    }
    this.lines = new Map(
      edges.map((edge) => {
        const [x1, y1, x2, y2] = ends(edge);
        return [
          edge.id,
          svg("line", { class: "lt-edge", "data-column": edge.to.column, x1, y1, x2, y2 }),
        ];
      }),
    );
    this.frame = svg("line", { class: "lt-read" });
    parts.push(...this.lines.values(), this.frame);
    COLUMNS.forEach(({ title }, i) => {
      const [x, y] = isUpright ? [1, starts[i] + above - NODE.high / 2 - 5] : [starts[i] + 2, 14];
      const anchor = isUpright
        ? "start"
        : i === 0
          ? "start"
          : i === COLUMNS.length - 1
            ? "end"
            : "middle";
      const edge = !isUpright && anchor !== "middle" ? ((i ? 1 : -1) * NODE.long) / 2 : 0;
      parts.push(
        svg("text", { class: "mg-label mg-halo", x: x + edge, y, "text-anchor": anchor }, title),
      );
    });
    this.texts = new Map(
      neurons.map((neuron) => {
        const [x, y] = place(neuron);
        const text = svg("text", { class: "lt-number", x, y: y + 4, "text-anchor": "middle" });
        const node = svg(
          "g",
          { class: "lt-node", "data-kind": neuron.kind, "data-column": neuron.column },
          svg("title", {}, neuron.name),
          svg("rect", {
            x: x - narrow / 2,
            y: y - NODE.high / 2,
            width: narrow,
            height: NODE.high,
            rx: 4,
          }),
          text,
        );
        parts.push(node);
        const token = neuron.id.startsWith("probs.")
          ? TOY_TOKENS[Number(neuron.id.slice(6))]
          : null;
        if (token)
          parts.push(
            svg(
              "text",
              {
                class: "mg-label mg-halo",
                x,
                y: isUpright ? y + 25 : y - 15,
                "text-anchor": "middle",
              },
              token,
            ),
          );
        return [neuron.id, { node, text, shown: "" }];
      }),
    );
    const [w, h] = isUpright ? [width, size.long + above + 18] : [width, size.wide + above + 12];
    this.picture.setAttribute("viewBox", `0 0 ${w} ${h}`);
    this.picture.setAttribute("aria-valuemax", String(edges.length));
    this.picture.toggleAttribute("data-upright", isUpright);
    this.picture.replaceChildren(...parts);
    this.paint();
  }

  /**
   * Shows these weights, and what they make of a token.
   * @param {ToyWeights} weights
   * @param {number} token
   * @param {boolean} [isChange] edges show how far they have moved
   */
  show(weights, token, isChange = this.isChange) {
    Object.assign(this, { now: weights, token, isChange });
    this.paint();
  }

  /** @private @param {Edge} edge */
  valueOf({ matrix, row, index }) {
    return this.now[matrix][row][index];
  }

  /** @private @param {Edge} edge */
  firstOf({ matrix, row, index }) {
    return this.first[matrix][row][index];
  }

  /** @private */
  paint() {
    for (const edge of this.edges) {
      const line = /** @type {SVGElement} */ (this.lines.get(edge.id));
      const x = this.isChange ? this.valueOf(edge) - this.firstOf(edge) : this.valueOf(edge);
      const sign = x < 0 ? "−" : "+";
      if (line.dataset.sign !== sign) line.dataset.sign = sign;
      line.setAttribute("stroke-width", edgeWidth(x).toFixed(2));
      line.setAttribute("stroke", css(shade(this.scale, x / STRONGEST_AT)));
    }
    const values = neuronValues(toyForward({ token: this.token }, this.now), this.token);
    for (const [id, part] of this.texts) {
      const x = values[id];
      const shown = id.startsWith("token.")
        ? [...TOY_TOKENS, "pos 2"][Number(id.slice(6))]
        : written(/** @type {number} */ (x), 2);
      if (part.shown !== shown) part.text.textContent = part.shown = shown;
      const isOff = x === null || (id.startsWith("fc1.") && x === 0);
      if (part.node.hasAttribute("data-off") !== isOff)
        part.node.toggleAttribute("data-off", isOff);
    }
    this.read();
  }

  /**
   * Lights one column of neurons and what leads into it; null for none.
   * @param {number | null} column
   */
  light(column) {
    for (const part of this.picture.querySelectorAll("[data-column]"))
      part.toggleAttribute(
        "data-lit",
        column !== null && Number(part.getAttribute("data-column")) === column,
      );
  }

  /** @private @param {PointerEvent} event */
  point(event) {
    const { left, top, width } = this.picture.getBoundingClientRect();
    const unit = this.width / width;
    const [x, y] = [(event.clientX - left) * unit, (event.clientY - top) * unit];
    let [best, at] = [NEAR_PX * unit, -1];
    this.edges.forEach(({ id }, i) => {
      const line = /** @type {SVGElement} */ (this.lines.get(id));
      const [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map((name) =>
        Number(line.getAttribute(name)),
      );
      const [dx, dy] = [x2 - x1, y2 - y1];
      const t = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy)));
      const apart = Math.hypot(x - x1 - t * dx, y - y1 - t * dy);
      if (apart < best) [best, at] = [apart, i];
    });
    if (at < 0 && event.type === "pointermove") return;
    this.look(at < 0 ? null : at);
  }

  /** @private @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = this.at ?? -1;
    const last = this.edges.length - 1;
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
    this.look(Math.max(0, Math.min(last, to)));
  }

  /** @private @param {number | null} at */
  look(at) {
    if (at === this.at) return;
    this.at = at;
    this.read();
  }

  /** The edge that is looked at, in words. @private */
  read() {
    const edge = this.at === null ? null : this.edges[this.at];
    this.frame?.toggleAttribute("data-on", edge !== null);
    if (!edge) {
      const text = "Point at an edge, or use the arrow keys, to read its number.";
      if (this.readout.textContent !== text) this.readout.textContent = text;
      this.picture.setAttribute("aria-valuenow", "1");
      this.picture.setAttribute("aria-valuetext", "none chosen yet");
      return;
    }
    const line = /** @type {SVGElement} */ (this.lines.get(edge.id));
    for (const name of ["x1", "y1", "x2", "y2"])
      this.frame?.setAttribute(name, String(line.getAttribute(name)));
    const [first, now] = [this.firstOf(edge), this.valueOf(edge)];
    const moved =
      first === now
        ? "as initially"
        : `initially ${written(first, 4)}, moved by ${written(now - first, 4)}`;
    const text = `${edgeName(edge)} = ${written(now, 4)}, ${moved}.`;
    this.readout.textContent = text;
    this.picture.setAttribute("aria-valuenow", String(this.edges.indexOf(edge) + 1));
    this.picture.setAttribute("aria-valuetext", text);
  }
}
