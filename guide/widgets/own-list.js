// <mg-own-list>: the reader's own list of words → what it holds → training in the page → writing →
// the model as a file or in a link. Nothing of it leaves the page; a link starts nothing by itself.

import { marksOf } from "../js/figures/trained/chat.js";
import { FileError, MicrogptError } from "../js/errors.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { button, freshId, html } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { numberField, seedField, textField, urlState, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { LiveRun } from "../js/figures/runs/live-run.js";
import { readModel } from "../js/model.js";
import { actor, numberInput } from "../js/figures/parts.js";
import {
  factsOf,
  floorsOf,
  MOST_BYTES,
  unpackModel,
  warningsOf,
} from "../js/figures/runs/own-list.js";
import "../js/figures/runs/own-writing.js";
import { countedMarks, marksLegend, meanOfLast, sampleOf } from "../js/figures/runs/run-view.js";
import { Tokenizer } from "../js/tokenizer.js";

/** @typedef {import("../js/kit/curve.js").MgCurve} MgCurve */
/** @typedef {import("../js/model.js").Model} Model */

const FILES = new URL("../files/", import.meta.url);
const MOST_SHOWN = 50_000; // characters: a field with a million is slow
const EXAMPLES = /** @type {[string, string][]} */ ([
  ["dinosaurs.txt", "Dinosaurs"],
  ["words.txt", "English words"],
  ["names.txt", "The names"],
]);

class MgOwnList extends KitElement {
  constructor() {
    super();
    /** @private @type {ReturnType<typeof setTimeout> | undefined} */ this.looking = undefined;
    /** @private */ this.round = 0;
  }

  build() {
    const state = urlState("own", {
      seed: seedField(),
      steps: wholeField(1000, 1, 20_000),
      block: wholeField(16, 2, 64),
      t: numberField(0.7, 0.1, 2),
      model: textField("", 40_000),
    });
    this.state = state;
    this.run = new LiveRun(() => this.guard(() => this.show()));
    this.writer = /** @type {import("../js/figures/runs/own-writing.js").MgOwnWriting} */ (
      html(/** @type {any} */ ("mg-own-writing"))
    );
    this.writer.state = state;
    this.whenLeaving(() => {
      state.close();
      clearTimeout(this.looking);
      this.run?.close();
    });
    this.shared = html("p", { class: "chat-shared" });
    this.refusal = html("p", { class: "train-refused", role: "alert" });
    this.replaceChildren(this.shared, this.listStage(), this.trainStage(), this.writer);
    state.onChange(() => this.guard(() => this.follow()));
    this.follow();
    this.guard(() => this.example("dinosaurs.txt"));
  }

  // ---------------------------------------------------------------- the list

  /** @private */
  listStage() {
    const id = freshId("own");
    this.area = html("textarea", {
      id,
      class: "train-words",
      spellcheck: "false",
      autocapitalize: "none",
      autocomplete: "off",
      "aria-describedby": `${id}-help`,
    });
    this.listen(this.area, "input", () => {
      this.whole = null;
      this.soon();
    });
    const chooser = (
      /** @type {string} */ text,
      /** @type {string} */ accept,
      /** @type {(file: File) => unknown} */ taken,
    ) => {
      const input = html("input", { type: "file", accept, "aria-label": text });
      this.listen(input, "change", (event) => {
        event.stopPropagation();
        const file = input.files?.[0];
        input.value = "";
        return file && this.trying(() => taken(file));
      });
      return html("label", { class: "mg-button train-file" }, text, input);
    };
    const drop = html("div", { class: "train-drop" }, this.area);
    this.listen(drop, "dragover dragenter", (event) => {
      event.preventDefault();
      drop.toggleAttribute("data-over", true);
    });
    this.listen(drop, "dragleave", () => drop.toggleAttribute("data-over", false));
    this.listen(drop, "drop", (event) => {
      event.preventDefault();
      drop.toggleAttribute("data-over", false);
      const file = event.dataTransfer?.files?.[0];
      if (file) return this.trying(() => this.takeFile(file));
      return this.take(event.dataTransfer?.getData("text/plain") ?? "");
    });
    this.facts = html("dl", { class: "train-facts" });
    this.warnings = html("div", {});
    return html(
      "section",
      { "aria-label": "Your list" },
      html("h3", {}, "1. The list"),
      html("label", { for: id }, "One word or line each. Paste over it, or drop a file here."),
      drop,
      html(
        "p",
        { id: `${id}-help`, class: "mg-note" },
        "It stays on this page: it is sent nowhere and is in no link.",
      ),
      html(
        "div",
        { class: "mg-row" },
        chooser("Choose a list", ".txt,.csv,.md,text/plain", (file) => this.takeFile(file)),
        chooser("Open a model.json", ".json,application/json", (file) => this.takeFile(file)),
        html("span", { class: "mg-soft" }, "or"),
        ...EXAMPLES.map(([file, name]) =>
          actor(this, name, () => this.trying(() => this.example(file)), {
            class: "mg-button mg-quiet chat-example",
          }),
        ),
      ),
      this.refusal ?? "",
      this.facts,
      this.warnings,
    );
  }

  /**
   * Runs something; a mistake of the reader's, or of a file, is said in place.
   * @private
   * @param {() => unknown} act
   */
  async trying(act) {
    this.refuse("");
    try {
      await act();
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error;
      this.refuse(error.message);
    }
  }

  /** @private @param {string} line */
  refuse(line) {
    this.refusal?.replaceChildren(line);
  }

  /** @private @param {string} name */
  async example(name) {
    const mine = ++this.round;
    const answer = await fetch(new URL(name, FILES));
    if (!answer.ok)
      throw new FileError(
        `${name} can't be fetched (${answer.status}).`,
        "Is the guide still being served?",
      );
    const text = await answer.text();
    if (mine === this.round && this.isConnected) this.take(text);
  }

  /** A list, or a model.json. @private @param {File} file */
  async takeFile(file) {
    this.round++;
    const name = file.name.slice(0, 60);
    if (file.size > MOST_BYTES)
      throw new FileError(
        `“${name}” has ${(file.size / 2 ** 20).toFixed(1)} MB, at most 16 can be taken here.`,
        "Use a part of it.",
      );
    const text = await file.text();
    if (/\.json$/i.test(file.name) || /^\s*\{\s*"format"/.test(text))
      return this.openModel(readModel(text), `the file “${name}”`);
    if (/[\0\ufffd]/.test(text.slice(0, 100_000)))
      throw new FileError(`“${name}” is no plain text.`, "Save it as text, one word a line.");
    return this.take(text);
  }

  /** @private @param {string} text */
  take(text) {
    const whole = text.replace(/^\ufeff/, "");
    const lines =
      whole.length > MOST_SHOWN ? whole.slice(0, MOST_SHOWN).split("\n").slice(0, -1) : null;
    /** What doesn't fit into the field is used all the same. @private @type {string | null} */
    this.whole = lines && whole;
    if (this.area) this.area.value = lines ? lines.join("\n") : whole;
    this.look();
  }

  /** @private */
  soon() {
    this.round++;
    clearTimeout(this.looking);
    this.looking = setTimeout(() => this.guard(() => this.look()), 250);
  }

  /** What the list holds. @private */
  look() {
    if (!this.state || !this.area) return;
    const { block, steps } = this.state.values;
    const facts = factsOf(this.whole ?? this.area.value, { block, steps });
    this.counted = facts;
    const { words, distinct, alphabet, longest, mean, cut, parameters } = facts;
    const many = (/** @type {number} */ n) => n.toLocaleString("en");
    const shown = alphabet.slice(0, 120).join("").replace(/ /g, "␣");
    const part = this.whole
      ? `; the field shows the first ${MOST_SHOWN.toLocaleString("en")} characters, all are ` +
        "used, and typing there takes their place"
      : "";
    const rows = words.length
      ? [
          [
            "Lines",
            `${many(words.length)}, ${many(words.length - distinct)} of them duplicates${part}`,
          ],
          [
            "Length",
            `${written(mean, 1)} characters on average, ${longest} at most; ${many(cut)} are ` +
              `cut by block_size ${block}`,
          ],
          ["Characters", `${many(alphabet.length)}: ${shown}${alphabet.length > 120 ? " …" : ""}`],
          ["Model", `${many(parameters)} parameters`],
        ]
      : [];
    this.facts?.replaceChildren(
      ...rows.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]),
    );
    this.warnings?.replaceChildren(
      ...(words.length
        ? warningsOf(facts, block)
        : ["There is nothing to learn from yet. Give some words, one a line."]
      ).map((line) => html("p", { class: "train-warn" }, line)),
    );
    this.train?.setAttribute("aria-disabled", String(!words.length));
    this.show();
  }

  /**
   * A model from elsewhere takes the place of what was trained.
   * @private
   * @param {Model} model
   * @param {string} from
   */
  async openModel(model, from) {
    this.run?.drop();
    this.shared?.replaceChildren();
    await this.writer?.open(model, from);
    this.show();
  }

  // ---------------------------------------------------------------- training

  /** @private */
  trainStage() {
    const { state } = this;
    const field = (/** @type {string} */ key, /** @type {Record<string, any>} */ attributes) =>
      numberInput(
        this,
        { control: key, step: 1, whole: true, value: state?.values[key], ...attributes },
        (value) => state?.set({ [key]: value }),
      );
    this.fields = {
      steps: field("steps", { label: "Steps", min: 1, max: 20_000, step: 100 }),
      block: field("block", { label: "block_size", min: 2, max: 64 }),
      seed: field("seed", { label: "Seed", min: 0, max: 2 ** 32 - 1 }),
    };
    this.train = actor(this, "Train", () => this.go(), { class: "mg-button train-start" });
    this.now = html("p", { class: "train-now" });
    this.curve = /** @type {MgCurve} */ (
      html(/** @type {any} */ ("mg-curve"), {
        label: "Loss on your list",
        "x-label": "step",
        "y-label": "nats per token",
      })
    );
    this.log = html("ol", { class: "train-log" });
    this.training = html(
      "div",
      { class: "train-stage" },
      this.now,
      this.curve,
      html(
        "div",
        {
          class: "train-samples",
          tabindex: 0,
          role: "region",
          "aria-label": "What it writes on the way",
        },
        this.log,
      ),
      marksLegend("list"),
    );
    return html(
      "section",
      { "aria-label": "Training" },
      html("h3", {}, "2. Train"),
      html("div", { class: "net-fields" }, ...Object.values(this.fields)),
      html(
        "div",
        { class: "mg-row" },
        this.train,
        actor(this, "Reset", () => this.reset()),
      ),
      this.training,
    );
  }

  /** Starts, pauses, goes on. @private */
  go() {
    const { run, counted, state } = this;
    if (!run || !state) return;
    if (run.busy) return run.pause();
    if (run.status === "paused") return run.resume();
    clearTimeout(this.looking);
    this.look();
    if (!this.counted?.words.length) return;
    const { words } = this.counted ?? counted;
    const { seed, steps, block } = state.values;
    this.docs = words;
    this.floors = floorsOf(words);
    this.close();
    run.start(
      {
        docs: words,
        seed,
        config: { steps, block_size: block },
        sampleEvery: Math.ceil(steps / 5),
        samples: 20,
      },
      { speed: null },
    );
  }

  /** No model any more. @private */
  close() {
    this.writer?.close();
    if (this.state?.values.model) this.state.set({ model: "" });
  }

  /** @private */
  reset() {
    this.run?.drop();
    this.close();
    this.refuse("");
    this.state?.reset();
    return this.trying(() => this.example("dinosaurs.txt"));
  }

  /** The controls, and what the link brought. @private */
  follow() {
    const { state, fields } = this;
    if (!state || !fields) return;
    let moved = false;
    for (const [key, made] of Object.entries(fields)) {
      if (made.value !== state.values[key]) made.value = state.values[key];
      moved ||= this.seen?.[key] !== state.values[key];
    }
    this.seen = { ...state.values };
    if (moved && this.area?.value) this.soon();
    const { model } = state.values;
    this.shared?.replaceChildren();
    if (!model || this.writer?.model) return;
    const open = button("Open it");
    open.addEventListener("click", () =>
      this.trying(() => this.openModel(unpackModel(model), "the link")),
    );
    this.shared?.append(
      `This link carries a trained model, in ${model.length.toLocaleString("en")} characters. `,
      open,
    );
  }

  /** @private */
  show() {
    const { run, curve, training } = this;
    if (!run || !curve || !this.train || !training) return;
    this.train.replaceChildren(
      run.busy
        ? "Pause"
        : run.status === "paused"
          ? "Go on"
          : run.status === "done"
            ? "Train again"
            : "Train",
    );
    training.hidden = run.status === "idle";
    if (run.status === "idle") {
      const { words, distinct, alphabet } = this.counted ?? {
        words: [],
        distinct: 0,
        alphabet: [],
      };
      if (!this.writer?.model)
        this.summary(
          `The list has ${words.length.toLocaleString("en")} lines, ` +
            `${distinct.toLocaleString("en")} different ones, of ${alphabet.length} ` +
            "characters. Nothing is trained yet.",
        );
      return;
    }
    const steps = run.run?.config.steps ?? 0;
    curve.setAttribute("x-to", String(steps || 1));
    if (this.floors)
      curve.floors = [
        { name: "guessing", y: this.floors.random },
        { name: "counts of pairs", y: this.floors.pairs },
      ];
    curve.series = [
      { name: "loss of one line", values: run.losses, kind: "dots" },
      { name: "mean of the last 100", values: trailingMean(run.losses, 100) },
    ];
    const line =
      run.status === "failed"
        ? (run.message ?? "")
        : run.step
          ? `Step ${run.step.toLocaleString("en")} of ${steps.toLocaleString("en")}: mean loss ` +
            `of the last ${Math.min(100, run.step)} is ${written(meanOfLast(run.losses), 3)} ` +
            "nats."
          : "Starting.";
    this.now?.replaceChildren(line);
    this.log?.replaceChildren(
      ...run.samples.map(({ step, final, samples }) =>
        html(
          "li",
          {},
          html("b", {}, step ? `After step ${step.toLocaleString("en")}` : "Untrained"),
          final ? ` (${countedMarks(samples)})` : "",
          ": ",
          ...samples.slice(0, final ? 20 : 5).flatMap((sample) => [sampleOf(sample), " "]),
        ),
      ),
    );
    this.summary(line);
    if (run.status === "done" && !this.writer?.model && !this.taking)
      this.guard(() => this.takeTrained());
  }

  /** The trained model goes to the chat. @private */
  async takeTrained() {
    const { run, docs } = this;
    if (!run || !docs) return;
    this.taking = true;
    try {
      const { id } = run;
      const { config, uchars, state } = await run.state();
      if (id !== run.id || !this.isConnected) return;
      const marks = marksOf(docs, config.steps, Number(run.run?.seed));
      await this.writer?.open(
        { config, tokenizer: new Tokenizer(uchars), weights: state.weights, warnings: [] },
        "",
        marks,
      );
    } catch (error) {
      if (!(error instanceof MicrogptError)) throw error; // it was started anew meanwhile
    } finally {
      this.taking = false;
    }
  }
}

define("mg-own-list", MgOwnList);
