// <mg-value-cards>: every Value of L = a·b + a as a card, and the way back over them.

import { planOf, shortly } from "../js/figures/gradients/backprop.js";
import { button, html } from "../js/kit/dom.js";
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
import { valueCard } from "../js/figures/gradients/value-card.js";

/** @typedef {import("../js/kit/number.js").MgNumber} MgNumber */

const SOURCE = "a*b + a";

class MgValueCards extends KitElement {
  build() {
    this.state = urlState("value-cards", {
      a: numberField(2, -10, 10),
      b: numberField(3, -10, 10),
      at: wholeField(0, 0, 5),
      card: wholeField(3, 0, 3),
    });
    this.whenLeaving(() => this.state?.close());
    const state = this.state;
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
    const next = button("One step back through the cards");
    const reset = button("Reset");
    this.listen(next, "click", () => state.set({ at: Math.min(5, state.values.at + 1) }));
    this.listen(reset, "click", () => state.reset());
    this.next = next;
    this.cards = html("div", { class: "value-cards" });
    const tools = html("div", { class: "mg-row" }, next, reset);
    if (!isHidden("link")) tools.append(copyLink(state), problemLine(state));
    this.said = html("p", { class: "mg-readout", role: "status" });
    this.replaceChildren(
      html("div", { class: "mg-row" }, ...this.inputs),
      this.cards,
      this.said,
      tools,
    );
    this.whenLeaving(state.onChange(() => this.guard(() => this.show())));
    this.show();
  }

  /** @private */
  show() {
    const state = /** @type {import("../js/kit/state.js").UrlState} */ (this.state);
    const { a, b, at, card } = state.values;
    const { graph, called, made, steps } = planOf(SOURCE, { a, b });
    /** @type {(number | null)[]} */
    const grads = called.map(() => null);
    for (const { child, after } of steps.slice(0, at)) grads[child] = after;
    this.inputs?.forEach((one, i) => {
      const now = [a, b][i];
      if (one.value !== now) one.value = now;
    });
    this.next?.setAttribute("aria-disabled", String(at === steps.length));
    const focused = this.cards?.contains(document.activeElement);
    const parts = graph.edges.filter(({ to }) => to === card).map(({ from }) => from);
    const all = graph.nodes.map(({ data }, id) => {
      const into = graph.edges.filter(({ to }) => to === id);
      const made1 = valueCard({
        name: called[id],
        how: made[id],
        data,
        children: into.map(({ from }) => called[from]),
        local: into.map(({ local }) => local),
        grad: grads[id],
      });
      const pick = button("show children", {
        "aria-label": `${called[id]}: show children`,
        class: "mg-button mg-quiet",
        "aria-pressed": String(id === card),
      });
      pick.addEventListener("click", () => state.set({ card: id }));
      made1.append(pick);
      made1.toggleAttribute("data-picked", id === card);
      made1.toggleAttribute("data-child", parts.includes(id));
      return made1;
    });
    this.cards?.replaceChildren(...all);
    if (focused) all[card].querySelector("button")?.focus();
    const step = at ? steps[at - 1] : null;
    const happened = !step
      ? "No gradient is computed yet."
      : step.parent === null
        ? "L changes as itself: its gradient is 1."
        : `From ${called[step.parent]} to ${called[step.child]}: ${shortly(step.local)} × ` +
          `${shortly(step.upstream)}` +
          (step.before ? `, added to ${shortly(step.before)}` : "") +
          `, makes ${shortly(step.after)}.`;
    if (this.said) this.said.textContent = happened;
    const family = parts.length
      ? `made of ${parts.map((id) => called[id]).join(" and ")}`
      : "a leaf: it has no children";
    this.summary(`L = ${shortly(graph.nodes[3].data)}. The card ${called[card]} is ${family}.`);
  }
}

define("mg-value-cards", MgValueCards);
