// <mg-toy-chat>: the toy GPT of the page writes, token by token along its picture: with the
// weights that <mg-toy-training> has trained, or untrained. Each token is fed at position 2 with
// the pinned cache.

import {
  FIRST_CHAT,
  firstToken,
  liveToy,
  MOST_TOKENS,
  stepText,
  writtenBy,
} from "../js/figures/toy/live-toy.js";
import { COLUMNS } from "../js/figures/toy/live-toy-plan.js";
import { ToyPicture } from "../js/figures/toy/live-toy-picture.js";
import { InputError } from "../js/errors.js";
import { freshId, html, prefersLessMotion } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { choiceField, numberField, seedField, urlState, wholeField } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { actor, numberInput, tools } from "../js/figures/parts.js";
import { TOY_TOKENS, toyWeights } from "../js/numbers/toy.js";

/** @typedef {import("../js/kit/stepper.js").MgStepper} MgStepper */

const LIGHT_MS = 90;
const IN_HISTORY = 12;

class MgToyChat extends KitElement {
  build() {
    const state = urlState("toy-chat", {
      token: choiceField(String(FIRST_CHAT.token), ["0", "1", "2", "3"]),
      seed: seedField(FIRST_CHAT.seed),
      t: numberField(1, 0.1, 2),
      at: wholeField(MOST_TOKENS, 0, MOST_TOKENS),
    });
    this.state = state;
    /** @private @type {string[]} */ this.history = [];
    const id = freshId("toy-chat");
    this.field = html("input", {
      id,
      class: "mg-field lt-asked",
      type: "text",
      value: TOY_TOKENS[Number(state.values.token)],
      maxlength: 40,
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      enterkeyhint: "send",
      "aria-describedby": `${id}-said`,
    });
    this.refusal = html("p", { id: `${id}-said`, class: "lt-refused", role: "alert" });
    this.listen(this.field, "keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      this.send(this.field?.value ?? "");
    });
    const quick = TOY_TOKENS.map((name) =>
      actor(this, name, () => this.send(name), { "aria-label": `Ask with ${name}` }),
    );
    this.t = numberInput(
      this,
      {
        label: "Temperature",
        control: "temperature",
        value: 1,
        min: 0.1,
        max: 2,
        step: 0.1,
        digits: 1,
        slider: true,
      },
      (t) => this.ask({ t, at: MOST_TOKENS }),
    );
    this.seed = numberInput(
      this,
      {
        label: "Seed",
        control: "seed",
        value: FIRST_CHAT.seed,
        min: 0,
        max: 2 ** 32 - 1,
        step: 1,
        whole: true,
      },
      (seed) => this.ask({ seed, at: MOST_TOKENS }),
    );
    this.picture = new ToyPicture(this, "The toy GPT, writing");
    this.stepper = /** @type {MgStepper} */ (
      html(/** @type {any} */ ("mg-stepper"), { label: "Token by token", pace: 1400 })
    );
    this.listen(this.stepper, "mg-step", ({ detail }) => {
      state.set({ at: detail.at });
      if (detail.animate) this.wave();
    });
    this.line = html("p", { class: "lt-line net-flow", "aria-hidden": "true" });
    this.stale = html("p", { class: "lt-stale" });
    this.untrained = html("p", { class: "mg-note" });
    this.asked = html("ol", { class: "lt-log" });
    this.replaceChildren(
      html(
        "div",
        { class: "mg-row" },
        html("label", { for: id }, "First token: BOS, a, b or c"),
        this.field,
        actor(this, "Send", () => this.send(this.field?.value ?? "")),
        ...quick,
      ),
      this.refusal,
      this.stale,
      this.line,
      this.stepper,
      this.picture.element,
      this.untrained,
      html(
        "div",
        { class: "net-fields" },
        this.t,
        html(
          "div",
          { class: "mg-row" },
          this.seed,
          actor(this, "Other draws", () =>
            this.ask({ seed: (state.values.seed + 1) % 2 ** 32, at: 0 }, true),
          ),
        ),
      ),
      html("h3", {}, "Asked so far"),
      this.asked,
      html(
        "p",
        { class: "mg-note" },
        "Each token is fed at position 2 with the pinned cache, as in training: the toy sees " +
          `the last token alone. It stops at BOS, or after ${MOST_TOKENS} tokens.`,
      ),
      tools(this, state, [], () => this.reset()),
    );
    this.whenLeaving(() => {
      clearInterval(this.clock);
      state.close();
    });
    this.whenLeaving(state.onChange(() => this.guard(() => this.show())));
    this.whenLeaving(liveToy.onChange(() => this.guard(() => this.showStale())));
    this.write();
  }

  /** @private */
  reset() {
    this.history = [];
    this.key = "";
    this.refuse("");
    this.state?.reset();
    if (this.field && this.state) this.field.value = TOY_TOKENS[Number(this.state.values.token)];
    this.write();
  }

  /** @private @param {string} line */
  refuse(line) {
    if (this.refusal) this.refusal.textContent = line;
    this.field?.toggleAttribute("aria-invalid", line !== "");
  }

  /** @private @param {string} text */
  send(text) {
    try {
      const token = firstToken(text);
      this.refuse("");
      if (this.field) this.field.value = TOY_TOKENS[token];
      this.ask({ token: String(token), at: 0 }, true);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.refuse(error.message);
      this.field?.focus();
    }
  }

  /**
   * Asks with other settings; plays what comes where the reader likes motion.
   * @private
   * @param {Record<string, any>} changes
   * @param {boolean} [plays]
   */
  ask(changes, plays = false) {
    const { state, stepper } = this;
    if (!state || !stepper) return;
    stepper.pause();
    const isStill = !plays || prefersLessMotion();
    this.key = ""; // anew, with the weights of now
    state.set({ ...changes, at: isStill ? MOST_TOKENS : 0 });
    if (isStill || stepper.last === 0) return;
    stepper.play();
    this.wave();
  }

  /** Lets the toy write with the weights as they are. @private */
  write() {
    const { state, stepper } = this;
    if (!state || !stepper) return;
    const { token, seed, t } = state.values;
    this.key = `${token} ${seed} ${t}`;
    this.version = liveToy.version;
    this.weights = liveToy.weights();
    const how = { token: Number(token), seed, temperature: t };
    this.steps = writtenBy(this.weights, how);
    this.first = writtenBy(toyWeights(), how);
    this.isTrained = liveToy.steps > 0;
    stepper.steps = this.steps.map(stepText);
    const line =
      `${TOY_TOKENS[how.token]} → ${this.text(this.steps)} ` +
      `(${liveToy.steps ? `after ${liveToy.history()}` : "untrained"}, seed ` +
      `${seed}${t === 1 ? "" : `, temperature ${t}`})`;
    if (this.history && this.history[0] !== line)
      this.history = [line, ...this.history].slice(0, IN_HISTORY);
    this.asked?.replaceChildren(...(this.history ?? []).map((text) => html("li", {}, text)));
    this.show();
  }

  /** @private @param {{token: number}[]} steps */
  text(steps) {
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
    if (this.stale && this.stale.textContent !== text) this.stale.textContent = text;
  }

  /** @private */
  show() {
    const { state, stepper, picture, steps } = this;
    if (!state || !stepper || !picture) return;
    const { token, seed, t } = state.values;
    if (this.key !== `${token} ${seed} ${t}` || !steps) return this.write();
    const at = Math.min(state.values.at, steps.length - 1);
    if (stepper.at !== at) stepper.at = at;
    if (this.t && this.t.value !== t) this.t.value = t;
    if (this.seed && this.seed.value !== seed) this.seed.value = seed;
    const now = steps[at];
    picture.show(/** @type {any} */ (this.weights), now.fed);
    const chip = (/** @type {number} */ i, /** @type {string} */ mark) =>
      html("span", { class: "net-chip", "data-mark": mark }, TOY_TOKENS[i]);
    this.line?.replaceChildren(
      chip(Number(token), "given"),
      ...steps
        .slice(0, at + 1)
        .flatMap((step, i) => ["→ ", chip(step.token, i === at ? "now" : "drawn")]),
      at + 1 < steps.length ? "…" : "",
    );
    if (this.untrained && this.first) {
      const said = this.text(this.first);
      this.untrained.textContent = this.isTrained ? `Untrained, the same draws make: ${said}.` : "";
    }
    this.showStale();
    const end =
      at + 1 < steps.length
        ? ""
        : now.token
          ? ` Stopped after ${MOST_TOKENS} tokens.`
          : " BOS ends it.";
    this.summary(
      `${this.isTrained ? "Trained" : "Untrained"}. ${stepText(now)}. So far: ` +
        `${TOY_TOKENS[Number(token)]} ${this.text(steps.slice(0, at + 1))}.${end}`,
    );
  }
}

define("mg-toy-chat", MgToyChat);
