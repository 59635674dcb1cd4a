// <mg-before-after from="2" to="3">: the blocks of two rungs side by side, what goes and what comes
// marked. A block says what it does and how many parameters it has.

import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { textField } from "../js/kit/state.js";
import { changed, flat, MODELS, parametersOf } from "../js/figures/rungs/before-after.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
import { actor } from "../js/figures/parts.js";

/** @typedef {import("../js/figures/rungs/before-after.js").Block} Block */

class MgBeforeAfter extends StatefulElement {
  build() {
    const [from, to] = [this.numberOf("from", 2), this.numberOf("to", 3)];
    this.rungs = [from, to];
    const state = this.stateOf(`before-after-${from}-${to}`, { block: textField("", 20) });
    const { gone, come } = changed(from, to);
    /** @type {Map<string, HTMLButtonElement[]>} */ this.keys = new Map();
    const column = (
      /** @type {number} */ rung,
      /** @type {Block[]} */ marked,
      /** @type {string} */ mark,
    ) =>
      html(
        "section",
        { class: "att-model" },
        html("h3", {}, `Rung ${rung}: ${parametersOf(rung).toLocaleString("en")} parameters`),
        this.listOf(MODELS[rung], new Set(marked.map(({ id }) => id)), mark),
      );
    this.said = html("div", { class: "att-said" });
    this.replaceChildren(
      html("div", { class: "net-models" }, column(from, gone, "goes"), column(to, come, "new")),
      this.said,
      this.tools(state),
    );
    this.show();
  }

  /**
   * @private
   * @param {Block[]} blocks
   * @param {Set<string>} marked
   * @param {string} mark
   * @returns {HTMLElement}
   */
  listOf(blocks, marked, mark) {
    return html(
      "ol",
      { class: "att-blocks" },
      ...blocks.map((block) => {
        const key = actor(
          this,
          "",
          () => this.state?.set({ block: this.state.values.block === block.id ? "" : block.id }),
          {
            class: "mg-button att-block",
            "aria-pressed": "false",
            "data-mark": marked.has(block.id) ? mark : null,
          },
        );
        key.append(html("span", {}, block.name));
        if (marked.has(block.id)) key.append(" ", html("span", { class: "mg-tag" }, mark));
        this.keys?.set(block.id, [...(this.keys.get(block.id) ?? []), key]);
        return html(
          "li",
          {},
          key,
          ...(block.inside ? [this.listOf(block.inside, marked, mark)] : []),
        );
      }),
    );
  }

  show() {
    const { state, keys, rungs, said } = this;
    if (!state || !keys || !rungs || !said) return;
    const [from, to] = rungs;
    const block = [...flat(MODELS[from]), ...flat(MODELS[to])].find(
      ({ id }) => id === state.values.block,
    );
    for (const [id, buttons] of keys)
      for (const key of buttons) key.setAttribute("aria-pressed", String(id === block?.id));
    const { gone, come } = changed(from, to);
    const names = (/** @type {Block[]} */ blocks) => blocks.map(({ name }) => name).join(", ");
    const all = `Rung ${from} to rung ${to}. New: ${names(come)}. Gone: ${names(gone)}.`;
    if (!block) {
      said.replaceChildren(html("p", {}, "Choose a block to read what it does."));
      this.summary(all);
      return;
    }
    const size = block.parameters
      ? ` ${block.parameters.toLocaleString("en")} parameters.`
      : block.inside
        ? ""
        : " No parameters.";
    const link = block.page
      ? [
          " ",
          html(
            "a",
            { href: new URL(`../learn/${block.page}/`, import.meta.url).pathname },
            "Its page",
          ),
        ]
      : [];
    said.replaceChildren(
      html("p", {}, html("b", {}, block.name), `: ${block.what}${size}`, ...link),
    );
    this.summary(`${block.name}: ${block.what}${size}`);
  }
}

define("mg-before-after", MgBeforeAfter);
