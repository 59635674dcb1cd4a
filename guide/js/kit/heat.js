// <mg-heat label="wte" digits="2">: a matrix as a grid of colours, with row and column labels. Blue
// is below zero, orange above; the sign is a glyph too. A cell says its number by hover, focus and
// tap; arrow keys move from cell to cell. With `numbers` every cell shows its number; with
// `unsigned`, for counts, none shows a sign. `least` is the smallest size of a cell, for many
// columns, `most` the largest, and `high` its height where it isn't square; `tall` is the greatest
// height of all of them together, then cells are lower than they are wide.
//
//     heat.data = { values: [[0.2, -0.3]], rows: ["a"], columns: ["0", "1"], link: "wte" };
//
// Colours are painted on a canvas, and one cell at a time is an element, the one that is looked at:
// a thousand elements can't be coloured in one frame. The numbers of all stand in the table below.
// `link` links row r to `wte.r<r>` and its cell in column c to `wte.r<r>.c<c>` as well. Tells
// `mg-cell` {row, column, value}, or null where none is looked at.

import { css, inkOn, scaleOf, shade } from "./color.js";
import { freshId, html, onTheme, setAll, svg, tableOf } from "./dom.js";
import { define, KitElement } from "./element.js";
import { cellAfter, paintCell, paintLine } from "./heat-cells.js";
import { startLinks } from "./link.js";
import { setLine } from "./steady.js";
import { written } from "./text.js";

/**
 * @typedef {object} HeatData
 * @property {number[][]} values
 * @property {string[]} [rows]
 * @property {string[]} [columns]
 * @property {number} [most] the size that has full colour; the largest there is if absent
 * @property {string} [link]
 * @property {number} [room] rows to keep place for, where more are to come
 */
/** @typedef {import("./heat-cells.js").Cell} Cell */

const CELL = { least: 15, most: 24 };
const NUMBER_CELL = 54;
const NUMBER_HEIGHT = 30;
const NAME_HEIGHT = 12;
const CHAR = 7.5;
const SHADES = 32; // on each side of zero: few colours, so that a small change repaints few cells

export class MgHeat extends KitElement {
  constructor() {
    super();
    /** @private @type {HeatData} */ this.content = { values: [] };
    /** @private the cell that is looked at, or was last @type {Cell} */ this.at = {
      row: 0,
      column: 0,
    };
    /** @private */ this.isLooked = false;
    /** @private what is painted: a level, and a text @type {(number | string)[][]} */ this.fills =
      [];
    /**
     * The numbers behind `fills`.
     * @private
     * @type {{values: number[][], most: number, scale: object} | null}
     */
    this.painted = null;
    /** @private */ this.ids = "";
    /** @private what the grid was drawn for */ this.plan = "";
    /** @private @type {{name: string, label: SVGTextElement}[]} */ this.lines = [];
    /** @private of the cells */ this.place = { left: 0, top: 0, w: 0, h: 0 };
    /** @private pixels across, as last heard */ this.wide = 0;
    /** @private of the screen to one of the page */ this.ratio = 1;
  }

  get data() {
    return this.content;
  }

  /** @param {HeatData} content */
  set data(content) {
    const same = (/** @type {HeatData} */ d) =>
      `${d.values.length}×${d.values[0]?.length}|${d.rows}|${d.columns}|${d.link}|${d.room}`;
    const keepGrid = same(content) === same(this.content) && this.plan !== "";
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
    this.readout = html("p", { class: "mg-readout", role: "status" });
    this.replaceChildren(
      this.room,
      this.readout,
      tableOf(this.name, () => this.tabled()),
    );
    this.wide = this.room.clientWidth;
    this.draw();
    this.paint();
    const watcher = new ResizeObserver(() => {
      this.wide = this.room?.clientWidth ?? 0;
      if (Math.abs(this.wide - Number(this.drawnFor)) < 8 && devicePixelRatio === this.ratio)
        return;
      this.guard(() => {
        this.draw();
        this.paint();
      });
    });
    watcher.observe(this.room);
    this.whenLeaving(() => watcher.disconnect());
    this.whenLeaving(
      onTheme(() =>
        this.guard(() => {
          this.plan = ""; // the canvas keeps nothing of the other theme
          this.draw();
          this.paint();
        }),
      ),
    );
    this.listen(document, "mg-link", ({ detail }) => this.light(detail.ids));
  }

  /** Numbers that stand in the page as a table: they are shown without scripts too. @private */
  fromTable() {
    const table = this.fallback.find((node) => node instanceof HTMLTableElement);
    if (!(table instanceof HTMLTableElement)) return null;
    const text = (/** @type {Element} */ cell) => cell.textContent?.trim() ?? "";
    const rows = [...table.querySelectorAll("tbody tr")];
    const values = rows.map((row) =>
      [...row.querySelectorAll("td")].map((cell) => Number(text(cell).replace("−", "-"))),
    );
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
      rows: this.content.values.map((row, r) => [
        this.rowName(r),
        ...row.map((x) => written(x, this.digits)),
      ]),
    };
  }

  /**
   * The grid without its colours. Rows that come or go at the end leave the others alone.
   * @private
   */
  draw() {
    const { values, columns: called = [], link = "", room = 0 } = this.content;
    const wide = this.hasAttribute("numbers");
    const longest = Math.max(1, ...values.map((_, r) => [...this.rowName(r)].length));
    const left = Math.ceil(Math.min(120, longest * CHAR + 10));
    const columns = values[0]?.length ?? 0;
    this.drawnFor = this.wide || 600;
    const cell = Math.max(
      this.numberOf("least", CELL.least),
      Math.min(
        this.numberOf("most", CELL.most),
        Math.floor((this.drawnFor - left - 2) / (columns || 1)),
      ),
    );
    const low = Math.floor(this.numberOf("tall", Infinity) / Math.max(room, values.length, 1));
    const tall = this.numberOf("high", Math.max(4, Math.min(cell, low)));
    const [w, h] = wide ? [NUMBER_CELL, NUMBER_HEIGHT] : [cell, tall];
    const named = Math.ceil(NAME_HEIGHT / h); // each of so many rows has its name
    const names = (values[0] ?? []).map((_, c) => this.columnName(c));
    const all = !wide && called.some((name) => name.length > 3);
    const isTurned = (/** @type {string} */ name) =>
      all || (!wide && name.length > 1 && name.length * CHAR > cell + 4);
    const top = Math.ceil(
      Math.max(20, ...names.filter(isTurned).map((name) => 12 + CHAR * name.length)),
    );
    const height = top + Math.max(room, values.length) * h + 2;
    const plan = JSON.stringify([left, top, w, h, names, link, height, devicePixelRatio]);
    const grid =
      plan === this.plan && this.picture ? this.picture : this.grid(left + columns * w + 2, height);
    if (plan !== this.plan) {
      this.plan = plan;
      this.place = { left, top, w, h };
      grid.append(
        ...names.map((name, c) => {
          const x = left + (c + 0.5) * w;
          const turn = isTurned(name)
            ? { "text-anchor": "start", transform: `rotate(-90 ${x} ${top - 6}) translate(0 4)` }
            : { "text-anchor": "middle" };
          return svg("text", { class: "mg-label", x, y: top - 6, ...turn }, name);
        }),
      );
    }
    for (const { label } of this.lines.splice(values.length)) label.remove();
    values.forEach((_, r) => {
      const name = r % named ? "" : this.rowName(r);
      if (this.lines[r]?.name === name) return;
      const label = svg(
        "text",
        {
          class: "mg-label",
          x: left - 6,
          y: top + (r + 0.5) * h,
          "text-anchor": "end",
          "dominant-baseline": "central",
          "data-link": link ? `${link}.r${r}` : null,
        },
        name,
      );
      if (this.lines[r]) this.lines[r].label.replaceWith(label);
      else grid.append(label);
      this.lines[r] = { name, label };
    });
    grid.setAttribute("aria-label", `${this.name}, ${values.length} × ${columns}`);
    grid.setAttribute("aria-rowcount", String(values.length));
    grid.setAttribute("aria-colcount", String(columns));
    if (this.at.row >= values.length || this.at.column >= columns) this.at = { row: 0, column: 0 };
    this.light([]);
  }

  /**
   * A fresh picture with its canvas, nothing in it.
   * @private
   * @param {number} width
   * @param {number} height
   * @returns {SVGSVGElement}
   */
  grid(width, height) {
    this.lines = [];
    this.fills = [];
    this.ratio = devicePixelRatio || 1;
    const [across, down] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    const canvas = html("canvas", {
      class: "mg-heat-ground",
      "aria-hidden": "true",
      width: across,
      height: down,
    });
    [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
    this.paper = canvas.getContext("2d");
    this.ground = canvas;
    this.between = "";
    if (this.paper) {
      this.paper.scale(this.ratio, this.ratio);
      this.paper.textAlign = "center";
      this.paper.textBaseline = "middle";
      const sans = getComputedStyle(this).getPropertyValue("--mg-sans") || "sans-serif";
      this.paper.font = `13px ${sans}`;
    }
    this.frame = svg("rect", { id: `${this.ids}-cell`, class: "mg-cell", role: "gridcell" });
    this.framed = svg("g", { role: "row" }, this.frame);
    this.lit = svg("g", { "aria-hidden": "true" });
    this.picture = svg(
      "svg",
      {
        class: "mg-heat-grid",
        role: "grid",
        tabindex: 0,
        width,
        height,
        viewBox: `0 0 ${width} ${height}`,
      },
      this.lit,
      this.framed,
    );
    this.room?.replaceChildren(html("div", { class: "mg-heat-box" }, canvas, this.picture));
    this.hear(this.picture);
    return this.picture;
  }

  /** @private @param {SVGSVGElement} picture */
  hear(picture) {
    const cellOf = (/** @type {PointerEvent} */ event) => {
      const { left, top, w, h } = this.place;
      const box = picture.getBoundingClientRect();
      const [column, row] = [
        Math.floor((event.clientX - box.left - left) / w),
        Math.floor((event.clientY - box.top - top) / h),
      ];
      return this.content.values[row]?.[column] === undefined ? null : { row, column };
    };
    this.listen(picture, "pointerover pointermove click", (event) => {
      const found = cellOf(event);
      if (found && this.isLooked && found.row === this.at.row && found.column === this.at.column)
        return;
      if (found) this.look(found);
      else if (this.isLooked && document.activeElement !== picture) this.look(null);
    });
    this.listen(picture, "pointerleave", () => {
      if (document.activeElement !== picture) this.look(null);
    });
    this.listen(picture, "focus", () => this.look(this.at));
    this.listen(picture, "blur", () => this.look(null));
    this.listen(picture, "keydown", (event) => {
      const {
        at,
        content: { values },
      } = this;
      const [rows, columns] = [values.length, values[0]?.length ?? 0];
      const next = cellAfter(event.key, at, rows, columns);
      if (!next || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.look(next);
      this.frame?.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  }

  /** Colours and glyphs of all cells: only what has changed is touched. @private */
  paint() {
    const { values } = this.content;
    const { paper, place } = this;
    const scale = scaleOf(this);
    if (!this.between && this.ground) this.between = getComputedStyle(this.ground).color;
    let most = this.content.most ?? 0;
    if (!most)
      for (const row of values)
        for (const x of row) if (Number.isFinite(x)) most = Math.max(most, Math.abs(x));
    const wide = this.hasAttribute("numbers");
    const bare = this.hasAttribute("unsigned") && !wide;
    /** @type {Map<number, [string, string]>} */
    const colours = new Map();
    const coloured = (/** @type {number} */ level) => {
      const ground = shade(scale, level / SHADES);
      /** @type {[string, string]} */
      const made = [css(ground), inkOn(ground)];
      colours.set(level, made);
      return made;
    };
    const before = this.painted;
    if (before?.scale !== scale) this.fills = [];
    const isAlike = before?.most === most;
    values.forEach((row, r) => {
      if (!this.fills[r]) {
        this.fills[r] = [];
        if (paper) paintLine(paper, place, r, row.length, this.between ?? "");
      }
      const fills = this.fills[r];
      const known = isAlike ? before?.values[r] : undefined;
      for (let c = 0; c < row.length; c++) {
        const x = row[c];
        if (fills[c] !== undefined && known?.[c] === x) continue;
        const share = most ? Math.max(-1, Math.min(1, x / most)) : 0;
        const level = Math.round(share * SHADES);
        const sign = Number.isNaN(x) ? "?" : x > 0 ? "+" : x < 0 ? "−" : "0";
        const text = wide
          ? written(x, this.digits)
          : bare
            ? ""
            : Math.abs(x) < most / 50
              ? "·"
              : sign;
        const shown = text ? `${level} ${text}` : level;
        if (fills[c] === shown) continue;
        fills[c] = shown;
        const [fill, ink] = colours.get(level) ?? coloured(level);
        if (paper) paintCell(paper, place, r, c, { fill, ink, text });
      }
    });
    this.painted = { values: values.map((row) => row.slice()), most, scale };
    const { left, top, w, h } = this.place;
    const gone = this.fills.splice(values.length);
    if (gone.length)
      this.paper?.clearRect(
        left - 1,
        top + values.length * h,
        gone[0].length * w + 1,
        gone.length * h,
      );
    this.look(this.isLooked ? this.at : null);
  }

  /** @private @param {number} r @param {number} c */
  sentence(r, c) {
    return (
      `row ${this.rowName(r)}, column ${this.columnName(c)}: ` +
      `${written(this.content.values[r][c], this.digits)}`
    );
  }

  /** @private */
  idle() {
    const { values } = this.content;
    const all = values.flat();
    if (!this.readout || !all.length) return;
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const text =
      `${this.name}: ${values.length} × ${values[0].length} numbers from ` +
      `${written(low, this.digits)} to ${written(high, this.digits)}. Point at a cell, or ` +
      "use the arrow keys.";
    setLine(this.readout, text);
  }

  /** Puts the frame on a cell, or takes it away. @private @param {Cell | null} cell */
  look(cell) {
    const {
      picture,
      frame,
      framed,
      content: { values, link },
    } = this;
    const wasLooked = this.isLooked;
    this.isLooked = cell !== null && values.length > 0;
    if (cell) this.at = cell;
    const { row, column } = this.at;
    if (!picture || !frame || !framed || !values.length) return;
    const { left, top, w, h } = this.place;
    const name = this.sentence(row, column);
    setAll(framed, { "aria-rowindex": row + 1 });
    setAll(frame, {
      x: left + column * w,
      y: top + row * h,
      width: w - 1,
      height: h - 1,
      "aria-colindex": column + 1,
      "aria-label": name,
    });
    frame.toggleAttribute("data-looked", this.isLooked);
    const ids = link && this.isLooked ? [`${link}.r${row}`, `${link}.r${row}.c${column}`] : [];
    setAll(picture, {
      "aria-activedescendant": this.isLooked ? frame.id : null,
      "data-link": ids.join(" ") || null,
    });
    if (link && (ids.length || wasLooked)) startLinks().show(ids);
    if (this.isLooked && this.readout) setLine(this.readout, `${this.name}, ${name}`);
    else this.idle();
    if (this.isLooked || wasLooked)
      this.tell("mg-cell", this.isLooked ? { row, column, value: values[row][column] } : null);
  }

  /** Frames the rows and cells that are linked to these. @private @param {string[]} ids */
  light(ids) {
    const { link, values } = this.content;
    if (!link || !this.lit) return;
    const { left, top, w, h } = this.place;
    const columns = values[0]?.length ?? 0;
    const mine = ids
      .filter((id) => id.startsWith(`${link}.r`))
      .map((id) => /^r(\d+)(?:\.c(\d+))?$/.exec(id.slice(link.length + 1)));
    const frames = mine.flatMap((found) => {
      const [row, column] = [
        Number(found?.[1]),
        found?.[2] === undefined ? null : Number(found[2]),
      ];
      if (!found || row >= values.length || (column ?? 0) >= columns) return [];
      return [
        svg("rect", {
          class: "mg-heat-lit",
          x: left + (column ?? 0) * w,
          y: top + row * h,
          width: (column === null ? columns : 1) * w - 1,
          height: h - 1,
        }),
      ];
    });
    if (frames.length || this.lit.firstChild) this.lit.replaceChildren(...frames);
  }
}

define("mg-heat", MgHeat);
