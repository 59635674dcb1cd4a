// <mg-toy-training>: the toy GPT trained in the page, every edge of its picture a number that
// moves. The weights are the page's: <mg-toy-chat> writes with them. A link carries words and a
// list of steps, which wait for a click.

import {
  BATCHES,
  DEFAULT_TEXT,
  exampleText,
  leastLoss,
  lineText,
  liveToy,
  MOST_TEXT,
  readSteps,
  wanted,
  wordsOf,
} from "../js/figures/toy/live-toy.js";
import { ToyPicture } from "../js/figures/toy/live-toy-picture.js";
import "../js/kit/curve.js";
import { freshId, html, prefersLessMotion } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { choiceField, flagField, isHidden, textField, urlState } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { actor, menu, tools } from "../js/figures/parts.js";
import { TOY_TOKENS, toyExamples, toyForward } from "../js/numbers/toy.js";

/** @typedef {import("../js/kit/curve.js").MgCurve} MgCurve */

const IN_LOG = 120; // lines that are kept in the page
const CURVE_EVERY = 5;
const STILL_AT_ONCE = 10; // steps between two pictures where the reader wants less motion

class MgToyTraining extends KitElement {
  build() {
    const state = urlState("toy-training", {
      token: choiceField("2", ["0", "1", "2", "3"]),
      words: textField(DEFAULT_TEXT, MOST_TEXT),
      did: textField("", 120),
      moved: flagField(false),
    });
    this.state = state;
    /** @private steps of this training that are still to come */ this.left = 0;
    /** @private @type {number} */ this.drawn = -1;
    /** @private @type {import("../js/figures/toy/live-toy.js").Line[]} */ this.logOf = [];
    this.logged = -1;
    /** @private @type {number | undefined} */ this.frame = undefined;
    this.badge = html("b", { class: "lt-badge" });
    this.now = html("span", {});
    this.one = actor(this, "Step: one example", () => this.step(), { control: "step" });
    this.train = actor(this, "Train", () => this.go(), {
      class: "mg-button train-start",
      control: "train",
    });
    this.un = actor(this, "Untrain", () => this.stop(() => liveToy.untrain()));
    this.re = actor(this, "Restore", () => this.stop(() => liveToy.restore()));
    this.offer = html("p", { class: "mg-note" });
    this.picture = new ToyPicture(this, "The toy GPT");
    this.tokens = menu(
      this,
      "Fed at position 2",
      TOY_TOKENS.map((name, i) => [String(i), name]),
      (token) => state.set({ token }),
    );
    this.edges = menu(
      this,
      "Edges show",
      [
        ["0", "the weights"],
        ["1", "how far they have moved"],
      ],
      (moved) => state.set({ moved: moved === "1" }),
    );
    this.curve = /** @type {MgCurve} */ (
      html(/** @type {any} */ ("mg-curve"), {
        label: "Mean loss of all examples",
        "x-label": "step",
        "y-label": "nats",
        digits: 4,
        "x-to": BATCHES,
      })
    );
    this.log = html("ol", { class: "lt-log" });
    this.replaceChildren(
      html("p", { class: "lt-now" }, this.badge, " ", this.now),
      html("div", { class: "mg-row" }, this.one, this.train, this.un, this.re),
      this.offer,
      html("div", { class: "mg-row" }, this.tokens.whole, this.edges.whole),
      this.picture.element,
      this.picture.table,
      this.guesses(),
      this.curve,
      html("h3", {}, "Step log"),
      html(
        "div",
        { class: "lt-log-box", tabindex: 0, role: "region", "aria-label": "Step log" },
        this.log,
      ),
      this.words(),
      tools(this, state, [], () => this.reset()),
    );
    if (state.values.words !== DEFAULT_TEXT) liveToy.setWords(state.values.words);
    this.asked = this.ownDid = state.values.did;
    this.whenLeaving(liveToy.onChange(() => this.guard(() => this.follow())));
    this.whenLeaving(state.onChange(() => this.guard(() => this.follow())));
    this.whenLeaving(() => {
      this.halt();
      state.close();
    });
    this.follow();
  }

  /** Probabilities of all four, as they are and as the examples have them. @private */
  guesses() {
    /** @private @type {HTMLElement[][]} */
    this.cells = TOY_TOKENS.map(() => TOY_TOKENS.map(() => html("td")));
    const rows = this.cells.map((cells, i) =>
      html("tr", {}, html("th", { scope: "row" }, `after ${TOY_TOKENS[i]}`), ...cells),
    );
    const table = html(
      "table",
      { class: "net-table" },
      html(
        "caption",
        { class: "mg-soft" },
        "Probability of what follows, and in brackets its share of the examples",
      ),
      html(
        "thead",
        {},
        html("tr", {}, html("td"), ...TOY_TOKENS.map((name) => html("th", { scope: "col" }, name))),
      ),
      html("tbody", {}, ...rows),
    );
    return html(
      "div",
      { class: "mg-scroll", tabindex: 0, role: "region", "aria-label": "What follows each token" },
      table,
    );
  }

  /** The field for words. @private */
  words() {
    const id = freshId("toy-words");
    const field = html("textarea", {
      id,
      class: "mg-field lt-words",
      rows: 3,
      maxlength: MOST_TEXT,
      spellcheck: "false",
      autocapitalize: "none",
      "aria-describedby": `${id}-said`,
    });
    this.field = field;
    this.told = html("p", { id: `${id}-said`, class: "mg-note", role: "status" });
    const use = actor(this, "Use these words", () => this.takeWords());
    const defaults = actor(this, "Default words", () => {
      field.value = DEFAULT_TEXT;
      this.takeWords();
    });
    this.listen(field, "input", () => this.previewWords());
    this.listen(field, "change", () => this.takeWords());
    const whole = html(
      "div",
      { class: "lt-field" },
      html("label", { for: id }, "Words to learn from: 2 to 4 letters out of a, b, c"),
      field,
      html("div", { class: "mg-row" }, use, defaults),
      this.told,
    );
    whole.hidden = isHidden("words");
    return whole;
  }

  /** @private */
  previewWords() {
    const { words, ignored, examples } = toyExamples(wordsOf(this.field?.value ?? ""));
    this.sayWords(
      `${words.length} ${words.length === 1 ? "word" : "words"} and ${examples.length} ` +
        "examples, once you use them.",
      ignored,
    );
  }

  /** @private @param {string} text @param {string[]} ignored */
  sayWords(text, ignored) {
    const shown = ignored
      .slice(0, 12)
      .map((word) => (word.length > 20 ? `${word.slice(0, 20)}…` : word))
      .join(", ");
    const more = ignored.length > 12 ? ` and ${ignored.length - 12} more` : "";
    if (this.told)
      this.told.textContent = ignored.length ? `${text} Ignored: ${shown}${more}.` : text;
  }

  /** @private */
  takeWords() {
    const text = this.field?.value.trim() ?? "";
    const { examples } = liveToy.training;
    liveToy.setWords(text);
    if (liveToy.training.examples !== examples) this.halt();
    this.state?.set({ words: liveToy.refusal ? this.state.values.words : text });
  }

  /** @private */
  reset() {
    this.halt();
    this.asked = "";
    if (this.field) this.field.value = DEFAULT_TEXT;
    liveToy.reset();
    this.state?.reset();
  }

  /** @private @param {() => void} then */
  stop(then) {
    this.halt();
    then();
  }

  /** Ends what is being made step by step. @private */
  halt() {
    cancelAnimationFrame(this.frame ?? 0);
    this.left = 0;
    liveToy.setBusy(false);
  }

  /** @private */
  step() {
    this.pause();
    this.asked = "";
    liveToy.stepOne();
    const example = liveToy.lines.at(-1)?.example;
    if (example) this.state?.set({ token: String(example.input) });
  }

  /** @private */
  pause() {
    cancelAnimationFrame(this.frame ?? 0);
    liveToy.setBusy(false);
  }

  /** Trains, pauses, goes on. @private */
  go() {
    if (liveToy.busy) return this.pause();
    this.asked = "";
    this.left ||= BATCHES;
    liveToy.setBusy(true);
    return this.tick();
  }

  /** @private */
  tick() {
    this.frame = requestAnimationFrame(() =>
      this.guard(() => {
        if (!liveToy.busy) return;
        for (let i = prefersLessMotion() ? STILL_AT_ONCE : 1; i > 0 && this.left; i--) {
          this.left -= 1;
          liveToy.stepBatch();
        }
        if (this.left) this.tick();
        else liveToy.setBusy(false);
      }),
    );
  }

  /** The steps that a link asks for. @private */
  replay() {
    const parts = readSteps(this.asked ?? "") ?? [];
    this.asked = "";
    this.stop(() => liveToy.untrain());
    for (const { kind, count } of parts)
      for (let i = 0; i < count; i++) kind === "s" ? liveToy.stepOne() : liveToy.stepBatch();
    this.follow();
  }

  /** The page follows the toy and the address, at most once a frame. @private */
  follow() {
    const { state } = this;
    if (!state) return;
    const { words, did } = state.values;
    if (words !== this.knownWords) {
      this.knownWords = words;
      if (words !== liveToy.text) {
        this.halt();
        liveToy.setWords(words);
      }
      if (this.field) this.field.value = words;
    }
    if (did !== this.ownDid) this.asked = this.ownDid = did; // another link on the same page
    if (!liveToy.busy && !this.asked) {
      // Too long a list isn't kept: a link then begins untrained.
      const kept = liveToy.done.length <= 120 && readSteps(liveToy.done) ? liveToy.done : "";
      this.ownDid = kept;
      if (did !== kept) state.set({ did: kept });
    }
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() =>
      this.guard(() => {
        this.waiting = false;
        if (this.isConnected && "ready" in this.dataset) this.show();
      }),
    );
    if (!("ready" in this.dataset)) this.show();
  }

  /** @private */
  show() {
    const { state, picture, train, un, re, one, curve } = this;
    if (!state || !picture || !train || !un || !re || !one || !curve || !this.badge || !this.now)
      return;
    const { token, moved } = state.values;
    const { badge, steps, loss, busy } = liveToy;
    this.badge.textContent = badge;
    this.badge.dataset.badge = badge;
    const now =
      `mean loss ${written(loss, 4)} over ${liveToy.training.examples.length} examples, ` +
      `${steps ? `after ${liveToy.history()}` : "no step yet"}`;
    this.now.textContent = now;
    train.textContent = busy
      ? "Pause"
      : this.left
        ? `Go on, ${this.left} left`
        : `Train: ${BATCHES} batch steps`;
    un.setAttribute("aria-disabled", String(!steps));
    re.setAttribute("aria-disabled", String(!liveToy.canRestore));
    if (this.tokens && this.tokens.select.value !== token) this.tokens.select.value = token;
    if (this.edges) this.edges.select.value = moved ? "1" : "0";
    const weights = liveToy.weights();
    picture.show(weights, Number(token), moved);
    const shares = wanted(liveToy.training.examples);
    this.cells?.forEach((cells, i) => {
      const { probs } = toyForward({ token: i }, weights);
      const share = shares[i];
      cells.forEach(
        (cell, j) =>
          (cell.textContent = `${written(probs[j], 2)} (${share ? written(share[j], 2) : "none"})`),
      );
    });
    if (!busy || steps % CURVE_EVERY === 0 || steps < this.drawn) this.showCurve(steps);
    this.showLog();
    this.showOffer();
    if (!this.typing) this.showWords();
    this.summary(
      `${badge}: ${now}. After ${TOY_TOKENS[Number(token)]} it expects ` +
        `${this.expected(weights, Number(token))}.`,
    );
  }

  /** @private @param {import("../js/numbers/toy.js").ToyWeights} weights @param {number} token */
  expected(weights, token) {
    const { probs } = toyForward({ token }, weights);
    const best = probs.indexOf(Math.max(...probs));
    return `${TOY_TOKENS[best]} most, ${written(probs[best], 2)}`;
  }

  /** @private */
  get typing() {
    return this.field && this.field.value.trim() !== liveToy.text && !liveToy.refusal;
  }

  /** @private @param {number} steps */
  showCurve(steps) {
    const { curve } = this;
    if (!curve || (steps === this.drawn && this.curveOf === liveToy.losses)) return;
    this.drawn = steps;
    this.curveOf = liveToy.losses;
    curve.setAttribute("x-to", String(Math.max(BATCHES, steps)));
    curve.floors = [
      { name: "guessing among 4", y: Math.log(4) },
      { name: "the least there can be", y: leastLoss(liveToy.training.examples) },
    ];
    curve.series = [{ name: "mean loss", values: liveToy.losses.map((y, x) => ({ x, y })) }];
  }

  /** @private */
  showWords() {
    const { words, examples } = liveToy.training;
    const text =
      liveToy.refusal ||
      `${words.length} ${words.length === 1 ? "word" : "words"}, ${examples.length} ` +
        "examples: " +
        examples.slice(0, 12).map(exampleText).join("; ") +
        `${examples.length > 12 ? "; …" : ""}.`;
    this.field?.toggleAttribute("aria-invalid", liveToy.refusal !== "");
    this.sayWords(text, liveToy.ignored);
  }

  /** @private */
  showOffer() {
    if (!this.offer) return;
    const parts = readSteps(this.asked ?? "") ?? [];
    const key = this.asked && parts.length ? this.asked : "";
    if (this.offered === key) return;
    this.offered = key;
    this.offer.replaceChildren();
    this.offer.hidden = !key;
    if (!key) return;
    const count = parts.reduce((sum, part) => sum + part.count, 0);
    this.offer.append(
      `This link was made after ${count} ${count === 1 ? "step" : "steps"}. `,
      actor(this, "Train it so", () => this.replay()),
    );
  }

  /** @private */
  showLog() {
    const { log } = this;
    if (!log) return;
    const { lines } = liveToy;
    if (lines !== this.logOf || this.logged === -1) {
      this.logOf = lines;
      this.logged = Math.max(0, lines.length - IN_LOG);
      log.replaceChildren(
        html("li", { class: "mg-soft" }, `start: mean loss ${written(liveToy.losses[0], 4)}`),
      );
    }
    for (const line of lines.slice(Math.max(0, this.logged ?? 0)))
      log.prepend(html("li", {}, lineText(line)));
    this.logged = lines.length;
    while (log.children.length > IN_LOG) log.lastElementChild?.remove();
  }
}

define("mg-toy-training", MgToyTraining);
