// <mg-temperature>: what the trained model says comes after a beginning, at any temperature. With
// `plain`, for readers who don't know of temperatures yet, it is 1.

import "../js/kit/bars.js";
import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { numberField, textField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { atTemperature, loadModel, logitsAfter } from "../js/figures/trained/temperature.js";

class MgTemperature extends Widget {
  fields = { after: textField("ann", 15), t: numberField(1, 0.1, 2) };
  model = /** @type {import("../js/model.js").Model} */ ({});
  bars = make("mg-bars", { label: "Probability of coming next", digits: 3, height: 300 });
  said = html("p", { class: "net-big" });

  async load() {
    this.model = await loadModel();
  }

  build() {
    const after = this.text("after", { label: "After", read: (typed) => this.known(typed) });
    if (this.isPlain) return [this.figure(this.bars, { controls: after })];
    const temperature = { label: "Temperature", step: 0.05, digits: 2, slider: true };
    const controls = [this.knob("t", temperature), ...after, this.said];
    return [this.figure(this.bars, { controls })];
  }

  /** @private */
  get isPlain() {
    return this.hasAttribute("plain");
  }

  /** A beginning that the model can read; else it throws. @private @param {string} typed */
  known(typed) {
    const text = typed.trim().toLowerCase();
    logitsAfter(this.model, text);
    return text;
  }

  show() {
    const { model, bars } = this;
    const { after } = this.values;
    const t = this.isPlain ? 1 : this.values.t;
    const logits = logitsAfter(model, after);
    const names = [...model.tokenizer.uchars, this.isPlain ? "end" : "BOS"];
    const { probs, peak, bits, choices } = atTemperature(logits, t);
    bars.data = {
      names,
      values: probs,
      marked: peak,
      most: probs[peak] > 0.5 ? 1 : 0.5,
      say: (i) =>
        `${names[i]}: ${written(probs[i], 4)}` +
        (this.isPlain ? "" : `, logit ${written(logits[i], 3)}`),
    };
    renew(
      this.said,
      `Peak ${names[peak]} ${written(probs[peak], 3)}; entropy ${written(bits, 2)} of at ` +
        `most ${written(Math.log2(names.length), 2)} bits`,
    );
    if (this.isPlain) {
      this.summary(
        `${after ? `After “${after}”` : "At the beginning of a name"}: most likely ` +
          `${names[peak]} with ${written(probs[peak], 3)}. “end” is the end of the name.`,
      );
      return;
    }
    this.summary(
      `After ${after ? `“${after}”` : "BOS"} at temperature ${written(t, 2)}: most likely ` +
        `${names[peak]} with ${written(probs[peak], 3)}. Entropy ${written(bits, 2)} bits, as ` +
        `unsure as ${written(choices, 1)} tokens of equal chance.`,
    );
  }
}

define("mg-temperature", MgTemperature);
