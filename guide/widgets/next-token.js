// <mg-next-token>: pick a token, see what the counts say of the token after it, with or without the
// one that is added to every count.

import { allCalled, countedAfter, STEPS } from "../js/figures/dataset.js";
import "../js/kit/bars.js";
import { button, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/number.js";
import { wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { NamesElement } from "../js/figures/names-element.js";

/** @typedef {import("../js/kit/bars.js").MgBars} MgBars */

class MgNextToken extends NamesElement {
  /** @param {import("../js/figures/dataset.js").Names} names */
  start(names) {
    this.names = names;
    const state = this.stateOf("next-token", {
      token: wholeField(0, 0, names.tokenizer.bos),
      n: wholeField(STEPS, 0, STEPS),
      added: wholeField(1, 0, 100),
    });
    this.keys = allCalled(names.tokenizer).map((name, token) => {
      const key = button(name, { class: "mg-button tok-key", "aria-pressed": "false" });
      this.listen(key, "click", () => state.set({ token }));
      return key;
    });
    const label = "Probability of the next token";
    this.bars = /** @type {MgBars} */ (html(/** @type {any} */ ("mg-bars"), { label, digits: 4 }));
    this.replaceChildren(
      html(
        "div",
        { class: "tok-keys", role: "group", "aria-label": "The token that is there" },
        ...this.keys,
      ),
      this.bars,
      html(
        "div",
        { class: "mg-knobs" },
        this.knob(state, "n", { label: "Names counted", digits: 0, slider: true, whole: true }),
        this.knob(state, "added", { label: "Added to each count", digits: 0, whole: true }),
      ),
      this.tools(state),
    );
  }

  show() {
    const { state, names, bars, keys } = this;
    if (!state || !names || !bars || !keys) return;
    const { token, n, added } = state.values;
    keys.forEach((key, i) => key.setAttribute("aria-pressed", String(i === token)));
    const table = countedAfter(names, n, added);
    const labels = allCalled(names.tokenizer);
    const row = table.counts[token];
    const values = table.probs(token);
    const sum = row.reduce((x, y) => x + y, 0);
    const best = values.indexOf(Math.max(...values));
    const all = sum + added * labels.length;
    bars.data = {
      names: labels,
      values,
      marked: best < 0 ? null : best,
      say: (i) =>
        all
          ? `${labels[i]}: (${row[i]} + ${added}) / (${sum.toLocaleString("en")} + ` +
            `${labels.length} · ${added}) = ${written(values[i], 4)}`
          : `${labels[i]}: 0 / 0 is no number`,
    };
    const zeros = row.filter((count) => count === 0).length;
    if (!all) {
      this.summary(
        `${labels[token]} has not come in these ${n} names, and nothing is added: the counts ` +
          "say nothing of what follows it.",
      );
    } else {
      const never = zeros
        ? ` ${zeros} of ${labels.length} tokens never followed it; each has ` +
          `${added ? written(added / all, 4) : "probability 0"}.`
        : "";
      this.summary(
        `After ${labels[token]}, ${labels[best]} is likeliest: ` +
          `${written(values[best], 4)}.${never}`,
      );
    }
  }
}

define("mg-next-token", MgNextToken);
