// <mg-value-stages>: the class Value grows in four stages, one slot each.

import { shortly } from "../js/figures/gradients/backprop.js";
import { button, html, renew } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import "../js/kit/number.js";
import {
  copyLink,
  isHidden,
  numberField,
  problemLine,
  urlState,
  wholeField,
} from "../js/kit/state.js";
import { Value } from "../js/numbers/value.js";
import { SLOTS, valueCard } from "../js/figures/gradients/value-card.js";

/** @typedef {import("../js/kit/number.js").MgNumber} MgNumber */

/** What each stage adds, and what can then be answered. */
const STAGES = /** @type {const} */ ([
  {
    name: "1 data",
    code: "c = Value(6.0)",
    asks: "How much is c?",
    lacks: "Where it came from is forgotten, as with any plain number.",
  },
  {
    name: "2 + children",
    code: "c = Value(6.0, (a, b))",
    asks: "What was c made of?",
    lacks: "That a and b matter is known now, but not how much.",
  },
  {
    name: "3 + local gradients",
    code: "c = Value(6.0, (a, b), (b.data, a.data))",
    asks: "How fast does c change with each child?",
    lacks: "That is about c. Of the loss at the far end it says nothing yet.",
  },
  {
    name: "4 + grad",
    code: "c = Value(6.0, (a, b), (b.data, a.data)); c.backward()",
    asks: "How fast does the result change with every number before it?",
    lacks:
      "Here c is the result, so its own gradient is 1, and a and b get their local gradients " +
      "times 1.",
  },
]);

class MgValueStages extends KitElement {
  build() {
    this.state = urlState("value-stages", {
      stage: wholeField(1, 1, STAGES.length),
      a: numberField(2, -10, 10),
      b: numberField(3, -10, 10),
    });
    this.whenLeaving(() => this.state?.close());
    const state = this.state;
    this.tabs = STAGES.map(({ name }, i) => {
      const tab = button(name, { "aria-pressed": "false" });
      this.listen(tab, "click", () => state.set({ stage: i + 1 }));
      return tab;
    });
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
    this.code = html("code", {});
    this.cards = html("div", { class: "value-cards" });
    this.why = html("p", { class: "value-why" });
    const tools = html("div", { class: "mg-row" });
    if (!isHidden("link")) tools.append(copyLink(state), problemLine(state));
    this.replaceChildren(
      html("div", { class: "mg-row", role: "group", "aria-label": "Stage" }, ...this.tabs),
      html("div", { class: "mg-row" }, ...this.inputs),
      html("p", { class: "value-code" }, this.code),
      this.cards,
      this.why,
      tools,
    );
    this.whenLeaving(state.onChange(() => this.guard(() => this.show())));
    this.show();
  }

  /** @private */
  show() {
    const { stage, ...numbers } = /** @type {import("../js/kit/state.js").UrlState} */ (this.state)
      .values;
    const [a, b] = [new Value(numbers.a), new Value(numbers.b)];
    const c = a.mul(b);
    if (stage === 4) c.backward();
    this.tabs?.forEach((tab, i) => tab.setAttribute("aria-pressed", String(i + 1 === stage)));
    this.inputs?.forEach((one, i) => {
      const now = numbers["ab"[i]];
      if (one.value !== now) one.value = now;
    });
    const { code, asks, lacks } = STAGES[stage - 1];
    const slots = SLOTS.slice(0, stage);
    const how = { slots, fresh: SLOTS[stage - 1] };
    const grad = (/** @type {Value} */ value) => (stage === 4 ? value.grad : null);
    const leaf = (/** @type {string} */ name, /** @type {Value} */ value) =>
      valueCard({ name, data: value.data, children: [], local: [], grad: grad(value) }, how);
    if (this.code) this.code.textContent = code.replace("6.0", shortly(c.data));
    renew(
      this.cards,
      leaf("a", a),
      leaf("b", b),
      valueCard(
        {
          name: "c",
          how: "a · b",
          data: c.data,
          children: ["a", "b"],
          local: [...c.localGrads],
          grad: grad(c),
        },
        how,
      ),
    );
    if (this.why) this.why.textContent = `It can answer: ${asks} ${lacks}`;
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
