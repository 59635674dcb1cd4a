// <mg-rung-diff from="0" to="1">: what changes from one rung to the next, line by line.

import { freshId, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { row } from "../js/kit/make.js";
import { choiceField, flagField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { fetched } from "../js/figures/fetched.js";
import { counted, hunks, lineDiff } from "../js/figures/rungs/line-diff.js";

/** @typedef {import("../js/figures/rungs/line-diff.js").Line} Line */

const SIGNS = { same: " ", out: "−", in: "+" };
const SAID = { same: "", out: "removed: ", in: "added: " };
const VIEWS = { changes: "what changes", all: "both complete programs" };

class MgRungDiff extends Widget {
  fields = { view: choiceField("changes", Object.keys(VIEWS)), header: flagField(false) };
  lines = /** @type {Line[]} */ ([]);
  count = html("p");
  list = html("ol");
  box = html("div", { class: "net-diff", tabindex: 0, role: "region" }, this.list);
  /** @private where the text of each program begins */ bodyAt = [0, 0];
  /** @private the change that was looked at last */ at = -1;

  async load() {
    const [from, to] = [this.numberOf("from", 0), this.numberOf("to", 1)];
    this.called = `rung-diff-${from}-${to}`;
    this.name = `rung ${from} to rung ${to}`;
    this.box.setAttribute("aria-label", `Lines that change from ${this.name}`);
    const read = async (/** @type {number} */ rung) => {
      const answer = await fetched(new URL(`../files/train${rung}.py`, import.meta.url));
      return (await answer.text()).trimEnd().split("\n");
    };
    const [before, after] = await Promise.all([read(from), read(to)]);
    this.lines = lineDiff(before, after);
    this.bodyAt = [before, after].map(
      (lines) => lines.findIndex((line, i) => i > 0 && line.startsWith('"""')) + 1,
    );
  }

  build() {
    const controls = row(
      this.menu("view", { label: "Show", options: VIEWS }),
      this.toggle("header", "Headers too"),
      this.button("Next change", () => this.next(), { class: "mg-button net-next" }),
    );
    return [this.count, controls, this.box];
  }

  show() {
    const { view, header } = this.values;
    const [before, after] = this.bodyAt;
    const lines = this.lines.filter(
      (line) => header || (line.before ?? 0) > before || (line.after ?? 0) > after,
    );
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
