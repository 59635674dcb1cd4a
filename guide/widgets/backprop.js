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
import { button, freshId, html, renew, svg } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import "../js/kit/graph.js";
import "../js/kit/number.js";
import {
  choiceField,
  copyLink,
  isHidden,
  numberField,
  problemLine,
  textField,
  urlState,
  wholeField,
} from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { counted, written } from "../js/kit/text.js";
import { ExpressionError } from "../js/numbers/expression.js";

/** @typedef {import("../js/figures/gradients/backprop.js").Plan} Plan */
/** @typedef {import("../js/kit/number.js").MgNumber} MgNumber */
/** @typedef {import("../js/kit/graph.js").MgGraph} MgGraph */
/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */

const MOST_TYPED = 2000;
const EXAMPLES = ["a*b + a", "relu(x*w + b)", "log(1 + exp(-a))", "(a + b)/(a - b)", "a*a*a"];

class MgBackprop extends KitElement {
  constructor() {
    super();
    /** @private @type {Plan | null} */ this.plan = null;
    /** @private what the plan was made of */ this.made = "";
    /**
     * @private of a number that is being moved
     * @type {{made: string, plan: Plan} | null}
     */
    this.ahead = null;
    /** @private */ this.fields = "";
    /** @private the shape whose tab is pressed */ this.shaped = "";
    /** @private what was nudged last */ this.nudged = "";
  }

  build() {
    const shape = this.getAttribute("shape") ?? "reuse";
    this.state = urlState(this.getAttribute("name") ?? "backprop", {
      shape: choiceField(shape, Object.keys(SHAPES)),
      text: textField(this.getAttribute("expression") ?? SHAPES.own.source, MOST_TYPED),
      x: textField("", 400),
      at: wholeField(-1, -1, 20_000),
      who: textField("", 40),
      by: numberField(0.1, -1, 1),
    });
    this.whenLeaving(() => this.state?.close());
    this.made = this.fields = this.shaped = this.nudged = "";
    const id = freshId("backprop");
    this.tabs = html("div", { class: "mg-row", role: "group", "aria-label": "Shape" });
    for (const [key, { title }] of Object.entries(SHAPES)) {
      const tab = button(title, { "data-shape": key });
      this.listen(tab, "click", () => this.state?.set({ shape: key, x: "", at: -1, who: "" }));
      this.tabs.append(tab);
    }
    this.tabs.hidden = this.hasAttribute("single") || isHidden("shape");
    this.field = html("input", {
      id,
      class: "mg-field backprop-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-describedby": `${id}-said ${id}-help`,
    });
    this.listen(this.field, "input", () => this.type(this.field?.value ?? ""));
    this.place = html("p", { class: "backprop-place", "aria-hidden": "true" });
    this.said = html("p", { id: `${id}-said`, class: "backprop-said", role: "alert" });
    const examples = html(
      "div",
      { class: "mg-row", role: "group", "aria-label": "Examples" },
      html("span", { class: "mg-soft" }, "Try:"),
    );
    for (const text of EXAMPLES) {
      const example = button(text, { class: "mg-button mg-quiet" });
      this.listen(example, "click", () => this.state?.set({ text, at: -1, x: "" }));
      examples.append(example);
    }
    this.own = html(
      "div",
      { class: "backprop-own", role: "group", "aria-label": "Your expression" },
      html("label", { for: id }, "L ="),
      this.field,
      this.place,
      this.said,
      html(
        "p",
        { id: `${id}-help`, class: "mg-note" },
        "Letters or names, numbers, + - * / **, exp, log, relu and brackets. It is read, " +
          "never run as a program.",
      ),
      examples,
    );
    this.numbers = html("div", {
      class: "mg-row backprop-numbers",
      role: "group",
      "aria-label": "Numbers of the leaves",
    });
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Forward, order, backward", pace: 1100 })
    );
    this.listen(this.stepper, "mg-step", ({ detail }) => this.state?.set({ at: detail.at }));
    this.graph = /** @type {MgGraph} */ (
      html(/** @type {any} */ ("mg-graph"), { label: "Graph of the computation", most: MOST_DRAWN })
    );
    const tools = html("div", { class: "mg-row" });
    const reset = button("Reset");
    this.listen(reset, "click", () => this.state?.reset());
    if (!isHidden("reset")) tools.append(reset);
    if (!isHidden("link")) tools.append(copyLink(this.state), problemLine(this.state));
    this.nudging = this.nudgeBox();
    this.replaceChildren(
      this.tabs,
      this.own,
      this.numbers,
      this.stepper,
      this.graph,
      this.nudging,
      tools,
    );
    this.whenLeaving(this.state.onChange(() => this.guard(() => this.show())));
    this.show();
  }

  /**
   * What was typed or pasted; too much of it is refused before anything is read.
   * @private
   * @param {string} text
   */
  type(text) {
    if (text.length <= MOST_TYPED) return this.state?.set({ text, at: -1 });
    const said =
      `${counted(text.length)} characters are too many here; at most ${counted(MOST_TYPED)} ` +
      "are read.";
    return this.refuse(
      text,
      new ExpressionError(said, MOST_TYPED, "Make it shorter, from the marked place on."),
    );
  }

  /** @private */
  nudgeBox() {
    const id = freshId("nudge");
    this.who = html("select", { id, class: "mg-select" });
    this.listen(this.who, "change", (event) => {
      event.stopPropagation();
      this.state?.set({ who: this.who?.value });
    });
    this.by = /** @type {MgNumber} */ (
      html(/** @type {any} */ ("mg-number"), {
        label: "by",
        value: 0.1,
        min: -1,
        max: 1,
        step: 0.001,
        digits: 3,
        slider: true,
      })
    );
    this.listen(this.by, "mg-input mg-change", ({ detail }) =>
      this.state?.set({ by: detail.value }),
    );
    this.bars = svg("svg", {
      class: "backprop-bars",
      viewBox: "0 0 300 40",
      "aria-hidden": "true",
    });
    this.outcome = html("p", { class: "mg-readout", role: "status" });
    return html(
      "div",
      { class: "backprop-nudge", role: "group", "aria-label": "Nudge a leaf" },
      html("div", { class: "mg-row" }, html("label", { for: id }, "Nudge"), this.who),
      this.by,
      this.bars,
      this.outcome,
    );
  }

  /** Source and numbers as the state has them. @private */
  get asked() {
    const { shape, text, x } = this.state?.values ?? {};
    const { source, numbers } = SHAPES[shape];
    return { source: shape === "own" ? text : source, numbers: { ...numbers, ...readNumbers(x) } };
  }

  /** @private */
  show() {
    const { state, stepper, graph, field, own } = this;
    if (!state || !stepper || !graph || !field || !own) return;
    const { shape, at } = state.values;
    if (this.shaped !== shape) {
      this.shaped = shape;
      for (const tab of this.tabs?.querySelectorAll("button") ?? [])
        tab.setAttribute("aria-pressed", String(tab.dataset.shape === shape));
      own.hidden = shape !== "own";
    }
    if (field.value !== state.values.text) field.value = state.values.text;
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
      stepper.steps = this.plan.stages.map(({ text }) => text);
    }
    const { plan } = this;
    if (!plan) return;
    this.accept();
    this.showNumbers(plan, numbers);
    const where =
      { start: 0, end: plan.stages.length - 1 }[this.getAttribute("at") ?? ""] ?? plan.forward;
    stepper.at = at < 0 ? where : at;
    graph.data = frame(plan, stepper.at);
    this.showNudge(plan, source, numbers);
    this.summary(this.told(plan, stepper.at));
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
    this.place?.replaceChildren(
      from ? "…" : "",
      source.slice(from, at),
      html("mark", {}, source.slice(at, end) || "⎵"),
      source.slice(end, end + 30),
      source.length > end + 30 ? "…" : "",
    );
    if (this.said) this.said.textContent = message;
    this.field?.setAttribute("aria-invalid", "true");
    this.toggleAttribute("data-stale", true);
  }

  /** @private */
  accept() {
    this.place?.replaceChildren();
    if (this.said) this.said.textContent = "";
    this.field?.removeAttribute("aria-invalid");
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
    if (fields !== this.fields) {
      this.fields = fields;
      this.numbers?.replaceChildren(
        ...names.map((name) => {
          const one = html(/** @type {any} */ ("mg-number"), {
            label: name,
            value: value(name),
            min: -100,
            max: 100,
            step: 0.1,
            digits: 1,
            "data-leaf": name,
          });
          one.addEventListener("mg-input", (/** @type {any} */ { detail }) =>
            this.guard(() => this.take(name, detail.value)),
          );
          return one;
        }),
      );
      this.who?.replaceChildren(...names.map((name) => html("option", { value: name }, name)));
    }
    for (const one of this.numbers?.querySelectorAll("mg-number") ?? []) {
      const name = String(one.getAttribute("data-leaf"));
      const now = Object.hasOwn(numbers, name) ? numbers[name] : value(name);
      if (/** @type {MgNumber} */ (one).value !== now) /** @type {MgNumber} */ (one).value = now;
    }
  }

  /** @private @param {string} name @param {number} x */
  take(name, x) {
    const { source, numbers } = this.asked;
    const next = { ...numbers, [name]: x };
    try {
      this.ahead = { made: JSON.stringify([source, next]), plan: planOf(source, next) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      if (this.said) this.said.textContent = `${name} = ${shortly(x)}: ${error.message}`;
      if (this.own?.hidden) this.summary(`${name} = ${shortly(x)}: ${error.message}`);
      return;
    }
    this.state?.set({ x: writeNumbers({ ...readNumbers(this.state.values.x), [name]: x }) });
  }

  /** @private @param {Plan} plan @param {string} source @param {Record<string, number>} numbers */
  showNudge({ names, called }, source, numbers) {
    const { nudging, bars, outcome, by, who } = this;
    if (!this.state || !nudging || !bars || !outcome || !by || !who) return;
    const { values } = this.state;
    const isOff = !names.length || isHidden("nudge");
    if (nudging.hidden !== isOff) nudging.hidden = isOff;
    if (!names.length) return;
    const name = names.includes(values.who) ? values.who : names[0];
    if (who.value !== name) who.value = name;
    if (by.value !== values.by) by.value = values.by;
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
