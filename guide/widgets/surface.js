// <mg-surface>: a net of two layers over the plane of its first two inputs, in three dimensions.
// <mg-surface-match>: the same with a hidden target to find by hand. The picture turns
// by dragging, by arrow keys and by buttons; its numbers are in a table too. Patches and wires
// are on a canvas, the axes on a picture above it. The net's own numbers are lines to drag.

import { html, onTheme, renew, setAll, tableOf } from "../js/kit/dom.js";
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
import { SurfaceSheet } from "../js/figures/networks/surface-sheet.js";
import { EYE, turned } from "../js/figures/networks/surface-view.js";

/** @typedef {import("../js/numbers/neuron.js").TwoLayer} TwoLayer */

const NAMES = /** @type {const} */ (["w1", "w2", "b1", "w3", "b2", "b3"]);
const POINTS = 14;
const STEP = 15; // degrees a key turns

/** @type {import("../js/kit/state.js").Schema} */
const FIELDS = {
  ...Object.fromEntries(NAMES.map((name) => [name, numberField(TWO_LAYER[name], -2, 2)])),
  x3: numberField(1, -3, 3),
};

class MgSurface extends Widget {
  fields = FIELDS;
  sheet = new SurfaceSheet(this);
  /** @private */ eye = { ...EYE };
  /** @private @type {import("../js/figures/networks/surface-sheet.js").Ground | null} */
  ground = null;
  /** @private whether a hand pulls it or one of its numbers */ isPulled = false;
  /** @private @type {SurfacePanel | null} */ panel = null;
  /** px across of what stands beside the surface @protected */ beside = 420;

  build() {
    this.eye = { ...EYE };
    this.ground = null;
    this.isPulled = false;
    this.hear();
    const { box } = this.sheet;
    const anew = () =>
      this.guard(() => {
        this.sheet.renew();
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
    this.pulls(panel.picture);
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

  /** It is drawn quickly while one of these is held. @private @param {SVGSVGElement} picture */
  pulls(picture) {
    this.listen(picture, "pointerdown", (event) => (this.isPulled = event.button === 0));
    this.listen(picture, "pointerup pointercancel lostpointercapture", () => {
      if (!this.isPulled) return;
      this.isPulled = false;
      this.draw();
    });
  }

  /** @private */
  hear() {
    const { view } = this.sheet;
    this.pulls(view);
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

  /** @private */
  draw() {
    const { eye, isPulled } = this;
    this.ground ??= {
      heights: surface(this.net, this.values.x3, POINTS),
      other: this.wires(),
    };
    this.sheet.draw(this.ground, eye, isPulled);
    if (isPulled) return;
    const label =
      `The surface a over x₁ and x₂${this.ground.other ? ", the target's as wires" : ""}, turned ` +
      `by ${Math.round(eye.turn)} degrees, seen from ${Math.round(eye.tilt)} degrees above. Arrow ` +
      "keys turn it.";
    setAll(this.sheet.view, { "aria-label": label });
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
