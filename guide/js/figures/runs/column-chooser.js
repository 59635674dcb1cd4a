// Which column of a table the list is: a button for each, with its first values. A part of
// <mg-own-list>.

import { marked } from "../../characters.js";
import { freshId, html } from "../../kit/dom.js";
import { hasTitles, SEPARATORS, shownOf } from "./list-tables.js";

/** @typedef {import("./list-tables.js").Table} Table */

/** Above this the others aren't offered. */
export const MOST_COLUMNS = 50;

export class ColumnChooser {
  whole = html("fieldset", { class: "train-columns", hidden: true });

  /** @param {(column: number | null, titled?: boolean) => void} chosen null for whole lines */
  constructor(chosen) {
    /** @private */ this.chosen = chosen;
  }

  /**
   * @param {Table | null} table null where the list isn't from one
   * @param {{name: string, column: number | null, titled: boolean}} [now]
   */
  show(table, now = { name: "", column: null, titled: false }) {
    const had = /** @type {HTMLInputElement | null} */ (this.whole.querySelector(":focus"));
    const top = this.list?.scrollTop ?? 0;
    this.whole.hidden = !table;
    this.whole.replaceChildren(...(table ? this.parts(table, now) : []));
    this.reveal(top);
    if (had) this.focus(had.value);
  }

  /** @private the columns, which may be more than there is room for */
  get list() {
    return this.whole.querySelector(".train-column-list");
  }

  /** Scrolled as before, or so that the chosen one can be seen. @private @param {number} top */
  reveal(top) {
    const { list } = this;
    const one = /** @type {HTMLElement | null} */ (list?.querySelector("[data-chosen]"));
    if (!list || !one) return;
    const least = one.offsetTop + one.offsetHeight - list.clientHeight;
    list.scrollTop = Math.max(least, Math.min(top, one.offsetTop));
  }

  /** What had the focus keeps it. @private @param {string} value */
  focus(value) {
    for (const input of this.whole.querySelectorAll("input"))
      if (input.value === value) input.focus();
  }

  /**
   * @private
   * @param {Table} table
   * @param {{name: string, column: number | null, titled: boolean}} now
   */
  parts(table, { name, column, titled }) {
    const group = freshId("column");
    const { first, odd, separator } = table;
    const count = Math.min(first.length, MOST_COLUMNS);
    const what = name ? `“${marked(name.slice(0, 60))}”` : "What you pasted";
    const all = Array.from({ length: count }, (_, at) => {
      const { title, values } = shownOf(table, at, at === column ? titled : hasTitles(table, at));
      return this.choice(group, at, marked(title), values.map(marked).join(" · ") || "(empty)");
    });
    all.push(this.choice(group, null, "Whole lines", "as they are, with what is between"));
    const [chosen, input] = all[column ?? count];
    input.checked = true;
    chosen.dataset.chosen = "";
    /** @type {HTMLElement[]} */
    const parts = [
      html("legend", {}, `${what} is a table. Which column is the list?`),
      html("div", { class: "train-column-list" }, ...all.map(([label]) => label)),
    ];
    if (first.length > count)
      parts.push(html("p", { class: "mg-note" }, `Only the first ${MOST_COLUMNS} are offered.`));
    if (column === null) return parts;
    const box = html("input", { type: "checkbox", value: "titles" });
    box.checked = titled;
    box.addEventListener("change", (event) => {
      event.stopPropagation();
      this.chosen(column, box.checked);
    });
    parts.push(html("label", {}, box, html("span", {}, "The first row holds titles")));
    if (odd) {
      const between = /** @type {Record<string, string>} */ (SEPARATORS)[separator];
      parts.push(
        html(
          "p",
          { class: "mg-note" },
          `Of the rows, ${odd.count.toLocaleString("en")} don't have the ${first.length} cells ` +
            `of the first one: line ${odd.line.toLocaleString("en")} has ${odd.cells}. Is a cell ` +
            `with ${between} unquoted?`,
        ),
      );
    }
    return parts;
  }

  /**
   * @private
   * @param {string} group
   * @param {number | null} at
   * @param {string} title
   * @param {string} values
   * @returns {[HTMLLabelElement, HTMLInputElement]}
   */
  choice(group, at, title, values) {
    const input = html("input", { type: "radio", name: group, value: at ?? "lines" });
    input.addEventListener("change", (event) => {
      event.stopPropagation();
      this.chosen(at);
    });
    const words = html(
      "span",
      {},
      html("b", {}, title),
      " ",
      html("span", { class: "mg-soft" }, values),
    );
    return [html("label", { class: "train-column" }, input, words), input];
  }
}
