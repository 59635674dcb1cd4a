// <mg-stepper label="Attention">: play, back, step, scrub, speed, over steps with names.
//
// With `hurry`, playing goes ever faster, by a seventh of the way at a time: for many steps.
//
//     <mg-stepper><ol><li>Start</li><li>q is made</li></ol></mg-stepper>
//
// or stepper.steps = ["Start", ...], or count="1000". Tells `mg-step` {at, from, animate, playing}:
// `animate` is false where the reader wants less motion, and for jumps: then steps simply stand
// there.

import { freshId, html, prefersLessMotion, setAll, sign } from "./dom.js";
import { define, KitElement } from "./element.js";
import { setLine } from "./steady.js";

const SPEEDS = [0.5, 1, 2, 5, 20];

export class MgStepper extends KitElement {
  constructor() {
    super();
    /** @private @type {string[]} */ this.names = [];
    /** @private */ this.now = 0;
    /** @private */ this.playing = false;
    /** @private what the button shows @type {boolean | null} */ this.showsPlaying = null;
    /** @private */ this.speed = 1;
    /** @private @type {ReturnType<typeof setTimeout> | undefined} */ this.clock = undefined;
    /** @private @type {Record<string, HTMLButtonElement>} */ this.buttons = {};
  }

  get steps() {
    return this.names;
  }

  /** @param {string[]} names */
  set steps(names) {
    this.names = names;
    this.now = Math.min(this.now, Math.max(0, names.length - 1));
    this.redraw(() => this.show());
  }

  get at() {
    return this.now;
  }

  /** Goes to a step without telling. @param {number} at */
  set at(at) {
    if (!Number.isFinite(at)) return;
    this.now = Math.max(0, Math.min(this.last, Math.round(at)));
    this.redraw(() => this.show());
  }

  get last() {
    return Math.max(0, this.names.length - 1);
  }

  build() {
    const items = this.fallback.flatMap((node) =>
      node instanceof Element
        ? [...node.querySelectorAll("li")].map((li) => li.textContent?.trim() ?? "")
        : [],
    );
    const count = this.numberOf("count", 0);
    if (!this.names.length) {
      this.names = items.length
        ? items
        : Array.from({ length: count }, (_, i) => `Step ${i + 1} of ${count}`);
    }
    this.now = Math.max(0, Math.min(this.last, this.numberOf("at", this.now)));
    const label = this.getAttribute("label") ?? "Steps";
    const group = html("div", { class: "mg-row", role: "group", "aria-label": label });
    const make = (
      /** @type {"start" | "back" | "play" | "next"} */ key,
      /** @type {string} */ name,
      /** @type {() => void} */ act,
    ) => {
      const one = html(
        "button",
        { type: "button", "aria-label": name, title: name, class: "mg-button mg-icon" },
        sign(key),
      );
      this.listen(one, "click", act);
      this.buttons[key] = one;
      group.append(one);
    };
    make("start", "To the start", () => this.go(0));
    make("back", "One step back", () => this.go(this.now - 1));
    make("play", "Play", () => (this.playing ? this.pause() : this.play()));
    make("next", "One step on", () => this.go(this.now + 1, true));
    const speed = html("select", { class: "mg-select", "aria-label": `${label}: speed` });
    for (const factor of SPEEDS)
      speed.append(html("option", { value: factor, selected: factor === 1 }, `${factor}×`));
    this.listen(speed, "change", (event) => {
      event.stopPropagation();
      this.speed = Number(speed.value);
    });
    group.append(speed);
    this.track = html("input", {
      type: "range",
      class: "mg-range",
      min: 0,
      step: 1,
      "aria-label": `${label}: step`,
      id: freshId("mg-step"),
    });
    this.listen(this.track, "input", (event) => {
      event.stopPropagation();
      this.go(Number(this.track?.value));
    });
    this.listen(this.track, "change", (event) => event.stopPropagation());
    this.said = html("p", { class: "mg-step-name", role: "status" });
    this.showsPlaying = null;
    this.replaceChildren(group, this.track, this.said);
    this.whenLeaving(() => this.pause());
    this.show();
  }

  play() {
    if (!this.names.length) return;
    if (this.now >= this.last) this.go(0);
    this.playing = true;
    this.show();
    this.tick();
  }

  pause() {
    this.playing = false;
    clearTimeout(this.clock);
    if ("ready" in this.dataset) this.show();
  }

  /** @private */
  tick() {
    clearTimeout(this.clock);
    const wait = this.numberOf("pace", 1000) / this.speed;
    this.clock = setTimeout(
      () =>
        this.guard(() => {
          if (!this.playing) return;
          const stride = this.hasAttribute("hurry") ? Math.max(1, Math.floor(this.now / 7)) : 1;
          this.advance(this.now + stride, true);
          if (this.now >= this.last) this.pause();
          else this.tick();
        }),
      wait,
    );
  }

  /**
   * To a step, by the reader's hand: stops playing.
   * @param {number} at
   * @param {boolean} [animate]
   */
  go(at, animate = false) {
    if (this.playing) this.pause();
    this.advance(at, animate);
  }

  /** @private @param {number} at @param {boolean} animate */
  advance(at, animate) {
    const from = this.now;
    this.now = Math.max(0, Math.min(this.last, at));
    this.show();
    if (this.now === from) return;
    this.tell("mg-step", {
      at: this.now,
      from,
      animate: animate && !prefersLessMotion(),
      playing: this.playing,
    });
  }

  /** @private */
  show() {
    if (!this.track || !this.said) return;
    const name = this.names[this.now] ?? "";
    if (this.track.max !== String(this.last)) this.track.max = String(this.last);
    if (Number(this.track.value) !== this.now) this.track.value = String(this.now);
    setAll(this.track, { "aria-valuetext": `${this.now + 1} of ${this.names.length}: ${name}` });
    const said = this.names.length
      ? `${this.now + 1}/${this.names.length} ${name}`
      : "There are no steps yet.";
    setLine(this.said, said);
    if (this.showsPlaying !== this.playing) {
      this.showsPlaying = this.playing;
      // While it plays, every step would be read aloud.
      this.said.setAttribute("aria-live", this.playing ? "off" : "polite");
      const play = this.buttons.play;
      play.replaceChildren(sign(this.playing ? "pause" : "play"), this.playing ? "Pause" : "Play");
      play.setAttribute("aria-label", this.playing ? "Pause" : "Play");
      play.title = this.playing ? "Pause" : "Play";
    }
    for (const [key, off] of /** @type {[string, boolean][]} */ ([
      ["start", this.now === 0],
      ["back", this.now === 0],
      ["next", this.now >= this.last],
    ])) {
      // A disabled button would lose the focus under the reader's finger.
      if (this.buttons[key].getAttribute("aria-disabled") !== String(off))
        this.buttons[key].setAttribute("aria-disabled", String(off));
    }
  }
}

define("mg-stepper", MgStepper);
