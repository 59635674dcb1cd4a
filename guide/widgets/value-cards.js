// <mg-value-cards>: every Value of L = a·b + a as a card, and the way back over them.

import { planOf, shortly } from "../js/figures/gradients/backprop.js";
import { button, html, setAll } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { wholeField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { TWO, twoKnobs, valueCard } from "../js/figures/gradients/value-card.js";
import { Wires } from "../js/figures/gradients/wires.js";

const SOURCE = "a*b + a";
const STEPS = 5;

class MgValueCards extends Widget {
  fields = { ...TWO, at: wholeField(0, 0, STEPS), card: wholeField(3, 0, 3) };
  cards = new Wires("value-four");
  said = html("p", { class: "mg-readout", role: "status" });

  build() {
    this.listen(this.cards.grid, "click", ({ target }) => {
      const pick = target.closest("button");
      if (pick) this.set({ card: Number(pick.dataset.card) });
    });
    const next = this.button("One step back through the cards", () =>
      this.set({ at: Math.min(STEPS, this.values.at + 1) }),
    );
    this.follow(({ at }) => setAll(next, { "aria-disabled": String(at === STEPS) }));
    this.cards.follow(this);
    return [this.figure([this.cards.box], { controls: [next, ...twoKnobs(this), this.said] })];
  }

  show() {
    const { a, b, at, card } = this.values;
    const { graph, called, made, steps } = planOf(SOURCE, { a, b });
    /** @type {(number | null)[]} */
    const grads = called.map(() => null);
    for (const { child, after } of steps.slice(0, at)) grads[child] = after;
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
        "data-card": id,
      });
      made1.append(pick);
      made1.toggleAttribute("data-picked", id === card);
      made1.toggleAttribute("data-child", parts.includes(id));
      return made1;
    });
    const step = at ? steps[at - 1] : null;
    const wires = graph.edges.map(({ from, to, local }) => ({
      from: called[from],
      to: called[to],
      text: `× ${shortly(local)}`,
      state: /** @type {"" | "lit" | "back"} */ (
        step && step.parent === to && step.child === from ? "back" : to === card ? "lit" : ""
      ),
    }));
    this.cards.set(Object.fromEntries(all.map((one, id) => [called[id], one])), wires);
    const happened = !step
      ? "No gradient is computed yet."
      : step.parent === null
        ? "L changes as itself: its gradient is 1."
        : `From ${called[step.parent]} to ${called[step.child]}: ${shortly(step.local)} × ` +
          `${shortly(step.upstream)}` +
          (step.before ? `, added to ${shortly(step.before)}` : "") +
          `, makes ${shortly(step.after)}.`;
    this.said.textContent = happened;
    const family = parts.length
      ? `made from ${parts.map((id) => called[id]).join(" and ")}`
      : "a leaf: it has no children";
    this.summary(`L = ${shortly(graph.nodes[3].data)}. The card ${called[card]} is ${family}.`);
  }
}

define("mg-value-cards", MgValueCards);
