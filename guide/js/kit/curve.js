// <mg-curve label="Loss" x-label="step" y-label="nats per token">: curves of real numbers with
// honest axes: both are labelled, what the y axis begins with is said, floors to compare with are
// drawn in.
//
//     curve.series = [{ name: "loss of one name", values: losses, kind: "dots" }, ...];
//     curve.floors = [{ name: "guessing among 27", y: 3.2958 }];
//     curve.marker = 500;
//
// Hover, or move the slider below, to read the numbers; buttons hide a curve. Tells `mg-read` {x}.
// `x-to="1000"` keeps room up to there while numbers still come, `height="400"` is in pixels. With
// `named` each curve has its name at its end, too.

import { namesAt } from "./curve-names.js";
import { nearest, placeOfName, plan, pointsOf, thinned } from "./curve-plan.js";
import { freshId, html, renew, setAll, setText, svg, tableOf } from "./dom.js";
import { define, KitElement } from "./element.js";
import { counted, decimals, written } from "./text.js";

/** @typedef {import("./curve-plan.js").Series} Series */
/** @typedef {import("./curve-plan.js").Floor} Floor */
/** @typedef {import("./curve-plan.js").Point} Point */

const CHAR = 6.2; // px across of a floor's name
const SAMPLED = 120; // points of a curve that its place is chosen by
const SIZE = { left: 52, right: 24, top: 12, bottom: 44 };

export class MgCurve extends KitElement {
  constructor() {
    super();
    /** @private @type {(Series & {points: Point[], on: boolean})[]} */ this.all = [];
    /** @private @type {Floor[]} */ this.lines = [];
    /** @private @type {number | null} */ this.at = null;
    /** @private */ this.width = 640;
    /** @private @type {ReturnType<typeof plan> | null} */ this.planned = null;
    /** @private */ this.waits = false;
    /** @private curves that have a button */ this.keyed = "";
    /** @private axes, and lines across */ this.ground = svg("g");
    /** @private */ this.curves = svg("g");
    /** @private of the lines across */ this.names = svg("g");
    /**
     * @private for what they were drawn
     * @type {{ground: string, lines: {path: SVGPathElement, points: Point[] | null,
     *   scale: string}[]}}
     */
    this.drawn = { ground: "", lines: [] };
  }

  get series() {
    return this.all;
  }

  /** @param {Series[]} series */
  set series(series) {
    const before = new Map(this.all.map(({ name, on }) => [name, on]));
    const known = new Map(this.all.map((one) => [one.values, one.points]));
    this.all = series.map((one) => {
      const points = known.get(one.values);
      const isSame = points?.length === one.values.length; // a list of numbers may have grown
      return {
        ...one,
        points: points && isSame ? points : pointsOf(one.values),
        on: before.get(one.name) ?? !one.off,
      };
    });
    this.drawSoon();
  }

  get floors() {
    return this.lines;
  }

  /** @param {Floor[]} floors */
  set floors(floors) {
    this.lines = floors;
    this.drawSoon();
  }

  /** Once, whatever was set in one go. @private */
  drawSoon() {
    if (this.waits) return;
    this.waits = true;
    queueMicrotask(() => {
      this.waits = false;
      this.redraw(() => this.draw());
    });
  }

  get marker() {
    return this.at;
  }

  /** Where the readout stands; null for the end. @param {number | null} x */
  set marker(x) {
    this.at = x;
    this.redraw(() => this.read(x, false));
  }

  build() {
    this.keyed = "";
    const label = this.getAttribute("label") ?? "Curve";
    this.legend = html("div", {
      class: "mg-row mg-legend",
      role: "group",
      "aria-label": `${label}: curves`,
    });
    this.picture = svg(
      "svg",
      { class: "mg-plot", role: "img", "aria-label": label },
      this.ground,
      this.curves,
      this.names,
    );
    // Apart: the curves needn't be painted anew as it moves.
    this.cursor = svg("svg", { class: "mg-plot-cursor", "aria-hidden": "true" });
    this.box = html("div", { class: "mg-plot-box" }, this.picture, this.cursor);
    this.track = html("input", {
      type: "range",
      class: "mg-range",
      id: freshId("mg-read"),
      "aria-label": `${label}: read at ${this.xLabel}`,
      step: "any",
    });
    this.readout = html("p", { class: "mg-readout", role: "status" });
    this.note = html("p", { class: "mg-note" });
    this.replaceChildren(
      this.legend,
      this.box,
      this.track,
      this.readout,
      this.note,
      tableOf(label, () => this.tabled()),
    );
    this.listen(this.track, "input", (event) => {
      event.stopPropagation();
      this.read(Number(this.track?.value), true);
    });
    this.listen(this.track, "change", (event) => event.stopPropagation());
    this.listen(this.picture, "pointermove pointerdown", (event) => {
      if (!this.planned || !this.picture) return;
      const box = this.picture.getBoundingClientRect();
      const share =
        ((event.clientX - box.left) * (this.width / box.width) - SIZE.left) /
        (this.width - SIZE.left - this.right);
      const { low, high } = this.planned.x;
      if (share >= -0.02 && share <= 1.02)
        this.read(low + Math.max(0, Math.min(1, share)) * (high - low), true);
    });
    const watcher = new ResizeObserver(() => {
      const width = Math.round(this.box?.clientWidth ?? 0);
      if (width && Math.abs(width - this.width) > 2) {
        this.width = Math.max(240, width);
        this.guard(() => this.draw());
      }
    });
    watcher.observe(this.box);
    this.whenLeaving(() => watcher.disconnect());
    this.width = Math.max(240, this.box.clientWidth || 640);
    this.draw();
  }

  /** @private */
  get xLabel() {
    return this.getAttribute("x-label") ?? "x";
  }

  /** @private of the picture in pixels */
  get height() {
    return this.numberOf("height", 280);
  }

  /** @private room at the right for the names of the curves, if they stand there */
  get right() {
    if (!this.hasAttribute("named")) return SIZE.right;
    const longest = Math.max(0, ...this.all.map(({ name }) => name.length));
    return 22 + (CHAR + 0.6) * longest;
  }

  /** @private */
  get digits() {
    return this.numberOf("digits", 3);
  }

  /** @private */
  draw() {
    if (!this.picture || !this.cursor || !this.legend || !this.track || !this.note) return;
    const shown = this.all.filter(({ on }) => on);
    this.planned = plan(
      shown.map(({ points }) => points),
      this.lines,
      {
        fromZero: this.hasAttribute("from-zero"),
        xTo: this.hasAttribute("x-to") ? this.numberOf("x-to", 1) : null,
      },
    );
    const { x, y } = this.planned;
    const box = `0 0 ${this.width} ${this.height}`;
    if (this.picture.getAttribute("viewBox") !== box)
      for (const one of [this.picture, this.cursor]) one.setAttribute("viewBox", box);
    const scale = JSON.stringify([this.planned, this.width]);
    const ends = this.hasAttribute("named") ? this.all.map(({ points }) => points.at(-1)) : [];
    const ground = JSON.stringify([scale, this.lines, this.all.map(({ on }) => on), ends]);
    if (this.drawn.ground !== ground) {
      const [lines, names] = this.floorParts();
      renew(this.ground, ...this.axes(), ...lines);
      renew(this.names, ...names, ...this.endNames());
      this.drawn.ground = ground;
    }
    this.all.forEach((one, i) => {
      const drawn = (this.drawn.lines[i] ??= {
        path: this.curves.appendChild(svg("path")),
        points: null,
        scale: "",
      });
      const display = one.on ? "inline" : "none";
      if (drawn.path.getAttribute("display") !== display)
        drawn.path.setAttribute("display", display);
      if (!one.on || (drawn.points === one.points && drawn.scale === scale)) return;
      Object.assign(drawn, { points: one.points, scale });
      this.line(drawn.path, one, i);
    });
    for (const { path } of this.drawn.lines.splice(this.all.length)) path.remove();
    if (this.track.min !== String(x.low)) this.track.min = String(x.low);
    if (this.track.max !== String(x.high)) this.track.max = String(x.high);
    const name = this.getAttribute("y-label") ?? "y";
    const begins = y.low > 0 ? `The ${name} axis begins at ${written(y.low, 2)}, not at 0.` : "";
    setText(this.note, begins);
    if (this.note.hidden !== !(y.low > 0)) this.note.hidden = !(y.low > 0);
    this.keys();
    this.read(this.at, false);
  }

  /** @private @param {number} x */
  px(x) {
    const { low, high } = /** @type {ReturnType<typeof plan>} */ (this.planned).x;
    return SIZE.left + ((x - low) / (high - low)) * (this.width - SIZE.left - this.right);
  }

  /** @private @param {number} y */
  py(y) {
    const { low, high } = /** @type {ReturnType<typeof plan>} */ (this.planned).y;
    return (
      this.height -
      SIZE.bottom -
      ((y - low) / (high - low)) * (this.height - SIZE.top - SIZE.bottom)
    );
  }

  /** @private @returns {SVGElement[]} */
  axes() {
    const { x, y } = /** @type {ReturnType<typeof plan>} */ (this.planned);
    const [right, bottom] = [this.width - this.right, this.height - SIZE.bottom];
    const digits = Math.max(...y.ticks.map(decimals));
    const every = Math.ceil((x.ticks.length * 58) / (this.width - SIZE.left));
    return [
      ...y.ticks.flatMap((tick) => [
        svg("line", {
          class: "mg-gridline",
          x1: SIZE.left,
          x2: right,
          y1: this.py(tick),
          y2: this.py(tick),
        }),
        svg(
          "text",
          {
            class: "mg-label",
            x: SIZE.left - 8,
            y: this.py(tick),
            "text-anchor": "end",
            "dominant-baseline": "central",
          },
          written(tick, digits),
        ),
      ]),
      ...x.ticks
        .filter((_, i) => i % every === 0)
        .map((tick) =>
          svg(
            "text",
            { class: "mg-label", x: this.px(tick), y: bottom + 18, "text-anchor": "middle" },
            counted(tick),
          ),
        ),
      svg("line", { class: "mg-axis", x1: SIZE.left, x2: right, y1: bottom, y2: bottom }),
      svg("line", { class: "mg-axis", x1: SIZE.left, x2: SIZE.left, y1: SIZE.top, y2: bottom }),
      svg(
        "text",
        {
          class: "mg-label",
          x: (SIZE.left + right) / 2,
          y: this.height - 6,
          "text-anchor": "middle",
        },
        this.xLabel,
      ),
      svg(
        "text",
        {
          class: "mg-label",
          x: 12,
          y: (SIZE.top + bottom) / 2,
          "text-anchor": "middle",
          transform: `rotate(-90 12 ${(SIZE.top + bottom) / 2})`,
        },
        this.getAttribute("y-label") ?? "y",
      ),
    ];
  }

  /** Lines, and their names where they cover least. @private @returns {SVGElement[][]} */
  floorParts() {
    const right = this.width - this.right;
    const box = { left: SIZE.left, right, top: SIZE.top, bottom: this.height - SIZE.bottom };
    const points = this.lines.length
      ? this.all
          .filter(({ on }) => on)
          .flatMap((one) => {
            const every = Math.ceil(one.points.length / SAMPLED);
            return one.points
              .filter((p, i) => i % every === 0 && Number.isFinite(p.y))
              .map((p) => ({ x: this.px(p.x), y: this.py(p.y) }));
          })
      : [];
    /** @type {import("./curve-plan.js").Box[]} */
    const taken = [];
    const names = this.lines.map(({ name, y }) => {
      const text = `${name} ${written(y, this.digits)}`;
      const place = placeOfName({ y: this.py(y), width: CHAR * text.length }, box, points, taken);
      taken.push(place);
      const atRight = place.right > right - 10;
      return svg(
        "text",
        {
          class: "mg-label mg-halo",
          x: atRight ? right - 2 : place.left,
          y: place.bottom - 3,
          "text-anchor": atRight ? "end" : "start",
        },
        text,
      );
    });
    const lines = this.lines.map(({ y }) =>
      svg("line", { class: "mg-floor", x1: SIZE.left, x2: right, y1: this.py(y), y2: this.py(y) }),
    );
    return [lines, names];
  }

  /** The names of the curves at their ends. @private @returns {SVGElement[]} */
  endNames() {
    if (!this.hasAttribute("named")) return [];
    const shown = this.all.flatMap(({ on, points, name }, i) =>
      on && points.length ? [{ i, name, end: points[points.length - 1] }] : [],
    );
    const ends = shown.map(({ end, ...one }) => ({ ...one, x: this.px(end.x), y: this.py(end.y) }));
    return namesAt(ends, { low: SIZE.top + 4, high: this.height - SIZE.bottom });
  }

  /**
   * @private
   * @param {SVGPathElement} path
   * @param {Series & {points: Point[]}} one
   * @param {number} i
   */
  line(path, one, i) {
    const points = thinned(one.points, Math.max(2000, this.width)).filter(({ y }) =>
      Number.isFinite(y),
    );
    const place = (/** @type {Point} */ p) =>
      `${this.px(p.x).toFixed(1)} ${this.py(p.y).toFixed(1)}`;
    const isDots = one.kind === "dots";
    path.setAttribute("class", `${isDots ? "mg-dots" : "mg-line"} mg-series-${i % 6}`);
    path.setAttribute(
      "d",
      isDots
        ? points.map((p) => `M${place(p)}h0`).join("")
        : points.map((p, k) => `${k ? "L" : "M"}${place(p)}`).join(""),
    );
  }

  /** The buttons that hide and show the curves. @private */
  keys() {
    const wanted = this.all.map(({ kind }) => kind).join();
    if (this.legend && wanted === this.keyed && this.legend.children.length === this.all.length) {
      this.all.forEach(({ name, on }, i) => {
        const key = /** @type {Element} */ (this.legend?.children[i]);
        setAll(key, { "aria-pressed": String(on) });
        if (key.lastChild?.nodeValue !== name) key.lastChild?.replaceWith(name);
      });
      return;
    }
    this.keyed = wanted;
    const focused =
      document.activeElement instanceof HTMLElement && this.contains(document.activeElement)
        ? document.activeElement.dataset.series
        : undefined;
    const buttons = this.all.map((one, i) => {
      const sample = svg(
        "svg",
        { class: "mg-key", viewBox: "0 0 28 10", "aria-hidden": "true" },
        svg(
          "path",
          one.kind === "dots"
            ? { class: `mg-dots mg-series-${i % 6}`, d: "M6 5h0M14 5h0M22 5h0" }
            : { class: `mg-line mg-series-${i % 6}`, d: "M1 5H27" },
        ),
      );
      const key = html(
        "button",
        {
          type: "button",
          class: "mg-button mg-quiet",
          "aria-pressed": String(one.on),
          "data-series": i,
        },
        sample,
        one.name,
      );
      key.addEventListener("click", () =>
        this.guard(() => {
          this.all[i].on = !this.all[i].on;
          this.draw();
        }),
      );
      return key;
    });
    this.legend?.replaceChildren(...buttons);
    if (focused !== undefined) buttons[Number(focused)]?.focus();
  }

  /** @private @param {number | null} x @param {boolean} tell */
  read(x, tell) {
    const shown = this.all.filter(({ on, points }) => on && points.length);
    if (!this.cursor || !this.readout || !this.track || !this.planned) return;
    if (!shown.length) {
      this.readout.textContent =
        this.all.some(({ on }) => on) || !this.all.length
          ? "There are no numbers yet."
          : "All curves are hidden.";
      this.cursor.replaceChildren();
      return;
    }
    const found = shown.map((one) => ({
      one,
      p: /** @type {Point} */ (nearest(one.points, x ?? this.planned?.x.high ?? 0)),
    }));
    const longest = found.reduce((a, b) => (b.one.points.length > a.one.points.length ? b : a));
    const at = longest.p.x;
    if (x !== null) this.at = at;
    if (Number(this.track.value) !== at) this.track.value = String(at);
    const text = found
      .map(
        ({ one, p }) =>
          `${one.name} ${written(p.y, this.digits)}${p.x === at ? "" : ` (at ${p.x})`}`,
      )
      .join(", ");
    const said = `${this.xLabel} ${counted(at)}: ${text}`;
    setText(this.readout, said);
    setAll(this.track, { "aria-valuetext": said });
    renew(
      this.cursor,
      svg("line", {
        class: "mg-cursor-line",
        x1: this.px(at),
        x2: this.px(at),
        y1: SIZE.top,
        y2: this.height - SIZE.bottom,
      }),
      ...found.map(({ one, p }) =>
        svg("circle", {
          class: `mg-point mg-series-${this.all.indexOf(one) % 6}`,
          cx: this.px(p.x),
          cy: this.py(p.y),
          r: 4.5,
        }),
      ),
    );
    if (tell) this.tell("mg-read", { x: at });
  }

  /** @private */
  tabled() {
    const xs = [...new Set(this.all.flatMap(({ points }) => points.map(({ x }) => x)))].sort(
      (a, b) => a - b,
    );
    const byX = this.all.map(({ points }) => new Map(points.map(({ x, y }) => [x, y])));
    const some =
      xs.length <= 200
        ? xs
        : xs.filter((_, i) => i % Math.ceil(xs.length / 200) === 0 || i === xs.length - 1);
    return {
      head: [this.xLabel, ...this.all.map(({ name }) => name)],
      rows: some.map((x) => [
        counted(x),
        ...byX.map((map) => (map.has(x) ? written(Number(map.get(x)), this.digits) : "")),
      ]),
    };
  }
}

define("mg-curve", MgCurve);
