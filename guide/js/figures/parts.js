// Parts that figures share: number fields, menus, the row of tools under a figure, and bars of
// probabilities.

import "../kit/bars.js";
import { button, freshId, html } from "../kit/dom.js";
import "../kit/number.js";
import { copyLink, isHidden, problemLine } from "../kit/state.js";

/** @typedef {import("../kit/number.js").MgNumber} MgNumber */
/** @typedef {import("../kit/state.js").UrlState} UrlState */

/**
 * A number of the kit that tells `changed` its value.
 * @param {import("../kit/element.js").KitElement} host
 * @param {Record<string, import("../kit/dom.js").Attribute>} attributes
 * @param {(value: number) => void} changed
 */
export function numberInput(host, attributes, changed) {
  const made = /** @type {MgNumber} */ (html(/** @type {any} */ ("mg-number"), attributes));
  host.listen(made, "mg-input", ({ detail }) => changed(detail.value));
  return made;
}

/**
 * A button that does something, under the figure's guard.
 * @param {import("../kit/element.js").KitElement} host
 * @param {string} text
 * @param {() => unknown} act
 * @param {Record<string, import("../kit/dom.js").Attribute>} [attributes]
 */
export function actor(host, text, act, attributes = {}) {
  const made = button(text, attributes);
  made.hidden = isHidden(String(attributes.control ?? text.toLowerCase()));
  host.listen(made, "click", act);
  return made;
}

/**
 * The row under a figure: its own buttons, reset, and the link.
 * @param {import("../kit/element.js").KitElement} host
 * @param {UrlState} state
 * @param {Node[]} own
 * @param {() => unknown} [reset]
 */
export function tools(host, state, own = [], reset = () => state.reset()) {
  const row = html("div", { class: "mg-row net-tools" }, ...own, actor(host, "Reset", reset));
  if (!isHidden("link")) row.append(copyLink(state), problemLine(state));
  return row;
}

/**
 * A menu with a name.
 * @param {import("../kit/element.js").KitElement} host
 * @param {string} label
 * @param {[string, string][]} options value and text
 * @param {(value: string) => void} changed
 */
export function menu(host, label, options, changed) {
  const id = freshId("menu");
  const select = html(
    "select",
    { id, class: "mg-select" },
    ...options.map(([value, text]) => html("option", { value }, text)),
  );
  host.listen(select, "change", (event) => {
    event.stopPropagation();
    changed(select.value);
  });
  const whole = html("div", { class: "mg-row" }, html("label", { for: id }, label), select);
  return { whole, select };
}

/** Bars of probabilities, from the kit. @param {string} label */
export const probabilityBars = (label) =>
  /** @type {import("../kit/bars.js").MgBars} */ (
    html(/** @type {any} */ ("mg-bars"), { label, digits: 3 })
  );
