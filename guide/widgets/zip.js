// <mg-zip>: two lists walked together, pair by pair, and what the pairs add up to.

import { freshId, html, renew } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { textField, urlState } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { readNumbers, written } from "../js/kit/text.js";
import { tools } from "../js/figures/parts.js";

const FIRST = { x: "0.5 −0.3 1.2", w: "0.4 0.7 −0.1" };
const MOST = 8;

class MgZip extends KitElement {
  build() {
    const state = urlState("zip", { x: textField(FIRST.x, 80), w: textField(FIRST.w, 80) });
    this.state = state;
    this.whenLeaving(() => state.close());
    this.inputs = /** @type {const} */ (["x", "w"]).map((key) => {
      const id = freshId("zip");
      const field = html("input", {
        id,
        class: "mg-field",
        type: "text",
        autocomplete: "off",
        spellcheck: "false",
        value: state.values[key],
      });
      this.listen(field, "change", (event) => {
        event.stopPropagation();
        state.set({ [key]: field.value.slice(0, 80) });
      });
      return {
        key,
        field,
        whole: html("div", { class: "mg-row" }, html("label", { for: id }, `list ${key}`), field),
      };
    });
    this.wrong = html("p", { class: "mg-note", role: "alert" });
    this.body = html("tbody");
    this.stepper = /** @type {import("../js/kit/stepper.js").MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Pairs" })
    );
    this.listen(this.stepper, "mg-step", () => this.walk());
    const head = ["pair", "xi", "wi", "xi·wi", "sum so far"];
    this.replaceChildren(
      ...this.inputs.map(({ whole }) => whole),
      this.wrong,
      this.stepper,
      html(
        "div",
        { class: "mg-scroll", tabindex: 0, role: "region", "aria-label": "Pairs of the two lists" },
        html(
          "table",
          { class: "net-table" },
          html(
            "thead",
            {},
            html("tr", {}, ...head.map((text) => html("th", { scope: "col" }, text))),
          ),
          this.body,
        ),
      ),
      tools(this, state),
    );
    state.onChange(() => this.show());
    this.show();
  }

  /** @private */
  show() {
    const { values } = /** @type {any} */ (this.state);
    this.inputs?.forEach(({ key, field }) => {
      if (field.value !== values[key] && document.activeElement !== field)
        field.value = values[key];
    });
    const [x, w] = [readNumbers(values.x)?.slice(0, MOST), readNumbers(values.w)?.slice(0, MOST)];
    if (!x || !w) {
      if (this.wrong)
        this.wrong.textContent =
          `List ${x ? "w" : "x"} has to be numbers with spaces between; the pairs below are ` +
          "those from before.";
      return;
    }
    const left = Math.abs(x.length - w.length);
    if (this.wrong)
      this.wrong.textContent = left
        ? `zip stops at the end of the shorter list: ${left} of the other ` +
          `${left === 1 ? "is" : "are"} left out, without a word.`
        : "";
    let sum = 0;
    this.pairs = Array.from({ length: Math.min(x.length, w.length) }, (_, i) => ({
      x: x[i],
      w: w[i],
      product: x[i] * w[i],
      sum: (sum += x[i] * w[i]),
    }));
    if (this.stepper) {
      this.stepper.steps = this.pairs.map(
        (pair, i) => `Pair ${i + 1}: (${written(pair.x)}, ${written(pair.w)})`,
      );
      this.stepper.at = this.pairs.length - 1;
    }
    this.walk();
  }

  /** @private */
  walk() {
    const at = this.stepper?.at ?? 0;
    const pairs = this.pairs ?? [];
    renew(
      this.body,
      ...pairs.map((pair, i) =>
        html(
          "tr",
          { "data-now": i === at },
          html("td", {}, i + 1),
          ...[pair.x, pair.w].map((v) => html("td", {}, written(v))),
          ...[pair.product, pair.sum].map((v) => html("td", {}, i <= at ? written(v, 3) : "")),
        ),
      ),
    );
    const now = pairs[at];
    if (now)
      this.summary(
        `${at + 1} of ${pairs.length} pairs: ${written(now.x)} · ${written(now.w)} = ` +
          `${written(now.product, 3)}; the sum so far is ${written(now.sum, 3)}.`,
      );
  }
}

define("mg-zip", MgZip);
