// <mg-dataset>: a list of names by first letter and by length, each narrowing the other, with the
// part that a run is shown; the guide's names, or the list that the reader has loaded in this tab.

import { loadNames, namesOf, STEPS } from "../js/figures/dataset.js";
import {
  ANY,
  barAt,
  foundOf,
  kindsOf,
  LENGTHS,
  lengthBars,
  LETTERS,
  letterBars,
  NARROW,
  sentence,
  SOME,
  someNames,
  WIDE,
} from "../js/figures/runs/list-drawing.js";
import { recall } from "../js/figures/runs/list-kept.js";
import { cellsOf, tableIn } from "../js/figures/runs/list-tables.js";
import { linesIn } from "../js/figures/runs/own-list.js";
import { marked } from "../js/characters.js";
import { MicrogptError } from "../js/errors.js";
import { html, setAll, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { redraw } from "../js/kit/shapes.js";
import { choiceField, flagField, wholeField } from "../js/kit/state.js";
import { counted } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";

/** @typedef {import("../js/figures/runs/list-drawing.js").Kinds} Kinds */

const MOST_LENGTH = 20;
const NARROW_BELOW = 480; // px of the figure

class MgDataset extends Widget {
  fields = {
    letter: choiceField("e", [ANY, "e"]),
    length: wholeField(0, 0, MOST_LENGTH),
    own: flagField(false),
  };
  /** The guide's list, and the reader's. @type {Kinds[]} */ lists = [];
  /** @private of the bars' pictures */ wide = WIDE;
  letters = svg("svg", box(LETTERS, "Names by first letter"));
  lengths = svg("svg", box(LENGTHS, "Names by their number of letters"));
  some = svg("svg", box(SOME, "Some of the names; those with a dot are shown in training"));

  async load() {
    const names = await loadNames();
    const own = kept();
    this.lists = [names, ...(own ? [namesOf(own)] : [])].map(({ docs, shuffled }) =>
      kindsOf(docs, shuffled.slice(0, STEPS)),
    );
    const letters = [...new Set(this.lists.flatMap((list) => list.letters))];
    this.fields = { ...this.fields, letter: choiceField("e", [ANY, ...letters]) };
  }

  build() {
    this.wide = this.clientWidth < NARROW_BELOW ? NARROW : WIDE;
    const watcher = new ResizeObserver(() => {
      const wide = this.clientWidth < NARROW_BELOW ? NARROW : WIDE;
      if (!this.clientWidth || wide === this.wide) return;
      this.wide = wide;
      this.guard(() => this.show());
    });
    watcher.observe(this);
    this.whenLeaving(() => watcher.disconnect());
    this.pointing(this.letters, (i) => {
      const letter = this.list.letters[i];
      return { letter: letter === this.values.letter ? ANY : letter };
    });
    this.pointing(this.lengths, (i) => ({ length: i + 1 === this.values.length ? 0 : i + 1 }));
    const menus = [
      this.menu("letter", {
        label: "First letter",
        options: Object.fromEntries(
          this.fields.letter.among.map((one) => [one, one === ANY ? "any" : marked(one)]),
        ),
      }),
      this.menu("length", {
        label: "Letters",
        options: Object.fromEntries(
          Array.from({ length: MOST_LENGTH + 1 }, (_, i) => [i, i ? `${i}` : "any number"]),
        ),
      }),
    ];
    const own =
      this.lists.length > 1
        ? [this.menu("own", { label: "List", options: { 0: "names", 1: "your own list" } })]
        : [];
    const key = html(
      "p",
      { class: "mg-note" },
      "Click a bar, or drag along the bars. The dark foot of each bar, and the names with a dot, " +
        "are what a run of 1,000 steps is shown.",
    );
    const three = html(
      "div",
      { class: "list-two" },
      html("div", {}, this.letters, this.lengths),
      html("div", {}, this.some),
    );
    return [
      this.figure(three, { controls: [...menus, ...own, key] }),
      tableOf("The list", () => this.asTable()),
    ];
  }

  /** @private */
  get list() {
    return this.lists[Number(this.values.own && this.lists.length > 1)];
  }

  /**
   * A click chooses a bar, or all again; a drag chooses as it goes.
   * @private
   * @param {SVGSVGElement} picture
   * @param {(i: number) => Record<string, any>} pick
   */
  pointing(picture, pick) {
    /** @type {number | null} */ let held = null;
    const at = (/** @type {PointerEvent} */ event) => {
      const { left, width } = picture.getBoundingClientRect();
      const count = picture === this.letters ? this.list.letters.length : this.list.longest;
      return barAt(((event.clientX - left) * this.wide) / width, count, this.wide);
    };
    this.listen(picture, "pointerdown", (event) => {
      if (event.button !== 0) return;
      picture.setPointerCapture(event.pointerId);
      held = at(event);
      this.set(pick(held));
    });
    this.listen(picture, "pointermove", (event) => {
      if (held === null || at(event) === held) return;
      held = at(event);
      this.set(pick(held));
    });
    this.listen(picture, "pointerup pointercancel", () => (held = null));
  }

  /** What is chosen, as far as the list has it. @private */
  get chosen() {
    const { letter, length } = this.values;
    const { letters, longest } = this.list;
    return {
      letter: letters.includes(letter) ? letter : ANY,
      length: length > longest ? 0 : length,
    };
  }

  show() {
    const { list, chosen } = this;
    const found = foundOf(list, chosen);
    setAll(this.letters, { viewBox: `0 0 ${this.wide} ${LETTERS.height}` });
    setAll(this.lengths, { viewBox: `0 0 ${this.wide} ${LENGTHS.height}` });
    redraw(this.letters, letterBars(list, found, chosen, this.wide));
    redraw(this.lengths, lengthBars(list, found, chosen, this.wide));
    redraw(this.some, someNames(found, chosen));
    this.summary(() => sentence(list, found, chosen));
  }

  /** @private */
  asTable() {
    const { list, chosen } = this;
    const { byLetter, byLength } = foundOf(list, chosen);
    const line = (/** @type {string} */ name, /** @type {{all: number, shown: number}} */ one) => [
      name,
      counted(one.all),
      counted(one.shown),
    ];
    return {
      head: ["names", "in the list", "shown in training"],
      rows: [
        ...byLetter.map((one, i) => line(`with ${marked(list.letters[i])}`, one)),
        ...byLength.slice(1).map((one, i) => line(`of ${i + 1} letters`, one)),
      ],
    };
  }
}

/** The list that the reader has loaded in this tab, if it can be read. */
function kept() {
  const source = recall();
  if (!source) return null;
  try {
    const { text, name, column, titled } = source;
    const docs =
      typeof column === "number" ? cellsOf(tableIn(text, name), column, titled) : linesIn(text);
    return docs.length ? docs : null;
  } catch (error) {
    if (!(error instanceof MicrogptError)) throw error;
    return null;
  }
}

/** @param {{width: number, height: number}} size @param {string} label */
function box({ width, height }, label) {
  return {
    class: "list-picture",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": label,
  };
}

define("mg-dataset", MgDataset);
