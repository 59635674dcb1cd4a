// <mg-temperature>: what the trained model says comes after a beginning, at any temperature.

import { MicrogptError } from "../js/errors.js";
import { freshId, html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/number.js";
import { numberField, textField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
import { probabilityBars } from "../js/figures/parts.js";
import { atTemperature, loadModel, logitsAfter } from "../js/figures/trained/temperature.js";

class MgTemperature extends StatefulElement {
  async build() {
    const model = await loadModel();
    if (!this.isConnected || this.model) return;
    this.model = model;
    this.whenLeaving(() => (this.model = undefined));
    const state = this.stateOf("temperature", {
      after: textField("ann", 15),
      t: numberField(1, 0.1, 2),
    });
    const id = freshId("temp");
    this.field = html("input", {
      id,
      class: "mg-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-describedby": `${id}-said`,
    });
    this.listen(this.field, "input", () => this.type());
    this.refusal = html("p", { id: `${id}-said`, class: "train-refused", role: "alert" });
    this.bars = probabilityBars("Probability of coming next");
    this.said = html("p", { class: "net-big" });
    this.replaceChildren(
      html("div", { class: "mg-row" }, html("label", { for: id }, "After"), this.field),
      this.refusal,
      this.knob(state, "t", { label: "Temperature", step: 0.05, digits: 2, slider: true }),
      this.bars,
      this.said,
      this.tools(state),
    );
    this.show();
  }

  /** @private */
  type() {
    const text = this.field?.value.trim().toLowerCase() ?? "";
    this.refusal?.replaceChildren();
    try {
      if (this.model) logitsAfter(this.model, text);
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      this.refusal?.replaceChildren(error.message);
      return;
    }
    this.state?.set({ after: text });
  }

  show() {
    const { model, state, bars, field } = this;
    if (!model || !state || !bars || !field) return;
    const { t } = state.values;
    let { after } = state.values;
    let logits;
    try {
      logits = logitsAfter(model, after);
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error; // a link may bring any text
      after = "";
      logits = logitsAfter(model, after);
    }
    if (field.value.trim().toLowerCase() !== after && document.activeElement !== field)
      field.value = after;
    const names = [...model.tokenizer.uchars, "BOS"];
    const { probs, peak, bits, choices } = atTemperature(logits, t);
    bars.data = {
      names,
      values: probs,
      marked: peak,
      most: probs[peak] > 0.5 ? 1 : 0.5,
      say: (i) => `${names[i]}: ${written(probs[i], 4)}, logit ${written(logits[i], 3)}`,
    };
    renew(
      this.said,
      `Peak ${names[peak]} ${written(probs[peak], 3)}; entropy ${written(bits, 2)} of at ` +
        `most ${written(Math.log2(names.length), 2)} bits`,
    );
    this.summary(
      `After ${after ? `“${after}”` : "BOS"} at temperature ${written(t, 2)}: most likely ` +
        `${names[peak]} with ${written(probs[peak], 3)}. Entropy ${written(bits, 2)} bits, as ` +
        `unsure as ${written(choices, 1)} tokens of equal chance.`,
    );
  }
}

define("mg-temperature", MgTemperature);
