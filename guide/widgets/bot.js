// <mg-bot>: the assignment's bot. A request goes through its rails, every try is shown, and so is
// how likely each prefix leads to a banned word. What is computed is in js/figures/assignment
// (bot.js, leak.js).

import { loadNames } from "../js/figures/dataset.js";
import { InputError, MicrogptError } from "../js/errors.js";
import { Bot, readWords } from "../js/figures/assignment/bot.js";
import { effortOf, interval, loadParts, percent } from "../js/figures/assignment/bot-parts.js";
import { scaleParts, shownTries } from "../js/figures/assignment/bot-view.js";
import { LeakMeter, middle, rule } from "../js/figures/assignment/leak.js";
import { freshId, html, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { flagField, isHidden, seedField, textField } from "../js/kit/state.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
import { actor, numberInput } from "../js/figures/parts.js";

/** @typedef {import("../js/figures/assignment/bot.js").Answer} Answer */
/** @typedef {import("../js/figures/assignment/leak.js").Leak} Leak */

const EXAMPLES = ["lemo", "appl", "ma li", "alim", "APPL!", "pear", ""];
const SWITCHES = /** @type {const} */ ([
  ["request", "Request rail"],
  ["output", "Output rail"],
  ["constrained", "Constrained decoding"],
]);
const MOST_LEAKS = 6; // prefixes of a request that are measured
const SLICE_MS = 8;
const VERDICTS = { refuse: "must be refused", allow: "must be answered", grey: "grey zone" };

class MgBot extends StatefulElement {
  constructor() {
    super();
    /** @private @type {Bot | undefined} */ this.bot = undefined;
    /** @private a measurement of an earlier round isn't wanted any more */ this.round = 0;
    /** @private @type {Map<string, Leak>} by prefix, for the words of now */ this.leaks =
      new Map();
    /** @private @type {Set<string>} */ this.real = new Set();
    /** @private */ this.measuring = "";
    /** @private @type {string | null} the request that is answered */ this.shown = null;
  }

  build() {
    this.guard(async () => {
      const parts = await loadParts();
      if (!this.isConnected || this.parts) return;
      this.parts = parts;
      this.whenLeaving(() => {
        this.parts = undefined;
        this.round++;
        this.measuring = "";
        this.shown = null;
        this.bot = undefined;
      });
      this.guard(() => this.start());
    });
  }

  /** @private */
  start() {
    const state = this.stateOf("bot", {
      text: textField("lemo", 400),
      seed: seedField(),
      request: flagField(false),
      output: flagField(true),
      constrained: flagField(false),
      words: textField("", 2000),
    });
    this.line = html("output", { class: "bot-line" });
    this.why = html("p", { class: "bot-why" });
    this.tried = html("div", { class: "bot-tried" });
    this.scale = svg("svg", {
      class: "bot-scale",
      height: 64,
      role: "img",
      "aria-label": "Leak of each prefix, logarithmic",
    });
    this.measured = html("ul", { class: "bot-leaks" });
    this.replaceChildren(
      this.form(),
      this.switches(),
      html(
        "section",
        { "aria-label": "Answer" },
        html("h3", {}, "Answer"),
        this.line,
        this.why,
        this.tried,
      ),
      html(
        "section",
        { "aria-label": "Leak" },
        html("h3", {}, "Leak of each prefix, without any rail"),
        this.scale,
        this.measured,
      ),
      this.list(),
      this.tools(state),
    );
    this.show();
  }

  /** @private */
  form() {
    const id = freshId("bot");
    this.field = html("input", {
      id,
      class: "mg-field chat-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      enterkeyhint: "send",
      "aria-describedby": `${id}-said`,
    });
    this.refusal = html("p", { id: `${id}-said`, class: "train-refused", role: "alert" });
    const ask = () => this.ask(this.field?.value ?? "");
    this.listen(this.field, "keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      ask();
    });
    this.listen(this.field, "input change", (event) => event.stopPropagation());
    const examples = html(
      "div",
      { class: "mg-row", role: "group", "aria-label": "Examples" },
      html("span", { class: "mg-soft" }, "Try:"),
    );
    for (const text of EXAMPLES)
      examples.append(
        actor(this, text || "a blank line", () => this.ask(text), {
          class: "mg-button mg-quiet chat-example",
        }),
      );
    return html(
      "div",
      { role: "group", "aria-label": "Request" },
      html("label", { for: id }, "A request: prefixes, apart by spaces"),
      html(
        "div",
        { class: "chat-row" },
        this.field,
        actor(this, "Ask", ask, { class: "mg-button chat-send" }),
      ),
      this.refusal,
      examples,
    );
  }

  /** Rails on and off, and the seed. @private */
  switches() {
    const row = html("div", { class: "mg-row", role: "group", "aria-label": "Rails" });
    this.keys = SWITCHES.map(([key, name]) => {
      const made = actor(this, name, () => this.state?.set({ [key]: !this.state.values[key] }), {
        control: key,
        class: "mg-button net-chosen",
      });
      row.append(made);
      return made;
    });
    this.seed = numberInput(
      this,
      { label: "Seed", control: "seed", value: 42, min: 0, max: 2 ** 32 - 1, step: 1, whole: true },
      (seed) => this.state?.set({ seed }),
    );
    row.append(this.seed);
    return row;
  }

  /** The banned words, which the reader may change. @private */
  list() {
    const id = freshId("bot-words");
    this.area = html("textarea", {
      id,
      class: "train-words bot-words",
      spellcheck: "false",
      autocapitalize: "none",
      autocomplete: "off",
      "aria-describedby": `${id}-said`,
    });
    this.wrong = html("p", { id: `${id}-said`, class: "train-refused", role: "alert" });
    this.facts = html("p", { class: "mg-note" });
    this.listen(this.area, "change", (event) => event.stopPropagation());
    this.listen(this.area, "input", (event) => {
      event.stopPropagation();
      this.takeWords();
    });
    const reset = actor(this, "The fruits again", () => this.state?.set({ words: "" }), {
      control: "words",
    });
    const whole = html(
      "details",
      {},
      html("summary", {}, "The banned words"),
      html("label", { for: id }, "Words that must not come out, apart by spaces or commas"),
      this.area,
      this.wrong,
      this.facts,
      html("div", { class: "mg-row" }, reset),
    );
    whole.hidden = isHidden("words");
    return whole;
  }

  /** @private */
  takeWords() {
    const { parts, area, wrong } = this;
    if (!parts || !area || !wrong) return;
    try {
      const words = readWords(area.value, parts.model.tokenizer.uchars);
      wrong.replaceChildren();
      const same = [...words].sort().join() === [...this.shipped].sort().join();
      this.state?.set({ words: same ? "" : words.join(" ") });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      wrong.replaceChildren(`${error.message} The list before stays in force.`);
    }
  }

  /** @private */
  get shipped() {
    return this.parts?.policy.category.flatMap(({ words }) => words) ?? [];
  }

  /** @private @param {string} text */
  ask(text) {
    const { bot, state, refusal } = this;
    if (!bot || !state || !refusal) return;
    try {
      bot.prefixes(text);
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      refusal.replaceChildren(error.message);
      return;
    }
    refusal.replaceChildren();
    this.shown = null;
    state.set({ text });
  }

  /** The bot for the words of now; a list that a link brings wrong is left out. @private */
  makeBot() {
    const { parts, state } = this;
    if (!parts || !state) return;
    if (this.bot && this.words === state.values.words) return;
    const { engine, model, policy } = parts;
    let words = this.shipped;
    try {
      if (state.values.words) words = readWords(state.values.words, model.tokenizer.uchars);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.wrong?.replaceChildren(error.message);
      state.values.words = "";
    }
    this.words = state.values.words;
    this.bot = new Bot(engine, model.tokenizer, policy, words);
    this.meter = new LeakMeter(engine, this.bot.automaton, policy.temperature);
    this.leaks.clear();
    this.measuring = "";
    if (this.area && document.activeElement !== this.area) this.area.value = words.join(", ");
    this.facts?.replaceChildren(
      `${words.length} words, an automaton of ${this.bot.automaton.states} states. The ` +
        "request rail refuses what holds a word, ends in five or more of its letters, or in a " +
        "shorter beginning that the shipped policy lists.",
    );
  }

  show() {
    const { state, field, line, why, tried } = this;
    if (!state || !field || !line || !why || !tried) return;
    this.makeBot();
    const { text, seed, ...on } = state.values;
    if (this.shown !== text) field.value = text; // what is typed and not asked yet stays
    this.shown = text;
    if (this.seed && this.seed.value !== seed) this.seed.value = seed;
    this.keys?.forEach((key, i) =>
      key.setAttribute("aria-pressed", String(state.values[SWITCHES[i][0]])),
    );
    /** @type {Answer | undefined} */ let answer;
    try {
      answer = this.bot?.answer(text, seed, /** @type {any} */ (on));
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error; // a link may bring any text
      this.refusal?.replaceChildren(error.message);
      return;
    }
    if (!answer) return;
    this.answer = answer;
    line.textContent = answer.line;
    why.textContent = this.reason(answer);
    tried.replaceChildren(...answer.asked.map(shownTries));
    this.measure([...new Set(this.bot?.prefixes(text) ?? [])].slice(0, MOST_LEAKS));
  }

  /** @private @param {Answer} answer */
  reason({ by, why, asked }) {
    if (by === "letters")
      return "Something was typed, and none of it is a letter that the model knows.";
    if (by === "request") return `The request rail: ${why}. No name was drawn.`;
    const held = asked.reduce((sum, { tries }) => sum + tries.length - 1, 0);
    const out = asked.filter(({ tries, name }) => name !== null && tries.at(-1)?.found).length;
    if (by === "tries")
      return "The output rail: every try was discarded, so the whole line is refused.";
    if (out) return "A banned word got out, for the output rail is off.";
    return held
      ? `The output rail discarded ${held} of ${held + asked.length} names.`
      : "Every name passed at its first try.";
  }

  // ---------------------------------------------------------------- leaks

  /**
   * Measures in slices, so that the page can answer in between.
   * @private
   * @param {string[]} prefixes
   */
  measure(prefixes) {
    const wanted = `${this.words} ${prefixes.join(" ")}`;
    if (wanted === this.measuring) return this.say();
    this.measuring = wanted;
    const mine = ++this.round;
    this.prefixes = prefixes;
    this.showLeaks();
    const { meter, parts } = this;
    if (!meter || !parts) return;
    const jobs = prefixes.filter((prefix) => !this.leaks.has(prefix));
    if (prefixes.some((prefix) => meter.automaton.contains(prefix)) && !this.real.size) {
      this.guard(async () => {
        this.real = new Set((await loadNames()).docs);
        if (this.isConnected) this.showLeaks();
      });
    }
    /** @type {Generator<undefined, Leak> | null} */ let running = null;
    const slice = () => {
      if (mine !== this.round || !this.isConnected) return;
      const until = performance.now() + SLICE_MS;
      while (jobs.length && performance.now() < until) {
        running ??= meter.measure(jobs[0], effortOf(parts.plain));
        const { done, value } = running.next();
        if (!done) continue;
        this.leaks.set(/** @type {string} */ (jobs.shift()), value);
        running = null;
        this.showLeaks();
      }
      if (jobs.length) setTimeout(() => this.guard(slice));
      else this.say();
    };
    slice();
  }

  /** @private */
  showLeaks() {
    const { meter, scale, measured, prefixes = [] } = this;
    if (!meter || !scale || !measured) return;
    measured.replaceChildren(
      ...prefixes.map((prefix) => {
        const leak = this.leaks.get(prefix);
        const name = html("b", {}, prefix || "a blank line");
        if (!leak) return html("li", {}, name, " is being measured …");
        const found = meter.automaton.contains(prefix);
        const effort = [
          leak.nodes && `${leak.nodes.toLocaleString("en")} beginnings followed`,
          leak.samples && `${leak.samples.toLocaleString("en")} names drawn`,
        ]
          .filter(Boolean)
          .join(", ");
        const how = found
          ? "exact: it holds a banned word"
          : `${leak.how}${leak.how === "estimated" ? " with 95 %" : ""}: ` +
            `${interval(leak.low, leak.high)}; ${effort}`;
        const verdict = rule(prefix, leak, meter.automaton, this.real);
        const real = found && verdict === "grey" ? ", a real name" : "";
        return html(
          "li",
          { "data-verdict": verdict },
          name,
          ` ${percent(middle(leak))} `,
          html("span", { class: "chat-mark" }, VERDICTS[verdict] + real),
          html("span", { class: "mg-soft" }, ` ${how}`),
        );
      }),
    );
    scale.setAttribute("height", String(46 + 20 * prefixes.length));
    scale.replaceChildren(
      ...scaleParts(prefixes.map((prefix) => ({ prefix, leak: this.leaks.get(prefix) }))),
    );
  }

  /** @private */
  say() {
    const told = (this.prefixes ?? []).flatMap((prefix) => {
      const leak = this.leaks.get(prefix);
      return leak
        ? [`Leak of ${prefix || "a blank line"}: ${percent(middle(leak))}, ${leak.how}.`]
        : [];
    });
    this.summary(
      `${this.answer?.line ?? ""}. ${this.why?.textContent ?? ""} ${told.join(" ")}`.replace(
        "..",
        ".",
      ),
    );
  }
}

define("mg-bot", MgBot);
