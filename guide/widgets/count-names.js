// <mg-count-names>: names are written from the counts, draw by draw.

import {
  allCalled,
  called,
  countedAfter,
  drawNames,
  originOf,
  STEPS,
  tempered,
} from "../js/figures/dataset.js";
import "../js/kit/bars.js";
import { html, setText } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { numberField, seedField, wholeField } from "../js/kit/state.js";
import { setLine, steady } from "../js/kit/steady.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { OnNames } from "../js/figures/on-names.js";

const MEANS = { trained: "counted from", file: "in the list, not counted", new: "not in the list" };

class MgCountNames extends OnNames {
  fields = {
    step: wholeField(0, 0, 320),
    n: wholeField(STEPS, 0, STEPS),
    t: numberField(0.5, 0.1, 2),
    seed: seedField(),
  };
  origin = /** @type {ReturnType<typeof originOf>} */ (() => "new");
  said = html("p");
  bars = make("mg-bars", {
    label: "Probability of the next token, at this temperature",
    digits: 3,
    height: 250,
  });
  items = html("ol", { class: "made-names" });
  /** @private what is drawn at these settings */
  plan = {
    key: "",
    draws: /** @type {ReturnType<typeof drawNames>} */ ([]),
    table: /** @type {ReturnType<typeof countedAfter>} */ ({}),
  };

  async load() {
    await super.load();
    this.origin = originOf(this.names);
    const first = { count: STEPS, temperature: 0.5, seed: 42, samples: 1 };
    this.fields.step = wholeField(drawNames(this.names, first).length, 0, 320);
  }

  build() {
    this.plan.key = "";
    this.bars.write = setLine;
    this.steps = this.stepper("step", { label: "Draws", pace: 700 });
    const marks = Object.entries(MEANS).map(([mark, means]) => `${mark}, ${means}`);
    const about = html("p", { class: "mg-note" }, `Marks: ${marks.join("; ")}.`);
    const temperature = { label: "Temperature", step: 0.05, digits: 2, slider: true };
    return [
      this.figure([this.bars, steady(this.items)], {
        controls: [this.steps, this.said, this.knob("t", temperature)],
        more: [
          this.knob("n", { label: "Names counted", slider: true }),
          this.knob("seed", { label: "Seed of the draws" }),
          about,
        ],
      }),
    ];
  }

  /** The draws and the table for these settings. @private */
  planned() {
    const { names } = this;
    const { n, t, seed } = this.values;
    const key = `${n} ${t} ${seed}`;
    if (this.plan.key !== key) {
      const draws = drawNames(names, { count: n, temperature: t, seed });
      this.plan = { key, draws, table: countedAfter(names, n) };
      const steps = draws.map(
        ({ name, before, next }) =>
          `name ${name + 1}: ${before || "BOS"} → ${called(names.tokenizer, next)}`,
      );
      if (this.steps) this.steps.steps = ["Nothing drawn yet", ...steps];
    }
    return this.plan;
  }

  /**
   * The names so far; those that stay aren't touched.
   * @private
   * @param {{text: string, mark: string}[]} made
   */
  write(made) {
    const { items } = this;
    made.forEach(({ text, mark }, i) => {
      const known = `${text} ${mark}`;
      const old = /** @type {HTMLElement | undefined} */ (items.children[i]);
      if (old?.dataset.made === known) return;
      const isLonger = old && !mark && !old.firstElementChild;
      const item = isLonger ? old : html("li");
      item.dataset.made = known;
      if (!mark) setText(item, `${text}…`);
      else {
        const marking = html("span", { class: "made-mark", "data-mark": mark }, mark);
        item.append(text || "(empty)", " ", marking);
      }
      if (!old) items.append(item);
      else if (old !== item) old.replaceWith(item);
    });
    while (items.children.length > made.length) items.lastChild?.remove();
  }

  show() {
    const { draws, table } = this.planned();
    const { bars, said, origin } = this;
    const { tokenizer } = this.names;
    const at = Math.min(this.values.step, draws.length);
    const done = draws.slice(0, at);
    const now = done.at(-1) ?? null;
    const token = now?.token ?? tokenizer.bos;
    const probs = tempered(table.probs(token), this.values.t);
    const labels = allCalled(tokenizer);
    bars.data = {
      names: labels,
      values: probs,
      marked: now?.next ?? null,
      say: (i) => `after ${labels[token]}: ${labels[i]} ${written(probs[i], 3)}`,
    };
    const upTo = now ? probs.slice(0, now.next).reduce((a, b) => a + b, 0) : 0;
    const told = now
      ? `The draw is ${written(now.draw, 3)}. Laid end to end, the bars up to ` +
        `${labels[now.next]} reach from ${written(upTo, 3)} to ` +
        `${written(upTo + probs[now.next], 3)}: so ` +
        (now.next === tokenizer.bos
          ? "BOS comes, and the name ends"
          : `${labels[now.next]} comes`) +
        "."
      : "A draw is a number from 0 to 1. The bars are laid end to end, and the one it falls on " +
        "comes next.";
    setLine(said, told);
    /** @type {{text: string, mark: keyof typeof MEANS | ""}[]} */
    const made = [];
    for (const { name, before, next } of done) {
      const text = before + (next === tokenizer.bos ? "" : tokenizer.uchars[next]);
      const isWhole = next === tokenizer.bos || before.length + 1 === table.blockSize;
      made[name] = { text, mark: isWhole ? origin(text) : "" };
    }
    this.write(made);
    const marks = { trained: 0, file: 0, new: 0 };
    for (const { mark } of made) if (mark) marks[mark]++;
    const finished = marks.trained + marks.file + marks.new;
    const last = made.at(-1);
    this.summary(
      `${finished} of 20 names written${last ? `, last “${last.text}”` : ""}: ` +
        `${marks.trained} trained, ${marks.file} file, ${marks.new} new.`,
    );
  }
}

define("mg-count-names", MgCountNames);
