// <mg-toy-chat>: the toy GPT of the page writes, token by token along its picture: with the
// weights that <mg-toy-training> has trained, or untrained. Each token is fed in at position 2 with
// the pinned cache.

import {
  FIRST_CHAT,
  firstToken,
  liveToy,
  MOST_TOKENS,
  stepText,
  writtenBy,
} from "../js/figures/toy/live-toy.js";
import { COLUMNS } from "../js/figures/toy/toy-plan.js";
import { ToyPicture } from "../js/figures/toy/live-toy-picture.js";
import { freshId, html, prefersLessMotion } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, row } from "../js/kit/make.js";
import { choiceField, numberField, seedField, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { Widget } from "../js/kit/widget.js";
import { TOY_TOKENS, toyWeights } from "../js/numbers/toy.js";

const LIGHT_MS = 90;
const IN_HISTORY = 12;

class MgToyChat extends Widget {
  fields = {
    token: choiceField(String(FIRST_CHAT.token), ["0", "1", "2", "3"]),
    seed: seedField(FIRST_CHAT.seed),
    t: numberField(1, 0.1, 2),
    at: wholeField(MOST_TOKENS, 0, MOST_TOKENS),
  };
  refusal = html("p", { id: freshId("toy-chat"), class: "mg-refused", role: "alert" });
  field = html("input", {
    id: freshId("toy-chat"),
    class: "mg-field lt-asked",
    type: "text",
    maxlength: 40,
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    enterkeyhint: "send",
    "aria-describedby": this.refusal.id,
  });
  line = html("p", { class: "lt-line", "aria-hidden": "true" });
  stale = html("p", { class: "lt-stale" });
  untrained = html("p", { class: "mg-note" });
  asked = html("ol", { class: "lt-log" });
  rule = html(
    "p",
    { class: "mg-note" },
    "Each token is fed in at position 2 with the pinned cache, as in training: the toy sees only " +
      `the last token. It stops at BOS, or after ${MOST_TOKENS} tokens.`,
  );
  /** @private @type {string[]} */ history = [];
  /** @private with what it has written */ key = "";
  /** @private @type {ReturnType<typeof writtenBy>} */ steps = [];
  /** @private the same, untrained @type {ReturnType<typeof writtenBy>} */ first = [];
  /** @private */ weights = toyWeights();

  build() {
    this.history = [];
    this.key = "";
    this.field.value = TOY_TOKENS[Number(this.values.token)];
    this.listen(this.field, "keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      this.send(this.field.value);
    });
    const looks = { label: "Temperature", control: "temperature", step: 0.1, digits: 1 };
    const knobs = [
      this.knob("t", { ...looks, slider: true }),
      this.knob("seed", { label: "Seed" }),
    ];
    for (const knob of knobs) this.listen(knob, "mg-input", () => this.ask({}));
    const tokens = group(
      "Ask with a token",
      {},
      ...TOY_TOKENS.map((name) =>
        this.button(name, () => this.send(name), {
          class: "mg-button mg-chosen",
          "aria-label": `Ask with ${name}`,
        }),
      ),
    );
    this.tokens = [...tokens.children];
    this.picture = new ToyPicture(this, "The toy GPT, writing", tokens);
    this.player = this.stepper("at", { label: "Token by token", pace: 1400 });
    this.listen(this.player, "mg-step", ({ detail }) => detail.animate && this.wave());
    this.whenLeaving(() => clearInterval(this.clock));
    this.whenLeaving(liveToy.onChange(() => this.guard(() => this.showStale())));
    const asking = row(
      html("label", { for: this.field.id }, "First token: BOS, a, b or c"),
      this.field,
      this.button("Send", () => this.send(this.field.value)),
    );
    const drawing = row(
      knobs[1],
      this.button("Different draws", () =>
        this.ask({ seed: (this.values.seed + 1) % 2 ** 32 }, true),
      ),
    );
    return [
      this.figure([this.line, this.picture.element, this.stale, this.untrained, this.rule], {
        under: true,
        controls: [asking, this.player, this.refusal],
        more: [knobs[0], drawing, html("p", { class: "mg-title" }, "Asked so far"), this.asked],
      }),
    ];
  }

  reset() {
    this.history = [];
    this.key = "";
    this.refuse("");
    super.reset();
    this.field.value = TOY_TOKENS[Number(this.values.token)];
  }

  /** @private @param {string} line */
  refuse(line) {
    this.refusal.textContent = line;
    this.field.toggleAttribute("aria-invalid", line !== "");
  }

  /** @private @param {string} text */
  send(text) {
    const token = this.attempt(this.refusal, () => firstToken(text));
    this.refuse(this.refusal.textContent);
    if (token === undefined) return this.field.focus();
    this.field.value = TOY_TOKENS[token];
    this.ask({ token: String(token) }, true);
  }

  /**
   * Asks with other settings; plays what comes where the reader likes motion.
   * @private
   * @param {Record<string, any>} changes
   * @param {boolean} [plays]
   */
  ask(changes, plays = false) {
    const { player } = this;
    if (!player) return;
    player.pause();
    const isStill = !plays || prefersLessMotion();
    this.key = ""; // anew, with the weights of now
    this.set({ ...changes, at: isStill ? MOST_TOKENS : 0 });
    if (isStill || player.last === 0) return;
    player.play();
    this.wave();
  }

  /** Lets the toy write with the weights as they are. @private */
  write() {
    const { token, seed, t } = this.values;
    this.version = liveToy.version;
    this.weights = liveToy.weights();
    const how = { token: Number(token), seed, temperature: t };
    this.steps = writtenBy(this.weights, how);
    this.first = writtenBy(toyWeights(), how);
    this.isTrained = liveToy.steps > 0;
    if (this.player) this.player.steps = this.steps.map(stepText);
    const line =
      `${TOY_TOKENS[how.token]} → ${this.tokensOf(this.steps)} ` +
      `(${liveToy.steps ? `after ${liveToy.history()}` : "untrained"}, seed ` +
      `${seed}${t === 1 ? "" : `, temperature ${t}`})`;
    if (this.history[0] !== line) this.history = [line, ...this.history].slice(0, IN_HISTORY);
    this.asked.replaceChildren(...this.history.map((text) => html("li", {}, text)));
  }

  /** @private @param {{token: number}[]} steps */
  tokensOf(steps) {
    return steps.map(({ token }) => TOY_TOKENS[token]).join(" ");
  }

  /** The columns light up one after the other. @private */
  wave() {
    clearInterval(this.clock);
    let column = 0;
    this.picture?.light(0);
    this.clock = setInterval(
      () =>
        this.guard(() => {
          column++;
          const isOver = column >= COLUMNS.length;
          if (isOver) clearInterval(this.clock);
          this.picture?.light(isOver ? null : column);
        }),
      LIGHT_MS,
    );
  }

  /** @private */
  showStale() {
    const isStale = liveToy.version !== this.version && !liveToy.busy;
    const text = isStale
      ? `The weights have changed since: they are ${liveToy.badge} now. Send again.`
      : "";
    if (this.stale.textContent !== text) this.stale.textContent = text;
  }

  show() {
    const { token, seed, t } = this.values;
    const key = `${token} ${seed} ${t}`;
    if (this.key !== key) this.write();
    this.key = key;
    const { steps } = this;
    const at = Math.min(this.values.at, steps.length - 1);
    const now = steps[at];
    this.picture?.feed(this.weights, now.fed);
    this.tokens?.forEach((key, i) => key.toggleAttribute("data-fed", i === now.fed));
    const chip = (/** @type {number} */ i, /** @type {string} */ mark) =>
      html("span", { class: "lt-token", "data-mark": mark }, TOY_TOKENS[i]);
    this.line.replaceChildren(
      chip(Number(token), "given"),
      ...steps
        .slice(0, at + 1)
        .flatMap((step, i) => ["→ ", chip(step.token, i === at ? "now" : "drawn")]),
      at + 1 < steps.length ? "…" : "",
    );
    this.untrained.textContent = this.isTrained
      ? `Untrained, the same draws make: ${this.tokensOf(this.first)}.`
      : "";
    this.showStale();
    const end =
      at + 1 < steps.length
        ? ""
        : now.token
          ? ` Stopped after ${MOST_TOKENS} tokens.`
          : " BOS ends it.";
    this.summary(
      `${this.isTrained ? "Trained" : "Untrained"}. ${stepText(now)}. So far: ` +
        `${TOY_TOKENS[Number(token)]} ${this.tokensOf(steps.slice(0, at + 1))}.${end}`,
    );
  }
}

define("mg-toy-chat", MgToyChat);
