// <mg-rung-diff from="0" to="1">: what changes from one rung to the next, line by line.

import { freshId, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { row } from "../js/kit/make.js";
import { choiceField, flagField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { fetched } from "../js/figures/fetched.js";
import { counted, hunks, programDiff } from "../js/figures/rungs/line-diff.js";

/** @typedef {import("../js/figures/rungs/line-diff.js").Line} Line */

const SIGNS = { same: " ", out: "−", in: "+" };
const SAID = { same: "", out: "removed: ", in: "added: " };
const VIEWS = { changes: "what changes", all: "both complete programs" };
/** What the one menu offers: a view, with the programs' headers or without. */
const SHOWN = {
  changes: VIEWS.changes,
  "changes header": "what changes, headers too",
  all: VIEWS.all,
  "all header": "both complete programs, headers too",
};

class MgRungDiff extends Widget {
  fields = { view: choiceField("changes", Object.keys(VIEWS)), header: flagField(false) };
  lines = { all: /** @type {Line[]} */ ([]), body: /** @type {Line[]} */ ([]) };
  count = html("span", { class: "mg-soft" });
  list = html("ol");
  box = html("div", { class: "net-diff", tabindex: 0, role: "region" }, this.list);
  /** @private the change that was looked at last */ at = -1;

  async load() {
    const [from, to] = [this.numberOf("from", 0), this.numberOf("to", 1)];
    this.called = `rung-diff-${from}-${to}`;
    this.name = `rung ${from} to rung ${to}`;
    this.box.setAttribute("aria-label", `Lines that change from ${this.name}`);
    const read = async (/** @type {number} */ rung) => {
      const answer = await fetched(new URL(`../files/train${rung}.py`, import.meta.url));
      return answer.text();
    };
    const [before, after] = await Promise.all([read(from), read(to)]);
    this.lines = programDiff(before, after);
  }

  build() {
    const shown = this.menu("view", {
      label: "Show",
      options: SHOWN,
      now: ({ view, header }) => `${view}${header ? " header" : ""}`,
      act: (value) => {
        const [view, header] = value.split(" ");
        this.set({ view, header: header !== undefined });
      },
    });
    const next = this.button("Next change", () => this.next(), { class: "mg-button net-next" });
    return [row(shown, next, this.count), this.box];
  }

  show() {
    const { view, header } = this.values;
    const lines = header ? this.lines.all : this.lines.body;
    const places = hunks(lines);
    const gap = (/** @type {Line[]} */ part, /** @type {number} */ i) => {
      const first = part.find((line) => line.after !== null)?.after;
      return html(
        "li",
        { class: "net-gap", id: freshId("change"), tabindex: -1 },
        `change ${i + 1} of ${places.length}${first ? `, line ${first}` : ""}`,
      );
    };
    this.list.replaceChildren(
      ...(view === "all"
        ? lines.map(lineOf)
        : places.flatMap((part, i) => [gap(part, i), ...part.map(lineOf)])),
    );
    const { same, out, in: added } = counted(lines);
    this.count.textContent =
      `${added} lines added, ${out} removed, ${same} unchanged` +
      `${header ? "" : " (headers not counted)"}.`;
    this.summary(
      `From ${this.name}: ${added} lines added, ${out} removed, ${same} the same, in ` +
        `${places.length} places.`,
    );
  }

  /** To the next place that changed, and round. @private */
  next() {
    if (this.values.view === "all") this.set({ view: "changes" });
    const gaps = [.../** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".net-gap"))];
    if (!gaps.length) return;
    this.at = (this.at + 1) % gaps.length;
    this.box.scrollTop = gaps[this.at].offsetTop - this.box.offsetTop;
    gaps[this.at].focus({ preventScroll: true });
  }
}

/** @param {Line} line */
function lineOf({ kind, text, before, after }) {
  const heard = SAID[kind] ? [html("span", { class: "chat-heard" }, SAID[kind])] : [];
  return html(
    "li",
    { "data-kind": kind },
    html("span", {}, before ?? ""),
    html("span", {}, after ?? ""),
    html("span", { "aria-hidden": "true" }, SIGNS[kind]),
    html("code", {}, ...heard, text),
  );
}

define("mg-rung-diff", MgRungDiff);
