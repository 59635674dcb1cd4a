// <mg-draws>: three weights, the shares they make, and draws by chance beside them.

import "../js/kit/bars.js";
import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { line, make, row, table } from "../js/kit/make.js";
import { numbersField, seedField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { drawn, sharesOf } from "../js/figures/refresher.js";

const TOKENS = ["a", "b", "c"];
const MOST = 10_000;
const LEAST = 0.01; // what can't come at all has a surprise without end

class MgDraws extends Widget {
  fields = {
    w: numbersField([5, 3, 2], LEAST, 100),
    n: wholeField(10, 0, MOST),
    seed: seedField(),
  };
  bars = make("mg-bars", { label: "Shares of three tokens", digits: 3 });
  body = html("tbody");

  build() {
    const weights = TOKENS.map((name) => ({ label: `weight ${name}`, control: name }));
    const draws = [0, 10, 100, 1000, MOST].map((n) =>
      this.button(n ? `Draw ${n.toLocaleString("en")}` : "Draw none", () => this.set({ n }), {
        control: "draw",
      }),
    );
    return [
      row(
        ...this.knobs("w", weights, { step: 1, digits: 0 }),
        this.knob("seed", { label: "seed" }),
      ),
      row(...draws),
      this.bars,
      table("Shares and draws", ["token", "share", "−ln p", "drawn", "of all"], this.body),
    ];
  }

  show() {
    const { w, n, seed } = this.values;
    const { shares, surprises, entropy } = sharesOf(w);
    const { counts, mean } = drawn(w, seed, n);
    this.bars.data = { names: TOKENS, values: shares, most: 1 };
    renew(
      this.body,
      ...TOKENS.map((name, i) =>
        line(
          name,
          written(shares[i], 3),
          written(surprises[i], 3),
          counts[i].toLocaleString("en"),
          n ? written(counts[i] / n, 3) : "–",
        ),
      ),
    );
    const came = n
      ? `In ${n.toLocaleString("en")} draws the mean surprise was ${written(mean, 3)}.`
      : "Nothing is drawn yet.";
    this.summary(
      `Entropy: ${written(entropy, 3)} nats, ${written(entropy / Math.LN2, 3)} bits, at most ` +
        `${written(Math.log(3), 3)} nats for three. ${came}`,
    );
  }
}

define("mg-draws", MgDraws);
