// The base of all widgets: a state in the address, controls that hold its values, and a picture
// that follows.
//
//     class MgDouble extends Widget {
//       fields = { x: numberField(3, 0, 10) };
//       result = html("p");
//       build() { return [this.knob("x", { label: "x", step: 0.5 }), this.result]; }
//       show() { this.result.textContent = String(2 * this.values.x); }
//     }
//
// `build` makes what the widget consists of, once; `show` brings it up to date after every change,
// by a control, by the address, or by the widget itself. The controls follow on their own. What
// nobody listens to is made as a field of the class.

import { MicrogptError } from "../errors.js";
import { button, freshId, html, setAll } from "./dom.js";
import { KitElement } from "./element.js";
import { group, make, row } from "./make.js";
import { menu, showTables, tablesOf } from "./menu.js";
import "./number.js";
import { copyLink, isHidden, problemLine, readField, urlState, writeField } from "./state.js";

/** @typedef {import("./dom.js").Attribute} Attribute */
/** @typedef {import("./dom.js").Content} Content */
/** @typedef {import("./number.js").MgNumber} MgNumber */
/** @typedef {import("./state-text.js").Field} Field */
/** @typedef {import("./state-text.js").Schema} Schema */
/** @typedef {import("./state-text.js").Values} Values */
/** @typedef {Record<string, Attribute>} Attributes */
/** @typedef {{[K in Field["kind"]]: Extract<Field, {kind: K}>}} Fields */
/**
 * What can be chosen: texts of the values 0, 1, ..., or texts by value, in order; a title will do.
 * @typedef {readonly string[] | Readonly<Record<string, string | {title: string}>>} Options
 */
/** @typedef {(Content | null | (Content | null)[])[]} Parts */

export class Widget extends KitElement {
  /**
   * What the address keeps. Where it depends on what is loaded, `load` sets it.
   * @type {Schema}
   */
  fields = {};
  /** What it is called in the address; the element's name if empty. @type {string} */
  called = "";
  /** @type {import("./state.js").UrlState} */ state = /** @type {any} */ (undefined);
  /** @private what brings the controls up to date @type {((values: Values) => void)[]} */
  following = [];
  /** @private how texts are read @type {Map<string, (typed: string) => string>} */
  reading = new Map();
  /** whether it has no Reset and no link, or has its own @protected */ hasTools = false;
  /** whether all that the summary says can be seen: then it is only heard */ isHeard = false;
  /** @private one for each time that it came into a page */ visit = 0;

  /**
   * Fetches what has to be there before the widget can be built; the text in the tag stays until
   * then.
   * @returns {Promise<unknown> | void}
   */
  load() {}

  /** What the widget consists of. @returns {Parts | void} */
  build() {}

  /** Shows what the state says. */
  show() {}

  /** Back to the beginning, by the button: nothing plays on. */
  reset() {
    /** @type {NodeListOf<import("./stepper.js").MgStepper>} */
    const steppers = this.querySelectorAll("mg-stepper");
    for (const one of steppers) one.pause();
    this.state.reset();
  }

  /**
   * The state's values by name.
   * @returns {import("./state-text.js").ValuesOf<this["fields"]>}
   */
  get values() {
    return /** @type {any} */ (this.state.values);
  }

  /** Changes some of them. @param {Values} changes */
  set(changes) {
    this.state.set(changes);
  }

  // ---------------------------------------------------------------- coming and going

  compose() {
    const loading = this.load();
    if (loading) this.wait(loading);
    else this.put();
  }

  /** @private @param {Promise<unknown>} loading */
  async wait(loading) {
    const { visit } = this;
    const isHere = () => visit === this.visit && this.isConnected;
    try {
      await loading;
    } catch (error) {
      if (isHere()) this.fail(error);
      return;
    }
    if (isHere()) this.guard(() => this.put());
  }

  /** Builds it into the page. @protected */
  put() {
    const state = urlState(this.called || this.localName.replace(/^mg-/, ""), this.fields);
    this.state = state;
    this.whenLeaving(() => state.close());
    state.onChange(() => this.guard(() => this.update()));
    const parts = (this.build() ?? []).flat().filter((part) => part !== null);
    const foot = this.foot();
    parts.push(problemLine(state), foot);
    this.replaceChildren(...parts.map((part) => (part instanceof Node ? part : String(part))));
    this.toggleAttribute("data-heard", this.isHeard);
    foot.hidden = this.hasTools && !tablesOf(this).length;
    this.update();
    this.stands();
  }

  /** Shows the state in picture and controls. */
  update() {
    for (const [key, read] of this.reading) this.settle(key, read);
    this.show();
    for (const follow of this.following) follow(this.state.values);
  }

  /**
   * A link may bring a text that nobody could type: the first one stands for it.
   * @private
   * @param {string} key
   * @param {(typed: string) => string} read
   */
  settle(key, read) {
    const { values } = this.state;
    try {
      values[key] = read(values[key]);
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      values[key] = this.fieldOf(key, "text").initial;
    }
  }

  leave() {
    super.leave();
    this.visit++;
    this.following = [];
    this.reading.clear();
    this.hasTools = false;
  }

  /**
   * Calls now and after every change, behind `show`: for controls of a widget's own.
   * @param {(values: Values) => void} follow
   */
  follow(follow) {
    this.following.push(follow);
  }

  // ---------------------------------------------------------------- controls

  /**
   * A number to drag or to type; with `slider` a track stands beside it.
   * @param {string} key a number of the state
   * @param {Attributes} attributes label, step, digits, slider
   */
  knob(key, attributes) {
    const { initial, min, max, step } = this.fieldOf(key, "number");
    const made = this.number(
      { control: key, value: initial, min, max, ...stepOf(step), ...attributes },
      (x) => this.state.set({ [key]: x }),
    );
    this.follow((values) => (made.value = values[key]));
    return made;
  }

  /**
   * One such number for each of some numbers that the state keeps together.
   * @param {string} key
   * @param {readonly (string | Attributes)[]} each its label, or attributes of its own
   * @param {Attributes} [attributes] of all
   */
  knobs(key, each, attributes = {}) {
    const { initial, min, max } = this.fieldOf(key, "numbers");
    return each.map((own, i) => {
      const names = typeof own === "string" ? { label: own, control: own } : own;
      const made = this.number({ value: initial[i], min, max, ...attributes, ...names }, (x) =>
        this.state.set({ [key]: this.state.values[key].with(i, x) }),
      );
      this.follow((values) => (made.value = values[key][i]));
      return made;
    });
  }

  /**
   * A number that isn't simply a value of the state.
   * @protected
   * @param {Attributes} attributes
   * @param {(x: number) => void} changed
   */
  number(attributes, changed) {
    const made = make("mg-number", attributes);
    this.listen(made, "mg-input", ({ detail }) => changed(detail.value));
    return made;
  }

  /**
   * A field for text with its label, and the line that says why a text isn't taken. `read` makes
   * the state's value of what is typed, or throws `InputError`; of that value it makes the same.
   * @param {string} key
   * @param {object} how
   * @param {string} how.label
   * @param {(typed: string) => string} [how.read]
   * @param {(value: string) => Values} [how.also] what else changes with it
   * @param {Attributes} [attributes] of the field
   * @returns {[HTMLDivElement, HTMLParagraphElement]}
   */
  text(key, { label, read = (typed) => typed.trim(), also = () => ({}) }, attributes = {}) {
    const id = freshId(key);
    this.reading.set(key, read);
    const refused = html("p", { id: `${id}-refused`, class: "mg-refused", role: "alert" });
    const input = html("input", {
      id,
      class: "mg-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-describedby": refused.id,
      ...attributes,
    });
    this.listen(input, "input", (event) => {
      event.stopPropagation();
      this.attempt(refused, () => {
        const value = read(input.value);
        this.set({ [key]: value, ...also(value) });
      });
    });
    this.follow((values) => {
      if (document.activeElement === input || input.value === values[key]) return;
      input.value = values[key];
      refused.textContent = "";
    });
    const whole = row(html("label", { for: id }, label), input);
    whole.hidden = isHidden(key);
    return [whole, refused];
  }

  /**
   * A menu with its label; `bare`, the label is only heard. `also` says what else changes. Where it
   * isn't simply the value, `now` says what is chosen, and `act` does what choosing does.
   * @param {string} key
   * @param {{label: string, options: Options, bare?: boolean, also?: () => Values,
   *   now?: (values: Values) => string, act?: (value: string) => void}} how
   */
  menu(key, how) {
    const { label, options, bare = false, also = () => ({}), now } = how;
    const act = how.act ?? ((value) => this.choose(key, value, also()));
    const id = freshId(key);
    const select = html(
      "select",
      { id, class: "mg-select", "aria-label": bare ? label : null },
      ...Object.entries(options).map(([value, one]) => html("option", { value }, textOf(one))),
    );
    this.listen(select, "change", (event) => {
      event.stopPropagation();
      act(select.value);
    });
    this.follow((values) => {
      const value = now?.(values) ?? writeField(this.fields[key], values[key]);
      if (select.value !== value) select.value = value;
    });
    const whole = bare ? select : row(html("label", { for: id }, label), select);
    whole.hidden = isHidden(key);
    return whole;
  }

  /**
   * Buttons of which one is pressed.
   * @param {string} key
   * @param {string} label
   * @param {Options} options
   * @param {{class?: string, each?: string}} [looks] classes of the group and of each button
   */
  choices(key, label, options, looks = {}) {
    const each = looks.each ?? "mg-chosen";
    const keys = Object.entries(options).map(([value, one]) => {
      const act = () => this.choose(key, value);
      const made = this.button(textOf(one), act, { class: `mg-button ${each}`, control: key });
      this.follow((values) => press(made, value === writeField(this.fields[key], values[key])));
      return made;
    });
    return group(label, { class: looks.class ?? "mg-row" }, ...keys);
  }

  /** A button that is pressed while a flag is set. @param {string} key @param {string} text */
  toggle(key, text) {
    const made = this.button(text, () => this.state.set({ [key]: !this.state.values[key] }), {
      class: "mg-button mg-chosen",
      control: key,
    });
    this.follow((values) => press(made, values[key]));
    return made;
  }

  /**
   * What a control says of a value becomes the value.
   * @private
   * @param {string} key
   * @param {string} text
   * @param {Values} [also]
   */
  choose(key, text, also = {}) {
    const value = readField(this.fields[key], text);
    if (value !== undefined) this.state.set({ [key]: value, ...also });
  }

  /**
   * Steps to walk through; their texts are for `show` to set.
   * @param {string} key the number of the step
   * @param {Attributes} attributes label, pace
   */
  stepper(key, attributes) {
    const made = make("mg-stepper", attributes);
    this.listen(made, "mg-step", ({ detail }) => this.state.set({ [key]: detail.at }));
    this.follow((values) => {
      if (made.at !== values[key]) made.at = values[key];
    });
    return made;
  }

  /**
   * A button that does something. A teacher hides it by its `control`, or by its text.
   * @param {string} text
   * @param {() => unknown} act
   * @param {Attributes} [attributes]
   */
  button(text, act, attributes = {}) {
    const made = button(text, attributes);
    made.hidden = isHidden(String(attributes.control ?? text.toLowerCase()));
    this.listen(made, "click", act);
    return made;
  }

  /**
   * A button that says so while it would change nothing.
   * @param {HTMLButtonElement} made
   * @param {(values: Values) => boolean} isIdle
   */
  idle(made, isIdle) {
    this.follow((values) => setAll(made, { "aria-disabled": String(isIdle(values)) }));
    return made;
  }

  /** The widget's own buttons. @param {Content[]} own */
  tools(...own) {
    const made = row(...own);
    made.classList.add("mg-tools");
    return made;
  }

  // ---------------------------------------------------------------- places

  /**
   * The picture, its controls beside it, or under it where there is no room or with `under`, and
   * behind "More" what is rarely needed.
   * @param {Content | Content[]} picture
   * @param {{controls?: Content[], more?: Content[], under?: boolean}} [rest]
   * @returns {HTMLElement}
   */
  figure(picture, { controls = [], more = [], under = false } = {}) {
    const side = html("div", { class: "mg-side" }, ...controls);
    if (more.length) {
      const inside = html("div", { class: "mg-side" }, ...more);
      side.append(html("details", { class: "mg-more" }, html("summary", {}, "More"), inside));
    }
    return html(
      "div",
      { class: "mg-figure", "data-under": under || !side.childNodes.length || null },
      html("div", { class: "mg-picture" }, ...[picture].flat()),
      side.childNodes.length ? side : "",
    );
  }

  /** @private Reset, the link, and the tables of its pictures: a menu. */
  foot() {
    const tables = button("As a table");
    this.listen(tables, "click", () => {
      made.open = false;
      showTables(this, !tablesOf(this).some((table) => table.open));
    });
    const content = [tables];
    if (!this.hasTools) content.unshift(this.button("Reset", () => this.reset()));
    const link = this.hasTools || isHidden("link") ? null : copyLink(this.state);
    const made = menu(this, link ? [...content, link] : content, () => {
      tables.hidden = isHidden("table") || !tablesOf(this).length;
    });
    this.toggleAttribute("data-menu", true);
    return made;
  }

  // ---------------------------------------------------------------- saying

  /**
   * Does something that the reader may have asked for wrongly: then `line` says what is wrong, and
   * the answer is undefined.
   * @template T
   * @param {HTMLElement} line
   * @param {() => T} act
   * @returns {T | undefined}
   */
  attempt(line, act) {
    try {
      const result = act();
      line.textContent = "";
      return result;
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      line.textContent = error.message;
      return undefined;
    }
  }

  /**
   * A field of the state, of the kind that a control needs.
   * @private
   * @template {Field["kind"]} K
   * @param {string} key
   * @param {K} kind
   * @returns {Fields[K]}
   */
  fieldOf(key, kind) {
    const field = this.fields[key];
    if (field?.kind !== kind) throw new Error(`${key} is no ${kind} of ${this.localName}`);
    return /** @type {Fields[K]} */ (field);
  }
}

/**
 * Whole numbers go by 1 and have no digits.
 * @param {number | undefined} step
 * @returns {Attributes}
 */
const stepOf = (step) => (step === 1 ? { step, whole: true, digits: 0 } : { step: step ?? 1 });

/** @param {string | {title: string}} option */
const textOf = (option) => (typeof option === "string" ? option : option.title);

/** @param {HTMLElement} one @param {boolean} isPressed */
function press(one, isPressed) {
  if (one.getAttribute("aria-pressed") !== String(isPressed))
    one.setAttribute("aria-pressed", String(isPressed));
}
