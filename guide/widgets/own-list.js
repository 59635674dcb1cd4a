// <mg-own-list>: the reader's own list of words beside what becomes of it: the losses of a model that
// trains on it in the page, and what that writes; then the model as a file or in a link. Nothing of
// it leaves the page; a link starts nothing by itself.

import { marked } from "../js/characters.js";
import { marksOf } from "../js/figures/trained/chat.js";
import { FileError, MicrogptError } from "../js/errors.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { button, freshId, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, make, row } from "../js/kit/make.js";
import { numberField, seedField, textField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { fetched } from "../js/figures/fetched.js";
import { atFirstSight, FIRST_STEPS, firstSteps } from "../js/figures/runs/first-sight.js";
import { LiveRun, orderFor } from "../js/figures/runs/live-run.js";
import { readModel } from "../js/model.js";
import {
  factsOf,
  floorsOf,
  MOST_BYTES,
  unpackModel,
  warningsOf,
} from "../js/figures/runs/own-list.js";
import { OwnWriting } from "../js/figures/runs/own-writing.js";
import { meanOfLast, sampleLine } from "../js/figures/runs/run-view.js";
import { Tokenizer } from "../js/tokenizer.js";

/** @typedef {import("../js/model.js").Model} Model */

const FILES = new URL("../files/", import.meta.url);
const MOST_SHOWN = 50_000; // characters: a field with a million is slow
const MOST_AT_ONCE = 5000; // lines whose pairs are counted while the list is typed
const EXAMPLES = {
  "dinosaurs.txt": "Dinosaurs",
  "words.txt": "English words",
  "names.txt": "The names",
};
const many = (/** @type {number} */ n) => n.toLocaleString("en");

class MgOwnList extends Widget {
  called = "own";
  fields = {
    seed: seedField(),
    steps: wholeField(1000, 1, 20_000),
    block: wholeField(16, 2, 64),
    t: numberField(0.7, 0.1, 2),
    model: textField("", 40_000),
  };
  run = new LiveRun(() => this.guard(() => this.show()));
  shared = html("p", { class: "chat-shared" });
  refusal = html("p", { class: "mg-refused", role: "alert" });
  area = html("textarea", {
    class: "train-words",
    spellcheck: "false",
    autocapitalize: "none",
    autocomplete: "off",
  });
  /** Its sizes in a line; all that is known of it is behind "More". */
  short = html("p", { class: "mg-note" });
  facts = html("dl", { class: "train-facts" });
  warnings = html("div", { class: "train-warnings" });
  curve = make("mg-curve", {
    label: "Loss on your list",
    "x-label": "step",
    "y-label": "nats per token",
    height: 205,
  });
  log = html("ol", { class: "train-log" });
  /** @private @type {ReturnType<typeof setTimeout> | undefined} */ looking = undefined;
  /** @private */ round = 0;
  /** @private what the run was made for */ trained = "";
  /** @private @type {string[] | undefined} */ compared = undefined;
  /** What doesn't fit into the field is used all the same. @private @type {string | null} */
  whole = null;
  /** @private what the list was looked at for */ seen = "";

  build() {
    this.writer = new OwnWriting(this, this.log);
    this.train = this.button("Train", () => this.go(), { class: "mg-button train-start" });
    this.whenLeaving(() => {
      clearTimeout(this.looking);
      this.run.close();
    });
    this.follow(({ steps, block, seed, model }) => {
      const seen = `${steps} ${block} ${seed}`;
      if (seen !== this.seen && this.area.value) this.soon();
      this.seen = seen;
      this.offer(model);
    });
    const files = row(
      this.chooser("Choose a list", ".txt,.csv,.md,text/plain", (file) => this.takeFile(file)),
      this.chooser("Open a model.json", ".json,application/json", (file) => this.takeFile(file)),
    );
    const lists = Object.entries(EXAMPLES).map(([file, name]) =>
      this.button(name, () => this.trying(() => this.example(file)), {
        class: "mg-button mg-quiet chat-example",
      }),
    );
    const more = [
      this.facts,
      group("Lists to try", {}, ...lists),
      files,
      this.knob("steps", { label: "Steps", step: 100 }),
      this.knob("block", { label: "block_size" }),
      this.knob("seed", { label: "Seed" }),
    ];
    const controls = [...this.list(), this.train, this.refusal, this.short, this.warnings];
    return [this.shared, this.figure([this.curve, this.writer.whole], { controls, more })];
  }

  put() {
    super.put();
    const list = this.trying(() => this.example("dinosaurs.txt"));
    atFirstSight(this, async () => {
      await list;
      const { words = [] } = this.counted ?? {};
      if (this.run.status === "idle" && words.length && this.isConnected)
        this.startRun(FIRST_STEPS);
    });
  }

  /** The model that a link brings waits for a click. @private @param {string} model */
  offer(model) {
    this.shared.replaceChildren();
    if (!model || this.writer?.model) return;
    const open = button("Open it");
    open.addEventListener("click", () =>
      this.trying(() => this.openModel(unpackModel(model), "the link")),
    );
    this.shared.append(
      `This link carries a trained model, in ${many(model.length)} characters. `,
      open,
    );
  }

  // ---------------------------------------------------------------- the list

  /**
   * A button that opens a file.
   * @private
   * @param {string} text
   * @param {string} accept
   * @param {(file: File) => unknown} taken
   */
  chooser(text, accept, taken) {
    const input = html("input", { type: "file", accept, "aria-label": text });
    this.listen(input, "change", (event) => {
      event.stopPropagation();
      const file = input.files?.[0];
      input.value = "";
      return file && this.trying(() => taken(file));
    });
    return html("label", { class: "mg-button train-file" }, text, input);
  }

  /** The field for the list, with what is said of it. @private */
  list() {
    const { area } = this;
    area.id = freshId("own");
    area.setAttribute("aria-describedby", `${area.id}-help`);
    this.listen(area, "input", () => {
      this.whole = null;
      this.soon();
    });
    const drop = html("div", { class: "train-drop" }, area);
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
    const help = "It stays on this page: it isn't sent anywhere and isn't part of any link.";
    return [
      html("label", { for: area.id }, "One word or line each. Paste over it, or drop a file here."),
      drop,
      html("p", { id: `${area.id}-help`, class: "mg-note" }, help),
    ];
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
    this.refusal.textContent = line;
  }

  /** @private @param {string} name */
  async example(name) {
    const mine = ++this.round;
    const text = await (await fetched(new URL(name, FILES))).text();
    if (mine === this.round && this.isConnected) this.take(text);
  }

  /** A list, or a model.json. @private @param {File} file */
  async takeFile(file) {
    this.round++;
    const name = marked(file.name.slice(0, 60));
    if (file.size > MOST_BYTES)
      throw new FileError(
        `“${name}” has ${(file.size / 2 ** 20).toFixed(1)} MB; at most 16 are accepted here.`,
        "Use a part of it.",
      );
    const text = await file.text();
    if (/\.json$/i.test(file.name) || /^\s*\{\s*"format"/.test(text))
      return this.openModel(readModel(text), `the file “${name}”`);
    if (/[\0\ufffd]/.test(text.slice(0, 100_000)))
      throw new FileError(`“${name}” is not plain text.`, "Save it as text, one word per line.");
    return this.take(text);
  }

  /** @private @param {string} text */
  take(text) {
    const whole = text.replace(/^\ufeff/, "");
    const lines =
      whole.length > MOST_SHOWN ? whole.slice(0, MOST_SHOWN).split("\n").slice(0, -1) : null;
    this.whole = lines && whole;
    this.area.value = lines ? lines.join("\n") : whole;
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
    const { block, steps } = this.values;
    const facts = factsOf(this.whole ?? this.area.value, { block, steps });
    this.counted = facts;
    const { words, distinct, alphabet, longest, mean, cut, parameters } = facts;
    const shown = alphabet.slice(0, 120).map(marked).join("").replace(/ /g, "␣");
    const part = this.whole
      ? `; the field shows the first ${many(MOST_SHOWN)} characters, all are used, and typing ` +
        "there replaces them"
      : "";
    const rows = {
      Lines: `${many(words.length)}, ${many(words.length - distinct)} of them duplicates${part}`,
      Length:
        `${written(mean, 1)} characters on average, ${longest} at most; ${many(cut)} are ` +
        `cut by block_size ${block}`,
      Characters: `${many(alphabet.length)}: ${shown}${alphabet.length > 120 ? " …" : ""}`,
      Model: `${many(parameters)} parameters`,
    };
    this.short.textContent = words.length
      ? `${many(words.length)} lines of ${many(alphabet.length)} different characters; the model ` +
        `has ${many(parameters)} parameters.`
      : "";
    this.facts.replaceChildren(
      ...Object.entries(words.length ? rows : {}).flatMap(([name, value]) => [
        html("dt", {}, name),
        html("dd", {}, value),
      ]),
    );
    const warnings = words.length
      ? warningsOf(facts, block)
      : ["There is nothing to learn from yet. Enter some words, one per line."];
    this.warnings.replaceChildren(
      ...warnings.map((line) => html("p", { class: "train-warn" }, line)),
    );
    this.train?.setAttribute("aria-disabled", String(!words.length));
    // What waits to go on must not go on with another list than the one that is shown.
    if (this.run.status === "paused" && this.trained !== this.recipe) this.run.drop();
    this.show();
  }

  /**
   * A model from elsewhere takes the place of what was trained.
   * @private
   * @param {Model} model
   * @param {string} from
   */
  async openModel(model, from) {
    this.run.drop();
    this.shared.replaceChildren();
    await this.writer?.open(model, from);
    this.show();
  }

  // ---------------------------------------------------------------- training

  /** Starts, pauses, goes on. @private */
  go() {
    const { run } = this;
    if (run.busy) return run.pause();
    if (run.status === "paused") return run.resume();
    clearTimeout(this.looking);
    this.look();
    return this.startRun(null);
  }

  /**
   * Trains on the list: so many steps, after which it waits, or all.
   * @private
   * @param {number | null} first
   */
  startRun(first) {
    const { run, recipe } = this;
    const docs = this.counted?.words ?? [];
    if (!docs.length) return;
    const { seed, steps, block } = this.values;
    this.docs = docs;
    this.trained = recipe;
    this.close();
    this.compare(docs);
    const config = { steps, block_size: block };
    const sampleEvery = first ?? Math.ceil(steps / 5);
    const options = { docs, seed, config, sampleEvery, samples: 20 };
    if (first) firstSteps(run, options, Math.min(first, steps));
    else run.start(options, { speed: null });
  }

  /** The lines that its losses are measured by. @private @param {string[]} docs */
  compare(docs) {
    if (this.compared === docs) return;
    this.compared = docs;
    const { random, pairs } = floorsOf(docs);
    this.curve.floors = [
      { name: "guessing", y: random },
      { name: "counts of pairs", y: pairs },
    ];
  }

  /** What a run depends on. @private */
  get recipe() {
    const { seed, steps, block } = this.values;
    return JSON.stringify([seed, steps, block, this.counted?.words]);
  }

  /** No model any more. @private */
  close() {
    this.writer?.close();
    if (this.values.model) this.set({ model: "" });
  }

  reset() {
    this.run.drop();
    this.close();
    this.refuse("");
    super.reset();
    return this.trying(() => this.example("dinosaurs.txt"));
  }

  show() {
    const { run, curve, writer } = this;
    this.train?.replaceChildren(orderFor([run], "Train", "Train again"));
    writer?.along(run.samples.map(sampleLine));
    if (run.status === "idle") {
      const { words = [], distinct = 0, alphabet = [] } = this.counted ?? {};
      curve.setAttribute("x-to", String(this.values.steps));
      curve.series = [];
      if (words.length && words.length <= MOST_AT_ONCE) this.compare(words);
      this.summary(
        writer?.model
          ? `${writer.said.textContent}`
          : `The list has ${many(words.length)} lines, ${many(distinct)} of them different, made ` +
              `of ${alphabet.length} characters. Nothing is trained yet.`,
      );
      return;
    }
    const steps = run.run?.config.steps ?? 0;
    curve.setAttribute("x-to", String(steps || 1));
    curve.series = [
      { name: "loss of one line", values: run.losses, kind: "dots" },
      { name: "mean of the last 100", values: trailingMean(run.losses, 100) },
    ];
    const go =
      run.status === "paused" ? " “Go on” trains the rest; a list of your own begins anew." : "";
    const line =
      run.status === "failed"
        ? (run.message ?? "")
        : run.step
          ? `Step ${many(run.step)} of ${many(steps)}: mean loss of the last ` +
            `${Math.min(100, run.step)} is ${written(meanOfLast(run.losses), 3)} nats.${go}`
          : "Starting.";
    this.summary(line);
    if (run.status === "done" && !writer?.model && !this.taking)
      this.guard(() => this.takeTrained());
  }

  /** The trained model goes to the chat. @private */
  async takeTrained() {
    const { run, docs } = this;
    if (!docs) return;
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
      if (!(error instanceof MicrogptError)) throw error; // it was restarted meanwhile
    } finally {
      this.taking = false;
    }
  }
}

define("mg-own-list", MgOwnList);
