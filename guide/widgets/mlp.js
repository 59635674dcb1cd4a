// <mg-mlp-flow>: one token on its way through the network of rung 1. <mg-mlp-name>: a name
// under that network, beside the counts of rung 0 from the same names. The weights are those
// of ladder/train1.py: both figures train them in the page, from the same list and seed.

import { InputError } from "../js/errors.js";
import "../js/kit/bars.js";
import { html, renew, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { make } from "../js/kit/make.js";
import { choiceField, textField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { allCalled, called, loadNames } from "../js/figures/dataset.js";
import { lossPairs } from "../js/figures/networks/loss-pairs.js";
import { onWidth } from "../js/figures/networks/number-line.js";
import { compare, RungOne } from "../js/figures/rungs/rung-one.js";

const STAGES = { 0: "untrained", 100: "100 names", 1000: "1,000 names" };
const stageField = choiceField("1000", Object.keys(STAGES));
const namesIn = (/** @type {string} */ stage) => `${Number(stage).toLocaleString("en")} names`;

/** @type {Map<string, Promise<RungOne>>} */
const runs = new Map();

/** Rung 1 after so many names; trained once a page. @param {string} stage */
function trained(stage) {
  const before = runs.get(stage);
  if (before) return before;
  const run = (async () => {
    const made = new RungOne((await loadNames()).docs);
    await made.advanceTo(Number(stage));
    return made;
  })();
  run.catch(() => runs.delete(stage));
  runs.set(stage, run);
  return run;
}

/** What both figures share: a stage of training, and the run that belongs to it. */
class Trained extends Widget {
  /** @private of which stage the run is, or will be */ wanted = "";
  /** @protected @type {RungOne | null} */ run = null;

  /** @protected */
  chooser() {
    return this.menu("stage", { label: "Trained on", options: STAGES });
  }

  /** Shows what there is, and fetches the run that is asked for. */
  show() {
    const { stage } = this.state.values;
    if (this.wanted === stage && this.run) return this.draw(this.run);
    this.wanted = stage;
    this.run = null;
    this.summary(
      stage === "0"
        ? "Fetching the names."
        : `Training the network on ${namesIn(stage)}, on this page.`,
    );
    trained(stage).then(
      (run) => {
        if (this.wanted !== stage || !this.isConnected) return;
        this.run = run;
        this.guard(() => this.draw(run));
      },
      (error) => this.fail(error),
    );
  }

  /** @param {RungOne} _run */
  draw(_run) {}
}

const heat = (/** @type {string} */ label, least = 15) =>
  make("mg-heat", { label, digits: 3, least, most: 20, high: 17 });
const stage = (/** @type {string} */ text, /** @type {HTMLElement[]} */ ...parts) =>
  html("section", { class: "net-stage" }, html("p", { class: "net-head" }, text), ...parts);

class MgMlpFlow extends Trained {
  fields = { token: wholeField(0, 0, 26), stage: stageField };
  x = heat("x, the token's row of wte");
  active = heat("hidden numbers after ReLU");
  logits = heat("logits", 10);
  bars = make("mg-bars", { label: "Probability of coming next", digits: 3, height: 200 });

  build() {
    const names = [..."abcdefghijklmnopqrstuvwxyz", "BOS"];
    const flow = html(
      "div",
      { class: "net-flow" },
      stage("row of wte: 16", this.x),
      stage("fc1, ReLU: 64 hidden", this.active),
      stage(
        "fc2: 27 logits",
        this.logits,
        html("p", { class: "net-head" }, "softmax: probability of coming next"),
        this.bars,
      ),
    );
    const keys = this.choices("token", "Token that goes in", names, { class: "net-tokens" });
    return [this.figure(flow, { under: true, controls: [keys, this.chooser()] })];
  }

  /** @param {RungOne} run */
  draw(run) {
    const { token, stage } = this.values;
    const { x, hidden, logits, probs } = run.model.forward(token);
    const names = allCalled(run.tokenizer);
    this.x.data = { values: x.map((v) => [v]), columns: [names[token]] };
    this.active.data = {
      values: x.map((_, i) => hidden.slice(4 * i, 4 * i + 4)),
      rows: x.map((_, i) => String(4 * i)),
      columns: ["+0", "+1", "+2", "+3"],
    };
    this.logits.data = { values: [logits], rows: ["z"], columns: names };
    const [first, second] = probs.map((p, i) => ({ p, name: names[i] })).sort((a, b) => b.p - a.p);
    this.bars.data = { names, values: probs, marked: probs.indexOf(first.p) };
    const fired = hidden.filter((h) => h > 0).length;
    const seen = stage === "0" ? "Untrained" : `After ${namesIn(stage)}`;
    this.summary(
      `${seen}, token ${token} (${names[token]}): ${fired} of 64 hidden units fire. Most ` +
        `likely next: ${first.name} ${written(first.p, 3)}, then ${second.name} ` +
        `${written(second.p, 3)}.`,
    );
  }
}

/** @param {string} typed */
function readName(typed) {
  const name = typed.trim().toLowerCase();
  if (/^[a-z]{1,15}$/.test(name)) return name;
  throw new InputError(
    "A name here has 1 to 15 letters, a to z.",
    "The figure keeps the last one.",
  );
}

class MgMlpName extends Trained {
  fields = { name: textField("ava", 15), stage: stageField };
  room = html("div");
  /** @private */ width = 800;
  /** @private what the table has @type {string[][]} */ cells = [];

  build() {
    const [field, refused] = this.text("name", { label: "Name", read: readName });
    onWidth(this, this.room, (width) => {
      this.width = width;
      if (this.run) this.draw(this.run);
    });
    return [
      this.figure(this.room, { controls: [field, refused, this.chooser()] }),
      tableOf("The name, letter by letter", () => ({
        head: ["after", "comes", "p, counts", "loss", "p, network", "loss"],
        rows: this.cells,
      })),
    ];
  }

  /** @param {RungOne} run */
  draw(run) {
    const { name, stage } = this.values;
    const { rows, counts, mlp } = compare(run, run.counts(Number(stage)), name);
    const loss = (/** @type {number} */ p) => -Math.log(p);
    const steps = rows.map((one) => ({
      name: `${called(run.tokenizer, one.token)} → ${called(run.tokenizer, one.next)}`,
      values: [loss(one.counts), loss(one.mlp)],
    }));
    this.cells = [
      ...rows.map((one) => [
        called(run.tokenizer, one.token),
        called(run.tokenizer, one.next),
        ...[one.counts, one.mlp].flatMap((p) => [written(p, 3), written(loss(p))]),
      ]),
      ["mean", "", "", written(counts), "", written(mlp)],
    ];
    const series = [
      { name: "counts", mean: counts },
      { name: "network", mean: mlp },
    ];
    renew(this.room, lossPairs(steps, series, this.width));
    const better =
      Math.abs(counts - mlp) < 0.005
        ? "they are level"
        : counts < mlp
          ? "counting is less surprised"
          : "the network is less surprised";
    this.summary(
      `“${name}”, both ${stage === "0" ? "untrained" : `after ${namesIn(stage)}`}: mean loss ` +
        `${written(counts)} for the counts, ${written(mlp)} for the network; ${better}.`,
    );
  }
}

define("mg-mlp-flow", MgMlpFlow);
define("mg-mlp-name", MgMlpName);
