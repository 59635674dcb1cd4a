// <mg-count-loss>: a name, token by token, under counts of the first names of the run: what
// probability each token had, and what loss that is.

import { allCalled, called, countedAfter, STEPS } from "../js/figures/dataset.js";
import { MicrogptError } from "../js/errors.js";
import "../js/kit/bars.js";
import { freshId, html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/number.js";
import { textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { NamesElement } from "../js/figures/names-element.js";

/** @typedef {import("../js/kit/bars.js").MgBars} MgBars */
/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */

class MgCountLoss extends NamesElement {
  /** @param {import("../js/figures/dataset.js").Names} names */
  start(names) {
    this.names = names;
    const state = this.stateOf("count-loss", {
      name: textField("ava", 15),
      n: wholeField(100, 0, STEPS),
      step: wholeField(0, 0, 16),
    });
    const id = freshId("name");
    this.field = html("input", {
      id,
      class: "mg-field",
      type: "text",
      maxlength: 15,
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-describedby": `${id}-refused`,
    });
    this.listen(this.field, "input", () => state.set({ name: this.field?.value ?? "", step: 0 }));
    this.refused = html("p", { id: `${id}-refused`, class: "mg-refused", role: "alert" });
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Token by token", pace: 1500 })
    );
    this.listen(this.stepper, "mg-step", ({ detail }) => state.set({ step: detail.at }));
    this.table = html("div", { class: "mg-scroll" });
    this.bars = /** @type {MgBars} */ (
      html(/** @type {any} */ ("mg-bars"), { label: "Probability of the next token", digits: 3 })
    );
    this.replaceChildren(
      html(
        "div",
        { class: "mg-knobs" },
        html("div", { class: "mg-row" }, html("label", { for: id }, "Name"), this.field),
        this.knob(state, "n", { label: "Names counted", digits: 0, slider: true, whole: true }),
      ),
      this.refused,
      this.stepper,
      this.table,
      this.bars,
      this.tools(state),
    );
  }

  /**
   * The document of the name, or null with a line that says why not.
   * @private
   * @param {string} name
   */
  read(name) {
    if (!this.names || !this.refused) return null;
    try {
      const tokens = this.names.tokenizer.encodeDocument(name);
      this.refused.textContent = "";
      return tokens;
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      this.refused.textContent = "Only the letters a to z have counts.";
      return null;
    }
  }

  show() {
    const { state, names, stepper, table, bars, field } = this;
    if (!state || !names || !stepper || !table || !bars || !field) return;
    const { name, n, step } = state.values;
    if (field.value !== name) field.value = name;
    const tokens = this.read(name);
    if (!tokens) return this.summary("There is nothing to show for this text.");
    const counted = countedAfter(names, n);
    const walk = counted.walk(tokens);
    const words = walk.map(
      ({ token, next }) => `${called(names.tokenizer, token)} → ${called(names.tokenizer, next)}`,
    );
    if (words.join() !== stepper.steps.slice(0, -1).join())
      stepper.steps = [...words, "The mean of all"];
    const at = Math.min(step, walk.length);
    stepper.at = at;
    const done = at === walk.length;
    const mean = counted.loss(tokens);
    const rows = walk.map(({ p, loss }, i) => {
      const shown = i <= at;
      return html(
        "tr",
        { class: i === at ? "row-now" : null },
        html("th", { scope: "row" }, words[i]),
        html("td", {}, shown ? written(p, 3) : "…"),
        html("td", {}, shown ? written(loss) : "…"),
      );
    });
    rows.push(
      html(
        "tr",
        { class: done ? "row-now" : null },
        html("th", { scope: "row" }, "mean"),
        html("td", {}, ""),
        html("td", {}, done ? written(mean) : "…"),
      ),
    );
    renew(
      table,
      html(
        "table",
        { class: "loss-table" },
        html("caption", {}, `“${name}” after ${n.toLocaleString("en")} counted names`),
        html(
          "thead",
          {},
          html(
            "tr",
            {},
            ...["pair", "p", "−ln p"].map((head) => html("th", { scope: "col" }, head)),
          ),
        ),
        html("tbody", {}, ...rows),
      ),
    );
    const now = walk[Math.min(at, walk.length - 1)];
    const labels = allCalled(names.tokenizer);
    bars.data = {
      names: labels,
      values: counted.probs(now.token),
      marked: now.next,
      say: (i) =>
        `after ${labels[now.token]}: ${labels[i]} ${written(counted.probs(now.token)[i], 3)}`,
    };
    this.summary(
      done
        ? `“${name}” has a loss of ${written(mean)} nats per token, the mean of ` +
            `${walk.map(({ loss }) => written(loss)).join(", ")}.`
        : `${words[at]}: probability ${written(now.p, 3)}, loss −ln ${written(now.p, 3)} = ` +
            `${written(now.loss)} nats.`,
    );
  }
}

define("mg-count-loss", MgCountLoss);
