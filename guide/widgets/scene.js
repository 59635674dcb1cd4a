// <mg-scene>: the trained model in three dimensions, every number of it a cell, and a token's way
// through it phase by phase. A flat view has the same numbers, also where there is no WebGL.

import { scaleOf } from "../js/kit/color.js";
import { html, onTheme, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, make } from "../js/kit/make.js";
import { choiceField, flagField, numberField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { OnPrefix, prefixFields } from "../js/figures/trained/on-prefix.js";
import { labelsOf } from "../js/figures/trained/real-model.js";
import { LIMITS, orbited, zoomed } from "../js/scene/camera.js";
import { coloursOf } from "../js/scene/colours.js";
import { cellAt, cellOf, makeLayout } from "../js/scene/layout.js";
import { formulaAt, numbersOf, placeName, placeWords, valueAt } from "../js/scene/numbers.js";
import { headOf, mainTensor, madeAt, PHASES } from "../js/scene/phases.js";
import { FlatView } from "../js/scene/twin.js";
import { SceneView, STANCE } from "../js/scene/view.js";

/** @typedef {import("../js/scene/numbers.js").Place} Place */

const NAMES = [...new Set(PHASES.flatMap(({ makes, of }) => [...makes, ...of]))];

const REST_MS = 60;
const DRAWN_AFTER_MS = 300; // a scrubber that is still held has come to rest

class MgScene extends OnPrefix {
  fields = {
    ...prefixFields("karen", 4),
    phase: wholeField(0, 0, PHASES.length - 1),
    flat: flagField(false),
    tensor: choiceField("", ["", ...NAMES]),
    follow: flagField(true),
    turn: numberField(STANCE.turn, -LIMITS.turn, LIMITS.turn),
    tilt: numberField(STANCE.tilt, -LIMITS.tilt, LIMITS.tilt),
    zoom: numberField(1, LIMITS.least, LIMITS.most),
    dx: numberField(0, -3, 3),
    dy: numberField(0, -3, 3),
  };
  note = html("p", { class: "mg-note", role: "status" });
  hint = html("p", { class: "mg-note" });
  room = html("div");
  told = html("div", { class: "scene-told", role: "status" });
  /** what `show` has shown */ seen = "";
  /** @private @type {Record<string, [number, number, number]>} */ grounds = {};
  /** why there is no scene */ lost = "";
  /** @type {Place | null} */ pointed = null;
  /** @private @type {string | null} */ pinned = null;
  /** @private @type {ReturnType<typeof setTimeout> | undefined} */ pending = undefined;
  /** @private @type {ReturnType<typeof setTimeout> | undefined} */ rest = undefined;
  /** @private the frame that is asked for */ asked = 0;
  /** @private the phase was chosen on the scrubber */ isScrubbed = false;
  /** @private */ glides = false;
  /** @private @type {ReturnType<typeof makeLayout> | undefined} */ layout = undefined;
  /** @private @type {ReturnType<typeof numbersOf> | undefined} */ numbers = undefined;
  /** @type {SceneView | undefined} */ view = undefined;

  build() {
    const steps = make("mg-stepper", { label: "Phases", pace: 1800 });
    steps.steps = PHASES.map(({ name }) => name);
    this.listen(steps, "mg-step", ({ detail }) => {
      this.glides = detail.animate;
      this.isScrubbed = !detail.animate && !detail.playing;
      this.set({ phase: detail.at, tensor: "" });
    });
    this.listen(steps, "pointerup keyup click", () => {
      if (this.pending) this.soon();
    });
    this.follow(({ phase }) => {
      if (steps.at !== phase) steps.at = phase;
    });
    this.turns = group(
      "The view",
      {},
      ...this.buttons(),
      this.toggle("follow", "Follow the phases"),
    );
    const flat = this.toggle("flat", "Flat view");
    this.follow(() => {
      if (this.lost) flat.setAttribute("aria-pressed", "true");
      flat.toggleAttribute("disabled", this.lost !== "");
    });
    this.flat = new FlatView(this, {
      pointed: (place) => this.point(place),
      chosen: (tensor) => this.set({ tensor }),
    });
    this.view = new SceneView(this, {
      pointed: (cell, byTap) => this.pointCell(cell, byTap),
      stood: (stance) => this.set({ ...stance }),
      lost: () => this.lose("The picture was lost; the flat view has its numbers."),
      back: () => this.lose(""),
      none: () => this.lose("This browser can't draw WebGL, so the numbers are shown flat."),
    });
    this.whenLeaving(
      onTheme(() =>
        this.guard(() => {
          this.grounds = {};
          this.paint();
        }),
      ),
    );
    return [
      this.figure(this.room, {
        controls: [...this.entry("The current token"), steps, this.told, this.note],
        more: [flat, this.turns, this.hint],
      }),
    ];
  }

  leave() {
    super.leave();
    clearTimeout(this.rest);
    clearTimeout(this.pending);
    cancelAnimationFrame(this.asked);
    Object.assign(this, {
      asked: 0,
      grounds: {},
      pending: undefined,
      isScrubbed: false,
      layout: undefined,
      numbers: undefined,
      pointed: null,
      view: undefined,
      lost: "",
      seen: "",
    });
  }

  /** @private */
  buttons() {
    const stand = (/** @type {Partial<import("../js/scene/view.js").Stance>} */ change) =>
      this.set(change);
    const turn = (/** @type {number} */ by) =>
      stand(orbited({ turn: this.values.turn, tilt: this.values.tilt }, by, 0));
    return [
      this.button("Turn left", () => turn(-15)),
      this.button("Turn right", () => turn(15)),
      this.button("From the front", () => stand({ turn: 0, tilt: 0 })),
      this.button("Nearer", () => stand({ zoom: zoomed(this.values.zoom, 1.4) })),
      this.button("Farther", () => stand({ zoom: zoomed(this.values.zoom, 1 / 1.4) })),
      this.button("Reset view", () => stand({ ...STANCE })),
    ];
  }

  /** @private @param {string} why the scene can't be shown; empty when it can again */
  lose(why) {
    this.lost = why;
    this.update();
  }

  show() {
    const { real } = this;
    const { phase, flat, tensor, follow, turn, tilt, zoom, dx, dy } = this.values;
    const { at, tokens } = this.now;
    if (!this.numbers || this.numbers.tokens.join() !== tokens.join()) {
      this.numbers = numbersOf(real, tokens);
      this.layout = makeLayout(real.config, tokens.length);
      this.view?.load(this.layout);
    }
    const isFlat = flat || Boolean(this.lost);
    const moment = [at, phase, tensor, tokens, isFlat, follow, this.lost].join("|");
    this.view?.stand({ turn, tilt, zoom, dx, dy });
    if (moment === this.seen) return;
    this.seen = moment;
    this.pointed = null;
    if (this.turns && this.turns.hidden !== isFlat) this.turns.hidden = isFlat;
    renew(this.note, this.lost);
    renew(
      this.hint,
      isFlat
        ? "Choose a tensor in the menu or on the map; arrow keys go from number to number."
        : "Drag to turn; point at a cell or tap it. Click into the scene, and the wheel zooms.",
    );
    const wanted = isFlat ? this.flat?.root : this.view?.root;
    if (wanted && wanted.parentNode !== this.room) this.room.replaceChildren(wanted);
    if (this.isScrubbed && !isFlat && this.view?.isSlow && this.view.frames) this.whenAtRest();
    else this.soon();
    this.isScrubbed = false;
    this.tellPlace();
    this.say(at, phase);
  }

  /**
   * A scene that the processor draws would hold up the scrubber: words and numbers come first, and
   * phases passed by are left out.
   * @private
   */
  whenAtRest() {
    clearTimeout(this.pending);
    /** @private */ this.pending = setTimeout(() => this.soon(), DRAWN_AFTER_MS);
  }

  /** Paints once for all that changes within a frame. @private */
  soon() {
    clearTimeout(this.pending);
    this.pending = undefined;
    this.asked ||= requestAnimationFrame(() =>
      this.guard(() => {
        this.asked = 0;
        this.paint();
      }),
    );
  }

  /** @private */
  get moment() {
    return { at: this.now.at, phase: this.values.phase };
  }

  /**
   * The ground below the cells; asking the page for it means laying it out, so the answer holds
   * until the theme turns.
   * @private
   * @param {boolean} isFlat
   */
  groundOf(isFlat) {
    const host = isFlat ? this : (this.view?.canvas ?? this);
    return (this.grounds[String(isFlat)] ??= /** @type {[number, number, number]} */ (
      getComputedStyle(host)
        .backgroundColor.match(/[\d.]+/g)
        ?.slice(0, 3)
        .map(Number) ?? [255, 255, 255]
    ));
  }

  /** Colours, and what is in the picture. @private */
  paint() {
    const { layout, numbers } = this;
    if (!layout || !numbers) return;
    const { phase, tensor, follow, flat } = this.values;
    const moment = this.moment;
    const isFlat = Boolean(flat || this.lost || !this.view);
    const ground = this.groundOf(isFlat);
    const pointed = this.pointed ? cellOf(layout, this.pointed.name, this.pointed.at) : -1;
    const marked =
      pointed < 0 || !this.pointed
        ? null
        : new Set([
            pointed,
            ...formulaAt(numbers, this.pointed.name, this.pointed.at).of.map((one) =>
              cellOf(layout, one.name, one.at),
            ),
          ]);
    const bytes = coloursOf(layout, numbers, moment, scaleOf(this), ground, marked);
    if (isFlat) {
      this.flat?.paint(bytes, moment.at);
      if (this.pointed) return;
      clearTimeout(this.rest); // a grid has up to 1,024 cells: it follows when the scrubber rests
      const show = () =>
        this.guard(() => this.flat?.show(layout, numbers, moment, tensor || mainTensor(phase)));
      if (this.flat?.layout !== layout) show();
      else this.rest = setTimeout(show, REST_MS);
      return;
    }
    const { makes, of } = PHASES[phase];
    const all = [...makes, ...of];
    const boxes = layout.panels.filter(({ name }) => all.includes(name)).map(({ box }) => box);
    this.view?.paint(bytes, ground, pointed);
    const closer = follow && phase > 0;
    this.view?.look(
      closer ? boxes : layout.panels.map(({ box }) => box),
      phase > 0 ? [...makes].reverse().concat(of) : [],
      this.glides,
    );
    this.view?.flush();
  }

  /** @private @param {number} cell @param {boolean} byTap */
  pointCell(cell, byTap) {
    if (!this.layout) return;
    const found = cell < 0 ? null : cellAt(this.layout, cell);
    this.point(found && { name: found.panel.name, at: found.at }, byTap);
  }

  /**
   * @private
   * @param {Place | null} place
   * @param {boolean} [pins] what is tapped stays until the next tap
   */
  point(place, pins = false) {
    if (this.pinned && !pins && !this.lost && !this.values.flat) return;
    const key = place && placeName(place.name, place.at);
    this.pinned = pins && key !== this.pinned ? key : null;
    if (key === (this.pointed && placeName(this.pointed.name, this.pointed.at))) return;
    this.pointed = place;
    this.tellPlace();
    this.soon();
  }

  /** The number pointed at, and how it came about. @private */
  tellPlace() {
    const { told, numbers, pointed, layout } = this;
    if (!numbers || !layout) return;
    if (!pointed) {
      renew(told, html("p", {}, "Point at a cell to see how its number came about."));
      return;
    }
    const { name, at } = pointed;
    const isThere =
      numbers.real.weights[name] ||
      at[0] < this.moment.at ||
      madeAt(name, headOf(name, at, numbers.real.config.n_embd)) <= this.moment.phase;
    if (!isThere) {
      renew(told, html("p", {}, html("b", {}, placeName(name, at)), " is not computed yet."));
      return;
    }
    const { text, sum } = formulaAt(numbers, name, at);
    const value = valueAt(numbers, name, at);
    renew(
      told,
      html(
        "p",
        {},
        html("b", {}, `${placeName(name, at)} = ${written(value, 4)}`),
        ` (${placeWords(numbers, name, at)})`,
      ),
      html("p", {}, html("code", {}, text)),
      ...(sum ? [html("p", {}, html("code", {}, `${sum} = ${written(value, 4)}`))] : []),
    );
  }

  /** The phase in words. @private @param {number} at @param {number} phase */
  say(at, phase) {
    const { numbers, real } = this;
    if (!numbers) return;
    const { what, head, name, makes } = PHASES[phase];
    const names = labelsOf(real, numbers.tokens);
    const letters = (/** @type {number} */ i) => labelsOf(real, [i])[0];
    let result = "";
    if (head !== undefined) {
      const row = /** @type {number[]} */ (numbers.traced["layer0.weights"][at][head]).slice(
        0,
        at + 1,
      );
      const best = row.indexOf(Math.max(...row));
      result = ` It looks most at ${names[best]} at position ${best} (${written(row[best])}).`;
    } else if (makes.includes("probs")) {
      const best = [.../** @type {number[]} */ (numbers.traced.probs[at])]
        .map((p, i) => ({ p, i }))
        .sort((a, b) => b.p - a.p)
        .slice(0, 3);
      const likely = best.map(({ p, i }) => `${letters(i)} (${written(p)})`).join(", ");
      result = ` Most likely: ${likely}.`;
    } else if (makes.length) {
      const main = mainTensor(phase);
      const row = /** @type {number[]} */ (numbers.traced[main][at]);
      result =
        ` ${main} has ${row.length} numbers from ${written(Math.min(...row))} to ` +
        `${written(Math.max(...row))}.`;
    }
    this.summary(
      `${names[at]} at position ${at}, phase ${phase + 1} of ${PHASES.length}, ${name}. ` +
        `${what}${result}`,
    );
  }

  /**
   * Where a number is on the screen: for tests, and for whoever wants to point at it.
   * @param {string} name
   * @param {number[]} at
   */
  screenPlace(name, at) {
    return this.layout && this.view ? this.view.screenPlace(cellOf(this.layout, name, at)) : null;
  }

  /** Frames drawn so far. */
  get frames() {
    return this.view?.frames ?? 0;
  }
}

define("mg-scene", MgScene);
