// <mg-surface>: a net of two layers over the plane of its first two inputs, in three dimensions.
// <mg-surface-match>: the same with a hidden target to find by hand. The picture turns
// by dragging, by arrow keys and by buttons; its numbers are in a table too. Patches and wires
// are on a canvas, the axes on a picture above it. The net's own numbers are lines to drag.

import { groundOf, paletteOf, sized } from "../js/figures/canvas.js";
import { html, onTheme, renew, setAll, setText, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, row } from "../js/kit/make.js";
import { solved } from "../js/kit/progress.js";
import { flagField, isHidden, numberField, seedField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import {
  SURFACE_GOAL,
  surface,
  surfaceLoss,
  surfaceTarget,
  TWO_LAYER,
  twoLayer,
} from "../js/numbers/neuron.js";
import { Random } from "../js/random.js";
import { historyLine } from "../js/figures/networks/history-line.js";
import { onWidth } from "../js/figures/networks/number-line.js";
import { nameOf, SurfacePanel } from "../js/figures/networks/surface-panel.js";
import { EYE, framing, patches, project, turned } from "../js/figures/networks/surface-view.js";

/** @typedef {import("../js/numbers/neuron.js").TwoLayer} TwoLayer */
/** @typedef {import("../js/figures/networks/surface-view.js").Seen} Seen */

const NAMES = /** @type {const} */ (["w1", "w2", "b1", "w3", "b2", "b3"]);
// of a picture 420 wide; `zoom` makes it as large as it is shown
const SIZE = { reach: 3, lift: 0.7, scale: 42, width: 420, height: 330, x: 215, y: 212 };
const POINTS = 14;
const STEP = 15; // degrees a key turns

/** @type {import("../js/kit/state.js").Schema} */
const FIELDS = {
  ...Object.fromEntries(NAMES.map((name) => [name, numberField(TWO_LAYER[name], -2, 2)])),
  x3: numberField(1, -3, 3),
};

class MgSurface extends Widget {
  fields = FIELDS;
  view = svg("svg", {
    class: "net-view",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "surface to turn",
  });
  canvas = html("canvas", { "aria-hidden": "true" });
  /** @private */ eye = { ...EYE };
  /** @private @type {ReturnType<MgSurface["sheet"]> | null} */ paper = null;
  /** @private @type {ReturnType<MgSurface["grounded"]> | null} */ ground = null;
  /** @private for what the axes were drawn */ framed = "";
  /** @private */ axis = svg("path", { class: "net-axis" });
  /** @private of the axes @type {SVGTextElement[]} */ labels = [];
  /** @private @type {SurfacePanel | null} */ panel = null;
  /** px across of what stands beside the surface @protected */ beside = 420;

  build() {
    this.eye = { ...EYE };
    this.paper = null;
    this.ground = null;
    this.framed = "";
    this.labels = [];
    this.view.replaceChildren(this.axis);
    this.hear();
    const box = html("div", { class: "net-solid" }, this.canvas, this.view);
    const anew = () =>
      this.guard(() => {
        this.paper = null;
        this.draw();
      });
    const watcher = new ResizeObserver(anew);
    watcher.observe(box);
    this.whenLeaving(() => watcher.disconnect());
    this.whenLeaving(onTheme(anew));
    const panel = new SurfacePanel(this, {
      fields: /** @type {any} */ (this.fields),
      moved: (key, value) => this.set({ [key]: value }),
    });
    this.panel = panel;
    const numbers = html("div", {}, panel.picture);
    onWidth(this, numbers, (width) => {
      this.beside = width;
      panel.stand(width);
      this.show();
    });
    const left = html("div", { class: "net-numbers" }, ...this.above(), numbers, ...this.below());
    const looks = { step: 0.05, digits: 2 };
    const view = group(
      "The view",
      {},
      this.button("Turn left", () => this.turn(-STEP, 0)),
      this.button("Turn right", () => this.turn(STEP, 0)),
      this.button("From above", () => this.turn(0, 90)),
      this.button("Reset view", () => this.lookFrom({ ...EYE })),
    );
    const typed = group(
      "Numbers to type",
      { class: "net-fields" },
      ...[...NAMES, "x3"].map((key) => this.knob(key, { label: nameOf(key), ...looks })),
    );
    return [
      this.figure(html("div", { class: "net-landscape" }, box, left), {
        under: true,
        controls: this.own(),
        more: [view, typed],
      }),
      tableOf("a over x₁ (columns) and x₂ (rows)", () => this.tabled()),
    ];
  }

  /** @returns {Node[]} */
  above() {
    return [];
  }

  /** @returns {Node[]} */
  below() {
    return [];
  }

  /** Buttons of its own. @returns {Node[]} */
  own() {
    const random = () => {
      const rng = new Random(Math.floor(Math.random() * 2 ** 32));
      const drawn = NAMES.map((name) => [name, Number((3 * rng.random() - 1.5).toFixed(2))]);
      this.set(Object.fromEntries(drawn));
    };
    return [this.button("Randomise", random)];
  }

  /** The net that the state says. @returns {TwoLayer} */
  get net() {
    return /** @type {any} */ (this.values);
  }

  /** @private @param {import("../js/figures/networks/surface-view.js").Eye} eye */
  lookFrom(eye) {
    this.eye = eye;
    this.draw();
  }

  /** @private @param {number} turn @param {number} tilt */
  turn(turn, tilt) {
    this.lookFrom(turned(this.eye, turn, tilt));
  }

  /** @private */
  hear() {
    const { view } = this;
    /** @type {{x: number, y: number} | null} */
    let held = null;
    this.listen(view, "pointerdown", (event) => {
      held = { x: event.clientX, y: event.clientY };
      view.setPointerCapture(event.pointerId);
    });
    this.listen(view, "pointermove", (event) => {
      if (!held) return;
      this.turn((event.clientX - held.x) * 0.6, (event.clientY - held.y) * 0.6);
      held = { x: event.clientX, y: event.clientY };
    });
    this.listen(view, "pointerup pointercancel", () => (held = null));
    this.listen(view, "keydown", (event) => {
      const ways = /** @type {Record<string, [number, number]>} */ ({
        ArrowLeft: [-STEP, 0],
        ArrowRight: [STEP, 0],
        ArrowUp: [0, STEP],
        ArrowDown: [0, -STEP],
      });
      if (!(event.key in ways) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.turn(...ways[event.key]);
    });
  }

  show() {
    this.panel?.show(/** @type {any} */ (this.values));
    this.ground = null;
    this.draw();
    this.say();
  }

  /** What the line below says. */
  say() {
    const all = surface(this.net, this.values.x3).flat();
    const mid = twoLayer(this.net, 1, 0, this.values.x3);
    const flat = all.filter((a) => a === 0).length;
    this.summary(
      `Over the square a goes from ${written(Math.min(...all))} to ` +
        `${written(Math.max(...all))}` +
        (flat ? `, and is 0 at ${flat} of its ${all.length} points` : "") +
        `. At x₁ = 1, x₂ = 0: h₁ ${written(mid.h1)}, h₂ ${written(mid.h2)}, a ` +
        `${written(mid.a)}.`,
    );
  }

  /** Another surface to draw as wires. @returns {number[][] | null} */
  wires() {
    return null;
  }

  /** The canvas as large as it is shown, and its colours. @private */
  sheet() {
    const width = this.canvas.clientWidth || SIZE.width;
    const height = (width * SIZE.height) / SIZE.width;
    const paper = sized(this.canvas, width, height);
    const zoom = width / SIZE.width;
    paper.scale(zoom, zoom);
    this.view.setAttribute("viewBox", `0 0 ${width} ${height}`);
    return { paper, zoom, palette: paletteOf(this) };
  }

  /** What is drawn, however it is turned. @private */
  grounded() {
    const heights = surface(this.net, this.values.x3, POINTS);
    const other = this.wires();
    const most = Math.max(1, ...heights.flat(), ...(other ?? []).flat());
    return { heights, other, most, lift: Math.min(SIZE.lift, 3.2 / most) };
  }

  /** @private */
  draw() {
    const { eye } = this;
    const { heights, other, most, lift } = (this.ground ??= this.grounded());
    const { paper, zoom, palette } = (this.paper ??= this.sheet());
    const to = (/** @type {Seen} */ { x, y }) =>
      paper.lineTo(SIZE.x + x * SIZE.scale, SIZE.y + y * SIZE.scale);
    const trace = (/** @type {Seen[]} */ corners) => {
      paper.beginPath();
      corners.forEach(to);
      paper.closePath();
    };
    const wire = (/** @type {Seen[]} */ corners) => {
      trace(corners);
      paper.stroke();
    };
    paper.clearRect(0, 0, SIZE.width, SIZE.height);
    [paper.strokeStyle, paper.lineWidth, paper.globalAlpha] = [palette.ink, 0.9, 0.75];
    wire(
      [
        [-3, -3],
        [3, -3],
        [3, 3],
        [-3, 3],
      ].map(([x, y]) => project(eye, x, y, 0)),
    );
    [paper.strokeStyle, paper.lineWidth, paper.globalAlpha] = [palette.line, 0.5, 1];
    for (const { i, j, height, corners } of patches(heights, eye, { reach: SIZE.reach, lift })) {
      paper.fillStyle = groundOf(palette, height / most);
      trace(corners);
      paper.fill();
      const isEdge = i === 0 || j === 0 || i === POINTS - 2 || j === POINTS - 2;
      // Within, the two far sides are enough: the near ones are far sides of the next.
      if (!isEdge) {
        const far = corners.reduce(
          (best, corner, k) => (corner.far > corners[best].far ? k : best),
          0,
        );
        paper.beginPath();
        for (const k of [far + 3, far, far + 1]) to(corners[k % 4]);
      }
      paper.stroke();
    }
    [paper.strokeStyle, paper.lineWidth, paper.globalAlpha] = [palette.ink, 0.9, 0.75];
    if (other)
      for (const { corners } of patches(other, eye, { reach: SIZE.reach, lift })) wire(corners);
    this.frame({ most, lift, zoom });
    const label =
      `The surface a over x₁ and x₂${other ? ", the target's as wires" : ""}, turned by ` +
      `${Math.round(eye.turn)} degrees, seen from ${Math.round(eye.tilt)} degrees above. Arrow ` +
      "keys turn it.";
    setAll(this.view, { "aria-label": label });
  }

  /**
   * Axes with names and round numbers, one of them of the height.
   * @private
   * @param {{most: number, lift: number, zoom: number}} size
   */
  frame({ most, lift, zoom }) {
    const { eye } = this;
    const framed = [eye.turn, eye.tilt, most, lift, zoom].join();
    if (framed === this.framed) return;
    this.framed = framed;
    const px = (/** @type {Seen} */ { x, y }) => ({
      x: (SIZE.x + x * SIZE.scale) * zoom,
      y: (SIZE.y + y * SIZE.scale) * zoom,
    });
    const { floor, height } = framing(eye, { reach: SIZE.reach, most, lift });
    const d = height
      ? [height.line, ...height.ticks.map(({ mark }) => mark)]
          .map((ends) => ends.map(px))
          .map(
            ([a, b]) => `M${a.x.toFixed(1)} ${a.y.toFixed(1)}L${b.x.toFixed(1)} ${b.y.toFixed(1)}`,
          )
          .join("")
      : "";
    setAll(this.axis, { d });
    const texts = [
      ...floor.map((one) => ({ ...one, anchor: "middle" })),
      ...(height?.ticks ?? []).map((one) => ({ ...one, anchor: "end" })),
      ...(height ? [{ at: height.name, text: "a", anchor: "middle" }] : []),
    ];
    texts.forEach(({ at, text, anchor }, i) => {
      if (!this.labels[i]) {
        this.labels[i] = svg("text", { class: "mg-label mg-halo" });
        this.view.append(this.labels[i]);
      }
      const { x, y } = px(at);
      setAll(this.labels[i], { x: x.toFixed(1), y: (y + 4).toFixed(1), "text-anchor": anchor });
      setText(this.labels[i], text);
    });
    for (const label of this.labels.splice(texts.length)) label.remove();
  }

  /** @private */
  tabled() {
    const at = (/** @type {number} */ i) => written(-3 + (6 * i) / (POINTS - 1), 1);
    const heights = surface(this.net, this.values.x3, POINTS);
    return {
      head: ["x₂", ...heights.map((_, i) => at(i))],
      rows: heights.map((row, j) => [at(j), ...row.map((a) => written(a))]),
    };
  }
}

class MgSurfaceMatch extends MgSurface {
  /** @type {import("../js/kit/state.js").Schema} */
  fields = {
    ...FIELDS,
    seed: seedField(1),
    peek: flagField(false),
    stopped: flagField(false),
  };
  score = html("p", { class: "net-big", role: "status" });
  hint = html("p", { class: "mg-note" });
  track = html("div");
  /** @private the losses so far @type {number[]} */ history = [];
  /** @private */ best = Infinity;
  /** @private the target that they belong to */ shown = NaN;

  above() {
    this.shown = NaN;
    return [this.score];
  }

  below() {
    return [this.track];
  }

  own() {
    const fresh = this.button("New target", () =>
      this.set({ seed: (this.values.seed + 1) % 2 ** 32, peek: false, stopped: false }),
    );
    fresh.hidden ||= isHidden("seed");
    this.stop = this.button("Stop", () => this.set({ stopped: !this.values.stopped }));
    const peek = this.button("Peek", () => this.set({ peek: !this.values.peek }));
    return [row(fresh, peek, this.stop), this.hint];
  }

  get target() {
    return surfaceTarget(this.values.seed);
  }

  wires() {
    return this.values.stopped ? null : surface(this.target, this.values.x3, POINTS);
  }

  say() {
    const { stopped, peek, seed } = this.values;
    if (this.shown !== seed) Object.assign(this, { shown: seed, history: [], best: Infinity });
    this.stop?.replaceChildren(stopped ? "Go on" : "Stop");
    if (stopped) {
      renew(this.score, "Stopped: this is your own surface alone.");
      super.say();
      return;
    }
    const loss = surfaceLoss(this.net, this.target, this.values.x3);
    const { history } = this;
    if (history[history.length - 1] !== loss) history.push(loss);
    history.splice(0, Math.max(0, history.length - 500));
    this.best = Math.min(this.best, loss);
    const size = { goal: SURFACE_GOAL, width: this.beside, height: 104 };
    renew(this.track, historyLine(history, size));
    const found = loss < SURFACE_GOAL;
    if (found && !peek) solved("E8", `seed ${seed}`);
    renew(
      this.score,
      `Loss ${written(loss, 4)}, best ${written(this.best, 4)}: ` +
        (found
          ? peek
            ? "found, with a look at the answer"
            : "✓ found"
          : `goal below ${SURFACE_GOAL}`),
    );
    const weights = NAMES.map((name) => `${nameOf(name)} ${written(this.target[name])}`).join(", ");
    renew(
      this.hint,
      peek
        ? `The target's weights: ${weights}.`
        : `Target ${seed}, as wires. Move one number at a time, and keep what brings the ` +
            "loss down.",
    );
    this.summary(
      `Target ${seed}: loss ${written(loss, 4)}, best so far ${written(this.best, 4)}, after ` +
        `${history.length} ${history.length === 1 ? "look" : "looks"}.`,
    );
  }
}

define("mg-surface", MgSurface);
define("mg-surface-match", MgSurfaceMatch);
