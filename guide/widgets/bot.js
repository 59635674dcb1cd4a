// <mg-bot>: the assignment's bot. A request goes through its rails, every try is shown, and so is
// how likely each prefix leads to a banned word. What is computed is in js/figures/assignment
// (bot.js, leak.js).

import { loadNames } from "../js/figures/dataset.js";
import { Bot, readWords } from "../js/figures/assignment/bot.js";
import { effortOf, interval, loadParts, percent } from "../js/figures/assignment/bot-parts.js";
import { scaleParts, shownTries } from "../js/figures/assignment/bot-view.js";
import { LeakMeter, middle, rule } from "../js/figures/assignment/leak.js";
import { examples, messageField } from "../js/figures/message-field.js";
import { freshId, html, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, row } from "../js/kit/make.js";
import "../js/kit/number.js";
import { flagField, isHidden, seedField, textField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";

/** @typedef {import("../js/figures/assignment/bot.js").Answer} Answer */
/** @typedef {import("../js/figures/assignment/leak.js").Leak} Leak */

const BLANK = "a blank line";
const EXAMPLES = ["lemo", "appl", "ma li", "alim", "APPL!", "pear", ""];
const SWITCHES = /** @type {const} */ ([
  ["request", "Request rail"],
  ["output", "Output rail"],
  ["constrained", "Constrained decoding"],
]);
const MOST_LEAKS = 6; // prefixes of a request that are measured
const SLICE_MS = 8;
const VERDICTS = { refuse: "must be refused", allow: "must be answered", grey: "grey zone" };

class MgBot extends Widget {
  isHeard = true;
  fields = {
    text: textField("lemo", 400),
    seed: seedField(),
    request: flagField(false),
    output: flagField(true),
    constrained: flagField(false),
    words: textField("", 2000),
  };
  parts = /** @type {import("../js/figures/assignment/bot-parts.js").Parts} */ ({});
  line = html("output", { class: "bot-line" });
  why = html("p", { class: "bot-why" });
  tried = html("div", { class: "bot-tried" });
  scale = svg("svg", {
    class: "bot-scale",
    height: 64,
    role: "img",
    "aria-label": "Leak of each prefix, logarithmic",
  });
  measured = html("ul", { class: "bot-leaks" });
  area = html("textarea", {
    class: "train-words bot-words",
    spellcheck: "false",
    autocapitalize: "none",
    autocomplete: "off",
  });
  wrong = html("p", { class: "mg-refused", role: "alert" });
  facts = html("p", { class: "mg-note" });
  /** @private @type {Bot | undefined} */ bot = undefined;
  /** @private a measurement of an earlier round isn't wanted any more */ round = 0;
  /** @private by prefix, for the words of now */ leaks = /** @type {Map<string, Leak>} */ (
    new Map()
  );
  /** @private names of the list */ real = /** @type {Set<string>} */ (new Set());
  /** @private @type {string[]} */ prefixes = [];
  /** @private */ measuring = "";
  /** @private @type {string | null} the request that is answered */ shown = null;

  async load() {
    this.parts = await loadParts();
  }

  build() {
    this.whenLeaving(() => {
      this.round++;
      this.measuring = "";
      this.shown = null;
      this.bot = undefined;
    });
    const ask = (/** @type {string} */ text) => this.ask(text);
    const label = "A request: prefixes, separated by spaces";
    this.request = messageField(this, { label, button: "Ask", send: ask });
    const tries = Object.fromEntries(EXAMPLES.map((text) => [text || BLANK, text]));
    const section = (
      /** @type {string} */ name,
      /** @type {string} */ title,
      /** @type {Node[]} */ ...parts
    ) => html("section", { "aria-label": name }, html("p", { class: "mg-title" }, title), ...parts);
    const request = html(
      "div",
      { role: "group", "aria-label": "Request" },
      ...this.request.parts,
      examples(this, tries, ask),
    );
    const rails = group("Rails", {}, ...SWITCHES.map(([key, name]) => this.toggle(key, name)));
    const picture = [
      section("Answer", "Answer", this.line, this.why, this.tried),
      section("Leak", "Leak of each prefix, without any rail", this.scale, this.measured),
    ];
    return [
      this.figure(picture, {
        controls: [request, rails],
        more: [this.knob("seed", { label: "Seed" }), this.list()],
      }),
    ];
  }

  /** The banned words, which the reader may change. @private */
  list() {
    const { area, wrong } = this;
    area.id = freshId("bot-words");
    wrong.id = `${area.id}-said`;
    area.setAttribute("aria-describedby", wrong.id);
    this.listen(area, "input change", (event) => {
      event.stopPropagation();
      const words = this.attempt(wrong, () => this.wordsOf(area.value));
      if (!words) return wrong.append(" The previous list stays in force.");
      const same = [...words].sort().join() === [...this.shipped].sort().join();
      return this.set({ words: same ? "" : words.join(" ") });
    });
    const label = "Words that must not come out, separated by spaces or commas";
    const reset = () => this.set({ words: "" });
    const whole = html(
      "details",
      {},
      html("summary", {}, "The banned words"),
      html("label", { for: area.id }, label),
      area,
      wrong,
      this.facts,
      row(this.button("The fruits again", reset, { control: "words" })),
    );
    whole.hidden = isHidden("words");
    return whole;
  }

  /** @private @param {string} text */
  wordsOf(text) {
    return readWords(text, this.parts.model.tokenizer.uchars);
  }

  /** @private */
  get shipped() {
    return this.parts.policy.category.flatMap(({ words }) => words);
  }

  /** @private @param {string} text */
  ask(text) {
    const { bot, request } = this;
    if (!bot || !request) return;
    if (this.attempt(request.refused, () => bot.prefixes(text)) === undefined) return;
    this.shown = null;
    this.set({ text });
  }

  /** The bot for the words of now; a list that a link brings wrong is left out. @private */
  get ready() {
    const { values } = this.state;
    if (this.bot && this.words === values.words) return this.bot;
    const { engine, model, policy } = this.parts;
    let words = this.shipped;
    if (values.words) {
      const own = this.attempt(this.wrong, () => this.wordsOf(values.words));
      if (own) words = own;
      else values.words = "";
    }
    this.words = values.words;
    const bot = new Bot(engine, model.tokenizer, policy, words);
    this.bot = bot;
    this.meter = new LeakMeter(engine, bot.automaton, policy.temperature);
    this.leaks.clear();
    this.measuring = "";
    if (document.activeElement !== this.area) this.area.value = words.join(", ");
    this.facts.textContent =
      `${words.length} words, an automaton of ${bot.automaton.states} states. The ` +
      "request rail refuses what contains a word, or ends in five or more of its first letters, " +
      "or in a shorter prefix that the shipped policy lists.";
    return bot;
  }

  show() {
    const { ready: bot, request } = this;
    if (!request) return;
    const { text, seed, ...on } = this.state.values;
    if (this.shown !== text) request.field.value = text; // what is typed and not asked yet stays
    this.shown = text;
    const answer = this.attempt(request.refused, () =>
      bot.answer(text, seed, /** @type {any} */ (on)),
    );
    if (!answer) return;
    this.answer = answer;
    this.line.textContent = answer.line;
    this.why.textContent = this.reason(answer);
    this.tried.replaceChildren(...answer.asked.map(shownTries));
    this.measure([...new Set(bot.prefixes(text))].slice(0, MOST_LEAKS));
  }

  /** @private @param {Answer} answer */
  reason({ by, why, asked }) {
    if (by === "letters")
      return "Something was typed, but none of it is a letter that the model knows.";
    if (by === "request") return `The request rail: ${why}. No name was drawn.`;
    const held = asked.reduce((sum, { tries }) => sum + tries.length - 1, 0);
    const out = asked.filter(({ tries, name }) => name !== null && tries.at(-1)?.found).length;
    if (by === "tries")
      return "The output rail: every try was discarded, so the whole line is refused.";
    if (out) return "A banned word got out, because the output rail is off.";
    return held
      ? `The output rail discarded ${held} of ${held + asked.length} names.`
      : "Every name passed at the first try.";
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
    if (!meter) return;
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
    const { meter, scale, measured, prefixes } = this;
    if (!meter) return;
    measured.replaceChildren(
      ...prefixes.map((prefix) => {
        const leak = this.leaks.get(prefix);
        const name = html("b", {}, prefix || BLANK);
        if (!leak) return html("li", {}, name, " is being measured …");
        const found = meter.automaton.contains(prefix);
        const effort = [
          leak.nodes && `${leak.nodes.toLocaleString("en")} prefixes expanded`,
          leak.samples && `${leak.samples.toLocaleString("en")} names drawn`,
        ]
          .filter(Boolean)
          .join(", ");
        const how = found
          ? "exact: it contains a banned word"
          : `${leak.how}: ${interval(leak.low, leak.high)}` +
            `${leak.how === "estimated" ? " with a probability of 95 %" : ""}; ${effort}`;
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
    const told = this.prefixes.flatMap((prefix) => {
      const leak = this.leaks.get(prefix);
      return leak ? [`Leak of ${prefix || BLANK}: ${percent(middle(leak))}, ${leak.how}.`] : [];
    });
    this.summary(
      `${this.answer?.line}. ${this.why.textContent} ${told.join(" ")}`.replace("..", "."),
    );
  }
}

define("mg-bot", MgBot);
