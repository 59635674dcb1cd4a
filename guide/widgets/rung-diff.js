// <mg-rung-diff from="0" to="1">: what changes from one rung to the next, line by line.

import { FileError } from "../js/errors.js";
import { freshId, html } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { choiceField, flagField, urlState } from "../js/kit/state.js";
import { counted, hunks, lineDiff } from "../js/figures/rungs/line-diff.js";
import { actor, menu, tools } from "../js/figures/parts.js";

/** @typedef {import("../js/figures/rungs/line-diff.js").Line} Line */

const SIGNS = { same: " ", out: "−", in: "+" };
const SAID = { same: "", out: "removed: ", in: "added: " };

class MgRungDiff extends KitElement {
  async build() {
    const [from, to] = [this.numberOf("from", 0), this.numberOf("to", 1)];
    this.name = `rung ${from} to rung ${to}`;
    const state = urlState(`rung-diff-${from}-${to}`, {
      view: choiceField("changes", ["changes", "all"]),
      header: flagField(false),
    });
    this.state = state;
    this.whenLeaving(() => state.close());
    this.count = html("p", {});
    this.view = menu(
      this,
      "Show",
      [
        ["changes", "what changes"],
        ["all", "both programs whole"],
      ],
      (view) => state.set({ view }),
    );
    this.header = actor(this, "Headers too", () => state.set({ header: !state.values.header }), {
      class: "mg-button net-chosen",
      "aria-pressed": "false",
    });
    this.list = html("ol", {});
    this.box = html(
      "div",
      {
        class: "net-diff",
        tabindex: 0,
        role: "region",
        "aria-label": `Lines that change from ${this.name}`,
      },
      this.list,
    );
    this.replaceChildren(
      this.count,
      html(
        "div",
        { class: "mg-row" },
        this.view.whole,
        this.header,
        actor(this, "Next change", () => this.next(), { class: "mg-button net-next" }),
      ),
      this.box,
      tools(this, state),
    );
    this.summary("Fetching the two programs.");
    const read = async (/** @type {number} */ rung) => {
      const answer = await fetch(new URL(`../files/train${rung}.py`, import.meta.url));
      if (!answer.ok)
        throw new FileError(
          `train${rung}.py can't be fetched (${answer.status}).`,
          "Is the guide still being served?",
        );
      return (await answer.text()).trimEnd().split("\n");
    };
    const [before, after] = await Promise.all([read(from), read(to)]);
    if (!this.isConnected) return;
    this.lines = lineDiff(before, after);
    this.bodyAt = [before, after].map(
      (lines) => lines.findIndex((line, i) => i > 0 && line.startsWith('"""')) + 1,
    );
    state.onChange(() => this.show());
    this.show();
  }

  /** Lines without the header of each program, unless it is asked for. @private */
  get shown() {
    const [before, after] = this.bodyAt ?? [0, 0];
    const { header } = /** @type {any} */ (this.state).values;
    return (this.lines ?? []).filter(
      (line) => header || (line.before ?? 0) > before || (line.after ?? 0) > after,
    );
  }

  /** @private */
  show() {
    const { view, header } = /** @type {any} */ (this.state).values;
    if (this.view) this.view.select.value = view;
    this.header?.setAttribute("aria-pressed", String(header));
    const lines = this.shown;
    const parts = view === "all" ? [lines] : hunks(lines);
    this.list?.replaceChildren(
      ...parts.flatMap((part, i) => {
        const first = part.find(({ after }) => after !== null)?.after;
        const gap =
          view === "all"
            ? []
            : [
                html(
                  "li",
                  { class: "net-gap", id: freshId("change"), tabindex: -1 },
                  `change ${i + 1} of ${parts.length}${first ? `, line ${first}` : ""}`,
                ),
              ];
        return [...gap, ...part.map(lineOf)];
      }),
    );
    const { same, out, in: added } = counted(lines);
    this.count?.replaceChildren(
      `${added} lines come, ${out} go, ${same} stay${header ? "" : " (headers not counted)"}.`,
    );
    this.summary(
      `From ${this.name}: ${added} lines added, ${out} removed, ${same} the same, in ` +
        `${hunks(lines).length} places.`,
    );
  }

  /** To the next place that changed, and round. @private */
  next() {
    const { view } = /** @type {any} */ (this.state).values;
    if (view === "all") this.state?.set({ view: "changes" });
    const gaps = [.../** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".net-gap"))];
    if (!gaps.length || !this.box) return;
    this.at = ((this.at ?? -1) + 1) % gaps.length;
    this.box.scrollTop = gaps[this.at].offsetTop - this.box.offsetTop;
    gaps[this.at].focus({ preventScroll: true });
  }
}

/** @param {Line} line */
function lineOf({ kind, text, before, after }) {
  return html(
    "li",
    { "data-kind": kind },
    html("span", {}, before ?? ""),
    html("span", {}, after ?? ""),
    html("span", { "aria-hidden": "true" }, SIGNS[kind]),
    html(
      "code",
      {},
      ...(SAID[kind] ? [html("span", { class: "chat-heard" }, SAID[kind])] : []),
      text,
    ),
  );
}

define("mg-rung-diff", MgRungDiff);
