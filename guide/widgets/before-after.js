// <mg-before-after from="2" to="3">: the blocks of two rungs, one model above the other, part under
// part; what goes and what comes is marked. A block says what it does and how many parameters it has.

import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { textField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { changed, flat, inParts, MODELS, parametersOf } from "../js/figures/rungs/before-after.js";

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
    const models = [this.model(from, gone, "goes"), this.model(to, come, "new")];
    const names = inParts(to).parts.map(({ name }) => html("p", { class: "net-head" }, name));
    const heads = html("div", { class: "att-parts", "aria-hidden": "true" }, ...names);
    return [this.figure([heads, ...models], { under: true, controls: [this.said] })];
  }

  /**
   * A row of parts, each with its blocks below one another.
   * @private
   * @param {number} rung
   * @param {Block[]} changing
   * @param {string} mark
   */
  model(rung, changing, mark) {
    const marked = new Set(changing.map(({ id }) => id));
    const { parts, around } = inParts(rung);
    const lists = parts.map(({ name, blocks }) =>
      html(
        "ol",
        { class: "att-blocks", "aria-label": name, "data-part": name },
        ...blocks.map((block) => html("li", {}, this.keyOf(block, marked, mark))),
      ),
    );
    const loop = around
      ? [html("div", { class: "att-loop" }, this.keyOf(around, marked, mark))]
      : [];
    return html(
      "section",
      { class: "att-model" },
      html(
        "p",
        { class: "mg-title" },
        `Rung ${rung}: ${parametersOf(rung).toLocaleString("en")} parameters`,
      ),
      html("div", { class: "att-parts" }, ...loop, ...lists),
    );
  }

  /** @private @param {Block} block @param {Set<string>} marked @param {string} mark */
  keyOf({ id, name }, marked, mark) {
    const choose = () => this.set({ block: this.values.block === id ? "" : id });
    const data = marked.has(id) ? mark : null;
    const key = this.button("", choose, { class: "mg-button att-block", "data-mark": data });
    key.append(html("span", {}, name));
    if (data) key.append(" ", html("span", { class: "mg-tag" }, mark));
    this.follow(({ block }) => key.setAttribute("aria-pressed", String(block === id)));
    return key;
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
      said.replaceChildren(html("p", {}, "Press a block to read what it does."));
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
