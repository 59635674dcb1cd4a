// <mg-heat label="wte" digits="2">: a matrix as a grid of colours, with row and column labels. Blue is
// below zero, orange above; the sign is a glyph too. A cell says its number by hover, focus and tap;
// arrow keys move from cell to cell. With `numbers` every cell shows its number; with `unsigned`, for
// counts, none shows a sign. `least` is the smallest size of a cell, for many columns.
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

export class MgHeat extends KitElement {
  constructor() {
    super();
    /** @private @type {HeatData} */ this.content = { values: [] };
    /** @private @type {{row: number, column: number} | null} */ this.at = null;
    /** @private @type {SVGRectElement[][]} */ this.cells = [];
    /** @private @type {SVGTextElement[][]} */ this.glyphs = [];
    /** @private */ this.ids = "";
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
    this.room = html("div", { class: "mg-scroll" });
    const readout = html("p", { class: "mg-readout", role: "status" });
    this.readout = readout;
    this.replaceChildren(this.room, readout, tableOf(this.name, () => this.tabled()));
    this.draw();
    this.paint();
    const watcher = new ResizeObserver(() => {
      if (Math.abs((this.room?.clientWidth ?? 0) - Number(this.drawnFor)) < 8) return;
      this.guard(() => {
        this.draw();
        this.paint();
      });
    });
    watcher.observe(this.room);
    this.whenLeaving(() => watcher.disconnect());
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

  /** The grid without its colours. @private */
  draw() {
    const { values, rows, link } = this.content;
    const wide = this.hasAttribute("numbers");
    const longest = Math.max(1, ...values.map((_, r) => [...this.rowName(r)].length));
    const left = Math.min(120, longest * CHAR + 10);
    const columns = values[0]?.length ?? 0;
    this.drawnFor = this.room?.clientWidth || 600;
    const cell = Math.max(this.numberOf("least", CELL.least), Math.min(CELL.most, Math.floor((this.drawnFor - left - 2) / (columns || 1))));
    const [w, h] = wide ? [NUMBER_CELL, NUMBER_HEIGHT] : [cell, cell];
    const names = (values[0] ?? []).map((_, c) => this.columnName(c));
    const all = !wide && (this.content.columns ?? []).some((name) => name.length > 3);
    const isTurned = (/** @type {string} */ name) => all || (!wide && name.length > 1 && name.length * CHAR > cell + 4);
    const top = Math.max(20, ...names.filter(isTurned).map((name) => 12 + CHAR * name.length));
    const picture = svg("svg", {
      class: "mg-heat-grid", role: "grid", tabindex: 0, "aria-label": `${this.name}, ${values.length} × ${columns}`,
      "aria-rowcount": values.length, "aria-colcount": columns, width: left + columns * w + 2, height: top + values.length * h + 2,
    });
    for (let c = 0; c < columns; c++) {
      const x = left + (c + 0.5) * w;
      const turned = isTurned(names[c]);
      const label = svg("text", { class: "mg-label", x, y: top - 6, "text-anchor": turned ? "start" : "middle" }, names[c]);
      if (turned) label.setAttribute("transform", `rotate(-90 ${x} ${top - 6}) translate(0 4)`);
      picture.append(label);
    }
    this.cells = [];
    this.glyphs = [];
    values.forEach((row, r) => {
      const y = top + r * h;
      const rowLink = link ? `${link}.r${r}` : null;
      const line = svg("g", { role: "row", "aria-label": rows?.[r] ?? null, "data-link": rowLink });
      line.append(svg("text", { class: "mg-label", x: left - 6, y: y + h / 2, "text-anchor": "end", "dominant-baseline": "central" }, this.rowName(r)));
      /** @type {SVGRectElement[]} */
      const cells = [];
      /** @type {SVGTextElement[]} */
      const glyphs = [];
      row.forEach((_, c) => {
        const x = left + c * w;
        const cell = svg("rect", {
          id: `${this.ids}-${r}-${c}`, class: "mg-cell", role: "gridcell", x, y, width: w, height: h,
          "data-row": r, "data-column": c, "data-link": link ? `${rowLink} ${rowLink}.c${c}` : null,
        });
        const glyph = svg("text", { class: "mg-glyph", x: x + w / 2, y: y + h / 2, "text-anchor": "middle", "dominant-baseline": "central", "aria-hidden": "true" });
        line.append(cell, glyph);
        cells.push(cell);
        glyphs.push(glyph);
      });
      this.cells.push(cells);
      this.glyphs.push(glyphs);
      picture.append(line);
    });
    this.frame = svg("rect", { class: "mg-cell-frame", width: w, height: h, visibility: "hidden" });
    picture.append(this.frame);
    this.room?.replaceChildren(picture);
    this.at = null;
    this.hear(picture);
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

  /** Colours, glyphs and names of all cells. @private */
  paint() {
    const { values } = this.content;
    const scale = scaleOf(this);
    let most = this.content.most ?? 0;
    if (!most) for (const row of values) for (const x of row) if (Number.isFinite(x)) most = Math.max(most, Math.abs(x));
    const wide = this.hasAttribute("numbers");
    values.forEach((row, r) => row.forEach((x, c) => {
      const ground = shade(scale, most ? x / most : 0);
      const [cell, glyph] = [this.cells[r][c], this.glyphs[r][c]];
      cell.setAttribute("fill", css(ground));
      cell.setAttribute("aria-label", this.sentence(r, c));
      glyph.setAttribute("fill", inkOn(ground));
      const sign = Number.isNaN(x) ? "?" : x > 0 ? "+" : x < 0 ? "−" : "0";
      const text = wide ? written(x, this.digits) : this.hasAttribute("unsigned") ? "" : Math.abs(x) < most / 50 ? "·" : sign;
      if (glyph.textContent !== text) glyph.textContent = text;
    }));
    if (this.at) this.look(this.at);
    else this.idle();
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
    this.readout.textContent =
      `${this.name}: ${this.content.values.length} × ${this.content.values[0].length} numbers from ` +
      `${written(low, this.digits)} to ${written(high, this.digits)}. Point at a cell, or use the arrow keys.`;
  }

  /** @private @param {{row: number, column: number} | null} at */
  look(at) {
    const grid = this.room?.firstElementChild;
    const cell = at && this.cells[at.row]?.[at.column];
    this.at = cell ? at : this.at;
    if (!cell || !at || !this.frame || !this.readout) {
      this.frame?.setAttribute("visibility", "hidden");
      grid?.removeAttribute("aria-activedescendant");
      this.idle();
      this.tell("mg-cell", null);
      return;
    }
    for (const side of ["x", "y"]) this.frame.setAttribute(side, String(cell.getAttribute(side)));
    this.frame.setAttribute("visibility", "visible");
    grid?.setAttribute("aria-activedescendant", cell.id);
    this.readout.textContent = `${this.name}, ${this.sentence(at.row, at.column)}`;
    this.tell("mg-cell", { ...at, value: this.content.values[at.row][at.column] });
  }
}

define("mg-heat", MgHeat);
