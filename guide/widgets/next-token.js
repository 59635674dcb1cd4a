// <mg-next-token>: pick a token, see what the counts say of the token after it, with or without the
// one that is added to every count.

import { allCalled, countedAfter, STEPS } from "../js/figures/dataset.js";
import "../js/kit/bars.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { OnNames } from "../js/figures/on-names.js";

class MgNextToken extends OnNames {
  fields = {
    token: wholeField(0, 0, 26),
    n: wholeField(STEPS, 0, STEPS),
    added: wholeField(1, 0, 100),
  };
  bars = make("mg-bars", { label: "Probability of the next token", digits: 4, height: 280 });

  build() {
    const looks = { class: "tok-keys", each: "tok-key" };
    const names = allCalled(this.names.tokenizer);
    return [
      this.figure([this.choices("token", "The token that is there", names, looks), this.bars], {
        controls: [
          this.knob("added", { label: "Added to each count" }),
          this.knob("n", { label: "Names counted", slider: true }),
        ],
      }),
    ];
  }

  show() {
    const { names, bars } = this;
    const { token, n, added } = this.values;
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
