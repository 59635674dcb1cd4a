// <mg-own-list>: the reader's own list of words beside what becomes of it: the losses of a model
// that trains on it in the page, and what that writes; then the model as a file or in a link.
// Nothing of it leaves the page; a link starts nothing by itself.

import { marked } from "../js/characters.js";
import { marksOf } from "../js/figures/trained/chat.js";
import { MicrogptError } from "../js/errors.js";
import "../js/kit/curve.js";
import { trailingMean } from "../js/kit/curve-plan.js";
import { button, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group, make, row } from "../js/kit/make.js";
import { numberField, seedField, textField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { atFirstSight, FIRST_STEPS, firstSteps } from "../js/figures/runs/first-sight.js";
import { LiveRun, orderFor } from "../js/figures/runs/live-run.js";
import { readModel } from "../js/model.js";
import { ListField } from "../js/figures/runs/list-field.js";
import {
  factsOf,
  floorsOf,
  isSameList,
  unpackModel,
  warningsOf,
} from "../js/figures/runs/own-list.js";
import { OwnWriting } from "../js/figures/runs/own-writing.js";
import { meanOfLast, sampleLine } from "../js/figures/runs/run-view.js";
import { Tokenizer } from "../js/tokenizer.js";

/** @typedef {import("../js/model.js").Model} Model */

const MOST_AT_ONCE = 5000; // lines whose pairs are counted while the list is typed
const FIRST = "dinosaurs.txt";
const EXAMPLES = {
  [FIRST]: "Dinosaurs",
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
  /** @private what the run was made for */ trained = "";
  /** @private @type {string[] | undefined} */ compared = undefined;
  /** Whether the list has changed since the last run began. @private */ differs = false;
  /** @private what the list was looked at for */ seen = "";

  build() {
    this.writer = new OwnWriting(this, this.log);
    this.list = new ListField(this, {
      look: () => this.look(),
      openModel: (text, from) => this.openModel(readModel(text), from),
      forget: () => this.forget(),
    });
    const { list } = this;
    this.train = this.button("Train", () => this.go(), { class: "mg-button train-start" });
    this.whenLeaving(() => this.run.close());
    this.follow(({ steps, block, seed, model }) => {
      const seen = `${steps} ${block} ${seed}`;
      if (seen !== this.seen && list.area.value) list.soon();
      this.seen = seen;
      this.offer(model);
    });
    const files = row(
      list.opener("Choose a list", ".txt,.csv,.tsv,.md,text/plain,text/csv"),
      list.opener("Open a model.json", ".json,application/json"),
    );
    const lists = Object.entries(EXAMPLES).map(([file, name]) =>
      this.button(name, () => list.trying(() => list.example(file)), {
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
    const controls = [...list.parts, this.train, list.refusal, this.short, this.warnings];
    return [this.shared, this.figure([this.curve, this.writer.whole], { controls, more })];
  }

  put() {
    super.put();
    const list = this.list?.trying(() => this.list?.begin(FIRST));
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
      this.list?.trying(() => this.openModel(unpackModel(model), "the link")),
    );
    this.shared.append(
      `This link carries a trained model, in ${many(model.length)} characters. `,
      open,
    );
  }

  // ---------------------------------------------------------------- the list

  /** What the list holds. @private */
  look() {
    const { block, steps } = this.values;
    const facts = factsOf(this.list?.words ?? [], { block, steps });
    this.counted = facts;
    const { words, distinct, alphabet, longest, mean, cut, parameters } = facts;
    const shown = alphabet.slice(0, 120).map(marked).join("").replace(/ /g, "␣");
    const rows = {
      Lines:
        `${many(words.length)}, ${many(words.length - distinct)} of them duplicates` +
        `${this.list?.beyond ?? ""}`,
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
    this.differs = !isSameList(words, this.docs ?? words);
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
    if (run.status === "paused" && !this.differs) return run.resume();
    this.list?.now();
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
    this.differs = false;
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
    super.reset();
    return this.forget();
  }

  /**
   * The reader's list, and what has learned from it, are gone; the first list is back.
   * @private
   * @returns {Promise<void> | undefined}
   */
  forget() {
    this.run.drop();
    this.close();
    this.list?.forget();
    return this.list?.trying(() => this.list?.example(FIRST));
  }

  show() {
    const { run, curve, writer } = this;
    const isStale = this.differs && run.status !== "idle";
    const isAgain = isStale && run.status === "paused";
    this.train?.replaceChildren(isAgain ? "Train again" : orderFor([run], "Train", "Train again"));
    this.toggleAttribute("data-stale", isStale);
    writer?.mark(isStale);
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
    const before = isStale ? "Trained on the list before. " : "";
    const go = isStale
      ? run.busy
        ? ""
        : " “Train again” learns the list in the field."
      : run.status === "paused"
        ? " “Go on” trains the rest; a list of your own begins anew."
        : "";
    const line =
      run.status === "failed"
        ? (run.message ?? "")
        : run.step
          ? `Step ${many(run.step)} of ${many(steps)}: mean loss of the last ` +
            `${Math.min(100, run.step)} is ${written(meanOfLast(run.losses), 3)} nats.${go}`
          : "Starting.";
    this.summary(before + line);
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
