// <mg-neuron-backward>: ReLU(x·w + b) forward and backward, by the reader's own hand first.

import { frame, judgeNeuron, planOf, shortly } from "../js/figures/gradients/backprop.js";
import { freshId, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/graph.js";
import { make } from "../js/kit/make.js";
import { numberField, wholeField } from "../js/kit/state.js";
import { readNumber } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";

const SOURCE = "relu(x*w + b)";
const GIVEN = /** @type {const} */ (["∂x", "∂w", "∂b"]);

class MgNeuronBackward extends Widget {
  fields = {
    x: numberField(2, -5, 5),
    w: numberField(1.5, -5, 5),
    b: numberField(-1, -5, 5),
    run: wholeField(1, 0, 2),
  };
  graph = make("mg-graph", { label: "ReLU(x·w + b)" });
  verdict = html("p", { id: freshId("answers"), class: "mg-said", role: "status" });
  answers = GIVEN.map((name) =>
    html("input", {
      id: freshId("answer"),
      class: "mg-field backprop-answer",
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      "aria-describedby": this.verdict.id,
      "aria-label": `Your ${name}`,
    }),
  );

  build() {
    const form = html(
      "form",
      { class: "mg-row", novalidate: true },
      ...this.answers.flatMap((field, i) => [html("label", { for: field.id }, GIVEN[i]), field]),
      html("button", { class: "mg-button", type: "submit" }, "Check mine"),
    );
    this.listen(form, "submit", (event) => {
      event.preventDefault();
      this.check();
    });
    // Other numbers have other gradients: those from before are gone.
    this.listen(this, "mg-input", () => this.values.run > 1 && this.set({ run: 1 }));
    return [
      ["x", "w", "b"].map((label) => this.knob(label, { label, step: 0.1, slider: true })),
      this.tools(
        this.button("Run forward", () => this.set({ run: 1 })),
        this.button("Run backward", () => this.set({ run: 2 })),
      ),
      this.graph,
      html(
        "div",
        { class: "backprop-answers", role: "group", "aria-label": "Your own answers" },
        form,
        this.verdict,
      ),
    ];
  }

  reset() {
    for (const field of this.answers) field.value = "";
    this.say("", "");
    super.reset();
  }

  /** @private */
  check() {
    const given = this.answers.map((field) => readNumber(field.value));
    const { x, w, b } = this.values;
    const judged = this.attempt(this.verdict, () => judgeNeuron({ x, w, b }, given));
    if (!judged) return this.say(this.verdict.textContent, "");
    const { right, said } = judged;
    this.answers.forEach((field, i) => field.toggleAttribute("aria-invalid", !right[i]));
    return this.say(said, right.every(Boolean) ? "right" : "wrong");
  }

  /** @private @param {string} text @param {string} verdict */
  say(text, verdict) {
    this.verdict.textContent = verdict ? `${verdict === "right" ? "✓" : "✗"} ${text}` : text;
    this.verdict.dataset.verdict = verdict;
    if (verdict !== "wrong")
      for (const field of this.answers) field.removeAttribute("aria-invalid");
  }

  show() {
    const { x, w, b, run } = this.values;
    const plan = planOf(SOURCE, { x, w, b }, ["p", "z", "a"]);
    this.graph.data = frame(plan, [0, plan.forward, plan.stages.length - 1][run]);
    const [z, a] = plan.graph.nodes.slice(-2).map(({ data }) => data);
    const grad = (/** @type {string} */ name) => shortly(plan.grads[plan.called.indexOf(name)]);
    const gate = z > 0 ? "The ReLU is open." : "The ReLU is closed.";
    this.summary(
      run === 0
        ? `x = ${shortly(x)}, w = ${shortly(w)}, b = ${shortly(b)}; nothing is computed yet.`
        : `Forward: z = ${shortly(z)}, a = ${shortly(a)}. ${gate} ` +
            (run === 2
              ? `Backward: ∂x ${grad("x")}, ∂w ${grad("w")}, ∂b ${grad("b")}.`
              : "The gradients are waiting for you."),
    );
  }
}

define("mg-neuron-backward", MgNeuronBackward);
