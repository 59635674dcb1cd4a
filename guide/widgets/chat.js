// <mg-chat>: the trained model as a picture that lights up while one types, the probabilities of
// the next letter, and names drawn from them letter by letter. The picture needs files/model.f32
// alone; what writes (js/figures/trained/chat.js, model.json) is fetched when the reader turns to
// the field, the list of names, for the marks, when something is sent.

import { marked as seen } from "../js/characters.js";
import { MicrogptError } from "../js/errors.js";
import { fetched } from "../js/figures/fetched.js";
import { examples, messageField } from "../js/figures/message-field.js";
import { typedNow } from "../js/figures/trained/prefixes.js";
import { Reading, readFloats } from "../js/figures/trained/reading.js";
import { Relief } from "../js/figures/trained/relief.js";
import { Stage } from "../js/figures/trained/stage.js";
import { button, html, prefersLessMotion } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { numberField, seedField, textField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { floats, softmax } from "../js/numbers/arithmetic.js";

/** @typedef {typeof import("../js/figures/trained/chat.js")} Chat */
/** @typedef {import("../js/figures/trained/chat.js").Letter} Letter */
/** @typedef {import("../js/figures/trained/chat.js").Mark} Mark */
/** @typedef {import("../js/figures/trained/chat.js").Message} Message */
/** @typedef {import("../js/figures/trained/chat.js").Name} Name */
/** @typedef {import("../js/figures/trained/chat.js").Writer} Writer */

const FILES = new URL("../files/", import.meta.url);
const LETTERS = Object.freeze([..."abcdefghijklmnopqrstuvwxyz"]);
const NAMES = Object.freeze([...LETTERS, "end"]); // of the tokens
const IN_LINK = 1200; // characters of a conversation that a link carries
const MOST_TURNS = 50; // older ones leave the page
const LETTER_MS = 480; // from one letter's draw to the next
const ALL_MS = 9000; // many names come faster
const MEANINGS = /** @type {const} */ ([
  ["trained", "it saw this name in training"],
  ["file", "in the list of names, never shown to it"],
  ["new", "not in the list: its own"],
]);
const EXAMPLES = { ann: "ann", "k z": "k z", "from scratch": "" };

const text = async (/** @type {string} */ name) => (await fetched(new URL(name, FILES))).text();

/**
 * Fetched once a page, and again after a failure.
 * @template T
 * @param {() => Promise<T>} fetch
 */
function once(fetch) {
  /** @type {Promise<T> | null} */
  let coming = null;
  return () => {
    coming ??= fetch();
    coming.catch(() => (coming = null));
    return coming;
  };
}
const weights = once(async () =>
  readFloats(await (await fetched(new URL("model.f32", FILES))).arrayBuffer()),
);
const opened = once(async () => {
  const chat = await import("../js/figures/trained/chat.js");
  return { chat, writer: await chat.openWriter(text) };
});
const marks = once(async () => (await opened()).chat.openMarks(text));

class MgChat extends Widget {
  fields = {
    text: textField("", 400),
    t: numberField(0.7, 0.1, 2),
    seed: seedField(),
    said: textField("", 2 * IN_LINK),
  };
  log = html("ol", { class: "chat-log", "aria-label": "Conversation" });
  box = html(
    "div",
    { class: "chat-scroll", tabindex: 0, role: "region", "aria-label": "Conversation" },
    this.log,
  );
  shared = html("p", { class: "chat-shared" });
  commands = html("div", { class: "chat-commands" });
  model = /** @type {Reading} */ ({});
  relief = /** @type {Relief} */ ({});
  stage = /** @type {Stage} */ ({});
  /** @private @type {Chat | null} */ chat = null;
  /** @private @type {Writer | null} */ writer = null;
  /** @private @type {Message[]} */ messages = [];
  /** @private an answer on its way whose round is over isn't wanted any more */ round = 0;
  /** @private */ waiting = false;
  /** @private ends the wait for the next letter @type {(() => void) | null} */ hurry = null;
  /** @private the beginning that the picture shows */ begun = "";
  /**
   * @private whose activations light the cells
   * @type {{begun: string, step: ReturnType<Reading["after"]>} | null}
   */
  lit = null;
  /** @private the draw that is looked at instead @type {Letter | null} */ drawn = null;
  /** @private @type {Letter[]} */ letters = [];
  /** @private temperature and text that the picture follows */ seen = "";

  async load() {
    this.model = new Reading(await weights());
  }

  build() {
    this.messages = [];
    this.waiting = false;
    this.drawn = this.lit = null;
    this.hurry = null;
    this.begun = this.seen = "";
    this.log.replaceChildren();
    this.box.hidden = true;
    this.relief = new Relief(this, this.model);
    this.stage = new Stage(this, NAMES, (letter) => this.lookAt(letter));
    const temperature = this.knob("t", {
      label: "Temperature",
      control: "temperature",
      step: 0.05,
      digits: 2,
      slider: true,
    });
    const picture = html(
      "div",
      { class: "chat-picture" },
      html("div", { class: "chat-model" }, this.relief.element, this.relief.readout),
      html("div", { class: "chat-side" }, this.form(), this.stage.box, temperature),
    );
    const more = [this.settings(), this.underneath()];
    return [this.figure(picture, { more, under: true }), this.shared, this.box];
  }

  put() {
    super.put();
    this.relief.dress();
    const more = this.commands.closest("details");
    if (more) this.listen(more, "toggle", () => this.showCommands());
  }

  leave() {
    this.round++;
    this.hurry?.();
    super.leave();
  }

  /** @private */
  form() {
    const say = (/** @type {string} */ text) => this.say(text);
    const label = "How should the name begin?";
    const how = { label, button: "Send", send: say };
    this.message = messageField(this, how, { placeholder: "ann" });
    const { field, refused, parts } = this.message;
    refused.classList.add("chat-refused");
    this.listen(field, "focus", () => {
      opened().catch(() => {}); // what is wrong is said when something is sent
    });
    this.listen(field, "input", () => {
      this.refuse("");
      this.hurry?.();
      if (field.value.length <= 400) this.set({ text: field.value });
    });
    this.follow(({ text }) => {
      if (document.activeElement !== field) field.value = text;
    });
    return html(
      "div",
      { class: "chat-form", role: "group", "aria-label": "Your message" },
      ...parts,
    );
  }

  /** What is rarely needed: the seed, and examples. @private */
  settings() {
    return html(
      "div",
      { class: "chat-settings" },
      html(
        "p",
        { class: "mg-note" },
        "A space starts another name; an empty field leaves all letters to the model. A cell is " +
          "raised above zero and sunk below. It is as bright as the number that it adds for the " +
          "last letter, its own times the activation that it meets, is large in its matrix.",
      ),
      examples(this, EXAMPLES, (one) => this.say(one)),
      this.knob("seed", { label: "Seed" }),
    );
  }

  /** Legend, and how to go on elsewhere. @private */
  underneath() {
    const legend = html("ul", { class: "chat-legend" });
    legend.append(
      html("li", {}, ...nameParts("ann", ""), " letters that you gave; the others are its own"),
    );
    for (const [mark, meaning] of MEANINGS)
      legend.append(html("li", {}, markOf(mark), ` ${meaning}`));
    const files = ["model.json", "sampler.py", "sampler.mjs"].map((name) =>
      html("li", {}, html("a", { href: new URL(name, FILES).pathname, download: true }, name)),
    );
    return html(
      "div",
      { class: "chat-under" },
      legend,
      html("p", {}, "The same on your own machine: put the model and a sampler into one folder."),
      html("ul", { class: "chat-files" }, ...files),
      this.commands,
    );
  }

  /** @private @param {string} line */
  refuse(line) {
    if (this.message) this.message.refused.textContent = line;
    this.message?.field.toggleAttribute("aria-invalid", line !== "");
  }

  /** What the address brings of a conversation waits for a click. */
  show() {
    const { said, text, t } = this.values;
    this.showCommands();
    if (this.chat && said === this.chat.writeMessages(this.messages, IN_LINK))
      this.shared.replaceChildren();
    else this.offer(said);
    const now = `${t} ${text}`;
    if (now !== this.seen) this.drawn = null; // what was drawn gives way to what is typed
    this.seen = now;
    this.begun = typedNow(text, { uchars: LETTERS, most: 15 }) ?? this.begun;
    if (!this.waiting && !this.drawn) this.showTyped();
  }

  /** Bars and light of the beginning in the field. @private */
  showTyped() {
    const { begun } = this;
    const { t } = this.values;
    // Another temperature changes the bars alone, and they follow it at once.
    const isNew = this.lit?.begun !== begun;
    if (isNew) {
      const tokens = [...begun].map((letter) => LETTERS.indexOf(letter));
      this.lit = { begun, step: this.model.after(tokens) };
      this.relief.show(this.lit.step);
    }
    const { step } = /** @type {NonNullable<typeof this.lit>} */ (this.lit);
    const probs = softmax(
      floats,
      step.logits.map((logit) => logit * (1 / t)),
    );
    this.stage.show({ probs, isAtOnce: !isNew });
    if (!this.letters.length) this.stage.clear();
    this.stage.press(-1);
    const ranked = [...probs.keys()].sort((a, b) => probs[b] - probs[a]).slice(0, 3);
    const likely = ranked.map((i) => `${NAMES[i]} ${written(probs[i], 2)}`).join(", ");
    this.summary(
      `${begun ? `After “${begun}”` : "At the beginning of a name"}, at temperature ` +
        `${written(t, 2)}, most likely: ${likely}.`,
    );
  }

  /** How a letter was drawn. @private @param {Letter} letter */
  lookAt(letter) {
    this.drawn = letter;
    this.lit = null;
    this.relief.show(this.model.after(letter.before));
    this.stage.show({ probs: letter.probs, draw: letter });
    this.stage.press(this.letters.indexOf(letter));
  }

  /** @private @param {string} said */
  offer(said) {
    const count = said ? said.split("|").length : 0;
    this.shared.replaceChildren();
    if (!count || this.waiting) return;
    const show = button(count === 1 ? "Show it" : "Show them");
    show.addEventListener("click", () => this.guard(() => this.replay(said)));
    const what = count === 1 ? "a message" : `${count} messages`;
    this.shared.append(`This link holds ${what}. `, show);
  }

  /** @private */
  showCommands() {
    // Folded away they would still fetch the font of code.
    if (!this.commands.closest("details")?.open) return;
    const { t, seed } = this.values;
    const last = this.messages.at(-1) ?? { seed, temperature: t, text: "ann" };
    const words =
      this.chat?.argumentsOf(last) ?? `--seed ${last.seed} --temperature ${last.temperature} ann`;
    const lines = [`python sampler.py ${words}`, `node sampler.mjs ${words}`];
    this.commands.replaceChildren(...lines.map((line) => html("pre", {}, html("code", {}, line))));
  }

  /** The module and the writer, with a line while they come; null if they don't. @private */
  async ready() {
    const sender = this.message?.sender;
    if (!this.writer) sender?.replaceChildren("Fetching …");
    try {
      ({ chat: this.chat, writer: this.writer } = await opened());
    } catch (error) {
      if (!(error instanceof MicrogptError)) console.error(error);
      const why =
        error instanceof MicrogptError ? error.message : "The model could not be fetched.";
      this.refuse(`${why} Send again to retry.`);
      return null;
    } finally {
      sender?.replaceChildren("Send");
    }
    return { chat: this.chat, writer: this.writer };
  }

  /** Sends what is given; while letters fall, lets them land. @private @param {string} text */
  async say(text) {
    if (this.waiting) return this.hurry?.();
    this.refuse("");
    this.waiting = true;
    const mine = this.round;
    try {
      const both = await this.ready();
      if (!both || mine !== this.round) return;
      const { seed, t: temperature } = this.values;
      const message = { seed, temperature, text };
      const names = this.namesOf(message);
      if (!names) return;
      if (this.message) this.message.field.value = "";
      this.seen = `${temperature} `;
      this.set({ text: "" });
      const marked = marks().catch(() => null); // without the list there are no marks
      this.message?.sender.replaceChildren("Skip");
      await this.fall(names, mine);
      const markOfName = await marked;
      if (mine !== this.round) return;
      for (const name of names) name.mark = markOfName?.(name.text);
      this.addTurn(message, names);
      const said = both.chat.writeMessages(this.messages, IN_LINK);
      const next = seed < both.chat.LAST_SEED ? seed + 1 : 0;
      this.waiting = false;
      this.set({ said, seed: next });
    } finally {
      if (mine === this.round) this.waiting = false;
      this.message?.sender.replaceChildren("Send");
    }
  }

  /**
   * The names of a message; where it can't be read, null, and in place why.
   * @private
   * @param {Message} message
   */
  namesOf(message) {
    try {
      return this.writer?.answer(message) ?? null;
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      this.refuse(error.message);
      this.message?.field.focus();
      return null;
    }
  }

  /**
   * Letter by letter: the bars, the draw, and the letter that falls.
   * @private
   * @param {Name[]} names
   * @param {number} mine
   */
  async fall(names, mine) {
    const count = names.reduce((sum, { letters }) => sum + letters.length, 0);
    const pause = Math.min(LETTER_MS, ALL_MS / Math.max(1, count));
    let hurried = prefersLessMotion() || document.hidden;
    for (const { prefix, letters } of names) {
      this.stage.begin(prefix);
      this.letters = letters;
      for (const [i, letter] of letters.entries()) {
        this.stage.add(letter);
        if (hurried) continue;
        this.lookAt(letter);
        this.stage.drop(letter, i);
        hurried = await new Promise((done) => {
          const timer = setTimeout(() => done(false), pause);
          this.hurry = () => {
            clearTimeout(timer);
            done(true);
          };
        });
        this.hurry = null;
        if (mine !== this.round) return;
      }
    }
    if (hurried) this.stage.still();
    const last = names.at(-1)?.letters.at(-1);
    if (last) this.lookAt(last);
  }

  /** A message and its names. @private @param {Message} message @param {Name[]} names */
  addTurn(message, names) {
    const { chat, log, box } = this;
    this.messages.push(message);
    const how = ` seed ${message.seed}, temperature ${temperatureOf(message)}`;
    const turn = html(
      "li",
      { class: "chat-turn" },
      html(
        "p",
        { class: "chat-asked" },
        html("span", { class: "chat-typed" }, seen(message.text.trim()) || "from scratch"),
        html("span", { class: "mg-soft" }, how),
      ),
      html(
        "ul",
        { class: "chat-said" },
        ...names.map(({ prefix, rest, mark }) =>
          html("li", {}, ...nameParts(prefix, rest), " ", ...(mark ? [markOf(mark)] : [])),
        ),
      ),
    );
    log.append(turn);
    box.hidden = false;
    while (log.children.length > MOST_TURNS) log.firstElementChild?.remove();
    this.messages.splice(0, Math.max(0, this.messages.length - MOST_TURNS));
    box.scrollTop = box.scrollHeight;
    const unmarked = names.every(({ mark }) => mark) ? "" : " The list of names didn't come.";
    this.summary(`It wrote ${chat?.inWords(names)}.${unmarked}`);
  }

  /** The conversation of a link, message by message. @private @param {string} said */
  async replay(said) {
    const both = await this.ready();
    const markOfName = await marks().catch(() => null);
    if (!both || !this.isConnected) return;
    this.clear();
    for (const message of both.chat.readMessages(said)) {
      const names = this.namesOf(message);
      if (!names) continue;
      for (const name of names) name.mark = markOfName?.(name.text);
      this.addTurn(message, names);
    }
    this.refuse("");
    this.set({ said: both.chat.writeMessages(this.messages, IN_LINK) });
    this.box.focus();
  }

  /** @private */
  clear() {
    this.round++;
    this.hurry?.();
    this.waiting = false;
    this.messages = [];
    this.letters = [];
    this.drawn = null;
    this.log.replaceChildren();
    this.box.hidden = true;
    this.refuse("");
  }

  reset() {
    this.clear();
    if (this.message) this.message.field.value = "";
    super.reset();
    this.message?.field.focus();
  }
}

/** Two decimals, or as many as were typed. @param {Message} message */
const temperatureOf = ({ temperature: t }) => written(t, Math.max(2, String(t).length - 2));

/**
 * A name's two kinds of letters; screen readers hear the name as one word.
 * @param {string} forced
 * @param {string} sampled
 */
function nameParts(forced, sampled) {
  const parts = [
    html("b", { class: "chat-forced" }, forced),
    html("span", { class: "chat-sampled" }, sampled),
  ];
  const empty = forced + sampled === "";
  return [
    html(
      "span",
      { class: "chat-name", "aria-hidden": "true" },
      ...(empty ? ["(it ended at once)"] : parts),
    ),
    html("span", { class: "chat-heard" }, empty ? "an empty name" : forced + sampled),
  ];
}

/** @param {string} mark */
const markOf = (mark) => html("span", { class: "chat-mark", "data-mark": mark }, mark);

define("mg-chat", MgChat);
