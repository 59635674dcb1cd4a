// <mg-backprop shape="reuse">: forward, order, backward over a graph of Values. Four shapes,
// and any expression that the reader types. `single` leaves the choice of shapes out; `at` is
// start, forward or end.

import {
  frame,
  MOST_DRAWN,
  nudge,
  planOf,
  readNumbers,
  SHAPES,
  shortly,
  signed,
  writeNumbers,
} from "../js/figures/gradients/backprop.js";
import { freshId, html, renew, setAll, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/graph.js";
import { group, make, row } from "../js/kit/make.js";
import { choiceField, isHidden, numberField, textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { counted, snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { ExpressionError } from "../js/numbers/expression.js";

/** @typedef {import("../js/figures/gradients/backprop.js").Plan} Plan */

const MOST_TYPED = 2000;
const LIMITS = { min: -100, max: 100, step: 0.1 };
const EXAMPLES = ["a*b + a", "relu(x*w + b)", "log(1 + exp(-a))", "(a + b)/(a - b)", "a*a*a"];

class MgBackprop extends Widget {
  fields = {
    shape: choiceField("reuse", Object.keys(SHAPES)),
    text: textField(SHAPES.own.source, MOST_TYPED),
    x: textField("", 400),
    at: wholeField(-1, -1, 20_000),
    who: textField("", 40),
    by: numberField(0.1, -1, 1),
  };
  place = html("p", { class: "backprop-place", "aria-hidden": "true" });
  said = html("p", { id: freshId("backprop"), class: "backprop-said", role: "alert" });
  help = html(
    "p",
    { id: freshId("backprop"), class: "mg-note" },
    "Letters or names, numbers, + - * / **, exp, log, relu and brackets. It is read, never run " +
      "as a program.",
  );
  field = html("input", {
    id: freshId("backprop"),
    class: "mg-field backprop-field",
    type: "text",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-describedby": `${this.said.id} ${this.help.id}`,
  });
  own = html("div", { class: "backprop-own", role: "group", "aria-label": "Your expression" });
  numbers = group("Numbers of the leaves", { class: "mg-row backprop-numbers" });
  stages = make("mg-stepper", { label: "Forward, order, backward", pace: 1100 });
  graph = make("mg-graph", { label: "Graph of the computation", most: MOST_DRAWN });
  who = html("select", { id: freshId("nudge"), class: "mg-select" });
  bars = svg("svg", { class: "backprop-bars", viewBox: "0 0 300 40", "aria-hidden": "true" });
  outcome = html("p", { class: "mg-readout", role: "status" });
  nudging = group("Nudge a leaf", { class: "backprop-nudge" });
  /** @private @type {Plan | null} */ plan = null;
  /** @private what the plan was made from */ made = "";
  /** @private of a number that is being moved @type {{made: string, plan: Plan} | null} */
  ahead = null;
  /** @private the names that have fields */ named = "";
  /** @private those fields @type {import("../js/kit/number.js").MgNumber[]} */ leaves = [];
  /** @private what was nudged last */ nudged = "";

  load() {
    this.called = this.getAttribute("name") ?? "";
    this.fields.shape = choiceField(this.getAttribute("shape") ?? "reuse", Object.keys(SHAPES));
    this.fields.text = textField(this.getAttribute("expression") ?? SHAPES.own.source, MOST_TYPED);
  }

  build() {
    this.made = this.named = this.nudged = "";
    const shapes = group(
      "Shape",
      { class: "mg-row backprop-shapes" },
      ...Object.entries(SHAPES).map(([key, { title }]) => {
        const choose = () => this.set({ shape: key, x: "", at: -1, who: "" });
        const tab = this.button(title, choose, { class: "mg-button mg-chosen", "data-shape": key });
        this.follow(({ shape }) => setAll(tab, { "aria-pressed": String(shape === key) }));
        return tab;
      }),
    );
    shapes.hidden = this.hasAttribute("single") || isHidden("shape");
    const examples = EXAMPLES.map((text) => {
      const act = () => this.set({ text, at: -1, x: "" });
      const made = this.button(text, act, { class: "mg-button mg-quiet" });
      return this.idle(made, ({ at, x, ...now }) => now.text === text && at === -1 && x === "");
    });
    this.own.replaceChildren(
      html("label", { for: this.field.id }, "L ="),
      this.field,
      this.place,
      this.said,
    );
    const tries = html(
      "div",
      { class: "backprop-tries" },
      this.help,
      group("Examples", {}, html("span", { class: "mg-soft" }, "Try:"), ...examples),
    );
    this.follow(({ shape }) => {
      tries.hidden = shape !== "own";
    });
    this.nudging.replaceChildren(
      row(html("label", { for: this.who.id }, "Nudge"), this.who),
      this.knob("by", { label: "by", step: 0.001, slider: true }),
      this.bars,
      this.outcome,
    );
    this.listen(this.field, "input", () => this.type(this.field.value));
    this.listen(this.stages, "mg-step", ({ detail }) => this.set({ at: detail.at }));
    this.listen(this.graph, "mg-node-drag", ({ detail }) => {
      const node = this.plan?.graph.nodes[detail.id];
      if (node?.op !== "leaf") return;
      this.take(node.label, snapped(node.data + detail.steps * LIMITS.step, LIMITS));
    });
    this.listen(this.who, "change", (event) => {
      event.stopPropagation();
      this.set({ who: this.who.value });
    });
    return [
      this.figure([shapes, this.own, this.graph], {
        controls: [this.stages],
        more: [this.numbers, tries, this.nudging],
      }),
    ];
  }

  /**
   * What was typed or pasted; too much of it is refused before anything is read.
   * @private
   * @param {string} text
   */
  type(text) {
    if (text.length <= MOST_TYPED) return this.set({ text, at: -1 });
    const said =
      `${counted(text.length)} characters are too many here; at most ${counted(MOST_TYPED)} ` +
      "are read.";
    return this.refuse(
      text,
      new ExpressionError(said, MOST_TYPED, "Make it shorter, from the marked place on."),
    );
  }

  /** Source and numbers as the state has them. @private */
  get asked() {
    const { shape, text, x } = this.values;
    const { source, numbers } = SHAPES[shape];
    return { source: shape === "own" ? text : source, numbers: { ...numbers, ...readNumbers(x) } };
  }

  show() {
    const { stages, field, own } = this;
    const { shape, at, text } = this.values;
    if (own.hidden !== (shape !== "own")) own.hidden = shape !== "own";
    if (field.value !== text) field.value = text;
    const { source, numbers } = this.asked;
    const made = JSON.stringify([source, numbers]);
    if (made !== this.made) {
      try {
        this.plan = this.ahead?.made === made ? this.ahead.plan : planOf(source, numbers);
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        return this.refuse(source, error);
      }
      this.made = made;
      stages.steps = this.plan.stages.map(({ text }) => text);
    }
    const { plan } = this;
    if (!plan) return;
    this.accept();
    this.showNumbers(plan, numbers);
    const last = plan.stages.length - 1;
    const where = { start: 0, end: last }[this.getAttribute("at") ?? ""] ?? plan.forward;
    stages.at = at < 0 ? where : at;
    this.graph.data = frame(plan, stages.at);
    this.showNudge(plan, source, numbers);
    this.summary(() => this.told(plan, stages.at));
  }

  /**
   * Says what is wrong, and where: the graph before stays.
   * @private
   * @param {string} source
   * @param {ExpressionError} error
   */
  refuse(source, { message, at, length }) {
    this.made = "";
    const from = Math.max(0, at - 30);
    const end = Math.max(at + 1, at + length);
    this.place.replaceChildren(
      from ? "…" : "",
      source.slice(from, at),
      html("mark", {}, source.slice(at, end) || "⎵"),
      source.slice(end, end + 30),
      source.length > end + 30 ? "…" : "",
    );
    this.said.textContent = message;
    this.field.setAttribute("aria-invalid", "true");
    this.toggleAttribute("data-stale", true);
  }

  /** @private */
  accept() {
    this.place.replaceChildren();
    this.said.textContent = "";
    this.field.removeAttribute("aria-invalid");
    this.toggleAttribute("data-stale", false);
  }

  /**
   * One field for each name, kept while the names stay.
   * @private
   * @param {Plan} plan
   * @param {Record<string, number>} numbers
   */
  showNumbers({ names, graph }, numbers) {
    const value = (/** @type {string} */ name) =>
      Number(graph.nodes.find(({ label, op }) => op === "leaf" && label === name)?.data);
    const fields = names.join(" ");
    if (fields !== this.named) {
      this.named = fields;
      this.leaves = names.map((name) => {
        const leaf = { label: name, value: value(name), "data-leaf": name, ...LIMITS };
        const one = make("mg-number", leaf);
        one.addEventListener("mg-input", (/** @type {any} */ { detail }) =>
          this.guard(() => this.take(name, detail.value)),
        );
        return one;
      });
      this.numbers.replaceChildren(...this.leaves);
      this.who.replaceChildren(...names.map((name) => html("option", { value: name }, name)));
    }
    names.forEach((name, i) => {
      const now = Object.hasOwn(numbers, name) ? numbers[name] : value(name);
      if (this.leaves[i].value !== now) this.leaves[i].value = now;
    });
  }

  /** @private @param {string} name @param {number} x */
  take(name, x) {
    const { source, numbers } = this.asked;
    const next = { ...numbers, [name]: x };
    try {
      this.ahead = { made: JSON.stringify([source, next]), plan: planOf(source, next) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.said.textContent = `${name} = ${shortly(x)}: ${error.message}`;
      if (this.own.hidden) this.summary(`${name} = ${shortly(x)}: ${error.message}`);
      return;
    }
    this.set({ x: writeNumbers({ ...readNumbers(this.values.x), [name]: x }) });
  }

  /** @private @param {Plan} plan @param {string} source @param {Record<string, number>} numbers */
  showNudge({ names, called }, source, numbers) {
    const { nudging, bars, outcome, who, values } = this;
    const isOff = !names.length || isHidden("nudge");
    if (nudging.hidden !== isOff) nudging.hidden = isOff;
    if (!names.length) return;
    const name = names.includes(values.who) ? values.who : names[0];
    if (who.value !== name) who.value = name;
    const root = called[called.length - 1];
    const nudged = JSON.stringify([source, numbers, name, values.by]);
    if (nudged === this.nudged) return; // another step of the same computation
    this.nudged = nudged;
    let told;
    try {
      told = nudge(source, numbers, name, values.by);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      bars.replaceChildren();
      outcome.textContent = `With ${name} nudged by ${signed(values.by, 3)}: ${error.message}`;
      return;
    }
    const { change, predicted, grad } = told;
    const size = Math.max(Math.abs(change), Math.abs(predicted)) || 1;
    renew(
      bars,
      svg("line", { class: "mg-axis", x1: 150, x2: 150, y1: 0, y2: 40 }),
      ...[change, predicted].map((x, i) =>
        svg("rect", {
          class: i ? "backprop-predicted" : "backprop-change",
          x: 150 + Math.min(0, (x / size) * 145),
          y: 4 + 18 * i,
          width: Math.max(1, (Math.abs(x) / size) * 145),
          height: 14,
        }),
      ),
    );
    const off = change - predicted;
    const fits =
      Math.abs(off) <= 1e-9 * Math.max(1, Math.abs(change))
        ? "The same."
        : `The gradient is off by ${signed(off, 6)}: it holds for small nudges.`;
    const said =
      `${root} moves by ${signed(change, 6)} (upper bar). Gradient × nudge: ${shortly(grad)} × ` +
      `${written(values.by, 3)} = ${signed(predicted, 6)} (lower bar). ${fits}`;
    if (outcome.textContent !== said) outcome.textContent = said;
  }

  /** @private @param {Plan} plan @param {number} at */
  told({ stages, graph, called, names, grads }, at) {
    const last = graph.nodes.length - 1;
    const isDone = at === stages.length - 1;
    const slopes = names.map(
      (name) =>
        `${name} ` +
        shortly(grads[graph.nodes.findIndex(({ label, op }) => op === "leaf" && label === name)]),
    );
    const result =
      stages[at].known > last || !graph.edges.length
        ? `${called[last]} = ${shortly(graph.nodes[last].data)}. `
        : "";
    return (
      `${result}` +
      (isDone ? `Gradients: ${slopes.join(", ")}.` : `Stage ${at + 1} of ${stages.length}.`)
    );
  }
}

define("mg-backprop", MgBackprop);
