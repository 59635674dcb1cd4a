// <mg-chat>: the trained model writes names in the page. What it does is in
// js/figures/trained/chat.js, which is fetched, with the model, when the reader first sends
// something.
//
// Of the text in the tag, what has the class `opening` stays as the first lines of the
// conversation.

import { button, freshId, html } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { MicrogptError } from "../js/errors.js";
import "../js/kit/number.js";
import {
  copyLink,
  isHidden,
  numberField,
  problemLine,
  seedField,
  textField,
  urlState,
} from "../js/kit/state.js";
import { written } from "../js/kit/text.js";

/** @typedef {import("../js/figures/trained/chat.js").Message} Message */
/** @typedef {import("../js/figures/trained/chat.js").Name} Name */
/** @typedef {import("../js/figures/trained/chat.js").Writer} Writer */
/** @typedef {import("../js/kit/number.js").MgNumber} MgNumber */

const FILES = new URL("../files/", import.meta.url);
const IN_LINK = 1200; // characters of a conversation that a link carries
const MOST_TURNS = 50; // older ones leave the page
const MEANINGS = /** @type {const} */ ([
  ["trained", "it saw this name in training"],
  ["file", "in the list of names, never shown to it"],
  ["new", "in no list: its own"],
]);
const EXAMPLES = ["ann", "k z", ""];

/** @type {Promise<[typeof import("../js/figures/trained/chat.js"), Writer]> | null} */
let opening = null;

/** Module, model and names: fetched once, and again after a failure. */
function opened() {
  opening ??= (async () => {
    const chat = await import("../js/figures/trained/chat.js");
    const text = async (/** @type {string} */ name) => {
      const answer = await fetch(new URL(name, FILES));
      if (!answer.ok)
        throw new MicrogptError(
          `${name} can't be fetched (${answer.status}).`,
          "Is the guide still being served?",
        );
      return answer.text();
    };
    const writer = await chat.openWriter({
      text,
      kernel: new URL("../js/kernel.wasm", import.meta.url),
    });
    return /** @type {[typeof chat, Writer]} */ ([chat, writer]);
  })();
  opening.catch(() => (opening = null));
  return opening;
}

class MgChat extends KitElement {
  constructor() {
    super();
    /** @private @type {typeof import("../js/figures/trained/chat.js") | null} */ this.chat = null;
    /** @private @type {Writer | null} */ this.writer = null;
    /** @private @type {Message[]} */ this.messages = [];
    /** @private an answer on its way whose round is over isn't wanted any more */ this.round = 0;
    /** @private */ this.waiting = false;
  }

  build() {
    this.state = urlState("chat", {
      text: textField("", 400),
      t: numberField(0.7, 0.1, 2),
      seed: seedField(),
      said: textField("", 2 * IN_LINK),
    });
    this.whenLeaving(() => this.state?.close());
    this.messages = [];
    this.waiting = false;
    this.log = html("ol", { class: "chat-log", "aria-label": "Conversation" });
    this.log.append(...this.openingLines());
    this.shared = html("p", { class: "chat-shared" });
    this.replaceChildren(
      html(
        "div",
        { class: "chat-scroll", tabindex: 0, role: "region", "aria-label": "Conversation" },
        this.log,
      ),
      this.shared,
      this.form(),
      this.settings(),
      this.underneath(),
    );
    this.showState();
    this.state.onChange(() => this.showState());
    this.summary(
      "Nothing sent yet. Type how a name should begin, or leave the field empty, and send.",
    );
  }

  /** What stood in the page, as the model's first lines. @private */
  openingLines() {
    const kept = this.fallback.filter(
      (node) => node instanceof Element && node.matches(".opening"),
    );
    return kept.length
      ? [html("li", { class: "chat-turn" }, html("div", { class: "chat-said" }, ...kept))]
      : [];
  }

  /** @private */
  form() {
    const id = freshId("chat");
    this.field = html("input", {
      id,
      class: "mg-field chat-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      enterkeyhint: "send",
      "aria-describedby": `${id}-refused ${id}-help`,
      placeholder: "ann",
    });
    this.refusal = html("p", { id: `${id}-refused`, class: "chat-refused", role: "alert" });
    this.send = button("Send", { class: "mg-button chat-send" });
    const examples = html("div", { class: "mg-row", role: "group", "aria-label": "Examples" });
    for (const text of EXAMPLES) {
      const example = button(text || "from nothing", { class: "mg-button mg-quiet chat-example" });
      this.listen(example, "click", () => this.say(text));
      examples.append(example);
    }
    this.listen(this.send, "click", () => this.say(this.typed));
    this.listen(this.field, "keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      return this.say(this.typed);
    });
    this.listen(this.field, "input", () => {
      this.refuse("");
      if (this.typed.length <= 400) this.state?.set({ text: this.typed });
    });
    return html(
      "div",
      { class: "chat-form", role: "group", "aria-label": "Your message" },
      html("label", { for: id }, "How should the name begin?"),
      html("div", { class: "chat-row" }, this.field, this.send),
      this.refusal,
      html(
        "p",
        { id: `${id}-help`, class: "mg-note" },
        "A space begins another name; an empty field leaves all letters to the model.",
      ),
      html("div", { class: "mg-row" }, html("span", { class: "mg-soft" }, "Try:"), examples),
    );
  }

  /** @private */
  settings() {
    const number = (/** @type {Record<string, any>} */ attributes) =>
      /** @type {MgNumber} */ (html(/** @type {any} */ ("mg-number"), attributes));
    this.temperature = number({
      label: "Temperature",
      control: "temperature",
      value: 0.7,
      min: 0.1,
      max: 2,
      step: 0.05,
      digits: 2,
      slider: true,
    });
    this.seed = number({ label: "Seed", control: "seed", value: 42, min: 0, step: 1, whole: true });
    this.listen(this.temperature, "mg-input mg-change", ({ detail }) =>
      this.state?.set({ t: detail.value }),
    );
    this.listen(this.seed, "mg-input mg-change", ({ detail }) =>
      this.state?.set({ seed: Math.min(detail.value, 2 ** 32 - 1) }),
    );
    const reset = button("Reset");
    this.listen(reset, "click", () => this.reset());
    const tools = html("div", { class: "mg-row chat-tools" }, this.seed);
    if (!isHidden("reset")) tools.append(reset);
    if (this.state && !isHidden("link"))
      tools.append(copyLink(this.state), problemLine(this.state));
    return html("div", { class: "chat-settings" }, this.temperature, tools);
  }

  /** Legend, and how to go on elsewhere. @private */
  underneath() {
    const legend = html("ul", { class: "chat-legend" });
    legend.append(
      html("li", {}, ...nameParts("ann", ""), " letters that you gave; the others are its own"),
    );
    for (const [mark, meaning] of MEANINGS)
      legend.append(html("li", {}, markOf(mark), ` ${meaning}`));
    this.commands = html("div", { class: "chat-commands" });
    const files = ["model.json", "sampler.py", "sampler.mjs"].map((name) =>
      html("li", {}, html("a", { href: new URL(name, FILES).pathname, download: true }, name)),
    );
    const home = html(
      "details",
      { class: "chat-home" },
      html("summary", {}, "The same on your own machine"),
      html("p", {}, "Put the model and a sampler, in Python or in JavaScript, into one folder:"),
      html("ul", {}, ...files),
      this.commands,
    );
    return html("div", { class: "chat-under" }, legend, home);
  }

  get typed() {
    return this.field?.value ?? "";
  }

  /** @private @param {string} line */
  refuse(line) {
    if (!this.refusal || !this.field) return;
    this.refusal.textContent = line;
    this.field.toggleAttribute("aria-invalid", line !== "");
  }

  /** Shows what the address holds; what it brings of a conversation waits for a click. @private */
  showState() {
    const { state, field, temperature, seed } = this;
    if (!state || !field || !temperature || !seed) return;
    const { text, t, seed: next, said } = state.values;
    if (field.value !== text && this.ownerDocument.activeElement !== field) field.value = text;
    temperature.value = t;
    seed.value = next;
    this.showCommands();
    if (this.chat && said === this.chat.writeMessages(this.messages, IN_LINK))
      this.shared?.replaceChildren();
    else this.offer(said);
  }

  /** @private @param {string} said */
  offer(said) {
    const count = said ? said.split("|").length : 0;
    if (!this.shared) return;
    this.shared.replaceChildren();
    if (!count || this.waiting) return;
    const show = button(count === 1 ? "Show it" : "Show them");
    show.addEventListener("click", () => this.guard(() => this.replay(said)));
    this.shared.append(
      `This link holds ${count === 1 ? "a message" : `${count} messages`}. `,
      show,
    );
  }

  /** @private */
  showCommands() {
    const { t, seed } = this.state?.values ?? {};
    const last = this.messages.at(-1) ?? { seed, temperature: t, text: "ann" };
    const words =
      this.chat?.argumentsOf(last) ?? `--seed ${last.seed} --temperature ${last.temperature} ann`;
    const lines = [`python sampler.py ${words}`, `node sampler.mjs ${words}`];
    this.commands?.replaceChildren(...lines.map((line) => html("pre", {}, html("code", {}, line))));
  }

  /** The module and the writer, with a line while they come; null if they don't. @private */
  async ready() {
    const label = this.send?.textContent ?? "";
    if (!this.writer) this.send?.replaceChildren("Fetching …");
    try {
      [this.chat, this.writer] = await opened();
    } catch (error) {
      if (!(error instanceof MicrogptError)) console.error(error);
      const why =
        error instanceof MicrogptError ? error.message : "The model could not be fetched.";
      this.refuse(`${why} Send again to try once more.`);
      return null;
    } finally {
      this.send?.replaceChildren(label);
    }
    return { chat: this.chat, writer: this.writer };
  }

  /** Sends what is given. @private @param {string} text */
  async say(text) {
    const { state } = this;
    if (!state || this.waiting) return;
    this.refuse("");
    this.waiting = true;
    const mine = this.round;
    const both = await this.ready();
    this.waiting = false;
    if (!both || mine !== this.round || !this.isConnected) return;
    const message = { seed: state.values.seed, temperature: state.values.t, text };
    if (!this.answer(message)) return;
    if (this.field) this.field.value = "";
    const said = both.chat.writeMessages(this.messages, IN_LINK);
    state.set({ text: "", said, seed: message.seed < both.chat.LAST_SEED ? message.seed + 1 : 0 });
  }

  /** Adds a message and its names; says in place why not. @private @param {Message} message */
  answer(message) {
    const { chat, writer } = this;
    if (!chat || !writer) return false;
    let names;
    try {
      names = writer.answer(message);
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      this.refuse(error.message);
      this.field?.focus();
      return false;
    }
    this.messages.push(message);
    const turn = html(
      "li",
      { class: "chat-turn" },
      html(
        "p",
        { class: "chat-asked" },
        html("span", { class: "chat-typed" }, message.text.trim() || "from nothing"),
        html(
          "span",
          { class: "mg-soft" },
          ` seed ${message.seed}, temperature ${temperatureOf(message)}`,
        ),
      ),
      html(
        "ul",
        { class: "chat-said" },
        ...names.map((/** @type {Name} */ name) =>
          html("li", {}, ...nameParts(name.prefix, name.rest), " ", markOf(name.mark)),
        ),
      ),
    );
    this.log?.append(turn);
    while (this.log && this.log.children.length > MOST_TURNS) this.log.firstElementChild?.remove();
    this.messages.splice(0, Math.max(0, this.messages.length - MOST_TURNS));
    const box = this.log?.parentElement;
    if (box) box.scrollTop = box.scrollHeight;
    const slow = writer.plain
      ? " Worked out in plain JavaScript: this browser has no WebAssembly for it."
      : "";
    this.summary(`It wrote ${chat.inWords(names)}.${slow}`);
    return true;
  }

  /** The conversation of a link, message by message. @private @param {string} said */
  async replay(said) {
    const both = await this.ready();
    if (!both || !this.state) return;
    this.clear();
    for (const message of both.chat.readMessages(said)) this.answer(message);
    this.refuse("");
    this.state.set({ said: both.chat.writeMessages(this.messages, IN_LINK) });
    this.log?.parentElement?.focus();
  }

  /** @private */
  clear() {
    this.round++;
    this.messages = [];
    this.log?.replaceChildren(...this.openingLines());
    this.refuse("");
  }

  /** @private */
  reset() {
    this.clear();
    if (this.field) this.field.value = "";
    this.state?.reset();
    this.field?.focus();
    this.summary("Everything is as it was at first: temperature 0.70, seed 42, nothing sent.");
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
