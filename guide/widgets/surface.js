// <mg-surface>: a net of two layers over the plane of its first two inputs, in three dimensions.
// <mg-surface-match>: the same with a hidden target to find by hand. The picture turns
// by dragging, by arrow keys and by buttons; its numbers are in a table too. Patches and wires
// are on a canvas, the axes on a picture above it. The net's own numbers are lines to drag.

import {
  html,
  onTheme,
  prefersLessMotion,
  renew,
  setAll,
  setText,
  tableOf,
} from "../js/kit/dom.js";
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
import { HistoryLine } from "../js/figures/networks/history-line.js";
import { onWidth } from "../js/figures/networks/number-line.js";
import { descent, RATE, WEIGHTS as NAMES } from "../js/figures/networks/surface-descent.js";
import { nameOf, SurfacePanel } from "../js/figures/networks/surface-panel.js";
import { SurfaceSheet } from "../js/figures/networks/surface-sheet.js";
import { EYE, turned } from "../js/figures/networks/surface-view.js";

/** @typedef {import("../js/numbers/neuron.js").TwoLayer} TwoLayer */
/** @typedef {import("../js/kit/state.js").Values} Values */
/**
 * @typedef {object} Attempt of gradient descent
 * @property {ReturnType<typeof descent>} steps
 * @property {Values} mine the reader's numbers, to go back to
 * @property {Values} now
 * @property {boolean} isOver
 * @property {boolean} isStuck no step helps
 * @property {ReturnType<typeof setTimeout> | undefined} clock
 */

const POINTS = 14;
const STEP = 15; // degrees a key turns
const STEP_MS = 240; // from one step of gradient descent to the next
const TRY = "Let gradient descent try";

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
      `by ${Math.round(eye.turn)} degrees, seen from ${Math.round(eye.tilt)} degrees above. ` +
      "Arrow keys turn it.";
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
  track = new HistoryLine("gradient descent");
  /** @private the losses so far @type {number[]} */ history = [];
  /** @private */ best = Infinity;
  /** @private the target that they belong to */ shown = NaN;
  /** @private the numbers that they begin with @type {Values} */ first = {};
  /** @private @type {Attempt | null} */ rival = null;
  /** @private the losses of gradient descent @type {number[]} */ theirs = [];
  /** @private whether it has brought the reader's numbers to where they are */ isHelped = false;

  build() {
    this.whenLeaving(() => clearTimeout(this.rival?.clock));
    this.forget();
    return super.build();
  }

  reset() {
    this.forget();
    super.reset();
  }

  /** Nobody has tried anything. @private */
  forget() {
    clearTimeout(this.rival?.clock);
    const none = { shown: NaN, history: [], best: Infinity, rival: null, theirs: [] };
    Object.assign(this, { ...none, isHelped: false });
  }

  above() {
    return [this.score, this.track.picture];
  }

  own() {
    const fresh = this.button("New target", () =>
      this.set({ seed: (this.values.seed + 1) % 2 ** 32, peek: false, stopped: false }),
    );
    fresh.hidden ||= isHidden("seed");
    this.stop = this.button("Stop", () => this.set({ stopped: !this.values.stopped }));
    const peek = this.button("Peek", () => this.set({ peek: !this.values.peek }));
    return [row(group("The target", {}, fresh, peek, this.stop)), this.hint];
  }

  /** Beside the last of the numbers that it moves. */
  below() {
    const looks = { control: "descent", class: "mg-button net-try" };
    this.tries = this.button(TRY, () => this.try(), looks);
    return [this.tries];
  }

  get target() {
    return surfaceTarget(this.values.seed);
  }

  wires() {
    return this.values.stopped ? null : surface(this.target, this.values.x3, POINTS);
  }

  // ---------------------------------------------------------------- gradient descent

  /** Lets gradient descent begin where the reader began; then stops it; then goes back. @private */
  try() {
    const { rival: attempt } = this;
    if (attempt && !attempt.isOver) {
      this.over(attempt);
      this.update();
      return;
    }
    if (attempt) {
      this.rival = null;
      this.isHelped = false;
      this.set(attempt.mine);
      return;
    }
    this.theirs = [];
    const steps = descent(/** @type {any} */ (this.first), this.target, this.values.x3);
    /** @type {Attempt} */
    const begun = {
      steps,
      mine: numbersOf(this.values),
      now: {},
      isOver: false,
      isStuck: false,
      clock: undefined,
    };
    this.rival = begun;
    this.isHelped = true;
    if (prefersLessMotion()) while (this.step(begun));
    else this.go(begun);
    this.set({ ...begun.now, stopped: false });
  }

  /** A step, and another one after a while. @private @param {Attempt} attempt */
  go(attempt) {
    if (!this.step(attempt)) return;
    attempt.clock = setTimeout(
      () =>
        this.guard(() => {
          this.go(attempt);
          this.set(attempt.now);
        }),
      STEP_MS,
    );
  }

  /** Whether there was one. @private @param {Attempt} attempt */
  step(attempt) {
    const { value } = attempt.steps.next();
    if (!value) {
      attempt.isStuck = true;
      this.over(attempt);
      return false;
    }
    attempt.now = { ...value.net, x3: this.values.x3 };
    this.theirs.push(value.loss);
    if (value.loss < SURFACE_GOAL) this.over(attempt);
    return !attempt.isOver;
  }

  /** @private @param {Attempt} attempt */
  over(attempt) {
    attempt.isOver = true;
    clearTimeout(attempt.clock);
  }

  // ---------------------------------------------------------------- what is said

  say() {
    const { stopped, peek, seed } = this.values;
    if (this.shown !== seed) {
      this.forget();
      Object.assign(this, { shown: seed, first: numbersOf(this.values) });
    }
    this.stop?.replaceChildren(stopped ? "Go on" : "Stop");
    const isTheirs = this.rival !== null && sameNumbers(this.rival.now, this.values);
    if (this.rival && !isTheirs) {
      this.over(this.rival); // the reader has taken over
      this.rival = null;
    }
    if (this.tries)
      setText(this.tries, !this.rival ? TRY : this.rival.isOver ? "Back to mine" : "Hold it");
    if (stopped) {
      renew(this.score, "Stopped: this is your own surface alone.");
      super.say();
      return;
    }
    const loss = surfaceLoss(this.net, this.target, this.values.x3);
    const { history, theirs } = this;
    if (!isTheirs) {
      if (history[history.length - 1] !== loss) history.push(loss);
      history.splice(0, Math.max(0, history.length - 500));
      this.best = Math.min(this.best, loss);
    }
    const size = { goal: SURFACE_GOAL, width: this.beside, height: 132 };
    this.track.show({ own: history, other: theirs, ...size });
    const found = loss < SURFACE_GOAL;
    if (found && !peek && !this.isHelped) solved("E8", `seed ${seed}`);
    const steps = counted(theirs.length - 1, "step");
    if (isTheirs) {
      const after = `${written(loss, 4)} after ${steps}`;
      const at = this.rival?.isStuck ? `stuck at ${after}` : `${after}${found ? " ✓" : ""}`;
      renew(this.score, `Gradient descent: ${at}`);
    } else
      renew(
        this.score,
        `Loss ${written(loss, 4)}, best ${written(this.best, 4)}: ` +
          (found
            ? peek || this.isHelped
              ? `found, ${peek ? "with a look at the answer" : "helped by gradient descent"}`
              : "✓ found"
            : `goal below ${SURFACE_GOAL}`),
      );
    const weights = NAMES.map((name) => `${nameOf(name)} ${written(this.target[name])}`).join(", ");
    renew(
      this.hint,
      peek
        ? `The target's weights: ${weights}.`
        : isTheirs
          ? `From your first numbers: each step moves all six by ${RATE} times their gradients.`
          : `Target ${seed}, as wires. Move one number at a time, and keep what brings the ` +
            "loss down.",
    );
    const rival = theirs.length
      ? ` Gradient descent: loss ${written(theirs[theirs.length - 1], 4)} after ${steps}.`
      : "";
    this.summary(
      `Target ${seed}: loss ${written(loss, 4)}, best so far ${written(this.best, 4)}, after ` +
        `${counted(history.length, "look")}.${rival}`,
    );
  }
}

/** @param {number} count @param {string} what */
const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** The net's numbers, and its third input. @param {Values} values @returns {Values} */
const numbersOf = (values) => Object.fromEntries([...NAMES, "x3"].map((key) => [key, values[key]]));

/** @param {Values} one @param {Values} other */
const sameNumbers = (one, other) => [...NAMES, "x3"].every((key) => one[key] === other[key]);

define("mg-surface", MgSurface);
define("mg-surface-match", MgSurfaceMatch);
