// <mg-before-after from="2" to="3">: the blocks of two rungs side by side, what goes and what comes
// marked. A block says what it does and how many parameters it has.

import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { textField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { changed, flat, MODELS, parametersOf } from "../js/figures/rungs/before-after.js";

/** @typedef {import("../js/figures/rungs/before-after.js").Block} Block */

class MgBeforeAfter extends Widget {
  fields = { block: textField("", 20) };
  said = html("div", { class: "att-said" });

  load() {
    this.called = `before-after-${this.rungs.join("-")}`;
  }

  /** @private */
  get rungs() {
    return [this.numberOf("from", 2), this.numberOf("to", 3)];
  }

  build() {
    const [from, to] = this.rungs;
    const { gone, come } = changed(from, to);
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
    const models = [column(from, gone, "goes"), column(to, come, "new")];
    return [html("div", { class: "net-models" }, ...models), this.said];
  }

  /**
   * @private
   * @param {Block[]} blocks
   * @param {Set<string>} marked
   * @param {string} mark
   * @returns {HTMLElement}
   */
  listOf(blocks, marked, mark) {
    const keyOf = (/** @type {Block} */ { id, name }) => {
      const choose = () => this.set({ block: this.values.block === id ? "" : id });
      const data = marked.has(id) ? mark : null;
      const key = this.button("", choose, { class: "mg-button att-block", "data-mark": data });
      key.append(html("span", {}, name));
      if (data) key.append(" ", html("span", { class: "mg-tag" }, mark));
      this.follow(({ block }) => key.setAttribute("aria-pressed", String(block === id)));
      return key;
    };
    const below = (/** @type {Block} */ { inside }) =>
      inside ? [this.listOf(inside, marked, mark)] : [];
    const items = blocks.map((block) => html("li", {}, keyOf(block), ...below(block)));
    return html("ol", { class: "att-blocks" }, ...items);
  }

  show() {
    const { said } = this;
    const [from, to] = this.rungs;
    const block = [...flat(MODELS[from]), ...flat(MODELS[to])].find(
      ({ id }) => id === this.values.block,
    );
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
