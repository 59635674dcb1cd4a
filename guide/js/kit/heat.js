// <mg-heat label="wte" digits="2">: a matrix as a grid of colours, with row and column labels. Blue is
// below zero, orange above; the sign is a glyph too. A cell says its number by hover, focus and tap;
// arrow keys move from cell to cell. With `numbers` every cell shows its number; with `unsigned`, for
// counts, none shows a sign. `least` is the smallest size of a cell, for many columns. Colours of a large
// matrix are painted on a canvas below its cells: a thousand elements can't be coloured in one frame.
//
//     heat.data = { values: [[0.2, -0.3]], rows: ["a"], columns: ["0", "1"], link: "wte" };
//
// `link` gives every row the data-link `wte.r0`, every cell `wte.r0.c1` beside it. Tells `mg-cell`
// {row, column, value}, or null where none is looked at.

import { css, inkOn, scaleOf, shade } from "./color.js";
import { freshId, html, onTheme, svg, tableOf } from "./dom.js";
import { define, KitElement } from "./element.js";
import { written } from "./text.js";

/**
 * @typedef {object} HeatData
 * @property {number[][]} values
 * @property {string[]} [rows]
 * @property {string[]} [columns]
 * @property {number} [most] the size that has full colour; the largest there is if absent
 * @property {string} [link]
 */

const CELL = { least: 15, most: 24 };
const NUMBER_CELL = 54;
const NUMBER_HEIGHT = 30;
const CHAR = 7.5;
const SHADES = 32; // on each side of zero: few colours, so that a small change repaints few cells
const NAMES_AFTER_MS = 300;
const MOST_ELEMENTS = 500; // cells; more are painted on a canvas

export class MgHeat extends KitElement {
  constructor() {
    super();
    /** @private @type {HeatData} */ this.content = { values: [] };
    /** @private @type {{row: number, column: number} | null} */ this.at = null;
    /** @private @type {SVGRectElement[][]} */ this.cells = [];
    /** @private @type {(SVGTextElement | null)[][]} */ this.glyphs = [];
    /** @private what is painted @type {string[][]} */ this.fills = [];
    /** @private the cells have their names */ this.named = false;
    /** @private @type {ReturnType<typeof setTimeout> | undefined} */ this.naming = undefined;
    /** @private */ this.ids = "";
    /** @private what the grid was drawn for */ this.plan = "";
    /** @private @type {{name: string, line: SVGGElement}[] | undefined} */ this.lines = undefined;
    /** @private @type {SVGSVGElement | undefined} */ this.picture = undefined;
    /** @private @type {HTMLCanvasElement | null} */ this.canvas = null;
    /** @private of the cells */ this.place = { left: 0, top: 0, w: 0, h: 0 };
    /** @private pixels across, as last heard */ this.wide = 0;
  }

  get data() {
    return this.content;
  }

  /** @param {HeatData} content */
  set data(content) {
    const same = (/** @type {HeatData} */ d) => `${d.values.length}×${d.values[0]?.length}|${d.rows}|${d.columns}|${d.link}`;
    const keepGrid = same(content) === same(this.content) && this.cells.length > 0;
    this.content = content;
    this.redraw(() => {
      if (!keepGrid) this.draw();
      this.paint();
    });
  }

  build() {
    if (!this.content.values.length) this.content = this.fromTable() ?? this.content;
    this.ids = freshId("mg-heat");
    this.plan = "";
    this.room = html("div", { class: "mg-scroll" });
    this.wide = 0;
    const readout = html("p", { class: "mg-readout", role: "status" });
    this.readout = readout;
    this.replaceChildren(this.room, readout, tableOf(this.name, () => this.tabled()));
    this.wide = this.room.clientWidth;
    this.draw();
    this.paint();
    const watcher = new ResizeObserver(() => {
      this.wide = this.room?.clientWidth ?? 0;
      if (Math.abs(this.wide - Number(this.drawnFor)) < 8) return;
      this.guard(() => {
        this.draw();
        this.paint();
      });
    });
    watcher.observe(this.room);
    this.whenLeaving(() => watcher.disconnect());
    this.whenLeaving(() => clearTimeout(this.naming));
    this.whenLeaving(onTheme(() => this.guard(() => this.paint())));
  }

  /** Numbers that stand in the page as a table: they are shown without scripts too. @private */
  fromTable() {
    const table = this.fallback.find((node) => node instanceof HTMLTableElement);
    if (!(table instanceof HTMLTableElement)) return null;
    const text = (/** @type {Element} */ cell) => cell.textContent?.trim() ?? "";
    const rows = [...table.querySelectorAll("tbody tr")];
    const values = rows.map((row) => [...row.querySelectorAll("td")].map((cell) => Number(text(cell).replace("−", "-"))));
    if (!values.length || values.some((row) => row.some((x) => !Number.isFinite(x)))) return null;
    const columns = [...table.querySelectorAll("thead th")].slice(-values[0].length).map(text);
    const labels = rows.map((row) => text(row.querySelector("th") ?? row.children[0]));
    return { values, rows: labels, columns: columns.length ? columns : undefined };
  }

  /** @private */
  get name() {
    return this.getAttribute("label") ?? "matrix";
  }

  /** @private */
  get digits() {
    return this.numberOf("digits", 2);
  }

  /** @private @param {number} r */
  rowName(r) {
    return this.content.rows?.[r] ?? String(r);
  }

  /** @private @param {number} c */
  columnName(c) {
    return this.content.columns?.[c] ?? String(c);
  }

  /** @private */
  tabled() {
    return {
      head: ["", ...(this.content.values[0] ?? []).map((_, c) => this.columnName(c))],
      rows: this.content.values.map((row, r) => [this.rowName(r), ...row.map((x) => written(x, this.digits))]),
    };
  }

  /** The grid without its colours. Rows that come or go at the end leave the others alone. @private */
  draw() {
    const { values, columns: called = [], link = "" } = this.content;
    const wide = this.hasAttribute("numbers");
    const longest = Math.max(1, ...values.map((_, r) => [...this.rowName(r)].length));
    const left = Math.min(120, longest * CHAR + 10);
    const columns = values[0]?.length ?? 0;
    this.drawnFor = this.wide || 600;
    const cell = Math.max(this.numberOf("least", CELL.least), Math.min(CELL.most, Math.floor((this.drawnFor - left - 2) / (columns || 1))));
    const [w, h] = wide ? [NUMBER_CELL, NUMBER_HEIGHT] : [cell, cell];
    const names = (values[0] ?? []).map((_, c) => this.columnName(c));
    const all = !wide && called.some((name) => name.length > 3);
    const isTurned = (/** @type {string} */ name) => all || (!wide && name.length > 1 && name.length * CHAR > cell + 4);
    const top = Math.max(20, ...names.filter(isTurned).map((name) => 12 + CHAR * name.length));
    const rows = values.map((_, r) => this.rowName(r));
    const onCanvas = !wide && columns * rows.length > MOST_ELEMENTS;
    const plan = JSON.stringify([left, top, w, h, names, link, this.name, onCanvas && rows.length]);
    const isMore = plan === this.plan && (this.lines ?? []).every(({ name }, r) => r >= rows.length || name === rows[r]);
    if (!isMore || !this.picture || !this.lines) {
      this.plan = plan;
      this.cells = [];
      this.glyphs = [];
      this.fills = [];
      this.lines = [];
      this.picture = svg("svg", { class: "mg-heat-grid", role: "grid", tabindex: 0, "aria-colcount": columns, width: left + columns * w + 2 });
      names.forEach((name, c) => {
        const x = left + (c + 0.5) * w;
        const turned = isTurned(name);
        const label = svg("text", { class: "mg-label", x, y: top - 6, "text-anchor": turned ? "start" : "middle" }, name);
        if (turned) label.setAttribute("transform", `rotate(-90 ${x} ${top - 6}) translate(0 4)`);
        this.picture?.append(label);
      });
      this.frame = svg("rect", { class: "mg-cell-frame", width: w, height: h, visibility: "hidden" });
      this.picture.append(this.frame);
      this.canvas = onCanvas ? html("canvas", { class: "mg-heat-ground", "aria-hidden": "true" }) : null;
      this.place = { left, top, w, h };
      this.room?.replaceChildren(html("div", { class: "mg-heat-box" }, ...(this.canvas ? [this.canvas] : []), this.picture));
      this.hear(this.picture);
    }
    for (const { line } of this.lines.splice(rows.length)) line.remove();
    for (const kept of [this.cells, this.glyphs, this.fills]) kept.length = Math.min(kept.length, rows.length);
    for (let r = this.lines.length; r < rows.length; r++) this.row(r, { left, y: top + r * h, w, h });
    this.picture.setAttribute("aria-label", `${this.name}, ${values.length} × ${columns}`);
    this.picture.setAttribute("aria-rowcount", String(values.length));
    this.picture.setAttribute("height", String(top + values.length * h + 2));
    this.frame?.setAttribute("visibility", "hidden");
    this.picture.removeAttribute("aria-activedescendant");
    if (!isMore) this.named = false;
    this.at = null;
  }

  /** Draws one row. @private @param {number} r @param {{left: number, y: number, w: number, h: number}} place */
  row(r, { left, y, w, h }) {
    const { values, rows, link } = this.content;
    const bare = this.canvas || (this.hasAttribute("unsigned") && !this.hasAttribute("numbers"));
    const rowLink = link ? `${link}.r${r}` : null;
    const line = svg("g", { role: "row", "aria-label": rows?.[r] ?? null, "data-link": rowLink });
    line.append(svg("text", { class: "mg-label", x: left - 6, y: y + h / 2, "text-anchor": "end", "dominant-baseline": "central" }, this.rowName(r)));
    /** @type {(SVGTextElement | null)[]} */
    const glyphs = [];
    this.cells.push(values[r].map((_, c) => {
      const x = left + c * w;
      const cell = svg("rect", {
        id: `${this.ids}-${r}-${c}`, class: this.canvas ? "mg-cell mg-cell-clear" : "mg-cell", role: "gridcell", x, y, width: w, height: h,
        "data-row": r, "data-column": c, "data-link": link ? `${rowLink} ${rowLink}.c${c}` : null,
      });
      const glyph = bare ? null : svg("text", { class: "mg-glyph", x: x + w / 2, y: y + h / 2, "text-anchor": "middle", "dominant-baseline": "central", "aria-hidden": "true" });
      line.append(cell, ...(glyph ? [glyph] : []));
      glyphs.push(glyph);
      return cell;
    }));
    this.glyphs.push(glyphs);
    this.fills.push([]);
    this.lines?.push({ name: this.rowName(r), line });
    this.frame?.before(line);
  }

  /** @private @param {SVGSVGElement} picture */
  hear(picture) {
    const cellOf = (/** @type {Event} */ event) => {
      const cell = event.target instanceof Element ? event.target.closest(".mg-cell") : null;
      return cell instanceof SVGElement ? { row: Number(cell.dataset.row), column: Number(cell.dataset.column) } : null;
    };
    this.listen(picture, "pointerover click", (event) => {
      const found = cellOf(event);
      if (found) this.look(found);
    });
    this.listen(picture, "pointerleave", () => {
      if (document.activeElement !== picture) this.look(null);
    });
    this.listen(picture, "focus", () => this.look(this.at ?? { row: 0, column: 0 }));
    this.listen(picture, "blur", () => this.look(null));
    this.listen(picture, "keydown", (event) => {
      const now = this.at ?? { row: 0, column: 0 };
      const [rows, columns] = [this.cells.length, this.cells[0]?.length ?? 0];
      const ways = /** @type {Record<string, [number, number]>} */ ({
        ArrowUp: [now.row - 1, now.column], ArrowDown: [now.row + 1, now.column],
        ArrowLeft: [now.row, now.column - 1], ArrowRight: [now.row, now.column + 1],
        Home: [now.row, 0], End: [now.row, columns - 1],
        PageUp: [0, now.column], PageDown: [rows - 1, now.column],
      });
      const way = ways[event.key];
      if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const within = (/** @type {number} */ x, /** @type {number} */ count) => Math.max(0, Math.min(count - 1, x));
      this.look({ row: within(way[0], rows), column: within(way[1], columns) });
    });
  }

  /** Colours, glyphs and names of all cells: only what has changed is touched. @private */
  paint() {
    const { values } = this.content;
    const scale = scaleOf(this);
    let most = this.content.most ?? 0;
    if (!most) for (const row of values) for (const x of row) if (Number.isFinite(x)) most = Math.max(most, Math.abs(x));
    const wide = this.hasAttribute("numbers");
    const bare = this.hasAttribute("unsigned") && !wide;
    const brush = this.canvas ? this.brush() : null;
    /** @type {Map<number, [string, string]>} */
    const colours = new Map();
    const coloured = (/** @type {number} */ share) => {
      const ground = shade(scale, share);
      /** @type {[string, string]} */
      const made = [css(ground), inkOn(ground)];
      colours.set(share, made);
      return made;
    };
    values.forEach((row, r) => row.forEach((x, c) => {
      const share = most ? Math.round((x / most) * SHADES) / SHADES : 0;
      const sign = Number.isNaN(x) ? "?" : x > 0 ? "+" : x < 0 ? "−" : "0";
      const text = wide ? written(x, this.digits) : bare ? "" : Math.abs(x) < most / 50 ? "·" : sign;
      const [fill, ink] = colours.get(share) ?? coloured(share);
      if (!brush) return this.cell(r, c, fill, ink, text);
      if (this.fills[r][c] === fill + text) return;
      this.fills[r][c] = fill + text;
      brush(r, c, fill, ink, text);
    }));
    // Names wait until the hand rests: nobody hears them while it moves.
    clearTimeout(this.naming);
    if (this.named) this.naming = setTimeout(() => this.name_(), NAMES_AFTER_MS);
    else this.name_();
    if (this.at) this.look(this.at);
    else this.idle();
  }

  /**
   * The canvas in its size, and what paints a cell on it.
   * @private
   * @returns {(r: number, c: number, fill: string, ink: string, text: string) => void}
   */
  brush() {
    const { left, top, w, h } = this.place;
    const ratio = devicePixelRatio || 1;
    const canvas = /** @type {HTMLCanvasElement} */ (this.canvas);
    const [width, height] = [left + (this.cells[0]?.length ?? 0) * w + 2, top + this.cells.length * h + 2];
    const paper = canvas.getContext("2d");
    if (!paper) return () => {};
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
      [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
      this.fills = this.cells.map(() => []);
    }
    paper.setTransform(ratio, 0, 0, ratio, 0, 0);
    paper.textAlign = "center";
    paper.textBaseline = "middle";
    paper.font = "13px system-ui, sans-serif";
    return (r, c, fill, ink, text) => {
      paper.fillStyle = fill;
      paper.fillRect(left + c * w + 0.5, top + r * h + 0.5, w - 1, h - 1);
      if (!text) return;
      paper.fillStyle = ink;
      paper.fillText(text, left + (c + 0.5) * w, top + (r + 0.5) * h + 1);
    };
  }

  /** @private @param {number} r @param {number} c @param {string} fill @param {string} ink @param {string} text */
  cell(r, c, fill, ink, text) {
    const [cell, glyph] = [this.cells[r][c], this.glyphs[r][c]];
    if (this.fills[r][c] !== fill) {
      this.fills[r][c] = fill;
      cell.setAttribute("fill", fill);
    }
    if (!glyph) return;
    if (glyph.getAttribute("fill") !== ink) glyph.setAttribute("fill", ink);
    if (glyph.textContent !== text) glyph.textContent = text;
  }

  /** What each cell is called for those who can't see it. @private */
  name_() {
    this.named = true;
    this.cells.forEach((row, r) => row.forEach((cell, c) => {
      const name = this.sentence(r, c);
      if (cell.getAttribute("aria-label") !== name) cell.setAttribute("aria-label", name);
    }));
  }

  /** @private @param {number} r @param {number} c */
  sentence(r, c) {
    return `row ${this.rowName(r)}, column ${this.columnName(c)}: ${written(this.content.values[r][c], this.digits)}`;
  }

  /** @private */
  idle() {
    const all = this.content.values.flat();
    if (!this.readout || !all.length) return;
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const text =
      `${this.name}: ${this.content.values.length} × ${this.content.values[0].length} numbers from ` +
      `${written(low, this.digits)} to ${written(high, this.digits)}. Point at a cell, or use the arrow keys.`;
    if (this.readout.textContent !== text) this.readout.textContent = text;
  }

  /** @private @param {{row: number, column: number} | null} at */
  look(at) {
    const grid = this.picture;
    const cell = at && this.cells[at.row]?.[at.column];
    this.at = cell ? at : this.at;
    if (!cell || !at || !this.frame || !this.readout) {
      this.frame?.setAttribute("visibility", "hidden");
      grid?.removeAttribute("aria-activedescendant");
      this.idle();
      this.tell("mg-cell", null);
      return;
    }
    cell.setAttribute("aria-label", this.sentence(at.row, at.column));
    for (const side of ["x", "y"]) this.frame.setAttribute(side, String(cell.getAttribute(side)));
    this.frame.setAttribute("visibility", "visible");
    grid?.setAttribute("aria-activedescendant", cell.id);
    this.readout.textContent = `${this.name}, ${this.sentence(at.row, at.column)}`;
    this.tell("mg-cell", { ...at, value: this.content.values[at.row][at.column] });
  }
}

define("mg-heat", MgHeat);
