// <mg-chat>: the trained model writes names in the page. What it does is in
// js/figures/trained/chat.js, which is fetched, with the model, when the reader first sends
// something.
//
// Of the text in the tag, what has the class `opening` stays as the first lines of the
// conversation.

import { marked } from "../js/characters.js";
import { button, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { MicrogptError } from "../js/errors.js";
import { numberField, seedField, textField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { fetched } from "../js/figures/fetched.js";
import { examples, messageField } from "../js/figures/message-field.js";

/** @typedef {import("../js/figures/trained/chat.js").Message} Message */
/** @typedef {import("../js/figures/trained/chat.js").Name} Name */
/** @typedef {import("../js/figures/trained/chat.js").Writer} Writer */

const FILES = new URL("../files/", import.meta.url);
const IN_LINK = 1200; // characters of a conversation that a link carries
const MOST_TURNS = 50; // older ones leave the page
const MEANINGS = /** @type {const} */ ([
  ["trained", "it saw this name in training"],
  ["file", "in the list of names, never shown to it"],
  ["new", "not in the list: its own"],
]);
const EXAMPLES = { ann: "ann", "k z": "k z", "from scratch": "" };

/** @type {Promise<[typeof import("../js/figures/trained/chat.js"), Writer]> | null} */
let opening = null;

/** Module, model and names: fetched once, and again after a failure. */
function opened() {
  opening ??= (async () => {
    const chat = await import("../js/figures/trained/chat.js");
    const text = async (/** @type {string} */ name) => (await fetched(new URL(name, FILES))).text();
    const writer = await chat.openWriter({
      text,
      kernel: new URL("../js/kernel.wasm", import.meta.url),
    });
    return /** @type {[typeof chat, Writer]} */ ([chat, writer]);
  })();
  opening.catch(() => (opening = null));
  return opening;
}

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
  /** @private @type {typeof import("../js/figures/trained/chat.js") | null} */ chat = null;
  /** @private @type {Writer | null} */ writer = null;
  /** @private @type {Message[]} */ messages = [];
  /** @private an answer on its way whose round is over isn't wanted any more */ round = 0;
  /** @private */ waiting = false;

  build() {
    this.messages = [];
    this.waiting = false;
    this.log.replaceChildren(...this.openingLines());
    const settings = html(
      "div",
      { class: "chat-settings" },
      this.knob("t", {
        label: "Temperature",
        control: "temperature",
        step: 0.05,
        digits: 2,
        slider: true,
      }),
      this.tools(this.knob("seed", { label: "Seed" })),
    );
    return [this.box, this.shared, this.form(), settings, this.underneath()];
  }

  put() {
    super.put();
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
    const say = (/** @type {string} */ text) => this.say(text);
    const label = "How should the name begin?";
    const how = { label, button: "Send", send: say };
    this.message = messageField(this, how, { placeholder: "ann" });
    const { field, refused, parts } = this.message;
    const help = `${field.id}-help`;
    field.setAttribute("aria-describedby", `${refused.id} ${help}`);
    refused.classList.add("chat-refused");
    this.listen(field, "input", () => {
      this.refuse("");
      if (field.value.length <= 400) this.set({ text: field.value });
    });
    this.follow(({ text }) => {
      if (document.activeElement !== field) field.value = text;
    });
    return html(
      "div",
      { class: "chat-form", role: "group", "aria-label": "Your message" },
      ...parts,
      html(
        "p",
        { id: help, class: "mg-note" },
        "A space starts another name; an empty field leaves all letters to the model.",
      ),
      examples(this, EXAMPLES, say),
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

  /** @private @param {string} line */
  refuse(line) {
    if (this.message) this.message.refused.textContent = line;
    this.message?.field.toggleAttribute("aria-invalid", line !== "");
  }

  /** What the address brings of a conversation waits for a click. */
  show() {
    const { said } = this.values;
    this.showCommands();
    if (this.chat && said === this.chat.writeMessages(this.messages, IN_LINK))
      this.shared.replaceChildren();
    else this.offer(said);
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
      [this.chat, this.writer] = await opened();
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

  /** Sends what is given. @private @param {string} text */
  async say(text) {
    if (this.waiting) return;
    this.refuse("");
    this.waiting = true;
    const mine = this.round;
    const both = await this.ready();
    this.waiting = false;
    if (!both || mine !== this.round || !this.isConnected) return;
    const { seed, t: temperature } = this.values;
    if (!this.answer({ seed, temperature, text })) return;
    if (this.message) this.message.field.value = "";
    const said = both.chat.writeMessages(this.messages, IN_LINK);
    this.set({ text: "", said, seed: seed < both.chat.LAST_SEED ? seed + 1 : 0 });
  }

  /** Adds a message and its names; says in place why not. @private @param {Message} message */
  answer(message) {
    const { chat, writer, log, box } = this;
    if (!chat || !writer) return false;
    let names;
    try {
      names = writer.answer(message);
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      this.refuse(error.message);
      this.message?.field.focus();
      return false;
    }
    this.messages.push(message);
    const how = ` seed ${message.seed}, temperature ${temperatureOf(message)}`;
    const turn = html(
      "li",
      { class: "chat-turn" },
      html(
        "p",
        { class: "chat-asked" },
        html("span", { class: "chat-typed" }, marked(message.text.trim()) || "from scratch"),
        html("span", { class: "mg-soft" }, how),
      ),
      html(
        "ul",
        { class: "chat-said" },
        ...names.map((/** @type {Name} */ name) =>
          html("li", {}, ...nameParts(name.prefix, name.rest), " ", markOf(name.mark)),
        ),
      ),
    );
    log.append(turn);
    while (log.children.length > MOST_TURNS) log.firstElementChild?.remove();
    this.messages.splice(0, Math.max(0, this.messages.length - MOST_TURNS));
    box.scrollTop = box.scrollHeight;
    const slow = writer.plain
      ? " Worked out in plain JavaScript: this browser has no WebAssembly for it."
      : "";
    this.summary(`It wrote ${chat.inWords(names)}.${slow}`);
    return true;
  }

  /** The conversation of a link, message by message. @private @param {string} said */
  async replay(said) {
    const both = await this.ready();
    if (!both) return;
    this.clear();
    for (const message of both.chat.readMessages(said)) this.answer(message);
    this.refuse("");
    this.set({ said: both.chat.writeMessages(this.messages, IN_LINK) });
    this.box.focus();
  }

  /** @private */
  clear() {
    this.round++;
    this.messages = [];
    this.log.replaceChildren(...this.openingLines());
    this.refuse("");
  }

  reset() {
    this.clear();
    if (this.message) this.message.field.value = "";
    super.reset();
    this.message?.field.focus();
    this.summary("Everything is reset: temperature 0.70, seed 42, nothing sent.");
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
