// <mg-mlp-flow>: one token on its way through the network of rung 1. <mg-mlp-name>: a name
// under that network, beside the counts of rung 0 from the same names. The weights are those
// of ladder/train1.py: both figures train them in the page, from the same list and seed.

import { freshId, html, renew } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { choiceField, textField, urlState, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { allCalled, called, loadNames } from "../js/figures/dataset.js";
import { actor, menu, probabilityBars, tools } from "../js/figures/parts.js";
import { compare, RungOne } from "../js/figures/rungs/rung-one.js";

const STAGES = ["0", "100", "1000"];
const STAGE_TEXT = /** @type {[string, string][]} */ ([
  ["0", "untrained"],
  ["100", "100 names"],
  ["1000", "1,000 names"],
]);

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
class Trained extends KitElement {
  constructor() {
    super();
    /** @type {RungOne | null} */ this.run = null;
    /** @private */ this.wanted = "";
  }

  /** @protected */
  chooser() {
    const { whole, select } = menu(this, "Trained on", STAGE_TEXT, (stage) =>
      this.state?.set({ stage }),
    );
    this.chosen = select;
    return whole;
  }

  /** @returns {import("../js/kit/state.js").UrlState | undefined} */
  get state() {
    return this.held;
  }

  /** @protected @param {import("../js/kit/state.js").UrlState} state */
  hold(state) {
    this.held = state;
    this.whenLeaving(() => state.close());
    state.onChange(() => this.fresh());
  }

  /** Shows what there is, and fetches the run that is asked for. @protected */
  async fresh() {
    const stage = this.state?.values.stage;
    if (this.chosen) this.chosen.value = stage;
    if (this.wanted === stage && this.run) return this.guard(() => this.show());
    this.wanted = stage;
    this.summary(
      stage === "0"
        ? "Fetching the names."
        : `Training the network on ${Number(stage).toLocaleString("en")} names, in this page.`,
    );
    try {
      const run = await trained(stage);
      if (this.wanted !== stage || !this.isConnected) return;
      this.run = run;
      this.guard(() => this.show());
    } catch (error) {
      this.fail(error);
    }
  }

  show() {}
}

class MgMlpFlow extends Trained {
  build() {
    this.hold(
      urlState("mlp-flow", { token: wholeField(0, 0, 26), stage: choiceField("1000", STAGES) }),
    );
    this.tokens = html("div", {
      class: "net-tokens",
      role: "group",
      "aria-label": "Token that goes in",
    });
    this.keys = [..."abcdefghijklmnopqrstuvwxyz", "BOS"].map((name, token) =>
      actor(this, name, () => this.state?.set({ token }), { "aria-pressed": "false" }),
    );
    this.tokens.append(...this.keys);
    const heat = (/** @type {string} */ label) =>
      /** @type {import("../js/kit/heat.js").MgHeat} */ (
        html(/** @type {any} */ ("mg-heat"), { label, digits: 3 })
      );
    this.x = heat("x, the token's row of wte");
    this.hidden_ = heat("hidden numbers after ReLU");
    this.logits = heat("logits");
    this.bars = probabilityBars("Probability of coming next");
    this.replaceChildren(
      this.chooser(),
      this.tokens,
      html("p", { class: "net-title" }, "1 · The token's row of wte: 16 numbers"),
      this.x,
      html("p", { class: "net-title" }, "2 · fc1 and ReLU: 64 hidden numbers"),
      this.hidden_,
      html("p", { class: "net-title" }, "3 · fc2: 27 logits"),
      this.logits,
      html("p", { class: "net-title" }, "4 · softmax: 27 probabilities of what comes next"),
      this.bars,
      tools(this, /** @type {any} */ (this.state)),
    );
    return this.fresh();
  }

  show() {
    const { token, stage } = this.state?.values ?? {};
    const run = this.run;
    if (!run || !this.x || !this.hidden_ || !this.logits) return;
    this.keys?.forEach((key, i) => key.setAttribute("aria-pressed", String(i === token)));
    const { x, hidden, logits, probs } = run.model.forward(token);
    const names = allCalled(run.tokenizer);
    this.x.data = { values: [x], rows: [names[token]] };
    this.hidden_.data = {
      values: [0, 16, 32, 48].map((i) => hidden.slice(i, i + 16)),
      rows: ["0–15", "16–31", "32–47", "48–63"],
    };
    this.logits.data = { values: [logits], rows: ["z"], columns: names };
    const [first, second] = probs.map((p, i) => ({ p, name: names[i] })).sort((a, b) => b.p - a.p);
    if (this.bars) this.bars.data = { names, values: probs, marked: probs.indexOf(first.p) };
    const fired = hidden.filter((h) => h > 0).length;
    const seen = stage === "0" ? "Untrained" : `After ${Number(stage).toLocaleString("en")} names`;
    this.summary(
      `${seen}, token ${token} (${names[token]}): ${fired} of 64 hidden units fire. Most ` +
        `likely next: ${first.name} ${written(first.p, 3)}, then ${second.name} ` +
        `${written(second.p, 3)}.`,
    );
  }
}

class MgMlpName extends Trained {
  build() {
    this.hold(
      urlState("mlp-name", { name: textField("ava", 15), stage: choiceField("1000", STAGES) }),
    );
    const id = freshId("mlp-name");
    const field = html("input", {
      id,
      class: "mg-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-describedby": `${id}-wrong`,
    });
    this.field = field;
    this.wrong = html("p", { id: `${id}-wrong`, class: "mg-note", role: "alert" });
    this.listen(field, "input", (event) => {
      event.stopPropagation();
      this.take(field.value.trim().toLowerCase());
    });
    this.body = html("tbody");
    const head = ["after", "comes", "p, counts", "loss", "p, network", "loss"];
    this.replaceChildren(
      html("div", { class: "mg-row" }, html("label", { for: id }, "Name"), field, this.chooser()),
      this.wrong,
      html(
        "div",
        {
          class: "mg-scroll",
          tabindex: 0,
          role: "region",
          "aria-label": "The name, letter by letter",
        },
        html(
          "table",
          { class: "net-table" },
          html(
            "thead",
            {},
            html("tr", {}, ...head.map((text) => html("th", { scope: "col" }, text))),
          ),
          this.body,
        ),
      ),
      tools(this, /** @type {any} */ (this.state)),
    );
    return this.fresh();
  }

  /** @private @param {string} name */
  take(name) {
    const good = /^[a-z]{1,15}$/.test(name);
    if (this.wrong)
      this.wrong.textContent = good
        ? ""
        : "A name here has 1 to 15 letters, a to z. The table keeps the last one.";
    if (good) this.state?.set({ name });
  }

  show() {
    const { name, stage } = this.state?.values ?? {};
    const run = this.run;
    if (!run || !this.field) return;
    if (!/^[a-z]{1,15}$/.test(name)) return this.state?.set({ name: "ava" });
    if (this.field.value !== name && document.activeElement !== this.field) this.field.value = name;
    const { rows, counts, mlp } = compare(run, run.counts(Number(stage)), name);
    const cells = (/** @type {string[]} */ texts, isMean = false) =>
      html(
        "tr",
        { class: isMean ? "net-mean" : null },
        ...texts.map((text) => html("td", {}, text)),
      );
    renew(
      this.body,
      ...rows.map((row) =>
        cells([
          called(run.tokenizer, row.token),
          called(run.tokenizer, row.next),
          written(row.counts, 3),
          written(-Math.log(row.counts)),
          written(row.mlp, 3),
          written(-Math.log(row.mlp)),
        ]),
      ),
      cells(["mean", "", "", written(counts), "", written(mlp)], true),
    );
    const better =
      Math.abs(counts - mlp) < 0.005
        ? "they are level"
        : counts < mlp
          ? "counting is less surprised"
          : "the network is less surprised";
    this.summary(
      `“${name}”, both ` +
        `${stage === "0" ? "untrained" : `after ${Number(stage).toLocaleString("en")} names`}: ` +
        `mean loss ${written(counts)} by counting, ${written(mlp)} by the network; ${better}.`,
    );
  }
}

define("mg-mlp-flow", MgMlpFlow);
define("mg-mlp-name", MgMlpName);
