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
import { LossLine } from "../js/figures/toy/live-toy-loss.js";
import { ToyPicture } from "../js/figures/toy/live-toy-picture.js";
import "../js/kit/curve.js";
import { freshId, html, prefersLessMotion } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { line, make, row, table } from "../js/kit/make.js";
import { choiceField, flagField, isHidden, textField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { TOY_TOKENS, toyExamples, toyForward } from "../js/numbers/toy.js";

const IN_LOG = 120; // lines that are kept in the page
const STILL_AT_ONCE = 10; // steps between two pictures where the reader wants less motion

class MgToyTraining extends Widget {
  isHeard = true;
  fields = {
    token: choiceField("2", ["0", "1", "2", "3"]),
    words: textField(DEFAULT_TEXT, MOST_TEXT),
    did: textField("", 120),
    moved: flagField(false),
  };
  badge = html("b", { class: "lt-badge" });
  now = html("span");
  offer = html("p", { class: "mg-note" });
  curve = make("mg-curve", {
    label: "Mean loss of all examples",
    "x-label": "step",
    "y-label": "nats",
    digits: 4,
    "x-to": BATCHES,
  });
  log = html("ol", { class: "lt-log" });
  told = html("p", { id: freshId("toy-words"), class: "mg-note", role: "status" });
  field = html("textarea", {
    id: freshId("toy-words"),
    class: "mg-field lt-words",
    rows: 3,
    maxlength: MOST_TEXT,
    spellcheck: "false",
    autocapitalize: "none",
    "aria-describedby": this.told.id,
  });
  /** @private probabilities of what follows each token */
  cells = TOY_TOKENS.map(() => TOY_TOKENS.map(() => html("td")));
  /** @private steps of this training that are still to come */ left = 0;
  /** @private how many steps the curve has */ drawn = -1;
  /** @private whose curve it is @type {number[]} */ curveOf = [];
  /** @private @type {import("../js/figures/toy/live-toy.js").Line[]} */ logOf = [];
  /** @private */ logged = -1;
  /** @private */ frame = 0;
  /** @private a picture will follow */ waiting = false;
  /** @private the steps that a link asks for */ asked = "";
  /** @private those that were written by this page, or read */ ownDid = "";
  /** @private @type {string | null} */ offered = null;
  /** @private */ knownWords = "";

  build() {
    Object.assign(this, {
      left: 0,
      drawn: -1,
      logged: -1,
      waiting: false,
      offered: null,
      knownWords: "",
    });
    this.one = this.button("Step: one example", () => this.step(), { control: "step" });
    this.train = this.button("Train", () => this.go(), {
      class: "mg-button train-start",
      control: "train",
    });
    this.back = this.button("Untrain", () =>
      this.stop(() => (liveToy.canRestore ? liveToy.restore() : liveToy.untrain())),
    );
    const tokens = this.choices("token", "Fed in at position 2", TOY_TOKENS);
    this.picture = new ToyPicture(this, "The toy GPT", tokens);
    this.loss = new LossLine(this);
    const shares = TOY_TOKENS.map((name, i) => line(`after ${name}`, ...this.cells[i]));
    const { words, did } = this.values;
    if (words !== DEFAULT_TEXT) liveToy.setWords(words);
    this.asked = this.ownDid = did;
    this.whenLeaving(liveToy.onChange(() => this.guard(() => this.update())));
    this.whenLeaving(() => this.halt());
    const edges = ["the weights", "how far they have moved"];
    return [
      this.figure(
        [
          this.picture.element,
          html(
            "div",
            { class: "lt-under" },
            html(
              "div",
              {},
              html("p", { class: "lt-now" }, this.badge, " ", this.now),
              row(this.one, this.train, this.back),
              this.offer,
              this.picture.readout,
            ),
            this.loss.element,
          ),
        ],
        {
          under: true,
          more: [
            row(this.menu("moved", { label: "Edges show", options: edges })),
            table("What follows each token", ["", ...TOY_TOKENS], html("tbody", {}, ...shares), {
              caption: html(
                "caption",
                { class: "mg-soft" },
                "Probability of what follows, and in brackets its share of the examples",
              ),
              class: "net-table",
            }),
            this.words(),
            this.curve,
            html("p", { class: "mg-title" }, "Step log"),
            html(
              "div",
              { class: "lt-log-box", tabindex: 0, role: "region", "aria-label": "Step log" },
              this.log,
            ),
            this.picture.table,
          ],
        },
      ),
    ];
  }

  /** The field for words. @private */
  words() {
    this.listen(this.field, "input", () => this.previewWords());
    this.listen(this.field, "change", () => this.takeWords());
    const whole = html(
      "div",
      { class: "lt-field" },
      html("label", { for: this.field.id }, "Words to learn from: 2 to 4 letters from a, b, c"),
      this.field,
      row(
        this.button("Use these words", () => this.takeWords()),
        this.button("Default words", () => {
          this.field.value = DEFAULT_TEXT;
          this.takeWords();
        }),
      ),
      this.told,
    );
    whole.hidden = isHidden("words");
    return whole;
  }

  /** @private */
  previewWords() {
    const { words, ignored, examples } = toyExamples(wordsOf(this.field.value));
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
    this.told.textContent = ignored.length ? `${text} Ignored: ${shown}${more}.` : text;
  }

  /** @private */
  takeWords() {
    const text = this.field.value.trim();
    const { examples } = liveToy.training;
    liveToy.setWords(text);
    if (liveToy.training.examples !== examples) this.halt();
    this.set({ words: liveToy.refusal ? this.values.words : text });
  }

  reset() {
    this.halt();
    this.asked = "";
    this.field.value = DEFAULT_TEXT;
    liveToy.reset();
    super.reset();
  }

  /** @private @param {() => void} then */
  stop(then) {
    this.halt();
    then();
  }

  /** Ends what is being made step by step. @private */
  halt() {
    cancelAnimationFrame(this.frame);
    this.left = 0;
    liveToy.setBusy(false);
  }

  /** @private */
  step() {
    this.pause();
    this.asked = "";
    liveToy.stepOne();
    const example = liveToy.lines.at(-1)?.example;
    if (example) this.set({ token: String(example.input) });
  }

  /** @private */
  pause() {
    cancelAnimationFrame(this.frame);
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
    const parts = readSteps(this.asked) ?? [];
    this.asked = "";
    this.stop(() => liveToy.untrain());
    for (const { kind, count } of parts)
      for (let i = 0; i < count; i++) kind === "s" ? liveToy.stepOne() : liveToy.stepBatch();
    this.update();
  }

  /** The page follows the toy and the address, at most once a frame. */
  show() {
    const { words, did } = this.values;
    if (words !== this.knownWords) {
      this.knownWords = words;
      if (words !== liveToy.text) {
        this.halt();
        liveToy.setWords(words);
      }
      this.field.value = words;
    }
    if (did !== this.ownDid) this.asked = this.ownDid = did; // another link on the same page
    if (!liveToy.busy && !this.asked) {
      // Too long a list isn't kept: a link then begins untrained.
      const kept = liveToy.done.length <= 120 && readSteps(liveToy.done) ? liveToy.done : "";
      this.ownDid = kept;
      if (did !== kept) this.set({ did: kept });
    }
    if (!("ready" in this.dataset)) return this.draw();
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() =>
      this.guard(() => {
        this.waiting = false;
        if (this.isConnected && "ready" in this.dataset) this.draw();
      }),
    );
  }

  /** @private */
  draw() {
    const { token, moved } = this.values;
    const { badge, steps, loss, busy } = liveToy;
    this.badge.textContent = badge;
    this.badge.dataset.badge = badge;
    const now =
      `mean loss ${written(loss, 4)} over ${liveToy.training.examples.length} examples, ` +
      `${steps ? `after ${liveToy.history()}` : "no step yet"}`;
    this.now.textContent = now;
    this.train?.replaceChildren(
      busy ? "Pause" : this.left ? `Go on, ${this.left} left` : `Train: ${BATCHES} batch steps`,
    );
    const { canRestore } = liveToy;
    this.back?.replaceChildren(canRestore ? "Restore" : "Untrain");
    this.back?.setAttribute("aria-disabled", String(!steps && !canRestore));
    const weights = liveToy.weights();
    this.picture?.feed(weights, Number(token), moved);
    const shares = wanted(liveToy.training.examples);
    this.cells.forEach((cells, i) => {
      const { probs } = toyForward({ token: i }, weights);
      const share = shares[i];
      cells.forEach(
        (cell, j) =>
          (cell.textContent = `${written(probs[j], 2)} (${share ? written(share[j], 2) : "none"})`),
      );
    });
    const marks = [
      { name: "guessing among 4", y: Math.log(4) },
      { name: "the minimum", y: leastLoss(liveToy.training.examples) },
    ];
    this.loss?.show(liveToy.losses, marks, Math.max(BATCHES, steps));
    if (!busy || steps < this.drawn) this.showCurve(steps, marks);
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
    return this.field.value.trim() !== liveToy.text && !liveToy.refusal;
  }

  /** @private @param {number} steps @param {{name: string, y: number}[]} marks */
  showCurve(steps, marks) {
    const { curve } = this;
    if (steps === this.drawn && this.curveOf === liveToy.losses) return;
    this.drawn = steps;
    this.curveOf = liveToy.losses;
    curve.setAttribute("x-to", String(Math.max(BATCHES, steps)));
    curve.floors = marks;
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
    this.field.toggleAttribute("aria-invalid", liveToy.refusal !== "");
    this.sayWords(text, liveToy.ignored);
  }

  /** @private */
  showOffer() {
    const parts = readSteps(this.asked) ?? [];
    const key = this.asked && parts.length ? this.asked : "";
    if (this.offered === key) return;
    this.offered = key;
    this.offer.replaceChildren();
    this.offer.hidden = !key;
    if (!key) return;
    const count = parts.reduce((sum, part) => sum + part.count, 0);
    this.offer.append(
      `This link was made after ${count} ${count === 1 ? "step" : "steps"}. `,
      this.button("Train it like that", () => this.replay()),
    );
  }

  /** @private */
  showLog() {
    const { log } = this;
    const { lines } = liveToy;
    if (lines !== this.logOf || this.logged === -1) {
      this.logOf = lines;
      this.logged = Math.max(0, lines.length - IN_LOG);
      log.replaceChildren(
        html("li", { class: "mg-soft" }, `start: mean loss ${written(liveToy.losses[0], 4)}`),
      );
    }
    for (const line of lines.slice(this.logged)) log.prepend(html("li", {}, lineText(line)));
    this.logged = lines.length;
    while (log.children.length > IN_LOG) log.lastElementChild?.remove();
  }
}

define("mg-toy-training", MgToyTraining);
