// <mg-draws>: three weights, the shares they make, and draws by chance beside them.

import { html, renew } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { numbersField, seedField, urlState, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { actor, numberInput, probabilityBars, tools } from "../js/figures/parts.js";
import { drawn, sharesOf } from "../js/figures/refresher.js";

const TOKENS = ["a", "b", "c"];
const MOST = 10_000;
const LEAST = 0.01; // what can't come at all has a surprise without end

class MgDraws extends KitElement {
  build() {
    const state = urlState("draws", {
      w: numbersField([5, 3, 2], LEAST, 100),
      n: wholeField(10, 0, MOST),
      seed: seedField(),
    });
    this.state = state;
    this.whenLeaving(() => state.close());
    this.fields = TOKENS.map((name, i) =>
      numberInput(
        this,
        {
          label: `weight ${name}`,
          control: name,
          value: state.values.w[i],
          min: LEAST,
          max: 100,
          step: 1,
          digits: 0,
        },
        (x) => {
          const w = [...state.values.w];
          w[i] = x;
          state.set({ w });
        },
      ),
    );
    this.seed = numberInput(
      this,
      {
        label: "seed",
        control: "seed",
        value: state.values.seed,
        min: 0,
        max: 2 ** 32 - 1,
        step: 1,
        whole: true,
        digits: 0,
      },
      (seed) => state.set({ seed }),
    );
    this.bars = probabilityBars("Shares of three tokens");
    this.body = html("tbody");
    const head = ["token", "share", "−ln p", "drawn", "of all"];
    const draws = [0, 10, 100, 1000, MOST].map((n) =>
      actor(this, n ? `Draw ${n.toLocaleString("en")}` : "Draw none", () => state.set({ n }), {
        control: "draw",
      }),
    );
    this.replaceChildren(
      html("div", { class: "mg-row" }, ...this.fields, this.seed),
      html("div", { class: "mg-row" }, ...draws),
      this.bars,
      html(
        "div",
        { class: "mg-scroll", tabindex: 0, role: "region", "aria-label": "Shares and draws" },
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
    state.onChange(() => this.guard(() => this.show()));
    this.show();
  }

  /** @private */
  show() {
    if (!this.state) return;
    const { w, n, seed } = this.state.values;
    this.fields?.forEach((field, i) => {
      if (field.value !== w[i]) field.value = w[i];
    });
    if (this.seed && this.seed.value !== seed) this.seed.value = seed;
    const { shares, surprises, entropy } = sharesOf(w);
    const { counts, mean } = drawn(w, seed, n);
    if (this.bars) this.bars.data = { names: TOKENS, values: shares, most: 1 };
    renew(
      this.body,
      ...TOKENS.map((name, i) =>
        html(
          "tr",
          {},
          html("th", { scope: "row" }, name),
          ...[
            written(shares[i], 3),
            written(surprises[i], 3),
            counts[i].toLocaleString("en"),
            n ? written(counts[i] / n, 3) : "–",
          ].map((text) => html("td", {}, text)),
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
