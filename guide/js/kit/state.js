// The state of widgets in the address: every slider, seed and step, so that a link restores what
// its sender saw. A teacher hides controls by &hide=name,name.
//
//     const state = urlState("zoo", { q: numberField(-0.22, -1.5, 1.5), seed: seedField() });
//     state.values.q; state.set({ q: 1 }); state.onChange(draw); host.append(copyLink(state));

import { Calm } from "./calm.js";
import { button, html } from "./dom.js";
import { initialValues, readHash, readState, writeHash, writeState } from "./state-text.js";

export * from "./state-text.js";

/** @typedef {import("./state-text.js").Schema} Schema */
/** @typedef {import("./state-text.js").Values} Values */

const WRITE_AFTER_MS = 200;

export class UrlState {
  /**
   * @param {string} name of the widget, the same on every visit
   * @param {Schema} schema
   */
  constructor(name, schema) {
    this.name = name;
    this.schema = schema;
    /** What could not be read in the address. @type {string[]} */ this.bad = [];
    /** @type {Values} */ this.values = initialValues(schema);
    /** @private @type {Set<(values: Values) => void>} */ this.listeners = new Set();
    /** @private */ this.calm = new Calm(WRITE_AFTER_MS, () => this.write());
    this.read();
    /** @private */ this.heard = () => {
      const before = writeState(this.schema, this.values);
      this.read();
      if (writeState(this.schema, this.values) !== before) this.tell();
    };
    addEventListener("hashchange", this.heard);
  }

  /** Whether the address brought anything for this widget. */
  get given() {
    return readHash(location.hash).parts.has(this.name);
  }

  /** A line for the reader where the address was damaged; else empty. */
  get problem() {
    if (!this.bad.length) return "";
    return (
      `This link could not be read in full (${this.bad.slice(0, 4).join(", ")}): the rest is ` +
      "as it was sent."
    );
  }

  /** @param {Values} changes */
  set(changes) {
    Object.assign(this.values, changes);
    this.calm.changed();
    this.tell();
  }

  reset() {
    this.bad = [];
    this.set(initialValues(this.schema));
  }

  /**
   * Calls back after every change, by `set` or by the address.
   * @param {(values: Values) => void} changed
   * @returns {() => void} stops it
   */
  onChange(changed) {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  }

  /** The whole address with this state in it. */
  link() {
    this.write();
    return location.href;
  }

  /** Writes what is still to be written, and lets the address go. */
  close() {
    if (this.calm.timer) this.write();
    removeEventListener("hashchange", this.heard);
    this.listeners.clear();
  }

  /** @private */
  read() {
    const { values, bad } = readState(this.schema, readHash(location.hash).parts.get(this.name));
    this.values = values;
    this.bad = bad;
  }

  /** @private */
  write() {
    this.calm.stop();
    const { anchor, parts } = readHash(location.hash);
    parts.set(this.name, writeState(this.schema, this.values));
    const hash = writeHash(anchor, parts);
    if (hash !== location.hash)
      history.replaceState(history.state, "", hash || location.pathname + location.search);
  }

  /** @private */
  tell() {
    for (const changed of this.listeners) changed(this.values);
  }
}

/** @param {string} name @param {Schema} schema */
export const urlState = (name, schema) => new UrlState(name, schema);

/** Whether the address hides this control. @param {string} control */
export function isHidden(control) {
  return readHash(location.hash).parts.get("hide")?.split(",").includes(control) ?? false;
}

/**
 * A button that copies the address with the state in it; where that isn't allowed, the address
 * comes up selected.
 * @param {UrlState} state
 */
export function copyLink(state) {
  const host = html("span", { class: "mg-copy" });
  const copy = button("Copy link");
  const said = html("span", { role: "status" });
  copy.addEventListener("click", async () => {
    const link = state.link();
    try {
      await navigator.clipboard.writeText(link);
      host.querySelector("input")?.remove();
      said.textContent = "Copied: it opens this page as it is now.";
    } catch {
      const field =
        host.querySelector("input") ??
        html("input", { readonly: true, "aria-label": "Link to copy" });
      field.value = link;
      host.append(field);
      field.select();
      said.textContent = "Copy the link below.";
    }
  });
  host.append(copy, said);
  return host;
}

/**
 * The friendly line for a damaged link, and defaults instead of guesses.
 * @param {UrlState} state
 */
export function problemLine(state) {
  const line = html("p", { class: "mg-note", role: "status" }, state.problem);
  line.hidden = !state.problem;
  return line;
}
