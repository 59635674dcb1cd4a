// What a model of the reader's own writes, along the way and when it is asked, and how it goes out
// as a file or in a link: a part of <mg-own-list>.

import { marked } from "../../characters.js";
import { html } from "../../kit/dom.js";
import { row } from "../../kit/make.js";
import { copyLink, isHidden } from "../../kit/state.js";
import { written } from "../../kit/text.js";
import { messageField } from "../message-field.js";
import { checkedPrefix, modelText, packModel } from "./own-list.js";
import { Random } from "../../random.js";
import { marksLegend, pageKernel, sampleOf } from "./run-view.js";

/** @typedef {import("../../model.js").Model} Model */
/**
 * @typedef {((text: string) => import("../trained/chat.js").Mark) | null} MarkOf null where the
 *   list isn't known
 */

const FILES = new URL("../../../files/", import.meta.url);
const WRITTEN = 5; // at a time
const MOST_LINES = 12; // answers that stay on the page

export class OwnWriting {
  waiting = html("p", { class: "mg-note" }, "Nothing yet: once it is trained, it writes here.");
  said = html("p", { class: "mg-note" });
  answers = html("ol", { class: "train-log", "aria-live": "polite" });
  linkPlace = html("span", { class: "mg-row" });
  /** What is trained, opened, or was in the link. @type {Model | null} */ model = null;
  /** @private @type {import("../../engine.js").Engine | null} */ engine = null;
  /** @private @type {MarkOf} */ markOf = null;
  /** @private how often it has written */ drawn = 0;
  /** @private */ stale = html("span", { class: "train-stale", hidden: true });
  /** @private where the model is from, "" if from the list */ from = "";

  /**
   * @param {import("../../kit/widget.js").Widget} host which has t, seed and model in its state
   * @param {HTMLOListElement} log for what it writes while it trains
   */
  constructor(host, log) {
    this.host = host;
    this.log = log;
    host.whenLeaving(() => this.engine?.close());
    this.message = messageField(host, {
      label: "How should it begin? Leave it empty to let the model decide.",
      button: "Write",
      send: () => host.attempt(this.message.refused, () => this.write()),
    });
    const link = () => host.attempt(this.message.refused, () => this.link());
    this.stage = html("div", { class: "train-stage", hidden: true }, ...this.message.parts);
    this.out = html(
      "details",
      { class: "train-out", hidden: true },
      html("summary", {}, "Take it along"),
      this.said,
      host.knob("t", {
        label: "Temperature",
        control: "temperature",
        step: 0.05,
        digits: 2,
        slider: true,
      }),
      row(
        host.button("Download model.json", () => this.download()),
        ...["sampler.py", "sampler.mjs"].map((file) => {
          const href = new URL(file, FILES).pathname;
          return html("a", { class: "mg-button", href, download: true }, file);
        }),
        ...(isHidden("link")
          ? []
          : [host.button("Make a link with the model in it", link, { control: "share" })]),
        this.linkPlace,
      ),
    );
    const samples = { class: "train-samples", tabindex: 0, role: "region" };
    this.whole = html(
      "section",
      { class: "train-writing", "aria-label": "Writing" },
      html("p", { class: "train-title" }, "What it writes", this.stale),
      this.stage,
      html(
        "div",
        { ...samples, "aria-label": "What it has written" },
        this.waiting,
        this.answers,
        log,
        marksLegend("list"),
      ),
      this.out,
    );
  }

  /** What it has written while it trained, the latest first. @param {HTMLLIElement[]} lines */
  along(lines) {
    this.log.replaceChildren(...lines.reverse());
    this.waiting.hidden = lines.length > 0 || this.model !== null;
  }

  /** No model any more. */
  close() {
    this.engine?.close();
    this.engine = null;
    this.model = null;
    this.answers.replaceChildren();
    this.linkPlace.replaceChildren();
    this.stage.hidden = true;
    this.out.hidden = true;
  }

  /**
   * @param {Model} model
   * @param {string} from
   * @param {MarkOf} [markOf]
   */
  async open(model, from, markOf = null) {
    const kernel = await pageKernel();
    const engine = kernel.create({ config: model.config, dtype: "float64" });
    engine.load(model.weights);
    this.engine?.close();
    this.engine = engine;
    this.model = model;
    this.markOf = markOf;
    this.drawn = 0;
    this.answers.replaceChildren();
    this.linkPlace.replaceChildren();
    this.stage.hidden = false;
    this.out.hidden = false;
    this.from = from;
    this.say();
    this.write();
  }

  /** Whether the list has changed since its training. @param {boolean} isStale */
  mark(isStale) {
    const { stale } = this;
    this.whole.toggleAttribute("data-stale", isStale);
    if (stale.hidden !== isStale) return;
    stale.hidden = !isStale;
    stale.textContent = isStale ? "trained on the list before" : "";
    this.say();
  }

  /** @private */
  say() {
    const { model, from } = this;
    if (!model) return;
    const count = Object.values(model.weights).reduce((sum, { length }) => sum + length, 0);
    const list = this.stale.hidden ? "your list" : "the list before, not on the one in the field";
    this.said.textContent =
      (from ? `The model is from ${from}, its list isn't known here` : `Trained on ${list}`) +
      `: ${count.toLocaleString("en")} parameters, ${model.tokenizer.uchars.length} characters.`;
  }

  /** @private */
  write() {
    const { model, engine, answers } = this;
    if (!model || !engine) return;
    const { t: temperature, seed: first } = this.host.state.values;
    const { uchars } = model.tokenizer;
    const { block_size: block } = model.config;
    const begun = checkedPrefix(this.message.field.value.trim(), { uchars, block });
    const seed = (first + this.drawn) % 2 ** 32;
    this.drawn++;
    const forced = Array.from({ length: WRITTEN }, () =>
      [...begun].map((char) => uchars.indexOf(char)),
    );
    const { tokens } = engine.sample(forced, {
      temperature,
      uniforms: new Random(seed).uniforms(WRITTEN * block),
    });
    const words = tokens.map((ids) => ids.map((id) => uchars[id] ?? "").join(""));
    answers.prepend(
      html(
        "li",
        {},
        html("b", {}, begun ? `“${marked(begun)}”` : "From scratch"),
        html(
          "span",
          { class: "mg-soft" },
          ` seed ${seed}, temperature ${written(temperature, 2)}: `,
        ),
        ...words.flatMap((text) => [
          this.markOf
            ? sampleOf({ text, mark: this.markOf(text) })
            : html("span", { class: "train-sample" }, marked(text) || "(empty)"),
          " ",
        ]),
      ),
    );
    while (answers.children.length > MOST_LINES) answers.lastElementChild?.remove();
  }

  /** @private */
  get parts() {
    const { config, tokenizer, weights } = /** @type {Model} */ (this.model);
    return { config, uchars: tokenizer.uchars, weights };
  }

  /** @private */
  download() {
    if (!this.model) return;
    const address = URL.createObjectURL(
      new Blob([modelText(this.parts)], { type: "application/json" }),
    );
    html("a", { href: address, download: "model.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  /** @private */
  link() {
    if (!this.model) return;
    this.host.set({ model: packModel(this.parts) });
    this.linkPlace.replaceChildren(
      copyLink(this.host.state),
      html(
        "span",
        { class: "mg-note" },
        "It contains the weights, rounded to a byte each, and the characters, but not your list.",
      ),
    );
  }
}
