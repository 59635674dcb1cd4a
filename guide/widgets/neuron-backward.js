// <mg-neuron-backward>: ReLU(x·w + b) forward and backward, by the reader's own hand first.

import { frame, judgeNeuron, planOf, shortly } from "../js/figures/gradients/backprop.js";
import { button, freshId, html } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import "../js/kit/graph.js";
import "../js/kit/number.js";
import { InputError } from "../js/errors.js";
import {
  copyLink,
  isHidden,
  numberField,
  problemLine,
  urlState,
  wholeField,
} from "../js/kit/state.js";
import { readNumber } from "../js/kit/text.js";

/** @typedef {import("../js/kit/number.js").MgNumber} MgNumber */

const SOURCE = "relu(x*w + b)";
const START = { x: 2, w: 1.5, b: -1 };
const GIVEN = /** @type {const} */ (["∂x", "∂w", "∂b"]);

class MgNeuronBackward extends KitElement {
  build() {
    this.state = urlState("neuron-backward", {
      x: numberField(START.x, -5, 5),
      w: numberField(START.w, -5, 5),
      b: numberField(START.b, -5, 5),
      run: wholeField(1, 0, 2),
    });
    this.whenLeaving(() => this.state?.close());
    const state = this.state;
    this.inputs = Object.entries(START).map(([name, value]) => {
      const one = /** @type {MgNumber} */ (
        html(/** @type {any} */ ("mg-number"), {
          label: name,
          control: name,
          value,
          min: -5,
          max: 5,
          step: 0.1,
          digits: 1,
          slider: true,
        })
      );
      this.listen(one, "mg-input mg-change", ({ detail }) => {
        if (detail.value !== state.values[name])
          state.set({ [name]: detail.value, run: Math.min(1, state.values.run) });
      });
      return one;
    });
    const forward = button("Run forward");
    const backward = button("Run backward");
    const reset = button("Reset");
    this.listen(forward, "click", () => state.set({ run: 1 }));
    this.listen(backward, "click", () => state.set({ run: 2 }));
    this.listen(reset, "click", () => {
      for (const field of this.fields ?? []) field.value = "";
      this.say("", "");
      state.reset();
    });
    this.graph = /** @type {import("../js/kit/graph.js").MgGraph} */ (
      html(/** @type {any} */ ("mg-graph"), { label: "ReLU(x·w + b)" })
    );
    const tools = html("div", { class: "mg-row" }, forward, backward, reset);
    if (!isHidden("link")) tools.append(copyLink(state), problemLine(state));
    this.replaceChildren(...this.inputs, tools, this.graph, this.answers());
    this.whenLeaving(state.onChange(() => this.guard(() => this.show())));
    this.show();
  }

  /** @private */
  answers() {
    const id = freshId("answers");
    this.fields = GIVEN.map((name, i) =>
      html("input", {
        id: `${id}-${i}`,
        class: "mg-field backprop-answer",
        type: "text",
        inputmode: "decimal",
        autocomplete: "off",
        "aria-describedby": `${id}-said`,
        "aria-label": `Your ${name}`,
      }),
    );
    this.verdict = html("p", { id: `${id}-said`, class: "mg-said", role: "status" });
    const form = html(
      "form",
      { class: "mg-row", novalidate: true },
      ...this.fields.flatMap((field, i) => [html("label", { for: field.id }, GIVEN[i]), field]),
      html("button", { class: "mg-button", type: "submit" }, "Check mine"),
    );
    this.listen(form, "submit", (event) => {
      event.preventDefault();
      this.check();
    });
    return html(
      "div",
      { class: "backprop-answers", role: "group", "aria-label": "Your own answers" },
      form,
      this.verdict,
    );
  }

  /** @private */
  check() {
    const { x, w, b } = /** @type {import("../js/kit/state.js").UrlState} */ (this.state).values;
    try {
      const { right, said } = judgeNeuron(
        { x, w, b },
        (this.fields ?? []).map((field) => readNumber(field.value)),
      );
      this.fields?.forEach((field, i) => field.toggleAttribute("aria-invalid", !right[i]));
      this.say(said, right.every(Boolean) ? "right" : "wrong");
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.say(error.message, "");
    }
  }

  /** @private @param {string} text @param {string} verdict */
  say(text, verdict) {
    if (!this.verdict) return;
    this.verdict.textContent = verdict ? `${verdict === "right" ? "✓" : "✗"} ${text}` : text;
    this.verdict.dataset.verdict = verdict;
    if (verdict !== "wrong")
      for (const field of this.fields ?? []) field.removeAttribute("aria-invalid");
  }

  /** @private */
  show() {
    const { x, w, b, run } = /** @type {import("../js/kit/state.js").UrlState} */ (this.state)
      .values;
    const plan = planOf(SOURCE, { x, w, b }, ["p", "z", "a"]);
    this.inputs?.forEach((one, i) => {
      const now = [x, w, b][i];
      if (one.value !== now) one.value = now;
    });
    if (this.graph) this.graph.data = frame(plan, [0, plan.forward, plan.stages.length - 1][run]);
    const [z, a] = plan.graph.nodes.slice(-2).map(({ data }) => data);
    const grad = (/** @type {string} */ name) => shortly(plan.grads[plan.called.indexOf(name)]);
    const gate = z > 0 ? "The ReLU is open." : "The ReLU is shut.";
    this.summary(
      run === 0
        ? `x = ${shortly(x)}, w = ${shortly(w)}, b = ${shortly(b)}; nothing is computed yet.`
        : `Forward: z = ${shortly(z)}, a = ${shortly(a)}. ${gate} ` +
            (run === 2
              ? `Backward: ∂x ${grad("x")}, ∂w ${grad("w")}, ∂b ${grad("b")}.`
              : "The gradients wait for you."),
    );
  }
}

define("mg-neuron-backward", MgNeuronBackward);
