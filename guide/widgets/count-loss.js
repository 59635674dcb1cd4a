// <mg-count-loss>: the curve −ln p, and on it a name, token by token, under counts of the first
// names of the run: what probability each had, what loss that is, and what it would be elsewhere.

import { called, countedAfter, STEPS } from "../js/figures/dataset.js";
import { InputError } from "../js/errors.js";
import { html, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { numbersField, textField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { LossCurve } from "../js/figures/loss-curve.js";
import { lossOf, meanOf, sentence } from "../js/figures/loss-plan.js";
import { onWidth } from "../js/figures/networks/number-line.js";
import { OnNames } from "../js/figures/on-names.js";

const MOST = 16; // steps of a name of 15 letters
const HOME = Array(MOST).fill(0);
const NOTHING = { name: "", steps: [], words: [], sums: [] };

class MgCountLoss extends OnNames {
  fields = {
    name: textField("ava", MOST - 1),
    n: wholeField(100, 0, STEPS),
    step: wholeField(0, 0, MOST),
    moved: numbersField(HOME, 0, 1), // where beads were dragged; 0: nowhere
  };
  room = html("div");
  /** @private @type {LossCurve | null} */ curve = null;
  /** @private for which name and how many names */ asked = "";
  /** @private @type {ReturnType<MgCountLoss["reckoned"]>} */ known = NOTHING;

  build() {
    this.curve = new LossCurve(this, (i, p) => this.drag(i, p));
    this.room.replaceChildren(this.curve.picture);
    onWidth(this, this.room, () => this.show());
    const read = (/** @type {string} */ typed) => this.counted(typed);
    const how = { label: "Name", read, also: () => ({ step: 0, moved: HOME }) };
    const [name, refused] = this.text("name", how, { maxlength: MOST - 1 });
    const names = this.knob("n", { label: "Names counted", slider: true });
    this.steps = this.stepper("step", { label: "Token by token", pace: 1500 });
    const back = this.button("Back to the model", () => this.set({ moved: HOME }));
    this.idle(back, ({ moved }) => moved.every((/** @type {number} */ p) => !p));
    const note = html("p", { class: "mg-note" }, "Drag a bead along the curve.");
    const controls = [name, refused, this.steps, back, note];
    return [
      this.figure(this.room, { controls, more: [names] }),
      tableOf("Token by token", () => this.asTable()),
    ];
  }

  /** A name that the counts know; else it throws. @private @param {string} name */
  counted(name) {
    const { uchars } = this.names.tokenizer;
    if ([...name].every((char) => uchars.includes(char))) return name;
    throw new InputError("Only the letters a to z have counts.");
  }

  /** @private @param {number} i @param {number} p */
  drag(i, p) {
    const { home } = this.beads[i];
    this.set({ step: i, moved: this.values.moved.with(i, p === home ? 0 : p) });
  }

  /** The steps of the name under the counts. @private */
  get facts() {
    const { name, n } = this.values;
    const asked = `${name} ${n}`;
    if (asked !== this.asked) this.known = this.reckoned(name, n);
    this.asked = asked;
    return this.known;
  }

  /** @private @param {string} name @param {number} n */
  reckoned(name, n) {
    const { tokenizer } = this.names;
    const counted = countedAfter(this.names, n);
    const steps = counted.walk(tokenizer.encodeDocument(name));
    const words = steps.map(
      ({ token, next }) => `${called(tokenizer, token)} → ${called(tokenizer, next)}`,
    );
    const sums = steps.map(({ token, next }) => {
      const row = counted.counts[token];
      const all = row.reduce((/** @type {number} */ sum, /** @type {number} */ c) => sum + c, 0);
      return `(${row[next]} + 1) / (${all} + ${tokenizer.vocab_size})`;
    });
    return { name, steps, words, sums };
  }

  /** @private @returns {import("../js/figures/loss-plan.js").Bead[]} */
  get beads() {
    const { steps, words } = this.facts;
    const { moved } = this.values;
    return steps.map(({ p }, i) => ({ name: words[i], p: moved[i] || p, home: p }));
  }

  show() {
    const { facts, beads } = this;
    const lit = Math.min(this.values.step, beads.length);
    const steps = [...facts.words, "The mean of all"];
    if (this.steps && steps.join() !== this.steps.steps.join()) this.steps.steps = steps;
    this.curve?.show(beads, lit, Math.round(this.room.clientWidth) || 700);
    this.summary(() => sentence(beads, lit, facts));
  }

  /** @private */
  asTable() {
    const { sums } = this.facts;
    const rows = this.beads.map(({ name, p, home }, i) => [
      name,
      sums[i],
      written(home, 3),
      written(p, 3),
      written(lossOf(p)),
    ]);
    return {
      head: ["pair", "counted", "p of the model", "p", "−ln p"],
      rows: [...rows, ["mean", "", "", "", written(meanOf(this.beads))]],
    };
  }
}

define("mg-count-loss", MgCountLoss);
