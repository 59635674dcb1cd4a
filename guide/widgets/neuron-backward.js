// <mg-neuron-backward>: ReLU(x·w + b) forward and backward, by the reader's own hand first.

import { frame, judgeNeuron, planOf, shortly } from "../js/figures/gradients/backprop.js";
import { freshId, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/graph.js";
import { group, make } from "../js/kit/make.js";
import { numberField, wholeField } from "../js/kit/state.js";
import { readNumber, snapped } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";

const SOURCE = "relu(x*w + b)";
const NAMES = /** @type {const} */ (["x", "w", "b"]);
const LIMITS = { min: -5, max: 5, step: 0.1 };
const GIVEN = /** @type {const} */ (["∂x", "∂w", "∂b"]);

class MgNeuronBackward extends Widget {
  fields = {
    x: numberField(2, -5, 5),
    w: numberField(1.5, -5, 5),
    b: numberField(-1, -5, 5),
    run: wholeField(1, 0, 2),
  };
  /** @private what the nodes are called @type {string[]} */ names = [];
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
      { class: "backprop-sheet", novalidate: true },
      ...this.answers.flatMap((field, i) => [html("label", { for: field.id }, GIVEN[i]), field]),
      html("button", { class: "mg-button", type: "submit" }, "Check mine"),
    );
    this.listen(form, "submit", (event) => {
      event.preventDefault();
      this.check();
    });
    // Other numbers have other gradients: those from before are gone.
    this.listen(this, "mg-input", () => this.values.run > 1 && this.set({ run: 1 }));
    this.listen(this.graph, "mg-node-drag", ({ detail }) => {
      const name = NAMES.find((one) => one === this.names[detail.id]);
      if (!name) return;
      const x = snapped(this.values[name] + detail.steps * LIMITS.step, LIMITS);
      this.set({ [name]: x, run: Math.min(1, this.values.run) });
    });
    const mine = { class: "backprop-answers", role: "group", "aria-label": "Your own answers" };
    const run = group(
      "Run",
      {},
      this.idle(
        this.button("Run forward", () => this.set({ run: 1 })),
        ({ run }) => run === 1,
      ),
      this.button("Run backward", () => this.set({ run: 2 })),
    );
    return [
      this.figure(this.graph, {
        controls: [run, html("div", mine, form, this.verdict)],
        more: NAMES.map((label) => this.knob(label, { label, step: LIMITS.step, slider: true })),
      }),
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
    this.names = plan.called;
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
