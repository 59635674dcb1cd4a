// The field for the reader's own list: typed, pasted, dropped or chosen as a file, a column of a
// table too; kept in the tab over a reload. A part of <mg-own-list>.

import { marked } from "../../characters.js";
import { FileError, InputError, MicrogptError } from "../../errors.js";
import { freshId, html } from "../../kit/dom.js";
import { fetched } from "../fetched.js";
import { ColumnChooser, MOST_COLUMNS } from "./column-chooser.js";
import { textOf } from "./list-bytes.js";
import { forget, keep, recall } from "./list-kept.js";
import { cellsOf, hasTitles, isTableName, likelyColumn } from "./list-tables.js";
import { resemblesTable, tableIn } from "./list-tables.js";
import { linesIn, MOST_BYTES, MOST_CHARACTERS, MOST_LINES } from "./own-list.js";

/** @typedef {import("./list-kept.js").Source} Source */
/** @typedef {import("./list-tables.js").Table} Table */

const FILES = new URL("../../../files/", import.meta.url);
const MOST_SHOWN = 50_000; // characters: a field with a million is slow
const LOOK_AFTER_MS = 250;
const many = (/** @type {number} */ n) => n.toLocaleString("en");

export class ListField {
  area = html("textarea", {
    class: "train-words",
    spellcheck: "false",
    autocapitalize: "none",
    autocomplete: "off",
  });
  refusal = html("p", { class: "mg-refused", role: "alert" });
  /** How it was read, and whether it is kept. */
  said = html("p", { class: "mg-note train-read", role: "status" });
  chooser = new ColumnChooser((column, titled) => this.trying(() => this.choose(column, titled)));
  /** What doesn't fit into the field is used all the same. @type {string[] | null} */ whole = null;
  /** @private whether what was typed is beyond the limits */ isTooMuch = false;
  /** @private whether the field shows only its beginning */ isCut = false;
  /** @private what is in the field if it is the reader's @type {Source | null} */ source = null;
  /** @private */ note = "";
  /** @private @type {Table | null} */ table = null;
  /** @private the last that was kept @type {Source | null} */ kept = null;
  /** @private */ round = 0;
  /** @private @type {ReturnType<typeof setTimeout> | undefined} */ looking = undefined;

  /**
   * @param {import("../../kit/widget.js").Widget} host
   * @param {object} acts
   * @param {() => void} acts.look the list has changed
   * @param {(text: string, name: string) => unknown} acts.openModel a model.json came instead
   * @param {() => unknown} acts.forget the reader wants it gone
   */
  constructor(host, { look, openModel, forget: gone }) {
    this.host = host;
    /** @private */ this.look = look;
    /** @private */ this.openModel = openModel;
    host.whenLeaving(() => clearTimeout(this.looking));
    this.forgetting = html("span", { hidden: true }, host.button("Forget it", gone));
    this.parts = this.made();
  }

  /** What the model would learn. */
  get words() {
    if (this.isTooMuch) return [];
    return this.whole ?? linesIn(this.area.value);
  }

  /** What is said of a list that is more than the field shows. */
  get beyond() {
    const { whole } = this;
    if (!whole) return "";
    const several = whole.filter((doc) => doc.includes("\n")).length;
    return (
      (this.isCut ? `; the field shows the first ${many(MOST_SHOWN)} characters` : "") +
      (several ? `; ${many(several)} of them have several lines` : "") +
      "; all are used, and typing there replaces them"
    );
  }

  /** @private */
  made() {
    const { area, host } = this;
    area.id = freshId("own");
    area.setAttribute("aria-describedby", `${area.id}-help`);
    host.listen(area, "input", (/** @type {InputEvent} */ event) => this.typed(event));
    const drop = html("div", { class: "train-drop" }, area);
    host.listen(drop, "dragover dragenter", (event) => {
      event.preventDefault();
      drop.toggleAttribute("data-over", true);
    });
    host.listen(drop, "dragleave", () => drop.toggleAttribute("data-over", false));
    host.listen(drop, "drop", (event) => {
      event.preventDefault();
      drop.toggleAttribute("data-over", false);
      const file = event.dataTransfer?.files?.[0];
      const text = event.dataTransfer?.getData("text/plain") ?? "";
      return this.trying(() => (file ? this.takeFile(file) : this.take({ text, name: "" })));
    });
    const help = "It stays in this tab: it isn't sent anywhere and isn't part of any link.";
    return [
      html("label", { for: area.id }, "One word or line each. Paste over it, or drop a file here."),
      this.chooser.whole,
      drop,
      this.said,
      html(
        "div",
        { class: "train-kept" },
        html("p", { id: `${area.id}-help`, class: "mg-note" }, help),
        this.forgetting,
      ),
    ];
  }

  /**
   * A button that opens a file.
   * @param {string} text
   * @param {string} accept
   */
  opener(text, accept) {
    const input = html("input", { type: "file", accept, "aria-label": text });
    this.host.listen(input, "change", (event) => {
      event.stopPropagation();
      const file = input.files?.[0];
      input.value = "";
      return file && this.trying(() => this.takeFile(file));
    });
    return html("label", { class: "mg-button train-file" }, text, input);
  }

  /**
   * Runs something; a mistake of the reader's, or of a file, is said in place.
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

  /** @param {string} line */
  refuse(line) {
    this.refusal.textContent = line;
  }

  // ---------------------------------------------------------------- where lists come from

  /** The list that was in this tab before, else one of the guide's. @param {string} file */
  async begin(file) {
    const source = recall();
    if (source) {
      try {
        this.take(source, "This is your list from before, kept in this tab.");
        return;
      } catch (error) {
        if (!(error instanceof MicrogptError)) throw error;
      }
    }
    await this.example(file);
  }

  /** A list that comes with the guide. @param {string} file */
  async example(file) {
    const mine = ++this.round;
    const text = await (await fetched(new URL(file, FILES))).text();
    if (mine !== this.round || !this.host.isConnected) return;
    this.forget();
    this.table = null;
    this.fill({ text, name: "" });
    this.chooser.show(null);
    this.said.textContent = "";
    this.look();
  }

  /** The reader's own is neither here nor in the tab any more; the field stays as it is. */
  forget() {
    forget();
    this.source = null;
    this.kept = null;
    this.forgetting.hidden = true;
  }

  /** A list, or a model.json. @private @param {File} file */
  async takeFile(file) {
    const mine = ++this.round;
    const name = file.name.slice(-60);
    const shown = marked(name);
    if (file.size > MOST_BYTES)
      throw new FileError(
        `“${shown}” has ${(file.size / 2 ** 20).toFixed(1)} MB; at most ${MOST_BYTES / 2 ** 20} ` +
          "are accepted here.",
        "Use a part of it.",
      );
    const { text, note } = textOf(new Uint8Array(await file.arrayBuffer()), shown);
    if (mine !== this.round || !this.host.isConnected) return;
    if (/\.json$/i.test(name) || /^\s*\{\s*"format"/.test(text)) {
      await this.openModel(text, `the file “${shown}”`);
      return;
    }
    this.take({ text, name }, note);
  }

  /**
   * The reader's own list, or a table that it is in.
   * @private
   * @param {Source} source
   * @param {string} [note] what the reader should know of it
   * @param {Table | null} [read] the table, where it has been read before
   */
  take(source, note = "", read = null) {
    checkedLength(source.text);
    const table = read ?? tableOf(source);
    const likely = table ? likelyColumn(table) : null;
    const { column = likely } = source;
    const isThere = table && column !== null && column < Math.min(table.first.length, MOST_COLUMNS);
    const now = {
      ...source,
      column: table ? (isThere || column === null ? column : likely) : null,
    };
    checkedCount(docsOf(now, table));
    this.round++;
    clearTimeout(this.looking);
    this.source = now;
    this.note = note;
    this.table = table;
    this.fill(now);
    this.offer();
    this.said.textContent = [note, takenFrom(now, table)].filter((line) => line).join(" ");
    this.look();
    this.keep();
  }

  /**
   * Another column of the same table.
   * @private
   * @param {number | null} column
   * @param {boolean} [titled]
   */
  choose(column, titled) {
    if (!this.source) return;
    const { text, name } = this.source;
    const how = titled === undefined ? {} : { titled };
    this.take({ text, name, column, ...how }, this.note, this.table);
  }

  /** @private */
  offer() {
    const { table, source } = this;
    if (!table || !source) {
      this.chooser.show(null);
      return;
    }
    const { name, column = null } = source;
    const titled = column !== null && (source.titled ?? hasTitles(table, column));
    this.chooser.show(table, { name, column, titled });
  }

  /** @private @param {InputEvent} event */
  typed({ inputType }) {
    this.round++;
    const text = this.area.value;
    const isTable = /^insertFrom/.test(inputType ?? "") && resemblesTable(text);
    if (isTable) return this.trying(() => this.take({ text, name: "" }));
    if (this.table) this.chooser.show(null);
    this.said.textContent = "";
    this.whole = null;
    this.table = null;
    this.source = { text, name: "", column: null };
    return this.soon();
  }

  /** Soon after the last key. */
  soon() {
    clearTimeout(this.looking);
    this.looking = setTimeout(() => this.host.guard(() => this.now()), LOOK_AFTER_MS);
  }

  /** What is in the field now, if something was typed a moment ago. */
  now() {
    clearTimeout(this.looking);
    this.round++;
    if (this.whole) {
      this.look();
      return;
    }
    const { value } = this.area;
    this.isTooMuch = true;
    this.trying(() => {
      checkedLength(value);
      checkedCount(linesIn(value));
      this.isTooMuch = false;
    });
    this.look();
    if (!this.isTooMuch) this.keep();
  }

  /** @private @param {Source} source */
  fill(source) {
    const docs =
      source.column === undefined || source.column === null ? null : docsOf(source, this.table);
    this.isTooMuch = false;
    const text = docs ? docs.join("\n") : source.text.replace(/^\ufeff/, "");
    this.isCut = text.length > MOST_SHOWN;
    const shown = this.isCut ? text.slice(0, MOST_SHOWN).split("\n").slice(0, -1).join("\n") : text;
    const isWhole = !this.isCut && !docs?.some((doc) => doc.includes("\n"));
    this.whole = isWhole ? null : (docs ?? linesIn(text));
    this.area.value = shown;
  }

  /** The reader's own, for a reload. @private */
  keep() {
    const { source } = this;
    if (!source || source === this.kept) return;
    if (!source.text.trim()) return this.forget();
    this.kept = source;
    const isKept = keep(source);
    this.forgetting.hidden = !isKept;
    if (!isKept)
      this.said.append(
        " This browser can't keep the list: it will be gone when the page is loaded again.",
      );
  }
}

/** @param {Source} source @returns {Table | null} */
function tableOf({ text, name }) {
  if (isTableName(name)) {
    const table = tableIn(text, name);
    return table.rows.length ? table : null;
  }
  if (!resemblesTable(text)) return null;
  try {
    const table = tableIn(text, name);
    return table.first.length > 1 ? table : null;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return null; // nobody said that it is one
  }
}

/** @param {Source} source @param {Table | null} table */
function docsOf({ text, column = null, titled }, table) {
  return table && column !== null ? cellsOf(table, column, titled) : linesIn(text);
}

/** @param {Source} source @param {Table | null} table */
function takenFrom({ column = null }, table) {
  if (!table) return "";
  return column === null
    ? "All lines are taken whole."
    : `Column ${column + 1} of ${table.first.length} is taken.`;
}

/** @param {string} text */
function checkedLength(text) {
  if (text.length > MOST_CHARACTERS)
    throw new InputError(
      `That is ${many(text.length)} characters; at most ${many(MOST_CHARACTERS)} are accepted ` +
        "here.",
      "Use a part of it.",
    );
}

/** @param {string[]} docs */
function checkedCount(docs) {
  if (docs.length > MOST_LINES)
    throw new InputError(
      `That is ${many(docs.length)} lines; at most ${many(MOST_LINES)} are accepted here.`,
      "Use a part of it.",
    );
}
