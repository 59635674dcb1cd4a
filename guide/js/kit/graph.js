// <mg-graph label="L = a·b + a">: a graph of what is computed from what: numbers, operations,
// gradients, and the local gradient on each edge. Arrow keys go along the edges, Tab comes in and
// goes out.
//
//     graph.data = {
//       nodes: [{ id: 0, name: "a", op: "", data: 2, grad: 4, state: "done", link: "a" }, ...],
//       edges: [{ from: 0, to: 2, text: "3", state: "lit" }],
//     };
//
// Nodes come children before parents. `state` is "", "lit" (now), "done" or "waiting". `grad` is
// left out where it isn't known yet. Up to 80 nodes are drawn, or `most`. Tells `mg-node` {id}, and
// of a node with `drag`, which is pulled sideways or moved by + and −, `mg-node-drag` {id, steps}.
// A small graph grows until it fills the width, or `height` pixels; on a phone a wide one shrinks.

import { freshId, html, setAll, setText, svg, tableOf } from "./dom.js";
import { define, KitElement } from "./element.js";
import { layOut } from "./graph-layout.js";
import { written } from "./text.js";

/** @typedef {"" | "lit" | "done" | "waiting"} State */
/**
 * @typedef {object} GraphNode
 * @property {number | string} id
 * @property {string} [name]
 * @property {string} [op]
 * @property {number | null} [data]
 * @property {number | null} [grad]
 * @property {State} [state]
 * @property {string} [link]
 * @property {number} [layer]
 * @property {boolean} [drag]
 */
/**
 * @typedef {{from: number | string, to: number | string, text?: string, state?: State}} GraphEdge
 */
/** @typedef {{nodes: GraphNode[], edges: GraphEdge[]}} GraphData */
/** @typedef {{x: number, y: number}} Spot */

const NODE = { width: 92, height: 60 };
const GAP = { along: 58, least: 40, across: 20 };
const MOST = 80;
const GROWN = 1.5; // times its size, at most
const SHRUNK = 0.8; // on a phone, at least: then it scrolls
const PX_A_STEP = 8; // of a number that is dragged
const QUICK_MS = 500; // steps that follow each other faster than that are dragged or played fast

const LABEL = { high: 14, least: 22, char: 7 }; // px of an edge's number
const PLACES = [0.4, 0.28, 0.55, 0.7, 0.16, 0.85]; // of the way, where it may stand, best first

/** @typedef {{left: number, right: number, top: number, bottom: number}} Box */

/**
 * @param {number} x of its middle
 * @param {number} y
 * @param {number} w
 * @param {number} h
 * @returns {Box}
 */
const boxAt = (x, y, w, h) => ({
  left: x - w / 2,
  right: x + w / 2,
  top: y - h / 2,
  bottom: y + h / 2,
});

/** @param {Box} a @param {Box} b */
const meets = (a, b) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/**
 * A place on an edge's curve.
 * @param {Spot} a
 * @param {Spot} b
 * @param {boolean} down
 * @param {number} t
 */
function onCurve(a, b, down, t) {
  const late = t * t * (3 - 2 * t); // across the way it begins and ends level
  const even = 1.5 * t * (1 - t) + t ** 3;
  const [x, y] = down ? [late, even] : [even, late];
  return { x: a.x + (b.x - a.x) * x, y: a.y + (b.y - a.y) * y };
}

export class MgGraph extends KitElement {
  constructor() {
    super();
    /** @private @type {GraphData} */ this.content = { nodes: [], edges: [] };
    /** @private what is drawn, numbers apart */ this.shape = "";
    /** @private */ this.current = 0;
    /** @private when numbers last came */ this.renewedAt = -Infinity;
    /** @private */ this.ids = "";
    /** @private */ this.isNarrow = false;
    /** @private pixels across */ this.room = 600;
  }

  get data() {
    return this.content;
  }

  /** @param {GraphData} content */
  set data(content) {
    this.content = content;
    this.redraw(() => this.draw());
  }

  build() {
    this.shape = "";
    this.ids = freshId("mg-graph");
    const label = this.getAttribute("label") ?? "Graph";
    this.box = html("div", { class: "mg-scroll" });
    this.readout = html("p", { class: "mg-readout", role: "status" });
    this.replaceChildren(
      this.box,
      this.readout,
      tableOf(label, () => this.tabled()),
    );
    // Asking for the width means laying the page out: it is asked for when it changes.
    this.room = this.box.clientWidth || 600;
    const watcher = new ResizeObserver(() => {
      this.room = this.box?.clientWidth || 600;
      if (this.room < 520 !== this.isNarrow) this.guard(() => this.draw());
    });
    watcher.observe(this.box);
    this.whenLeaving(() => watcher.disconnect());
    this.draw();
  }

  /** @private */
  get digits() {
    return this.numberOf("digits", 2);
  }

  /** @private */
  draw() {
    if (!this.box || !this.readout) return;
    const { nodes, edges } = this.content;
    this.isNarrow = this.room < 520;
    this.current = Math.min(this.current, Math.max(0, nodes.length - 1));
    const most = this.numberOf("most", MOST);
    if (nodes.length > most) {
      this.shape = "";
      const last = nodes[nodes.length - 1];
      this.box.replaceChildren();
      this.readout.textContent =
        `This graph has ${nodes.length.toLocaleString("en")} nodes: too many to draw ` +
        `(${most} can be). ` +
        "Its result is " +
        (last.data === null || last.data === undefined
          ? "not known"
          : written(last.data, this.digits)) +
        "; the table lists all.";
      return;
    }
    if (!nodes.length) {
      this.shape = "";
      this.box.replaceChildren();
      this.rest();
      return;
    }
    // The same nodes and edges with other numbers stay where they are.
    const shape = [
      this.isNarrow,
      this.room,
      nodes.map(({ id, layer }) => `${id}:${layer}`),
      edges.map(({ from, to }) => `${from}>${to}`),
    ].join(" ");
    if (shape === this.shape) return this.renew();
    this.shape = shape;
    const { placed, bends, layers, widest } = layOut(nodes, edges);
    const down = this.isNarrow; // layers from top to bottom, so that a phone needs less width
    const [w, h] = [NODE.width, NODE.height];
    const room = this.room - 8;
    const gap = Math.max(
      GAP.least,
      Math.min(GAP.along, (room - layers * w) / Math.max(1, layers - 1)),
    );
    const [alongSize, acrossSize] = down ? [h + GAP.least, w + 10] : [w + gap, h + GAP.across];
    const across = widest * acrossSize;
    const [width, height] = down
      ? [across + 8, layers * alongSize - GAP.least + 8]
      : [layers * alongSize - gap + 8, across + 8];
    const grown = down
      ? Math.max(SHRUNK, Math.min(GROWN, this.room / width))
      : Math.max(1, Math.min(GROWN, this.room / width, this.numberOf("height", 330) / height));
    const spotOf = (/** @type {{layer: number, place: number}} */ { layer, place }) => {
      const along = layer * alongSize + (down ? h : w) / 2 + 4;
      const side = across / 2 + place * acrossSize + 4;
      return down ? { x: side, y: along } : { x: along, y: side };
    };
    const spots = new Map(placed.map((one) => [one.id, spotOf(one)]));
    const focused = this.contains(document.activeElement) && document.activeElement?.closest("svg");
    const picture = svg("svg", {
      class: "mg-graph-picture",
      role: "group",
      "aria-label": this.getAttribute("label") ?? "Graph",
      width: Math.floor(width * grown),
      height: Math.floor(height * grown),
      viewBox: `0 0 ${width} ${height}`,
    });
    const taken = [...spots.values()].map(({ x, y }) => boxAt(x, y, w, h));
    this.drawnEdges = edges.map((edge, e) =>
      this.edge(edge, spots, bends[e].map(spotOf), down, taken),
    );
    const sentences = this.sentences();
    this.drawn = nodes.map((node, i) =>
      this.node(node, i, sentences[i], /** @type {{x: number, y: number}} */ (spots.get(node.id))),
    );
    picture.append(...this.drawnEdges, ...this.drawn);
    this.box.replaceChildren(picture);
    if (focused) this.drawn[this.current]?.focus();
    else this.rest();
  }

  /** Numbers and states alone, into what is drawn. @private */
  renew() {
    const { nodes, edges } = this.content;
    // Colours fade over nine frames; while a step is dragged, each would be painted for nothing.
    const now = performance.now();
    const fading = now - this.renewedAt < QUICK_MS ? "none" : "";
    this.renewedAt = now;
    const turn = (/** @type {SVGGElement} */ group, /** @type {string} */ state) => {
      if (group.getAttribute("data-state") === state) return;
      const shape = /** @type {SVGElement} */ (group.firstElementChild);
      if (shape.style.transition !== fading) shape.style.transition = fading;
      group.setAttribute("data-state", state);
    };
    edges.forEach(({ text = "", state = "" }, e) => {
      const group = this.drawnEdges?.[e];
      if (!group) return;
      turn(group, state);
      if (group.lastElementChild?.textContent !== text)
        group.lastElementChild?.replaceChildren(text);
    });
    const sentences = this.sentences();
    nodes.forEach((node, i) => {
      const group = this.drawn?.[i];
      if (!group) return;
      turn(group, node.state ?? "");
      setAll(group, { "aria-label": sentences[i], "data-link": node.link || null });
      this.words(node).forEach((text, l) => {
        const line = group.children[l + 1]; // after the box
        setText(line, text);
      });
    });
    this.rest(sentences);
  }

  /** What stands in a node, line by line. @private @param {GraphNode} node */
  words({ name = "", op = "", data, grad }) {
    const known = (/** @type {number | null | undefined} */ v) => v !== null && v !== undefined;
    return [
      name && op ? `${name} = ${op}` : name || op,
      known(data) ? written(Number(data), this.digits) : "?",
      known(grad) ? `grad ${written(Number(grad), this.digits)}` : "",
    ];
  }

  /**
   * @private
   * @param {GraphEdge} edge
   * @param {Map<any, Spot>} spots
   * @param {Spot[]} bends
   * @param {boolean} down
   * @param {Box[]} taken by nodes and the labels of other edges
   */
  edge({ from, to, text = "", state = "" }, spots, bends, down, taken) {
    const [a, b] = [spots.get(from), spots.get(to)];
    if (!a || !b)
      throw new Error(`mg-graph: an edge goes from ${from} to ${to}, and one of them isn't there`);
    const [x1, y1] = down ? [a.x, a.y + NODE.height / 2] : [a.x + NODE.width / 2, a.y];
    const [x2, y2] = down ? [b.x, b.y - NODE.height / 2 - 7] : [b.x - NODE.width / 2 - 7, b.y];
    let path = `M${x1} ${y1}`;
    let last = { x: x1, y: y1 };
    for (const p of [...bends, { x: x2, y: y2 }]) {
      const [mx, my] = [(last.x + p.x) / 2, (last.y + p.y) / 2];
      path += down
        ? `C${last.x} ${my} ${p.x} ${my} ${p.x} ${p.y}`
        : `C${mx} ${last.y} ${mx} ${p.y} ${p.x} ${p.y}`;
      last = p;
    }
    const tip = down ? `M${x2 - 4.5} ${y2}h9l-4.5 7z` : `M${x2} ${y2 - 4.5}v9l7 -4.5z`;
    const group = svg(
      "g",
      { class: "mg-edge", "data-state": state },
      svg("path", { class: "mg-edge-line", d: path }),
      svg("path", { class: "mg-edge-tip", d: tip }),
    );
    // Nearer to the child, where edges to one parent are still apart, unless something is there.
    const next = bends[0] ?? { x: x2, y: y2 };
    const wide = Math.max(LABEL.least, LABEL.char * text.length);
    const places = PLACES.map((share) => {
      const { x, y } = onCurve({ x: x1, y: y1 }, next, down, share);
      return { x, y: down ? y + 4 : y - 6 };
    });
    const boxes = places.map(({ x, y }) => boxAt(x, y - 4, wide, LABEL.high));
    const free = boxes.findIndex((box) => !taken.some((other) => meets(box, other)));
    const place = Math.max(0, free);
    taken.push(boxes[place]);
    const { x, y } = places[place];
    group.append(svg("text", { class: "mg-label mg-halo", x, y, "text-anchor": "middle" }, text));
    return group;
  }

  /**
   * @private
   * @param {GraphNode} node
   * @param {number} i
   * @param {string} sentence
   * @param {{x: number, y: number}} spot
   */
  node(node, i, sentence, { x, y }) {
    const { state = "", link } = node;
    const [w, h] = [NODE.width, NODE.height];
    const [title, number, slope] = this.words(node);
    const lines = [
      svg("text", { class: "mg-node-name", x: 0, y: -h / 2 + 17, "text-anchor": "middle" }, title),
      svg("text", { class: "mg-node-data", x: 0, y: 6, "text-anchor": "middle" }, number),
      svg("text", { class: "mg-node-grad", x: 0, y: h / 2 - 7, "text-anchor": "middle" }, slope),
    ];
    const group = svg(
      "g",
      {
        id: `${this.ids}-${i}`,
        class: "mg-node",
        role: "img",
        tabindex: i === this.current ? 0 : -1,
        transform: `translate(${x} ${y})`,
        "data-state": state,
        "data-link": link,
        "data-drag": node.drag || null,
        "aria-label": sentence,
      },
      svg("rect", { class: "mg-node-box", x: -w / 2, y: -h / 2, width: w, height: h, rx: 8 }),
      ...lines,
    );
    group.addEventListener("focus", () => this.guard(() => this.look(i)));
    group.addEventListener("pointerenter", () => this.guard(() => this.say(i)));
    group.addEventListener("pointerleave", () => this.guard(() => this.rest()));
    group.addEventListener("click", () => this.guard(() => group.focus()));
    group.addEventListener("keydown", (event) => this.guard(() => this.key(event, i)));
    if (node.drag) this.pull(group, i);
    return group;
  }

  /** A node that is pulled sideways. @private @param {SVGGElement} group @param {number} i */
  pull(group, i) {
    /** @type {number | null} */
    let from = null;
    group.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      from = event.clientX;
      group.setPointerCapture(event.pointerId);
    });
    group.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const steps = Math.trunc((event.clientX - from) / PX_A_STEP);
      if (!steps) return;
      from += steps * PX_A_STEP;
      this.guard(() => this.nudge(i, steps));
    });
    for (const end of ["pointerup", "pointercancel"])
      group.addEventListener(end, () => {
        from = null;
      });
  }

  /** @private @param {number} i @param {number} steps */
  nudge(i, steps) {
    this.tell("mg-node-drag", { id: this.content.nodes[i].id, steps });
  }

  /** @private @param {KeyboardEvent} event @param {number} i */
  key(event, i) {
    const { nodes, edges } = this.content;
    const steps = { "+": 1, "-": -1 }[event.key];
    if (steps && nodes[i].drag) {
      event.preventDefault();
      this.nudge(i, steps);
      return;
    }
    const index = (/** @type {number | string} */ id) => nodes.findIndex((node) => node.id === id);
    const { id } = nodes[i];
    const uses = edges.filter(({ from }) => from === id).map(({ to }) => index(to));
    const parts = edges.filter(({ to }) => to === id).map(({ from }) => index(from));
    const [onward, backward] = this.isNarrow
      ? ["ArrowDown", "ArrowUp"]
      : ["ArrowRight", "ArrowLeft"];
    /** @type {Record<string, number | undefined>} */
    const ways = {
      [onward]: uses[0],
      [backward]: parts[0],
      Home: 0,
      End: nodes.length - 1,
      [this.isNarrow ? "ArrowRight" : "ArrowDown"]: (i + 1) % nodes.length,
      [this.isNarrow ? "ArrowLeft" : "ArrowUp"]: (i + nodes.length - 1) % nodes.length,
    };
    if (!(event.key in ways)) return;
    event.preventDefault();
    const target = ways[event.key];
    if (target !== undefined) this.drawn?.[target]?.focus();
  }

  /** @private @param {number} i */
  look(i) {
    this.drawn?.[this.current]?.setAttribute("tabindex", "-1");
    this.current = i;
    this.drawn?.[i]?.setAttribute("tabindex", "0");
    this.say(i);
    this.tell("mg-node", { id: this.content.nodes[i].id });
  }

  /** @private @param {number} i */
  say(i) {
    if (this.readout) setText(this.readout, this.sentences()[i]);
  }

  /** @private @param {string[]} [sentences] */
  rest(sentences = this.sentences()) {
    const { nodes } = this.content;
    if (!this.readout) return;
    if (this.contains(document.activeElement) && document.activeElement?.closest(".mg-node"))
      return this.say(this.current);
    const last = nodes[nodes.length - 1];
    const text = last
      ? `${nodes.length} nodes; at the end: ${sentences.at(-1)}.`
      : "There is no graph yet.";
    setText(this.readout, text);
  }

  /** All nodes in words. @private */
  sentences() {
    const { nodes, edges } = this.content;
    const called = new Map(nodes.map(({ id, name, op }) => [id, name || op || String(id)]));
    /** @type {Map<number | string, string[]>} */
    const parts = new Map();
    for (const { from, to, text } of edges) {
      const into = parts.get(to) ?? [];
      into.push(`${called.get(from) ?? from}${text ? ` (local gradient ${text})` : ""}`);
      parts.set(to, into);
    }
    return nodes.map(({ id, name = "", op = "", data, grad }) => {
      const made = parts.has(id) ? `, made from ${parts.get(id)?.join(" and ")}` : "";
      const value =
        data === null || data === undefined ? "not computed yet" : written(data, this.digits);
      const slope =
        grad === null || grad === undefined ? "" : `, gradient ${written(grad, this.digits)}`;
      return `${[name, op].filter((part) => part).join(", ") || "number"}: ${value}${slope}${made}`;
    });
  }

  /** @private */
  tabled() {
    const shown = (/** @type {number | null | undefined} */ x) =>
      x === null || x === undefined ? "" : written(x, this.digits);
    const { nodes, edges } = this.content;
    const name = new Map(
      nodes.map((node, i) => [node.id, `${i + 1} ${node.name || node.op || ""}`.trim()]),
    );
    return {
      head: ["node", "operation", "number", "gradient", "made from"],
      rows: nodes.map((node) => [
        name.get(node.id) ?? "",
        node.op ?? "",
        shown(node.data),
        shown(node.grad),
        edges
          .filter(({ to }) => to === node.id)
          .map(({ from, text }) => `${name.get(from)}${text ? ` × ${text}` : ""}`)
          .join(", "),
      ]),
    };
  }
}

define("mg-graph", MgGraph);
