// <mg-class-tally>: counts the guesses of a class from codes that are pasted, typed or scanned, as
// bars; the answer when it is asked for. Nothing leaves the page.

import { canScan, startScan } from "../js/figures/class/camera.js";
import { answerOf, isRightGuess, median, Tally, toldOf } from "../js/figures/class/tally.js";
import { fetched } from "../js/figures/fetched.js";
import { codeOf, guessNumber, newMark } from "../js/kit/class-code.js";
import { freshId, html, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group } from "../js/kit/make.js";
import { choiceField, flagField } from "../js/kit/state.js";
import { counted, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";

/** @typedef {import("../js/figures/class/tally.js").Question} Question */

const QUESTIONS = new URL("../files/questions.json", import.meta.url);
const INVENTED = 24;

class MgClassTally extends Widget {
  called = "guesses";
  fields = { of: choiceField("", [""]), answer: flagField(false) };
  asked = html("div", { class: "tally-asked" });
  bars = html("div", { class: "tally-rows" });
  video = html("video", { class: "tally-video", muted: true, playsinline: true, hidden: true });
  told = html("p", { class: "mg-note", role: "status" });
  /** @private stops the camera @type {(() => void) | null} */ stop = null;

  async load() {
    /** @type {Question[]} */
    const questions = await (await fetched(QUESTIONS)).json();
    this.tally = new Tally(questions);
    this.scans = await canScan();
    const names = questions.map(({ name }) => name);
    const last = this.tally.came.at(-1)?.guess.name;
    this.fields = { of: choiceField(last ?? names[0], names), answer: flagField(false) };
  }

  build() {
    this.hasTools = true; // what was counted is forgotten by its own button alone
    const id = freshId("codes");
    this.codes = html("textarea", {
      id,
      class: "mg-field tally-codes",
      rows: 4,
      autocomplete: "off",
      spellcheck: "false",
    });
    this.listen(this.codes, "keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      this.count();
    });
    const count = this.button("Count", () => this.count());
    const camera = this.scans ? [this.button("Camera", () => this.turnCamera())] : [];
    const options = Object.fromEntries(
      this.questions.map(({ name, text }) => [name, `${name}: ${text.slice(0, 60)}…`]),
    );
    const isEmpty = () => !this.tally?.came.length;
    const more = [
      this.menu("of", { label: "Question", options, also: () => ({ answer: false }) }),
      this.idle(
        this.button("Save as CSV", () => this.save()),
        isEmpty,
      ),
      this.button(`Try it: ${INVENTED} invented guesses`, () => this.invent()),
      this.idle(
        this.button("Forget all guesses", () => this.forget()),
        isEmpty,
      ),
    ];
    const without =
      "This browser has no reader for QR codes, so there is no button for the camera: paste the " +
      "codes, or type them.";
    const controls = [
      html("label", { for: id }, "Codes, as many as you like"),
      this.codes,
      group("What to do with the codes", {}, count, ...camera),
      ...(this.scans ? [] : [html("p", { class: "mg-note" }, without)]),
      this.toggle("answer", "Show the answer"),
      this.told,
    ];
    this.whenLeaving(() => this.stop?.());
    return [this.figure([this.asked, this.bars, this.video, this.table()], { controls, more })];
  }

  /** @private */
  get questions() {
    return this.tally?.questions ?? [];
  }

  /** @private @returns {Question} */
  get question() {
    return /** @type {Question} */ (this.tally?.byName.get(this.values.of));
  }

  /** @private */
  count() {
    const { tally, codes } = this;
    if (!tally || !codes) return;
    if (!codes.value.trim()) {
      this.told.textContent = "Paste codes into the field first.";
      return;
    }
    this.take(codes.value);
    codes.value = "";
  }

  /** @private @param {string} text */
  take(text) {
    const added = this.tally?.add(text);
    if (!added) return;
    this.told.textContent =
      toldOf(added) +
      (this.tally?.isKept ? "" : " This browser keeps nothing: a reload would lose the guesses.");
    const other = added.last !== null && added.last !== this.values.of;
    this.set(other ? { of: added.last, answer: false } : {});
  }

  /** @private */
  async turnCamera() {
    const { video, told } = this;
    if (this.stop) {
      this.stop();
      told.textContent = "The camera is off.";
      return;
    }
    const on = new AbortController();
    const stop = () => {
      on.abort();
      this.stop = null;
      video.hidden = true;
    };
    this.stop = stop; // before there is a picture: the reader may press again, or leave
    video.hidden = false;
    told.textContent = "The camera reads: hold the squares up to it.";
    const seen = new Set();
    const found = (/** @type {string} */ text) => {
      if (seen.has(text)) return; // it is still held up
      seen.add(text);
      this.guard(() => this.take(text));
    };
    try {
      await startScan(video, found, on.signal);
    } catch (error) {
      if (on.signal.aborted) return;
      stop();
      told.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  /** @private */
  save() {
    const address = URL.createObjectURL(
      new Blob([this.tally?.csv() ?? ""], { type: "text/csv;charset=utf-8" }),
    );
    html("a", { href: address, download: "guesses.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    this.told.textContent = `guesses.csv has ${counted(this.tally?.came.length ?? 0)} lines.`;
  }

  /** @private Guesses at random, to see how the page works. */
  invent() {
    const { name, choices, answer } = this.question;
    const draw = (/** @type {number} */ below) => Math.floor(Math.random() * below);
    const codes = Array.from({ length: INVENTED }, () => {
      const near = String(Math.max(0, Math.round(answer * (0.5 + Math.random()))));
      const guess = choices ? String.fromCharCode(65 + draw(choices.length)) : near;
      return codeOf(name, guess, newMark(draw));
    });
    this.take(codes.join("\n"));
    this.told.textContent =
      "Invented guesses are counted, to show how it works. Forget them before the lesson.";
  }

  /** @private */
  forget() {
    this.tally?.forget();
    this.told.textContent = "All guesses are forgotten.";
    this.set({ answer: false });
  }

  show() {
    const { tally, question } = this;
    if (!tally) return;
    const { answer } = this.values;
    const rows = tally.rows(question.name);
    const most = Math.max(1, ...rows.map(({ count }) => count));
    this.asked.replaceChildren(
      html("p", { class: "tally-name" }, `${question.title} · ${question.name.toUpperCase()}`),
      html("p", {}, question.text),
    );
    this.bars.replaceChildren(
      ...rows.map(({ label, text, count, isRight }) => {
        const right = answer && isRight;
        const bar = svg("rect", { height: 10, width: (100 * count) / most });
        const frame = { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" };
        return html(
          "div",
          { class: "tally-row", "data-right": right },
          html("b", {}, label),
          html("span", { class: "tally-text" }, text, right ? " ✓ the answer" : ""),
          svg("svg", frame, bar),
          html("span", { class: "tally-count" }, counted(count)),
        );
      }),
    );
    this.summary(() => this.inWords(rows));
  }

  /** @private @param {import("../js/figures/class/tally.js").Row[]} rows */
  inWords(rows) {
    const { tally, question } = this;
    const guesses = tally?.guesses(question.name) ?? [];
    if (!guesses.length) return "No guess at this question yet.";
    const many = `${counted(guesses.length)} ${guesses.length === 1 ? "guess" : "guesses"}`;
    const each = rows.filter(({ count }) => count).map(({ label, count }) => `${label}: ${count}`);
    const half = () => written(median(guesses.map(guessNumber)), question.digits);
    const middle = question.choices ? "" : ` The guess in the middle is ${half()}.`;
    const right = guesses.filter((one) => isRightGuess(question, one)).length;
    const so = `${counted(right)} of ${counted(guesses.length)} said so.`;
    const answer = this.values.answer ? ` The answer is ${answerOf(question)}: ${so}` : "";
    return `${many}: ${each.join(", ")}.${middle}${answer}`;
  }

  /** @private */
  table() {
    return tableOf("The guesses", () => ({
      head: ["guess", "", "how many"],
      rows: (this.tally?.rows(this.values.of) ?? []).map(({ label, text, count }) => [
        label,
        text,
        count,
      ]),
    }));
  }
}
define("mg-class-tally", MgClassTally);
