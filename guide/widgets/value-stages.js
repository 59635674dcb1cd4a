// <mg-value-stages>: the class Value grows in four stages, one slot each.

import { shortly } from "../js/figures/gradients/backprop.js";
import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { wholeField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { Value } from "../js/numbers/value.js";
import { SLOTS, TWO, twoKnobs, valueCard } from "../js/figures/gradients/value-card.js";
import { Wires } from "../js/figures/gradients/wires.js";

/**
 * What each stage adds, and what can then be answered.
 * @type {Record<number, {title: string, code: string, answers: string}>}
 */
const STAGES = {
  1: {
    title: "1 data",
    code: "c = Value(6.0)",
    answers: "How much is c? Where it came from is forgotten, as with any plain number.",
  },
  2: {
    title: "2 + children",
    code: "c = Value(6.0, (a, b))",
    answers: "What was c made from? That a and b matter is known now, but not how much.",
  },
  3: {
    title: "3 + local gradients",
    code: "c = Value(6.0, (a, b), (b.data, a.data))",
    answers:
      "How fast does c change with each child? That is about c. It says nothing yet about the " +
      "loss at the far end.",
  },
  4: {
    title: "4 + grad",
    code: "c = Value(6.0, (a, b), (b.data, a.data)); c.backward()",
    answers:
      "How fast does the result change with every number before it? Here c is the result, so its " +
      "own gradient is 1, and a and b get their local gradients times 1.",
  },
};

class MgValueStages extends Widget {
  fields = { stage: wholeField(1, 1, SLOTS.length), ...TWO };
  code = html("code");
  cards = new Wires("value-two");
  why = html("p", { class: "value-why" });

  build() {
    const code = html("p", { class: "value-code" }, this.code);
    this.cards.follow(this);
    return [
      this.figure([this.cards.box, code], {
        controls: [
          this.choices("stage", "Stage", STAGES, { class: "mg-row value-steps" }),
          ...twoKnobs(this),
          this.why,
        ],
      }),
    ];
  }

  show() {
    const { stage } = this.values;
    const [a, b] = [new Value(this.values.a), new Value(this.values.b)];
    const c = a.mul(b);
    if (stage === 4) c.backward();
    const { code, answers } = STAGES[stage];
    const slots = SLOTS.slice(0, stage);
    const how = { slots, fresh: SLOTS[stage - 1] };
    const grad = (/** @type {Value} */ value) => (stage === 4 ? value.grad : null);
    const leaf = (/** @type {string} */ name, /** @type {Value} */ value) =>
      valueCard({ name, data: value.data, children: [], local: [], grad: grad(value) }, how);
    this.code.textContent = code.replace("6.0", shortly(c.data));
    const made = valueCard(
      {
        name: "c",
        how: "a · b",
        data: c.data,
        children: ["a", "b"],
        local: [...c.localGrads],
        grad: grad(c),
      },
      how,
    );
    // A wire for each child, as soon as c knows its children.
    const wires = ["a", "b"].slice(0, stage < 2 ? 0 : 2).map((from, i) => ({
      from,
      to: "c",
      text: stage < 3 ? "" : `× ${shortly(c.localGrads[i])}`,
      state: stage === 4 ? /** @type {const} */ ("back") : /** @type {const} */ ("lit"),
    }));
    this.cards.set({ a: leaf("a", a), b: leaf("b", b), c: made }, wires);
    this.why.textContent = `It can answer: ${answers}`;
    const words = [
      `c = ${shortly(c.data)}`,
      "children a and b",
      `local gradients ${c.localGrads.map(shortly).join(" and ")}`,
      `gradients a ${shortly(a.grad)}, b ${shortly(b.grad)}, c ${shortly(c.grad)}`,
    ];
    this.summary(`Stage ${stage} of 4: ${words.slice(0, stage).join("; ")}.`);
  }
}

define("mg-value-stages", MgValueStages);
