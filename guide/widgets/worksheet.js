// <mg-worksheet>: the toy block to be filled in by hand, every cell checked on its own, the usual
// mistakes named. Filled cells are kept on this reader's machine; printed, the cells are empty.

import {
  CELLS,
  columnOf,
  given,
  hint,
  MOST_CHARACTERS,
  readEntries,
  STEPS,
  writeEntries,
} from "../js/figures/toy/worksheet.js";
import { judgeCell } from "../js/figures/toy/worksheet-judge.js";
import { freshId, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { line, row, table } from "../js/kit/make.js";
import { forget, progress, solved } from "../js/kit/progress.js";
import { choiceField, isHidden } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { TOY_TOKENS } from "../js/numbers/toy.js";

/** @typedef {import("../js/figures/toy/worksheet.js").Cell} Cell */
/** @typedef {{field: HTMLInputElement, mark: HTMLElement}} Place */
/**
 * @typedef {{said: HTMLElement, hint: HTMLButtonElement, reveal: HTMLButtonElement, at: Cell}} Part
 */

const SIGNS = { right: "✓", wrong: "✗", unread: "?", empty: "" };
const IN_WORDS = { right: "right", wrong: "not yet", unread: "no number", empty: "" };

class MgWorksheet extends Widget {
  isHeard = true;
  fields = { token: choiceField("2", ["0", "1", "2", "3"]) };
  score = html("p", { class: "ws-score" });
  kept = html("p", { class: "mg-note" });
  paper = html("p", { class: "ws-paper" });
  /** @private */ opened = "";
  /** @private @type {import("../js/figures/toy/worksheet.js").Entries} */ entries = {};
  /** @private @type {Map<string, Place>} */ places = new Map();
  /** @private @type {Map<string, Part>} */ parts = new Map();

  build() {
    this.opened = "";
    const tokens = this.menu("token", { label: "Token at position 2", options: TOY_TOKENS });
    const tools = row(
      tokens,
      this.button("Print the sheet", () => globalThis.print()),
    );
    tools.classList.add("ws-tools");
    return [
      tools,
      this.paper,
      this.score,
      html("div", { class: "ws-steps" }, ...STEPS.map((step) => this.stepOf(step))),
      this.key(),
      this.kept,
      this.tools(this.button("Empty this sheet", () => this.empty(), { control: "empty" })),
    ];
  }

  reset() {
    this.empty();
    super.reset();
  }

  /**
   * One step: what is given, its cells, and help for the cell in hand.
   * @private
   * @param {import("../js/figures/toy/worksheet.js").Step} step
   */
  stepOf({ key, title, rule }) {
    const cells = CELLS.filter((cell) => cell.step === key);
    const id = freshId("ws");
    const said = html("p", { id, class: "ws-said", role: "status" });
    const facts = given(key).map(([name, text]) =>
      html("div", {}, html("dt", {}, name), html("dd", {}, text)),
    );
    const fields = cells.map((cell) => {
      const field = html("input", {
        id: freshId("ws-cell"),
        class: "mg-field ws-field",
        type: "text",
        inputmode: "text",
        maxlength: MOST_CHARACTERS,
        autocomplete: "off",
        spellcheck: "false",
        "aria-describedby": id,
      });
      const mark = html("span", { class: "ws-mark" });
      this.places.set(cell.id, { field, mark });
      this.listen(field, "focus", () => this.take(cell));
      this.listen(field, "change", () => this.enter(cell));
      this.listen(field, "keydown", (event) => this.onward(event, cell));
      return html(
        "div",
        { class: "ws-cell" },
        html("label", { for: field.id }, cell.name),
        html("div", { class: "ws-box" }, field, mark),
      );
    });
    const help = this.button("Hint", () => this.help(key), { control: "hint" });
    const reveal = this.button("Show", () => this.reveal(key), { control: "show" });
    this.parts.set(key, { said, hint: help, reveal, at: cells[0] });
    return html(
      "fieldset",
      { class: "ws-step" },
      html("legend", {}, title),
      html("p", { class: "ws-rule" }, rule),
      ...(facts.length ? [html("dl", { class: "ws-given" }, ...facts)] : []),
      html("div", { class: "ws-cells" }, ...fields),
      html("div", { class: "mg-row ws-tools" }, help, reveal),
      said,
    );
  }

  /** The answer key, made when it is opened. @private */
  key() {
    const body = html("tbody");
    const caption = html("caption");
    const head = ["cell", "rounded by hand", "exact"];
    const details = html(
      "details",
      { class: "answer ws-key" },
      html("summary", {}, "Answer key"),
      table("Answer key", head, body, { caption, class: "net-table" }),
    );
    details.hidden = isHidden("key");
    this.keyed = () => {
      if (!details.open) return;
      const [hand, exact] = [columnOf(this.token, "hand"), columnOf(this.token, "exact")];
      caption.textContent = `Token ${TOY_TOKENS[this.token]}`;
      body.replaceChildren(
        ...CELLS.map(({ step, index, name }) =>
          line(name, written(hand[step][index]), written(exact[step][index], 4)),
        ),
      );
    };
    this.listen(details, "toggle", () => this.keyed?.());
    return details;
  }

  /** @private */
  get token() {
    return Number(this.values.token);
  }

  /** @private */
  get name() {
    return `block-${TOY_TOKENS[this.token]}`;
  }

  /** The sheet of the token, as it was left. */
  show() {
    const { token } = this.values;
    const name = TOY_TOKENS[this.token];
    this.paper.textContent = `Token at position 2: ${name}        Name: ……………………………`;
    if (this.opened === token) return;
    this.opened = token;
    this.entries = readEntries(progress()[this.name] ?? "");
    for (const [id, { field }] of this.places) field.value = this.entries[id]?.text ?? "";
    for (const { said } of this.parts.values()) said.textContent = "";
    for (const { key } of STEPS) {
      const cells = CELLS.filter(({ step }) => step === key);
      this.take(cells.find(({ id }) => !this.entries[id]) ?? cells[0]);
    }
    this.keyed?.();
    this.judge();
  }

  /** The cell that a step's help is for. @private @param {Cell} cell */
  take(cell) {
    const part = this.parts.get(cell.step);
    if (!part) return;
    part.at = cell;
    part.hint.textContent = `Hint for ${cell.name}`;
    part.reveal.textContent = `Show ${cell.name}`;
  }

  /** Takes in what stands in a cell. @private @param {Cell} cell */
  enter(cell) {
    const place = this.places.get(cell.id);
    if (!place) return;
    const text = place.field.value.trim();
    if (text === (this.entries[cell.id]?.text ?? "")) return;
    if (text) this.entries[cell.id] = { text };
    else delete this.entries[cell.id];
    this.keep();
    const { say } = this.judge().get(cell.id) ?? {};
    const part = this.parts.get(cell.step);
    if (part) part.said.textContent = say ?? "";
  }

  /**
   * Enter checks a cell, and goes on where it is right.
   * @private
   * @param {KeyboardEvent} event
   * @param {Cell} cell
   */
  onward(event, cell) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    this.enter(cell);
    const next = CELLS[CELLS.indexOf(cell) + 1];
    if (next && judgeCell(this.token, cell.id, this.entries).verdict === "right")
      this.places.get(next.id)?.field.focus();
  }

  /** @private @param {string} key */
  help(key) {
    const part = this.parts.get(key);
    if (part) part.said.textContent = hint(this.token, part.at, 1);
  }

  /** @private @param {string} key */
  reveal(key) {
    const part = this.parts.get(key);
    const place = part && this.places.get(part.at.id);
    if (!part || !place) return;
    const { id, step, index, name } = part.at;
    const text = written(columnOf(this.token, "hand")[step][index]);
    place.field.value = text;
    this.entries[id] = { text, shown: true };
    this.keep();
    this.judge();
    part.said.textContent = `${hint(this.token, part.at, 1)} = ${text}. It counts as shown.`;
    const next = CELLS.find((cell) => cell.step === key && !this.entries[cell.id]);
    if (next) this.take(next);
    if (!next) part.reveal.textContent = `Show ${name}`;
  }

  /** @private */
  keep() {
    const line = writeEntries(this.entries);
    const isKept = line ? solved(this.name, line) : forget(this.name);
    this.kept.textContent = isKept
      ? ""
      : "This browser doesn't store progress; the sheet is kept for this visit only.";
  }

  /** @private */
  empty() {
    this.entries = {};
    this.keep();
    this.opened = "";
    this.show();
  }

  /** Every cell's mark, and how far the sheet is. @private */
  judge() {
    const { entries } = this;
    const judgements = new Map(CELLS.map(({ id }) => [id, judgeCell(this.token, id, entries)]));
    let [right, shown] = [0, 0];
    for (const { id, name } of CELLS) {
      const place = this.places.get(id);
      const { verdict } = /** @type {import("../js/figures/toy/worksheet-judge.js").Judgement} */ (
        judgements.get(id)
      );
      const isShown = entries[id]?.shown === true;
      if (isShown) shown++;
      else if (verdict === "right") right++;
      if (!place) continue;
      const [sign, words] = isShown ? ["●", "shown"] : [SIGNS[verdict], IN_WORDS[verdict]];
      place.mark.textContent = sign;
      place.mark.title = words;
      place.mark.dataset.verdict = isShown ? "shown" : verdict;
      place.field.toggleAttribute("aria-invalid", verdict === "wrong" || verdict === "unread");
      if (words) place.field.setAttribute("aria-label", `${name}, ${words}`);
      else place.field.removeAttribute("aria-label");
    }
    const all = right === CELLS.length ? " All by yourself." : "";
    const text =
      `Token ${TOY_TOKENS[this.token]}: ${right} of ${CELLS.length} cells are ` +
      `right${shown ? `, ${shown} shown` : ""}.${all}`;
    this.score.textContent = text;
    this.summary(text);
    return judgements;
  }
}

define("mg-worksheet", MgWorksheet);
