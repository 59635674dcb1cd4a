// <mg-number label="w" value="1.5" min="-3" max="3" step="0.1">: a number to drag, to type, or to
// move with arrow keys. Double-click sets it back. With `slider` a track stands beside it. Dragging
// goes by `step`; what is typed holds exactly, unless it is to be `whole`.
//
// Tells `mg-input` {value} while it moves and `mg-change` {value} when it has come to rest.

import { freshId, html, setAll } from "./dom.js";
import { define, KitElement } from "./element.js";
import { decimals, readNumber, snapped, written } from "./text.js";

const DRAG_FROM_PX = 4;
const PX_A_STEP = 6;

export class MgNumber extends KitElement {
  static observedAttributes = ["value", "min", "max", "step", "label", "disabled"];

  constructor() {
    super();
    /** @private */ this.now = NaN;
    /** @private @type {HTMLInputElement | null} */ this.field = null;
    /** @private @type {HTMLInputElement | null} */ this.track = null;
    /** @private @type {HTMLElement | null} */ this.message = null;
    /** @private the text was typed and not taken yet */ this.typed = false;
    /** @private @type {{min: number, max: number, step: number} | null} */ this.kept = null;
  }

  get limits() {
    return (this.kept ??= {
      min: this.numberOf("min", -Infinity),
      max: this.numberOf("max", Infinity),
      step: this.numberOf("step", 0.01),
    });
  }

  get digits() {
    return this.numberOf("digits", decimals(this.limits.step));
  }

  /** What a double-click goes back to. */
  get initial() {
    return this.exact(this.numberOf("value", 0));
  }

  /** Within the limits, and whole where it must be. @private @param {number} x */
  exact(x) {
    const { min, max } = this.limits;
    return snapped(x, { min, max, step: this.hasAttribute("whole") ? 1 : 0 });
  }

  get value() {
    return Number.isNaN(this.now) ? this.initial : this.now;
  }

  /** Sets it without telling; limits and step hold. @param {number} x */
  set value(x) {
    if (!Number.isFinite(x)) return;
    this.now = this.exact(x);
    this.show();
  }

  /** @param {string} _name @param {string | null} before @param {string | null} now */
  attributeChangedCallback(_name, before, now) {
    this.kept = null;
    if (before === now || !("ready" in this.dataset)) return;
    this.guard(() => {
      this.now = this.exact(this.value);
      this.label();
      this.show();
    });
  }

  build() {
    if (Number.isNaN(this.now)) this.now = this.initial;
    const id = freshId("mg-number");
    this.field = html("input", {
      id,
      class: "mg-number-field",
      type: "text",
      inputmode: "decimal",
      role: "spinbutton",
      autocomplete: "off",
      spellcheck: "false",
      enterkeyhint: "done",
      "aria-describedby": `${id}-said`,
      title: "Drag, type, or use the arrow keys; double-click to set it back",
    });
    this.message = html("span", { id: `${id}-said`, class: "mg-number-said", role: "alert" });
    this.caption = html("label", { for: id });
    this.replaceChildren(this.caption, html("span", {}, this.field));
    const { min, max, step } = this.limits;
    if (this.hasAttribute("slider") && Number.isFinite(min) && Number.isFinite(max)) {
      this.track = html("input", { type: "range", class: "mg-range", min, max, step });
      this.listen(this.track, "input", (event) => {
        event.stopPropagation();
        this.move(Number(this.track?.value));
      });
      this.listen(this.track, "change", (event) => {
        event.stopPropagation();
        this.tell("mg-change", { value: this.value });
      });
      this.listen(this.track, "dblclick", () => this.reset());
      this.append(html("span", { class: "mg-number-track" }, this.track));
    }
    this.append(this.message);
    this.label();
    this.show();
    this.hear(this.field);
  }

  /** @private @param {HTMLInputElement} field */
  hear(field) {
    this.listen(field, "input", (event) => {
      event.stopPropagation();
      this.typed = true;
    });
    this.listen(field, "change", (event) => event.stopPropagation());
    this.listen(field, "blur", () => this.take());
    this.listen(field, "keydown", (event) => this.key(event));
    this.listen(field, "dblclick", () => this.reset());
    this.drag(field);
  }

  /** @private @param {KeyboardEvent} event */
  key(event) {
    const { min, max, step } = this.limits;
    const size = step * (event.shiftKey ? 10 : 1);
    const ways = /** @type {Record<string, number>} */ ({
      ArrowUp: size,
      ArrowDown: -size,
      PageUp: 10 * step,
      PageDown: -10 * step,
    });
    if (event.key === "Enter") this.take();
    else if (event.key === "Escape" && this.typed) {
      this.typed = false;
      this.say("");
      this.show();
    } else if (event.key in ways) {
      this.take();
      const places = Math.max(decimals(this.value), decimals(step)); // 0.1 + 0.2 is 0.3 here
      this.move(Number((this.value + ways[event.key]).toFixed(Math.min(12, places))));
      this.tell("mg-change", { value: this.value });
    } else if ((event.key === "Home" || event.key === "End") && !this.typed) {
      const end = event.key === "Home" ? min : max;
      if (!Number.isFinite(end)) return;
      this.move(end);
      this.tell("mg-change", { value: this.value });
    } else return;
    event.preventDefault();
  }

  /**
   * Along the field's width; a press without a move is left to the text.
   * @private
   * @param {HTMLInputElement} field
   */
  drag(field) {
    /** @type {{x: number, value: number, on: boolean} | null} */
    let held = null;
    this.listen(field, "pointerdown", (event) => {
      if (event.button === 0 && !field.disabled)
        held = { x: event.clientX, value: this.value, on: false };
    });
    this.listen(field, "pointermove", (event) => {
      if (!held) return;
      const away = event.clientX - held.x;
      if (!held.on && Math.abs(away) < DRAG_FROM_PX) return;
      if (!held.on) {
        held.on = true;
        field.setPointerCapture(event.pointerId);
        this.classList.add("mg-dragged");
        this.take();
        held.value = this.value;
      }
      event.preventDefault();
      const { min, max, step } = this.limits;
      const span = max - min; // a track of 300 px covers a finite range
      const unit = Number.isFinite(span) ? span / 300 : step / PX_A_STEP;
      this.move(snapped(held.value + away * unit, this.limits));
    });
    this.listen(field, "pointerup pointercancel", () => {
      if (held?.on) {
        this.classList.remove("mg-dragged");
        field.setSelectionRange(0, 0);
        this.tell("mg-change", { value: this.value });
      }
      held = null;
    });
  }

  /** Back to where it began. */
  reset() {
    this.typed = false;
    this.say("");
    this.move(this.initial);
    this.tell("mg-change", { value: this.value });
  }

  /** @private @param {number} x */
  move(x) {
    const before = this.value;
    this.now = this.exact(x);
    this.show();
    if (this.now !== before) this.tell("mg-input", { value: this.now });
  }

  /** Takes what was typed, or says why not. @private */
  take() {
    if (!this.typed || !this.field) return;
    this.typed = false;
    const x = readNumber(this.field.value);
    const { min, max } = this.limits;
    if (x === null)
      this.say(
        `“${this.field.value.slice(0, 20)}” is not a number; ` +
          `${written(this.value, this.digits)} stays.`,
      );
    else if (x < min || x > max) {
      this.say(
        `${written(x, decimals(x))} is outside ${written(min, decimals(min))} to ` +
          `${written(max, decimals(max))}.`,
      );
    } else this.say("");
    if (x !== null) this.move(x);
    this.show();
    if (x !== null) this.tell("mg-change", { value: this.value });
  }

  /** @private @param {string} text */
  say(text) {
    if (this.message) this.message.textContent = text;
    this.field?.toggleAttribute("aria-invalid", text !== "");
  }

  /** @private */
  label() {
    const name = this.getAttribute("label") ?? "number";
    if (this.caption) this.caption.textContent = name;
    this.track?.setAttribute("aria-label", name);
    for (const input of [this.field, this.track]) {
      if (input) input.disabled = this.hasAttribute("disabled");
    }
  }

  /** @private */
  show() {
    if (!this.field || this.typed) return;
    const { value } = this;
    const text = written(value, Math.max(this.digits, Math.min(6, decimals(value))));
    const { min, max } = this.limits;
    if (this.field.value !== text) this.field.value = text;
    setAll(this.field, {
      "aria-valuenow": value,
      "aria-valuetext": text.replace("−", "minus "),
      "aria-valuemin": min > -Infinity ? min : null,
      "aria-valuemax": max < Infinity ? max : null,
    });
    if (this.track && Number(this.track.value) !== value) this.track.value = String(value);
  }
}

define("mg-number", MgNumber);
