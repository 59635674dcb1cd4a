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
import { html, renew } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/number.js";
import { numberField, seedField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { NamesElement } from "../js/figures/names-element.js";

/** @typedef {import("../js/kit/bars.js").MgBars} MgBars */
/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */

const MEANS = { trained: "counted from", file: "in the list, not counted", new: "in no list" };

class MgCountNames extends NamesElement {
  constructor() {
    super();
    /**
     * @private
     * @type {{key: string, draws: ReturnType<typeof drawNames>, table: ReturnType<typeof
     *   countedAfter>} | null}
     */
    this.plan = null;
  }

  /** @param {import("../js/figures/dataset.js").Names} names */
  start(names) {
    this.names = names;
    this.origin = originOf(names);
    const first = drawNames(names, { count: STEPS, temperature: 0.5, seed: 42, samples: 1 }).length;
    const state = this.stateOf("count-names", {
      step: wholeField(first, 0, 320),
      n: wholeField(STEPS, 0, STEPS),
      t: numberField(0.5, 0.1, 2),
      seed: seedField(),
    });
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Draws", pace: 700 })
    );
    this.listen(this.stepper, "mg-step", ({ detail }) => state.set({ step: detail.at }));
    this.said = html("p", {});
    this.bars = /** @type {MgBars} */ (
      html(/** @type {any} */ ("mg-bars"), {
        label: "Probability of the next token, at this temperature",
        digits: 3,
      })
    );
    this.list = html("ol", { class: "made-names" });
    this.legend = html(
      "p",
      { class: "mg-note" },
      `Marks: ${Object.entries(MEANS)
        .map(([mark, means]) => `${mark}, ${means}`)
        .join("; ")}.`,
    );
    this.replaceChildren(
      this.stepper,
      this.said,
      this.bars,
      this.list,
      this.legend,
      html(
        "div",
        { class: "mg-knobs" },
        this.knob(state, "t", { label: "Temperature", step: 0.05, digits: 2, slider: true }),
        this.knob(state, "n", { label: "Names counted", digits: 0, slider: true, whole: true }),
        this.knob(state, "seed", { label: "Seed of the draws", digits: 0, whole: true }),
      ),
      this.tools(state),
    );
  }

  /** The draws and the table for these settings. @private */
  planned() {
    const { state, names } = this;
    if (!state || !names) return null;
    const { n, t, seed } = state.values;
    const key = `${n} ${t} ${seed}`;
    if (this.plan?.key !== key) {
      this.plan = {
        key,
        draws: drawNames(names, { count: n, temperature: t, seed }),
        table: countedAfter(names, n),
      };
      const { tokenizer } = names;
      const steps = this.plan.draws.map(
        ({ name, before, next }) =>
          `name ${name + 1}: ${before || "BOS"} → ${called(tokenizer, next)}`,
      );
      if (this.stepper) this.stepper.steps = ["Nothing drawn yet", ...steps];
    }
    return this.plan;
  }

  show() {
    const plan = this.planned();
    const { state, names, stepper, bars, list, said, origin } = this;
    if (!plan || !state || !names || !stepper || !bars || !list || !said || !origin) return;
    const { tokenizer } = names;
    const { draws, table } = plan;
    const at = Math.min(state.values.step, draws.length);
    stepper.at = at;
    const done = draws.slice(0, at);
    const now = done.at(-1) ?? null;
    const token = now?.token ?? tokenizer.bos;
    const probs = tempered(table.probs(token), state.values.t);
    const labels = allCalled(tokenizer);
    bars.data = {
      names: labels,
      values: probs,
      marked: now?.next ?? null,
      say: (i) => `after ${labels[token]}: ${labels[i]} ${written(probs[i], 3)}`,
    };
    const upTo = now ? probs.slice(0, now.next).reduce((a, b) => a + b, 0) : 0;
    said.textContent = now
      ? `The draw is ${written(now.draw, 3)}. Laid end to end, the bars up to ` +
        `${labels[now.next]} reach from ${written(upTo, 3)} to ` +
        `${written(upTo + probs[now.next], 3)}: so ` +
        (now.next === tokenizer.bos
          ? "BOS comes, and the name ends"
          : `${labels[now.next]} comes`) +
        "."
      : "A draw is a number from 0 to 1. The bars are laid end to end, and the one it falls on " +
        "comes next.";
    const made = [];
    for (const { name, before, next } of done)
      made[name] = {
        text: before + (next === tokenizer.bos ? "" : tokenizer.uchars[next]),
        ended: next === tokenizer.bos || before.length + 1 === table.blockSize,
      };
    const marks = { trained: 0, file: 0, new: 0 };
    renew(
      list,
      ...made.map(({ text, ended }) => {
        if (!ended) return html("li", {}, text, "…");
        const mark = origin(text);
        marks[mark]++;
        return html(
          "li",
          {},
          text || "(empty)",
          " ",
          html("span", { class: "made-mark", "data-mark": mark }, mark),
        );
      }),
    );
    const finished = marks.trained + marks.file + marks.new;
    const last = made.at(-1);
    this.summary(
      `${finished} of 20 names written${last ? `, last “${last.text}”` : ""}: ` +
        `${marks.trained} trained, ${marks.file} file, ${marks.new} new.`,
    );
  }
}

define("mg-count-names", MgCountNames);
