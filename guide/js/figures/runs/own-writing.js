// <mg-own-writing>: a model of the reader's own writes, and goes out as a file or in a link. Part
// of <mg-own-list>, which gives it `state` and calls `open`.

import { MicrogptError } from "../../errors.js";
import { freshId, html } from "../../kit/dom.js";
import { define, KitElement } from "../../kit/element.js";
import { copyLink, isHidden, problemLine } from "../../kit/state.js";
import { written } from "../../kit/text.js";
import { actor, numberInput } from "../parts.js";
import { checkedPrefix, modelText, packModel } from "./own-list.js";
import { Random } from "../../random.js";
import { pageKernel, sampleOf } from "./run-view.js";

/** @typedef {import("../../model.js").Model} Model */
/**
 * @typedef {((text: string) => import("../trained/chat.js").Mark) | null} MarkOf null where the
 *   list isn't known
 */

const FILES = new URL("../../../files/", import.meta.url);
const WRITTEN = 5; // at a time
const MOST_LINES = 12; // answers that stay on the page

export class MgOwnWriting extends KitElement {
  constructor() {
    super();
    /** @type {import("../../kit/state.js").UrlState | null} */ this.state = null;
    /** What is trained, opened, or was in the link. @type {Model | null} */ this.model = null;
    /** @private @type {import("../../engine.js").Engine | null} */ this.engine = null;
    /** @private @type {MarkOf} */ this.markOf = null;
    /** @private how often it has written */ this.drawn = 0;
  }

  build() {
    const { state } = this;
    if (!state) return;
    const id = freshId("own");
    this.begun = html("input", {
      id,
      class: "mg-field chat-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      enterkeyhint: "send",
    });
    this.listen(this.begun, "keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return undefined;
      event.preventDefault();
      return this.trying(() => this.write());
    });
    this.temperature = numberInput(
      this,
      {
        label: "Temperature",
        control: "temperature",
        value: state.values.t,
        min: 0.1,
        max: 2,
        step: 0.05,
        digits: 2,
        slider: true,
      },
      (t) => state.set({ t }),
    );
    this.whenLeaving(state.onChange(({ t }) => this.temperature && (this.temperature.value = t)));
    this.whenLeaving(() => this.engine?.close());
    this.refusal = html("p", { class: "train-refused", role: "alert" });
    this.waiting = html("p", { class: "mg-note" }, "Once it is trained, it writes here.");
    this.said = html("p", { class: "mg-note" });
    this.answers = html("ol", { class: "train-log", "aria-live": "polite" });
    this.linkPlace = html("span", { class: "mg-row" });
    const files = html(
      "div",
      { class: "mg-row" },
      actor(this, "Download model.json", () => this.download()),
      ...["sampler.py", "sampler.mjs"].map((file) =>
        html(
          "a",
          { class: "mg-button", href: new URL(file, FILES).pathname, download: true },
          file,
        ),
      ),
      ...(isHidden("link")
        ? []
        : [
            actor(this, "Make a link with the model in it", () => this.trying(() => this.link()), {
              control: "share",
            }),
          ]),
      this.linkPlace,
    );
    this.writing = html(
      "div",
      { class: "train-stage", hidden: true },
      this.said,
      html("label", { for: id }, "How should it begin? Empty leaves all to the model."),
      html(
        "div",
        { class: "chat-row" },
        this.begun,
        actor(this, "Write", () => this.trying(() => this.write()), {
          class: "mg-button train-start",
        }),
      ),
      this.refusal,
      this.temperature,
      this.answers,
      files,
    );
    this.replaceChildren(
      html("h3", {}, "3. Let it write"),
      this.waiting,
      this.writing,
      problemLine(state),
    );
  }

  /**
   * Runs something; a mistake of the reader's is said in place.
   * @private
   * @param {() => unknown} act
   */
  async trying(act) {
    this.refusal?.replaceChildren();
    try {
      await act();
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      this.refusal?.replaceChildren(error.message);
    }
  }

  /** No model any more. */
  close() {
    this.engine?.close();
    this.engine = null;
    this.model = null;
    this.answers?.replaceChildren();
    if (this.writing) this.writing.hidden = true;
    if (this.waiting) this.waiting.hidden = false;
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
    this.answers?.replaceChildren();
    this.linkPlace?.replaceChildren();
    if (this.writing) this.writing.hidden = false;
    if (this.waiting) this.waiting.hidden = true;
    const count = Object.values(model.weights).reduce((sum, { length }) => sum + length, 0);
    this.said?.replaceChildren(
      (from ? `The model is from ${from}, its list isn't known here` : "Trained on your list") +
        `: ${count.toLocaleString("en")} parameters, ${model.tokenizer.uchars.length} ` +
        "characters.",
    );
    this.write();
  }

  /** @private */
  write() {
    const { model, engine, state, answers, begun: field } = this;
    if (!model || !engine || !state || !answers || !field) return;
    const { uchars } = model.tokenizer;
    const { block_size: block } = model.config;
    const begun = checkedPrefix(field.value.trim(), { uchars, block });
    const seed = (state.values.seed + this.drawn) % 2 ** 32;
    this.drawn++;
    const forced = Array.from({ length: WRITTEN }, () =>
      [...begun].map((char) => uchars.indexOf(char)),
    );
    const { tokens } = engine.sample(forced, {
      temperature: state.values.t,
      uniforms: new Random(seed).uniforms(WRITTEN * block),
    });
    const words = tokens.map((ids) => ids.map((id) => uchars[id] ?? "").join(""));
    answers.prepend(
      html(
        "li",
        {},
        html("b", {}, begun ? `“${begun}”` : "From nothing"),
        html(
          "span",
          { class: "mg-soft" },
          ` seed ${seed}, temperature ${written(state.values.t, 2)}: `,
        ),
        ...words.flatMap((text) => [
          this.markOf
            ? sampleOf({ text, mark: this.markOf(text) })
            : html("span", { class: "train-sample" }, text || "(empty)"),
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
    if (!this.model || !this.state) return;
    this.state.set({ model: packModel(this.parts) });
    this.linkPlace?.replaceChildren(
      copyLink(this.state),
      html(
        "span",
        { class: "mg-note" },
        "It holds the weights, rounded to a byte each, and the characters; not your list.",
      ),
    );
  }
}

define("mg-own-writing", MgOwnWriting);
