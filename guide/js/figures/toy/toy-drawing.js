// The toy GPT as one drawing: cells for its numbers, and an edge for each number that is multiplied
// with, as wide as it is large, orange above zero, blue and dashed below. Each block is a station
// that lights up with whatever on the page has the same data-link. Drawn once for a width; then
// only attributes and texts change.

import { css, scaleOf, shade } from "../../kit/color.js";
import { html, onTheme, setAll, svg } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import { TOY_TOKENS, toyWeights } from "../../numbers/toy.js";
import { linksOf } from "../rungs/gpt-lines.js";
import { COLUMNS, planToy, widthFor } from "./toy-plan.js";
import { BLOCKS, VECTORS } from "./toy-steps.js";

/** @typedef {import("../../numbers/toy.js").ToyWeights} ToyWeights */
/** @typedef {import("./toy-plan.js").Edge} Edge */
/** @typedef {import("./toy-plan.js").Link} Link */
/** @typedef {import("./toy-plan.js").Neuron} Neuron */
/** @typedef {import("./toy-shown.js").Shown} Shown */
/** @typedef {{node: SVGElement, text: SVGElement | null, share: SVGElement | null}} Cell */

const SIZES = {
  full: { cell: { wide: 40, high: 21, token: 46 }, pitch: 26 },
  compact: { cell: { wide: 24, high: 12, token: 24 }, pitch: 14 },
};
const THICKEST = 9;
const PER_UNIT = 4.5; // px of width for a weight of 1
const STRONGEST_AT = 0.6;
const CELL_AT = 1.2; // a compact cell has its full colour
const SHARES = ["weights", "probs"];

/** @param {number} x a weight, or how far it has moved */
export const edgeWidth = (x) => Math.min(THICKEST, 0.5 + PER_UNIT * Math.abs(x));

export class ToyDrawing {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {object} how
   * @param {string} how.label
   * @param {readonly [number, number]} [how.range] columns; all, if none is given
   * @param {boolean} [how.isCompact] small, without numbers
   * @param {boolean} [how.hasStations] blocks can be chosen, and light up
   * @param {HTMLElement | null} [how.picker] four buttons that stand for the tokens
   */
  constructor(host, { label, range, isCompact = false, hasStations = true, picker = null }) {
    this.host = host;
    this.range = range;
    this.isCompact = isCompact;
    this.hasStations = hasStations;
    this.picker = picker;
    /** @type {Edge[]} */ this.edges = [];
    /** @type {Map<string, SVGElement>} */ this.lines = new Map();
    /** @private @type {Map<string, Cell[]>} */ this.cells = new Map();
    /** @private @type {Map<string, SVGElement>} */ this.signs = new Map();
    /**
     * Blocks as they are drawn.
     * @type {{id: string, stage: number, node: SVGElement, key: SVGElement}[]}
     */
    this.stations = [];
    /** @private @type {Shown | null} */ this.now = null;
    /** @type {ToyWeights} */ this.weights = toyWeights();
    /** @private the last stage that is clear to see */ this.last = BLOCKS.length;
    /** Width in px of the picture as it is drawn. */ this.width = 0;
    this.scale = scaleOf(host);
    this.picture = svg("svg", { class: "td-picture", role: "group", "aria-label": label });
    this.element = html("div", { class: `td-all${isCompact ? " td-compact" : ""}` }, this.picture);
    if (range) this.element.style.flexBasis = `${widthFor(range, SIZES.full.cell)}px`;
    if (picker) {
      picker.classList.add("td-picker");
      this.element.append(picker);
    }
    host.whenLeaving(
      onTheme(() =>
        host.guard(() => {
          this.scale = scaleOf(host);
          this.paint();
        }),
      ),
    );
    const watcher = new ResizeObserver(() => host.guard(() => this.fit()));
    watcher.observe(this.element);
    host.whenLeaving(() => watcher.disconnect());
    this.draw(1060);
  }

  /** @private */
  fit() {
    const width = Math.floor(this.element.clientWidth);
    if (width && Math.abs(width - this.width) > 2) this.draw(width);
  }

  /** What is drawn over it, after each drawing. @type {() => void} */
  drawnOver = () => {};

  /** @private @param {number} width */
  draw(width) {
    this.width = width;
    const size = this.isCompact ? SIZES.compact : SIZES.full;
    const plan = planToy({ width, ...size, range: this.range, step: this.isCompact ? 28 : 46 });
    this.plan = plan;
    this.edges = plan.edges;
    this.cells.clear();
    this.lines.clear();
    this.signs.clear();
    this.stations = [];
    const first = this.range?.[0] ?? 0;
    const before = this.columns([first], size.cell, svg("g", { class: "td-before" }));
    const groups = [before];
    for (const block of BLOCKS) {
      const columns = COLUMNS.flatMap(({ block: id }, column) =>
        id === block.id && column > first && column <= (this.range?.[1] ?? COLUMNS.length)
          ? [column]
          : [],
      );
      if (!columns.length) continue;
      const link = this.hasStations ? linksOf(block.vectors) : null;
      const node = svg("g", {
        class: "td-station",
        "data-stage": block.stage,
        "data-link": link,
      });
      const areas = plan.areas.filter(({ column }) => columns.includes(column));
      const key = svg("rect", { class: "td-area", ...around(areas), rx: 6, "data-link": link });
      if (link)
        setAll(key, {
          role: "button",
          tabindex: 0,
          "aria-label": block.name,
          "aria-pressed": "false",
        });
      node.append(key);
      groups.push(this.columns(columns, size.cell, node));
      this.stations.push({ id: block.id, stage: block.stage, node, key });
    }
    this.picture.setAttribute("viewBox", `0 0 ${plan.width} ${plan.height}`);
    this.picture.setAttribute("width", String(plan.width));
    this.picture.setAttribute("height", String(plan.height));
    this.element.dataset.way = plan.way;
    this.picture.replaceChildren(...groups, ...this.streamName());
    this.placePicker();
    this.stage(this.last);
    this.paint();
    this.drawnOver();
  }

  /**
   * Fills a group with some columns and what leads into them.
   * @private
   * @param {number[]} columns
   * @param {{wide: number, high: number, token: number}} cell
   * @param {SVGElement} into
   */
  columns(columns, cell, into) {
    const { neurons, links, titles, way } = /** @type {import("./toy-plan.js").Plan} */ (this.plan);
    const isIn = (/** @type {{column: number}} */ { column }) => columns.includes(column);
    const wires = svg("g", { class: "td-lines" });
    for (const link of links.filter(({ to }) => isIn(to))) wires.append(this.link(link, cell));
    for (const edge of this.edges.filter(({ to }) => isIn(to))) {
      const [x1, y1, x2, y2] = this.ends(edge, cell);
      const made = svg("line", {
        class: "td-edge",
        "data-id": edge.id,
        "data-column": edge.to.column,
        "data-link": { wte: "toy.tok_emb", wpe: "toy.pos_emb" }[edge.matrix] ?? null,
        x1,
        y1,
        x2,
        y2,
      });
      this.lines.set(edge.id, made);
      wires.append(made);
      if (!this.hasStations || this.isCompact) continue;
      const t = countOf(this.edges, edge, "from") > countOf(this.edges, edge, "to") ? 0.3 : 0.7;
      const [x, y] = [x1 + t * (x2 - x1), y1 + t * (y2 - y1) + 4];
      const mark = svg("text", { class: "td-sign mg-halo", x, y, "text-anchor": "middle" });
      this.signs.set(edge.id, mark);
    }
    into.append(wires);
    for (const one of titles.filter(isIn)) {
      const at = way === "down" ? this.besideCells(one, cell) : { x: one.x, y: one.y };
      if (!at || (this.isCompact && !one.column)) continue;
      const anchor = way === "down" ? (at.anchor ?? "start") : "middle";
      into.append(
        svg(
          "text",
          { class: "td-title mg-halo", x: at.x, y: at.y, "text-anchor": anchor },
          one.title,
        ),
      );
    }
    const vectors = new Set(neurons.filter(isIn).map(({ vector }) => vector));
    for (const vector of vectors) {
      const isToken = vector === "token" || vector === "position";
      const links_ = isToken ? null : linksOf(vector === "scores" ? ["qk", "scores"] : [vector]);
      const all = svg("g", {
        class: vector === "token" && this.picker ? "td-vec td-picked" : "td-vec",
        "data-kind": VECTORS[vector]?.kind ?? "x",
        "data-link": this.hasStations ? links_ : null,
      });
      for (const neuron of neurons.filter((one) => one.vector === vector && isIn(one)))
        all.append(...this.cell(neuron, cell));
      into.append(all);
    }
    into.append(...[...this.signs.values()].filter((one) => !one.parentNode));
    return into;
  }

  /**
   * Where a title stands in a drawing that goes downwards: between two cells, behind three, above
   * more; none above the tokens.
   * @private
   * @param {{column: number, y: number}} title
   * @param {{wide: number}} cell
   * @returns {{x: number, y: number, anchor?: string} | null}
   */
  besideCells({ column, y }, cell) {
    if (!column) return null;
    const cells = this.plan?.neurons.filter((one) => one.column === column) ?? [];
    if (cells.length === 2)
      return { x: (cells[0].x + cells[1].x) / 2, y: cells[0].y + 4, anchor: "middle" };
    if (cells.length === 3) return { x: cells[2].x + cell.wide / 2 + 6, y: cells[2].y + 4 };
    return { x: 10, y: y + 1 };
  }

  /** @private @param {Neuron} neuron @param {{wide: number, high: number, token: number}} cell */
  cell(neuron, cell) {
    const { way } = /** @type {import("./toy-plan.js").Plan} */ (this.plan);
    const isToken = neuron.vector === "token" || neuron.vector === "position";
    const wide = isToken ? cell.token : cell.wide;
    const [x, y] = [neuron.x - wide / 2, neuron.y - cell.high / 2];
    const node = svg(
      "g",
      { class: "td-node", "data-column": neuron.column },
      svg("title", {}, neuron.name),
      svg("rect", { class: "td-cell", x, y, width: wide, height: cell.high, rx: 4 }),
    );
    const parts = [node];
    let share = null;
    if (SHARES.includes(neuron.vector) && !this.isCompact) {
      share = svg("rect", { class: "td-share", x, y, width: 0, height: cell.high, rx: 4 });
      node.append(share);
    }
    let text = null;
    if (!this.isCompact) {
      text = svg("text", {
        class: "td-number",
        x: neuron.x,
        y: neuron.y + 4,
        "text-anchor": "middle",
        "data-number": isToken || this.cells.has(neuron.id) ? null : neuron.id,
      });
      if (isToken)
        text.textContent = neuron.vector === "token" ? TOY_TOKENS[neuron.index] : "pos 2";
      node.append(text);
    }
    const label = (
      /** @type {Record<string, string | number>} */ at,
      /** @type {string} */ words,
    ) => parts.push(svg("text", { class: "mg-label mg-halo", ...at }, words));
    if (neuron.vector === "probs" && !this.isCompact)
      label(
        way === "down"
          ? { x: neuron.x, y: y + cell.high + 13, "text-anchor": "middle" }
          : { x: x + wide + 5, y: neuron.y + 4 },
        TOY_TOKENS[neuron.index],
      );
    if (neuron.vector === "scores" && !this.isCompact)
      label(
        way === "down" ? { x: neuron.x, y: y - 4, "text-anchor": "middle" } : { x, y: y - 5 },
        way === "down" ? `pos ${neuron.index}` : `position ${neuron.index}`,
      );
    const known = this.cells.get(neuron.id) ?? [];
    known.push({ node, text, share });
    this.cells.set(neuron.id, known);
    return parts;
  }

  /**
   * Where a line between two cells begins and ends.
   * @private
   * @param {{from: Neuron, to: Neuron}} line
   * @param {{wide: number, high: number, token: number}} cell
   */
  ends({ from, to }, cell) {
    if (this.plan?.way === "down")
      return [from.x, from.y + cell.high / 2, to.x, to.y - cell.high / 2];
    const half = (from.column === 0 ? cell.token : cell.wide) / 2;
    return [from.x + half, from.y, to.x - cell.wide / 2, to.y];
  }

  /** @private @param {Link} link @param {{wide: number, high: number, token: number}} cell */
  link(link, cell) {
    const { from, to, way } = link;
    const { band, width } = /** @type {import("./toy-plan.js").Plan} */ (this.plan);
    const isDown = this.plan?.way === "down";
    const [x1, y1, x2, y2] = this.ends(link, cell);
    const kind = ["k", "v"].includes(from.vector) ? from.kind : null;
    if (way === "straight")
      return svg("line", { class: "td-link", "data-kind": kind, x1, y1, x2, y2 });
    if (way === "under") {
      const d = isDown
        ? `M${x1} ${y1}V${y2 - 34}C${x1} ${y2 - 14} ${x2} ${y2 - 24} ${x2} ${y2}`
        : `M${x1} ${y1}H${x2 - 30}C${x2 - 12} ${y1} ${x2 - 20} ${y2} ${x2} ${y2}`;
      return svg("path", { class: "td-link", "data-kind": kind, d });
    }
    const r = 7;
    let d;
    if (isDown) {
      const side = from.index ? 1 : -1;
      const rail = from.index ? width - 4 : 4;
      const [a, b] = [from.x + (side * cell.wide) / 2, to.x + (side * cell.wide) / 2];
      d =
        `M${a} ${from.y}H${rail - side * r}Q${rail} ${from.y} ${rail} ${from.y + r}` +
        `V${to.y - r}Q${rail} ${to.y} ${rail - side * r} ${to.y}H${b}`;
    } else {
      const line = from.y > band.row ? band.row : 0;
      const side = from.index ? 1 : -1;
      const rail = line + (from.index ? band.bottom + 5 : band.top - 6);
      const [a, b] = [from.y + (side * cell.high) / 2, to.y + (side * cell.high) / 2];
      d =
        `M${from.x} ${a}V${rail - side * r}Q${from.x} ${rail} ${from.x + r} ${rail}` +
        `H${to.x - r}Q${to.x} ${rail} ${to.x} ${rail - side * r}V${b}`;
    }
    return svg("path", { class: "td-link td-stream", d });
  }

  /** @private */
  streamName() {
    const { way, band, neurons } = /** @type {import("./toy-plan.js").Plan} */ (this.plan);
    const x = neurons.find(({ id }) => id === "x.1");
    const end = neurons.find(({ id }) => id === "x_after_attn.1");
    if (this.isCompact || way === "down" || !x || !end) return [];
    const at = { x: (x.x + end.x) / 2, y: band.bottom + 20, "text-anchor": "middle" };
    return [svg("text", { class: "td-title", "data-stream": true, ...at }, "residual stream")];
  }

  /** The buttons for tokens lie over their cells. @private */
  placePicker() {
    if (!this.picker || !this.plan) return;
    const keys = [.../** @type {HTMLCollectionOf<HTMLElement>} */ (this.picker.children)];
    for (const { vector, index, x, y } of this.plan.neurons) {
      if (vector !== "token" || !keys[index]) continue;
      keys[index].style.left = `${x - 23}px`;
      keys[index].style.top = `${y - 22}px`;
    }
  }

  /** Later stages are faint and out of reach. @param {number} last */
  stage(last) {
    this.last = last;
    this.picture.toggleAttribute("data-early", last < 2);
    for (const { node, key, stage } of this.stations) {
      const isLater = stage > last;
      if (node.classList.contains("td-later") === isLater) continue;
      node.classList.toggle("td-later", isLater);
      if (!this.hasStations) continue;
      key.setAttribute("tabindex", isLater ? "-1" : "0");
      setAll(node, { "aria-hidden": isLater ? "true" : null });
    }
  }

  /** What the text beside the drawing is about. @param {string[]} vectors */
  tell(vectors) {
    for (const part of this.picture.querySelectorAll(".td-vec")) {
      const ids = (part.getAttribute("data-link") ?? "").split(" ");
      const isTold = ids.some((id) => vectors.includes(id.replace("toy.", "")));
      if (part.hasAttribute("data-told") !== isTold) part.toggleAttribute("data-told", isTold);
    }
  }

  /** @param {Shown} shown @param {ToyWeights} [weights] */
  show(shown, weights = this.weights) {
    this.now = shown;
    this.weights = weights;
    this.paint();
  }

  /** What an edge is drawn by. @param {Edge} edge */
  valueOf({ matrix, row, index }) {
    const { now } = this;
    if (matrix === "keys") return now?.keys[row][index] ?? 0;
    if (matrix === "values") return now?.values[row][index] ?? 0;
    return this.weights[matrix][row][index];
  }

  /** @private */
  paint() {
    const { now } = this;
    if (!now) return;
    const digits = now.digits > 2 ? 3 : now.digits;
    for (const [id, cells] of this.cells) {
      const [vector, at] = id.split(".");
      const i = Number(at);
      if (vector === "token" || vector === "position") {
        const isOff = now.token < 0 || (vector === "token" && i !== now.token);
        for (const { node } of cells) off(node, isOff);
        continue;
      }
      const x = now.row[vector]?.[i] ?? 0;
      for (const { node, text, share } of cells) {
        off(node, vector === "fc1" && x <= 0);
        if (text) {
          put(text, written(x, digits));
          text.setAttribute("data-value", String(x));
        } else {
          const ground = shade(this.scale, x / CELL_AT);
          node.querySelector("rect")?.setAttribute("fill", css(ground));
        }
        share?.setAttribute("width", (SIZES.full.cell.wide * x).toFixed(1));
      }
    }
    for (const edge of this.edges) {
      const line = /** @type {SVGElement} */ (this.lines.get(edge.id));
      const x = this.valueOf(edge);
      const sign = x < 0 ? "−" : x > 0 ? "+" : "0";
      if (line.dataset.sign !== sign) line.dataset.sign = sign;
      line.setAttribute("stroke-width", edgeWidth(x).toFixed(2));
      line.setAttribute("stroke", css(shade(this.scale, Math.sign(x) * strength(x))));
      const isSilent = edge.from.vector === "fc1" && (now.row.fc1?.[edge.from.index] ?? 0) <= 0;
      const isUnfed = edge.from.vector === "token" && edge.from.index !== now.token;
      off(line, isSilent || isUnfed || (edge.from.vector === "position" && now.token < 0));
      const mark = this.signs.get(edge.id);
      if (mark) put(mark, isUnfed || isSilent ? "" : sign);
    }
  }

  /**
   * Lights one column and what leads into it; null for none.
   * @param {number | null} column
   */
  light(column) {
    for (const part of this.picture.querySelectorAll("[data-column]"))
      part.toggleAttribute(
        "data-lit",
        column !== null && Number(part.getAttribute("data-column")) === column,
      );
  }
}

/** Even a small number has a colour that can be told. @param {number} x */
const strength = (x) => 0.45 + 0.55 * Math.min(1, Math.abs(x) / STRONGEST_AT);

/** @param {{x: number, y: number, width: number, height: number}[]} areas beside each other */
function around(areas) {
  const [first, last] = [areas[0], areas[areas.length - 1]];
  const [right, bottom] = [last.x + last.width, last.y + last.height];
  return { x: first.x, y: first.y, width: right - first.x, height: bottom - first.y };
}

/** @param {Edge[]} edges @param {Edge} edge @param {"from" | "to"} end */
const countOf = (edges, edge, end) =>
  new Set(edges.filter(({ matrix }) => matrix === edge.matrix).map((one) => one[end])).size;

/** @param {Element} node @param {string} text */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {boolean} isOff */
function off(node, isOff) {
  if (node.hasAttribute("data-off") !== isOff) node.toggleAttribute("data-off", isOff);
}
