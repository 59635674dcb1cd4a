// <mg-value>: one operation on one or two numbers, and the Value that comes out.

import { shortly } from "../js/figures/gradients/backprop.js";
import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { row } from "../js/kit/make.js";
import { choiceField, isHidden } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { Value } from "../js/numbers/value.js";
import { TWO, twoKnobs, valueCard } from "../js/figures/gradients/value-card.js";

/** @type {Record<string, {title: string, of: (...numbers: Value[]) => Value, why: string}>} */
const OPERATIONS = {
  mul: {
    title: "a · b",
    of: (a, b) => a.mul(b),
    why:
      "If a grows by a little, the product grows b times that little. So the slope for a is b, " +
      "and the slope for b is a.",
  },
  add: {
    title: "a + b",
    of: (a, b) => a.add(b),
    why:
      "If either grows by a little, the sum grows by just that. Both slopes are 1, whatever " +
      "the numbers are.",
  },
  pow: {
    title: "a²",
    of: (a) => a.pow(2),
    why: "A square grows 2a times as fast as a does.",
  },
  log: {
    title: "log(a)",
    of: (a) => a.log(),
    why: "The logarithm's slope is 1/a: steep near 0, flat far out.",
  },
  exp: {
    title: "exp(a)",
    of: (a) => a.exp(),
    why: "The slope of exp is exp itself: its result is its slope.",
  },
  relu: {
    title: "relu(a)",
    of: (a) => a.relu(),
    why:
      "Above 0 it lets everything through, so the slope is 1. At 0 and below it is closed, and " +
      "the slope is 0.",
  },
};

class MgValue extends Widget {
  fields = { op: choiceField("mul", Object.keys(OPERATIONS)), ...TWO };
  cards = html("div", { class: "value-cards" });
  why = html("p", { class: "value-why" });

  build() {
    const [a, b] = twoKnobs(this);
    this.follow(({ op }) => (b.hidden = OPERATIONS[op].of.length < 2 || isHidden("b")));
    const choice = this.menu("op", { label: "Operation", options: OPERATIONS, bare: true });
    return [row(choice, a, b), this.cards, this.why];
  }

  show() {
    const { op, a, b } = this.values;
    const { title, of, why } = OPERATIONS[op];
    const c = this.attempt(this.why, () => of(new Value(a), new Value(b)));
    if (!c) {
      this.cards.replaceChildren();
      this.summary(this.why.textContent);
      return;
    }
    const names = ["a", "b"].slice(0, of.length);
    const leaf = (/** @type {string} */ name, /** @type {number} */ i) =>
      valueCard({ name, data: [a, b][i], children: [], local: [], grad: null });
    const card = valueCard({
      name: "c",
      how: title,
      data: c.data,
      children: names,
      local: [...c.localGrads],
      grad: null,
    });
    renew(this.cards, ...names.map(leaf), card);
    this.why.textContent = why;
    const slopes = names.map((name, i) => `${shortly(c.localGrads[i])} for ${name}`);
    this.summary(
      `c = ${title} = ${shortly(c.data)}; its local gradient is ${slopes.join(" and ")}.`,
    );
  }
}

define("mg-value", MgValue);
