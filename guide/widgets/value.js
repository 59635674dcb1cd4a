// <mg-value>: one operation on one or two numbers, and the Value that comes out.

import { shortly } from "../js/figures/gradients/backprop.js";
import { html, renew } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import "../js/kit/number.js";
import {
  choiceField,
  copyLink,
  isHidden,
  numberField,
  problemLine,
  urlState,
} from "../js/kit/state.js";
import { InputError } from "../js/errors.js";
import { Value } from "../js/numbers/value.js";
import { valueCard } from "../js/figures/gradients/value-card.js";

/** @typedef {import("../js/kit/number.js").MgNumber} MgNumber */

/**
 * @type {Record<string, {title: string, how: string, two: boolean, of: (a: Value, b: Value) =>
 *   Value, why: string}>}
 */
const OPERATIONS = {
  mul: {
    title: "a · b",
    how: "a · b",
    two: true,
    of: (a, b) => a.mul(b),
    why:
      "If a grows by a little, the product grows b times that little. So the slope for a is b, " +
      "and the slope for b is a.",
  },
  add: {
    title: "a + b",
    how: "a + b",
    two: true,
    of: (a, b) => a.add(b),
    why:
      "If either grows by a little, the sum grows by just that. Both slopes are 1, whatever " +
      "the numbers are.",
  },
  pow: {
    title: "a²",
    how: "a²",
    two: false,
    of: (a) => a.pow(2),
    why: "A square grows 2a times as fast as a does.",
  },
  log: {
    title: "log(a)",
    how: "log(a)",
    two: false,
    of: (a) => a.log(),
    why: "The logarithm's slope is 1/a: steep near 0, flat far out.",
  },
  exp: {
    title: "exp(a)",
    how: "exp(a)",
    two: false,
    of: (a) => a.exp(),
    why: "The slope of exp is exp itself: its result is its slope.",
  },
  relu: {
    title: "relu(a)",
    how: "relu(a)",
    two: false,
    of: (a) => a.relu(),
    why:
      "Above 0 it lets everything through, so the slope is 1. At 0 and below it is shut, and " +
      "the slope is 0.",
  },
};

class MgValue extends KitElement {
  build() {
    this.state = urlState("value", {
      op: choiceField("mul", Object.keys(OPERATIONS)),
      a: numberField(2, -10, 10),
      b: numberField(3, -10, 10),
    });
    this.whenLeaving(() => this.state?.close());
    const state = this.state;
    const choices = html("select", { class: "mg-select", "aria-label": "Operation" });
    for (const [key, { title }] of Object.entries(OPERATIONS))
      choices.append(html("option", { value: key }, title));
    this.listen(choices, "change", (event) => {
      event.stopPropagation();
      state.set({ op: choices.value });
    });
    this.choices = choices;
    this.inputs = ["a", "b"].map((name) => {
      const one = /** @type {MgNumber} */ (
        html(/** @type {any} */ ("mg-number"), {
          label: name,
          control: name,
          value: Number(state.schema[name].initial),
          min: -10,
          max: 10,
          step: 0.1,
          digits: 1,
        })
      );
      this.listen(one, "mg-input mg-change", ({ detail }) => state.set({ [name]: detail.value }));
      return one;
    });
    this.cards = html("div", { class: "value-cards" });
    this.why = html("p", { class: "value-why" });
    const tools = html("div", { class: "mg-row" });
    if (!isHidden("link")) tools.append(copyLink(state), problemLine(state));
    this.replaceChildren(
      html("div", { class: "mg-row" }, choices, ...this.inputs),
      this.cards,
      this.why,
      tools,
    );
    this.whenLeaving(state.onChange(() => this.guard(() => this.show())));
    this.show();
  }

  /** @private */
  show() {
    const { values } = /** @type {import("../js/kit/state.js").UrlState} */ (this.state);
    const { how, two, of, why } = OPERATIONS[values.op];
    if (this.choices) this.choices.value = values.op;
    this.inputs?.forEach((one, i) => {
      const name = "ab"[i];
      if (one.value !== values[name]) one.value = values[name];
      one.hidden = (i === 1 && !two) || isHidden(name);
    });
    let c;
    try {
      c = of(new Value(values.a), new Value(values.b));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.cards?.replaceChildren();
      if (this.why) this.why.textContent = error.message;
      this.summary(error.message);
      return;
    }
    const names = two ? ["a", "b"] : ["a"];
    const leaf = (/** @type {string} */ name) =>
      valueCard({ name, data: values[name], children: [], local: [], grad: null });
    const card = valueCard({
      name: "c",
      how,
      data: c.data,
      children: names,
      local: [...c.localGrads],
      grad: null,
    });
    renew(this.cards, ...names.map(leaf), card);
    if (this.why) this.why.textContent = why;
    const slopes = names.map((name, i) => `${shortly(c.localGrads[i])} for ${name}`);
    this.summary(`c = ${how} = ${shortly(c.data)}; its local gradient is ${slopes.join(" and ")}.`);
  }
}

define("mg-value", MgValue);
