// <mg-zip>: two lists walked together, pair by pair, and what the pairs add up to.

import { freshId, html, renew, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, make } from "../js/kit/make.js";
import { textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { readNumbers, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { onWidth } from "../js/figures/networks/number-line.js";
import { pairsOf, zipper } from "../js/figures/networks/zipper.js";

const MOST = 8;

/** Numbers of a list; a minus at the end still waits for its number. @param {string} text */
const numbersOf = (text) => readNumbers(text.replace(/(^|\s)[-−]$/, ""))?.slice(0, MOST);

class MgZip extends Widget {
  // `at` counts the pairs that are zipped: one at first, all of them in lists that are typed.
  fields = {
    x: textField("0.5 −0.3 1.2", 80),
    w: textField("0.4 0.7 −0.1", 80),
    at: wholeField(1, 1, MOST),
  };
  wrong = html("p", { id: freshId("wrong"), class: "mg-note", role: "alert" });
  steps = make("mg-stepper", { label: "Pairs" });
  room = html("div");
  /** @private */ width = 800;
  /** @private the lists that were numbers last */ lists = {
    x: [0.5, -0.3, 1.2],
    w: [0.4, 0.7, -0.1],
  };

  build() {
    this.listen(this.steps, "mg-step", ({ detail }) =>
      this.set({ at: detail.at + 1 < this.pairs.length ? detail.at + 1 : MOST }),
    );
    onWidth(this, this.room, (width) => {
      this.width = width;
      this.show();
    });
    const lists = group("The two lists", {}, this.list("x"), this.list("w"));
    return [
      this.figure(this.room, { controls: [lists, this.wrong, this.steps] }),
      tableOf("Pairs of the two lists", () => ({
        head: ["pair", "x", "w", "x·w", "sum so far"],
        rows: this.pairs.map(({ x, w, product, sum }, i) => [
          String(i + 1),
          written(x),
          written(w),
          written(product, 3),
          written(sum, 3),
        ]),
      })),
    ];
  }

  /** @private */
  get pairs() {
    return pairsOf(this.lists.x, this.lists.w);
  }

  /** @private @param {"x" | "w"} key */
  list(key) {
    const read = (/** @type {string} */ typed) => typed; // what isn't numbers is said below
    const looks = { maxlength: 80, "aria-describedby": this.wrong.id };
    return this.text(key, { label: `list ${key}`, read, also: () => ({ at: MOST }) }, looks)[0];
  }

  show() {
    const { values, wrong, steps } = this;
    const [x, w] = [numbersOf(values.x), numbersOf(values.w)];
    if (x && w) {
      this.lists = { x, w };
      const left = Math.abs(x.length - w.length);
      wrong.textContent = left
        ? `zip stops at the end of the shorter list: ${left} of the other ` +
          `${left === 1 ? "is" : "are"} silently left out.`
        : "";
    } else
      wrong.textContent =
        `List ${x ? "w" : "x"} has to be numbers separated by spaces; the pairs shown are the ` +
        "previous ones.";
    const { pairs } = this;
    const at = Math.min(values.at, pairs.length) - 1;
    const names = pairs.map((pair, i) => `Pair ${i + 1}: (${written(pair.x)}, ${written(pair.w)})`);
    if (names.join() !== steps.steps.join()) steps.steps = names;
    if (steps.at !== at) steps.at = at;
    renew(this.room, zipper({ ...this.lists, at }, this.width));
    const now = pairs[at];
    if (now)
      this.summary(
        `${at + 1} of ${pairs.length} pairs: ${written(now.x)} · ${written(now.w)} = ` +
          `${written(now.product, 3)}; the sum so far is ${written(now.sum, 3)}.`,
      );
  }
}

define("mg-zip", MgZip);
