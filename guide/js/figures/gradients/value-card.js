// A Value drawn as a card: its four slots, as many as a page has come to. And the two numbers that
// figures with such cards begin with.

import { shortly } from "./backprop.js";
import { html } from "../../kit/dom.js";
import { numberField } from "../../kit/state.js";

/** @typedef {"data" | "children" | "local" | "grad"} Slot */
/** @type {readonly Slot[]} */
export const SLOTS = ["data", "children", "local", "grad"];
/** The fields of the two numbers. */
export const TWO = { a: numberField(2, -10, 10), b: numberField(3, -10, 10) };
const CALLED = { data: "data", children: "children", local: "local_grads", grad: "grad" };

/**
 * @typedef {object} Shown
 * @property {string} name
 * @property {string} [how] "a · b"; empty for a leaf
 * @property {number} data
 * @property {string[]} children names
 * @property {number[]} local
 * @property {number | null} grad null where it isn't known yet
 */

/** A list as Python prints a tuple. @param {(string | number)[]} items */
const tuple = (items) =>
  "(" +
  items.map((item) => (typeof item === "number" ? shortly(item) : item)).join(", ") +
  `${items.length === 1 ? "," : ""})`;

/**
 * @param {Shown} value
 * @param {{slots?: readonly Slot[], fresh?: Slot | null}} [how] fresh: the slot that is new
 */
export function valueCard(
  { name, how = "", data, children, local, grad },
  { slots = SLOTS, fresh = null } = {},
) {
  const texts = {
    data: shortly(data),
    children: tuple(children),
    local: tuple(local),
    grad: grad === null ? "0" : shortly(grad),
  };
  // What is still to come keeps its place.
  const rows = SLOTS.flatMap((slot) => {
    if (!slots.includes(slot)) return [html("dt", { "data-later": true }), html("dd")];
    const looks = { "data-fresh": slot === fresh };
    return [
      html("dt", looks, html("code", {}, CALLED[slot])),
      html("dd", { "data-slot": slot, ...looks }, texts[slot]),
    ];
  });
  return html(
    "div",
    { class: "value-card", role: "group", "aria-label": `Value ${name}` },
    html("p", { class: "value-name" }, how ? `${name} = ${how}` : name),
    html("dl", {}, ...rows),
  );
}

/** The controls of the two numbers. @param {import("../../kit/widget.js").Widget} widget */
export const twoKnobs = (widget) =>
  Object.keys(TWO).map((label) => widget.knob(label, { label, step: 0.1 }));
