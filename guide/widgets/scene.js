// <mg-scene>: the trained model in three dimensions, every number of it a cell. A tour leads
// through it by sentences, each with a camera; or one goes phase by phase, and turns it. A flat
// view has the same numbers, also where there is no WebGL.

import { scaleOf } from "../js/kit/color.js";
import { button, html, onTheme, renew, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, make } from "../js/kit/make.js";
import { Passages } from "../js/kit/passages.js";
import { redraw } from "../js/kit/shapes.js";
import { choiceField, flagField, numberField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { OnPrefix, prefixFields } from "../js/figures/trained/on-prefix.js";
import { LIMITS, orbited, zoomed } from "../js/scene/camera.js";
import { coloursOf } from "../js/scene/colours.js";
import { cellAt, cellOf, makeLayout } from "../js/scene/layout.js";
import { formulaAt, numbersOf, placeName, placeWords, valueAt } from "../js/scene/numbers.js";
import { headOf, mainTensor, madeAt, PHASES } from "../js/scene/phases.js";
import { saying } from "../js/scene/saying.js";
import { flatSizes } from "../js/scene/sizes.js";
import { boxesOf, factsOf, litOf, stateOf, STOPS, told as tourTold } from "../js/scene/tour.js";
import { FlatView } from "../js/scene/twin.js";
import { SceneView, STANCE } from "../js/scene/view.js";
import { Whole } from "../js/scene/whole.js";

/** @typedef {import("../js/scene/numbers.js").Place} Place */

const NAMES = [...new Set(PHASES.flatMap(({ makes, of }) => [...makes, ...of]))];

const FLAT = { w: 760, h: 460 };
const REST_MS = 60;
const DRAWN_AFTER_MS = 300; // a scrubber that is still held has come to rest

class MgScene extends OnPrefix {
  fields = {
    ...prefixFields("karen", 4),
    stop: wholeField(0, 0, STOPS.length - 1),
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
  back = button("Back to the tour", { class: "mg-button scene-back", hidden: true });
  sizes = svg("svg", {
    class: "scene-sizes",
    viewBox: `0 0 ${FLAT.w} ${FLAT.h}`,
    role: "img",
    "aria-label": "The plates of GPT-2 small beside ours, to scale",
  });
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
  /** @private a stop of the tour is being set */ flies = false;
  /** @private @type {import("../js/scene/tour.js").Facts | undefined} */ facts = undefined;
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
    this.listen(this, "mg-snapshot", () => this.view?.flush()); // it is gone once it is shown
    this.whenLeaving(
      onTheme(() =>
        this.guard(() => {
          this.grounds = {};
          this.paint();
        }),
      ),
    );
    this.tour = new Passages(this, "The tour", (at) => this.visitStop(at));
    this.listen(this.back, "click", () => this.visitStop(this.values.stop));
    const wide = button("", { class: "mg-button scene-wide" });
    const picture = html(
      "div",
      { class: "scene-two" },
      html("div", { class: "scene-stage" }, this.room, this.back, wide),
      html("div", { class: "scene-side" }, this.tour.root, this.told),
    );
    const figure = this.figure([picture, ...this.twin()], {
      controls: [...this.entry("The current token"), steps, this.note],
      more: [flat, this.turns, this.hint],
      under: true,
    });
    this.whole = new Whole(this, figure, wide, "The model in 3-D");
    return [figure];
  }

  /** The drawing that stands here without scripts is printed. @private */
  twin() {
    const stills = this.fallback.flatMap((node) =>
      node instanceof Element && node.matches(".scene-still") ? [node] : [],
    );
    return stills.length ? [html("div", { class: "scene-printed" }, ...stills)] : [];
  }

  reset() {
    this.whole?.close();
    super.reset();
  }

  /** A stop of the tour: its phase, its camera. @private @param {number} stop */
  visitStop(stop) {
    const { facts } = this;
    if (!facts) return;
    this.flies = true;
    super.set({ stop, tensor: "", ...stateOf(STOPS[stop], facts) });
    this.flies = false;
  }

  /**
   * A stop alone means all that it sets.
   * @param {import("../js/kit/state-text.js").Values} changes
   */
  set(changes) {
    if (Object.keys(changes).join() === "stop") this.visitStop(changes.stop);
    else super.set(changes);
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
      facts: undefined,
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
    const stance = { turn, tilt, zoom, dx, dy };
    const onTour = this.guided(at, stance);
    const { stop } = this.values;
    const moment = [at, phase, tensor, tokens, isFlat, follow, this.lost, onTour && stop].join("|");
    if (this.flies) this.view?.fly(stance);
    else this.view?.stand(stance);
    if (moment === this.seen) {
      if (this.flies) this.soon();
      return;
    }
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
    const sizes = isFlat && onTour && STOPS[stop].sizes;
    if (sizes && this.layout) redraw(this.sizes, flatSizes(sizes, this.layout.box, FLAT));
    const wanted = sizes ? this.sizes : isFlat ? this.flat?.root : this.view?.root;
    if (wanted && wanted.parentNode !== this.room) this.room.replaceChildren(wanted);
    if (this.isScrubbed && !isFlat && this.view?.isSlow && this.view.frames) this.whenAtRest();
    else this.soon();
    this.isScrubbed = false;
    this.tellPlace();
    this.say(at, phase);
  }

  /**
   * The sentences of the tour for what is shown; whether the scene is where one of them has it.
   * @private
   * @param {number} at
   * @param {import("../js/scene/view.js").Stance} stance
   */
  guided(at, stance) {
    const { numbers, tour } = this;
    if (!numbers || !tour) return false;
    const { stop, phase, text } = this.values;
    if (this.facts?.numbers !== numbers || this.facts.t !== at) {
      this.facts = factsOf(numbers, at, text);
      tour.write(tourTold(this.facts));
    }
    const wanted = stateOf(STOPS[stop], this.facts);
    const onTour = phase === wanted.phase;
    const { phase: _, ...camera } = wanted;
    const stands = Object.entries(camera).every(
      ([key, x]) => Math.abs(/** @type {any} */ (stance)[key] - x) < 0.01,
    );
    const isThere = onTour && stands;
    if (this.back.hidden !== isThere) this.back.hidden = isThere;
    tour.show(onTour ? stop : -1);
    return onTour;
  }

  /** The stop whose camera and lights hold now. @private */
  get stop() {
    const { facts, values } = this;
    const stop = STOPS[values.stop];
    return facts && stateOf(stop, facts).phase === values.phase ? stop : null;
  }

  /** What is looked at: the reader's cell, or that of the tour. @private */
  get place() {
    const { facts } = this;
    return this.pointed ?? (facts && this.stop?.cell?.(facts)) ?? null;
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
    const { stop, facts } = this;
    const marked =
      pointed < 0 || !this.pointed
        ? stop && facts
          ? litOf(stop, layout, facts)
          : null
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
    this.view?.paint(bytes, ground, pointed);
    this.view?.over.show(this.wires(layout), this.chances, Boolean(stop?.sizes));
    if (stop && follow)
      this.view?.look(boxesOf(stop, layout), stop.sizes ? ["none"] : (stop.frame ?? []), true);
    else
      this.view?.look(
        layout.panels
          .filter(({ name }) => !(follow && phase > 0) || all.includes(name))
          .map(({ box }) => box),
        phase > 0 ? [...makes].reverse().concat(of) : [],
        this.glides,
      );
    this.view?.flush();
  }

  /**
   * From the inputs of the chosen cell to it.
   * @private
   * @param {import("../js/scene/layout.js").Layout} layout
   */
  wires(layout) {
    const { place, numbers } = this;
    if (!place || !numbers || (this.pointed && !this.pinned)) return null;
    const { of } = formulaAt(numbers, place.name, place.at);
    if (!of.length) return null;
    const kind = layout.panels.find(({ name }) => name === place.name)?.kind ?? "x";
    const cell = (/** @type {Place} */ one) => cellOf(layout, one.name, one.at);
    return { to: cell(place), of: of.map(cell), kind };
  }

  /** The probabilities, once they are there. @private */
  get chances() {
    const { facts, numbers, stop } = this;
    const isMade = this.values.phase >= madeAt("probs", null);
    if (!facts || !numbers || !isMade || stop?.sizes) return null;
    return { t: facts.t, names: facts.letters, probs: numbers.traced.probs[facts.t] };
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
    const { pinned } = this;
    this.pinned = pins && key !== pinned ? key : null;
    if (this.pinned !== pinned) this.soon();
    if (key === (this.pointed && placeName(this.pointed.name, this.pointed.at))) return;
    this.pointed = place;
    this.tellPlace();
    this.soon();
  }

  /** The number pointed at, and how it came about. @private */
  tellPlace() {
    const { told, numbers, layout, place: pointed } = this;
    if (!numbers || !layout) return;
    if (!pointed) {
      if (this.stop?.sizes) renew(told);
      else renew(told, html("p", {}, "Point at a cell to see how its number came about."));
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
    const { numbers, stop, facts } = this;
    if (numbers) this.summary(stop?.sizes && facts ? stop.say(facts) : saying(numbers, at, phase));
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
