// <mg-count-loss>: a name, token by token, under counts of the first names of the run: what
// probability each token had, and what loss that is.

import { allCalled, called, countedAfter, STEPS } from "../js/figures/dataset.js";
import { InputError } from "../js/errors.js";
import "../js/kit/bars.js";
import { html, renew, setText } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { line, make, table } from "../js/kit/make.js";
import { textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { OnNames } from "../js/figures/on-names.js";

class MgCountLoss extends OnNames {
  fields = {
    name: textField("ava", 15),
    n: wholeField(100, 0, STEPS),
    step: wholeField(0, 0, 16),
  };
  caption = html("caption");
  body = html("tbody");
  bars = make("mg-bars", { label: "Probability of the next token", digits: 3, height: 400 });

  build() {
    const read = (/** @type {string} */ typed) => this.counted(typed);
    const how = { label: "Name", read, also: () => ({ step: 0 }) };
    const [name, refused] = this.text("name", how, { maxlength: 15 });
    const names = this.knob("n", { label: "Names counted", slider: true });
    this.steps = this.stepper("step", { label: "Token by token", pace: 1500 });
    const looks = { caption: this.caption, class: "loss-table" };
    const losses = table("Loss token by token", ["pair", "p", "−ln p"], this.body, looks);
    const controls = [name, refused, this.steps, losses];
    return [this.figure(this.bars, { controls, more: [names] })];
  }

  /** A name that the counts know; else it throws. @private @param {string} name */
  counted(name) {
    const { uchars } = this.names.tokenizer;
    if ([...name].every((char) => uchars.includes(char))) return name;
    throw new InputError("Only the letters a to z have counts.");
  }

  show() {
    const { names, bars } = this;
    const { name, n, step } = this.values;
    const tokens = names.tokenizer.encodeDocument(name);
    const counted = countedAfter(names, n);
    const walk = counted.walk(tokens);
    const words = walk.map(
      ({ token, next }) => `${called(names.tokenizer, token)} → ${called(names.tokenizer, next)}`,
    );
    const steps = [...words, "The mean of all"];
    if (this.steps && steps.join() !== this.steps.steps.join()) this.steps.steps = steps;
    const at = Math.min(step, walk.length);
    const done = at === walk.length;
    const mean = counted.loss(tokens);
    const rows = walk.map(({ p, loss }, i) =>
      i <= at ? line(words[i], written(p, 3), written(loss)) : line(words[i], "…", "…"),
    );
    rows.push(line("mean", "", done ? written(mean) : "…"));
    rows[at].classList.add("row-now");
    setText(this.caption, `“${name}” after ${n.toLocaleString("en")} counted names`);
    renew(this.body, ...rows);
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
