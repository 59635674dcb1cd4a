// <mg-zip>: two lists walked together, pair by pair, and what the pairs add up to.

import { freshId, html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { line, make, table } from "../js/kit/make.js";
import { textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { readNumbers, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";

const MOST = 8;

/** Numbers of a list; a minus at the end still waits for its number. @param {string} text */
const numbersOf = (text) => readNumbers(text.replace(/(^|\s)[-−]$/, ""))?.slice(0, MOST);

class MgZip extends Widget {
  // `at` past the last pair: all of them
  fields = {
    x: textField("0.5 −0.3 1.2", 80),
    w: textField("0.4 0.7 −0.1", 80),
    at: wholeField(MOST - 1, 0, MOST - 1),
  };
  wrong = html("p", { id: freshId("wrong"), class: "mg-note", role: "alert" });
  steps = make("mg-stepper", { label: "Pairs" });
  body = html("tbody");
  pairs = /** @type {{x: number, w: number, product: number, sum: number}[]} */ ([]);

  build() {
    this.listen(this.steps, "mg-step", ({ detail }) => this.set({ at: detail.at }));
    const head = ["pair", "xi", "wi", "xi·wi", "sum so far"];
    return [
      this.list("x"),
      this.list("w"),
      this.wrong,
      this.steps,
      table("Pairs of the two lists", head, this.body),
    ];
  }

  /** @private @param {"x" | "w"} key */
  list(key) {
    const read = (/** @type {string} */ typed) => typed; // what isn't numbers is said below
    const looks = { maxlength: 80, "aria-describedby": this.wrong.id };
    return this.text(key, { label: `list ${key}`, read }, looks)[0];
  }

  show() {
    const { values, wrong, steps } = this;
    const [x, w] = [numbersOf(values.x), numbersOf(values.w)];
    if (!x || !w) {
      wrong.textContent =
        `List ${x ? "w" : "x"} has to be numbers separated by spaces; the pairs below are the ` +
        "previous ones.";
      return;
    }
    const left = Math.abs(x.length - w.length);
    wrong.textContent = left
      ? `zip stops at the end of the shorter list: ${left} of the other ` +
        `${left === 1 ? "is" : "are"} silently left out.`
      : "";
    let sum = 0;
    this.pairs = Array.from({ length: Math.min(x.length, w.length) }, (_, i) => ({
      x: x[i],
      w: w[i],
      product: x[i] * w[i],
      sum: (sum += x[i] * w[i]),
    }));
    steps.steps = this.pairs.map(
      (pair, i) => `Pair ${i + 1}: (${written(pair.x)}, ${written(pair.w)})`,
    );
    steps.at = values.at;
    this.walk();
  }

  /** @private */
  walk() {
    const { pairs } = this;
    const { at } = this.steps;
    renew(
      this.body,
      ...pairs.map((pair, i) => {
        const made = [pair.product, pair.sum].map((v) => (i <= at ? written(v, 3) : ""));
        const shown = line(i + 1, written(pair.x), written(pair.w), ...made);
        shown.toggleAttribute("data-now", i === at);
        return shown;
      }),
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
